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

from typing import Any

import msgspec

from sim.checkpoint import store
from sim.checkpoint.effects import Checkpoint, Image, Op
from sim.checkpoint.files import (
    UNREADABLE,
    Contents,
    Delete,
    FlushFile,
    FlushFolder,
    ImageFile,
    ListFolder,
    MakeFolder,
    ReadFile,
    Rename,
    WriteFile,
)
from sim.checkpoint.image import encode
from sim.checkpoint.store import Found, Slot, Tenure
from sim.cluster.plan import ClusterPlan
from sim.registry import KeyTree, RegFile, Win32


class Damaged(msgspec.Struct, frozen=True):
    """A file in whose bytes a bit has flipped: nobody reads what it held."""

    held: Contents


class QuorumDisk:
    """The files by folder and name, what is wrong with the disk, and who owns it by the store's account."""

    __slots__ = ("_plan", "files", "offline", "refuses", "slower", "tenure")

    def __init__(self, plan: ClusterPlan) -> None:
        self._plan = plan
        self.files: dict[str, dict[str, Contents | Damaged]] = {"": {}}
        self.offline = False
        self.refuses = False
        self.slower = 0
        self.tenure = Tenure(0, "", {})

    def copy(self) -> QuorumDisk:
        """An independent disk with the same files and faults."""
        other = QuorumDisk(self._plan)
        other.files = {folder: dict(files) for folder, files in self.files.items()}
        other.offline, other.refuses, other.slower = self.offline, self.refuses, self.slower
        other.tenure = self.tenure
        return other

    # --- what the store does on it ------------------------------------------------------------------------

    def take_over(self, node: str) -> tuple[str, ...]:
        """The node owns the disk from now on; what it found damaged.

        A disk that refuses writes cannot be taken over: it is read as its last owner left it.
        """
        found = self._run(store.take_over(node))
        if not isinstance(found, Found):
            return ()
        self.tenure = found.tenure
        return found.damage

    def next_version(self, checkpoint: Checkpoint) -> int:
        """The version that a save of the checkpoint would get now."""
        return int(self._run(store.next_version(self._slot(checkpoint))))

    def save(self, checkpoint: Checkpoint, tree: KeyTree, host: str = "") -> Win32 | None:
        """Make an image durable; None, or why the disk refuses. Then it holds what it held."""
        return self._put(checkpoint, tree)

    def landed(self, checkpoint: Checkpoint, tree: KeyTree, version: int) -> bool:
        """A save lands at one instant here: one that was not acknowledged has not landed."""
        return False

    def delete(self, checkpoint: Checkpoint, host: str = "") -> Win32 | None:
        """Remove the checkpoint's images; None, or why the disk refuses."""
        return self._put(checkpoint, None)

    def _put(self, checkpoint: Checkpoint, tree: KeyTree | None) -> Win32 | None:
        image = self._run(store.save(self.tenure, self._slot(checkpoint), tree))
        if isinstance(image, Win32):
            return image
        assert isinstance(image, ImageFile), f"the store is contested by {image}: there is one owner at a time here"
        self._run(store.tidy(self.tenure, image))
        return None

    def load(self, checkpoint: Checkpoint, host: str = "") -> Image | Win32:
        """The newest readable image; FILE_NOT_FOUND where there is no file, REGISTRY_CORRUPT where none is readable."""
        if self.offline:
            return Win32.NOT_READY
        found = self._run(store.load(self.tenure, self._slot(checkpoint)))
        assert isinstance(found, Image | Win32), f"the store loaded {found!r}"
        return found

    def quarantine(self, checkpoint: Checkpoint, undo: RegFile, host: str = "") -> str | Win32:
        """Keep local changes that a restore will undo; the name of the file, or why the disk refuses."""
        name: str | Win32 = self._run(store.quarantine(self._slot(checkpoint), undo))
        return name

    def undo_file(self, folder: str, name: str) -> RegFile | None:
        """What was kept in that file; None where there is none, or the disk is gone."""
        found: RegFile | None = None if self.offline else self._run(store.undo_file(folder, name))
        return found

    def newest(self, checkpoint: Checkpoint) -> KeyTree | None:
        """The tree of the newest image, None where there is none that reads."""
        image = self._run(store.load(self.tenure, self._slot(checkpoint)))
        return image.tree if isinstance(image, Image) and not image.damaged else None

    def damage(self, checkpoint: Checkpoint) -> tuple[int, int | None] | None:
        """Make the newest image and its published copy unreadable: its version and the one that is left.

        None where there is none, or where it is unreadable already.
        """
        before = self._run(store.load(self.tenure, self._slot(checkpoint)))
        if not isinstance(before, Image) or before.damaged:
            return None
        slot = self._slot(checkpoint)
        files = self.files[slot.folder]
        for name, contents in files.items():
            if isinstance(contents, ImageFile) and (contents.number, contents.version) == (slot.number, before.version):
                files[name] = Damaged(contents)
        after = self._run(store.load(self.tenure, slot))
        return before.version, after.version if isinstance(after, Image) else None

    def images(self) -> dict[str, bytes]:
        """Every file of the store as it lies on the disk, by its path (`/` between)."""
        found = {}
        for folder, files in sorted(self.files.items()):
            for name, contents in sorted(files.items()):
                path = f"{folder}/{name}" if folder else name
                found[path] = _damaged(encode(contents.held)) if isinstance(contents, Damaged) else encode(contents)
        return found

    def _slot(self, checkpoint: Checkpoint) -> Slot:
        return Slot(self._plan.resources[checkpoint.resource].guid, checkpoint.number, str(checkpoint.key))

    # --- the disk under it --------------------------------------------------------------------------------

    def _run(self, operation: Op[Any]) -> Any:
        """Carry an operation of the store out, at this instant."""
        answer = None
        while True:
            try:
                effect = operation.send(answer)
            except StopIteration as ended:
                return ended.value
            answer = self._perform(effect)

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
                self.files[folder][name] = contents
            case Rename(old=old, new=new):
                folder, _, name = old.rpartition("/")
                if name not in self.files[folder]:
                    return Win32.FILE_NOT_FOUND
                self.files[folder][new.rpartition("/")[2]] = self.files[folder].pop(name)
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
