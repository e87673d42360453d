"""A verdict in the terminal: a timeline with a lane for each node and the quorum disk, then each write's story.

Fits the width it is given, down to 40 columns; plain ASCII where the output's encoding lacks a character; colours
only where rich finds a terminal (NO_COLOR is honoured by it).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import IO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.history import events
from sim.history.events import AnyEvent, Change
from sim.history.verdict import Fate
from sim.judge.verdict import Verdict, WriteVerdict
from sim.judge.why import clock, of_misfit

STYLES = {
    Fate.KEPT: "green",
    Fate.SUPERSEDED: "cyan",
    Fate.LOST: "bold red",
    Fate.STRANDED: "bold yellow",
    Fate.PENDING: "yellow",
    Fate.UNPROTECTED: "yellow",
    Fate.REJECTED: "magenta",
}

QUORUM = "quorum disk"
NARROW = 64
"""Below so many columns lanes become words: there is no room for one beside the other."""


def console(file: IO[str] | None = None, *, width: int | None = None, stderr: bool = False) -> Console:
    """A console that wraps nothing it should not and writes no character that the output cannot show."""
    return Console(file=file, width=width, stderr=stderr, highlight=False, emoji=False, markup=False, soft_wrap=False)


def signs(out: Console) -> dict[str, str]:
    """The few characters beyond ASCII that we like, or what stands for them."""
    nice = {"bar": "│", "dot": "●", "bullet": "•", "ok": "✓", "bad": "✗", "arrow": "→", "rule": "─"}
    plain = {"bar": "|", "dot": "*", "bullet": "-", "ok": "+", "bad": "x", "arrow": "->", "rule": "-"}
    try:
        "".join(nice.values()).encode(out.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return plain
    return nice


def show(verdict: Verdict, out: Console) -> None:
    """The whole verdict: title, timeline, writes, anomalies, expectations."""
    say(out, verdict.begin.scenario, style="bold")
    say(out, subtitle(verdict), style="dim")
    out.print()
    timeline(verdict, out)
    out.print()
    writes(verdict.writes, out)
    for each in verdict.anomalies:
        node = f" on {each.node}" if each.node else ""
        say(out, f"{each.kind} at {clock(each.at)}{node}: {each.detail}", style="yellow")
    outcome(verdict, out)


def subtitle(verdict: Verdict) -> str:
    """Where the verdict comes from, in one line."""
    begin = verdict.begin
    seed = "" if begin.seed is None else f", seed {begin.seed}"
    file = f"{verdict.file}: " if verdict.file else ""
    settings = f"profile {begin.profile}, policy {begin.policy}{seed}"
    return f"{file}{len(begin.nodes)} nodes, {settings}, {clock(verdict.ended_at)}"


def outcome(verdict: Verdict, out: Console) -> None:
    """Whether it is as expected, and what is not."""
    sign = signs(out)
    if verdict.passed:
        stated = verdict.begin.expect != type(verdict.begin.expect)()
        say(out, f"{sign['ok']} {'all expectations hold' if stated else 'nothing was expected'}", style="green")
    for failure in verdict.failures:
        say(out, f"{sign['bad']} {failure}", style="bold red")


def say(out: Console, text: str, *, style: str = "", indent: int = 0, hang: int = 0) -> None:
    """A paragraph, wrapped to the width, in characters that the output has; `hang` indents all lines but the first."""
    text = printable(text, out)
    width = max(20, out.width - indent)
    lines = _wrapped(text, width - hang)
    for number, line in enumerate(lines):
        pad = " " * (indent + (hang if number else 0))
        out.print(Text(pad + line, style=style), soft_wrap=True)


def command(out: Console, text: str, *, indent: int = 6) -> None:
    """A command on a line of its own, never wrapped: it is there to be copied."""
    out.print(Text(" " * indent + printable(text, out), style="bold cyan"), soft_wrap=True)


def printable(text: str, out: Console) -> str:
    """The text in characters that the output's encoding has; others as `?`."""
    encoding = out.encoding or "ascii"
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        text = text.replace("…", "...").encode(encoding, "replace").decode(encoding)
    return "".join(char if char.isprintable() else " " for char in text)


def _wrapped(text: str, width: int) -> list[str]:
    lines, line = [], ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]


# --- writes -----------------------------------------------------------------------------------------------------


def writes(found: Collection[WriteVerdict], out: Console) -> None:
    """Each write with its fate, its story and what to do instead."""
    shared = Counter(write.label for write in found)
    for write in found:
        _write(write, _name(write, shared), out)


def _name(write: WriteVerdict, shared: Counter[str | None]) -> str:
    """Its label; where several writes have the same, which of them it is."""
    if write.label is None:
        return f"write {write.id}"
    if shared[write.label] == 1:
        return write.label
    return f"{write.label}: {write.key if write.value is None else write.value or '(default)'}"


def _write(write: WriteVerdict, name: str, out: Console) -> None:
    sign = signs(out)
    cause = f" ({write.cause})" if write.cause else ""
    head = Text.assemble(
        (f"{sign['dot']} ", STYLES[write.fate]),
        (printable(name, out), "bold"),
        " ",
        (f"{write.fate.upper()}{cause}", STYLES[write.fate]),
    )
    out.print(head, soft_wrap=True)
    for sentence in write.why:
        say(out, f"{sign['bullet']} {sentence}", indent=2, hang=2)
    if write.advice:
        say(
            out,
            "Instead, type:" if write.fate is not Fate.UNPROTECTED else "To protect it, type:",
            indent=4,
            style="bold",
        )
        for line in write.advice:
            command(out, line)
    out.print()


