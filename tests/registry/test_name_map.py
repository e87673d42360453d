"""NameMap: a persistent map that compares names as Windows does, against a plain dict as its model."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from zlib import crc32

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sim.registry import NameMap, upcase
from tests.registry.strategies import value_names

Step = tuple[str, int | None]
"""Put that number under that name, or (None) drop the name."""

names = value_names | st.integers(0, 60).map("Value{}".format) | st.integers(0, 60).map("VALUE{}".format)
steps = st.lists(st.tuples(names, st.none() | st.integers(0, 3)), max_size=120)


def item_digest(item: int) -> bytes:
    return item.to_bytes(4, "little")


def built(pairs: list[tuple[str, int]]) -> NameMap[int]:
    found: NameMap[int] = NameMap()
    for name, item in pairs:
        found = found.with_item(name, item)
    return found


def shape(node: NameMap[int]) -> object:
    """The form of a map: the names of a leaf, or the forms of the branches."""
    if node._branches:
        return [None if branch is None else shape(branch) for branch in node._branches]
    return sorted(node._leaf)


def nodes(node: NameMap[int]) -> Iterator[NameMap[int]]:
    yield node
    for branch in node._branches:
        if branch is not None:
            yield from nodes(branch)


def colliding(count: int) -> list[str]:
    """Names whose folded CRCs are all equal, made by xoring in messages of CRC's kernel."""
    base = "A" * 40
    wanted = crc32(base.encode("utf-16-le"))
    # CRC is linear: each of these single-bit changes (case-free letters) moves the CRC by a fixed 32-bit vector.
    moves: list[tuple[int, int]] = []
    for at in range(40):
        changed = base[:at] + "C" + base[at + 1 :]
        moves.append((crc32(changed.encode("utf-16-le")) ^ wanted, 1 << at))
    kernel: list[int] = []
    rows: dict[int, tuple[int, int]] = {}
    for vector, used in moves:
        while vector and vector.bit_length() in rows:
            other, others = rows[vector.bit_length()]
            vector, used = vector ^ other, used ^ others
        if vector:
            rows[vector.bit_length()] = (vector, used)
        else:
            kernel.append(used)
    found = []
    for choice in range(count):
        mask = 0
        for bit, used in enumerate(kernel):
            mask ^= used if choice >> bit & 1 else 0
        found.append("".join("C" if mask >> at & 1 else "A" for at in range(40)))
    assert len({crc32(name.encode("utf-16-le")) for name in found}) == 1
    assert len(set(found)) == count
    return found


@settings(max_examples=150)
@given(steps)
def test_a_map_behaves_as_a_dict_of_folded_names(steps: list[Step]) -> None:
    found: NameMap[int] = NameMap()
    model: dict[str, tuple[str, int]] = {}
    for name, item in steps:
        folded = upcase(name)
        if item is None:
            model.pop(folded, None)
            found = found.without(name)
        else:
            model[folded] = (model[folded][0] if folded in model else name, item)
            found = found.with_item(name, item)
        assert found.get(name) == item
    assert list(found) == [entry for _, entry in sorted(model.items())]
    assert len(found) == len(model)
    for folded, entry in model.items():
        assert found.entry(folded) == entry


@settings(max_examples=100)
@given(steps, st.randoms(use_true_random=False))
def test_shape_and_digest_depend_on_the_contents_alone(steps: list[Step], shuffled: object) -> None:
    """Whatever was put and dropped on the way, and in whatever order (canonical form)."""
    wandered: NameMap[int] = NameMap()
    for name, item in steps:
        wandered = wandered.without(name) if item is None else wandered.with_item(name, item)
    pairs = list(wandered)
    shuffled.shuffle(pairs)  # type: ignore[attr-defined]
    for straight in (built(pairs), NameMap.of(pairs)):
        assert shape(straight) == shape(wandered)
        assert straight.digest(item_digest) == wandered.digest(item_digest)
        assert straight.items() == wandered.items()
        assert straight.differences(wandered, item_digest) == []


@given(st.dictionaries(names.map(upcase), st.integers(0, 2), max_size=30), st.data())
@settings(max_examples=100)
def test_differences_are_those_of_the_dicts(before: dict[str, int], data: st.DataObject) -> None:
    changed = data.draw(st.dictionaries(names.map(upcase), st.integers(0, 2), max_size=30))
    after = {**before, **changed}
    for name in data.draw(st.lists(st.sampled_from(sorted(before)), unique=True)) if before else ():
        after.pop(name, None)
    found = built(list(before.items())).differences(built(list(after.items())), item_digest)
    every = sorted({**before, **after})
    assert found == [(name, before.get(name), after.get(name)) for name in every if before.get(name) != after.get(name)]


