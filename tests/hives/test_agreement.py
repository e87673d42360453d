"""Independent readers agree with us on what we write, and we read what hivex writes.

`FAILSIM_HIVES` is how many trees; CI runs a slice. A tool that is missing is a failure there (FAILSIM_CI=1), and
elsewhere a skip with its reason. `python -m tests.hives.test_agreement 1000` prints the table tool x cases x agree.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import sim
from sim.checkpoint.files import ImageFile
from sim.checkpoint.image import decode
from sim.registry import EMPTY, KeyTree, NameMap, Value, read_hive, write_hive
from tests.hives import libhivex
from tests.hives.forest import tree
from tests.hives.oracles import DEFECTS, TOOLS, agreement, missing
from tests.library import NAMES, scenario

COUNT = int(os.environ.get("FAILSIM_HIVES", "60"))
BATCHES = 4


def image(number: int) -> bytes:
    """The tree of that number as a hive, in turn of version 1.5 and of version 1.3."""
    return write_hive(tree(number), minor=(5, 3)[number % 2], written=number << 40)


@pytest.fixture
def needed() -> None:
    """All tools, or a reason not to run."""
    absent = ", ".join(missing())
    assert not (absent and os.environ.get("FAILSIM_CI")), f"CI has no {absent}"
    if absent:
        pytest.skip(f"not installed: {absent}; the extra [test], and on Debian libhivex0 and reglookup, bring them")


@pytest.mark.usefixtures("needed")
@pytest.mark.parametrize("batch", range(BATCHES))
def test_every_tool_agrees(batch: int) -> None:
    for number in range(batch, COUNT, BATCHES):
        for tool, difference in agreement(image(number), tree(number)).items():
            assert not difference, f"{tool} on tree {number}: {difference}"


def stored(name: str) -> Iterator[tuple[str, bytes, KeyTree]]:
    """Every image on the quorum disk when a scenario of the library ends: path, bytes, and the tree it holds."""
    for path, data in sim.images(scenario(name)).items():
        contents = decode(data)
        if isinstance(contents, ImageFile) and contents.tree is not None:
            yield f"{name}: {path}", data, contents.tree


@pytest.mark.usefixtures("needed")
@pytest.mark.parametrize("name", NAMES)
def test_every_tool_reads_the_images_of_the_library(name: str) -> None:
    for path, data, held in stored(name):
        for tool, difference in agreement(data, held).items():
            assert not difference, f"{tool} on {path}: {difference}"


@pytest.mark.usefixtures("needed")
@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_difference_would_be_seen(tool: object) -> None:
    """One more byte of data, another name, a key less: each tool tells it from what we say."""
    ours = KeyTree(NameMap.of([("a", Value.binary(b"data and more"))]), NameMap.of([("k", EMPTY)]))
    for other in (
        ours.with_value((), "a", Value.binary(b"data and mor")),
        ours.without_value((), "a").with_value((), "b", Value.binary(b"data and more")),
        ours.without_key(("k",)),
    ):
        said = agreement(write_hive(other), other, against=ours)
        assert said[getattr(tool, "name", "")], f"{tool} sees no difference"


def written_by_hivex(path: Path, wanted: KeyTree) -> KeyTree:
    """The tree as hivex writes it, into an empty hive of ours; what our reader makes of that."""
    path.write_bytes(write_hive(EMPTY))
    with libhivex.opened(path, write=True) as hive:
        pending = [(hive.root(), wanted)]
        while pending:
            node, key = pending.pop()
            hive.set_values(node, list(key.values.items()))
            pending += [(hive.add_child(node, name), child) for name, child in key.keys.items()]
        hive.commit()
    return read_hive(path.read_bytes())


def plain(given: KeyTree) -> KeyTree:
    """The tree without what hivex cannot write: class names, a value of no bytes (it stores one of some length)."""
    built: dict[tuple[str, ...], KeyTree] = {}
    for names, key in reversed(list(given.without_volatile().walk())):
        keys = [(name, built[(*names, name)]) for name, _ in key.keys.items()]
        built[names] = KeyTree(key.values, NameMap.of(keys))
    return built[()]


@pytest.mark.usefixtures("needed")
def test_we_read_what_hivex_writes(tmp_path: Path) -> None:
    for number in range(max(COUNT // 4, 20)):
        if number % 100 != 7:  # ten thousand keys, each sorted in by hivex, take a minute
            assert written_by_hivex(tmp_path / "x.hiv", plain(tree(number))) == plain(tree(number)), number


def main(count: int) -> int:
    """Print the table; 1 where a tool differs."""
    agree: Counter[str] = Counter()
    for number in range(count):
        for tool, difference in agreement(image(number), tree(number)).items():
            agree[tool] += not difference
            if difference:
                print(f"{tool} on tree {number}: {difference}", file=sys.stderr)
    images = [each for name in NAMES for each in stored(name)]
    for path, data, held in images:
        for tool, difference in agreement(data, held).items():
            agree[tool] += not difference
            if difference:
                print(f"{tool} on {path}: {difference}", file=sys.stderr)
    print(f"{count} generated trees and {len(images)} images that the library's scenarios leave on the quorum disk\n")
    count += len(images)
    print("| tool | trees | agree | but for its own defects |\n| --- | --- | --- | --- |")
    for tool, known in DEFECTS.items():
        print(f"| {tool} | {count} | {agree[tool]} | {'; '.join(known) or 'none'} |")
    return int(any(agree[tool] != count for tool in DEFECTS))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
