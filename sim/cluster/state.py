"""The state of a cluster as frozen data, and the questions one asks of it.

One copy for all nodes that are up: what membership and global update keep equal on every member
(domain.md 87); a later issue gives each node a view of its own.

Units: none; nothing here knows a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from sim.cluster.plan import ClusterPlan


class NodeState(StrEnum):
    """The documented node states (MSDN clusnode-state; domain.md 60)."""

    UP = "Up"
    DOWN = "Down"
    PAUSED = "Paused"
    JOINING = "Joining"


class State(StrEnum):
    """The documented resource states that a resource can be seen in (MSDN clusresource-state; domain.md 58)."""

    ONLINE = "Online"
    OFFLINE = "Offline"
    FAILED = "Failed"
    ONLINE_PENDING = "OnlinePending"
    OFFLINE_PENDING = "OfflinePending"


class Process(StrEnum):
    """How a process was found that had been asked to start or to end."""

    READY = "ready"
    GONE = "gone"
    SILENT = "silent"


PENDING = frozenset({State.ONLINE_PENDING, State.OFFLINE_PENDING})


class Node(msgspec.Struct, frozen=True):
    """`system`: the operating system runs, whatever its cluster service does.

    `removed`: the other members know that it is down and have taken its groups.
    `had_quorum`: it owned the quorum disk when it was lost. `frozen`: nothing on it moves (a debugger, a stall of its
    hardware), and it knows nothing of that.
    `evicted`: it belongs to the cluster no more, and its cluster service cannot start.
    """

    state: NodeState = NodeState.UP
    system: bool = True
    removed: bool = True
    had_quorum: bool = False
    frozen: bool = False
    evicted: bool = False


class Resource(msgspec.Struct, frozen=True):
    """`wanted`: brought online by whoever brings its group online. `hung`: its process is there, and answers nothing.

    `failed`: how often it ever failed. `failures`: which of those were within the restart period, on this node.
    """

    state: State = State.ONLINE
    wanted: bool = True
    process: bool = True
    hung: bool = False
    failed: int = 0
    failures: tuple[int, ...] = ()


class Group(msgspec.Struct, frozen=True):
    """`moving`: on its way to another node.

    `failed_over`: how often it ever was for failure. `failovers`: which of those were within the failover period.
    """

    owner: str
    moving: bool = False
    failed_over: int = 0
    failovers: tuple[int, ...] = ()


class Cluster(msgspec.Struct, frozen=True):
    """What the members agree on; `forming` is the node that arbitrates for the quorum disk to form a cluster.

    `disk_gone`: whoever accesses the quorum disk finds it gone. `cuts`: pairs of nodes that no network connects.

    `plan` is the one place where the cluster's setup stands: commands change it (`sim.cluster.setup`).
    """

    plan: ClusterPlan
    nodes: dict[str, Node]
    groups: dict[str, Group]
    resources: dict[str, Resource]
    quorum_owner: str | None
    disk_gone: bool = False
    cuts: frozenset[tuple[str, str]] = frozenset()
    forming: str | None = None

    def owner(self, resource: str) -> str:
        """The node that owns the resource's group."""
        return self.groups[self.plan.resources[resource].group].owner

    def is_up(self, node: str) -> bool:
        """Whether the node is a member: Up, or Paused, which hosts no new groups (domain.md 60)."""
        return self.nodes[node].state in (NodeState.UP, NodeState.PAUSED)

    def connected(self, one: str, other: str) -> bool:
        """Whether a network connects the two nodes, if both run."""
        return (one, other) not in self.cuts

    def reaches_quorum(self, node: str) -> bool:
        """Whether a network connects the node with the owner of the quorum disk, if there is one."""
        return self.quorum_owner is None or self.connected(node, self.quorum_owner)

    def answers(self, node: str) -> bool:
        """Whether the node is a member that the owner of the quorum disk, and so the cluster, reaches."""
        return self.is_up(node) and not self.nodes[node].frozen and self.reaches_quorum(node)

    def active(self) -> tuple[str, ...]:
        """The members that do not stand still."""
        return tuple(node for node in self.members() if not self.nodes[node].frozen)

    def hears_a_member(self, node: str) -> bool:
        """Whether a network connects the node with any member."""
        return any(self.connected(node, member) for member in self.members())

    def members(self) -> tuple[str, ...]:
        """The nodes that are members, in the plan's order."""
        return tuple(node for node in self.plan.nodes if self.is_up(node))

    def state_of(self, resource: str) -> State:
        """The resource's state; one that was deleted meanwhile is online nowhere."""
        seen = self.resources.get(resource)
        return State.OFFLINE if seen is None else seen.state

    def may_host(self, node: str, resource: str) -> bool:
        """Whether the node is a possible owner of the resource (KB 197047; domain.md 70)."""
        possible = self.plan.resources[resource].possible_owners
        return possible is None or node in possible

    def may_own(self, node: str, group: str) -> bool:
        """Whether the node is a possible owner of every resource of the group (MSDN clusresgroup-move)."""
        return all(self.may_host(node, name) for name in self.plan.groups[group].resources)

    def best_owner(self, group: str, *, besides: str | None = None) -> str | None:
        """The best member to own the group: preferred owners first, then the plan's order; None where there is none.

        Only a node that is a possible owner of all its resources is one.
        """
        return next((node for node in self._owners(group, besides) if self.may_own(node, group)), None)

    def heir(self, group: str, *, besides: str | None = None) -> str | None:
        """Who takes the group of a node that is gone: the best owner, or else any member.

        Where no possible owner is active, a resource "MUST be hosted on another node but MUST remain" Offline
        (CMRP 3.1.4.1.25).
        """
        return self.best_owner(group, besides=besides) or next(self._owners(group, besides), None)

    def _owners(self, group: str, besides: str | None) -> Iterator[str]:
        for node in (*self.plan.groups[group].preferred_owners, *self.plan.nodes):
            if node != besides and self.nodes[node].state is NodeState.UP and self.answers(node):
                yield node

    def dependents(self, resource: str) -> tuple[str, ...]:
        """The resources that depend on this one directly."""
        return tuple(name for name, plan in self.plan.resources.items() if resource in plan.depends_on)

    def all_dependents(self, resource: str) -> tuple[str, ...]:
        """The resources that depend on this one, directly or not, in the plan's order."""
        found = {resource}
        grown = True
        while grown:
            more = {name for each in found for name in self.dependents(each)} - found
            found |= more
            grown = bool(more)
        return tuple(name for name in self.plan.resources if name in found and name != resource)

    def all_dependencies(self, resource: str) -> tuple[str, ...]:
        """What this resource depends on, directly or not, in the plan's order."""
        return tuple(name for name in self.plan.resources if resource in self.all_dependents(name))


