"""Trees for comparison with other tools, by number: every kind of name, value and shape that a hive can hold.

Never: lone surrogates in names, which tools that speak UTF-8 cannot say (tests/registry/test_hive.py has them).
"""

from __future__ import annotations

import random

from sim.registry import KeyTree, NameMap, Value
from sim.registry.names import upcase

KINDS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x77, 0x7FFFFFFF, 2**32 - 1)
"""The documented types, and numbers that are none."""

SIZES = (0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 100, 4000, 4059, 4060, 4061, 4092, 16343, 16344, 16345, 32688, 32689)
"""Lengths of data around everything where the format changes: the field, a page, a segment, two."""

TEXTS = ("", "a", "grüße €", "%SystemRoot%\\x", "日本", "\U0001f600", "two\nlines", "a|b,c%")


def tree(number: int) -> KeyTree:
    """The tree of that number, always the same. Each hundredth is large."""
    rng = random.Random(number)
    if number % 100 == 7:
        return many_subkeys(rng)
    if number % 100 == 8:
        return chain(rng, 500)
    return _key(rng, rng.randint(0, 3))


def many_subkeys(rng: random.Random) -> KeyTree:
    """A key of 10,000 subkeys, one of them with 2,000 values."""
    keys = [(_name(rng, 20) + str(number), KeyTree()) for number in range(9_999)]
    values = NameMap.of((f"value {number}", _value(rng, 20)) for number in range(2_000))
    return KeyTree(keys=NameMap.of([*keys, ("Of values", KeyTree(values))]))


def chain(rng: random.Random, length: int) -> KeyTree:
    """Keys one in the other."""
    key = _key(rng, 0)
    for _ in range(length):
        key = KeyTree(keys=NameMap.of([(_name(rng, 3) or "k", key)]))
    return key


def _key(rng: random.Random, levels: int) -> KeyTree:
    values = [
        (_name(rng, rng.choice((1, 3, 12, 60))), _value(rng, rng.choice(SIZES))) for _ in range(rng.randint(0, 6))
    ]
    if rng.random() < 0.5:
        values.append(("", _value(rng, 12)))
    count = rng.choice((0, 1, 2, 3, 30 if levels == 1 else 3)) if levels else 0
    keys = [(_name(rng, rng.choice((1, 4, 40))), _key(rng, rng.randint(0, levels - 1))) for _ in range(count)]
    class_name = rng.choice((None, None, None, "Class", "Klaß 日 \U0001f600"))
    return KeyTree(NameMap.of(values), NameMap.of(pair for pair in keys if pair[0]), class_name, rng.random() < 0.02)


def _name(rng: random.Random, longest: int) -> str:
    kind = rng.randrange(6)
    return "".join(filter(None, (_character(rng, kind) for _ in range(rng.randint(0, longest)))))


def _character(rng: random.Random, kind: int) -> str:
    match kind:
        case 0 | 1:
            return chr(rng.randint(0x20, 0x7E)).replace("\\", "_")
        case 2:
            return chr(rng.randint(0x01, 0xFF)).replace("\\", "_")
        case 3:
            return rng.choice("ßſıµÄäǅǆÿŸяЯ日ῼᾳﬁ\ue000\uffee")
        case 4:
            return chr(rng.choice((rng.randint(0x100, 0xD7FF), rng.randint(0xE000, 0xFFFD))))
        case _:  # any of the sixteen planes beyond the first
            return chr(rng.randint(1, 16) << 16 | rng.randint(0, 0xFFFD))


def _value(rng: random.Random, size: int) -> Value:
    kind = rng.choice(KINDS)
    match rng.randrange(4):
        case 0:
            text = rng.choice(TEXTS) * rng.choice((1, 1, 3))
            return rng.choice((Value.sz(text), Value.expand_sz(text), Value.multi_sz([text or "-", "z"])))
        case 1:
            return rng.choice((Value.dword, Value.dword_big_endian, Value.qword))(rng.getrandbits(32))
        case 2:
            return Value(kind, rng.randbytes(size))
        case _:
            return Value(kind, (upcase(rng.choice(TEXTS)).encode("utf-16-le") + b"\0\0") * (size // 8 + 1))
