"""The policies of resources and groups, story by story: to the instant, and the same with every beat simulated."""

from __future__ import annotations

import pytest

import sim
from sim.history import events
from sim.world.run import run
from tests.library import scenario
from tests.stories.policies import STORIES, told


@pytest.mark.parametrize("name", STORIES)
def test_a_policy_acts_as_documented(name: str) -> None:
    story = STORIES[name]
    assert told(run(story.scenario())[0]) == story.tells


@pytest.mark.parametrize("name", STORIES)
def test_it_does_so_whether_or_not_every_beat_is_simulated(name: str) -> None:
    plan = STORIES[name].scenario()
    for seed in (None, 1):
        assert run(plan, seed=seed)[0] == run(plan, seed=seed, naive=True)[0]


def test_a_wrong_port_kills_the_service_four_times_on_each_visit_to_a_node() -> None:
    """Three restarts, then a failover, which is allowed ten times within six hours (domain.md 65, 67, 68)."""
    found = sim.run(scenario("ping-pong"))
    deaths = [event for event in found.history if isinstance(event, events.ProcessEnded) and event.misfit is not None]
    assert len([death for death in deaths if death.at < 300_000_000]) == (10 + 1) * (3 + 1)
    assert {death.node for death in deaths} == {"NODE1", "NODE2"}
    story = " ".join(found.writes["mistake"].why)
    assert "the process of Spooler died of it, which needs 1 to 65535: 45 times, on NODE1 and NODE2" in story


def test_the_way_out_is_advised_where_the_service_would_not_come_online() -> None:
    """KB 912397: remove the checkpoint, repair, add it again."""
    advice = sim.run(scenario("ping-pong")).writes["repair"].advice
    assert [line.split(" ")[0] for line in advice] == ["cluster", "reg", "cluster"]
    assert "/removecheckpoints" in advice[0]
    assert "/addcheckpoints" in advice[2]
