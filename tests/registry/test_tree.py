"""Trees: equality is contents, changes share, differences are exact and enough to repeat the change."""

from __future__ import annotations

import copy
import pickle
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.registry import EMPTY, Change, ChangeKind, KeyPath, KeyTree, NameMap, Value, apply, diff, upcase
from tests.registry.strategies import key_names, pairs_of_trees, paths, trees, value_names, values

SPOOLER = KeyPath.parse(r"SOFTWARE\Contoso\Spooler")
PORT = Value.dword(80)

Contents = tuple[object, ...]


def contents(tree: KeyTree) -> Contents:
    """What a tree holds, compared without its digest: the model of equality."""
    return (
        tree.class_name,
        tree.volatile,
        [(upcase(name), value) for name, value in tree.values],
        [(upcase(name), contents(child)) for name, child in tree.keys],
    )


def recased(tree: KeyTree) -> KeyTree:
    """The same tree with every name in upper case."""
    values = NameMap.of((upcase(name), value) for name, value in tree.values)
    keys = NameMap.of((upcase(name), recased(child)) for name, child in tree.keys)
    return KeyTree(values, keys, tree.class_name, tree.volatile)


def deep(levels: int = 512, *, volatile_from: int = 1000) -> KeyTree:
    """A registry as deep as it may be (domain.md 95), with a value at the bottom."""
    tree = EMPTY.with_value((), "bottom", PORT)
    for level in reversed(range(levels)):
        tree = KeyTree(NameMap(), NameMap.of([(f"k{level}", tree)]), None, level > volatile_from)
    return tree


@settings(max_examples=100)
@given(pairs_of_trees())
def test_digest_equality_and_empty_difference_are_one_thing(pair: tuple[KeyTree, KeyTree]) -> None:
    one, other = pair
    same = contents(one) == contents(other)
    assert (one.digest == other.digest) is same
    assert (one == other) is same
    assert (list(diff(one, other)) == []) is same
    assert not same or hash(one) == hash(other)


@given(trees())
def test_the_case_of_names_is_presentation(tree: KeyTree) -> None:
    assert recased(tree) == tree
    assert list(diff(tree, recased(tree))) == []


@settings(max_examples=100)
@given(pairs_of_trees())
def test_applying_the_difference_gives_the_other_tree(pair: tuple[KeyTree, KeyTree]) -> None:
    before, after = pair
    changes = list(diff(before, after))
    assert apply(before, changes) == after
    assert changes == list(diff(before, after)), "a fixed order"


@given(trees(), paths, value_names, values())
def test_a_value_that_is_set_stands_there_and_nothing_else_changes(
    tree: KeyTree, path: KeyPath, name: str, value: Value
) -> None:
    after = tree.with_value(path, name, value)
    place = after.at(path)
    assert place is not None
    assert place.value(name) == value
    assert after.with_value(path, name, Value(value.type, value.data)) is after
    sets = [change for change in diff(tree, after) if change.kind is ChangeKind.SET]
    assert all((KeyPath(change.path), upcase(change.name or "")) == (path, upcase(name)) for change in sets)
    gone = after.without_value(path, name)
    assert gone.without_value(path, name) is gone
    assert gone.at(path) is not None


@given(trees(), paths, trees())
def test_a_key_that_is_put_stands_there_whole(tree: KeyTree, path: KeyPath, below: KeyTree) -> None:
    after = tree.with_key(path, below)
    assert after.at(path) == below
    assert after.at(path.names) is after.at(path)
    if path.names:
        gone = after.without_key(path)
        assert gone.at(path) is None
        assert gone.without_key(path) is gone
        assert gone.with_key(path).at(path) == EMPTY


@given(trees())
def test_walk_visits_each_key_before_its_own_and_in_order(tree: KeyTree) -> None:
    seen = list(tree.walk())
    assert seen[0] == ((), tree)
    folded = [tuple(map(upcase, names)) for names, _ in seen]
    assert folded == sorted(folded)
    assert [tree.at(names) is key for names, key in seen] == [True] * len(seen)
    assert tree.count_values() == sum(len(key.values) for _, key in seen)


@given(trees())
def test_trees_survive_pickle_and_deepcopy_with_their_names(tree: KeyTree) -> None:
    for again in (pickle.loads(pickle.dumps(tree)), copy.deepcopy(tree)):
        assert again == tree
        assert [names for names, _ in again.walk()] == [names for names, _ in tree.walk()]
        assert [key.values.items() for _, key in again.walk()] == [key.values.items() for _, key in tree.walk()]


