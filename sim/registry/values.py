"""Values of the registry: a type number and exact bytes, and the forms in which people and files write them.

Bytes are stored as given and never re-terminated (domain.md 94: a string may lack its null). Units: none.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import IntEnum

import msgspec

Json = int | str | list[str] | dict[str, str]
"""A value in JSON: a number, a text, a list of texts, or `{"type": "REG_BINARY", "data": "01 02 ff"}`."""


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


_NAMES = {int(kind): f"REG_{kind.name}" for kind in Type}
_NUMBERS = {name: number for number, name in _NAMES.items()} | {
    "REG_DWORD_LITTLE_ENDIAN": 4,
    "REG_QWORD_LITTLE_ENDIAN": 11,
}
_INTEGERS = {int(Type.DWORD): "<I", int(Type.QWORD): "<Q", int(Type.DWORD_BIG_ENDIAN): ">I"}


def type_name(number: int) -> str:
    """`REG_DWORD`; a number that is no documented type is `REG_0x77`."""
    return _NAMES.get(number) or f"REG_0x{number:x}"


def type_number(name: str) -> int:
    """The inverse of `type_name`, in any case. Raises ValueError for a name that is none."""
    upper = name.upper()
    if upper in _NUMBERS:
        return _NUMBERS[upper]
    try:
        if upper.startswith("REG_0X"):
            return int(upper[6:], 16)
    except ValueError:
        pass
    raise ValueError(f"{name!r} is no type of the registry")


class Value(msgspec.Struct, frozen=True):
    """The data of one value: its type number and its bytes."""

    type: int
    data: bytes

    @staticmethod
    def dword(number: int) -> Value:
        """REG_DWORD. Raises ValueError outside 0 ... 2**32 - 1."""
        return _integer(Type.DWORD, number)

    @staticmethod
    def dword_big_endian(number: int) -> Value:
        return _integer(Type.DWORD_BIG_ENDIAN, number)

    @staticmethod
    def qword(number: int) -> Value:
        """REG_QWORD. Raises ValueError outside 0 ... 2**64 - 1."""
        return _integer(Type.QWORD, number)

    @staticmethod
    def sz(text: str) -> Value:
        """REG_SZ with its terminating null."""
        return Value(Type.SZ.value, _utf16(text + "\0"))

    @staticmethod
    def expand_sz(text: str) -> Value:
        return Value(Type.EXPAND_SZ.value, _utf16(text + "\0"))

    @staticmethod
    def multi_sz(texts: Sequence[str]) -> Value:
        """REG_MULTI_SZ. Raises ValueError for an empty text, which it cannot contain (domain.md 94)."""
        if not all(texts):
            raise ValueError("REG_MULTI_SZ cannot contain an empty text")
        return Value(Type.MULTI_SZ.value, _utf16("".join(text + "\0" for text in texts) + "\0"))

    @staticmethod
    def binary(data: bytes) -> Value:
        return Value(Type.BINARY.value, data)

    @staticmethod
    def none(data: bytes = b"") -> Value:
        return Value(Type.NONE.value, data)

    def plain(self) -> int | str | list[str] | None:
        """The number, text or texts, where they say the bytes exactly; else None."""
        number, data = self.type, self.data
        layout = _INTEGERS.get(number)
        if layout is not None:
            return int(struct.unpack(layout, data)[0]) if len(data) == struct.calcsize(layout) else None
        if number in (Type.SZ, Type.EXPAND_SZ, Type.MULTI_SZ):
            return _texts(data) if number == Type.MULTI_SZ else _text(data)
        return None

    def to_json(self) -> Json:
        """As the contract writes data in JSON: QWORD is a plain number too, so the type is not always told."""
        plain = self.plain()
        if plain is None or self.type in (Type.EXPAND_SZ, Type.DWORD_BIG_ENDIAN):
            return {"type": type_name(self.type), "data": self.data.hex(" ")}
        return plain

    def to_exact(self) -> Json:
        """Like `to_json`, but reversible by `from_exact`: a number is always a REG_DWORD."""
        plain = None if self.type == Type.QWORD else self.to_json()
        if plain is None or isinstance(plain, dict):
            return {"type": type_name(self.type), "hex": self.data.hex(" ")}
        return plain

    @staticmethod
    def from_exact(given: object) -> Value:
        """A value as scenarios and histories write it. Raises ValueError, whose message says what would be right."""
        match given:
            case bool():
                raise ValueError("true and false are no registry data; a number, a text or a list of texts would be")
            case int():
                return Value.dword(given)
            case str():
                return Value.sz(given)
            case list() | tuple():
                return Value.multi_sz(_all_text(given))
            case dict():
                return _typed(given)
        raise ValueError(f"{given!r} is no registry data; a number, a text, a list of texts or {{type, data}} would be")

    def show(self, width: int = 60) -> str:
        """For people: `80`, `"text"`, `["a", "b"]`, `hex:01,02,ff`; shortened to `width` characters."""
        plain = self.plain()
        if isinstance(plain, int):
            return str(plain)
        if isinstance(plain, str):
            shown = f'"{plain}"'
        elif plain is not None:
            shown = "[" + ", ".join(f'"{text}"' for text in plain) + "]"
        else:
            shown = "hex:" + self.data[:width].hex(",")
        return shown if len(shown) <= width else shown[: width - 3] + "..."


def _integer(kind: Type, number: int) -> Value:
    layout = _INTEGERS[kind]
    if not 0 <= number < 1 << 8 * struct.calcsize(layout):
        raise ValueError(f"{number} does not fit {type_name(kind)}")
    return Value(kind.value, struct.pack(layout, number))


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def _text(data: bytes) -> str | None:
    if len(data) % 2 or not data.endswith(b"\0\0"):
        return None
    try:
        text = data.decode("utf-16-le")[:-1]
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _texts(data: bytes) -> list[str] | None:
    try:
        whole = data.decode("utf-16-le")
    except UnicodeDecodeError:
        return None
    texts = whole[:-1].split("\0")[:-1] if whole.endswith("\0") else []
    return texts if all(texts) and _utf16("".join(text + "\0" for text in texts) + "\0") == data else None


def _all_text(given: Sequence[object]) -> list[str]:
    texts = [text for text in given if isinstance(text, str)]
    if len(texts) != len(given):
        raise ValueError("a list is REG_MULTI_SZ and holds texts only")
    return texts


def _typed(given: dict[object, object]) -> Value:
    if set(given) not in ({"type", "data"}, {"type", "hex"}) or not isinstance(given["type"], str):
        raise ValueError("registry data as a map has the keys type and data, such as {type: REG_BINARY, data: 01 02 ff}")
    kind, data = type_number(given["type"]), given.get("data", given.get("hex"))
    if "hex" in given:
        return Value(kind, _bytes(str(data)))
    match data:
        case bool():
            raise ValueError("true and false are no registry data")
        case int() if kind in _INTEGERS:
            return _integer(Type(kind), data)
        case list() | tuple() if kind == Type.MULTI_SZ:
            return Value.multi_sz(_all_text(data))
        case str() if kind in (Type.SZ, Type.EXPAND_SZ):
            return Value(kind, _utf16(data + "\0"))
        case str() | int():
            return Value(kind, _bytes(str(data)))
    raise ValueError(f"{data!r} is no data for {type_name(kind)}")


def _bytes(text: str) -> bytes:
    data = _hex(text.replace(",", " "))
    if data is None:
        raise ValueError(f"{text!r} is no bytes in hex, such as 01 02 ff")
    return data


def _hex(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None
