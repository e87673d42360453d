"""A node's cluster service: boots, joins or forms, leaves, and is missed by the others.

Membership and arbitration are timers here, with the documented times (domain.md 74, 78, 83); what happens
when they run out is the product's: the survivors take the groups, a loser of arbitration stops its service.
"""

from __future__ import annotations

from sim.checkpoint.effects import Op, log_event
from sim.checkpoint.engine import SOURCE
from sim.cluster.effects import (
    HEARTBEATS_MISSED,
    CutOff,
    Left,
    MayJoin,
    Operation,
    Silent,
    Unrenewable,
    await_beat,
    look,
    power_up,
    reserve,
    set_forming,
    set_node,
    set_owner,
    set_removed,
    sleep,
    spawn,
    stop_service,
    wait_for,
)
from sim.cluster.group import FailBack, MoveGroup, OnlineGroup
from sim.cluster.resource import TakeOffline
from sim.cluster.state import Cluster, NodeState, State

NEITHER_JOINED_NOR_FORMED = 1009
RESERVATION_LOST = 1038


class Boot(Operation, frozen=True):
    """The node is switched on: its system starts, then its cluster service."""

    node: str

    @property
    def subject(self) -> str:
        return self.node

    def run(self) -> Op[None]:
        yield from sleep("node_boot", self.node)
        yield from power_up(self.node)
        yield from StartService(self.host, self.node).run()


class StartService(Operation, frozen=True):
    """The cluster service starts: it joins the members, or arbitrates for the quorum disk and forms (KB 217147)."""

    node: str

    @property
    def subject(self) -> str:
        return self.node

    def run(self) -> Op[None]:
        cluster = yield from look()
        if cluster.nodes[self.node].evicted:
            return  # it has to be installed anew (MSDN clusnode-evict)
        yield from set_node(self.node, NodeState.JOINING)
        yield from sleep("service_start", self.node)
        # One that returns before the others have removed it joins only after they have (contract: The cluster).
        cluster = yield from wait_for(MayJoin(self.node))
        if cluster.hears_a_member(self.node):
            yield from set_node(self.node, NodeState.UP)
            for group in cluster.plan.groups:
                yield from spawn(FailBack(None, group, self.node))
        else:
            yield from self.form()

    def form(self) -> Op[None]:
        yield from set_forming(self.node)
        yield from sleep("arbitration_wait", self.node)
        granted = yield from reserve(self.node)
        if not granted:
            yield from set_forming(None)
            text = "The Cluster service could neither join an existing cluster nor form a new one."
            yield from log_event(SOURCE, NEITHER_JOINED_NOR_FORMED, text)
            yield from stop_service(self.node, known=True)
            return
        yield from set_node(self.node, NodeState.UP)
        yield from set_forming(None)
        cluster = yield from look()
        for group, state in cluster.groups.items():
            # A member that does not hear this node runs its groups until it has withdrawn (see WatchOwner).
            if state.owner == self.node or not cluster.is_up(state.owner):
                yield from set_owner(group, self.node)
                yield from spawn(OnlineGroup(self.node, group))


class LeaveCluster(Operation, frozen=True):
    """`net stop clussvc`: the groups move first, with all their saves; then the service ends."""

    node: str

    @property
    def subject(self) -> str:
        return self.node

    def run(self) -> Op[None]:
        cluster = yield from look()
        mine = [group for group, state in cluster.groups.items() if state.owner == self.node]
        for group in mine:
            target = cluster.heir(group, besides=self.node)
            names = cluster.plan.groups[group].resources
            if target is not None:
                yield from spawn(MoveGroup(self.node, group, target))
            else:
                for name in names:
                    if cluster.resources[name].state is not State.OFFLINE:
                        yield from spawn(TakeOffline(self.node, name))
        for group in mine:
            # Stopped here and handed over, or stopped here for good: the others may already be online there.
            yield from wait_for(Left(self.node, group))
        yield from stop_service(self.node, known=True)


class WatchNode(Operation, frozen=True):
    """The members miss a node's heartbeats, regroup, and take what it owned (domain.md 74, 76, 78).

    Where it owned the quorum disk, a challenger waits `arbitration_wait` between bus reset and reservation.
    """

    node: str

    @property
    def subject(self) -> str:
        return self.node

    def run(self) -> Op[None]:
        while True:
            cluster = yield from await_beat("heartbeat", self.node, Silent(self.node), HEARTBEATS_MISSED)
            if cluster.nodes[self.node].had_quorum:
                yield from sleep("arbitration_wait", self.node)
                cluster = yield from look()
            if not Silent(self.node).holds(cluster):
                continue  # it stood still, and has gone on in time
            if cluster.nodes[self.node].had_quorum:
                cluster = yield from self.take_quorum()
            if cluster.nodes[self.node].frozen:
                # It has missed its own renewals and knows nothing of that; the others go on without it (fact 79).
                yield from stop_service(self.node, known=True)
                continue
            for group, state in cluster.groups.items():
                target = cluster.heir(group)
                if state.owner == self.node and target is not None:
                    yield from set_owner(group, target)
                    yield from spawn(OnlineGroup(target, group))
            yield from set_removed(self.node)

    def take_quorum(self) -> Op[Cluster]:
        """The first member that can reserves the disk of the lost owner; the cluster as it is then."""
        cluster = yield from look()
        challengers = cluster.active()
        if challengers and cluster.quorum_owner in (None, self.node):
            yield from reserve(challengers[0])
        return (yield from look())  # it may have died of it


class WatchOwner(Operation, frozen=True):
    """A member that no longer hears the owner of the quorum disk regroups without it, and challenges it (76, 78).

    The owner goes on renewing its reservation, so that after `arbitration_wait` none is granted: the node withdraws by
    stopping its cluster service (KB 176320), whether or not the network is mended meanwhile. Only then do the others
    take what it owned (assumed: so that nothing is online twice; in the product the reservations of the groups' own
    disks see to that). Assumed too: a member that the owner hears is a member, whoever else does not hear it.
    """

    node: str

    @property
    def subject(self) -> str:
        return self.node

    def run(self) -> Op[None]:
        while True:
            cluster = yield from await_beat("heartbeat", self.node, CutOff(self.node), HEARTBEATS_MISSED)
            challenged = cluster.quorum_owner
            yield from sleep("arbitration_wait", self.node)
            cluster = yield from look()
            # Where the owner has died meanwhile, somebody else owns the disk, and the node may hear that one.
            if cluster.is_up(self.node) and cluster.quorum_owner == challenged:
                yield from stop_service(self.node, known=True)


class RenewReservation(Operation, frozen=True):
    """The owner of the quorum disk renews its reservation; when it cannot, the cluster services stop (79, 80)."""

    @property
    def subject(self) -> str:
        return "quorum"

    def run(self) -> Op[None]:
        while True:
            cluster = yield from await_beat("reservation_renewal", "quorum", Unrenewable())
            for node in cluster.plan.nodes:
                if cluster.nodes[node].state is not NodeState.DOWN:
                    yield from stop_service(node, known=True)
