r"""What to do, at a restore, with local changes since this node last restored or saved the key.

`overwrite`   what MSCS does: the image replaces all (MSDN checkpointing: "overwritten with checkpointed data").
`quarantine`  the same, but what is about to be lost is first kept as an undo `.reg` file on the quorum disk.
`merge`       local changes go into a new image first, value by value; what both sides changed differently stays as
              the checkpoint has it, and the local change is quarantined.

The last two go beyond the product (design: Policies beyond MSCS). To tell a local change from an old image the engine
keeps, for each checkpoint and on each node, the *base*: the tree that this node last restored or saved. It lies in
the node's own registry, in a hive that the engine loads as `HKLM\failsim` (RegLoadKey: no program can create a key
right below HKLM, domain.md 96), so that it is flushed with the data it describes: a power loss takes both back to the
same instant, and never makes an old value look like an edit. A base that might be wrong is forgotten: while an image is
on its way to the disk, and while it replaces the local key.

Holds:    `merge` never brings back what the checkpoint deleted, and loses no local change: each is in the image or
          in the undo file.
Assumed:  all of it; on a node without a base (it has never restored or saved the key) everything that differs is
          taken for a local change, and merged nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

import msgspec

from sim.registry import Change, ChangeKind, KeyPath, KeyTree, Value, diff, upcase

HIVE = KeyPath.parse("failsim")
"""Where a node keeps its bases, below HKEY_LOCAL_MACHINE."""


class Policy(StrEnum):
    """What becomes of local changes at a restore."""

    OVERWRITE = "overwrite"
    QUARANTINE = "quarantine"
    MERGE = "merge"


def base_key(folder: str, number: int, key: KeyPath) -> KeyPath:
    """Where the base of a checkpoint is kept: by the resource's folder, the file number, and the key itself."""
    return KeyPath((*HIVE.names, folder, f"{number:08d}", *key.names))


class Reconciled(msgspec.Struct, frozen=True):
    """What a restore is to bring about, and what it costs.

    `tree`: what is to stand in the checkpoint. `taken`: the changes that turn the image into it, from the local key.
    `lost`: the local changes that the restore undoes all the same, each with what stands locally as its `after`.
    """

    tree: KeyTree
    taken: tuple[Change, ...]
    lost: tuple[Change, ...]


def reconcile(base: KeyTree | None, local: KeyTree | None, image: KeyTree, policy: Policy) -> Reconciled:
    """Compare a node's key with the image that is to replace it. `local` None: the key is gone; `base` None: unknown.

    That the checkpointed key itself was deleted is never merged: an image needs a key.
    """
    if local is None:
        gone = () if base is None else (Change(path=(), kind=ChangeKind.DELETED),)
        return Reconciled(image, (), gone)
    merged = image if base is None or policy is not Policy.MERGE else _merged(base, local, image)
    changes = diff(image if base is None else base, local)
    return Reconciled(merged, tuple(diff(image, merged)), tuple(_lost(changes, local, merged)))


def _merged(base: KeyTree, local: KeyTree, image: KeyTree) -> KeyTree:
    """The image with those local changes that touch nothing which the checkpoint has changed as well.

    A key that one side deleted goes only where the other left it alone: half a key is what nobody wanted.
    """
    merged = image
    for change in diff(base, local):
        path, above = change.path, change.path[:-1]
        here = local.at(path)
        if here is None:
            topmost = change.name is None and local.at(above) is not None
            if topmost and image.at(path) == base.at(path):
                merged = merged.without_key(path)
        elif change.name is None:
            if base.at(path) is None and merged.at(path) is None and merged.at(above) is not None:
                merged = merged.with_key(path, KeyTree(class_name=here.class_name))
        elif merged.at(path) is not None and _at(image, change) == _at(base, change):
            value = here.value(change.name)
            if value is None:
                merged = merged.without_value(path, change.name)
            else:
                merged = merged.with_value(path, change.name, value)
    return merged


def _lost(changes: Iterable[Change], local: KeyTree, merged: KeyTree) -> Iterator[Change]:
    """Those of the local changes that do not stand in the merged tree, as what would bring each back."""
    seen: set[tuple[tuple[str, ...], str | None]] = set()
    for change in changes:
        cell = tuple(map(upcase, change.path)), None if change.name is None else upcase(change.name)
        here, there = _at(local, change), _at(merged, change)
        if here == there or cell in seen:
            continue
        seen.add(cell)
        if isinstance(here, Value):
            yield Change(path=change.path, name=change.name, after=here, kind=ChangeKind.SET)
        else:
            yield Change(path=change.path, name=change.name, kind=ChangeKind.CREATED if here else ChangeKind.DELETED)


def _at(tree: KeyTree, change: Change) -> Value | bool | None:
    """The value, None where it is absent; of a key, whether it is there."""
    key = tree.at(change.path)
    if change.name is None:
        return key is not None
    return None if key is None else key.value(change.name)
