"""The fidelity ledger is true: what it cites is there, what the code cites is in it, and its page is current.

`python -m tests.quality.test_fidelity` writes reports/fidelity.md anew.
"""

from __future__ import annotations

import ast
import importlib
import io
import json
import re
from collections import Counter
from functools import cache

import msgspec
import pytest
from rich.console import Console

from sim.checkpoint.obligations import Obligations
from sim.checkpoint.policy import Policy
from sim.cluster import database
from sim.cluster.profile import COUNTS, TIMERS
from sim.report.fidelity import Clause, Strength, markdown, read, show
from tests.cli.test_command_line import called, process
from tests.library import ROOT

LEDGER = read()
CLAUSES = tuple(LEDGER.clauses())
PAGE = ROOT / "reports" / "fidelity.md"

FIXED_AT_MOST = 47
"""Assumed clauses that nobody can set otherwise. One more needs a reason, and this number."""

SOURCES = (
    r"domain\.md (?P<fact>\d+)",
    r"KB \d{6}",
    r"MSDN [a-z][a-z0-9-]+",
    r"MS-CMRP \d+(\.\d+)+",
    r"SDK98 cluprops_\w{4}",
    r"TechNet cc\d{6}",
    r"winreg Reg[A-Z]\w+",
    r"SEC \d{4}-\d{4}",
    r"Wine (?P<difference>[a-z0-9-]+)",
    r"page \S.{5,}",
    r"contract|design|regf",
)
"""What a source looks like. `page` is an address or a name by which the page is found, `Wine` an entry of
tests/wine/differences.yaml, where the documents that decide are cited."""

OURS = ("contract", "design")
"""Sources that are no document of the product: what rests on them alone is assumed."""

SETTINGS: dict[str, set[str]] = {
    "timing": {*TIMERS, *COUNTS},
    "property": {*database.COMMON, *database.PRIVATE, *database.GROUP_COMMON},
    "engine": set(Obligations.__struct_fields__),
    "policy": set(Policy),
}
"""What `set` may name, by its first word; `scenario` is a part of the language, checked by its scenarios."""

CITED = re.compile(r"(?:domain\.md|[Ff]acts?) (\d+(?:-\d+)?(?:(?:, | and )\d+(?:-\d+)?)*)")
"""Fact numbers as docstrings and comments cite them: `domain.md 13, 142-144`, `facts 5, 7`."""


def facts(text: str) -> set[int]:
    """The numbers of the facts that a text cites."""
    found: set[int] = set()
    for listed in CITED.findall(text):
        for one in re.split(r", | and ", listed):
            first, _, last = one.partition("-")
            found |= set(range(int(first), int(last or first) + 1))
    return found


def parsed(source: str) -> re.Match[str]:
    """The source by the first form that fits it."""
    for form in SOURCES:
        match = re.fullmatch(form, source)
        if match is not None:
            return match
    raise AssertionError(f"{source!r} is no source; it would be one of {', '.join(SOURCES)}")


