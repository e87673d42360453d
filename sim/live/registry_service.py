"""A node's registry service: the process that holds the node's registry, for every program that runs on the node.

Serves:  a socket file with mode 600; a request is a verb of `sim.registry.Registry` and its arguments.
Keeps:   the registry in memory, and what was flushed of it in the node's hive file. SIGKILL is the power loss.
Handles: watches and open keys belong to the connection that made them, and go with it.
"""

from __future__ import annotations

import contextlib
import socket
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from sim.live.hive_file import HiveFile
from sim.live.processes import answer
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
    """The service's state: the registry, and whose its watches are."""

    def __init__(self, folder: Path) -> None:
        self.file = HiveFile(folder)
        self.registry = Registry(self.file.read())
        self.flushed = self.registry.root
        self.watches: dict[Connection, set[int]] = {}

    def perform(self, client: Connection, verb: str, *arguments: Any) -> Any:
        """Answer one request of a client. Raises Win32Error."""
        match verb:
            case "root":
                return self.registry.root
            case "begin":
                self.registry = Registry(*arguments)
                self.flushed = self.registry.root
                return None
            case "unflushed":
                return self.registry.root is not self.flushed
            case "flush":
                self.file.write(self.registry.root)
                self.flushed = self.registry.root
                return None
            case _:
                assert verb in VERBS, f"no verb of a registry: {verb}"
        made = getattr(self.registry, verb)(*arguments)
        if verb == "watch":
            self.watches.setdefault(client, set()).add(made)
        elif verb == "unwatch":
            self.watches.get(client, set()).discard(arguments[0])
        return made

    def gone(self, client: Connection) -> None:
        """The client has ended; its handles are closed."""
        for watch in self.watches.pop(client, ()):
            with contextlib.suppress(Win32Error):
                self.registry.unwatch(watch)


def main(parent: Connection, folder: str, address: str) -> None:
    """Serve until whoever started this goes away."""
    service = RegistryService(Path(folder))
    Path(address).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        Path(address).chmod(0o600)
        listener.listen()
        parent.send((None, None))  # it may be connected to from now on
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
