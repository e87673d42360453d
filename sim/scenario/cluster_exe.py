"""`cluster.exe`: resource, group, node and the cluster itself, with their documented switches and abbreviations.

Sources:  domain.md 33, 118-121; TechNet cc785087 (resource), cc783967 (group), cc781201 (cluster), Windows 2000 help
          SAG_MSCSAclstexe_5. What is documented and not modelled is refused in one line that says what is possible.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum

from sim.cluster.database import COMMON, GROUP_COMMON, PRIVATE
from sim.cluster.plan import ResourceType
from sim.cluster.setup import (
    AddDependency,
    AddOwner,
    ChangeGroup,
    CreateGroup,
    CreateResource,
    DeleteGroup,
    DeleteResource,
    EvictNode,
    RemoveDependency,
    RemoveOwner,
    SetGroupProperties,
    SetPreferredOwners,
)
from sim.registry import Value
from sim.scenario.command import (
    FOREVER,
    AddCheckpoints,
    ClusterVerb,
    GroupVerb,
    NodeVerb,
    OnCluster,
    OnGroup,
    OnNode,
    OnResource,
    Reconfigure,
    RemoveCheckpoints,
    Request,
    ResourceVerb,
    SetParameters,
)
from sim.scenario.console import CommandError, Names, Word, find, hint, named, number, show


class Takes(Enum):
    """Whether a switch has a value after its colon."""

    NOTHING = "nothing"
    MAYBE = "maybe"
    VALUE = "value"


OBJECTS = {"resource": "resource", "res": "resource", "group": "group", "node": "node"}

UNMODELLED_OBJECTS = ("resourcetype", "restype", "network", "net", "netinterface", "netint")
"""Objects that cluster.exe documents and that have nothing to do with checkpoints."""

RESOURCE = {
    "/stat[us]": Takes.NOTHING,
    "/on[line]": Takes.NOTHING,
    "/off[line]": Takes.NOTHING,
    "/fail": Takes.NOTHING,
    "/priv[properties]": Takes.MAYBE,
    "/prop[erties]": Takes.MAYBE,
    "/check[points]": Takes.NOTHING,
    "/addcheck[points]": Takes.VALUE,
    "/removecheck[points]": Takes.VALUE,
    "/cryptocheck[points]": Takes.NOTHING,
    "/wait": Takes.MAYBE,
    "/create": Takes.NOTHING,
    "/group": Takes.VALUE,
    "/type": Takes.VALUE,
    "/separate": Takes.NOTHING,
    "/delete": Takes.NOTHING,
    "/addowner": Takes.VALUE,
    "/removeowner": Takes.VALUE,
    "/listowners": Takes.NOTHING,
    "/move[to]": Takes.VALUE,
    "/listdep[endencies]": Takes.NOTHING,
    "/adddep[endency]": Takes.VALUE,
    "/removedep[endency]": Takes.VALUE,
}
GROUP = {
    "/stat[us]": Takes.NOTHING,
    "/node": Takes.VALUE,
    "/on[line]": Takes.MAYBE,
    "/off[line]": Takes.NOTHING,
    "/move[to]": Takes.MAYBE,
    "/wait": Takes.MAYBE,
    "/prop[erties]": Takes.MAYBE,
    "/create": Takes.NOTHING,
    "/delete": Takes.NOTHING,
    "/listowners": Takes.NOTHING,
    "/setowners": Takes.VALUE,
}
NODE = {
    "/stat[us]": Takes.NOTHING,
    "/pause": Takes.NOTHING,
    "/resume": Takes.NOTHING,
    "/start": Takes.NOTHING,
    "/stop": Takes.NOTHING,
    "/evict": Takes.NOTHING,
    "/prop[erties]": Takes.MAYBE,
    "/listint[erfaces]": Takes.NOTHING,
    "/wait": Takes.MAYBE,
}
CLUSTER = {"/ver[sion]": Takes.NOTHING, "/list": Takes.MAYBE}
KNOWN = {"resource": RESOURCE, "group": GROUP, "node": NODE, "cluster": CLUSTER}

RENAME = "a name is what a history knows a thing by; give it the name from the start"
NO_PRIVATE = "it has no private properties here; '/properties' are the common ones"
CRYPTO = "keys of cryptographic providers are not modelled; '/addcheckpoints' registers a registry key"
UNMODELLED = {
    "resource": {
        "/ren[ame]": RENAME,
        "/maint[enancemode]": "disks have no maintenance here; '/offline' is what stops a resource",
        "/addcryptocheck[points]": CRYPTO,
        "/removecryptocheck[points]": CRYPTO,
    },
    "group": {"/ren[ame]": RENAME, "/priv[properties]": NO_PRIVATE},
    "node": {"/priv[properties]": NO_PRIVATE, "/force": "there is nothing to clean up; '/evict' removes a node"},
    "cluster": {
        "/ren[ame]": "the cluster has no name here; leave it out",
        "/quorum[resource]": "the quorum disk is given; the faults 'quorum-offline' and 'quorum-slow' change it",
        "/prop[erties]": "the cluster has no properties here; a resource, a group and a node have",
        "/priv[properties]": "the cluster has no properties here; a resource, a group and a node have",
        "/create": "the cluster is there; 'cluster:' of the scenario says what it is",
        "/add[nodes]": "the nodes are given; 'nodes:' of the scenario lists them",
        "/changepass[word]": "accounts are not modelled; leave it out",
        "/listnetpri[ority]": "networks are not modelled; leave it out",
        "/setnetpri[ority]": "networks are not modelled; leave it out",
    },
}
"""What is documented and not modelled, and what is possible instead."""

SECOND = 1_000_000

MOVE_WAIT = 20 * SECOND
"""`/moveto` without `/wait` waits so long (TechNet cc783967; domain.md 119)."""


class Switch:
    """A switch as typed: its documented name, its value after the colon, and where it stands."""

    __slots__ = ("name", "offset", "value")

    def __init__(self, name: str, value: Word | None, offset: int) -> None:
        self.name = name
        self.value = value
        self.offset = offset


Switches = dict[str, Switch]


def parse(words: Sequence[Word], names: Names) -> Request:
    """What a line after `cluster` asks for. Raises CommandError."""
    rest = list(words)
    if len(rest) > 1 and not _is_object(rest[0]) and (_is_object(rest[1]) or _is_switch(rest[1], "cluster")):
        rest.pop(0)  # `cluster [/cluster:]NAME ...`: there is one cluster, whatever it is called
    if rest and rest[0].text.startswith("/"):
        switches, arguments = _switches(rest, "cluster")
        if arguments:
            raise _too_many(arguments[0])
        switch = _only(switches)
        return OnCluster(ClusterVerb.VERSION if switch.name == "/version" else ClusterVerb.LIST)
    if not rest or not _is_object(rest[0]):
        word = rest[0] if rest else Word("", 0)
        raise CommandError(f"unknown command {show('cluster ' + word.text)}{hint(word.text, OBJECTS)}", word.offset)
    if rest[0].text.lower() in UNMODELLED_OBJECTS:
        raise CommandError(
            f"{show('cluster ' + rest[0].text)} is documented and not modelled; resource, group and node are",
            rest[0].offset,
        )
    kind = OBJECTS[rest.pop(0).text.lower()]
    name = rest.pop(0) if rest and not (rest[0].bare and rest[0].text.startswith("/")) else None
    switches, arguments = _switches(rest, kind)
    wait = switches.pop("/wait", None)
    if arguments and not {"/privproperties", "/properties"} & switches.keys():
        raise _too_many(arguments[0])
    if kind == "resource":
        return _resource(name, switches, arguments, wait, names)
    if kind == "group":
        return _group(name, switches, arguments, wait, names)
    return _node(name, switches, arguments, wait, names)


def _is_object(word: Word) -> bool:
    return word.text.lower() in OBJECTS or word.text.lower() in UNMODELLED_OBJECTS


def _is_switch(word: Word, kind: str) -> bool:
    typed = word.text.partition(":")[0]
    return _documented(typed, (*KNOWN[kind], *UNMODELLED[kind])) is not None


def _switches(words: Sequence[Word], kind: str) -> tuple[Switches, list[Word]]:
    found: Switches = {}
    arguments: list[Word] = []
    known = KNOWN[kind]
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.text.startswith("/"):
            arguments.append(word)
            continue
        typed, colon, after = word.text.partition(":")
        documented = _documented(typed, known)
        if documented is None:
            unmodelled = _documented(typed, UNMODELLED[kind])
            if unmodelled is not None:
                reason = UNMODELLED[kind][unmodelled]
                raise CommandError(f"{show(typed)} is documented and not modelled: {reason}", word.offset)
            plain = [_plain(each) for each in known]
            owner = "cluster" if kind == "cluster" else f"cluster {kind}"
            raise CommandError(f"'{owner}' has no switch {show(typed)}{hint(typed, plain)}", word.offset)
        value = Word(after, word.offset + len(typed) + 1) if colon and after else None
        if colon and value is None and rest:
            value = rest.pop(0)  # KB 912397 writes a blank after the colon: /removecheck: "Software\..."
        name = _plain(documented)
        if value is not None and known[documented] is Takes.NOTHING:
            raise CommandError(f"{show(typed)} takes no value; leave {show(':' + value.text)} out", word.offset)
        if value is None and known[documented] is Takes.VALUE:
            raise CommandError(f"{name} needs {_wanted(name)}", word.offset)
        if name in found:
            raise CommandError(f"{show(typed)} stands twice; once is enough", word.offset)
        found[name] = Switch(name, value, word.offset)
    return found, arguments


def _plain(documented: str) -> str:
    return documented.replace("[", "").replace("]", "")


def _wanted(name: str) -> str:
    """What a switch's value would be, as one types it."""
    if name.endswith("checkpoints"):
        return f'a key; {name}:"SOFTWARE\\..."'
    kinds = {
        "/group": "a group; /group:NAME",
        "/type": 'a resource type; /type:"Generic Service"',
        "/moveto": "a group; /moveto:GROUP",
        "/node": "a node; /node:NODE",
        "/setowners": "nodes; /setowners:NODE1,NODE2",
        "/adddependency": "a resource; /adddependency:RESOURCE",
        "/removedependency": "a resource; /removedependency:RESOURCE",
    }
    return kinds.get(name, f"a node; {name}:NODE")


