"""Several owners at once, as on a disk that ignores reservations: interleavings of what they do, effect by effect.

Laws:    what the owner of an epoch reads first is the last save that was acknowledged to an owner of an earlier one, or
         one of theirs that was not acknowledged and came later; what it saves it reads; so does whoever comes after
         all of them. No epoch has two owners. An undo file whose name was answered is there, whole. Nobody meets an
         error other than `Contested`, and nobody reports damage.
Reduced: states are equal, and are continued once, where the disk looks the same and each party has been given the same
         answers. A flush changes nothing that anybody sees, so it follows at once what was written (a file that is
         swept away in between is missed by the rename as well as by the flush). Races of which that leaves too many
         are bounded in how often the disk changes hands (`switches`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

import msgspec

from sim.checkpoint import store
from sim.checkpoint.effects import Image, Op
from sim.checkpoint.files import FlushFile, FlushFolder, ImageFile, UndoFile
from sim.checkpoint.store import Contested, Found, Tenure
from sim.registry import KeyTree, Win32
from tests.crashes.disk import Disk
from tests.crashes.enumerate import BrokenLawError, Wrap, drive, plain
from tests.crashes.scripts import APP, NOBODY, Acknowledged, acts, perform, show, tree, undo


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a party of a race was told: its epoch (0: it is no owner), what it read, and what it saved.

    `wrong`: what nobody should be told.
    """

    epoch: int = 0
    first: KeyTree | None = None
    saves: int
    acknowledged: bool = False
    again: KeyTree | None = None
    undo: tuple[str, int] = ("", 0)
    wrong: tuple[str, ...] = ()


Party = Callable[[Tenure], Op[Told]]
"""What one of them does; given the tenure of the owner that was there before the race."""


def late(number: int) -> Party:
    """The owner before saves, and has heard of nothing."""

    def party(tenure: Tenure) -> Op[Told]:
        return (yield from _saves(tenure, Told(epoch=tenure.epoch, first=tree(2), saves=number)))

    return party


def owner(node: str, number: int, *, keeps: int = 0) -> Party:
    """A node takes over, reads, saves, and reads again; `keeps`: it keeps an undo file first."""

    def party(_: Tenure) -> Op[Told]:
        found = yield from store.take_over(node)
        if not isinstance(found, Found):
            return Told(saves=number, wrong=_error(found))
        image = yield from store.load(found.tenure, APP)
        told = Told(epoch=found.tenure.epoch, first=_tree(image), saves=number, wrong=(*found.damage, *_error(image)))
        if keeps:
            told = yield from _keeps(found.tenure, told, keeps)
        return (yield from _saves(found.tenure, told))

    return party


def late_undo(number: int) -> Party:
    """The owner before keeps an undo file, and has heard of nothing."""

    def party(tenure: Tenure) -> Op[Told]:
        return (yield from _keeps(tenure, Told(epoch=tenure.epoch, first=tree(2), saves=0), number))

    return party


def _saves(tenure: Tenure, told: Told) -> Op[Told]:
    image = yield from store.save(tenure, APP, tree(told.saves))
    if not isinstance(image, ImageFile):
        return msgspec.structs.replace(told, wrong=(*told.wrong, *_error(image)))
    unread = yield from store.tidy(tenure, image)
    again = yield from store.load(tenure, APP)
    read = tree(told.saves) if isinstance(again, Contested) else _tree(again)
    wrong = (*told.wrong, *unread, *_error(again))
    return msgspec.structs.replace(told, acknowledged=True, again=read, wrong=wrong)


def _keeps(tenure: Tenure, told: Told, number: int) -> Op[Told]:
    name = yield from store.quarantine(tenure, APP, undo(number))
    if isinstance(name, str):
        return msgspec.structs.replace(told, undo=(name, number))
    return msgspec.structs.replace(told, wrong=(*told.wrong, *_error(name)))


def _tree(image: Any) -> KeyTree | None:
    return image.tree if isinstance(image, Image) else None


def _error(answer: Any) -> tuple[str, ...]:
    """What nobody should be told in a race where nothing is damaged and the disk refuses nothing."""
    if isinstance(answer, Image) and answer.damaged:
        return ("the newest image does not read",)
    return (answer.title,) if isinstance(answer, Win32) else ()


