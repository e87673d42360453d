"""Where everything that could go either way is decided, each choice under a name of its own.

A name is site, subject and how many-th (`checkpoint_save/Spooler/00000001/3`), so that a choice added elsewhere
moves no other. Options are ordered, the quiet one first: an unseeded run takes it everywhere, a seeded one takes a
function of seed and name, a replay is the short map of names to the options that were not the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b


class Choices:
    """The one source of choice of a run. `taken` is what was not the first option: enough to repeat the run."""

    __slots__ = ("_counts", "_fixed", "seed", "taken")

    def __init__(self, seed: int | None = None, fixed: Mapping[str, int] | None = None) -> None:
        self.seed = seed
        self.taken: dict[str, int] = {}
        self._fixed = fixed
        self._counts: dict[str, int] = {}

    def copy(self) -> Choices:
        """The same source at the same point, independent from here on."""
        other = Choices(self.seed, self._fixed)
        other.taken, other._counts = dict(self.taken), dict(self._counts)
        return other

    def pick(self, subject: str, options: int) -> int:
        """One of `options` alternatives, as its number from 0; only then does the name count one more."""
        assert options > 0, f"no option for {subject}"
        return 0 if options == 1 else self._choose(subject, options)

    def between(self, subject: str, low: int, high: int) -> int:
        """A number in [low, high], both included; the low end is the quiet one."""
        assert low <= high, f"{subject}: {low} > {high}"
        return low if low == high else low + self._choose(subject, high - low + 1)

    def _choose(self, subject: str, options: int) -> int:
        count = self._counts[subject] = self._counts.get(subject, 0) + 1
        name = f"{subject}/{count}"
        if self._fixed is not None:
            option = min(self._fixed.get(name, 0), options - 1)
        elif self.seed is None:
            option = 0
        else:
            option = _drawn(self.seed, name, options)
        if option:
            self.taken[name] = option
        return option


def _drawn(seed: int, name: str, options: int) -> int:
    digest = blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % options
