"""Partitions, crashes and restarts, at random: one side goes on, nothing runs twice, and all comes back.

The oracles read histories alone, each its own law. FAILSIM_TIMELINES is how many random timelines there are.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace

import sim
from sim.checkpoint.effects import Op
from sim.cluster import effects
from sim.cluster.group import OnlineGroup
from sim.cluster.node import WatchOwner
from sim.driver import world as world_module
from sim.driver.flights import Running
from sim.driver.world import World
from sim.history import events
from sim.history.events import AnyEvent
from sim.history.lines import to_lines
from sim.world.run import run

COUNT = int(os.environ.get("FAILSIM_TIMELINES", "2000")) // 4
ALONE = 28_000_000
"""Microseconds: an arbitration against an owner that is gone by then, six heartbeats, an arbitration, and a little."""
PEACE = 900
"""Seconds without faults within which every group has to be online again."""


def timeline(seed: int) -> sim.Scenario:
    """A cluster of two to five nodes, some groups, and faults; then the network is mended and every node started."""
    rng = random.Random(seed)
    nodes = [f"N{number}" for number in range(1, rng.randint(2, 5) + 1)]
    groups = [f"G{number}" for number in range(1, rng.randint(1, 3) + 1)]
    lines = ["scenario: faults at random", "cluster:", f"  nodes: [{', '.join(nodes)}]", "  groups:"]
    for group in groups:
        preferred = ", ".join(rng.sample(nodes, rng.randint(1, len(nodes))))
        key = f"SOFTWARE\\{group}"
        lines.append(
            f"    {group}: {{preferred_owners: [{preferred}], resources: {{R{group}: {{checkpoints: ['{key}']}}}}}}"
        )
    lines += ["registry:", "  all:", *(f"    HKLM\\SOFTWARE\\{group}: {{Port: 80}}" for group in groups), "steps:"]
    at = 137
    for number in range(rng.randint(3, 12)):
        at += rng.choice((rng.randint(50, 900), rng.randint(900, 9_000), rng.randint(9_000, 90_000)))
        lines.append(f"  - {{at: {at}ms, {step(rng, nodes, groups, number)}}}")
    lines.append(f"  - {{at: {at + 1000}ms, fault: heal}}")
    for node in nodes:
        lines += [f"  - {{at: {at + 30_000}ms, fault: boot, node: {node}}}"]
        lines += [f"  - {{at: {at + 200_000}ms, fault: start-service, node: {node}}}"]
    for group in groups:
        lines.append(f"  - {{at: {at + 400_000}ms, do: 'cluster group {group} /online'}}")
    return sim.loads("\n".join([*lines, f"until: {at + PEACE * 1000}ms"]))


def step(rng: random.Random, nodes: list[str], groups: list[str], number: int) -> str:
    node, group = rng.choice(nodes), rng.choice(groups)
    match rng.randrange(10):
        case 0 | 1 | 2:
            order = rng.sample(nodes, len(nodes))
            cut = rng.randint(1, len(nodes) - 1)
            return f"fault: partition, between: [[{', '.join(order[:cut])}], [{', '.join(order[cut:])}]]"
        case 3:
            return "fault: heal"
        case 4:
            return f"fault: crash, node: {node}"
        case 5:
            return f"fault: boot, node: {node}"
        case 6:
            return f"fault: {rng.choice(('stop-service', 'start-service'))}, node: {node}"
        case 7:
            return f"fault: freeze, node: {node}, for: {rng.choice((2, 15, 40))}s"
        case 8:
            return f"do: 'cluster group {group} /moveto:{node}'"
    write = f"reg add HKLM\\SOFTWARE\\{group} /v Port /t REG_DWORD /d {number} /f"
    return f"on: {node}, do: '{write}', as: w{number}"


# --- oracles --------------------------------------------------------------------------------------------------------


def two_owners(history: tuple[AnyEvent, ...]) -> Iterator[str]:
    """The quorum disk changes hands only from a node that is down or stands still, or by nobody's."""
    assert isinstance(history[0], events.Begin)
    owner: str | None = history[0].quorum_owner
    down: set[str | None] = set()
    still: set[str | None] = set()
    for event in history:
        match event:
            case events.NodeState(node=node, state=state):
                down = down - {node} if state in ("Up", "Joining") else down | {node}
            case events.Fault(fault="freeze", node=node):
                still = still | {node}
            case events.Fault(fault="thaw", node=node):
                still = still - {node}
            case events.QuorumOwner(owner=taken):
                if taken is not None and owner not in (None, taken) and owner not in down | still:
                    yield f"event {event.id}: {taken} takes the quorum disk from {owner}, which runs"
                owner = taken


def running_twice(history: tuple[AnyEvent, ...]) -> Iterator[str]:
    """A resource's process runs on one node at a time, and its group is taken only from where it has stopped."""
    assert isinstance(history[0], events.Begin)
    where: dict[str, str | None] = {name: each.node for name, each in history[0].resources.items()}
    for event in history:
        match event:
            case events.ProcessStarted(resource=resource, node=node):
                if where[resource] is not None:
                    yield f"event {event.id}: {resource} starts on {node} and runs on {where[resource]}"
                where[resource] = node
            case events.ProcessEnded(resource=resource):
                where[resource] = None
            case events.GroupOwner(group=group, owner=owner):
                for resource in history[0].groups[group].resources:
                    if where[resource] not in (None, owner):
                        yield f"event {event.id}: {owner} takes {group}, and {resource} runs on {where[resource]}"


