"""Every crash of the store: before and after each effect of each operation, with everything that may survive it.

A *script* (`scripts`) is what owners of the disk do. It is stopped before every effect and after the last one. For
every disk that the power loss may leave (`Disk.crashes`) the next owner recovers, and is stopped in the same way; then
the one after it recovers in peace, and the laws are asked. Or the process alone is killed: the next owner finds all
that was done, flushed or not, and the power fails when it has taken over.

Laws:    what is read is the last acknowledged image or the one that was being saved, whole; nothing acknowledged is
         lost, nothing removed comes back, nothing refused is read; an undo file whose name was answered is there,
         whole; what one recovery found, the next finds too, and who only reads (`as_left`) finds the same; no damage
         is reported where there was none; a damaged image is heard of by whoever loads what it held, a damaged index
         by whoever takes over, and no other file matters; a recovery leaves nothing that is of no use; the published
         copy is the truth, after every act and after every recovery.
Reduced: disks that are equal in all that can still happen are tried once (their fingerprints); unflushed contents
         have three outcomes instead of one for each subset of sectors (see `disk`).
`python -m tests.crashes.enumerate` prints the counts, `... REPLAY` repeats one case and shows the files that are left
(1: a law is broken there, 0: they hold, 2: there is no such case).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from shlex import quote
from typing import Any

import msgspec
from msgspec.structs import replace

from sim.checkpoint import store
from sim.checkpoint.effects import Image, Op
from sim.checkpoint.files import ClaimFile, ImageFile, IndexFile, UndoFile, Unreadable
from sim.checkpoint.store import DAMAGED, Found, Slot, Tenure
from sim.registry import KeyTree, RegFile, Win32
from tests.crashes.disk import Disk, Kept
from tests.crashes.scripts import NOBODY, SCRIPTS, Acknowledged, Act, acts, intended, perform, show, tree, undo

Shape = dict[Slot, KeyTree | None]
"""What each checkpoint holds; None: nothing."""

Wrap = Callable[[Op[Any]], Op[Any]]
"""What a planted bug does to the effects of an operation; none of it: `plain`."""


def plain(operation: Op[Any]) -> Op[Any]:
    return operation


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A point of a script: the disk, what has been acknowledged, and what the act in progress would make of it.

    `spare`: what was acknowledged before that, to fall back to. `undo`: the undo files whose names were answered.
    `at_rest`: no act is in progress.
    """

    effects: int
    disk: Disk
    acknowledged: Shape
    intended: Shape
    spare: Shape
    refused: tuple[KeyTree, ...]
    undo: dict[str, RegFile]
    at_rest: bool


class Recovered(msgspec.Struct, frozen=True):
    """What a node reads that has taken the disk over, and what lies there then.

    `said`: damage, at the take-over or at a load; `unread`: the checkpoints whose load said so. `left`: what a node
    reads that does not take over. `useless`: files that nobody needs.
    """

    shape: Shape
    said: tuple[str, ...]
    unread: frozenset[Slot]
    left: Shape
    published: Shape
    undo: dict[str, Kept | None]
    useless: tuple[str, ...]


class BrokenLawError(AssertionError):
    """A law is broken; `replay` repeats it, `disk` is what the power loss left, `cost` how much had to go wrong."""

    def __init__(self, replay: str, what: str, disk: Disk, cost: int) -> None:
        super().__init__(what)
        self.replay = replay
        self.disk = disk
        self.cost = cost


def moments(script: str, wrap: Wrap) -> Iterator[Moment]:
    """Every point of a script, in order: before each effect, and after the last of each act."""
    nothing: Shape = {act.slot: None for act in acts(script) if act.slot is not None}
    at = Moment(
        effects=0,
        disk=Disk(),
        acknowledged=nothing,
        intended=nothing,
        spare=nothing,
        refused=(),
        undo={},
        at_rest=False,
    )
    tenure, before = NOBODY, NOBODY
    for act in acts(script):
        refused = (tree(act.number),) if act.kind == "late" and act.number is not None else ()
        aim = _aim(at.acknowledged, act)
        at = replace(at, intended=aim, refused=at.refused + refused, at_rest=False)
        operation, answer = wrap(perform(act, tenure, before)), None
        while True:
            try:
                effect = operation.send(answer)
            except StopIteration as ended:
                before = tenure if act.slot is None else before
                tenure = ended.value
                break
            if isinstance(effect, Acknowledged):
                at, answer = _told(at, act, effect), None
            else:
                yield at
                answer, disk = at.disk.perform(effect)
                at = replace(at, disk=disk, effects=at.effects + 1)
        at = replace(at, acknowledged=aim, at_rest=True)
        yield at


