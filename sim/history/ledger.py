"""The provenance ledger: which writes' data stands in which place, fed by events alone.

Places:   the registry of each node, each checkpoint image, the cluster database (`HKLM\\Cluster`).
Cell:     one value of one key, or the key itself (None); names folded, since Windows ignores their case.
Stands:   a write stands in a place from when it is made there, or a save or restore brings it there, until
          different data replaces it. Equal data ends nothing: both stand (contract: Fates of a write).
Holds:    the ledger keeps each place's tree beside the registries, so a tree's value stays data alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from sim.history.events import (
    AnyEvent,
    Begin,
    Change,
    CheckpointRemoved,
    HiveFlushed,
    HiveReverted,
    ImageDamaged,
    LocalChange,
    Merged,
    Quarantined,
    Restored,
    Saved,
    SaveFailed,
    SaveStarted,
    Trigger,
    Write,
)
from sim.registry import EMPTY, KeyPath, KeyTree, diff, physical, upcase

Cell = tuple[tuple[str, ...], str | None]
"""A value's or a key's place inside a registry: folded names of the key, folded name of the value."""

Standing = dict[Cell, tuple[int, ...]]

DATABASE = "CLUSTER"
"""The folded name of the key below HKEY_LOCAL_MACHINE that is the cluster database."""


class HistoryError(ValueError):
    """A history that no world can have written: it does not follow from its own events."""


class Image(msgspec.Struct, frozen=True):
    """What a checkpoint holds: the tree of its key, and the writes that stand in it."""

    version: int
    tree: KeyTree
    standing: Standing


class Place:
    """A tree and the writes that stand in it."""

    __slots__ = ("standing", "tree")

    def __init__(self, tree: KeyTree, standing: Standing | None = None) -> None:
        self.tree = tree
        self.standing = {} if standing is None else standing

    def copy(self) -> Place:
        return Place(self.tree, dict(self.standing))

    def value_at(self, key: KeyPath, name: str | None) -> object:
        """The value (None: absent), or for `name` None whether the key is there."""
        tree = self.tree.at(key)
        if name is None:
            return tree is not None
        return None if tree is None else tree.value(name)


def cell(key: KeyPath, name: str | None) -> Cell:
    """The cell of a value, or of the key itself."""
    return key.folded, None if name is None else upcase(name)


class Ledger:
    """What stands where. `take` is its only door: it reads an event and fills in what only a ledger knows."""

    def __init__(self, begin: Begin) -> None:
        self.nodes = {node: Place(tree) for node, tree in begin.registry.items()}
        self.setup = dict(begin.registry)
        self.flushed = {node: place.copy() for node, place in self.nodes.items()}
        self.database = Place(EMPTY.with_key(KeyPath.parse("Cluster"), begin.database))
        self.newest: dict[tuple[str, KeyPath], Image] = {}
        self.previous: dict[tuple[str, KeyPath], Image] = {}
        self.saving: dict[int, Image] = {}
        self.merging: dict[tuple[str, KeyPath], Image] = {}
        for checkpoint in begin.checkpoints:
            owner = begin.resources[checkpoint.resource].node
            tree = self.nodes[owner].tree.at(physical(checkpoint.key))
            assert tree is not None, f"{owner} has no {checkpoint.key.hklm} to begin with"
            image = Image(checkpoint.version, tree.without_volatile(), {})
            self.newest[checkpoint.resource, checkpoint.key] = image

    def copy(self) -> Ledger:
        """An independent ledger that knows the same."""
        other = Ledger.__new__(Ledger)
        other.nodes = {node: place.copy() for node, place in self.nodes.items()}
        other.setup = self.setup
        other.flushed = {node: place.copy() for node, place in self.flushed.items()}
        other.database = self.database.copy()
        other.newest, other.previous, other.saving = dict(self.newest), dict(self.previous), dict(self.saving)
        other.merging = dict(self.merging)
        return other

    def place_of(self, node: str, key: KeyPath) -> Place:
        """Where a write to `key` on `node` lands: that node's registry, or the one cluster database."""
        return self.database if key.folded[:1] == (DATABASE,) else self.nodes[node]

    def take(self, event: AnyEvent) -> AnyEvent:
        """The event with `replaced`, `writes` and `undone` filled in; the ledger moves on by it."""
        taker = _TAKERS.get(type(event))
        return event if taker is None else taker(self, event)

    # --- one method for each kind of event that moves data ------------------------------------------------

    def _write(self, event: Write) -> AnyEvent:
        if event.rejected:
            return event
        assert event.node is not None
        place = self.place_of(event.node, event.key)
        replaced = _make(place, event)
        return msgspec.structs.replace(event, replaced=replaced) if replaced else event

    def _save_started(self, event: SaveStarted) -> AnyEvent:
        assert event.node is not None
        if event.trigger is Trigger.MERGE:
            merged = self.merging.pop((event.resource, event.key))
            self.saving[event.id] = msgspec.structs.replace(merged, version=event.version)
            return msgspec.structs.replace(event, writes=_ids(merged.standing))
        place, key = self.nodes[event.node], physical(event.key)
        tree = place.tree.at(key)
        assert tree is not None, f"event {event.id} saves {event.key.hklm}, which is not on {event.node}"
        image = tree.without_volatile()
        standing = {at: ids for at, ids in _below(place.standing, key) if image is tree or _stored(image, key, at)}
        self.saving[event.id] = Image(event.version, image, standing)
        return msgspec.structs.replace(event, writes=_ids(standing)) if standing else event

    def _saved(self, event: Saved) -> AnyEvent:
        # The version is the one under which it landed: another save of the key may have come between.
        image = msgspec.structs.replace(self.saving.pop(event.save), version=event.version)
        place = event.resource, event.key
        before = self.newest.get(place)
        if before is not None:
            self.previous[place] = before
            image = _with_equal(image, before, physical(event.key))
        self.newest[place] = image
        writes = _ids(image.standing)
        return msgspec.structs.replace(event, writes=writes) if writes else event

    def _save_failed(self, event: SaveFailed) -> AnyEvent:
        if event.save is None:
            return event
        image = self.saving.pop(event.save)
        return msgspec.structs.replace(event, writes=_ids(image.standing))

    def _merged(self, event: Merged) -> AnyEvent:
        """The newest image, with what stands locally in place of what is changed in it."""
        before = self.newest[event.resource, event.key]
        assert event.node is not None
        local, key = self.nodes[event.node], physical(event.key)
        place = Place(EMPTY.with_key(key, before.tree), dict(before.standing))
        for change in event.changes:
            at = cell(change.key, change.value)
            place.tree = _changed_tree(place.tree, change)
            place.standing.pop(at, None)
            if at in local.standing:
                place.standing[at] = local.standing[at]
        tree = place.tree.at(key)
        assert tree is not None, f"event {event.id} merges {event.key.hklm} away"
        self.merging[event.resource, event.key] = Image(before.version, tree, place.standing)
        return self._quarantined(event)

    def _quarantined(self, event: Merged | Quarantined) -> AnyEvent:
        assert event.node is not None
        standing = self.nodes[event.node].standing
        writes = {write for each in event.changes for write in standing.get(cell(each.key, each.value), ())}
        return msgspec.structs.replace(event, writes=tuple(sorted(writes)))

    def _restored(self, event: Restored) -> AnyEvent:
        assert event.node is not None
        image = self._image(event.resource, event.key, event.version)
        place, key = self.nodes[event.node], physical(event.key)
        local = place.tree.at(key)
        undone: list[int] = []
        changed: set[Cell] = set()
        for at in _changed(EMPTY if local is None else local, image.tree, key):
            changed.add(at)
            undone.extend(place.standing.pop(at, ()))
        if local is None:
            for depth in range(1, len(key) + 1):
                undone.extend(place.standing.pop((key.folded[:depth], None), ()))
        for at, ids in image.standing.items():
            place.standing[at] = _merged(place.standing.get(at, ()), ids)
        place.tree = place.tree.with_key(key, image.tree)
        writes = _ids(image.standing)
        return msgspec.structs.replace(event, writes=writes, undone=tuple(sorted(undone)))

    def _image(self, resource: str, key: KeyPath, version: int) -> Image:
        for images in (self.newest, self.previous):
            image = images.get((resource, key))
            if image is not None and image.version == version:
                return image
        raise HistoryError(f"no image of {key} for {resource!r} has version {version}")

    def _removed(self, event: CheckpointRemoved) -> AnyEvent:
        self.newest.pop((event.resource, event.key), None)
        self.previous.pop((event.resource, event.key), None)
        return event

    def _damaged(self, event: ImageDamaged) -> AnyEvent:
        place = event.resource, event.key
        self.newest.pop(place, None)
        before = self.previous.pop(place, None)
        if event.left is not None:
            assert before is not None, f"event {event.id} leaves version {event.left}, which was never saved"
            self.newest[place] = before
        return event

    def _hive_flushed(self, event: HiveFlushed) -> AnyEvent:
        assert event.node is not None
        self.flushed[event.node] = self.nodes[event.node].copy()
        return event

    def _elsewhere(self, node: str) -> set[int]:
        """The writes that stand in some image, or on another node."""
        places = [image.standing for image in self.newest.values()]
        places += [place.standing for name, place in self.nodes.items() if name != node]
        return {write for standing in places for ids in standing.values() for write in ids}

    def _reverted(self, event: HiveReverted) -> AnyEvent:
        assert event.node is not None
        now = self.nodes[event.node]
        before = Place(self.setup[event.node]) if event.to == "setup" else self.flushed[event.node].copy()
        before = Place(before.tree.without_volatile(), before.standing)
        undone: list[int] = []
        for at in _changed(now.tree, before.tree, KeyPath(())):
            undone.extend(now.standing.pop(at, ()))
        standing = dict(before.standing)
        for at, ids in now.standing.items():
            standing[at] = _merged(standing.get(at, ()), ids)
        if event.to == "setup":  # the disk is gone with all that stood on it, equal or not
            gone = {*undone, *(write for ids in standing.values() for write in ids)}
            undone = sorted(gone - self._elsewhere(event.node))  # lost is only what had its only copy here
            standing = {}
        self.nodes[event.node] = Place(before.tree, standing)
        self.flushed[event.node] = self.nodes[event.node].copy()
        return msgspec.structs.replace(event, undone=tuple(sorted(undone)))


