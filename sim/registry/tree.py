"""The registry as an immutable value: keys with values and subkeys, shared structure, incremental digests.

A changed tree shares all that did not change with the one it came from, so that keeping an old one is free and
comparing two costs what differs. Names are compared as Windows compares them and kept as first written
(domain.md 96); their case is presentation, no part of equality, digest or difference.

Holds:  equal contents have equal shape, digest and order, in whatever order they were built, on any machine;
        `a == b` exactly where `a.digest == b.digest`, exactly where `diff(a, b)` is empty.
Cost:   a change is O(depth + log of the siblings); a digest is computed once for each node that is new.
Depth:  no verb recurses over keys: a registry may be deeper (512 levels, domain.md 95) than Python's stack likes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from hashlib import blake2b
from typing import Generic, TypeVar
from zlib import crc32

import msgspec

from sim.registry.names import KeyPath, upcase
from sim.registry.values import Value

T = TypeVar("T")

_LEAF = 16
_BITS = 5
_LEVELS = 7  # 7 times 5 bits use up the 32 of a CRC; a leaf below that may grow


class NameMap(Generic[T]):
    """An immutable map from names to items, which compares names as Windows does and keeps their first case.

    Up to 16 entries are a leaf (a dict of folded name to name and item), more are 32 branches by the CRC of the
    folded name: the shape depends on the names alone. Iterates over names and items, by folded name.
    """

    __slots__ = ("_branches", "_digest", "_leaf", "_level", "_size", "_sorted")

    def __init__(self) -> None:
        self._leaf: dict[str, tuple[str, T]] = {}
        self._branches: tuple[NameMap[T] | None, ...] = ()  # empty: this node is a leaf
        self._level = 0
        self._size = 0
        self._digest: bytes | None = None
        self._sorted: tuple[tuple[str, T], ...] | None = None

    @staticmethod
    def of(pairs: Iterable[tuple[str, T]]) -> NameMap[T]:
        """A map of many at once. Of names that Windows takes for equal, the first gives the case, the last the item."""
        entries: dict[str, tuple[str, T]] = {}
        for name, item in pairs:
            folded = upcase(name)
            entries[folded] = (entries[folded][0] if folded in entries else name, item)
        return _node(entries, 0)

    @staticmethod
    def of_entries(entries: dict[str, tuple[str, T]]) -> NameMap[T]:
        """A map of folded names to names and items, for a reader of many; the dict is the map's from then on."""
        return _node(entries, 0)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[tuple[str, T]]:
        return iter(self.items())

    def items(self) -> tuple[tuple[str, T], ...]:
        """Names and items, in the order of the folded names; sorted once."""
        if self._sorted is None:
            self._sorted = tuple(entry for _, entry in sorted(self._entries(), key=_by_name))
        return self._sorted

    def get(self, name: str) -> T | None:
        """The item of that name, None where there is none."""
        entry = self.entry(upcase(name))
        return None if entry is None else entry[1]

    def entry(self, folded: str) -> tuple[str, T] | None:
        """The name as stored, and its item; None where there is none."""
        node = self
        while node._branches:
            branch = node._branches[_slot(folded, node._level)]
            if branch is None:
                return None
            node = branch
        return node._leaf.get(folded)

    def with_item(self, name: str, item: T) -> NameMap[T]:
        """The map with that item, itself where it is there; a name that is there keeps its case."""
        return self.with_entry(upcase(name), name, item)

    def with_entry(self, folded: str, name: str, item: T) -> NameMap[T]:
        """As `with_item`, for a caller that has folded the name already."""
        if self._branches:
            slot = _slot(folded, self._level)
            branch = self._branches[slot]
            if branch is None:
                return self._with_branch(slot, _leaf({folded: (name, item)}, self._level + 1))
            changed = branch.with_entry(folded, name, item)
            return self if changed is branch else self._with_branch(slot, changed)
        before = self._leaf.get(folded)
        if before is not None and before[1] is item:
            return self
        entries = {**self._leaf, folded: (name if before is None else before[0], item)}
        return _leaf(entries, self._level) if len(entries) <= _LEAF else _node(entries, self._level)

    def without(self, name: str) -> NameMap[T]:
        """The map without that name; itself where the name is not there."""
        return self._without(upcase(name))

    def _without(self, folded: str) -> NameMap[T]:
        if not self._branches:
            if folded not in self._leaf:
                return self
            return _leaf({other: entry for other, entry in self._leaf.items() if other != folded}, self._level)
        slot = _slot(folded, self._level)
        branch = self._branches[slot]
        changed = None if branch is None else branch._without(folded)
        if changed is None or changed is branch:
            return self
        smaller = self._with_branch(slot, changed if changed._size else None)
        return smaller if smaller._size > _LEAF else _leaf(dict(smaller._entries()), self._level)

    def _with_branch(self, slot: int, branch: NameMap[T] | None) -> NameMap[T]:
        return _fork((*self._branches[:slot], branch, *self._branches[slot + 1 :]), self._level)

    def _entries(self) -> Iterator[tuple[str, tuple[str, T]]]:
        yield from self._leaf.items()
        for branch in self._branches:
            if branch is not None:
                yield from branch._entries()

    def digest(self, of: Callable[[T], bytes]) -> bytes:
        """16 bytes over the folded names and the items, given that of an item; computed once for each node."""
        if self._digest is None:
            # The first byte keeps leaves and forks apart, the lengths keep names and items apart.
            state = blake2b(b"fork" if self._branches else b"leaf", digest_size=16)
            for folded, (_, item) in sorted(self._leaf.items(), key=_by_name):
                state.update(_framed(folded.encode("utf-16-le", "surrogatepass")) + of(item))
            for slot, branch in enumerate(self._branches):
                if branch is not None:
                    state.update(bytes((slot,)) + branch.digest(of))
            self._digest = state.digest()
        return self._digest

    def undigested(self) -> Iterator[T]:
        """The items that `digest` has not seen yet, and some of their neighbours."""
        if self._digest is None:
            for _, item in self._leaf.values():
                yield item
            for branch in self._branches:
                if branch is not None:
                    yield from branch.undigested()

    def pairs(self, other: NameMap[T]) -> list[tuple[T, T]] | None:
        """The items of each name that are two objects, in no order; None where the names are not the same."""
        if self is other:
            return []
        if self._size != other._size:
            return None
        if not self._branches:  # nor has the other: of one size, and names alone decide the shape
            if self._leaf.keys() != other._leaf.keys():
                return None
            both = [(entry[1], other._leaf[folded][1]) for folded, entry in self._leaf.items()]
            return [(mine, theirs) for mine, theirs in both if mine is not theirs]
        found: list[tuple[T, T]] = []
        for mine, theirs in zip(self._branches, other._branches, strict=True):
            if mine is theirs:
                continue
            below = None if mine is None or theirs is None else mine.pairs(theirs)
            if below is None:
                return None
            found += below
        return found

    def differences(self, other: NameMap[T], of: Callable[[T], bytes]) -> list[tuple[str, T | None, T | None]]:
        """Name, item here and item there of each entry that differs, by folded name; skips equal branches."""
        found = sorted(self._differing(other, of), key=_by_name)
        return [(name, before, after) for _, (name, before, after) in found]

    def _differing(
        self, other: NameMap[T], of: Callable[[T], bytes]
    ) -> Iterator[tuple[str, tuple[str, T | None, T | None]]]:
        if self is other or (self._digest is not None and self._digest == other._digest):
            return
        if self._branches and other._branches:
            nothing: NameMap[T] = NameMap()
            for mine, theirs in zip(self._branches, other._branches, strict=True):
                if mine is not theirs:
                    yield from (mine or nothing)._differing(theirs or nothing, of)
            return
        before, after = dict(self._entries()), dict(other._entries())
        for folded, (name, item) in before.items():
            there = after.get(folded)
            if there is None or (there[1] is not item and there[1] != item):
                yield folded, (name, item, None if there is None else there[1])
        for folded, (name, item) in after.items():
            if folded not in before:
                yield folded, (name, None, item)


