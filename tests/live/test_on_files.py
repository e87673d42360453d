"""A live run on files says what the simulation says, and loses no acknowledged save to SIGKILL at any moment.

FAILSIM_KILLS is how many runs are killed in (20 by default, 200 in full).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

import sim
from sim.checkpoint import store
from sim.checkpoint.effects import Image
from sim.checkpoint.store import Slot
from sim.driver.run import RunError
from sim.history import events
from sim.judge.verdict import Verdict
from sim.live import machine as live_machine
from sim.live.files import RealFiles
from sim.live.ground import LiveGround
from sim.live.run import LiveRun, run, unreal
from tests.library import NAMES, scenario

KILLS = int(os.environ.get("FAILSIM_KILLS", "20"))
AT_ONCE = 1e6
"""A speed at which no real time passes between events."""

LIVE = [name for name in NAMES if unreal(scenario(name)) is None]


def told(verdict: Verdict) -> dict[str, Any]:
    """All that a verdict says, but for how the run was made."""
    document = verdict.to_json()
    del document["history_sha256"], document["replay"]
    return document


def same(live: LiveRun, name: str) -> bool:
    """Whether fates, causes, registries, checkpoints and all else that a verdict says are the simulation's."""
    asked = scenario(name)
    return told(Verdict(live.history, file=asked.file)) == told(sim.run(asked))


def test_most_of_the_library_can_run_live() -> None:
    assert len(LIVE) >= len(NAMES) - 6


@pytest.mark.parametrize("name", LIVE)
def test_a_live_run_says_what_the_simulation_says(name: str, tmp_path: Path) -> None:
    assert same(run(scenario(name), tmp_path / "cluster", speed=AT_ONCE), name)


def test_in_compressed_real_time(tmp_path: Path) -> None:
    began = time.monotonic()
    live = run(scenario("wrong-node"), tmp_path / "cluster", speed=60)
    assert same(live, "wrong-node")
    assert time.monotonic() - began > Verdict(live.history).ended_at / 1e6 / 60


BROKEN = {
    "restores change nothing": ("restore_key", lambda registry, key, tree: None),
    "no change is noticed": ("take_signals", lambda registry: ()),
    "writes are made nowhere": ("set_value", lambda registry, key, name, value: None),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_interpreter_is_noticed(broken: str, tmp_path: Path) -> None:
    """Either the history does not explain the registries any more, or the verdicts differ."""
    verb, instead = BROKEN[broken]
    noticed = 0
    with patch.object(live_machine.RegistryOf, verb, instead):
        for name in ("offline-edit", "change-while-online", "resurrected-value", "shared-key"):
            try:
                live = run(scenario(name), tmp_path / name, speed=AT_ONCE)
            except AssertionError:
                noticed += 1
            else:
                noticed += not same(live, name)
    assert noticed


# --- SIGKILL --------------------------------------------------------------------------------------------------------

BUSY = """
scenario: A service that writes all the time, moved to and fro
cluster:
  nodes: [NODE1, NODE2]
  groups:
    Group: {resources: {Service: {checkpoints: ['SOFTWARE\\Service']}}}
registry:
  all: {HKLM\\SOFTWARE\\Service: {Count: 0}}
steps:
"""


def busy() -> sim.Scenario:
    lines = [BUSY]
    for second in range(1, 60):
        write = rf"reg add HKLM\SOFTWARE\Service /v Count /t REG_DWORD /d {second} /f"
        lines.append(f"  - {{at: {second}s, app: Service, do: '{write}'}}\n")
        if second % 12 == 0:
            node = "NODE2" if second % 24 else "NODE1"
            lines.append(f"  - {{at: {second}s500ms, do: 'cluster group Group /moveto:{node}'}}\n")
    for second in (70, 140, 300):
        lines += [f"  - {{at: {second}s, fault: boot, node: {node}}}\n" for node in ("NODE1", "NODE2")]
    lines.append("until: 400s\n")
    return sim.loads("".join(lines))


class Killer(threading.Thread):
    """Kills all of a node, or its cluster service alone, at a moment of real time."""

    def __init__(self, ground: LiveGround, seed: int) -> None:
        super().__init__(daemon=True)
        drawn = random.Random(seed)
        self.ground = ground
        self.after = drawn.uniform(0.0, 0.8)
        self.node = drawn.choice(["NODE1", "NODE2"])
        self.all = drawn.random() < 0.7

    def run(self) -> None:
        time.sleep(self.after)
        doomed = self.ground.processes[self.node]
        for pid in doomed if self.all else doomed[1:2]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                return


def killed(seed: int, folder: Path) -> LiveRun:
    return run(busy(), folder, speed=400, watch=lambda ground: Killer(ground, seed).start())


def acknowledged(live: LiveRun) -> None:
    """Every restore brings back the newest image that was acknowledged, and at the end the disk holds the last one."""
    newest = 1
    for event in live.history:
        if isinstance(event, events.Saved):
            assert event.version > newest
            newest = event.version
        if isinstance(event, events.Restored):
            assert event.version == newest
    assert newest > 1


@pytest.mark.parametrize("batch", range(4))
def test_no_acknowledged_save_is_lost_to_a_kill(batch: int, tmp_path: Path) -> None:
    for seed in range(batch, KILLS, 4):
        live = killed(seed, tmp_path / str(seed))
        acknowledged(live)
        verdict = Verdict(live.history)
        begin = verdict.begin
        files = RealFiles(tmp_path / str(seed) / "quorum")
        slot = Slot(begin.resources["Service"].guid, 1, r"SOFTWARE\Service")
        found = files.carry_out(store.take_over("NODE3"))
        image = files.carry_out(store.load(found.tenure, slot))
        assert isinstance(image, Image)
        assert found.damage == ()
        assert not image.damaged
        (last,) = verdict.to_json()["checkpoints"]["Service"].values()
        count = image.tree.value("Count")
        assert count is not None
        assert (image.version, count.plain()) == (last["version"], last["values"]["Count"])


# --- processes ------------------------------------------------------------------------------------------------------


def children_of(pid: int) -> set[int]:
    """The processes below a process, at any depth."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    found: set[int] = set()
    grown = {pid}
    while grown:
        grown = {child for child, parent in parents.items() if parent in grown} - found
        found |= grown
    return found


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_process_outlives_failsim(how: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sim", "live", "scenarios/wrong-node.yaml", "--dir", str(tmp_path / "cluster")]
    with subprocess.Popen([*command, "--speed", "5"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 30
        while len(below := children_of(process.pid)) < 5:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(how)
        _, errors = process.communicate(timeout=30)
    if how is signal.SIGINT:
        assert process.returncode == 130
        assert errors.strip() == b""
    deadline = time.monotonic() + 10
    while any(map(alive, below)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_only_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious", encoding="utf-8")
    with pytest.raises(RunError, match="not an empty folder"):
        run(scenario("offline-edit"), tmp_path, speed=AT_ONCE)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_socket_is_for_its_user_alone(tmp_path: Path) -> None:
    modes: list[int] = []

    def look(ground: LiveGround) -> None:
        modes.extend(path.stat().st_mode & 0o777 for path in ground.sockets.iterdir())
        modes.append(ground.sockets.stat().st_mode & 0o777 & ~0o100)

    run(scenario("offline-edit"), tmp_path / "cluster", speed=AT_ONCE, watch=look)
    assert modes == [0o600, 0o600, 0o600]
