r"""The scenario's part of a prefix's registry, with the verbs of `sim.registry.Registry`.

Wine has keys of its own, SOFTWARE and SYSTEM among them, and a scenario knows of none but those that it has itself.
What was in a key when the scenario first came to it is Wine's: it stays, whatever the scenario deletes or restores,
and is not shown, until the scenario sets a value or creates a key of that name. All else below that is the scenario's.

One program, the agent, makes the calls of everybody on the node, since two of them concern everybody's handles:

    RegRestoreKey   fails where the key or one below it is held open, and no watch sees it (domain.md 103, 104); Wine
                    has none, and a program that makes its effect can keep it from its own watches alone
    a handle        and a watch end with the program they belong to; `RegistryService` closes them for it

A change that another program makes, the prefix's reg.exe say, is noticed by the watches as well.

Never:  a handle or watch of a key that Wine has too learns of its deletion or creation, for the key itself stays.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from sim.live.wine import Agent, Prefix
from sim.registry import EMPTY, KeyPath, KeyTree, NameMap, Value, Win32, Win32Error, upcase

TOP = KeyPath(())
REGISTRY = "system.reg"
"""Wine's file of HKEY_LOCAL_MACHINE, in the prefix."""


class Wines:
    """What is Wine's in a key that the scenario has too: upper-cased names, by which both kinds are found."""

    __slots__ = ("keys", "values")

    def __init__(self, agent: Agent, key: KeyPath) -> None:
        self.keys = {upcase(name) for name in agent.enumerate_keys(key)}
        self.values = {upcase(name) for name, _ in agent.enumerate_values(key)}


