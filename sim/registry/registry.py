"""One machine's HKEY_LOCAL_MACHINE, with the verbs of Win32 over an immutable tree.

State:    the current tree, open handles, watches: plain data, so that `copy` is cheap and independent.
Errors:   a verb raises `Win32Error` with the documented number, and then has changed nothing.
Watches:  RegNotifyChangeKeyValue (domain.md 100-103): one call, one signal; changes coalesce; a restore signals
          nobody. "Note that the function does not notify the caller if the specified key is deleted" (its page in
          the MSDN Library of June 1998; seen in Wine): only those above it, and those within the tree that goes
          whose own subkeys go first. Setting equal data signals nobody (seen in Wine; no document says it).
          Assumed: a watch is no open handle, so it does not stand in the way of a restore, and it outlives one
          wherever its key is there again; the end of a handle or thread (102) is `unwatch`, silent.
Limits:   domain.md 95: 255 characters a key's name (a component, not the path: assumed), 16,383 a value's, 512
          levels, 32 created by one call, 1 MB of data. That each is answered by INVALID_PARAMETER is assumed; for
          names it is seen in Wine, also where such a key is only asked for.
Shown:    tests/wine compares the verbs with Wine's, call by call; tests/wine/differences.yaml says where they differ.
Never:    security, links (views.py resolves the one there is), time stamps, predefined keys other than this one.
"""

from __future__ import annotations

from enum import IntFlag

import msgspec

from sim.registry.names import KeyPath
from sim.registry.tree import EMPTY, KeyTree
from sim.registry.values import Value
from sim.registry.win32 import Win32, Win32Error

KEY_NAME_LIMIT = 255  # UTF-16 units, as all three counts of characters
VALUE_NAME_LIMIT = 16_383
DEPTH_LIMIT = 512  # levels below HKEY_LOCAL_MACHINE
LEVELS_LIMIT = 32  # created by one call
DATA_LIMIT = 1 << 20  # bytes


class Filter(IntFlag):
    """What a watch wants to know of (winreg RegNotifyChangeKeyValue, domain.md 100).

    Nothing here changes attributes or security, so those two never signal. NAME is a subkey that appears or
    vanishes, LAST_SET a value that is set or deleted.
    """

    NAME = 1
    ATTRIBUTES = 2
    LAST_SET = 4
    SECURITY = 8


class Watch(msgspec.Struct, frozen=True):
    """A watch as it stands.

    `armed`: the next change in scope signals. `missed`: one came while it was spent; only a handle that goes on
    `collecting` (NT to XP, domain.md 101) makes use of that. `gone`: its key was deleted, also where one of that
    name has been created since.
    """

    key: KeyPath
    subtree: bool
    filter: Filter
    collecting: bool
    armed: bool = True
    missed: bool = False
    gone: bool = False

    def concerns(self, changed: KeyPath, what: Filter) -> bool:
        """Whether a change of that kind to that key is in scope and filter."""
        if not self.filter & what:
            return False
        return self.key.covers(changed) if self.subtree else self.key == changed


