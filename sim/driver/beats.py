"""Beats: heartbeats, polls and renewals, which come at regular intervals and matter only once something is wrong.

Quiet:    nobody notices a beat that finds all well, so it is not simulated: the next one that matters is computed when
          something goes wrong, and forgotten when it is mended in time. A quiet year costs nothing.
Naive:    every beat is simulated one by one. Both give the same history, to the byte.
Rule:     a beat comes first in its instant: what happens at that very instant is found by the next one.

Units: microseconds of simulated time.
"""

from __future__ import annotations

from msgspec import Struct

FIRST = -(2**40)
"""The order of beats among what comes due at one instant lies below that of everything else."""


class Series(Struct, frozen=True):
    """Beats at `since + n * interval`; `rank` orders those of one instant."""

    since: int
    interval: int
    rank: int

    def next_after(self, now: int) -> int:
        """The first beat after that instant."""
        return now + self.interval - (now - self.since) % self.interval
