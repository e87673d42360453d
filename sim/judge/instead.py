"""What would have stood: the history read once more, with a command's changes made elsewhere, or in other hands.

No simulation: the saves and restores of the history carry the changed data as they carried what was in its place.
What would have gone another way altogether (a failover, a refusal) is not known here.

Holds:    a restore brings the newest image there is, whatever its version was in the history.
Assumed:  whoever takes the time to do it properly lets people, and the faults to come, wait for a minute; what was
          under way goes on meanwhile.
Units:    times are in microseconds, as in the history.
"""

from __future__ import annotations

import msgspec

from sim.history import events
from sim.history.events import AnyEvent, Change, Trigger
from sim.history.ledger import Ledger
from sim.judge.fate import holds
from sim.judge.reading import COMING, Reading
from sim.judge.retyped import typed
from sim.registry import EMPTY, KeyPath, Win32, physical

PATIENCE = 60_000_000
"""How long a proper change may take, and everybody else waits for it."""

UNREADABLE = (Win32.FILE_NOT_FOUND.value, Win32.REGISTRY_CORRUPT.value)
"""Why a restore found no image. It would have found one that was saved in between."""


Place = tuple[str, KeyPath]
"""A checkpoint: its resource and its key."""


class Instead(msgspec.Struct, frozen=True, kw_only=True):
    """Writes of one command, made on `node` in place of where they were made, at event `index`.

    `made`: when, after whatever happens then. `brought`: the resources that are brought online there for it, what
    they depend on first. `saved`: when what is online there has saved it; None: the history's own saves have to.
    `stopped`: those that are taken offline after, and save once more. `added`: those whose checkpoints of the key are
    removed before and added again after, which saves them.
    """

    writes: tuple[int, ...]
    node: str
    index: int
    made: int
    brought: tuple[str, ...] = ()
    saved: int | None = None
    stopped: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


def would_stand(reading: Reading, instead: Instead) -> bool:
    """Whether every one of the writes that a checkpoint covers would have been kept, or superseded."""
    reread = _Reread(reading, instead)
    for event in reading.history[: instead.index]:
        reread.read(event)
    saved_at = None if instead.saved is None else max(instead.made, instead.saved)
    made, saved = False, saved_at is None
    for at, event in postponed(reading, instead.index):
        if not made and at > instead.made:
            made = True
            if not reread.make():
                return False
        if not saved and at > (saved_at or 0):
            saved = True
            reread.save()
        reread.read(event)
    return all(reread.stands(event) for event in reread.writes)


def postponed(reading: Reading, index: int) -> list[tuple[int, AnyEvent]]:
    """The events from `index` on and when they would have happened: what was not under way yet, a minute later."""
    late: set[int] = set()
    found = []
    for event in reading.history[index:]:
        begins = isinstance(event, events.Command | events.End) or (
            isinstance(event, events.Fault) and "ended" not in event.parameters
        )
        if begins or not late.isdisjoint(event.because):
            late.add(event.id)
        found.append((event.at + PATIENCE if event.id in late else event.at, event))
    return sorted(found, key=lambda each: each[0])