def _by_name(entry: tuple[str, object]) -> str:
    return entry[0]


def _slot(folded: str, level: int) -> int:
    return (crc32(folded.encode("utf-16-le", "surrogatepass")) >> _BITS * level) & 31


def _leaf(entries: dict[str, tuple[str, T]], level: int) -> NameMap[T]:
    node: NameMap[T] = NameMap()
    node._leaf, node._level, node._size = entries, level, len(entries)
    return node


def _fork(branches: tuple[NameMap[T] | None, ...], level: int) -> NameMap[T]:
    node: NameMap[T] = NameMap()
    node._branches, node._level = branches, level
    node._size = sum(branch._size for branch in branches if branch is not None)
    return node


def _node(entries: dict[str, tuple[str, T]], level: int) -> NameMap[T]:
    """Entries in their one shape: a leaf where they are few or no bits are left, else a fork of nodes."""
    if len(entries) <= _LEAF or level == _LEVELS:
        return _leaf(entries, level)
    parts: list[dict[str, tuple[str, T]]] = [{} for _ in range(1 << _BITS)]
    for folded, entry in entries.items():
        parts[_slot(folded, level)][folded] = entry
    return _fork(tuple(_node(part, level + 1) if part else None for part in parts), level)


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "little") + data


def _value_digest(value: Value) -> bytes:
    return value.type.to_bytes(4, "little") + _framed(value.data)


