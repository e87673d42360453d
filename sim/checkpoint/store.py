r"""The store on the quorum disk: images that are never changed, each under a name of its own.

    MSCS\claim-e6-NODE2                               NODE2 takes the disk over in epoch 6
    MSCS\index-e6-NODE2                               what it found: the good images of each checkpoint
    MSCS\<resource GUID>\00000001-e6-v12-NODE2.img    version 12 of checkpoint 1, a hive and its digest
    MSCS\<resource GUID>\00000001-undo-1.reg          local changes that a restore undid (policy `quarantine`)
    MSCS\<resource GUID>\00000001.CPT                 the published copy for ordinary tools, never read as truth

Holds:    an image that was acknowledged is there after any crash, whole; one that was not is there whole or not at
          all; a checkpoint that was removed stays removed; a file under its final name that does not read is damage,
          said and kept aside, never repaired in silence; at most one owner's saves are acknowledged at a time.
How:      write aside, flush, rename, flush the folder. A name in place is a promise: its contents are durable.
Owners:   each takes the disk over in an epoch of its own: it claims, then looks, then writes down what it found.
          From then on it reads what its index names and what it wrote itself; a stale owner's late image lands under
          an older epoch and is nobody's. Each acknowledgement is preceded by a look for a newer claim, so that a save
          which the next owner may have missed is refused instead.
Docs:     sim/checkpoint/STORE.md has the sentence for each effect why a crash there is safe.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote

import msgspec

from sim.checkpoint.effects import Image, Op
from sim.checkpoint.files import (
    ROOT,
    ClaimFile,
    Contents,
    ImageFile,
    IndexFile,
    UndoFile,
    delete,
    flush_file,
    flush_folder,
    list_folder,
    make_folder,
    read_file,
    rename,
    write_file,
)
from sim.registry import KeyTree, RegFile, Win32

ASIDE = ".new"
"""Ends the name of a file that is being written: after a crash it is worth nothing."""
DAMAGED = ".damaged"
"""Ends the name of an image that did not read, kept for whoever wants to look at it."""


class Slot(msgspec.Struct, frozen=True):
    r"""A checkpoint's place in the store: the resource's folder, the file number, the key (HKLM-relative)."""

    folder: str
    number: int
    key: str

    @property
    def published(self) -> str:
        r"""`<resource GUID>/0000000N.CPT`, as MSCS names it (domain.md 26, 27)."""
        return f"{self.folder}/{self.number:08d}.CPT"


class Tenure(msgspec.Struct, frozen=True):
    """One node's ownership of the disk, as the store knows it."""

    epoch: int
    writer: str
    index: dict[str, tuple[str, ...]]


class Contested(msgspec.Struct, frozen=True):
    """Somebody else claims the disk in the same epoch, or in a later one: the disk ignores reservations."""

    by: str
    epoch: int


class Found(msgspec.Struct, frozen=True):
    """A take-over: the tenure, and what was found wrong, a sentence each."""

    tenure: Tenure
    damage: tuple[str, ...] = ()


class ImageName(msgspec.Struct, frozen=True):
    """What the name of an image file says."""

    number: int
    epoch: int
    version: int
    writer: str

    def __str__(self) -> str:
        return f"{self.number:08d}-e{self.epoch}-v{self.version}-{self.writer}.img"


_IMAGE = re.compile(r"(\d{8})-e(\d+)-v(\d+)-(.+)\.img")
_UNDO = re.compile(r"(\d{8})-undo-(\d+)\.reg")
_CLAIM = re.compile(r"claim-e(\d+)-(.+)")
_INDEX = re.compile(r"index-e(\d+)-(.+)")


@lru_cache(maxsize=4096)
def image_name(name: str) -> ImageName | None:
    """The name of an image file taken apart; None for any other file."""
    found = _IMAGE.fullmatch(name)
    return None if found is None else ImageName(int(found[1]), int(found[2]), int(found[3]), found[4])


def file_safe(node: str) -> str:
    """A node's name as part of a file's name, on any file system."""
    return quote(node, safe=" ").replace(".", "%2E")


# --- taking over ----------------------------------------------------------------------------------------------------


def take_over(node: str) -> Op[Found | Contested | Win32]:
    """Own the store from now on: claim an epoch, find out what is good, write it down, tidy up.

    Whatever an earlier owner acknowledged is found, since it looked for this claim before it acknowledged.
    """
    writer = file_safe(node)
    names = yield from list_folder(ROOT)
    epoch = 1 + max(map(_epoch, names), default=0)
    claim = f"claim-e{epoch}-{writer}"
    error = yield from _put(ROOT, claim, ClaimFile(epoch=epoch, writer=writer))
    if error is not None:
        return error
    rival = yield from newer_claim(epoch, writer)
    if rival is not None:
        yield from delete(claim)
        return rival
    before, damage = yield from _newest_index(epoch)
    index: dict[str, tuple[str, ...]] = {}
    for folder in (yield from list_folder(ROOT)):
        if _is_file(folder):
            continue
        for number, names_of in _by_number((yield from list_folder(folder))).items():
            candidates = _candidates(names_of, before, f"{folder}/{number}")
            good, bad = yield from _readable(folder, candidates, 2)
            damage += tuple(f"image {folder}/{name} does not read" for name in bad)
            # A newest image that does not read stays listed: whoever loads it has to hear of the damage.
            listed = (*(name for name in bad if name == candidates[0]), *good)
            if listed:
                index[f"{folder}/{number}"] = listed
    contents = IndexFile(epoch=epoch, writer=writer, images=index)
    error = yield from _put(ROOT, f"index-e{epoch}-{writer}", contents)
    if error is not None:
        return error
    tenure = Tenure(epoch, writer, index)
    yield from _sweep(tenure)
    return Found(tenure, damage)