@given(trees())
def test_without_volatile_removes_volatile_keys_with_all_below(tree: KeyTree) -> None:
    """A hive file has no volatile keys (domain.md 97)."""
    stable = tree.without_volatile()
    assert not stable.has_volatile
    assert stable.without_volatile() is stable
    expected = KeyTree(tree.values, tree.keys, tree.class_name)
    for names, key in tree.walk():
        if names and key.volatile and expected.at(names) is not None:
            expected = expected.without_key(names)
    assert stable == expected
    if not any(key.volatile for _, key in tree.walk()):
        assert stable is tree


@given(trees(), paths, st.booleans())
def test_has_volatile_is_right_after_every_change(tree: KeyTree, path: KeyPath, volatile: bool) -> None:
    """The flag is carried along by changes, not recomputed: it must say what a walk finds."""
    stages = [tree, tree.with_key(path, KeyTree(volatile=volatile))]
    stages.append(stages[-1].with_value(path, "x", PORT))
    stages.append(stages[-1].with_key(path / "below"))
    stages.append(stages[-1].without_value(path, "x"))
    stages.append(stages[-1].without_key(path / "below"))
    for stage in stages:
        found = [key.volatile for _, key in stage.walk()]
        assert stage.has_volatile is any(found)


def test_class_name_and_volatility_are_contents() -> None:
    plain, shell, other = EMPTY, KeyTree(class_name="Shell"), KeyTree(class_name="")
    assert len({plain, shell, other, KeyTree(volatile=True)}) == 4
    assert plain != "no tree"
    assert repr(EMPTY.with_value(SPOOLER, "", PORT)).startswith("<KeyTree 0 values, 1 keys, ")


def test_a_tree_of_the_same_contents_is_equal_in_whatever_order_it_was_built() -> None:
    pairs = [(f"Value{number}", Value.dword(number)) for number in range(700)]
    grown = EMPTY
    for name, value in reversed(pairs):
        grown = grown.with_value((), name, value)
    assert grown == KeyTree.built(pairs)
    assert grown.digest.hex() == "74ef8b8618dcb0606d45cb4349091156"


def test_a_change_shares_all_that_is_beside_the_path() -> None:
    before = EMPTY.with_value(SPOOLER, "Port", PORT).with_value(KeyPath.parse(r"SOFTWARE\Other"), "x", PORT)
    after = before.with_value(SPOOLER, "Port", Value.dword(8080))
    assert after.at(("SOFTWARE", "Other")) is before.at(("SOFTWARE", "Other")) is not None
    assert before.at(SPOOLER).value("Port") == PORT  # type: ignore[union-attr]


