"""The fate of a write, and why: the contract's rules in the contract's order.

Two questions decide: where does the write stand at the end (the ledger knows), and what happened to it first
where it did not stay (the history says). A fate is exactly one; only `lost` and `stranded` have a cause.
"""

from __future__ import annotations

import msgspec

from sim.history import events
from sim.history.events import Change, Trigger
from sim.history.ledger import Ledger, cell
from sim.history.verdict import Cause, Fate
from sim.judge.reading import ONLINE, PENDING, Reading, Span
from sim.registry import KeyPath, physical


class Judged(msgspec.Struct, frozen=True):
    """What became of a write. `resource`: the one whose checkpoint decided, None where none covered it.

    `undone`: the index of the event that undid it where it was made, `replaced`: of the write that replaced it.
    """

    fate: Fate
    cause: Cause | None = None
    resource: str | None = None
    undone: int | None = None
    replaced: int | None = None


def judge(reading: Reading, write: int) -> Judged:
    """The fate of one write."""
    index, event = reading.writes[write]
    assert event.node is not None
    if event.rejected:
        return Judged(Fate.REJECTED)
    spans = [span for span in reading.covering(event.key) if span.reaches(index)]
    in_database = reading.in_database(event.key)
    if not spans and not in_database:
        return Judged(Fate.UNPROTECTED)
    undone = next((at for at, _ in reading.undoings(write, event.node)), None)
    replaced = reading.replaced_at.get(write)
    resource = deciding(reading, index, event, spans)
    if in_database:
        kept = write in reading.ledger.database.standing.get(cell(event.key, event.value), ())
    else:
        kept = any(holds(reading, reading.ledger, event, span) for span in spans if span.last is None)
    if kept:
        return Judged(Fate.KEPT, resource=resource, undone=undone, replaced=replaced)
    if replaced is not None and (undone is None or replaced < undone):
        return Judged(Fate.SUPERSEDED, resource=resource, undone=undone, replaced=replaced)
    if undone is not None:
        assert resource is not None
        cause = cause_of(reading, write, resource, undone)
        return Judged(Fate.LOST, cause, resource, undone, replaced)
    open_spans = [span for span in spans if span.last is None]
    if not open_spans:
        return Judged(Fate.UNPROTECTED, resource=resource)
    if any(_hosts(reading, span.resource, event.node) for span in open_spans):
        return Judged(Fate.PENDING, resource=resource)
    assert resource is not None
    return Judged(Fate.STRANDED, cause_of(reading, write, resource, len(reading.history)), resource)


def deciding(reading: Reading, index: int, event: events.Write, spans: list[Span]) -> str | None:
    """The resource by which a write is judged where several cover it.

    The one that was Online on the write's node, else one in transition there, else the first.
    """
    names = list(dict.fromkeys(span.resource for span in spans))

    def distance(name: str) -> int:
        if reading.host_at(name, index) != event.node:
            return 2
        state = reading.state_at(name, index)
        return 0 if state == ONLINE else 1 if state in PENDING else 2

    return min(names, key=distance, default=None)


def holds(reading: Reading, ledger: Ledger, event: events.Write, span: Span) -> bool:
    """Whether this checkpoint holds the write, and so does the registry of its resource's host if it is online.

    By a ledger at the end of the history: the history's own, or that of what might have been.
    """
    image = ledger.newest.get((span.resource, span.key))
    if image is None:
        return False
    assert event.node is not None
    write = event.write
    own = ledger.place_of(event.node, event.key)
    at = cell(event.key, event.value)
    stands_where_made = write in own.standing.get(at, ())
    tree = image.tree.at(event.key.below(span.physical))
    held = (tree is not None) if event.value is None else None if tree is None else tree.value(event.value)
    if not (write in image.standing.get(at, ()) or (stands_where_made and held == _data(event))):
        return False
    if reading.states[span.resource].last != ONLINE:
        return True
    host = ledger.nodes[str(reading.hosts[span.resource].last)]
    here = host.value_at(event.key, event.value)
    return write in host.standing.get(at, ()) or (stands_where_made and here == _data(event))


