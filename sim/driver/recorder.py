"""The recorder: writes the typed history of a run, with the ledger's word on whose data stands where."""

from __future__ import annotations

from typing import Any

from sim.history.events import AnyEvent, Begin
from sim.history.ledger import Ledger


class Recorder:
    """The events so far, in order, and the ledger that follows them."""

    __slots__ = ("events", "ledger", "writes")

    def __init__(self, begin: Begin) -> None:
        self.events: list[AnyEvent] = [begin]
        self.ledger = Ledger(begin)
        self.writes = 0

    def copy(self) -> Recorder:
        """An independent recorder of the same history so far."""
        other = Recorder.__new__(Recorder)
        other.events, other.ledger, other.writes = list(self.events), self.ledger.copy(), self.writes
        return other

    def emit(self, kind: type[AnyEvent], at: int, node: str | None, because: tuple[int, ...], **fields: Any) -> int:
        """Record an event; its id."""
        number = len(self.events) + 1
        event = kind(id=number, at=at, node=node, because=because, **fields)
        self.events.append(self.ledger.take(event))
        return number

    def next_write(self) -> int:
        """The id of the next write."""
        self.writes += 1
        return self.writes
