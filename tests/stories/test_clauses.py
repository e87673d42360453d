"""Clauses of the fidelity ledger that no story tells: each in as few steps as show it."""

from __future__ import annotations

from typing import Any

import sim
from sim.history import events
from sim.judge.verdict import Verdict

CLUSTER = r"""scenario: A clause
cluster:
  nodes: [NODE1, NODE2]
  groups:
    Print Group:
      preferred_owners: [NODE1, NODE2]
      resources:
        Disk: {type: Physical Disk}
        Spooler:
          depends_on: [Disk]
          checkpoints: ['SOFTWARE\Contoso\Spooler', 'SOFTWARE\Contoso\Spooler\Sub']
registry:
  all:
    HKLM\SOFTWARE\Contoso\Spooler: {Port: 80}
    HKLM\SOFTWARE\Contoso\Spooler\Sub: {Port: 1}
until: 30min
steps:
"""

KEY = r"HKLM\SOFTWARE\Contoso\Spooler"


def run(*steps: str) -> Verdict:
    """Each step is a line of YAML's flow form, without its braces."""
    return sim.run(sim.loads(CLUSTER + "".join(f"  - {{{step}}}\n" for step in steps)))


def found(verdict: Verdict, kind: type[Any]) -> list[Any]:
    return [event for event in verdict.history if isinstance(event, kind)]


def logged(verdict: Verdict) -> list[tuple[str | None, int]]:
    return [(event.node, event.event_id) for event in found(verdict, events.EventLog)]


def refusals(verdict: Verdict) -> list[str]:
    return [event.error.name for event in found(verdict, events.Command) if event.error is not None]


def at(verdict: Verdict, resource: str = "Spooler") -> tuple[str, str]:
    return verdict.resources[resource]["state"], verdict.resources[resource]["node"]


def test_a_paused_node_keeps_what_it_has_and_takes_nothing_new() -> None:
    """Fact 60."""
    verdict = run("at: 1s, do: cluster node NODE2 /pause", "at: 10s, fault: fail, resource: Spooler")
    assert at(verdict) == ("Online", "NODE1")
    move = "do: 'cluster group \"Print Group\" /moveto:NODE2'"
    assert refusals(run("at: 1s, do: cluster node NODE2 /pause", move)) == ["ERROR_CLUSTER_NODE_PAUSED"]
    gone = run("at: 1s, do: cluster node NODE2 /pause", "at: 10s, fault: crash, node: NODE1")
    assert found(gone, events.GroupOwner) == []
    assert at(run("at: 1s, do: cluster node NODE1 /pause")) == ("Online", "NODE1")


def test_a_service_that_can_neither_join_nor_form_says_so_and_stops() -> None:
    """Fact 42, event 1009: the quorum disk is reserved by a member that it does not hear."""
    cut = "at: 90s, fault: partition, between: [[NODE1], [NODE2]]"
    verdict = run("at: 10s, fault: stop-service, node: NODE2", cut, "at: 2min, fault: start-service, node: NODE2")
    assert ("NODE2", 1009) in logged(verdict)
    assert [event.state for event in found(verdict, events.NodeState) if event.node == "NODE2"][-1] == "Down"
    assert at(verdict) == ("Online", "NODE1")


def test_three_restarts_and_the_fourth_failure_moves_the_group() -> None:
    """Fact 65: RestartThreshold 3 within RestartPeriod 900 s."""
    failures = [f"at: {seconds}s, fault: fail, resource: Spooler" for seconds in (60, 120, 180, 240)]
    assert at(run(*failures[:3])) == ("Online", "NODE1")
    assert at(run(*failures)) == ("Online", "NODE2")
    late = "at: 1000s, fault: fail, resource: Spooler"
    assert at(run(*failures[:3], late)) == ("Online", "NODE1"), "the first failure counts no more"


def test_a_group_beyond_its_threshold_is_left_failed() -> None:
    """Facts 67, 68; event 1254. The threshold that is set is 1: the second failover is not made."""
    setup = (
        "at: 1s, do: cluster res Spooler /prop RestartThreshold=0",
        "do: 'cluster group \"Print Group\" /prop FailoverThreshold=1'",
    )
    first, second = (f"at: {seconds}s, fault: fail, resource: Spooler" for seconds in (60, 120))
    assert at(run(*setup, first)) == ("Online", "NODE2")
    verdict = run(*setup, first, second)
    assert at(verdict) == ("Failed", "NODE2")
    assert ("NODE2", 1254) in logged(verdict)


def test_dependents_are_taken_offline_with_a_failure_and_come_back_after_the_restart() -> None:
    """Fact 71."""
    verdict = run("at: 10s, fault: fail, resource: Disk")
    seen = [(event.resource, str(event.state)) for event in found(verdict, events.ResourceState)]
    order = [("Disk", "Failed"), ("Spooler", "Offline"), ("Disk", "Online"), ("Spooler", "Online")]
    assert [each for each in seen if each in order] == order


def test_nested_keys_have_an_image_each_restored_in_the_order_of_their_numbers() -> None:
    """Facts 21, 145 (assumed)."""
    verdict = run("at: 10s, do: 'cluster group \"Print Group\" /moveto:NODE2'")
    restored = [str(event.key).rsplit("\\", 1)[-1] for event in found(verdict, events.Restored)]
    assert restored == ["Spooler", "Sub"]