def _documented(typed: str, known: Sequence[str] | Mapping[str, object]) -> str | None:
    """The documented switch that was typed, whole or abbreviated no further than its brackets allow."""
    for each in known:
        least, _, more = each.replace("]", "").partition("[")
        if typed.lower().startswith(least) and (least + more).startswith(typed.lower()):
            return each
    return None


def _too_many(word: Word) -> CommandError:
    return CommandError(f"{show(word.text)} is one word too many; quote what has blanks", word.offset)


def _only(switches: Switches) -> Switch:
    """The one switch of a line; none is `/status`. Raises CommandError for two."""
    if len(switches) > 1:
        second = list(switches.values())[1]
        raise CommandError(f"{show(second.name)} is one switch too many; a line does one thing", second.offset)
    return next(iter(switches.values()), Switch("/status", None, 0))


def _patience(wait: Switch | None) -> int | None:
    if wait is None:
        return None
    return FOREVER if wait.value is None else number(wait.value, 0, 10**6, "seconds") * SECOND


def _nodes(word: Word, names: Names) -> tuple[str, ...]:
    """`N1,N2`, each once. Raises CommandError."""
    found: list[str] = []
    for part in word.text.split(","):
        node = named(Word(part.strip(), word.offset), names.nodes, "node")
        if node in found:
            raise CommandError(f"node {show(node)} stands twice; once is enough", word.offset)
        found.append(node)
    return tuple(found)


