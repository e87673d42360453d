r"""Cmdlets: those of FailoverClusters that matter here, and the registry's on `HKLM:\` paths.

Parameters are recognised by name, by unambiguous beginning, by position, and as `-Name:value`. A pipe hands on one
object that was named: `Get-ClusterResource Spooler | Stop-ClusterResource`.
Sources: domain.md 35 (checkpoints), 116 (registry provider), 123-124 (clusters; `-Wait` waits to the end by default).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from sim.cluster.database import PRIVATE
from sim.cluster.setup import (
    AddDependency,
    ChangeGroup,
    CreateGroup,
    CreateResource,
    DeleteGroup,
    DeleteResource,
    EvictNode,
    RemoveDependency,
    SetDependencies,
    SetPossibleOwners,
    SetPreferredOwners,
)
from sim.registry import Value
from sim.registry.values import Type
from sim.scenario.cluster_exe import new_name, property_value, resource_type
from sim.scenario.command import (
    FOREVER,
    AddCheckpoints,
    ClearValue,
    CopyItem,
    CopyValue,
    CreateKey,
    DeleteKey,
    DeleteValue,
    DeleteValues,
    GroupVerb,
    Listing,
    NodeVerb,
    OnGroup,
    OnNode,
    OnResource,
    QueryKey,
    Reconfigure,
    RemoveCheckpoints,
    Request,
    ResourceVerb,
    SetParameters,
    SetValue,
    Shell,
    Target,
)
from sim.scenario.console import CommandError, Names, Word, find, hint, named, number, show, split, target

SECOND = 1_000_000


class Cmdlet(msgspec.Struct, frozen=True):
    """Parameters that take a value, switches, and which parameters positions mean, in order."""

    values: tuple[str, ...]
    switches: tuple[str, ...] = ()
    positions: tuple[str, ...] = ()


_NAMED = ("Name", "Cluster")
_PATH = ("Path", "LiteralPath")
_PROPERTY = (*_PATH, "Name")
_WAITS = (*_NAMED, "Wait")
_DEPENDS = ("Resource", "Provider", "Cluster")
_SURE = "Confirm"
"""`-Confirm:$false`: nobody is asked here anyway."""

CMDLETS: dict[str, Cmdlet] = {
    "Start-ClusterResource": Cmdlet(_WAITS, (), ("Name",)),
    "Stop-ClusterResource": Cmdlet(_WAITS, ("IgnoreLocked",), ("Name",)),
    "Get-ClusterResource": Cmdlet(_NAMED, (), ("Name",)),
    "Test-ClusterResourceFailure": Cmdlet(_NAMED, (), ("Name",)),
    "Move-ClusterResource": Cmdlet((*_NAMED, "Group"), (), ("Name", "Group")),
    "Add-ClusterResource": Cmdlet(
        (*_NAMED, "ResourceType", "Group"), ("SeparateMonitor",), ("Name", "ResourceType", "Group")
    ),
    "Remove-ClusterResource": Cmdlet((*_NAMED, _SURE), ("Force",), ("Name",)),
    "Start-ClusterGroup": Cmdlet(_WAITS, (), ("Name",)),
    "Stop-ClusterGroup": Cmdlet(_WAITS, ("IgnoreLocked",), ("Name",)),
    "Move-ClusterGroup": Cmdlet((*_NAMED, "Node", "Wait"), ("IgnoreLocked",), ("Name", "Node")),
    "Get-ClusterGroup": Cmdlet(_NAMED, (), ("Name",)),
    "Add-ClusterGroup": Cmdlet(_NAMED, (), ("Name",)),
    "Remove-ClusterGroup": Cmdlet((*_NAMED, _SURE), ("Force",), ("Name",)),
    "Add-ClusterCheckpoint": Cmdlet(("ResourceName", "RegistryCheckpoint", "Cluster"), (), ("ResourceName",)),
    "Get-ClusterCheckpoint": Cmdlet(
        ("ResourceName", "CheckpointName", "Cluster"), ("RegistryCheckpoint", "CryptoCheckpoint"), ("ResourceName",)
    ),
    "Remove-ClusterCheckpoint": Cmdlet(
        ("ResourceName", "CheckpointName", "Cluster", _SURE), ("RegistryCheckpoint", "Force"), ("ResourceName",)
    ),
    "Get-ClusterOwnerNode": Cmdlet(("Resource", "Group", "Cluster")),
    "Set-ClusterOwnerNode": Cmdlet(("Resource", "Group", "Owners", "Cluster"), (), ("Owners",)),
    "Add-ClusterResourceDependency": Cmdlet(_DEPENDS, (), ("Resource", "Provider")),
    "Remove-ClusterResourceDependency": Cmdlet(_DEPENDS, (), ("Resource", "Provider")),
    "Get-ClusterResourceDependency": Cmdlet(("Resource", "Cluster"), (), ("Resource",)),
    "Set-ClusterResourceDependency": Cmdlet(("Resource", "Dependency", "Cluster"), (), ("Resource", "Dependency")),
    "Suspend-ClusterNode": Cmdlet(_NAMED, (), ("Name",)),
    "Resume-ClusterNode": Cmdlet(_NAMED, (), ("Name",)),
    "Start-ClusterNode": Cmdlet(_WAITS, (), ("Name",)),
    "Stop-ClusterNode": Cmdlet(_WAITS, (), ("Name",)),
    "Get-ClusterNode": Cmdlet(_NAMED, (), ("Name",)),
    "Remove-ClusterNode": Cmdlet((*_WAITS, _SURE), ("Force",), ("Name",)),
    "Set-ClusterParameter": Cmdlet(("InputObject", "Name", "Value", "Cluster"), (), ("InputObject", "Name", "Value")),
    "Get-ClusterParameter": Cmdlet(("InputObject", "Name", "Cluster"), (), ("InputObject", "Name")),
    "Set-ItemProperty": Cmdlet((*_PROPERTY, "Value", "Type"), ("Force",), ("Path", "Name", "Value")),
    "New-ItemProperty": Cmdlet((*_PROPERTY, "Value", "PropertyType", "Type"), ("Force",), ("Path", "Name")),
    "Remove-ItemProperty": Cmdlet((*_PROPERTY, _SURE), ("Force",), ("Path", "Name")),
    "Get-ItemProperty": Cmdlet(_PROPERTY, (), ("Path", "Name")),
    "Get-ItemPropertyValue": Cmdlet(_PROPERTY, (), ("Path", "Name")),
    "Clear-ItemProperty": Cmdlet((*_PROPERTY, _SURE), ("Force",), ("Path", "Name")),
    "Rename-ItemProperty": Cmdlet((*_PROPERTY, "NewName"), ("Force",), ("Path", "Name", "NewName")),
    "Copy-ItemProperty": Cmdlet((*_PROPERTY, "Destination"), ("Force",), ("Path", "Destination", "Name")),
    "Move-ItemProperty": Cmdlet((*_PROPERTY, "Destination"), ("Force",), ("Path", "Destination", "Name")),
    "Clear-Item": Cmdlet((*_PATH, _SURE), ("Force",), ("Path",)),
    "New-Item": Cmdlet((*_PROPERTY, "Value", "ItemType"), ("Force",), ("Path",)),
    "Remove-Item": Cmdlet((*_PATH, _SURE), ("Recurse", "Force"), ("Path",)),
    "Copy-Item": Cmdlet((*_PATH, "Destination"), ("Recurse", "Force"), ("Path", "Destination")),
    "Move-Item": Cmdlet((*_PATH, "Destination"), ("Force",), ("Path", "Destination")),
    "Rename-Item": Cmdlet((*_PATH, "NewName"), ("Force",), ("Path", "NewName")),
    "Get-Item": Cmdlet(_PATH, (), ("Path",)),
    "Get-ChildItem": Cmdlet(_PATH, ("Recurse",), ("Path",)),
}

_CRYPTO = "keys of cryptographic providers are not modelled; -RegistryCheckpoint registers a registry key"
_DRAIN = "there is no draining in this generation; 'Move-ClusterGroup' moves a group first"
UNMODELLED: dict[str, dict[str, str]] = {
    "Start-ClusterNode": dict.fromkeys(
        ("FixQuorum", "FQ", "ForceQuorum"), "no quorum is forced here; leave it out to join or to form as usual"
    ),
    "Add-ClusterCheckpoint": dict.fromkeys(
        ("CryptoCheckpointName", "CryptoCheckpointType", "CryptoCheckpointKey"), _CRYPTO
    ),
    "Remove-ClusterCheckpoint": {"CryptoCheckpoint": _CRYPTO},
    "Remove-ClusterGroup": {"RemoveResources": "'Remove-ClusterResource' removes each of them first"},
    "Remove-ClusterNode": {"CleanupDisks": "disks are not cleaned up; leave it out"},
    "Suspend-ClusterNode": dict.fromkeys(("Drain", "ForceDrain", "TargetNode"), _DRAIN),
    "Resume-ClusterNode": {"Failback": "no group fails back here; 'Move-ClusterGroup' moves one"},
    "Get-ClusterOwnerNode": {"ResourceType": "every node may host every type; -Resource and -Group have owners"},
}
"""Documented parameters that are not modelled, and what is possible instead."""

UNMODELLED_CMDLETS = {
    "Suspend-ClusterResource": "it is maintenance of a disk; 'Stop-ClusterResource' takes a resource offline",
    "Resume-ClusterResource": "it is maintenance of a disk; 'Start-ClusterResource' brings a resource online",
}
"""Documented cmdlets that are not modelled (domain.md 123)."""

PIPED: dict[str, tuple[str, dict[str, str]]] = {
    "Get-ClusterResource": (
        "Name",
        {
            "ClusterResource": "Name",
            "ClusterResourceFailure": "Name",
            "ClusterParameter": "InputObject",
            "ClusterCheckpoint": "ResourceName",
            "ClusterOwnerNode": "Resource",
            "ClusterResourceDependency": "Resource",
        },
    ),
    "Get-ClusterGroup": ("Name", {"ClusterGroup": "Name", "ClusterOwnerNode": "Group"}),
    "Get-ClusterNode": ("Name", {"ClusterNode": "Name"}),
    "Get-Item": (
        "Path",
        dict.fromkeys(("Item", "ChildItem", "ItemProperty", "ItemPropertyValue"), "Path"),
    ),
}
"""The cmdlets whose one object a pipe hands on: the parameter that names it, and by noun the one that takes it."""

TYPES = {
    "String": Type.SZ,
    "ExpandString": Type.EXPAND_SZ,
    "Binary": Type.BINARY,
    "DWord": Type.DWORD,
    "MultiString": Type.MULTI_SZ,
    "QWord": Type.QWORD,
}
"""The registry provider's names of types (about_Registry_Provider)."""