class Kind(msgspec.Struct, frozen=True):
    """A race: its parties, by a letter each, and how often the disk may change hands (None: as often as you like).

    `switches`: in the slice that CI runs; `most`: in full. Whoever has ended hands over for nothing.
    """

    parties: dict[str, Party]
    switches: int | None = None
    most: int | None = None


RACES = {
    "late save": Kind({"o": late(3), "a": owner("NODE2", 4)}),
    "two take-overs": Kind({"a": owner("NODE2", 4), "b": owner("NODE3", 5)}, 3, 4),
    "late save and two take-overs": Kind({"o": late(3), "a": owner("NODE2", 4), "b": owner("NODE3", 5)}, 1, 2),
    "undo files": Kind({"o": late_undo(6), "a": owner("NODE2", 4, keeps=7)}),
}


def is_race(replay: str) -> bool:
    return replay.startswith("race/")


class Step(msgspec.Struct, frozen=True):
    """Where a party has got to: the effect that it asks for, or what it was told (`ended`). Equal answers, one step."""

    number: int
    effect: Any
    ended: Told | None
    answers: tuple[Any, ...]


class Steps:
    """The steps of a party, by the answers that it was given: each is found out once."""

    def __init__(self, begin: Callable[[], Op[Told]]) -> None:
        self._begin = begin
        self._steps: dict[tuple[int, str], Step] = {}

    def first(self) -> Step:
        return self._step((-1, ""), (None,))

    def after(self, step: Step, answer: Any) -> Step:
        return self._step((step.number, repr(answer)), (*step.answers, answer))

    def _step(self, known: tuple[int, str], answers: tuple[Any, ...]) -> Step:
        if known not in self._steps:
            operation, effect, ended = self._begin(), None, None
            try:
                for answer in answers:
                    effect = operation.send(answer)
            except StopIteration as stopped:
                effect, ended = None, stopped.value
            self._steps[known] = Step(len(self._steps), effect, ended, answers)
        return self._steps[known]


class State(msgspec.Struct, frozen=True):
    """A point of a race: the disk, each party's step, who went last, and how often the disk has changed hands."""

    disk: Disk
    steps: dict[str, Step]
    path: str = ""
    switches: int = 0

    @property
    def known(self) -> tuple[Any, ...]:
        return self.disk.seen, tuple(step.number for step in self.steps.values())


