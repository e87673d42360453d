r"""`.reg` files: what regedit and reg.exe export and import, read into entries and written from trees.

Forms:     domain.md 112, 113: header, `[KEY]`, `[-KEY]`, `"Name"=`, `@=`, `-`, "text", `dword:`, `hex:`, `hex(N):`;
           escapes `\\` and `\"`, comments `;`, continuation `,\` are UNSOURCED there and taken as generally known.
Encoding:  version 5 is UTF-16LE with byte order mark, or UTF-8 with or without; UTF-16BE, and UTF-16LE without
           mark, are refused; lines may end in LF alone (114: a tester's findings).
REGEDIT4:  the ANSI form of NT 4.0. The bytes of hex(2) and hex(7) are ANSI (114, UNSOURCED; JSI Tip 8615 says
           "single-byte characters"). Assumed: code page 1252, and the bytes of every other type are as they
           stand in the registry.
Stricter:  than regedit, which skips what it does not understand: here each such line is an error with its place.
Never:     class names and volatility (the format has none), keys outside HKEY_LOCAL_MACHINE.
Holds:     `apply_reg(EMPTY, parse_reg(write_reg(tree, key)))` is `EMPTY.with_key(key, tree)`, names' case included.
Units:     lines and columns count from 1, columns in characters.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import NoReturn, assert_never

import msgspec

from sim.registry.names import KeyPath
from sim.registry.tree import Change, ChangeKind, KeyTree
from sim.registry.values import Type, Value

HEADERS = {5: "Windows Registry Editor Version 5.00", 4: "REGEDIT4"}
"""The first line of a file of each version."""

_ROOT = "HKEY_LOCAL_MACHINE"
_SHORT_ROOTS = {
    "HKLM": _ROOT,
    "HKCU": "HKEY_CURRENT_USER",
    "HKCR": "HKEY_CLASSES_ROOT",
    "HKU": "HKEY_USERS",
    "HKCC": "HKEY_CURRENT_CONFIG",
}
_ANSI_TYPES = (Type.EXPAND_SZ.value, Type.MULTI_SZ.value)  # whose bytes are ANSI in a REGEDIT4 file

# Windows' code page 1252 maps the five bytes that Python leaves undefined to the control character of that number.
_ANSI = "".join(bytes((byte,)).decode("cp1252", "ignore") or chr(byte) for byte in range(256))
_TO_ANSI = codecs.charmap_build(_ANSI)
_ANSI_REMOVED = dict.fromkeys(map(ord, _ANSI))  # for str.translate: leaves what code page 1252 does not have

_LINE_END = re.compile(r"\r\n|\n|\r")
_BLANKS = re.compile(r"[ \t]*")
_REST = re.compile(r"[ \t]*(?:;.*)?", re.DOTALL)
_PLAIN = re.compile(r'[^"\\]*')
_DWORD = re.compile(r"[ \t]*([0-9A-Fa-f]+)")
_HEX = re.compile(r"hex(?:\(([0-9A-Fa-f]{1,8})\))?:", re.IGNORECASE)
_BYTES = re.compile(r"(?:[0-9A-Fa-f]{2},)+")
_BYTE = re.compile(r"[0-9A-Fa-f]{1,2}")


class RegSet(msgspec.Struct, frozen=True):
    """`"Name"=data`: set a value of `key` ("" is the default value)."""

    key: KeyPath
    name: str
    value: Value
    line: int = 0
    column: int = 0


class RegCreate(msgspec.Struct, frozen=True):
    """`[KEY]`: create the key, with those missing above it, where it is absent."""

    key: KeyPath
    line: int = 0
    column: int = 0


class RegDeleteKey(msgspec.Struct, frozen=True):
    """`[-KEY]`: delete the key with all below it, where it is there."""

    key: KeyPath
    line: int = 0
    column: int = 0


class RegDeleteValue(msgspec.Struct, frozen=True):
    """`"Name"=-`: delete a value of `key`, where it is there."""

    key: KeyPath
    name: str
    line: int = 0
    column: int = 0


RegEntry = RegSet | RegCreate | RegDeleteKey | RegDeleteValue


class RegFile(msgspec.Struct, frozen=True):
    """A `.reg` file: its version (5 or 4, which is REGEDIT4) and its entries in file order."""

    version: int
    entries: tuple[RegEntry, ...]


class RegTextError(ValueError):
    """A `.reg` file that cannot be read: where, what is wrong, what would be right."""

    def __init__(self, line: int, column: int, message: str, source: str = "<reg>") -> None:
        super().__init__(line, column, message, source)
        self.line = line
        self.column = column
        self.message = message
        self.source = source

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.message}"


# --- reading ----------------------------------------------------------------------------------------------


def parse_reg(data: bytes, *, source: str = "<reg>") -> RegFile:
    """The entries of a `.reg` file. RegTextError, and nothing else, for what cannot be read.

    `source` is the file's name, kept in the error for whoever prints it.
    """
    return _Reader(_decoded(data, source), source).file()


def _decoded(data: bytes, source: str) -> str:
    if data.startswith(codecs.BOM_UTF16_LE):
        return _unicode(data[2:], "utf-16-le", source)
    if data.startswith(codecs.BOM_UTF8):
        return _unicode(data[3:], "utf-8", source)
    wanted = "save it as UTF-16LE with a byte order mark, as regedit does, or as UTF-8"
    if data.startswith(codecs.BOM_UTF16_BE) or data[:1] == b"\0":
        raise RegTextError(1, 1, f"the file is in UTF-16BE, which regedit does not read; {wanted}", source)
    if data[1:2] == b"\0":
        raise RegTextError(1, 1, f"the file is in UTF-16LE without a byte order mark; {wanted}", source)
    if data.startswith(HEADERS[4].encode("ascii")):
        return codecs.charmap_decode(data, "strict", _ANSI)[0]
    return _unicode(data, "utf-8", source)


def _unicode(data: bytes, encoding: str, source: str) -> str:
    try:
        return data.decode(encoding, "surrogatepass")
    except UnicodeDecodeError as error:
        before = _LINE_END.split(data[: error.start].decode(encoding, "surrogatepass"))
        broken = data[error.start : error.start + 1].hex()
        message = f"the byte {broken} does not belong to {encoding.upper()} text; is the file cut off or in ANSI?"
        raise RegTextError(len(before), len(before[-1]) + 1, message, source) from None


class _Reader:
    """One pass over the lines; `at` is an index into the current line, counted from 0."""

    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self.lines = _LINE_END.split(text)
        self.number = 0  # of the current line, from 1
        self.line = ""
        self.version = 5
        self.key: KeyPath | None = None
        self.key_is_gone = False

    def file(self) -> RegFile:
        self.version = self._header()
        return RegFile(self.version, tuple(self._entries()))

    def _fail(self, at: int, message: str) -> NoReturn:
        raise RegTextError(self.number, at + 1, message, self.source)

    def _next_line(self) -> bool:
        if self.number == len(self.lines):
            return False
        self.line = self.lines[self.number]
        self.number += 1
        return True

    def _header(self) -> int:
        self._next_line()
        first = self.line.rstrip(" \t")
        version = next((version for version, header in HEADERS.items() if header == first), None)
        if version is None:
            self._fail(0, f"the file does not begin with '{HEADERS[5]}' or '{HEADERS[4]}'")
        return version

    def _entries(self) -> Iterator[RegEntry]:
        while self._next_line():
            start = self._blanks(0)
            match self.line[start : start + 1]:
                case "" | ";":
                    pass
                case "[":
                    yield self._section(start)
                case '"' | "@":
                    yield self._value(start)
                case _:
                    self._fail(start, f'{_short(self.line[start:])} begins neither [key], "name", @ nor ; comment')

    def _section(self, start: int) -> RegEntry:
        end = self._closing_bracket(start)
        deleting = self.line.startswith("-", start + 1)
        self.key = self._key(start + 1 + deleting, end)
        self.key_is_gone = deleting
        if not deleting:
            return RegCreate(self.key, self.number, start + 1)
        if not self.key.names:
            self._fail(start + 2, f"{_ROOT} itself cannot be deleted; a key below it can")
        return RegDeleteKey(self.key, self.number, start + 1)

    def _closing_bracket(self, start: int) -> int:
        """The first ] with only a comment after it: a key's name may hold brackets."""
        end = self.line.find("]", start)
        while end >= 0 and not self._is_rest(end + 1):
            end = self.line.find("]", end + 1)
        if end < 0:
            last = self.line.rfind("]")
            if last >= 0:
                self._fail(self._blanks(last + 1), "text follows the key's ]; a comment begins with ;")
            self._fail(len(self.line), "the key's name is not closed; ] is missing")
        return end

    def _key(self, start: int, end: int) -> KeyPath:
        root, *names = self.line[start:end].split("\\")
        if root.upper() != _ROOT:
            full = _SHORT_ROOTS.get(root.upper(), root)
            if root.upper() in _SHORT_ROOTS:
                self._fail(start, f"the root '{root}' is abbreviated; in a .reg file it is {full}")
            if full.upper() in _SHORT_ROOTS.values():
                self._fail(start, f"the root '{root}' is not modelled; only {_ROOT} is")
            self._fail(start, f"the root {_short(root)} is unknown; a key begins with {_ROOT}\\")
        at = start + len(root) + 1
        for name in names:
            if not name:
                self._fail(at, "a key's name is empty; one backslash stands between two names and none at the end")
            at += len(name) + 1
        return KeyPath(names)

    def _value(self, start: int) -> RegEntry:
        if self.key is None:
            self._fail(start, "a value stands before the first [key]; name the key it belongs to above it")
        if self.key_is_gone:
            self._fail(start, "a value stands below a deleted key; name the key again, in brackets without -")
        line = self.number
        name, at = ("", start + 1) if self.line[start] == "@" else self._quoted(start)
        at = self._blanks(at)
        if not self.line.startswith("=", at):
            self._fail(at, "= is missing after the value's name")
        at = self._blanks(at + 1)
        if self.line.startswith("-", at):
            self._end(at + 1)
            return RegDeleteValue(self.key, name, line, start + 1)
        return RegSet(self.key, name, self._data(at), line, start + 1)

    def _data(self, at: int) -> Value:
        if self.line.startswith('"', at):
            text, at = self._quoted(at)
            self._end(at)
            return Value.sz(text)
        if self.line[at : at + 6].lower() == "dword:":
            return self._dword(at + 6)
        header = _HEX.match(self.line, at)
        if header is None:
            self._fail(at, f'{_short(self.line[at:])} is no data; "text", dword:, hex: or - (to delete) would be')
        number = Type.BINARY.value if header[1] is None else int(header[1], 16)
        data = self._bytes(header.end())
        if self.version == 4 and number in _ANSI_TYPES:
            data = codecs.charmap_decode(data, "strict", _ANSI)[0].encode("utf-16-le")
        return Value(number, data)

    def _dword(self, at: int) -> Value:
        digits = _DWORD.match(self.line, at)
        if digits is None:
            self._fail(self._blanks(at), "dword: is not followed by hex digits, such as dword:00001f90")
        if len(digits[1]) > 8:
            self._fail(digits.start(1), f"dword:{digits[1]} does not fit 32 bits; at most 8 hex digits do")
        self._end(digits.end())
        return Value.dword(int(digits[1], 16))

    def _quoted(self, start: int) -> tuple[str, int]:
        """A text in quotes, and where the line goes on behind it."""
        parts: list[str] = []
        at = start + 1
        while True:
            plain = _PLAIN.match(self.line, at)
            assert plain is not None, "the pattern matches the empty text as well"
            parts.append(plain[0])
            at = plain.end()
            if self.line.startswith('"', at):
                return "".join(parts), at + 1
            if at == len(self.line):
                self._fail(start, 'the text is not closed on its line; " is missing')
            escaped = self.line[at + 1 : at + 2]
            if escaped not in ("\\", '"'):
                self._fail(at, 'a single backslash stands in the text; it is doubled there: \\\\, and a quote is \\"')
            parts.append(escaped)
            at += 2

    def _bytes(self, at: int) -> bytes:
        """Bytes in hex, separated by commas; a backslash at the end of a line continues them on the next one."""
        data = bytearray()
        while True:
            at = self._blanks(at)
            many = _BYTES.match(self.line, at)
            if many is not None:
                data += bytes.fromhex(many[0].replace(",", ""))
                at = self._blanks(many.end())
            if self.line.startswith("\\", at):
                at = self._continued(at)
                continue
            one = _BYTE.match(self.line, at)
            if one is None and not data and self._is_rest(at):
                return b""
            if one is None:
                self._fail(at, self._no_byte(at))
            data.append(int(one[0], 16))
            at = self._blanks(one.end())
            if self._is_rest(at):
                return bytes(data)
            if not self.line.startswith(",", at):
                self._fail(at, "a comma is missing between two bytes in hex")
            at += 1

    def _no_byte(self, at: int) -> str:
        if self._is_rest(at):
            return "the data ends with a comma; a backslash behind it continues the data on the next line"
        return f"{_short(self.line[at:])} is no byte in hex; two digits from 0 to f would be"

    def _continued(self, at: int) -> int:
        """Go to the next line; where its text begins."""
        self._end(at + 1)
        if not self._next_line():
            self._fail(at, "the file ends although the backslash continues the data on the next line")
        return self._blanks(0)

    def _blanks(self, at: int) -> int:
        blanks = _BLANKS.match(self.line, at)
        assert blanks is not None, "the pattern matches the empty text as well"
        return blanks.end()

    def _is_rest(self, at: int) -> bool:
        """Whether only blanks and a comment are left of the line."""
        return _REST.fullmatch(self.line, at) is not None

    def _end(self, at: int) -> None:
        if not self._is_rest(at):
            at = self._blanks(at)
            self._fail(at, f"{_short(self.line[at:])} follows the data; a comment begins with ;")


