"""The real rules against the independent reference, on random timelines.

`FAILSIM_TIMELINES` is how many; `python -m tests.reference.test_reference N` prints counts and differences.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable

import pytest

import sim
from sim.history.verdict import Cause, Fate
from tests.reference.model import Answer, judge
from tests.reference.timeline import Timeline, generate, to_yaml, with_policies

COUNT = int(os.environ.get("FAILSIM_TIMELINES", "2000"))
BATCHES = 8


def real(timeline: Timeline) -> dict[str, list[Answer]]:
    """What the simulator says."""
    found: dict[str, list[Answer]] = {}
    for write in sim.run(sim.loads(to_yaml(timeline))).writes:
        key = write.key.removeprefix("HKLM\\").lower()
        if key.startswith("cluster\\"):
            key = key_of_parameter(timeline, write.command)
        assert write.label is not None
        cause = None if write.cause is None else str(write.cause)
        found.setdefault(write.label, []).append((key, write.value, str(write.fate), cause))
    return found


def key_of_parameter(timeline: Timeline, command: str) -> str:
    return f"db {command.split()[2]}"


def differences(seed: int, made: Callable[[int], Timeline] = generate) -> list[str]:
    """What differs, by label."""
    timeline = made(seed)
    ours, theirs = real(timeline), judge(timeline)
    return [
        f"{label}: simulator {ours.get(label)}, reference {theirs.get(label)}"
        for label in {**ours, **theirs}
        if ours.get(label) != theirs.get(label)
    ]


@pytest.mark.parametrize("batch", range(BATCHES))
def test_the_reference_agrees(batch: int) -> None:
    for seed in range(batch, COUNT, BATCHES):
        assert not differences(seed), f"seed {seed}"


@pytest.mark.parametrize("batch", range(BATCHES))
def test_the_reference_agrees_where_processes_hang_and_die_of_their_registry(batch: int) -> None:
    for seed in range(batch, COUNT, BATCHES):
        assert not differences(seed, with_policies), f"seed {seed}"


def reached(count: int) -> Counter[str]:
    """How many writes have each fate and each cause."""
    counts: Counter[str] = Counter()
    for seed in range(count):
        for answers in judge(generate(seed)).values():
            for _, _, fate, cause in answers:
                counts[fate] += 1
                if cause is not None:
                    counts[f"{fate} by {cause}"] += 1
    return counts


def test_the_generator_reaches_every_fate_and_cause() -> None:
    counts = reached(COUNT)
    assert {str(fate) for fate in Fate} <= set(counts)
    for cause in Cause:
        assert counts[f"lost by {cause}"] + counts[f"stranded by {cause}"], cause


if __name__ == "__main__":
    number = int(sys.argv[1])
    made = (generate, with_policies)
    bad = {
        (seed, each.__name__): found for each in made for seed in range(number) if (found := differences(seed, each))
    }
    for what, times in sorted(reached(number).items()):
        print(f"{times:6} {what}")
    print(f"{number} timelines of each kind, {len(bad)} differ: {list(bad)[:20]}")
    for seed, found in list(bad.items())[:8]:
        print(*seed, *found, sep="\n   ")