# --- the timeline -----------------------------------------------------------------------------------------------


def timeline(verdict: Verdict, out: Console) -> None:
    """What happened, a lane for each node and the quorum disk; in a narrow terminal one line each."""
    fates = {write.id: write.fate for write in verdict.writes}
    rows = list(_rows(verdict.history, fates))
    lanes = [*verdict.begin.nodes, QUORUM]
    if out.width < max(NARROW, 12 + 16 * len(lanes)):
        for at, lane, text, style in rows:
            say(out, f"{clock(at)} {lane}: {text}", style=style, hang=4)
        return
    table = Table(box=None, padding=(0, 1), pad_edge=False, show_edge=False, expand=False)
    table.add_column("time", justify="right", style="dim", no_wrap=True)
    for lane in lanes:
        table.add_column(printable(lane, out), overflow="fold", ratio=1)
    previous = None
    bar = signs(out)["bar"]
    for at, lane, text, style in rows:
        cells = [Text(bar, style="dim") for _ in lanes]
        if lane in lanes:
            cells[lanes.index(lane)] = Text(printable(text, out), style=style)
        table.add_row("" if at == previous else clock(at), *cells)
        previous = at
    table.expand = True
    out.print(table)


def _rows(history: Sequence[AnyEvent], fates: dict[int, Fate]) -> Iterator[tuple[int, str, str, str]]:
    """Time, lane, text and style of what is worth a line."""
    for event in history:
        told = _told(event, fates)
        if told is not None:
            text, style, lane = told
            yield event.at, lane or event.node or QUORUM, text, style


def _told(event: AnyEvent, fates: dict[int, Fate]) -> tuple[str, str, str | None] | None:
    """What an event says in a lane, in which style, and in which lane if not its node's."""
    match event:
        case events.Command(by=by, text=text, status=status):
            who = "" if by == events.OPERATOR else f"[{by}] "
            failed = "" if status == 0 else f" (status {status})"
            return f"{who}> {text}{failed}", "bold" if status == 0 else "magenta", None
        case events.Write(rejected=False):
            name = event.key.name if event.value is None else event.value or "(default)"
            done = (
                "deleted" if event.change is Change.DELETE else "created" if event.data is None else event.data.show()
            )
            return f"{name} = {done}", STYLES[fates[event.write]], None
        case events.ResourceState(resource=resource, state=state):
            return f"{resource} {state}", "green" if state == "Online" else "", None
        case events.Saved(resource=resource, version=version):
            held = f" with write {_ids(event.writes)}" if event.writes else ""
            return f"{resource}: version {version} saved{held}", "blue", QUORUM
        case events.SaveFailed(resource=resource):
            return f"{resource}: save failed, {event.error.name}", "red", QUORUM
        case events.Restored(resource=resource, version=version, undone=undone):
            lost = f", undoes write {_ids(undone)}" if undone else ""
            return f"{resource}: version {version} restored{lost}", "bold red" if undone else "blue", None
        case events.RestoreFailed(resource=resource):
            return f"{resource}: restore failed, {event.error.name}", "red", None
        case events.Merged(resource=resource, changes=changes):
            return f"{resource}: {_changes(changes)} merged{_of(event.writes)}", "green", None
        case events.Quarantined(resource=resource, changes=changes):
            return f"{resource}: {_changes(changes)} kept aside{_of(event.writes)}", "magenta", QUORUM
        case events.ProcessEnded(resource=resource, misfit=events.Misfit() as misfit):
            return f"{resource} dies of {of_misfit(misfit)}", "bold red", None
        case events.ProcessEnded(resource=resource, reason="terminated"):
            return f"{resource} is terminated: it does not answer", "red", None
        case events.HiveReverted(to=to):
            return f"registry falls back to its {to}", "red", None
        case events.Fault(fault=fault, parameters=parameters):
            named = " ".join(parameters.values())
            return f"fault: {fault} {named}".rstrip(), "bold yellow", None
        case events.NodeState(state=state):
            return f"node {state}", "yellow", None
        case events.GroupOwner(group=group, owner=owner):
            return f"{group} is owned by {owner}", "", None
        case events.QuorumOwner(owner=owner):
            return f"reserved by {owner or 'nobody'}", "", QUORUM
        case events.CheckpointAdded(key=key):
            return f"checkpoint added: {key}", "blue", QUORUM
        case events.CheckpointRemoved(key=key):
            return f"checkpoint removed: {key}", "blue", QUORUM
        case events.ImageDamaged(resource=resource, version=version):
            return f"{resource}: version {version} damaged", "red", QUORUM
        case events.EventLog(event_id=number):
            return f"event {number}", "yellow", None
        case _:
            return None


def _changes(changes: tuple[events.LocalChange, ...]) -> str:
    return "one local change" if len(changes) == 1 else f"{len(changes)} local changes"


def _of(writes: tuple[int, ...]) -> str:
    return f" (write {_ids(writes)})" if writes else ""


def _ids(writes: tuple[int, ...]) -> str:
    return ", ".join(map(str, writes))
