"""How fast a run is, as ratios against bare SimPy in the same process: `python -m tests.quality.benchmarks`.

Prints, never asserts: absolute figures move by half on a shared machine, ratios to a baseline of the same run do not.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Generator

import simpy

import sim
from sim.cluster.plan import ClusterPlan, GroupPlan, ResourcePlan
from sim.registry import KeyPath, KeyTree, Value
from sim.scenario.command import Command, SetValue, Shell, Target
from sim.scenario.model import At, Do, Scenario, Step
from sim.world.run import begun, run
from tests.library import NAMES, scenario


def best(what: Callable[[], object], rounds: int = 5) -> float:
    """Seconds, the best of some rounds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        what()
        times.append(time.perf_counter() - start)
    return min(times)


def bare_simpy(events: int) -> None:
    """One process that sleeps so many times."""
    environment = simpy.Environment()

    def sleeper() -> Generator[simpy.Event, object, None]:
        for _ in range(events):
            yield environment.timeout(1)

    environment.process(sleeper())
    environment.run()


def big_key(values: int, changes: int) -> Scenario:
    """A checkpointed key of many values, some of which are changed, one a second."""
    key = KeyPath.parse(r"SOFTWARE\Contoso\Big")
    tree = KeyTree.built([(f"v{number}", Value.dword(number)) for number in range(values)])
    root = KeyTree().with_key(key, tree)
    plan = ClusterPlan(
        nodes=("NODE1", "NODE2"),
        groups={"G": GroupPlan(name="G", resources=("R",))},
        resources={"R": ResourcePlan(name="R", group="G", checkpoints=(key,))},
    )
    steps = tuple(
        Step(
            act=Do((Command("reg add", Shell.REG, SetValue(Target(key), "v7", Value.dword(number))),)),
            when=At((number + 1) * 1_000_000),
        )
        for number in range(changes)
    )
    return Scenario(title="big", cluster=plan, registry={"NODE1": root, "NODE2": root}, steps=steps)


def quiet_time() -> None:
    """A year in which nothing happens, and a day of it with every beat simulated."""
    plan = scenario("offline-edit")
    day = 86_400_000_000
    quiet = best(lambda: run(plan, until=365 * day))
    naive = best(lambda: run(plan, until=day, naive=True), 1) * 365
    print(
        f"a quiet year of a two-node cluster: {quiet * 1e3:.1f} ms; with every beat simulated {naive:,.0f} s "
        f"(a day, times 365), {naive / quiet:,.0f} times as long"
    )


def main() -> None:
    """Print every figure."""
    floor = best(lambda: bare_simpy(20_000)) / 20_000
    print(f"bare SimPy, one timeout of one process: {floor * 1e6:.2f} us = 1 ({1 / floor:,.0f} events/s)")
    library = [scenario(name) for name in NAMES]
    counts = [len(run(each)[0]) for each in library]
    seconds = best(lambda: [run(each) for each in library])
    per_event = seconds / sum(counts)
    print(
        f"a run of each of {len(library)} library scenarios, history included: {seconds * 1e3:.1f} ms, "
        f"{seconds / len(library) * 1e3:.2f} ms a scenario, {len(library) / seconds:,.0f} runs/s, "
        f"{per_event * 1e5:.2f} ms for 100 history events"
    )
    settled = sum(_steps(each) for each in library)
    print(
        f"settled effects: {settled / seconds:,.0f} a second, "
        f"each {seconds / settled / floor:.1f} times a bare SimPy timeout"
    )
    judged = best(lambda: [sim.run(each).failures for each in library])
    print(
        f"the same, judged: {judged / len(library) * 1e3:.2f} ms a scenario, {judged / seconds:.2f} times the run alone"
    )
    quiet_time()
    small, large = big_key(100, 200), big_key(100_000, 200)
    ratio = best(lambda: run(large), 3) / best(lambda: run(small), 3)
    print(f"200 changes and saves of a key of 100,000 values against one of 100 values: {ratio:.2f} times")
    for arguments in (["-c", "pass"], ["-m", "sim", "--help"], ["-m", "sim", "demo"]):
        print(f"python {' '.join(arguments)}: {best(_started(arguments)) * 1e3:.0f} ms")


def _started(arguments: list[str]) -> Callable[[], object]:
    """A whole process."""
    return lambda: subprocess.run([sys.executable, *arguments], capture_output=True, check=True)


def _steps(each: Scenario) -> int:
    running = begun(each)
    count = 0
    while running.step():
        count += 1
    return count


if __name__ == "__main__":
    main()