Given = dict[str, Word]


def parse(line: str, names: Names, view: int) -> Request:
    """What a line of one cmdlet, or of one object piped into another, asks for. Raises CommandError."""
    parts = _pipeline(line)
    if len(parts) > 2:
        raise CommandError("a pipe hands on one object once here; type the cmdlets one after the other", parts[2][1])
    bound = [(cmdlet(words[0]), words) for words in (_words(*part) for part in parts)]
    name, words = bound[-1]
    piped: Given = {}
    if len(bound) == 2:
        piped = _handed_on(bound[0], name, words[0].offset)
    given = _bind(name, CMDLETS[name], words[1:], piped)
    verb, noun = name.split("-")
    match noun:
        case "ClusterResource" | "ClusterResourceFailure":
            return _resource(name, verb, given, names)
        case "ClusterGroup":
            return _group(name, verb, given, names)
        case "ClusterNode":
            return _node(name, verb, given, names)
        case "ClusterCheckpoint":
            return _checkpoint(name, verb, given, names)
        case "ClusterOwnerNode":
            return _owners(name, verb, given, names)
        case "ClusterResourceDependency":
            return _dependency(name, verb, given, names)
        case "ClusterParameter":
            return _parameter(name, verb, given, names)
    return _registry(name, given, view)


def cmdlet(word: Word) -> str:
    """The cmdlet of that name. Raises CommandError with the nearest one."""
    refused = find(word.text, UNMODELLED_CMDLETS)
    if refused is not None:
        raise CommandError(f"{refused} is documented and not modelled: {UNMODELLED_CMDLETS[refused]}", word.offset)
    found = find(word.text, CMDLETS)
    if found is None:
        raise CommandError(f"unknown command {show(word.text)}{hint(word.text, CMDLETS)}", word.offset)
    return found