def _short(text: str) -> str:
    return repr(text if len(text) <= 30 else text[:29] + "…")


def apply_reg(tree: KeyTree, file: RegFile) -> KeyTree:
    """The tree (of HKEY_LOCAL_MACHINE) after an import, its entries applied in file order (domain.md 112).

    What is to be deleted and is not there is passed over. No limits, permissions or watches: those are a
    `Registry`'s.
    """
    for entry in file.entries:
        match entry:
            case RegSet(key, name, value):
                tree = tree.with_value(key, name, value)
            case RegCreate(key):
                tree = tree if tree.at(key) is not None else tree.with_key(key)
            case RegDeleteValue(key, name):
                tree = tree.without_value(key, name)
            case RegDeleteKey(key):
                tree = tree.without_key(key)
            case _:
                assert_never(entry)
    return tree


# --- writing ----------------------------------------------------------------------------------------------

_LINE_LENGTH = 79  # before the backslash, as in files that regedit wrote; 25 bytes to a continued line


def write_reg(tree: KeyTree, key: KeyPath, *, version: int = 5) -> bytes:
    """A key with all below it as regedit exports it: UTF-16LE with byte order mark, or ANSI for version 4.

    ValueError for what the format cannot hold: a line end in a name, `]` before a comment's `;` in a key's name;
    in version 4 also a character outside code page 1252 and an odd number of bytes in EXPAND_SZ or MULTI_SZ.
    """
    return write_changes(_entries_of_tree(tree, key), version=version)


