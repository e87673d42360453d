"""A resource's own life: online, offline, failed and restarted.

The order is the product's: what it depends on comes first, then its checkpoints are restored, then its own
start (MSDN checkpointing; KB 171791); offline the other way round, and the checkpoints are saved once the
process has stopped and before the state is Offline (assumed: domain.md 144).
"""

from __future__ import annotations

from sim.checkpoint.effects import Op, log_event
from sim.checkpoint.engine import SOURCE, after_failure, after_offline, before_online
from sim.cluster.effects import (
    Condition,
    Operation,
    ProcessGone,
    Settled,
    Stopped,
    Unwell,
    await_beat,
    count_failover,
    count_failure,
    forget_failover,
    forget_failure,
    hand_over,
    lapse,
    look,
    set_state,
    spawn,
    start_process,
    stop_process,
    terminate_process,
    wait_for,
)
from sim.cluster.properties import NEVER, failover_threshold, of_group, of_resource
from sim.cluster.state import Cluster, Process, State

RESOURCE_FAILED = 1069
THRESHOLD_EXCEEDED = 1254

RESTART_THEN_FAIL_OVER = 2
"""RestartAction: 0 none, 1 restart, 2 restart, then fail the group over (MSDN resources-restartaction)."""


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
        yield from before_online(name, cluster.plan.policy, cluster.plan.obligations)
        # Silent: it has reported nothing for PendingTimeout, and is terminated (domain.md 64).
        if (yield from start_process(name)) is Process.READY:
            yield from set_state(name, State.ONLINE)
        else:
            yield from hand_over(HandleFailure(self.host, name))


class PollResource(Operation, frozen=True):
    """The Resource Monitor asks of a resource that is online whether it looks alive (domain.md 63)."""

    resource: str

    @property
    def subject(self) -> str:
        return self.resource

    def run(self) -> Op[None]:
        yield from poll("looks_alive", self.host, self.resource, ProcessGone(self.resource))


class PollClosely(Operation, frozen=True):
    """The Resource Monitor asks of it whether it is alive: more seldom, and a process that hangs fails this one."""

    resource: str

    @property
    def subject(self) -> str:
        return self.resource

    def run(self) -> Op[None]:
        yield from poll("is_alive", self.host, self.resource, Unwell(self.resource))


def poll(timer: str, host: str | None, resource: str, failed: Condition) -> Op[None]:
    """Wait for the poll that finds the resource failed."""
    cluster = yield from await_beat(timer, resource, failed)
    if failed.holds(cluster):
        yield from spawn(HandleFailure(host, resource))


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
                if (yield from stop_process(name)) is Process.SILENT:
                    yield from hand_over(HandleFailure(self.host, name))  # terminated and failed (domain.md 64)
                yield from after_offline(name, cluster.plan.policy, cluster.plan.obligations)
                yield from set_state(name, State.OFFLINE)
            case _:
                pass


class HandleFailure(Operation, frozen=True):
    """The resource has failed: its process is ended if it is still there, and the failure counts (domain.md 65).

    Nothing here takes time, so that no failure is missed while another one is being handled.
    """

    resource: str

    @property
    def subject(self) -> str:
        return self.resource

    def run(self) -> Op[None]:
        name = self.resource
        yield from terminate_process(name)
        yield from set_state(name, State.FAILED)
        yield from log_event(SOURCE, RESOURCE_FAILED, f"Cluster resource '{name}' failed.")
        cluster = yield from look()
        yield from after_failure(name, cluster.plan.policy, cluster.plan.obligations)
        cluster = yield from count_failure(name)
        seen = cluster.resources[name]
        period = of_resource(cluster.plan, name, "RestartPeriod")
        yield from spawn(LetFailureLapse(None, name, seen.failed, period))
        yield from spawn(Recover(self.host, name, seen.failed, len(seen.failures)))


