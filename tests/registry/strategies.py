"""Hypothesis strategies for the registry: names that collide by case, values of every kind, trees of every shape.

Small on purpose: names come from a short alphabet, so that two trees drawn apart have names in common, and every
awkward character of the parsers is among them. `plain_trees` are those that a `.reg` file can hold.
"""

from __future__ import annotations

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

    def key(below: st.SearchStrategy[KeyTree]) -> st.SearchStrategy[KeyTree]:
        inside = st.lists(st.tuples(key_names, below), max_size=3).map(NameMap.of)
        filled = st.lists(st.tuples(value_names, values()), max_size=3).map(NameMap.of)
        return st.builds(KeyTree, filled, inside, class_names, rarely)

    return st.recursive(st.just(KeyTree()), key, max_leaves=6)


@st.composite
def pairs_of_trees(draw: st.DrawFn) -> tuple[KeyTree, KeyTree]:
    """Two trees that have something in common: one, and what a few changes make of it (often nothing: they cancel)."""
    before = draw(trees())
    after = before
    for _ in range(draw(st.integers(0, 4))):
        known = [names for names, _ in {**dict(before.walk()), **dict(after.walk())}.items()]
        path = draw(st.sampled_from(known).map(KeyPath) | paths)
        here = before.at(path) or after.at(path)
        used = [name for name, _ in here.values] if here else []
        name = draw(st.sampled_from(used) | value_names if used else value_names)
        match draw(st.integers(0, 4)):
            case 0:
                after = after.with_value(path, name, draw(values()))
            case 1:
                after = after.without_value(path, name)
            case 2 if path.names:
                after = after.without_key(path)
            case 3:
                after = after.with_key(path, draw(trees()))
            case _:
                after = after.with_key(path, before.at(path))
    return before, after