def _told(at: Moment, act: Act, heard: Acknowledged) -> Moment:
    """The engine has heard that its act is durable."""
    if act.kind == "undo" and act.number is not None:
        return replace(at, undo={**at.undo, heard.name: undo(act.number)})
    spare = at.spare
    if act.slot is not None:
        spare = {**spare, act.slot: None if act.number is None else at.acknowledged[act.slot]}
    return replace(at, acknowledged=at.intended, spare=spare)


def _aim(shape: Shape, act: Act) -> Shape:
    """What the checkpoints hold once the act is done."""
    if act.slot is None or act.kind != "save":
        return shape
    aim = {**shape, act.slot: intended(act)}
    if act.number is not None:  # a file number that was used for another key
        aim |= {slot: None for slot in shape if slot != act.slot and _same_file(slot, act.slot)}
    return aim


def _same_file(one: Slot, other: Slot) -> bool:
    return (one.folder, one.number) == (other.folder, other.number)


class Enumeration:
    """Tries every crash of scripts, and asks the laws after each.

    `twice`: the recovery is stopped too. `damaged`: each file in turn is damaged at rest as well. `only`: this case.
    `gather`: at the first moment at which a law is broken, keep all that breaks one instead of raising.
    """

    def __init__(
        self,
        wrap: Wrap = plain,
        *,
        twice: bool = True,
        damaged: bool = True,
        only: str | None = None,
        gather: bool = False,
    ) -> None:
        self.wrap = wrap
        self.twice = twice
        self.damaged = damaged
        self.only = only
        self.broken: list[BrokenLawError] | None = [] if gather else None
        self.met: Disk | None = None
        self.crashes = 0
        self.recoveries = 0
        self.second_crashes = 0
        self.damages = 0
        self.kills = 0
        self._known: dict[tuple[Any, ...], Recovered] = {}

    def run(self, scripts: Iterable[str] = tuple(SCRIPTS.values())) -> None:
        """All moments of these scripts. Raises BrokenLawError at the first law that does not hold."""
        for script in scripts:
            for moment in moments(script, self.wrap):
                self._moment(f"{script}/{moment.effects}", moment)
                if self.broken:
                    return

    def _moment(self, where: str, moment: Moment) -> None:
        if moment.at_rest and self._wanted(f"{where}/at rest"):
            published = _published(moment.disk, moment.acknowledged)
            self._judge(f"{where}/at rest", moment.disk, 0, _unpublished(published, moment.acknowledged))
        for survival, left in moment.disk.crashes():
            place = f"{where}/{survival}"
            if not self._wanted(place):
                continue
            self.crashes += 1
            recovered = self.recovered(left, tuple(moment.intended))
            self._judge(place, left, survival.cost, _law(moment, recovered))
            if self.twice:
                self._crash_again(place, survival.cost, moment, left)
            if self.damaged:
                self._damage(place, survival.cost, moment, left)
        if moment.disk.pending and self._wanted(f"{where}/killed"):
            self._killed(f"{where}/killed", moment)

    def _wanted(self, place: str) -> bool:
        return self.only is None or self.only == place or self.only.startswith(f"{place}/")

    def _judge(self, place: str, disk: Disk, cost: int, problem: str | None) -> None:
        if self.only is not None and self.only != place:
            return
        self.met = disk
        if problem is None:
            return
        broken = BrokenLawError(place, problem, disk, cost)
        if self.broken is None:
            raise broken
        self.broken.append(broken)

    def _crash_again(self, where: str, cost: int, moment: Moment, left: Disk) -> None:
        """The recovery is stopped as well; the next one must find the same laws, and the same where it had ended."""
        whole = self.recovered(left, tuple(moment.intended)).shape
        for count, (disk, ended) in enumerate(stops(self.wrap(store.take_over("NODE2")), left)):
            for survival, again in disk.crashes():
                place = f"{where}/then {count}/{survival}"
                if not self._wanted(place):
                    continue
                self.second_crashes += 1
                found = self.recovered(again, tuple(moment.intended))
                problem = _law(moment, found) or (_another(whole, found.shape) if ended else None)
                self._judge(place, again, cost + survival.cost + 1, problem)

    def _killed(self, where: str, moment: Moment) -> None:
        """Only the process dies, and the power fails later: what the next owner found is there, whoever flushed it.

        `twice`: the power may fail before it has taken over.
        """
        found, after = drive(self.wrap(store.take_over("NODE2")), moment.disk)
        assert isinstance(found, Found), f"NODE2 cannot take over: {found}"
        whole = self._read(after, found, tuple(moment.intended), {}).shape
        for count, (disk, ended) in enumerate(stops(self.wrap(store.take_over("NODE2")), moment.disk)):
            for survival, left in disk.crashes() if ended or self.twice else ():
                place = f"{where}/then {count}/{survival}"
                if self._wanted(place):
                    self.kills += 1
                    recovered = self.recovered(left, tuple(moment.intended))
                    problem = _law(moment, recovered) or (_another(whole, recovered.shape) if ended else None)
                    self._judge(place, left, survival.cost + 1, problem)

    def _damage(self, where: str, cost: int, moment: Moment, left: Disk) -> None:
        """Each file in turn is damaged at rest: before the recovery, and between it and the reading."""
        slots = tuple(moment.intended)
        whole = self.recovered(left, slots)
        taken, after = drive(self.wrap(store.take_over("NODE3")), left)
        assert isinstance(taken, Found)
        for path, hurt in left.damages():
            if self._wanted(f"{where}/damaged {path}"):
                self.damages += 1
                problem = _excuse(path, moment, whole.shape, self.recovered(hurt, slots))
                self._judge(f"{where}/damaged {path}", hurt, cost + 1, problem)
        for path, hurt in after.damages():
            if self._wanted(f"{where}/later damaged {path}"):
                self.damages += 1
                problem = _excuse(path, moment, whole.shape, self._read(hurt, taken, slots, {}))
                self._judge(f"{where}/later damaged {path}", hurt, cost + 1, problem)

    def recovered(self, disk: Disk, slots: tuple[Slot, ...]) -> Recovered:
        """What a node that takes this disk over finds; equal disks are recovered once."""
        known = (*disk.fingerprint, slots)
        if known not in self._known:
            self.recoveries += 1
            looked, _ = drive(self.wrap(store.as_left()), disk)
            left, _, _ = self._loaded(disk, looked.tenure, slots)
            found, after = drive(self.wrap(store.take_over("NODE3")), disk)
            assert isinstance(found, Found), f"NODE3 cannot take over: {found}"
            self._known[known] = self._read(after, found, slots, left)
        return self._known[known]

    def _read(self, disk: Disk, found: Found, slots: tuple[Slot, ...], left: Shape) -> Recovered:
        shape, unread, disk = self._loaded(disk, found.tenure, slots)
        said = (*found.damage, *(f"{slot.key}: damaged" for slot in unread))
        kept = {path.rpartition("/")[2]: contents for path, contents in disk.contents.items() if path.endswith(".reg")}
        return Recovered(
            shape, said, frozenset(unread), left, _published(disk, slots), kept, _useless(disk, found.tenure)
        )

    def _loaded(self, disk: Disk, tenure: Tenure, slots: tuple[Slot, ...]) -> tuple[Shape, list[Slot], Disk]:
        shape: Shape = {}
        unread = []
        for slot in slots:
            image, disk = drive(self.wrap(store.load(tenure, slot)), disk)
            shape[slot] = image.tree if isinstance(image, Image) else None
            if image is Win32.REGISTRY_CORRUPT or (isinstance(image, Image) and image.damaged):
                unread.append(slot)
        return shape, unread, disk


