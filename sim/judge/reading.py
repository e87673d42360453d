"""A history as the judge reads it: the same events, in the order of questions one asks of them.

One pass over the events; the provenance ledger is fed again and must say what the history says, so that a
history that was cut or edited is refused instead of judged.

Units: indices are positions in the sequence of events, which order them even within an instant.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence

import msgspec

from sim.history import events
from sim.history.events import AnyEvent
from sim.history.ledger import DATABASE, Cell, HistoryError, Ledger, cell
from sim.registry import KeyPath, physical

ONLINE = "Online"
OFFLINE = "Offline"
PENDING = ("OnlinePending", "OfflinePending")
COMING = (ONLINE, "OnlinePending")
"""Online, or about to be: a command that asks for it just waits."""


class Span(msgspec.Struct, frozen=True):
    """A checkpoint's time in the resource's list: event indices [first, last), `last` None: to the end."""

    resource: str
    key: KeyPath
    physical: KeyPath
    number: int
    first: int
    last: int | None = None

    def reaches(self, index: int) -> bool:
        """Whether the checkpoint was listed at that index or later."""
        return self.last is None or self.last > index

    def at(self, index: int) -> bool:
        """Whether the checkpoint was listed at that index."""
        return self.first <= index and self.reaches(index)


class Track:
    """Something that changes: its values and the event indices at which it took them."""

    __slots__ = ("_at", "values")

    def __init__(self, first: object) -> None:
        self._at = [0]
        self.values = [first]

    def add(self, index: int, value: object) -> None:
        self._at.append(index)
        self.values.append(value)

    def at(self, index: int) -> object:
        """The value that held when the event at `index` happened (one taken by that very event included)."""
        return self.values[bisect_right(self._at, index) - 1]

    def changes(self, after: int) -> list[tuple[int, object]]:
        """The values it took later than that, and when."""
        first = bisect_right(self._at, after)
        return list(zip(self._at[first:], self.values[first:], strict=True))

    @property
    def last(self) -> object:
        return self.values[-1]


class Reading:
    """The questions that judges ask of a history. Raises HistoryError for one that no world can have written."""

    def __init__(self, history: Sequence[AnyEvent]) -> None:
        check_whole(history)
        begin = history[0]
        assert isinstance(begin, events.Begin)
        self.history = history
        self.begin = begin
        self.ledger = Ledger(begin)
        self.writes: dict[int, tuple[int, events.Write]] = {}
        self.commands: dict[int, events.Command] = {}
        self.saves: list[tuple[int, events.Saved]] = []
        self.failed_saves: list[tuple[int, events.SaveFailed]] = []
        self.restores: list[tuple[int, events.Restored]] = []
        self.reversions: list[tuple[int, events.HiveReverted]] = []
        self.damages: list[tuple[int, events.ImageDamaged]] = []
        self.starts: list[tuple[int, events.ProcessStarted]] = []
        self.downs: list[tuple[int, str]] = []
        self.failures: list[tuple[int, str, str | None]] = []
        self.replaced_at: dict[int, int] = {}
        self.spans: list[Span] = []
        self.resources = dict(begin.resources)
        self.deleted: set[str] = set()
        self.states = {name: Track(each.state) for name, each in begin.resources.items()}
        self.hosts = {name: Track(each.node) for name, each in begin.resources.items()}
        self.owners = {name: Track(group.owner) for name, group in begin.groups.items()}
        self.nodes = {node: Track("Up") for node in begin.nodes}
        self.disk = Track(frozenset())
        self.stale: list[tuple[int, events.ProcessStarted, tuple[int, ...]]] = []
        self._missed: set[int] = set()
        self._latest: dict[Cell, int] = {}
        self._open: dict[tuple[str, KeyPath], Span] = {}
        for checkpoint in begin.checkpoints:
            key = checkpoint.key
            self._open[checkpoint.resource, key] = Span(checkpoint.resource, key, physical(key), checkpoint.number, 0)
        for index, event in enumerate(history):
            self._read(index, event)
        self.spans += self._open.values()
        self.end = history[-1]
        assert isinstance(self.end, events.End)

    def _read(self, index: int, event: AnyEvent) -> None:
        if self.ledger.take(event) != event:
            raise HistoryError(f"event {event.id} ({type(event).__name__}) does not follow from those before it")
        match event:
            case events.Command():
                self.commands[event.id] = event
            case events.Write():
                self.writes[event.write] = index, event
                for write in event.replaced:
                    self.replaced_at.setdefault(write, index)
                if not event.rejected:
                    self._latest[cell(event.key, event.value)] = event.write
            case events.Saved():
                self.saves.append((index, event))
            case events.SaveFailed():
                self.failed_saves.append((index, event))
            case events.Restored():
                self.restores.append((index, event))
            case events.HiveReverted():
                self.reversions.append((index, event))
            case events.ImageDamaged():
                self.damages.append((index, event))
            case events.ProcessStarted():
                self.starts.append((index, event))
                self._look_for_stale(index, event)
            case events.ResourceState():
                self.states[event.resource].add(index, event.state)
                self.hosts[event.resource].add(index, event.node)
                if event.state == "Failed":
                    self.failures.append((index, event.resource, event.node))
            case events.GroupOwner():
                self.owners.setdefault(event.group, Track(event.owner)).add(index, event.owner)
                for name, each in self.resources.items():
                    if each.group == event.group:
                        self.hosts[name].add(index, event.owner)
            case events.ResourceCreated() | events.ResourceMoved() | events.ResourceDeleted():
                self._read_setup(event)
            case events.NodeState():
                assert event.node is not None
                self.nodes[event.node].add(index, event.state)
                if event.state == "Down":
                    self.downs.append((index, event.node))
            case events.Fault():
                self._look_at_disk(index, event)
            case events.CheckpointAdded():
                key = event.key
                self._open[event.resource, key] = Span(event.resource, key, physical(key), event.number, index)
            case events.CheckpointRemoved():
                span = self._open.pop((event.resource, event.key))
                self.spans.append(msgspec.structs.replace(span, last=index))
            case _:
                pass

    def _look_at_disk(self, index: int, event: events.Fault) -> None:
        """Which faults keep the quorum disk from being written: it is gone, or refuses."""
        ailing = self.disk.last
        assert isinstance(ailing, frozenset)
        if event.fault == "quorum-online":
            self.disk.add(index, frozenset())
        elif event.fault in ("quorum-offline", "quorum-write-error"):
            ended = "ended" in event.parameters
            self.disk.add(index, ailing - {event.fault} if ended else ailing | {event.fault})

    def _read_setup(self, event: events.ResourceCreated | events.ResourceMoved | events.ResourceDeleted) -> None:
        """The resources there are; one that was deleted stays known, for the sake of what was written before."""
        name, node = event.resource, event.node
        match event:
            case events.ResourceCreated(type=kind, group=group, guid=guid):
                assert node is not None
                self.deleted.discard(name)
                self.resources[name] = events.ResourceAtStart(kind, group, guid, OFFLINE, node, ())
                self.states.setdefault(name, Track(OFFLINE))
                self.hosts.setdefault(name, Track(node))
            case events.ResourceMoved(group=group):
                self.resources[name] = msgspec.structs.replace(self.resources[name], group=group)
            case events.ResourceDeleted():
                self.deleted.add(name)

    def _look_for_stale(self, index: int, event: events.ProcessStarted) -> None:
        """The writes that are the newest of their value, and that the process does not find on its node.

        Each is missed once: a later start without it is no news.
        """
        assert event.node is not None
        missed = []
        roots = [span.physical for span in self._open.values() if span.resource == event.resource]
        for write in self._latest.values():
            made = self.writes[write][1]
            covered = any(root.covers(made.key) for root in roots)
            if covered and write not in self._missed and not self._finds(event.node, made):
                missed.append(write)
        if missed:
            self._missed.update(missed)
            self.stale.append((index, event, tuple(sorted(missed))))

    def _finds(self, node: str, made: events.Write) -> bool:
        here = self.ledger.place_of(node, made.key).value_at(made.key, made.value)
        return here == (made.data if made.value is not None else made.change is not events.Change.DELETE)

    # --- questions ----------------------------------------------------------------------------------------

    def covering(self, key: KeyPath) -> list[Span]:
        """The checkpoints that ever covered a key, in order of resources and file numbers."""
        order = list(self.resources)
        found = [span for span in self.spans if span.physical.covers(key)]
        return sorted(found, key=lambda span: (order.index(span.resource), span.number, span.first))

    def state_at(self, resource: str, index: int) -> str:
        """The resource's state when the event at `index` happened."""
        return str(self.states[resource].at(index))

    def host_at(self, resource: str, index: int) -> str:
        """The node that owned the resource's group when the event at `index` happened."""
        return str(self.hosts[resource].at(index))

    def in_database(self, key: KeyPath) -> bool:
        """Whether the key belongs to the cluster database."""
        return key.folded[:1] == (DATABASE,)

    def disk_failing(self, index: int) -> bool:
        """Whether the quorum disk was gone or refused to be written when the event at `index` happened."""
        return bool(self.disk.at(index))

    def undoings(self, write: int, node: str) -> list[tuple[int, events.Restored | events.HiveReverted]]:
        """Where and when the write was undone in one node's registry."""
        found: list[tuple[int, events.Restored | events.HiveReverted]] = [
            (index, event) for index, event in self.restores if event.node == node and write in event.undone
        ]
        found += [(index, event) for index, event in self.reversions if event.node == node and write in event.undone]
        return sorted(found, key=lambda each: each[0])


def check_whole(history: Sequence[AnyEvent]) -> None:
    """Raise HistoryError unless the history goes from `begin` to `end` without a gap, in order of time."""
    if not history or not isinstance(history[0], events.Begin):
        raise HistoryError("a history begins with its 'begin' event; this one does not")
    if not isinstance(history[-1], events.End):
        raise HistoryError("a history ends with its 'end' event; this one was cut")
    at = 0
    for number, event in enumerate(history, 1):
        if event.id != number:
            raise HistoryError(f"event {event.id} stands where event {number} should; something was taken out")
        if event.at < at:
            raise HistoryError(f"event {event.id} is earlier than the one before it")
        at = event.at


def by_label(reading: Reading) -> dict[str, list[int]]:
    """The writes of each label, in order."""
    found: dict[str, list[int]] = defaultdict(list)
    for write, (_, event) in reading.writes.items():
        label = reading.commands[event.command].label
        if label is not None:
            found[label].append(write)
    return dict(found)