def _pipeline(line: str) -> list[tuple[str, int]]:
    """The parts between bars that stand outside quotes, and where each begins."""
    parts, start, quote = [], 0, ""
    for at, char in enumerate(line):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == "|":
            parts.append((line[start:at], start))
            start = at + 1
    return [*parts, (line[start:], start)]


def _words(part: str, start: int) -> list[Word]:
    words = [Word(word.text, word.offset + start, word.bare) for word in split(part, single=True)]
    if not words:
        raise CommandError("a pipe between nothing; type a cmdlet on each side", start)
    return words


def _handed_on(producer: tuple[str, Sequence[Word]], consumer: str, offset: int) -> Given:
    """The parameter that the piped object fills in. Raises CommandError where nothing fits."""
    name, words = producer
    if name not in PIPED:
        raise CommandError(f"{name} hands on no object here{hint(name, PIPED)}", words[0].offset)
    naming, takers = PIPED[name]
    parameter = takers.get(consumer.split("-")[1])
    if parameter is None:
        fitting = [each for each in CMDLETS if each.split("-")[1] in takers]
        raise CommandError(f"{consumer} takes nothing from {name}{hint(consumer, fitting)}", offset)
    given = _bind(name, CMDLETS[name], words[1:], {})
    if naming not in given and "LiteralPath" not in given:
        raise CommandError(f"a pipe hands on one object here; name it with -{naming}", words[0].offset)
    return {parameter: given.get("LiteralPath") or given[naming]}


