"""Every documented switch and cmdlet is accepted and does what it says, or is refused in one line that says why."""

from __future__ import annotations

import re

import pytest

import sim
from sim.history import events
from sim.scenario import cluster_exe, powershell, reg_exe
from tests.scenario.language import BASE, ROWS, Row


def scenario(*lines: str) -> str:
    return f"{BASE}steps:\n{''.join(map(step, lines))}"


def step(line: str) -> str:
    node, _, rest = line[1:].partition(" ") if line.startswith("@") else ("", "", line)
    quoted = rest.replace("'", "''")
    return f"  - do: '{quoted}'\n" + (f"    on: {node}\n" if node else "")


def typed(*lines: str) -> list[tuple[events.Command, events.Completed | None]]:
    """What each line came to."""
    history = sim.run(sim.loads(scenario(*lines))).history
    ended = {event.command: event for event in history if isinstance(event, events.Completed)}
    return [(event, ended.get(event.id)) for event in history if isinstance(event, events.Command)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.line} after {len(row.before)}")
def test_a_line_does_what_is_documented_or_is_refused(row: Row) -> None:
    if row.refused is not None:
        with pytest.raises(sim.ScenarioError) as caught:
            sim.loads(scenario(*row.before, row.line))
        assert row.refused in str(caught.value)
        assert "\n" not in str(caught.value)
        return
    answers = typed(*row.before, row.line)
    assert [each.status for each, _ in answers[:-1]] == [0] * len(row.before), "what comes before must not fail"
    begun, ended = answers[-1]
    last = ended or begun
    assert (last.status, last.error and last.error.name) == (row.status, row.error)
    said = "\n".join(each.output for each in (begun, ended) if each is not None and each.output)
    assert row.said in said, said
    said.encode("cp1252")  # a console of the time


def test_every_documented_word_is_in_the_table() -> None:
    """A switch, an operation or a cmdlet that nobody typed here could be accepted and ignored."""
    lines = [row.line.lower() for row in ROWS]
    missing = []
    for kind, known in cluster_exe.KNOWN.items():
        about = [
            line
            for line in lines
            if re.match(
                r"cluster (res|resource) " if kind == "resource" else f"cluster {kind if kind != 'cluster' else ''}",
                f"{line} ",
            )
        ]
        for switch in (*known, *cluster_exe.UNMODELLED[kind]):
            least, _, more = switch.replace("]", "").partition("[")
            forms = [least + more[:length] for length in range(len(more) + 1)]
            if not any(re.search(rf"{re.escape(form)}(?![a-z])", line) for form in forms for line in about):
                missing.append(f"cluster {kind} {switch}")
    for verb, switches in reg_exe.SWITCHES.items():
        about = [line for line in lines if line.startswith(f"reg {verb} ")]
        missing += [
            f"reg {verb} {each}" for each in switches if not any(re.search(rf" {each}( |$)", line) for line in about)
        ]
    missing += [
        f"reg {verb}" for verb in reg_exe.UNMODELLED if not any(line.startswith(f"reg {verb} ") for line in lines)
    ]
    for cmdlet in (*powershell.CMDLETS, *powershell.UNMODELLED_CMDLETS):
        if not any(re.search(rf"(^|\| ){cmdlet.lower()}( |$)", line) for line in lines):
            missing.append(cmdlet)
    for cmdlet, parameters in powershell.UNMODELLED.items():
        missing += [
            f"{cmdlet} -{each}"
            for each in parameters
            if not any(f"{cmdlet.lower()} " in line and f"-{each.lower()}" in line for line in lines)
        ]
    assert missing == []
