"""Values of the registry: a type number and exact bytes, and the forms in which people and files write them.

Bytes are stored as given, never re-terminated: a string may lack its null, a number may have the wrong length
(domain.md 93, 94). A friendly form (number, text, list of texts) is shown only where it says the bytes exactly.

Three forms:  `plain` (Python), `to_json` (the contract's, lossy: a QWORD is a number too), `to_exact` (reversible).
Units:        sizes are bytes; text is UTF-16LE, lone surrogates allowed.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from enum import IntEnum

import msgspec

Json = int | str | list[str] | dict[str, str]
"""A value in JSON: a number, a text, a list of texts, or `{"type": "REG_BINARY", "data": "01 02 ff"}`."""

SHOWN = 60
"""How many characters `Value.show` takes at most."""


class Type(IntEnum):
    """The documented type numbers (winnt.h; domain.md 93). Any other number may stand in a registry as well."""

    NONE = 0
    SZ = 1
    EXPAND_SZ = 2
    BINARY = 3
    DWORD = 4
    DWORD_BIG_ENDIAN = 5
    LINK = 6
    MULTI_SZ = 7
    RESOURCE_LIST = 8
    FULL_RESOURCE_DESCRIPTOR = 9
    RESOURCE_REQUIREMENTS_LIST = 10
    QWORD = 11


_NAMES = {kind.value: f"REG_{kind.name}" for kind in Type}
_NUMBERS = {name: number for number, name in _NAMES.items()} | {
    "REG_DWORD_LITTLE_ENDIAN": 4,
    "REG_QWORD_LITTLE_ENDIAN": 11,
}
_LAYOUTS = {Type.DWORD.value: "<I", Type.DWORD_BIG_ENDIAN.value: ">I", Type.QWORD.value: "<Q"}
_TEXTS = (Type.SZ.value, Type.EXPAND_SZ.value)
_UNKNOWN = re.compile("REG_0X([0-9A-F]{1,8})")


def type_name(number: int) -> str:
    """`REG_DWORD`; a number that is no documented type is `REG_0x77`."""
    return _NAMES.get(number) or f"REG_0x{number:x}"


def type_number(name: str) -> int:
    """The inverse of `type_name`, in any case. ValueError for a name that is none."""
    upper = name.upper()
    unknown = _UNKNOWN.fullmatch(upper)
    if unknown is not None:
        return int(unknown[1], 16)
    if upper not in _NUMBERS:
        raise ValueError(f"{name!r} is no type of the registry; REG_SZ, REG_DWORD or REG_BINARY would be")
    return _NUMBERS[upper]


class Value(msgspec.Struct, frozen=True, gc=False):  # holds nothing that could be part of a cycle
    """The data of one value: its type number (0 ... 2**32 - 1) and its bytes."""

    type: int
    data: bytes

    @staticmethod
    def dword(number: int) -> Value:
        """REG_DWORD. ValueError outside 0 ... 2**32 - 1."""
        return _integer(Type.DWORD, number)

    @staticmethod
    def dword_big_endian(number: int) -> Value:
        """REG_DWORD_BIG_ENDIAN. ValueError outside 0 ... 2**32 - 1."""
        return _integer(Type.DWORD_BIG_ENDIAN, number)

    @staticmethod
    def qword(number: int) -> Value:
        """REG_QWORD. ValueError outside 0 ... 2**64 - 1."""
        return _integer(Type.QWORD, number)

    @staticmethod
    def sz(text: str) -> Value:
        """REG_SZ with its terminating null."""
        return Value(Type.SZ.value, _utf16(text + "\0"))

    @staticmethod
    def expand_sz(text: str) -> Value:
        """REG_EXPAND_SZ with its terminating null."""
        return Value(Type.EXPAND_SZ.value, _utf16(text + "\0"))

    @staticmethod
    def multi_sz(texts: Sequence[str]) -> Value:
        """REG_MULTI_SZ. ValueError for a text that is empty (domain.md 94) or holds a null."""
        for text in texts:
            if not text or "\0" in text:
                raise ValueError(f"REG_MULTI_SZ cannot contain the text {text!r}: the list would end there")
        return Value(Type.MULTI_SZ.value, _listed(texts))

    @staticmethod
    def binary(data: bytes) -> Value:
        """REG_BINARY."""
        return Value(Type.BINARY.value, data)

    @staticmethod
    def none(data: bytes = b"") -> Value:
        """REG_NONE."""
        return Value(Type.NONE.value, data)

    def plain(self) -> int | str | list[str] | None:
        """The number, text or texts, where they say the bytes exactly; else None."""
        layout = _LAYOUTS.get(self.type)
        if layout is not None:
            return int(struct.unpack(layout, self.data)[0]) if len(self.data) == struct.calcsize(layout) else None
        if self.type in _TEXTS:
            return _text(self.data)
        return _text_list(self.data) if self.type == Type.MULTI_SZ else None

    def to_json(self) -> Json:
        """As the contract writes data in JSON: numbers, text and lists bare, all else as type and bytes."""
        plain = None if self.type in (Type.EXPAND_SZ, Type.DWORD_BIG_ENDIAN) else self.plain()
        return {"type": type_name(self.type), "data": self.data.hex(" ")} if plain is None else plain

    def to_exact(self) -> Json:
        """As `to_json`, but `from_exact` gives the same value again: a bare number is always a REG_DWORD.

        Where `from_exact` would take `data` for text, or refuse it as no number, the bytes stand under `hex`.
        """
        plain = self.plain()
        if plain is not None and self.type in (Type.DWORD, Type.SZ, Type.MULTI_SZ):
            return plain
        friendly = self.type in _TEXTS or (self.type in _LAYOUTS and plain is None)
        return {"type": type_name(self.type), "hex" if friendly else "data": self.data.hex(" ")}

    @staticmethod
    def from_exact(given: object) -> Value:
        """A value as scenarios and histories write it. ValueError, whose message says what would be right.

        A number is a REG_DWORD, a text a REG_SZ, a list a REG_MULTI_SZ. Else `{type, data}`: `data` is what is
        natural for the type (number, text, list) or bytes in hex; or `{type, hex}`: bytes for any type.
        """
        match given:
            case bool():
                raise ValueError(f"{given!r} is no registry data; a number, a text or a list of texts would be")
            case int():
                return Value.dword(given)
            case str():
                return Value.sz(given)
            case list() | tuple():
                return Value.multi_sz(_only_texts(given))
            case dict():
                return _typed(given)
        raise ValueError(f"{given!r} is no registry data; a number, a text, a list of texts or {{type, data}} would be")

    def show(self) -> str:
        """For people: `80`, `"text"`, `["a", "b"]`, `hex:01,02,ff`; over 60 characters it ends in `…`."""
        match self.plain():
            case int(number):
                return str(number)
            case str(text):
                shown = f'"{text}"'
            case list(texts):
                shown = "[" + ", ".join(f'"{text}"' for text in texts) + "]"
            case _:
                shown = "hex:" + self.data[:SHOWN].hex(",")
        return shown if len(shown) <= SHOWN else shown[: SHOWN - 1] + "…"


def _integer(kind: Type, number: int) -> Value:
    layout = _LAYOUTS[kind]
    limit = (1 << 8 * struct.calcsize(layout)) - 1
    if not 0 <= number <= limit:
        raise ValueError(f"{number} does not fit {type_name(kind)}; 0 to {limit} would")
    return Value(kind.value, struct.pack(layout, number))


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def _listed(texts: Sequence[str]) -> bytes:
    return _utf16("".join(text + "\0" for text in texts) + "\0")


def _decoded(data: bytes) -> str | None:
    try:
        return data.decode("utf-16-le")
    except UnicodeDecodeError:
        return None


def _text(data: bytes) -> str | None:
    whole = _decoded(data)
    return whole[:-1] if whole is not None and whole.find("\0") == len(whole) - 1 and whole else None


def _text_list(data: bytes) -> list[str] | None:
    whole = _decoded(data)
    if not whole:
        return None
    texts = whole[:-1].split("\0")[:-1]
    return texts if all(texts) and _listed(texts) == data else None


def _only_texts(given: Sequence[object]) -> list[str]:
    texts = [text for text in given if isinstance(text, str)]
    if len(texts) != len(given):
        raise ValueError(f"{given!r} is no REG_MULTI_SZ; a list of texts only would be")
    return texts


def _typed(given: dict[object, object]) -> Value:
    name = given.get("type")
    if set(given) not in ({"type", "data"}, {"type", "hex"}) or not isinstance(name, str):
        raise ValueError("data as a map has type and data, such as {type: REG_BINARY, data: '01 02 ff'}")
    kind = type_number(name)
    if "hex" in given:
        return Value(kind, _bytes(given["hex"], kind))
    match given["data"]:
        case bool():
            pass
        case int(number) if kind in _LAYOUTS:
            return _integer(Type(kind), number)
        case list(texts) | tuple(texts) if kind == Type.MULTI_SZ:
            return Value.multi_sz(_only_texts(texts))
        case str(text) if kind in _TEXTS:
            return Value(kind, _utf16(text + "\0"))
        case str(text) if kind in _LAYOUTS:
            return _integer_of_bytes(kind, text)
        case str(text):
            return Value(kind, _bytes(text, kind))
    raise ValueError(f"{given['data']!r} is no data for {name}; {_natural(kind)} would be")


def _integer_of_bytes(kind: int, text: str) -> Value:
    value = Value(kind, _bytes(text, kind))
    if value.plain() is None:  # "10" was surely meant as a number, and one byte is none
        raise ValueError(f"{text!r} is no data for {type_name(kind)}; {_natural(kind)} would be")
    return value


def _natural(kind: int) -> str:
    if kind in _LAYOUTS:
        return "a number"
    if kind in _TEXTS:
        return "a text"
    return "a list of texts" if kind == Type.MULTI_SZ else "bytes in hex, such as '01 02 ff',"


def _bytes(text: object, kind: int) -> bytes:
    if isinstance(text, str):
        try:
            return bytes.fromhex(text.replace(",", " "))
        except ValueError:
            pass
    raise ValueError(f"{text!r} is no data for {type_name(kind)}; bytes in hex, such as '01 02 ff', would be")
