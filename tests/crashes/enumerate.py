"""Every crash of the store: before and after each effect of each operation, with everything that may survive it.

A *script* is what one owner of the disk does: take over, add, save, remove, add again. It is stopped before every
effect and after the last one. For every disk that the power loss may leave (`Disk.crashes`) the next owner recovers,
and is stopped in the same way; then the one after it recovers in peace, and the laws are asked.

Laws:    what is read is the last acknowledged image or the one that was being saved, whole; nothing acknowledged is
         lost and nothing removed comes back; what one recovery found, the next finds too; no damage is reported where
         there was none; where a file was damaged at rest, it is reported or does not matter to what is read; the
         published copy is the truth.
Reduced: disks that are equal in all that can still happen are tried once (their fingerprints); unflushed contents
         have three outcomes instead of one for each subset of sectors (see `disk`).
`python -m tests.crashes.enumerate` prints the counts, `... REPLAY` repeats one case and shows it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from typing import Any

import msgspec

from sim.checkpoint import store
from sim.checkpoint.effects import Image, Op
from sim.checkpoint.files import ImageFile
from sim.checkpoint.store import Found, Slot, Tenure
from sim.registry import EMPTY, KeyPath, KeyTree, RegFile, Value, Win32, diff, entries_of, parse_reg, write_changes
from tests.crashes.disk import Disk

APP = Slot("11111111-0000-0000-0000-000000000000", 1, r"SOFTWARE\App")
BEE = Slot("11111111-0000-0000-0000-000000000000", 2, r"SOFTWARE\Bee")
OTHER = Slot("11111111-0000-0000-0000-000000000000", 2, r"SOFTWARE\Other")


def tree(number: int) -> KeyTree:
    """A small tree that differs from every other one."""
    return EMPTY.with_value((), "Port", Value.dword(number)).with_value(("Sub",), "Text", Value.sz(f"t{number}"))


def undo(number: int) -> RegFile:
    """The undo file of an edit that differs from every other one."""
    key = KeyPath.parse(r"HKLM\SOFTWARE\App")
    return parse_reg(write_changes(tuple(entries_of(diff(EMPTY, tree(number)), key)), version=5))


class Act(msgspec.Struct, frozen=True):
    """One act of a script: save a tree, remove (None) a checkpoint; `slot` None: the next owner takes over."""

    slot: Slot | None
    tree: KeyTree | None = None
    owner: str = "NODE1"


SCRIPTS: dict[str, tuple[Act, ...]] = {
    "saves": (Act(None), Act(APP, tree(1)), Act(APP, tree(2)), Act(APP, tree(3)), Act(APP, tree(4))),
    "tenth version": (Act(None), *(Act(APP, tree(number)) for number in range(8, 20))),
    "two checkpoints": (Act(None), Act(APP, tree(1)), Act(BEE, tree(2)), Act(APP, tree(3)), Act(BEE, tree(4))),
    "removal": (Act(None), Act(APP, tree(1)), Act(APP, tree(2)), Act(APP, None), Act(APP, tree(3)), Act(APP, None)),
    "number used again": (Act(None), Act(BEE, tree(1)), Act(BEE, tree(2)), Act(BEE, None), Act(OTHER, tree(3))),
    "owners": (
        Act(None),
        Act(APP, tree(1)),
        Act(None, owner="NODE2"),
        Act(APP, tree(2)),
        Act(APP, tree(3)),
        Act(None, owner="NODE1"),
        Act(APP, None),
        Act(None, owner="NODE2"),
        Act(APP, tree(4)),
    ),
}

Shape = dict[Slot, KeyTree | None]
"""What each checkpoint holds; None: nothing."""


class Moment(msgspec.Struct, frozen=True):
    """A point of a script: the disk, what has been acknowledged, and what the act in progress would make of it.

    `spare`: what was acknowledged before that, to fall back to.
    """

    effects: int
    disk: Disk
    acknowledged: Shape
    intended: Shape
    spare: Shape


class Recovered(msgspec.Struct, frozen=True):
    """What a node reads that has taken the disk over, what it says of damage, and what ordinary tools see."""

    shape: Shape
    said: tuple[str, ...]
    published: Shape


class BrokenLawError(AssertionError):
    """A law is broken; `replay` repeats it."""

    def __init__(self, replay: str, what: str) -> None:
        super().__init__(f"{what}\n  replay: python -m tests.crashes.enumerate {replay!r}")
        self.replay = replay


Wrap = Callable[[Op[Any]], Op[Any]]
"""What a planted bug does to the effects of an operation; none of it: `plain`."""


def plain(operation: Op[Any]) -> Op[Any]:
    return operation


def moments(script: tuple[Act, ...], wrap: Wrap) -> Iterator[Moment]:
    """Every point of a script, in order: before each effect, and after the last of each act."""
    disk, tenure = Disk(), Tenure(0, "nobody", {})
    shape: Shape = {act.slot: None for act in script if act.slot is not None}
    spare = shape
    count = 0
    for act in script:
        intended = shape if act.slot is None else {**shape, act.slot: act.tree}
        if act.slot is not None and act.tree is not None:
            intended |= {slot: None for slot in shape if slot != act.slot and _same_file(slot, act.slot)}
        operation = wrap(perform(act, tenure))
        acknowledged, answer = shape, None
        while True:
            try:
                effect = operation.send(answer)
            except StopIteration as ended:
                tenure = ended.value
                break
            if isinstance(effect, Acknowledged):
                acknowledged, answer = intended, None
                if act.slot is not None:
                    spare = {**spare, act.slot: shape[act.slot] if act.tree is not None else None}
                continue
            yield Moment(count, disk, acknowledged, intended, spare)
            answer, disk = disk.perform(effect)
            count += 1
        shape = intended
        yield Moment(count, disk, shape, shape, spare)


class Acknowledged(msgspec.Struct, frozen=True):
    """Not an effect of the store: the engine hears here that its save is durable."""


def perform(act: Act, tenure: Tenure) -> Generator[Any, Any, Tenure]:
    """An act as the driver performs it: the store's operations, and when the engine hears of them."""
    if act.slot is None:
        found = yield from store.take_over(act.owner)
        assert isinstance(found, Found), f"{act.owner} cannot take over: {found}"
        yield Acknowledged()
        return found.tenure
    image = yield from store.save(tenure, act.slot, act.tree)
    assert isinstance(image, ImageFile), f"the disk refuses {act.slot}: {image}"
    yield Acknowledged()
    yield from store.tidy(tenure, image)
    return tenure


