"""A run of a scenario on real processes and files: the same interpreter, engine and cluster, on the live ground."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from sim.checkpoint.policy import Policy
from sim.cluster.plan import ClusterPlan
from sim.driver.run import Run, RunError
from sim.history.events import AnyEvent
from sim.live import wine
from sim.live.ground import LiveGround
from sim.registry import KeyTree
from sim.scenario.model import Fault, FaultKind, Scenario

SPEED = 60.0
"""Seconds of a scenario that pass in a real one."""

SIMULATED = (
    FaultKind.FREEZE,
    FaultKind.QUORUM_OFFLINE,
    FaultKind.QUORUM_ONLINE,
    FaultKind.QUORUM_WRITE_ERROR,
    FaultKind.QUORUM_SLOW,
)
"""Faults of the quorum disk that a folder does not have, and a stall that only simulated time can wait out."""


class LiveRun(msgspec.Struct, frozen=True):
    """What a live run leaves: its history, and the longest that anything was late, in real seconds."""

    history: tuple[AnyEvent, ...]
    lag: float


def unreal(scenario: Scenario) -> str | None:
    """Why a scenario cannot run live, in one sentence; None where it can."""
    faults = [step.act for step in scenario.steps if isinstance(step.act, Fault)]
    faults += [may.fault for may in scenario.may]
    for fault in faults:
        if fault.kind in SIMULATED:
            return f"the fault {fault.kind.value!r} can only be simulated; 'failsim run' does"
    return None


def run(
    scenario: Scenario,
    folder: Path,
    *,
    ground: str = "files",
    speed: float = SPEED,
    policy: Policy | None = None,
    until: int | None = None,
    watch: Callable[[LiveGround], None] | None = None,
) -> LiveRun:
    """Run a scenario below an empty folder, its nodes on hive files or on Wine prefixes. Raises RunError.

    `watch` is called with the ground once its processes run: a test's way to them.
    """
    reason = unreal(scenario) or (wine.missing() if ground == "wine" else None)
    if reason is not None:
        raise RunError(reason)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(f"{folder} is not an empty folder; name one that is, or that does not exist")
    folder.mkdir(parents=True, exist_ok=True)
    begun: list[LiveGround] = []

    def put_up(plan: ClusterPlan, registries: dict[str, KeyTree]) -> LiveGround:
        begun.append(LiveGround(plan, registries, folder, speed, ground))
        return begun[0]

    try:
        running = Run(scenario, policy=policy, until=until, ground=put_up)
        if watch is not None:
            watch(begun[0])
        history = running.finish()
        begun[0].shut_down()
        return LiveRun(history, begun[0].clock.lag)
    finally:
        for each in begun:
            each.close()
