"""Whether a run is as its scenario expects: one line for each expectation that does not hold."""

from __future__ import annotations

from collections.abc import Iterator

from sim.history import events
from sim.history.expect import ExpectedValue
from sim.history.verdict import Cause, Fate
from sim.judge.anomalies import Anomaly
from sim.judge.reading import Reading
from sim.registry import Value

Fates = dict[str, list[tuple[Fate, Cause | None]]]


def failures(reading: Reading, fates: Fates, found: tuple[Anomaly, ...]) -> tuple[str, ...]:
    """Every expectation that does not hold, and every step that was not run."""
    end = reading.history[-1]
    assert isinstance(end, events.End)
    unfinished = [f"{step} never completed, or was never run because of one that did not" for step in end.unfinished]
    return (
        *unfinished,
        *_writes(reading, fates),
        *_resources(reading),
        *_registry(reading),
        *_events(reading),
        *_anomalies(reading, found),
    )


def _writes(reading: Reading, fates: Fates) -> Iterator[str]:
    for label, expected in reading.begin.expect.writes.items():
        wanted = " or ".join(expected.fates)
        if label not in fates:
            yield f"writes: {label}: expected {wanted}; its step made no write"
            continue
        for fate, cause in fates[label]:
            if fate not in expected.fates:
                yield f"writes: {label}: expected {wanted}, found {fate}{f' ({cause})' if cause else ''}"
                break
            if cause is not None and expected.causes and cause not in expected.causes:
                yield f"writes: {label}: expected {fate} by {' or '.join(expected.causes)}, found {fate} by {cause}"
                break


def _resources(reading: Reading) -> Iterator[str]:
    for name, expected in reading.begin.expect.resources.items():
        if name not in reading.resources or name in reading.deleted:
            yield f"resources: {name}: expected {expected.state or f'on {expected.node}'}, found no such resource"
            continue
        state, node = reading.states[name].last, reading.hosts[name].last
        if expected.state is not None and state != expected.state:
            yield f"resources: {name}: expected {expected.state}, found {state}"
        if expected.node is not None and node != expected.node:
            yield f"resources: {name}: expected on {expected.node}, found on {node}"


def _registry(reading: Reading) -> Iterator[str]:
    for expected in reading.begin.expect.registry:
        place = reading.ledger.place_of(expected.node, expected.key)
        found = place.value_at(expected.key, expected.name)
        if not _is(expected, found):
            name = "" if expected.name is None else f"\\{expected.name or '(default)'}"
            where = f"{expected.node}: {expected.key.hklm}{name}"
            yield f"registry: {where}: expected {_wanted(expected)}, found {_shown(found)}"


def _is(expected: ExpectedValue, found: object) -> bool:
    if expected.name is None:
        return found is expected.present
    if not expected.present:
        return found is None
    if expected.number is not None:
        return isinstance(found, Value) and found.plain() == expected.number
    return found == expected.value


def _wanted(expected: ExpectedValue) -> str:
    if expected.name is None:
        return "the key" if expected.present else "no such key"
    if not expected.present:
        return "no such value"
    if expected.number is not None:
        return str(expected.number)
    assert expected.value is not None
    return expected.value.show()


def _shown(found: object) -> str:
    match found:
        case Value():
            return found.show()
        case True:
            return "the key"
    return "nothing"


def _events(reading: Reading) -> Iterator[str]:
    expected = reading.begin.expect.events
    if expected is None:
        return
    found = [event.event_id for event in reading.history if isinstance(event, events.EventLog)]
    missing = sorted(set(expected) - set(found))
    if missing:
        seen = ", ".join(map(str, sorted(set(found)))) or "none"
        yield f"events: expected {', '.join(map(str, missing))}, found {seen}"
    if not expected and found:
        yield f"events: expected none, found {', '.join(map(str, sorted(set(found))))}"


def _anomalies(reading: Reading, found: tuple[Anomaly, ...]) -> Iterator[str]:
    expected = reading.begin.expect.anomalies
    if expected is None:
        return
    kinds = {each.kind for each in found}
    for kind in sorted(set(expected) - kinds):
        yield f"anomalies: expected {kind}, found {', '.join(sorted(kinds)) or 'none'}"
    for kind in sorted(kinds - set(expected)):
        detail = next(each.detail for each in found if each.kind is kind)
        yield f"anomalies: unexpected {kind}: {detail}"
