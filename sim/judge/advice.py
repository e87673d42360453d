r"""What the engineer should have done instead: commands that can be typed, in order, in place of the edit.

The cure is the documented one: make the change while the resource is online, on the node that hosts it
(KB 174070, KB 199756); a resource that was offline is brought online for it and taken offline again, which saves
(`/wait`: nothing is left to chance). The registry commands name their node, so that they can be typed anywhere.
Where no command would have helped, there is none.
"""

from __future__ import annotations

from sim.history import events
from sim.history.events import Change
from sim.history.verdict import Cause, Fate
from sim.judge.fate import Judged
from sim.judge.reading import Reading
from sim.registry import KeyPath, Value, physical, type_name
from sim.registry.values import Type

CURED = (Cause.OFFLINE_EDIT, Cause.WRONG_NODE, Cause.PENDING_EDIT)
"""The causes that a better procedure cures; the others are accidents, or somebody else's doing."""

EDITABLE = (
    Type.NONE,
    Type.SZ,
    Type.EXPAND_SZ,
    Type.BINARY,
    Type.DWORD,
    Type.DWORD_BIG_ENDIAN,
    Type.MULTI_SZ,
    Type.QWORD,
)
"""The types that `reg add` takes."""


def advice(reading: Reading, write: int, judged: Judged) -> tuple[str, ...]:
    """Commands to type instead of the write's own; empty where none would have helped."""
    index, event = reading.writes[write]
    resource = judged.resource
    if judged.fate is Fate.UNPROTECTED:
        return _cover(reading, event)
    if resource is None or judged.fate not in (Fate.LOST, Fate.STRANDED) or judged.cause not in CURED:
        return ()
    host = reading.host_at(resource, index)
    edit = edit_command(event, host)
    if edit is None or not _helps(reading, event, resource, host, index):
        return ()
    online = f'cluster resource "{resource}" /online /wait'
    offline = f'cluster resource "{resource}" /offline /wait'
    match reading.state_at(resource, index):
        case "Online" | "OnlinePending":
            # Online there already, or about to be: wait for it, then make the change where it runs.
            return online, edit
        case "OfflinePending":
            return offline, online, edit, offline
    return online, edit, offline


def _helps(reading: Reading, event: events.Write, resource: str, host: str, index: int) -> bool:
    """Whether the cluster could have saved a proper change then, and nothing later would have taken even that one."""
    return (
        reading.nodes[host].at(index) in ("Up", "Paused")
        and not reading.disk_failing(index)
        and not _moving(reading, resource, index)
        and not _hazard(reading, event.key, resource, index)
    )


def _moving(reading: Reading, resource: str, index: int) -> bool:
    """Whether the group was on its way to another node: then the cluster refuses every command for it.

    Told from its arrival: a later change of owner whose cause lies before. (Its resources may all be offline.)
    """
    group = reading.begin.resources[resource].group
    asked = reading.history[index].id
    return any(
        isinstance(event, events.GroupOwner) and event.group == group and min(event.because, default=asked) < asked
        for event in reading.history[index:]
    )


def _hazard(reading: Reading, key: KeyPath, resource: str, index: int) -> bool:
    """Whether a later event takes even a change that was made properly.

    The checkpoint is taken anew or damaged, or covers the key no longer, or another resource shares the key.
    """
    spans = [span for span in reading.covering(key) if span.reaches(index)]
    return (
        any(
            at > index and save.trigger is events.Trigger.ADDED and physical(save.key).covers(key)
            for at, save in reading.saves
        )
        or any(physical(damage.key).covers(key) for _, damage in reading.damages)
        or any(span.resource != resource for span in spans)
        or not any(span.last is None and span.at(index) for span in spans)
    )


def edit_command(event: events.Write, node: str) -> str | None:
    r"""The write as a `reg` command on `\\node`; None where `reg` has no word for it."""
    key = f'"\\\\{node}\\{event.key.hklm}"'
    match event.change:
        case Change.CREATE:
            return f"reg add {key} /f"
        case Change.DELETE if event.value is None:
            return f"reg delete {key} /f"
        case Change.DELETE:
            return f"reg delete {key} {_named(event.value)} /f"
    assert event.data is not None
    data = _data(event.data)
    if data is None or (event.value is not None and '"' in event.value):
        return None
    return f"reg add {key} {_named(event.value)} /t {type_name(event.data.type)}{data} /f"


def _named(name: str | None) -> str:
    return "/ve" if not name else f'/v "{name}"' if " " in name or name.startswith("/") else f"/v {name}"


def _data(value: Value) -> str | None:
    """What follows `/t`, None where a command line cannot say it."""
    if value.type not in EDITABLE:
        return None
    plain = value.plain()
    if value.type in (Type.BINARY, Type.NONE):
        return f" /d {value.data.hex()}" if value.data else ""
    if isinstance(plain, int):
        return f" /d {plain}"
    if plain is None or '"' in str(plain) or "\\0" in str(plain):
        return None
    text = plain if isinstance(plain, str) else "\\0".join(plain)
    return f' /d "{text}"' if text and not text.endswith("\\") else "" if not text else None


def _cover(reading: Reading, event: events.Write) -> tuple[str, ...]:
    """An unprotected value: register its key with the resource that lives nearest to it, if there is one."""
    owners = [span.resource for span in reading.spans]
    if len(set(owners)) != 1 or not event.key.names or event.change is Change.DELETE:
        return ()
    return (f'cluster resource "{owners[0]}" /addcheckpoints:"{event.key}"',)
