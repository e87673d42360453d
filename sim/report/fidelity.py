"""The fidelity ledger: every clause of behaviour that the code implements, and how strongly a source asks for it.

`sim/fidelity.yaml` holds the clauses, by chapter; here they are read and shown: in the terminal, as a Markdown page,
as JSON. That each has a test and a symbol that are there is checked by tests/quality/test_fidelity.py.

Strengths, the strongest first:  MUST and SHOULD are the protocol document's (MS-CMRP); `documented` is any other
document of the vendor's or of who designed it; `observed` was seen to happen, by support or by a tool; `assumed` is
nobody's word: it says under which name it can be set otherwise (`set`), or why it is fixed (`fixed`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from importlib.resources import files

import msgspec
import yaml
from rich.console import Console

from sim.report.terminal import say, signs


class Strength(StrEnum):
    """How strongly a source asks for a clause."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    DOCUMENTED = "documented"
    OBSERVED = "observed"
    ASSUMED = "assumed"


class Clause(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One clause. `code`: the symbols that implement it. `pins`: the tests and scenarios that turn red without it.

    `set`: where an assumed one is configured. `fixed`: why it is not configurable.
    """

    id: str
    statement: str
    source: tuple[str, ...]
    strength: Strength
    code: tuple[str, ...]
    pins: tuple[str, ...]
    set: str | None = None
    fixed: str | None = None


class Chapter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Clauses about one thing."""

    title: str
    clauses: tuple[Clause, ...]


class Disagreement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two sources that cannot both be followed, and what was decided. `clauses`: the ids that follow the decision."""

    title: str
    one: str
    other: str
    decision: str
    clauses: tuple[str, ...]


class FidelityLedger(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole ledger."""

    chapters: tuple[Chapter, ...]
    disagreements: tuple[Disagreement, ...]

    def clauses(self) -> Iterator[Clause]:
        """All clauses, in the ledger's order."""
        for chapter in self.chapters:
            yield from chapter.clauses

    def counts(self) -> dict[Strength, int]:
        """How many clauses there are of each strength, the strongest first."""
        counted = Counter(clause.strength for clause in self.clauses())
        return {strength: counted[strength] for strength in Strength}


def read() -> FidelityLedger:
    """The ledger that comes with the package. Raises msgspec.ValidationError where it is not one."""
    text = files("sim").joinpath("fidelity.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), FidelityLedger)


def summary(ledger: FidelityLedger) -> str:
    """The counts in a sentence."""
    told = ", ".join(f"{count} {strength}" for strength, count in ledger.counts().items())
    fixed = sum(clause.fixed is not None for clause in ledger.clauses())
    return f"{sum(ledger.counts().values())} clauses: {told} (of the assumed, {fixed} fixed for a stated reason)."


def show(ledger: FidelityLedger, out: Console) -> None:
    """The ledger in the terminal, as wide as that is."""
    sign = signs(out)
    for chapter in ledger.chapters:
        say(out, chapter.title, style="bold")
        for clause in chapter.clauses:
            say(out, f"{sign['bullet']} {clause.statement}", indent=2, hang=2)
            say(out, f"{clause.strength}: {'; '.join(clause.source)}", indent=4, style="dim")
            if clause.strength is Strength.ASSUMED:
                say(out, _choice(clause), indent=4, style="yellow")
        out.print()
    say(out, "Where sources disagree", style="bold")
    for each in ledger.disagreements:
        say(out, f"{sign['bullet']} {each.title}", indent=2, hang=2)
        say(out, f"{each.one} But: {each.other} Decided: {each.decision}", indent=4)
    out.print()
    say(out, summary(ledger), style="bold")


def _choice(clause: Clause) -> str:
    return f"set it by {clause.set}" if clause.set is not None else f"fixed: {clause.fixed}"


def markdown(ledger: FidelityLedger) -> str:
    """The ledger as a page: `failsim fidelity --markdown`."""
    lines = [
        "# Fidelity",
        "",
        "What failsim does like the product, clause by clause: who says so and how strongly, where it is implemented,",
        "and which tests and scenarios pin it. Written by `failsim fidelity --markdown` from `sim/fidelity.yaml`.",
        "`domain.md N` is fact N of the project's collection of sourced facts.",
        "",
        summary(ledger),
        "",
        "| strength | clauses |",
        "| --- | --- |",
        *(f"| {strength} | {count} |" for strength, count in ledger.counts().items()),
        "",
        "## Where sources disagree",
        "",
    ]
    for each in ledger.disagreements:
        ids = ", ".join(f"`{one}`" for one in each.clauses)
        lines += [f"**{each.title}.** {each.one} But: {each.other} Decided: {each.decision} ({ids})", ""]
    for chapter in ledger.chapters:
        lines += [
            f"## {chapter.title}",
            "",
            "| clause | strength | source | code | pinned by |",
            "| --- |" + " --- |" * 4,
        ]
        lines += [f"| {' | '.join(_escaped(cell) for cell in _row(clause))} |" for clause in chapter.clauses]
        lines.append("")
    return "\n".join(lines)


def _row(clause: Clause) -> Iterator[str]:
    chosen = f" *{_choice(clause)}*" if clause.strength is Strength.ASSUMED else ""
    yield f"`{clause.id}` {clause.statement}{chosen}"
    yield clause.strength
    yield "; ".join(clause.source)
    yield " ".join(f"`{symbol.removeprefix('sim.')}`" for symbol in clause.code)
    yield " ".join(f"`{pin.rsplit('/', 1)[-1]}`" for pin in clause.pins)


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")
