"""Mistakes that a store can have, each planted in one line, and which the enumerator has to find.

`python -m tests.crashes.planted` prints each mistake and the smallest case found for it: the law that is broken, the
files that the power loss left, and the command that repeats it. With `--mistake TITLE REPLAY`, it repeats that case
(1: a law is broken there, 0: they hold, 2: there is no such case or mistake).
"""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from shlex import quote
from typing import Any
from unittest.mock import patch

import msgspec

from sim.checkpoint import files, store
from sim.checkpoint.effects import Image, Op
from sim.checkpoint.files import UNREADABLE, FlushFile, FlushFolder, ImageFile, ReadFile
from sim.checkpoint.store import Slot, Tenure
from sim.registry import KeyTree, Win32
from tests.crashes.enumerate import BrokenLawError, Enumeration, Wrap, plain, replayed, shown, smallest
from tests.crashes.races import RACES, Race, least
from tests.crashes.scripts import SCRIPTS, tree


class Mistake(msgspec.Struct, frozen=True):
    """A mistake: in the effects (`wrap`), or in a function of the store (`name` replaced by `function`)."""

    title: str
    wrap: Wrap = plain
    name: str = ""
    function: Callable[..., Any] | None = None

    @contextmanager
    def made(self) -> Iterator[None]:
        if not self.name:
            yield
            return
        with patch.object(store, self.name, self.function):
            yield


def in_line(title: str, name: str, right: str, wrong: str) -> Mistake:
    """A mistake in the text of a function of the store: these words instead of those."""
    source = textwrap.dedent(inspect.getsource(getattr(store, name)))
    assert source.count(right) == 1, f"{name} says {right!r} {source.count(right)} times"
    there = dict(vars(store))
    # The names are looked up in a copy of the store, so that what is planted elsewhere is not found here.
    exec(compile("from __future__ import annotations\n" + source.replace(right, wrong), name, "exec"), there)
    return Mistake(title, name=name, function=there[name])


def without(kind: type) -> Wrap:
    """The effects of a kind are not carried out."""

    def wrapped(operation: Op[Any]) -> Op[Any]:
        answer = None
        while True:
            try:
                effect = operation.send(answer)
            except StopIteration as ended:
                return ended.value
            answer = None if isinstance(effect, kind) else (yield effect)

    return wrapped


def believing(operation: Op[Any]) -> Op[Any]:
    """What does not read is taken for an image, with whatever its bytes give."""
    answer = None
    while True:
        try:
            effect = operation.send(answer)
        except StopIteration as ended:
            return ended.value
        answer = yield effect
        named = store.image_name(effect.path.rpartition("/")[2]) if isinstance(effect, ReadFile) else None
        if answer == UNREADABLE and named is not None:
            folder = effect.path.rpartition("/")[0]
            answer = ImageFile(
                folder=folder,
                number=named.number,
                key=r"SOFTWARE\App",
                epoch=named.epoch,
                writer=named.writer,
                version=named.version,
                tree=tree(99),
            )


def put_renaming_first(folder: str, name: str, contents: files.Contents, aside: str = "") -> Op[Win32 | None]:
    path = f"{folder}/{name}" if folder else name
    yield from files.write_file(path + store.ASIDE, contents)
    yield from files.rename(path + store.ASIDE, path)
    yield from files.flush_folder(folder)
    yield from files.flush_file(path)
    return None


def put_in_place(folder: str, name: str, contents: files.Contents, aside: str = "") -> Op[Win32 | None]:
    path = f"{folder}/{name}" if folder else name
    yield from files.write_file(path, contents)
    yield from files.flush_file(path)
    yield from files.flush_folder(folder)
    return None


def candidates_by_name(names: Any, tenure: Tenure | None, place: str) -> list[str]:
    return sorted(map(str, names), reverse=True)


def candidates_by_version(names: Any, tenure: Tenure | None, place: str) -> list[str]:
    return [str(each) for each in sorted(names, key=lambda name: name.version, reverse=True)]


def candidates_own_only(names: Any, tenure: Tenure | None, place: str) -> list[str]:
    own = [each for each in names if tenure is None or each.epoch == tenure.epoch]
    return [str(each) for each in sorted(own, key=lambda name: name.version, reverse=True)]


_save, _load, _take_over = store.save, store.load, store.take_over


def save_dropping_first(tenure: Tenure, slot: Slot, saved: KeyTree | None) -> Op[Any]:
    for name in (yield from files.list_folder(slot.folder)):
        if store.image_name(name) is not None and name.startswith(f"{slot.number:08d}"):
            yield from files.delete(f"{slot.folder}/{name}")
    return (yield from _save(tenure, slot, saved))


