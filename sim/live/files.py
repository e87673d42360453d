r"""The quorum disk of a live run: a shared folder, the store's file effects on it, and a reservation with a lock.

    DISK/MSCS/...        the store's own files (`sim.checkpoint.store`)
    DISK/reservation     locked by the owner's process for as long as that lives, and says who it is

Durability is the file system's: contents by fsync of the file, names by fsync of the folder.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Any

from sim.checkpoint.effects import Op
from sim.checkpoint.files import (
    Delete,
    FlushFile,
    FlushFolder,
    Link,
    ListFolder,
    MakeFolder,
    ReadFile,
    Rename,
    WriteFile,
    carry_out,
)
from sim.checkpoint.image import decode, encode
from sim.registry import Win32

RELEASE = 5.0
"""Seconds that the kernel may take to release the lock of a process that was killed."""


class RealFiles:
    """Performs the store's file effects below a folder."""

    def __init__(self, disk: Path) -> None:
        self.root = disk / "MSCS"
        self.root.mkdir(parents=True, exist_ok=True)

    def carry_out(self, operation: Op[Any], *, refuses: bool = False) -> Any:
        """An operation of the store; `refuses`: every change is refused, as by a disk that is write-protected."""

        def performed(effect: Any) -> Any:
            reads = isinstance(effect, ListFolder | ReadFile)
            return Win32.WRITE_FAULT if refuses and not reads else self.perform(effect)

        return carry_out(operation, performed)

    def perform(self, effect: Any) -> Any:
        """The answer to one file effect; an error of the system as the Win32 error that fits."""
        try:
            return self._perform(effect)
        except FileNotFoundError:
            return Win32.FILE_NOT_FOUND
        except FileExistsError:
            return Win32.ALREADY_EXISTS
        except OSError as error:
            return Win32.DISK_FULL if error.errno == 28 else Win32.WRITE_FAULT

    def _perform(self, effect: Any) -> Any:
        match effect:
            case ListFolder(folder=folder):
                place = self.root / folder
                return tuple(sorted(os.listdir(place))) if place.is_dir() else ()
            case ReadFile(path=path):
                place = self.root / path
                return decode(place.read_bytes()) if place.is_file() else None
            case MakeFolder(folder=folder):
                (self.root / folder).mkdir(exist_ok=True)
            case WriteFile(path=path, contents=contents):
                (self.root / path).write_bytes(encode(contents))
            case FlushFile(path=path):
                _flush(self.root / path)
            case Rename(old=old, new=new):
                (self.root / old).replace(self.root / new)
            case Link(old=old, new=new):
                (self.root / new).hardlink_to(self.root / old)
            case Delete(path=path):
                (self.root / path).unlink(missing_ok=True)
            case FlushFolder(folder=folder):
                _flush(self.root / folder)
            case _:
                raise AssertionError(f"no file effect: {effect!r}")
        return None


class Reservation:
    """The lock that the owner of the disk holds. It ends with the process that took it, however that ends."""

    def __init__(self, disk: Path) -> None:
        self._path = disk / "reservation"
        self._file: int | None = None

    def reserve(self, node: str) -> str | None:
        """Own the disk; None, or the node whose process owns it and does not go away."""
        if self._file is not None:
            return None
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        given_up = time.monotonic() + RELEASE
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > given_up:
                    owner = os.pread(file, 256, 0).decode("utf-8")
                    os.close(file)
                    return owner
                time.sleep(0.005)
        os.ftruncate(file, 0)
        os.pwrite(file, node.encode("utf-8"), 0)
        self._file = file
        return None


def _flush(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
