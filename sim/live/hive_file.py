"""A registry on a node's own disk: a hive file and its log, so that a crash in a flush leaves the old or the new one.

The log is written and flushed first, then the hive, then the log is emptied. A hive that does not read is made anew
from a log that is whole; a log that is not whole belongs to a flush that never counted.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from sim.registry import HiveError, KeyTree, read_hive, write_hive

_DIGEST = sha256().digest_size


class HiveFile:
    """`FOLDER/SYSTEM` and `FOLDER/SYSTEM.LOG`."""

    def __init__(self, folder: Path) -> None:
        self.hive = folder / "SYSTEM"
        self.log = folder / "SYSTEM.LOG"

    def write(self, tree: KeyTree) -> None:
        """Make the tree durable, whole or not at all."""
        data = write_hive(tree.without_volatile())
        _write(self.log, sha256(data).digest() + data)
        _write(self.hive, data)
        _write(self.log, b"")

    def read(self) -> KeyTree:
        """What the last flush that counts has left."""
        logged = self.log.read_bytes() if self.log.exists() else b""
        digest, data = logged[:_DIGEST], logged[_DIGEST:]
        if data and sha256(data).digest() == digest:
            return read_hive(data)
        try:
            return read_hive(self.hive.read_bytes())
        except HiveError as error:
            raise AssertionError(f"{self.hive} does not read, and its log is not whole: {error}") from error


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
