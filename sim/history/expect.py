"""What a scenario expects of its run; part of the history's `begin`, so that a history alone can be judged."""

from __future__ import annotations

import msgspec

from sim.history.verdict import AnomalyKind, Cause, Fate
from sim.registry import KeyPath, Value


class ExpectedWrite(msgspec.Struct, frozen=True):
    """Any of `fates`; any of `causes` (empty: whatever the cause)."""

    fates: tuple[Fate, ...]
    causes: tuple[Cause, ...] = ()


class ExpectedResource(msgspec.Struct, frozen=True):
    """The state by its documented name, and the node (None: any)."""

    state: str | None = None
    node: str | None = None


class ExpectedValue(msgspec.Struct, frozen=True):
    """A value at the end: `value` None means absent; `number` fits REG_DWORD and REG_QWORD alike.

    `key` is physical; `name` None: the key itself is (present is True) or is not there.
    """

    node: str
    key: KeyPath
    name: str | None
    value: Value | None = None
    number: int | None = None
    present: bool = True


class Expect(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold at the end; None: nothing is said."""

    writes: dict[str, ExpectedWrite] = {}
    resources: dict[str, ExpectedResource] = {}
    registry: tuple[ExpectedValue, ...] = ()
    events: tuple[int, ...] | None = None
    anomalies: tuple[AnomalyKind, ...] | None = None
