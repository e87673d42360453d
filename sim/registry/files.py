"""Hive files and `.reg` files as one thing: a tree, read from either by its content, and written as either.

Paths:    a hive does not say where it is mounted, a `.reg` file does. Its top key (the deepest that all its keys lie
          at or below) stands for a hive's root, unless another is named.
Deleting: `[-KEY]` and `"Name"=-` change nothing in a registry that is empty, so a tree does not show them; how many
          there are is told.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from sim.registry.hive import SIGNATURE, HiveError
from sim.registry.hive_read import HiveHeader, read_header, read_hive
from sim.registry.hive_write import write_hive
from sim.registry.names import KeyPath
from sim.registry.reg_text import RegDeleteKey, RegDeleteValue, RegTextError, apply_reg, parse_reg, write_reg
from sim.registry.tree import EMPTY, KeyTree

MOUNTED = KeyPath.parse(r"SOFTWARE\Hive")
"""Where a hive is said to be when nobody says it."""


class FileError(ValueError):
    """A file that cannot be read or converted: `FILE: what is wrong; what would be right`, with its place if known."""


class RegistryFile(msgspec.Struct, frozen=True):
    """What a file holds: the tree of its root, where that is in HKEY_LOCAL_MACHINE (a `.reg` file), what it deletes."""

    source: str
    tree: KeyTree
    key: KeyPath | None  # None: a hive
    header: HiveHeader | None
    deletions: int = 0


def read_file(data: bytes, source: str, key: KeyPath | None = None) -> RegistryFile:
    """A hive or a `.reg` file, told apart by content. `key` is the one of a `.reg` file to take, with all below it."""
    if data[:4] == SIGNATURE:
        try:
            return RegistryFile(source, read_hive(data), None, read_header(data))
        except HiveError as error:
            raise FileError(f"{source}: {error}") from None
    if not data:
        raise FileError(f"{source}: the file is empty; a hive begins with 'regf', a .reg file with its version")
    if b"\0\0" in data[:64]:
        raise FileError(f"{source}: the file is neither a hive nor a .reg file; a hive would begin with 'regf'")
    try:
        return _reg_file(data, source, key)
    except RegTextError as error:
        raise FileError(f"{source}:{error}") from None


def _reg_file(data: bytes, source: str, key: KeyPath | None) -> RegistryFile:
    entries = parse_reg(data, source=source)
    gone = sum(isinstance(entry, (RegDeleteKey, RegDeleteValue)) for entry in entries.entries)
    named = {entry.key for entry in entries.entries if not isinstance(entry, RegDeleteKey)}
    if not named:
        raise FileError(f"{source}: the file names no key that it sets; a [KEY] in brackets would")
    top = key if key is not None else common(named)
    tree = apply_reg(EMPTY, entries).at(top)
    if tree is None:
        raise FileError(f"{source}: the file holds nothing of HKLM\\{top}; its top key is {common(named).hklm}")
    return RegistryFile(source, tree, top, None, gone)


def read_two(first: tuple[bytes, str], second: tuple[bytes, str], key: KeyPath | None) -> tuple[RegistryFile, ...]:
    """Two files to be compared: of two `.reg` files the same key, the deepest that all of both lie at or below."""
    files = tuple(read_file(data, source, key) for data, source in (first, second))
    tops = [file.key for file in files if file.key is not None]
    if key is not None or len(tops) < 2 or tops[0] == tops[1]:
        return files
    return tuple(read_file(data, source, common(tops)) for data, source in (first, second))


def common(keys: Iterable[KeyPath]) -> KeyPath:
    """The deepest key that all of them lie at or below."""
    first, *others = sorted(keys)
    depth = len(first)
    for other in others:
        while first.folded[:depth] != other.folded[:depth]:
            depth -= 1
    return KeyPath(first.names[:depth])


def as_reg(file: RegistryFile, key: KeyPath | None) -> bytes:
    """The file's tree as a `.reg` file at `key`, or where it was. FileError for what the format cannot hold."""
    try:
        return write_reg(file.tree, key or file.key or MOUNTED)
    except ValueError as error:
        raise FileError(f"{file.source}: {error}") from None


def as_hive(file: RegistryFile) -> bytes:
    """The file's tree as a hive of version 1.5. FileError for what the format cannot hold."""
    try:
        return write_hive(file.tree)
    except ValueError as error:
        raise FileError(f"{file.source}: {error}") from None
