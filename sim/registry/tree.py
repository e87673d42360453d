"""The registry as an immutable value: keys with values and subkeys, shared structure, incremental digests.

A changed tree shares all that did not change with the one it came from, so that keeping an old one is free and
comparing two costs what differs. Names are compared as Windows compares them and kept as first written; their
case is presentation, no part of equality or digest.

Cost:   a change is O(depth + log of the siblings); a digest is computed once for each node that is new.
Holds:  equal contents have equal shape, digest and order, in whatever order they were built, on any machine.
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
_LEVELS = 7  # 7 times 5 bits use up the 32 of a CRC; below that a leaf may grow


class NameMap(Generic[T]):
    """An immutable map from names to items: a leaf (a dict of folded name to name and item) or 32 branches.

    A map of up to 16 entries is a leaf, a larger one branches by the CRC of the folded name: the shape depends on
    the names alone. Iterates in the order of the folded names.
    """

    __slots__ = ("_branches", "_digest", "_leaf", "_level", "_sorted", "size")

    def __init__(
        self,
        leaf: dict[str, tuple[str, T]] | None = None,
        branches: tuple[NameMap[T] | None, ...] | None = None,
        level: int = 0,
    ) -> None:
        self._leaf = {} if leaf is None and branches is None else leaf
        self._branches = branches
        self._level = level
        self._digest: bytes | None = None
        self._sorted: tuple[tuple[str, T], ...] | None = None
        if branches is None:
            assert self._leaf is not None
            self.size = len(self._leaf)
        else:
            self.size = sum(branch.size for branch in branches if branch is not None)

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[tuple[str, T]]:
        """Names and items, in the order of the folded names."""
        return iter(self.items())

    def items(self) -> tuple[tuple[str, T], ...]:
        """Names and items, in the order of the folded names."""
        if self._sorted is None:
            entries = dict(self._entries())
            self._sorted = tuple(entries[folded] for folded in sorted(entries))
        return self._sorted

    def get(self, name: str) -> T | None:
        """The item of that name, None where there is none."""
        entry = self.entry(upcase(name))
        return None if entry is None else entry[1]

    def entry(self, folded: str) -> tuple[str, T] | None:
        """The name as stored, and its item."""
        node = self
        while node._branches is not None:
            branch = node._branches[_slot(folded, node._level)]
            if branch is None:
                return None
            node = branch
        assert node._leaf is not None
        return node._leaf.get(folded)

    def with_item(self, name: str, item: T) -> NameMap[T]:
        """The map with that item; a name that is there keeps the case in which it was first written."""
        return self._put(upcase(name), name, item)

    def _put(self, folded: str, name: str, item: T) -> NameMap[T]:
        if self._branches is None:
            assert self._leaf is not None
            before = self._leaf.get(folded)
            if before is not None:
                if before[1] is item:
                    return self
                name = before[0]
            leaf = {**self._leaf, folded: (name, item)}
            if len(leaf) <= _LEAF or self._level >= _LEVELS:
                return NameMap(leaf, None, self._level)
            return _branched(leaf, self._level)
        slot = _slot(folded, self._level)
        branch = self._branches[slot] or NameMap({}, None, self._level + 1)
        changed = branch._put(folded, name, item)
        return self if changed is branch else self._with_branch(slot, changed)

    def without(self, name: str) -> NameMap[T]:
        """The map without that name; itself where the name is not there."""
        return self._drop(upcase(name))

    def _drop(self, folded: str) -> NameMap[T]:
        if self._branches is None:
            assert self._leaf is not None
            if folded not in self._leaf:
                return self
            return NameMap({key: entry for key, entry in self._leaf.items() if key != folded}, None, self._level)
        slot = _slot(folded, self._level)
        branch = self._branches[slot]
        changed = None if branch is None else branch._drop(folded)
        if changed is branch:
            return self
        assert changed is not None
        smaller = self._with_branch(slot, changed if changed.size else None)
        if smaller.size > _LEAF:
            return smaller
        return NameMap(dict(smaller._entries()), None, self._level)

    def _with_branch(self, slot: int, branch: NameMap[T] | None) -> NameMap[T]:
        assert self._branches is not None
        return NameMap(None, (*self._branches[:slot], branch, *self._branches[slot + 1 :]), self._level)

    def _entries(self) -> Iterator[tuple[str, tuple[str, T]]]:
        if self._branches is None:
            assert self._leaf is not None
            yield from self._leaf.items()
        else:
            for branch in self._branches:
                if branch is not None:
                    yield from branch._entries()

    def digest(self, of: Callable[[T], bytes]) -> bytes:
        """A digest of names and items, given that of an item; computed once."""
        if self._digest is None:
            state = blake2b(digest_size=16)
            if self._branches is None:
                assert self._leaf is not None
                for folded in sorted(self._leaf):
                    state.update(_framed(folded.encode("utf-16-le", "surrogatepass")))
                    state.update(of(self._leaf[folded][1]))
            else:
                for slot, branch in enumerate(self._branches):
                    if branch is not None:
                        state.update(bytes((slot,)) + branch.digest(of))
            self._digest = state.digest()
        return self._digest

    def differences(self, other: NameMap[T], of: Callable[[T], bytes]) -> Iterator[tuple[str, T | None, T | None]]:
        """Name, item here and item there of each entry that differs, in the order of the folded names."""
        found = sorted(self._differing(other, of), key=lambda each: each[0])
        return ((name, before, after) for _, name, before, after in found)

    def _differing(
        self, other: NameMap[T], of: Callable[[T], bytes]
    ) -> Iterator[tuple[str, str, T | None, T | None]]:
        if self is other or self.digest(of) == other.digest(of):
            return
        if self._branches is not None and other._branches is not None:
            for mine, theirs in zip(self._branches, other._branches, strict=True):
                if mine is not theirs:
                    yield from (mine or NameMap({}))._differing(theirs or NameMap({}), of)
            return
        before, after = dict(self._entries()), dict(other._entries())
        for folded in before.keys() | after.keys():
            old, new = before.get(folded), after.get(folded)
            if old is None or new is None or of(old[1]) != of(new[1]):
                name = (new or old or ("",))[0]
                yield folded, name, None if old is None else old[1], None if new is None else new[1]


def _slot(folded: str, level: int) -> int:
    return (crc32(folded.encode("utf-16-le", "surrogatepass")) >> _BITS * level) & 31


def _branched(entries: dict[str, tuple[str, T]], level: int) -> NameMap[T]:
    """A map that branches at this level, and below wherever a branch is too large for a leaf."""
    parts: list[dict[str, tuple[str, T]] | None] = [None] * (1 << _BITS)
    for folded, entry in entries.items():
        slot = _slot(folded, level)
        part = parts[slot]
        if part is None:
            part = parts[slot] = {}
        part[folded] = entry
    return NameMap(None, tuple(None if part is None else _built(part, level + 1) for part in parts), level)


def _built(entries: dict[str, tuple[str, T]], level: int = 0) -> NameMap[T]:
    if len(entries) <= _LEAF or level >= _LEVELS:
        return NameMap(entries, None, level)
    return _branched(entries, level)


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "little") + data


def _value_digest(value: Value) -> bytes:
    return b"v" + value.type.to_bytes(8, "little", signed=False) + _framed(value.data)


def _key_digest(tree: KeyTree) -> bytes:
    return b"k" + tree.digest


_NO_VALUES: NameMap[Value] = NameMap()
_NO_KEYS: NameMap[KeyTree] = NameMap()


class KeyTree:
    """A key with all below it, as an immutable value. It is nameless: its parent's map holds its name.

    `class_name` and `volatile` are part of its contents. Paths are relative to it: a `KeyPath` or names.
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
        self._has_volatile: bool | None = None

    @property
    def digest(self) -> bytes:
        """16 bytes that are equal exactly where trees are."""
        if self._digest is None:
            self._digest_below()
            self._digest = self._digest_here()
        return self._digest

    def _digest_below(self) -> None:
        """Digest the keys below from the deepest up: a registry may be deeper than Python likes to recurse."""
        pending = [child for _, child in self.keys.items() if child._digest is None]
        order: list[KeyTree] = []
        while pending:
            tree = pending.pop()
            order.append(tree)
            pending.extend(child for _, child in tree.keys.items() if child._digest is None)
        for tree in reversed(order):
            tree._digest = tree._digest_here()

    def _digest_here(self) -> bytes:
        state = blake2b(digest_size=16)
        name = None if self.class_name is None else self.class_name.encode("utf-16-le", "surrogatepass")
        state.update(b"\x01" if self.volatile else b"\x00")
        state.update(b"-" if name is None else b"+" + _framed(name))
        state.update(self.values.digest(_value_digest))
        state.update(self.keys.digest(_key_digest))
        return state.digest()

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, KeyTree) and self.digest == other.digest)

    def __hash__(self) -> int:
        return int.from_bytes(self.digest[:8], "little")

    def __repr__(self) -> str:
        return f"<KeyTree {len(self.values)} values, {len(self.keys)} keys, {self.digest.hex()[:8]}>"

    def at(self, path: KeyPath | Iterable[str]) -> KeyTree | None:
        """The key at that path, None where there is none."""
        tree = self
        for folded in _folded(path):
            entry = tree.keys.entry(folded)
            if entry is None:
                return None
            tree = entry[1]
        return tree

    def value(self, name: str) -> Value | None:
        """The value of that name ("" is the default value), None where there is none."""
        return self.values.get(name)

    def with_value(self, path: KeyPath | Iterable[str], name: str, value: Value) -> KeyTree:
        """The tree with that value; missing keys are created."""
        return self._changed(_names(path), lambda tree: tree._replaced(values=tree.values.with_item(name, value)))

    def without_value(self, path: KeyPath | Iterable[str], name: str) -> KeyTree:
        """The tree without that value; itself where it is not there."""
        names = _names(path)
        tree = self.at(names)
        if tree is None or tree.values.get(name) is None:
            return self
        return self._changed(names, lambda tree: tree._replaced(values=tree.values.without(name)))

    def with_key(self, path: KeyPath | Iterable[str], tree: KeyTree | None = None) -> KeyTree:
        """The tree with `tree` (an empty key) at that path, in place of what was there; missing keys are created."""
        return self._changed(_names(path), lambda _: EMPTY if tree is None else tree)

    def without_key(self, path: KeyPath | Iterable[str]) -> KeyTree:
        """The tree without that key and all below it; itself where it is not there."""
        names = _names(path)
        if self.at(names) is None:
            return self
        if not names:
            raise ValueError("a tree cannot be without itself")
        return self._changed(names[:-1], lambda tree: tree._replaced(keys=tree.keys.without(names[-1])))

    def _changed(self, names: tuple[str, ...], change: Callable[[KeyTree], KeyTree]) -> KeyTree:
        above: list[KeyTree] = []
        tree = self
        for name in names:
            above.append(tree)
            tree = tree.keys.get(name) or EMPTY
        tree = change(tree)
        for parent, name in zip(reversed(above), reversed(names), strict=True):
            tree = parent._replaced(keys=parent.keys.with_item(name, tree))
        return tree

    def _replaced(self, *, values: NameMap[Value] | None = None, keys: NameMap[KeyTree] | None = None) -> KeyTree:
        values = self.values if values is None else values
        keys = self.keys if keys is None else keys
        if values is self.values and keys is self.keys:
            return self
        return KeyTree(values, keys, self.class_name, self.volatile)

    @property
    def has_volatile(self) -> bool:
        """Whether this key or one below it is volatile."""
        if self._has_volatile is None:
            pending = [self]
            order: list[KeyTree] = []
            while pending:
                tree = pending.pop()
                order.append(tree)
                pending.extend(child for _, child in tree.keys.items() if child._has_volatile is None)
            for tree in reversed(order):
                tree._has_volatile = tree.volatile or any(child._has_volatile for _, child in tree.keys.items())
        assert self._has_volatile is not None
        return self._has_volatile

    def without_volatile(self) -> KeyTree:
        """The tree as a hive file or a saved image holds it (domain.md 97); itself where nothing is volatile."""
        if not self.has_volatile:
            return self
        tree = KeyTree(self.values, self.keys, self.class_name, volatile=False)
        for names, key in self.walk():
            if names and key.volatile:
                tree = tree.without_key(names)
        return tree

    def walk(self) -> Iterator[tuple[tuple[str, ...], KeyTree]]:
        """Each key with the names that lead to it: itself first, then what is below, depth first, in order."""
        pending: list[tuple[tuple[str, ...], KeyTree]] = [((), self)]
        while pending:
            names, tree = pending.pop()
            yield names, tree
            pending.extend(((*names, name), child) for name, child in reversed(tree.keys.items()))

    @staticmethod
    def built(values: Iterable[tuple[str, Value]], keys: Iterable[tuple[str, KeyTree]] = ()) -> KeyTree:
        """A key of many values and subkeys at once; a later name replaces an earlier one that Windows takes for equal."""
        return KeyTree(
            _built({upcase(name): (name, value) for name, value in values}),
            _built({upcase(name): (name, tree) for name, tree in keys}),
        )


