"""Mistakes in the policies of resources and groups, each planted on purpose, and the stories that catch it.

`python -m tests.quality.test_planted_policies` prints mistake → everything that turns red: scenarios of the library,
and stories of `tests/stories/policies.py` (in quotes).
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from sim.checkpoint.effects import Op
from sim.cluster import effects, group, resource
from sim.cluster.application import Reads
from sim.cluster.properties import NEVER, failback_window, failover_threshold, of_resource
from sim.cluster.state import Cluster
from sim.driver import world
from sim.driver.world import World
from sim.world.run import run
from tests.library import NAMES
from tests.quality.test_sabotage import red
from tests.stories.policies import STORIES, told

Break = Callable[[pytest.MonkeyPatch], None]


def nothing(*_: object) -> Op[None]:
    yield from ()


def spawned(operation: Any) -> Op[None]:
    """What used to be: the failed attempt is still there, and stands in the way of the next one."""
    yield effects.Spawn(operation)


def put(place: Any, name: str, value: Any) -> Break:
    return lambda patch: patch.setattr(place, name, value)


def stated(name: str, value: Callable[[int], int]) -> Break:
    """Take another number for a common property of resources."""

    def wrong(plan: Any, of: str, asked: str) -> int:
        found = of_resource(plan, of, asked)
        return value(found) if asked == name else found

    return put(resource, "of_resource", wrong)


def window_backwards(plan: Any, of: str) -> tuple[int, int] | None:
    found = failback_window(plan, of)
    return None if found is None else (found[1], found[0])


def in_order_of_setup(cluster: Cluster, _: str, besides: str | None) -> Any:
    return (node for node in cluster.members() if node != besides)


def only_looks(found: World, timer: str, of: str, prop: str) -> bool:
    return timer == "looks_alive" and BEGIN(found, timer, of, prop)


BEGIN = World._begin_polls

MISTAKES: dict[str, tuple[Break, set[str]]] = {
    "restart threshold one too high": (stated("RestartThreshold", lambda found: found + 1), {"threshold"}),
    "restart threshold one too low": (stated("RestartThreshold", lambda found: found - 1), {"three restarts"}),
    "restart period never over": (put(resource, "forget_failure", nothing), {"period over"}),
    "restart period over at once": (stated("RestartPeriod", lambda _: 1), {"period not over", "ping-pong"}),
    "restart without delay": (stated("RestartDelay", lambda _: 0), {"delay"}),
    "restart although RestartAction is 0": (stated("RestartAction", lambda found: found or 1), {"no restart"}),
    "failover although RestartAction is 1": (stated("RestartAction", lambda _: 2), {"never the group"}),
    "never tried again": (stated("RetryPeriodOnFailure", lambda _: NEVER), {"retry"}),
    "tried again although nobody said so": (stated("RetryPeriodOnFailure", lambda _: 3_000), {"never the group"}),
    "failover threshold one too high": (
        put(resource, "failover_threshold", lambda plan, of: failover_threshold(plan, of) + 1),
        {"failover threshold", "ping-pong-cured"},
    ),
    "failover period never over": (put(resource, "forget_failover", nothing), {"failover period"}),
    "possible owners ignored": (put(Cluster, "may_own", lambda *_: True), {"possible owners"}),
    "preferred owners ignored": (put(Cluster, "_owners", in_order_of_setup), {"preferred owners"}),
    "IsAlive never asked": (put(World, "_begin_polls", only_looks), {"hang", "hung-service"}),
    "LooksAlive asks as closely as IsAlive": (put(resource, "ProcessGone", effects.Unwell), {"hang", "hung-service"}),
    "a process that hangs is not ended": (put(resource, "terminate_process", nothing), {"hang", "hang while starting"}),
    "pending for ever": (
        put(world, "_pending_timeout", lambda *_: 2**50),
        {"hang while starting", "slow start", "pending-timeout"},
    ),
    "failed while coming online, and left there": (
        put(resource, "hand_over", spawned),
        {"hang while starting", "ping-pong"},
    ),
    "dependents left online": (put(Cluster, "all_dependents", lambda *_: ()), {"dependents"}),
    "offline from the bottom": (put(Cluster, "dependents", lambda *_: ()), {"tree"}),
    "failback outside its window": (
        put(group, "failback_window", lambda *_: None),
        {"window", "window missed", "failback-in-change"},
    ),
    "failback window from its end to its start": (put(group, "failback_window", window_backwards), {"window"}),
    "failback although prevented": (put(group, "of_group", lambda *_: 1), {"no failback"}),
    "failback never": (put(group.FailBack, "is_due", lambda *_: False), {"failback", "failback-in-change"}),
    "a process lives with any registry": (put(World, "read_keys", lambda *_: None), {"reads at start", "ping-pong"}),
    "a change is read by those that read at their start": (
        put(world, "Reads", SimpleNamespace(ALWAYS=Reads.START)),
        {"reads at start", "reads always"},
    ),
}
"""Mistake → what it is, and the stories and scenarios that are named for it."""


def caught(name: str) -> bool:
    """Whether the story or scenario turns red."""
    if name not in STORIES:
        return red(name)
    try:
        return told(run(STORIES[name].scenario())[0]) != STORIES[name].tells
    except AssertionError:
        return True


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_caught_by_the_stories_named_for_it(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, catchers = MISTAKES[mistake]
    plant(monkeypatch)
    assert not {name for name in catchers if not caught(name)}


if __name__ == "__main__":
    for each, (plant, _) in MISTAKES.items():
        with pytest.MonkeyPatch.context() as patch:
            plant(patch)
            names = [f'"{name}"' for name in STORIES if caught(name)] + [name for name in NAMES if caught(name)]
        print(f"{each}: {', '.join(names)}")
