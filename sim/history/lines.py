"""Histories as JSON lines, one event a line, and back: equal histories give equal bytes.

Times are decimal seconds there and integer microseconds here; keys of writes begin with `HKLM\\`; data of values is
written exactly, so that a reader needs nothing else. Errors: `HistoryError` names the line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from sim.history import events
from sim.history.events import AnyEvent
from sim.history.ledger import HistoryError
from sim.registry import KeyPath, KeyTree, Value, type_name
from sim.registry.tree import KeyTree as Tree

_KINDS: dict[str, type[AnyEvent]] = {str(kind.__struct_config__.tag): kind for kind in events.AnyEvent.__args__}
_encoder = msgspec.json.Encoder()


def to_lines(history: Iterable[AnyEvent]) -> bytes:
    """The history as bytes: what `--history` writes."""
    return b"".join(_encoder.encode(plain(event)) + b"\n" for event in history)


def digest(history: Iterable[AnyEvent]) -> str:
    """SHA-256 over those bytes, in hex."""
    return sha256(to_lines(history)).hexdigest()


def from_lines(data: bytes) -> tuple[AnyEvent, ...]:
    """The history that these bytes say. Raises HistoryError for what is none."""
    return tuple(_events(data.split(b"\n")))


def _events(lines: Sequence[bytes]) -> Iterator[AnyEvent]:
    for number, line in enumerate(lines, 1):
        if not line:
            if number != len(lines):
                raise HistoryError(f"line {number} is empty; each line is an event")
            return
        try:
            yield _event(msgspec.json.decode(line))
        except (msgspec.MsgspecError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise HistoryError(f"line {number} is no event: {error}") from None
    raise HistoryError("the last line has no end; the history was cut")


def plain(event: AnyEvent) -> dict[str, Any]:
    """One event as its JSON object."""
    fields: dict[str, Any] = {"id": event.id, "at": event.at / 1_000_000, "kind": event.__struct_config__.tag}
    if event.node is not None:
        fields["node"] = event.node
    fields["because"] = event.because
    for name in event.__struct_fields__:
        if name not in ("id", "at", "node", "because"):
            fields[name] = _plain(getattr(event, name))
    if isinstance(event, events.Write):
        fields["key"] = event.key.hklm
        fields["type"] = None if event.data is None else type_name(event.data.type)
    return fields


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return str(value)
        case KeyPath():
            return str(value)
        case Value():
            return value.to_exact()
        case Tree():
            return plain_tree(value)
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case tuple() | list():
            return [_plain(item) for item in value]
        case msgspec.Struct():
            return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    raise TypeError(f"no JSON for {value!r}")


def plain_tree(tree: KeyTree) -> dict[str, Any]:
    """A key as JSON: what it has of values, keys, class name, volatility."""
    found: dict[str, Any] = {}
    if tree.values:
        found["values"] = {name: value.to_exact() for name, value in tree.values.items()}
    if tree.keys:
        found["keys"] = {name: plain_tree(child) for name, child in tree.keys.items()}
    if tree.class_name is not None:
        found["class"] = tree.class_name
    if tree.volatile:
        found["volatile"] = True
    return found


def _tree(found: dict[str, Any]) -> KeyTree:
    tree = KeyTree.built(
        [(name, Value.from_exact(value)) for name, value in found.get("values", {}).items()],
        [(name, _tree(child)) for name, child in found.get("keys", {}).items()],
    )
    return KeyTree(tree.values, tree.keys, found.get("class"), found.get("volatile", False))


def _event(fields: dict[str, Any]) -> AnyEvent:
    kind = _KINDS[fields.pop("kind")]
    fields["at"] = round(fields["at"] * 1_000_000)
    if kind is events.Write:
        fields.pop("type")
        fields["key"] = fields["key"].removeprefix("HKLM").removeprefix("\\")
        fields["data"] = _value(fields["data"])
    if kind in (events.Merged, events.Quarantined):
        for each in fields["changes"]:
            each["data"] = _value(each["data"])
    if kind is events.ProcessEnded and fields["misfit"] is not None:
        fields["misfit"]["found"] = _value(fields["misfit"]["found"])
    if kind is events.Begin:
        for each in fields["expect"]["registry"]:
            each["value"] = _value(each["value"])
    return msgspec.convert(fields, kind, dec_hook=_decode, builtin_types=(bytes,))


def _value(found: Any) -> dict[str, Any] | None:
    """What `msgspec` makes a Value of."""
    value = None if found is None else Value.from_exact(found)
    return None if value is None else {"type": value.type, "data": value.data}


def _decode(kind: type, value: Any) -> Any:
    if kind is KeyPath:
        return KeyPath.parse(value)
    if kind is KeyTree:
        return _tree(value)
    raise NotImplementedError(kind)
