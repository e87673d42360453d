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
Owners:   each takes the disk over in an epoch of its own: it claims, then looks, then writes down what it found, then
          looks again. From then on it reads what its index names and what it wrote itself; a stale owner's late image
          lands under an older epoch and is nobody's. Each acknowledgement is preceded by a look for a newer claim, so
          that a save which the next owner may have missed is refused instead. Claims are never taken back.
Assumed:  of a node one cluster service runs at a time: two owners in one epoch differ in their names.
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
    Unreadable,
    delete,
    flush_file,
    flush_folder,
    link,
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
"""Ends the name of an image or index that did not read, kept for whoever wants to look at it."""


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
    """One node's ownership of the disk, as the store knows it; `writer` empty: nobody's, good for reading alone."""

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


# No dot in a writer's name (`file_safe`): `.new` and `.damaged` belong to no name of these.
_IMAGE = re.compile(r"(\d{8})-e(\d+)-v(\d+)-([^.]+)\.img")
_UNDO = re.compile(r"(\d{8})-undo-(\d+)\.reg")
_CLAIM = re.compile(r"claim-e(\d+)-([^.]+)")
_INDEX = re.compile(r"index-e(\d+)-([^.]+)")


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
    error = yield from _put(ROOT, f"claim-e{epoch}-{writer}", ClaimFile(epoch=epoch, writer=writer))
    # Of two that claim one epoch, each has claimed before it looks: at least one of them sees the other here.
    refusal = (yield from _rival(epoch, writer)) or error
    if refusal is not None:
        return refusal
    found = yield from as_left()
    tenure = Tenure(epoch, writer, found.tenure.index)
    error = yield from _write_down(tenure)
    # A later owner's claim may be older than this index: it may count on images that this owner knows nothing of.
    # Without one, every later owner starts from this index, so that what it lists is all of earlier epochs that
    # anybody will ever read: from here on the rest of them can be deleted, however slowly.
    # Shown by tests/crashes/enumerate.py, races "two take-overs" and "a stale save and two take-overs".
    refusal = (yield from newer_claim(epoch)) or error
    if refusal is not None:
        return refusal
    swept = yield from _sweep(tenure)
    return Found(tenure, tuple(dict.fromkeys((*found.damage, *swept))))


def as_left() -> Op[Found]:
    """The store as its last owner left it, for a node that cannot write, or not yet: a tenure to read with."""
    before, damage = yield from _newest_index()
    listed = {} if before is None else before.index
    index: dict[str, tuple[str, ...]] = {}
    folders = {name for name in (yield from list_folder(ROOT)) if not _is_file(name)}
    for folder in sorted(folders | {place.partition("/")[0] for place in listed}):
        found = _by_number((yield from list_folder(folder)))
        numbers = {int(place.partition("/")[2]) for place in listed if place.startswith(f"{folder}/")}
        for number in sorted(numbers | set(found)):
            candidates = _candidates(found.get(number, []), before, f"{folder}/{number}")
            good, bad = yield from _readable(folder, candidates, 2)
            there = {*map(str, found.get(number, ()))}
            damage += tuple(
                _unread(folder, name) if name in there else f"image {folder}/{name} is gone" for name in bad
            )
            # A newest image that does not read stays listed: whoever loads it has to hear of the damage.
            names = (*(name for name in bad if name == candidates[0]), *good)
            if names:
                index[f"{folder}/{number}"] = names
    return Found(Tenure(0 if before is None else before.epoch, "", index), damage)


def newer_claim(epoch: int) -> Op[Contested | None]:
    """The claim to the latest epoch after this one, if there is any: the owner of this one is a stale one."""
    claims = [(int(found[1]), found[2]) for found in _matches(_CLAIM, (yield from list_folder(ROOT)))]
    newest = max(claims, default=(0, ""))
    return Contested(newest[1], newest[0]) if newest[0] > epoch else None


def _rival(epoch: int, writer: str) -> Op[Contested | None]:
    """Another owner's claim to this epoch or a later one, if there is any.

    Asked before an owner is one. Later it need not fear a claim to its own epoch: that was made after it had looked,
    and whoever made it sees its claim and gives way.
    """
    claims = [(int(found[1]), found[2]) for found in _matches(_CLAIM, (yield from list_folder(ROOT)))]
    others = [claim for claim in claims if claim[0] >= epoch and claim != (epoch, writer)]
    return Contested(max(others)[1], max(others)[0]) if others else None


def _newest_index() -> Op[tuple[Tenure | None, tuple[str, ...]]]:
    """The last take-over that was completed; where its index does not read, none, and that is said."""
    indexes = _matches(_INDEX, (yield from list_folder(ROOT)))
    newest = max(indexes, key=lambda found: int(found[1]), default=None)
    if newest is None:
        return None, ()
    contents = yield from read_file(newest[0])
    if isinstance(contents, IndexFile):
        return Tenure(contents.epoch, contents.writer, contents.images), ()
    return None, (f"index {newest[0]} does not read: the highest version of each image is taken",)


