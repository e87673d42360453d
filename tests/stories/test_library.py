"""The library of scenarios: every story comes out as it says, and says all that there is to say."""

from __future__ import annotations

import pytest

import sim
from sim.history.verdict import Cause, Fate
from tests.library import FILES, NAMES, ROOT, scenario


@pytest.mark.parametrize("name", NAMES)
def test_a_story_comes_out_as_it_says(name: str) -> None:
    assert sim.run(scenario(name)).failures == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_story_states_all_its_expectations(name: str) -> None:
    """Every labelled write has its fate expected, every loss its cause, and the anomalies are stated."""
    found = scenario(name)
    assert found.about, "a story has a paragraph for its reader"
    labels = {step.label for step in found.steps if step.label is not None}
    assert set(found.expect.writes) == labels
    assert found.expect.anomalies is not None
    assert found.expect.resources
    for label, expected in found.expect.writes.items():
        if {Fate.LOST, Fate.STRANDED} & set(expected.fates):
            assert expected.causes, f"{label} is lost for a reason"


def test_the_library_reaches_every_fate_and_cause() -> None:
    writes = [write for name in NAMES for write in sim.run(scenario(name)).writes]
    assert {write.fate for write in writes} == set(Fate)
    assert {write.cause for write in writes} - {None} == set(Cause)


def test_the_demo_is_the_librarys_own_scenario() -> None:
    assert (ROOT / "sim" / "data" / "offline-edit.yaml").read_bytes() == (
        ROOT / "scenarios" / "offline-edit.yaml"
    ).read_bytes()


def test_titles_are_one_sentence_each_and_none_twice() -> None:
    titles = [scenario(name).title for name in NAMES]
    assert len(set(titles)) == len(FILES) > 30
