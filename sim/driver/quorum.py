"""The quorum disk as a driver sees it, simulated or real: the store of images on it, and who owns that.

Holds:    nobody saves before its take-over has succeeded: a disk that could not be claimed is read as its last owner
          left it, and claimed again before the next save.
Contests: somebody else's claim (a disk that ignores reservations) makes the owner nobody: saves are refused with
          ERROR_QUORUM_OWNER_ALIVE, and `reports` says who it was.
Never:    what was found wrong is never dropped: `reports` keeps it until the driver has logged it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import msgspec

from sim.checkpoint import store
from sim.checkpoint.effects import Checkpoint, Image, Op
from sim.checkpoint.files import ImageFile
from sim.checkpoint.store import Contested, Found, Slot, Tenure
from sim.cluster.plan import ClusterPlan, guid
from sim.registry import KeyTree, RegFile, Win32


class Report(msgspec.Struct, frozen=True):
    """What the store has found on a node: damage, in a sentence, or somebody else's claim, which that node lost to."""

    node: str
    what: str | Contested


class QuorumStore(ABC):
    """The store's operations under the tenure of the disk's owner; `ask` and `look_up` carry them out.

    `owner` empty: whoever had it is gone, and nobody has taken over. A tenure that stands is good until then.
    """

    __slots__ = ("_plan", "offline", "owner", "refuses", "reports", "slower", "tenure")

    def __init__(self, plan: ClusterPlan) -> None:
        self._plan = plan
        self.offline = False
        self.refuses = False
        self.slower = 0
        self.owner = ""
        self.tenure = Tenure(0, "", {})
        self.reports: list[Report] = []

    @abstractmethod
    def ask(self, host: str, operation: Callable[..., Op[Any]], *arguments: Any) -> Any:
        """Carry out an operation of the store on a node."""

    @abstractmethod
    def look_up(self, operation: Callable[..., Op[Any]], *arguments: Any) -> Any:
        """Carry out a reading operation for whoever watches the run."""

    # --- who owns it --------------------------------------------------------------------------------------

    def take_over(self, node: str) -> Win32 | None:
        """The node owns the disk from now on; None, or why it cannot yet. Then it reads what the last owner left."""
        self.owner, self.tenure = node, Tenure(0, "", {})
        error = self._own()
        if error is not None:
            self.tenure = self._hold(self.ask(node, store.as_left))
        return error

    def _own(self) -> Win32 | None:
        """The take-over, if it has not succeeded yet."""
        if self.tenure.writer:
            return None
        if not self.owner:
            return Win32.NOT_READY
        found = self.ask(self.owner, store.take_over, self.owner)
        if isinstance(found, Found):
            self.tenure = self._hold(found)
            return None
        return self._refusal(found, self.owner)

    def _hold(self, found: Found) -> Tenure:
        told = {each.what for each in self.reports}
        self.reports += [Report(self.owner, damage) for damage in found.damage if damage not in told]
        return found.tenure

    def _refusal(self, answer: Contested | Win32, host: str) -> Win32:
        """Why the store refuses; where somebody else claims the disk, this owner is one no longer."""
        if isinstance(answer, Win32):
            return answer
        assert isinstance(answer, Contested), f"the store refuses with {answer!r}"
        self.reports.append(Report(self.owner or host, answer))
        self.owner = ""
        self.tenure = self.look_up(store.as_left).tenure
        return Win32.QUORUM_OWNER_ALIVE

    # --- what it keeps ------------------------------------------------------------------------------------

    def next_version(self, checkpoint: Checkpoint) -> int:
        """The version that a save of the checkpoint would get now."""
        return int(self.look_up(store.next_version, self._slot(checkpoint)))

    def save(self, checkpoint: Checkpoint, tree: KeyTree, host: str) -> Win32 | None:
        """Make an image durable; None, or why the disk refuses. Then it holds what it held."""
        return self._put(checkpoint, tree, host)

    def delete(self, checkpoint: Checkpoint, host: str) -> Win32 | None:
        """Remove the checkpoint's images; None, or why the disk refuses."""
        return self._put(checkpoint, None, host)

    def _put(self, checkpoint: Checkpoint, tree: KeyTree | None, host: str) -> Win32 | None:
        error = self._writable()
        if error is not None:
            return error
        image = self.ask(host, store.save, self.tenure, self._slot(checkpoint), tree)
        if not isinstance(image, ImageFile):
            return self._refusal(image, host)
        self.reports += [Report(host, damage) for damage in self.ask(host, store.tidy, self.tenure, image)]
        return None

    def save_late(self, checkpoint: Checkpoint, tree: KeyTree, host: str, tenure: Tenure) -> Win32:
        """A write under a tenure that has ended lands on the disk: it is refused, and nobody reads what it left."""
        answer = self.ask(host, store.save, tenure, self._slot(checkpoint), tree)
        assert not isinstance(answer, ImageFile), f"the store takes a write of {host}, which owns the disk no more"
        return answer if isinstance(answer, Win32) else Win32.QUORUM_OWNER_ALIVE

    def load(self, checkpoint: Checkpoint, host: str) -> Image | Win32:
        """The newest readable image; FILE_NOT_FOUND where there is no file, REGISTRY_CORRUPT where none is readable."""
        if self.offline:
            return Win32.NOT_READY
        found = self.ask(host, store.load, self.tenure, self._slot(checkpoint))
        return found if isinstance(found, Image) else self._refusal(found, host)

    def quarantine(self, checkpoint: Checkpoint, undo: RegFile, host: str) -> str | Win32:
        """Keep local changes that a restore will undo; the name of the file, or why the disk refuses."""
        error = self._writable()
        if error is not None:
            return error
        name = self.ask(host, store.quarantine, self.tenure, self._slot(checkpoint), undo)
        return name if isinstance(name, str) else self._refusal(name, host)

    def _writable(self) -> Win32 | None:
        return Win32.NOT_READY if self.offline else self._own()

    def undo_file(self, folder: str, name: str) -> RegFile | None:
        """What was kept in that file; None where there is none, or the disk is gone."""
        found: RegFile | None = None if self.offline else self.look_up(store.undo_file, folder, name)
        return found

    def newest(self, checkpoint: Checkpoint) -> KeyTree | None:
        """The tree of the newest image, None where there is none that reads."""
        image = self._looked_up(checkpoint)
        return image.tree if isinstance(image, Image) and not image.damaged else None

    def _looked_up(self, checkpoint: Checkpoint) -> Any:
        return self.look_up(store.load, self.tenure, self._slot(checkpoint))

    def _slot(self, checkpoint: Checkpoint) -> Slot:
        return Slot(guid("resource", checkpoint.resource), checkpoint.number, str(checkpoint.key))
