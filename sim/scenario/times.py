"""Times as scenarios write them: `250ms`, `10s`, `1min30s`, `3d`; microseconds in memory."""

from __future__ import annotations

import re

UNITS = {"d": 86_400_000_000, "h": 3_600_000_000, "min": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}
PATTERN = r"^(\d+(\.\d+)?(d|h|min|s|ms|us))+$"

_PART = re.compile(r"(\d+)(?:\.(\d+))?(d|h|min|ms|us|s)")
_WHOLE = re.compile(PATTERN)

LONGEST = 100 * 365 * UNITS["d"]
"""A hundred years: no run is longer, in microseconds."""


def parse_time(text: str) -> int:
    """Microseconds. Raises ValueError, whose message says what would be right."""
    if not _WHOLE.match(text) or len(text) > 60:
        raise ValueError("a time is a number and a unit, such as 250ms, 10s, 2min, 1h, 3d or 1min30s")
    total = 0
    for whole, fraction, unit in _PART.findall(text):
        scale = UNITS[unit]
        total += int(whole) * scale
        if fraction:
            part, rest = divmod(int(fraction) * scale, 10 ** len(fraction))
            if rest:
                raise ValueError("finer than a microsecond; a timer is 1us or longer")
            total += part
    if total > LONGEST:
        raise ValueError("longer than a hundred years; a run is shorter")
    return total


def format_time(micros: int) -> str:
    """The shortest way to write it: `1min30s`, `250ms`, `0s`."""
    parts = []
    for unit, scale in UNITS.items():
        count, micros = divmod(micros, scale)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
