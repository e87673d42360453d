"""The documented numbers of a generation of the product: `nt4` (NT 4.0 to Server 2003).

Units:    microseconds of simulated time.
Sources:  beside each number; *assumed* where no document gives one (domain.md 13, 142). Every number
          can be set under `timing:` of a scenario, as a time or as a window of times.
`wsfc`    (2008 R2 and later) is named in the contract and not built yet: asking for it is an error.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NewType

import msgspec

from sim.checkpoint.obligations import MSCS, Obligations

Micros = NewType("Micros", int)
"""Simulated time since the run began, or a length of it: integer microseconds, so that sums and ties are exact."""

MILLISECOND = Micros(1_000)
SECOND = Micros(1_000_000)


class Profile(StrEnum):
    """A generation of the product; decides behaviour, never vocabulary."""

    NT4 = "nt4"
    WSFC = "wsfc"


OBLIGATIONS: dict[Profile, Obligations] = {
    Profile.NT4: MSCS,  # KB 174070 (domain.md 1)
    Profile.WSFC: MSCS,  # MSDN checkpointing (domain.md 3, 4), which names no version
}
"""When the engine of each generation saves; `cluster: {engine: ...}` sets it otherwise."""


class Window(msgspec.Struct, frozen=True):
    """A time that lies somewhere in [low, high], both included: a choice of the run."""

    low: int
    high: int


Span = int | Window
"""Microseconds, or a window of them."""


class Timer(msgspec.Struct, frozen=True):
    """One documented number: its default in microseconds, whether it is assumed, and its source."""

    default: int
    assumed: bool
    source: str


TIMERS: dict[str, Timer] = {
    "heartbeat": Timer(1_200_000, False, "KB 892422 (2000/2003; for NT 4.0 the best guess: domain.md 74)"),
    "reservation_renewal": Timer(3_000_000, False, "Nash, Microsoft, 2004-07-14 (domain.md 78)"),
    "arbitration_wait": Timer(10_000_000, False, "Nash, Microsoft, 2004-07-14 (domain.md 78)"),
    "looks_alive": Timer(5_000_000, False, "MSDN resource-types-looksalivepollinterval (domain.md 63)"),
    "is_alive": Timer(60_000_000, False, "MSDN resource-types-isalivepollinterval (domain.md 63)"),
    "pending_timeout": Timer(180_000_000, False, "MSDN resources-pendingtimeout (domain.md 64)"),
    "node_boot": Timer(60_000_000, True, "contract"),
    "service_start": Timer(5_000_000, True, "contract"),
    "resource_online": Timer(1_000_000, True, "contract"),
    "resource_offline": Timer(1_000_000, True, "contract"),
    "checkpoint_save": Timer(200_000, True, "contract; domain.md 13: no document gives a latency"),
    "checkpoint_restore": Timer(100_000, True, "contract"),
    "checkpoint_retry": Timer(5_000_000, True, "contract; domain.md 41: no document gives a retry rule"),
    "registry_flush": Timer(5_000_000, True, "contract; after the first unflushed change"),
    "registry_write": Timer(0, True, "contract; between the writes of one command"),
}
"""Every timer that `timing:` can set, by its name there."""

COUNTS: dict[str, Timer] = {
    "heartbeats_missed": Timer(6, False, "KB 892422 (domain.md 74)"),
}
"""The numbers below `timing:` that count and are no times."""


class Timing(msgspec.Struct, frozen=True):
    """The timers of one run: those that differ from the profile's, by name.

    `spans` holds every timer of `TIMERS`, `counts` every number of `COUNTS`.
    """

    spans: dict[str, Span]
    counts: dict[str, int]

    def __getitem__(self, name: str) -> Span:
        return self.spans[name]


def timing(profile: Profile = Profile.NT4, **changed: Span) -> Timing:
    """The profile's timing with the numbers in `changed` replaced. Raises KeyError for a name that is none."""
    assert profile is Profile.NT4, f"profile {profile} is not built yet"
    spans: dict[str, Span] = {name: timer.default for name, timer in TIMERS.items()}
    counts = {name: timer.default for name, timer in COUNTS.items()}
    for name, span in changed.items():
        if name in counts:
            assert isinstance(span, int), f"{name} is a count, not {span!r}"
            counts[name] = span
        elif name in spans:
            spans[name] = span
        else:
            raise KeyError(name)
    return Timing(spans, counts)
