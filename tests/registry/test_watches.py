"""Watches: RegNotifyChangeKeyValue as documented, one-shot and coalescing (domain.md 100-103)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.registry import EMPTY, Filter, KeyPath, Registry, Value, Win32, Win32Error

SOFTWARE = KeyPath.parse("SOFTWARE")
CONTOSO = SOFTWARE / "Contoso"
SPOOLER = CONTOSO / "Spooler"
PRINTERS = SPOOLER / "Printers"


def machine() -> Registry:
    registry = Registry(EMPTY.with_key(SOFTWARE))
    registry.create_key(PRINTERS)
    registry.create_key(SOFTWARE / "Other")
    registry.set_value(SPOOLER, "Port", Value.dword(80))
    return registry


def refused(verb: Callable[[], object], code: Win32) -> None:
    with pytest.raises(Win32Error) as failed:
        verb()
    assert failed.value.code is code


def test_one_call_gives_one_signal_and_changes_coalesce() -> None:
    """100: one call = one notification, then call again."""
    registry = machine()
    watch = registry.watch(SPOOLER)
    assert not registry.signalled(watch)
    registry.set_value(SPOOLER, "Port", Value.dword(1))
    registry.set_value(SPOOLER, "Port", Value.dword(2))
    assert registry.signalled(watch)
    assert registry.take_signals() == (watch,)
    registry.set_value(SPOOLER, "Port", Value.dword(3))
    assert registry.take_signals() == ()
    registry.rearm(watch)
    assert not registry.signalled(watch)
    assert registry.take_signals() == ()
    registry.set_value(SPOOLER, "Port", Value.dword(4))
    assert registry.take_signals() == (watch,)


@pytest.mark.parametrize("collecting", [False, True])
def test_a_change_between_signal_and_rearm(collecting: bool) -> None:
    """101: on NT to XP the handle goes on collecting, and the second call signals at once; later it does not."""
    registry = machine()
    watch = registry.watch(SPOOLER, collecting=collecting)
    registry.set_value(SPOOLER, "Port", Value.dword(1))
    assert registry.take_signals() == (watch,)
    registry.set_value(SPOOLER, "Port", Value.dword(2))
    registry.rearm(watch)
    assert registry.take_signals() == ((watch,) if collecting else ())
    assert registry.signalled(watch) is collecting
    registry.rearm(watch)
    assert registry.take_signals() == (), "what was missed is told once"


def test_equal_data_signals_nobody() -> None:
    """Seen in an independent implementation (wine.md); no document says it."""
    registry = machine()
    watch = registry.watch(SPOOLER)
    registry.set_value(SPOOLER, "PORT", Value.dword(80))
    assert not registry.signalled(watch)
    registry.set_value(SPOOLER, "Port", Value.qword(80))
    assert registry.signalled(watch)


def test_a_restore_signals_nobody() -> None:
    """103: RegNotifyChangeKeyValue does not see changes made with RegRestoreKey."""
    registry = machine()
    watches = [registry.watch(key) for key in (SOFTWARE, SPOOLER, PRINTERS)]
    registry.restore_key(SPOOLER, EMPTY.with_value((), "Port", Value.dword(1)))
    assert registry.take_signals() == ()
    assert not any(map(registry.signalled, watches))
    refused(lambda: registry.rearm(watches[2]), Win32.KEY_DELETED)
    registry.create_key(PRINTERS)
    registry.set_value(PRINTERS, "x", Value.dword(1))
    assert registry.take_signals() == tuple(watches[:2]), "the watch of the key that went is dead"


ACTS: dict[str, Callable[[Registry], object]] = {
    "set in the key": lambda registry: registry.set_value(SPOOLER, "x", Value.sz("x")),
    "delete a value of the key": lambda registry: registry.delete_value(SPOOLER, "Port"),
    "set in a subkey": lambda registry: registry.set_value(PRINTERS, "x", Value.sz("x")),
    "create a subkey": lambda registry: registry.create_key(SPOOLER / "New"),
    "create deeper": lambda registry: registry.create_key(PRINTERS / "HP" / "4"),
    "delete a subkey": lambda registry: registry.delete_key(PRINTERS),
    "delete the key": lambda registry: registry.delete_tree(SPOOLER),
    "delete the key above": lambda registry: registry.delete_tree(CONTOSO),
    "set beside": lambda registry: registry.set_value(SOFTWARE / "Other", "x", Value.sz("x")),
    "create beside": lambda registry: registry.create_key(CONTOSO / "Spooler2"),
    "set above": lambda registry: registry.set_value(CONTOSO, "x", Value.sz("x")),
    "delete beside": lambda registry: registry.delete_key(SOFTWARE / "Other"),
}
BOTH = Filter.NAME | Filter.LAST_SET


@pytest.mark.parametrize(
    ("subtree", "watched", "seen"),
    [
        (
            True,
            BOTH,
            "set in the key, delete a value of the key, set in a subkey, create a subkey, create deeper, "
            "delete a subkey, delete the key, delete the key above",
        ),
        (
            False,
            BOTH,
            "set in the key, delete a value of the key, create a subkey, delete a subkey, delete the key, "
            "delete the key above",
        ),
        (
            True,
            Filter.LAST_SET,
            "set in the key, delete a value of the key, set in a subkey",
        ),
        (True, Filter.NAME, "create a subkey, create deeper, delete a subkey, delete the key, delete the key above"),
        (False, Filter.NAME, "create a subkey, delete a subkey, delete the key, delete the key above"),
        (False, Filter.LAST_SET, "set in the key, delete a value of the key"),
        (True, Filter.ATTRIBUTES | Filter.SECURITY, ""),
    ],
)
def test_scope_and_filter_decide_what_is_seen(subtree: bool, watched: Filter, seen: str) -> None:
    """100: subtree flag; NAME for subkeys, LAST_SET for values. The key's own deletion tells only of its subkeys."""
    found = []
    for act, do in ACTS.items():
        registry = machine()
        watch = registry.watch(KeyPath.parse(r"software\contoso\SPOOLER"), subtree=subtree, filter=watched)
        do(registry)
        if registry.take_signals() == (watch,):
            found.append(act)
    assert ", ".join(found) == seen