_TAKERS: dict[type, Callable[[Ledger, Any], AnyEvent]] = {
    Write: Ledger._write,
    SaveStarted: Ledger._save_started,
    Saved: Ledger._saved,
    SaveFailed: Ledger._save_failed,
    Merged: Ledger._merged,
    Quarantined: Ledger._quarantined,
    Restored: Ledger._restored,
    CheckpointRemoved: Ledger._removed,
    ImageDamaged: Ledger._damaged,
    HiveFlushed: Ledger._hive_flushed,
    HiveReverted: Ledger._reverted,
}


def _make(place: Place, event: Write) -> tuple[int, ...]:
    """Make the write in the place; the ids of those it replaced there."""
    at = cell(event.key, event.value)
    tree = place.tree.at(event.key)
    before = (tree is not None) if event.value is None else None if tree is None else tree.value(event.value)
    after = event.change is not Change.DELETE if event.value is None else event.data
    replaced: tuple[int, ...] = ()
    if before == after:
        place.standing[at] = (*place.standing.get(at, ()), event.write)
    else:
        replaced = place.standing.pop(at, ())
        place.standing[at] = (event.write,)
    if tree is None and event.change is not Change.DELETE:
        # The missing keys above come to be with it: no writes of their own, but their absence ends here.
        for depth in range(1, len(event.key) + (event.value is not None)):
            above = event.key.folded[:depth]
            if (above, None) in place.standing and place.tree.at(event.key.names[:depth]) is None:
                replaced += place.standing.pop((above, None))
    place.tree = _changed_tree(place.tree, event)
    return tuple(sorted(replaced))


