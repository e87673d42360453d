r"""What the engineer should have done instead: commands that can be typed, in order, in place of the edit.

The cure is the documented one: make the change while the resource is online, on the node that hosts it
(KB 174070, KB 199756); a resource that was offline is brought online for it and taken offline again, which saves
(`/wait`: nothing is left to chance). Where that would not have stood, a restart (saved twice, the change outlives a
damaged image), or the checkpoint removed and added again (KB 912397), whatever state the resource is in.

Of a key that several resources checkpoint, the change is made for one of them, so that nothing that comes later
undoes it. What would have come later is read off the history (`sim.judge.instead`). Where no command would have
helped, there is none.

Not known: a command that was refused would no longer be, and undoes the change (but for the plainest: `_upset`).
"""

from __future__ import annotations

import msgspec

from sim.history import events
from sim.history.events import Change
from sim.history.verdict import Cause, Fate
from sim.judge.fate import Judged
from sim.judge.instead import PATIENCE, Instead, postponed, would_stand
from sim.judge.reading import COMING, ONLINE, PENDING, Reading
from sim.judge.retyped import edit_command, typed
from sim.registry import KeyPath, Win32

CURED = (Cause.OFFLINE_EDIT, Cause.WRONG_NODE, Cause.PENDING_EDIT)
"""The causes that a better procedure cures; the others are accidents, or somebody else's doing."""

RACE = 5_000_000
"""What happens so soon may come before or after a change that a resource is brought online for (microseconds)."""

STATE = (
    Win32.INVALID_STATE.value,
    Win32.CLUSTER_GROUP_MOVING.value,
    Win32.HOST_NODE_NOT_AVAILABLE.value,
    Win32.EPT_S_NOT_REGISTERED.value,
    Win32.RPC_S_SERVER_UNAVAILABLE.value,
)
"""What a command is refused with for the state that things are in."""


class _Case(msgspec.Struct, frozen=True):
    """What a change is made in: its writes, the resource for which it is made, and the state that things are in."""

    reading: Reading
    writes: tuple[int, ...]
    resource: str

    @property
    def index(self) -> int:
        return self.reading.writes[self.writes[0]][0]

    @property
    def first(self) -> events.Write:
        return self.reading.writes[self.writes[0]][1]

    @property
    def at(self) -> int:
        """Just before the write was made: what happened at the same instant came after it."""
        return self.first.at - 1

    @property
    def state(self) -> str:
        return self.reading.state_at(self.resource, self.index)

    @property
    def host(self) -> str:
        return self.reading.host_at(self.resource, self.index)

    @property
    def up(self) -> bool:
        return self.reading.nodes[self.host].at(self.index) in ("Up", "Paused")

    @property
    def ailing(self) -> bool:
        return self.reading.disk_failing(self.index)

    @property
    def sharing(self) -> tuple[str, ...]:
        """The resources that checkpoint the key, this one first."""
        spans = [span for span in self.reading.covering(self.first.key) if span.reaches(self.index)]
        return tuple(dict.fromkeys((self.resource, *(span.resource for span in spans))))


def advice(reading: Reading, write: int, judged: Judged) -> tuple[str, ...]:
    """Commands to type instead of the one that made the write; empty where none would have helped."""
    if judged.fate is Fate.UNPROTECTED:
        return _cover(reading, reading.writes[write][1])
    if judged.resource is None or judged.fate not in (Fate.LOST, Fate.STRANDED) or judged.cause not in cured(reading):
        return ()
    for procedure in (_edit, _edit_and_restart, _repair):
        for resource in _Case(reading, (write,), judged.resource).sharing:
            lines = procedure(_Case(reading, _together(reading, write, resource), resource))
            if lines:
                return lines
    return ()


def cured(reading: Reading) -> tuple[Cause, ...]:
    """The causes for which there is advice: where no change is saved by itself, that it was not is no accident."""
    return CURED if reading.begin.engine["saves_on_change"] else (*CURED, Cause.UNSAVED)


# --- procedures: the commands, none where they would have been no use -------------------------------------------