def _bind(name: str, cmdlet: Cmdlet, words: Sequence[Word], piped: Given) -> Given:
    """Parameters by their documented names. Raises CommandError for what is unknown, ambiguous, missing or too much."""
    given: Given = dict(piped)
    loose: list[Word] = []
    rest = _joined(words)
    while rest:
        word = rest.pop(0)
        if not (word.bare and word.text.startswith("-")) or _is_number(word.text):
            loose.append(word)
            continue
        typed, colon, after = word.text[1:].partition(":")
        parameter = _parameter_name(name, cmdlet, typed, word.offset)
        if parameter in given:
            raise CommandError(f"-{parameter} stands twice; once is enough", word.offset)
        if parameter in cmdlet.switches:
            given[parameter] = word
        elif colon and after:
            given[parameter] = Word(after, word.offset + len(typed) + 2, bare=False)
        elif rest:
            given[parameter] = rest.pop(0)
        else:
            raise CommandError(f"nothing follows -{parameter}; it takes a value", word.offset)
    free = [each for each in cmdlet.positions if each not in given]
    if len(loose) > len(free):
        extra = loose[len(free)]
        raise CommandError(f"{show(extra.text)} is one word too many; quote what has blanks", extra.offset)
    return {**given, **dict(zip(free, loose, strict=False))}


def _joined(words: Sequence[Word]) -> list[Word]:
    """Words with what a comma joins put together: `1, 2, 3` is one list."""
    joined: list[Word] = []
    for word in words:
        if joined and (joined[-1].text.endswith(",") or (word.bare and word.text.startswith(","))):
            joined[-1] = Word(joined[-1].text + word.text, joined[-1].offset, joined[-1].bare)
        else:
            joined.append(word)
    return joined


def _is_number(text: str) -> bool:
    return text[1:].isdecimal()


def _parameter_name(name: str, cmdlet: Cmdlet, typed: str, offset: int) -> str:
    known = (*cmdlet.values, *cmdlet.switches)
    exact = find(typed, known)
    if exact is not None:
        return exact
    refused = find(typed, UNMODELLED.get(name, {}))
    if refused is not None:
        raise CommandError(f"-{refused} of {name} is documented and not modelled: {UNMODELLED[name][refused]}", offset)
    begun = [each for each in known if typed and each.lower().startswith(typed.lower())]
    if len(begun) > 1:
        raise CommandError(f"-{typed} of {name} may be -{' or -'.join(begun)}; write one out", offset)
    if not begun:
        raise CommandError(f"{name} has no parameter {show('-' + typed)}{hint(typed, known)}", offset)
    return begun[0]


