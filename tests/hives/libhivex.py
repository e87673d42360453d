"""hivex, the C library of the libguestfs project, through ctypes: it reads hives, and writes into those that exist.

ctypes and not its Python binding, which Debian builds for its own Python alone.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from sim.registry import Value

_HANDLE = ctypes.c_size_t
_WRITE = 4  # HIVEX_OPEN_WRITE


class _SetValue(ctypes.Structure):
    _fields_ = (
        ("key", ctypes.c_char_p),
        ("type", ctypes.c_uint),
        ("length", ctypes.c_size_t),
        ("data", ctypes.c_char_p),
    )


_RESULTS = {
    "open": ctypes.c_void_p,
    "close": ctypes.c_int,
    "root": _HANDLE,
    "node_name": ctypes.c_void_p,
    "node_name_len": ctypes.c_size_t,
    "node_children": ctypes.POINTER(_HANDLE),
    "node_values": ctypes.POINTER(_HANDLE),
    "node_add_child": _HANDLE,
    "node_set_values": ctypes.c_int,
    "value_key": ctypes.c_void_p,
    "value_key_len": ctypes.c_size_t,
    "value_value": ctypes.c_void_p,
    "commit": ctypes.c_int,
}
_ARGUMENTS = {
    "open": [ctypes.c_char_p, ctypes.c_int],
    "node_add_child": [ctypes.c_void_p, _HANDLE, ctypes.c_char_p],
    "node_set_values": [ctypes.c_void_p, _HANDLE, ctypes.c_size_t, ctypes.POINTER(_SetValue), ctypes.c_int],
    "commit": [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int],
    "value_value": [ctypes.c_void_p, _HANDLE, ctypes.POINTER(ctypes.c_uint), ctypes.POINTER(ctypes.c_size_t)],
    "close": [ctypes.c_void_p],
    "root": [ctypes.c_void_p],
}


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL | None:
    """libhivex, None where it is not installed."""
    name = ctypes.util.find_library("hivex")
    if name is None:
        return None
    found = ctypes.CDLL(name, use_errno=True)
    for verb, result in _RESULTS.items():
        function = getattr(found, f"hivex_{verb}")  # indexing would give a new one each time
        function.restype = result
        function.argtypes = _ARGUMENTS.get(verb, [ctypes.c_void_p, _HANDLE])
    found.free.argtypes = [ctypes.c_void_p]  # of the C library, which it is linked with
    return found


class Hivex:
    """An open hive. OSError where hivex refuses."""

    def __init__(self, path: Path, *, write: bool = False) -> None:
        lib = library()
        assert lib is not None, "hivex is not installed"
        self._lib = lib
        self._hive = self._checked(lib.hivex_open(str(path).encode(), _WRITE if write else 0))

    def _checked(self, result: int | None) -> int:
        if not result:
            raise OSError(ctypes.get_errno(), "hivex refuses the hive")
        return result

    def close(self) -> None:
        """Close it."""
        self._lib.hivex_close(self._hive)

    def root(self) -> int:
        """The root key."""
        return self._checked(self._lib.hivex_root(self._hive))

    def name(self, node: int) -> str:
        """A key's name."""
        length = self._lib.hivex_node_name_len(self._hive, node)
        return self._taken(self._lib.hivex_node_name(self._hive, node), length).decode("utf-8")

    def children(self, node: int) -> list[int]:
        """A key's subkeys, in the hive's order."""
        return self._list(self._lib.hivex_node_children(self._hive, node))

    def values(self, node: int) -> list[tuple[str, Value]]:
        """A key's values with their names, in the hive's order."""
        kind, length = ctypes.c_uint(), ctypes.c_size_t()
        found = []
        for handle in self._list(self._lib.hivex_node_values(self._hive, node)):
            size = self._lib.hivex_value_key_len(self._hive, handle)
            name = self._taken(self._lib.hivex_value_key(self._hive, handle), size).decode("utf-8")
            data = self._lib.hivex_value_value(self._hive, handle, kind, length)
            found.append((name, Value(kind.value, self._taken(data, length.value))))
        return found

    def add_child(self, parent: int, name: str) -> int:
        """A new subkey."""
        return self._checked(self._lib.hivex_node_add_child(self._hive, parent, name.encode("utf-8")))

    def set_values(self, node: int, values: list[tuple[str, Value]]) -> None:
        """Set all values of a key."""
        given = (_SetValue * len(values))(
            *(_SetValue(name.encode("utf-8"), value.type, len(value.data), value.data) for name, value in values)
        )
        if self._lib.hivex_node_set_values(self._hive, node, len(values), given, 0):
            self._checked(None)

    def commit(self) -> None:
        """Write it back to its file."""
        if self._lib.hivex_commit(self._hive, None, 0):
            self._checked(None)

    def _taken(self, pointer: int | None, length: int) -> bytes:
        """A copy of what hivex has allocated."""
        data = ctypes.string_at(self._checked(pointer), length)
        self._lib.free(pointer)
        return data

    def _list(self, handles: ctypes._Pointer[ctypes.c_size_t]) -> list[int]:
        if not handles:
            self._checked(None)
        found: list[int] = []
        while handles[len(found)]:
            found.append(handles[len(found)])
        self._lib.free(ctypes.cast(handles, ctypes.c_void_p))
        return found


@contextmanager
def opened(path: Path, *, write: bool = False) -> Iterator[Hivex]:
    """An open hive that is closed in the end."""
    hive = Hivex(path, write=write)
    try:
        yield hive
    finally:
        hive.close()
