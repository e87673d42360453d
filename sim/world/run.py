"""A run in the simulation: the interpreter of effects on the simulated ground."""

from __future__ import annotations

from collections.abc import Mapping

from sim.checkpoint.policy import Policy
from sim.cluster.plan import ClusterPlan
from sim.driver.run import Run
from sim.history.events import AnyEvent
from sim.registry import KeyTree
from sim.scenario.model import Scenario
from sim.world.disk import QuorumDisk
from sim.world.ground import SimulatedGround


def begun(
    scenario: Scenario,
    *,
    seed: int | None = None,
    policy: Policy | None = None,
    until: int | None = None,
    choices: Mapping[str, int] | None = None,
    naive: bool = False,
) -> Run:
    """A run at its first instant. `naive`: every beat is simulated one by one (`sim.driver.beats`)."""
    return Run(scenario, seed=seed, policy=policy, until=until, choices=choices, ground=SimulatedGround, naive=naive)


def run(
    scenario: Scenario,
    *,
    seed: int | None = None,
    policy: Policy | None = None,
    until: int | None = None,
    choices: Mapping[str, int] | None = None,
    naive: bool = False,
) -> tuple[tuple[AnyEvent, ...], dict[str, int]]:
    """The history of one run, and the choices in it that were not the first option: enough to repeat it."""
    running = begun(scenario, seed=seed, policy=policy, until=until, choices=choices, naive=naive)
    return running.finish(), running.world.choices.taken


def images_at_end(
    scenario: Scenario, *, seed: int | None = None, policy: Policy | None = None, until: int | None = None
) -> dict[str, bytes]:
    """The bytes of each file that the store has on the quorum disk when the run ends."""
    disks: list[QuorumDisk] = []

    def ground(plan: ClusterPlan, registries: dict[str, KeyTree]) -> SimulatedGround:
        made = SimulatedGround(plan, registries)
        disks.append(made.disk)
        return made

    Run(scenario, seed=seed, policy=policy, until=until, ground=ground).finish()
    return disks[0].images()