def _write_down(tenure: Tenure) -> Op[Win32 | None]:
    """Make the index durable, and the names that it lists before it: their writer may have been killed too early."""
    for folder in sorted({place.partition("/")[0] for place in tenure.index}):
        error = yield from flush_folder(folder)
        if error is not None:
            return error
    contents = IndexFile(epoch=tenure.epoch, writer=tenure.writer, images=tenure.index)
    return (yield from _put(ROOT, f"index-e{tenure.epoch}-{tenure.writer}", contents))


def _sweep(tenure: Tenure) -> Op[tuple[str, ...]]:
    """Delete what this tenure does not need, publish again what is not published as it stands; what did not read.

    Only what is of earlier epochs: by the time this runs, a slow owner may be a stale one.
    """
    unread: tuple[str, ...] = ()
    for name in (yield from list_folder(ROOT)):
        if not _is_file(name):
            unread += yield from _sweep_folder(tenure, name)
        elif name.endswith(DAMAGED) or _epoch(name) >= tenure.epoch:
            continue
        elif _INDEX.fullmatch(name):
            yield from _drop(ROOT, name)  # one that does not read has been said, or is older than one that does
        else:
            yield from delete(name)
    return unread


def _sweep_folder(tenure: Tenure, folder: str) -> Op[tuple[str, ...]]:
    names = yield from list_folder(folder)
    listed = {name for good in tenure.index.values() for name in good}
    unread: tuple[str, ...] = ()
    for name in names:
        if name.endswith(ASIDE) and _epoch(name) < tenure.epoch:
            yield from delete(f"{folder}/{name}")
        elif image_name(name) is not None and name not in listed and _epoch(name) < tenure.epoch:
            unread += yield from _drop(folder, name)
    numbers = {int(name[:8]) for name in names if name.endswith(".CPT")} | set(_by_number(names))
    for number in sorted(numbers):
        good = tenure.index.get(f"{folder}/{number}", ())
        contents = (yield from read_file(f"{folder}/{good[0]}")) if good else None
        if isinstance(contents, ImageFile):
            yield from publish(tenure, contents)
        elif not good:
            yield from delete(f"{folder}/{number:08d}.CPT")
    return unread


def _drop(folder: str, name: str) -> Op[tuple[str, ...]]:
    """A superseded image or index goes; one that does not read is kept aside, and that is said."""
    path = f"{folder}/{name}" if folder else name
    if not isinstance((yield from read_file(path)), Unreadable):
        yield from delete(path)
        return ()
    yield from rename(path, path + DAMAGED)
    return (_unread(folder, name),)


def _unread(folder: str, name: str) -> str:
    return f"image {folder}/{name} does not read"


# --- reading --------------------------------------------------------------------------------------------------------


def load(tenure: Tenure, slot: Slot) -> Op[Image | Contested | Win32]:
    """The newest image that reads; `damaged` where a newer one did not.

    FILE_NOT_FOUND where there is none or it was removed, REGISTRY_CORRUPT where none reads; Contested where another
    owner may have dropped what this one would read.
    """
    image = yield from _load(tenure, slot)
    if not tenure.writer or (isinstance(image, Image) and not image.damaged):
        return image
    return (yield from newer_claim(tenure.epoch)) or image


def _load(tenure: Tenure, slot: Slot) -> Op[Image | Win32]:
    names = _by_number((yield from list_folder(slot.folder))).get(slot.number, [])
    unread = False
    for position, name in enumerate(_candidates(names, tenure, f"{slot.folder}/{slot.number}")):
        contents = yield from read_file(f"{slot.folder}/{name}")
        if isinstance(contents, ImageFile):
            if contents.tree is not None and contents.key == slot.key:
                return Image(contents.version, contents.tree, damaged=position > 0)
            break  # what came before it was removed, or was another key's: nothing to fall back to
        unread = unread or contents is not None
    return Win32.REGISTRY_CORRUPT if unread else Win32.FILE_NOT_FOUND


def _candidates(names: Iterable[ImageName], tenure: Tenure | None, place: str) -> list[str]:
    """The images that count, newest first: this owner's own, then what it found; a stale owner's are none of them.

    That the writer is compared too changes nothing as long as one owner at the most gets past `_rival` in an epoch.
    """
    if tenure is None:
        return [str(name) for name in sorted(names, key=lambda each: (each.epoch, each.version), reverse=True)]
    own = [name for name in names if (name.epoch, name.writer) == (tenure.epoch, tenure.writer)]
    own.sort(key=lambda name: name.version, reverse=True)
    return [*map(str, own), *tenure.index.get(place, ())]


