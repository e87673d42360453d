"""The quorum disk of a live run: the store's operations run in the service of the node that asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim.checkpoint import store
from sim.checkpoint.effects import Checkpoint, Image
from sim.checkpoint.files import ImageFile
from sim.checkpoint.store import Found, Slot, Tenure
from sim.cluster.plan import ClusterPlan
from sim.live.files import RealFiles
from sim.live.machine import LiveMachine
from sim.registry import KeyTree, RegFile, Win32


class LiveDisk:
    """A folder shared by all nodes. What the test bench itself looks up or damages it does with its own hands."""

    def __init__(self, plan: ClusterPlan, folder: Path, machines: Mapping[str, LiveMachine]) -> None:
        self._plan = plan
        self._machines = machines
        self._files = RealFiles(folder)
        self.offline = False
        self.refuses = False
        self.slower = 0
        self.tenure = Tenure(0, "", {})

    def take_over(self, node: str) -> tuple[str, ...]:
        found = self._machines[node].ask_service("take over", node, self.refuses)
        if not isinstance(found, Found):
            return ()
        self.tenure = found.tenure
        return found.damage

    def next_version(self, checkpoint: Checkpoint) -> int:
        return int(self._files.carry_out(store.next_version(self._slot(checkpoint))))

    def save(self, checkpoint: Checkpoint, tree: KeyTree, host: str) -> Win32 | None:
        return self._put(checkpoint, tree, host)

    def delete(self, checkpoint: Checkpoint, host: str) -> Win32 | None:
        return self._put(checkpoint, None, host)

    def _put(self, checkpoint: Checkpoint, tree: KeyTree | None, host: str) -> Win32 | None:
        if self.offline:
            return Win32.NOT_READY
        machine = self._machines[host]
        image = machine.ask_service("save", self.tenure, self._slot(checkpoint), tree, self.refuses)
        if isinstance(image, Win32):
            return image
        assert isinstance(image, ImageFile), f"the store is contested by {image}"
        machine.ask_service("tidy", self.tenure, image)
        return None

    def load(self, checkpoint: Checkpoint, host: str) -> Image | Win32:
        if self.offline:
            return Win32.NOT_READY
        found = self._machines[host].ask_service("load", self.tenure, self._slot(checkpoint))
        assert isinstance(found, Image | Win32), f"the store loaded {found!r}"
        return found

    def quarantine(self, checkpoint: Checkpoint, undo: RegFile, host: str) -> str | Win32:
        if self.offline:
            return Win32.NOT_READY
        name = self._machines[host].ask_service("quarantine", self._slot(checkpoint), undo, self.refuses)
        assert isinstance(name, str | Win32), f"the store quarantined {name!r}"
        return name

    def undo_file(self, folder: str, name: str) -> RegFile | None:
        found: RegFile | None = None if self.offline else self._files.carry_out(store.undo_file(folder, name))
        return found

    def newest(self, checkpoint: Checkpoint) -> KeyTree | None:
        image = self._looked_up(checkpoint)
        return image.tree if isinstance(image, Image) and not image.damaged else None

    def landed(self, checkpoint: Checkpoint, tree: KeyTree, version: int) -> bool:
        """Whether a save that nobody was told of is the newest image all the same."""
        image = self._looked_up(checkpoint)
        return isinstance(image, Image) and image.version >= version and image.tree == tree

    def damage(self, checkpoint: Checkpoint) -> tuple[int, int | None] | None:
        before = self._looked_up(checkpoint)
        if not isinstance(before, Image) or before.damaged:
            return None
        slot = self._slot(checkpoint)
        for path in (self._files.root / slot.folder).iterdir():
            name = store.image_name(path.name)
            newest = name is not None and (name.number, name.version) == (slot.number, before.version)
            if newest or path.name == slot.published.rpartition("/")[2]:
                data = bytearray(path.read_bytes())
                data[len(data) // 2] ^= 1
                path.write_bytes(data)
        after = self._looked_up(checkpoint)
        return before.version, after.version if isinstance(after, Image) else None

    def copy(self) -> LiveDisk:
        raise AssertionError("a real disk cannot be copied")

    def _looked_up(self, checkpoint: Checkpoint) -> Any:
        return self._files.carry_out(store.load(self.tenure, self._slot(checkpoint)))

    def _slot(self, checkpoint: Checkpoint) -> Slot:
        return Slot(self._plan.resources[checkpoint.resource].guid, checkpoint.number, str(checkpoint.key))
