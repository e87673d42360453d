"""The clock of a live run: real time, compressed by a factor that is stated.

An effect comes due no earlier than its time has really passed; what a machine takes longer for is *lag*, and moves
nothing: an effect that was due at 12.2 s is said to have happened at 12.2 s, and what follows is timed from there.
So the order of events is the scenario's, however slow the machine.

Units: microseconds of the scenario's time.
"""

from __future__ import annotations

import heapq
import time
from typing import NoReturn

from sim.driver.flights import Flight, Running


class LiveClock:
    """`speed`: seconds of the scenario for each real one. `lag`: the largest, in real seconds."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self.now = 0
        self.lag = 0.0
        self.flights: dict[int, Flight] = {}
        self.ready: list[Flight] = []
        self._due: list[tuple[int, int, Flight]] = []
        self._queue: list[Flight] = []
        self._transfer: Flight | None = None
        self._order = 0
        self._began = time.monotonic()

    def launch(self, flight: Flight) -> None:
        """Let an effect fly: one at a time for each operation; one transfer at a time on the quorum disk."""
        flight.order = self._next_order()
        self.flights[flight.running.number] = flight
        if flight.on_disk:
            self._queue.append(flight)
            self._start_transfer()
        elif not flight.parked:
            self._time(flight)

    def wake(self, flight: Flight, answer: object) -> None:
        """End a flight's wait now, with this answer."""
        self._forget(flight)
        woken = Flight(flight.running, flight.effect)
        woken.order, woken.answer, woken.condition = self._next_order(), answer, flight.condition
        self.ready.append(woken)

    def reschedule(self, flight: Flight, length: int | None, order: int) -> None:
        """Let a flight come due so long from now, in this order among what comes due then; None: park it."""
        self._forget(flight)
        again = flight.again(length, order)
        self.flights[again.running.number] = again
        if length is not None:
            self._time(again)

    def abort(self, flight: Flight) -> None:
        """The disk is gone: a transfer, queued or under way, ends now."""
        self.wake(flight, None)

    def cancel(self, number: int) -> None:
        """The operation is no more, and a disk slot is free again."""
        flight = self.flights.get(number)
        if flight is not None:
            self._forget(flight)
        self.ready = [each for each in self.ready if each.running.number != number]

    def advance(self, until: int) -> bool:
        """Wait for the next instant at which something comes due, not beyond `until`; False where there is none."""
        while not self.ready:
            while self._due and self._due[0][2].gone:
                heapq.heappop(self._due)
            if not self._due or self._due[0][0] > until:
                self._pass(until)
                return False
            due, _, flight = heapq.heappop(self._due)
            self._pass(due)
            self.now = due
            self._land(flight)
            while self._due and self._due[0][0] == due:
                also = heapq.heappop(self._due)[2]
                if not also.gone:
                    self._land(also)
        return True

    def drain(self) -> None:
        """Nothing is left over of an instant here."""

    def copy(self, running: dict[int, Running]) -> NoReturn:
        raise AssertionError("real time cannot be copied")

    def _pass(self, due: int) -> None:
        """Let real time pass until then."""
        left = self._began + due / 1e6 / self.speed - time.monotonic()
        self.lag = max(self.lag, -left)
        if left > 0:
            time.sleep(left)

    def _land(self, flight: Flight) -> None:
        self._forget(flight)
        self.ready.append(flight)

    def _forget(self, flight: Flight) -> None:
        flight.gone = True
        self.flights.pop(flight.running.number, None)
        if flight in self._queue:
            self._queue.remove(flight)
        if self._transfer is flight:
            self._transfer = None
            self._start_transfer()

    def _start_transfer(self) -> None:
        if self._transfer is None and self._queue:
            self._transfer = self._queue.pop(0)
            self._transfer.order = self._next_order()
            self._time(self._transfer)

    def _time(self, flight: Flight) -> None:
        flight.due = self.now + flight.length
        heapq.heappush(self._due, (flight.due, flight.order, flight))

    def _next_order(self) -> int:
        self._order += 1
        return self._order
