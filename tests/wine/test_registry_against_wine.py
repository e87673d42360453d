"""The registry room against Wine's registry, call by call.

`FAILSIM_WINE_OPERATIONS` operations (2,000 by default, 20,000 in full), drawn from a generator that the count seeds,
are made on both; results, error numbers, signals and trees are the same but for tests/wine/differences.yaml.
As a program, `python -m tests.wine.test_registry_against_wine 20000` prints what was compared.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.live.wine import Agent, Prefix
from sim.registry import Filter, KeyPath, KeyTree, Registry, Value, upcase
from sim.registry.registry import DATA_LIMIT, DEPTH_LIMIT, KEY_NAME_LIMIT, LEVELS_LIMIT, VALUE_NAME_LIMIT
from tests.wine.lockstep import HOME, ROOT, Lockstep

OPERATIONS = int(os.environ.get("FAILSIM_WINE_OPERATIONS", "2000"))

KEYS = ("Spooler", "SPOOLER", "Größe", "GRÖSSE", "größe", "b b", "_x", "[", "ÿ", "Ÿ", "\U00010428", "1", "a.b/c")
LONG_KEYS = ("n" * KEY_NAME_LIMIT, "n" * (KEY_NAME_LIMIT + 1), "n" * (KEY_NAME_LIMIT + 2))
NAMES = ("", "Port", "PORT", "port", "Straße", "STRASSE", "a\\b", " ", "ı", "I", "i", "\ud800")
LONG_NAMES = ("v" * VALUE_NAME_LIMIT, "v" * (VALUE_NAME_LIMIT + 1))
DATA = (
    Value.dword(80),
    Value.dword(8080),
    Value.sz("text"),
    Value.sz(""),
    Value.expand_sz("%text%"),
    Value.multi_sz(["one", "two"]),
    Value.multi_sz([]),
    Value.qword(1 << 40),
    Value.binary(b"\1\2\3"),
    Value.none(),
    Value(1, b"t\0e"),  # an odd number of bytes
    Value(1, "unterminated".encode("utf-16-le")),
    Value(4, b"\1"),
    Value(0x77, b"unknown type"),
    Value(0xFFFFFFFF, b""),
)
FILTERS = (Filter.NAME, Filter.LAST_SET, Filter.NAME | Filter.LAST_SET, Filter(15), Filter(10), Filter(0))


class Operations:
    """Random operations: mostly on a few keys, so that they meet; now and then beyond a limit."""

    def __init__(self, both: Lockstep, draw: random.Random) -> None:
        self.both = both
        self.draw = draw
        self.choices: list[tuple[int, Callable[[], None]]] = [
            (14, lambda: both.create(self.key(), volatile=draw.random() < 0.06)),
            (3, lambda: both.create(self.far_key())),
            (5, lambda: both.create_below(self.handle(), self.below())),
            (18, lambda: both.set(self.key(), self.name(), self.value())),
            (6, lambda: both.set_by_handle(self.handle(), self.name(), self.value())),
            (8, lambda: both.query(self.key(), self.name())),
            (4, lambda: both.query_by_handle(self.handle(), self.name())),
            (4, lambda: both.list_keys(self.key())),
            (4, lambda: both.list_values(self.key())),
            (3, lambda: both.list_by_handle(self.handle())),
            (2, lambda: both.read(self.key())),
            (7, lambda: both.unset(self.key(), self.name())),
            (3, lambda: both.unset_by_handle(self.handle(), self.name())),
            (7, lambda: both.delete(self.key())),
            (3, lambda: both.delete_below(self.handle(), self.below())),
            (3, lambda: both.delete_tree(self.key())),
            (2, lambda: both.restore(self.key(), self.tree())),
            (6, lambda: both.open(self.key())),
            (3, lambda: both.close(self.handle())),
            (6, lambda: both.watch(self.key(), subtree=draw.random() < 0.6, wanted=draw.choice(FILTERS))),
            (10, lambda: both.rearm(draw.randrange(64))),
            (2, lambda: both.unwatch(draw.randrange(64))),
        ]
        self.weights = [weight for weight, _ in self.choices]

    def run(self, count: int) -> None:
        """So many operations; the trees are compared after every hundred."""
        for at in range(count):
            self.draw.choices(self.choices, self.weights)[0][1]()
            if at % 100 == 99:
                self.both.compare_trees()
        self.both.compare_trees()

    def key(self) -> KeyPath:
        names = [self.draw.choice(KEYS) for _ in range(self.draw.choice((0, 1, 1, 1, 2, 2, 3)))]
        if self.draw.random() < 0.02:
            names.append(self.draw.choice(LONG_KEYS))
        return KeyPath((*HOME.names, *names))

    def below(self) -> KeyPath:
        return KeyPath(self.draw.choice(KEYS) for _ in range(self.draw.choice((0, 1, 1, 2))))

    def far_key(self) -> KeyPath:
        """Too many levels at once, or just not; a key right below the root."""
        match self.draw.randrange(8):
            case 0:
                return KeyPath((*ROOT.names, *(self.draw.choice(KEYS) for _ in range(self.draw.randrange(2)))))
            case 1 | 2:
                return KeyPath((*HOME.names, "deep", *["d"] * (LEVELS_LIMIT - self.draw.randrange(2))))
        return self.key()

    def handle(self) -> int:
        return self.draw.randrange(64) if self.both.handles and self.draw.random() < 0.95 else -1

    def name(self) -> str:
        return self.draw.choice(LONG_NAMES if self.draw.random() < 0.02 else NAMES)

    def value(self) -> Value:
        if self.draw.random() < 0.004:
            return Value.binary(bytes(DATA_LIMIT + self.draw.randrange(2)))
        return self.draw.choice(DATA)

    def tree(self) -> KeyTree:
        """What is restored: a small tree."""
        values = [(self.draw.choice(NAMES), self.draw.choice(DATA)) for _ in range(self.draw.randrange(4))]
        below = [(self.draw.choice(KEYS), KeyTree.built(values[:1])) for _ in range(self.draw.randrange(3))]
        return KeyTree.built(values, below)


def compare(agent: Agent, count: int) -> Lockstep:
    """So many random operations on both."""
    both = Lockstep(agent)
    Operations(both, random.Random(count)).run(count)
    return both


def report(both: Lockstep) -> str:
    """Counts of operations by kind, of errors, of differences met."""
    lines = [f"{sum(both.kinds.values())} operations on both"]
    for title, counts in (("by kind", both.kinds), ("errors", both.errors), ("differences met", both.met.counts)):
        lines.append(f"{title}: " + ", ".join(f"{name} {count}" for name, count in counts.most_common()))
    return "\n".join(lines)


def test_random_operations_give_the_same_results_errors_and_signals(agent: Agent) -> None:
    both = compare(agent, OPERATIONS)
    print(report(both))
    assert sum(both.kinds.values()) >= OPERATIONS // 2
    wanted = {"ERROR_FILE_NOT_FOUND", "ERROR_ACCESS_DENIED", "ERROR_INVALID_PARAMETER", "ERROR_KEY_DELETED"}
    wanted |= {"ERROR_INVALID_HANDLE", "ERROR_CHILD_MUST_BE_VOLATILE"}
    assert wanted <= both.errors.keys(), "the operations must reach every error that a registry has"


def test_a_key_deeper_than_the_limit(agent: Agent) -> None:
    both = Lockstep(agent)
    key = HOME
    while len(key) + LEVELS_LIMIT <= DEPTH_LIMIT:
        key = KeyPath((*key.names, *["d"] * LEVELS_LIMIT))
        both.create(key)
    key = KeyPath((*key.names, *["d"] * (DEPTH_LIMIT - len(key))))
    both.create(key)
    both.compare_trees()
    both.create(key / "d")
    assert both.met.counts == {"depth": 1}
    both.delete_tree(HOME / "d")
    both.compare_trees()


def test_which_names_are_the_same(agent: Agent) -> None:
    """Each letter of the BMP that has another case names a value: what is one name to Wine is one to us, else not."""
    both = Lockstep(agent)
    letters = [chr(unit) for unit in range(0x10000) if chr(unit).lower() != chr(unit) or chr(unit).upper() != chr(unit)]
    for letter in letters:
        value = Value.dword(ord(letter))
        both.ours.set_value(HOME, letter, value)
        agent.set_value(HOME, letter, value)
    both.compare_trees()
    assert len(both.ours.enumerate_values(HOME)) == len({upcase(letter) for letter in letters}) < len(letters)


def test_a_broken_registry_is_noticed(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail: a registry whose watches stay spent is told within 2,000."""
    monkeypatch.setattr(Registry, "rearm", lambda self, watch: None)
    with pytest.raises(AssertionError, match="signalled with us"):
        compare(agent, 2_000)


def main(count: int) -> int:
    """Compare and print."""
    with tempfile.TemporaryDirectory() as folder, Prefix.make(Path(folder) / "prefix") as prefix:
        print(report(compare(prefix.start_agent(), count)))
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000))
