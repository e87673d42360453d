"""A disk that can lose power: what was not flushed may be there afterwards, whole, in part or not at all.

Names:    a change of a folder (created, renamed, deleted) that was not flushed survives a crash or not, each for
          itself and in any order: any subset of them, which is more than a journalling file system would do.
Contents: of a file that was not flushed, any subset of its 512-byte sectors may have reached the disk, each whole or
          torn. The store sees contents through `decode` alone, which reads a file if all of it is there and nothing
          else (`test_sectors` tries every subset); so three outcomes stand for them all: all of the new contents, all
          of the old (a file written over), or something that does not read.
Values:   a disk is immutable; performing an effect gives the answer and the disk after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

import msgspec

from sim.checkpoint.files import (
    UNREADABLE,
    Contents,
    Delete,
    FlushFile,
    FlushFolder,
    ImageFile,
    Link,
    ListFolder,
    MakeFolder,
    ReadFile,
    Rename,
    Unreadable,
    WriteFile,
)
from sim.registry import Win32

Kept = Contents | Unreadable


class Name(msgspec.Struct, frozen=True):
    """A change of a name that is not durable yet: `path` means this file from now on, or none."""

    folder: str
    changes: tuple[tuple[str, int | None], ...]


class File(msgspec.Struct, frozen=True):
    """What the file says now, and what it says for sure after a crash (None: nothing has reached the disk)."""

    now: Kept
    durable: Kept | None = None


class Disk(msgspec.Struct, frozen=True):
    """Names and files as they are seen, and what of them is durable."""

    names: dict[str, int] = {}
    durable: dict[str, int] = {}
    pending: tuple[Name, ...] = ()
    files: dict[int, File] = {}
    folders: tuple[str, ...] = ("",)

    def perform(self, effect: Any) -> tuple[Any, Disk]:
        """The answer to a file effect, and the disk after it."""
        match effect:
            case ListFolder(folder=folder):
                below = (path.rpartition("/") for path in self.names)
                names = {name for of, _, name in below if of == folder}
                return tuple(sorted(names | ({*self.folders} - {""} if folder == "" else set()))), self
            case ReadFile(path=path):
                return (self.files[self.names[path]].now if path in self.names else None), self
            case MakeFolder(folder=folder):
                # Folders are made once in a store's life; that they are lost is tried by losing all that is in them.
                return None, msgspec.structs.replace(self, folders=tuple(sorted({*self.folders, folder})))
            case WriteFile(path=path, contents=contents):
                return None, self._write(path, contents)
            case FlushFile(path=path):
                if path not in self.names:
                    return Win32.FILE_NOT_FOUND, self
                inode = self.names[path]
                files = {**self.files, inode: File(self.files[inode].now, self.files[inode].now)}
                return None, msgspec.structs.replace(self, files=files)
            case Rename(old=old, new=new):
                if old not in self.names:
                    return Win32.FILE_NOT_FOUND, self
                return None, self._rename(((old, None), (new, self.names[old])))
            case Link(old=old, new=new):
                if new in self.names:
                    return Win32.ALREADY_EXISTS, self
                return None, self._rename(((new, self.names[old]),))
            case Delete(path=path):
                return None, self._rename(((path, None),)) if path in self.names else self
            case FlushFolder(folder=folder):
                return None, self._flush_folder(folder)
        raise AssertionError(f"no file effect: {effect!r}")

    def _write(self, path: str, contents: Contents) -> Disk:
        if path in self.names:
            inode = self.names[path]
            files = {**self.files, inode: File(contents, self.files[inode].durable)}
            return msgspec.structs.replace(self, files=files)
        inode = len(self.files)
        made = msgspec.structs.replace(self, files={**self.files, inode: File(contents)})
        return made._rename(((path, inode),))

    def _rename(self, changes: tuple[tuple[str, int | None], ...]) -> Disk:
        pending = (*self.pending, Name(changes[0][0].rpartition("/")[0], changes))
        return msgspec.structs.replace(self, names=applied(self.names, changes), pending=pending)

    def _flush_folder(self, folder: str) -> Disk:
        durable = self.durable
        for each in self.pending:
            if each.folder == folder:
                durable = applied(durable, each.changes)
        pending = tuple(each for each in self.pending if each.folder != folder)
        return msgspec.structs.replace(self, durable=durable, pending=pending)

    def crashes(self) -> Iterator[tuple[str, Disk]]:
        """Every disk that a power loss now may leave, each once, with what survived; the least first."""
        seen = set()
        for count in range(len(self.pending) + 1):
            for survived in combinations(range(len(self.pending)), count):
                names = self.durable
                for each in survived:
                    names = applied(names, self.pending[each].changes)
                inodes = sorted(set(names.values()))
                for outcome in product(*(outcomes(self.files[inode]) for inode in inodes)):
                    left = dict(zip(inodes, outcome, strict=True))
                    disk = rest({path: left[inode] for path, inode in names.items()}, self.folders)
                    if disk.fingerprint not in seen:
                        seen.add(disk.fingerprint)
                        torn = [path for path, inode in names.items() if isinstance(left[inode], Unreadable)]
                        yield f"names {list(survived)} of {len(self.pending)}, torn {torn}", disk

    def damages(self) -> Iterator[tuple[str, Disk]]:
        """Every disk on which one file has become unreadable at rest."""
        for path, inode in self.names.items():
            if not isinstance(self.files[inode].now, Unreadable):
                yield (
                    f"damaged {path}",
                    msgspec.structs.replace(self, files={**self.files, inode: File(UNREADABLE, UNREADABLE)}),
                )

    @property
    def fingerprint(self) -> tuple[Any, ...]:
        """Equal for disks of which everything that can happen is equal."""
        names = tuple(sorted((path, _told(self.files[inode])) for path, inode in self.names.items()))
        if not self.pending and self.names == self.durable:
            return names, self.folders
        durable = tuple(sorted((path, _told(self.files[inode])) for path, inode in self.durable.items()))
        pending = tuple(
            tuple((path, None if inode is None else _told(self.files[inode])) for path, inode in each.changes)
            for each in self.pending
        )
        return names, durable, pending, self.folders


def rest(contents: dict[str, Kept], folders: tuple[str, ...]) -> Disk:
    """A disk on which all is durable."""
    names = {path: number for number, path in enumerate(sorted(contents))}
    files = {number: File(contents[path], contents[path]) for path, number in names.items()}
    return Disk(names, names, (), files, folders)


def applied(names: dict[str, int], changes: tuple[tuple[str, int | None], ...]) -> dict[str, int]:
    """The names after a change of some of them."""
    changed = dict(names)
    for path, inode in changes:
        if inode is None:
            changed.pop(path, None)
        else:
            changed[path] = inode
    return changed


def outcomes(file: File) -> list[Kept]:
    """What a crash may leave of a file."""
    if file.durable is file.now:
        return [file.now]
    if file.durable is None or isinstance(file.durable, Unreadable):
        return [UNREADABLE, file.now]
    return [file.durable, UNREADABLE, file.now]


def _told(file: File) -> str:
    return f"{_named(file.now)} over {None if file.durable is None else _named(file.durable)}"


def _named(contents: Kept) -> str:
    if isinstance(contents, ImageFile):
        tree = "removed" if contents.tree is None else contents.tree.digest.hex()
        return f"{contents.folder}/{contents.number} e{contents.epoch} v{contents.version} {contents.writer} {tree}"
    return repr(contents)
