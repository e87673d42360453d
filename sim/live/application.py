"""A resource's application: a process of its own that writes its node's registry when its scenario says so."""

from __future__ import annotations

from multiprocessing.connection import Connection

from sim.live.processes import answer, ask
from sim.live.registry_service import connect


def main(parent: Connection, address: str) -> None:
    """Make the registry calls that the application is told to make, until whoever started this goes away."""
    registry = connect(address)
    while True:
        answer(parent, lambda *request: ask(registry, *request))
