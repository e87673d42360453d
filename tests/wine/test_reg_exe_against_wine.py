"""`reg` commands as failsim carries them out, against Wine's reg.exe: status, effect, kind of message.

`FAILSIM_WINE_COMMANDS` cases (60 by default, evenly spread; all of them in full) of tests/wine/command_lines.py run
through the public door, a scenario of one node, and through `reg.exe` in a prefix. They come to the same but for
tests/wine/differences.yaml. As a program it runs them all and prints what was compared.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import sim
from sim.history import events
from sim.live.wine import Agent, Prefix
from sim.registry import EMPTY, KeyTree, diff
from tests.wine.command_lines import CASES, FILES, HOME, START
from tests.wine.ledger import Met, differences

COUNT = int(os.environ.get("FAILSIM_WINE_COMMANDS", "60"))

KINDS = {
    "done": "completed successfully|Result Compared",
    "absent": "[Uu]nable to find the specified|was not found|Error opening the file|: no file |is no hive that",
    "type": "Unsupported registry data type|unknown type",
    "data": "must be followed by a valid|is no number|does not fit|are no bytes in hex|cannot contain the text",
    "key": "Invalid (system|registry) key|remote machine|is no key below|local machine|no such node|unknown node"
    "|parameter is incorrect|access or create the specified",
    "syntax": "Invalid (syntax|command line|option)|has no switch|stands twice|nothing follows|needs a "
    "|too many|exclude|unknown operation|reg what|separator|needs data",
}
"""What a message is about, by what it says; the first that matches."""

QUIET = r"reg query HKLM\SOFTWARE"
"""The last line of every scenario, since one must have a step; nobody looks at what it says."""

KNOWN = {
    "reg-verbs": r"^reg (save|restore|compare) ",
    "reg-add-default": r"^reg add \S+ /f$",
    "reg-copy-onto-itself": r"^reg copy (\S+) \1 ",
    "reg-dashes": r" -v A -d x -f$",
    "reg-asks": r"^reg delete \S+ /v /f$",
    "reg-link": r" /t REG_LINK ",
    "reg-empty-number": r' /t \w*(DWORD|QWORD)\w* /d "" /f$',
    "reg-qword-minus": r" /t REG_QWORD /d -1 /f$",
    "reg-no-texts": r" /t REG_MULTI_SZ (/s , /d ,|/d \\0) /f$",
    "reg-two-backslashes": r"Contoso\\\\App",
    "create-below-the-root": r"HKLM\\n{256}( |$)",
    "reg-long-name": r"^reg (delete|query|export) \S*\\n{257}( |$)",
}
"""Entries of the ledger, and the cases that meet them."""


class Answer(NamedTuple):
    """What a line came to: its exit status, what its message is about, what it said."""

    status: int
    kind: str
    said: str


def kind_of(status: int, said: str) -> str:
    """What a message is about; a line that succeeds need not say so."""
    if status == 0:
        return "done"
    return next((kind for kind, pattern in KINDS.items() if re.search(pattern, said, re.MULTILINE)), "?")


def ours(lines: list[str], folder: Path) -> tuple[list[Answer], KeyTree]:
    """The lines in a scenario of one node; one that the scenario's reader refuses is an error of its own."""
    answers: dict[int, Answer] = {}
    while True:
        typed = [(at, line) for at, line in enumerate(lines) if at not in answers]
        try:
            verdict = sim.run(sim.loads(_scenario([line for _, line in typed]), folder=folder))
            break
        except sim.ScenarioError as error:
            # The first line that cannot be read: reg.exe would have said so, and the next ones would have been typed.
            at = typed[_step_of(error, len(typed))][0]
            answers[at] = Answer(1, kind_of(1, str(error)), str(error))
    said = [event for event in verdict.history if isinstance(event, events.Command)]
    for (at, _), event in zip(typed, said[:-1], strict=True):  # the last is the scenario's own
        answers[at] = Answer(event.status, kind_of(event.status, event.output), event.output)
    place = verdict.reading.ledger.place_of("NODE1", HOME)
    return [answers[at] for at in range(len(lines))], place.tree.at(HOME) or EMPTY


def _step_of(error: sim.ScenarioError, count: int) -> int:
    """Which of the steps the error is about: steps stand last, one a line."""
    lines = _scenario([""] * count).count("\n")
    return error.line - (lines - count - 1) - 1


