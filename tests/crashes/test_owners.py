"""Who may save: in a run, and on real files where two owners meet because the disk ignores reservations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.checkpoint import store
from sim.checkpoint.effects import Checkpoint, Image
from sim.checkpoint.engine import OWN_SOURCE, SOURCE, STORE_DAMAGED
from sim.checkpoint.store import Contested, Found
from sim.cluster.node import RESERVATION_LOST
from sim.cluster.plan import ClusterPlan, GroupPlan, ResourcePlan
from sim.driver.quorum import Report
from sim.driver.run import Run
from sim.history import events
from sim.history.events import AnyEvent
from sim.live import files as live_files
from sim.live.cluster_service import ClusterService
from sim.live.disk import LiveDisk
from sim.live.files import RealFiles
from sim.live.ground import LiveGround
from sim.live.run import run
from sim.registry import KeyPath, Win32
from sim.scenario.model import Scenario
from sim.world.disk import Damaged, QuorumDisk
from sim.world.run import begun
from tests.crashes.scripts import tree, undo

STORY = r"""
scenario: Who may save
cluster:
  nodes: [NODE1, NODE2]
  groups: {G: {preferred_owners: [NODE1, NODE2], resources: {App: {checkpoints: ['SOFTWARE\App']}}}}
registry: {all: {HKLM\SOFTWARE\App: {Port: 1}}}
steps:
"""
EDIT = r"{at: %s, on: %s, do: 'reg add HKLM\SOFTWARE\App /v Port /t REG_DWORD /d 2 /f'}"


def story(*steps: str) -> Scenario:
    return sim.loads(STORY + "".join(f"  - {step}\n" for step in steps))


def played(scenario: Scenario, acts: Callable[[Run, QuorumDisk], None]) -> tuple[QuorumDisk, tuple[AnyEvent, ...]]:
    """The disk and the history at the end of a run, in which `acts` does something to it after every step."""
    running = begun(scenario)
    disk = running.world.disk
    assert isinstance(disk, QuorumDisk)
    while running.step():
        acts(running, disk)
    return disk, running.finish()


def logged(history: tuple[AnyEvent, ...]) -> list[events.EventLog]:
    return [event for event in history if isinstance(event, events.EventLog)]


def images(disk: QuorumDisk) -> set[str]:
    return {name for files in disk.files.values() for name in files if name.endswith(".img")}


# --- a disk that cannot be claimed ----------------------------------------------------------------------------------


def test_a_node_that_cannot_claim_the_disk_saves_only_after_it_could() -> None:
    """It restores what the last owner left, and does not save under that owner's name."""
    steps = ("{at: 10s, fault: quorum-write-error}", "{at: 11s, fault: crash, node: NODE1}")
    disk, history = played(story(*steps, "{at: 60s, fault: quorum-online}", EDIT % ("70s", "NODE2")), lambda *_: None)
    assert [event.node for event in history if isinstance(event, events.Restored)] == ["NODE2"]
    assert (disk.tenure.epoch, disk.tenure.writer) == (2, "NODE2")
    assert images(disk) == {"00000001-e1-v1-NODE1.img", "00000001-e2-v2-NODE2.img"}


def test_while_the_disk_cannot_be_claimed_nobody_owns_it() -> None:
    steps = ("{at: 10s, fault: quorum-write-error}", "{at: 11s, fault: crash, node: NODE1}", EDIT % ("70s", "NODE2"))
    disk, history = played(story(*steps), lambda *_: None)
    assert disk.tenure.writer == ""
    assert images(disk) == {"00000001-e1-v1-NODE1.img"}
    assert any(isinstance(event, events.SaveFailed) and event.node == "NODE2" for event in history)
    assert set(disk.files[""]) == {"claim-e1-NODE1", "index-e1-NODE1"}


# --- damage that a take-over finds ----------------------------------------------------------------------------------


def damaging(start: str) -> Callable[[Run, QuorumDisk], None]:
    """Damage the files whose names start so, once NODE1's edit is saved."""

    def acts(running: Run, disk: QuorumDisk) -> None:
        if running.world.clock.now < 25_000_000:
            return
        for files in disk.files.values():
            for name, contents in list(files.items()):
                if name.startswith(start) and not isinstance(contents, Damaged) and not name.endswith(store.DAMAGED):
                    files[name] = Damaged(contents)

    return acts


@pytest.mark.parametrize(
    ("start", "text"),
    [
        ("index-e1", "index index-e1-NODE1 does not read: the highest version of each image is taken"),
        ("00000001-e1-v2", "image FOLDER/00000001-e1-v2-NODE1.img does not read"),
    ],
)
def test_damage_found_at_a_take_over_is_logged_and_kept_aside(start: str, text: str) -> None:
    """Nobody restores from these files, so that event 1024 would not say it."""
    steps = (EDIT % ("10s", "NODE1"), EDIT.replace("/d 2", "/d 3") % ("15s", "NODE1"))
    disk, history = played(story(*steps, "{at: 30s, fault: crash, node: NODE1}"), damaging(start))
    (folder,) = (name for name in disk.files if name)
    (entry,) = logged(history)
    assert (entry.source, entry.event_id, entry.node) == (OWN_SOURCE, STORE_DAMAGED, "NODE2")
    assert entry.text == f"Quorum disk: {text.replace('FOLDER', folder)}."
    kept = [name for files in disk.files.values() for name in files if name.endswith(store.DAMAGED)]
    assert len(kept) == 1
    assert kept[0].startswith(start)