class _Reread:
    """A history that is read once more, and where its data stands by then."""

    def __init__(self, reading: Reading, instead: Instead) -> None:
        self.reading = reading
        self.instead = instead
        self.ledger = Ledger(reading.begin)
        self.writes = [reading.writes[write][1] for write in instead.writes]
        self.listed = [span for span in reading.spans if span.at(instead.index)]
        self.online = {name: each.node for name, each in reading.begin.resources.items() if each.state in COMING}
        self.damaged: set[Place] = set()
        self.before = EMPTY
        self.undone: set[int] = set()
        self.superseded: set[int] = set()

    # --- what is done instead

    def make(self) -> bool:
        """Bring online what is needed, and make the writes; False where a deletion finds nothing to delete."""
        node, place = self.instead.node, self.ledger.nodes[self.instead.node]
        for resource in self.instead.brought:
            self.online[resource] = node
            for span in self.listed:
                if span.resource == resource:
                    self._restore(node, (resource, span.key))
        self.before = place.tree
        deleted = [event for event in typed(self.writes) if event.change is Change.DELETE]
        if not all(place.value_at(event.key, event.value) for event in deleted):
            return False
        for event in self.writes:
            self.ledger.take(msgspec.structs.replace(event, node=node))
        # It is on the node's own disk before anything else happens.
        self.ledger.flushed[node] = place.copy()
        return True

    def save(self) -> None:
        """What is online on the node saves what was changed there, and what is taken offline then saves once more."""
        node, instead, engine = self.instead.node, self.instead, self.reading.begin.engine
        after = self.ledger.nodes[node].tree
        for span in self.listed:
            place = span.resource, span.key
            self._land(place)
            if span.resource in instead.added and any(span.physical.covers(event.key) for event in self.writes):
                self.read(events.CheckpointRemoved(id=0, at=0, resource=span.resource, key=span.key, number=0))
                self._save(node, place)
                continue
            changed = self.before.at(span.physical) != after.at(span.physical)
            if engine["saves_on_change"] and changed and self.online.get(span.resource) == node:
                self._save(node, place)
            if engine["saves_on_offline"] and span.resource in instead.stopped:
                self._save(node, place)

    def _save(self, node: str, place: Place) -> None:
        resource, key = place
        save = events.SaveStarted(id=0, at=0, node=node, resource=resource, key=key, version=0, trigger=Trigger.OFFLINE)
        self.read(save)
        self._landed(save)

    def _land(self, place: Place) -> None:
        """A save in flight has landed before the next one starts."""
        for save in list(self.ledger.saving):
            started = self.reading.history[save - 1]
            if isinstance(started, events.SaveStarted) and (started.resource, started.key) == place:
                self._landed(started)

    def _landed(self, save: events.SaveStarted) -> None:
        self.read(
            events.Saved(
                id=0,
                at=0,
                node=save.node,
                resource=save.resource,
                key=save.key,
                version=save.version,
                trigger=save.trigger,
                save=save.id,
            )
        )

    # --- what comes of it

    def read(self, event: AnyEvent) -> None:
        """Take the event as it would have been: with the newest image that there would have been, or not at all."""
        match event:
            case events.Write() if event.command == self.writes[0].command:
                self._leave_out(event)
            case events.Write():
                taken = self.ledger.take(event)
                assert isinstance(taken, events.Write)
                self.superseded |= set(taken.replaced) - self.undone
            case events.Restored():
                self._restore(event.node, (event.resource, event.key))
            case events.RestoreFailed() if event.error.number in UNREADABLE:
                self._restore(event.node, (event.resource, event.key))
            case events.HiveReverted():
                self._undo(self.ledger.take(event))
            case events.Fault(fault="quorum-damage"):
                self._damage(event.parameters["file"])
            case events.ImageDamaged():
                pass  # its fault has been read, which strikes whatever there is
            case events.SaveStarted() if event.trigger is not Trigger.MERGE and not self._finds_news(event):
                pass
            case events.Saved() | events.SaveFailed() if (
                event.save is not None and event.save not in self.ledger.saving
            ):
                pass
            case events.Saved():
                self.damaged.discard((event.resource, event.key))
                self.ledger.take(event)
            case events.ResourceState():
                self.online.pop(event.resource, None)
                if event.state in COMING and event.node is not None:
                    self.online[event.resource] = event.node
            case events.NodeState(state="Down"):
                self.online = {name: node for name, node in self.online.items() if node != event.node}
            case _:
                self.ledger.take(event)

    def _finds_news(self, event: events.SaveStarted) -> bool:
        """Whether the key is there to be saved, and was changed: to what it is already is no change that is noticed."""
        assert event.node is not None
        tree = self.ledger.nodes[event.node].tree.at(physical(event.key))
        newest = self.ledger.newest.get((event.resource, event.key))
        same = event.trigger is Trigger.CHANGE and newest is not None and tree == newest.tree
        return tree is not None and not same

    def _restore(self, node: str | None, place: Place) -> None:
        newest = self.ledger.newest.get(place)
        if newest is not None:
            resource, key = place
            restored = events.Restored(id=0, at=0, node=node, resource=resource, key=key, version=newest.version)
            self._undo(self.ledger.take(restored))

    def _damage(self, file: str) -> None:
        """The newest image is damaged, if there is one, and it was not before."""
        folder, _, name = file.replace("/", "\\").rpartition("\\")
        for span in self.reading.spans:
            resource, key = place = span.resource, span.key
            known = self.reading.resources.get(resource)
            named = folder.lower() in (resource.lower(), "" if known is None else known.guid.lower())
            newest, left = self.ledger.newest.get(place), self.ledger.previous.get(place)
            if not named or int(name.partition(".")[0]) != span.number or newest is None or place in self.damaged:
                continue
            self.damaged.add(place)
            version = None if left is None else left.version
            damaged = events.ImageDamaged(id=0, at=0, resource=resource, key=key, version=newest.version, left=version)
            self.ledger.take(damaged)

    def _undo(self, event: AnyEvent) -> None:
        assert isinstance(event, events.Restored | events.HiveReverted)
        if event.node == self.instead.node:
            self.undone |= set(event.undone)

    def _leave_out(self, event: events.Write) -> None:
        """The write is not made where it was. Its key may be there all the same, for the saves that read it."""
        if event.rejected or event.change is Change.DELETE:
            return
        assert event.node is not None
        place = self.ledger.place_of(event.node, event.key)
        if place.tree.at(event.key) is None:
            place.tree = place.tree.with_key(event.key)

    def stands(self, event: events.Write) -> bool:
        """Whether the write is superseded or kept; one that nothing covers is no matter."""
        made = msgspec.structs.replace(event, node=self.instead.node)
        spans = [span for span in self.reading.covering(event.key) if span.reaches(self.instead.index)]
        kept = any(span.last is None and holds(self.reading, self.ledger, made, span) for span in spans)
        return kept or not spans or event.write in self.superseded
