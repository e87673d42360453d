"""The advice cures: each loss that has advice is gone when the advice is followed.

A rerun types the advised commands in place of the step that made the write, one after the other, and lets
everything that happened after it happen that much later, as it would have if somebody had taken the time.
`python -m tests.quality.test_advice N` prints counts by cause, also of losses that no command would have helped.
"""

from __future__ import annotations

import os
import sys
from collections import Counter

import msgspec
import pytest

import sim
from sim.cluster.profile import Window
from sim.history.verdict import Cause, Fate
from sim.judge.verdict import Verdict, WriteVerdict
from sim.scenario.console import Files, Names, parse_command
from sim.scenario.model import After, At, Do, Scenario, Step
from tests.library import NAMES, scenario
from tests.reference.timeline import generate, to_yaml

COUNT = int(os.environ.get("FAILSIM_TIMELINES", "2000")) // 4
LATER = 60_000_000
"""How much later the rest happens: time to bring a resource online, edit, and take it offline again (microseconds)."""

CURED = (Cause.OFFLINE_EDIT, Cause.WRONG_NODE, Cause.PENDING_EDIT)
GOOD = (Fate.KEPT, Fate.SUPERSEDED)


def followed(plan: Scenario, lost: WriteVerdict, step: int) -> Scenario:
    """The scenario in which the advice was followed instead of taking that step (from 0)."""
    names = Names(plan.cluster.nodes, tuple(plan.cluster.groups), tuple(plan.cluster.resources))
    files = Files(lambda _: None, lambda _: None)
    cure = []
    for number, line in enumerate(lost.advice):
        command = parse_command(line, names, files)
        own = plan.steps[step].when
        first = own if isinstance(own, After) else At(lost.at)
        when = first if number == 0 else After(0)
        label = lost.label if line.startswith("reg ") else None
        cure.append(Step(act=Do((command,)), when=when, label=label))
    before, after = plan.steps[:step], plan.steps[step + 1 :]
    steps = (*(later(each, lost.at) for each in before), *cure, *(later(each, lost.at) for each in after))
    until = None if plan.until is None else plan.until + LATER
    return msgspec.structs.replace(plan, steps=steps, until=until)


def later(step: Step, than: int) -> Step:
    """A step that has a time of its own after that, moved on; a window is left as it is if it begins before."""
    if not isinstance(step.when, At):
        return step
    time = step.when.time
    if isinstance(time, Window):
        moved: int | Window = Window(time.low + LATER, time.high + LATER) if time.low > than else time
    else:
        moved = time + LATER if time > than else time
    return msgspec.structs.replace(step, when=At(moved))


def tried(plan: Scenario, verdict: Verdict, counts: Counter[str]) -> list[str]:
    """Follow the advice for each loss of a run; what did not help."""
    failures = []
    for write in verdict.writes:
        if write.fate not in (Fate.LOST, Fate.STRANDED) or write.label is None or len(verdict.writes[write.label]) > 1:
            continue
        if write.cause not in CURED:
            counts[f"{write.cause}: an accident, no advice"] += 1
            assert not write.advice
            continue
        if not write.advice:
            counts[f"{write.cause}: no command would have helped"] += 1
            continue
        step = verdict.reading.commands[verdict.reading.writes[write.id][1].command].step - 1
        again = sim.run(followed(plan, write, step))
        fates = [each.fate for each in again.writes[write.label]]
        counts[f"{write.cause}: cured"] += all(fate in GOOD for fate in fates)
        if not all(fate in GOOD for fate in fates):
            counts[f"{write.cause}: not cured"] += 1
            failures.append(
                f"{write.label} at {write.at} ({write.cause}): {[(e.fate, e.cause) for e in again.writes[write.label]]}"
            )
    return failures


@pytest.mark.parametrize("name", NAMES)
def test_following_the_advice_cures_the_library(name: str) -> None:
    assert not tried(scenario(name), sim.run(scenario(name)), Counter())


@pytest.mark.parametrize("batch", range(4))
def test_following_the_advice_cures_random_timelines(batch: int) -> None:
    for seed in range(batch, COUNT, 4):
        plan = sim.loads(to_yaml(generate(seed)))
        assert not tried(plan, sim.run(plan), Counter()), f"seed {seed}"


if __name__ == "__main__":
    found: Counter[str] = Counter()
    for each in NAMES:
        for failure in tried(scenario(each), sim.run(scenario(each)), found):
            print(each, failure)
    shown = 0
    for number in range(int(sys.argv[1])):
        random_plan = sim.loads(to_yaml(generate(number)))
        for failure in tried(random_plan, sim.run(random_plan), found):
            shown += 1
            if shown < 15:
                print(number, failure)
    for what, times in sorted(found.items()):
        print(f"{times:6} {what}")
