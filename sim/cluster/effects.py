"""What the cluster's operations ask of the world, beside the engine's own effects.

A condition is data that holds or does not hold of a state, so that a driver can wait for it and a copy of the
world waits for the same.
"""

from __future__ import annotations

import msgspec

from sim.checkpoint.effects import Op
from sim.cluster.state import PENDING, Cluster, NodeState, Process, State


class Operation(msgspec.Struct, frozen=True):
    """An operation of the cluster: which one, and with what. `host` is the node it runs on and dies with.

    `host` None: it is carried by whatever members there are, or by none (a timer).
    """

    host: str | None

    def run(self) -> Op[None]:
        """The operation's effects, in order."""
        raise NotImplementedError

    @property
    def subject(self) -> str:
        """What it is about, for the names of choices."""
        raise NotImplementedError


class Condition(msgspec.Struct, frozen=True):
    """Something that one can wait for."""

    def holds(self, cluster: Cluster) -> bool:
        raise NotImplementedError


class Settled(Condition, frozen=True):
    """None of the resources is pending."""

    resources: tuple[str, ...]

    def holds(self, cluster: Cluster) -> bool:
        return all(cluster.state_of(name) not in PENDING for name in self.resources)


class Stopped(Condition, frozen=True):
    """Each of the resources is Offline or Failed."""

    resources: tuple[str, ...]

    def holds(self, cluster: Cluster) -> bool:
        return all(cluster.state_of(name) in (State.OFFLINE, State.FAILED) for name in self.resources)


class Hosted(Condition, frozen=True):
    """The group is on no way to another node, and none of its resources is pending."""

    group: str

    def holds(self, cluster: Cluster) -> bool:
        group = cluster.groups.get(self.group)
        if group is None:
            return True  # it was deleted
        return not group.moving and Settled(cluster.plan.groups[self.group].resources).holds(cluster)


class MayJoin(Condition, frozen=True):
    """The members have removed the node that comes back, or it hears of no member and nobody is forming a cluster."""

    node: str

    def holds(self, cluster: Cluster) -> bool:
        if cluster.hears_a_member(self.node):
            return cluster.nodes[self.node].removed
        return cluster.forming is None


class Left(Condition, frozen=True):
    """The group is handed over to another node, or nothing of it runs on this one any more."""

    node: str
    group: str

    def holds(self, cluster: Cluster) -> bool:
        group = cluster.groups.get(self.group)
        if group is None:
            return True  # it was deleted
        names = cluster.plan.groups[self.group].resources
        return not group.moving and (group.owner != self.node or Stopped(names).holds(cluster))


class NodeIs(Condition, frozen=True):
    """The node's cluster service is in one of the states."""

    node: str
    states: tuple[NodeState, ...]

    def holds(self, cluster: Cluster) -> bool:
        return cluster.nodes[self.node].state in self.states


class Silent(Condition, frozen=True):
    """The node is no member, or frozen, and the members do not know it yet."""

    node: str

    def holds(self, cluster: Cluster) -> bool:
        seen = cluster.nodes[self.node]
        return not seen.removed and (seen.frozen or not cluster.is_up(self.node))


class ProcessGone(Condition, frozen=True):
    """The resource is online, and its process is no more."""

    resource: str

    def holds(self, cluster: Cluster) -> bool:
        seen = cluster.resources.get(self.resource)
        return seen is not None and seen.state is State.ONLINE and not seen.process


class CutOff(Condition, frozen=True):
    """The node is a member, and it and the owner of the quorum disk do not hear each other."""

    node: str

    def holds(self, cluster: Cluster) -> bool:
        return cluster.is_up(self.node) and not cluster.reaches_quorum(self.node)


class Unwell(Condition, frozen=True):
    """The resource is online, and its process is no more, or answers nothing."""

    resource: str

    def holds(self, cluster: Cluster) -> bool:
        seen = cluster.resources.get(self.resource)
        return seen is not None and seen.state is State.ONLINE and (seen.hung or not seen.process)


class Unrenewable(Condition, frozen=True):
    """The quorum disk has an owner, and is gone."""

    def holds(self, cluster: Cluster) -> bool:
        return cluster.disk_gone and cluster.quorum_owner is not None


HEARTBEATS_MISSED = 0
"""For `AwaitBeat.times`: as many as the plan's `heartbeats_missed` says."""


class Look(msgspec.Struct, frozen=True):
    """Answered with the cluster as it stands."""


class Await(msgspec.Struct, frozen=True):
    """Answered with the cluster as soon as the condition holds."""

    condition: Condition


class Sleep(msgspec.Struct, frozen=True):
    """Answered after a documented time; `subject` names the choice where it is a window."""

    timer: str
    subject: str


class AwaitBeat(msgspec.Struct, frozen=True):
    """Answered with the cluster at a beat of the timer: the last of `times` in a row that find the condition to hold.

    `subject` is whose beats they are: a node's heartbeats, a resource's polls, the renewals of the quorum disk.
    """

    timer: str
    subject: str
    condition: Condition
    times: int = 1


class Lapse(msgspec.Struct, frozen=True):
    """Answered after so many microseconds of a property (RestartPeriod and its like)."""

    micros: int


class AwaitHour(msgspec.Struct, frozen=True):
    """Answered as soon as the local hour of the day is `start` or later, and before `end`."""

    start: int
    end: int


class SetState(msgspec.Struct, frozen=True):
    """The resource is in this state now."""

    resource: str
    state: State


class SetWanted(msgspec.Struct, frozen=True):
    """Whether whoever brings the group online brings these along."""

    resources: tuple[str, ...]
    wanted: bool


