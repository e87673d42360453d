"""What people type: a line of text becomes a command, or an error that says where it is wrong.

`reg.exe`, `cluster.exe` and `net` are told apart by their first word, cmdlets by theirs. Words are split as Windows
does: double quotes group, a backslash is a backslash; PowerShell knows single quotes too.

Sources: domain.md 33-36, 108-111 (reg.exe), 116 (registry cmdlets), 118-124 (cluster.exe, cmdlets).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from sim.registry import KeyPath, KeyTree, physical
from sim.registry.reg_text import RegFile
from sim.scenario.command import Command, Request, Shell, Target

T = TypeVar("T")


class CommandError(ValueError):
    """A line that asks for nothing: `offset` is where in the text, from 0."""

    def __init__(self, problem: str, offset: int = 0) -> None:
        self.problem = problem
        self.offset = offset
        super().__init__(problem)


class Word(msgspec.Struct, frozen=True):
    """A word of the line without its quotes; `offset` is where it begins. `bare`: nothing of it was quoted."""

    text: str
    offset: int
    bare: bool = True


class Names(msgspec.Struct, frozen=True):
    """What a cluster has, for commands that name it; `services` maps a service's name to its resource."""

    nodes: tuple[str, ...]
    groups: tuple[str, ...]
    resources: tuple[str, ...]
    services: dict[str, str] = {}


class Files(msgspec.Struct, frozen=True):
    """How a command reads a file beside the scenario; each answers None where a step of the run writes the file."""

    reg: Callable[[str], RegFile | None]
    tree: Callable[[str], KeyTree | None]


def parse_command(text: str, names: Names, files: Files, view: int = 64) -> Command:
    """The command that a line asks for. Raises CommandError."""
    from sim.scenario import cluster_exe, net_exe, powershell, reg_exe  # noqa: PLC0415 - they share this file's words

    if "\n" in text or "\r" in text:
        raise CommandError("a command is one line; several commands are a list")
    words = split(text)
    if not words:
        raise CommandError("an empty command; type one")
    tool = words[0].text.lower().removesuffix(".exe")
    parsers: dict[str, Callable[[Sequence[Word]], Request]] = {
        "reg": lambda rest: reg_exe.parse(rest, files, view),
        "cluster": lambda rest: cluster_exe.parse(rest, names),
        "net": lambda rest: net_exe.parse(rest, names),
    }
    if tool in parsers:
        return Command(text, Shell(tool), parsers[tool](words[1:]))
    if find(words[0].text, (*powershell.CMDLETS, *powershell.UNMODELLED_CMDLETS)) is None:
        raise CommandError(
            f"unknown command {show(words[0].text)}{hint(words[0].text, [*parsers, *powershell.CMDLETS])}"
        )
    return Command(text, Shell.POWERSHELL, powershell.parse(text, names, view))


def split(text: str, *, single: bool = False) -> list[Word]:
    """The words of a line; `single`: single quotes group as well, and commas and parentheses are PowerShell's."""
    words: list[Word] = []
    at = 0
    while at < len(text):
        if text[at] in " \t":
            at += 1
            continue
        start, built, bare, quote = at, "", True, ""
        while at < len(text) and (quote or text[at] not in " \t"):
            char = text[at]
            if quote:
                if char == quote:
                    quote = ""
                elif char == "\\" and text[at + 1 : at + 2] == '"' and not single and '"' in text[at + 2 :]:
                    built, at = built + '"', at + 1
                else:
                    built += char
            elif char == '"' or (single and char == "'"):
                quote, bare = char, False
            elif char == "\\" and text[at + 1 : at + 2] == '"' and not single:
                built, at = built + '"', at + 1
            else:
                built += char
            at += 1
        if quote:
            raise CommandError(f"a quote ({quote}) is never closed; close it", start)
        words.append(Word(built, start, bare))
    return words


def find(word: str, known: Iterable[str]) -> str | None:
    """The known name that Windows takes for the same, whatever its case."""
    return next((name for name in known if name.lower() == word.lower()), None)


def named(word: Word, known: Sequence[str], kind: str) -> str:
    """The node, group or resource of that name. Raises CommandError with the nearest one."""
    found = find(word.text, known)
    if found is None:
        raise CommandError(f"unknown {kind} {show(word.text)}{hint(word.text, known)}", word.offset)
    return found


def hint(word: str, known: Iterable[str]) -> str:
    from sim.scenario.document import nearest  # noqa: PLC0415 - costs an import of yaml where no error is

    return nearest(word, known)


def show(text: str) -> str:
    from sim.scenario.document import quoted  # noqa: PLC0415 - as above

    return quoted(text)


def target(word: Word, view: int, *, powershell: bool = False) -> Target:
    r"""The key that a word addresses: `HKLM\...`, `\\NODE\HKLM\...`, `HKLM:\...`. Raises CommandError."""
    text, node = word.text, None
    if powershell:
        for prefix in ("Registry::", "Microsoft.PowerShell.Core\\Registry::"):
            if text.lower().startswith(prefix.lower()):
                text = text[len(prefix) :]
                break
        else:
            if not text.upper().startswith("HKLM:"):
                raise CommandError(f"{show(word.text)} is no registry path; HKLM:\\... would be", word.offset)
            text = "HKLM" + text[5:].replace("/", "\\")
    elif text.startswith("\\\\"):
        node, _, text = text[2:].partition("\\")
    try:
        # One backslash may stand at the end; reg.exe refuses two (Wine's tests of it, as run on Windows).
        key = KeyPath.parse_hklm(text.rstrip("\\") if powershell else text.removesuffix("\\"))
    except ValueError:
        right = "HKLM:\\SOFTWARE\\..." if powershell else "HKLM\\SOFTWARE\\..."
        raise CommandError(
            f"{show(word.text)} is no key below HKEY_LOCAL_MACHINE; {right} would be", word.offset
        ) from None
    return Target(physical(key, view), node)


def number(word: Word, low: int, high: int, what: str) -> int:
    """A number, decimal or 0x. Raises CommandError for one that is none or out of range."""
    text = word.text
    try:
        value = int(text.replace("_", "?"), 16 if text.lower().startswith("0x") else 10)  # Python allows 1_0
    except ValueError:
        raise CommandError(
            f"{show(text)} is no number for {what}; decimal or 0x digits would be", word.offset
        ) from None
    if not low <= value <= high:
        raise CommandError(f"{show(text)} does not fit {what}; {low} to {high} would", word.offset)
    return value
