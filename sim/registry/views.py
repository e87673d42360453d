r"""Where a path really leads: the 32-bit view, and `CurrentControlSet`, which is a link.

A 32-bit program's `HKLM\SOFTWARE\X` is really `SOFTWARE\Wow6432Node\X` (domain.md 57). Assumed: all of SOFTWARE is
redirected, keys that later versions share or reflect (`SOFTWARE\Classes`, `SOFTWARE\Policies` ...) included.
`SYSTEM\CurrentControlSet` is a link to `ControlSet00N` (KB 316772 names one tree both ways; domain.md 98). Assumed:
N is 1, and no other key is a link.
"""

from __future__ import annotations

from sim.registry.names import KeyPath

NATIVE = 64
WOW = 32

_LINK = ("SYSTEM", "CURRENTCONTROLSET")


def physical(key: KeyPath, view: int = NATIVE) -> KeyPath:
    """The key that is opened when `key` is asked for in the 64- or 32-bit `view`. Idempotent."""
    # Nothing is remembered here: equal paths may differ in case, and the answer must show the case it was given.
    folded = key.folded
    if folded[:2] == _LINK:
        return KeyPath((key.names[0], "ControlSet001", *key.names[2:]))
    if view == WOW and folded[:1] == ("SOFTWARE",) and folded[1:2] != ("WOW6432NODE",):
        return KeyPath((key.names[0], "Wow6432Node", *key.names[1:]))
    return key
