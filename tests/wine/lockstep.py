"""The same operations on a `Registry` and on Wine's: two machines in lockstep.

All happens below one key that both have. After each operation the results, errors and signals given are compared;
`compare_trees` compares all that is stored. A difference is either in the ledger, recognised as narrowly as it can
be told from the operation, or an AssertionError that names the operation and those before it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress

from sim.live.wine import Agent
from sim.registry import EMPTY, Filter, KeyPath, KeyTree, Registry, Value, Win32, Win32Error, upcase
from sim.registry.registry import DATA_LIMIT, DEPTH_LIMIT, KEY_NAME_LIMIT, LEVELS_LIMIT, VALUE_NAME_LIMIT
from tests.wine.ledger import Met

HOME = KeyPath.parse(r"SOFTWARE\failsim-lockstep")
ROOT = KeyPath(("failsim-root",))
"""A direct child of HKEY_LOCAL_MACHINE, which nobody may create."""

HANDLES = 8
"""How many handles and how many watches are kept in use."""

Outcome = object
"""What an operation came to: its result, or a Win32 error's number as `Win32`."""


def outcome(verb: Callable[[], object]) -> Outcome:
    """The verb's result, or its error."""
    try:
        return verb()
    except Win32Error as error:
        return error.code


class Lockstep:
    """Both machines, and the numbers that each gave to what the other calls otherwise."""

    def __init__(self, wine: Agent) -> None:
        self.wine = wine
        self.ours = Registry(EMPTY.with_key(HOME))
        for key in (HOME, ROOT):
            with suppress(Win32Error):
                wine.delete_tree(key)
        wine.create_key(HOME)
        self.handles: list[tuple[int, int]] = []
        self.watches: list[tuple[int, int]] = []
        self.volatile = False  # whether a volatile key may be there
        self.kinds: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.met = Met()
        self.last: deque[str] = deque(maxlen=30)

    # --- operations ---------------------------------------------------------------------------------------

    def create(self, key: KeyPath, *, volatile: bool = False, class_name: str | None = None) -> None:
        """RegCreateKeyEx by path."""
        self.volatile |= volatile
        ours = outcome(lambda: self.ours.create_key(key, volatile=volatile))
        theirs = outcome(lambda: self.wine.create_key(key, volatile=volatile))
        self._half_way(key, ours, theirs)
        self._same("create", (key, volatile), ours, theirs, lambda: self._beyond(key, ours, theirs))

    def create_below(self, at: int, below: KeyPath) -> None:
        """RegCreateKeyEx relative to a handle."""
        mine, other = self._handle(at)
        ours = outcome(lambda: self.ours.create_key(_join(self.ours.key_of(mine), below)))
        theirs = outcome(lambda: self.wine.create_key(below, below=other))
        key = outcome(lambda: self.ours.key_of(mine))
        whole = _join(key, below) if isinstance(key, KeyPath) else below

        def known() -> str | None:
            if not below.names and ours is False and theirs is True:
                return "create-nothing"
            return self._beyond(whole, ours, theirs)

        self._same("create below a handle", (key, below), ours, theirs, known)

    def set(self, key: KeyPath, name: str, value: Value) -> None:
        """RegSetValueEx by path."""
        again = outcome(lambda: self.ours.query_value(key, name)) == value and not value.data
        ours = outcome(lambda: self.ours.set_value(key, name, value))
        theirs = outcome(lambda: self.wine.set_value(key, name, value))
        if again:
            self._told_again()
        self._same("set", (key, name, value), ours, theirs, lambda: _too_much(value, ours, theirs))

    def set_by_handle(self, at: int, name: str, value: Value) -> None:
        """RegSetValueEx by handle."""
        mine, other = self._handle(at)
        again = outcome(lambda: self.ours.query_value(self.ours.key_of(mine), name)) == value and not value.data
        ours = outcome(lambda: self.ours.set_value(self.ours.key_of(mine), name, value))
        theirs = outcome(lambda: self.wine.set_value(other, name, value))
        if again:
            self._told_again()
        self._same("set by handle", (mine, name, value), ours, theirs, lambda: _too_much(value, ours, theirs))

    def query(self, key: KeyPath, name: str) -> None:
        """RegQueryValueEx by path."""
        ours = outcome(lambda: self.ours.query_value(key, name))
        self._same("query", (key, name), ours, outcome(lambda: self.wine.query_value(key, name)))

    def query_by_handle(self, at: int, name: str) -> None:
        """RegQueryValueEx by handle, also one that is none."""
        mine, other = self._handle(at)
        ours = outcome(lambda: self.ours.query_value(self.ours.key_of(mine), name))
        self._same("query by handle", (mine, name), ours, outcome(lambda: self.wine.query_value(other, name)))

    def list_keys(self, key: KeyPath) -> None:
        """RegEnumKeyEx to the end."""
        ours, theirs = outcome(lambda: self.ours.enumerate_keys(key)), outcome(lambda: self.wine.enumerate_keys(key))
        self._same("enumerate keys", (key,), ours, theirs, lambda: _other_order(ours, theirs))

    def list_values(self, key: KeyPath) -> None:
        """RegEnumValue to the end."""
        ours = outcome(lambda: self.ours.enumerate_values(key))
        theirs = outcome(lambda: self.wine.enumerate_values(key))
        self._same("enumerate values", (key,), ours, theirs, lambda: _other_order(ours, theirs))

    def list_by_handle(self, at: int) -> None:
        """RegEnumKeyEx and RegEnumValue by handle, also one that is none."""
        mine, other = self._handle(at)
        ours = outcome(lambda: self.ours.enumerate_keys(self.ours.key_of(mine)))
        theirs = outcome(lambda: self.wine.enumerate_keys(other))
        self._same("enumerate keys by handle", (mine,), ours, theirs, lambda: _other_order(ours, theirs))
        ours = outcome(lambda: self.ours.enumerate_values(self.ours.key_of(mine)))
        theirs = outcome(lambda: self.wine.enumerate_values(other))
        self._same("enumerate values by handle", (mine,), ours, theirs, lambda: _other_order(ours, theirs))

    def read(self, key: KeyPath) -> None:
        """The key with all below it."""
        ours = outcome(lambda: _plain(self.ours.query_key(key)))
        self._same("read a tree", (key,), ours, outcome(lambda: _plain(self.wine.query_key(key))))

    def unset(self, key: KeyPath, name: str) -> None:
        """RegDeleteValue by path."""
        ours = outcome(lambda: self.ours.delete_value(key, name))
        self._same("delete value", (key, name), ours, outcome(lambda: self.wine.delete_value(key, name)))

    def unset_by_handle(self, at: int, name: str) -> None:
        """RegDeleteValue by handle, also one that is none."""
        mine, other = self._handle(at)
        ours = outcome(lambda: self.ours.delete_value(self.ours.key_of(mine), name))
        self._same("delete value by handle", (mine, name), ours, outcome(lambda: self.wine.delete_value(other, name)))

    def delete(self, key: KeyPath) -> None:
        """RegDeleteKey by path."""
        if key != HOME:
            ours = outcome(lambda: self.ours.delete_key(key))
            self._same("delete key", (key,), ours, outcome(lambda: self.wine.delete_key(key)))

    def delete_below(self, at: int, below: KeyPath) -> None:
        """RegDeleteKey relative to a handle; the empty path is the handle's own key."""
        mine, other = self._handle(at)
        if outcome(lambda: self.ours.key_of(mine)) == HOME and not below.names:
            return
        ours = outcome(lambda: self.ours.delete_key(_join(self.ours.key_of(mine), below)))
        theirs = outcome(lambda: self.wine.delete_key(below, below=other))
        self._same("delete key below a handle", (mine, below), ours, theirs)

    def delete_tree(self, key: KeyPath) -> None:
        """RegDeleteTree."""
        if key != HOME:
            ours = outcome(lambda: self.ours.delete_tree(key))
            self._same("delete tree", (key,), ours, outcome(lambda: self.wine.delete_tree(key)))

    def restore(self, key: KeyPath, tree: KeyTree) -> None:
        """RegRestoreKey by force: ours as the documentation has it, Wine's as the agent makes it."""
        present = self.ours.root.at(key)
        if present is not None and (present.has_volatile or self._below_volatile(key)):
            return
        if present is not None:
            tree = _in_case_of(present, tree)  # the agent renames no key that is there
        ours = outcome(lambda: self.ours.restore_key(key, tree, force=True))
        self._same("restore", (key, tree), ours, outcome(lambda: self.wine.restore_key(key, tree)))

    # --- handles and watches ------------------------------------------------------------------------------

    def open(self, key: KeyPath) -> None:
        """RegOpenKeyEx."""
        ours, theirs = outcome(lambda: self.ours.open_key(key)), outcome(lambda: self.wine.open_key(key))
        if self._both_numbers("open", (key,), ours, theirs, self.handles) and len(self.handles) > HANDLES:
            self.close(0)

    def close(self, at: int) -> None:
        """RegCloseKey, also of a handle that is none."""
        mine, other = self._handle(at)
        ours = outcome(lambda: self.ours.close_key(mine))
        self._same("close", (mine,), ours, outcome(lambda: self.wine.close_key(other)))
        with suppress(ValueError):
            self.handles.remove((mine, other))

    def watch(self, key: KeyPath, *, subtree: bool, wanted: Filter) -> None:
        """RegNotifyChangeKeyValue with an event of its own."""
        ours = outcome(lambda: self.ours.watch(key, subtree=subtree, filter=wanted))
        theirs = outcome(lambda: self.wine.watch(key, subtree=subtree, filter=wanted))
        given = (key, subtree, wanted)
        if self._both_numbers("watch", given, ours, theirs, self.watches) and len(self.watches) > HANDLES:
            self.unwatch(0)

    def rearm(self, at: int) -> None:
        """RegNotifyChangeKeyValue again on the same handle."""
        if self.watches:
            mine, other = self.watches[at % len(self.watches)]
            ours, theirs = outcome(lambda: self.ours.rearm(mine)), outcome(lambda: self.wine.rearm(other))
            if ours is Win32.KEY_DELETED and theirs is Win32.KEY_DELETED:
                self.unwatch(at)
            self._same("rearm", (mine,), ours, theirs)

    def unwatch(self, at: int) -> None:
        """RegCloseKey of a watch's handle."""
        if self.watches:
            mine, other = self.watches.pop(at % len(self.watches))
            ours = outcome(lambda: self.ours.unwatch(mine))
            self._same("unwatch", (mine,), ours, outcome(lambda: self.wine.unwatch(other)))

    def _half_way(self, key: KeyPath, ours: Outcome, theirs: Outcome) -> None:
        """Both refuse to create the key, but Wine has created what is above it: recognised, and undone."""
        if not (ours is Win32.INVALID_PARAMETER and theirs is Win32.INVALID_PARAMETER and HOME.covers(key)):
            return
        above = (key.names[:depth] for depth in range(len(key) + 1))
        missing = next(names for names in above if self.ours.root.at(names) is None)
        if outcome(lambda: self.wine.enumerate_keys(KeyPath(missing))) is not Win32.FILE_NOT_FOUND:
            self.met.note("create-half-way")
            self._undo()

    # --- comparing ----------------------------------------------------------------------------------------

    def compare_trees(self) -> None:
        """All that is stored, names in their case included."""
        ours, theirs = _plain(self.ours.query_key(HOME)), _plain(self.wine.query_key(HOME))
        assert ours == theirs, self._told("trees differ", sorted(ours ^ theirs, key=repr)[:10])

    def _same(
        self,
        kind: str,
        given: tuple[object, ...],
        ours: Outcome,
        theirs: Outcome,
        known: Callable[[], str | None] = lambda: None,
    ) -> None:
        """Count the operation; its outcomes are the same, or differ as the ledger knows."""
        self.kinds[kind] += 1
        if isinstance(ours, Win32):
            self.errors[ours.title] += 1
        self.last.append(f"{kind} {_shown(given)}")
        if ours != theirs:
            name = known() or _name_of_256(given[0], ours, theirs) or _deleted(given, ours, theirs)
            assert name is not None, self._told(kind, f"we {_shown(ours)}, Wine {_shown(theirs)}")
            self.met.note(name)
            if not isinstance(theirs, Win32):
                self._undo()
        mine = {number for number, _ in self.watches if self.ours.signalled(number)}
        signals = set(self.wine.signals())
        other = {number for number, wine in self.watches if wine in signals}
        assert mine == other, self._told(kind, f"signalled with us {sorted(mine)}, with Wine {sorted(other)}")

    def _undo(self) -> None:
        """Make Wine what we are, where the ledger has it that Wine did what we refused; no watch is told."""
        with suppress(Win32Error):
            self.wine.delete_tree(ROOT)
        self._rearm_told()
        self.wine.restore_key(HOME, self.ours.query_key(HOME))

    def _told_again(self) -> None:
        """Wine has signalled that empty data was set again."""
        if self._rearm_told():
            self.met.note("equal-empty-data")

    def _rearm_told(self) -> int:
        """Arm again the watches that Wine alone has signalled; how many."""
        signals = set(self.wine.signals())
        told = [other for mine, other in self.watches if other in signals and not self.ours.signalled(mine)]
        for other in told:
            self.wine.rearm(other)
        return len(told)

    def _both_numbers(
        self, kind: str, given: tuple[object, ...], ours: Outcome, theirs: Outcome, kept: list[tuple[int, int]]
    ) -> bool:
        """Whether both gave a number, which is kept; they may well be different ones."""
        numbers = (ours, theirs)
        if any(isinstance(number, Win32) for number in numbers):
            self._same(kind, given, ours, theirs)
            return False
        assert isinstance(ours, int), ours
        assert isinstance(theirs, int), theirs
        kept.append((ours, theirs))
        self._same(kind, given, True, True)
        return True

    def _handle(self, at: int) -> tuple[int, int]:
        """A handle of both; where there is none, or for a negative number, one that is none."""
        return self.handles[at % len(self.handles)] if self.handles and at >= 0 else (1 << 20, 1 << 20)

    def _below_volatile(self, key: KeyPath) -> bool:
        above = (self.ours.root.at(key.names[:depth]) for depth in range(len(key)))
        return any(tree is not None and tree.volatile for tree in above)

    def _beyond(self, key: KeyPath, ours: Outcome, theirs: Outcome) -> str | None:
        """Which limit of ours Wine does not have, where the create failed only with us; or failed half-way there."""
        if ours is not Win32.INVALID_PARAMETER:
            return None
        if theirs is Win32.CHILD_MUST_BE_VOLATILE:
            return "two-errors" if self._below_volatile(key) else None
        if len(key) == 0 or self.ours.root.at(key.names[:1]) is None:
            return "create-below-the-root" if theirs is True else None
        if any(_units(name) > KEY_NAME_LIMIT + 1 for name in key.names):
            return None  # Wine too refuses it, but may have created what is above
        if any(_units(name) == KEY_NAME_LIMIT + 1 for name in key.names):
            return "name-of-256" if theirs is True else None
        if len(key) > DEPTH_LIMIT:
            return "depth" if theirs is True else None
        present = next(depth for depth in range(len(key), -1, -1) if self.ours.root.at(key.names[:depth]) is not None)
        return "levels" if len(key) - present > LEVELS_LIMIT and theirs is True else None

    def _told(self, kind: str, what: object) -> str:
        before = "\n  ".join(self.last)
        return f"{kind}: {what}; the last operations, oldest first:\n  {before}"


