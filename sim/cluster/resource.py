"""A resource's own life: online, offline, failed and restarted.

The order is the product's: what it depends on comes first, then its checkpoints are restored, then its own
start (MSDN checkpointing; KB 171791); offline the other way round, and the checkpoints are saved once the
process has stopped and before the state is Offline (assumed: domain.md 144).
"""

from __future__ import annotations

from collections.abc import Mapping

from sim.checkpoint.effects import Op, log_event
from sim.checkpoint.engine import SOURCE, after_failure, after_offline, before_online
from sim.cluster.effects import (
    Operation,
    ProcessGone,
    Settled,
    Stopped,
    await_beat,
    count_failover,
    count_failure,
    lapse,
    look,
    set_state,
    spawn,
    start_process,
    stop_process,
    wait_for,
)
from sim.cluster.plan import ClusterPlan
from sim.cluster.state import State
from sim.registry import Value

RESOURCE_FAILED = 1069
THRESHOLD_EXCEEDED = 1254

RESTART_ACTION = 2
"""RestartAction: 0 none, 1 restart, 2 restart, then fail the group over (MSDN resources-restartaction)."""
RESTART_THRESHOLD = 3
RESTART_PERIOD = 900_000
FAILOVER_THRESHOLD = 10
"""FailoverThreshold of NT 4.0, 2000 and 2003 (SDK98 cluprops_3t2r; domain.md 67)."""
FAILOVER_PERIOD_HOURS = 6


class BringOnline(Operation, frozen=True):
    """Bring a resource online on its host, and first what it depends on."""

    resource: str

    @property
    def subject(self) -> str:
        return self.resource

    def run(self) -> Op[None]:
        name = self.resource
        cluster = yield from wait_for(Settled((name,)))
        if cluster.resources[name].state is State.ONLINE or cluster.owner(name) != self.host:
            return
        if not cluster.may_host(cluster.owner(name), name):
            return  # it goes to its possible owners only, and remains Offline elsewhere (domain.md 70; CMRP 3.1.4.1.25)
        yield from set_state(name, State.ONLINE_PENDING)
        needs = cluster.plan.resources[name].depends_on
        yield from wait_for(Settled(needs))  # one that is going offline has to get there before it can come back
        for need in needs:
            yield from spawn(BringOnline(self.host, need))
        cluster = yield from wait_for(Settled(needs))
        if any(cluster.state_of(need) is not State.ONLINE for need in needs):
            yield from set_state(name, State.OFFLINE)
            return
        yield from before_online(name, cluster.plan.policy)
        if (yield from start_process(name)):
            yield from set_state(name, State.ONLINE)
        else:
            yield from spawn(HandleFailure(self.host, name))


class PollResource(Operation, frozen=True):
    """The Resource Monitor asks LooksAlive of a resource that is online, and finds its process gone (domain.md 63)."""

    resource: str

    @property
    def subject(self) -> str:
        return self.resource

    def run(self) -> Op[None]:
        gone = ProcessGone(self.resource)
        cluster = yield from await_beat("looks_alive", self.resource, gone)
        if gone.holds(cluster):
            yield from spawn(HandleFailure(self.host, self.resource))


class TakeOffline(Operation, frozen=True):
    """Take a resource offline on its host, and first what depends on it."""

    resource: str

    @property
    def subject(self) -> str:
        return self.resource

    def run(self) -> Op[None]:
        name = self.resource
        cluster = yield from wait_for(Settled((name,)))
        if cluster.owner(name) != self.host:
            return  # it failed while this waited, and its group went on without it
        if cluster.resources[name].state is State.ONLINE:
            yield from set_state(name, State.OFFLINE_PENDING)
        dependents = cluster.dependents(name)
        for dependent in dependents:
            yield from spawn(TakeOffline(self.host, dependent))
        cluster = yield from wait_for(Stopped(dependents))
        match cluster.resources[name].state:
            case State.FAILED:
                yield from set_state(name, State.OFFLINE)
            case State.OFFLINE_PENDING:
                yield from stop_process(name)
                yield from after_offline(name, cluster.plan.policy)
                yield from set_state(name, State.OFFLINE)
            case _:
                pass


