"""A group: the unit that moves. Offline on the one node, with saves; then online on the other, with restores."""

from __future__ import annotations

from sim.checkpoint.effects import Op
from sim.cluster.effects import Operation, Stopped, look, set_moving, set_owner, spawn, wait_for
from sim.cluster.resource import BringOnline, TakeOffline
from sim.cluster.state import NodeState, State


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