class Registry:
    """The registry of one machine. Keys are `KeyPath`s relative to HKEY_LOCAL_MACHINE, already `physical`."""

    __slots__ = ("_handles", "_last", "_signals", "_watches", "root")

    def __init__(self, root: KeyTree = EMPTY) -> None:
        self.root = root
        self._handles: dict[int, KeyPath | None] = {}  # None: the key is gone
        self._watches: dict[int, Watch] = {}
        self._signals: list[int] = []
        self._last = 0  # handles and watches are numbered together, so that one is never taken for the other

    def copy(self) -> Registry:
        """The same registry, independent from here on; handles and watches keep their numbers."""
        other = Registry(self.root)
        other._handles, other._watches = dict(self._handles), dict(self._watches)
        other._signals, other._last = list(self._signals), self._last
        return other

    # --- reading ------------------------------------------------------------------------------------------

    def query_key(self, key: KeyPath) -> KeyTree:
        """The key with all below it.

        FILE_NOT_FOUND where it is not there, INVALID_PARAMETER where the first name that is not there is too long.
        """
        tree = self.root.at(key)
        if tree is None:
            absent = key.names[self._deepest(key)[1]]
            raise Win32Error(Win32.INVALID_PARAMETER if _too_long(absent) else Win32.FILE_NOT_FOUND, key.hklm)
        return tree

    def query_value(self, key: KeyPath, name: str) -> Value:
        """A value ("" is the default value). FILE_NOT_FOUND where key or value is not there."""
        value = self.query_key(key).value(name)
        if value is None:
            raise Win32Error(Win32.FILE_NOT_FOUND, f"{key.hklm}: {name or '(default)'}")
        return value

    def enumerate_keys(self, key: KeyPath) -> tuple[str, ...]:
        """The names of the subkeys, by folded name. FILE_NOT_FOUND where the key is not there."""
        return tuple(name for name, _ in self.query_key(key).keys.items())

    def enumerate_values(self, key: KeyPath) -> tuple[tuple[str, Value], ...]:
        """Names and values, by folded name. FILE_NOT_FOUND where the key is not there."""
        return self.query_key(key).values.items()

    # --- writing ------------------------------------------------------------------------------------------

    def create_key(self, key: KeyPath, *, volatile: bool = False) -> bool:
        """Create a key and the missing ones above it (winreg RegCreateKeyEx); whether it was created.

        Where the key is there nothing changes, its volatility included (domain.md 97). INVALID_PARAMETER for a new
        child of HKEY_LOCAL_MACHINE (96; the number is assumed) or beyond a limit, CHILD_MUST_BE_VOLATILE for a
        stable key below a volatile one (97). That missing parents of a volatile key are volatile too is assumed.
        """
        there, depth = self._deepest(key)
        missing = key.names[depth:]
        if not missing:
            return False
        if depth == 0:
            raise Win32Error(Win32.INVALID_PARAMETER, f"{key.hklm}: no key can be created right below HKLM")
        if len(key) > DEPTH_LIMIT or len(missing) > LEVELS_LIMIT or any(map(_too_long, missing)):
            raise Win32Error(Win32.INVALID_PARAMETER, key.hklm)
        if there.volatile and not volatile:
            raise Win32Error(Win32.CHILD_MUST_BE_VOLATILE, key.hklm)
        created = KeyTree(volatile=volatile)
        for level in range(depth + 1, len(key) + 1):
            self.root = self.root.with_key(key.names[:level], created)
        if self._watches:
            self._signal(KeyPath(key.names[:depth]), Filter.NAME)
        return True

    def _deepest(self, key: KeyPath) -> tuple[KeyTree, int]:
        """The deepest key on that path that is there, and its depth."""
        tree = self.root
        for depth, folded in enumerate(key.folded):
            entry = tree.keys.entry(folded)
            if entry is None:
                return tree, depth
            tree = entry[1]
        return tree, len(key)

    def set_value(self, key: KeyPath, name: str, value: Value) -> None:
        """Set a value of an existing key (winreg RegSetValueEx).

        FILE_NOT_FOUND where the key is not there, INVALID_PARAMETER for a name or data over the limit.
        """
        before = self.query_key(key).value(name)
        check_value(key, name, value)
        if before == value:
            return
        self.root = self.root.with_value(key, name, value)
        if self._watches:
            self._signal(key, Filter.LAST_SET)

    def delete_value(self, key: KeyPath, name: str) -> None:
        """Delete a value. FILE_NOT_FOUND where key or value is not there."""
        self.query_value(key, name)
        self.root = self.root.without_value(key, name)
        if self._watches:
            self._signal(key, Filter.LAST_SET)

    def delete_key(self, key: KeyPath) -> None:
        """Delete a key without subkeys (winreg RegDeleteKey).

        ACCESS_DENIED where it has any (wine.md: as on Windows), FILE_NOT_FOUND where it is not there.
        """
        if self.query_key(key).keys:
            raise Win32Error(Win32.ACCESS_DENIED, key.hklm)
        self.delete_tree(key)

    def delete_tree(self, key: KeyPath) -> None:
        """Delete a key and all below it, open handles notwithstanding: they answer KEY_DELETED from here on.

        FILE_NOT_FOUND where it is not there, ACCESS_DENIED for HKEY_LOCAL_MACHINE itself (assumed).
        """
        tree = self.query_key(key)
        if not key.names:
            raise Win32Error(Win32.ACCESS_DENIED, key.hklm)
        if self._watches:
            self._signal_within(key, tree)
        self.root = self.root.without_key(key)
        self._forget_deleted()
        if self._watches:
            self._signal(key.parent, Filter.NAME)

    # --- saving and restoring -----------------------------------------------------------------------------

    def save_key(self, key: KeyPath) -> KeyTree:
        """The key as RegSaveKey writes it: without volatile keys (domain.md 97). FILE_NOT_FOUND where it is absent."""
        return self.query_key(key).without_volatile()

    def restore_key(self, key: KeyPath, tree: KeyTree, *, force: bool = False) -> None:
        """Replace what is in a key and all below it by `tree` (RegRestoreKey, domain.md 104).

        The key keeps its own name, and no watch is signalled (103). ACCESS_DENIED where the key or one below it is
        held open, unless by `force` (REG_FORCE_RESTORE); FILE_NOT_FOUND where the key is not there. Volatile
        subkeys go too (assumed: domain.md 141).
        """
        self.query_key(key)
        if not force and any(held is not None and key.covers(held) for held in self._handles.values()):
            raise Win32Error(Win32.ACCESS_DENIED, key.hklm)
        self.root = self.root.with_key(key, tree)
        self._forget_deleted()

    # --- handles ------------------------------------------------------------------------------------------

    def open_key(self, key: KeyPath) -> int:
        """Hold a key open; the handle's number. FILE_NOT_FOUND where it is not there."""
        self.query_key(key)
        self._last += 1
        self._handles[self._last] = key
        return self._last

    def key_of(self, handle: int) -> KeyPath:
        """The key that a handle holds. KEY_DELETED where it is gone, INVALID_HANDLE for no handle of ours."""
        if handle not in self._handles:
            raise Win32Error(Win32.INVALID_HANDLE)
        key = self._handles[handle]
        if key is None:
            raise Win32Error(Win32.KEY_DELETED)
        return key

    def close_key(self, handle: int) -> None:
        """Let a handle go, also one whose key is gone. INVALID_HANDLE for no handle of ours."""
        if handle not in self._handles:
            raise Win32Error(Win32.INVALID_HANDLE)
        del self._handles[handle]

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
        self._watches[self._last] = Watch(key, subtree, filter, collecting)
        return self._last

    def rearm(self, watch: int) -> None:
        """Ask for one signal more; a collecting watch gives it at once where it missed a change.

        KEY_DELETED where the key was deleted, INVALID_HANDLE for no watch of ours.
        """
        state = self._watch(watch)
        if state.gone:
            raise Win32Error(Win32.KEY_DELETED, state.key.hklm)
        at_once = state.missed and state.collecting
        self._watches[watch] = msgspec.structs.replace(state, armed=not at_once, missed=False)
        if at_once:
            self._signals.append(watch)

    def unwatch(self, watch: int) -> None:
        """Ask for no more; a signal that was not taken yet is dropped. INVALID_HANDLE for no watch of ours."""
        self._watch(watch)
        del self._watches[watch]
        self._signals = [signal for signal in self._signals if signal != watch]

    def signalled(self, watch: int) -> bool:
        """Whether the watch has given its signal since it was last armed. INVALID_HANDLE for no watch of ours."""
        return not self._watch(watch).armed

    def take_signals(self) -> tuple[int, ...]:
        """The watches that gave a signal since this was last asked, in order of their numbers."""
        if not self._signals:
            return ()
        signals, self._signals = tuple(sorted(set(self._signals))), []
        return signals

    def _watch(self, watch: int) -> Watch:
        state = self._watches.get(watch)
        if state is None:
            raise Win32Error(Win32.INVALID_HANDLE)
        return state

    def _signal(self, changed: KeyPath, what: Filter) -> None:
        """Tell the watches of a change to the values (LAST_SET) or to the list of subkeys (NAME) of a key."""
        for number, watch in self._watches.items():
            if not watch.gone and watch.concerns(changed, what):
                self._tell(number, watch)

    def _signal_within(self, key: KeyPath, tree: KeyTree) -> None:
        """Tell the watches within a tree that goes, subkeys first, of the subkeys that they lose."""
        for number, watch in self._watches.items():
            if not watch.gone and watch.filter & Filter.NAME and key.covers(watch.key):
                lost = tree.at(watch.key.below(key))
                assert lost is not None, f"a watch of {watch.key}, which is not there, is not gone"
                if lost.keys:
                    self._tell(number, watch)

    def _tell(self, number: int, watch: Watch) -> None:
        """A change in scope: an armed watch gives its signal, a spent one has missed it."""
        if watch.armed:
            self._watches[number] = msgspec.structs.replace(watch, armed=False)
            self._signals.append(number)
        elif not watch.missed:
            self._watches[number] = msgspec.structs.replace(watch, missed=True)

    def _forget_deleted(self) -> None:
        """Let handles and watches know that their keys are gone; by itself that signals nobody."""
        for handle, held in self._handles.items():
            if held is not None and self.root.at(held) is None:
                self._handles[handle] = None
        for number, watch in self._watches.items():
            if not watch.gone and self.root.at(watch.key) is None:
                self._watches[number] = msgspec.structs.replace(watch, gone=True)


def check_value(key: KeyPath, name: str, value: Value) -> None:
    """Raise INVALID_PARAMETER for a value's name or data over the limit (domain.md 95)."""
    if _units(name) > VALUE_NAME_LIMIT or len(value.data) > DATA_LIMIT:
        raise Win32Error(Win32.INVALID_PARAMETER, key.hklm)


def _too_long(name: str) -> bool:
    return _units(name) > KEY_NAME_LIMIT


def _units(name: str) -> int:
    """The length of a name as Windows counts it, in UTF-16 units."""
    return len(name) if name.isascii() else len(name.encode("utf-16-le", "surrogatepass")) // 2