class Race:
    """Interleavings of a race. `only`: that one."""

    def __init__(self, name: str, wrap: Wrap = plain, *, switches: int | None = None, only: str | None = None) -> None:
        if name not in RACES:
            raise ValueError(f"{name!r} is no race")
        self.name = name
        self.wrap = wrap
        self.switches = RACES[name].switches if switches is None else switches
        self.only = None if only is None else written_out(only.split("/")[2])
        self.met: Disk | None = None
        self.states = self.ends = self.refused = self.gave_way = 0

    def __str__(self) -> str:
        bound = "" if self.switches is None else f", the disk changes hands {self.switches} times at most"
        counts = f"{self.states} states, {self.ends} ends, {self.refused} saves refused, {self.gave_way} gave way"
        return f"race, {self.name}: {counts}{bound}"

    def run(self) -> None:
        """Every interleaving within the bound. Raises BrokenLawError at the first law that does not hold."""
        disk, tenure = Disk(), NOBODY
        for act in acts("NODE1 App=1 App=2"):
            tenure, disk = drive(self.wrap(_quietly(perform(act, tenure))), disk)
        steps = {
            letter: Steps(lambda party=party: self.wrap(party(tenure)))  # type: ignore[misc]
            for letter, party in RACES[self.name].parties.items()
        }
        stack = [State(disk, {letter: each.first() for letter, each in steps.items()})]
        seen: dict[tuple[Any, ...], int] = {}
        while stack:
            state = stack.pop()
            if not self._is_new(state, seen):
                continue
            self.states += 1
            if all(step.ended is not None for step in state.steps.values()):
                self._judge(state)
            stack += self._next(state, steps)

    def _is_new(self, state: State, seen: dict[tuple[Any, ...], int]) -> bool:
        if self.only is not None:
            return self.only.startswith(state.path)
        if self.switches is None:
            known, spent = state.known, 0
        else:
            known, spent = (*state.known, state.path[-1:]), state.switches
        if seen.get(known, 1 << 30) <= spent:
            return False
        seen[known] = spent
        return True

    def _next(self, state: State, steps: dict[str, Steps]) -> Iterator[State]:
        for letter, step in state.steps.items():
            if step.ended is not None:
                continue
            last = state.path[-1:]
            switched = last not in ("", letter) and state.steps[last].ended is None
            switches = state.switches + switched
            if self.only is None and self.switches is not None and switches > self.switches:
                continue
            disk, path = state.disk, state.path
            while True:
                answer, disk = disk.perform(step.effect)
                step, path = steps[letter].after(step, answer), path + letter
                if not isinstance(step.effect, FlushFile | FlushFolder):
                    break
            yield State(disk, {**state.steps, letter: step}, path, switches)

    def _judge(self, state: State) -> None:
        if self.only is not None and self.only != state.path:
            return
        self.ends += 1
        self.met = state.disk
        told = {letter: step.ended for letter, step in state.steps.items() if step.ended is not None}
        self.refused += sum(each.epoch > 0 and not each.acknowledged for each in told.values())
        self.gave_way += sum(each.epoch == 0 for each in told.values())
        problem = self._law(told, state.disk)
        if problem is not None:
            raise BrokenLawError(f"race/{self.name}/{shortened(state.path)}", problem, state.disk, state.switches)

    def _law(self, told: dict[str, Told], disk: Disk) -> str | None:
        owners = sorted((each for each in told.values() if each.epoch), key=lambda each: each.epoch)
        for letter, each in told.items():
            if each.wrong:
                return f"{letter} was told {', '.join(each.wrong)}"
            if each.acknowledged and each.again != tree(each.saves):
                return f"{letter} reads {show(each.again)} after it has saved tree {each.saves}"
            name, number = each.undo
            if name and disk.contents.get(f"{APP.folder}/{name}") != UndoFile(content=undo(number)):
                return f"{letter} was answered {name}, which does not hold its undo file"
        if len({each.epoch for each in owners}) < len(owners):
            return f"one epoch has two owners: {[each.epoch for each in owners]}"
        found, after = drive(self.wrap(store.take_over("NODE4")), disk)
        assert isinstance(found, Found), f"NODE4 cannot take over: {found}"
        image, _ = drive(self.wrap(store.load(found.tenure, APP)), after)
        wrong = (*found.damage, *_error(image))
        last = Told(epoch=found.tenure.epoch, first=_tree(image), saves=0, wrong=wrong)
        if wrong:
            return f"whoever comes after them is told {', '.join(wrong)}"
        for each in (*owners, last):
            good = _may_read(each.epoch, owners)
            if each.first not in [tree(number) for number in good]:
                return (
                    f"the owner of epoch {each.epoch} reads {show(each.first)}; "
                    f"right would be tree {' or '.join(map(str, good))}"
                )
        return None


def _may_read(epoch: int, owners: list[Told]) -> list[int]:
    """The trees that the owner of an epoch may find: the last one acknowledged before it, or one tried after that."""
    good = [2]
    for each in owners:
        if each.epoch < epoch and each.saves:
            good = [each.saves] if each.acknowledged else [*good, each.saves]
    return good


def least(name: str, wrap: Wrap) -> BrokenLawError | None:
    """A broken law of the race in which the disk changes hands as seldom as can be; None where none was found."""
    for switches in range(8):
        try:
            Race(name, wrap, switches=switches).run()
        except BrokenLawError as broken:
            return broken
    return None


def shortened(path: str) -> str:
    """`aaab` as `a3 b1`."""
    return " ".join(f"{letter}{len(list(group))}" for letter, group in groupby(path))


def written_out(path: str) -> str:
    """`a3 b1` as `aaab`. Raises ValueError."""
    if re.fullmatch(r"([a-z]\d+ ?)*", path) is None:
        raise ValueError(f"{path!r} is no order of a race")
    return "".join(letter * int(count) for letter, count in re.findall(r"([a-z])(\d+)", path))


def _quietly(operation: Op[Any]) -> Op[Any]:
    """The operation without the marks for the engine."""
    answer = None
    while True:
        try:
            effect = operation.send(answer)
        except StopIteration as ended:
            return ended.value
        answer = None if isinstance(effect, Acknowledged) else (yield effect)