def _edit(case: _Case) -> tuple[str, ...]:
    """The changes, where the resource is online or brought online for it."""
    if _upset(case):
        return ()
    if _no_cluster(case):
        return _start_and_edit(case)
    if not case.up:
        return ()
    if _moving(case):
        # The cluster refuses every command; but what is still online there saves when it goes offline.
        return _commands(case, Instead(writes=case.writes, node=case.host, index=case.index, made=case.at))
    brought = () if case.state in COMING else _to_bring(case.reading, case.resource, case.index)
    if any(_cannot_live(case.reading, resource, case.index) for resource in brought):
        return ()  # it would not come online: what its checkpoint brings back is what it dies of
    # What was offline is taken offline again. Not while the disk fails: it takes the change later, from what is online.
    stopped = () if case.state == "Failed" or case.ailing else brought[::-1]
    edits = _commands(
        case,
        Instead(
            writes=case.writes,
            node=case.host,
            index=case.index,
            made=_settled(case) if case.state in PENDING else case.at,
            brought=brought,
            saved=_saved(case),
            stopped=stopped,
        ),
    )
    if case.state == ONLINE or not edits:
        return edits
    first = (_offline(case.resource),) if case.state == "OfflinePending" else ()
    return (*first, _online(case.resource), *edits, *map(_offline, stopped))


def _start_and_edit(case: _Case) -> tuple[str, ...]:
    """Where the cluster runs nowhere: it is started first, on the node of the edit."""
    node, names = case.first.node, case.sharing
    assert node is not None
    edits = _commands(
        case,
        Instead(writes=case.writes, node=node, index=case.index, made=case.at, brought=names, saved=_saved(case)),
    )
    return (f"cluster node {node} /start /wait", *map(_online, names), *edits) if edits else ()


def _edit_and_restart(case: _Case) -> tuple[str, ...]:
    """The changes, and a restart: saved twice, they outlive an image that is damaged before it is saved again."""
    if not case.up or case.ailing or _moving(case) or case.state != ONLINE:
        return ()
    edits = _commands(
        case,
        Instead(
            writes=case.writes,
            node=case.host,
            index=case.index,
            made=case.at,
            saved=case.at,
            stopped=(case.resource,),
        ),
    )
    return (*edits, _offline(case.resource), _online(case.resource)) if edits else ()


def _repair(case: _Case) -> tuple[str, ...]:
    """The checkpoint removed, the changes made, the checkpoint added again."""
    keys = _keys(case)
    if not keys or not case.up or case.ailing or case.state in PENDING or _upset(case):
        return ()
    edits = _commands(
        case,
        Instead(
            writes=case.writes, node=case.host, index=case.index, made=case.at, saved=case.at, added=(case.resource,)
        ),
    )
    remove, add = (
        [f'cluster resource "{case.resource}" /{verb}:"{key}"' for key in keys]
        for verb in ("removecheckpoints", "addcheckpoints")
    )
    return (*remove, *edits, *add) if edits else ()


def _commands(case: _Case, instead: Instead) -> tuple[str, ...]:
    """The changes as commands; empty where `reg` has no word for one, or where they would not have stood."""
    made = [case.reading.writes[write][1] for write in instead.writes]
    edits = [edit_command(event, instead.node) for event in typed(made)]
    if None in edits or not would_stand(case.reading, instead):
        return ()
    return tuple(edit for edit in edits if edit is not None)


def _online(resource: str) -> str:
    return f'cluster resource "{resource}" /online /wait'


def _offline(resource: str) -> str:
    return f'cluster resource "{resource}" /offline /wait'


# --- what they depend on ----------------------------------------------------------------------------------------


def _together(reading: Reading, write: int, resource: str) -> tuple[int, ...]:
    """The writes of the write's command, but for those that other resources alone checkpoint: one advice for all."""
    command = reading.writes[write][1].command
    found = []
    for each, (index, event) in reading.writes.items():
        if event.command == command:
            spans = [span for span in reading.covering(event.key) if span.reaches(index)]
            if not spans or any(span.resource == resource for span in spans):
                found.append(each)
    return tuple(found)


def _to_bring(reading: Reading, resource: str, index: int) -> tuple[str, ...]:
    """What the cluster brings online with a resource: what it depends on and is offline, and the resource itself."""
    found: list[str] = []
    for need in reading.resources[resource].depends_on:
        if reading.state_at(need, index) not in COMING:
            found += _to_bring(reading, need, index)
    return tuple(dict.fromkeys((*found, resource)))