def _scenario(lines: list[str]) -> str:
    """A node, what is in its registry, the lines as its steps, a second apart."""
    keys = {
        "\\".join(("HKLM", *HOME.names, *names)): {name or "(default)": value.to_exact() for name, value in key.values}
        for names, key in START.walk()
    }
    head = {"scenario": "reg", "cluster": {"nodes": ["NODE1"], "groups": {}}, "registry": {"all": keys}}
    steps = [
        json.dumps({"at": f"{at + 1}s", "do": line}, ensure_ascii=False) for at, line in enumerate((*lines, QUIET))
    ]
    told = "\n".join(f"{name}: {json.dumps(part, ensure_ascii=False)}" for name, part in head.items())
    return told + "\nsteps:\n" + "".join(f"- {step}\n" for step in steps)


def wines(lines: list[str], agent: Agent) -> tuple[list[Answer], KeyTree]:
    """The lines typed in a prefix whose key stands as at the start."""
    folder = agent.prefix.folder
    for name in ("out.reg", "a.reg", "b.reg"):
        (folder / name).unlink(missing_ok=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    agent.create_key(HOME)
    agent.restore_key(HOME, START)
    answers = []
    for line in lines:
        ran = agent.run(line, seconds=10)
        status = 1 if ran.status is None else ran.status
        said = (ran.output + ran.errors).strip()
        answers.append(Answer(status, kind_of(status, said), said))
    return answers, agent.query_key(HOME)


def known_difference(lines: list[str]) -> str | None:
    """The entry of the ledger that a case meets, told by its first line."""
    return next((name for name, pattern in KNOWN.items() if re.search(pattern, lines[0], re.IGNORECASE)), None)


class Comparison:
    """What was compared."""

    def __init__(self) -> None:
        self.met = Met()
        self.verbs: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.surprises: list[str] = []

    def compare(self, lines: list[str], agent: Agent, folder: Path) -> None:
        """One case on both."""
        mine, tree = ours(lines, folder)
        other, their_tree = wines(lines, agent)
        for line, answer in zip(lines, other, strict=True):
            self.verbs[" ".join(line.lower().split(" ")[:2])] += 1
            self.kinds[f"{answer.kind} ({answer.status})"] += 1
        same = [(each.status, each.kind) for each in mine] == [(each.status, each.kind) for each in other]
        if same and tree == their_tree:
            return
        name = known_difference(lines)
        if name is not None:
            self.met.note(name)
        else:
            changed = [f"{each.path} {each.name}: {each.before} {each.after}" for each in diff(their_tree, tree)]
            self.surprises.append(f"{lines}\n    we {mine}\n  Wine {other}\n  Wine to ours: {changed}")

    def report(self) -> str:
        """Counts of lines by verb, of kinds of message, of differences met."""
        lines = [f"{sum(self.verbs.values())} command lines on both"]
        for title, counts in (("by verb", self.verbs), ("Wine said", self.kinds), ("differences", self.met.counts)):
            lines.append(f"{title}: " + ", ".join(f"{name} {count}" for name, count in counts.most_common()))
        return "\n".join(lines)


def compare(agent: Agent, folder: Path, count: int) -> Comparison:
    """So many of the cases, evenly spread."""
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    done = Comparison()
    step = max(1, len(CASES) // count)
    for lines in CASES[::step]:
        done.compare(lines, agent, folder)
    return done


def test_reg_lines_come_to_the_same_as_in_wine(agent: Agent, tmp_path: Path) -> None:
    done = compare(agent, tmp_path, COUNT)
    print(done.report())
    assert not done.surprises, "\n".join(done.surprises)


def test_there_are_enough_lines() -> None:
    assert sum(map(len, CASES)) >= 300
    assert KNOWN.keys() <= differences().keys()


def main() -> int:
    """Compare every case, and print."""
    with tempfile.TemporaryDirectory() as folder, Prefix.make(Path(folder) / "prefix") as prefix:
        done = compare(prefix.start_agent(), Path(folder), len(CASES))
    print(done.report())
    print("\n".join(done.surprises))
    return int(bool(done.surprises))


if __name__ == "__main__":
    sys.exit(main())