# --- the laws: what is wrong, None where nothing is -----------------------------------------------------------------


def _law(moment: Moment, recovered: Recovered) -> str | None:
    if recovered.said:
        return f"damage was reported where there was none: {recovered.said}"
    for slot, found in recovered.shape.items():
        if found not in (moment.acknowledged[slot], moment.intended[slot]):
            return (
                f"{slot.key} reads as {show(found)}; acknowledged is {show(moment.acknowledged[slot])}, "
                f"under way {show(moment.intended[slot])}"
            )
    if recovered.left != recovered.shape:
        return f"who does not take over reads {told(recovered.left)}, who does {told(recovered.shape)}"
    for name, content in moment.undo.items():
        if recovered.undo.get(name) != UndoFile(content=content):
            return f"the undo file {name} was answered, and holds {recovered.undo.get(name)!r} now"
    if recovered.useless:
        return f"of no use to anybody: {', '.join(recovered.useless)}"
    return _unpublished(recovered.published, recovered.shape)


def _unpublished(published: Shape, shape: Shape) -> str | None:
    for slot, copy in published.items():
        if copy != shape[slot]:
            return f"{slot.published} shows {show(copy)}, the truth is {show(shape[slot])}"
    return None


def _another(before: Shape, after: Shape) -> str | None:
    return None if before == after else f"one recovery read {told(before)}, the next {told(after)}"


