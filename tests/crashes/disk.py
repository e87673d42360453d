r"""A disk that can lose power: what was not flushed may be there afterwards, whole, in part or not at all.

Names:    a change of a folder (a file or folder created, renamed, deleted) that was not flushed survives a crash or
          not, each for itself and in any order: any subset of them, which is more than a journalling file system
          would do. What lies in a folder goes with it.
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

FOLDER = -1
"""What the name of a folder means; every other name means a file, by its number."""


class Name(msgspec.Struct, frozen=True):
    """A change of names that is not durable yet, all or nothing: `path` means this from now on, or nothing."""

    folder: str
    changes: tuple[tuple[str, int | None], ...]


class File(msgspec.Struct, frozen=True):
    """What the file says now, and what it says for sure after a crash (None: nothing has reached the disk)."""

    now: Kept
    durable: Kept | None = None


class Survival(msgspec.Struct, frozen=True):
    """What a power loss left: which of the changes of names that were not flushed, and which files torn."""

    kept: tuple[int, ...]
    of: int
    torn: dict[str, File]

    def __str__(self) -> str:
        return f"names {list(self.kept)} of {self.of}, torn {sorted(self.torn)}"

    @property
    def cost(self) -> int:
        """How many things went wrong."""
        return self.of - len(self.kept) + len(self.torn)


class Disk(msgspec.Struct, frozen=True):
    """Names and files as they are seen, and what of them is durable."""

    names: dict[str, int] = {}
    durable: dict[str, int] = {}
    pending: tuple[Name, ...] = ()
    files: dict[int, File] = {}

    def perform(self, effect: Any) -> tuple[Any, Disk]:
        """The answer to a file effect, and the disk after it."""
        match effect:
            case ListFolder(folder=folder):
                below = (path.rpartition("/") for path in self.names)
                return tuple(sorted(name for of, _, name in below if of == folder)), self
            case ReadFile(path=path):
                return (self.files[self.names[path]].now if path in self.names else None), self
            case MakeFolder(folder=folder):
                return None, self if folder in self.names else self._change(((folder, FOLDER),))
            case WriteFile(path=path, contents=contents):
                return self._write(path, contents)
            case FlushFile(path=path):
                if path not in self.names:
                    return Win32.FILE_NOT_FOUND, self
                inode = self.names[path]
                files = {**self.files, inode: File(self.files[inode].now, self.files[inode].now)}
                return None, msgspec.structs.replace(self, files=files)
            case Rename(old=old, new=new):
                if old not in self.names:
                    return Win32.FILE_NOT_FOUND, self
                return None, self._change(((old, None), (new, self.names[old])))
            case Link(old=old, new=new):
                if old not in self.names:
                    return Win32.FILE_NOT_FOUND, self
                if new in self.names:
                    return Win32.ALREADY_EXISTS, self
                return None, self._change(((new, self.names[old]),))
            case Delete(path=path):
                return None, self._change(((path, None),)) if path in self.names else self
            case FlushFolder(folder=folder):
                return None, self._flush_folder(folder)
        raise AssertionError(f"no file effect: {effect!r}")

    def _write(self, path: str, contents: Contents) -> tuple[Any, Disk]:
        folder = path.rpartition("/")[0]
        if folder and folder not in self.names:
            return Win32.PATH_NOT_FOUND, self
        if path in self.names:
            inode = self.names[path]
            files = {**self.files, inode: File(contents, self.files[inode].durable)}
            return None, msgspec.structs.replace(self, files=files)
        inode = 1 + max(self.files, default=0)
        made = msgspec.structs.replace(self, files={**self.files, inode: File(contents)})
        return None, made._change(((path, inode),))

    def _change(self, changes: tuple[tuple[str, int | None], ...]) -> Disk:
        pending = (*self.pending, Name(changes[0][0].rpartition("/")[0], changes))
        return msgspec.structs.replace(self, names=applied(self.names, changes), pending=pending)

    def _flush_folder(self, folder: str) -> Disk:
        durable = self.durable
        for each in self.pending:
            if each.folder == folder:
                durable = applied(durable, each.changes)
        pending = tuple(each for each in self.pending if each.folder != folder)
        return msgspec.structs.replace(self, durable=durable, pending=pending)

    def crashes(self) -> Iterator[tuple[Survival, Disk]]:
        """Every disk that a power loss now may leave, each once, with what survived; where most did, first."""
        seen = set()
        for count in range(len(self.pending), -1, -1):
            for survived in combinations(range(len(self.pending)), count):
                names = self.durable
                for each in survived:
                    names = applied(names, self.pending[each].changes)
                names = _reachable(names)
                inodes = sorted({*names.values()} - {FOLDER})
                for outcome in product(*(outcomes(self.files[inode]) for inode in inodes)):
                    left = dict(zip(inodes, outcome, strict=True))
                    disk = rest({path: None if inode == FOLDER else left[inode] for path, inode in names.items()})
                    if disk.fingerprint not in seen:
                        seen.add(disk.fingerprint)
                        torn = {path: self.files[inode] for path, inode in names.items() if _is_torn(left.get(inode))}
                        yield Survival(survived, len(self.pending), torn), disk

    def damages(self) -> Iterator[tuple[str, Disk]]:
        """Every disk on which one file has become unreadable at rest, and which."""
        for path, inode in self.names.items():
            if inode != FOLDER and not isinstance(self.files[inode].now, Unreadable):
                files = {**self.files, inode: File(UNREADABLE, UNREADABLE)}
                yield path, msgspec.structs.replace(self, files=files)

    @property
    def contents(self) -> dict[str, Kept | None]:
        """What each name says; None: it is a folder."""
        return {path: None if inode == FOLDER else self.files[inode].now for path, inode in self.names.items()}

    @property
    def seen(self) -> tuple[Any, ...]:
        """Equal for disks that look equal to whoever reads them, whatever a power loss would take."""
        return tuple(sorted((path, _named(contents)) for path, contents in self.contents.items()))

    @property
    def fingerprint(self) -> tuple[Any, ...]:
        """Equal for disks of which everything that can happen is equal."""
        names = self._told(self.names.items())
        if not self.pending and self.names == self.durable:
            return names
        return names, self._told(self.durable.items()), tuple(self._told(each.changes) for each in self.pending)

    def _told(self, names: Any) -> tuple[tuple[str, str], ...]:
        return tuple(sorted((path, self._of(inode)) for path, inode in names))

    def _of(self, inode: int | None) -> str:
        if inode is None or inode == FOLDER:
            return repr(inode)
        file = self.files[inode]
        durable = "" if file.durable is file.now else f" over {file.durable and _named(file.durable)}"
        return _named(file.now) + durable


def rest(contents: dict[str, Kept | None]) -> Disk:
    """A disk on which all is durable; None: a folder."""
    paths = sorted(contents)
    names = {path: FOLDER if contents[path] is None else number for number, path in enumerate(paths)}
    files = {number: File(kept, kept) for number, path in enumerate(paths) if (kept := contents[path]) is not None}
    return Disk(names, names, (), files)


def applied(names: dict[str, int], changes: tuple[tuple[str, int | None], ...]) -> dict[str, int]:
    """The names after a change of some of them."""
    changed = dict(names)
    for path, inode in changes:
        if inode is None:
            changed.pop(path, None)
        else:
            changed[path] = inode
    return changed


def _reachable(names: dict[str, int]) -> dict[str, int]:
    return {path: inode for path, inode in names.items() if "/" not in path or path.partition("/")[0] in names}


def outcomes(file: File) -> list[Kept]:
    """What a crash may leave of a file; where all is well, first."""
    if file.durable is file.now:
        return [file.now]
    if file.durable is None or isinstance(file.durable, Unreadable):
        return [file.now, UNREADABLE]
    return [file.now, file.durable, UNREADABLE]


def _is_torn(left: Kept | None) -> bool:
    return isinstance(left, Unreadable)


def _named(contents: Kept | None) -> str:
    if isinstance(contents, ImageFile):
        tree = "removed" if contents.tree is None else contents.tree.digest.hex()
        return f"{contents.folder}/{contents.number} e{contents.epoch} v{contents.version} {contents.writer} {tree}"
    return repr(contents)
