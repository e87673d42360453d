"""The checkpoint engine without a world: effects in, answers out, no clock and no simulator.

A crash is to send nothing more, so an order of effects is all that there is to test.
"""

from __future__ import annotations

from typing import Any

import pytest

from sim.checkpoint import effects as e
from sim.checkpoint.effects import Checkpoint, Image, Op, Trigger, Woken
from sim.checkpoint.engine import (
    add_checkpoint,
    after_failure,
    after_offline,
    before_online,
    remove_checkpoint,
    save_on_change,
)
from sim.checkpoint.obligations import CONFORMING, Obligations
from sim.checkpoint.policy import Policy
from sim.registry import EMPTY, KeyPath, Value, Win32

KEY = KeyPath.parse(r"SOFTWARE\Contoso\Spooler")
CPT = Checkpoint("Spooler", 1, KEY)
OTHER = Checkpoint("Spooler", 2, KeyPath.parse(r"SOFTWARE\Contoso\Ports"))
LISTED = (e.ListCheckpoints("Spooler"), (CPT, OTHER))
TREE = EMPTY.with_value((), "Port", Value.dword(80))
NEWER = EMPTY.with_value((), "Port", Value.dword(8080))


def plays(op: Op[Any], script: list[tuple[Any, Any]]) -> Any:
    """Send each answer to the effect that is expected before it; what the operation returns."""
    answer = None
    for expected, reply in script:
        assert op.send(answer) == expected
        answer = reply
    with pytest.raises(StopIteration) as end:
        op.send(answer)
    return end.value.value


def logged(effect: Any, event_id: int) -> bool:
    return isinstance(effect, e.LogEvent) and effect.event_id == event_id


def test_a_key_is_watched_then_saved_and_listed_only_when_durable() -> None:
    """KB 174070, first sentence; no crash between two effects leaves a listed key without an image."""
    result = plays(
        add_checkpoint("Spooler", KEY, online_here=True),
        [
            (e.Claim("Spooler", KEY), CPT),
            (e.ReadKey(KEY), TREE),
            (e.Watch(CPT), None),
            (e.ReadKey(KEY), TREE),
            (e.SaveImage(CPT, TREE, Trigger.ADDED), None),
            (e.EnterList(CPT), None),
        ],
    )
    assert result is None


def test_a_key_of_an_offline_resource_is_not_watched() -> None:
    plays(
        add_checkpoint("Spooler", KEY, online_here=False),
        [
            (e.Claim("Spooler", KEY), CPT),
            (e.ReadKey(KEY), TREE),
            (e.ReadKey(KEY), TREE),
            (e.SaveImage(CPT, TREE, Trigger.ADDED), None),
            (e.EnterList(CPT), None),
        ],
    )


def test_adding_twice_and_adding_nothing_are_documented_errors() -> None:
    """Facts 16 and 20."""
    assert (
        plays(add_checkpoint("Spooler", KEY, online_here=True), [(e.Claim("Spooler", KEY), Win32.ALREADY_EXISTS)])
        == 183
    )
    script = [(e.Claim("Spooler", KEY), CPT), (e.ReadKey(KEY), None), (e.GiveUp(CPT), None)]
    assert plays(add_checkpoint("Spooler", KEY, online_here=True), script) == Win32.FILE_NOT_FOUND


@pytest.mark.parametrize("online_here", [True, False])
def test_a_first_save_that_fails_leaves_nothing_behind(online_here: bool) -> None:
    script: list[tuple[Any, Any]] = [(e.Claim("Spooler", KEY), CPT), (e.ReadKey(KEY), TREE)]
    script += [(e.Watch(CPT), None)] if online_here else []
    script += [(e.ReadKey(KEY), TREE), (e.SaveImage(CPT, TREE, Trigger.ADDED), Win32.WRITE_FAULT)]
    script += [(e.Unwatch("Spooler", CPT), None)] if online_here else []
    script += [(e.GiveUp(CPT), None)]
    assert plays(add_checkpoint("Spooler", KEY, online_here=online_here), script) == Win32.WRITE_FAULT


def test_a_removed_checkpoint_is_no_longer_watched() -> None:
    script = [
        (e.ListCheckpoints("Spooler"), (OTHER, CPT)),
        (e.Unwatch("Spooler", CPT), None),
        (e.LeaveList(CPT), None),
    ]
    assert plays(remove_checkpoint("Spooler", KEY), script) is None
    assert plays(remove_checkpoint("Spooler", KEY), [(e.ListCheckpoints("Spooler"), ())]) == Win32.FILE_NOT_FOUND


