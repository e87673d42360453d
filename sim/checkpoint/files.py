r"""What the store asks of the quorum disk: a few file effects, small enough that every crash between them can be tried.

Durability: contents reach the disk with `FlushFile`, names (created, renamed, deleted) with `FlushFolder`; what was
            not flushed may or may not be there after a power loss, whole or in part, in any order.
Paths:      relative to the store's folder on the quorum disk, one folder deep, `/` between; `ROOT` is that folder.
Errors:     `Win32` answers, never exceptions: a disk that refuses is a fact of the run.
Contents:   values, not bytes. A real disk keeps `encode` of them, the simulated one the values themselves; what does
            not decode is `UNREADABLE`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from sim.checkpoint.effects import Op
from sim.registry import KeyTree, RegFile, Win32

T = TypeVar("T")

ROOT: Final = ""
"""The store's own folder: `MSCS` on the quorum disk."""


class ImageFile(msgspec.Struct, frozen=True, kw_only=True):
    r"""An image of one checkpoint: whose it is, which one, and the tree; `tree` None says that it was removed.

    `key` is HKLM-relative as it was specified. `version` counts the images of this file number.
    """

    folder: str
    number: int
    key: str
    epoch: int
    writer: str
    version: int
    tree: KeyTree | None


class IndexFile(msgspec.Struct, frozen=True, kw_only=True):
    """What an owner of the disk found when it took over: for each `folder/number` the names of its good images.

    Newest first, the one before it second.
    """

    epoch: int
    writer: str
    images: dict[str, tuple[str, ...]]


class ClaimFile(msgspec.Struct, frozen=True, kw_only=True):
    """An owner's word that it takes over in this epoch; its name says it all."""

    epoch: int
    writer: str


class UndoFile(msgspec.Struct, frozen=True, kw_only=True):
    """Local changes that a restore undid, as a `.reg` file that brings them back: text for `reg import`, no seal."""

    content: RegFile


class Unreadable(msgspec.Struct, frozen=True):
    """A file whose bytes are not what was written."""


UNREADABLE: Final = Unreadable()

Contents = ImageFile | IndexFile | ClaimFile | UndoFile


class ListFolder(msgspec.Struct, frozen=True):
    """Answered with the names in the folder, sorted; none where the folder is absent."""

    folder: str


class MakeFolder(msgspec.Struct, frozen=True):
    """A folder below the root; it is there after a crash once the root is flushed."""

    folder: str


class ReadFile(msgspec.Struct, frozen=True):
    """Answered with the contents, UNREADABLE, or None where there is no such file."""

    path: str


class WriteFile(msgspec.Struct, frozen=True):
    """A new file, or a new one in place of an old one of that name."""

    path: str
    contents: Contents


class FlushFile(msgspec.Struct, frozen=True):
    """Answered when the file's contents are durable."""

    path: str


class Rename(msgspec.Struct, frozen=True):
    """The file `old` is called `new` now, at once and whole; a file of that name is gone. Both in one folder."""

    old: str
    new: str


class Link(msgspec.Struct, frozen=True):
    """The file `old` is called `new` as well; ALREADY_EXISTS where there is a file of that name. Both in one folder."""

    old: str
    new: str


class Delete(msgspec.Struct, frozen=True):
    """The file is gone; none of that name is no error."""

    path: str


class FlushFolder(msgspec.Struct, frozen=True):
    """Answered when the names in the folder are durable."""

    folder: str


FileEffect = ListFolder | MakeFolder | ReadFile | WriteFile | FlushFile | Rename | Link | Delete | FlushFolder


def list_folder(folder: str) -> Op[tuple[str, ...]]:
    names = yield ListFolder(folder)
    assert isinstance(names, tuple), f"ListFolder({folder!r}) answered with {names!r}"
    return names


def read_file(path: str) -> Op[Contents | Unreadable | None]:
    contents = yield ReadFile(path)
    assert contents is None or isinstance(contents, Contents | Unreadable), f"ReadFile({path}) answered {contents!r}"
    return contents


def make_folder(folder: str) -> Op[Win32 | None]:
    return _refusal((yield MakeFolder(folder)))


def write_file(path: str, contents: Contents) -> Op[Win32 | None]:
    return _refusal((yield WriteFile(path, contents)))


def flush_file(path: str) -> Op[Win32 | None]:
    return _refusal((yield FlushFile(path)))


def rename(old: str, new: str) -> Op[Win32 | None]:
    return _refusal((yield Rename(old, new)))


def link(old: str, new: str) -> Op[Win32 | None]:
    return _refusal((yield Link(old, new)))


def delete(path: str) -> Op[Win32 | None]:
    return _refusal((yield Delete(path)))


def flush_folder(folder: str) -> Op[Win32 | None]:
    return _refusal((yield FlushFolder(folder)))


def _refusal(answer: Any) -> Win32 | None:
    assert answer is None or isinstance(answer, Win32), f"a file effect answered with {answer!r}"
    return answer


def carry_out(operation: Op[T], perform: Callable[[Any], Any]) -> T:
    """Carry an operation of the store out, each effect as `perform` answers it."""
    answer = None
    while True:
        try:
            effect = operation.send(answer)
        except StopIteration as ended:
            done: T = ended.value
            return done
        answer = perform(effect)
