r"""Where a path really leads: the 32-bit view, and `CurrentControlSet`, which is a link.

A 32-bit program's `HKLM\SOFTWARE\X` is really `SOFTWARE\Wow6432Node\X` (domain.md 57); that all of SOFTWARE is
redirected, shared keys such as `SOFTWARE\Classes` included, is assumed. `SYSTEM\CurrentControlSet` is a link to
`ControlSet00N` (KB 316772 names one tree both ways; domain.md 98); that N is 1 is assumed.
"""

from __future__ import annotations

from functools import lru_cache

from sim.registry.names import KeyPath

NATIVE = 64
WOW = 32

_LINK = ("SYSTEM", "CURRENTCONTROLSET")


@lru_cache(maxsize=4096)
def physical(key: KeyPath, view: int = NATIVE) -> KeyPath:
    """The key that is opened when `key` is asked for in the 64- or 32-bit `view`. Idempotent."""
    folded = key.folded
    if folded[:2] == _LINK:
        return KeyPath((key.names[0], "ControlSet001", *key.names[2:]))
    if view == WOW and folded[:1] == ("SOFTWARE",) and folded[1:2] != ("WOW6432NODE",):
        return KeyPath((key.names[0], "Wow6432Node", *key.names[1:]))
    return key
