"""The command language against garbage and against itself: one line for each mistake, and a run that always ends.

`FAILSIM_COMMANDS` lines (6,000 by default) are documented ones with a few words or letters changed. `FAILSIM_DAYS`
runs (60 by default) type documented lines in any order, with faults and applications among them, at the same instants.
"""

from __future__ import annotations

import json
import os
import random

import sim
from sim.scenario.console import CommandError, Files, Names, parse_command
from tests.scenario.language import BASE, ROWS
from tests.scenario.test_language import step

COMMANDS = int(os.environ.get("FAILSIM_COMMANDS", "6000"))
DAYS = int(os.environ.get("FAILSIM_DAYS", "60"))

WORDS = [
    *sorted({word for row in ROWS for word in row.line.split(" ")}),
    *["\\", "/", "-", "=", ":", "|", "'", '"', "[", "]", "²", "٣"],
]
WORDS += ["", "\\\\", "HKLM:\\", "HKLM", "\\\\NODE1", "a=", "=b", "/prop:", "/prop:=", "-Name:", "/wait:\u0663"]

LINES = [line for row in ROWS if row.refused is None for line in (*row.before, row.line)]
FAULTS = [
    *(f"fault: {kind}\n    node: {node}" for kind in ("crash", "boot") for node in ("NODE1", "NODE2", "NODE3")),
    *(f"fault: {kind}\n    resource: {name}" for kind in ("fail", "hang") for name in ("Spooler", "Web")),
    *(f"fault: {kind}\n    node: NODE1" for kind in ("stop-service", "start-service", "disk-loss")),
    "fault: quorum-offline\n    for: 30s",
    "fault: quorum-damage\n    file: 'Spooler\\00000001.CPT'",
    *(
        f"app: {name}\n    do: 'reg add HKLM\\SOFTWARE\\Contoso\\Ports /v Port /t REG_DWORD /d 9 /f'"
        for name in ("Spooler", "Web")
    ),
]


def garbled(rng: random.Random) -> str:
    words = rng.choice(ROWS).line.split(" ")
    for _ in range(rng.randrange(4)):
        at = rng.randrange(len(words) + 1)
        match rng.randrange(4):
            case 0:
                words.insert(at, rng.choice(WORDS))
            case 1:
                words[at : at + 1] = [rng.choice(WORDS)]
            case 2:
                del words[at : at + 1]
            case _:
                words[at : at + 1] = ["".join(rng.choice((char, char, "\\")) for char in "".join(words[at : at + 1]))]
    return " ".join(words)


def test_a_garbled_line_is_taken_or_told_in_one_line() -> None:
    rng = random.Random(5)
    plan = sim.loads(f"{BASE}steps: []\n").cluster
    names = Names(plan.nodes, tuple(plan.groups), tuple(plan.resources), {"Spool": "Spooler"})
    taken = 0
    for _ in range(COMMANDS):
        line = garbled(rng)
        mistake: CommandError | None = None
        try:
            parse_command(line, names, Files(lambda _: None, lambda _: None))
        except CommandError as error:
            mistake = error
        taken += mistake is None
        assert mistake is None or ("\n" not in mistake.problem and 0 <= mistake.offset <= len(line)), line
    assert COMMANDS // 10 < taken < COMMANDS


def day(rng: random.Random) -> str:
    """Steps in any order: a line or a fault, at a time of its own or when the one before has completed."""
    steps, time = [], 0
    for _ in range(rng.randrange(3, 25)):
        time += rng.choice((0, 1, 1, 2, 5, 20))
        made = step(rng.choice(LINES)) if rng.random() < 0.75 else f"  - {rng.choice(FAULTS)}\n"
        steps.append(made.replace("  - ", f"  - at: {time}s\n    ", 1) if rng.random() < 0.6 else made)
    return f"{BASE}until: 10min\nsteps:\n{''.join(steps)}"


def test_whatever_is_typed_in_whatever_order_the_run_ends_and_is_judged() -> None:
    """Resources that others have deleted, nodes that are gone, groups on their way: an answer, never a traceback."""
    ran = 0
    for seed in range(DAYS):
        text = day(random.Random(seed))
        try:
            scenario = sim.loads(text)
        except sim.ScenarioError:
            continue  # it names what nothing has created, or a file that no step writes
        json.dumps(sim.run(scenario, seed=seed).to_json())
        ran += 1
    assert ran > DAYS // 2
