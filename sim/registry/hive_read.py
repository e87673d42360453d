"""Hives read into trees, safely: any bytes give a tree or a `HiveError`, in time and memory of the file's size.

Holds:    `read_hive(write_hive(tree)) == tree.without_volatile()`.
Safe:     the base block's checksum and the chain of cells of every bin are checked first. A record is reached only
          through a cell that is in use and large enough, and only once: there is no cycle, and nothing is shared
          that could unfold (but security, of which nothing is kept). Depth ends at 512.
Strict:   also the order of subkeys, the hashes of their names, pointers to the parent, the ring of security cells
          and their counts of keys, and the limits of names. Without it a hive is read as Windows and other
          writers leave it; hivex writes data over 16344 bytes as one cell, and both kinds are read everywhere.
Refused:  a dirty hive (its last write was interrupted), a transaction log, versions other than 1.3 to 1.5, two
          names in one key that Windows takes for equal. Damage of data is seen by nobody: the format has no
          checksum beyond the base block.
Not kept: times, security, and what a root key is called. A predefined handle is a key without values.
"""

from __future__ import annotations

import struct
from collections import Counter
from typing import NoReturn

import msgspec

from sim.registry import hive
from sim.registry.hive import BIN, CELL, INLINE, KEY_COMP_NAME, LIST, NIL, NK, PAGE, SEGMENT, SK, VK, HiveError
from sim.registry.names import upcase
from sim.registry.tree import EMPTY, KeyTree, NameMap
from sim.registry.values import Value

_NO_VALUES: NameMap[Value] = NameMap()
_NO_KEYS: NameMap[KeyTree] = NameMap()
_STATES = ("lies within a cell", "is not in use", "was reached before")


class HiveHeader(msgspec.Struct, frozen=True):
    """What a hive says of itself: its version, when it was written (FILETIME), its root, the size of its bins."""

    minor: int
    written: int
    root: int
    size: int


def read_header(data: bytes | memoryview) -> HiveHeader:
    """The base block of a hive, checked. HiveError for what is no hive, or none that can be read."""
    if data[:4] != hive.SIGNATURE:
        raise HiveError(0, "the file is no hive; one begins with 'regf'")
    if len(data) < 2 * PAGE:
        raise HiveError(len(data), f"the file is cut off after {len(data)} bytes; a hive has at least {2 * PAGE}")
    _, first, second, written, major, minor, kind, layout, root, size, _, _ = hive.HEADER.unpack_from(data)
    stored, computed = struct.unpack_from("<I", data, 508)[0], hive.checksum(bytes(data[:508]))
    if stored != computed:
        raise HiveError(508, f"the header's checksum is {stored:#010x}; {computed:#010x} would fit its bytes")
    if kind != 0:
        raise HiveError(28, f"the file is a transaction log (type {kind}); the hive itself has type 0")
    if major != 1 or minor not in (3, 4, 5) or layout != 1:
        shown = f"{major}.{minor}" if layout == 1 else f"{major}.{minor} in layout {layout}"
        raise HiveError(20, f"the hive has version {shown}; 1.3, 1.4 and 1.5 can be read")
    if first != second:
        told = f"the hive is dirty: its last write was interrupted (sequence numbers {first} and {second} differ)"
        raise HiveError(4, f"{told}; let Windows load and unload it, which replays its log")
    if size == 0 or size % PAGE:
        raise HiveError(40, f"the bins take {size} bytes; a multiple of {PAGE} would be right")
    if len(data) < PAGE + size:
        raise HiveError(len(data), f"the file is cut off after {len(data)} bytes; its header says {PAGE + size}")
    return HiveHeader(minor, written, root, size)


def read_hive(data: bytes | memoryview, *, strict: bool = False) -> KeyTree:
    """The tree of a hive of version 1.3 to 1.5. HiveError, and nothing else, for what cannot be read.

    Class names are kept; times and security are read over, as a tree has neither.
    """
    header = read_header(data)
    return _Reader(bytes(data), header, strict).tree()


