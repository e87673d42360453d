"""Names of keys and values as Windows compares them, and paths of keys below HKEY_LOCAL_MACHINE.

Names ignore case and keep it as first written (domain.md 96; the keeping is assumed). Two names are equal when
their upper-cased forms are: `upcase`, which is Windows' own table and no `str.upper` (casing.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, total_ordering

from sim.registry.casing import UPPER

_ROOTS = ("HKLM", "HKEY_LOCAL_MACHINE")


@lru_cache(maxsize=1 << 14)
def upcase(name: str) -> str:
    """The name as Windows compares it: `upcase("Größe") == "GRÖßE"`."""
    return name.upper() if name.isascii() else name.translate(UPPER)


@total_ordering
class KeyPath:
    """The path of a key, relative to HKEY_LOCAL_MACHINE; the empty path is HKEY_LOCAL_MACHINE itself.

    Immutable; equality, hash and order ignore case. ValueError for a name that is empty or holds a backslash.
    """

    __slots__ = ("_hash", "folded", "names")

    names: tuple[str, ...]
    folded: tuple[str, ...]

    def __init__(self, names: Iterable[str]) -> None:
        names = tuple(names)
        for name in names:
            if not name:
                raise ValueError("a key's name is empty in " + repr("\\".join(names)))
            if "\\" in name:
                raise ValueError(f"a key's name holds a backslash: {name!r}")
        self.names = names
        self.folded = tuple(map(upcase, names))
        self._hash = hash(self.folded)

    @classmethod
    def parse(cls, text: str) -> KeyPath:
        r"""`SOFTWARE\Contoso`; the empty text is HKEY_LOCAL_MACHINE itself. ValueError for an empty name."""
        return _parsed(text)

    @classmethod
    def parse_hklm(cls, text: str) -> KeyPath:
        r"""`HKLM\SOFTWARE\Contoso` or `HKEY_LOCAL_MACHINE\...`; ValueError for any other root."""
        root, backslash, rest = text.partition("\\")
        if root.upper() not in _ROOTS:
            raise ValueError(f"{text!r} does not begin with HKLM or HKEY_LOCAL_MACHINE")
        return KeyPath(rest.split("\\")) if backslash else _parsed("")

    def __truediv__(self, below: str) -> KeyPath:
        r"""The key below: `path / "Sub"`, also `path / r"Sub\Deeper"`. ValueError for an empty name."""
        return KeyPath((*self.names, *below.split("\\")))

    @property
    def parent(self) -> KeyPath:
        """The key above. IndexError for HKEY_LOCAL_MACHINE itself."""
        if not self.names:
            raise IndexError("HKEY_LOCAL_MACHINE has no parent")
        return KeyPath(self.names[:-1])

    @property
    def name(self) -> str:
        """The last name. IndexError for HKEY_LOCAL_MACHINE itself."""
        return self.names[-1]

    @property
    def hklm(self) -> str:
        r"""As people write it: `HKLM\SOFTWARE\Contoso`."""
        return "\\".join(("HKLM", *self.names))

    def covers(self, other: KeyPath) -> bool:
        """Whether `other` is this key or lies below it."""
        return other.folded[: len(self.folded)] == self.folded

    def below(self, above: KeyPath) -> tuple[str, ...]:
        """The names that lead from `above` to this key. ValueError where it does not lie at or below `above`."""
        if not above.covers(self):
            raise ValueError(f"{self} does not lie below {above}")
        return self.names[len(above.names) :]

    def __len__(self) -> int:
        return len(self.names)

    def __bool__(self) -> bool:
        return True  # the empty path is a key too: `if path` asks whether there is one

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

    def __reduce__(self) -> tuple[type[KeyPath], tuple[tuple[str, ...]]]:
        return KeyPath, (self.names,)  # a hash of text is worth nothing in another process


@lru_cache(maxsize=1 << 12)
def _parsed(text: str) -> KeyPath:
    return KeyPath(text.split("\\") if text else ())
