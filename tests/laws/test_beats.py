"""Quiet time is free: beats that nobody notices are not simulated, and the history is the same to the byte.

FAILSIM_TIMELINES is how many random timelines are run in both ways, each unseeded and with a seed.
"""

from __future__ import annotations

import os
from unittest.mock import patch

import pytest

import sim
from sim.history import events
from sim.history.lines import to_lines
from sim.scenario.model import Scenario
from sim.world.clock import Clock
from sim.world.run import run
from tests.library import NAMES, scenario
from tests.reference.timeline import generate, to_yaml, with_policies

COUNT = int(os.environ.get("FAILSIM_TIMELINES", "2000")) // 4


def same_in_both(plan: Scenario, seed: int | None) -> bool:
    return to_lines(run(plan, seed=seed)[0]) == to_lines(run(plan, seed=seed, naive=True)[0])


@pytest.mark.parametrize("name", NAMES)
def test_the_library_is_the_same_with_every_beat_simulated(name: str) -> None:
    assert all(same_in_both(scenario(name), seed) for seed in (None, 1, 2))


@pytest.mark.parametrize("batch", range(4))
def test_random_timelines_are_the_same_with_every_beat_simulated(batch: int) -> None:
    for number in range(batch, COUNT, 4):
        plan = sim.loads(to_yaml((generate, with_policies)[number // 4 % 2](number)))
        assert same_in_both(plan, None), f"timeline {number}"
        assert same_in_both(plan, number), f"timeline {number}, seeded"


def visited(plan: Scenario, *, naive: bool) -> int:
    """How many instants a run visits."""
    count = 0
    advance = Clock.advance

    def counted(self: Clock, until: int) -> bool:
        nonlocal count
        count += 1
        return advance(self, until)

    with patch.object(Clock, "advance", counted):
        run(plan, naive=naive)
    return count


QUIET = """
scenario: Nothing happens
cluster:
  nodes: [NODE1, NODE2]
  groups: {Group: {resources: {Service: {checkpoints: ['SOFTWARE\\Service']}}}}
registry: {all: {HKLM\\SOFTWARE\\Service: {Port: 80}}}
until: UNTIL
"""


def test_a_quiet_time_costs_nothing_however_long_it_is() -> None:
    hour, year = (sim.loads(QUIET.replace("UNTIL", until)) for until in ("1h", "365d"))
    assert visited(year, naive=False) == visited(hour, naive=False) <= 2
    beats = 3600 // 1.2 + 3600 // 3 - 3600 // 6 + 3600 // 5 - 3600 // 30  # of both nodes, of the disk, of the service
    assert visited(hour, naive=True) > beats * 0.9


CRASH = """
scenario: A node dies AT
cluster:
  nodes: [NODE1, NODE2]
  groups: {Group: {preferred_owners: [NODE2], resources: {Service: {}}}}
steps:
  - {at: AT, fault: crash, node: NODE2}
until: 60s
"""


@pytest.mark.parametrize(("at", "noticed"), [("10s", 16.8), ("10800ms", 18.0), ("10799ms", 16.8), ("10801ms", 18.0)])
def test_the_sixth_heartbeat_missed_is_the_one_that_counts(at: str, noticed: float) -> None:
    """KB 892422: heartbeats every 1.2 s, six missed; one that comes at the instant of the crash has come."""
    plan = sim.loads(CRASH.replace("AT", at))
    for naive in (False, True):
        owners = [event for event in run(plan, naive=naive)[0] if isinstance(event, events.GroupOwner)]
        assert [event.at / 1_000_000 for event in owners] == [noticed]


FLICKER = """
scenario: The quorum disk is gone for less than a renewal
cluster:
  nodes: [NODE1, NODE2]
  groups: {Group: {resources: {Service: {}}}}
steps:
  - {at: 10s, fault: quorum-offline}
  - {at: AGAIN, fault: quorum-online}
until: 60s
"""


@pytest.mark.parametrize(("again", "stops"), [("11900ms", False), ("12100ms", True)])
def test_what_is_mended_before_the_next_renewal_was_never_noticed(again: str, stops: bool) -> None:
    """The reservation is renewed every 3 s (domain.md 78): at 12 s here."""
    plan = sim.loads(FLICKER.replace("AGAIN", again))
    assert same_in_both(plan, None)
    down = [event for event in run(plan)[0] if isinstance(event, events.NodeState) and event.state == "Down"]
    assert bool(down) is stops