def _same_file(one: Slot, other: Slot) -> bool:
    return (one.folder, one.number) == (other.folder, other.number)


class Enumeration:
    """Tries every crash of the scripts, and asks the laws after each."""

    def __init__(
        self,
        wrap: Wrap = plain,
        *,
        twice: bool = True,
        damaged: bool = True,
        only: str | None = None,
        only_script: str = "",
    ) -> None:
        self.wrap = wrap
        self.twice = twice
        self.damaged = damaged
        self.only = only
        self.scripts = [only_script] if only_script else list(SCRIPTS)
        self.crashes = 0
        self.recoveries = 0
        self.second_crashes = 0
        self.damages = 0
        self._known: dict[tuple[Any, ...], Recovered] = {}

    def run(self) -> None:
        """All scripts, all moments. Raises BrokenLawError at the first law that does not hold."""
        for name in self.scripts:
            for moment in moments(SCRIPTS[name], self.wrap):
                self._moment(f"{name}/{moment.effects}", moment)

    def _moment(self, where: str, moment: Moment) -> None:
        for survived, left in moment.disk.crashes():
            place = f"{where}/{survived}"
            if self.only is not None and not self.only.startswith(place):
                continue
            self.crashes += 1
            self._laws(place, moment, left)
            if self.twice:
                self._crash_again(place, moment, left)
            if self.damaged:
                self._damage(place, moment, left)

    def _laws(self, where: str, moment: Moment, left: Disk) -> Recovered:
        recovered = self.recovered(left, tuple(moment.intended))
        if recovered.said:
            raise BrokenLawError(where, f"damage was reported where there was none: {recovered.said}")
        for slot, found in recovered.shape.items():
            if found not in (moment.acknowledged[slot], moment.intended[slot]):
                raise BrokenLawError(
                    where,
                    f"{slot.key} reads as {show(found)}; acknowledged is {show(moment.acknowledged[slot])}, "
                    f"under way {show(moment.intended[slot])}",
                )
            if recovered.published[slot] != found:
                shown = show(recovered.published[slot])
                raise BrokenLawError(where, f"{slot.published} shows {shown}, the truth is {show(found)}")
        return recovered

    def _damage(self, where: str, moment: Moment, left: Disk) -> None:
        """Each file in turn is damaged at rest: before the recovery, and between it and the reading."""
        slots = tuple(moment.intended)
        whole = self.recovered(left, slots)
        taken, after = drive(self.wrap(store.take_over("NODE3")), left)
        assert isinstance(taken, Found)
        for damage, hurt in left.damages():
            self.damages += 1
            found = self.recovered(hurt, slots)
            self._excused(f"{where}/{damage}", moment, whole.shape, found)
        for damage, hurt in after.damages():
            self.damages += 1
            found = self._read(hurt, taken, slots)
            self._excused(f"{where}/later {damage}", moment, whole.shape, found)

    def _excused(self, where: str, moment: Moment, whole: Shape, found: Recovered) -> None:
        if found.shape != whole and not found.said:
            raise BrokenLawError(where, f"{told(found.shape)} was read instead of {told(whole)}, and nothing said so")
        for slot, spare in moment.spare.items():
            lost = found.shape[slot] is None and whole[slot] is not None
            if lost and spare is not None and moment.acknowledged[slot] is not None:
                raise BrokenLawError(where, f"{slot.key} reads as nothing; {show(spare)} was there to fall back to")

    def _crash_again(self, where: str, moment: Moment, left: Disk) -> None:
        """The recovery is stopped as well; the next one must find the same laws, and the same where it had ended."""
        disk, answer = left, None
        operation = self.wrap(store.take_over("NODE2"))
        count = 0
        while True:
            ended = None
            try:
                effect = operation.send(answer)
            except StopIteration as stopped:
                ended = stopped.value
            for survived, again in disk.crashes():
                self.second_crashes += 1
                place = f"{where}/then {count}/{survived}"
                shape = self._laws(place, moment, again).shape
                if isinstance(ended, Found):
                    before = self.recovered(left, tuple(moment.intended)).shape
                    if shape != before:
                        raise BrokenLawError(place, f"one recovery read {told(before)}, the next {told(shape)}")
            if ended is not None:
                return
            answer, disk = disk.perform(effect)
            count += 1

    def recovered(self, disk: Disk, slots: tuple[Slot, ...]) -> Recovered:
        """What a node that takes this disk over finds; equal disks are recovered once."""
        known = (*disk.fingerprint, slots)
        if known not in self._known:
            self.recoveries += 1
            found, after = drive(self.wrap(store.take_over("NODE3")), disk)
            assert isinstance(found, Found), f"NODE3 cannot take over: {found}"
            self._known[known] = self._read(after, found, slots)
        return self._known[known]

    def _read(self, disk: Disk, found: Found, slots: tuple[Slot, ...]) -> Recovered:
        shape: Shape = {}
        said = found.damage
        for slot in slots:
            image, disk = drive(self.wrap(store.load(found.tenure, slot)), disk)
            shape[slot] = image.tree if isinstance(image, Image) else None
            if image is Win32.REGISTRY_CORRUPT or (isinstance(image, Image) and image.damaged):
                said += (f"{slot.key}: damaged",)
        copies = {slot: disk.files[disk.names[slot.published]].now for slot in slots if slot.published in disk.names}
        published = {
            slot: copy.tree if isinstance(copy, ImageFile) and copy.key == slot.key else None
            for slot, copy in ((slot, copies.get(slot)) for slot in slots)
        }
        return Recovered(shape, said, published)


