"""The verbs of Win32: each example cites the fact it shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.registry import EMPTY, KeyPath, KeyTree, Registry, Value, Win32, Win32Error
from sim.registry.registry import DATA_LIMIT, DEPTH_LIMIT, KEY_NAME_LIMIT, LEVELS_LIMIT, VALUE_NAME_LIMIT
from tests.registry.strategies import paths, plain_trees, trees

SOFTWARE = KeyPath.parse("SOFTWARE")
CONTOSO = SOFTWARE / "Contoso"
SPOOLER = CONTOSO / "Spooler"
PORT = Value.dword(80)


def machine(*keys: KeyPath) -> Registry:
    registry = Registry(EMPTY.with_key(SOFTWARE))
    for key in keys:
        registry.create_key(key)
    return registry


def refused(verb: Callable[[], object], code: Win32, *, of: Registry | None = None) -> None:
    """The verb fails with that code and changes nothing."""
    before = None if of is None else of.root
    with pytest.raises(Win32Error) as failed:
        verb()
    assert failed.value.code is code
    assert of is None or of.root is before


# --- keys and values --------------------------------------------------------------------------------------


def test_what_is_set_is_queried_in_any_case() -> None:
    registry = machine(SPOOLER)
    registry.set_value(KeyPath.parse(r"software\CONTOSO\spooler"), "Port", PORT)
    registry.set_value(SPOOLER, "", Value.sz("default"))
    assert registry.query_value(SPOOLER, "PORT") == PORT
    assert registry.enumerate_values(SPOOLER) == (("", Value.sz("default")), ("Port", PORT))
    assert registry.enumerate_keys(CONTOSO) == ("Spooler",)
    assert registry.query_key(SPOOLER).value("port") == PORT


def test_create_makes_all_missing_keys_of_a_path_once() -> None:
    """domain.md 96 (RegCreateKeyEx)."""
    registry = machine()
    assert registry.create_key(SPOOLER) is True
    assert registry.create_key(SPOOLER) is False
    assert registry.create_key(KeyPath.parse("software")) is False
    assert registry.enumerate_keys(SOFTWARE) == ("Contoso",)


def test_no_key_is_created_right_below_the_root() -> None:
    """domain.md 96: RegCreateKeyEx cannot create a direct child of HKEY_LOCAL_MACHINE; the number is assumed."""
    registry = machine()
    refused(lambda: registry.create_key(KeyPath.parse("Contoso")), Win32.INVALID_PARAMETER, of=registry)
    refused(lambda: registry.create_key(KeyPath.parse(r"Contoso\Spooler")), Win32.INVALID_PARAMETER, of=registry)
    assert registry.create_key(KeyPath(())) is False


def test_what_is_absent_is_not_found() -> None:
    """domain.md 107, 20: the key must be opened first."""
    registry = machine(CONTOSO)
    for verb in (
        lambda: registry.query_key(SPOOLER),
        lambda: registry.query_value(SPOOLER, "Port"),
        lambda: registry.query_value(CONTOSO, "Port"),
        lambda: registry.enumerate_keys(SPOOLER),
        lambda: registry.enumerate_values(SPOOLER),
        lambda: registry.set_value(SPOOLER, "Port", PORT),
        lambda: registry.delete_value(SPOOLER, "Port"),
        lambda: registry.delete_value(CONTOSO, "Port"),
        lambda: registry.delete_key(SPOOLER),
        lambda: registry.delete_tree(SPOOLER),
        lambda: registry.save_key(SPOOLER),
        lambda: registry.restore_key(SPOOLER, EMPTY),
        lambda: registry.open_key(SPOOLER),
        lambda: registry.watch(SPOOLER),
    ):
        refused(verb, Win32.FILE_NOT_FOUND, of=registry)


def test_delete_key_spares_a_key_with_subkeys() -> None:
    """wine.md: RegDeleteKey on a key with subkeys is 5, as on Windows."""
    registry = machine(SPOOLER)
    refused(lambda: registry.delete_key(CONTOSO), Win32.ACCESS_DENIED, of=registry)
    registry.delete_key(SPOOLER)
    registry.delete_key(CONTOSO)
    assert registry.enumerate_keys(SOFTWARE) == ()


def test_delete_tree_takes_all_below_but_never_the_root() -> None:
    registry = machine(SPOOLER)
    registry.delete_tree(CONTOSO)
    assert registry.root == EMPTY.with_key(SOFTWARE)
    refused(lambda: registry.delete_tree(KeyPath(())), Win32.ACCESS_DENIED, of=registry)


def test_delete_value() -> None:
    registry = machine(CONTOSO)
    registry.set_value(CONTOSO, "Port", PORT)
    registry.delete_value(CONTOSO, "PORT")
    assert registry.enumerate_values(CONTOSO) == ()


# --- limits (domain.md 95) --------------------------------------------------------------------------------


def test_a_key_name_has_at_most_255_characters() -> None:
    registry = machine()
    assert registry.create_key(SOFTWARE / ("x" * KEY_NAME_LIMIT))
    refused(lambda: registry.create_key(SOFTWARE / ("x" * (KEY_NAME_LIMIT + 1))), Win32.INVALID_PARAMETER, of=registry)
    pairs = "\U0001f600" * 128  # characters beyond the BMP count twice: names are UTF-16
    refused(lambda: registry.create_key(SOFTWARE / pairs), Win32.INVALID_PARAMETER, of=registry)
    assert registry.create_key(SOFTWARE / pairs[1:])


def test_the_limit_is_for_each_name_not_for_the_path() -> None:
    """The documented remark that 255 covers the full path is contradicted by practice (95, UNSOURCED)."""
    assert machine().create_key(KeyPath(("SOFTWARE", *["x" * KEY_NAME_LIMIT] * 4)))


def test_a_value_name_has_at_most_16383_characters() -> None:
    registry = machine()
    registry.set_value(SOFTWARE, "x" * VALUE_NAME_LIMIT, PORT)
    name = "x" * (VALUE_NAME_LIMIT + 1)
    refused(lambda: registry.set_value(SOFTWARE, name, PORT), Win32.INVALID_PARAMETER, of=registry)


def test_data_has_at_most_one_megabyte() -> None:
    registry = machine()
    registry.set_value(SOFTWARE, "x", Value.binary(bytes(DATA_LIMIT)))
    large = Value.binary(bytes(DATA_LIMIT + 1))
    refused(lambda: registry.set_value(SOFTWARE, "y", large), Win32.INVALID_PARAMETER, of=registry)


def test_one_call_creates_at_most_32_levels_and_512_are_the_end() -> None:
    registry = machine()
    path = SOFTWARE
    too_many = KeyPath((*path.names, *["x"] * (LEVELS_LIMIT + 1)))
    refused(lambda: registry.create_key(too_many), Win32.INVALID_PARAMETER, of=registry)
    while len(path) < DEPTH_LIMIT:
        path = KeyPath((*path.names, *["x"] * min(LEVELS_LIMIT, DEPTH_LIMIT - len(path))))
        assert registry.create_key(path)
    registry.set_value(path, "deep", PORT)
    refused(lambda: registry.create_key(path / "x"), Win32.INVALID_PARAMETER, of=registry)
    assert registry.query_value(path, "deep") == PORT
    assert registry.save_key(SOFTWARE).count_values() == 1
    registry.delete_tree(SOFTWARE / "x")
    assert registry.query_key(SOFTWARE) == EMPTY


# --- volatile keys (domain.md 97) -------------------------------------------------------------------------


def test_a_stable_key_below_a_volatile_one_is_refused() -> None:
    registry = machine()
    assert registry.create_key(CONTOSO, volatile=True)
    refused(lambda: registry.create_key(SPOOLER), Win32.CHILD_MUST_BE_VOLATILE, of=registry)
    assert registry.create_key(SPOOLER, volatile=True)
    assert registry.query_key(SPOOLER).volatile


def test_the_flag_is_ignored_for_a_key_that_is_there() -> None:
    registry = machine(CONTOSO)
    assert registry.create_key(CONTOSO, volatile=True) is False
    assert not registry.query_key(CONTOSO).volatile


def test_volatile_keys_are_not_saved_and_a_restore_removes_them() -> None:
    """97 for the save; that the restore removes them is assumed (141)."""
    registry = machine(CONTOSO)
    registry.set_value(CONTOSO, "Port", PORT)
    registry.create_key(CONTOSO / "Running", volatile=True)
    image = registry.save_key(CONTOSO)
    assert image == EMPTY.with_value((), "Port", PORT)
    registry.restore_key(CONTOSO, image)
    assert registry.query_key(CONTOSO) == image


# --- saving and restoring (domain.md 103-105) -------------------------------------------------------------


@given(trees(), plain_trees())
def test_a_restore_replaces_the_whole_subtree(local: KeyTree, image: KeyTree) -> None:
    """What was added locally goes too (domain.md 7, 104: RegRestoreKey)."""
    registry = Registry(EMPTY.with_key(CONTOSO, local).with_value(SOFTWARE, "beside", PORT))
    registry.restore_key(CONTOSO, image)
    assert registry.query_key(CONTOSO) == image
    assert registry.query_value(SOFTWARE, "beside") == PORT


@given(trees(), paths)
def test_a_restore_of_what_was_just_saved_is_identity(tree: KeyTree, path: KeyPath) -> None:
    registry = Registry(
        EMPTY.with_key(CONTOSO, tree.without_volatile()).with_key(KeyPath((*CONTOSO.names, *path.names)))
    )
    before = registry.root
    registry.restore_key(CONTOSO, registry.save_key(CONTOSO))
    assert registry.root == before
    assert list(registry.root.walk()) == list(before.walk()), "names' case included"


def test_the_key_keeps_its_own_name() -> None:
    """domain.md 104: values and subkeys are those of the file's top key, the name is not."""
    registry = machine(CONTOSO)
    registry.restore_key(KeyPath.parse(r"software\CONTOSO"), EMPTY.with_value((), "x", PORT))
    assert registry.enumerate_keys(SOFTWARE) == ("Contoso",)