def test_what_is_on_its_way_refuses_the_way_back() -> None:
    """Fact 125: 5023, 5908, 5084."""
    offline = "at: 10s, do: cluster res Spooler /offline"
    online = "at: 10500ms, do: cluster res Spooler /online"
    assert refusals(run(offline, online)) == ["ERROR_INVALID_STATE"]
    assert refusals(run(offline, "at: 10500ms, do: cluster res Spooler /fail")) == ["ERROR_RESMON_INVALID_STATE"]
    moving = "at: 10s, do: 'cluster group \"Print Group\" /moveto:NODE2 /wait'"
    assert refusals(run(moving, "at: 10500ms, do: cluster res Spooler /offline")) == ["ERROR_CLUSTER_GROUP_MOVING"]


def test_a_group_whose_target_dies_meanwhile_comes_online_where_it_was() -> None:
    """Assumed: somebody has to host it."""
    moving = "at: 10s, do: 'cluster group \"Print Group\" /moveto:NODE2'"
    assert at(run(moving, "at: 10500ms, fault: crash, node: NODE2")) == ("Online", "NODE1")


def test_checkpoint_commands_need_the_node_that_owns_the_group() -> None:
    """CMRP 3.1.4.3.1.21, .22 demand it of a server that can write; one that is down cannot."""
    add = "do: 'cluster res Spooler /addcheck:SOFTWARE\\Contoso'"
    assert refusals(run(f"at: 10s, {add}")) == []
    assert refusals(run("at: 9s, fault: crash, node: NODE1", f"at: 10s, {add}")) == ["ERROR_HOST_NODE_NOT_AVAILABLE"]


def test_the_database_is_not_written_where_the_cluster_is_not_reached() -> None:
    """Fact 87: a change is a global update."""
    edit = r"at: 12s, on: NODE2, do: reg add HKLM\Cluster\Contoso /v Port /t REG_DWORD /d 1 /f, as: edit"
    assert run(edit).writes["edit"].fate is sim.Fate.KEPT
    cut = "at: 10s, fault: partition, between: [[NODE1], [NODE2]]"
    assert run(cut, edit).writes["edit"].fate is sim.Fate.REJECTED


BACK = ("at: 10s, fault: crash, node: NODE1", "at: 1min, fault: boot, node: NODE1")


def test_a_group_fails_back_only_where_it_is_told_to() -> None:
    """Fact 69: AutoFailbackType is 0 where nobody has set it."""
    assert at(run(*BACK)) == ("Online", "NODE2")
    told = "at: 1s, do: 'cluster group \"Print Group\" /prop AutoFailbackType=1'"
    assert at(run(told, *BACK)) == ("Online", "NODE1")


def test_half_a_failback_window_is_none() -> None:
    """Fact 69: both hours are needed. It is midnight when time starts, and half past when it ends."""
    told = "at: 1s, do: 'cluster group \"Print Group\" /prop AutoFailbackType=1 FailbackWindowStart=22'"
    assert at(run(told, *BACK)) == ("Online", "NODE1")
    both = told.replace("Start=22", "Start=22 FailbackWindowEnd=23")
    assert at(run(both, *BACK)) == ("Online", "NODE2")


def test_a_node_that_is_resumed_brings_no_group_back() -> None:
    """Assumed."""
    told = "at: 1s, do: 'cluster group \"Print Group\" /prop AutoFailbackType=1'"
    away = "at: 10s, do: 'cluster group \"Print Group\" /moveto:NODE2 /wait'"
    paused = ("at: 30s, do: cluster node NODE1 /pause", "at: 40s, do: cluster node NODE1 /resume")
    assert at(run(told, away, *paused)) == ("Online", "NODE2")


def test_a_restart_waits_for_its_delay() -> None:
    """Fact 66."""

    def restarted(verdict: Verdict) -> float:
        states = [each for each in found(verdict, events.ResourceState) if each.resource == "Spooler"]
        return float(next(each.at for each in states if each.state == "OnlinePending")) / 1e6

    failure = "at: 61s, fault: fail, resource: Spooler"
    assert restarted(run(failure)) == 65
    assert restarted(run("at: 1s, do: cluster res Spooler /prop RestartDelay=2500", failure)) == 67.5


def test_a_resource_that_stays_failed_is_tried_again_where_that_is_set() -> None:
    """Fact 66."""
    stays = ("at: 1s, do: cluster res Spooler /prop RestartAction=1 RestartThreshold=0",)
    failure = "at: 61s, fault: fail, resource: Spooler"
    assert at(run(*stays, failure)) == ("Failed", "NODE1")
    assert at(run(*stays, "do: cluster res Spooler /prop RetryPeriodOnFailure=600000", failure)) == ("Online", "NODE1")


def test_a_disk_takes_no_checkpoint() -> None:
    """The loader refuses a stated one; a command is answered with error 5068, and nothing is saved (domain.md 22)."""
    verdict = run(r"at: 10s, do: 'cluster resource Disk /addcheckpoints:SOFTWARE\Contoso\Spooler'")
    assert refusals(verdict) == ["ERROR_INVALID_OPERATION_ON_QUORUM"]
    assert found(verdict, events.CheckpointAdded) == []