class Recover(Operation, frozen=True):
    """What becomes of a failed resource: a restart, or its group moves, or it stays failed (domain.md 65, 68, 71).

    `failure` is the failure that it belongs to, `within` how many there were within the restart period.
    """

    resource: str
    failure: int
    within: int

    @property
    def subject(self) -> str:
        return self.resource

    def run(self) -> Op[None]:
        name = self.resource
        cluster = yield from look()
        dependents = tuple(each for each in cluster.all_dependents(name) if cluster.state_of(each) is not State.OFFLINE)
        for dependent in dependents:
            yield from spawn(TakeOffline(self.host, dependent))
        cluster = yield from wait_for(Stopped(dependents))
        if not self.is_due(cluster):
            return
        action = of_resource(cluster.plan, name, "RestartAction")
        if action == 0:
            return
        if self.within <= of_resource(cluster.plan, name, "RestartThreshold"):
            yield from self.restart(dependents)
        elif action != RESTART_THEN_FAIL_OVER or not (yield from self.fail_over()):
            yield from self.retry(dependents)

    def is_due(self, cluster: Cluster) -> bool:
        """Whether the resource is still where this failure has left it, and wanted."""
        seen = cluster.resources.get(self.resource)
        if seen is None or seen.state is not State.FAILED or seen.failed != self.failure or not seen.wanted:
            return False
        # A group that is on its way comes online where it goes.
        return not cluster.groups[cluster.plan.resources[self.resource].group].moving

    def restart(self, dependents: tuple[str, ...]) -> Op[None]:
        """Bring it online again, and what depends on it after it (KB 171791), once RestartDelay is over."""
        cluster = yield from look()
        yield from lapse(of_resource(cluster.plan, self.resource, "RestartDelay") * 1000)
        cluster = yield from look()
        if self.is_due(cluster):
            for each in (self.resource, *dependents):
                if each in cluster.resources and cluster.resources[each].wanted:
                    yield from spawn(BringOnline(self.host, each))

    def retry(self, dependents: tuple[str, ...]) -> Op[None]:
        """It stays failed, and is tried once more after RetryPeriodOnFailure (domain.md 66)."""
        cluster = yield from look()
        period = of_resource(cluster.plan, self.resource, "RetryPeriodOnFailure")
        if period != NEVER:
            yield from lapse(period * 1000)
            yield from self.restart(dependents)

    def fail_over(self) -> Op[bool]:
        """The group moves to its best other owner, as long as it has not done so too often; whether it does."""
        from sim.cluster.group import MoveGroup  # noqa: PLC0415 - a group is made of resources: the arrow back

        cluster = yield from look()
        group = cluster.plan.resources[self.resource].group
        target = cluster.best_owner(group, besides=self.host)
        assert self.host is not None
        if target is None:
            return False
        if len(cluster.groups[group].failovers) >= failover_threshold(cluster.plan, group):
            text = f"Cluster group '{group}' has exceeded its failover threshold and is left in a failed state."
            yield from log_event(SOURCE, THRESHOLD_EXCEEDED, text)
            return False
        cluster = yield from count_failover(group)
        hours = of_group(cluster.plan, group, "FailoverPeriod")
        yield from spawn(LetFailoverLapse(None, group, cluster.groups[group].failed_over, hours))
        yield from spawn(MoveGroup(self.host, group, target))
        return True


class LetFailureLapse(Operation, frozen=True):
    """A failure counts for RestartPeriod (milliseconds), then no longer."""

    resource: str
    failure: int
    period: int

    @property
    def subject(self) -> str:
        return self.resource

    def run(self) -> Op[None]:
        yield from lapse(self.period * 1000)
        yield from forget_failure(self.resource, self.failure)


class LetFailoverLapse(Operation, frozen=True):
    """A failover counts for the group's failover period, then no longer (SDK98 cluprops_4n03)."""

    group: str
    failover: int
    hours: int

    @property
    def subject(self) -> str:
        return self.group

    def run(self) -> Op[None]:
        yield from lapse(self.hours * 3_600_000_000)
        yield from forget_failover(self.group, self.failover)