# --- a disk that ignores reservations -------------------------------------------------------------------------------

CHECKPOINT = Checkpoint("App", 1, KeyPath.parse(r"SOFTWARE\App"))
PLAN = ClusterPlan(
    nodes=("NODE1", "NODE2"),
    groups={"G": GroupPlan(name="G", resources=("App",))},
    resources={"App": ResourcePlan(name="App", group="G")},
)


class InProcess:
    """A node whose cluster service runs in this process."""

    def __init__(self, disk: Path) -> None:
        self.service = ClusterService("", str(disk))

    def ask_service(self, what: str, *arguments: Any) -> Any:
        return self.service.perform(what, *arguments)


def live_disk(folder: Path) -> LiveDisk:
    machines: Any = {node: InProcess(folder) for node in PLAN.nodes}
    return LiveDisk(PLAN, folder, machines)


def claimed(folder: Path, node: str) -> Found:
    """Another cluster's node takes the disk over, whatever the reservation says."""
    found = RealFiles(folder).carry_out(store.take_over(node))
    assert isinstance(found, Found)
    return found


def test_an_owner_that_was_overtaken_is_refused_and_told_by_whom(tmp_path: Path) -> None:
    disk = live_disk(tmp_path)
    assert disk.take_over("NODE1") is None
    assert disk.save(CHECKPOINT, tree(1), "NODE1") is None
    claimed(tmp_path, "RIVAL")
    assert disk.save(CHECKPOINT, tree(2), "NODE2") is Win32.QUORUM_OWNER_ALIVE
    assert disk.reports == [Report("NODE1", Contested("RIVAL", 2))]
    assert disk.save(CHECKPOINT, tree(2), "NODE2") is Win32.NOT_READY
    assert disk.quarantine(CHECKPOINT, undo(1), "NODE2") is Win32.NOT_READY
    image = disk.load(CHECKPOINT, "NODE2")
    assert image == Image(1, tree(1))


def test_two_owners_in_turn_lose_no_acknowledged_save(tmp_path: Path) -> None:
    """Each take-over puts the other out, and finds what that was told is saved; the refused save is nobody's."""
    disk, files = live_disk(tmp_path), RealFiles(tmp_path)
    assert disk.take_over("NODE1") is None
    assert disk.save(CHECKPOINT, tree(1), "NODE1") is None
    rival = claimed(tmp_path, "RIVAL").tenure
    assert disk.save(CHECKPOINT, tree(2), "NODE1") is Win32.QUORUM_OWNER_ALIVE
    slot = disk._slot(CHECKPOINT)
    image = files.carry_out(store.save(rival, slot, tree(3)))
    files.carry_out(store.tidy(rival, image))
    assert disk.take_over("NODE1") is None
    assert disk.load(CHECKPOINT, "NODE1") == Image(3, tree(3))
    assert files.carry_out(store.save(rival, slot, tree(4))) == Contested("NODE1", 3)


def test_an_undo_file_of_an_owner_that_was_overtaken_is_not_answered(tmp_path: Path) -> None:
    disk = live_disk(tmp_path)
    assert disk.take_over("NODE1") is None
    assert disk.save(CHECKPOINT, tree(1), "NODE1") is None
    assert disk.quarantine(CHECKPOINT, undo(1), "NODE1") == "00000001-undo-1.reg"
    claimed(tmp_path, "RIVAL")
    assert disk.quarantine(CHECKPOINT, undo(2), "NODE1") is Win32.QUORUM_OWNER_ALIVE
    assert disk.undo_file(disk._slot(CHECKPOINT).folder, "00000001-undo-1.reg") == undo(1)


def test_a_disk_that_another_process_has_reserved_is_not_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_files, "RELEASE", 0.0)
    disk = live_disk(tmp_path)
    other = live_files.Reservation(tmp_path)
    assert other.reserve("RIVAL") is None
    assert disk.take_over("NODE1") is Win32.QUORUM_OWNER_ALIVE
    assert disk.reports == [Report("NODE1", Contested("RIVAL", 0))]


def test_the_loser_s_cluster_service_stops(tmp_path: Path) -> None:
    """On real processes: 5034 for the save, 1038 with the rival's name, and the group goes to the other node."""

    def rival(_: LiveGround) -> None:
        claimed(tmp_path / "cluster" / "quorum", "RIVAL")

    steps = EDIT % ("10s", "NODE1"), "{at: 60s, do: cluster group}"
    live = run(story(*steps), tmp_path / "cluster", speed=1e6, watch=rival)
    (failed,) = (event for event in live.history if isinstance(event, events.SaveFailed))
    assert failed.error.number == Win32.QUORUM_OWNER_ALIVE
    lost = [entry for entry in logged(live.history) if (entry.source, entry.event_id) == (SOURCE, RESERVATION_LOST)]
    assert [entry.node for entry in lost] == ["NODE1"]
    assert "RIVAL claims it in epoch 2" in lost[0].text
    states = [(event.node, event.state) for event in live.history if isinstance(event, events.NodeState)]
    assert states == [("NODE1", "Down")]
    assert any(isinstance(event, events.GroupOwner) and event.owner == "NODE2" for event in live.history)