def _excuse(path: str, moment: Moment, whole: Shape, found: Recovered) -> str | None:
    """Whether what is read with one file damaged differs as it may from what is read without the damage."""
    if not path.endswith(".img") and "index-" not in path and (found.shape != whole or found.said):
        return f"damage of {path} matters: {told(found.shape)} instead of {told(whole)}, said {found.said}"
    others = [text for text in found.said if "does not read" in text or "is gone" in text]
    if not all(path in text for text in others):
        return f"{path} is damaged, and said is {others}"
    if found.shape != whole and not found.said:
        return f"{told(found.shape)} was read instead of {told(whole)}, and nothing said so"
    for slot, spare in moment.spare.items():
        if path.endswith(".img") and found.shape[slot] != whole[slot] and slot not in found.unread:
            return f"whoever loads {slot.key} gets {show(found.shape[slot])}, and does not hear of the damage"
        if found.shape[slot] in moment.refused:
            return f"{slot.key} reads as {show(found.shape[slot])}, which was refused"
        lost = found.shape[slot] is None and whole[slot] is not None
        if lost and spare is not None and moment.acknowledged[slot] is not None:
            return f"{slot.key} reads as nothing; {show(spare)} was there to fall back to"
    return None


def _published(disk: Disk, slots: Iterable[Slot]) -> Shape:
    """What ordinary tools see."""
    copies = {slot: disk.contents.get(slot.published) for slot in slots}
    return {
        slot: copy.tree if isinstance(copy, ImageFile) and copy.key == slot.key else None
        for slot, copy in copies.items()
    }


def _useless(disk: Disk, tenure: Tenure) -> tuple[str, ...]:
    """The files that a take-over should have swept away."""
    used = {f"claim-e{tenure.epoch}-{tenure.writer}", f"index-e{tenure.epoch}-{tenure.writer}"}
    for place, names in tenure.index.items():
        folder, number = place.split("/")
        used |= {f"{folder}/{name}" for name in names} | {f"{folder}/{int(number):08d}.CPT"}
    return tuple(
        path
        for path, contents in disk.contents.items()
        if contents is not None and path not in used and not path.endswith((".reg", DAMAGED))
    )


def told(shape: Shape) -> str:
    return ", ".join(f"{slot.key}: {show(found)}" for slot, found in shape.items())


# --- carrying out ---------------------------------------------------------------------------------------------------


def drive(operation: Op[Any], disk: Disk) -> tuple[Any, Disk]:
    """An operation carried out on a disk without a fault."""
    answer = None
    while True:
        try:
            effect = operation.send(answer)
        except StopIteration as ended:
            return ended.value, disk
        answer, disk = disk.perform(effect)


