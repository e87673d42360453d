"""`failsim demo`: the story that this program exists for, told in a minute, with the cure tried out.

The scenario is the library's own; the cure is what the verdict advises, typed into the same scenario instead of
the edit, and run.
"""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console

from sim.history.verdict import Fate
from sim.judge.verdict import Verdict, WriteVerdict
from sim.report.terminal import command, outcome, say, timeline, writes

Run = Callable[[str], Verdict]


def play(out: Console, scenario: Callable[[], str], run: Run) -> bool:
    """Tell the story; whether it came out as it should."""
    text = scenario()
    verdict = run(text)
    begin = verdict.begin
    checkpoint = begin.checkpoints[0]
    owner = begin.resources[checkpoint.resource].node
    say(out, "failsim demo: a registry change that is silently undone", style="bold")
    out.print()
    say(
        out,
        f"{checkpoint.resource} runs on {owner}, one of {len(begin.nodes)} nodes of a cluster. The cluster keeps "
        f"HKLM\\{checkpoint.key} on its quorum disk as a checkpoint: saved while {checkpoint.resource} is online and "
        "when it goes offline, put back over the local registry each time it comes online.",
    )
    out.print()
    say(out, "An engineer does what looks tidy: service offline, edit, service online.", style="bold")
    out.print()
    timeline(verdict, out)
    out.print()
    say(out, "What became of the change:", style="bold")
    lost = next(write for write in verdict.writes if write.fate is Fate.LOST)
    writes([lost], out)
    say(out, "The same again, with those commands instead of the edit:", style="bold")
    for line in lost.advice:
        command(out, line, indent=4)
    out.print()
    cured = run(with_cure(text, lost))
    timeline(cured, out)
    out.print()
    writes([write for write in cured.writes if write.label == lost.label], out)
    say(out, "Dry-run your own change: failsim run YOUR.yaml; the scenarios folder has one for each trap.", style="dim")
    kept = all(write.fate is Fate.KEPT for write in cured.writes if write.label == lost.label)
    if not kept:
        outcome(cured, out)
    return verdict.passed and kept


def with_cure(text: str, lost: WriteVerdict) -> str:
    """The scenario's text with the advised commands in place of the step that made the lost write."""
    lines = text.split("expect:", maxsplit=1)[0].splitlines()
    step = next(number for number, line in enumerate(lines) if f"as: {lost.label}" in line)
    first = max(number for number in range(step + 1) if lines[number].lstrip().startswith("- "))
    last = next(
        (number for number in range(step + 1, len(lines)) if lines[number].lstrip().startswith("- ")), len(lines)
    )
    dash = lines[first].index("-") * " "
    when = next((line.split("#")[0].split("at:")[1].strip() for line in lines[first:last] if "at:" in line), None)
    cure = []
    for number, line in enumerate(lost.advice):
        quoted = line.replace("'", "''")
        cure.append(f"{dash}- do: '{quoted}'")
        if number == 0 and when is not None:
            cure.append(f"{dash}  at: {when}")
        if line.startswith(("reg add", "reg delete")):
            cure.append(f"{dash}  as: {lost.label}")
    return "\n".join([*lines[:first], *cure, *lines[last:]]) + "\n"
