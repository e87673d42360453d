"""Independent readers of hives, and what each is known to say wrongly: `agreement(data)` compares them all with ours.

Every tool reads the file by itself and gives rows, one a key: path, class name, values. From our tree comes what the
tool must say. Where a tool has a defect of its own, that is modelled exactly here and named in `DEFECTS`: all that
goes beyond it is a difference. dissect.regf and hivex have none but in names, and their data must be the very bytes.
"""

from __future__ import annotations

import logging
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

from sim.registry import KeyTree, Value, read_hive
from sim.registry.hive import SEGMENT
from tests.hives import libhivex

Row = tuple[tuple[str, ...], str | None, object]
"""A key: its path, its class name (None where the tool gives none), its values as the tool gives them."""

DEFECTS = {
    "hivex": (),
    "dissect.regf": (
        "a Latin-1 name whose bytes happen to be UTF-8 is decoded as that",
        "the default value is called (Default), as a value of that name would be",
    ),
    "libregf": (
        "data of 1 to 3 bytes are taken from the end of the field that holds them",
        "U+FEFF is lost where a name begins with it",
        "REG_SZ and REG_EXPAND_SZ of one cell end behind their first null",
        "Latin-1 names are decoded as code page 1252, with U+FFFD for five characters",
    ),
    "python-registry": (
        "Latin-1 names are decoded as code page 1252, which fails for five characters",
        "types are cut to twelve bits",
        "REG_SZ and unknown types of 0 to 4 bytes are padded to 4, REG_MULTI_SZ of so many is empty",
        "REG_DWORD is always the four bytes of the offset field",
        "REG_QWORD and REG_DWORD_BIG_ENDIAN have 8 and 4 bytes, where short or big from a wrong place",
    ),
    "regipy": (
        "Latin-1 names beyond ASCII have U+FFFD",
        "short data of types that it does not know, and big numbers, are read from a wrong place",
        "a REG_QWORD of 5 to 7 bytes stops the reading of its key",
        "texts are decoded and lose their nulls",
        "other types than seven common ones are guessed to be text, and not compared here",
    ),
    "reglookup": (
        "names in UTF-16 and texts beyond ASCII are printed as their bytes",
        "empty data are printed as (null)",
        "the type 0x7FFFFFFF is printed as KEY",
        "REG_DWORD and REG_DWORD_BIG_ENDIAN have four bytes, REG_QWORD has eight",
    ),
}


@dataclass(frozen=True, slots=True)
class Tool:
    """A reader: whether it is installed, what it reads, and what it must say of a key by our tree."""

    name: str
    installed: Callable[[], bool]
    read: Callable[[Path], Iterable[Row]]
    said: Callable[[tuple[str, ...], KeyTree], Row]


def agreement(data: bytes, tree: KeyTree | None = None, *, against: KeyTree | None = None) -> dict[str, str]:
    """For each tool that is installed, what it says differently from us of these bytes; empty where it agrees.

    `tree` is what our own reader must make of them, where that is known. `against` takes our place, to see the
    comparison itself at work.
    """
    ours = read_hive(data, strict=True)
    assert tree is None or ours == tree.without_volatile(), "our own reader differs from what was written"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.hiv"
        path.write_bytes(data)
        return {tool.name: _difference(tool, path, against or ours) for tool in TOOLS if tool.installed()}


def missing() -> list[str]:
    """The tools that are not installed here."""
    return [tool.name for tool in TOOLS if not tool.installed()]


def _difference(tool: Tool, path: Path, ours: KeyTree) -> str:
    try:
        theirs = sorted(tool.read(path), key=repr)
    except Exception as error:  # whatever an independent tool does is a result
        return f"raises {type(error).__name__}: {error}"
    wanted = sorted((tool.said(names, key) for names, key in ours.walk()), key=repr)
    for found, expected in zip(theirs, wanted, strict=False):
        if found != expected:
            row, want = repr(found), repr(expected)
            at = next(at for at, (one, other) in enumerate(zip(row + "$", want + "$", strict=False)) if one != other)
            return f"says {row[max(0, at - 80) : at + 120]!r}, we {want[max(0, at - 80) : at + 120]!r}"
    return "" if len(theirs) == len(wanted) else f"says {len(theirs)} keys, we {len(wanted)}"