def going_on_alone(history: tuple[AnyEvent, ...]) -> Iterator[str]:
    """No member goes on for longer than detection and arbitration take without hearing the disk's owner."""
    assert isinstance(history[0], events.Begin)
    owner: str | None = history[0].quorum_owner
    up, sides = set(history[0].nodes), list[list[str]]()
    since: dict[str, int] = {}
    for event in history:
        for node, at in since.items():
            if event.at - at > ALONE:
                yield f"event {event.id}: {node} has gone on since {at / 1e6} s, cut off from {owner}"
        match event:
            case events.Fault(fault="partition", parameters=parameters):
                sides.append(parameters["between"].split(" | "))
            case events.Fault(fault="heal"):
                sides = []
            case events.QuorumOwner(owner=taken):
                owner, since = taken, {}
            case events.NodeState(node=str(node), state=state):
                up = up | {node} if state == "Up" else up - {node}
        alone = {node for node in up if owner is not None and apart(sides, node, owner)}
        since = {node: since.get(node, event.at) for node in alone}


def apart(sides: list[list[str]], one: str, other: str) -> bool:
    """Whether some partition has the two nodes on different sides."""
    for groups in sides:
        mine = [group for group in groups if one in group.split(", ")]
        its = [group for group in groups if other in group.split(", ")]
        if mine and its and mine != its:
            return True
    return False


def saved_from_afar(history: tuple[AnyEvent, ...]) -> Iterator[str]:
    """No save succeeds on a node that the owner of the quorum disk does not reach."""
    assert isinstance(history[0], events.Begin)
    owner: str | None = history[0].quorum_owner
    sides: list[list[str]] = []
    for event in history:
        match event:
            case events.Fault(fault="partition", parameters=parameters):
                sides.append(parameters["between"].split(" | "))
            case events.Fault(fault="heal"):
                sides = []
            case events.QuorumOwner(owner=taken):
                owner = taken
            case events.Saved(node=str(node)) if owner is not None and apart(sides, node, owner):
                yield f"event {event.id}: {node} saved, cut off from {owner}"


def not_online(verdict: sim.Verdict) -> Iterator[str]:
    """Once the faults have stopped, every resource comes online somewhere."""
    for resource, each in verdict.resources.items():
        if each["state"] != "Online":
            yield f"{resource} is {each['state']} on {each['node']}"


ORACLES = (two_owners, running_twice, going_on_alone, saved_from_afar)


@pytest.mark.parametrize("batch", range(4))
def test_one_side_goes_on_and_all_comes_back(batch: int) -> None:
    for seed in range(batch, COUNT, 4):
        verdict = sim.run(timeline(seed))
        wrong = [line for oracle in ORACLES for line in oracle(verdict.history)]
        assert wrong == [], f"timeline {seed}"
        assert list(not_online(verdict)) == [], f"timeline {seed}"


@pytest.mark.parametrize("batch", range(4))
def test_a_partition_is_the_same_with_every_heartbeat_simulated(batch: int) -> None:
    for seed in range(batch, COUNT // 4, 4):
        plan = timeline(seed)
        assert to_lines(run(plan)[0]) == to_lines(run(plan, naive=True)[0]), f"timeline {seed}"


# --- the oracles, by sabotage ---------------------------------------------------------------------------------------


def everybody_is_granted(world: World, running: Running, effect: effects.Reserve) -> bool:
    """A disk that ignores reservations."""
    world.report(running, events.QuorumOwner, effect.node, owner=effect.node)
    world.changed(replace(world.cluster, quorum_owner=effect.node))
    return True


def nobody_withdraws(self: WatchOwner) -> Op[None]:
    """A member that is cut off goes on as if nothing had happened."""
    yield effects.Sleep("heartbeat", self.node)


def taken_at_once(self: WatchOwner) -> Op[None]:
    """The owner's side takes the groups of a node that it does not hear, which runs."""
    cluster = yield from effects.await_beat("heartbeat", self.node, effects.CutOff(self.node), 6)
    owner = cluster.quorum_owner
    for group, seen in cluster.groups.items():
        if seen.owner == self.node and owner is not None:
            yield from effects.set_owner(group, owner)
            yield from effects.spawn(OnlineGroup(owner, group))


PLANTED: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], Callable[[tuple[AnyEvent, ...]], Iterator[str]]]] = {
    "a challenger is granted the disk although its owner defends it": (
        lambda patch: patch.setitem(world_module.PERFORMERS, effects.Reserve, everybody_is_granted),
        two_owners,
    ),
    "who is cut off does not withdraw": (
        lambda patch: patch.setattr(WatchOwner, "run", nobody_withdraws),
        going_on_alone,
    ),
    "groups are taken from nodes that run": (
        lambda patch: patch.setattr(WatchOwner, "run", taken_at_once),
        running_twice,
    ),
    "a save needs no way to the quorum disk": (
        lambda patch: patch.setattr(world_module, "_cut_off", lambda world, running: None),
        saved_from_afar,
    ),
}
"""Mistake: how it is planted, and the oracle that finds it."""


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_found(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, catcher = PLANTED[mistake]
    plant(monkeypatch)
    assert seeds_until_found(catcher) < 200


def seeds_until_found(catcher: Callable[[tuple[AnyEvent, ...]], Iterator[str]]) -> int:
    """How many timelines it takes until this oracle objects, or the model's own assertions do."""
    for seed in range(200):
        try:
            verdict = sim.run(timeline(seed))
        except AssertionError:
            return seed
        if any(catcher(verdict.history)):
            return seed
    return 200


if __name__ == "__main__":
    print("| mistake | found by | timelines needed |\n| --- | --- | --- |")
    for named, (planted, objecting) in PLANTED.items():
        with pytest.MonkeyPatch.context() as patched:
            planted(patched)
            print(f"| {named} | {objecting.__name__} | {seeds_until_found(objecting) + 1} |")
