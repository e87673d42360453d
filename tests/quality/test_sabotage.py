"""A broken engine turns scenarios red: each rule is broken on purpose, in one line, and the stories named for it fail.

`python -m tests.quality.test_sabotage` prints rule → scenarios.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import sim
from sim.checkpoint import effects, engine
from sim.checkpoint.effects import Checkpoint, Op, Trigger
from sim.checkpoint.policy import Policy
from sim.registry import EMPTY, KeyTree, Registry
from tests.library import NAMES, scenario

Break = Callable[[pytest.MonkeyPatch], None]


def without_save(trigger: Trigger) -> Break:
    """Leave out the saves of one kind."""
    save = engine.save

    def broken(checkpoint: Checkpoint, why: Trigger, policy: Policy) -> Op[Any]:
        if why is trigger:
            return None
        return (yield from save(checkpoint, why, policy))

    return lambda patch: patch.setattr(engine, "save", broken)


def nothing(*_: object) -> Op[None]:
    """An operation that does nothing."""
    yield from ()


def merging(registry: Registry, key: Any, tree: KeyTree, *, force: bool = False) -> None:
    """A restore that keeps what was added locally."""
    local = registry.root.at(key) or EMPTY
    for names, below in tree.walk():
        for name, value in below.values.items():
            local = local.with_value(names, name, value)
    registry.root = registry.root.with_key(key, local)


def read_then_rearm(checkpoint: Checkpoint, policy: Policy) -> Op[None]:
    """The engine's answer to a change, with the watch armed after the save instead of before the read."""
    yield from engine.save(checkpoint, Trigger.CHANGE, policy)
    yield effects.Rearm(checkpoint)


def save_and_forget(checkpoint: Checkpoint, policy: Policy) -> Op[None]:
    """The engine's answer to a change, with the watch never armed again."""
    yield from engine.save(checkpoint, Trigger.CHANGE, policy)


def no_rearm(patch: pytest.MonkeyPatch) -> None:
    from sim.driver import world

    patch.setattr(world, "save_on_change", save_and_forget)


def late_rearm(patch: pytest.MonkeyPatch) -> None:
    from sim.driver import world

    patch.setattr(world, "save_on_change", read_then_rearm)


def merge(patch: pytest.MonkeyPatch) -> None:
    """What is restored is not what the history says: the ledger's end check or an expectation must see it."""
    patch.setattr(Registry, "restore_key", merging)


RULES: dict[str, tuple[Break, set[str]]] = {
    "no save on add": (without_save(Trigger.ADDED), {"checkpoint-added", "remove-edit-add"}),
    "no restore": (
        lambda patch: patch.setattr(engine, "restore", nothing),
        {"restore-at-online", "offline-edit", "vanished-subkey", "resurrected-value"},
    ),
    "no save on change": (
        without_save(Trigger.CHANGE),
        {"change-while-online", "changes-come-twice", "shared-key", "quorum-disk-recovers"},
    ),
    "no save on offline": (without_save(Trigger.OFFLINE), {"saved-at-offline"}),
    "no re-arm": (no_rearm, {"changes-come-twice"}),
    "re-arm after the read": (late_rearm, {"changes-come-twice"}),
    "restore merges instead of replacing": (merge, {"vanished-subkey"}),
}


@contextmanager
def broken(rule: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        RULES[rule][0](patch)
        yield


def red(name: str) -> bool:
    """Whether the scenario fails: by its expectations, or by an invariant of the world."""
    try:
        return not sim.run(scenario(name)).passed
    except AssertionError:
        return True


def failing(rule: str) -> list[str]:
    """The scenarios that fail when the rule is broken."""
    with broken(rule):
        return [name for name in NAMES if red(name)]


@pytest.mark.parametrize("rule", RULES)
def test_breaking_a_rule_turns_the_scenarios_red_that_are_named_for_it(rule: str) -> None:
    assert not any(red(name) for name in NAMES), "the library is green before anything is broken"
    found = failing(rule)
    assert RULES[rule][1] <= set(found), f"{rule}: only {found}"


if __name__ == "__main__":
    for each in RULES:
        print(f"{each}: {', '.join(failing(each))}")
