"""Every crash point of the store, and every planted mistake found. A slice by default, all with FAILSIM_CRASHES=all."""

from __future__ import annotations

import os

import pytest

from tests.crashes import enumerate as crashes
from tests.crashes import planted
from tests.crashes.enumerate import BrokenLawError, Enumeration
from tests.crashes.planted import MISTAKES, Mistake, found, smallest_of
from tests.crashes.races import RACES, Race
from tests.crashes.scripts import SCRIPTS

ALL = os.environ.get("FAILSIM_CRASHES") == "all"
TWICE = {"saves", "removal"}

SMALLEST = {
    "a new folder is not flushed": "NODE1 App=1/22/names [] of 1, torn []",
    "names are not flushed": "NODE1 App=1/16/names [4, 5] of 6, torn []",
    "the published copy stays after a removal": "NODE1 App=1 App=-/39/at rest",
    "a damaged newest image is not listed": "NODE1 App=1/21/names [0, 1] of 2, torn []/damaged",
    "the sweep deletes images of any epoch": "race/two take-overs/",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_crash_of(name: str) -> None:
    enumeration = Enumeration(twice=ALL or name in TWICE)
    enumeration.run((SCRIPTS[name],))
    assert enumeration.crashes > 100
    assert enumeration.damages > 500
    assert enumeration.kills > 100


@pytest.mark.parametrize("name", RACES)
def test_owners_at_once(name: str) -> None:
    race = Race(name, switches=RACES[name].most if ALL else None)
    race.run()
    assert 0 < race.refused < 2 * race.ends
    assert race.gave_way > 0 or "take-overs" not in name


@pytest.mark.parametrize("mistake", MISTAKES if ALL else MISTAKES[::2], ids=lambda mistake: mistake.title)
def test_a_planted_mistake_is_found(mistake: Mistake) -> None:
    assert found(mistake) is not None


@pytest.mark.parametrize("title", SMALLEST)
def test_the_smallest_case_is_shown_and_its_command_repeats_it(title: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No act can be left out of it; where the mistake is not made, the same case breaks no law."""
    (mistake,) = (each for each in MISTAKES if each.title == title)
    case = smallest_of(mistake)
    assert isinstance(case, BrokenLawError)
    assert case.replay.startswith(SMALLEST[title])
    assert planted.main(["--mistake", title, case.replay]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith(f"{case}\n  ")
    assert f"\n  replay: python -m tests.crashes.planted --mistake '{title}' '{case.replay}'\n" in shown
    assert all(f"  {path}" in shown for path in case.disk.names)
    assert crashes.main([case.replay]) in (0, 2)  # 2: the mistake makes other effects, and there is no such moment


@pytest.mark.parametrize("replay", ["", "NODE1 App=1/999/at rest", "NODE1 App=1/9/names [7] of 1", "race/none/a1", "x"])
def test_a_replay_of_nothing_says_so(replay: str) -> None:
    assert crashes.main([replay]) == 2
    assert planted.main(["--mistake", MISTAKES[0].title, replay]) == 2
    assert planted.main(["--mistake", "none", replay]) == 2