def _required(name: str, given: Given, parameter: str) -> Word:
    word = given.get(parameter)
    if word is None:
        raise CommandError(f"{name} needs -{parameter}; name it")
    return word


def _wait(given: Given) -> int | None:
    """`-Wait s`: by default to the end, 0 not at all (domain.md 124)."""
    if "Wait" not in given:
        return FOREVER
    return number(given["Wait"], 0, 10**6, "seconds") * SECOND or None


def _resource(name: str, verb: str, given: Given, names: Names) -> Request:
    if verb == "Get" and "Name" not in given:
        return OnResource(ResourceVerb.STATUS, None)
    typed = _required(name, given, "Name")
    if verb == "Add":
        kind, group = _required(name, given, "ResourceType"), _required(name, given, "Group")
        made = new_name(typed, names.resources)
        return Reconfigure(CreateResource(made, named(group, names.groups, "group"), resource_type(kind)))
    resource = named(typed, names.resources, "resource")
    if verb == "Move":
        return Reconfigure(ChangeGroup(resource, named(_required(name, given, "Group"), names.groups, "group")))
    if verb == "Remove":
        _sure(given)
        return Reconfigure(DeleteResource(resource))
    verbs = {
        "Start": ResourceVerb.ONLINE,
        "Stop": ResourceVerb.OFFLINE,
        "Test": ResourceVerb.FAIL,
        "Get": ResourceVerb.STATUS,
    }
    waits = verb in ("Start", "Stop")
    return OnResource(verbs[verb], resource, _wait(given) if waits else None)


def _sure(given: Given) -> None:
    """Nobody is there to confirm: `-Confirm:$false` says so, anything else would ask."""
    word = given.get(_SURE)
    if word is not None and word.text.lower() not in ("$false", "0"):
        raise CommandError(
            f"-Confirm asks {show(word.text)}, and nobody answers; -Confirm:$false would be", word.offset
        )


def _group(name: str, verb: str, given: Given, names: Names) -> Request:
    if verb == "Get" and "Name" not in given:
        return OnGroup(GroupVerb.STATUS, None)
    typed = _required(name, given, "Name")
    if verb == "Add":
        return Reconfigure(CreateGroup(new_name(typed, names.groups)))
    group = named(typed, names.groups, "group")
    if verb == "Remove":
        _sure(given)
        return Reconfigure(DeleteGroup(group))
    node = named(given["Node"], names.nodes, "node") if "Node" in given else None
    verbs = {"Start": GroupVerb.ONLINE, "Stop": GroupVerb.OFFLINE, "Move": GroupVerb.MOVE, "Get": GroupVerb.STATUS}
    return OnGroup(verbs[verb], group, node, None if verb == "Get" else _wait(given))


def _node(name: str, verb: str, given: Given, names: Names) -> Request:
    if verb == "Remove":
        _sure(given)
        return Reconfigure(EvictNode(named(_required(name, given, "Name"), names.nodes, "node")))
    node = named(given["Name"], names.nodes, "node") if "Name" in given else None
    verbs = {
        "Suspend": NodeVerb.PAUSE,
        "Resume": NodeVerb.RESUME,
        "Start": NodeVerb.START,
        "Stop": NodeVerb.STOP,
        "Get": NodeVerb.STATUS,
    }
    return OnNode(verbs[verb], node, _wait(given))


def _checkpoint(name: str, verb: str, given: Given, names: Names) -> Request:
    if verb == "Get":
        resource = named(given["ResourceName"], names.resources, "resource") if "ResourceName" in given else None
        only_crypto = "CryptoCheckpoint" in given and "RegistryCheckpoint" not in given
        pattern = given["CheckpointName"].text if "CheckpointName" in given else None
        return OnResource(ResourceVerb.CRYPTO if only_crypto else ResourceVerb.CHECKPOINTS, resource, name=pattern)
    resource = named(_required(name, given, "ResourceName"), names.resources, "resource")
    if verb == "Add":
        return AddCheckpoints(resource, (_required(name, given, "RegistryCheckpoint").text,))
    _sure(given)
    return RemoveCheckpoints(resource, (given["CheckpointName"].text,) if "CheckpointName" in given else ())


