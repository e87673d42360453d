"""Policies beyond the product: nothing that was changed locally is lost without a trace.

FAILSIM_TIMELINES is how many random timelines are run (an eighth of it under each policy).
`python -m tests.laws.test_policies N` prints what becomes of the writes of N timelines under each policy.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sim
from sim.checkpoint.engine import NOT_QUARANTINED
from sim.checkpoint.policy import Policy, reconcile
from sim.history import events
from sim.history.ledger import Ledger
from sim.judge.verdict import Verdict
from sim.registry import EMPTY, Change, ChangeKind, KeyPath, KeyTree, Value, apply, apply_reg, entries_of, physical
from sim.registry.reg_text import RegFile
from sim.scenario.console import Files, Names, parse_command
from sim.scenario.model import After, At, Do, Scenario, Step
from tests.library import NAMES, scenario
from tests.reference.timeline import generate, to_yaml
from tests.registry.strategies import plain_trees

COUNT = int(os.environ.get("FAILSIM_TIMELINES", "2000")) // 8
BEYOND = (Policy.QUARANTINE, Policy.MERGE)
SECOND = 1_000_000


# --- three trees ----------------------------------------------------------------------------------------------------


def small_trees() -> st.SearchStrategy[KeyTree]:
    """Trees of few names and numbers, so that three of them agree and disagree in many ways."""
    names, numbers = st.sampled_from("ABC"), st.integers(0, 2).map(Value.dword)
    values = st.lists(st.tuples(names, numbers), max_size=3)
    leaf = values.map(KeyTree.built)
    return st.recursive(
        leaf,
        lambda below: st.builds(KeyTree.built, values, st.lists(st.tuples(names, below), max_size=3)),
        max_leaves=5,
    )


def plain(tree: KeyTree) -> dict[str, Any]:
    """A tree as dictionaries: values under `=NAME`, subkeys under `NAME`."""
    values = {f"={name}": value.plain() for name, value in tree.values.items()}
    return {**values, **{name: plain(below) for name, below in tree.keys.items()}}


def merged(base: Any, local: Any, image: Any) -> Any:
    """The rule, written from design.md's words on dictionaries: who changed it has it, both: the checkpoint."""
    if local in (base, image):
        return image
    if image == base:
        return local
    if not isinstance(local, dict) or not isinstance(image, dict):
        return image
    before = base if isinstance(base, dict) else {}
    names = [*image, *(name for name in local if name not in image)]
    found = {name: merged(before.get(name), local.get(name), image.get(name)) for name in names}
    return {name: item for name, item in found.items() if item is not None}


@given(base=small_trees(), local=small_trees(), image=small_trees())
def test_a_merge_takes_each_side_s_changes_and_where_both_changed_the_checkpoint_s(
    base: KeyTree, local: KeyTree, image: KeyTree
) -> None:
    found = reconcile(base, local, image, Policy.MERGE)
    assert plain(found.tree) == merged(plain(base), plain(local), plain(image))
    assert apply(image, found.taken) == found.tree


@given(base=plain_trees(), other=plain_trees())
def test_a_merge_with_one_side_unchanged_is_the_other_side(base: KeyTree, other: KeyTree) -> None:
    assert reconcile(base, other, base, Policy.MERGE).tree == other
    assert reconcile(base, base, other, Policy.MERGE) == msgspec.structs.replace(
        reconcile(None, other, other, Policy.MERGE), tree=other
    )
    assert reconcile(base, other, base, Policy.MERGE).lost == ()


@given(base=small_trees(), local=small_trees(), image=small_trees())
def test_a_merge_never_brings_back_what_the_checkpoint_deleted(base: KeyTree, local: KeyTree, image: KeyTree) -> None:
    found = reconcile(base, local, image, Policy.MERGE).tree
    for names, key in base.walk():
        here, there = found.at(names), image.at(names)
        assert there is not None or here is None
        for name, _ in key.values:
            gone = there is not None and there.value(name) is None
            assert not gone or here is None or here.value(name) is None