def _entries_of_tree(tree: KeyTree, key: KeyPath) -> Iterator[RegEntry]:
    for names, below in tree.walk():
        path = KeyPath((*key.names, *names))
        yield RegCreate(path)
        for name, value in below.values.items():
            yield RegSet(path, name, value)


def write_changes(entries: Iterable[RegEntry], *, version: int = 5) -> bytes:
    """Entries in their order as a `.reg` file, deletions included. ValueError as `write_reg`."""
    lines = [HEADERS[version]]
    open_key: KeyPath | None = None
    for entry in entries:
        if isinstance(entry, RegDeleteKey):
            lines += ["", f"[-{_key_text(entry.key)}]"]
            open_key = None
            continue
        if entry.key != open_key:
            lines += ["", f"[{_key_text(entry.key)}]"]
            open_key = entry.key
        match entry:
            case RegCreate():
                pass
            case RegSet():
                lines += _value_lines(entry, version)
            case RegDeleteValue():
                lines.append(f"{_name_text(entry)}=-")
            case _:
                assert_never(entry)
    return _encoded("\r\n".join((*lines, "", "")), version)


def entries_of(changes: Iterable[Change], key: KeyPath) -> Iterator[RegEntry]:
    """What turns one tree of `key` into another (`tree.diff`), as entries of a `.reg` file."""
    for change in changes:
        path = KeyPath((*key.names, *change.path))
        if change.name is not None:
            after = change.after
            yield RegDeleteValue(path, change.name) if after is None else RegSet(path, change.name, after)
        else:
            yield RegDeleteKey(path) if change.kind is ChangeKind.DELETED else RegCreate(path)


