"""The quorum disk of a live run: the store's operations run in the service of the node that asks for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sim.checkpoint import store
from sim.checkpoint.effects import Checkpoint, Image, Op
from sim.cluster.plan import ClusterPlan
from sim.driver.quorum import QuorumStore
from sim.live.files import RealFiles
from sim.live.machine import LiveMachine
from sim.registry import KeyTree


class LiveDisk(QuorumStore):
    """A folder shared by all nodes. What the test bench itself looks up or damages it does with its own hands."""

    def __init__(self, plan: ClusterPlan, folder: Path, machines: Mapping[str, LiveMachine]) -> None:
        super().__init__(plan)
        self._machines = machines
        self._files = RealFiles(folder)

    def ask(self, host: str, operation: Callable[..., Op[Any]], *arguments: Any) -> Any:
        """In the node's cluster service. Raises UnreachableError."""
        return self._machines[host].ask_service("store", operation, arguments, self.refuses)

    def look_up(self, operation: Callable[..., Op[Any]], *arguments: Any) -> Any:
        return self._files.carry_out(operation(*arguments))

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
