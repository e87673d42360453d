r"""Garbage in a `.reg` file gives a `RegTextError` with a place inside the file, never a traceback."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.registry import EMPTY, KeyPath, RegFile, RegTextError, Value, apply_reg, parse_reg, write_changes, write_reg
from tests.registry.strategies import plain_trees

PIECES = [
    "Windows Registry Editor Version 5.00",
    "REGEDIT4",
    "[HKEY_LOCAL_MACHINE\\SOFTWARE\\X]",
    "[-HKEY_LOCAL_MACHINE\\X]",
    '"x"',
    "@",
    "=",
    "-",
    '"text"',
    "dword:00000001",
    "hex:01,02",
    "hex(7):",
    ",\\",
    "\\",
    '"',
    "]",
    "[",
    ";",
    "\r\n",
    "\n",
    "\r",
    "\t ",
    "\0",
    "ä",
    "\ud800",
]

TREE = EMPTY.with_value(("A ]",), 'q"\\', Value.sz("a\\b")).with_value(("A ]",), "", Value.binary(bytes(40)))
SEEDS = [write_reg(TREE, KeyPath.parse("SOFTWARE"), version=version) for version in (5, 4)]


def read_or_refused(data: bytes) -> RegFile | None:
    """The file, or None where it was refused with a place within it."""
    refusal: RegTextError | None = None
    try:
        file = parse_reg(data)
        apply_reg(EMPTY, file)
    except RegTextError as error:
        refusal = error
    if refusal is None:
        return file
    assert 1 <= refusal.line <= 1 + data.count(b"\n") + data.count(b"\r")
    assert refusal.column >= 1
    return None


@settings(max_examples=300)
@given(
    st.binary(max_size=40)
    | st.lists(st.sampled_from(PIECES), max_size=12)
    .map("".join)
    .map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    read_or_refused(data)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=12), st.sampled_from(PIECES[:2]))
def test_any_lines_below_a_header_are_read_or_refused(pieces: list[str], header: str) -> None:
    """What is read can be written and read again: no entry that a file cannot hold comes out of a file."""
    text = f"{header}\n[HKEY_LOCAL_MACHINE\\S]\n" + "".join(pieces)
    file = read_or_refused(text.encode("utf-8", "surrogatepass"))
    if file is not None:
        again = parse_reg(write_changes(file.entries))
        assert apply_reg(EMPTY, again) == apply_reg(EMPTY, file)


@settings(max_examples=300)
@given(st.sampled_from(SEEDS), st.data())
def test_mutated_exports_are_read_or_refused(seed: bytes, data: st.DataObject) -> None:
    mutated = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(mutated) - 1))
        match data.draw(st.integers(0, 3)):
            case 0:
                mutated[at] = data.draw(st.integers(0, 255))
            case 1:
                del mutated[at : at + data.draw(st.integers(1, 8))]
                mutated = mutated or bytearray(b"x")
            case 2:
                mutated[at:at] = mutated[at : at + 9]
            case _:
                mutated[at:at] = data.draw(st.binary(max_size=4))
    read_or_refused(bytes(mutated))


@settings(max_examples=30)
@given(plain_trees(), st.data())
def test_a_file_cut_off_anywhere_is_read_or_refused(tree: object, data: st.DataObject) -> None:
    whole = write_reg(tree, KeyPath.parse("SOFTWARE"))  # type: ignore[arg-type]
    read_or_refused(whole[: data.draw(st.integers(0, len(whole)))])


@pytest.mark.parametrize("size", [100_000])
def test_large_data_is_read_in_one_pass(size: int) -> None:
    value = Value.binary(bytes(size))
    data = write_reg(EMPTY.with_value((), "x", value), KeyPath.parse("SOFTWARE"))
    assert apply_reg(EMPTY, parse_reg(data)).at(("SOFTWARE",)) == EMPTY.with_value((), "x", value)