def save_removing_files_only(tenure: Tenure, slot: Slot, saved: KeyTree | None) -> Op[Any]:
    if saved is not None:
        return (yield from _save(tenure, slot, saved))
    for name in (yield from files.list_folder(slot.folder)):
        if name.startswith(f"{slot.number:08d}"):
            yield from files.delete(f"{slot.folder}/{name}")
    yield from files.flush_folder(slot.folder)
    return ImageFile(
        folder=slot.folder,
        number=slot.number,
        key=slot.key,
        epoch=tenure.epoch,
        writer=tenure.writer,
        version=0,
        tree=None,
    )


def same_version(slot: Slot) -> Op[int]:
    names = [store.image_name(name) for name in (yield from files.list_folder(slot.folder))]
    return max((name.version for name in names if name is not None and name.number == slot.number), default=1)


def load_in_silence(tenure: Tenure, slot: Slot) -> Op[Image | Win32]:
    image = yield from _load(tenure, slot)
    if isinstance(image, Image):
        return msgspec.structs.replace(image, damaged=False)
    return Win32.FILE_NOT_FOUND


def load_published(tenure: Tenure, slot: Slot) -> Op[Image | Win32]:
    contents = yield from files.read_file(slot.published)
    if isinstance(contents, ImageFile) and contents.tree is not None and contents.key == slot.key:
        return Image(contents.version, contents.tree)
    return Win32.FILE_NOT_FOUND


def no_publishing_at_recovery(tenure: Tenure, image: ImageFile) -> Op[None]:
    return
    yield


def no_claim(epoch: int) -> Op[None]:
    return None
    yield


def readable_of_anything(folder: str, candidates: list[str], most: int) -> Op[tuple[list[str], list[str]]]:
    """A removal is passed over in the search for an older image."""
    good: list[str] = []
    bad: list[str] = []
    for name in candidates:
        contents = yield from files.read_file(f"{folder}/{name}")
        if not isinstance(contents, ImageFile):
            bad.append(name)
        elif contents.tree is not None:
            good.append(name)
        if len(good) == most:
            break
    return good, bad


def take_over_looking_first(node: str) -> Op[Any]:
    """The images are read before the epoch is claimed."""
    before: dict[str, tuple[str, ...]] = {}
    for folder in (yield from files.list_folder(files.ROOT)):
        before[folder] = yield from files.list_folder(folder)
    operation = _take_over(node)
    answer = None
    while True:
        try:
            effect = operation.send(answer)
        except StopIteration as ended:
            return ended.value
        seen = before.get(effect.folder) if isinstance(effect, files.ListFolder) else None
        answer = seen if seen is not None else (yield effect)


def promoted(name: str) -> store.ImageName | None:
    """A file that was being written is taken for an image."""
    found = re.fullmatch(r"(\d{8})-e(\d+)-v(\d+)-(.+)\.img(\.new)?", name)
    return None if found is None else store.ImageName(int(found[1]), int(found[2]), int(found[3]), found[4])


