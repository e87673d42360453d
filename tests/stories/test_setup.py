"""What an administrator changes while the cluster runs acts: owners, dependencies, properties, what there is.

Facts: domain.md 8, 67-72, 118-119, 123; refusals and outputs stand in tests/scenario/language.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import sim
from sim.cluster.plan import guid
from sim.history import events
from sim.history.lines import from_lines, to_lines
from sim.judge.verdict import Verdict
from sim.registry import KeyPath, KeyTree, Value, write_hive
from tests.scenario.language import BASE, OFF

GROUP = "Print Group"


def text(*steps: str) -> str:
    """Steps: `fault KIND THING` or a command (`LABEL <- COMMAND`), each a second after the one before has completed."""
    return f"{BASE}steps:\n{''.join(map(step, steps))}"


def step(line: str) -> str:
    if line.startswith("fault "):
        _, kind, thing = line.split(" ", 2)
        return f"  - at: +1s\n    fault: {kind}\n    {'resource' if kind == 'fail' else 'node'}: {thing}\n"
    label, arrow, command = line.rpartition(" <- ")
    quoted = command.replace("'", "''")
    return f"  - do: '{quoted}'\n" + (f"    as: {label}\n" if arrow else "")


def run(*steps: str) -> Verdict:
    """What comes of them; the history alone says the same."""
    verdict = sim.run(sim.loads(text("reg query HKLM\\SOFTWARE", *steps)))
    assert from_lines(to_lines(verdict.history)) == verdict.history
    return verdict


def at(verdict: Verdict, resource: str) -> tuple[str, str]:
    found = verdict.resources[resource]
    return found["state"], found["node"]


def happened(verdict: Verdict, kind: type[events.AnyEvent]) -> list[events.AnyEvent]:
    return [event for event in verdict.history if isinstance(event, kind)]


def test_a_group_goes_to_possible_owners_only() -> None:
    """Fact 70; without the change NODE2, the next preferred owner, takes it."""
    assert at(run("fault crash NODE1"), "Spooler") == ("Online", "NODE2")
    assert at(run("cluster res Spooler /removeowner:NODE2", "fault crash NODE1"), "Spooler") == ("Online", "NODE3")
    added = run("cluster res Spooler /removeowner:NODE2", "cluster res Spooler /addowner:NODE2", "fault crash NODE1")
    assert at(added, "Spooler") == ("Online", "NODE2")


def test_where_no_possible_owner_is_left_a_resource_stays_offline() -> None:
    """CMRP 3.1.4.1.25: hosted on another node, but Offline; what it depends on may be Online there."""
    verdict = run("Set-ClusterOwnerNode -Resource Spooler -Owners NODE1", "fault crash NODE1")
    assert (at(verdict, "Spooler"), at(verdict, "Disk")) == (("Offline", "NODE2"), ("Online", "NODE2"))


def test_a_failing_resource_does_not_drive_its_group_to_a_node_that_may_not_host_it() -> None:
    failing = ("cluster res Spooler /prop RestartThreshold=0", "fault fail Spooler")
    assert at(run(*failing), "Spooler") == ("Online", "NODE2")
    only_here = "Set-ClusterOwnerNode -Resource Spooler -Owners NODE1"
    assert at(run(only_here, *failing), "Spooler") == ("Failed", "NODE1")


def test_preferred_owners_that_are_set_are_preferred() -> None:
    verdict = run(f'cluster group "{GROUP}" /setowners:NODE3', "fault crash NODE1")
    assert at(verdict, "Spooler") == ("Online", "NODE3")
    moved = run(f"Set-ClusterOwnerNode -Group '{GROUP}' -Owners NODE3", f'cluster group "{GROUP}" /move')
    assert at(moved, "Disk") == ("Online", "NODE3")


def test_a_dependency_orders_from_the_moment_it_is_added() -> None:
    """Fact 71: what is depended on comes first, and goes last."""
    cut = (OFF, "cluster res Disk /off /wait", "cluster res Spooler /removedep:Disk")
    assert at(run(*cut, "cluster res Spooler /on /wait"), "Disk") == ("Offline", "NODE1")
    again = run(*cut, "cluster res Spooler /adddep:Disk", "cluster res Spooler /on /wait")
    online = [event.resource for event in happened(again, events.ResourceState) if event.state == "Online"]  # type: ignore[union-attr]
    assert online == ["Disk", "Spooler"]


def test_properties_that_are_set_while_it_runs_act() -> None:
    """Facts 65, 67: no restart beyond RestartThreshold, no failover beyond the group's FailoverThreshold."""
    none = f'cluster group "{GROUP}" /prop FailoverThreshold=0'
    verdict = run("cluster res Spooler /prop RestartThreshold=0", none, "fault fail Spooler")
    assert at(verdict, "Spooler") == ("Failed", "NODE1")
    assert at(run("cluster res Spooler /prop RestartThreshold=0 RestartAction=0", "fault fail Spooler"), "Spooler")[
        0
    ] == ("Failed")