def _key_digest(tree: KeyTree) -> bytes:
    return tree.digest


_NO_VALUES: NameMap[Value] = NameMap()
_NO_KEYS: NameMap[KeyTree] = NameMap()


class KeyTree:
    """A key with all below it, as an immutable value. It is nameless: its parent's map holds its name.

    `class_name` and `volatile` are contents, part of equality. Paths are relative to it: a `KeyPath` or names.
    """

    __slots__ = ("_digest", "_has_volatile", "class_name", "keys", "values", "volatile")

    def __init__(
        self,
        values: NameMap[Value] = _NO_VALUES,
        keys: NameMap[KeyTree] = _NO_KEYS,
        class_name: str | None = None,
        volatile: bool = False,
    ) -> None:
        self.values = values
        self.keys = keys
        self.class_name = class_name
        self.volatile = volatile
        self._digest: bytes | None = None
        self._has_volatile: bool | None = None if keys and not volatile else volatile

    @staticmethod
    def built(values: Iterable[tuple[str, Value]] = (), keys: Iterable[tuple[str, KeyTree]] = ()) -> KeyTree:
        """A key of many values and subkeys at once (`NameMap.of`)."""
        return KeyTree(NameMap.of(values), NameMap.of(keys))

    @staticmethod
    def stable(values: NameMap[Value], keys: NameMap[KeyTree], class_name: str | None) -> KeyTree:
        """A key of which it is known that nothing in it is volatile, as a hive holds it."""
        tree = KeyTree(values, _NO_KEYS, class_name)
        tree.keys = keys
        return tree

    # --- reading ------------------------------------------------------------------------------------------

    def at(self, path: KeyPath | Iterable[str]) -> KeyTree | None:
        """The key at that path, None where there is none."""
        tree = self
        for folded in path.folded if isinstance(path, KeyPath) else map(upcase, path):
            entry = tree.keys.entry(folded)
            if entry is None:
                return None
            tree = entry[1]
        return tree

    def value(self, name: str) -> Value | None:
        """The value of that name ("" is the default value), None where there is none."""
        return self.values.get(name)

    def walk(self) -> Iterator[tuple[tuple[str, ...], KeyTree]]:
        """Each key with the names that lead to it: itself first, then what is below, depth first, in order."""
        pending: list[tuple[tuple[str, ...], KeyTree]] = [((), self)]
        while pending:
            names, tree = pending.pop()
            yield names, tree
            pending.extend(((*names, name), child) for name, child in reversed(tree.keys.items()))

    def count_values(self) -> int:
        """How many values stand in this key and below it."""
        return sum(len(tree.values) for _, tree in self.walk())

    # --- equality -----------------------------------------------------------------------------------------

    @property
    def digest(self) -> bytes:
        """16 bytes that are equal exactly where trees are."""
        if self._digest is None:
            for tree in reversed(self._undigested()):
                if tree._digest is None:
                    tree._digest = tree._digest_here()
            assert self._digest is not None, "the key itself is the first of the undigested"
        return self._digest

    def _undigested(self) -> list[KeyTree]:
        """This key and those below it that have no digest yet, each before all that is below it."""
        found: list[KeyTree] = []
        pending = [self]
        while pending:
            tree = pending.pop()
            found.append(tree)
            pending.extend(child for child in tree.keys.undigested() if child._digest is None)
        return found

    def _digest_here(self) -> bytes:
        named = b"-" if self.class_name is None else b"+" + self.class_name.encode("utf-16-le", "surrogatepass")
        state = blake2b(b"v" if self.volatile else b"s", digest_size=16)
        state.update(_framed(named) + self.values.digest(_value_digest) + self.keys.digest(_key_digest))
        return state.digest()

    def __eq__(self, other: object) -> bool:
        """By contents. Looks only at what the two do not share; digests that are known decide at once."""
        if not isinstance(other, KeyTree):
            return NotImplemented
        pending = [(self, other)]
        while pending:
            one, two = pending.pop()
            if one is two:
                continue
            if one._digest is not None and two._digest is not None:
                if one._digest != two._digest:
                    return False
                continue
            values, keys = one.values.pairs(two.values), one.keys.pairs(two.keys)
            if values is None or keys is None or any(mine != theirs for mine, theirs in values):
                return False
            if one.volatile != two.volatile or one.class_name != two.class_name:
                return False
            pending += keys
        return True

    def __hash__(self) -> int:
        return int.from_bytes(self.digest[:8], "little")

    def __repr__(self) -> str:
        return f"<KeyTree {len(self.values)} values, {len(self.keys)} keys, {self.digest.hex()[:8]}>"

    def __reduce__(self) -> tuple[Callable[[tuple[_Row, ...]], KeyTree], tuple[tuple[_Row, ...]]]:
        return _rebuilt, (tuple(_rows(self)),)  # flat: pickle recurses

    # --- changing -----------------------------------------------------------------------------------------

    def with_value(self, path: KeyPath | Iterable[str], name: str, value: Value) -> KeyTree:
        """The tree with that value, itself where it is there; missing keys are created."""
        return self._changed(path, lambda tree: tree._with_value(name, value))

    def without_value(self, path: KeyPath | Iterable[str], name: str) -> KeyTree:
        """The tree without that value; itself where the value is not there."""
        path = _path(path)
        return self if self.at(path) is None else self._changed(path, lambda tree: tree._without_value(name))

    def with_key(self, path: KeyPath | Iterable[str], tree: KeyTree | None = None) -> KeyTree:
        """The tree with `tree` (an empty key) at that path, in place of what was there; missing keys are created.

        A key that is there keeps the case of its name.
        """
        return self._changed(path, lambda _: EMPTY if tree is None else tree)

    def without_key(self, path: KeyPath | Iterable[str]) -> KeyTree:
        """The tree without that key and all below it; itself where it is not there. ValueError for the empty path."""
        path = _path(path)
        if not path.names:
            raise ValueError("a tree cannot be without itself")
        if self.at(path) is None:
            return self
        return self._changed(path.names[:-1], lambda tree: tree._with_keys(tree.keys.without(path.name), None))

    def _changed(self, path: KeyPath | Iterable[str], change: Callable[[KeyTree], KeyTree]) -> KeyTree:
        path = _path(path)
        above: list[KeyTree] = []
        tree = self
        for folded in path.folded:
            above.append(tree)
            entry = tree.keys.entry(folded)
            tree = EMPTY if entry is None else entry[1]
        tree = change(tree)
        for folded, name in zip(reversed(path.folded), reversed(path.names), strict=True):
            parent = above.pop()
            tree = parent._with_keys(parent.keys.with_entry(folded, name, tree), tree)
        return tree

    def _with_keys(self, keys: NameMap[KeyTree], child: KeyTree | None) -> KeyTree:
        """This key with other subkeys; `child` is the one that is new among them, None where one went."""
        if keys is self.keys:
            return self
        tree = KeyTree(self.values, keys, self.class_name, self.volatile)
        # Hardly anything is volatile, and to ask all siblings again at each change would cost what exists.
        if self._has_volatile is False and (child is None or child._has_volatile is False):
            tree._has_volatile = False
        return tree

    def _with_value(self, name: str, value: Value) -> KeyTree:
        return self if self.values.get(name) == value else self._with_values(self.values.with_item(name, value))

    def _without_value(self, name: str) -> KeyTree:
        return self._with_values(self.values.without(name))

    def _with_values(self, values: NameMap[Value]) -> KeyTree:
        if values is self.values:
            return self
        tree = KeyTree(values, self.keys, self.class_name, self.volatile)
        tree._has_volatile = self._has_volatile
        return tree

    # --- volatile keys ------------------------------------------------------------------------------------

    @property
    def has_volatile(self) -> bool:
        """Whether this key or one below it is volatile."""
        if self._has_volatile is None:
            unknown = [self]
            for tree in unknown:  # grows while it is walked
                unknown.extend(child for _, child in tree.keys.items() if child._has_volatile is None)
            for tree in reversed(unknown):
                assert not tree.volatile, "of a volatile key it was known from the start"
                tree._has_volatile = any(child._has_volatile for _, child in tree.keys.items())
            assert self._has_volatile is not None, "the key itself is the first of the unknown"
        return self._has_volatile

    def without_volatile(self) -> KeyTree:
        """The tree as a hive file holds it (domain.md 97); itself where nothing is volatile.

        The key itself stays, as a stable one (assumed: what RegSaveKey does with a volatile key is not documented).
        """
        if not self.has_volatile:
            return self
        stable = KeyTree(self.values, self.keys, self.class_name)
        pending: list[tuple[tuple[str, ...], KeyTree]] = [((), self)]
        while pending:
            names, tree = pending.pop()
            for name, child in tree.keys.items():
                if child.volatile:
                    stable = stable.without_key((*names, name))
                elif child.has_volatile:
                    pending.append(((*names, name), child))
        return stable