def _data(event: events.Write) -> object:
    """What is there after the write: the value (None: absent), or for a key whether it is there."""
    return event.change is not Change.DELETE if event.value is None else event.data


def _hosts(reading: Reading, resource: str, node: str) -> bool:
    """Whether the node hosts the resource at the end: online or in transition there."""
    hosting = reading.states[resource].last in (ONLINE, *PENDING)
    return hosting and reading.hosts[resource].last == node


def cause_of(reading: Reading, write: int, resource: str, until: int) -> Cause:
    """Why a write is lost or stranded: the first of the contract's causes that fits before event index `until`."""
    index, event = reading.writes[write]
    node = event.node
    assert node is not None
    state, host = reading.state_at(resource, index), reading.host_at(resource, index)
    online_here = state == ONLINE and host == node
    saved = [(at, save) for at, save in reading.saves if index < at < until and write in save.writes]
    first_saved = saved[0][0] if saved else until
    went_down = _went_down(reading, resource, node, index, until)
    if online_here and went_down is not None and went_down < first_saved:
        return Cause.UNSAVED
    reverted = any(at == until and each.to == "flush" for at, each in reading.reversions)
    if reverted and not saved:
        return Cause.UNFLUSHED
    if saved and _shared(reading, write, {save.resource for _, save in saved}, until):
        return Cause.SHARED_KEY
    if saved and _damaged(reading, write, first_saved, until):
        return Cause.CHECKPOINT_DAMAGED
    if _rolled_back(reading, write, event.key, index, until):
        return Cause.CHECKPOINT_ROLLED_BACK
    if _save_failed(reading, write, event.key, resource, index, until, in_time=online_here):
        return Cause.SAVE_FAILED
    if state in PENDING and host == node:
        return Cause.PENDING_EDIT
    if state in (ONLINE, *PENDING) and host != node:
        return Cause.WRONG_NODE
    if online_here:
        return Cause.UNSAVED
    return Cause.OFFLINE_EDIT


def _went_down(reading: Reading, resource: str, node: str, index: int, until: int) -> int | None:
    downs = [at for at, down in reading.downs if down == node]
    failures = [at for at, failed, where in reading.failures if failed == resource and where == node]
    return min((at for at in (*downs, *failures) if index < at <= until), default=None)


def _shared(reading: Reading, write: int, savers: set[str], until: int) -> bool:
    """Whether the restore that undid it was another resource's than those whose images had held it."""
    undoing = next((each for at, each in reading.restores if at == until), None)
    return undoing is not None and write in undoing.undone and undoing.resource not in savers


def _damaged(reading: Reading, write: int, first_saved: int, until: int) -> bool:
    for at, damage in reading.damages:
        if first_saved < at < until:
            held = [save for when, save in reading.saves if when < at and _same(save, damage)]
            if held and write in held[-1].writes:
                return True
    return False


def _same(save: events.Saved, damage: events.ImageDamaged) -> bool:
    return save.resource == damage.resource and save.key == damage.key and save.version == damage.version


def _rolled_back(reading: Reading, write: int, key: KeyPath, index: int, until: int) -> bool:
    """Whether the checkpoint was taken anew without the write: added again, or displacing what it held."""
    held: dict[tuple[str, KeyPath], bool] = {}
    for at, save in reading.saves:
        if not index < at < until or not physical(save.key).covers(key):
            continue
        place = save.resource, save.key
        holds = write in save.writes
        if not holds and (save.trigger is Trigger.ADDED or held.get(place)):
            return True
        held[place] = holds
    return False


def _save_failed(
    reading: Reading, write: int, key: KeyPath, resource: str, index: int, until: int, *, in_time: bool
) -> bool:
    """Whether a save that would have held the write failed; one that could not even read the key held it if in time."""
    for at, save in reading.failed_saves:
        held = write in save.writes or (save.save is None and save.resource == resource and in_time)
        if held and index < at < until and physical(save.key).covers(key):
            return True
    return False
