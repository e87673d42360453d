"""The README does not lie: its demo is what the program prints, its scenario and its Python run."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

import sim
from sim.history.verdict import Cause, Fate
from sim.registry import KeyPath, KeyTree, Value, write_hive, write_reg
from sim.report.demo import play
from tests.library import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_demo_prints_what_the_readme_shows() -> None:
    out = io.StringIO()
    text = (ROOT / "scenarios" / "offline-edit.yaml").read_text(encoding="utf-8")
    play(Console(file=out, width=80), lambda: text, lambda scenario: sim.run(sim.loads(scenario)))
    printed = "\n".join(line.rstrip() for line in out.getvalue().splitlines())
    shown = blocks("console")[0].split("...\n")[1].rstrip()
    assert shown in printed


def test_the_difference_of_two_files_is_what_the_readme_shows(tmp_path: Path) -> None:
    key = KeyPath.parse(r"SOFTWARE\Contoso")
    before = KeyTree.built([("Port", Value.dword(80))])
    after = before.with_value((), "Port", Value.dword(8080)).with_value(("Queues",), "", Value.sz("fast"))
    (tmp_path / "before.reg").write_bytes(write_reg(before, key))
    (tmp_path / "after.hiv").write_bytes(write_hive(after))
    typed, _, shown = blocks("console")[1].partition("\n")
    call = [sys.executable, "-m", "sim", *typed.split()[2:]]
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(call, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == (shown, 1)


@pytest.mark.parametrize("block", [each for each in blocks("console") if each.startswith("$ failsim run ")])
def test_a_run_prints_what_the_readme_shows(block: str) -> None:
    typed, _, shown = block.partition("\n")
    call = [sys.executable, "-m", "sim", *typed.split()[2:]]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(call, cwd=ROOT, env=variables, capture_output=True, encoding="utf-8", check=False)
    for part in shown.split("...\n"):
        assert part in done.stdout


def test_the_scenario_in_the_readme_comes_out_as_it_says() -> None:
    assert sim.run(sim.loads(blocks("yaml")[0])).failures == ()


def test_the_python_in_the_readme_runs() -> None:
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    call = [sys.executable, "-c", blocks("python")[0]]
    done = subprocess.run(call, cwd=ROOT, env=variables, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("lost\noffline-edit\nAt 15 s an operator set")


def test_every_word_of_a_verdict_is_explained() -> None:
    for word in (*Fate, *Cause):
        assert f"`{word}`" in README


def test_ci_calls_the_readmes_own_test_command() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "python3 -m pip install -e '.[test]' && python3 -m pytest" in README
    assert "-e '.[test]'" in ci
    assert "python3 -m pytest" in ci
