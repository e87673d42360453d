"""The registry checkpoint engine: what the Cluster service does with a resource's checkpointed keys.

The product's rule (KB 174070, domain.md 1): a key that is specified is checkpointed; when the resource goes
online the local key is updated from the checkpoint; when it is brought offline all its checkpoints are saved;
a change while it is online is written to the checkpoint on the quorum device.

Holds:    an acknowledged save is never lost by the engine; no change between notice and read slips through;
          a failing save or restore never stops the resource (events 1080 and 1024, KB 251284, KB 316772).
Never:    I/O, a clock, the registry itself: all of that is the driver's, by effects.
Assumed:  a save starts at the notice and one more follows what changed during it; retries after
          `checkpoint_retry` while online and once more at offline; no save when the resource fails
          (domain.md 13, 41, 73, 142-144).
"""

from __future__ import annotations

from sim.checkpoint.effects import (
    Checkpoint,
    Op,
    Trigger,
    Woken,
    await_retry,
    await_saves,
    claim,
    enter_list,
    give_up,
    leave_list,
    list_checkpoints,
    load_image,
    log_event,
    read_key,
    rearm,
    restore_impossible,
    restore_key,
    save_image,
    save_impossible,
    signalled,
    unwatch,
    watch,
)
from sim.registry import KeyPath, Win32

SOURCE = "ClusSvc"
RESTORE_FAILED = 1024
SAVE_FAILED = 1080


def add_checkpoint(resource: str, key: KeyPath, *, online_here: bool) -> Op[Win32 | None]:
    """Checkpoint a key (KB 174070: "when a registry key is specified ... it is checkpointed").

    Watched first if the resource is online on this node, then saved; only a durable image enters the list.
    Answers None, or ALREADY_EXISTS for a key that is listed (fact 16), FILE_NOT_FOUND for an absent one
    (fact 20, assumed), or the error of the save. Nested keys are allowed: each is its own image (fact 21).
    """
    checkpoint = yield from claim(resource, key)
    if isinstance(checkpoint, Win32):
        return checkpoint
    if (yield from read_key(key)) is None:
        yield from give_up(checkpoint)
        return Win32.FILE_NOT_FOUND
    if online_here:
        yield from watch(checkpoint)
    error = yield from save(checkpoint, Trigger.ADDED)
    if error is not None:
        if online_here:
            yield from unwatch(resource, checkpoint)
        yield from give_up(checkpoint)
        return error
    yield from enter_list(checkpoint)
    return None


def remove_checkpoint(resource: str, key: KeyPath) -> Op[Win32 | None]:
    """Stop checkpointing a key; its image goes with it. FILE_NOT_FOUND where it is not listed (fact 17)."""
    for checkpoint in (yield from list_checkpoints(resource)):
        if checkpoint.key == key:
            yield from unwatch(resource, checkpoint)
            yield from leave_list(checkpoint)
            return None
    return Win32.FILE_NOT_FOUND


def before_online(resource: str) -> Op[None]:
    """Put every checkpoint back over the local registry, before the resource's own start (facts 5, 7)."""
    for checkpoint in (yield from list_checkpoints(resource)):
        if (yield from still_listed(checkpoint)):
            yield from restore(checkpoint)
        # Watched after the restore: the watch's own open handle could make the restore fail (fact 104).
        # An edit in between is caught by the save at offline. Not if it was removed meanwhile: nobody would
        # ever close the watch, and its saves would write images that belong to no list.
        if (yield from still_listed(checkpoint)):
            yield from watch(checkpoint)


def restore(checkpoint: Checkpoint) -> Op[None]:
    """Replace the local key by the image; where that fails, event 1024, and the resource goes on (fact 38)."""
    image = yield from load_image(checkpoint)
    if isinstance(image, Win32):
        yield from restore_impossible(checkpoint, image)
        yield from log_restore_failed(checkpoint)
        return
    if image.damaged:
        yield from log_restore_failed(checkpoint)
    error = yield from restore_key(checkpoint, image)
    if error is not None:
        yield from log_restore_failed(checkpoint)


def save_on_change(checkpoint: Checkpoint) -> Op[None]:
    """A watch fired: save the key, and again as long as more has changed meanwhile.

    A failed save is tried again after the retry time or at the next change, until the watch is closed.
    """
    reported = False
    while True:
        # Re-arm, then read. A notification is spent when it fires (fact 100), so that a write between
        # reading and re-arming would be noticed only where the handle goes on collecting (fact 101).
        yield from rearm(checkpoint)
        error = yield from save(checkpoint, Trigger.CHANGE)
        if error is not None:
            if not reported:
                yield from log_save_failed(checkpoint, error)
            reported = True
            if (yield from await_retry(checkpoint)) is Woken.CLOSED:
                return
        elif not (yield from signalled(checkpoint)):
            return
        else:
            reported = False


def after_offline(resource: str) -> Op[None]:
    """The resource's process has stopped: stop watching, let a save in flight end, then save every checkpoint."""
    yield from unwatch(resource)
    yield from await_saves(resource)
    for checkpoint in (yield from list_checkpoints(resource)):
        if not (yield from still_listed(checkpoint)):
            continue
        error = yield from save(checkpoint, Trigger.OFFLINE)
        if error is not None:
            yield from log_save_failed(checkpoint, error)


def still_listed(checkpoint: Checkpoint) -> Op[bool]:
    """Whether nobody has removed the checkpoint while others were restored or saved."""
    return checkpoint in (yield from list_checkpoints(checkpoint.resource))


def after_failure(resource: str) -> Op[None]:
    """The resource failed: stop watching. No save: what a dead process left is not trusted (assumed, fact 73)."""
    yield from unwatch(resource)


def save(checkpoint: Checkpoint, trigger: Trigger) -> Op[Win32 | None]:
    """Store the whole tree of the key as it stands now (fact 3); None, or why it failed."""
    tree = yield from read_key(checkpoint.key)
    if tree is None:
        yield from save_impossible(checkpoint, trigger, Win32.FILE_NOT_FOUND)
        return Win32.FILE_NOT_FOUND
    return (yield from save_image(checkpoint, tree, trigger))


def log_restore_failed(checkpoint: Checkpoint) -> Op[None]:
    """Event 1024 in the product's words (KB 316772)."""
    yield from log_event(
        SOURCE,
        RESTORE_FAILED,
        f"The registry checkpoint for cluster resource '{checkpoint.resource}' could not be restored to registry key "
        f"HKEY_LOCAL_MACHINE\\{checkpoint.key}. The resource may not function correctly. Make sure that no other "
        "processes have open handles to registry keys in this registry subtree.",
    )


def log_save_failed(checkpoint: Checkpoint, error: Win32) -> Op[None]:
    """Event 1080 (KB 251284), the nearest documented one: none is known for a failed save (fact 41, assumed)."""
    yield from log_event(
        SOURCE,
        SAVE_FAILED,
        f"The Cluster service could not write the registry checkpoint {checkpoint.number:08d}.CPT of cluster resource "
        f"'{checkpoint.resource}' (HKEY_LOCAL_MACHINE\\{checkpoint.key}) to the quorum disk: error {error.value}.",
    )