def drive(operation: Op[Any], disk: Disk) -> tuple[Any, Disk]:
    """An operation carried out on a disk without a fault."""
    answer = None
    while True:
        try:
            effect = operation.send(answer)
        except StopIteration as ended:
            return ended.value, disk
        answer, disk = disk.perform(effect)


def show(found: KeyTree | None) -> str:
    """A tree of a script by its number."""
    if found is None:
        return "nothing"
    port = found.value("Port")
    return f"tree {port.plain()}" if port is not None else repr(found)


def told(shape: Shape) -> str:
    return ", ".join(f"{slot.key}: {show(found)}" for slot, found in shape.items())


# --- two owners at once ---------------------------------------------------------------------------------------------


class Race:
    """A stale owner saves while another takes the disk over: every interleaving of their effects.

    States that are equal (the disk, and what each has been answered) are continued once. Law: a save that was
    acknowledged is what the new owner reads; one that was refused or never answered is not, unless it was in place
    before the new owner looked.
    """

    def __init__(self, wrap: Wrap = plain, *, only: str | None = None) -> None:
        self.wrap = wrap
        self.only = None if only is None else only.removeprefix("race/")
        self.states = 0
        self.ends = 0
        self.refused = 0

    def run(self) -> None:
        """One save in flight against a take-over, then a save by the new owner. Raises BrokenLawError."""
        disk, stale = Disk(), Tenure(0, "nobody", {})
        for act in (Act(None), Act(APP, tree(1)), Act(APP, tree(2))):
            stale, disk = drive(self.wrap(_quietly(perform(act, stale))), disk)
        first: tuple[Disk, tuple[Any, ...], tuple[Any, ...], str] = (disk, (None,), (None,), "")
        stack, seen = [first], set()
        while stack:
            disk, told_old, told_new, path = stack.pop()
            if self.only is not None and not self.only.startswith(path):
                continue
            known = disk.fingerprint, _frozen(told_old), _frozen(told_new)
            if known in seen:
                continue
            seen.add(known)
            self.states += 1
            old, new = self._replayed(self._old(stale), told_old), self._replayed(self._new(), told_new)
            if isinstance(old, Ended) and isinstance(new, Ended):
                self._judge(f"race/{path}", disk, old.value, new.value)
            if not isinstance(new, Ended):
                answer, after = disk.perform(new)
                stack.append((after, told_old, (*told_new, answer), path + "n"))
            if not isinstance(old, Ended):
                answer, after = disk.perform(old)
                stack.append((after, (*told_old, answer), told_new, path + "o"))

    def _old(self, stale: Tenure) -> Op[Any]:
        """The stale owner's save of tree 3; answers whether it was acknowledged."""
        image = yield from store.save(stale, APP, tree(3))
        if not isinstance(image, ImageFile):
            return False
        yield from store.tidy(stale, image)
        return True

    def _new(self) -> Op[Any]:
        """The new owner takes over, and reads; then saves tree 4, and reads again."""
        found = yield from store.take_over("NODE2")
        assert isinstance(found, Found)
        read = yield from store.load(found.tenure, APP)
        image = yield from store.save(found.tenure, APP, tree(4))
        assert isinstance(image, ImageFile)
        yield from store.tidy(found.tenure, image)
        again = yield from store.load(found.tenure, APP)
        return read, again

    def _replayed(self, operation: Op[Any], answers: tuple[Any, ...]) -> Any:
        operation = self.wrap(operation)
        effect: Any = None
        for answer in answers:
            try:
                effect = operation.send(answer)
            except StopIteration as ended:
                return Ended(ended.value)
        return effect

    def _judge(self, path: str, disk: Disk, acknowledged: bool, read: tuple[Any, Any]) -> None:
        self.ends += 1
        self.refused += not acknowledged
        first, second = (each.tree if isinstance(each, Image) and not each.damaged else None for each in read)
        if first not in (tree(2), tree(3)) or (acknowledged and first != tree(3)):
            said = "acknowledged" if acknowledged else "refused"
            raise BrokenLawError(path, f"the stale owner's save was {said}, the new owner reads {show(first)}")
        if second != tree(4):
            raise BrokenLawError(path, f"the new owner reads {show(second)} after it has saved tree 4")
        found, after = drive(self.wrap(store.take_over("NODE3")), disk)
        assert isinstance(found, Found)
        image, _ = drive(self.wrap(store.load(found.tenure, APP)), after)
        if not isinstance(image, Image) or image.tree != tree(4):
            raise BrokenLawError(path, f"a third owner reads {image}, the newest acknowledged is tree 4")


