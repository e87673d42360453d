"""The library of scenarios, as tests use it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import sim
from sim.scenario.model import Scenario

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "scenarios").glob("*.yaml"))
NAMES = [path.stem for path in FILES]


@cache
def scenario(name: str) -> Scenario:
    """A scenario of the library, by the name of its file."""
    return sim.load(ROOT / "scenarios" / f"{name}.yaml")
