"""The typed events of a run: what happened, when, on which node and because of what.

A history is a sequence of these from `Begin` to `End`, in order of time; a reader needs nothing else.
The simulated and the live world write the same events (contract: History).

Units:    `at` is in integer microseconds of simulated time; in JSON lines it is decimal seconds.
Fields:   `id` counts from 1 without gaps; `because` holds ids of earlier events that caused this one;
          `node` is the node where it happened, None where there is none.
Filled:   `replaced`, `writes` and `undone` hold ids of writes and come from the provenance ledger
          (`sim.history.ledger`), never from the engine, which cannot see who wrote what.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

from sim.history.expect import Expect
from sim.registry import KeyPath, KeyTree, Value

FORMAT = 1
"""The version of the history's form, in `Begin.format`."""

OPERATOR = "operator"
"""Who typed a command, where it was no application."""


class Change(StrEnum):
    """What a write does: sets a value, creates a key, deletes a value or key."""

    SET = "set"
    CREATE = "create"
    DELETE = "delete"


class Trigger(StrEnum):
    """Why a checkpoint is saved (KB 174070: added, changed while online, brought offline; and one of our own)."""

    ADDED = "added"
    CHANGE = "change"
    OFFLINE = "offline"
    FAILURE = "failure"  # by an engine that is told to save then
    MERGE = "merge"  # by a policy that the product does not have


class ErrorCode(msgspec.Struct, frozen=True):
    """A Win32 error as the product reports it: `ERROR_FILE_NOT_FOUND`, 2."""

    name: str
    number: int


class GroupAtStart(msgspec.Struct, frozen=True):
    """A group when time starts."""

    owner: str
    preferred_owners: tuple[str, ...]
    resources: tuple[str, ...]


class ResourceAtStart(msgspec.Struct, frozen=True):
    """A resource when time starts; `guid` names its folder on the quorum disk."""

    type: str
    group: str
    guid: str
    state: str
    node: str
    depends_on: tuple[str, ...]


class CheckpointAtStart(msgspec.Struct, frozen=True):
    """A checkpoint that was added and saved before time starts: file `number` of the resource's folder."""

    resource: str
    key: KeyPath
    number: int
    version: int


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What all events have."""

    id: int
    at: int
    node: str | None = None
    because: tuple[int, ...] = ()


class Begin(Event, frozen=True, kw_only=True, tag="begin"):
    """The cluster as it stands when time starts, and what the scenario expects.

    `registry`: the tree of each node's HKEY_LOCAL_MACHINE; `database`: the tree of `HKLM\\Cluster`.
    `timing`: seconds by name, a pair of them for a window. `starts_at`: the local time of day, in seconds.
    `engine`: when the engine saves, by the scenario's words.
    """

    format: int
    scenario: str
    file: str
    seed: int | None
    profile: str
    policy: str
    engine: dict[str, bool]
    timing: dict[str, float | tuple[float, float]]
    nodes: tuple[str, ...]
    quorum_owner: str
    groups: dict[str, GroupAtStart]
    resources: dict[str, ResourceAtStart]
    checkpoints: tuple[CheckpointAtStart, ...]
    registry: dict[str, KeyTree]
    database: KeyTree
    expect: Expect
    starts_at: float = 0.0


class Command(Event, frozen=True, kw_only=True, tag="command"):
    """A command was typed (or an application did its work); `step` counts the scenario's steps from 1.

    Commands of one step are one transaction. `status` is the exit status, 0 for success.
    """

    text: str
    by: str
    step: int
    label: str | None
    status: int
    error: ErrorCode | None
    output: str


class Completed(Event, frozen=True, kw_only=True, tag="completed"):
    """A command that waited has ended; `command` is the id of its event."""

    command: int
    status: int
    error: ErrorCode | None
    output: str


class Write(Event, frozen=True, kw_only=True, tag="write"):
    """One change to one value or key (`value` None) on one node; `command` is the id of its command's event.

    `rejected`: the command failed and this is only what it intended.
    """

    write: int
    command: int
    key: KeyPath
    value: str | None
    change: Change
    data: Value | None
    replaced: tuple[int, ...] = ()
    rejected: bool = False


class Notified(Event, frozen=True, kw_only=True, tag="notified"):
    """A watch of the resource's checkpoint fired."""

    resource: str
    key: KeyPath


class SaveStarted(Event, frozen=True, kw_only=True, tag="save-started"):
    """The key was read; `writes` are those whose data the image holds."""

    resource: str
    key: KeyPath
    version: int
    trigger: Trigger
    writes: tuple[int, ...] = ()


class Saved(Event, frozen=True, kw_only=True, tag="saved"):
    """The image that `save` started is durable on the quorum disk."""

    resource: str
    key: KeyPath
    version: int
    trigger: Trigger
    save: int
    writes: tuple[int, ...] = ()


class SaveFailed(Event, frozen=True, kw_only=True, tag="save-failed"):
    """A save failed; the store holds what it held. `save` is None where the key could not even be read."""

    resource: str
    key: KeyPath
    version: int
    trigger: Trigger
    error: ErrorCode
    save: int | None = None
    writes: tuple[int, ...] = ()


class Restored(Event, frozen=True, kw_only=True, tag="restored"):
    """The image replaced the local key; `undone` are the writes whose data it replaced here."""

    resource: str
    key: KeyPath
    version: int
    writes: tuple[int, ...] = ()
    undone: tuple[int, ...] = ()


