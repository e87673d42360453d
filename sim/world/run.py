"""A run in the simulation: the interpreter of effects on the simulated ground."""

from __future__ import annotations

from collections.abc import Mapping

from sim.checkpoint.policy import Policy
from sim.driver.run import Run
from sim.history.events import AnyEvent
from sim.scenario.model import Scenario
from sim.world.ground import SimulatedGround


def begun(
    scenario: Scenario,
    *,
    seed: int | None = None,
    policy: Policy | None = None,
    until: int | None = None,
    choices: Mapping[str, int] | None = None,
) -> Run:
    """A run at its first instant."""
    return Run(scenario, seed=seed, policy=policy, until=until, choices=choices, ground=SimulatedGround)


def run(
    scenario: Scenario,
    *,
    seed: int | None = None,
    policy: Policy | None = None,
    until: int | None = None,
    choices: Mapping[str, int] | None = None,
) -> tuple[tuple[AnyEvent, ...], dict[str, int]]:
    """The history of one run, and the choices in it that were not the first option: enough to repeat it."""
    running = begun(scenario, seed=seed, policy=policy, until=until, choices=choices)
    return running.finish(), running.world.choices.taken
