"""A prefix as a machine: what a power loss takes, what a flush and a shutdown keep, who is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.live import wine
from sim.live.wine import Prefix, WineError
from sim.registry import EMPTY, KeyPath, KeyTree, Value, Win32, Win32Error

KEY = KeyPath.parse(r"SOFTWARE\failsim-prefix")


@pytest.fixture
def machine(template: Path, tmp_path: Path) -> Prefix:
    return Prefix(template).copy_to(tmp_path / "machine")


def test_a_power_loss_takes_what_was_not_written_to_the_prefix(machine: Prefix) -> None:
    """Also what was flushed: the ledger's entry `flush`. It is found again after a shutdown only."""
    with machine:
        machine.start_agent().create_key(KEY / "kept")
        machine.shut_down()
        agent = machine.start_agent()
        agent.create_key(KEY / "lost")
        agent.flush(KEY)
        assert machine.server() in machine.programs()
        assert machine.lose_power()
        assert machine.server() is None
        assert not machine.lose_power()
        assert not agent.alive
        with pytest.raises(WineError, match="is gone"):
            agent.enumerate_keys(KEY)
        assert machine.start_agent().enumerate_keys(KEY) == ("kept",)


def test_a_shutdown_keeps_everything_and_leaves_nobody(machine: Prefix) -> None:
    tree = KeyTree.built([("\ud800", Value(0x77, b"\0")), ("", Value.none())], [("Größe", EMPTY)])
    with machine:
        agent = machine.start_agent()
        agent.create_key(KEY)
        agent.restore_key(KEY, tree)
    assert machine.server() is None
    with machine:
        assert machine.start_agent().query_key(KEY) == tree


def test_a_program_of_the_prefix_changes_what_the_agent_watches(machine: Prefix) -> None:
    with machine:
        agent = machine.start_agent()
        agent.create_key(KEY)
        watch = agent.watch(KEY)
        assert not agent.wait(watch, 0.01)
        ran = agent.run(rf'reg add "{KEY.hklm}" /v Port /t REG_DWORD /d 80 /f')
        assert (ran.status, agent.wait(watch, 5)) == (0, True)
        assert agent.query_value(KEY, "port") == Value.dword(80)
        agent.rearm(watch)
        agent.restore_key(KEY, EMPTY)  # as documented of RegRestoreKey, no watch sees it
        assert agent.signals() == ()
        with pytest.raises(Win32Error) as failed:
            agent.query_value(KEY, "port")
        assert failed.value.code is Win32.FILE_NOT_FOUND


def test_a_running_prefix_is_not_copied(machine: Prefix, tmp_path: Path) -> None:
    with machine:
        machine.start_agent()
        with pytest.raises(WineError, match="in use"):
            machine.copy_to(tmp_path / "other")


def test_what_is_missing_is_one_line_that_helps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    told = wine.missing()
    assert told is not None
    assert "\n" not in told
    assert "apt-get install" in told
    with pytest.raises(WineError, match="not found"):
        Prefix.make(tmp_path / "none")
