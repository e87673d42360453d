"""The hive file format (regf), in which Windows keeps a registry on disk: what its reader and its writer share.

Layout:   a base block of 4096 bytes, then bins ("hbin") of whole pages, each filled with cells. A cell's size stands
          before it, negative where it is in use. Records point at cells by their offset from the first bin.
Records:  `nk` a key, `lf`, `lh`, `li`, `ri` lists of its subkeys, `vk` a value, `db` data over 16344 bytes,
          `sk` a security descriptor; lists of values, data and class names are bare cells.
Versions: 1.3 (NT 4.0: `lf`, no `db`), 1.4, 1.5 (XP and later: `lh`, `db`). 1.6, and 1.2 and older, are refused.
Units:    offsets in `HiveError` count from the file's first byte, those within the file from its first bin.
Facts:    the "Windows registry file format specification" of M. Suhanov; limits domain.md 95.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from operator import mul

from sim.registry.names import upcase

SIGNATURE = b"regf"
"""The first four bytes of a hive."""

PAGE = 4096
NIL = 0xFFFFFFFF
SEGMENT = 16344
"""The bytes of data that one cell holds; more is big data (`db`), in segments of so many."""

DEPTH_LIMIT = 512
KEY_NAME_LIMIT = 255  # UTF-16 units, as the next
VALUE_NAME_LIMIT = 16_383

ROOT_FLAGS = 0x000C  # the hive's entry, not to be deleted
PREDEFINED = 0x0040  # a key that stands for a handle: its count of values is none (specification, "Key node")
KEY_COMP_NAME = 0x0020
VALUE_COMP_NAME = 0x0001
INLINE = 0x80000000

CELL = struct.Struct("<i")
BIN = struct.Struct("<4sII8xQ4x")  # signature, own offset, size, written
NK = struct.Struct("<i2sHQ4xII4xI4xIIII20xHH")
"""Cell size, signature, flags, written, parent, subkeys, their list, values, their list, security, class, lengths."""
VK = struct.Struct("<i2sHIIIH2x")
"""Cell size, signature, length of the name, size of the data, where it is, type, flags."""
SK = struct.Struct("<i2s2xIIII")
"""Cell size, signature, next and previous of the ring, number of keys, size of the descriptor."""
LIST = struct.Struct("<i2sH")
"""Cell size, signature, number of entries; of a subkey list and of big data."""
HEADER = struct.Struct("<4sIIQIIIIIII64s")
"""Signature, sequence numbers, written, major, minor, type, format, root, size of the bins, clustering, name."""


class HiveError(ValueError):
    """A hive that cannot be read: where (the offset in the file), what is wrong, what would be right."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(offset, message)
        self.offset = offset
        self.message = message

    def __str__(self) -> str:
        return f"at byte {self.offset}: {self.message}"


def checksum(base: bytes) -> int:
    """Of a base block: its first 127 numbers, one XOR the other; never 0 or 0xFFFFFFFF (specification)."""
    total = 0
    for number in struct.unpack_from("<127I", base):
        total ^= number
    return {0: 1, NIL: NIL - 1}.get(total, total)


_POWERS: tuple[int, ...] = tuple(pow(37, power, 1 << 32) for power in reversed(range(KEY_NAME_LIMIT)))


def name_hash(name: str) -> bytes:
    """The hash of a subkey's name in an `lh` list: `h = 37 * h + unit` over its upper-cased UTF-16 units."""
    folded = upcase(name)
    units: Sequence[int] = folded.encode("ascii") if folded.isascii() else _units(folded)
    if len(units) > KEY_NAME_LIMIT:
        raise ValueError(f"a key's name has {len(units)} UTF-16 units; at most {KEY_NAME_LIMIT} are allowed")
    number: int = sum(map(mul, units, _POWERS[KEY_NAME_LIMIT - len(units) :])) & NIL
    return number.to_bytes(4, "little")


def _units(text: str) -> Sequence[int]:
    data = text.encode("utf-16-le", "surrogatepass")
    units: tuple[int, ...] = struct.unpack(f"<{len(data) // 2}H", data)
    return units


def name_hint(name: str) -> bytes:
    """The hint of a subkey's name in an `lf` list: its first four characters as Latin-1, or zeros."""
    try:
        return name[:4].encode("latin-1").ljust(4, b"\0")
    except UnicodeEncodeError:
        return bytes(4)


def by_units(folded: str) -> bytes:
    """For sorting: upper-cased names as the format orders them, by UTF-16 unit and not by character."""
    return folded.encode("utf-16-be", "surrogatepass")
