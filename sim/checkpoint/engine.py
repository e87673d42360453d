"""The registry checkpoint engine: what the Cluster service does with a resource's checkpointed keys.

The product's rule (KB 174070, domain.md 1): a key that is specified is checkpointed; when the resource goes
online the local key is updated from the checkpoint; when it is brought offline all its checkpoints are saved;
a change while it is online is written to the checkpoint on the quorum device.

Holds:    an acknowledged save is never lost by the engine; no change between notice and read slips through;
          a failing save or restore never stops the resource (events 1080 and 1024, KB 251284, KB 316772).
Never:    I/O, a clock, the registry itself: all of that is the driver's, by effects.
Assumed:  a save starts at the notice and one more follows what changed during it; retries after
          `checkpoint_retry` while online and once more at offline; no save when the resource fails, unless
          `Obligations` say so (domain.md 13, 41, 73, 142-144).
"""

from __future__ import annotations

from sim.checkpoint.effects import (
    Checkpoint,
    Image,
    Op,
    Trigger,
    Woken,
    await_retry,
    await_saves,
    claim,
    enter_list,
    give_up,
    keep_base,
    leave_list,
    list_checkpoints,
    load_image,
    log_event,
    quarantine,
    read_base,
    read_key,
    rearm,
    record_merge,
    restore_impossible,
    restore_key,
    save_image,
    save_impossible,
    signalled,
    unwatch,
    watch,
)
from sim.checkpoint.obligations import MSCS, Obligations
from sim.checkpoint.policy import Policy, Reconciled, reconcile
from sim.registry import Change, KeyPath, KeyTree, Win32

SOURCE = "ClusSvc"
RESTORE_FAILED = 1024
SAVE_FAILED = 1080

OWN_SOURCE = "failsim"
QUARANTINED = 1
NOT_QUARANTINED = 2
MERGED = 3
"""Events of the policies that the product does not have."""
STORE_DAMAGED = 4
"""Damage on the quorum disk that no restore has met (1024 is documented for restores only)."""


def add_checkpoint(
    resource: str,
    key: KeyPath,
    policy: Policy = Policy.OVERWRITE,
    obligations: Obligations = MSCS,
    *,
    online_here: bool,
) -> Op[Win32 | None]:
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
    watched = online_here and obligations.saves_on_change
    if watched:
        yield from watch(checkpoint)
    error = yield from save(checkpoint, Trigger.ADDED, policy)
    if error is not None:
        if watched:
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


def before_online(resource: str, policy: Policy = Policy.OVERWRITE, obligations: Obligations = MSCS) -> Op[None]:
    """Put every checkpoint back over the local registry, before the resource's own start (facts 5, 7).

    The restore is a MUST, whatever the obligations; to watch the key from then on is one of them (fact 5).
    """
    for checkpoint in (yield from list_checkpoints(resource)):
        if (yield from still_listed(checkpoint)):
            yield from restore(checkpoint, policy)
        # Watched after the restore: the watch's own open handle could make the restore fail (fact 104).
        # An edit in between is caught by the save at offline. Not if it was removed meanwhile: nobody would
        # ever close the watch, and its saves would write images that belong to no list.
        if obligations.saves_on_change and (yield from still_listed(checkpoint)):
            yield from watch(checkpoint)


def restore(checkpoint: Checkpoint, policy: Policy) -> Op[None]:
    """Replace the local key by the image; where that fails, event 1024, and the resource goes on (fact 38)."""
    image = yield from load_image(checkpoint)
    if isinstance(image, Image) and not (yield from still_listed(checkpoint)):
        image = Win32.FILE_NOT_FOUND  # removed while it was read: its file is nobody's, even where the disk kept it
    if isinstance(image, Win32):
        yield from restore_impossible(checkpoint, image)
        yield from log_restore_failed(checkpoint)
        return
    if image.damaged:
        yield from log_restore_failed(checkpoint)
    if policy is Policy.OVERWRITE:
        error = yield from restore_key(checkpoint, image)
    else:
        error = yield from restore_beyond(checkpoint, image, policy)
    if error is not None:
        yield from log_restore_failed(checkpoint)


def restore_beyond(checkpoint: Checkpoint, image: Image, policy: Policy) -> Op[Win32 | None]:
    """Do not just overwrite: merge what can be merged into a new image, keep aside what cannot, then restore."""
    base = yield from read_base(checkpoint)
    local = yield from read_key(checkpoint.key)
    # From here on a crash may leave the local key and the image in a relation that no base describes.
    yield from keep_base(checkpoint, None)
    before, now = base, local
    while True:
        image = yield from reconciled(checkpoint, before, now, image, policy)
        # Storing takes time: what has been changed meanwhile is a local change to what was just reconciled.
        before, now = now, (yield from read_key(checkpoint.key))
        if now == before:
            break
    error = yield from restore_key(checkpoint, image)
    yield from keep_base(checkpoint, base if error is not None else image.tree)
    return error


