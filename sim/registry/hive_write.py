"""Trees written as hives: equal trees and arguments give equal bytes, on any machine.

Holds:    names keep their case; volatile keys are left out (domain.md 97); subkeys stand in the format's order,
          values in the tree's. Unused bytes are zero, every key is as old as the hive, all share one security cell.
Security: what a new hive gets here: full control for SYSTEM and Administrators, reading for Everyone; a tree
          carries none.
Refused:  what Windows does not allow (domain.md 95): names too long, keys too deep. ValueError.
Facts:    the regf specification; ReactOS (cmindex.c) for how many entries a list may have before `ri`; every
          segment of big data has 4 bytes more than it holds, because hivex counts them.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from sim.registry import hive
from sim.registry.hive import BIN, CELL, INLINE, NIL, NK, PAGE, SEGMENT, SK, name_hash, name_hint
from sim.registry.names import upcase
from sim.registry.tree import KeyTree
from sim.registry.values import Value

_SIZE_LIMIT = 1 << 31
_COUNT_LIMIT = 0xFFFF
_LISTED = {3: 500, 5: 1000}  # entries of one `lf` or `lh`; ReactOS stops at 507 and 1014
_ROOT_NAME = b"ROOT"
_ZEROS = bytes(16)
_ENTRY = struct.Struct("<I4s")  # of a list of subkeys
_COUNTED = struct.Struct("<2sH")  # a list's head
_VK = struct.Struct("<2sHIIIH2x")
_LONGEST = struct.Struct("<IIII")  # of subkeys' names, of their class names, of values' names; the largest data
_LONGEST_AT = 56  # in a key's cell


def _sid(authority: int, *numbers: int) -> bytes:
    """A security identifier, such as S-1-5-18."""
    return bytes((1, len(numbers))) + authority.to_bytes(6, "big") + struct.pack(f"<{len(numbers)}I", *numbers)


def _descriptor() -> bytes:
    """A self-relative security descriptor: owner Administrators, group SYSTEM, three entries of access."""
    system, administrators, everyone = _sid(5, 18), _sid(5, 32, 544), _sid(1, 0)
    entries = b"".join(
        struct.pack("<BBHI", 0, 2, 8 + len(sid), mask) + sid  # allowed, inherited by subkeys
        for sid, mask in ((system, 0xF003F), (administrators, 0xF003F), (everyone, 0x20019))
    )
    access = struct.pack("<BxHHxx", 2, 8 + len(entries), 3) + entries
    owner = 20
    group = owner + len(administrators)
    head = struct.pack("<BxHIIII", 1, 0x8004, owner, group, 0, group + len(system))
    return head + administrators + system + access


_DESCRIPTOR = _descriptor()


def write_hive(tree: KeyTree, *, minor: int = 5, written: int = 0) -> bytes:
    """The tree as a hive of version 1.5, or 1.3 for NT 4.0. `written` is its time (FILETIME: 100 ns since 1601).

    ValueError for a tree that a hive cannot hold: a name too long, more than 512 levels, 2 GiB.
    """
    if minor not in _LISTED:
        raise ValueError(f"hives of version 1.{minor} are not written; 1.5 is, and 1.3 for NT 4.0")
    return _Writer(minor, written).hive(tree)


def _stored(name: str) -> tuple[bytes, bool, int]:
    """A name as stored, whether in Latin-1, and how many UTF-16 units it has."""
    try:
        data = name.encode("latin-1")
    except UnicodeEncodeError:
        data = _unicode(name)
        return data, False, len(data) // 2
    return data, True, len(data)


def _unicode(name: str) -> bytes:
    data = name.encode("utf-16-le", "surrogatepass")
    if data.decode("utf-16-le", "surrogatepass") != name:
        raise ValueError(f"a hive cannot hold the name {name!r}: two halves of one character stand apart in it")
    return data


_Key = tuple[KeyTree, int, int, int, int, int]
"""A key to be filled in: what it holds, its cell, its parent's, its flags, the length of its name, its depth."""