class WineRegistry:
    """The registry of a machine that Wine has just started, with `tree` put into it."""

    def __init__(self, agent: Agent, tree: KeyTree) -> None:
        self._agent = agent
        self._shared = {TOP: Wines(agent, TOP)}
        self._volatile: set[KeyPath] = set()  # Win32 does not tell it back
        self._handles: dict[int, tuple[int, KeyPath]] = {}  # by our number, which never comes again: the agent's
        self._watches: dict[int, int] = {}
        self._told: set[int] = set()  # watches whose signal was taken
        self._last = 0
        for names, key in tree.walk():
            self._put(KeyPath(names), key)

    def _put(self, path: KeyPath, key: KeyTree) -> None:
        if path.names:
            self._share(path)
            self._agent.create_key(path, volatile=key.volatile, class_name=key.class_name)
            if key.volatile:
                self._volatile.add(path)
        for name, value in key.values.items():
            self.set_value(path, name, value)

    # --- whose a key is -----------------------------------------------------------------------------------

    def _share(self, key: KeyPath) -> None:
        """The scenario has this key from now on, and those above it: note what is Wine's in those that Wine has."""
        for depth in range(1, len(key) + 1):
            above, at = KeyPath(key.names[: depth - 1]), KeyPath(key.names[:depth])
            if at.folded[-1] not in self._shared[above].keys:
                return
            if at not in self._shared:
                self._shared[at] = Wines(self._agent, at)

    def _shown(self, key: KeyPath) -> KeyPath:
        """The key, if it is not Wine's alone. Raises Win32Error FILE_NOT_FOUND."""
        for depth in range(1, len(key) + 1):
            above, at = KeyPath(key.names[: depth - 1]), KeyPath(key.names[:depth])
            if at.folded[-1] not in self._shared[above].keys:
                break
            if at not in self._shared:
                raise Win32Error(Win32.FILE_NOT_FOUND, key.hklm)
        return key

    # --- reading ------------------------------------------------------------------------------------------

    @property
    def root(self) -> KeyTree:
        """HKEY_LOCAL_MACHINE as the scenario has it."""
        return self.query_key(TOP)

    def query_key(self, key: KeyPath) -> KeyTree:
        """The key with all below it. FILE_NOT_FOUND where the scenario has no such key."""
        wines = self._shared.get(self._shown(key))
        if wines is None:
            return self._marked(key, self._agent.query_key(key))
        values = [
            (name, value) for name, value in self._agent.enumerate_values(key) if upcase(name) not in wines.values
        ]
        keys = [
            (name, self.query_key(key / name))
            for name in self._agent.enumerate_keys(key)
            if upcase(name) not in wines.keys or key / name in self._shared
        ]
        return KeyTree(NameMap.of(values), NameMap.of(keys))

    def _marked(self, key: KeyPath, tree: KeyTree) -> KeyTree:
        for volatile in self._volatile:
            below = tree.at(volatile.below(key)) if key.covers(volatile) else None
            if below is not None:
                marked = KeyTree(below.values, below.keys, below.class_name, volatile=True)
                tree = tree.with_key(volatile.below(key), marked)
        return tree

    def save_key(self, key: KeyPath) -> KeyTree:
        """The key as RegSaveKey writes it: without volatile keys (domain.md 97)."""
        return self.query_key(key).without_volatile()

    # --- writing ------------------------------------------------------------------------------------------

    def create_key(self, key: KeyPath) -> bool:
        self._share(key)
        return self._agent.create_key(key)

    def set_value(self, key: KeyPath, name: str, value: Value) -> None:
        wines = self._shared.get(self._shown(key))
        self._agent.set_value(key, name, value)
        if wines is not None:
            wines.values.discard(upcase(name))

    def delete_value(self, key: KeyPath, name: str) -> None:
        wines = self._shared.get(self._shown(key))
        if wines is not None and upcase(name) in wines.values:
            raise Win32Error(Win32.FILE_NOT_FOUND, f"{key.hklm}: {name or '(default)'}")
        self._agent.delete_value(key, name)

    def delete_tree(self, key: KeyPath) -> None:
        """Delete a key and all below it; of a key that Wine has too, what is the scenario's."""
        if self._shown(key) not in self._shared:
            self._agent.delete_tree(key)
        elif key == TOP:
            raise Win32Error(Win32.ACCESS_DENIED, key.hklm)
        else:
            tree = self.query_key(key)
            for name, _ in tree.keys:
                self.delete_tree(key / name)
            for name, _ in tree.values:
                self._agent.delete_value(key, name)
            del self._shared[key]
        self._volatile = {volatile for volatile in self._volatile if not key.covers(volatile)}

    def restore_key(self, key: KeyPath, tree: KeyTree) -> None:
        """Replace what the scenario has in a key and below it. ACCESS_DENIED where one of them is held open."""
        self._shown(key)
        if any(key.covers(held) for _, held in self.open_handles()):
            raise Win32Error(Win32.ACCESS_DENIED, key.hklm)
        if any(volatile != key and key.covers(volatile) for volatile in self._volatile):
            self._replace(key, EMPTY)  # what comes back in its place is not volatile
        self._replace(key, tree)
        self._volatile = {volatile for volatile in self._volatile if not key.covers(volatile) or volatile == key}

    def _replace(self, key: KeyPath, tree: KeyTree) -> None:
        if key not in self._shared:
            self._agent.restore_key(key, tree)
            return
        with self._unseen():
            self._replace_ours(key, tree)

    def _replace_ours(self, key: KeyPath, tree: KeyTree) -> None:
        """The same in a key that Wine has too, one call after the other."""
        before = self.query_key(key)
        for name, _ in before.keys:
            if tree.keys.get(name) is None:
                self.delete_tree(key / name)
        for name, _ in before.values:
            if tree.value(name) is None:
                self._agent.delete_value(key, name)
        for name, value in tree.values:
            self.set_value(key, name, value)
        for name, below in tree.keys:
            self.create_key(key / name)
            self._replace(key / name, below)

    @contextlib.contextmanager
    def _unseen(self) -> Iterator[None]:
        """What is done within is seen by no watch that waited before."""
        armed = [watch for watch in self._watches.values() if not self._agent.signalled(watch)]
        yield
        for watch in armed:
            if self._agent.signalled(watch):
                with contextlib.suppress(Win32Error):  # its key is gone
                    self._agent.rearm(watch)

    # --- handles ------------------------------------------------------------------------------------------

    def open_key(self, key: KeyPath) -> int:
        handle = self._agent.open_key(self._shown(key))
        self._last += 1
        self._handles[self._last] = handle, key
        return self._last

    def close_key(self, handle: int) -> None:
        if handle not in self._handles:
            raise Win32Error(Win32.INVALID_HANDLE)
        self._agent.close_key(self._handles.pop(handle)[0])

    def open_handles(self) -> tuple[tuple[int, KeyPath], ...]:
        """The handles whose keys are there."""
        return tuple(self._open())

    def _open(self) -> Iterator[tuple[int, KeyPath]]:
        for number, (handle, key) in self._handles.items():
            with contextlib.suppress(Win32Error):  # KEY_DELETED
                self._agent.enumerate_keys(handle)
                yield number, key

    # --- watches ------------------------------------------------------------------------------------------

    def watch(self, key: KeyPath) -> int:
        watch = self._agent.watch(self._shown(key))
        self._last += 1
        self._watches[self._last] = watch
        return self._last

    def rearm(self, watch: int) -> None:
        self._agent.rearm(self._watch(watch))
        self._told.discard(watch)

    def unwatch(self, watch: int) -> None:
        self._agent.unwatch(self._watch(watch))
        del self._watches[watch]
        self._told.discard(watch)

    def signalled(self, watch: int) -> bool:
        return watch in self._told or self._agent.signalled(self._watch(watch))

    def take_signals(self) -> tuple[int, ...]:
        """The watches that gave a signal since this was last asked, in order of their numbers."""
        signals = set(self._agent.signals())
        taken = sorted(number for number, watch in self._watches.items() if watch in signals)
        new = tuple(number for number in taken if number not in self._told)
        self._told.update(new)
        return new

    def _watch(self, watch: int) -> int:
        if watch not in self._watches:
            raise Win32Error(Win32.INVALID_HANDLE)
        return self._watches[watch]


def power_up(folder: Path) -> Agent:
    """Start Wine on a node's prefix, which is as it was installed: what the scenario has is put into it anew.

    Wine writes a prefix's registry every 30 seconds of real time and at its end, RegFlushKey notwithstanding; no
    scenario's clock goes by that. So what the node had flushed is in its hive file, as on the other ground, and what
    Wine wrote is not gone by. Raises WineError.
    """
    installed = Prefix.installed()
    prefix = Prefix(folder) if (folder / REGISTRY).exists() else installed.copy_to(folder)
    shutil.copyfile(installed.folder / REGISTRY, folder / REGISTRY)
    return prefix.start_agent()
