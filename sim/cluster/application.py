"""The application behind a resource, as far as its registry decides: what its process needs of its keys to live.

A process reads its keys when it starts, and dies there of a value that does not fit: it fails while coming online.
One that reads them always (`Reads.ALWAYS`) dies of a value that becomes wrong as soon as it does; one that reads them
at its start alone goes on with what it has read, and dies the next time. Its Resource Monitor finds it dead at its
next poll (domain.md 62: alive means that the process exists).

Holds:    a value that fits is of the type that is asked for; text is no number.
Assumed:  the whole model; no document says what an application makes of its registry.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from sim.history.events import Misfit
from sim.registry import KeyPath, KeyTree, Value


class Reads(StrEnum):
    """When the process reads its keys: at its start alone, or at each change as well."""

    START = "start"
    ALWAYS = "always"


class Between(msgspec.Struct, frozen=True, tag=True):
    """A number from `low` to `high`, both included."""

    low: int
    high: int

    def fits(self, value: Value | None) -> bool:
        plain = None if value is None else value.plain()
        return isinstance(plain, int) and self.low <= plain <= self.high

    def __str__(self) -> str:
        return f"{self.low} to {self.high}"


class OneOf(msgspec.Struct, frozen=True, tag=True):
    """One of these numbers and texts; None stands for a value that is not there."""

    plain: tuple[int | str | None, ...]

    def fits(self, value: Value | None) -> bool:
        found = None if value is None else value.plain()
        return any(found == each and type(found) is type(each) for each in self.plain)

    def __str__(self) -> str:
        return " or ".join("absent" if each is None else repr(each) for each in self.plain)


class Need(msgspec.Struct, frozen=True):
    """What a process needs of one value (`name` empty: the default value) of a key."""

    key: KeyPath
    name: str
    allowed: Between | OneOf


def misfit(needs: tuple[Need, ...], root: KeyTree) -> Misfit | None:
    """The first of the needs that the registry below HKEY_LOCAL_MACHINE does not fill."""
    for need in needs:
        tree = root.at(need.key)
        found = None if tree is None else tree.values.get(need.name)
        if not need.allowed.fits(found):
            return Misfit(need.key, need.name, found, str(need.allowed))
    return None