class _Writer:
    """Cells one after the other. Of a key: its values, the nodes of its subkeys, their list; then itself is filled in.

    `out` grows by cells; `stop` is where the current bin ends.
    """

    def __init__(self, minor: int, written: int) -> None:
        self.minor = minor
        self.written = written
        self.out = bytearray(PAGE)
        self.stop = PAGE
        self.security = 0

    def hive(self, tree: KeyTree) -> bytes:
        """The whole file."""
        root = self._node(_ROOT_NAME)
        self.security = self._cell(bytes(SK.size - CELL.size) + _DESCRIPTOR)
        pending: list[_Key] = [(tree, root, 0, hive.ROOT_FLAGS | hive.KEY_COMP_NAME, len(_ROOT_NAME), 0)]
        keys = 0
        while pending:
            pending += reversed(self._key(*pending.pop()))
            keys += 1
        own, size = self.security, (SK.size + len(_DESCRIPTOR) + 7) & -8
        SK.pack_into(self.out, own + PAGE, -size, b"sk", own, own, keys, len(_DESCRIPTOR))
        self._close()
        return self._with_header(root)

    def _with_header(self, root: int) -> bytes:
        out = self.out
        size = len(out) - PAGE
        fields = (hive.SIGNATURE, 1, 1, self.written, 1, self.minor, 0, 1, root, size, 1, b"")
        hive.HEADER.pack_into(out, 0, *fields)
        struct.pack_into("<I", out, 508, hive.checksum(bytes(out[:508])))
        return bytes(out)

    # --- cells --------------------------------------------------------------------------------------------

    def _cell(self, payload: bytes, more: int = 0) -> int:
        """Place a record in a cell that holds `more` bytes than it; its offset."""
        size = (len(payload) + more + 11) & -8
        at = len(self.out)
        if at + size > self.stop:
            at = self._bin(size)
        out = self.out
        out += CELL.pack(-size)
        out += payload
        out += _ZEROS[: size - 4 - len(payload)]
        return at - PAGE

    def _bin(self, size: int) -> int:
        """Begin a bin in which a cell of that size has room; where that cell begins."""
        self._close()
        at = len(self.out)
        whole = -(-(BIN.size + size) // PAGE) * PAGE
        if at + whole > _SIZE_LIMIT:
            raise ValueError("the tree takes more than 2 GiB, which a hive cannot hold")
        self.out += BIN.pack(b"hbin", at - PAGE, whole, 0 if at > PAGE else self.written)
        self.stop = at + whole
        return at + BIN.size

    def _close(self) -> None:
        """Fill the rest of the current bin with a free cell."""
        left = self.stop - len(self.out)
        if left:
            self.out += CELL.pack(left)
            self.out += bytes(left - CELL.size)

    # --- keys ---------------------------------------------------------------------------------------------

    def _node(self, name: bytes) -> int:
        """Place a key of that name, to be filled in later."""
        return self._cell(bytes(NK.size - CELL.size) + name)

    def _key(self, tree: KeyTree, own: int, parent: int, flags: int, length: int, depth: int) -> list[_Key]:
        """Place what is in a key and fill the key in; its subkeys, to be filled in."""
        values, longest, largest = self._values(tree.values.items())
        name = tree.class_name
        class_name = b"" if name is None else _unicode(name)
        class_cell = NIL if name is None else self._cell(class_name)
        children = [(name, child) for name, child in tree.keys.items() if not child.volatile]
        if children and depth == hive.DEPTH_LIMIT:
            raise ValueError(f"a hive cannot hold keys more than {hive.DEPTH_LIMIT} levels deep; the tree has them")
        below, keys, longest_key = self._subkeys(children, own, depth)
        size = (NK.size + length + 7) & -8
        fields = (-size, b"nk", flags, self.written, parent, len(children), keys, len(tree.values), values)
        NK.pack_into(self.out, own + PAGE, *fields, self.security, class_cell, length, len(class_name))
        longest_class = max((2 * len(child.class_name or "") for _, child in children), default=0)
        _LONGEST.pack_into(self.out, own + PAGE + _LONGEST_AT, longest_key, longest_class, longest, largest)
        return below

    def _subkeys(self, children: list[tuple[str, KeyTree]], own: int, depth: int) -> tuple[list[_Key], int, int]:
        """Place the nodes and the list of a key's subkeys: what is to be filled in, the list, the longest name."""
        if not children:
            return [], NIL, 0
        everything = "".join(name for name, _ in children)
        if not everything.isascii() and max(everything) > "\uffff":  # else the tree's order is the format's
            children.sort(key=lambda child: hive.by_units(upcase(child[0])))
        hint = name_hint if self.minor == 3 else name_hash
        below: list[_Key] = []
        entries: list[bytes] = []
        longest = 0
        for name, child in children:
            data, latin, units = _stored(name)
            if units > hive.KEY_NAME_LIMIT:
                raise ValueError(f"a key's name has {units} UTF-16 units; {hive.KEY_NAME_LIMIT} are allowed: {name!r}")
            cell = self._node(data)
            flags = hive.KEY_COMP_NAME if latin else 0
            below.append((child, cell, own, flags, len(data), depth + 1))
            entries.append(_ENTRY.pack(cell, hint(name)))
            longest = max(longest, 2 * units)
        return below, self._list(entries), longest

    def _list(self, entries: list[bytes]) -> int:
        """Place a list of subkeys; a long one in parts, with a list of them above."""
        room = _LISTED[self.minor]
        signature = b"lf" if self.minor == 3 else b"lh"
        cells: list[int] = []
        for start in range(0, len(entries), room):
            part = entries[start : start + room]
            cells.append(self._cell(_COUNTED.pack(signature, len(part)) + b"".join(part)))
        if len(cells) == 1:
            return cells[0]
        if len(cells) > _COUNT_LIMIT:
            raise ValueError(f"a key has {len(entries)} subkeys; a hive can hold {room * _COUNT_LIMIT}")
        return self._cell(_COUNTED.pack(b"ri", len(cells)) + _numbers(cells))

    # --- values -------------------------------------------------------------------------------------------

    def _values(self, items: Sequence[tuple[str, Value]]) -> tuple[int, int, int]:
        """Place a key's values: their list, the longest name, the largest data."""
        cells: list[int] = []
        longest = largest = 0
        for name, value in items:
            stored, latin, units = _stored(name)
            if units > longest:
                longest = units
                if units > hive.VALUE_NAME_LIMIT:
                    raise ValueError(f"a value's name has {units} UTF-16 units; {hive.VALUE_NAME_LIMIT} are allowed")
            data = value.data
            length = len(data)
            if length <= 4:
                where = int.from_bytes(data, "little")
                held = length | INLINE
            else:
                where = self._cell(data) if length <= SEGMENT or self.minor == 3 else self._big_data(data)
                held = length
            largest = max(largest, length)
            flags = hive.VALUE_COMP_NAME if latin and stored else 0
            cells.append(self._cell(_VK.pack(b"vk", len(stored), held, where, value.type, flags) + stored))
        return self._cell(_numbers(cells)) if cells else NIL, 2 * longest, largest

    def _big_data(self, data: bytes) -> int:
        """Place data in segments, and the record that names them."""
        starts = range(0, len(data), SEGMENT)
        if len(starts) > _COUNT_LIMIT:
            raise ValueError(f"a value has {len(data)} bytes; a hive can hold {SEGMENT * _COUNT_LIMIT}")
        segments = [self._cell(data[start : start + SEGMENT], 4) for start in starts]
        return self._cell(_COUNTED.pack(b"db", len(segments)) + CELL.pack(self._cell(_numbers(segments))))


def _numbers(numbers: list[int]) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)
