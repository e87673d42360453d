"""What the checkpoint engine asks of the world: effects as values, each with one typed function around its yield.

An operation is a generator that yields effects and receives their results; it changes nothing but by effects,
since its node can die between any two of them. A driver performs an effect on the node where the operation runs.
Errors of the world come back as `Win32` results, never as exceptions: a fault is a value in the history.
"""

from __future__ import annotations

from collections.abc import Generator
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from sim.registry import Change, KeyPath, KeyTree, Win32

T = TypeVar("T")
Op = Generator[Any, Any, T]
"""An operation that yields effects and returns a T."""


class Trigger(StrEnum):
    """Why a checkpoint is saved (KB 174070)."""

    ADDED = "added"
    CHANGE = "change"
    OFFLINE = "offline"
    FAILURE = "failure"  # none that a document knows: the resource failed, and the engine is told to save then
    MERGE = "merge"  # none of the product's: local changes are merged before a restore (policy)


class Checkpoint(msgspec.Struct, frozen=True):
    r"""A key of a resource and the number of its file: `<resource GUID>\0000000N.CPT`.

    `key` is HKLM-relative, as it was specified (fact 15).
    """

    resource: str
    number: int
    key: KeyPath


class Image(msgspec.Struct, frozen=True):
    """What a restore reads. `damaged`: the newest image was unreadable and this is the last good one."""

    version: int
    tree: KeyTree
    damaged: bool = False


class Woken(StrEnum):
    """What ended the wait of a save that failed."""

    RETRY = "retry"
    CHANGED = "changed"
    CLOSED = "closed"


class ListCheckpoints(msgspec.Struct, frozen=True):
    """Answered with the resource's checkpoints, in order of their file numbers."""

    resource: str


class Claim(msgspec.Struct, frozen=True):
    """Answered with a checkpoint under a free file number, or ALREADY_EXISTS; held until it is listed or given up."""

    resource: str
    key: KeyPath


class GiveUp(msgspec.Struct, frozen=True):
    """A claimed checkpoint will not enter the list."""

    checkpoint: Checkpoint


class EnterList(msgspec.Struct, frozen=True):
    """The claimed checkpoint enters the resource's list in the cluster database."""

    checkpoint: Checkpoint


class LeaveList(msgspec.Struct, frozen=True):
    """The checkpoint leaves the list, and its image is deleted with it."""

    checkpoint: Checkpoint


class ReadKey(msgspec.Struct, frozen=True):
    """Answered with the key's tree as it stands on this node now, without volatile keys; None where it is absent."""

    key: KeyPath


class SaveImage(msgspec.Struct, frozen=True):
    """Answered when the image is durable (None), or with the error: then the store holds what it held."""

    checkpoint: Checkpoint
    tree: KeyTree
    trigger: Trigger


class SaveImpossible(msgspec.Struct, frozen=True):
    """A save that failed before there was anything to store: goes on record."""

    checkpoint: Checkpoint
    trigger: Trigger
    error: Win32


class LoadImage(msgspec.Struct, frozen=True):
    """Answered with the newest readable image, or the error where there is none."""

    checkpoint: Checkpoint


class RestoreKey(msgspec.Struct, frozen=True):
    """The image replaces the local key and all below it (RegRestoreKey, fact 104); answered with None or the error."""

    checkpoint: Checkpoint
    image: Image


class RestoreImpossible(msgspec.Struct, frozen=True):
    """A restore that had nothing to restore from: goes on record."""

    checkpoint: Checkpoint
    error: Win32


class ReadBase(msgspec.Struct, frozen=True):
    """Answered with what this node last restored or saved of the checkpoint; None where it does not know."""

    checkpoint: Checkpoint


class KeepBase(msgspec.Struct, frozen=True):
    """This node last restored or saved this tree, or does not know any more what (None); flushed with its registry."""

    checkpoint: Checkpoint
    tree: KeyTree | None


class Quarantine(msgspec.Struct, frozen=True):
    """Local changes that a restore is about to undo; answered with the name of their file, or the error."""

    checkpoint: Checkpoint
    lost: tuple[Change, ...]


class RecordMerge(msgspec.Struct, frozen=True):
    """Local changes that go into the next image: goes on record."""

    checkpoint: Checkpoint
    taken: tuple[Change, ...]


class Watch(msgspec.Struct, frozen=True):
    """Changes below the checkpoint's key on this node are noticed from now on (RegNotifyChangeKeyValue, fact 100)."""

    checkpoint: Checkpoint


class Rearm(msgspec.Struct, frozen=True):
    """The spent watch is armed again."""

    checkpoint: Checkpoint