class HandleFailure(Operation, frozen=True):
    """The resource's process was found dead: Failed, then restarted, or its group moves (domain.md 65, 68, 71)."""

    resource: str

    @property
    def subject(self) -> str:
        return self.resource

    def run(self) -> Op[None]:
        name = self.resource
        yield from set_state(name, State.FAILED)
        yield from log_event(SOURCE, RESOURCE_FAILED, f"Cluster resource '{name}' failed.")
        yield from after_failure(name)
        cluster = yield from count_failure(name)
        plan, failures = cluster.plan, cluster.resources[name].failures
        yield from spawn(ForgetFailure(None, name, failures, number(plan, name, "RestartPeriod", RESTART_PERIOD)))
        dependents = tuple(each for each in cluster.all_dependents(name) if cluster.state_of(each) is not State.OFFLINE)
        for dependent in dependents:
            yield from spawn(TakeOffline(self.host, dependent))
        cluster = yield from wait_for(Stopped(dependents))
        plan = cluster.plan
        if cluster.resources[name].state is not State.FAILED or not cluster.resources[name].wanted:
            return
        if cluster.groups[plan.resources[name].group].moving:
            return  # it comes online where its group goes
        action = number(plan, name, "RestartAction", RESTART_ACTION)
        if action == 0:
            return
        if failures <= number(plan, name, "RestartThreshold", RESTART_THRESHOLD):
            for each in (name, *dependents):
                if each in cluster.resources and cluster.resources[each].wanted:
                    yield from spawn(BringOnline(self.host, each))
        elif action == RESTART_ACTION:
            yield from self.fail_over()

    def fail_over(self) -> Op[None]:
        """The group moves to its best other owner, as long as it has not done so too often."""
        from sim.cluster.group import MoveGroup  # noqa: PLC0415 - a group is made of resources: the arrow back

        cluster = yield from look()
        group = cluster.plan.resources[self.resource].group
        target = cluster.best_owner(group, besides=self.host)
        assert self.host is not None
        if target is None:
            return
        properties = cluster.plan.groups[group].properties
        if cluster.groups[group].failovers >= plain_number(properties, "FailoverThreshold", FAILOVER_THRESHOLD):
            text = f"Cluster group '{group}' has exceeded its failover threshold and is left in a failed state."
            yield from log_event(SOURCE, THRESHOLD_EXCEEDED, text)
            return
        yield from count_failover(group)
        hours = plain_number(properties, "FailoverPeriod", FAILOVER_PERIOD_HOURS)
        yield from spawn(ForgetFailover(None, group, cluster.groups[group].failovers + 1, hours))
        yield from spawn(MoveGroup(self.host, group, target))


class ForgetFailure(Operation, frozen=True):
    """A failure counts for RestartPeriod (milliseconds), then no longer."""

    resource: str
    failure: int
    period: int

    @property
    def subject(self) -> str:
        return self.resource

    def run(self) -> Op[None]:
        yield from lapse(self.period * 1000)
        yield from count_failure(self.resource, -1)


class ForgetFailover(Operation, frozen=True):
    """A failover counts for the group's failover period, then no longer (SDK98 cluprops_4n03)."""

    group: str
    failover: int
    hours: int = FAILOVER_PERIOD_HOURS

    @property
    def subject(self) -> str:
        return self.group

    def run(self) -> Op[None]:
        yield from lapse(self.hours * 3_600_000_000)
        yield from count_failover(self.group, -1)


def number(plan: ClusterPlan, resource: str, prop: str, default: int) -> int:
    """A numeric common property of the resource, or its documented default."""
    return plain_number(plan.resources[resource].properties, prop, default)


def plain_number(properties: Mapping[str, Value], prop: str, default: int) -> int:
    """A numeric property, or its documented default."""
    value = properties.get(prop)
    if value is None:
        return default
    plain = value.plain()
    assert isinstance(plain, int), f"{prop} is {value!r}"
    return plain
