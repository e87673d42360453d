"""Laws of a run: pure, copyable at any point, and told whole by its history."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import sim
from sim.history.ledger import HistoryError
from sim.history.lines import digest, from_lines, to_lines
from sim.judge.verdict import Verdict
from sim.world.run import begun
from tests.library import NAMES, ROOT, scenario

TEN = NAMES[:: max(1, len(NAMES) // 10)][:10]


@pytest.mark.parametrize("name", TEN)
def test_a_world_copied_at_any_point_goes_on_as_the_original(name: str) -> None:
    """Idea 4 of the design: a world is immutable data and the answers that its operations have received."""
    whole = begun(scenario(name)).finish()
    run = begun(scenario(name))
    copies = 0
    while True:
        assert run.copy().finish() == whole
        copies += 1
        if not run.step():
            break
    assert run.finish() == whole
    assert copies > 1, "nothing happened to copy in the middle of"


@pytest.mark.parametrize("name", NAMES)
def test_a_history_alone_read_back_from_its_lines_is_judged_alike(name: str) -> None:
    verdict = sim.run(scenario(name))
    lines = to_lines(verdict.history)
    again = Verdict(from_lines(lines), verdict.replay, verdict.file)
    assert again.history == verdict.history
    assert again.to_json() == verdict.to_json()
    assert to_lines(again.history) == lines


def test_a_truncated_history_is_refused() -> None:
    lines = to_lines(sim.run(scenario("offline-edit")).history)
    each = lines.splitlines(keepends=True)
    for cut in range(len(each)):
        with pytest.raises(HistoryError):
            Verdict(from_lines(b"".join(each[:cut])))
    for cut in range(1, len(each) - 1):
        with pytest.raises(HistoryError):
            Verdict(from_lines(b"".join(each[:cut] + each[cut + 1 :])))
    with pytest.raises(HistoryError):
        from_lines(lines[:-10])


def test_a_history_that_contradicts_itself_is_refused() -> None:
    lines = to_lines(sim.run(scenario("offline-edit")).history)
    assert b'"undone":[1]' in lines
    with pytest.raises(HistoryError):
        Verdict(from_lines(lines.replace(b'"undone":[1]', b'"undone":[]')))


def _digests(hash_seed: str, folder: Path) -> str:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import sim\nfrom sim.history.lines import digest\nfrom pathlib import Path\n"
        "for path in sorted(Path(sys.argv[1], 'scenarios').glob('*.yaml')):\n"
        "    s = sim.loads(path.read_bytes(), folder=path.parent)\n"
        "    print(path.stem, digest(sim.run(s).history), digest(sim.run(s, seed=5).history))\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(
        [sys.executable, "-c", script, str(ROOT)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_equal_histories_in_another_process_with_another_hash_seed_from_another_folder(tmp_path: Path) -> None:
    first = _digests("1", ROOT)
    assert first == _digests("4242", tmp_path)
    assert len(first.splitlines()) == len(NAMES)


WINDOWS = r"""
scenario: Windows of times
cluster:
  nodes: [A, B]
  groups: {G: {resources: {R: {checkpoints: ['SOFTWARE\X']}}}}
  timing: {checkpoint_save: {between: [100ms, 300ms]}}
registry: {all: {HKLM\SOFTWARE\X: {V: 1}}}
steps:
  - {at: {between: [10s, 20s]}, do: 'reg add HKLM\SOFTWARE\X /v V /t REG_DWORD /d 2 /f', as: w}
"""


def test_seeds_differ_where_there_is_a_choice_and_only_there() -> None:
    windows = sim.loads(WINDOWS)
    assert len({digest(sim.run(windows, seed=seed).history[1:]) for seed in range(20)}) == 20
    assert digest(sim.run(windows, seed=3).history) == digest(sim.run(windows, seed=3).history)
    quiet = sim.run(scenario("offline-edit")).history[1:]
    assert all(sim.run(scenario("offline-edit"), seed=seed).history[1:] == quiet for seed in range(5))


def test_an_unseeded_run_takes_the_first_of_every_window() -> None:
    saved = [event.at for event in sim.run(sim.loads(WINDOWS)).history if type(event).__name__ == "Saved"]
    assert saved == [10_100_000]
