"""One machine's HKEY_LOCAL_MACHINE, with the verbs of Win32 over an immutable tree.

State:    the current tree, open handles, watches: plain data, so that `copy` is cheap and independent.
Errors:   every verb raises `Win32Error` with the documented number, and then has changed nothing.
Watches:  RegNotifyChangeKeyValue (domain.md 100-103): one-shot, coalescing; not raised by a restore. Setting
          equal data raises none (seen in an independent implementation; no document says it).
Limits:   domain.md 95: 255 characters a key's name (a component, not the path: assumed), 16,383 a value's,
          512 levels, 32 created by one call, 1 MB of data. Their error numbers are assumed.
"""

from __future__ import annotations

from enum import IntFlag

import msgspec

from sim.registry.names import KeyPath
from sim.registry.tree import EMPTY, KeyTree
from sim.registry.values import Value
from sim.registry.win32 import Win32, Win32Error

KEY_NAME_LIMIT = 255
VALUE_NAME_LIMIT = 16_383
DEPTH_LIMIT = 512
LEVELS_LIMIT = 32
DATA_LIMIT = 1 << 20


class Filter(IntFlag):
    """What a watch wants to know of (winreg RegNotifyChangeKeyValue)."""

    NAME = 1
    ATTRIBUTES = 2
    LAST_SET = 4
    SECURITY = 8


class Watching(msgspec.Struct, frozen=True):
    """A watch; `missed`: something changed while it was spent (kept only by a handle that goes on collecting)."""

    key: KeyPath
    subtree: bool
    filter: Filter
    collecting: bool
    armed: bool = True
    missed: bool = False


