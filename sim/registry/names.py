"""Names of keys and values: Windows' upper-casing, and paths of keys below HKEY_LOCAL_MACHINE.

Names ignore case and keep it as first written (domain.md 96; the keeping is assumed). Windows upper-cases one
UTF-16 unit to one, so `str.upper` is wrong for 54 characters (ß, µ, ı ...): `upcase` follows the rule that
equals the Windows table on the whole BMP (regf.md, "Upper-casing").
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

_ROOTS = ("HKLM", "HKEY_LOCAL_MACHINE")


@lru_cache(maxsize=4096)
def upcase(name: str) -> str:
    """The name as Windows compares it."""
    if name.isascii():
        return name.upper()
    return "".join(map(_upcase_unit, name))


def _upcase_unit(unit: str) -> str:
    if unit > "\uffff":
        return unit
    for changed in (unit.upper(), unit.title()):
        if len(changed) == 1 and changed.lower() == unit and changed <= "\uffff":
            return changed
    return unit


class KeyPath:
    """The path of a key, relative to HKEY_LOCAL_MACHINE; the empty path is HKEY_LOCAL_MACHINE itself.

    Immutable; equality, hash and order ignore case. Raises ValueError for an empty component.
    """

    __slots__ = ("_hash", "folded", "names")

    names: tuple[str, ...]
    folded: tuple[str, ...]

    def __init__(self, names: Iterable[str]) -> None:
        names = tuple(names)
        if not all(names):
            raise ValueError("a key's name is empty in " + repr("\\".join(names)))
        self.names = names
        self.folded = tuple(map(upcase, names))
        self._hash = hash(self.folded)

    @classmethod
    def parse(cls, text: str) -> KeyPath:
        r"""`SOFTWARE\Contoso`; the empty text is HKEY_LOCAL_MACHINE itself."""
        return _parse(text)

    @classmethod
    def parse_hklm(cls, text: str) -> KeyPath:
        r"""`HKLM\SOFTWARE\Contoso` or `HKEY_LOCAL_MACHINE\...`; raises ValueError for any other root."""
        root, _, rest = text.partition("\\")
        if root.upper() not in _ROOTS:
            raise ValueError(f"{text!r} does not begin with HKLM")
        return _parse(rest)

    def __truediv__(self, name: str) -> KeyPath:
        return KeyPath((*self.names, name))

    @property
    def parent(self) -> KeyPath:
        """The key above. Raises IndexError for HKEY_LOCAL_MACHINE itself."""
        if not self.names:
            raise IndexError("HKEY_LOCAL_MACHINE has no parent")
        return KeyPath(self.names[:-1])

    @property
    def name(self) -> str:
        """The last name."""
        return self.names[-1]

    @property
    def hklm(self) -> str:
        r"""As people write it: `HKLM\SOFTWARE\Contoso`."""
        return "\\".join(("HKLM", *self.names))

    def covers(self, other: KeyPath) -> bool:
        """Whether `other` is this key or lies below it."""
        return other.folded[: len(self.folded)] == self.folded

    def below(self, above: KeyPath) -> tuple[str, ...]:
        """The names that lead from `above` to this key. Raises ValueError where it does not lie below."""
        if not above.covers(self):
            raise ValueError(f"{self} does not lie below {above}")
        return self.names[len(above.names) :]

    def __len__(self) -> int:
        return len(self.names)

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeyPath) and self.folded == other.folded

    def __lt__(self, other: KeyPath) -> bool:
        return self.folded < other.folded

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        return "\\".join(self.names)

    def __repr__(self) -> str:
        return f"KeyPath.parse({str(self)!r})"

    def __reduce__(self) -> Any:
        return KeyPath, (self.names,)  # a hash of text is worth nothing in another process


@lru_cache(maxsize=4096)
def _parse(text: str) -> KeyPath:
    return KeyPath(text.split("\\") if text else ())