def reconciled(
    checkpoint: Checkpoint, base: KeyTree | None, local: KeyTree | None, image: Image, policy: Policy
) -> Op[Image]:
    """The image with what could be merged into it; what could not, and will be undone, is kept aside."""
    found = reconcile(base, local, image.tree, policy)
    if found.taken:
        merged = yield from save_merged(checkpoint, found)
        if merged is None:
            found = reconcile(base, local, image.tree, Policy.QUARANTINE)
        else:
            image = merged
    if found.lost:
        yield from keep_aside(checkpoint, found)
    return image


def save_merged(checkpoint: Checkpoint, found: Reconciled) -> Op[Image | None]:
    """Store the image with the local changes in it, and read it back; None where the disk refuses."""
    yield from record_merge(checkpoint, found.taken)
    error = yield from save_image(checkpoint, found.tree, Trigger.MERGE)
    if error is not None:
        yield from log_save_failed(checkpoint, error)
        return None
    text = f"{_count(found.taken)} of this node to HKEY_LOCAL_MACHINE\\{checkpoint.key} went into the checkpoint."
    yield from log_event(OWN_SOURCE, MERGED, text)
    image = yield from load_image(checkpoint)
    return image if isinstance(image, Image) else None


def keep_aside(checkpoint: Checkpoint, found: Reconciled) -> Op[None]:
    """Keep the local changes that are about to be undone; where even that fails, say so, and go on (as fact 38)."""
    file = yield from quarantine(checkpoint, found.lost)
    what = f"{_count(found.lost)} of this node to HKEY_LOCAL_MACHINE\\{checkpoint.key}"
    if isinstance(file, Win32):
        text = f"{what} could not be kept aside and will be overwritten: error {file.value}."
        yield from log_event(OWN_SOURCE, NOT_QUARANTINED, text)
    else:
        yield from log_event(OWN_SOURCE, QUARANTINED, f"{what} will be overwritten, and can be found in {file}.")


def _count(changes: tuple[Change, ...]) -> str:
    return "One change" if len(changes) == 1 else f"{len(changes)} changes"


def save_on_change(checkpoint: Checkpoint, policy: Policy = Policy.OVERWRITE) -> Op[None]:
    """A watch fired: save the key, and again as long as more has changed meanwhile.

    A failed save is tried again after the retry time or at the next change, until the watch is closed.
    """
    reported = False
    while True:
        # Re-arm, then read. A notification is spent when it fires (fact 100), so that a write between
        # reading and re-arming would be noticed only where the handle goes on collecting (fact 101).
        yield from rearm(checkpoint)
        error = yield from save(checkpoint, Trigger.CHANGE, policy)
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


def after_offline(resource: str, policy: Policy = Policy.OVERWRITE, obligations: Obligations = MSCS) -> Op[None]:
    """The resource's process has stopped: stop watching, let a save in flight end, then save every checkpoint."""
    yield from unwatch(resource)
    yield from await_saves(resource)
    if obligations.saves_on_offline:
        yield from save_all(resource, Trigger.OFFLINE, policy)


def save_all(resource: str, trigger: Trigger, policy: Policy) -> Op[None]:
    """Save every checkpoint of the resource, in the order of the file numbers."""
    for checkpoint in (yield from list_checkpoints(resource)):
        if not (yield from still_listed(checkpoint)):
            continue
        error = yield from save(checkpoint, trigger, policy)
        if error is not None:
            yield from log_save_failed(checkpoint, error)


def still_listed(checkpoint: Checkpoint) -> Op[bool]:
    """Whether nobody has removed the checkpoint while others were restored or saved."""
    return checkpoint in (yield from list_checkpoints(checkpoint.resource))


def after_failure(resource: str, policy: Policy = Policy.OVERWRITE, obligations: Obligations = MSCS) -> Op[None]:
    """The resource failed: stop watching. No save: what a dead process left is not trusted (assumed, fact 73)."""
    yield from unwatch(resource)
    if obligations.saves_on_failure:
        yield from await_saves(resource)
        yield from save_all(resource, Trigger.FAILURE, policy)


def save(checkpoint: Checkpoint, trigger: Trigger, policy: Policy) -> Op[Win32 | None]:
    """Store the whole tree of the key as it stands now (fact 3); None, or why it failed."""
    tree = yield from read_key(checkpoint.key)
    if tree is None:
        yield from save_impossible(checkpoint, trigger, Win32.FILE_NOT_FOUND)
        return Win32.FILE_NOT_FOUND
    if policy is Policy.OVERWRITE:
        return (yield from save_image(checkpoint, tree, trigger))
    return (yield from save_keeping_base(checkpoint, tree, trigger))


def save_keeping_base(checkpoint: Checkpoint, tree: KeyTree, trigger: Trigger) -> Op[Win32 | None]:
    """Store the tree, and know it as what this node saved last, once that is certain.

    A node that dies while the image is on its way cannot know whether it landed: it knows no base then.
    """
    base = yield from read_base(checkpoint)
    yield from keep_base(checkpoint, None)
    error = yield from save_image(checkpoint, tree, trigger)
    yield from keep_base(checkpoint, tree if error is None else base)
    return error


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
