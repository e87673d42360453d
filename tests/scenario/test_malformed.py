"""Every malformed scenario is one line: where, what is wrong, what would be right."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator
from yaml import safe_load

import sim
from sim.scenario.document import ScenarioError, compose
from sim.scenario.loader import loads
from sim.scenario.schema import schema
from tests.library import FILES, ROOT
from tests.scenario.malformed import BASE, BYTES, CASES, Malformed


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_malformed_scenario_is_told_with_its_place(case: Malformed) -> None:
    with pytest.raises(ScenarioError) as caught:
        loads(case.text, file="x.yaml")
    error = caught.value
    text = str(error)
    assert text.startswith(f"x.yaml:{case.line}:{case.column}: "), text
    assert case.says in text, text
    assert "\n" not in text
    assert (";" in text and len(text) < 400) or "YAML" in text, "a message says what would be right"


@pytest.mark.parametrize(("name", "data", "line", "column", "says"), BYTES)
def test_bytes_that_are_no_text(name: str, data: bytes, line: int, column: int, says: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        loads(data, file="x.yaml")
    assert str(caught.value).startswith(f"x.yaml:{line}:{column}: {says}"), name


def test_there_are_many_of_them_and_none_twice() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60
    assert loads(BASE).title == "One is enough"


def test_a_malformed_reg_file_is_told_with_its_own_place(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    (folder / "x.reg").write_text(
        'Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\X]\n"A"=dword:zz\n'
    )
    with pytest.raises(ScenarioError) as caught:
        loads(BASE.replace("  all:\n", "  NODE2: {file: x.reg}\n  all:\n"), file="s.yaml", folder=folder)
    assert (caught.value.line, caught.value.file) == (4, str(folder / "x.reg"))


VALIDATOR = Draft202012Validator(schema())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_independent_validator_accepts_the_library(path: object) -> None:
    from pathlib import Path

    data = Path(str(path)).read_bytes()
    VALIDATOR.validate(compose(data, str(path)).data())


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("case", [case for case in CASES if case.schema], ids=lambda case: case.name)
def test_an_independent_validator_rejects_what_a_schema_can_reject(case: Malformed) -> None:
    assert not VALIDATOR.is_valid(compose(case.text.encode("utf-8"), "x").data())


def test_what_the_schema_cannot_see_it_accepts() -> None:
    """So that the marks in the table are true: these need the whole scenario, or are no YAML."""
    for case in CASES:
        if not case.schema:
            try:
                data = compose(case.text.encode("utf-8"), "x").data()
            except ScenarioError:
                continue
            assert VALIDATOR.is_valid(data), case.name


def test_yaml_1_1_would_have_read_another_language() -> None:
    """The trap of measured.md: `on` is a boolean there, and a key here."""
    assert True in safe_load("on: NODE1")
    assert compose(b"on: NODE1", "x").data() == {"on": "NODE1"}


def test_the_contracts_example_is_read_and_comes_out_as_stated() -> None:
    text = (ROOT / "tests" / "scenario" / "contract.yaml").read_text(encoding="utf-8")
    assert sim.run(sim.loads(text)).failures == ()
