"""The clock of a simulated run: each effect in flight is a small SimPy process that waits for its time or a disk slot.

A flight holds all that its process knows, so that a copy of the world starts the same processes anew. What has come
due is settled one by one, outside SimPy, so that ties are a choice and SimPy's own order is none.

Units: microseconds (SimPy's time is an integer here).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import simpy

from sim.driver.flights import Flight, Running

Process = Generator[simpy.Event, Any, None]


class Clock:
    """SimPy's environment, the quorum disk's one slot, and what is in flight or has come due."""

    __slots__ = ("_order", "disk", "env", "flights", "now", "ready")

    def __init__(self, now: int = 0) -> None:
        self.now = now
        self.env = simpy.Environment(initial_time=now)
        self.disk = simpy.Resource(self.env, capacity=1)
        self.flights: dict[int, Flight] = {}
        self.ready: list[Flight] = []
        self._order = 0

    def next_order(self) -> int:
        self._order += 1
        return self._order

    def copy(self, running: dict[int, Running]) -> Clock:
        """A clock at the same instant with the same flights, whose processes start anew in the same order."""
        other = Clock(self.now)
        other._order = self._order
        # Whoever has the disk's slot asks for it first; the others queue in the order in which they did.
        for flight in sorted(self.flights.values(), key=lambda each: (each.due is None, each.order)):
            other._start(flight.copy(running[flight.running.number]))
        for flight in self.ready:
            if not flight.gone:
                other.ready.append(flight.copy(running[flight.running.number]))
        other.drain()
        return other

    def launch(self, flight: Flight) -> None:
        """Let an effect fly: one at a time for each operation."""
        flight.order = self.next_order()
        if not flight.on_disk and not flight.parked:
            flight.due = self.now + flight.length
        self._start(flight)

    def _start(self, flight: Flight) -> None:
        self.flights[flight.running.number] = flight
        if not flight.parked:
            flight.process = self.env.process(self._fly(flight))

    def _fly(self, flight: Flight) -> Process:
        try:
            if flight.on_disk:
                with self.disk.request() as slot:
                    yield slot
                    if flight.due is None:
                        flight.due, flight.order = self.now + flight.length, self.next_order()
                    yield self.env.timeout(flight.due - self.now)
            else:
                assert flight.due is not None
                yield self.env.timeout(flight.due - self.now)
        except simpy.Interrupt:
            return
        if not flight.gone:
            self._land(flight)

    def _land(self, flight: Flight) -> None:
        del self.flights[flight.running.number]
        self.ready.append(flight)

    def wake(self, flight: Flight, answer: Any) -> None:
        """End a flight's wait now, with this answer."""
        flight.gone = True  # its timer, if it has one, runs out unheard
        woken = Flight(flight.running, flight.effect)
        woken.order, woken.answer, woken.condition = self.next_order(), answer, flight.condition
        del self.flights[flight.running.number]
        self.ready.append(woken)

    def reschedule(self, flight: Flight, length: int | None, order: int) -> None:
        """Let a flight come due so long from now, in this order among what comes due then; None: park it."""
        flight.gone = True
        self.flights.pop(flight.running.number, None)
        again = flight.again(length, order)
        if length is not None:
            again.due = self.now + length
        self._start(again)

    def abort(self, flight: Flight) -> None:
        """The disk is gone: a transfer, queued or under way, ends now."""
        assert flight.process is not None
        self.wake(flight, None)
        flight.process.interrupt()

    def cancel(self, number: int) -> None:
        """The operation is no more: whatever it waited for does not matter, and a disk slot is free again."""
        flight = self.flights.pop(number, None)
        if flight is not None:
            flight.gone = True
            if flight.on_disk and flight.process is not None and flight.process.is_alive:
                flight.process.interrupt()
        self.ready = [each for each in self.ready if each.running.number != number]

    def advance(self, until: int) -> bool:
        """Run to the next instant at which something comes due, not beyond `until`; False where there is none."""
        env = self.env
        while not self.ready:
            if env.peek() > until:
                return False
            env.step()
            self.now = int(env.now)
            self.drain()
        return True

    def drain(self) -> None:
        """Let SimPy finish all that it has for this instant, so that a copy finds no loose ends."""
        env = self.env
        while env.peek() == env.now:
            env.step()
