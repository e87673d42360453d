"""What a driver stands on: a clock, the machines, the quorum disk, and where an operation of a node runs.

The interpreter of effects (`sim.driver.world`) is the same everywhere; the ground is simulated (`sim.world`: SimPy,
trees in memory) or real (`sim.live`: time, processes and files).
"""

from __future__ import annotations

from typing import Protocol

from sim.checkpoint.effects import Checkpoint, Image, Op
from sim.checkpoint.store import Tenure
from sim.cluster.effects import Operation
from sim.driver.flights import Flight, Running
from sim.driver.quorum import Report
from sim.registry import KeyPath, KeyTree, RegFile, Value, Win32


class UnreachableError(Exception):
    """A node has gone away while it was asked for something: it lost power; `service`: only its service was killed."""

    def __init__(self, node: str, *, service: bool = False) -> None:
        super().__init__(node)
        self.node = node
        self.service = service


class Clock(Protocol):
    """Time, and the effects that wait for it. Units: microseconds."""

    @property
    def now(self) -> int: ...
    @property
    def flights(self) -> dict[int, Flight]:
        """What is in flight, by the number of its operation."""

    @property
    def ready(self) -> list[Flight]:
        """What has come due and is not settled yet."""

    def launch(self, flight: Flight) -> None:
        """Let an effect fly: one at a time for each operation."""

    def wake(self, flight: Flight, answer: object) -> None:
        """End a flight's wait now, with this answer."""

    def reschedule(self, flight: Flight, length: int | None, order: int) -> None:
        """Let a flight come due so long from now, in this order among what comes due then; None: park it."""

    def abort(self, flight: Flight) -> None:
        """The disk is gone: a transfer, queued or under way, ends now."""

    def cancel(self, number: int) -> None:
        """The operation is no more."""

    def advance(self, until: int) -> bool:
        """Go to the next instant at which something comes due, not beyond `until`; False where there is none."""

    def drain(self) -> None:
        """Finish what belongs to this instant."""

    def copy(self, running: dict[int, Running]) -> Clock:
        """A clock at the same instant with the same flights. A real one cannot be copied."""


class NodeRegistry(Protocol):
    """A node's registry with its Win32 verbs, as `sim.registry.Registry` has them; errors are `Win32Error`."""

    @property
    def root(self) -> KeyTree: ...
    def create_key(self, key: KeyPath) -> object: ...
    def set_value(self, key: KeyPath, name: str, value: Value) -> None: ...
    def delete_value(self, key: KeyPath, name: str) -> None: ...
    def delete_tree(self, key: KeyPath) -> None: ...
    def save_key(self, key: KeyPath) -> KeyTree: ...
    def restore_key(self, key: KeyPath, tree: KeyTree) -> None: ...
    def open_key(self, key: KeyPath) -> int: ...
    def close_key(self, handle: int) -> None: ...
    def open_handles(self) -> tuple[tuple[int, KeyPath], ...]: ...
    def watch(self, key: KeyPath) -> int: ...
    def rearm(self, watch: int) -> None: ...
    def unwatch(self, watch: int) -> None: ...
    def signalled(self, watch: int) -> bool: ...
    def take_signals(self) -> tuple[int, ...]: ...


class Machine(Protocol):
    """A node: its registry, what of it is on its disk, and the processes that run on it.

    `dirty`: a flush is due. `opened`: keys that another process holds open. `watches`: the cluster service's.
    """

    dirty: bool
    opened: dict[KeyPath, int]
    watches: dict[Checkpoint, int]

    @property
    def registry(self) -> NodeRegistry: ...
    def registry_of(self, by: str) -> NodeRegistry:
        """The registry as this writer reaches it: an operator, or the process of a resource."""

    @property
    def unflushed(self) -> bool:
        """Whether the registry holds what its disk does not."""

    def flush(self) -> None:
        """The lazy writer comes by."""

    @property
    def on_disk(self) -> KeyTree:
        """What a power loss would leave of the registry."""

    def lose_power(self) -> None:
        """Everything on the node dies, its registry is what its disk has."""

    def lose_disk(self) -> None:
        """The disk is replaced, the node set up anew."""

    def power_up(self) -> None:
        """The node's system runs again."""

    def start_service(self) -> None:
        """The node's cluster service is started."""

    def stop_service(self) -> None:
        """The cluster service is gone, and its handles and the processes of its resources with it."""

    def start_process(self, resource: str) -> None:
        """A resource's own process is started."""

    def end_process(self, resource: str) -> None:
        """A resource's own process is ended, or has died."""

    def hang_process(self, resource: str) -> None:
        """A resource's own process goes on existing, and does nothing any more."""

    def copy(self) -> Machine:
        """The same machine, independent from here on. A real one cannot be copied."""


class Disk(Protocol):
    """The quorum disk, with the store of checkpoint images on it. `host` is the node that asks."""

    offline: bool
    refuses: bool
    slower: int
    owner: str
    tenure: Tenure
    reports: list[Report]

    def take_over(self, node: str) -> Win32 | None:
        """The node owns the disk from now on; None, or why it cannot yet."""

    def next_version(self, checkpoint: Checkpoint) -> int:
        """The version that a save of the checkpoint would get now."""

    def save(self, checkpoint: Checkpoint, tree: KeyTree, host: str) -> Win32 | None:
        """Make an image durable; None, or why the disk refuses."""

    def save_late(self, checkpoint: Checkpoint, tree: KeyTree, host: str, tenure: Tenure) -> Win32:
        """A write under a tenure that has ended lands on the disk: why it is refused."""

    def load(self, checkpoint: Checkpoint, host: str) -> Image | Win32:
        """The newest readable image."""

    def newest(self, checkpoint: Checkpoint) -> KeyTree | None:
        """The tree of the newest image, None where there is none that reads."""

    def landed(self, checkpoint: Checkpoint, tree: KeyTree, version: int) -> bool:
        """Whether a save that died with its node before it was acknowledged is the newest image all the same."""

    def quarantine(self, checkpoint: Checkpoint, undo: RegFile, host: str) -> str | Win32:
        """Keep local changes that a restore will undo; the name of the file, or why the disk refuses."""

    def undo_file(self, folder: str, name: str) -> RegFile | None:
        """What was kept in that file; None where there is none, or the disk is gone."""

    def delete(self, checkpoint: Checkpoint, host: str) -> Win32 | None:
        """Remove the checkpoint's images."""

    def damage(self, checkpoint: Checkpoint) -> tuple[int, int | None] | None:
        """Make the newest image unreadable: its version and the one that is left; None where there is none."""

    def copy(self) -> Disk:
        """An independent disk with the same files. A real one cannot be copied."""


class Ground(Protocol):
    """All of it."""

    @property
    def clock(self) -> Clock: ...
    @property
    def disk(self) -> Disk: ...
    @property
    def machines(self) -> dict[str, Machine]: ...

    def carry(self, operation: Operation) -> Op[None]:
        """The operation's generator, wherever it runs."""

    def copy(self, running: dict[int, Running]) -> Ground:
        """An independent ground in the same state. A real one cannot be copied."""