def _waits(wait: Switch | None, switch: Switch, waiting: tuple[str, ...]) -> int | None:
    """How long the line waits. Raises CommandError where the switch is none that waits."""
    if wait is not None and switch.name not in waiting:
        raise CommandError(f"/wait does not go with {switch.name}; leave it out", wait.offset)
    return _patience(wait)


# --- properties ---------------------------------------------------------------------------------------------


_ASSIGNMENT = re.compile(r"(?P<name>[^=:]+)=(?P<value>.*)\Z", re.DOTALL)

LIMITS = {"RestartAction": 2, "FailoverPeriod": 1193, "AutoFailbackType": 1}
"""The largest value of a number, where it is documented (domain.md 65, 67, 69)."""


def _assignments(
    switch: Switch, arguments: Sequence[Word], known: dict[str, str], kind: str, *, others: bool
) -> tuple[tuple[tuple[str, Value], ...], str | None]:
    """`/prop NAME=VALUE ...`: what is set; or `/prop[:NAME]`: the one that is listed. `others`: unknown ones may be."""
    listed = switch.value
    words = list(arguments)
    if listed is not None and "=" in listed.text:
        words, listed = [listed, *words], None
    values = tuple(_assignment(word, known, kind, others=others) for word in words)
    if values and listed is not None:
        raise CommandError(f"{show(listed.text)} lists and {show(words[0].text)} sets; do one", words[0].offset)
    if listed is None:
        return values, None
    name = find(listed.text, known)
    if name is None and not others:
        raise CommandError(f"unknown {kind} {show(listed.text)}{hint(listed.text, known)}", listed.offset)
    return (), name or listed.text