@pytest.mark.parametrize("count", [0, 1, 16, 17, 33, 512, 513, 2000])
def test_maps_of_every_size_grow_and_collapse_canonically(count: int) -> None:
    pairs = [(f"Value{number}", number) for number in range(count)]
    grown = built(pairs)
    assert shape(grown) == shape(NameMap.of(reversed(pairs)))
    assert len(grown) == count
    assert (grown._branches == ()) == (count <= 16)
    for keep in (17, 16, 1, 0):
        for name, _ in pairs[keep:]:
            grown = grown.without(name.upper())
        pairs = pairs[:keep]
        assert shape(grown) == shape(NameMap.of(pairs))
        assert [node for node in nodes(grown) if node._branches and node._size <= 16] == []


def test_names_of_one_crc_share_one_leaf_of_any_size() -> None:
    """When all 32 bits are used up, a leaf grows beyond 16 entries."""
    names = colliding(40)
    found = built([(name, number) for number, name in enumerate(names)])
    assert shape(found) == shape(NameMap.of((name, 0) for name in reversed(names)))
    assert sorted(node._size for node in nodes(found) if not node._branches) == [40]
    assert [found.get(name.lower()) for name in names] == list(range(40))
    changed = found.with_item(names[3], 99)
    assert changed.differences(found, item_digest) == [(names[3], 99, 3)]
    for name in names[16:]:
        found = found.without(name)
    assert found._branches == ()


def test_a_change_keeps_what_did_not_change_identical() -> None:
    """Structural sharing: of 100,000 values one changes, and all other branches are the same objects."""
    before = NameMap.of((f"Value{number}", number) for number in range(100_000))
    after = before.with_item("value77", -1)
    mine, theirs = {id(node) for node in nodes(before)}, {id(node) for node in nodes(after)}
    assert len(mine) > 6_000
    assert len(theirs - mine) == len(mine - theirs) <= 5, "the path to one leaf"
    assert before.get("Value77") == 77


def test_a_difference_visits_few_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = NameMap.of((f"Value{number}", number) for number in range(100_000))
    after = before.with_item("value77", 1)
    visited = 0
    differing = NameMap._differing

    def counted(self: NameMap[int], other: NameMap[int], of: object) -> object:
        nonlocal visited
        visited += 1
        return differing(self, other, of)  # type: ignore[arg-type]

    before.digest(item_digest)
    after.digest(item_digest)
    monkeypatch.setattr(NameMap, "_differing", counted)
    assert after.differences(before, item_digest) == [("Value77", 1, 77)]
    assert visited <= 5
    rebuilt = NameMap.of(after)
    rebuilt.digest(item_digest)
    visited = 0
    assert rebuilt.differences(before, item_digest) == [("Value77", 1, 77)]
    assert visited <= 5 * 32, "equal digests stop at each level, where nothing is shared as well"


def test_a_digest_visits_only_what_is_new() -> None:
    before = NameMap.of((f"Value{number}", number) for number in range(100_000))
    before.digest(item_digest)
    seen: list[int] = []

    def counted(item: int) -> bytes:
        seen.append(item)
        return item_digest(item)

    after = before.with_item("value77", 1)
    assert 1 <= len(list(after.undigested())) <= 16
    after.digest(counted)
    assert len(seen) <= 16
    assert 1 in seen
    assert list(after.undigested()) == []


def test_putting_the_same_item_and_dropping_nothing_change_nothing() -> None:
    for size in (3, 300):
        found = NameMap.of((f"Value{number}", str(number)) for number in range(size))
        item = found.get("value2")
        assert item is not None
        assert found.with_item("VALUE2", item) is found
        assert found.without("absent") is found
        assert found.without("absent too") is found


@example("ß", "SS")
@given(value_names, value_names)
def test_the_first_case_of_a_name_stays(one: str, other: str) -> None:
    """domain.md 96; that the case is kept is UNSOURCED there."""
    both = NameMap.of([(one, 1), (other, 2)])
    assert both.items() == built([(one, 1), (other, 2)]).items()
    if upcase(one) == upcase(other):
        assert both.items() == ((one, 2),)
    else:
        assert len(both) == 2


def test_leaf_and_fork_digests_cannot_meet() -> None:
    """A digest says whether it is over entries or over branches."""
    leaf = NameMap.of([("a", 1)])
    body = (2).to_bytes(4, "little") + b"A\0" + item_digest(1)
    assert leaf.digest(item_digest) == blake2b(b"leaf" + body, digest_size=16).digest()
    fork = NameMap.of((f"a{number}", number) for number in range(17))
    parts = [bytes((slot,)) + branch.digest(item_digest) for slot, branch in enumerate(fork._branches) if branch]
    assert fork.digest(item_digest) == blake2b(b"fork" + b"".join(parts), digest_size=16).digest()
