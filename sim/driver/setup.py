"""Changes of the cluster's setup while it runs, as they reach the world: the state, the database, the history.

The cluster database is what `sim.cluster.database` says of the plan, so that what a change writes there is what
differs. Each of those is a write of whoever typed the command; deleting a key is one for each value and key that goes.
A change is one global update (domain.md 87): all of it at once, or none.
"""

from __future__ import annotations

from sim.checkpoint.effects import Checkpoint
from sim.cluster import database, setup
from sim.cluster.setup import Change
from sim.driver.edits import Edit, vanishing
from sim.driver.world import World
from sim.history import events
from sim.registry import ChangeKind, KeyPath, diff


def intended(world: World, change: Change, here: str) -> tuple[Edit, ...]:
    """What a change would write, whether the cluster accepts it or not."""
    before, after = world.cluster, change.applied(world.cluster, here)
    old, new = (database.described(each.plan, setup.members_of(each)) for each in (before, after))
    edits: list[Edit] = []
    gone: list[KeyPath] = []
    for each in diff(old, new):
        key = KeyPath((*database.ROOT.names, *each.path))
        if any(root.covers(key) for root in gone):
            continue
        if each.kind is not ChangeKind.DELETED:
            assert each.name is None or each.after is not None
            edit = events.Change.CREATE if each.name is None else events.Change.SET
            edits.append(Edit(edit, key, each.name, each.after))
        elif each.name is not None:
            edits.append(Edit(events.Change.DELETE, key, each.name))
        else:
            gone.append(key)
    for key in gone:
        edits = [edit for edit in edits if not key.covers(edit.key)]
        tree = world.database.root.at(key)  # it may hold more than the plan says: checkpoints, private properties
        edits += [] if tree is None else vanishing(key, tree)
    return tuple(edits)


def carry_out(world: World, change: Change, here: str, because: tuple[int, ...]) -> None:
    """The cluster is as the change makes it."""
    before = world.cluster
    after = change.applied(before, here)
    for name in before.plan.resources:
        if name not in after.plan.resources:
            _delete(world, name, because)
    world.changed(after)
    for name, planned in after.plan.resources.items():
        was = before.plan.resources.get(name)
        if was is None:
            fields = {"resource": name, "group": planned.group, "type": planned.type, "guid": planned.guid}
            world.emit(events.ResourceCreated, after.owner(name), because, **fields)
        elif was.group != planned.group:
            world.emit(events.ResourceMoved, after.owner(name), because, resource=name, group=planned.group)
    for group, seen in after.groups.items():
        if group not in before.groups:
            world.emit(events.GroupOwner, seen.owner, because, group=group, owner=seen.owner)


def _delete(world: World, name: str, because: tuple[int, ...]) -> None:
    """What goes with a resource: its operations, its checkpoints, and their files (domain.md 8)."""
    owner = world.cluster.owner(name)
    world.kill(lambda operation: _about(operation) == name)
    world.claims = {place: key for place, key in world.claims.items() if place[0] != name}
    for checkpoint in database.listed(world.cluster.plan, world.database.root, name):
        world.disk.delete(checkpoint, owner)  # the entry in the list goes with the resource's key
        fields = {"resource": checkpoint.resource, "key": checkpoint.key, "number": checkpoint.number}
        world.emit(events.CheckpointRemoved, owner, because, **fields)
    world.emit(events.ResourceDeleted, owner, because, resource=name)


def _about(operation: object) -> str | None:
    checkpoint = getattr(operation, "checkpoint", None)
    return checkpoint.resource if isinstance(checkpoint, Checkpoint) else getattr(operation, "resource", None)
