"""`cluster.exe`: resource, group and node with their documented switches and abbreviations (domain.md 33, 118-121)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sim.registry import Value
from sim.scenario.command import (
    FOREVER,
    AddCheckpoints,
    GroupVerb,
    NodeVerb,
    OnGroup,
    OnNode,
    OnResource,
    RemoveCheckpoints,
    Request,
    ResourceVerb,
    SetParameters,
)
from sim.scenario.console import CommandError, Names, Word, hint, named, number, show

OBJECTS = {"resource": "resource", "res": "resource", "group": "group", "node": "node"}

RESOURCE = (
    "/stat[us]", "/on[line]", "/off[line]", "/fail", "/priv[properties]", "/prop[erties]", "/check[points]",
    "/addcheck[points]", "/removecheck[points]", "/wait",
)  # fmt: skip
GROUP = ("/stat[us]", "/on[line]", "/off[line]", "/move[to]", "/wait")
NODE = ("/stat[us]", "/pause", "/resume", "/start", "/stop", "/wait")
UNMODELLED = (
    "/create", "/delete", "/ren[ame]", "/addowner", "/removeowner", "/listowners", "/move[to]", "/maint",
    "/listdep[endencies]", "/adddep[endency]", "/removedep[endency]", "/addcryptocheck[points]",
    "/removecryptocheck[points]", "/setowners", "/evict", "/force", "/listinterfaces", "/priv[properties]",
    "/prop[erties]", "/node", "/cryptocheck[points]",
)  # fmt: skip

SECOND = 1_000_000


class Switch:
    """A switch as typed: its documented name, its value after the colon, and where it stands."""

    __slots__ = ("name", "offset", "value")

    def __init__(self, name: str, value: Word | None, offset: int) -> None:
        self.name = name
        self.value = value
        self.offset = offset


def parse(words: Sequence[Word], names: Names) -> Request:
    """What a line after `cluster` asks for. Raises CommandError."""
    rest = list(words)
    if len(rest) > 1 and rest[0].text.lower() not in OBJECTS and rest[1].text.lower() in OBJECTS:
        rest.pop(0)  # `cluster [/cluster:]NAME ...`: there is one cluster, whatever it is called
    if not rest or rest[0].text.lower() not in OBJECTS:
        word = rest[0] if rest else Word("", 0)
        raise CommandError(f"unknown command {show('cluster ' + word.text)}{hint(word.text, OBJECTS)}", word.offset)
    kind = OBJECTS[rest.pop(0).text.lower()]
    name = rest.pop(0) if rest and not (rest[0].bare and rest[0].text.startswith("/")) else None
    known = {"resource": RESOURCE, "group": GROUP, "node": NODE}[kind]
    switches, arguments = _switches(rest, kind, known)
    wait = switches.pop("/wait", None)
    if len(switches) > 1:
        second = list(switches.values())[1]
        raise CommandError(f"{show(second.name)} is one switch too many; a line does one thing", second.offset)
    switch = next(iter(switches.values()), Switch("/status", None, 0))
    patience = _patience(wait)
    if kind == "resource":
        return _resource(name, switch, arguments, patience, names)
    if arguments:
        raise CommandError(
            f"{show(arguments[0].text)} is one word too many; quote what has blanks", arguments[0].offset
        )
    if kind == "group":
        return _group(name, switch, patience, names)
    node = None if name is None else named(name, names.nodes, "node")
    return OnNode(NodeVerb(switch.name[1:]), node, FOREVER if patience is None and wait is None else patience)


def _switches(words: Sequence[Word], kind: str, known: Sequence[str]) -> tuple[dict[str, Switch], list[Word]]:
    found: dict[str, Switch] = {}
    arguments: list[Word] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.text.startswith("/"):
            arguments.append(word)
            continue
        typed, colon, after = word.text.partition(":")
        name = _documented(typed, known)
        if name is None:
            if _documented(typed, UNMODELLED) is not None:
                raise CommandError(f"{show(typed)} is documented and not modelled; leave it out", word.offset)
            plain = [each.replace("[", "").replace("]", "") for each in known]
            raise CommandError(f"'cluster {kind}' has no switch {show(typed)}{hint(typed, plain)}", word.offset)
        value = Word(after, word.offset + len(typed) + 1) if colon and after else None
        if colon and value is None and rest:
            value = rest.pop(0)  # KB 912397 writes a blank after the colon: /removecheck: "Software\..."
        if name in found:
            raise CommandError(f"{show(typed)} stands twice; once is enough", word.offset)
        found[name] = Switch(name, value, word.offset)
    return found, arguments


def _documented(typed: str, known: Sequence[str]) -> str | None:
    """The documented switch that was typed, whole or abbreviated no further than its brackets allow."""
    for each in known:
        least, _, more = each.replace("]", "").partition("[")
        if typed.lower().startswith(least) and (least + more).startswith(typed.lower()):
            return least + more
    return None


def _patience(wait: Switch | None) -> int | None:
    if wait is None:
        return None
    return FOREVER if wait.value is None else number(wait.value, 0, 10**6, "seconds") * SECOND


def _resource(name: Word | None, switch: Switch, arguments: list[Word], wait: int | None, names: Names) -> Request:
    if name is None:
        if switch.name == "/status":
            return OnResource(ResourceVerb.STATUS, None)
        raise CommandError(f"which resource{hint('', names.resources)}")
    resource = named(name, names.resources, "resource")
    if arguments and switch.name not in ("/privproperties", "/properties"):
        raise CommandError(
            f"{show(arguments[0].text)} is one word too many; quote what has blanks", arguments[0].offset
        )
    match switch.name:
        case "/addcheckpoints":
            return AddCheckpoints(resource, _keys(switch))
        case "/removecheckpoints":
            return RemoveCheckpoints(resource, _keys(switch))
        case "/checkpoints":
            return OnResource(ResourceVerb.CHECKPOINTS, resource)
        case "/privproperties" | "/properties":
            if not arguments:
                return OnResource(ResourceVerb.LIST_PARAMETERS, resource)
            return SetParameters(resource, tuple(map(_assignment, arguments)), switch.name == "/properties")
        case "/fail":
            return OnResource(ResourceVerb.FAIL, resource)
        case "/status":
            return OnResource(ResourceVerb.STATUS, resource)
    return OnResource(ResourceVerb(switch.name[1:]), resource, wait)


def _keys(switch: Switch) -> tuple[str, ...]:
    if switch.value is None:
        raise CommandError(f'{switch.name} needs a key; {switch.name}:"SOFTWARE\\..."', switch.offset)
    keys = tuple(switch.value.text.split(","))
    for key in keys:
        if not key.strip("\\") or "\\\\" in key.strip("\\"):
            raise CommandError(f"{show(key)} is no key; SOFTWARE\\... would be", switch.value.offset)
    return keys


_ASSIGNMENT = re.compile(r"(?P<name>[^=:]+)=(?P<value>.*)\Z", re.DOTALL)


def _assignment(word: Word) -> tuple[str, Value]:
    """`Name=Value`: a number is a DWORD, anything else text (the format is chosen by the tool; assumed)."""
    found = _ASSIGNMENT.match(word.text)
    if found is None:
        raise CommandError(f"{show(word.text)} sets no property; Name=Value would", word.offset)
    value = found["value"]
    if value.isdecimal() and int(value) < 2**32:
        return found["name"], Value.dword(int(value))
    return found["name"], Value.sz(value)


def _group(name: Word | None, switch: Switch, wait: int | None, names: Names) -> Request:
    if name is None:
        if switch.name == "/status":
            return OnGroup(GroupVerb.STATUS, None)
        raise CommandError(f"which group{hint('', names.groups)}")
    group = named(name, names.groups, "group")
    node = None if switch.value is None else named(switch.value, names.nodes, "node")
    if switch.name == "/moveto":
        return OnGroup(GroupVerb.MOVE, group, node, MOVE_WAIT if wait is None else wait)
    return OnGroup(GroupVerb(switch.name[1:]), group, node, wait)


MOVE_WAIT = 20 * SECOND
"""`/moveto` without `/wait` waits so long (TechNet cc783967; domain.md 119)."""
