"""`reg.exe`: add, delete, query, import, export, save, restore, copy, compare (domain.md 108-111).

The switches of query and compare are TechNet's, pages cc742028 and cc742038; that `/s` does not go with a single value
in a comparison is pg-fl.jp's.

Errors that need no registry to be seen (a switch that is none, data that does not fit its type) are the line's.

Data: what a type takes is not documented; it follows what Wine's own tests of reg.exe (programs/reg/tests/add.c, which
are run on Windows as well) expect of Windows after XP: REG_DWORD_BIG_ENDIAN is stored like a REG_DWORD, an odd number
of hex digits has a nought before it, REG_NONE is text, a REG_DWORD needs its data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sim.registry import Value, type_name, type_number
from sim.registry.values import Type
from sim.scenario.command import (
    CompareKeys,
    CopyKey,
    CreateKey,
    DeleteKey,
    DeleteValue,
    DeleteValues,
    ExportKey,
    ImportFile,
    QueryKey,
    Request,
    RestoreKey,
    SaveKey,
    Search,
    SetValue,
    Show,
    Target,
)
from sim.scenario.console import CommandError, Files, T, Word, hint, number, show, target

SWITCHES = {
    "add": {"/v": 1, "/ve": 0, "/t": 1, "/s": 1, "/d": 1, "/f": 0},
    "delete": {"/v": 1, "/ve": 0, "/va": 0, "/f": 0},
    "query": {"/v": 1, "/ve": 0, "/s": 0, "/f": 1, "/k": 0, "/d": 0, "/c": 0, "/e": 0, "/t": 1, "/z": 0, "/se": 1},
    "import": {},
    "export": {"/y": 0},
    "save": {"/y": 0},
    "restore": {},
    "copy": {"/s": 0, "/f": 0},
    "compare": {"/v": 1, "/ve": 0, "/s": 0, "/oa": 0, "/od": 0, "/os": 0, "/on": 0},
}
"""The switches of each operation, with the number of words that each takes."""

UNMODELLED = ("load", "unload", "flags")
"""Operations that reg.exe documents and that touch nothing of a checkpoint."""

ARGUMENTS = {
    "import": 1,
    "add": 1,
    "delete": 1,
    "query": 1,
    "export": 2,
    "save": 2,
    "restore": 2,
    "copy": 2,
    "compare": 2,
}
LOCAL_ONLY = ("import", "export", "restore")

Given = dict[str, Word]


def parse(words: Sequence[Word], files: Files, view: int) -> Request:
    """What a line after `reg` asks for. Raises CommandError."""
    if not words:
        raise CommandError("reg what" + hint("", SWITCHES))
    verb = words[0].text.lower()
    if verb in UNMODELLED:
        raise CommandError(
            f"reg {verb} is documented and not modelled; 'reg import' or 'reg restore' would change a key",
            words[0].offset,
        )
    if verb not in SWITCHES:
        raise CommandError(f"unknown operation {show(words[0].text)} of reg{hint(verb, SWITCHES)}", words[0].offset)
    arguments, given = _sort(words[1:], verb)
    if "/reg:32" in given:
        view = 32
        if "/reg:64" in given:
            raise CommandError("/reg:32 and /reg:64 exclude each other; leave one out", given["/reg:64"].offset)
    if verb == "import":
        return ImportFile(arguments[0].text, _read(files.reg, arguments[0]))
    goal = target(arguments[0], view)
    if verb in LOCAL_ONLY and goal.node is not None:
        raise CommandError(
            f"reg {verb} works on the local machine only; leave out \\\\{goal.node}\\", arguments[0].offset
        )
    match verb:
        case "add":
            return _add(goal, given)
        case "delete":
            return _delete(goal, given)
        case "query":
            return _query(goal, given)
        case "export":
            return ExportKey(goal, arguments[1].text, "/y" in given)
        case "save":
            return SaveKey(goal, arguments[1].text, "/y" in given)
        case "restore":
            return RestoreKey(goal, arguments[1].text, _read(files.tree, arguments[1]))
        case "copy":
            return CopyKey(goal, target(arguments[1], view), "/s" in given)
    return _compare(goal, arguments[1], given, view)


def _sort(words: Sequence[Word], verb: str) -> tuple[list[Word], Given]:
    """Arguments and switches. Raises CommandError for what is unknown, missing or too much."""
    known = {**SWITCHES[verb], "/reg:32": 0, "/reg:64": 0}
    arguments: list[Word] = []
    given: Given = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        switch = word.text.lower()
        if not (word.bare and switch.startswith("/")):
            arguments.append(word)
        elif switch not in known:
            raise CommandError(f"'reg {verb}' has no switch {show(word.text)}{hint(switch, known)}", word.offset)
        elif switch in given:
            raise CommandError(f"{show(word.text)} stands twice; once is enough", word.offset)
        elif verb == "query" and switch == "/v" and _only_names(rest, known):
            given[NAMES_ONLY] = word
        elif known[switch]:
            if not rest:
                raise CommandError(f"nothing follows {show(word.text)}; it takes a value", word.offset)
            given[switch] = rest.pop(0)
        else:
            given[switch] = word
    wanted = ARGUMENTS[verb]
    if len(arguments) < wanted:
        raise CommandError(
            f"'reg {verb}' needs {'a key' if verb != 'import' else 'a file'}; 'reg {verb} {_usage(verb)}'"
        )
    if len(arguments) > wanted:
        extra = arguments[wanted]
        raise CommandError(f"{show(extra.text)} is one word too many; quote what has blanks", extra.offset)
    return arguments, given


NAMES_ONLY = "/v alone"
"""`/v` without a name, which goes with `/f`: look in the names of values only (TechNet cc742028)."""


def _only_names(rest: Sequence[Word], known: dict[str, int]) -> bool:
    follows = bool(rest) and rest[0].bare and rest[0].text.lower() in known
    return follows and any(word.bare and word.text.lower() == "/f" for word in rest)


def _usage(verb: str) -> str:
    return {"import": "FILE", "export": "KEY FILE", "save": "KEY FILE", "restore": "KEY FILE"}.get(
        verb, "KEY KEY" if ARGUMENTS[verb] == 2 else "KEY ..."
    )


def _name(given: Given) -> str | None:
    """The value that `/v` or `/ve` names; None where neither stands."""
    if "/ve" in given:
        if "/v" in given:
            raise CommandError("/v and /ve exclude each other; leave one out", given["/ve"].offset)
        return ""
    return given["/v"].text if "/v" in given else None


def _add(goal: Target, given: Given) -> Request:
    name = _name(given)
    if name is None and not {"/t", "/d", "/s"} & given.keys():
        return CreateKey(goal)
    kind = _type(given["/t"]) if "/t" in given else Type.SZ.value
    separator = given["/s"].text if "/s" in given else "\\0"
    return SetValue(goal, name or "", data(kind, given.get("/d"), separator))


def data(kind: int, given: Word | None, separator: str = "\\0") -> Value:
    """The bytes that `/t` and `/d` say. Raises CommandError for data that does not fit its type."""
    word = given or Word("", 0)
    match kind:
        case Type.DWORD | Type.DWORD_BIG_ENDIAN:
            if given is None:
                raise CommandError(f"{type_name(kind)} needs data; add /d and a number")
            return Value(kind, Value.dword(number(word, 0, 2**32 - 1, "a REG_DWORD")).data)
        case Type.QWORD:
            return Value.qword(0 if given is None else number(word, 0, 2**64 - 1, "a REG_QWORD"))
        case Type.SZ | Type.EXPAND_SZ | Type.LINK | Type.NONE:
            return Value(kind, (word.text + "\0").encode("utf-16-le", "surrogatepass"))
        case Type.MULTI_SZ:
            return Value.multi_sz(_texts(word, separator))
    if re.fullmatch("[0-9a-fA-F]*", word.text) is None:
        raise CommandError(f"{show(word.text)} are no bytes in hex; 0102ff would be", word.offset)
    return Value(kind, bytes.fromhex(word.text if len(word.text) % 2 == 0 else "0" + word.text))


def _texts(word: Word, separator: str) -> list[str]:
    """The texts between separators; one separator may stand at the end. Raises CommandError for an empty text."""
    if len(separator) != 1 and separator != "\\0":
        raise CommandError(f"the separator {show(separator)} is not one character long", word.offset)
    texts = word.text.removesuffix(separator).split(separator)
    if texts == [""]:
        return []
    if "" in texts:
        raise CommandError(f"a REG_MULTI_SZ cannot contain the text '' as {show(word.text)} does", word.offset)
    return texts


SEARCHING = ("/f", "/k", "/d", "/c", "/e", "/t")
"""The switches that make a query a search; without `/f` its pattern is `*` (TechNet cc742028)."""


def _query(goal: Target, given: Given) -> Request:
    """`reg query`: what is listed, or looked for."""
    separator = given["/se"].text if "/se" in given else "\\0"
    if len(separator) != 1 and separator != "\\0":
        raise CommandError(
            f"the separator {show(separator)} is not one character long; '/se ,' would be", given["/se"].offset
        )
    if "/k" in given and "/d" in given:
        raise CommandError(
            "/k and /d exclude each other; leave both out to search keys, names and data", given["/k"].offset
        )
    name = _name(given)
    search = None
    if any(switch in given for switch in SEARCHING):
        search = Search(
            text=given["/f"].text if "/f" in given else "*",
            keys="/d" not in given and NAMES_ONLY not in given and name is None,
            names="/d" not in given and "/k" not in given,
            data="/k" not in given and NAMES_ONLY not in given,
            types=_types(given["/t"]) if "/t" in given else (),
            exact="/e" in given,
            case="/c" in given,
        )
    return QueryKey(goal, name, "/s" in given, search=search, separator=separator, numbers="/z" in given)


def _types(word: Word) -> tuple[int, ...]:
    """`/t REG_SZ,REG_DWORD`. Raises CommandError."""
    return tuple(_type(Word(part, word.offset)) for part in word.text.split(","))


def _type(word: Word) -> int:
    try:
        return type_number(word.text)
    except ValueError:
        names = [f"REG_{each.name}" for each in Type]
        raise CommandError(f"unknown type {show(word.text)}{hint(word.text, names)}", word.offset) from None


def _compare(goal: Target, other: Word, given: Given, view: int) -> Request:
    r"""`reg compare`: the second key may be a machine alone, which means the first one's path there."""
    shown = [each for each in Show if each.value in given]
    if len(shown) > 1:
        raise CommandError(f"{shown[0]} and {shown[1]} exclude each other; leave one out", given[shown[1]].offset)
    name = _name(given)
    if name is not None and "/s" in given:
        raise CommandError("/s does not go with a single value; leave one out", given["/s"].offset)
    machine = other.text.startswith("\\\\") and "\\" not in other.text[2:].rstrip("\\")
    second = Target(goal.key, other.text.strip("\\")) if machine else target(other, view)
    return CompareKeys(goal, second, name, "/s" in given, shown[0] if shown else Show.DIFFERENCES)


def _delete(goal: Target, given: Given) -> Request:
    if "/va" in given:
        if "/v" in given or "/ve" in given:
            raise CommandError("/va excludes /v and /ve; leave one out", given["/va"].offset)
        return DeleteValues(goal)
    name = _name(given)
    return DeleteKey(goal) if name is None else DeleteValue(goal, name)


def _read(read: Callable[[str], T], word: Word) -> T:
    """What a file beside the scenario holds. Raises CommandError for one that cannot be used."""
    try:
        return read(word.text)
    except ValueError as error:
        if isinstance(error, CommandError):
            raise CommandError(error.problem, word.offset) from None
        raise
