r"""Cmdlets: those of FailoverClusters that matter here, and the registry's on `HKLM:\` paths.

Parameters are recognised by name, by unambiguous beginning, by position, and as `-Name:value`.
Sources: domain.md 35 (checkpoints), 116 (registry provider), 123-124 (clusters; `-Wait` waits to the end by default).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sim.registry import Value
from sim.registry.values import Type
from sim.scenario.command import (
    FOREVER,
    AddCheckpoints,
    CreateKey,
    DeleteKey,
    DeleteValue,
    DeleteValues,
    GroupVerb,
    NodeVerb,
    OnGroup,
    OnNode,
    OnResource,
    QueryKey,
    RemoveCheckpoints,
    Request,
    ResourceVerb,
    SetParameters,
    SetValue,
)
from sim.scenario.console import CommandError, Names, Word, find, hint, named, number, show, target

SECOND = 1_000_000


class Cmdlet(msgspec.Struct, frozen=True):
    """Parameters that take a value, switches, and which parameters positions mean, in order."""

    values: tuple[str, ...]
    switches: tuple[str, ...] = ()
    positions: tuple[str, ...] = ()


_NAMED = ("Name", "Cluster")
_PATH = ("Path", "LiteralPath")
_PROPERTY = (*_PATH, "Name")

CMDLETS: dict[str, Cmdlet] = {
    "Start-ClusterResource": Cmdlet((*_NAMED, "Wait"), (), ("Name",)),
    "Stop-ClusterResource": Cmdlet((*_NAMED, "Wait"), ("IgnoreLocked",), ("Name",)),
    "Get-ClusterResource": Cmdlet(_NAMED, (), ("Name",)),
    "Test-ClusterResourceFailure": Cmdlet(_NAMED, (), ("Name",)),
    "Start-ClusterGroup": Cmdlet((*_NAMED, "Wait"), (), ("Name",)),
    "Stop-ClusterGroup": Cmdlet((*_NAMED, "Wait"), ("IgnoreLocked",), ("Name",)),
    "Move-ClusterGroup": Cmdlet((*_NAMED, "Node", "Wait"), ("IgnoreLocked",), ("Name", "Node")),
    "Get-ClusterGroup": Cmdlet(_NAMED, (), ("Name",)),
    "Add-ClusterCheckpoint": Cmdlet(("ResourceName", "RegistryCheckpoint", "Cluster"), (), ("ResourceName",)),
    "Get-ClusterCheckpoint": Cmdlet(
        ("ResourceName", "CheckpointName", "Cluster"), ("RegistryCheckpoint",), ("ResourceName",)
    ),
    "Remove-ClusterCheckpoint": Cmdlet(
        ("ResourceName", "CheckpointName", "Cluster"), ("RegistryCheckpoint", "Force"), ("ResourceName",)
    ),
    "Suspend-ClusterNode": Cmdlet(_NAMED, (), ("Name",)),
    "Resume-ClusterNode": Cmdlet(_NAMED, (), ("Name",)),
    "Start-ClusterNode": Cmdlet((*_NAMED, "Wait"), (), ("Name",)),
    "Stop-ClusterNode": Cmdlet((*_NAMED, "Wait"), (), ("Name",)),
    "Get-ClusterNode": Cmdlet(_NAMED, (), ("Name",)),
    "Set-ClusterParameter": Cmdlet(("InputObject", "Name", "Value", "Cluster"), (), ("InputObject", "Name", "Value")),
    "Get-ClusterParameter": Cmdlet(("InputObject", "Name", "Cluster"), (), ("InputObject", "Name")),
    "Set-ItemProperty": Cmdlet((*_PROPERTY, "Value", "Type"), ("Force",), ("Path", "Name", "Value")),
    "New-ItemProperty": Cmdlet((*_PROPERTY, "Value", "PropertyType", "Type"), ("Force",), ("Path", "Name")),
    "Remove-ItemProperty": Cmdlet(_PROPERTY, ("Force",), ("Path", "Name")),
    "Get-ItemProperty": Cmdlet(_PROPERTY, (), ("Path", "Name")),
    "Clear-Item": Cmdlet(_PATH, ("Force",), ("Path",)),
    "New-Item": Cmdlet((*_PROPERTY, "Value", "ItemType"), ("Force",), ("Path",)),
    "Remove-Item": Cmdlet(_PATH, ("Recurse", "Force"), ("Path",)),
    "Get-Item": Cmdlet(_PATH, (), ("Path",)),
    "Get-ChildItem": Cmdlet(_PATH, ("Recurse",), ("Path",)),
}

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


def parse(name: str, words: Sequence[Word], names: Names, view: int) -> Request:
    """What a cmdlet's line asks for. Raises CommandError."""
    given = _bind(name, CMDLETS[name], words)
    verb, noun = name.split("-")
    match noun:
        case "ClusterResource" | "ClusterResourceFailure":
            return _resource(name, verb, given, names)
        case "ClusterGroup":
            return _group(name, verb, given, names)
        case "ClusterNode":
            return _node(verb, given, names)
        case "ClusterCheckpoint":
            return _checkpoint(name, verb, given, names)
        case "ClusterParameter":
            return _parameter(name, verb, given, names)
    return _registry(name, given, view)


