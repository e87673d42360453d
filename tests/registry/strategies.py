"""Hypothesis strategies for the registry: names that collide by case, values of every kind, trees of every shape.

Small on purpose: names come from a short alphabet, so that two trees drawn apart have names in common, and every
awkward character of the parsers is among them. `plain_trees` are those that a `.reg` file can hold.
"""

from __future__ import annotations

import pickle

from hypothesis import strategies as st

from sim.registry import KeyPath, KeyTree, NameMap, Value

AWKWARD = "aAbBzZ09 .;=@-[]\"'ßſıµÄäǅÿŸ€я日\U0001f600\x81\t"
"""Case pairs, characters that str.upper gets wrong, characters that `.reg` text escapes, one beyond the BMP."""

key_names = st.text(st.sampled_from(AWKWARD), min_size=1, max_size=3).filter(lambda name: "];" not in name)
value_names = st.text(st.sampled_from(AWKWARD + "\\"), max_size=3)
paths = st.lists(key_names, max_size=4).map(KeyPath)

texts = st.text(st.characters(codec="utf-8"), max_size=6) | st.text(st.sampled_from(AWKWARD + "\\\r\n\0"), max_size=6)
numbers = st.integers(0, 2**32 - 1)


def values() -> st.SearchStrategy[Value]:
    """Well-formed values of the friendly types, and any bytes under any type number."""
    listed = st.lists(texts.filter(lambda text: text != "" and "\0" not in text), max_size=3)
    return st.one_of(
        numbers.map(Value.dword),
        texts.map(Value.sz),
        texts.map(Value.expand_sz),
        listed.map(Value.multi_sz),
        st.integers(0, 2**64 - 1).map(Value.qword),
        numbers.map(Value.dword_big_endian),
        st.binary(max_size=60).map(Value.binary),
        st.builds(Value, st.sampled_from((0, 1, 2, 4, 6, 7, 11, 0x77, 2**32 - 1)), st.binary(max_size=9)),
    )


def plain_trees(names: st.SearchStrategy[str] = value_names) -> st.SearchStrategy[KeyTree]:
    """Trees without class names and volatile keys."""
    return st.recursive(
        st.lists(st.tuples(names, values()), max_size=3).map(KeyTree.built),
        lambda below: st.builds(
            KeyTree.built,
            st.lists(st.tuples(names, values()), max_size=3),
            st.lists(st.tuples(key_names, below), max_size=3),
        ),
        max_leaves=6,
    )


def trees() -> st.SearchStrategy[KeyTree]:
    """Trees whose keys may have a class name or be volatile."""
    class_names = st.none() | st.sampled_from(("", "Shell", "shell"))
    rarely = st.sampled_from((False, False, False, True))

    filled = st.lists(st.tuples(value_names, values()), max_size=2).map(NameMap.of)

    def key(below: st.SearchStrategy[KeyTree]) -> st.SearchStrategy[KeyTree]:
        inside = st.lists(st.tuples(key_names, below), max_size=3).map(NameMap.of)
        return st.builds(KeyTree, filled, inside, class_names, rarely)

    return st.recursive(st.builds(KeyTree, filled), key, max_leaves=4)


@st.composite
def pairs_of_trees(draw: st.DrawFn) -> tuple[KeyTree, KeyTree]:
    """Two trees that have much in common: one, and what a few small changes make of it (nothing, where they cancel)."""
    before = draw(trees())
    after = pickle.loads(pickle.dumps(before))  # equal throughout, and not one object in common
    for _ in range(draw(st.integers(0, 3))):
        known = [names for names, _ in (*before.walk(), *after.walk())]
        path = KeyPath(draw(st.sampled_from(known)))
        after = after.with_key(path, draw(_changed(after.at(path) or KeyTree(), before.at(path))))
    return before, after


def _changed(here: KeyTree, before: KeyTree | None) -> st.SearchStrategy[KeyTree]:
    """A key with one small change, or as it was before."""
    used = st.sampled_from([name for name, _ in here.values] or [""])
    found = [
        st.just(before or KeyTree()),
        st.builds(lambda name, value: here.with_value((), name, value), used | value_names, values()),
        st.builds(lambda name: here.without_value((), name), used),
        st.builds(lambda name, key: here.with_key((name,), key), key_names, trees()),
        st.builds(lambda name: KeyTree(here.values, here.keys, name, here.volatile), st.sampled_from((None, "", "S"))),
        st.builds(lambda volatile: KeyTree(here.values, here.keys, here.class_name, volatile), st.booleans()),
    ]
    for name, value in here.values:
        moved = here.without_value((), name)
        found.append(st.builds(lambda other, m=moved, v=value: m.with_value((), other, v), value_names))
        found.append(st.just(here.with_value((), name, Value(value.type ^ 1, value.data))))
        found.append(st.just(here.with_value((), name, Value(value.type, value.data + b"\0"))))
    for name, key in here.keys:
        less = here.without_key((name,))
        found += [st.just(less), st.builds(lambda other, m=less, k=key: m.with_key((other,), k), key_names)]
    return st.one_of(found)