def test_of_100_000_values_one_change_costs_what_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: new digests and visited nodes for one changed value below 300 keys."""
    keys = [
        (f"key{number}", KeyTree.built([(f"v{at}", Value.dword(at)) for at in range(333)])) for number in range(300)
    ]
    before = EMPTY.with_key(("SOFTWARE",), KeyTree.built((), keys))
    assert before.count_values() == 99_900
    _ = before.digest
    digested = visited = 0
    digest_here, differing = KeyTree._digest_here, NameMap._differing

    def counted_digest(self: KeyTree) -> bytes:
        nonlocal digested
        digested += 1
        return digest_here(self)

    def counted_visit(self: NameMap[Value], other: NameMap[Value], of: object) -> object:
        nonlocal visited
        visited += 1
        return differing(self, other, of)  # type: ignore[arg-type]

    monkeypatch.setattr(KeyTree, "_digest_here", counted_digest)
    monkeypatch.setattr(NameMap, "_differing", counted_visit)
    after = before.with_value(("SOFTWARE", "KEY7"), "V5", Value.dword(9999))
    assert after != before
    assert digested == 0, "what both share is not looked at, the rest is compared as it stands"
    assert after.digest != before.digest
    assert digested == 3, "the key, its parent and the root"
    changes = list(diff(before, after))
    assert [(change.path, change.name) for change in changes] == [(("SOFTWARE", "key7"), "v5")]
    assert visited <= 20
    shared = [mine is theirs for (_, mine), (_, theirs) in zip(before.walk(), after.walk(), strict=True)]
    assert shared.count(False) == 3


def test_a_registry_of_512_levels_works_throughout() -> None:
    """Deeper than Python would recurse through several frames a level (domain.md 95: 512 levels)."""
    tree, other = deep(), deep().with_value([f"k{level}" for level in range(512)], "bottom", Value.dword(81))
    assert tree == deep()
    assert tree != other
    [change] = diff(tree, other)
    assert (len(change.path), change.name, change.before, change.after) == (512, "bottom", PORT, Value.dword(81))
    assert apply(tree, diff(tree, other)) == other
    assert apply(EMPTY, diff(EMPTY, tree)) == tree
    assert apply(tree, diff(tree, EMPTY)) == EMPTY
    assert sum(1 for _ in tree.walk()) == 513
    assert deep(volatile_from=100).has_volatile
    assert sum(1 for _ in deep(volatile_from=100).without_volatile().walk()) == 101
    assert not tree.has_volatile
    assert pickle.loads(pickle.dumps(tree)) == tree
    assert tree.without_key([f"k{level}" for level in range(512)]).count_values() == 0


def test_differences_come_in_an_order_that_can_be_repeated() -> None:
    """A key that appears before what is in it; a key that vanishes after all that was in it, deepest first."""
    before = (
        EMPTY.with_value(("Old", "Deep"), "d", PORT).with_value(("Old",), "o", PORT).with_value(("Same",), "s", PORT)
    )
    after = EMPTY.with_value(("New", "Deep"), "d", PORT).with_value(("Same",), "S", Value.sz("x"))
    told = [(change.kind, change.path, change.name) for change in diff(before, after)]
    assert told == [
        (ChangeKind.CREATED, ("New",), None),
        (ChangeKind.CREATED, ("New", "Deep"), None),
        (ChangeKind.SET, ("New", "Deep"), "d"),
        (ChangeKind.DELETED, ("Old", "Deep"), "d"),
        (ChangeKind.DELETED, ("Old", "Deep"), None),
        (ChangeKind.DELETED, ("Old",), "o"),
        (ChangeKind.DELETED, ("Old",), None),
        (ChangeKind.SET, ("Same",), "s"),
    ]


def test_a_key_of_other_volatility_vanishes_and_appears_again() -> None:
    before = EMPTY.with_value(("K",), "x", PORT)
    after = EMPTY.with_key(("K",), KeyTree(volatile=True)).with_value(("K",), "x", PORT)
    assert list(diff(before, after)) == [
        Change(kind=ChangeKind.DELETED, path=("K",), name="x", before=PORT),
        Change(kind=ChangeKind.DELETED, path=("K",)),
        Change(kind=ChangeKind.CREATED, path=("K",), volatile=True),
        Change(kind=ChangeKind.SET, path=("K",), name="x", after=PORT),
    ]


def test_the_compared_key_itself_is_created_anew_where_only_its_class_differs() -> None:
    before = EMPTY.with_value((), "x", PORT)
    after = KeyTree(before.values, class_name="Shell")
    assert list(diff(before, after)) == [Change(kind=ChangeKind.CREATED, path=(), class_name="Shell")]


@given(pairs_of_trees())
def test_a_difference_never_speaks_of_a_key_that_is_not_there(pair: tuple[KeyTree, KeyTree]) -> None:
    before, after = pair
    tree = before
    for change in diff(before, after):
        there = tree.at(change.path) is not None
        created = change.kind is ChangeKind.CREATED and change.path != ()
        assert there is not created, change
        if change.name is not None:
            place = tree.at(change.path)
            assert place is not None
            assert place.value(change.name) == change.before != change.after
        tree = apply(tree, [change])
    for one, other in pairwise(diff(before, after)):
        assert one != other


def test_a_subtree_that_stands_in_two_places_is_one_object_and_digested_once() -> None:
    shared = EMPTY.with_value((), "x", PORT)
    tree = EMPTY.with_key(("a",), shared).with_key(("b", "c"), shared)
    apart = EMPTY.with_value(("a",), "x", PORT).with_value(("b", "c"), "x", PORT)
    assert tree == apart
    assert tree.at(("a",)) is tree.at(("b", "c"))


def test_a_tree_cannot_be_without_itself_and_a_text_is_no_path() -> None:
    with pytest.raises(ValueError, match="cannot be without itself"):
        EMPTY.without_key(())
    with pytest.raises(AssertionError, match=r"KeyPath\.parse makes a path"):
        EMPTY.with_key("SOFTWARE")
    assert EMPTY.without_value(("absent",), "x") is EMPTY


@given(trees(), key_names)
def test_a_key_keeps_the_case_in_which_it_was_first_written(tree: KeyTree, name: str) -> None:
    before = tree.with_key((name,))
    after = before.with_value((upcase(name),), "x", PORT).with_key((upcase(name),), EMPTY)
    stored = before.keys.entry(upcase(name))
    assert stored is not None
    assert [each for each, _ in after.keys if upcase(each) == upcase(name)] == [stored[0]]
