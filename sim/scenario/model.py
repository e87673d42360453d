"""A scenario as data: what the YAML loader fills and what a run reads.

Units: every time is in integer microseconds of simulated time; a `Window` of them is a choice of the run.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property

import msgspec

from sim.cluster import database
from sim.cluster.plan import ClusterPlan
from sim.cluster.profile import Span
from sim.history.expect import Expect
from sim.registry import EMPTY, KeyPath, KeyTree
from sim.scenario.command import Command


class FaultKind(StrEnum):
    """The faults of the contract."""

    CRASH = "crash"
    BOOT = "boot"
    STOP_SERVICE = "stop-service"
    START_SERVICE = "start-service"
    FREEZE = "freeze"
    THAW = "thaw"
    PARTITION = "partition"
    HEAL = "heal"
    FAIL = "fail"
    HANG = "hang"
    QUORUM_OFFLINE = "quorum-offline"
    QUORUM_ONLINE = "quorum-online"
    QUORUM_WRITE_ERROR = "quorum-write-error"
    QUORUM_SLOW = "quorum-slow"
    QUORUM_DAMAGE = "quorum-damage"
    DISK_LOSS = "disk-loss"
    OPEN_KEY = "open-key"
    CLOSE_KEY = "close-key"


class Place(msgspec.Struct, frozen=True):
    """Where something stands in the scenario's file: line and column from 1 (0: built without a file)."""

    line: int = 0
    column: int = 0


class Do(msgspec.Struct, frozen=True):
    """An operator types commands on `node` (None: the contract's default); several are one transaction."""

    commands: tuple[Command, ...]
    node: str | None = None


class App(msgspec.Struct, frozen=True):
    """The resource's own process changes its registry, on the node that hosts it."""

    resource: str
    commands: tuple[Command, ...]


class Fault(msgspec.Struct, frozen=True):
    """Something breaks, or is mended. `lasts` None: until its opposite or the end.

    `between`: groups of nodes; no network connects those of different groups.
    """

    kind: FaultKind
    node: str | None = None
    resource: str | None = None
    key: KeyPath | None = None
    file: str | None = None
    by: Span | None = None
    lasts: Span | None = None
    between: tuple[tuple[str, ...], ...] = ()


class At(msgspec.Struct, frozen=True):
    """At a time of its own, whatever the other steps do."""

    time: Span


class After(msgspec.Struct, frozen=True):
    """`delay` after the step before in the list has completed."""

    delay: Span = 0


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a scenario; `label` is the name of its writes."""

    act: Do | App | Fault
    when: At | After = After()
    label: str | None = None
    place: Place = Place()


class May(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that a seeded run may make, at most so many times."""

    fault: Fault
    at_most: int = 1
    place: Place = Place()


HIVES = (("SAM",), ("SECURITY",), ("SOFTWARE",), ("SYSTEM", "ControlSet001", "Services"))
"""What HKEY_LOCAL_MACHINE has on every machine, as far as it matters here: nobody can create them (domain.md 96)."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A cluster, what is in its registries before it forms, what happens, and what is expected.

    `registry` maps a node's name to the tree of its HKEY_LOCAL_MACHINE. `until` None: 60 s after the last step.
    `file` is the path as given (empty: built without a file), `sha256` the digest of the file's bytes.
    """

    title: str
    cluster: ClusterPlan
    about: str = ""
    registry: dict[str, KeyTree] = {}
    steps: tuple[Step, ...] = ()
    until: int | None = None
    may: tuple[May, ...] = ()
    expect: Expect = Expect()
    file: str = ""
    sha256: str = ""

    @cached_property
    def machines(self) -> dict[str, KeyTree]:
        """Each node's registry when time starts: that of a machine that runs Windows, whose hives are there."""
        return {node: _with_hives(self.registry.get(node, EMPTY)) for node in self.cluster.nodes}

    @cached_property
    def database(self) -> KeyTree:
        """The cluster database when time starts, the stated checkpoints listed."""
        return database.at_start(self.cluster)


def _with_hives(tree: KeyTree) -> KeyTree:
    for hive in HIVES:
        if tree.at(hive) is None:
            tree = tree.with_key(hive)
    return tree
