r"""The quorum disk: the shared disk that keeps the checkpoint images, `<resource GUID>\0000000N.CPT`.

Faults:   offline; refused writes; slow transfers; an image damaged at rest; a crash during a save.
Never:    a torn image (a save is one step here; the store of real files comes with its own crash points);
          loss of the quorum disk itself; damage that goes unnoticed.
Holds:    an acknowledged save survives every fault above but damage at rest, and then the one before it is used.
Units:    microseconds. One transfer at a time, first come first served.
"""

from __future__ import annotations

import msgspec

from sim.checkpoint.effects import Checkpoint, Image
from sim.registry import KeyTree, Win32


class Stored(msgspec.Struct, frozen=True):
    """One image file: the newest image (None: unreadable) and the last good one before it."""

    version: int
    newest: KeyTree | None
    previous: Image | None = None


class QuorumDisk:
    """The images by resource and file number, and what is wrong with the disk."""

    __slots__ = ("images", "offline", "refuses", "slower")

    def __init__(self) -> None:
        self.images: dict[tuple[str, int], Stored] = {}
        self.offline = False
        self.refuses = False
        self.slower = 0

    def copy(self) -> QuorumDisk:
        """An independent disk with the same images and faults."""
        other = QuorumDisk()
        other.images = dict(self.images)
        other.offline, other.refuses, other.slower = self.offline, self.refuses, self.slower
        return other

    def next_version(self, checkpoint: Checkpoint) -> int:
        """The version that a save of the checkpoint would get now."""
        stored = self.images.get((checkpoint.resource, checkpoint.number))
        return 1 if stored is None else stored.version + 1

    def save(self, checkpoint: Checkpoint, tree: KeyTree) -> Win32 | None:
        """Make an image durable; None, or why the disk refuses. Then it holds what it held."""
        if self.offline:
            return Win32.NOT_READY
        if self.refuses:
            return Win32.WRITE_FAULT
        place = checkpoint.resource, checkpoint.number
        before = self.images.get(place)
        version = self.next_version(checkpoint)
        previous = None
        if before is not None:
            previous = before.previous if before.newest is None else Image(before.version, before.newest)
        self.images[place] = Stored(version, tree, previous)
        after = self.images[place]
        assert after.version == version, f"saved {after.version} for {version}"
        return None

    def load(self, checkpoint: Checkpoint) -> Image | Win32:
        """The newest readable image; FILE_NOT_FOUND where there is no file, REGISTRY_CORRUPT where none is readable."""
        if self.offline:
            return Win32.NOT_READY
        stored = self.images.get((checkpoint.resource, checkpoint.number))
        if stored is None:
            return Win32.FILE_NOT_FOUND
        if stored.newest is not None:
            return Image(stored.version, stored.newest)
        if stored.previous is None:
            return Win32.REGISTRY_CORRUPT
        return Image(stored.previous.version, stored.previous.tree, damaged=True)

    def delete(self, checkpoint: Checkpoint) -> None:
        """Delete the checkpoint's file, if it is there."""
        self.images.pop((checkpoint.resource, checkpoint.number), None)

    def damage(self, resource: str, number: int) -> tuple[int, int | None] | None:
        """Make the newest image unreadable: its version and the one that is left; None where there is none."""
        stored = self.images.get((resource, number))
        if stored is None or stored.newest is None:
            return None
        self.images[resource, number] = Stored(stored.version, None, stored.previous)
        return stored.version, None if stored.previous is None else stored.previous.version