def test_every_checkpoint_is_restored_then_watched_before_online() -> None:
    """MSDN checkpointing: the tree is restored before the resource is brought online (fact 5)."""
    plays(
        before_online("Spooler"),
        [
            LISTED,
            LISTED,
            (e.LoadImage(CPT), Image(3, TREE)),
            LISTED,
            (e.RestoreKey(CPT, Image(3, TREE)), None),
            LISTED,
            (e.Watch(CPT), None),
            LISTED,
            (e.LoadImage(OTHER), Image(1, EMPTY)),
            LISTED,
            (e.RestoreKey(OTHER, Image(1, EMPTY)), None),
            LISTED,
            (e.Watch(OTHER), None),
        ],
    )


def test_a_missing_image_is_event_1024_and_the_resource_goes_on() -> None:
    """KB 316772; the local key is left alone (assumed: domain.md 147)."""
    op = before_online("Spooler")
    assert op.send(None) == e.ListCheckpoints("Spooler")
    assert op.send((CPT,)) == e.ListCheckpoints("Spooler")
    assert op.send((CPT,)) == e.LoadImage(CPT)
    assert op.send(Win32.FILE_NOT_FOUND) == e.RestoreImpossible(CPT, Win32.FILE_NOT_FOUND)
    assert logged(op.send(None), 1024)
    assert op.send(None) == e.ListCheckpoints("Spooler")
    assert op.send((CPT,)) == e.Watch(CPT)


def test_a_checkpoint_removed_meanwhile_is_neither_restored_nor_watched() -> None:
    """Found by the reference: it stayed watched for ever, and its saves wrote images of no list."""
    plays(
        before_online("Spooler"),
        [
            (e.ListCheckpoints("Spooler"), (CPT,)),
            (e.ListCheckpoints("Spooler"), ()),
            (e.ListCheckpoints("Spooler"), ()),
        ],
    )
    script = [
        (e.Unwatch("Spooler"), None),
        (e.AwaitSaves("Spooler"), None),
        (e.ListCheckpoints("Spooler"), (CPT,)),
        (e.ListCheckpoints("Spooler"), ()),
    ]
    plays(after_offline("Spooler"), script)


def test_an_image_that_is_removed_while_it_is_read_is_not_restored() -> None:
    """A disk that refuses writes keeps the file; found by a random timeline, whose history then had no such image."""
    op = before_online("Spooler")
    op.send(None)
    op.send((CPT,))
    assert op.send((CPT,)) == e.LoadImage(CPT)
    assert op.send(Image(2, TREE)) == e.ListCheckpoints("Spooler")
    assert op.send(()) == e.RestoreImpossible(CPT, Win32.FILE_NOT_FOUND)


def test_a_damaged_image_is_said_and_the_last_good_one_used() -> None:
    op = before_online("Spooler")
    op.send(None)
    op.send((CPT,))
    op.send((CPT,))
    last_good = Image(2, TREE, damaged=True)
    assert op.send(last_good) == e.ListCheckpoints("Spooler")
    assert logged(op.send((CPT,)), 1024)
    assert op.send(None) == e.RestoreKey(CPT, last_good)


def test_a_key_held_open_is_event_1024() -> None:
    op = before_online("Spooler")
    op.send(None)
    op.send((CPT,))
    op.send((CPT,))
    assert op.send(Image(2, TREE)) == e.ListCheckpoints("Spooler")
    assert op.send((CPT,)) == e.RestoreKey(CPT, Image(2, TREE))
    assert logged(op.send(Win32.ACCESS_DENIED), 1024)
    assert op.send(None) == e.ListCheckpoints("Spooler")
    assert op.send((CPT,)) == e.Watch(CPT)


def test_the_watch_is_rearmed_before_the_key_is_read() -> None:
    """A notification is spent when it fires (fact 100); armed after the read, a change between would go unseen."""
    plays(
        save_on_change(CPT),
        [
            (e.Rearm(CPT), None),
            (e.ReadKey(KEY), TREE),
            (e.SaveImage(CPT, TREE, Trigger.CHANGE), None),
            (e.Signalled(CPT), False),
        ],
    )


def test_what_changes_during_a_save_leads_to_one_more() -> None:
    plays(
        save_on_change(CPT),
        [
            (e.Rearm(CPT), None),
            (e.ReadKey(KEY), TREE),
            (e.SaveImage(CPT, TREE, Trigger.CHANGE), None),
            (e.Signalled(CPT), True),
            (e.Rearm(CPT), None),
            (e.ReadKey(KEY), NEWER),
            (e.SaveImage(CPT, NEWER, Trigger.CHANGE), None),
            (e.Signalled(CPT), False),
        ],
    )