def _assignment(word: Word, known: dict[str, str], kind: str, *, others: bool) -> tuple[str, Value]:
    """`Name=Value`: by the property's documented kind; one that is not documented is a DWORD if a number (assumed)."""
    found = _ASSIGNMENT.match(word.text)
    if found is None:
        raise CommandError(f"{show(word.text)} sets no property; Name=Value would", word.offset)
    typed, text = found["name"], found["value"]
    name = find(typed, known)
    if name is None and not others:
        raise CommandError(f"unknown {kind} {show(typed)}{hint(typed, known)}", word.offset)
    return name or typed, property_value(name or typed, Word(text, word.offset + len(typed) + 1), known)


def property_value(name: str, word: Word, known: Mapping[str, str]) -> Value:
    """The data that a property's text means. Raises CommandError for a number that is none, or too large."""
    kind = known.get(name)
    if kind == "number":
        return Value.dword(number(word, 0, LIMITS.get(name, 2**32 - 1), f"property {name}"))
    if kind is None and word.text.isdecimal() and word.text.isascii() and int(word.text) < 2**32:
        return Value.dword(int(word.text))
    return Value.sz(word.text)


# --- resources ----------------------------------------------------------------------------------------------


def _resource(
    name: Word | None, switches: Switches, arguments: list[Word], wait: Switch | None, names: Names
) -> Request:
    if "/create" in switches:
        return _create(name, switches, wait, names)
    for each in ("/group", "/type", "/separate"):
        if each in switches:
            raise CommandError(f"{each} goes with /create; add it, or leave {each} out", switches[each].offset)
    switch = _only(switches)
    patience = _waits(wait, switch, ("/online", "/offline"))
    if switch.name in ("/properties", "/privproperties"):
        return _properties(name, switch, arguments, names)
    if name is None:
        if switch.name == "/status":
            return OnResource(ResourceVerb.STATUS, None)
        raise CommandError(f"which resource{hint('', names.resources)}")
    resource = named(name, names.resources, "resource")
    if switch.value is not None:
        return _resource_with(resource, switch, switch.value, names)
    match switch.name:
        case "/online" | "/offline":
            return OnResource(ResourceVerb(switch.name[1:]), resource, patience)
        case "/delete":
            return Reconfigure(DeleteResource(resource))
    return OnResource(LISTS[switch.name], resource)


LISTS = {
    "/status": ResourceVerb.STATUS,
    "/fail": ResourceVerb.FAIL,
    "/checkpoints": ResourceVerb.CHECKPOINTS,
    "/cryptocheckpoints": ResourceVerb.CRYPTO,
    "/listowners": ResourceVerb.OWNERS,
    "/listdependencies": ResourceVerb.DEPENDENCIES,
}
"""What a switch without a value asks of a resource."""


def _resource_with(resource: str, switch: Switch, value: Word, names: Names) -> Request:
    """A switch with a value: `/addowner:NODE` and its like."""
    changes: dict[str, Callable[[], Request]] = {
        "/addcheckpoints": lambda: AddCheckpoints(resource, _keys(value)),
        "/removecheckpoints": lambda: RemoveCheckpoints(resource, _keys(value)),
        "/addowner": lambda: Reconfigure(AddOwner(resource, named(value, names.nodes, "node"))),
        "/removeowner": lambda: Reconfigure(RemoveOwner(resource, named(value, names.nodes, "node"))),
        "/moveto": lambda: Reconfigure(ChangeGroup(resource, named(value, names.groups, "group"))),
        "/adddependency": lambda: Reconfigure(AddDependency(resource, named(value, names.resources, "resource"))),
        "/removedependency": lambda: Reconfigure(RemoveDependency(resource, named(value, names.resources, "resource"))),
    }
    return changes[switch.name]()


def _create(name: Word | None, switches: Switches, wait: Switch | None, names: Names) -> Request:
    """`/create /group:G /type:T [/separate]`; a Resource Monitor of its own makes no difference here."""
    if name is None:
        raise CommandError("which resource; name the one to create", switches["/create"].offset)
    for switch in (*switches.values(), *((wait,) if wait is not None else ())):
        if switch.name not in ("/create", "/group", "/type", "/separate"):
            raise CommandError(f"{show(switch.name)} does not go with /create; leave it out", switch.offset)
    for needed in ("/group", "/type"):
        if needed not in switches:
            raise CommandError(f"/create needs {_wanted(needed)}", switches["/create"].offset)
    group, kind = switches["/group"].value, switches["/type"].value
    assert group is not None
    assert kind is not None
    return Reconfigure(
        CreateResource(new_name(name, names.resources), named(group, names.groups, "group"), resource_type(kind))
    )


