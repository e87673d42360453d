"""Mistakes that a store can have, each planted in one line, and which the enumerator has to find.

`python -m tests.crashes.planted` prints mistake, what found it, and the case that repeats it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import msgspec

from sim.checkpoint import files, store
from sim.checkpoint.effects import Image, Op
from sim.checkpoint.files import UNREADABLE, FlushFile, FlushFolder, ImageFile, ReadFile
from sim.checkpoint.store import Slot, Tenure
from sim.registry import KeyTree, Win32
from tests.crashes.enumerate import BrokenLawError, Enumeration, Race, Wrap, plain, tree


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
)


def found(mistake: Mistake) -> str | None:
    """The message of the law that the mistake breaks, and its replay; None where nothing notices it."""
    with mistake.made():
        once = Enumeration(mistake.wrap, twice=False, damaged=False)
        hurt = Enumeration(mistake.wrap, twice=False)
        for check in (once, Race(mistake.wrap), hurt, Enumeration(mistake.wrap)):
            try:
                check.run()
            except BrokenLawError as broken:
                return f"{type(check).__name__}: {broken}"
            except AssertionError as broken:
                return f"{type(check).__name__}: an assertion of the store: {broken}"
    return None


def main() -> int:
    """Print what finds each mistake."""
    missed = 0
    for each in MISTAKES:
        told = found(each)
        missed += told is None
        print(f"{each.title}: {told or 'NOT FOUND'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