EMPTY = KeyTree()
"""A key without values and subkeys."""


def _folded(path: KeyPath | Iterable[str]) -> Iterable[str]:
    return path.folded if isinstance(path, KeyPath) else map(upcase, path)


def _names(path: KeyPath | Iterable[str]) -> tuple[str, ...]:
    return path.names if isinstance(path, KeyPath) else tuple(path)


class ChangeKind(StrEnum):
    """How a key or value differs between two trees."""

    CREATED = "created"
    SET = "set"
    DELETED = "deleted"


class TreeChange(msgspec.Struct, frozen=True):
    """One difference: a value of the key at `path`, or the key itself (`name` None).

    CREATED and DELETED speak of keys with `name` None; of values, `before` and `after` say it (None: absent).
    """

    kind: ChangeKind
    path: tuple[str, ...]
    name: str | None
    before: Value | None = None
    after: Value | None = None


def diff(before: KeyTree, after: KeyTree) -> Iterator[TreeChange]:
    """What turns one tree into the other, in a fixed order; costs what differs.

    A key that appears comes before what is in it, a key that vanishes after. A key whose class name or volatility
    differs vanishes and appears again with all below it.
    """
    pending: list[tuple[tuple[str, ...], KeyTree | None, KeyTree | None, bool]] = [((), before, after, False)]
    while pending:
        path, old, new, leaving = pending.pop()
        if leaving:
            yield TreeChange(ChangeKind.DELETED, path, None)
            continue
        if old is new or (old is not None and new is not None and old.digest == new.digest):
            continue
        if old is not None and new is not None and _is_other_key(old, new) and path:
            pending += [(path, None, new, False), (path, old, None, False)]
            continue
        if old is None:
            yield TreeChange(ChangeKind.CREATED, path, None)
        yield from _value_changes(path, old or EMPTY, new or EMPTY)
        if new is None:
            pending.append((path, None, None, True))
        below = list((old or EMPTY).keys.differences((new or EMPTY).keys, _key_digest))
        pending.extend(((*path, name), child, other, False) for name, child, other in reversed(below))


def _is_other_key(old: KeyTree, new: KeyTree) -> bool:
    return old.class_name != new.class_name or old.volatile != new.volatile


def _value_changes(path: tuple[str, ...], old: KeyTree, new: KeyTree) -> Iterator[TreeChange]:
    for name, before, after in old.values.differences(new.values, _value_digest):
        kind = ChangeKind.DELETED if after is None else ChangeKind.SET
        yield TreeChange(kind, path, name, before, after)


def apply(tree: KeyTree, changes: Iterable[TreeChange]) -> KeyTree:
    """The tree with the changes made; `apply(a, diff(a, b)) == b` where no class name or volatility differs."""
    for change in changes:
        if change.name is not None:
            if change.after is None:
                tree = tree.without_value(change.path, change.name)
            else:
                tree = tree.with_value(change.path, change.name, change.after)
        elif change.kind is ChangeKind.DELETED:
            tree = tree.without_key(change.path)
        else:
            tree = tree.with_key(change.path)
    return tree