@given(base=st.none() | small_trees(), local=small_trees(), image=small_trees(), policy=st.sampled_from(BEYOND))
def test_every_local_change_is_in_the_new_image_or_among_what_is_lost(
    base: KeyTree | None, local: KeyTree, image: KeyTree, policy: Policy
) -> None:
    """And the undo file brings the lost ones back: after it, every local change stands, and nothing else has moved."""
    found = reconcile(base, local, image, policy)
    key = KeyPath.parse("SOFTWARE")
    file = RegFile(5, tuple(entries_of(found.lost, key)))
    undone = apply_reg(EMPTY.with_key(key, found.tree), file).at(key)
    assert undone is not None
    cells = set()
    for change in changes(image if base is None else base, local):
        assert cell(undone, change) == cell(local, change)
        cells.add((change.path, change.name))
    for change in changes(found.tree, undone):
        known = (change.path, change.name) in cells
        assert known or below_a_deletion(change, found.lost) or above_a_change(change, found.lost)


def changes(before: KeyTree, after: KeyTree) -> list[Change]:
    from sim.registry import diff

    return list(diff(before, after))


def cell(tree: KeyTree, change: Change) -> object:
    key = tree.at(change.path)
    return key is not None if change.name is None else None if key is None else key.value(change.name)


def below_a_deletion(change: Change, lost: tuple[Change, ...]) -> bool:
    """A key that was deleted locally takes all with it, also what the checkpoint has put there since."""
    gone = [each.path for each in lost if each.name is None and each.kind is ChangeKind.DELETED]
    return any(change.path[: len(path)] == path for path in gone)


def above_a_change(change: Change, lost: tuple[Change, ...]) -> bool:
    """A key that has to be there again for a value in it to be."""
    return change.kind is ChangeKind.CREATED and any(each.path[: len(change.path)] == change.path for each in lost)


# --- runs -----------------------------------------------------------------------------------------------------------


def quarantined(verdict: Verdict) -> list[events.Quarantined]:
    return [event for event in verdict.history if isinstance(event, events.Quarantined)]


def untold(verdict: Verdict) -> list[int]:
    """Local changes that a restore undid, and that were neither merged nor kept aside before, without a word of it.

    (A quorum disk that refuses writes keeps nothing aside; then the event log says so.)

    A local change is what differs, without volatile keys, from what the node last restored or saved of the key (what
    stood there at the start): told from the events alone.
    """
    ledger = Ledger(verdict.begin)
    bases: dict[tuple[str, str, KeyPath], KeyTree] = {}
    for resource in verdict.begin.resources:
        for node, place in ledger.nodes.items():
            for checkpoint in verdict.begin.checkpoints:
                tree = place.tree.at(physical(checkpoint.key))
                if checkpoint.resource == resource and tree is not None:
                    bases[node, resource, checkpoint.key] = tree
    started: dict[int, KeyTree] = {}
    kept: set[int] = set()
    said: set[str | None] = set()
    missing = []
    for event in verdict.history:
        if isinstance(event, events.Quarantined | events.Merged):
            kept.update(event.writes)
        if isinstance(event, events.EventLog) and event.event_id == NOT_QUARANTINED:
            said.add(event.node)
        if isinstance(event, events.Restored) and event.node is not None:
            key = physical(event.key)
            local = ledger.nodes[event.node].tree.without_volatile()
            base = EMPTY.with_key(key, bases.get((event.node, event.resource, event.key), EMPTY))
            for write in event.undone:
                made = verdict.reading.writes[write][1]
                changed = value_at(local, made) != value_at(base, made)
                missing += [write] if changed and write not in kept and event.node not in said else []
            said.discard(event.node)
        ledger.take(event)
        if isinstance(event, events.SaveStarted):
            started[event.id] = ledger.saving[event.id].tree
        if isinstance(event, events.Saved) and event.node is not None and event.trigger is not events.Trigger.MERGE:
            bases[event.node, event.resource, event.key] = started[event.save]
        if isinstance(event, events.Restored) and event.node is not None:
            tree = ledger.nodes[event.node].tree.at(physical(event.key))
            assert tree is not None
            bases[event.node, event.resource, event.key] = tree
    return missing


def value_at(tree: KeyTree, made: events.Write) -> object:
    key = tree.at(made.key)
    return key is not None if made.value is None else None if key is None else key.value(made.value)