def _cells(data: bytes, end: int) -> bytearray:
    """For each 8 bytes of the bins 1 where a cell in use begins, 2 where a free one does, else 0."""
    marks = bytearray((end - PAGE) >> 3)
    size_at = CELL.unpack_from
    at = PAGE
    while at < end:
        signature, own, size, _ = BIN.unpack_from(data, at)
        if signature != b"hbin":
            raise HiveError(at, f"a bin begins with {signature!r}; 'hbin' would be right")
        if own != at - PAGE:
            raise HiveError(at + 4, f"a bin says that it lies at {own}; it lies at {at - PAGE}")
        stop = at + size
        if size == 0 or size % PAGE or stop > end:
            raise HiveError(at + 8, f"a bin has {size} bytes; a multiple of {PAGE}, at most {end - at}, would be right")
        at += 32
        while at < stop:
            (size,) = size_at(data, at)
            if size < 0:
                marks[(at - PAGE) >> 3] = 1
                size = -size
            else:
                marks[(at - PAGE) >> 3] = 2
            if size & 7 or size == 0 or at + size > stop:
                raise HiveError(at, f"a cell has {size} bytes; a multiple of 8, at most {stop - at}, would be right")
            at += size
    return marks


REMEMBERED = 1 << 16
"""How many names, and how many values of `SMALL` bytes at most, are kept as one object wherever they stand."""
SMALL = 16


