"""A live run on Wine says what the simulation says, whatever dies in it, and leaves no process of Wine's behind.

The nodes' prefixes are copies of one that is made once and kept (`Prefix.installed`). Without Wine: a skip, in CI a
failure (tests/wine/conftest.py).
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import sim
from sim.driver.run import RunError
from sim.judge.verdict import Verdict
from sim.live.ground import LiveGround
from sim.live.run import LiveRun, run
from sim.live.wine import Prefix
from sim.live.wine_registry import WineRegistry
from sim.registry import EMPTY, KeyPath, KeyTree, Registry, Value, Win32Error
from sim.registry.reg_text import apply_reg, parse_reg
from tests.library import ROOT, scenario
from tests.live.test_on_files import AT_ONCE, LIVE, Killer, acknowledged, alive, busy, children_of, same
from tests.wine.conftest import demanded

KILLS = int(os.environ.get("FAILSIM_KILLS", "20")) // 5

pytestmark = pytest.mark.usefixtures("needed")


@pytest.fixture(scope="module")
def needed() -> None:
    demanded()


def on_wine(
    asked: sim.Scenario, folder: Path, *, speed: float = AT_ONCE, watch: Callable[[LiveGround], None] | None = None
) -> LiveRun:
    return run(asked, folder / "cluster", ground="wine", speed=speed, watch=watch)


@pytest.mark.parametrize("name", LIVE)
def test_a_run_on_wine_says_what_the_simulation_says(name: str, tmp_path: Path) -> None:
    assert same(on_wine(scenario(name), tmp_path), name)


def test_in_compressed_real_time(tmp_path: Path) -> None:
    assert same(on_wine(scenario("wrong-node"), tmp_path, speed=60), "wrong-node")


@pytest.mark.parametrize("name", ["resurrected-value", "vanished-subkey", "key-next-door", "other-view"])
def test_the_stock_reg_exe_finds_what_the_verdict_says(name: str, tmp_path: Path) -> None:
    """In the prefixes that the run leaves; on Windows `CurrentControlSet` is a link, in them it is linked to."""
    verdict = Verdict(on_wine(scenario(name), tmp_path).history)
    looked_at = 0
    for node, keys in verdict.to_json()["registry"].items():
        with Prefix(tmp_path / "cluster" / node) as prefix, prefix.start_agent() as agent:
            for key, values in keys.items():
                typed = key.replace("ControlSet001", "CurrentControlSet")
                assert agent.run(rf'reg export "{typed}" C:\out.reg /y').status == 0
                exported = parse_reg((prefix.folder / "drive_c" / "out.reg").read_bytes())
                tree = apply_reg(EMPTY, exported).at(KeyPath.parse_hklm(typed))
                assert tree is not None
                assert flat(tree) == values
                looked_at += len(values)
    assert looked_at


def flat(tree: KeyTree) -> dict[str, object]:
    return {
        "\\".join((*names, name or "(default)")): value.plain()
        for names, key in tree.walk()
        for name, value in key.values
    }


BROKEN = {
    "restores change nothing": "WineRegistry.restore_key = lambda self, key, tree: None",
    "restores are noticed": "Agent.restore_key.__kwdefaults__['quiet'] = False; WineRegistry._unseen = nullcontext",
    "a restore does not ask who holds a key open": "WineRegistry.open_handles = lambda self: ()",
    "no change is noticed": "WineRegistry.take_signals = lambda self: ()",
    "writes are made nowhere": "WineRegistry.set_value = lambda self, key, name, value: None",
    "a power loss takes nothing": "RegistryService.begin = keep(RegistryService.begin)",
}
"""Statements that break the ground, in every process of it."""


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_ground_is_noticed(broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either the history does not explain the registries any more, or the verdicts differ."""
    (tmp_path / "sitecustomize.py").write_text(f"{SABOTAGE}\n{BROKEN[broken]}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    noticed = 0
    for name in ("offline-edit", "change-while-online", "lazy-flush", "open-regedit", "reg-restore-online"):
        try:
            live = on_wine(scenario(name), tmp_path / name)
        except (AssertionError, RunError):
            noticed += 1
        else:
            noticed += not same(live, name)
    assert noticed


SABOTAGE = """
from contextlib import nullcontext
from sim.live.wine import Agent
from sim.live.wine_registry import WineRegistry, Wines
from sim.live.registry_service import RegistryService
def keep(begin):
    def kept(self, setup):
        set_value = WineRegistry.set_value
        def and_flush(registry, *what):
            set_value(registry, *what)
            if self.registry is registry:
                self.flush()
        WineRegistry.set_value = and_flush
        return begin(self, setup)
    return kept
"""


# --- the scenario's part of the registry ----------------------------------------------------------------------------

START = KeyTree.built(keys=[("SOFTWARE", EMPTY), ("SYSTEM", EMPTY)])
OURS = (r"SOFTWARE\Contoso", r"SOFTWARE\Contoso\Sub", r"SYSTEM\ControlSet001\Services\Contoso")
WINES = (r"SOFTWARE\Microsoft", r"SOFTWARE\Microsoft\Windows NT\CurrentVersion", r"SYSTEM\ControlSet001\Services\Tcpip")
WINES_OWN = KeyPath.parse(r"SYSTEM\ControlSet001\Services\Tcpip")
NAMES = ("", "Port", "SystemRoot", "ProductName")


@pytest.fixture(scope="module")
def machine(needed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefix]:
    with Prefix.installed().copy_to(tmp_path_factory.mktemp("machine") / "prefix") as prefix:
        yield prefix


def act(registry: Registry | WineRegistry, drawn: random.Random) -> object:
    """One operation, drawn; what came of it."""
    key = KeyPath.parse(drawn.choice((*OURS, *WINES)))
    verb = drawn.choice(("create", "set", "set", "unset", "delete", "restore", "hold", "let go", "watch", "rearm"))
    name, value = drawn.choice(NAMES), Value.dword(drawn.randrange(3))
    ours = KeyPath.parse(drawn.choice(OURS))
    at = drawn.random()
    try:
        match verb:
            case "create":
                registry.create_key(key)
            case "set":
                registry.set_value(key, name, value)
            case "unset":
                registry.delete_value(key, name)
            case "delete":
                registry.delete_tree(key)
            case "restore":
                tree = KeyTree.built([(name, value)], [("Sub", KeyTree.built([("Port", value)]))])
                registry.restore_key(key, tree)
            case "hold":
                registry.open_key(ours)
            case "let go":
                held = [handle for handle, _ in registry.open_handles()]
                registry.close_key(held[int(at * len(held))] if held else 0)
            case "watch":
                return registry.watch(ours)
    except Win32Error as error:
        return error.code
    return None


@pytest.mark.parametrize("seed", range(8))
def test_the_scenario_s_part_behaves_as_our_registry_does(seed: int, machine: Prefix) -> None:
    """Also where Wine has keys of the same names: they are not seen, and they stay."""
    machine.lose_power()
    agent = machine.start_agent()
    wines = {name: agent.query_key(KeyPath.parse(name)) for name in WINES[1:]}
    theirs, ours = WineRegistry(agent, START), Registry(START)
    for number in range(150):
        told_by_wine = act(theirs, random.Random(f"{seed}/{number}"))
        assert told_by_wine == act(ours, random.Random(f"{seed}/{number}")), number
        assert theirs.root == ours.root
        assert theirs.open_handles() == ours.open_handles()
        assert theirs.take_signals() == ours.take_signals()
    for hive, tree in theirs.root.keys:
        for name, _ in tree.keys:
            theirs.delete_tree(KeyPath((hive, name)))
    for name, tree in wines.items():
        left = agent.query_key(KeyPath.parse(name))
        assert {each for each, _ in tree.keys} == {each for each, _ in left.keys}


# --- what dies ------------------------------------------------------------------------------------------------------

UNFLUSHED = """
scenario: An edit that had not reached the node's own disk when its power failed
cluster:
  nodes: [NODE1, NODE2]
  groups:
    Print Group: {preferred_owners: [NODE1], resources: {Spooler: {checkpoints: ['SOFTWARE\\Spooler']}}}
  timing: {node_boot: 5s, registry_flush: 20s}
registry:
  all: {HKLM\\SOFTWARE\\Spooler: {Port: 80}}
steps:
  - {at: 4s, on: NODE2, do: 'reg add HKLM\\SOFTWARE\\Spooler /v Kept /d yes /f', as: kept}
  - {at: 30s, on: NODE2, do: 'reg add HKLM\\SOFTWARE\\Spooler /v Port /t REG_DWORD /d 8080 /f', as: edit}
  - {at: 60s, fault: boot, node: NODE2}
until: 90s
"""


def test_kill_9_of_a_wineserver_takes_what_was_not_flushed(tmp_path: Path) -> None:
    """Killed by another hand, between the edit at 30 s and the lazy writer at 50 s: a second of real time."""

    def kill(ground: LiveGround) -> None:
        while ground.clock.now < 30_000_000:
            time.sleep(0.01)
        time.sleep(0.3)  # the edit is being made
        server = Prefix(tmp_path / "cluster" / "NODE2").server()
        assert server is not None
        os.kill(server, signal.SIGKILL)

    live = on_wine(
        sim.loads(UNFLUSHED),
        tmp_path,
        speed=20,
        watch=lambda ground: threading.Thread(target=kill, args=(ground,), daemon=True).start(),
    )
    verdict = Verdict(live.history)
    assert verdict.writes["edit"].cause is sim.Cause.UNFLUSHED
    assert verdict.writes["edit"].fate is sim.Fate.LOST
    assert verdict.to_json()["registry"]["NODE2"] == {r"HKLM\SOFTWARE\Spooler": {"Kept": "yes", "Port": 80}}


@pytest.mark.parametrize("seed", range(KILLS))
def test_no_acknowledged_save_is_lost_to_a_kill(seed: int, tmp_path: Path) -> None:
    """Of all of a node, or of its cluster service, at any moment."""
    live = on_wine(busy(), tmp_path, speed=400, watch=lambda ground: Killer(ground, seed).start())
    acknowledged(live)


def command(folder: Path) -> list[str]:
    scenario_file = str(ROOT / "scenarios" / "wrong-node.yaml")
    return [sys.executable, "-m", "sim", "live", scenario_file, "--dir", str(folder), "--on", "wine", "--speed", "5"]


def wines(folder: Path) -> set[int]:
    """Wine's processes in a run below that folder."""
    return {pid for node in ("NODE1", "NODE2") for pid in Prefix(folder / "cluster" / node).programs()}


def gone(processes: set[int], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while left := set(filter(alive, processes)):
        assert time.monotonic() < deadline, f"{len(left)} of {len(processes)} processes are left"
        time.sleep(0.02)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], set[int]]]:
    """failsim, in the middle of a run, and all the processes below it."""
    with subprocess.Popen(command(tmp_path / "cluster"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 120
        # Of ours the template, and for each node its system and its cluster service: all of Wine has started.
        while len((below := children_of(process.pid)) - wines(tmp_path)) < 5 or not wines(tmp_path) <= below:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield process, below
        process.kill()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_process_outlives_failsim(how: signal.Signals, running: tuple[subprocess.Popen[bytes], set[int]]) -> None:
    process, below = running
    process.send_signal(how)
    _, errors = process.communicate(timeout=30)
    if how is signal.SIGINT:
        assert (process.returncode, errors.strip()) == (130, b"")
    gone(below, 5)


@pytest.mark.parametrize("after", [0.2, 0.3, 0.4, 0.5, 0.7, 1.0])
def test_no_process_outlives_failsim_killed_at_any_moment(after: float, tmp_path: Path) -> None:
    """Also while Wine starts, and at the end of the run."""
    with subprocess.Popen([*command(tmp_path / "cluster"), "--until", "1s"], stdout=subprocess.DEVNULL) as process:
        time.sleep(after)
        below = children_of(process.pid)
        process.kill()
    gone(below, 5)
    gone(wines(tmp_path), 5)


def test_wine_ends_by_itself_where_nobody_is_left_to_end_it(
    running: tuple[subprocess.Popen[bytes], set[int]], tmp_path: Path
) -> None:
    """All of ours dead at once: the agents end with their input, each wineserver with the last program."""
    process, below = running
    for pid in {process.pid, *below} - wines(tmp_path):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    gone(below, 15)


def test_nobody_else_can_reach_a_node(tmp_path: Path) -> None:
    modes: list[int] = []

    def look(ground: LiveGround) -> None:
        modes.extend(path.stat().st_mode & 0o777 for path in ground.sockets.iterdir())
        for node in ("NODE1", "NODE2"):
            server = Prefix(tmp_path / "cluster" / node).server_folder()
            modes.append(server.stat().st_mode & 0o777 & ~0o100)

    on_wine(scenario("offline-edit"), tmp_path, watch=look)
    assert modes == [0o600] * 4


def test_without_wine_it_is_one_line_and_status_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = subprocess.run(command(tmp_path / "cluster"), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("failsim: --on wine: wine")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "cluster").exists()
    with pytest.raises(RunError, match="not found"):
        on_wine(scenario("offline-edit"), tmp_path)