def _bind(name: str, cmdlet: Cmdlet, words: Sequence[Word]) -> Given:
    """Parameters by their documented names. Raises CommandError for what is unknown, ambiguous, missing or too much."""
    given: Given = {}
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
    resource = named(_required(name, given, "Name"), names.resources, "resource")
    verbs = {
        "Start": ResourceVerb.ONLINE,
        "Stop": ResourceVerb.OFFLINE,
        "Test": ResourceVerb.FAIL,
        "Get": ResourceVerb.STATUS,
    }
    waits = verb in ("Start", "Stop")
    return OnResource(verbs[verb], resource, _wait(given) if waits else None)


def _group(name: str, verb: str, given: Given, names: Names) -> Request:
    if verb == "Get" and "Name" not in given:
        return OnGroup(GroupVerb.STATUS, None)
    group = named(_required(name, given, "Name"), names.groups, "group")
    node = named(given["Node"], names.nodes, "node") if "Node" in given else None
    verbs = {"Start": GroupVerb.ONLINE, "Stop": GroupVerb.OFFLINE, "Move": GroupVerb.MOVE, "Get": GroupVerb.STATUS}
    return OnGroup(verbs[verb], group, node, None if verb == "Get" else _wait(given))


def _node(verb: str, given: Given, names: Names) -> Request:
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
    resource = named(_required(name, given, "ResourceName"), names.resources, "resource")
    if verb == "Add":
        return AddCheckpoints(resource, (_required(name, given, "RegistryCheckpoint").text,))
    if verb == "Remove":
        return RemoveCheckpoints(resource, (given["CheckpointName"].text,) if "CheckpointName" in given else ())
    return OnResource(ResourceVerb.CHECKPOINTS, resource)


def _parameter(name: str, verb: str, given: Given, names: Names) -> Request:
    resource = named(_required(name, given, "InputObject"), names.resources, "resource")
    if verb == "Get":
        return OnResource(ResourceVerb.LIST_PARAMETERS, resource)
    value = _required(name, given, "Value")
    plain = value.text
    data = Value.dword(int(plain)) if value.bare and plain.isdecimal() and int(plain) < 2**32 else Value.sz(plain)
    return SetParameters(resource, ((_required(name, given, "Name").text, data),))


def _registry(name: str, given: Given, view: int) -> Request:
    path = given.get("LiteralPath") or _required(name, given, "Path")
    goal = target(path, view, powershell=True)
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
        case "Get-Item" | "Get-ChildItem":
            return QueryKey(goal, None, "Recurse" in given)
        case "Get-ItemProperty":
            return QueryKey(goal, _value_name(given["Name"]) if "Name" in given else None)
    value = _value_name(_required(name, given, "Name"))
    if name == "Remove-ItemProperty":
        return DeleteValue(goal, value)
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