class _Reader:
    """One pass over the keys, level by level, then the trees from the last to the first: no recursion.

    `marks` has a number for each 8 bytes of the bins: 0 no cell begins there, 1 one in use, 2 a free one,
    3 one that was reached.
    """

    def __init__(self, data: bytes, header: HiveHeader, strict: bool) -> None:
        self.data = data
        self.strict = strict
        self.minor = header.minor
        self.root = header.root
        self.end = PAGE + header.size
        self.marks = _cells(data, self.end)
        self.folded: dict[str, tuple[str, str]] = {}  # names of values met so far: folded, and as written
        self.shared: dict[tuple[int, bytes], Value] = {}  # small values met so far
        self.names: list[str] = []
        self.places: list[int] = []  # of key nodes, offsets of cells
        self.rows: list[tuple[NameMap[Value], int, int, str | None]] = []  # values, first subkey, how many, class
        self.hints: list[bytes] = []  # of the names, as the lists of subkeys have them (strict)
        self.security: Counter[int] = Counter()

    def tree(self) -> KeyTree:
        """The tree. A level's keys come after all of the level above, a key's subkeys one after the other."""
        self.places.append(self.root)
        self.hints.append(b"")
        parents, start, depth = [NIL], 0, 0
        while parents:
            if depth > hive.DEPTH_LIMIT:
                self._fail(self.places[start], f"keys lie deeper than {hive.DEPTH_LIMIT} levels, which Windows allows")
            level = self.places[start:]
            start, depth = start + len(level), depth + 1
            parents = self._level(level, parents)
        self._check_security()
        return self._built()

    def _fail(self, cell: int, message: str) -> NoReturn:
        raise HiveError(cell + PAGE, message)

    def _reach(self, cell: int, what: str, source: int, least: int) -> int:
        """Mark a cell as reached; how many bytes it holds, at least so many. `source` is the record that names it."""
        if cell & 7 or cell >> 3 >= len(self.marks) or self.marks[cell >> 3] != 1:
            self._unreachable(cell, what, source)
        self.marks[cell >> 3] = 3
        size = -int(CELL.unpack_from(self.data, cell + PAGE)[0]) - 4
        if size < least:
            self._fail(cell, f"{what} needs {least} bytes; its cell holds {size}")
        return size

    def _unreachable(self, cell: int, what: str, source: int) -> NoReturn:
        if cell >> 3 >= len(self.marks):
            state = "lies outside the file"
        else:
            state = "lies within a cell" if cell & 7 else _STATES[(0, 0, 1, 2)[self.marks[cell >> 3]]]
        self._fail(source, f"{what} is said to be at {cell + PAGE}, which {state}; a cell in use would be right")

    # --- keys ---------------------------------------------------------------------------------------------

    def _level(self, level: list[int], parents: list[int]) -> list[int]:
        """Read the keys of one level; the parents of those of the next, whose places are appended."""
        data, marks, last = self.data, self.marks, self.end - NK.size
        places, names, rows, security = self.places, self.names, self.rows, self.security
        below: list[int] = []
        for cell, parent in zip(level, parents, strict=True):
            if cell & 7 or cell >> 3 >= len(marks) or marks[cell >> 3] != 1:
                self._unreachable(cell, "a key", 36 - PAGE if parent == NIL else parent)
            marks[cell >> 3] = 3
            at = cell + PAGE
            if at > last:
                self._fail(cell, "a key's cell is too small; one holds 76 bytes and a name")
            fields = NK.unpack_from(data, at)
            size, signature, flags, _, above, keys, key_list, values, value_list, sk, _, length, _ = fields
            if signature != b"nk":
                self._fail(cell, f"a key begins with {signature!r}; 'nk' would be right")
            if -size < NK.size + length:
                self._fail(cell, f"a key needs {NK.size + length} bytes with its name; its cell has {-size}")
            name = self._text(at + NK.size, length, flags & KEY_COMP_NAME)
            if "\\" in name and parent != NIL:
                self._fail(cell, f"a key's name holds a backslash: {name!r}; a backslash stands between two names")
            names.append(name)
            if self.strict and parent not in (above, NIL):
                self._fail(cell, f"a key names {above + PAGE} as its parent; {parent + PAGE} would be right")
            security[sk] += 1
            first = len(places)
            if keys:
                self._subkeys(key_list, keys, cell)
                below += [cell] * keys
            held = self._values(value_list, values, cell) if values and not flags & hive.PREDEFINED else _NO_VALUES
            rows.append((held, first, keys, self._class(fields, cell)))
        return below

    def _text(self, at: int, length: int, latin: int) -> str:
        """A name, in Latin-1 or in UTF-16LE."""
        if latin:
            return self.data[at : at + length].decode("latin-1")
        try:
            return self.data[at : at + length].decode("utf-16-le", "surrogatepass")
        except UnicodeDecodeError:
            raise HiveError(at, f"a name in UTF-16 has {length} bytes; an even number would be right") from None

    def _class(self, fields: tuple[int, ...], cell: int) -> str | None:
        where, length = fields[10], fields[12]
        if where == NIL:
            return None
        self._reach(where, "a class name", cell, length)
        return self._text(where + PAGE + 4, length, 0)

    def _subkeys(self, where: int, count: int, key: int) -> None:
        """Append the places of a key's subkeys, as many as it says."""
        before = len(self.places)
        room = self._reach(where, "a list of subkeys", key, 4)
        _, signature, entries = LIST.unpack_from(self.data, where + PAGE)
        if signature != b"ri":
            self._leaf(where, room)
        else:
            if room < 4 + 4 * entries:
                self._fail(where, f"a list of {entries} lists needs {4 + 4 * entries} bytes; its cell holds {room}")
            for leaf in struct.unpack_from(f"<{entries}I", self.data, where + PAGE + LIST.size):
                self._leaf(leaf, self._reach(leaf, "a list of subkeys", where, 4))
        found = len(self.places) - before
        if found != count:
            self._fail(key, f"a key says that it has {count} subkeys; its list has {found}")

    def _leaf(self, where: int, room: int) -> None:
        _, signature, entries = LIST.unpack_from(self.data, where + PAGE)
        if signature not in (b"lf", b"lh", b"li"):
            self._fail(where, f"a list of subkeys begins with {signature!r}; 'lf', 'lh' or 'li' would be right")
        width = 4 if signature == b"li" else 8
        if room < 4 + width * entries:
            self._fail(where, f"a list of {entries} subkeys needs {4 + width * entries} bytes; its cell holds {room}")
        numbers = struct.unpack_from(f"<{entries * width // 4}I", self.data, where + PAGE + LIST.size)
        self.places.extend(numbers if width == 4 else numbers[::2])
        if self.strict:
            hints = numbers if width == 4 else numbers[1::2]
            self.hints.extend(signature + (b"" if width == 4 else hint.to_bytes(4, "little")) for hint in hints)

    # --- values -------------------------------------------------------------------------------------------

    def _values(self, where: int, count: int, key: int) -> NameMap[Value]:
        """A key's values."""
        self._reach(where, f"a list of {count} values", key, 4 * count)
        data, marks, last = self.data, self.marks, self.end - VK.size
        cells, record, header = len(marks), VK.unpack_from, VK.size
        entries: dict[str, tuple[str, Value]] = {}
        folded, shared = self.folded, self.shared
        for cell in struct.unpack_from(f"<{count}I", data, where + PAGE + 4):
            if cell & 7 or cell >> 3 >= cells or marks[cell >> 3] != 1:
                self._unreachable(cell, "a value", where)
            marks[cell >> 3] = 3
            at = cell + PAGE
            if at > last:
                self._fail(cell, "a value's cell is too small; one holds 20 bytes and a name")
            size, signature, length, held, place, kind, flags = record(data, at)
            if signature != b"vk":
                self._fail(cell, f"a value begins with {signature!r}; 'vk' would be right")
            if -size < header + length:
                self._fail(cell, f"a value needs {header + length} bytes with its name; its cell has {-size}")
            if flags & 1:
                name = data[at + header : at + header + length].decode("latin-1")
            else:
                name = self._text(at + header, length, 0) if length else ""
            if held >= INLINE:
                if held > INLINE + 4:
                    self._fail(cell, f"{held - INLINE} bytes of data are said to lie in the value itself; 4 can")
                content = data[at + 12 : at + 12 + held - INLINE]
            else:
                content = self._data(place, held, cell) if held else b""
            pair = folded.get(name) or self._remember(name)
            value = shared.get((kind, content))
            if value is None:
                value = Value(kind, content)
                if len(content) <= SMALL and len(shared) < REMEMBERED:
                    shared[kind, content] = value
            entries[pair[0]] = (pair[1], value)
        if len(entries) != count:
            self._fail(key, "two values of a key have names that Windows takes for equal; each has one of its own")
        return NameMap.of_entries(entries)

    def _remember(self, name: str) -> tuple[str, str]:
        """A name folded, and itself as one object: few names make up most of a registry."""
        pair = (upcase(name), name)
        if len(self.folded) < REMEMBERED:
            self.folded[name] = pair
        return pair

    def _data(self, where: int, length: int, value: int) -> bytes:
        """The data of a value that lie in a cell, or in the cells that a `db` record names."""
        marks = self.marks
        if where & 7 or where >> 3 >= len(marks) or marks[where >> 3] != 1:
            self._unreachable(where, "data", value)
        marks[where >> 3] = 3
        at = where + PAGE
        if -CELL.unpack_from(self.data, at)[0] - 4 >= length:
            return self.data[at + 4 : at + 4 + length]
        return self._big_data(where, length)

    def _big_data(self, where: int, length: int) -> bytes:
        size, signature, count = LIST.unpack_from(self.data, where + PAGE)
        if self.minor < 4 or length <= SEGMENT or signature != b"db":
            self._fail(where, f"{length} bytes of data need a cell of as many; this one holds {-size - 4}")
        if -size < LIST.size + 4:
            self._fail(where, f"big data needs a cell of {LIST.size + 4} bytes; this one has {-size}")
        wanted = -(-length // SEGMENT)
        if count != wanted:
            self._fail(where, f"{length} bytes of data lie in {count} segments; {wanted} would be right")
        (segments,) = struct.unpack_from("<I", self.data, where + PAGE + LIST.size)
        self._reach(segments, f"a list of {count} segments", where, 4 * count)
        parts: list[bytes] = []
        for cell in struct.unpack_from(f"<{count}I", self.data, segments + PAGE + 4):
            least = min(SEGMENT, length - SEGMENT * len(parts))
            self._reach(cell, "a segment of data", segments, least)
            parts.append(self.data[cell + PAGE + 4 : cell + PAGE + 4 + least])
        return b"".join(parts)

    # --- the whole ----------------------------------------------------------------------------------------

    def _built(self) -> KeyTree:
        """The tree of all keys, the last one first."""
        names, rows = self.names, self.rows
        trees: list[KeyTree] = [EMPTY] * len(rows)
        for number in range(len(rows) - 1, -1, -1):
            values, first, count, class_name = rows[number]
            if not count:
                trees[number] = KeyTree(values, _NO_KEYS, class_name)
                continue
            entries = {upcase(names[each]): (names[each], trees[each]) for each in range(first, first + count)}
            if len(entries) != count or "" in entries:
                self._fail(self.places[number], "two subkeys of a key have equal names, or one has none")
            if self.strict:
                self._check_order(list(entries), first)
            trees[number] = KeyTree.stable(values, NameMap.of_entries(entries), class_name)
        return trees[0]

    def _check_order(self, folded: list[str], first: int) -> None:
        """Of a key's subkeys: ascending by upper-cased UTF-16 unit, and found by their hashes."""
        before = b""
        for number, name in enumerate(folded, first):
            units = hive.by_units(name)
            if units <= before:
                self._fail(self.places[number], f"the key {self.names[number]!r} is out of order among its siblings")
            before = units
            if len(units) > 2 * hive.KEY_NAME_LIMIT:
                self._fail(self.places[number], f"a key's name has {len(units) // 2} units; at most 255 are allowed")
            kind, hint = self.hints[number][:2], self.hints[number][2:]
            if kind == b"lh" and hint != hive.name_hash(name):
                self._fail(self.places[number], f"the hash of the key {self.names[number]!r} is wrong in its list")
            if kind == b"lf" and hint != hive.name_hint(self.names[number]):
                self._fail(self.places[number], f"the hint of the key {self.names[number]!r} is wrong in its list")

    def _check_security(self) -> None:
        """Every key's security cell is one, with room for its descriptor; strict: all are one ring, and counted."""
        for cell, keys in self.security.items():
            if cell == NIL and not self.strict:
                continue  # libraries leave keys without security; Windows does not
            room = self._reach(cell, "security", self.root, SK.size - 4)
            _, signature, after, before, counted, length = SK.unpack_from(self.data, cell + PAGE)
            if signature != b"sk":
                self._fail(cell, f"security begins with {signature!r}; 'sk' would be right")
            if length > room - (SK.size - 4):
                self._fail(cell, f"a security descriptor has {length} bytes; its cell holds {room - SK.size + 4}")
            if self.strict and counted != keys:
                self._fail(cell, f"security is counted {counted} times; {keys} keys have it")
            if self.strict and (after not in self.security or before not in self.security):
                self._fail(cell, "security is chained to a cell that no key has; all that keys have are one ring")
        if self.strict:
            self._check_ring()

    def _check_ring(self) -> None:
        start = cell = next(iter(self.security))
        length = 0
        while length == 0 or (cell != start and length < len(self.security)):
            after = SK.unpack_from(self.data, cell + PAGE)[2]
            if SK.unpack_from(self.data, after + PAGE)[3] != cell:
                self._fail(after, f"security does not name {cell + PAGE} as the one before it, which names it as next")
            cell, length = after, length + 1
        if length != len(self.security):
            self._fail(start, f"a ring of {length} security cells; all {len(self.security)} that keys have are one")