class Registry:
    """The registry of one machine. Keys are `KeyPath`s relative to HKEY_LOCAL_MACHINE, already physical."""

    __slots__ = ("_handles", "_last", "_signals", "_watches", "root")

    def __init__(self, root: KeyTree = EMPTY) -> None:
        self.root = root
        self._handles: dict[int, KeyPath | None] = {}
        self._watches: dict[int, Watching] = {}
        self._signals: list[int] = []
        self._last = 0

    def copy(self) -> Registry:
        """The same registry, independent from here on; handles and watches keep their numbers."""
        other = Registry(self.root)
        other._handles, other._watches = dict(self._handles), dict(self._watches)
        other._signals, other._last = list(self._signals), self._last
        return other

    # --- reading ------------------------------------------------------------------------------------------

    def query_key(self, key: KeyPath) -> KeyTree:
        """The key with all below it. FILE_NOT_FOUND where it is not there."""
        tree = self.root.at(key)
        if tree is None:
            raise Win32Error(Win32.FILE_NOT_FOUND)
        return tree

    def query_value(self, key: KeyPath, name: str) -> Value:
        """A value. FILE_NOT_FOUND where key or value is not there."""
        value = self.query_key(key).value(name)
        if value is None:
            raise Win32Error(Win32.FILE_NOT_FOUND)
        return value

    def enumerate_keys(self, key: KeyPath) -> tuple[str, ...]:
        """The names of the subkeys. FILE_NOT_FOUND where the key is not there."""
        return tuple(name for name, _ in self.query_key(key).keys.items())

    def enumerate_values(self, key: KeyPath) -> tuple[tuple[str, Value], ...]:
        """Names and values. FILE_NOT_FOUND where the key is not there."""
        return self.query_key(key).values.items()

    # --- writing ------------------------------------------------------------------------------------------

    def create_key(self, key: KeyPath, *, volatile: bool = False) -> bool:
        """Create a key and the missing ones above it; False where it is there (its volatility is then ignored).

        INVALID_PARAMETER for a new child of HKEY_LOCAL_MACHINE (domain.md 96), for a name, depth or number of new
        levels over the limit; CHILD_MUST_BE_VOLATILE for a stable key below a volatile one.
        """
        names = key.names
        tree, depth = self.root, 0
        for name in key.folded:
            entry = tree.keys.entry(name)
            if entry is None:
                break
            tree, depth = entry[1], depth + 1
        missing = len(names) - depth
        if not missing:
            return False
        too_deep = len(names) > DEPTH_LIMIT or missing > LEVELS_LIMIT
        if depth == 0 or too_deep or any(len(name) > KEY_NAME_LIMIT for name in names[depth:]):
            raise Win32Error(Win32.INVALID_PARAMETER)
        if tree.volatile and not volatile:
            raise Win32Error(Win32.CHILD_MUST_BE_VOLATILE)
        leaf = KeyTree(volatile=volatile)
        for name in reversed(names[depth + 1 :]):
            leaf = KeyTree(volatile=volatile).with_key((name,), leaf)
        self.root = self.root.with_key(names[: depth + 1], leaf)
        if self._watches:
            self._touched(KeyPath(names[:depth]), Filter.NAME)
        return True

    def set_value(self, key: KeyPath, name: str, value: Value) -> None:
        """Set a value of an existing key.

        FILE_NOT_FOUND where the key is not there, INVALID_PARAMETER for a name or data over the limit.
        """
        before = self.query_key(key).value(name)
        if len(name) > VALUE_NAME_LIMIT or len(value.data) > DATA_LIMIT:
            raise Win32Error(Win32.INVALID_PARAMETER)
        if before == value:
            return
        self.root = self.root.with_value(key, name, value)
        if self._watches:
            self._touched(key, Filter.LAST_SET)

    def delete_value(self, key: KeyPath, name: str) -> None:
        """Delete a value. FILE_NOT_FOUND where key or value is not there."""
        self.query_value(key, name)
        self.root = self.root.without_value(key, name)
        if self._watches:
            self._touched(key, Filter.LAST_SET)

    def delete_key(self, key: KeyPath) -> None:
        """Delete a key without subkeys. ACCESS_DENIED where it has any, FILE_NOT_FOUND where it is not there."""
        if self.query_key(key).keys:
            raise Win32Error(Win32.ACCESS_DENIED)
        self.delete_tree(key)

    def delete_tree(self, key: KeyPath) -> None:
        """Delete a key and all below it. FILE_NOT_FOUND where it is not there, ACCESS_DENIED for the root."""
        self.query_key(key)
        if not key.names:
            raise Win32Error(Win32.ACCESS_DENIED)
        self.root = self.root.without_key(key)
        for handle, opened in self._handles.items():
            if opened is not None and key.covers(opened):
                self._handles[handle] = None
        if self._watches:
            self._touched(key.parent, Filter.NAME, gone=key)

    # --- saving and restoring -----------------------------------------------------------------------------

    def save_key(self, key: KeyPath) -> KeyTree:
        """The key as RegSaveKey writes it: without volatile keys (domain.md 97). FILE_NOT_FOUND as ever."""
        return self.query_key(key).without_volatile()

    def restore_key(self, key: KeyPath, tree: KeyTree, *, force: bool = False) -> None:
        """Replace what is in a key, and all below it, by `tree` (RegRestoreKey, domain.md 104); raises no watch (103).

        ACCESS_DENIED where the key or one below it is held open (without `force`), FILE_NOT_FOUND where the key is
        not there. Volatile subkeys go too (assumed: domain.md 141).
        """
        self.query_key(key)
        if not force and any(opened is not None and key.covers(opened) for opened in self._handles.values()):
            raise Win32Error(Win32.ACCESS_DENIED)
        self.root = self.root.with_key(key, tree)
        for handle, opened in self._handles.items():
            if opened is not None and self.root.at(opened) is None:
                self._handles[handle] = None

    # --- handles ------------------------------------------------------------------------------------------

    def open_key(self, key: KeyPath) -> int:
        """Hold a key open; the handle's number. FILE_NOT_FOUND where it is not there."""
        self.query_key(key)
        self._last += 1
        self._handles[self._last] = key
        return self._last

    def key_of(self, handle: int) -> KeyPath:
        """The key that a handle holds. KEY_DELETED where it is gone, INVALID_PARAMETER for no handle of ours."""
        if handle not in self._handles:
            raise Win32Error(Win32.INVALID_PARAMETER)
        key = self._handles[handle]
        if key is None:
            raise Win32Error(Win32.KEY_DELETED)
        return key

    def close_key(self, handle: int) -> None:
        """Let a handle go. INVALID_PARAMETER for no handle of ours."""
        if self._handles.pop(handle, handle) == handle:
            raise Win32Error(Win32.INVALID_PARAMETER)

    def open_handles(self) -> tuple[tuple[int, KeyPath], ...]:
        """The handles whose keys are there, in the order in which they were opened."""
        return tuple((handle, key) for handle, key in self._handles.items() if key is not None)

    # --- watches ------------------------------------------------------------------------------------------

    def watch(
        self,
        key: KeyPath,
        *,
        subtree: bool = True,
        filter: Filter = Filter.NAME | Filter.LAST_SET,  # noqa: A002 - Win32's own word
        collecting: bool = False,
    ) -> int:
        """Ask for one signal at the next change; the watch's number. FILE_NOT_FOUND where the key is not there.

        `collecting`: the handle goes on collecting after its signal, as on NT to XP (domain.md 101).
        """
        self.query_key(key)
        self._last += 1
        self._watches[self._last] = Watching(key, subtree, filter, collecting)
        return self._last

    def rearm(self, watch: int) -> None:
        """Ask for one signal more. KEY_DELETED where the key is gone, INVALID_PARAMETER for no watch of ours."""
        watching = self._watches.get(watch)
        if watching is None:
            raise Win32Error(Win32.INVALID_PARAMETER)
        if self.root.at(watching.key) is None:
            raise Win32Error(Win32.KEY_DELETED)
        missed = watching.missed and watching.collecting
        self._watches[watch] = msgspec.structs.replace(watching, armed=not missed, missed=False)
        if missed:
            self._signals.append(watch)

    def unwatch(self, watch: int) -> None:
        """Ask for no more. INVALID_PARAMETER for no watch of ours."""
        if self._watches.pop(watch, None) is None:
            raise Win32Error(Win32.INVALID_PARAMETER)
        self._signals = [signal for signal in self._signals if signal != watch]

    def signalled(self, watch: int) -> bool:
        """Whether the watch has given its signal since it was last armed. INVALID_PARAMETER for no watch of ours."""
        watching = self._watches.get(watch)
        if watching is None:
            raise Win32Error(Win32.INVALID_PARAMETER)
        return not watching.armed

    def take_signals(self) -> tuple[int, ...]:
        """The watches that gave a signal since this was last asked, in order of their numbers."""
        if not self._signals:
            return ()
        signals, self._signals = tuple(sorted(self._signals)), []
        return signals

    def _touched(self, key: KeyPath, what: Filter, gone: KeyPath | None = None) -> None:
        """A change to `key`: its values, or the list of its subkeys; `gone` is a key that vanished with all below."""
        for number, watching in self._watches.items():
            scope = watching.key.covers(key) if watching.subtree else watching.key == key
            seen = (scope and bool(watching.filter & what)) or (gone is not None and gone.covers(watching.key))
            if not seen:
                continue
            if watching.armed:
                self._watches[number] = msgspec.structs.replace(watching, armed=False)
                self._signals.append(number)
            elif not watching.missed:
                self._watches[number] = msgspec.structs.replace(watching, missed=True)
