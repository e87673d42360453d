"""The library of scenarios: every story comes out as it says, and says all that there is to say."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

import sim
from sim.checkpoint.obligations import Obligations
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


def test_the_history_says_what_its_engine_owes() -> None:
    begin = sim.run(scenario("merely-conforming")).begin
    assert begin.engine == {"saves_on_change": False, "saves_on_offline": False, "saves_on_failure": False}
    assert sim.run(scenario("offline-edit")).begin.engine == {
        **begin.engine,
        "saves_on_change": True,
        "saves_on_offline": True,
    }


def test_what_a_merely_conforming_engine_loses_mscs_keeps() -> None:
    """The same steps, the switches aside: the gap between MUST and SHOULD (domain.md 5) is a change that is lost."""
    conforming, mscs = scenario("merely-conforming"), scenario("saves-on-change")
    assert [(step.act, step.when) for step in conforming.steps] == [(step.act, step.when) for step in mscs.steps]
    assert [write.fate for name in (conforming, mscs) for write in sim.run(name).writes] == [Fate.LOST, Fate.KEPT]
    unfailing = replace(mscs.cluster, obligations=Obligations(saves_on_change=False))
    assert [write.fate for write in sim.run(replace(mscs, cluster=unfailing)).writes] == [Fate.KEPT], "saved at offline"
