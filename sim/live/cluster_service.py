"""A node's cluster service: the process in which the engine's and the cluster's operations of that node run.

It is told to start an operation and is sent the answers to its effects; it reaches its node's registry by a
connection of its own, and the quorum disk by the store's code on real files. SIGKILL is the service's crash: its
watches, its reservation of the disk and whatever it was in the middle of are gone with it.
"""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sim.checkpoint import store
from sim.checkpoint.effects import Op
from sim.cluster.effects import Operation
from sim.live.files import RealFiles, Reservation
from sim.live.processes import answer, ask
from sim.live.registry_service import connect


class Ended:
    """What an operation answers when it has nothing more to ask."""


class ClusterService:
    """The operations in flight on this node, its registry, and the quorum disk."""

    def __init__(self, address: str, disk: str) -> None:
        self.registry = connect(address) if address else None
        self.files = RealFiles(Path(disk))
        self.reservation = Reservation(Path(disk))
        self.operations: dict[int, Op[None]] = {}

    def perform(self, what: str, *arguments: Any) -> Any:
        """Answer one request. Raises Win32Error as the registry does."""
        match what, arguments:
            case "start", (int(number), Operation() as operation):
                self.operations[number] = operation.run()
                return None
            case "send", (int(number), told):
                try:
                    return self.operations[number].send(told)
                except StopIteration:
                    del self.operations[number]
                    return Ended()
            case "close", (int(number),):
                self.operations.pop(number).close()
                return None
            case "registry", (str(), *_):
                assert self.registry is not None, "this node's registry is not reached from here"
                return ask(self.registry, *arguments)
            case "store", (operation, tuple(told), bool(refuses)):
                owner = self.reservation.reserve(*told) if operation is store.take_over else None
                if owner is not None:
                    return store.Contested(owner, 0)
                return self.files.carry_out(operation(*told), refuses=refuses)
        raise AssertionError(f"a cluster service was asked {what!r} with {arguments!r}")


def main(parent: Connection, address: str, disk: str) -> None:
    """Serve until whoever started this goes away."""
    service = ClusterService(address, disk)
    while True:
        answer(parent, service.perform)
