"""A run of a scenario on real processes and files: the same interpreter, engine and cluster, on the live ground."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from sim.checkpoint.policy import Policy
from sim.driver.run import Run, RunError
from sim.history.events import AnyEvent
from sim.live.ground import LiveGround
from sim.scenario.model import Fault, FaultKind, Scenario

SPEED = 60.0
"""Seconds of a scenario that pass in a real one."""

SIMULATED = (FaultKind.QUORUM_OFFLINE, FaultKind.QUORUM_ONLINE, FaultKind.QUORUM_WRITE_ERROR, FaultKind.QUORUM_SLOW)
"""Faults of the quorum disk that a folder does not have."""


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
    speed: float = SPEED,
    policy: Policy = Policy.OVERWRITE,
    until: int | None = None,
    watch: Callable[[LiveGround], None] | None = None,
) -> LiveRun:
    """Run a scenario below an empty folder. Raises RunError.

    `watch` is called with the ground once its processes run: a test's way to them.
    """
    reason = unreal(scenario)
    if reason is not None:
        raise RunError(reason)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(f"{folder} is not an empty folder; name one that is, or that does not exist")
    folder.mkdir(parents=True, exist_ok=True)
    running = Run(scenario, policy=policy, until=until, ground=partial(LiveGround, folder=folder, speed=speed))
    ground = running.world.ground
    assert isinstance(ground, LiveGround)
    with ground:
        if watch is not None:
            watch(ground)
        return LiveRun(running.finish(), ground.clock.lag)
