"""Registry files on paper: what stands in one, and how two differ, a line a key or value.

In a terminal lines are wrapped to its width and coloured; elsewhere each stays one line, for grep. A path begins with
a backslash in a hive, which does not know where it is mounted, and with HKLM in a `.reg` file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from rich.console import Console

from sim.registry import Change, ChangeKind, Value, diff, type_name
from sim.registry.files import RegistryFile
from sim.report.terminal import printable, say

Line = tuple[str, str, int]
"""Its text, its style, how far it is indented."""


def show_file(file: RegistryFile, out: Console) -> None:
    """A line about the file, then each key with its values."""
    _print([(_headline(file), "bold", 0), *_contents(file)], out)


def show_difference(before: RegistryFile, after: RegistryFile, out: Console) -> bool:
    """What turns one into the other; whether there is anything."""
    changes = list(diff(before.tree, after.tree))
    _print([line for change in changes for line in _change(change)], out)
    return bool(changes)


def _print(lines: Iterable[Line], out: Console) -> None:
    if out.is_terminal:
        for text, style, indent in lines:
            say(out, text, style=style, indent=indent, hang=2)
        return
    out.file.write("".join(f"{' ' * indent}{printable(text, out)}\n" for text, _, indent in lines))


def _headline(file: RegistryFile) -> str:
    keys = sum(1 for _ in file.tree.walk())
    what = f".reg file of {file.key.hklm}" if file.key is not None else "hive"
    if file.header is not None:
        what = f"hive of version 1.{file.header.minor}, {_time(file.header.written)}"
    held = f"{_counted(keys, 'key')}, {_counted(file.tree.count_values(), 'value')}"
    gone = f"; it also deletes {_counted(file.deletions, 'thing')}, which is not shown" if file.deletions else ""
    return f"{file.source}: {what}, {held}{gone}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _time(written: int) -> str:
    """A FILETIME, 100 ns since 1601; a hive made by a program that kept no time has 0."""
    try:
        moment = datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=written // 10)
    except OverflowError:
        return "written at no possible time"
    return f"written {moment:%Y-%m-%d %H:%M:%S} UTC" if written else "without a time"


def _contents(file: RegistryFile) -> Iterator[Line]:
    top = "" if file.key is None else file.key.hklm
    for names, key in file.tree.walk():
        named = _class(key.class_name)
        yield "\\".join((top, *names) if names else (top or "\\",)) + named, "bold cyan", 0
        for name, value in key.values.items():
            yield f"{name or '(default)'} = {_data(value)}", "", 2


def _class(name: str | None) -> str:
    return "" if name is None else f"  (class {name!r})"


def _data(value: Value) -> str:
    return f"{type_name(value.type)} {value.show()}"


def _change(change: Change) -> Iterator[Line]:
    path = "\\" + "\\".join(change.path)
    if change.name is None:
        created = change.kind is ChangeKind.CREATED
        yield f"{'+' if created else '-'} {path}{_class(change.class_name)}", "green" if created else "red", 0
        return
    where = f"{path} : {change.name or '(default)'}"
    match change.before, change.after:
        case None, Value() as after:
            yield f"+ {where} = {_data(after)}", "green", 0
        case Value() as before, None:
            yield f"- {where} = {_data(before)}", "red", 0
        case Value() as before, Value() as after:
            shown, other = _data(before), _data(after)
            if shown == other:  # they differ beyond what is shown
                shown, other = f"{shown} ({len(before.data)} bytes)", f"{other} ({len(after.data)} bytes, not the same)"
            yield f"! {where} = {other}, was {shown}", "yellow", 0
