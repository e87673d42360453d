"""Operations in flight: what each is, what it has been answered, and the one effect that it waits for.

A flight holds all that there is to know of the wait, so that no part of a run's state lives in a clock's frame.

Units: microseconds.
"""

from __future__ import annotations

from typing import Any

from sim.checkpoint.effects import Op
from sim.cluster.effects import Condition, Operation


class Running:
    """An operation in flight: what it is, the answers that it has received, and its generator.

    The generator is a pure function of the answers, so that a copy is made by sending them again.
    `because`: the last event that it caused, the cause of its next.
    """

    __slots__ = ("answers", "because", "generator", "number", "operation")

    def __init__(self, number: int, operation: Operation, because: tuple[int, ...], generator: Op[None]) -> None:
        self.number = number
        self.operation = operation
        self.because = because
        self.answers: list[Any] = []
        self.generator = generator

    def copy(self) -> Running:
        """The same operation at the same point."""
        other = Running(self.number, self.operation, self.because, self.operation.run())
        other.answers = list(self.answers)
        for answer in other.answers:
            other.generator.send(answer)
        return other


class Flight:
    """One effect in flight. `due` is known once its time has begun to run; `order` breaks ties.

    `parked`: waits until it is woken (for `condition` to hold, if there is one), or for its time if it has one.
    `on_disk`: first waits for the slot of the quorum disk. `answer`: what the operation is told, if it is known.
    `process`: what carries the flight, if its clock has such a thing.
    `series`: the beats that it waits for, by name; `beats` in a row at which its condition holds (`holding`: as of
    now). `heard`: so many of them, where each is simulated. `broken`: since when the condition has failed again, where
    the beat that matters is computed.
    """

    __slots__ = (
        "answer",
        "beats",
        "broken",
        "condition",
        "due",
        "effect",
        "gone",
        "heard",
        "holding",
        "length",
        "on_disk",
        "order",
        "parked",
        "process",
        "running",
        "series",
    )

    def __init__(self, running: Running, effect: Any) -> None:
        self.running = running
        self.effect = effect
        self.order = 0
        self.due: int | None = None
        self.length = 0
        self.on_disk = False
        self.parked = False
        self.condition: Condition | None = None
        self.answer: Any = None
        self.gone = False
        self.process: Any = None
        self.series: tuple[str, str] | None = None
        self.beats = 0
        self.heard = 0
        self.holding = False
        self.broken: int | None = None

    def again(self, length: int | None, order: int) -> Flight:
        """The same wait, for so long from now; None: until it is woken."""
        other = self.copy(self.running)
        other.due, other.length, other.parked, other.order = None, length or 0, length is None, order
        return other

    def copy(self, running: Running) -> Flight:
        """The same flight, of the copied operation, with no process yet."""
        other = Flight(running, self.effect)
        other.order, other.due, other.length, other.on_disk = self.order, self.due, self.length, self.on_disk
        other.parked, other.condition, other.answer = self.parked, self.condition, self.answer
        other.series, other.beats, other.heard = self.series, self.beats, self.heard
        other.holding, other.broken = self.holding, self.broken
        return other
