"""A node of a live run: its processes, and the registry as each of them reaches it.

    registry service   the node's system; lives from power-up to power loss
    cluster service    runs the engine; reaches the registry by a connection of its own
    applications       one for each resource that is online here

On the ground "wine" the node's folder is a Wine prefix, and its wineserver and the agent belong to the system.
A power loss is SIGKILL to all of them; what is left is the node's hive file.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

from sim.checkpoint.effects import Checkpoint, Op
from sim.cluster.effects import Operation
from sim.driver.ground import UnreachableError
from sim.driver.run import RunError
from sim.history.events import OPERATOR
from sim.live import application, cluster_service, registry_service
from sim.live.cluster_service import Ended
from sim.live.hive_file import HiveFile
from sim.live.processes import GoneError, Template, Worker
from sim.live.wine import Prefix
from sim.registry import KeyPath, KeyTree, Value

FIRST = 600.0
"""Seconds within which a system starts: the first of all has Wine made."""


class RegistryOf:
    """A node's registry, as one of its processes reaches it: each verb is a request to that process."""

    def __init__(self, machine: LiveMachine, worker: Worker | None, *, service: bool = False) -> None:
        self._machine = machine
        self._worker = worker
        self._service = service

    def _ask(self, verb: str, *arguments: Any) -> Any:
        if self._worker is None:
            raise UnreachableError(self._machine.name)
        try:
            if self._service:
                return self._worker.ask("registry", verb, *arguments)
            return self._worker.ask(verb, *arguments)
        except GoneError:
            raise UnreachableError(self._machine.name, service=self._service and self._machine.running) from None

    @property
    def root(self) -> KeyTree:
        """The whole tree; of a node that is switched off, what its disk holds."""
        if self._worker is None:
            return self._machine.on_disk
        root: KeyTree = self._ask("root")
        return root

    def create_key(self, key: KeyPath) -> object:
        return self._ask("create_key", key)

    def set_value(self, key: KeyPath, name: str, value: Value) -> None:
        self._ask("set_value", key, name, value)

    def delete_value(self, key: KeyPath, name: str) -> None:
        self._ask("delete_value", key, name)

    def delete_tree(self, key: KeyPath) -> None:
        self._ask("delete_tree", key)

    def save_key(self, key: KeyPath) -> KeyTree:
        tree: KeyTree = self._ask("save_key", key)
        return tree

    def restore_key(self, key: KeyPath, tree: KeyTree) -> None:
        self._ask("restore_key", key, tree)

    def open_key(self, key: KeyPath) -> int:
        return int(self._ask("open_key", key))

    def close_key(self, handle: int) -> None:
        self._ask("close_key", handle)

    def open_handles(self) -> tuple[tuple[int, KeyPath], ...]:
        return tuple(self._ask("open_handles"))

    def watch(self, key: KeyPath) -> int:
        return int(self._ask("watch", key))

    def rearm(self, watch: int) -> None:
        self._ask("rearm", watch)

    def unwatch(self, watch: int) -> None:
        self._ask("unwatch", watch)

    def signalled(self, watch: int) -> bool:
        return bool(self._ask("signalled", watch))

    def take_signals(self) -> tuple[int, ...]:
        return tuple(self._ask("take_signals"))


