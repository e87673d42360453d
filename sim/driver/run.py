"""One run of a scenario: from the cluster as it has formed to the end of the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePath

from msgspec.structs import asdict, replace

from sim.checkpoint.policy import HIVE, Policy, base_key
from sim.cluster import database, state
from sim.cluster.plan import ClusterPlan
from sim.cluster.profile import TIMERS, Profile, Window
from sim.driver.choices import Choices
from sim.driver.ground import Ground
from sim.driver.steps import RunStep
from sim.driver.world import World
from sim.history import events
from sim.history.events import FORMAT, AnyEvent
from sim.registry import KeyTree, physical
from sim.scenario.model import After, App, At, Do, Fault, Scenario, Step

QUIET = 60_000_000
"""Without `until` a run ends this long after its last step has completed (contract: Start and end), microseconds."""

PATIENCE = 3_600_000_000
"""How long a run without `until` goes on for a step that does not complete, microseconds."""


class RunError(ValueError):
    """The scenario asks for what this version cannot run; one line for the user."""


class Run:
    """A run in progress: a world, and where it ends. `step` until it says False, then `finish`."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        seed: int | None = None,
        policy: Policy | None = None,
        until: int | None = None,
        choices: Mapping[str, int] | None = None,
        ground: Callable[[ClusterPlan, dict[str, KeyTree]], Ground],
        naive: bool = False,
    ) -> None:
        self.scenario = scenario
        self.until = until if until is not None else scenario.until
        drawn = Choices(seed, choices)
        steps = (*scenario.steps, *_struck(scenario, drawn))
        plan = scenario.cluster if policy is None else replace(scenario.cluster, policy=policy)
        first = begin(scenario, plan, seed)
        self.world = World(plan, first, steps, drawn, ground(plan, _with_bases(plan, first.registry)), naive=naive)
        self._own = len(scenario.steps)
        for index, step in enumerate(steps):
            if isinstance(step.when, At) or index == 0:
                self.world.start(RunStep(None, index), ())
        self.world.clock.drain()

    def copy(self) -> Run:
        """The same run at the same point, independent from here on."""
        other = Run.__new__(Run)
        other.scenario, other.until, other._own = self.scenario, self.until, self._own
        other.world = self.world.copy()
        return other

    def step(self) -> bool:
        """Let the next thing happen; False where nothing does any more before the end."""
        return self.world.step(self._end())

    def finish(self) -> tuple[AnyEvent, ...]:
        """Run to the end; the whole history."""
        while self.step():
            pass
        world = self.world
        end = self._end()
        unfinished = tuple(_named(self.scenario, index) for index in range(self._own) if index not in world.done)
        world.settle()
        world.recorder.emit(events.End, end, None, (), reason="until", unfinished=unfinished)
        return tuple(world.recorder.events)

    def _end(self) -> int:
        if self.until is not None:
            return self.until
        last = max((self.world.done[index] for index in self.world.done if index < self._own), default=0)
        finished = sum(index < self._own for index in self.world.done) == self._own
        if finished:
            return last + QUIET
        pending = [_latest(step) for index, step in enumerate(self.scenario.steps) if index not in self.world.done]
        return last + max(pending) + PATIENCE


def _with_bases(plan: ClusterPlan, registries: dict[str, KeyTree]) -> dict[str, KeyTree]:
    """What each node knows to have restored or saved last: what stood there when the cluster was set up."""
    if plan.policy is Policy.OVERWRITE:
        return registries
    found = {}
    for node, registry in registries.items():
        tree = registry.with_key(HIVE)
        for resource, planned in plan.resources.items():
            for checkpoint in database.stated_checkpoints(plan, resource):
                local = registry.at(physical(checkpoint.key))
                if local is not None:
                    key = base_key(planned.guid, checkpoint.number, checkpoint.key)
                    tree = tree.with_key(key, local.without_volatile())
        found[node] = tree
    return found


def begin(scenario: Scenario, plan: ClusterPlan, seed: int | None) -> events.Begin:
    """The first event: the cluster as it stands when time starts."""
    if plan.profile is not Profile.NT4:
        raise RunError(f"profile {plan.profile.value!r} is not built yet; 'nt4' is")
    cluster = state.at_start(plan)
    timing: dict[str, float | tuple[float, float]] = {}
    for name in TIMERS:
        span = plan.timing[name]
        timing[name] = (span.low / 1e6, span.high / 1e6) if isinstance(span, Window) else span / 1e6
    return events.Begin(
        id=1,
        at=0,
        format=FORMAT,
        scenario=scenario.title,
        file=PurePath(scenario.file).name,
        seed=seed,
        profile=plan.profile,
        policy=plan.policy,
        engine=asdict(plan.obligations),
        timing={**timing, **{name: float(count) for name, count in plan.timing.counts.items()}},
        nodes=plan.nodes,
        quorum_owner=plan.nodes[0],
        groups={
            name: events.GroupAtStart(cluster.groups[name].owner, group.preferred_owners, group.resources)
            for name, group in plan.groups.items()
        },
        resources={
            name: events.ResourceAtStart(
                each.type, each.group, each.guid, cluster.resources[name].state, cluster.owner(name), each.depends_on
            )
            for name, each in plan.resources.items()
        },
        checkpoints=tuple(
            events.CheckpointAtStart(checkpoint.resource, checkpoint.key, checkpoint.number, 1)
            for name in plan.resources
            for checkpoint in database.stated_checkpoints(plan, name)
        ),
        registry=scenario.machines,
        database=scenario.database,
        expect=scenario.expect,
        starts_at=plan.starts_at / 1e6,
    )


def _struck(scenario: Scenario, choices: Choices) -> tuple[Step, ...]:
    """The faults of `may:` that strike in this run: none in an unseeded one."""
    horizon = scenario.until or max((_latest(step) for step in scenario.steps), default=0) + QUIET
    struck = []
    for number, may in enumerate(scenario.may, 1):
        strikes = [choices.pick(f"may/{number}", 2) for _ in range(may.at_most)]
        times = [choices.between(f"may/{number}/at", 0, horizon) for struck_now in strikes if struck_now]
        struck += [Step(act=may.fault, when=At(time)) for time in times]
    return tuple(struck)


def _latest(step: Step) -> int:
    when = step.when.time if isinstance(step.when, At) else step.when.delay
    return when.high if isinstance(when, Window) else when


def _named(scenario: Scenario, index: int) -> str:
    """A step as a failure names it."""
    act = scenario.steps[index].act
    match act:
        case Do(commands=commands) | App(commands=commands):
            what = commands[0].text
        case Fault(kind=kind):
            what = f"fault {kind}"
    when = scenario.steps[index].when
    assert isinstance(when, At | After)
    return f"step {index + 1} ({what})"
