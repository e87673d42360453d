"""The story of a write: the shortest chain of events from it to its undoing, one plain sentence each.

Edges are found first, as data; then each is told. An edge that cannot be told is a bug, so there is no default.
"""

from __future__ import annotations

from sim.history import events
from sim.history.events import Change
from sim.history.verdict import Cause, Fate
from sim.judge.anomalies import place
from sim.judge.fate import Judged
from sim.judge.reading import ONLINE, PENDING, Reading
from sim.registry import physical

NO_COMMAND = "No command would have helped."


def clock(at: int) -> str:
    """A time for people: seconds, or minutes and hours where they help."""
    seconds = at / 1_000_000
    text = f"{seconds:.3f}".rstrip("0").rstrip(".")
    return f"{text} s"


def of_misfit(found: events.Misfit) -> str:
    """What in its registry a process could not live with."""
    name = found.value or "(default)"
    there = f"{name} is not there" if found.found is None else f"{name} = {found.found.show()}"
    return f"{there}; it needs {found.wanted}"


def why(reading: Reading, write: int, judged: Judged, *, advised: bool) -> tuple[str, ...]:
    """The story in sentences, in time order."""
    index, event = reading.writes[write]
    told = [_made(reading, event)]
    match judged.fate:
        case Fate.REJECTED:
            command = reading.commands[event.command]
            assert command.error is not None
            told.append(f"The command failed with {command.error.name} ({command.error.number}): nothing changed.")
        case Fate.UNPROTECTED:
            told.append(_unprotected(reading, event, index))
        case Fate.KEPT:
            told.append(_kept(reading, write, event))
            told += _deaths(reading, index, event)
        case Fate.SUPERSEDED:
            assert judged.replaced is not None
            other = reading.history[judged.replaced]
            assert isinstance(other, events.Write)
            told.append(f"At {clock(other.at)} {_who(reading, other)} replaced it by {_what(other)} on {other.node}.")
        case Fate.LOST | Fate.STRANDED | Fate.PENDING:
            told += _lost(reading, write, judged)
            if judged.fate is not Fate.PENDING and not advised:
                told.append(NO_COMMAND)
    return tuple(told)


def _who(reading: Reading, event: events.Write) -> str:
    by = reading.commands[event.command].by
    return "an operator" if by == events.OPERATOR else f"{by} itself"


def _what(event: events.Write) -> str:
    match event.change:
        case Change.SET:
            assert event.data is not None
            return event.data.show()
        case Change.CREATE:
            return "a new key"
        case Change.DELETE:
            return "nothing (it was deleted)"


def _made(reading: Reading, event: events.Write) -> str:
    verb = {Change.SET: "set", Change.CREATE: "created", Change.DELETE: "deleted"}[event.change]
    if event.rejected:
        verb = {Change.SET: "tried to set", Change.CREATE: "tried to create", Change.DELETE: "tried to delete"}[
            event.change
        ]
    to = f" to {_what(event)}" if event.change is Change.SET else ""
    return f"At {clock(event.at)} {_who(reading, event)} {verb} {place(event)}{to} on {event.node}."


def _unprotected(reading: Reading, event: events.Write, index: int) -> str:
    if any(span.reaches(index) for span in reading.covering(event.key)):
        return f"At the end no checkpoint covers {event.key.hklm}: the change lives on {event.node} alone."
    alone = f"the change lives on {event.node} alone, and no failover takes it along"
    return f"No checkpoint covers {event.key.hklm}: {alone}."


def _kept(reading: Reading, write: int, event: events.Write) -> str:
    if reading.in_database(event.key):
        return "The cluster database holds it, which every member shares."
    for _, save in reading.saves:
        if write in save.writes:
            return (
                f"At {clock(save.at)} version {save.version} of the checkpoint of {save.resource} held it on the "
                "quorum disk: it follows every failover."
            )
    return "The checkpoint holds equal data, so it follows every failover."


def _deaths(reading: Reading, index: int, event: events.Write) -> list[str]:
    """Who died of the value: how often, from when to when, and on which nodes."""
    deaths: dict[str, list[events.ProcessEnded]] = {}
    for each in reading.history[index:]:
        if isinstance(each, events.ProcessEnded) and each.misfit is not None:
            found = each.misfit
            if (found.key, found.value, found.found) == (physical(event.key), event.value, event.data):
                deaths.setdefault(each.resource, []).append(each)
    return [_died(resource, found) for resource, found in deaths.items()]


def _died(resource: str, deaths: list[events.ProcessEnded]) -> str:
    first, last = deaths[0], deaths[-1]
    assert first.misfit is not None
    nodes = " and ".join(sorted({str(each.node) for each in deaths}))
    needs = f"the process of {resource} died of it, which needs {first.misfit.wanted}"
    if len(deaths) == 1:
        return f"At {clock(first.at)} {needs}."
    return f"From {clock(first.at)} to {clock(last.at)} {needs}: {len(deaths)} times, on {nodes}."