@pytest.mark.parametrize("command", ["cluster res Spooler /delete", "Remove-ClusterResource Spooler -Force"])
def test_deleting_a_resource_deletes_its_checkpoints_and_their_files(command: str) -> None:
    """Fact 8; what was written for it in the cluster database is gone with it."""
    steps = ("port <- cluster res Spooler /priv Pages=5", OFF, f"gone <- {command}")
    verdict = run(*steps)
    assert "Spooler" not in verdict.resources
    assert verdict.to_json()["checkpoints"] == {}
    assert verdict.writes["port"].fate is sim.Fate.SUPERSEDED
    assert verdict.writes["gone"].fate is sim.Fate.KEPT
    folder = guid("resource", "Spooler")
    assert any(name.startswith(folder) for name in sim.images(sim.loads(text(*steps[:2]))))
    assert not any(name.startswith(folder) and name.endswith(".CPT") for name in sim.images(sim.loads(text(*steps))))
    queried = run(*steps, f"reg query HKLM\\Cluster\\Resources\\{folder}")
    assert happened(queried, events.Command)[-1].status == 1  # type: ignore[union-attr]


def test_what_names_a_deleted_resource_fails_and_the_run_goes_on() -> None:
    deleted = (OFF, "cluster res Spooler /delete")
    verdict = run(
        *deleted, "fault fail Spooler", "cluster res Spooler /on /wait", "Set-ClusterParameter Spooler A 1",
        "Add-ClusterCheckpoint Spooler -RegistryCheckpoint SOFTWARE", "cluster res Spooler /removeowner:NODE2",
        "cluster res Spooler /addowner:NODE2", "cluster res Spooler /removedep:Disk", "cluster res Spooler /adddep:Web",
        'cluster res Spooler /moveto:"Web Group"', "cluster res Spooler /delete", "net start Spool",
        "fault crash NODE1",
    )  # fmt: skip
    told = [event.error and event.error.name for event in happened(verdict, events.Command)]  # type: ignore[union-attr]
    assert told == [None, None, None, *["ERROR_RESOURCE_NOT_FOUND"] * 9, None]
    assert at(verdict, "Disk") == ("Online", "NODE2")


def test_a_resource_that_is_made_while_it_runs_keeps_what_is_written() -> None:
    """Its checkpoint follows a failover, as any other's."""
    made = ('cluster res Fax /create /group:"Web Group" /type:"Generic Service"', "cluster res Fax /on /wait")
    check = "cluster res Fax /addcheck:SOFTWARE\\Contoso\\Ports"
    write = "edit <- reg add HKLM\\SOFTWARE\\Contoso\\Ports /v Port /t REG_DWORD /d 8080 /f"
    verdict = run(*made, check, write, "reg query HKLM\\SOFTWARE /k", "fault crash NODE1")
    assert at(verdict, "Fax") == ("Online", "NODE2")
    assert verdict.writes["edit"].fate is sim.Fate.KEPT
    again = run(*made, "cluster res Fax /off /wait", "cluster res Fax /delete", made[0])
    assert at(again, "Fax") == ("Offline", "NODE1")


def test_a_resource_follows_the_group_it_was_moved_to_with_its_whole_tree() -> None:
    """MSDN clusresource-changeresourcegroup."""
    verdict = run('cluster res Disk /moveto:"Web Group"', 'cluster group "Web Group" /move:NODE3 /wait')
    assert at(verdict, "Spooler") == at(verdict, "Disk") == at(verdict, "Web") == ("Online", "NODE3")


def test_a_group_that_is_made_takes_resources_and_fails_over() -> None:
    verdict = run(
        "cluster group New /create", "cluster res Web /moveto:New", 'cluster group "Web Group" /delete',
        "fault crash NODE1",
    )  # fmt: skip
    assert at(verdict, "Web") == ("Online", "NODE2")