def _keys(case: _Case) -> list[KeyPath]:
    """The resource's checkpoints that the changes are in."""
    made = [case.reading.writes[write][1] for write in case.writes]
    return [
        span.key
        for span in case.reading.spans
        if span.resource == case.resource
        and span.at(case.index)
        and any(span.physical.covers(event.key) for event in made)
    ]


def _settled(case: _Case) -> int:
    """When the resource has got to where it was going: nobody comes in between."""
    reached = next(
        at
        for at, event in postponed(case.reading, case.index)
        if isinstance(event, events.End)
        or (isinstance(event, events.ResourceState) and event.resource == case.resource and event.state not in PENDING)
    )
    return min(reached, case.at + PATIENCE)


def _saved(case: _Case) -> int | None:
    """When the quorum disk has taken the change: at once, or at the first try after it can; None where it never can."""
    if not case.ailing:
        return case.at
    reading = case.reading
    mended = [reading.history[at].id for at, ailing in reading.disk.changes(case.index) if not ailing]
    retry = reading.begin.timing["checkpoint_retry"]
    wait = int((retry[1] if isinstance(retry, tuple) else retry) * 1_000_000)
    return next((at + wait for at, event in postponed(reading, case.index) if event.id in mended), None)


def _cannot_live(reading: Reading, resource: str, index: int) -> bool:
    """Whether the resource's process has died of its registry the last time that it ran."""
    for event in reversed(reading.history[:index]):
        if isinstance(event, events.ProcessStarted | events.ProcessEnded) and event.resource == resource:
            return isinstance(event, events.ProcessEnded) and event.misfit is not None
    return False


def _moving(case: _Case) -> bool:
    """Whether the group was on its way to another node: then the cluster refuses every command for it.

    Told from its arrival: a later change of owner whose cause lies before. (Its resources may all be offline.)
    """
    group = case.reading.resources[case.resource].group
    asked = case.reading.history[case.index].id
    return any(
        isinstance(event, events.GroupOwner) and event.group == group and min(event.because, default=asked) < asked
        for event in case.reading.history[case.index :]
    )


def _no_cluster(case: _Case) -> bool:
    """Whether the cluster service runs nowhere, and can be started: from the first node, where commands are typed."""
    begin, history = case.reading.begin, case.reading.history
    if not all(case.reading.nodes[node].at(case.index) == "Down" for node in begin.nodes):
        return False
    power = ("crash", "disk-loss", "boot")
    faults = [event for event in history[: case.index] if isinstance(event, events.Fault) and event.fault in power]
    last = next((event.fault for event in reversed(faults) if event.node == begin.nodes[0]), "boot")
    return last == "boot"


def _upset(case: _Case) -> bool:
    """Whether something may undo the change whose place in time nobody can know from the history.

    Another resource on the same key that comes online while the change is being made, or is brought online later by a
    command that was refused for the state that things were in; or a checkpoint that one removes, once the cluster runs.
    """
    others = [f" {name.lower()} " for name in case.sharing[1:]]
    start = _no_cluster(case)
    for at, event in postponed(case.reading, case.index):
        if isinstance(event, events.Restored) and event.resource in case.sharing[1:] and event.node == case.host:
            if at < case.at + RACE:
                return True
        elif isinstance(event, events.Command) and event.error is not None and event.error.number in STATE:
            words = f" {event.text.lower()} ".replace('"', " ").replace("'", " ")
            if any(name in words for name in others) and any(verb in words for verb in ("/online", "start-")):
                return True
            if start and any(verb in words for verb in ("/removecheck", "remove-")):
                return True
    return False


def _cover(reading: Reading, event: events.Write) -> tuple[str, ...]:
    """An unprotected value: register its key with the resource that lives nearest to it, if there is one."""
    owners = [span.resource for span in reading.spans]
    if len(set(owners)) != 1 or not event.key.names or event.change is Change.DELETE:
        return ()
    return (f'cluster resource "{owners[0]}" /addcheckpoints:"{event.key}"',)
