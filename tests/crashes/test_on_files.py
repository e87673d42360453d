"""What was enumerated on values holds on files: every crash state, with its torn bytes, recovered by the same store.

A torn file keeps some of its sectors of 512 bytes, whole or in part; the others are as the disk had them: zero, or the
old contents.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sim.checkpoint import store
from sim.checkpoint.files import UNREADABLE, Unreadable
from sim.checkpoint.image import decode, encode
from sim.live import files as live_files
from sim.live.files import RealFiles
from tests.crashes.disk import Disk, File, Survival
from tests.crashes.enumerate import drive, moments, plain
from tests.crashes.scripts import SCRIPTS

SECTOR = 512
EVERY = 1 if os.environ.get("FAILSIM_CRASHES") == "all" else 3


def torn(file: File, number: int) -> bytes:
    """Bytes that a power loss may leave of a file that was not flushed and does not read; another way each time."""
    assert not isinstance(file.now, Unreadable)
    new = encode(file.now)
    old = b"" if file.durable is None or isinstance(file.durable, Unreadable) else encode(file.durable)
    data = bytearray(old.ljust(len(new), b"\0")[: len(new)])
    for at in range(0, len(new), SECTOR):
        if (at // SECTOR + number) % 3:
            data[at : at + SECTOR] = new[at : at + SECTOR]
    cut = number % len(new)
    data[cut : cut + SECTOR // 2] = bytes(len(data[cut : cut + SECTOR // 2]))
    if decode(bytes(data)) != UNREADABLE:  # nothing of it differed from the whole: the last bytes had not arrived
        data[-1] ^= 0xFF
    return bytes(data)


def put(root: Path, survival: Survival, disk: Disk, number: int) -> RealFiles:
    """The disk as a folder of real files."""
    files = RealFiles(root)
    for path, contents in sorted(disk.contents.items()):
        if contents is None:
            (files.root / path).mkdir()
        elif isinstance(contents, Unreadable):
            (files.root / path).write_bytes(torn(survival.torn[path], number))
            assert decode((files.root / path).read_bytes()) == UNREADABLE
        else:
            (files.root / path).write_bytes(encode(contents))
    return files


@pytest.mark.parametrize("name", SCRIPTS)
def test_crash_states_as_files_give_the_same_answers(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_files, "_flush", lambda path: None)  # nothing fails here any more: only time
    seen, tears = set(), 0
    for moment in moments(SCRIPTS[name], plain):
        for survival, left in moment.disk.crashes():
            if left.fingerprint in seen:
                continue
            seen.add(left.fingerprint)
            if len(seen) % EVERY:
                continue
            files = put(tmp_path / str(len(seen)), survival, left, len(seen))
            tears += len(survival.torn)
            wanted, after = drive(store.take_over("NODE3"), left)
            assert files.carry_out(store.take_over("NODE3")) == wanted
            for slot in moment.intended:
                image, _ = drive(store.load(wanted.tenure, slot), after)
                assert files.carry_out(store.load(wanted.tenure, slot)) == image
            kept = {
                str(path.relative_to(files.root)): None if path.is_dir() else decode(path.read_bytes())
                for path in files.root.rglob("*")
            }
            assert kept == after.contents
    assert len(seen) > 30
    assert tears > 0