def test_a_restore_fails_while_the_key_or_one_below_is_held_open() -> None:
    """domain.md 104, and 37-39: what event 1024 tells of."""
    for held in (CONTOSO, SPOOLER):
        registry = machine(SPOOLER, SOFTWARE / "Other")
        registry.open_key(SOFTWARE)
        registry.open_key(SOFTWARE / "Other")
        handle = registry.open_key(held)
        refused(lambda: registry.restore_key(CONTOSO, EMPTY), Win32.ACCESS_DENIED, of=registry)  # noqa: B023
        registry.close_key(handle)
        registry.restore_key(CONTOSO, EMPTY)
        assert registry.enumerate_keys(CONTOSO) == ()


def test_force_restores_under_open_handles() -> None:
    """REG_FORCE_RESTORE (domain.md 104); what becomes of the handles is assumed."""
    registry = machine(SPOOLER)
    above, below = registry.open_key(CONTOSO), registry.open_key(SPOOLER)
    registry.restore_key(CONTOSO, EMPTY, force=True)
    assert registry.key_of(above) == CONTOSO
    refused(lambda: registry.key_of(below), Win32.KEY_DELETED)
    assert registry.open_handles() == ((above, CONTOSO),)


# --- handles ----------------------------------------------------------------------------------------------


def test_a_handle_of_a_deleted_key_says_so_also_when_the_key_is_created_again() -> None:
    """1018 KEY_DELETED (domain.md 107)."""
    registry = machine(SPOOLER)
    handle, other = registry.open_key(SPOOLER), registry.open_key(SOFTWARE)
    assert registry.key_of(handle) == SPOOLER
    assert registry.open_handles() == ((handle, SPOOLER), (other, SOFTWARE))
    registry.delete_tree(CONTOSO)
    refused(lambda: registry.key_of(handle), Win32.KEY_DELETED)
    registry.create_key(SPOOLER)
    refused(lambda: registry.key_of(handle), Win32.KEY_DELETED)
    assert registry.open_handles() == ((other, SOFTWARE),)
    registry.close_key(handle)
    refused(lambda: registry.key_of(handle), Win32.INVALID_HANDLE)
    refused(lambda: registry.close_key(handle), Win32.INVALID_HANDLE)