def _changed_tree(tree: KeyTree, event: Write | LocalChange) -> KeyTree:
    match event.change:
        case Change.SET:
            assert event.value is not None
            assert event.data is not None
            return tree.with_value(event.key, event.value, event.data)
        case Change.CREATE:
            return tree.with_key(event.key) if tree.at(event.key) is None else tree
        case Change.DELETE if event.value is None:
            return tree.without_key(event.key)
        case Change.DELETE:
            assert event.value is not None
            return tree.without_value(event.key, event.value)


def _below(standing: Standing, key: KeyPath) -> Iterator[tuple[Cell, tuple[int, ...]]]:
    depth, folded = len(key), key.folded
    return ((at, ids) for at, ids in standing.items() if at[0][:depth] == folded)


def _stored(image: KeyTree, key: KeyPath, at: Cell) -> bool:
    """Whether an image without the volatile keys still speaks for this cell (a volatile key is never saved)."""
    names, name = at
    tree = image.at(names[len(key) :])
    return tree is not None and (name is None or tree.value(name) is not None)


def _with_equal(image: Image, before: Image, key: KeyPath) -> Image:
    """The new image, with those writes of the older one whose data it holds as well: equal data ends nothing."""
    if not before.standing:
        return image
    changed = set(_changed(before.tree, image.tree, key))
    standing = dict(image.standing)
    for at, ids in before.standing.items():
        if at not in changed:
            standing[at] = _merged(ids, standing.get(at, ()))
    return Image(image.version, image.tree, standing)


def _changed(before: KeyTree, after: KeyTree, key: KeyPath) -> Iterator[Cell]:
    """The cells that differ between two trees of `key`."""
    for change in diff(before, after):
        folded = key.folded + tuple(upcase(name) for name in change.path)
        yield folded, None if change.name is None else upcase(change.name)


def _merged(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    if not first or first == second:
        return second
    return tuple(sorted({*first, *second}))


def _ids(standing: Standing) -> tuple[int, ...]:
    return tuple(sorted({write for ids in standing.values() for write in ids}))
