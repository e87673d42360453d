"""A group: the unit that moves. Offline on the one node, with saves; then online on the other, with restores."""

from __future__ import annotations

from sim.checkpoint.effects import Op
from sim.cluster.effects import Hosted, Operation, Stopped, await_hour, look, set_moving, set_owner, spawn, wait_for
from sim.cluster.properties import failback_window, of_group
from sim.cluster.resource import BringOnline, TakeOffline
from sim.cluster.state import Cluster, NodeState, State


class OnlineGroup(Operation, frozen=True):
    """Bring online, on the group's owner, all of its resources that nobody took offline by command."""

    group: str

    @property
    def subject(self) -> str:
        return self.group

    def run(self) -> Op[None]:
        cluster = yield from look()
        for name in cluster.plan.groups[self.group].resources:
            if cluster.resources[name].wanted:
                yield from spawn(BringOnline(self.host, name))


class MoveGroup(Operation, frozen=True):
    """Move a group from its host to `target`."""

    group: str
    target: str

    @property
    def subject(self) -> str:
        return self.group

    def run(self) -> Op[None]:
        yield from set_moving(self.group, True)
        cluster = yield from look()
        names = cluster.plan.groups[self.group].resources
        for name in names:
            if cluster.resources[name].state is not State.OFFLINE:
                yield from spawn(TakeOffline(self.host, name))
        cluster = yield from wait_for(Stopped(names))
        # The target may have gone down, been paused or cut off, while the resources went offline.
        assert self.host is not None
        up = cluster.nodes[self.target].state is NodeState.UP and not cluster.nodes[self.target].frozen
        reached = up and cluster.connected(self.host, self.target)
        owner = self.target if reached else self.host
        yield from set_owner(self.group, owner)
        yield from spawn(OnlineGroup(owner, self.group))


class FailBack(Operation, frozen=True):
    """A preferred owner is back: the group returns to it, at once or in its failback window (domain.md 69).

    "Failback will only take place between the hours of FailbackWindowStart and FailbackWindowEnd if the group's
    preferred node is active or becomes active during that interval" (MSDN groups-failbackwindowstart).
    Assumed: only a node that joins brings groups back, not one that is resumed; a group that is on its way or has
    pending resources is waited for.
    """

    group: str
    node: str

    @property
    def subject(self) -> str:
        return self.group

    def run(self) -> Op[None]:
        cluster = yield from look()
        while self.is_due(cluster):
            window = failback_window(cluster.plan, self.group)
            if window is not None:
                yield from await_hour(*window)
            cluster = yield from look()
            if Hosted(self.group).holds(cluster):
                if self.is_due(cluster):
                    yield from spawn(MoveGroup(cluster.groups[self.group].owner, self.group, self.node))
                return
            cluster = yield from wait_for(Hosted(self.group))

    def is_due(self, cluster: Cluster) -> bool:
        """Whether the group is allowed to fail back, and its owner is none that it prefers to the node."""
        if self.group not in cluster.groups or of_group(cluster.plan, self.group, "AutoFailbackType") != 1:
            return False
        owner, preferred = cluster.groups[self.group].owner, cluster.plan.groups[self.group].preferred_owners
        if self.node not in preferred or owner in preferred[: preferred.index(self.node) + 1]:
            return False
        up = cluster.nodes[self.node].state is NodeState.UP and cluster.is_up(owner)
        return up and cluster.connected(owner, self.node) and cluster.may_own(self.node, self.group)