def test_an_evicted_node_does_not_come_back() -> None:
    """MSDN clusnode-evict: the cluster service would have to be installed anew."""
    gone = ("cluster node NODE2 /stop /wait", "cluster node NODE2 /evict")
    assert at(run(*gone, "fault crash NODE1"), "Spooler") == ("Online", "NODE3")
    with_boot = run(*gone, "fault start-service NODE2")
    assert "never completed" in with_boot.failures[0]
    assert [each for each in happened(with_boot, events.NodeState) if each.node == "NODE2"][-1].state == "Down"  # type: ignore[union-attr]


def test_the_database_says_what_the_setup_is() -> None:
    """At the start, after each change, and after all of them: what is described is what stands below HKLM\\Cluster."""
    steps = (
        "cluster res Spooler /removeowner:NODE2", f'cluster group "{GROUP}" /setowners:NODE3', OFF,
        "cluster res Disk /off /wait", "cluster res Spooler /removedep:Disk", 'cluster res Web /moveto:"Print Group"',
    )  # fmt: skip
    verdict = run(*steps)
    resources, groups = ("Cluster", "Resources"), ("Cluster", "Groups", guid("group", GROUP))
    tree = verdict.reading.ledger.database.tree
    spooler = tree.at((*resources, guid("resource", "Spooler")))
    assert spooler is not None
    assert (spooler.value("PossibleOwners"), spooler.value("DependsOn")) == (Value.multi_sz(["1", "3"]), None)
    group = tree.at(groups)
    assert group is not None
    assert group.value("PreferredOwners") == Value.multi_sz(["3"])
    members = [guid("resource", name) for name in ("Disk", "Spooler", "Web")]
    assert group.value("Contains") == Value.multi_sz(members)
    before = verdict.begin.database.at(("Resources", guid("resource", "Spooler")))
    assert before is not None
    assert before.value("DependsOn") == Value.multi_sz([guid("resource", "Disk")])


def test_a_group_has_moved_when_it_is_online_again() -> None:
    """Contract: cmdlets complete with the transition; `/moveto` waits up to 20 s by itself (fact 119)."""
    for command in (f"Move-ClusterGroup '{GROUP}' NODE2", f'cluster group "{GROUP}" /moveto:NODE2'):
        verdict = run(command)
        (done,) = happened(verdict, events.Completed)
        online = [event for event in happened(verdict, events.ResourceState) if event.state == "Online"]  # type: ignore[union-attr]
        assert done.at == online[-1].at
        assert "Online" in done.output  # type: ignore[union-attr]


# --- files and faults -----------------------------------------------------------------------------------------


HIVE = KeyTree.built([("Port", Value.dword(4711))])
RESTORE = "reg restore HKLM\\SOFTWARE\\Contoso\\Ports saved.hiv"


def test_a_hive_beside_the_scenario_is_restored(tmp_path: Path) -> None:
    (tmp_path / "saved.hiv").write_bytes(write_hive(HIVE))
    verdict = sim.run(sim.loads(text(f"restored <- {RESTORE}"), folder=tmp_path))
    key = KeyPath.parse("SOFTWARE\\Contoso\\Ports")
    assert verdict.reading.ledger.nodes["NODE1"].tree.at(key) == HIVE
    assert len(verdict.writes["restored"]) == 1


@pytest.mark.parametrize("data", [b"", b"no hive", write_hive(HIVE)[:5000]])
def test_a_file_that_is_no_hive_is_refused_with_its_place(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "saved.hiv").write_bytes(data)
    with pytest.raises(sim.ScenarioError, match="is no hive that can be read") as caught:
        sim.loads(text(RESTORE), folder=tmp_path)
    assert caught.value.line == BASE.count("\n") + 2


def test_a_lasting_fault_says_how_long_and_a_slow_disk_by_how_much() -> None:
    slow = "  - fault: quorum-slow\n    by: {between: [1s, 2s]}\n    for: {between: [10s, 20s]}\n"
    for seed, by in ((None, "1s"), (3, None)):
        verdict = sim.run(sim.loads(f"{BASE}steps:\n{slow}"), seed=seed)
        begun, ended = happened(verdict, events.Fault)
        assert begun.parameters["for"] == "10s to 20s"  # type: ignore[union-attr]
        assert by is None or begun.parameters["by"] == by  # type: ignore[union-attr]
        assert ended.parameters["ended"] == "yes"  # type: ignore[union-attr]
