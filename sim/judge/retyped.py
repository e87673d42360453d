r"""Writes as the `reg` commands that make them again, on a node that is named: they can be typed anywhere."""

from __future__ import annotations

from collections.abc import Sequence

from sim.history import events
from sim.history.events import Change
from sim.registry import Value, type_name
from sim.registry.values import Type

EDITABLE = (
    Type.NONE,
    Type.SZ,
    Type.EXPAND_SZ,
    Type.BINARY,
    Type.DWORD,
    Type.DWORD_BIG_ENDIAN,
    Type.MULTI_SZ,
    Type.QWORD,
)
"""The types that `reg add` takes."""


def typed(writes: Sequence[events.Write]) -> list[events.Write]:
    """The writes that take a command of their own: what a deleted key held goes with it."""
    gone = [event.key for event in writes if event.change is Change.DELETE and event.value is None]
    return [
        event
        for event in writes
        if event.change is not Change.DELETE
        or not any(key.covers(event.key) and (event.value is not None or key != event.key) for key in gone)
    ]


def edit_command(event: events.Write, node: str) -> str | None:
    r"""The write as a `reg` command on `\\node`; None where `reg` has no word for it."""
    key = f'"\\\\{node}\\{event.key.hklm}"'
    match event.change:
        case Change.CREATE:
            return f"reg add {key} /f"
        case Change.DELETE if event.value is None:
            return f"reg delete {key} /f"
        case Change.DELETE:
            return f"reg delete {key} {_named(event.value)} /f"
    assert event.data is not None
    data = _data(event.data)
    if data is None or (event.value is not None and '"' in event.value):
        return None
    return f"reg add {key} {_named(event.value)} /t {type_name(event.data.type)}{data} /f"


def _named(name: str | None) -> str:
    return "/ve" if not name else f'/v "{name}"' if " " in name or name.startswith("/") else f"/v {name}"


def _data(value: Value) -> str | None:
    """What follows `/t`, None where a command line cannot say it."""
    if value.type not in EDITABLE:
        return None
    plain = value.plain()
    if value.type in (Type.BINARY, Type.NONE):
        return f" /d {value.data.hex()}" if value.data else ""
    if isinstance(plain, int):
        return f" /d {plain}"
    if plain is None or '"' in str(plain) or "\\0" in str(plain):
        return None
    text = plain if isinstance(plain, str) else "\\0".join(plain)
    return f' /d "{text}"' if text and not text.endswith("\\") else "" if not text else None