def newer_claim(epoch: int, writer: str) -> Op[Contested | None]:
    """Another owner's claim to this epoch or a later one, if there is any."""
    for found in _matches(_CLAIM, (yield from list_folder(ROOT))):
        if int(found[1]) >= epoch and (int(found[1]), found[2]) != (epoch, writer):
            return Contested(found[2], int(found[1]))
    return None


def _newest_index(epoch: int) -> Op[tuple[Tenure | None, tuple[str, ...]]]:
    """The last take-over completed before this epoch; where its index does not read, none, and that is said."""
    indexes = [found for found in _matches(_INDEX, (yield from list_folder(ROOT))) if int(found[1]) < epoch]
    for found in sorted(indexes, key=lambda each: int(each[1]), reverse=True):
        contents = yield from read_file(found[0])
        if isinstance(contents, IndexFile):
            return Tenure(contents.epoch, contents.writer, contents.images), ()
        return None, (f"index {found[0]} does not read: the highest version of each image is taken",)
    return None, ()


def _sweep(tenure: Tenure) -> Op[None]:
    """Delete what this tenure does not need, and publish again what is not published as it stands.

    Only what is of earlier epochs: by the time this runs, a slow owner may be a stale one.
    """
    for name in (yield from list_folder(ROOT)):
        if not _is_file(name):
            yield from _sweep_folder(tenure, name)
        elif _epoch(name) < tenure.epoch:
            yield from delete(name)


def _sweep_folder(tenure: Tenure, folder: str) -> Op[None]:
    names = yield from list_folder(folder)
    listed = {name for good in tenure.index.values() for name in good}
    for name in names:
        path = f"{folder}/{name}"
        if name.endswith(ASIDE) and _epoch(name) < tenure.epoch:
            yield from delete(path)
        elif image_name(name) is not None and name not in listed and _epoch(name) < tenure.epoch:
            yield from _drop(folder, name)
    numbers = {int(name[:8]) for name in names if name.endswith(".CPT")} | set(_by_number(names))
    for number in sorted(numbers):
        good = tenure.index.get(f"{folder}/{number}", ())
        contents = (yield from read_file(f"{folder}/{good[0]}")) if good else None
        if isinstance(contents, ImageFile):
            yield from publish(contents)
        elif not good:
            yield from delete(f"{folder}/{number:08d}.CPT")


def _drop(folder: str, name: str) -> Op[None]:
    """A superseded image goes; one that does not read is kept aside."""
    path = f"{folder}/{name}"
    if isinstance((yield from read_file(path)), ImageFile):
        yield from delete(path)
    else:
        yield from rename(path, path + DAMAGED)


# --- reading --------------------------------------------------------------------------------------------------------


def load(tenure: Tenure, slot: Slot) -> Op[Image | Win32]:
    """The newest image that reads; `damaged` where a newer one did not.

    FILE_NOT_FOUND where there is none or it was removed, REGISTRY_CORRUPT where none reads.
    """
    names = _by_number((yield from list_folder(slot.folder))).get(slot.number, [])
    candidates = _candidates(names, tenure, f"{slot.folder}/{slot.number}")
    for position, name in enumerate(candidates):
        contents = yield from read_file(f"{slot.folder}/{name}")
        if not isinstance(contents, ImageFile):
            continue
        if contents.tree is not None and contents.key == slot.key:
            return Image(contents.version, contents.tree, damaged=position > 0)
        # What came before it was removed, or was another key's: nothing to fall back to.
        candidates = candidates[:position]
        break
    return Win32.REGISTRY_CORRUPT if candidates else Win32.FILE_NOT_FOUND


def _candidates(names: Iterable[ImageName], tenure: Tenure | None, place: str) -> list[str]:
    """The images that count, newest first: this owner's own, then what it found; a stale owner's are none of them."""
    if tenure is None:
        return [str(name) for name in sorted(names, key=lambda each: (each.epoch, each.version), reverse=True)]
    own = [name for name in names if (name.epoch, name.writer) == (tenure.epoch, tenure.writer)]
    own.sort(key=lambda name: name.version, reverse=True)
    return [*map(str, own), *tenure.index.get(place, ())]