MISTAKES = (
    Mistake("contents are not flushed", without(FlushFile)),
    Mistake("names are not flushed", without(FlushFolder)),
    Mistake("renamed before it is flushed", name="_put", function=put_renaming_first),
    Mistake("written in place", name="_put", function=put_in_place),
    Mistake("the digest is not checked", believing),
    Mistake("the newest is told by name", name="_candidates", function=candidates_by_name),
    Mistake("the epoch is ignored", name="_candidates", function=candidates_by_version),
    Mistake("what an earlier owner saved is ignored", name="_candidates", function=candidates_own_only),
    Mistake("the old image goes first", name="save", function=save_dropping_first),
    Mistake("a removal only deletes", name="save", function=save_removing_files_only),
    Mistake("a removal is passed over", name="_readable", function=readable_of_anything),
    Mistake("a version is used again", name="next_version", function=same_version),
    Mistake("damage is kept quiet", name="load", function=load_in_silence),
    Mistake("the published copy is believed", name="load", function=load_published),
    Mistake("nothing is published again", name="publish", function=no_publishing_at_recovery),
    Mistake("no look for a newer claim", name="newer_claim", function=no_claim),
    Mistake("looked before it claimed", name="take_over", function=take_over_looking_first),
    Mistake("an unfinished file is promoted", name="image_name", function=promoted),
    in_line("a new folder is not flushed", "_make_folder", "error or (yield from flush_folder(ROOT))", "error"),
    in_line(
        "names are not flushed before an index lists them", "_write_down", "yield from flush_folder(folder)", "None"
    ),
    in_line("a take-over does not heed a rival", "take_over", "(yield from _rival(epoch, writer)) or error", "error"),
    in_line("a rival in the same epoch is not seen", "_rival", "claim[0] >= epoch", "claim[0] > epoch"),
    in_line("no look before the sweep", "take_over", "(yield from newer_claim(epoch)) or error", "error"),
    in_line(
        "the sweep deletes later owners' claims",
        "_sweep",
        "_epoch(name) >= tenure.epoch",
        "_epoch(name) == tenure.epoch",
    ),
    in_line(
        "the sweep deletes images of any epoch",
        "_sweep_folder",
        "name not in listed and _epoch(name) < tenure.epoch",
        "name not in listed",
    ),
    in_line(
        "the sweep deletes what later owners are writing",
        "_sweep_folder",
        "name.endswith(ASIDE) and _epoch(name) < tenure.epoch",
        "name.endswith(ASIDE)",
    ),
    in_line("the sweep leaves old images", "_sweep_folder", "unread += yield from _drop(folder, name)", "pass"),
    in_line(
        "a damaged newest image is not listed",
        "as_left",
        "(*(name for name in bad if name == candidates[0]), *good)",
        "tuple(good)",
    ),
    in_line("one image is listed", "as_left", "candidates, 2)", "candidates, 1)"),
    in_line(
        "a dropped image is called damage", "_readable", "elif contents is not None or name == candidates[0]", "else"
    ),
    in_line(
        "a damaged index is kept quiet",
        "_newest_index",
        '(f"index {newest[0]} does not read: the highest version of each image is taken",)',
        "()",
    ),
    in_line(
        "the highest version counts before the epoch",
        "_candidates",
        "(each.epoch, each.version)",
        "(each.version, each.epoch)",
    ),
    in_line("the published copy stays after a removal", "tidy", "yield from delete(slot.published)", "pass"),
    in_line(
        "the last good image is dropped",
        "tidy",
        "keep = {newest, *(spare if image.tree is not None else ())}",
        "keep = {newest}",
    ),
    in_line("a save drops later owners' images", "tidy", " and name.epoch <= tenure.epoch", ""),
    in_line("another key's image is restored", "_load", " and contents.key == slot.key", ""),
    in_line(
        "a stale owner is not told why it reads nothing",
        "load",
        "(yield from newer_claim(tenure.epoch)) or image",
        "image",
    ),
    in_line(
        "an undo file is answered before its name is durable",
        "quarantine",
        "error or (yield from flush_folder(slot.folder))",
        "error",
    ),
    in_line("an undo file is not flushed", "quarantine", "error or (yield from flush_file(aside))", "error"),
    in_line(
        "an undo file is written over another owner's",
        "quarantine",
        'yield from link(aside, f"{slot.folder}/{_undo(slot, number)}")',
        'yield from rename(aside, f"{slot.folder}/{_undo(slot, number)}")',
    ),
)
"""Not among them, since nothing that can happen tells it from the right thing: that an owner's own images are told by
epoch and writer, and not by the epoch alone. An epoch has one owner (races: "one epoch has two owners"), and whoever
gave way in it has saved nothing."""


def found(mistake: Mistake) -> str | None:
    """The message of the law that the mistake breaks; None where nothing notices it."""
    with mistake.made():
        for _, check in _checks(mistake.wrap):
            try:
                check.run()
            except AssertionError as broken:  # a broken law, or an assertion of the store
                return str(broken)
    return None


def _checks(wrap: Wrap) -> Iterator[tuple[str, Enumeration | Race]]:
    """What looks for a mistake, the quickest first; a race by its name."""
    yield "", Enumeration(wrap, twice=False, damaged=False)
    for name, race in RACES.items():
        if len(race.parties) == 2:
            yield name, Race(name, wrap, switches=2)
    yield "", Enumeration(wrap, twice=False)
    for name in RACES:
        yield name, Race(name, wrap)
    yield "", Enumeration(wrap)


def smallest_of(mistake: Mistake) -> BrokenLawError | str | None:
    """The smallest case that shows the mistake; the words of an assertion where that is all there is."""
    words = None
    with mistake.made():
        for name, check in _checks(mistake.wrap):
            try:
                check.run()
            except BrokenLawError as broken:
                if isinstance(check, Race):
                    return least(name, mistake.wrap) or broken
                script = broken.replay.partition("/")[0]
                return smallest(script, mistake.wrap, twice=check.twice, damaged=check.damaged) or broken
            except AssertionError as assertion:
                words = words or f"an assertion of the store: {assertion}"
    return words


def main(arguments: list[str]) -> int:
    """Print what finds each mistake, or repeat a case of one."""
    command = "python -m tests.crashes.planted --mistake"
    if arguments:
        titles = {mistake.title: mistake for mistake in MISTAKES}
        if len(arguments) != 3 or arguments[0] != "--mistake" or arguments[1] not in titles:
            print("usage: python -m tests.crashes.planted [--mistake TITLE REPLAY]; the titles are", file=sys.stderr)
            print(*titles, sep="\n", file=sys.stderr)
            return 2
        mistake = titles[arguments[1]]
        with mistake.made():
            return replayed(arguments[2], mistake.wrap, f"{command} {quote(mistake.title)}")
    missed = 0
    for each in MISTAKES:
        case = smallest_of(each)
        missed += case is None
        told = shown(case, f"{command} {quote(each.title)}") if isinstance(case, BrokenLawError) else case
        print(f"{each.title}: {told or 'NOT FOUND'}", flush=True)
    print(f"{len(MISTAKES) - missed} of {len(MISTAKES)} planted mistakes found, in {len(SCRIPTS)} scripts and races")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
