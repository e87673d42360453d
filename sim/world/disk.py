r"""The quorum disk: the shared disk on which the store of checkpoint images lies.

The store is the real one (`sim.checkpoint.store`); this is the disk under it. Files are kept as values, so that a save
costs what changed; `encode` gives their bytes where somebody wants them.

Faults:   offline; refused writes; slow transfers; an image damaged at rest.
Never:    a crash within a save (a save lands at one instant here; the crashes between its effects are enumerated
          elsewhere, with the same store); loss of the quorum disk itself; damage that goes unnoticed.
Holds:    an acknowledged save survives every fault above but damage at rest, and then the one before it is used.
Units:    microseconds. One transfer at a time, first come first served.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from sim.checkpoint.effects import Checkpoint, Image, Op
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
    WriteFile,
    carry_out,
)
from sim.checkpoint.image import encode
from sim.cluster.plan import ClusterPlan
from sim.driver.quorum import QuorumStore
from sim.registry import KeyTree, Win32


class Damaged(msgspec.Struct, frozen=True):
    """A file in whose bytes a bit has flipped: nobody reads what it held."""

    held: Contents


class QuorumDisk(QuorumStore):
    """The files by folder and name, and what is wrong with the disk."""

    __slots__ = ("files",)

    def __init__(self, plan: ClusterPlan) -> None:
        super().__init__(plan)
        self.files: dict[str, dict[str, Contents | Damaged]] = {"": {}}

    def copy(self) -> QuorumDisk:
        """An independent disk with the same files and faults."""
        other = QuorumDisk(self._plan)
        other.files = {folder: dict(files) for folder, files in self.files.items()}
        other.offline, other.refuses, other.slower = self.offline, self.refuses, self.slower
        other.owner, other.tenure, other.reports = self.owner, self.tenure, list(self.reports)
        return other

    def ask(self, host: str, operation: Callable[..., Op[Any]], *arguments: Any) -> Any:
        """At this instant, and on no node in particular."""
        return self._run(operation(*arguments))

    def look_up(self, operation: Callable[..., Op[Any]], *arguments: Any) -> Any:
        return self._run(operation(*arguments))

    def landed(self, checkpoint: Checkpoint, tree: KeyTree, version: int) -> bool:
        """A save lands at one instant here: one that was not acknowledged has not landed."""
        return False

    def damage(self, checkpoint: Checkpoint) -> tuple[int, int | None] | None:
        """Make the newest image and its published copy unreadable: its version and the one that is left.

        None where there is none, or where it is unreadable already.
        """
        before = self._looked_up(checkpoint)
        if not isinstance(before, Image) or before.damaged:
            return None
        slot = self._slot(checkpoint)
        files = self.files[slot.folder]
        for name, contents in files.items():
            if isinstance(contents, ImageFile) and (contents.number, contents.version) == (slot.number, before.version):
                files[name] = Damaged(contents)
        after = self._looked_up(checkpoint)
        return before.version, after.version if isinstance(after, Image) else None

    def images(self) -> dict[str, bytes]:
        """Every file of the store as it lies on the disk, by its path (`/` between)."""
        found = {}
        for folder, files in sorted(self.files.items()):
            for name, contents in sorted(files.items()):
                path = f"{folder}/{name}" if folder else name
                found[path] = _damaged(encode(contents.held)) if isinstance(contents, Damaged) else encode(contents)
        return found

    # --- the disk under it --------------------------------------------------------------------------------

    def _run(self, operation: Op[Any]) -> Any:
        """Carry an operation of the store out, at this instant."""
        return carry_out(operation, self._perform)

    def _perform(self, effect: Any) -> Any:
        match effect:
            case ListFolder(folder=folder):
                names = list(self.files.get(folder, ()))
                return tuple(sorted(names if folder else [*names, *(name for name in self.files if name)]))
            case ReadFile(path=path):
                folder, _, name = path.rpartition("/")
                found = self.files.get(folder, {}).get(name)
                return UNREADABLE if isinstance(found, Damaged) else found
        if self.offline:
            return Win32.NOT_READY
        if self.refuses:
            return Win32.WRITE_FAULT
        match effect:
            case MakeFolder(folder=folder):
                self.files.setdefault(folder, {})
            case WriteFile(path=path, contents=contents):
                folder, _, name = path.rpartition("/")
                if folder not in self.files:
                    return Win32.PATH_NOT_FOUND
                self.files[folder][name] = contents
            case Rename(old=old, new=new):
                folder, _, name = old.rpartition("/")
                if name not in self.files[folder]:
                    return Win32.FILE_NOT_FOUND
                self.files[folder][new.rpartition("/")[2]] = self.files[folder].pop(name)
            case Link(old=old, new=new):
                folder, _, name = new.rpartition("/")
                if name in self.files[folder]:
                    return Win32.ALREADY_EXISTS
                self.files[folder][name] = self.files[folder][old.rpartition("/")[2]]
            case Delete(path=path):
                folder, _, name = path.rpartition("/")
                self.files.get(folder, {}).pop(name, None)
            case FlushFile() | FlushFolder():
                pass  # nothing is lost here: the whole disk survives every crash of a node
            case _:
                raise AssertionError(f"no file effect: {effect!r}")
        return None


def _damaged(data: bytes) -> bytes:
    """The bytes with one bit flipped in the middle, as on a disk at rest."""
    middle = len(data) // 2
    return data[:middle] + bytes((data[middle] ^ 1,)) + data[middle + 1 :]