def _owners(name: str, verb: str, given: Given, names: Names) -> Request:
    """Possible owners of a resource, preferred owners of a group."""
    if ("Resource" in given) == ("Group" in given):
        raise CommandError(f"{name} needs either -Resource or -Group; name one")
    resource = named(given["Resource"], names.resources, "resource") if "Resource" in given else None
    group = named(given["Group"], names.groups, "group") if "Group" in given else None
    if verb == "Get":
        return OnGroup(GroupVerb.OWNERS, group) if resource is None else OnResource(ResourceVerb.OWNERS, resource)
    word = _required(name, given, "Owners")
    nodes = tuple(dict.fromkeys(named(each, names.nodes, "node") for each in _parts(word)))
    if resource is not None:
        if not nodes:
            raise CommandError("a resource needs a possible owner; -Owners NODE1 would name one", word.offset)
        return Reconfigure(SetPossibleOwners(resource, nodes))
    assert group is not None
    return Reconfigure(SetPreferredOwners(group, nodes))


def _dependency(name: str, verb: str, given: Given, names: Names) -> Request:
    resource = named(_required(name, given, "Resource"), names.resources, "resource")
    if verb == "Get":
        return OnResource(ResourceVerb.DEPENDENCIES, resource)
    if verb == "Set":
        return Reconfigure(SetDependencies(resource, _expression(_required(name, given, "Dependency"), names)))
    provider = named(_required(name, given, "Provider"), names.resources, "resource")
    return Reconfigure((AddDependency if verb == "Add" else RemoveDependency)(resource, provider))


_DEPENDENCY = re.compile(r"\[(?P<name>[^\[\]]+)\]")


def _expression(word: Word, names: Names) -> tuple[str, ...]:
    """`[R1] and [R2]`: what a resource needs. Raises CommandError; `or` came with 2008 and is not modelled."""
    found = tuple(
        named(Word(each["name"], word.offset), names.resources, "resource") for each in _DEPENDENCY.finditer(word.text)
    )
    between = _DEPENDENCY.sub(" ", word.text).replace("(", " ").replace(")", " ").lower().split()
    if "or" in between:
        raise CommandError("'or' between dependencies is documented and not modelled; 'and' is", word.offset)
    if any(each != "and" for each in between) or (word.text.strip() and not found):
        raise CommandError(f"{show(word.text)} is no dependency; '[RESOURCE] and [RESOURCE]' would be", word.offset)
    return tuple(dict.fromkeys(found))


def _parameter(name: str, verb: str, given: Given, names: Names) -> Request:
    resource = named(_required(name, given, "InputObject"), names.resources, "resource")
    if verb == "Get":
        return OnResource(ResourceVerb.PRIVATE, resource, name=given["Name"].text if "Name" in given else None)
    typed, value = _required(name, given, "Name"), _required(name, given, "Value")
    prop = find(typed.text, PRIVATE) or typed.text
    data = property_value(prop, value, PRIVATE) if value.bare or prop in PRIVATE else Value.sz(value.text)
    return SetParameters(resource, ((prop, data),))