def _lost(reading: Reading, write: int, judged: Judged) -> list[str]:
    """The edges between a write and its undoing, told."""
    index, event = reading.writes[write]
    resource = judged.resource
    assert resource is not None
    until = len(reading.history) if judged.undone is None else judged.undone
    told = [_circumstance(reading, event, index, resource)]
    told += _accident(reading, write, judged, resource, index, until)
    if judged.fate is Fate.PENDING:
        told.append("When the run ends no completed save holds it: it is on its way, or was never noticed.")
        return told
    if judged.undone is None:
        told.append(
            f"At the end it still stands on {event.node} alone: the next time {resource} comes online there undoes it, "
            "and no other node ever sees it."
        )
        return told
    told.append(_undone(reading, event, judged.undone, resource))
    return told + _kept_aside(reading, write, judged.undone)


def _kept_aside(reading: Reading, write: int, undone: int) -> list[str]:
    """Where a policy has kept what was undone, and how it comes back."""
    undoing = reading.history[undone]
    if not isinstance(undoing, events.Restored):
        return []
    for each in reversed(reading.history[:undone]):
        if isinstance(each, events.Restored) and (each.node, each.key) == (undoing.node, undoing.key):
            return []
        if isinstance(each, events.Quarantined) and each.node == undoing.node and write in each.writes:
            host = f"on the node where {undoing.resource} is online"
            return [f"The change was kept aside first: typed {host}, 'reg import {each.file}' brings it back."]
    return []


def _circumstance(reading: Reading, event: events.Write, index: int, resource: str) -> str:
    """What the resource was doing when the write was made."""
    state, host = reading.state_at(resource, index), reading.host_at(resource, index)
    if state == ONLINE and host == event.node and not reading.begin.engine["saves_on_change"]:
        return f"{resource} was online there, but this cluster's engine does not watch (saves_on_change: false)."
    if state == ONLINE and host == event.node:
        return f"{resource} was online there, so the change was watched."
    if state in PENDING and host == event.node:
        doing = "coming online" if state == "OnlinePending" else "going offline"
        return f"{resource} was just {doing} there, in a gap in which no save was to catch it."
    if state in (ONLINE, *PENDING):
        return f"{resource} was on {host}, so nothing watched {event.key.hklm} on {event.node}."
    return f"{resource} was online on no node ({state}), so nothing watched {event.key.hklm}."


def _accident(reading: Reading, write: int, judged: Judged, resource: str, index: int, until: int) -> list[str]:
    """What came between, where the cause is more than where and when the write was made."""
    event = reading.writes[write][1]
    match judged.cause:
        case Cause.UNSAVED:
            for at in range(index, min(until + 1, len(reading.history))):
                each = reading.history[at]
                if isinstance(each, events.NodeState) and each.node == event.node and each.state == "Down":
                    return [f"At {clock(each.at)} the cluster service of {each.node} was gone before a save held it."]
                failing = (
                    isinstance(each, events.ResourceState) and each.resource == resource and each.state == "Failed"
                )
                if failing and each.node == event.node:
                    after = "" if reading.begin.engine["saves_on_failure"] else ", and a failure saves nothing"
                    return [f"At {clock(each.at)} {resource} failed before a save held it{after}."]
            return ["No save held it before the resource stopped."]
        case Cause.SAVE_FAILED:
            failed = [each for at, each in reading.failed_saves if index < at < until]
            first = failed[0]
            return [f"At {clock(first.at)} the save failed with {first.error.name} ({first.error.number})."]
        case Cause.CHECKPOINT_DAMAGED:
            damage = next(each for at, each in reading.damages if index < at < until)
            return [f"At {clock(damage.at)} the image that held it was damaged (version {damage.version})."]
        case Cause.CHECKPOINT_ROLLED_BACK:
            anew = [
                each
                for at, each in reading.saves
                if index < at < until and physical(each.key).covers(event.key) and write not in each.writes
            ]
            last = anew[-1]
            return [
                f"At {clock(last.at)} the checkpoint was taken anew on {last.node}, whose registry did not have it."
            ]
        case Cause.SHARED_KEY:
            return [f"The checkpoint of {resource} held it, but another resource checkpoints the same key."]
        case _:
            return []


def _undone(reading: Reading, event: events.Write, index: int, resource: str) -> str:
    undoing = reading.history[index]
    match undoing:
        case events.Restored():
            return (
                f"At {clock(undoing.at)}, when {undoing.resource} came online, {undoing.node} restored version "
                f"{undoing.version} of {undoing.key} from the quorum disk, which does not hold it."
            )
        case events.HiveReverted(to="flush"):
            return f"At {clock(undoing.at)} {undoing.node} lost power before its registry was flushed to its own disk."
        case events.HiveReverted():
            return f"At {clock(undoing.at)} the disk of {undoing.node} was gone, and the only copy with it."
    raise AssertionError(f"event {undoing.id} undoes nothing")