def test_handles_and_watches_are_never_taken_for_each_other() -> None:
    registry = machine(SPOOLER)
    handle, watch = registry.open_key(SPOOLER), registry.watch(SPOOLER)
    assert handle != watch
    refused(lambda: registry.key_of(watch), Win32.INVALID_HANDLE)
    refused(lambda: registry.signalled(handle), Win32.INVALID_HANDLE)


# --- copies and determinism -------------------------------------------------------------------------------


def test_a_copy_is_independent_and_keeps_its_numbers() -> None:
    registry = machine(SPOOLER)
    handle, watch = registry.open_key(SPOOLER), registry.watch(SPOOLER)
    registry.set_value(SPOOLER, "Port", PORT)
    other = registry.copy()
    assert other.root is registry.root
    other.close_key(handle)
    other.unwatch(watch)
    other.set_value(SPOOLER, "Port", Value.dword(8080))
    assert registry.query_value(SPOOLER, "Port") == PORT
    assert registry.key_of(handle) == SPOOLER
    assert registry.take_signals() == (watch,)
    assert other.take_signals() == ()
    assert other.open_key(SPOOLER) == registry.open_key(SPOOLER)


@given(st.lists(st.tuples(st.sampled_from(("create", "set", "delete")), paths, st.integers(0, 2)), max_size=25))
def test_verbs_follow_a_model_of_sets(steps: list[tuple[str, KeyPath, int]]) -> None:
    """Keys as a set of folded paths, values as a dict; every verb agrees or fails without a trace."""
    registry = machine()
    keys: dict[tuple[str, ...], dict[str, Value]] = {(): {}, ("SOFTWARE",): {}}
    for verb, below, number in steps:
        key = KeyPath(("SOFTWARE", *below.names))
        value = Value.dword(number)
        match verb:
            case "create":
                assert registry.create_key(key) is (key.folded not in keys)
                for depth in range(1, len(key) + 1):
                    keys.setdefault(key.folded[:depth], {})
            case "set" if key.folded in keys:
                registry.set_value(key, "v", value)
                keys[key.folded]["V"] = value
            case "delete" if key.folded in keys and below.names:
                registry.delete_tree(key)
                keys = {path: held for path, held in keys.items() if path[: len(key)] != key.folded}
            case _ if key.folded not in keys:
                refused(lambda: registry.set_value(key, "v", value), Win32.FILE_NOT_FOUND, of=registry)  # noqa: B023
    found = {
        KeyPath(names).folded: {name.upper(): held for name, held in key.values} for names, key in registry.root.walk()
    }
    assert found == keys
