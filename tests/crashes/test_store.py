"""The store in peace, under damage, and against its own page: STORE.md lists the effects that it really makes."""

from __future__ import annotations

import re
from pathlib import Path

import sim.checkpoint
from sim.checkpoint import store
from sim.checkpoint.effects import Image, Op
from sim.checkpoint.files import Delete, ImageFile
from sim.checkpoint.image import encode
from sim.checkpoint.store import Contested, Found, Tenure
from sim.registry import Win32, read_hive
from tests.crashes.disk import Disk
from tests.crashes.enumerate import drive
from tests.crashes.scripts import APP, Acknowledged, acts, perform, tree, undo

PAGE = Path(sim.checkpoint.__file__).with_name("STORE.md").read_text(encoding="utf-8")


def taken(disk: Disk, node: str = "NODE1") -> tuple[Tenure, Disk]:
    found, disk = drive(store.take_over(node), disk)
    assert isinstance(found, Found)
    return found.tenure, disk


def saved(disk: Disk, tenure: Tenure, number: int) -> Disk:
    image, disk = drive(store.save(tenure, APP, tree(number)), disk)
    assert isinstance(image, ImageFile)
    return drive(store.tidy(tenure, image), disk)[1]


def effects_of(operation: Op[object], disk: Disk) -> list[str]:
    """The effects of an operation, in the words of the page."""
    told: list[str] = []
    answer = None
    while True:
        try:
            effect = operation.send(answer)
        except StopIteration:
            return told
        if isinstance(effect, Acknowledged):
            answer = None
            continue
        answer, disk = disk.perform(effect)
        names = [getattr(effect, name, "") for name in ("folder", "path", "old", "new")]
        told.append(" ".join([type(effect).__name__, *(f"`{name}`" for name in names if name)]))


def rows(heading: str) -> list[str]:
    """The effects that the page lists in the first table below a heading."""
    section = PAGE.split(heading)[1].split("\n\n")[1]
    return [line.split(" | ")[0].removeprefix("| ") for line in section.splitlines()[2:]]


def test_the_page_lists_every_effect_of_a_save() -> None:
    tenure, disk = taken(Disk())
    (act,) = acts("App=1")
    made = effects_of(perform(act, tenure), disk)
    image = f"{APP.folder}/00000001-e1-v1-NODE1.img"
    plain = [each.replace(image, "<i>").replace(APP.folder, "<f>") for each in made]
    assert plain == rows("### Save")


def test_the_page_lists_every_effect_of_an_undo_file() -> None:
    tenure, disk = taken(Disk())
    made = effects_of(store.quarantine(tenure, APP, undo(1)), saved(disk, tenure, 1))
    assert [each.replace(APP.folder, "<f>") for each in made] == rows("### Undo file")


def test_the_page_lists_every_effect_of_a_take_over() -> None:
    made = effects_of(store.take_over("NODE1"), Disk())
    plain = [re.sub(r"(claim|index)-e1-NODE1", r"\1", each) for each in made]
    assert plain == rows("### Take-over")


def test_the_last_good_image_is_used_and_the_damaged_one_kept_aside() -> None:
    tenure, disk = taken(Disk())
    for number in (1, 2):
        disk = saved(disk, tenure, number)
    name = f"{APP.folder}/00000001-e1-v2-NODE1.img"
    (hurt,) = (left for path, left in disk.damages() if path == name)
    assert drive(store.load(tenure, APP), hurt)[0] == Image(1, tree(1), damaged=True)
    after = saved(hurt, tenure, 3)
    assert name + store.DAMAGED in after.names
    assert drive(store.load(tenure, APP), after)[0] == Image(3, tree(3))


def test_an_owner_that_was_overtaken_is_told_so() -> None:
    """A stale owner that claims a later epoch: a disk that ignores reservations. The other hears of it, and by whom."""
    old, disk = taken(Disk())
    disk = saved(disk, old, 1)
    new, disk = taken(disk, "NODE2")
    stale, disk = taken(disk, "NODE1")
    assert (old.epoch, new.epoch, stale.epoch) == (1, 2, 3)
    refused, disk = drive(store.save(new, APP, tree(2)), disk)
    assert refused == Contested("NODE1", 3)
    assert drive(store.load(stale, APP), disk)[0] == Image(1, tree(1))


def test_an_absent_and_a_removed_checkpoint_are_not_found() -> None:
    tenure, disk = taken(Disk())
    assert drive(store.load(tenure, APP), disk)[0] is Win32.FILE_NOT_FOUND
    disk = saved(disk, tenure, 1)
    note, disk = drive(store.save(tenure, APP, None), disk)
    disk = drive(store.tidy(tenure, note), disk)[1]
    assert drive(store.load(tenure, APP), disk)[0] is Win32.FILE_NOT_FOUND


def test_where_no_image_reads_that_is_an_error() -> None:
    tenure, disk = taken(Disk())
    disk = saved(disk, tenure, 1)
    hurt = next(left for path, left in disk.damages() if path.endswith(".img"))
    assert drive(store.load(tenure, APP), hurt)[0] is Win32.REGISTRY_CORRUPT


def test_a_newest_image_that_is_gone_is_damage() -> None:
    """The index names it, so that its absence is no accident of a crash: whoever loads hears of it."""
    tenure, disk = taken(Disk())
    for number in (1, 2):
        disk = saved(disk, tenure, number)
    _, disk = taken(disk, "NODE2")
    gone = f"{APP.folder}/00000001-e1-v2-NODE1.img"
    _, disk = disk.perform(Delete(gone))
    found, disk = drive(store.take_over("NODE3"), disk)
    assert found.damage == (f"image {gone} is gone",)
    assert drive(store.load(found.tenure, APP), disk)[0] == Image(1, tree(1), damaged=True)


def test_a_node_s_name_is_safe_in_a_file_s_name() -> None:
    assert store.file_safe("NODE1") == "NODE1"
    assert store.image_name(f"00000001-e1-v1-{store.file_safe('A.B-e9/C')}.img") is not None
    assert not set(store.file_safe('a/b\\c:d*e?"<>|.new')) & set('/\\:*?"<>|.')


def test_an_image_is_a_hive_for_ordinary_tools() -> None:
    image, _ = drive(store.save(Tenure(1, "NODE1", {}), APP, tree(5)), Disk())
    assert isinstance(image, ImageFile)
    assert read_hive(encode(image)) == tree(5)
