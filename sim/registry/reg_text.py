"""`.reg` files as data."""

from __future__ import annotations

import msgspec

from sim.registry.names import KeyPath
from sim.registry.values import Value


class RegSet(msgspec.Struct, frozen=True):
    key: KeyPath
    name: str
    value: Value
    line: int = 0
    column: int = 0


class RegCreate(msgspec.Struct, frozen=True):
    key: KeyPath
    line: int = 0
    column: int = 0


class RegDeleteKey(msgspec.Struct, frozen=True):
    key: KeyPath
    line: int = 0
    column: int = 0


class RegDeleteValue(msgspec.Struct, frozen=True):
    key: KeyPath
    name: str
    line: int = 0
    column: int = 0


RegEntry = RegSet | RegCreate | RegDeleteKey | RegDeleteValue


class RegFile(msgspec.Struct, frozen=True):
    version: int
    entries: tuple[RegEntry, ...]
