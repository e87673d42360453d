"""Every crash point of the store, and every planted mistake found. A slice by default, all with FAILSIM_CRASHES=all."""

from __future__ import annotations

import os

import pytest

from tests.crashes.enumerate import SCRIPTS, Enumeration, Race
from tests.crashes.planted import MISTAKES, Mistake, found

ALL = os.environ.get("FAILSIM_CRASHES") == "all"
TWICE = {"saves", "removal"}


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_crash_of(name: str) -> None:
    enumeration = Enumeration(twice=ALL or name in TWICE, only_script=name)
    enumeration.run()
    assert enumeration.crashes > 100
    assert enumeration.damages > 500


def test_two_owners_at_once() -> None:
    race = Race()
    race.run()
    assert race.refused > 0
    assert race.refused < race.ends


@pytest.mark.parametrize("mistake", MISTAKES if ALL else MISTAKES[::2], ids=lambda mistake: mistake.title)
def test_a_planted_mistake_is_found(mistake: Mistake) -> None:
    assert found(mistake) is not None