class CountFailure(msgspec.Struct, frozen=True):
    """One more failure of the resource; answered with the cluster."""

    resource: str


class ForgetFailure(msgspec.Struct, frozen=True):
    """A failure of the resource is too old to count."""

    resource: str
    failure: int


class CountFailover(msgspec.Struct, frozen=True):
    """One more failover of the group for failure; answered with the cluster."""

    group: str


class ForgetFailover(msgspec.Struct, frozen=True):
    """A failover of the group is too old to count."""

    group: str
    failover: int


class StartProcess(msgspec.Struct, frozen=True):
    """The resource's process starts on this node; answered when it is ready, or why it is not."""

    resource: str


class StopProcess(msgspec.Struct, frozen=True):
    """The resource's process is asked to end; answered when it has, or when it was silent for too long."""

    resource: str


class TerminateProcess(msgspec.Struct, frozen=True):
    """The resource's process is ended without being asked, if it is still there."""

    resource: str


class SetOwner(msgspec.Struct, frozen=True):
    """The group is owned by this node now, and no longer moving."""

    group: str
    owner: str


class SetMoving(msgspec.Struct, frozen=True):
    """The group is on its way to another node, or no longer."""

    group: str
    moving: bool


class SetNode(msgspec.Struct, frozen=True):
    """The node's cluster service is in this state now."""

    node: str
    state: NodeState


class SetRemoved(msgspec.Struct, frozen=True):
    """The members have noticed that the node is down."""

    node: str


class SetForming(msgspec.Struct, frozen=True):
    """The node arbitrates in order to form a cluster; None: nobody does."""

    node: str | None


class PowerUp(msgspec.Struct, frozen=True):
    """The node's operating system has started."""

    node: str


class Reserve(msgspec.Struct, frozen=True):
    """Reserve the quorum disk for the node (None: release it); answered whether the disk granted it."""

    node: str | None


class StopService(msgspec.Struct, frozen=True):
    """The cluster service of the node ends: what it still hosts ends with it, nothing is saved.

    `known`: the members know at once (it left by itself), so that nobody has to detect it.
    """

    node: str
    known: bool


class Spawn(msgspec.Struct, frozen=True):
    """Start another operation, unless an equal one is running."""

    operation: Operation


class HandOver(msgspec.Struct, frozen=True):
    """This operation ends here, and another one goes on: it may start an equal one to this again."""

    operation: Operation


def look() -> Op[Cluster]:
    cluster = yield Look()
    assert isinstance(cluster, Cluster), f"Look answered with {cluster!r}"
    return cluster


def wait_for(condition: Condition) -> Op[Cluster]:
    while True:
        cluster = yield Await(condition)
        assert isinstance(cluster, Cluster), f"{condition} answered with {cluster!r}"
        # Whoever was woken by the same change and went on first may have undone what we waited for.
        if condition.holds(cluster):
            return cluster


def sleep(timer: str, subject: str) -> Op[None]:
    yield Sleep(timer, subject)


def await_beat(timer: str, subject: str, condition: Condition, times: int = 1) -> Op[Cluster]:
    cluster = yield AwaitBeat(timer, subject, condition, times)
    assert isinstance(cluster, Cluster), f"{timer} of {subject} answered with {cluster!r}"
    return cluster


def lapse(micros: int) -> Op[None]:
    yield Lapse(micros)


def set_state(resource: str, state: State) -> Op[None]:
    yield SetState(resource, state)


def set_wanted(resources: tuple[str, ...], wanted: bool) -> Op[None]:
    yield SetWanted(resources, wanted)


def count_failure(resource: str) -> Op[Cluster]:
    cluster = yield CountFailure(resource)
    assert isinstance(cluster, Cluster), f"CountFailure answered with {cluster!r}"
    return cluster


def count_failover(group: str) -> Op[Cluster]:
    cluster = yield CountFailover(group)
    assert isinstance(cluster, Cluster), f"CountFailover answered with {cluster!r}"
    return cluster


def forget_failure(resource: str, failure: int) -> Op[None]:
    yield ForgetFailure(resource, failure)


def forget_failover(group: str, failover: int) -> Op[None]:
    yield ForgetFailover(group, failover)


def await_hour(start: int, end: int) -> Op[None]:
    yield AwaitHour(start, end)


def start_process(resource: str) -> Op[Process]:
    found = yield StartProcess(resource)
    assert isinstance(found, Process), f"StartProcess answered with {found!r}"
    return found


def stop_process(resource: str) -> Op[Process]:
    found = yield StopProcess(resource)
    assert isinstance(found, Process), f"StopProcess answered with {found!r}"
    return found


def terminate_process(resource: str) -> Op[None]:
    yield TerminateProcess(resource)


def set_owner(group: str, owner: str) -> Op[None]:
    yield SetOwner(group, owner)


def set_moving(group: str, moving: bool) -> Op[None]:
    yield SetMoving(group, moving)


def set_node(node: str, state: NodeState) -> Op[None]:
    yield SetNode(node, state)


def set_removed(node: str) -> Op[None]:
    yield SetRemoved(node)


def set_forming(node: str | None) -> Op[None]:
    yield SetForming(node)


def power_up(node: str) -> Op[None]:
    yield PowerUp(node)


def reserve(node: str | None) -> Op[bool]:
    granted = yield Reserve(node)
    assert isinstance(granted, bool), f"Reserve answered with {granted!r}"
    return granted


def stop_service(node: str, *, known: bool) -> Op[None]:
    yield StopService(node, known)


def spawn(operation: Operation) -> Op[None]:
    yield Spawn(operation)


def hand_over(operation: Operation) -> Op[None]:
    yield HandOver(operation)