def new_name(word: Word, known: Sequence[str]) -> str:
    """The name of what is created; one that is known already is that one. Raises CommandError for none."""
    if not word.text.strip():
        raise CommandError("an empty name; name it", word.offset)
    return find(word.text, known) or word.text


def resource_type(word: Word) -> ResourceType:
    """The resource type of that name. Raises CommandError with the nearest one."""
    return ResourceType(named(word, [each.value for each in ResourceType], "resource type"))


def _properties(name: Word | None, switch: Switch, arguments: list[Word], names: Names) -> Request:
    """`/prop` and `/priv`: "If you do not provide a resource name, properties for all resources are displayed"."""
    common = switch.name == "/properties"
    known, kind = (COMMON, "common property") if common else (PRIVATE, "private property")
    values, listed = _assignments(switch, arguments, known, kind, others=not common)
    resource = None if name is None else named(name, names.resources, "resource")
    if not values:
        return OnResource(ResourceVerb.COMMON if common else ResourceVerb.PRIVATE, resource, name=listed)
    if resource is None:
        raise CommandError(f"which resource{hint('', names.resources)}")
    return SetParameters(resource, values, common)


def _keys(value: Word) -> tuple[str, ...]:
    keys = tuple(value.text.split(","))
    for key in keys:
        if not key.strip("\\") or "\\\\" in key.strip("\\"):
            raise CommandError(f"{show(key)} is no key; SOFTWARE\\... would be", value.offset)
    return keys


# --- groups and nodes ---------------------------------------------------------------------------------------


def _group(name: Word | None, switches: Switches, arguments: list[Word], wait: Switch | None, names: Names) -> Request:
    switch = _only(switches)
    patience = _waits(wait, switch, ("/online", "/offline", "/moveto"))
    if name is None:
        if switch.name in ("/status", "/node"):
            node = None if switch.value is None else named(switch.value, names.nodes, "node")
            return OnGroup(GroupVerb.STATUS, None, node)
        if switch.name == "/properties" and not arguments:
            _, listed = _assignments(switch, arguments, GROUP_COMMON, "common property", others=False)
            return OnGroup(GroupVerb.COMMON, None, name=listed)
        raise CommandError(f"which group{hint('', names.groups)}")
    if switch.name == "/create":
        return Reconfigure(CreateGroup(new_name(name, names.groups)))
    group = named(name, names.groups, "group")
    match switch.name:
        case "/delete":
            return Reconfigure(DeleteGroup(group))
        case "/setowners":
            assert switch.value is not None
            return Reconfigure(SetPreferredOwners(group, _nodes(switch.value, names)))
        case "/listowners":
            return OnGroup(GroupVerb.OWNERS, group)
        case "/properties":
            values, listed = _assignments(switch, arguments, GROUP_COMMON, "common property", others=False)
            if values:
                return Reconfigure(SetGroupProperties(group, values))
            return OnGroup(GroupVerb.COMMON, group, name=listed)
    node = None if switch.value is None else named(switch.value, names.nodes, "node")
    match switch.name:
        case "/moveto":
            return OnGroup(GroupVerb.MOVE, group, node, MOVE_WAIT if wait is None else patience)
        case "/node":
            return OnGroup(GroupVerb.STATUS, group, node)
    return OnGroup(GroupVerb(switch.name[1:]), group, node, patience)


def _node(name: Word | None, switches: Switches, arguments: list[Word], wait: Switch | None, names: Names) -> Request:
    switch = _only(switches)
    patience = _waits(wait, switch, ("/start", "/stop"))
    node = None if name is None else named(name, names.nodes, "node")
    match switch.name:
        case "/evict":
            if node is None:
                raise CommandError(f"which node{hint('', names.nodes)}", switch.offset)
            return Reconfigure(EvictNode(node))
        case "/properties":
            if arguments or (switch.value is not None and "=" in switch.value.text):
                raise CommandError(
                    "the properties of a node are not to be set here; '/properties' lists them", switch.offset
                )
            return OnNode(NodeVerb.COMMON, node)
        case "/listinterfaces":
            return OnNode(NodeVerb.INTERFACES, node)
    return OnNode(NodeVerb(switch.name[1:]), node, FOREVER if wait is None else patience)
