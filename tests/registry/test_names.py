"""Names: Windows' upper-casing, and paths that ignore case."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.registry import KeyPath, upcase
from sim.registry.casing import UPPER
from tests.registry.strategies import key_names, paths

SPOOLER = KeyPath.parse(r"SOFTWARE\Contoso\Spooler")


def by_the_rule(unit: str) -> str:
    """The rule of regf.md, "Upper-casing", on this Python's own tables."""
    for changed in (unit.upper(), unit.title()):
        if len(changed) == 1 and changed.lower() == unit and changed <= "\uffff":
            return changed
    return unit


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="Unicode 16 has new case pairs; the table is older")
def test_the_frozen_table_is_the_rule_on_every_unit_of_the_bmp() -> None:
    units = [chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000]
    assert len(units) == 63_488
    assert [unit for unit in units if upcase(unit) != by_the_rule(unit)] == []
    assert len(UPPER) == 1163


def test_str_upper_would_be_wrong() -> None:
    """Python expands or merges what Windows leaves alone, one unit to one (regf.md names 54 code points)."""
    for unit in "ßµıſςŉǰ":
        assert upcase(unit) == unit != unit.upper()
    assert upcase("ᾀ") == "ᾈ"
    assert upcase("Größe") == "GRÖßE"


def test_surrogates_and_characters_beyond_the_bmp_stay() -> None:
    assert upcase("\ud801\U00010428") == "\ud801\U00010428"
    assert "\U00010428".upper() == "\U00010400"


@given(st.text(max_size=5))
def test_upcase_keeps_the_length_and_is_idempotent(name: str) -> None:
    assert len(upcase(name)) == len(name)
    assert upcase(upcase(name)) == upcase(name)


def test_a_path_says_its_names_in_each_form() -> None:
    assert SPOOLER.names == ("SOFTWARE", "Contoso", "Spooler")
    assert SPOOLER.folded == ("SOFTWARE", "CONTOSO", "SPOOLER")
    assert str(SPOOLER) == r"SOFTWARE\Contoso\Spooler"
    assert SPOOLER.hklm == r"HKLM\SOFTWARE\Contoso\Spooler"
    assert repr(SPOOLER) == r"KeyPath.parse('SOFTWARE\\Contoso\\Spooler')"
    assert SPOOLER.name == "Spooler"
    assert SPOOLER.parent == KeyPath(("SOFTWARE", "Contoso")) == SPOOLER.parent.parent / "contoso"
    assert KeyPath(()) / r"SOFTWARE\Contoso" / "Spooler" == SPOOLER
    assert len(SPOOLER) == 3


def test_the_empty_path_is_hklm_and_true() -> None:
    root = KeyPath.parse("")
    assert (str(root), root.hklm, len(root), bool(root)) == ("", "HKLM", 0, True)
    with pytest.raises(IndexError, match="HKEY_LOCAL_MACHINE has no parent"):
        _ = root.parent
    with pytest.raises(IndexError):
        _ = root.name


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (r"HKLM\SOFTWARE\Contoso\Spooler", SPOOLER),
        (r"hkey_local_machine\software\contoso\spooler", SPOOLER),
        ("HKLM", KeyPath(())),
    ],
)
def test_parse_hklm_takes_either_form_of_the_root(text: str, path: KeyPath) -> None:
    assert KeyPath.parse_hklm(text) == path


@pytest.mark.parametrize("text", ["", r"SOFTWARE\Contoso", r"HKCU\Software", r"HKLMX\A", "HKLM:\\A"])
def test_parse_hklm_refuses_any_other_root(text: str) -> None:
    with pytest.raises(ValueError, match="does not begin with HKLM or HKEY_LOCAL_MACHINE"):
        KeyPath.parse_hklm(text)


@pytest.mark.parametrize("text", ["\\SOFTWARE", "SOFTWARE\\", r"SOFTWARE\\Contoso"])
def test_an_empty_name_is_refused(text: str) -> None:
    """Also the leading backslash that makes a checkpoint control code fail (domain.md 15)."""
    with pytest.raises(ValueError, match="name is empty"):
        KeyPath.parse(text)
    with pytest.raises(ValueError, match="name is empty"):
        KeyPath.parse_hklm("HKLM\\" + text)
    with pytest.raises(ValueError, match="name is empty"):
        _ = SPOOLER / ""


def test_a_backslash_within_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="holds a backslash"):
        KeyPath(("a\\b",))


def test_covers_and_below_ignore_case() -> None:
    above = KeyPath.parse(r"software\CONTOSO")
    assert above.covers(SPOOLER)
    assert above.covers(above)
    assert not SPOOLER.covers(above)
    assert not KeyPath.parse(r"SOFTWARE\Cont").covers(SPOOLER)
    assert SPOOLER.below(above) == ("Spooler",)
    assert SPOOLER.below(SPOOLER) == ()
    with pytest.raises(ValueError, match=r"SOFTWARE\\Contoso\\Spooler does not lie below SYSTEM"):
        SPOOLER.below(KeyPath.parse("SYSTEM"))


@given(paths, paths)
def test_equality_hash_and_order_are_those_of_the_folded_names(one: KeyPath, other: KeyPath) -> None:
    same = one.folded == other.folded
    assert (one == other) is same
    assert (one < other, one <= other) == (one.folded < other.folded, one.folded <= other.folded)
    assert not same or hash(one) == hash(other)
    assert one != str(one)


@given(paths, key_names)
def test_a_path_survives_text_pickle_and_a_step_down(path: KeyPath, name: str) -> None:
    assert KeyPath.parse(str(path)).names == path.names
    assert pickle.loads(pickle.dumps(path)).names == path.names
    below = path / name
    assert (below.parent.names, below.name) == (path.names, name)
    assert path.covers(below)


def test_order_and_digests_do_not_depend_on_the_hash_seed() -> None:
    """One process for each of two seeds says the same (measured.md: maps that iterate by hash did not)."""
    program = (
        "from sim.registry import *\n"
        "tree = KeyTree.built([(f'v{i}', Value.dword(i)) for i in range(100)], [(f'k{i}', EMPTY) for i in range(40)])\n"
        "other = tree.without_value((), 'v7').with_value(('k3', 'new'), 'x', Value.sz('y'))\n"
        "print(tree.digest.hex(), list(tree.walk()), list(diff(tree, other)), hash(tree))\n"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
            text=True,
            encoding="utf-8",
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