def with_steps(plan: Scenario, verdict: Verdict, *lines: tuple[str, str]) -> Scenario:
    """The scenario, and after its end these commands, each typed on a node; it then ends a while later."""
    names = Names(plan.cluster.nodes, tuple(plan.cluster.groups), tuple(plan.cluster.resources))
    files = Files(lambda _: None, lambda _: None)
    steps = [
        Step(
            act=Do((parse_command(line, names, files),), node=node),
            when=At(verdict.ended_at + 60 * SECOND) if number == 0 else After(30 * SECOND),
            label=f"added {number}",
        )
        for number, (node, line) in enumerate(lines)
    ]
    until = verdict.ended_at + (120 + 60 * len(lines)) * SECOND
    return msgspec.structs.replace(plan, steps=(*plan.steps, *steps), until=until)


def undo_brings_back(plan: Scenario, policy: Policy, counts: Counter[str]) -> list[str]:
    """For the last undo file of each resource: import it while the resource is online, and see the edits stand."""
    verdict = sim.run(plan, policy=policy)
    assert not untold(verdict), f"undone without a trace: {untold(verdict)}"
    wrong = []
    last = {event.resource: event for event in quarantined(verdict)}
    for resource, event in last.items():
        host = str(verdict.reading.hosts[resource].last)
        lines = ((host, f"cluster resource {resource} /online"), (host, f"reg import {event.file}"))
        before = sim.run(with_steps(plan, verdict, lines[0]), policy=policy, until=verdict.ended_at + 240 * SECOND)
        after = sim.run(with_steps(plan, verdict, *lines), policy=policy)
        online = before.reading.states[resource].last == "Online" and before.reading.hosts[resource].last == host
        listed = any(
            span.resource == resource and span.last is None for span in before.reading.covering(physical(event.key))
        )
        if not online or not listed:
            counts["the resource cannot be brought online, or has another checkpoint now"] += 1
            continue
        here, there = (each.reading.ledger.nodes[host] for each in (before, after))
        for change in event.changes:
            wanted = change.data if change.value is not None else change.change is not events.Change.DELETE
            if there.value_at(change.key, change.value) != wanted:
                wrong.append(f"{event.file}: {change} is not back")
        moved = {(change.key.folded, change.value) for change in event.changes}
        gone = [each.key for each in event.changes if each.value is None and each.change is events.Change.DELETE]
        for moving in changes(here.tree, there.tree):
            key = KeyPath(moving.path)
            inevitable = any(each.covers(key) for each in gone) or (
                moving.kind is ChangeKind.CREATED and any(key.covers(each.key) for each in event.changes)
            )
            if (key.folded, moving.name) not in moved and not inevitable:
                wrong.append(f"{event.file}: {moving} has changed as well")
        fates = {str(write.fate) for write in after.writes["added 1"]} if "added 1" in after.writes else set()
        counts[f"undo files imported: {', '.join(sorted(fates)) or 'nothing to do'}"] += 1
        if fates - {"kept", "superseded"}:
            counts["of these, not kept"] += 1
    return wrong


@pytest.mark.parametrize("policy", BEYOND)
@pytest.mark.parametrize("name", NAMES)
def test_the_library_loses_nothing_without_a_trace(name: str, policy: Policy) -> None:
    verdict = sim.run(scenario(name), policy=policy)
    assert untold(verdict) == []


@pytest.mark.parametrize("policy", BEYOND)
@pytest.mark.parametrize("batch", range(4))
def test_an_undo_file_brings_back_exactly_the_lost_edits(batch: int, policy: Policy) -> None:
    for seed in range(batch, COUNT, 4):
        assert undo_brings_back(sim.loads(to_yaml(generate(seed))), policy, Counter()) == [], f"seed {seed}"


def test_the_default_is_what_the_product_does() -> None:
    verdict = sim.run(scenario("offline-edit"))
    assert verdict.begin.policy == Policy.OVERWRITE
    assert quarantined(verdict) == []


if __name__ == "__main__":
    for chosen in Policy:
        fates: Counter[str] = Counter()
        undos: Counter[str] = Counter()
        differ: list[str] = []
        for number in range(int(sys.argv[1])):
            each = sim.loads(to_yaml(generate(number)))
            fates.update(str(write.fate) for write in sim.run(each, policy=chosen).writes)
            if chosen is not Policy.OVERWRITE:
                differ += undo_brings_back(each, chosen, undos)
        print(f"{chosen}: {', '.join(f'{count} {fate}' for fate, count in sorted(fates.items()))}")
        for what, times in sorted(undos.items()):
            print(f"{times:6} {what}")
        print(f"       {len(differ)} undo files did not bring back just the lost edits {differ[:3]}")
