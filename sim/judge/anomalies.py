"""Anomalies of a run as a whole: what went wrong, whoever's write it was (contract: Anomalies).

`stale-read`   a process started on a node that lacked the newest write of a value that its checkpoints cover.
`torn-save`    an image that was restored, or stands at the end, holds part of one step's writes. A torn image
               that a later save made whole, before anybody read it, harmed nobody and is not reported.
`resurrected`  a restore or a power loss brought back what a write had deleted.
`diverged`     a value that a write touched, covered by nothing, differs between the nodes at the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import msgspec

from sim.history import events
from sim.history.events import Change
from sim.history.ledger import Cell, cell
from sim.history.verdict import AnomalyKind
from sim.judge.reading import Reading
from sim.registry import physical


class Anomaly(msgspec.Struct, frozen=True):
    """One anomaly; `at` in microseconds, `node` None where it is no node's."""

    kind: AnomalyKind
    at: int
    node: str | None
    detail: str


def anomalies(reading: Reading) -> tuple[Anomaly, ...]:
    """Every anomaly of a run, in order of time."""
    found = [*_stale(reading), *_torn(reading), *_resurrected(reading), *_diverged(reading)]
    return tuple(sorted(found, key=lambda each: (each.at, each.kind, each.detail)))


def place(event: events.Write) -> str:
    """The value or key that a write is about, for people."""
    if event.value is None:
        return event.key.hklm
    return f"{event.key.hklm}\\{event.value or '(default)'}"


def _stale(reading: Reading) -> Iterator[Anomaly]:
    for _, start, missed in reading.stale:
        places = ", ".join(dict.fromkeys(place(reading.writes[write][1]) for write in missed))
        detail = f"{start.resource} started without the newest write of {places}"
        yield Anomaly(AnomalyKind.STALE_READ, start.at, start.node, detail)


def _torn(reading: Reading) -> Iterator[Anomaly]:
    groups: dict[int, list[int]] = defaultdict(list)
    for write, (_, event) in reading.writes.items():
        if not event.rejected:
            groups[reading.commands[event.command].step].append(write)
    whole = {step: writes for step, writes in groups.items() if len(writes) > 1}
    if not whole:
        return
    used = {(event.resource, event.key, event.version): event.at for _, event in reversed(reading.restores)}
    for (resource, key), image in reading.ledger.newest.items():
        used.setdefault((resource, key, image.version), reading.end.at)
    for index, save in reading.saves:
        at = used.get((save.resource, save.key, save.version))
        if at is None:
            continue
        root = physical(save.key)
        for step, writes in whole.items():
            covered = [write for write in writes if root.covers(reading.writes[write][1].key)]
            held = [write for write in covered if write in save.writes]
            missing = [write for write in covered if write not in save.writes and _still(reading, write, index)]
            if held and missing:
                names = ", ".join(place(reading.writes[write][1]) for write in missing)
                held_by = f"version {save.version} of {save.key} for {save.resource}"
                detail = f"{held_by} holds part of step {step}, without {names}"
                yield Anomaly(AnomalyKind.TORN_SAVE, at, save.node, detail)


def _still(reading: Reading, write: int, index: int) -> bool:
    """Whether nothing had replaced the write by then: a superseded one is not missing."""
    replaced = reading.replaced_at.get(write)
    return replaced is None or replaced > index


def _resurrected(reading: Reading) -> Iterator[Anomaly]:
    undoings: list[tuple[int, events.Restored | events.HiveReverted]] = [*reading.restores, *reading.reversions]
    for _, event in undoings:
        back = [reading.writes[write][1] for write in event.undone]
        back = [each for each in back if each.change is Change.DELETE]
        if back:
            names = ", ".join(place(each) for each in back)
            yield Anomaly(AnomalyKind.RESURRECTED, event.at, event.node, f"{names} came back")


def _diverged(reading: Reading) -> Iterator[Anomaly]:
    seen: dict[Cell, events.Write] = {}
    for _, event in reading.writes.values():
        covered = any(span.last is None for span in reading.covering(event.key))
        if not event.rejected and not covered and not reading.in_database(event.key):
            seen.setdefault(cell(event.key, event.value), event)
    for event in seen.values():
        held = [reading.ledger.nodes[node].value_at(event.key, event.value) for node in reading.begin.nodes]
        if any(each != held[0] for each in held):
            detail = f"{place(event)} is covered by no checkpoint and differs between the nodes"
            yield Anomaly(AnomalyKind.DIVERGED, reading.end.at, None, detail)