EMPTY = KeyTree()
"""A key without values and subkeys."""

_Row = tuple[int, str, tuple[tuple[str, Value], ...], str | None, bool]
"""One key, flat: the row of its parent, its name, its values, class name and volatility."""


def _path(path: KeyPath | Iterable[str]) -> KeyPath:
    if isinstance(path, KeyPath):
        return path
    assert not isinstance(path, str), f"{path!r} is a text; KeyPath.parse makes a path of it"
    return KeyPath(path)


def _rows(tree: KeyTree) -> Iterator[_Row]:
    pending = [(-1, "", tree)]
    count = 0
    while pending:
        parent, name, key = pending.pop()
        yield parent, name, key.values.items(), key.class_name, key.volatile
        pending.extend((count, name, child) for name, child in reversed(key.keys.items()))
        count += 1


def _rebuilt(rows: tuple[_Row, ...]) -> KeyTree:
    below: list[list[tuple[str, KeyTree]]] = [[] for _ in rows]
    for (parent, name, values, class_name, volatile), keys in zip(reversed(rows), reversed(below), strict=True):
        tree = KeyTree(NameMap.of(values), NameMap.of(reversed(keys)), class_name, volatile)
        if parent >= 0:
            below[parent].append((name, tree))
    return tree


class ChangeKind(StrEnum):
    """What became of a key or value between two trees."""

    CREATED = "created"  # a key appeared
    SET = "set"  # a value appeared or has other data
    DELETED = "deleted"  # a key or value vanished


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference: a value of the key at `path`, or the key itself (`name` None).

    `before` and `after` are a value's data (None: absent); `class_name` and `volatile` are those of a created key.
    """

    path: tuple[str, ...]
    name: str | None = None
    before: Value | None = None
    after: Value | None = None
    kind: ChangeKind
    class_name: str | None = None
    volatile: bool = False


def diff(before: KeyTree, after: KeyTree) -> Iterator[Change]:
    """What turns one tree into the other, in a fixed order; costs what differs.

    A key that appears is CREATED before what is in it; a key that vanishes is DELETED after all that was in it,
    deepest first. A key of other class name or volatility vanishes and appears again, with all below it; the
    compared key itself cannot vanish and is only CREATED.
    """
    pending: list[tuple[tuple[str, ...], KeyTree | None, KeyTree | None]] = [((), before, after)]
    while pending:
        path, old, new = pending.pop()
        if old is None:
            assert new is not None, f"{path} is absent in both"
            yield Change(path=path, kind=ChangeKind.CREATED, class_name=new.class_name, volatile=new.volatile)
            old = EMPTY
        elif new is None:
            yield from _vanishing(path, old)
            continue
        elif old == new:
            continue
        elif old.class_name != new.class_name or old.volatile != new.volatile:
            if path:
                pending += [(path, None, new), (path, old, None)]
                continue
            yield Change(path=path, kind=ChangeKind.CREATED, class_name=new.class_name, volatile=new.volatile)
        for name, data, other in old.values.differences(new.values, _value_digest):
            kind = ChangeKind.DELETED if other is None else ChangeKind.SET
            yield Change(path=path, name=name, before=data, after=other, kind=kind)
        below = old.keys.differences(new.keys, _key_digest)
        pending.extend(((*path, name), child, other) for name, child, other in reversed(below))


def _vanishing(path: tuple[str, ...], tree: KeyTree) -> Iterator[Change]:
    for names, key in reversed(list(tree.walk())):
        gone = (*path, *names)
        for name, value in key.values.items():
            yield Change(path=gone, name=name, before=value, kind=ChangeKind.DELETED)
        yield Change(path=gone, kind=ChangeKind.DELETED)


def apply(tree: KeyTree, changes: Iterable[Change]) -> KeyTree:
    """The tree with the changes made, in their order: `apply(a, diff(a, b)) == b`."""
    for change in changes:
        if change.name is not None:
            if change.after is None:
                tree = tree.without_value(change.path, change.name)
            else:
                tree = tree.with_value(change.path, change.name, change.after)
        elif change.kind is ChangeKind.DELETED:
            tree = tree.without_key(change.path)
        else:
            here = tree if not change.path else EMPTY  # the compared key itself keeps what is in it
            tree = tree.with_key(change.path, KeyTree(here.values, here.keys, change.class_name, change.volatile))
    return tree