def _registry(name: str, given: Given, view: int) -> Request:
    path = given.get("LiteralPath") or _required(name, given, "Path")
    goal = target(path, view, powershell=True)
    _sure(given)
    if name in ("Copy-Item", "Move-Item", "Rename-Item") and not goal.key.names:
        raise CommandError(f"{show(path.text)} is the root itself; HKLM:\\SOFTWARE\\... would be a key", path.offset)
    match name:
        case "New-Item":
            if "Name" in given:
                goal = msgspec.structs.replace(goal, key=goal.key / given["Name"].text)
            force = "Force" in given
            return CreateKey(goal, may_exist=force, parents=force)
        case "Remove-Item":
            return DeleteKey(goal, recurse="Recurse" in given)
        case "Clear-Item":
            return DeleteValues(goal)
        case "Get-Item":
            return _listing(goal, Listing.VALUES)
        case "Get-ChildItem":
            return _listing(goal, Listing.CHILDREN, recurse="Recurse" in given)
        case "Get-ItemProperty":
            return _listing(goal, Listing.VALUES, _value_name(given["Name"]) if "Name" in given else None)
        case "Copy-Item" | "Move-Item":
            new = target(_required(name, given, "Destination"), view, powershell=True)
            return CopyItem(goal, new, recurse="Recurse" in given, moves=name == "Move-Item")
        case "Rename-Item":
            renamed = msgspec.structs.replace(goal, key=goal.key.parent / _new_item(given, name))
            return CopyItem(goal, renamed, recurse=True, moves=True, renames=True)
    return _property(name, goal, given, view)


def _listing(goal: Target, listing: Listing, name: str | None = None, *, recurse: bool = False) -> QueryKey:
    return QueryKey(goal, name, recurse, listing=listing, shell=Shell.POWERSHELL)


def _new_item(given: Given, name: str) -> str:
    word = _required(name, given, "NewName")
    if "\\" in word.text or not word.text:
        raise CommandError(f"{show(word.text)} is no name of a key; a name without backslashes would be", word.offset)
    return word.text


def _property(name: str, goal: Target, given: Given, view: int) -> Request:
    """The cmdlets that name one value of a key."""
    value = _value_name(_required(name, given, "Name"))
    match name:
        case "Remove-ItemProperty":
            return DeleteValue(goal, value)
        case "Clear-ItemProperty":
            return ClearValue(goal, value)
        case "Get-ItemPropertyValue":
            return _listing(goal, Listing.DATA, value)
        case "Rename-ItemProperty":
            return CopyValue(goal, value, goal, _value_name(_required(name, given, "NewName")), moves=True)
        case "Copy-ItemProperty" | "Move-ItemProperty":
            new = target(_required(name, given, "Destination"), view, powershell=True)
            return CopyValue(goal, value, new, value, moves=name == "Move-ItemProperty")
    data = _data(given)
    if name == "Set-ItemProperty":
        return SetValue(goal, value, data, creates_key=False)
    return SetValue(goal, value, data, creates_key=False, may_exist="Force" in given)


def _value_name(word: Word) -> str:
    return "" if word.text.lower() == "(default)" else word.text


def _data(given: Given) -> Value:
    """The bytes that `-Value` and `-Type` say; without `-Type` a bare number is a DWord, else String."""
    word = given.get("Value", Word("", 0))
    kind_word = given.get("Type") or given.get("PropertyType")
    if kind_word is None:
        bare_number = word.bare and (word.text.isdecimal() or word.text.lower().startswith("0x"))
        return Value.dword(number(word, 0, 2**32 - 1, "a DWord")) if bare_number else Value.sz(word.text)
    found = find(kind_word.text, TYPES)
    if found is None:
        raise CommandError(f"unknown type {show(kind_word.text)}{hint(kind_word.text, TYPES)}", kind_word.offset)
    match TYPES[found]:
        case Type.DWORD:
            return Value.dword(number(word, 0, 2**32 - 1, "a DWord"))
        case Type.QWORD:
            return Value.qword(number(word, 0, 2**64 - 1, "a QWord"))
        case Type.BINARY:
            return Value.binary(bytes(number(each, 0, 255, "a byte") for each in _parts(word)))
        case Type.MULTI_SZ:
            return Value.multi_sz([each.text for each in _parts(word) if each.text])
        case Type.EXPAND_SZ:
            return Value.expand_sz(word.text)
    return Value.sz(word.text)


def _parts(word: Word) -> list[Word]:
    """The entries of a list: `1,2,0xff`, `@("a","b")`, `([byte[]](1,2))`."""
    text = word.text
    for opening in ("([byte[]](", "[byte[]](", "@(", "("):
        if text.lower().startswith(opening):
            text = text[len(opening) :].rstrip(")")
            break
    return [Word(part.strip(), word.offset) for part in text.split(",") if part.strip()]