def stops(operation: Op[Any], disk: Disk) -> Iterator[tuple[Disk, bool]]:
    """The disk before each effect, and after the last: then True."""
    answer = None
    while True:
        try:
            effect = operation.send(answer)
        except StopIteration:
            yield disk, True
            return
        yield disk, False
        answer, disk = disk.perform(effect)


# --- the smallest case ----------------------------------------------------------------------------------------------


def smallest(script: str, wrap: Wrap, *, twice: bool, damaged: bool) -> BrokenLawError | None:
    """A broken law of the script's: no act can be left out, at the fewest effects, with the least that goes wrong."""

    def broken(tried: str) -> list[BrokenLawError]:
        enumeration = Enumeration(wrap, twice=twice, damaged=damaged, gather=True)
        try:
            enumeration.run((tried,))
        except AssertionError:  # of the store itself, or of an act that cannot be done
            return []
        return enumeration.broken or []

    least, shorter = script.split(), True
    while shorter:
        tried = [least[:at] + least[at + 1 :] for at in range(len(least) - 1, -1, -1)]
        found = next((acts for acts in tried if acts and broken(" ".join(acts))), None)
        shorter, least = found is not None, found or least
    return min(broken(" ".join(least)), key=lambda each: (each.cost, len(each.replay)), default=None)


def files(disk: Disk) -> Iterator[str]:
    """The files of a disk and what is in them, a line each."""
    for path, contents in sorted(disk.contents.items()):
        match contents:
            case ImageFile(key=key, tree=kept):
                yield f"  {path}: {key} {'removed' if kept is None else show(kept)}"
            case IndexFile(images=images):
                listed = ", ".join(f"{place}: {list(names)}" for place, names in images.items())
                yield f"  {path}: {listed or 'nothing'}"
            case Unreadable():
                yield f"  {path}: does not read"
            case ClaimFile():
                yield f"  {path}: a claim"
            case UndoFile():
                yield f"  {path}: an undo file"
            case None:
                yield f"  {path}/"


def shown(broken: BrokenLawError, command: str) -> str:
    """A broken law, the disk that the power loss left, and what repeats it."""
    return "\n".join((str(broken), *files(broken.disk), f"  replay: {command} {quote(broken.replay)}"))


def replayed(only: str, wrap: Wrap, command: str) -> int:
    """Repeat one case and show it; the status to end with."""
    from tests.crashes.races import Race, is_race

    met: Disk | None
    try:
        if is_race(only):
            race = Race(only.split("/")[1], wrap, only=only)
            race.run()
            met = race.met
        else:
            enumeration = Enumeration(wrap, only=only)
            enumeration.run((only.partition("/")[0],))
            met = enumeration.met
    except BrokenLawError as broken:
        print(shown(broken, command))
        return 1
    except ValueError as error:
        print(f"{error}: a replay is what a broken law prints", file=sys.stderr)
        return 2
    if met is None:
        print(f"no case is called {only!r}: a replay is what a broken law prints", file=sys.stderr)
        return 2
    print("every law holds here", *files(met), sep="\n")
    return 0


def main(arguments: list[str]) -> int:
    """Print the counts; with a replay, repeat that case alone."""
    from tests.crashes.races import RACES, Race

    command = "python -m tests.crashes.enumerate"
    if arguments:
        return replayed(arguments[0], plain, command)
    enumeration = Enumeration()
    try:
        enumeration.run()
        effects = [list(moments(script, plain))[-1].effects for script in SCRIPTS.values()]
        print(f"{sum(effects)} effects in {len(SCRIPTS)} scripts; stopped before and after each:")
        print(f"{enumeration.crashes} crash states, {enumeration.second_crashes} with a second crash in the recovery,")
        print(f"{enumeration.kills} after a kill, {enumeration.damages} with a damaged file;")
        print(f"{enumeration.recoveries} different disks recovered; 0 violations")
        for name, kind in RACES.items():
            race = Race(name, switches=kind.most)
            race.run()
            print(f"{race}; 0 violations")
    except BrokenLawError as broken:
        print(shown(broken, command))
        return 1
    return 0


if __name__ == "__main__":
    from tests.crashes.enumerate import main as imported  # this module by its name, as the races know it

    sys.exit(imported(sys.argv[1:]))