class RestoreFailed(Event, frozen=True, kw_only=True, tag="restore-failed"):
    """The local key was left alone."""

    resource: str
    key: KeyPath
    error: ErrorCode


class LocalChange(msgspec.Struct, frozen=True):
    """A change that a node has and a checkpoint has not: a value is set or deleted, a key (`value` None) as well."""

    key: KeyPath
    value: str | None
    change: Change
    data: Value | None


class Merged(Event, frozen=True, kw_only=True, tag="merged"):
    """Before a restore, local changes go into a new image; `writes` are those whose data they are."""

    resource: str
    key: KeyPath
    changes: tuple[LocalChange, ...]
    writes: tuple[int, ...] = ()


class Quarantined(Event, frozen=True, kw_only=True, tag="quarantined"):
    """Before a restore, the local changes that it undoes were kept in an undo `.reg` file on the quorum disk."""

    resource: str
    key: KeyPath
    file: str
    changes: tuple[LocalChange, ...]
    writes: tuple[int, ...] = ()


class ResourceState(Event, frozen=True, kw_only=True, tag="resource-state"):
    """The resource entered a state, by its documented name."""

    resource: str
    state: str


class ProcessStarted(Event, frozen=True, kw_only=True, tag="process-started"):
    """The resource's own process began to run, from the registry as it stands."""

    resource: str


class Misfit(msgspec.Struct, frozen=True):
    """A value that a process cannot live with: what it found there (None: nothing), and what would have fitted."""

    key: KeyPath
    value: str
    found: Value | None
    wanted: str


class ProcessEnded(Event, frozen=True, kw_only=True, tag="process-ended"):
    """The resource's own process is gone; `reason`: stopped, died, killed (with its node or cluster service),
    terminated (by its Resource Monitor, since it did not answer). `misfit`: what in its registry it died of.
    """

    resource: str
    reason: Literal["stopped", "died", "killed", "terminated"]
    misfit: Misfit | None = None


class ResourceCreated(Event, frozen=True, kw_only=True, tag="resource-created"):
    """The resource belongs to the cluster now, Offline in its group."""

    resource: str
    group: str
    type: str
    guid: str


class ResourceMoved(Event, frozen=True, kw_only=True, tag="resource-moved"):
    """The resource is in another group of the same node now."""

    resource: str
    group: str


class ResourceDeleted(Event, frozen=True, kw_only=True, tag="resource-deleted"):
    """The resource belongs to the cluster no more; its checkpoints were removed before."""

    resource: str


class GroupOwner(Event, frozen=True, kw_only=True, tag="group-owner"):
    """The group has a new owner; or there is a new group, owned by this node."""

    group: str
    owner: str


class NodeState(Event, frozen=True, kw_only=True, tag="node-state"):
    """The node's cluster service: Up, Down, Paused, Joining (MSDN clusnode-state)."""

    state: str


class QuorumOwner(Event, frozen=True, kw_only=True, tag="quorum-owner"):
    """A node reserved the quorum disk, or nobody has it (None)."""

    owner: str | None


class Fault(Event, frozen=True, kw_only=True, tag="fault"):
    """Something broke, or was mended; `parameters` by their names in the scenario."""

    fault: str
    parameters: dict[str, str] = {}


class CheckpointAdded(Event, frozen=True, kw_only=True, tag="checkpoint-added"):
    """The key entered the resource's list, its first image durable."""

    resource: str
    key: KeyPath
    number: int


class CheckpointRemoved(Event, frozen=True, kw_only=True, tag="checkpoint-removed"):
    """The key left the resource's list, its image is deleted."""

    resource: str
    key: KeyPath
    number: int


class ImageDamaged(Event, frozen=True, kw_only=True, tag="image-damaged"):
    """The newest image became unreadable; `left` is the version that a restore would use now, None for none."""

    resource: str
    key: KeyPath
    version: int
    left: int | None


class HiveFlushed(Event, frozen=True, kw_only=True, tag="hive-flushed"):
    """The node's registry, as it stands now, is on its own disk."""


class HiveReverted(Event, frozen=True, kw_only=True, tag="hive-reverted"):
    """The node's registry fell back: to its last flush (power loss) or to its setup (its disk is gone)."""

    to: Literal["flush", "setup"]
    undone: tuple[int, ...] = ()


class EventLog(Event, frozen=True, kw_only=True, tag="event-log"):
    """An entry in the system event log of the node."""

    source: str
    event_id: int
    text: str


class End(Event, frozen=True, kw_only=True, tag="end"):
    """The run ended; `unfinished` names the steps that did not complete, or were not run for that."""

    reason: Literal["until", "interrupted"]
    unfinished: tuple[str, ...] = ()


AnyEvent = (
    Begin
    | Command
    | Completed
    | Write
    | Notified
    | SaveStarted
    | Saved
    | SaveFailed
    | Restored
    | RestoreFailed
    | Merged
    | Quarantined
    | ResourceState
    | ResourceCreated
    | ResourceMoved
    | ResourceDeleted
    | ProcessStarted
    | ProcessEnded
    | GroupOwner
    | NodeState
    | QuorumOwner
    | Fault
    | CheckpointAdded
    | CheckpointRemoved
    | ImageDamaged
    | HiveFlushed
    | HiveReverted
    | EventLog
    | End
)
"""Every kind of event."""