def test_a_failing_save_is_reported_once_and_tried_until_the_watch_is_closed() -> None:
    op = save_on_change(CPT)
    op.send(None)
    op.send(None)
    assert op.send(TREE) == e.SaveImage(CPT, TREE, Trigger.CHANGE)
    assert logged(op.send(Win32.WRITE_FAULT), 1080)
    assert op.send(None) == e.AwaitRetry(CPT)
    for woken in (Woken.RETRY, Woken.CHANGED):
        assert op.send(woken) == e.Rearm(CPT)
        assert op.send(None) == e.ReadKey(KEY)
        assert op.send(TREE) == e.SaveImage(CPT, TREE, Trigger.CHANGE)
        assert op.send(Win32.WRITE_FAULT) == e.AwaitRetry(CPT)
    with pytest.raises(StopIteration):
        op.send(Woken.CLOSED)


def test_a_checkpointed_key_that_is_gone_cannot_be_saved() -> None:
    op = save_on_change(CPT)
    op.send(None)
    assert op.send(None) == e.ReadKey(KEY)
    assert op.send(None) == e.SaveImpossible(CPT, Trigger.CHANGE, Win32.FILE_NOT_FOUND)
    assert logged(op.send(None), 1080)


def test_offline_stops_watching_waits_for_saves_in_flight_then_saves_all() -> None:
    plays(
        after_offline("Spooler"),
        [
            (e.Unwatch("Spooler"), None),
            (e.AwaitSaves("Spooler"), None),
            LISTED,
            LISTED,
            (e.ReadKey(KEY), TREE),
            (e.SaveImage(CPT, TREE, Trigger.OFFLINE), None),
            LISTED,
            (e.ReadKey(OTHER.key), EMPTY),
            (e.SaveImage(OTHER, EMPTY, Trigger.OFFLINE), None),
        ],
    )


def test_a_save_at_offline_that_fails_is_reported_and_the_next_one_made() -> None:
    op = after_offline("Spooler")
    for answer in (None, None, None, (CPT, OTHER), (CPT, OTHER)):
        op.send(answer)
    assert op.send(TREE) == e.SaveImage(CPT, TREE, Trigger.OFFLINE)
    assert logged(op.send(Win32.DISK_FULL), 1080)
    assert op.send(None) == e.ListCheckpoints("Spooler")
    assert op.send((CPT, OTHER)) == e.ReadKey(OTHER.key)


def test_a_failure_saves_nothing() -> None:
    """Assumed: fact 73 says that no document decides it."""
    plays(after_failure("Spooler"), [(e.Unwatch("Spooler"), None)])


def test_a_merely_conforming_engine_restores_and_does_no_more() -> None:
    """MS-CMRP 3.1.4.3.1.21: the restore is a MUST, to watch and to save a SHOULD; of offline it does not speak."""
    image = Image(1, TREE)
    plays(
        before_online("Spooler", Policy.OVERWRITE, CONFORMING),
        [
            (e.ListCheckpoints("Spooler"), (CPT,)),
            (e.ListCheckpoints("Spooler"), (CPT,)),
            (e.LoadImage(CPT), image),
            (e.ListCheckpoints("Spooler"), (CPT,)),
            (e.RestoreKey(CPT, image), None),
        ],
    )
    plays(
        after_offline("Spooler", Policy.OVERWRITE, CONFORMING),
        [(e.Unwatch("Spooler"), None), (e.AwaitSaves("Spooler"), None)],
    )


def test_a_merely_conforming_engine_saves_a_key_that_is_specified_and_does_not_watch_it() -> None:
    plays(
        add_checkpoint("Spooler", KEY, Policy.OVERWRITE, CONFORMING, online_here=True),
        [
            (e.Claim("Spooler", KEY), CPT),
            (e.ReadKey(KEY), TREE),
            (e.ReadKey(KEY), TREE),
            (e.SaveImage(CPT, TREE, Trigger.ADDED), Win32.WRITE_FAULT),
            (e.GiveUp(CPT), None),
        ],
    )


def test_an_engine_that_is_told_to_saves_on_failure() -> None:
    plays(
        after_failure("Spooler", Policy.OVERWRITE, Obligations(saves_on_failure=True)),
        [
            (e.Unwatch("Spooler"), None),
            (e.AwaitSaves("Spooler"), None),
            (e.ListCheckpoints("Spooler"), (CPT,)),
            (e.ListCheckpoints("Spooler"), (CPT,)),
            (e.ReadKey(KEY), TREE),
            (e.SaveImage(CPT, TREE, Trigger.FAILURE), None),
        ],
    )