@cache
def defined_in(file: str) -> frozenset[str]:
    """The tests that a file defines, by its syntax: nothing is imported or run."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = (each for each in tree.body if isinstance(each, ast.FunctionDef))
    return frozenset(each.name for each in functions if each.name.startswith("test_"))


def there(pin: str) -> bool:
    """Whether the scenario or the test exists."""
    file, _, test = pin.partition("::")
    if not (ROOT / file).is_file():
        return False
    return test in defined_in(file) if test else file.startswith("scenarios/") and file.endswith(".yaml")


def resolves(symbol: str) -> bool:
    """Whether a dotted name of ours can be imported."""
    names = symbol.split(".")
    for length in range(len(names), 0, -1):
        try:
            found: object = importlib.import_module(".".join(names[:length]))
        except ModuleNotFoundError:
            continue
        for name in names[length:]:
            fields = getattr(found, "__struct_fields__", ())
            if not hasattr(found, name) and name not in fields:
                return False
            found = getattr(found, name, None)
        return length > 1 and len(names) > length
    return False


def test_the_ledger_is_large_and_no_id_stands_twice() -> None:
    ids = Counter(clause.id for clause in CLAUSES)
    assert len(ids) > 150
    assert [each for each, times in ids.items() if times > 1] == []
    statements = Counter(clause.statement for clause in CLAUSES)
    assert [each for each, times in statements.items() if times > 1] == []


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.id)
def test_what_a_row_cites_is_there(clause: Clause) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", clause.id)
    assert clause.statement.endswith("."), "a sentence"
    assert clause.source
    for source in clause.source:
        parsed(source)
    assert clause.code
    assert [symbol for symbol in clause.code if not resolves(symbol)] == []
    assert clause.pins, "a row without a test or a scenario says nothing"
    assert [pin for pin in clause.pins if not there(pin)] == []


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.id)
def test_what_is_assumed_can_be_set_or_says_why_not(clause: Clause) -> None:
    if clause.strength is not Strength.ASSUMED:
        assert (clause.set, clause.fixed) == (None, None), "only what is assumed is up to us"
        return
    assert (clause.set is None) != (clause.fixed is None), "set or fixed, one of the two"
    if clause.set is not None:
        kind, _, name = clause.set.partition(": ")
        assert kind in (*SETTINGS, "scenario")
        assert name
        assert kind == "scenario" or name in SETTINGS[kind]


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.id)
def test_a_strength_has_the_sources_for_it(clause: Clause) -> None:
    """MUST and SHOULD are the protocol document's words; what rests on nobody's document is assumed."""
    if clause.strength in (Strength.MUST, Strength.SHOULD):
        assert any(source.startswith("MS-CMRP ") for source in clause.source)
    if all(source in OURS for source in clause.source):
        assert clause.strength is Strength.ASSUMED


def test_few_assumptions_are_fixed() -> None:
    fixed = [clause.id for clause in CLAUSES if clause.fixed is not None]
    assert len(fixed) <= FIXED_AT_MOST, f"{len(fixed)} are fixed; make one of them configurable"


def test_every_fact_that_the_code_cites_is_in_the_ledger() -> None:
    listed = {
        int(match["fact"])
        for clause in CLAUSES
        for match in map(parsed, clause.source)
        if "fact" in match.re.groupindex
    }
    missing = {
        fact: path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "sim").rglob("*.py"))
        for fact in facts(path.read_text(encoding="utf-8")) - listed
    }
    assert missing == {}


def test_every_assumed_timer_is_in_the_ledger() -> None:
    settable = {clause.set for clause in CLAUSES}
    assert {f"timing: {name}" for name, timer in TIMERS.items() if timer.assumed} <= settable
    engine = {name for name in Obligations.__struct_fields__ if f"engine: {name}" in settable}
    assert engine >= {"saves_on_failure"}, "the one obligation that no document decides"


def test_a_difference_from_wine_that_is_cited_is_listed_there() -> None:
    text = (ROOT / "tests" / "wine" / "differences.yaml").read_text(encoding="utf-8")
    listed = set(re.findall(r"^([a-z0-9-]+):", text, re.MULTILINE))
    matches = [parsed(source) for clause in CLAUSES for source in clause.source]
    assert {match["difference"] for match in matches if "difference" in match.re.groupindex} <= listed


def test_disagreements_name_their_clauses() -> None:
    assert len(LEDGER.disagreements) >= 3
    ids = {clause.id for clause in CLAUSES}
    for each in LEDGER.disagreements:
        assert set(each.clauses) <= ids
        assert each.clauses


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(LEDGER), "python -m tests.quality.test_fidelity writes it anew"


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_table_fits_its_terminal(width: int) -> None:
    out = io.StringIO()
    show(LEDGER, Console(file=out, width=width, highlight=False))
    text = out.getvalue()
    assert [line for line in text.splitlines() if len(line) > width and " " in line.strip()] == []
    assert " ".join(text.split()).count("assumed: ") >= 50


def test_the_door(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = called(capsys, "fidelity", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out) == json.loads(msgspec.json.encode(LEDGER))
    status, out, _ = called(capsys, "fidelity", "--markdown")
    assert (status, out) == (0, markdown(LEDGER))
    status, _, err = called(capsys, "fidelity", "--json", "--markdown")
    assert (status, err.count("\n")) == (2, 1)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
@pytest.mark.parametrize("form", [(), ("--markdown",), ("--json",)])
def test_the_ledger_can_be_written_in_any_encoding(encoding: str, form: tuple[str, ...]) -> None:
    done = process("fidelity", *form, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, b"")
    done.stdout.decode(encoding)


def test_a_broken_ledger_is_noticed() -> None:
    """Each check by sabotage: a symbol, a test, a scenario, a source that is none."""
    assert not resolves("sim.checkpoint.engine.before_onlin")
    assert not resolves("sim.checkpoint.engin.before_online")
    assert not resolves("sim.checkpoint.engine"), "a whole module implements no clause"
    assert not there("tests/stories/test_engine.py::test_that_is_not_there")
    assert not there("scenarios/not-there.yaml")
    assert facts("domain.md 13, 142-144 and 7; facts 5, 9; fact 20, assumed") == {13, 142, 143, 144, 7, 5, 9, 20}
    with pytest.raises(AssertionError, match="no source"):
        parsed("somebody said so")


if __name__ == "__main__":
    PAGE.write_text(markdown(LEDGER), encoding="utf-8", newline="\n")
