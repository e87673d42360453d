"""Laws of the engine in any run: acknowledged saves hold, and every write has exactly one fate.

Runs are random timelines (crashes, moves, failing disks, damage, re-added checkpoints) of two and three nodes.
"""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

import sim
from sim.history import events
from sim.history.events import AnyEvent
from sim.history.verdict import Cause, Fate
from sim.registry import EMPTY, KeyPath, Registry, Win32, physical
from tests.reference.timeline import generate, to_yaml
from tests.registry.strategies import trees

KEY = KeyPath.parse(r"SOFTWARE\X")

seeds = st.integers(min_value=0, max_value=10**9)


def run(seed: int) -> sim.Verdict:
    return sim.run(sim.loads(to_yaml(generate(seed))))


@given(seeds)
@settings(max_examples=150, deadline=None)
def test_the_engine_never_loses_an_acknowledged_save(seed: int) -> None:
    """Every restore brings back the newest image that was acknowledged, and finds it.

    Damage at rest alone excuses an older one or none; a key that is held open and a disk that is gone, a failure.
    """
    verdict = run(seed)
    newest = {(each.resource, each.key): [each.version] for each in verdict.begin.checkpoints}
    for event in verdict.history:
        match event:
            case events.Saved():
                newest.setdefault((event.resource, event.key), []).append(event.version)
            case events.ImageDamaged():
                left = newest[event.resource, event.key]
                assert left.pop() == event.version
                assert event.left == (left[-1] if left else None)
            case events.CheckpointRemoved():
                newest.pop((event.resource, event.key))
            case events.Restored():
                assert event.version == newest[event.resource, event.key][-1]
            case events.RestoreFailed():
                excused = event.error.number in (Win32.ACCESS_DENIED.value, Win32.NOT_READY.value)
                assert excused or not newest[event.resource, event.key], f"{event.error.name} at {event.at}"


@given(seeds)
@example(123536325)  # a save that began while the first image was being taken: its version is known when it lands
@settings(max_examples=150, deadline=None)
def test_an_image_holds_what_stood_when_its_save_started(seed: int) -> None:
    """Between start and end of a save the key may change; what is stored is what was read."""
    verdict = run(seed)
    started = {event.id: event for event in verdict.history if isinstance(event, events.SaveStarted)}
    for event in verdict.history:
        if isinstance(event, events.Saved):
            assert set(started[event.save].writes) <= set(event.writes)


@given(seeds)
@settings(max_examples=150, deadline=None)
def test_every_write_has_exactly_one_fate(seed: int) -> None:
    verdict = run(seed)
    made = [event.write for event in verdict.history if isinstance(event, events.Write)]
    assert made == list(range(1, len(made) + 1)) == [write.id for write in verdict.writes]
    for write in verdict.writes:
        assert isinstance(write.fate, Fate)
        assert (write.cause is not None) == (write.fate in (Fate.LOST, Fate.STRANDED))
        assert write.cause is None or isinstance(write.cause, Cause)
        assert write.why
        helped = bool(write.advice) or write.why[-1] == "No command would have helped."
        assert helped == (write.fate in (Fate.LOST, Fate.STRANDED)) or write.fate is Fate.UNPROTECTED


@given(seeds)
@settings(max_examples=100, deadline=None)
def test_a_resource_runs_on_its_owner_and_on_one_node_at_a_time(seed: int) -> None:
    verdict = run(seed)
    running: dict[str, str] = {name: each.node for name, each in verdict.begin.resources.items()}
    for event in verdict.history:
        if isinstance(event, events.ProcessStarted):
            assert event.resource not in running
            assert event.node is not None
            running[event.resource] = event.node
        elif isinstance(event, events.ProcessEnded):
            assert running.pop(event.resource) == event.node


@given(seeds)
@settings(max_examples=100, deadline=None)
def test_every_event_has_a_cause_that_came_before_it(seed: int) -> None:
    by_id: dict[int, AnyEvent] = {}
    for event in run(seed).history:
        for cause in event.because:
            assert by_id[cause].at <= event.at
        by_id[event.id] = event


@given(trees(), trees())
@settings(max_examples=100, deadline=None)
def test_a_restore_after_a_save_is_the_identity(saved: object, local: object) -> None:
    """RegRestoreKey replaces all below the key by the file's tree (domain.md 7, 104)."""
    from sim.registry import KeyTree

    assert isinstance(saved, KeyTree)
    assert isinstance(local, KeyTree)
    first = Registry(EMPTY.with_key(physical(KEY), saved))
    image = first.save_key(KEY)
    other = Registry(EMPTY.with_key(KEY, local))
    other.restore_key(KEY, image)
    assert other.save_key(KEY) == image
    first.restore_key(KEY, image)
    assert first.save_key(KEY) == image