def test_the_flags_have_the_documented_numbers() -> None:
    assert [flag.value for flag in Filter] == [1, 2, 4, 8]


def test_signals_come_in_order_of_the_watches_not_of_the_changes() -> None:
    registry = machine()
    first, second = registry.watch(PRINTERS), registry.watch(SOFTWARE / "Other")
    registry.set_value(SOFTWARE / "Other", "x", Value.sz("x"))
    registry.set_value(PRINTERS, "x", Value.sz("x"))
    assert registry.take_signals() == (first, second)


def test_a_watch_signalled_twice_before_anyone_asked_is_told_once() -> None:
    registry = machine()
    watch = registry.watch(SPOOLER)
    registry.set_value(SPOOLER, "x", Value.sz("x"))
    registry.rearm(watch)
    registry.set_value(SPOOLER, "x", Value.sz("y"))
    assert registry.take_signals() == (watch,)


def test_an_armed_watch_stays_armed_when_it_is_armed_again() -> None:
    registry = machine()
    watch = registry.watch(SPOOLER)
    registry.rearm(watch)
    registry.set_value(SPOOLER, "x", Value.sz("x"))
    assert registry.take_signals() == (watch,)


def test_a_watch_that_ends_takes_its_signal_with_it() -> None:
    registry = machine()
    one, other = registry.watch(SPOOLER), registry.watch(SPOOLER)
    registry.set_value(SPOOLER, "x", Value.sz("x"))
    registry.unwatch(one)
    assert registry.take_signals() == (other,)
    for verb in (registry.unwatch, registry.rearm, registry.signalled):
        refused(lambda verb=verb: verb(one), Win32.INVALID_HANDLE)  # type: ignore[misc]


def test_a_watch_of_a_deleted_key_is_dead_also_when_the_key_is_created_again() -> None:
    """1018 KEY_DELETED (domain.md 107): the handle is that of the key that went."""
    registry = machine()
    watch = registry.watch(SPOOLER)
    registry.delete_tree(SPOOLER)
    assert registry.take_signals() == (watch,)  # of the subkey that went first
    refused(lambda: registry.rearm(watch), Win32.KEY_DELETED)
    registry.create_key(SPOOLER)
    registry.set_value(SPOOLER, "x", Value.sz("x"))
    refused(lambda: registry.rearm(watch), Win32.KEY_DELETED)
    assert registry.take_signals() == ()
    registry.unwatch(watch)


def test_the_deletion_of_the_watched_key_itself_tells_nobody() -> None:
    """MSDN Library, June 1998: RegNotifyChangeKeyValue "does not notify the caller if the specified key is deleted"."""
    registry = machine()
    registry.delete_key(PRINTERS)
    registry.set_value(SPOOLER, "x", Value.sz("x"))
    watch, above = registry.watch(SPOOLER), registry.watch(CONTOSO)
    registry.delete_key(SPOOLER)
    assert registry.take_signals() == (above,)
    refused(lambda: registry.rearm(watch), Win32.KEY_DELETED)


def test_the_deletion_of_a_spent_watchs_key_gives_no_second_signal() -> None:
    registry = machine()
    watch = registry.watch(SPOOLER)
    registry.set_value(SPOOLER, "x", Value.sz("x"))
    assert registry.take_signals() == (watch,)
    registry.delete_tree(CONTOSO)
    assert registry.take_signals() == ()


@given(st.lists(st.sampled_from(("change", "rearm", "take")), max_size=20), st.booleans())
def test_no_change_escapes_an_engine_that_rearms_before_it_reads(acts: list[str], collecting: bool) -> None:
    """design.md, the engine: re-arm, then read. Whatever happens, the last read or a pending signal knows the data."""
    registry = machine()
    watch = registry.watch(SPOOLER, collecting=collecting)
    count, read, due = 80, 80, False
    for act in acts:
        if act == "change":
            count += 1
            registry.set_value(SPOOLER, "Port", Value.dword(count))
        elif act == "take":
            due = due or registry.take_signals() == (watch,)
        elif due:
            due = False
            registry.rearm(watch)
            read = int.from_bytes(registry.query_value(SPOOLER, "Port").data, "little")
    assert read == count or due or registry.signalled(watch)
