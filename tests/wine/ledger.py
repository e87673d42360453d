"""Where Wine and we differ, and which document decides: differences.yaml, counted as it is met."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import msgspec
import yaml

FILE = Path(__file__).with_name("differences.yaml")


class Difference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One systematic difference. `right`: who is right by the document, or that none decides."""

    what: str
    wine: str
    we: str
    document: str
    right: str


@cache
def differences() -> dict[str, Difference]:
    """The ledger, by the names of its entries."""
    return msgspec.convert(yaml.safe_load(FILE.read_text(encoding="utf-8")), dict[str, Difference])


class Met:
    """How often each difference was met in one comparison."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def note(self, name: str) -> None:
        """A difference of that name was met; it must be in the ledger."""
        assert name in differences(), f"{name!r} is not in {FILE.name}"
        self.counts[name] += 1