def _key_text(key: KeyPath) -> str:
    text = "\\".join((_ROOT, *key.names))
    ended = _LINE_END.search(text) or re.search(r"\][ \t]*;", text)
    if ended is not None:
        raise ValueError(f"a .reg file cannot hold the key {text!r}: its name would end at {ended[0]!r}")
    return text


def _name_text(entry: RegSet | RegDeleteValue) -> str:
    if _LINE_END.search(entry.name):
        raise ValueError(f"a .reg file cannot hold the value {entry.name!r} of {entry.key.hklm}: its line would end")
    return _in_quotes(entry.name) if entry.name else "@"


def _in_quotes(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _value_lines(entry: RegSet, version: int) -> list[str]:
    name, value, plain = _name_text(entry), entry.value, entry.value.plain()
    if value.type == Type.SZ and isinstance(plain, str) and _quotable(plain, version):
        return [f"{name}={_in_quotes(plain)}"]
    if value.type == Type.DWORD and isinstance(plain, int):
        return [f"{name}=dword:{plain:08x}"]
    data = _ansi_data(entry) if version == 4 and value.type in _ANSI_TYPES else value.data
    kind = "hex:" if value.type == Type.BINARY else f"hex({value.type:x}):"
    return _wrapped(f"{name}={kind}", data)


def _quotable(text: str, version: int) -> bool:
    return not _LINE_END.search(text) and (version == 5 or text.translate(_ANSI_REMOVED) == "")


def _ansi_data(entry: RegSet) -> bytes:
    try:
        return codecs.charmap_encode(entry.value.data.decode("utf-16-le"), "strict", _TO_ANSI)[0]
    except UnicodeError as error:
        broken = repr(error.object[error.start]) if isinstance(error, UnicodeEncodeError) else "data that is no text"
        what = f"the value {entry.name!r} of {entry.key.hklm}"
        raise ValueError(f"a REGEDIT4 file cannot hold {broken} in {what}; version 5 can") from None


def _wrapped(head: str, data: bytes) -> list[str]:
    """Bytes in hex over as many lines as they need, at least one to a line."""
    lines: list[str] = []
    at, room = 0, max((_LINE_LENGTH - len(head)) // 3, 1)
    while len(data) - at > room:
        lines.append(head + data[at : at + room].hex(",") + ",\\")
        at += room
        head, room = "  ", (_LINE_LENGTH - 2) // 3
    return [*lines, head + data[at:].hex(",")]


def _encoded(text: str, version: int) -> bytes:
    if version == 5:
        return codecs.BOM_UTF16_LE + text.encode("utf-16-le", "surrogatepass")
    try:
        return codecs.charmap_encode(text, "strict", _TO_ANSI)[0]
    except UnicodeEncodeError as error:
        broken = text[error.start]
        raise ValueError(f"a REGEDIT4 file cannot hold {broken!r} (U+{ord(broken):04X}); version 5 can") from None