class Unwatch(msgspec.Struct, frozen=True):
    """No change below any key of the resource is noticed on this node any more; `checkpoint`: below that one's only."""

    resource: str
    checkpoint: Checkpoint | None = None


class Signalled(msgspec.Struct, frozen=True):
    """Answered whether the watch has fired since it was last armed; False also where it is closed."""

    checkpoint: Checkpoint


class AwaitRetry(msgspec.Struct, frozen=True):
    """Answered with `Woken`: after the retry time, at the next change, or when the watch is closed."""

    checkpoint: Checkpoint


class AwaitSaves(msgspec.Struct, frozen=True):
    """Answered when no save of the resource that a change triggered is in flight on this node."""

    resource: str


class LogEvent(msgspec.Struct, frozen=True):
    """An entry in this node's system event log."""

    source: str
    event_id: int
    text: str


def list_checkpoints(resource: str) -> Op[tuple[Checkpoint, ...]]:
    listed = yield ListCheckpoints(resource)
    assert isinstance(listed, tuple), f"ListCheckpoints answered with {listed!r}"
    return listed


def claim(resource: str, key: KeyPath) -> Op[Checkpoint | Win32]:
    claimed = yield Claim(resource, key)
    assert isinstance(claimed, Checkpoint | Win32), f"Claim answered with {claimed!r}"
    return claimed


def give_up(checkpoint: Checkpoint) -> Op[None]:
    yield GiveUp(checkpoint)


def enter_list(checkpoint: Checkpoint) -> Op[None]:
    yield EnterList(checkpoint)


def leave_list(checkpoint: Checkpoint) -> Op[None]:
    yield LeaveList(checkpoint)


def read_key(key: KeyPath) -> Op[KeyTree | None]:
    tree = yield ReadKey(key)
    assert tree is None or isinstance(tree, KeyTree), f"ReadKey({key}) answered with {tree!r}"
    return tree


def save_image(checkpoint: Checkpoint, tree: KeyTree, trigger: Trigger) -> Op[Win32 | None]:
    error = yield SaveImage(checkpoint, tree, trigger)
    assert error is None or isinstance(error, Win32), f"SaveImage answered with {error!r}"
    return error


def save_impossible(checkpoint: Checkpoint, trigger: Trigger, error: Win32) -> Op[None]:
    yield SaveImpossible(checkpoint, trigger, error)


def load_image(checkpoint: Checkpoint) -> Op[Image | Win32]:
    image = yield LoadImage(checkpoint)
    assert isinstance(image, Image | Win32), f"LoadImage answered with {image!r}"
    return image


def restore_key(checkpoint: Checkpoint, image: Image) -> Op[Win32 | None]:
    error = yield RestoreKey(checkpoint, image)
    assert error is None or isinstance(error, Win32), f"RestoreKey answered with {error!r}"
    return error


def restore_impossible(checkpoint: Checkpoint, error: Win32) -> Op[None]:
    yield RestoreImpossible(checkpoint, error)


def read_base(checkpoint: Checkpoint) -> Op[KeyTree | None]:
    tree = yield ReadBase(checkpoint)
    assert tree is None or isinstance(tree, KeyTree), f"ReadBase({checkpoint}) answered with {tree!r}"
    return tree


def keep_base(checkpoint: Checkpoint, tree: KeyTree | None) -> Op[None]:
    yield KeepBase(checkpoint, tree)


def quarantine(checkpoint: Checkpoint, lost: tuple[Change, ...]) -> Op[str | Win32]:
    file = yield Quarantine(checkpoint, lost)
    assert isinstance(file, str | Win32), f"Quarantine answered with {file!r}"
    return file


def record_merge(checkpoint: Checkpoint, taken: tuple[Change, ...]) -> Op[None]:
    yield RecordMerge(checkpoint, taken)


def watch(checkpoint: Checkpoint) -> Op[None]:
    yield Watch(checkpoint)


def rearm(checkpoint: Checkpoint) -> Op[None]:
    yield Rearm(checkpoint)


def unwatch(resource: str, checkpoint: Checkpoint | None = None) -> Op[None]:
    yield Unwatch(resource, checkpoint)


def signalled(checkpoint: Checkpoint) -> Op[bool]:
    fired = yield Signalled(checkpoint)
    assert isinstance(fired, bool), f"Signalled answered with {fired!r}"
    return fired


def await_retry(checkpoint: Checkpoint) -> Op[Woken]:
    woken = yield AwaitRetry(checkpoint)
    assert isinstance(woken, Woken), f"AwaitRetry answered with {woken!r}"
    return woken


def await_saves(resource: str) -> Op[None]:
    yield AwaitSaves(resource)


def log_event(source: str, event_id: int, text: str) -> Op[None]:
    yield LogEvent(source, event_id, text)
