"""What owners of the disk do, in an order: the scripts that are stopped at every effect.

A script is a line of acts:
    NODE1         NODE1 takes the disk over
    App=3         its owner saves tree 3 as checkpoint App; `App=-`: the checkpoint is removed
    App:undo3     its owner keeps local changes of App as an undo file
    late:App=3    the owner before, who has heard of nothing, saves tree 3: it has to be refused
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

import msgspec

from sim.checkpoint import store
from sim.checkpoint.files import ImageFile
from sim.checkpoint.store import Contested, Found, Slot, Tenure
from sim.registry import EMPTY, KeyPath, KeyTree, RegFile, Value, diff, entries_of, parse_reg, write_changes

APP = Slot("11111111-0000-0000-0000-000000000000", 1, r"SOFTWARE\App")
BEE = Slot("11111111-0000-0000-0000-000000000000", 2, r"SOFTWARE\Bee")
OTHER = Slot("11111111-0000-0000-0000-000000000000", 2, r"SOFTWARE\Other")
SLOTS = {"App": APP, "Bee": BEE, "Other": OTHER}

NOBODY = Tenure(0, "", {})

SCRIPTS = {
    "saves": "NODE1 App=1 App=2 App=3 App=4",
    "tenth version": "NODE1 " + " ".join(f"App={number}" for number in range(8, 20)),
    "two checkpoints": "NODE1 App=1 Bee=2 App=3 Bee=4",
    "removal": "NODE1 App=1 App=2 App=- App=3 App=-",
    "number used again": "NODE1 Bee=1 Bee=2 Bee=- Other=3",
    "owners": "NODE1 App=1 NODE2 App=2 App=3 NODE1 App=- NODE2 App=4",
    "undo files": "NODE1 App=1 App:undo5 App=2 App:undo6 NODE2 App:undo7",
    "late save": "NODE1 App=1 NODE2 App=2 late:App=3 NODE1 App=4",
}


class Act(msgspec.Struct, frozen=True):
    """One act: a take-over (`slot` None), a save (`number` None: a removal), an undo file, a save that comes late."""

    text: str
    owner: str = ""
    slot: Slot | None = None
    number: int | None = None
    kind: str = "save"


def acts(script: str) -> tuple[Act, ...]:
    """The acts of a script. Raises ValueError where it is none."""
    return tuple(map(_act, script.split()))


def _act(text: str) -> Act:
    found = re.fullmatch(r"(?P<late>late:)?(?P<slot>App|Bee|Other)(=(?P<tree>\d+|-)|:undo(?P<undo>\d+))", text)
    if found is None:
        if re.fullmatch(r"NODE\d+", text) is None:
            raise ValueError(f"{text!r} is no act of a script")
        return Act(text, owner=text)
    slot = SLOTS[found["slot"]]
    if found["undo"]:
        return Act(text, slot=slot, number=int(found["undo"]), kind="undo")
    number = None if found["tree"] == "-" else int(found["tree"])
    return Act(text, slot=slot, number=number, kind="late" if found["late"] else "save")


def tree(number: int) -> KeyTree:
    """A small tree that differs from every other one."""
    return EMPTY.with_value((), "Port", Value.dword(number)).with_value(("Sub",), "Text", Value.sz(f"t{number}"))


def undo(number: int) -> RegFile:
    """The undo file of an edit that differs from every other one."""
    key = KeyPath.parse(r"HKLM\SOFTWARE\App")
    return parse_reg(write_changes(tuple(entries_of(diff(EMPTY, tree(number)), key)), version=5))


def intended(act: Act) -> KeyTree | None:
    """What a save leaves."""
    return None if act.number is None else tree(act.number)


class Acknowledged(msgspec.Struct, frozen=True):
    """Not an effect of the store: the engine hears here that its save is durable, or the name of its undo file."""

    name: str = ""


def perform(act: Act, tenure: Tenure, before: Tenure = NOBODY) -> Generator[Any, Any, Tenure]:
    """An act as the driver performs it: the store's operations, and when the engine hears of them.

    `before`: the tenure of the owner before.
    """
    if act.slot is None:
        found = yield from store.take_over(act.owner)
        assert isinstance(found, Found), f"{act.owner} cannot take over: {found}"
        yield Acknowledged()
        return found.tenure
    if act.kind == "late":
        refused = yield from store.save(before, act.slot, intended(act))
        assert isinstance(refused, Contested), f"a late save was not refused: {refused}"
        return tenure
    if act.kind == "undo":
        assert act.number is not None
        name = yield from store.quarantine(tenure, act.slot, undo(act.number))
        assert isinstance(name, str), f"the disk refuses an undo file: {name}"
        yield Acknowledged(name)
        return tenure
    image = yield from store.save(tenure, act.slot, intended(act))
    assert isinstance(image, ImageFile), f"the disk refuses {act.slot}: {image}"
    yield Acknowledged()
    yield from store.tidy(tenure, image)
    return tenure


def show(found: KeyTree | None) -> str:
    """A tree of a script by its number."""
    if found is None:
        return "nothing"
    port = found.value("Port")
    return f"tree {port.plain()}" if port is not None else repr(found)