def _readable(folder: str, candidates: list[str], most: int) -> Op[tuple[list[str], list[str]]]:
    """The first candidates that read, `most` at the most, and those that should and do not; a removal ends the search.

    The first one has to be there. Of the others one may be listed and gone: what an owner supersedes it drops.
    """
    good: list[str] = []
    bad: list[str] = []
    for name in candidates:
        contents = yield from read_file(f"{folder}/{name}")
        if isinstance(contents, ImageFile):
            if contents.tree is None:
                break
            good.append(name)
        elif contents is not None or name == candidates[0]:
            bad.append(name)
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

    Contested where another owner has claimed the disk meanwhile: whether the image landed or not, nobody will read it.
    """
    assert tenure.writer, f"{slot.key} is saved by nobody: the disk was not taken over"
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
    error = (yield from _make_folder(slot.folder)) if version == 1 else None
    name = str(ImageName(slot.number, tenure.epoch, version, tenure.writer))
    error = error or (yield from _put(slot.folder, name, image))
    # Also where it failed: a later owner sweeps away what a stale one is writing.
    return (yield from newer_claim(tenure.epoch)) or error or image


def _make_folder(folder: str) -> Op[Win32 | None]:
    """A folder that is there and stays: one that is there may have been made when its flush was refused."""
    error = None if folder in (yield from list_folder(ROOT)) else (yield from make_folder(folder))
    return error or (yield from flush_folder(ROOT))


def tidy(tenure: Tenure, image: ImageFile) -> Op[tuple[str, ...]]:
    """After a save: publish the image, drop what it supersedes but for the one to fall back to; what did not read.

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
        yield from publish(tenure, image)
    unread: tuple[str, ...] = ()
    for name in names:
        if str(name) not in keep and name.epoch <= tenure.epoch:  # a later owner's are not this one's to drop
            unread += yield from _drop(slot.folder, str(name))
    return unread


def publish(tenure: Tenure, image: ImageFile) -> Op[None]:
    r"""Make `0000000N.CPT` a copy of the image, for ordinary tools. A failure loses nothing: it is not the truth."""
    path = Slot(image.folder, image.number, image.key).published
    if (yield from read_file(path)) == image:
        return
    folder, name = path.split("/")
    yield from _put(folder, name, image, _aside(tenure, name))


def quarantine(tenure: Tenure, slot: Slot, content: RegFile) -> Op[str | Contested | Win32]:
    """Make an undo file durable under a number that was free; its name. It stays until somebody deletes it."""
    assert tenure.writer, f"edits of {slot.key} are quarantined by nobody: the disk was not taken over"
    names = yield from list_folder(slot.folder)
    taken = [int(found[2]) for found in map(_UNDO.fullmatch, names) if found and int(found[1]) == slot.number]
    number = 1 + max(taken, default=0)
    aside = f"{slot.folder}/{_aside(tenure, f'{slot.number:08d}-undo')}{ASIDE}"
    error = yield from write_file(aside, UndoFile(content=content))
    error = error or (yield from flush_file(aside))
    if error is None:
        # Another owner's file of that number stays: it may have been answered.
        while (error := (yield from link(aside, f"{slot.folder}/{_undo(slot, number)}"))) is Win32.ALREADY_EXISTS:
            number += 1
    error = error or (yield from flush_folder(slot.folder))
    yield from delete(aside)
    return (yield from newer_claim(tenure.epoch)) or error or _undo(slot, number)


def _undo(slot: Slot, number: int) -> str:
    return f"{slot.number:08d}-undo-{number}.reg"


def undo_file(folder: str, name: str) -> Op[RegFile | None]:
    """What `quarantine` kept under this name; None where there is no such file."""
    contents = (yield from read_file(f"{folder}/{name}")) if _UNDO.fullmatch(name) else None
    return contents.content if isinstance(contents, UndoFile) else None


def _put(folder: str, name: str, contents: Contents, aside: str = "") -> Op[Win32 | None]:
    """A file that is there whole, under its name, or not at all; written aside under a name of this owner's own."""
    below = f"{folder}/" if folder else ""
    path, aside = below + name, below + (aside or name) + ASIDE
    for step in (write_file(aside, contents), flush_file(aside), rename(aside, path), flush_folder(folder)):
        error = yield from step
        if error is not None:
            return error
    return None


# --- names ----------------------------------------------------------------------------------------------------------


def _matches(pattern: re.Pattern[str], names: Iterable[str]) -> list[re.Match[str]]:
    return [found for found in map(pattern.fullmatch, names) if found is not None]


def _aside(tenure: Tenure, name: str) -> str:
    """The name under which an owner writes a file whose own name says nothing of owners."""
    return f"{name}-e{tenure.epoch}-{tenure.writer}"


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