def _too_much(value: Value, ours: Outcome, theirs: Outcome) -> str | None:
    big = ours is Win32.INVALID_PARAMETER and theirs is None and len(value.data) > DATA_LIMIT
    return "data-over-1-mb" if big else None


def _name_of_256(asked: object, ours: Outcome, theirs: Outcome) -> str | None:
    """To Wine such a name could be there, to us it could not."""
    differ = ours is Win32.INVALID_PARAMETER and theirs is Win32.FILE_NOT_FOUND
    long = isinstance(asked, KeyPath) and any(_units(name) == KEY_NAME_LIMIT + 1 for name in asked.names)
    return "name-of-256" if differ and long else None


def _deleted(given: tuple[object, ...], ours: Outcome, theirs: Outcome) -> str | None:
    """A value's name that is too long, given with a handle whose key is deleted: Wine looks at the name first."""
    long = len(given) > 1 and isinstance(given[1], str) and _units(given[1]) > VALUE_NAME_LIMIT
    other = theirs in (Win32.INVALID_PARAMETER, Win32.FILE_NOT_FOUND)
    return "two-errors" if long and other and ours is Win32.KEY_DELETED else None


def _other_order(ours: Outcome, theirs: Outcome) -> str | None:
    same = isinstance(ours, tuple) and isinstance(theirs, tuple) and sorted(ours) == sorted(theirs)
    return "order" if same else None


def _join(key: KeyPath, below: KeyPath) -> KeyPath:
    return KeyPath((*key.names, *below.names))


def _in_case_of(present: KeyTree, tree: KeyTree) -> KeyTree:
    keys = []
    for name, below in tree.keys.items():
        entry = present.keys.entry(upcase(name))
        keys.append((name, below) if entry is None else (entry[0], _in_case_of(entry[1], below)))
    return KeyTree.built(tree.values.items(), keys)


def _units(name: str) -> int:
    return len(name.encode("utf-16-le", "surrogatepass")) // 2


def _plain(tree: KeyTree) -> frozenset[tuple[tuple[str, ...], str | None, Value | None]]:
    """What Win32 tells of a tree: keys and values, with their names' case; not what is volatile."""
    rows: list[tuple[tuple[str, ...], str | None, Value | None]] = []
    for names, key in tree.walk():
        rows.append((names, None, None))
        rows += [(names, name, value) for name, value in key.values.items()]
    return frozenset(rows)


def _shown(what: object) -> str:
    text = what.title if isinstance(what, Win32) else repr(what)
    return text if len(text) <= 200 else f"{text[:199]}…"
