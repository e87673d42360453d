"""A node's own registry: what is in memory, and what a power loss leaves of it.

Faults:  power loss (what was not flushed is gone), the loss of the node's disk (all is as at the setup).
Holds:   the hive on the node's disk is the registry as it stood at the last flush, without volatile keys;
         it is written `registry_flush` after the first change that is not in it (lazy flush; assumed 5 s).
"""

from __future__ import annotations

from sim.checkpoint.effects import Checkpoint
from sim.registry import EMPTY, KeyPath, KeyTree, Registry


class Machine:
    """One node's registry, its flushed image, and the watches that the cluster service holds on it.

    `dirty`: a flush is due. `opened`: keys that another process holds open, with their handles.
    """

    __slots__ = ("dirty", "flushed", "name", "opened", "registry", "setup", "watches")

    def __init__(self, name: str, setup: KeyTree = EMPTY) -> None:
        self.name = name
        self.setup = setup
        self.registry = Registry(setup)
        self.flushed = setup
        self.dirty = False
        self.opened: dict[KeyPath, int] = {}
        self.watches: dict[Checkpoint, int] = {}

    def copy(self) -> Machine:
        """The same machine, independent from here on."""
        other = Machine(self.name, self.setup)
        other.registry, other.flushed, other.dirty = self.registry.copy(), self.flushed, self.dirty
        other.opened, other.watches = dict(self.opened), dict(self.watches)
        return other

    @property
    def on_disk(self) -> KeyTree:
        """What a power loss would leave of the registry."""
        return self.flushed

    def lose_power(self) -> None:
        """Fall back to the flushed hive."""
        self._reload(self.flushed)

    def lose_disk(self) -> None:
        """The disk is replaced, the node set up anew."""
        self.flushed = self.setup
        self._reload(self.setup)

    def flush(self) -> None:
        """The lazy writer comes by."""
        self.flushed = self.registry.root.without_volatile()
        self.dirty = False

    @property
    def unflushed(self) -> bool:
        """Whether the registry holds what its disk does not."""
        return self.registry.root is not self.flushed

    def registry_of(self, by: str) -> Registry:
        """The registry, whoever writes."""
        return self.registry

    def power_up(self) -> None:
        """The node's system runs again: nothing to do, what a power loss left is in place."""

    def start_service(self) -> None:
        """The cluster service is a fact of the cluster's state here, and no process."""

    def start_process(self, resource: str) -> None:
        """So are the processes of its resources."""

    def end_process(self, resource: str) -> None:
        """The same."""

    def hang_process(self, resource: str) -> None:
        """The same."""

    def stop_service(self) -> None:
        """The cluster service is gone, and its handles with it."""
        for watch in self.watches.values():
            self.registry.unwatch(watch)
        self.watches.clear()

    def _reload(self, root: KeyTree) -> None:
        self.registry = Registry(root)
        self.dirty = False
        self.opened.clear()
        self.watches.clear()