def _values(tree: KeyTree, name: Callable[[str], str], said: Callable[[Value], object]) -> object:
    """A key's values as a tool must say them, in an order that is no tool's."""
    return _sorted((name(each), said(value)) for each, value in tree.values.items())


def _sorted(values: Iterable[tuple[str, object]]) -> object:
    return sorted(values, key=repr)


def _walk(root: Any, children: Callable[[Any], Iterable[tuple[str, Any]]]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every key with its path; no recursion, as 512 levels are allowed."""
    pending: list[tuple[tuple[str, ...], Any]] = [((), root)]
    while pending:
        path, key = pending.pop()
        yield path, key
        pending += [((*path, name), child) for name, child in children(key)]


class _Unknown:
    """What a tool says here is its own affair: it takes it from a wrong place."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "?"


_UNKNOWN = _Unknown()


def _exact(value: Value) -> object:
    return value.type, value.data


def _same(name: str) -> str:
    return name


# --- hivex ------------------------------------------------------------------------------------------------


def _read_hivex(path: Path) -> Iterator[Row]:
    with libhivex.opened(path) as hive:
        for names, node in _walk(hive.root(), lambda node: [(hive.name(each), each) for each in hive.children(node)]):
            yield names, None, _sorted((name, _exact(value)) for name, value in hive.values(node))


# --- dissect.regf -----------------------------------------------------------------------------------------


def _read_dissect(path: Path) -> Iterator[Row]:
    from dissect.regf.regf import RegistryHive

    root = RegistryHive(BytesIO(path.read_bytes())).root()
    for names, key in _walk(root, lambda key: [(each.name, each) for each in key.subkeys()]):
        yield names, key.class_name, _sorted((value.name, (value.type, value.data)) for value in key.values())


def _dissect_name(name: str) -> str:
    try:
        return name.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return name


# --- libregf ----------------------------------------------------------------------------------------------


def _read_libregf(path: Path) -> Iterator[Row]:
    import pyregf

    file = pyregf.file()
    file.open(str(path))
    for names, key in _walk(file.get_root_key(), lambda key: [(each.name, each) for each in key.sub_keys]):
        values = ((value.name or "", (value.type, value.data or b"")) for value in key.values)
        yield names, key.class_name, _sorted(values)
    file.close()


def _libregf_name(name: str) -> str:
    try:
        return name.encode("latin-1").decode("cp1252", "replace")
    except UnicodeEncodeError:
        return name.removeprefix("\ufeff")


def _libregf_data(value: Value) -> object:
    data, length = value.data, len(value.data)
    text = value.type in (1, 2)
    if 0 < length < 4:
        length += length % 2 if text else 0
        data = data.ljust(4, b"\0")[4 - length :]
    if text and length > SEGMENT:
        return value.type, _UNKNOWN
    if text and length > 4:
        units = re.match(rb"(?s)((?:(?!\0\0)..)*\0\0)", data)
        data = units[1] if units is not None else data
    return value.type, data


# --- python-registry --------------------------------------------------------------------------------------


def _read_python_registry(path: Path) -> Iterator[Row]:
    from Registry import Registry

    def name_of(item: Any) -> str:
        try:
            return str(item.name())
        except UnicodeDecodeError:
            return "<undecodable>"

    def data_of(value: Any) -> object:
        kind, length = value.value_type(), value._vkrecord.data_length()
        misread = (kind == 4 and length > 4) or (kind in (5, 11, 16) and length <= 4)
        return kind, None if misread else bytes(value.raw_data())

    root = Registry.Registry(BytesIO(path.read_bytes())).root()
    for names, key in _walk(root, lambda key: [(name_of(each), each) for each in key.subkeys()]):
        yield names, key._nkrecord.classname(), _sorted((name_of(each), data_of(each)) for each in key.values())


def _windows_name(name: str) -> str:
    try:
        return name.encode("latin-1").decode("cp1252")
    except UnicodeEncodeError:
        return name
    except UnicodeDecodeError:
        return "<undecodable>"


def _python_registry_data(value: Value) -> object:
    kind, data, length = value.type & 0xFFF, value.data, len(value.data)
    if kind in (5, 11) and length > SEGMENT:
        return kind, _UNKNOWN
    padded = data.ljust(8, b"\0")
    if kind in (0, 3, 6, 8, 9, 10) or 0x101 <= kind <= 0x11F:
        return kind, data
    if length > 4:
        return kind, {4: None, 5: data[:4], 11: padded[:8]}.get(kind, data)
    return kind, {5: None, 11: None, 16: None, 7: b""}.get(kind, padded[:4])


# --- regipy -----------------------------------------------------------------------------------------------

_REGIPY_TYPES = {
    0: "NONE",
    1: "SZ",
    2: "EXPAND_SZ",
    3: "BINARY",
    4: "DWORD",
    5: "DWORD_BIG_ENDIAN",
    6: "LINK",
    7: "MULTI_SZ",
    8: "RESOURCE_LIST",
    9: "FULL_RESOURCE_DESCRIPTOR",
    10: "RESOURCE_REQUIREMENTS_LIST",
    11: "QWORD",
    16: "FILETIME",
}


def _read_regipy(path: Path) -> Iterator[Row]:
    from construct import StreamError
    from regipy.registry import RegistryHive

    logging.getLogger("regipy").setLevel(logging.CRITICAL)
    opened: Any = RegistryHive
    root = opened(str(path)).root
    for names, key in _walk(root, lambda key: [(each.name, each) for each in key.iter_subkeys()]):
        values: list[tuple[str, object]] = []
        try:
            for value in key.iter_values(trim_values=False):
                kind = str(value.value_type)
                values.append((value.name, (kind, value.value if kind in _REGIPY_COMPARED else None)))
        except StreamError:
            values = [("<stopped>", None)]
        yield names, None, _sorted(values)


_REGIPY_COMPARED = ("REG_NONE", "REG_SZ", "REG_EXPAND_SZ", "REG_BINARY", "REG_DWORD", "REG_QWORD", "REG_MULTI_SZ")


def _regipy_name(name: str) -> str:
    try:
        return "".join(char if char.isascii() else "\ufffd" for char in name.encode("latin-1").decode("latin-1"))
    except UnicodeEncodeError:
        return name


def _regipy_values(tree: KeyTree) -> object:
    values = tree.values.items()
    if any(value.type == 11 and 5 <= len(value.data) <= 7 for _, value in values):
        return [("<stopped>", None)]
    return _sorted((_regipy_name(name) if name else "(default)", _regipy_data(value)) for name, value in values)


def _regipy_data(value: Value) -> object:
    number = value.type & 0xFFFF if value.type > 0xFFFF0000 else value.type
    kind = f"REG_{_REGIPY_TYPES[number]}" if number in _REGIPY_TYPES else str(number)
    data, padded = value.data, value.data.ljust(4, b"\0")
    if number in (4, 11) and len(data) > SEGMENT:
        return kind, _UNKNOWN
    match number:
        case 0 | 3:
            return kind, data
        case 1 | 2:
            return kind, _regipy_text(data)
        case 4 | 11 if len(data) <= 4:
            return kind, int.from_bytes(padded, "little")
        case 4:
            return kind, int.from_bytes(data[:4], "little")
        case 11:
            return kind, int.from_bytes(data[:8], "little")
        case 7:
            return kind, _regipy_texts(data)
    return kind, None


def _regipy_text(data: bytes) -> object:
    for encoding in ("utf-16-le", "utf-8"):
        try:
            return data.decode(encoding).rstrip("\0")
        except UnicodeDecodeError:
            pass
    return data


def _regipy_texts(data: bytes) -> list[str]:
    """The texts that end in a null, up to the first that is none."""
    found = []
    units = [data[at : at + 2] for at in range(0, len(data) - 1, 2)]
    text = b""
    for unit in units:
        if unit == b"\0\0":
            try:
                found.append(text.decode("utf-16-le"))
            except UnicodeDecodeError:
                break
            text = b""
        else:
            text += unit
    return [each for each in found if each]


# --- reglookup --------------------------------------------------------------------------------------------

_REGLOOKUP_TYPES = {
    0: "NONE",
    1: "SZ",
    2: "EXPAND_SZ",
    3: "BINARY",
    4: "DWORD",
    5: "DWORD_BE",
    6: "LINK",
    7: "MULTI_SZ",
    8: "RSRC_LIST",
    9: "RSRC_DESC",
    10: "RSRC_REQ_LIST",
    11: "QWORD",
    0x7FFFFFFF: "KEY",  # its own number for keys
}


def _read_reglookup(path: Path) -> Iterator[Row]:
    done = subprocess.run(["reglookup", "-H", str(path)], capture_output=True, check=False)
    if done.returncode:
        raise OSError(done.returncode, done.stderr.decode("ascii", "replace"))
    keys: dict[bytes, list[tuple[str, object]]] = {}
    for line in done.stdout.split(b"\n")[:-1]:
        path_text, kind, data, written = line.split(b",")
        if kind == b"KEY" and written:
            keys[path_text.rstrip(b"/")] = []
        else:
            key, _, name = path_text.rpartition(b"/")
            keys[key.rstrip(b"/")].append((_unquoted(name), (kind.decode("ascii"), _unquoted(data))))
    for key, values in keys.items():
        names = tuple(_unquoted(name) for name in key.split(b"/")[1:])
        yield names, None, _sorted(values)


def _unquoted(text: bytes) -> str:
    return re.sub(rb"%([0-9A-F]{2})", lambda match: bytes((int(match[1], 16),)), text).decode("latin-1")


def _reglookup_name(name: str) -> str:
    try:
        return name.encode("latin-1").decode("latin-1")
    except UnicodeEncodeError:
        return name.encode("utf-16-le", "surrogatepass").decode("latin-1")


def _reglookup_data(value: Value) -> object:
    kind = _REGLOOKUP_TYPES.get(value.type, f"0x{value.type:08X}")
    return kind, _reglookup_text(value)


def _reglookup_text(value: Value) -> str:
    data = value.data
    if not data:
        return "(null)"
    if value.type in (4, 5) and len(data) >= 4:
        return f"0x{struct.unpack('<I' if value.type == 4 else '>I', data[:4])[0]:08X}"
    if value.type == 11 and len(data) >= 8:
        return f"0x{struct.unpack('<Q', data[:8])[0]:016X}"
    if value.type in (1, 2, 6, 7) and len(data) % 2 == 0:
        try:
            text = data.decode("utf-16-le").encode("ascii").decode("ascii")
        except UnicodeError:
            return data.decode("latin-1")
        return text.rstrip("\0").replace("\0", "|") if value.type == 7 else text.partition("\0")[0]
    return data.decode("latin-1")


TOOLS = (
    Tool(
        "dissect.regf",
        lambda: find_spec("dissect") is not None,
        _read_dissect,
        lambda names, key: (
            tuple(map(_dissect_name, names)),
            key.class_name,
            _values(key, lambda name: _dissect_name(name) or "(Default)", _exact),
        ),
    ),
    Tool(
        "hivex",
        lambda: libhivex.library() is not None,
        _read_hivex,
        lambda names, key: (names, None, _values(key, _same, _exact)),
    ),
    Tool(
        "libregf",
        lambda: find_spec("pyregf") is not None,
        _read_libregf,
        lambda names, key: (
            tuple(map(_libregf_name, names)),
            key.class_name or None,
            _values(key, _libregf_name, _libregf_data),
        ),
    ),
    Tool(
        "python-registry",
        lambda: find_spec("Registry") is not None,
        _read_python_registry,
        lambda names, key: (
            tuple(map(_windows_name, names)),
            key.class_name or "",
            _values(key, lambda name: _windows_name(name) or "(default)", _python_registry_data),
        ),
    ),
    Tool(
        "regipy",
        lambda: find_spec("regipy") is not None,
        _read_regipy,
        lambda names, key: (tuple(map(_regipy_name, names)), None, _regipy_values(key)),
    ),
    Tool(
        "reglookup",
        lambda: shutil.which("reglookup") is not None,
        _read_reglookup,
        lambda names, key: (
            tuple(map(_reglookup_name, names)),
            None,
            _values(key, _reglookup_name, _reglookup_data),
        ),
    ),
)