def at_start(plan: ClusterPlan) -> Cluster:
    """The cluster when time starts: formed, quorum disk at the first node, every group online (contract)."""
    owners = {name: (group.preferred_owners or plan.nodes)[0] for name, group in plan.groups.items()}
    return Cluster(
        plan=plan,
        nodes={node: Node() for node in plan.nodes},
        groups={name: Group(owner) for name, owner in owners.items()},
        resources={name: Resource() for name in plan.resources},
        quorum_owner=plan.nodes[0],
    )


# --- transitions --------------------------------------------------------------------------------------------


def with_node(cluster: Cluster, name: str, **changed: object) -> Cluster:
    """The cluster with one node changed."""
    node = msgspec.structs.replace(cluster.nodes[name], **changed)
    return msgspec.structs.replace(cluster, nodes={**cluster.nodes, name: node})


def with_group(cluster: Cluster, name: str, **changed: object) -> Cluster:
    """The cluster with one group changed."""
    group = msgspec.structs.replace(cluster.groups[name], **changed)
    return msgspec.structs.replace(cluster, groups={**cluster.groups, name: group})


def with_resource(cluster: Cluster, name: str, **changed: object) -> Cluster:
    """The cluster with one resource changed."""
    resource = msgspec.structs.replace(cluster.resources[name], **changed)
    return msgspec.structs.replace(cluster, resources={**cluster.resources, name: resource})
