"""A node's registry service: the process that holds the node's registry, for every program that runs on the node.

Serves:  a socket file with mode 600; a request is a verb of `sim.registry.Registry` and its arguments.
Stands:  on a registry of ours in its memory (the ground "files"), or on a prefix's through Wine's calls ("wine").
Keeps:   what was flushed of it in the node's hive file. A power loss is SIGKILL to it, and to all of Wine.
Handles: watches belong to the connection that made them, and go with it; keys are held open by another process.
"""

from __future__ import annotations

import contextlib
import socket
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from sim.driver.ground import NodeRegistry
from sim.live.hive_file import HiveFile
from sim.live.processes import GoneError, answer
from sim.live.wine import WineError
from sim.live.wine_registry import WineRegistry, power_up
from sim.registry import KeyTree, Registry, Win32Error

VERBS = frozenset(
    {
        "create_key",
        "set_value",
        "delete_value",
        "delete_tree",
        "save_key",
        "restore_key",
        "open_key",
        "close_key",
        "open_handles",
        "watch",
        "rearm",
        "unwatch",
        "signalled",
        "take_signals",
    }
)
"""What may be asked of a registry, by name."""


class RegistryService:
    """The service's state: the registry, and whose its watches are. `begin` is the first that is asked of it."""

    def __init__(self, folder: Path, ground: str) -> None:
        self.folder = folder
        self.ground = ground
        self.file = HiveFile(folder)
        self.registry: NodeRegistry = Registry()
        self.flushed = self.registry.root
        self.watches: dict[Connection, set[int]] = {}

    def begin(self, setup: KeyTree | None) -> str | None:
        """The registry as the scenario finds it, or (None) as the disk has it; why it cannot be, in one line."""
        tree = self.file.read() if setup is None else setup
        try:
            self.registry = WineRegistry(power_up(self.folder), tree) if self.ground == "wine" else Registry(tree)
        except WineError as error:
            return str(error)
        self.flushed = self.registry.root
        return None

    def flush(self) -> None:
        """The lazy writer comes by."""
        root = self.registry.root
        self.file.write(root)
        self.flushed = root

    def perform(self, client: Connection, verb: str, *arguments: Any) -> Any:
        """Answer one request of a client. Raises Win32Error, and GoneError where Wine has died."""
        try:
            return self._perform(client, verb, *arguments)
        except WineError:
            raise GoneError from None

    def _perform(self, client: Connection, verb: str, *arguments: Any) -> Any:
        match verb:
            case "root":
                return self.registry.root
            case "begin":
                return self.begin(*arguments)
            case "unflushed":
                return self.registry.root != self.flushed
            case "flush":
                return self.flush()
            case _:
                assert verb in VERBS, f"no verb of a registry: {verb}"
        made = getattr(self.registry, verb)(*arguments)
        if verb == "watch":
            self.watches.setdefault(client, set()).add(made)
        elif verb == "unwatch":
            self.watches.get(client, set()).discard(arguments[0])
        return made

    def gone(self, client: Connection) -> None:
        """The client has ended; its watches are closed."""
        for watch in self.watches.pop(client, ()):
            with contextlib.suppress(Win32Error, WineError):
                self.registry.unwatch(watch)


def main(parent: Connection, folder: str, address: str, ground: str) -> None:
    """Serve until whoever started this goes away."""
    service = RegistryService(Path(folder), ground)
    Path(address).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        Path(address).chmod(0o600)
        listener.listen()
        clients: list[Connection] = [parent]
        while True:
            for ready in wait([listener, *clients]):
                if ready is listener:
                    clients.append(Connection(listener.accept()[0].detach()))
                    continue
                assert isinstance(ready, Connection)
                try:
                    answer(ready, lambda *request, client=ready: service.perform(client, *request))
                except (EOFError, OSError):
                    if ready is parent:
                        return
                    service.gone(ready)
                    clients.remove(ready)


def connect(address: str) -> Connection:
    """A client's connection to the service at this address."""
    client = socket.socket(socket.AF_UNIX)
    client.connect(address)
    return Connection(client.detach())


def set_up(folder: Path, registry: KeyTree) -> None:
    """A node's disk as its administrator left it."""
    folder.mkdir(parents=True, exist_ok=True)
    HiveFile(folder).write(registry)