class LiveMachine:
    """One node. `address`: its socket file, in a folder of our own, since such a name has to be short."""

    def __init__(
        self, name: str, folder: Path, address: str, disk: Path, setup: KeyTree, template: Template, ground: str
    ) -> None:
        self.name = name
        self.folder = folder
        self.ground = ground
        self.disk = disk
        self.setup = setup
        self._template = template
        self.dirty = False
        self.opened: dict[KeyPath, int] = {}
        self.watches: dict[Checkpoint, int] = {}
        self.service: Worker | None = None
        self.applications: dict[str, Worker] = {}
        self._address = address
        registry_service.set_up(folder, setup)
        self._prefix = Prefix(folder) if ground == "wine" else None
        self._system: Worker | None = None
        self.switch_on(setup)

    # --- the registry -------------------------------------------------------------------------------------

    @property
    def registry(self) -> RegistryOf:
        """As the cluster service reaches it, or, where that does not run, as the system itself does."""
        if self.service is not None:
            return RegistryOf(self, self.service, service=True)
        return RegistryOf(self, self._system)

    def registry_of(self, by: str) -> RegistryOf:
        """As an operator's tool reaches it, or a resource's own process (one started by hand included)."""
        if by == OPERATOR:
            return RegistryOf(self, self._system)
        if by not in self.applications:
            self.start_process(by)
        return RegistryOf(self, self.applications[by])

    @property
    def unflushed(self) -> bool:
        return bool(RegistryOf(self, self._system)._ask("unflushed"))

    @property
    def on_disk(self) -> KeyTree:
        return HiveFile(self.folder).read()

    def flush(self) -> None:
        RegistryOf(self, self._system)._ask("flush")
        self.dirty = False

    # --- power --------------------------------------------------------------------------------------------

    def switch_on(self, setup: KeyTree | None) -> None:
        """Start the system, which finds this registry (with the volatile keys that no disk has) or its own disk's."""
        assert self._system is None, f"{self.name} runs already"
        worker = Worker(self._template, registry_service.__name__, str(self.folder), self._address, self.ground)
        worker.tell("begin", setup)
        self._system = worker

    def await_system(self) -> None:
        """Wait until the system runs. Raises RunError where it cannot."""
        assert self._system is not None, f"{self.name} is off"
        reason = self._system.told(FIRST)
        if reason is not None:
            raise RunError(reason)

    def power_up(self) -> None:
        self.switch_on(None)
        self.await_system()

    @property
    def running(self) -> bool:
        """Whether the system answers."""
        if self._system is None:
            return False
        try:
            self._system.ask("root")
        except GoneError:
            return False
        return True

    def lose_power(self) -> None:
        self.stop_service()
        if self._prefix is not None:
            self._prefix.lose_power()
        if self._system is not None:
            self._system.kill()
        self._system = None
        self.dirty = False
        self.opened.clear()

    def shut_down(self) -> None:
        """The run is over: the node's own files hold its registry, also Wine's, for whoever looks into them."""
        if self.running:
            self.flush()
        if self._prefix is not None:
            if not self.running:
                self.lose_power()
                self.power_up()
            self._prefix.shut_down()

    def lose_disk(self) -> None:
        registry_service.set_up(self.folder, self.setup)

    @property
    def processes(self) -> list[int]:
        """The ids of the processes that run on the node now."""
        workers = [self._system, self.service, *self.applications.values()]
        programs = () if self._prefix is None else self._prefix.programs()
        return [*(worker.pid for worker in workers if worker is not None), *programs]

    # --- programs -----------------------------------------------------------------------------------------

    def start_service(self) -> None:
        if self.service is None:
            self.service = Worker(self._template, cluster_service.__name__, self._address, str(self.disk))

    def stop_service(self) -> None:
        for resource in list(self.applications):
            self.end_process(resource)
        if self.service is not None:
            self.service.kill()
        self.service = None
        self.watches.clear()

    def start_process(self, resource: str) -> None:
        if resource not in self.applications:
            self.applications[resource] = Worker(self._template, application.__name__, self._address)

    def end_process(self, resource: str) -> None:
        worker = self.applications.pop(resource, None)
        if worker is not None:
            worker.kill()

    def hang_process(self, resource: str) -> None:
        worker = self.applications.get(resource)
        if worker is not None:
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGSTOP)

    def ask_service(self, *request: Any) -> Any:
        """A request to the cluster service. Raises Win32Error, UnreachableError."""
        if self.service is None:
            raise UnreachableError(self.name, service=True)
        try:
            return self.service.ask(*request)
        except GoneError:
            raise UnreachableError(self.name, service=self.running) from None

    def copy(self) -> LiveMachine:
        raise AssertionError("a real machine cannot be copied")


class Carried:
    """An operation that runs in a node's cluster service: looks like its generator."""

    _started = 0

    def __init__(self, machine: LiveMachine, operation: Operation) -> None:
        Carried._started += 1
        self._number = Carried._started
        self._machine = machine
        machine.ask_service("start", self._number, operation)

    def send(self, answer: Any) -> Any:
        told = self._machine.ask_service("send", self._number, answer)
        if isinstance(told, Ended):
            raise StopIteration
        return told

    def close(self) -> None:
        """Stop sending: that is the crash. The process forgets it, if it is still there."""
        try:
            self._machine.ask_service("close", self._number)
        except UnreachableError:
            return


def carried(machine: LiveMachine, operation: Operation) -> Op[None]:
    """The generator of an operation that runs in this node's cluster service. Raises UnreachableError."""
    remote: Any = Carried(machine, operation)
    generator: Op[None] = remote
    return generator