def _readable(folder: str, candidates: list[str], most: int) -> Op[tuple[list[str], list[str]]]:
    """The first candidates that read, `most` at the most, and those passed over; a removal ends the search."""
    good: list[str] = []
    bad: list[str] = []
    for name in candidates:
        contents = yield from read_file(f"{folder}/{name}")
        if not isinstance(contents, ImageFile):
            bad.append(name)
        elif contents.tree is None:
            break
        else:
            good.append(name)
        if len(good) == most:
            break
    return good, bad


# --- saving and removing --------------------------------------------------------------------------------------------


def next_version(slot: Slot) -> Op[int]:
    """The version that a save of the checkpoint would get now."""
    names = _by_number((yield from list_folder(slot.folder))).get(slot.number, [])
    return 1 + max((name.version for name in names), default=0)


def save(tenure: Tenure, slot: Slot, tree: KeyTree | None) -> Op[ImageFile | Contested | Win32]:
    """Make an image durable; `tree` None: the checkpoint is removed, durably. What is answered is acknowledged.

    Contested where another owner has claimed the disk meanwhile: the image landed, and nobody will read it.
    """
    version = yield from next_version(slot)
    image = ImageFile(
        folder=slot.folder,
        number=slot.number,
        key=slot.key,
        epoch=tenure.epoch,
        writer=tenure.writer,
        version=version,
        tree=tree,
    )
    if version == 1 and slot.folder not in (yield from list_folder(ROOT)):
        error = yield from make_folder(slot.folder)
        error = error or (yield from flush_folder(ROOT))
        if error is not None:
            return error
    error = yield from _put(slot.folder, str(ImageName(slot.number, tenure.epoch, version, tenure.writer)), image)
    if error is not None:
        return error
    rival = yield from newer_claim(tenure.epoch, tenure.writer)
    return image if rival is None else rival


def tidy(tenure: Tenure, image: ImageFile) -> Op[None]:
    """After a save: publish the image, and drop what it supersedes but for the one to fall back to.

    After a removal all goes, the note of the removal last: as long as it is there it is the newest.
    """
    slot = Slot(image.folder, image.number, image.key)
    names = _by_number((yield from list_folder(slot.folder))).get(slot.number, [])
    newest = str(ImageName(image.number, image.epoch, image.version, image.writer))
    older = [name for name in _candidates(names, tenure, f"{slot.folder}/{slot.number}") if name != newest]
    spare, _ = yield from _readable(slot.folder, older, 1)
    keep = {newest, *(spare if image.tree is not None else ())}
    if image.tree is None:
        yield from delete(slot.published)
    else:
        yield from publish(image)
    for name in names:
        if str(name) not in keep and name.epoch <= tenure.epoch:  # a later owner's are not this one's to drop
            yield from _drop(slot.folder, str(name))


def publish(image: ImageFile) -> Op[None]:
    r"""Make `0000000N.CPT` a copy of the image, for ordinary tools. A failure loses nothing: it is not the truth."""
    path = Slot(image.folder, image.number, image.key).published
    if (yield from read_file(path)) == image:
        return
    folder, name = path.split("/")
    yield from _put(folder, name, image)


def quarantine(slot: Slot, content: RegFile) -> Op[str | Win32]:
    """Make an undo file durable; its name. It stays until somebody deletes it."""
    names = yield from list_folder(slot.folder)
    taken = [int(found[2]) for found in map(_UNDO.fullmatch, names) if found and int(found[1]) == slot.number]
    name = f"{slot.number:08d}-undo-{1 + max(taken, default=0)}.reg"
    error = yield from _put(slot.folder, name, UndoFile(content=content))
    return name if error is None else error


def undo_file(folder: str, name: str) -> Op[RegFile | None]:
    """What `quarantine` kept under this name; None where there is no such file."""
    contents = (yield from read_file(f"{folder}/{name}")) if _UNDO.fullmatch(name) else None
    return contents.content if isinstance(contents, UndoFile) else None


def _put(folder: str, name: str, contents: Contents) -> Op[Win32 | None]:
    """A file that is there whole, under its name, or not at all."""
    path = f"{folder}/{name}" if folder else name
    for step in (
        write_file(path + ASIDE, contents),
        flush_file(path + ASIDE),
        rename(path + ASIDE, path),
        flush_folder(folder),
    ):
        error = yield from step
        if error is not None:
            return error
    return None


# --- names ----------------------------------------------------------------------------------------------------------


def _matches(pattern: re.Pattern[str], names: Iterable[str]) -> list[re.Match[str]]:
    return [found for found in map(pattern.fullmatch, names) if found is not None and not found[0].endswith(ASIDE)]


def _epoch(name: str) -> int:
    """The epoch that a file's name states, 0 where it states none."""
    found = re.search(r"-e(\d+)-", name)
    return int(found[1]) if found is not None else 0


def _is_file(name: str) -> bool:
    return name.startswith(("claim-", "index-"))


def _by_number(names: Iterable[str]) -> dict[int, list[ImageName]]:
    found: dict[int, list[ImageName]] = {}
    for name in names:
        image = image_name(name)
        if image is not None:
            found.setdefault(image.number, []).append(image)
    return found