class Ended(msgspec.Struct, frozen=True):
    """An operation has ended, with this."""

    value: Any


def _quietly(operation: Op[Any]) -> Op[Any]:
    """The operation without the marks for the engine."""
    answer = None
    while True:
        try:
            effect = operation.send(answer)
        except StopIteration as ended:
            return ended.value
        answer = None if isinstance(effect, Acknowledged) else (yield effect)


def _frozen(answers: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(map(repr, answers))


def main(arguments: list[str]) -> int:
    """Print the counts; with a replay, repeat that case alone."""
    only = arguments[0] if arguments else None
    enumeration, race = Enumeration(only=only), Race(only=only)
    try:
        if only is None or not only.startswith("race/"):
            enumeration.run()
        if only is None or only.startswith("race/"):
            race.run()
    except BrokenLawError as broken:
        print(broken)
        return 1
    lengths = [list(moments(script, plain))[-1].effects for script in SCRIPTS.values()]
    print(f"{sum(lengths)} effects in {len(SCRIPTS)} scripts; stopped before and after each:")
    print(f"{enumeration.crashes} crash states, {enumeration.second_crashes} with a second crash in the recovery,")
    print(
        f"{enumeration.damages} with a damaged file; {enumeration.recoveries} different disks recovered; 0 violations"
    )
    print(f"two owners at once: {race.states} states, {race.ends} ends, {race.refused} saves refused; 0 violations")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
