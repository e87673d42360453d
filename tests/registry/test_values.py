"""Values: friendly forms say the bytes exactly or not at all, and the exact form is reversible."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.registry import Type, Value, type_name, type_number
from tests.registry.strategies import numbers, texts, values


@pytest.mark.parametrize(
    ("value", "kind", "data"),
    [
        (Value.dword(80), 4, "50 00 00 00"),
        (Value.dword_big_endian(80), 5, "00 00 00 50"),
        (Value.qword(80), 11, "50 00 00 00 00 00 00 00"),
        (Value.sz("A"), 1, "41 00 00 00"),
        (Value.sz(""), 1, "00 00"),
        (Value.expand_sz("%A"), 2, "25 00 41 00 00 00"),
        (Value.multi_sz(["A", "b"]), 7, "41 00 00 00 62 00 00 00 00 00"),
        (Value.multi_sz([]), 7, "00 00"),
        (Value.binary(b"\x01\xff"), 3, "01 ff"),
        (Value.none(), 0, ""),
    ],
    ids=lambda each: each.show() if isinstance(each, Value) else None,
)
def test_constructors_write_the_documented_bytes(value: Value, kind: int, data: str) -> None:
    """Little-endian numbers, UTF-16LE text with its null, lists with one null more (domain.md 93, 94)."""
    assert (value.type, value.data) == (kind, bytes.fromhex(data))
    assert type(value.type) is int, "an enum would show in JSON and reprs"


@pytest.mark.parametrize(
    "value",
    [
        Value(Type.DWORD, b"\1\2\3"),
        Value(Type.QWORD, b"\1\2\3\4"),
        Value(Type.SZ, b""),
        Value(Type.SZ, b"A\0"),  # without its terminating null, as domain.md 94 allows
        Value(Type.SZ, b"A\0\0"),
        Value(Type.SZ, b"A\0\0\0\0\0"),
        Value(Type.SZ, b"\x00\xd8\0\0"),  # a lone surrogate
        Value(Type.MULTI_SZ, b""),
        Value(Type.MULTI_SZ, b"A\0\0\0"),
        Value(Type.MULTI_SZ, b"\0\0\0\0"),
        Value(Type.MULTI_SZ, b"\0\xd8\0\0"),
        Value(Type.LINK, b"A\0"),
        Value(0x77, b"\0\0\0\0"),
        Value.binary(b"abcd"),
    ],
)
def test_data_that_no_friendly_form_says_exactly_has_none(value: Value) -> None:
    assert value.plain() is None
    assert value.to_json() == {"type": type_name(value.type), "data": value.data.hex(" ")}
    assert Value.from_exact(value.to_exact()) == value


@given(values())
def test_the_exact_form_is_reversible_and_json(value: Value) -> None:
    assert Value.from_exact(json.loads(json.dumps(value.to_exact()))) == value


@given(values())
def test_the_plain_form_says_the_bytes_exactly(value: Value) -> None:
    """Re-encoding what `plain` says gives the same bytes."""
    match value.plain(), value.type:
        case int(number), _:
            assert value.data == number.to_bytes(len(value.data), "big" if value.type == 5 else "little")
        case str(text), _:
            assert value.data == (text + "\0").encode("utf-16-le")
        case list(listed), _:
            assert Value.multi_sz(listed) == value


@given(numbers, texts)
def test_json_is_bare_for_the_types_of_the_contract(number: int, text: str) -> None:
    assert Value.dword(number).to_json() == Value.qword(number).to_json() == number
    assert Value.sz(text).to_json() == text or "\0" in text
    assert isinstance(Value.expand_sz(text).to_json(), dict)
    assert isinstance(Value.dword_big_endian(number).to_json(), dict)


def test_exact_forms_are_what_people_may_type() -> None:
    assert Value.dword(8080).to_exact() == 8080
    assert Value.sz("x").to_exact() == "x"
    assert Value.multi_sz(["a", "b"]).to_exact() == ["a", "b"]
    assert Value.qword(5).to_exact() == {"type": "REG_QWORD", "data": "05 00 00 00 00 00 00 00"}
    assert Value.expand_sz("x").to_exact() == {"type": "REG_EXPAND_SZ", "hex": "78 00 00 00"}
    assert Value(Type.DWORD, b"\1").to_exact() == {"type": "REG_DWORD", "hex": "01"}
    assert Value(0x77, b"\1\2").to_exact() == {"type": "REG_0x77", "data": "01 02"}


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"type": "REG_QWORD", "data": 5}, Value.qword(5)),
        ({"type": "REG_DWORD", "data": 5}, Value.dword(5)),
        ({"type": "REG_DWORD", "data": "05 00 00 00"}, Value.dword(5)),
        ({"type": "reg_dword_little_endian", "data": 5}, Value.dword(5)),
        ({"type": "REG_DWORD_BIG_ENDIAN", "data": 5}, Value.dword_big_endian(5)),
        ({"type": "REG_SZ", "data": "01 02"}, Value.sz("01 02")),
        ({"type": "REG_EXPAND_SZ", "data": "%ProgramFiles%"}, Value.expand_sz("%ProgramFiles%")),
        ({"type": "REG_MULTI_SZ", "data": ["a", "b"]}, Value.multi_sz(["a", "b"])),
        ({"type": "REG_MULTI_SZ", "data": "00 00"}, Value.multi_sz([])),
        ({"type": "REG_BINARY", "data": "01 02 ff"}, Value.binary(b"\1\2\xff")),
        ({"type": "REG_BINARY", "data": "0102FF"}, Value.binary(b"\1\2\xff")),
        ({"type": "REG_BINARY", "data": "01,02,ff"}, Value.binary(b"\1\2\xff")),
        ({"type": "REG_NONE", "data": ""}, Value.none()),
        ({"type": "REG_0x77", "data": "01"}, Value(0x77, b"\1")),
        (("a", "b"), Value.multi_sz(["a", "b"])),
    ],
)
def test_maps_take_what_is_natural_for_the_type(given: object, value: Value) -> None:
    assert Value.from_exact(given) == value


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (True, "True is no registry data; a number"),
        (None, "None is no registry data"),
        (1.5, "1.5 is no registry data"),
        (-1, "-1 does not fit REG_DWORD; 0 to 4294967295 would"),
        (2**32, "4294967296 does not fit REG_DWORD"),
        (["a", 1], "a list of texts only would be"),
        (["a", ""], "REG_MULTI_SZ cannot contain the text ''"),
        (["a\0b"], "the list would end there"),
        ({}, "has type and data"),
        ({"type": "REG_SZ"}, "has type and data"),
        ({"type": 1, "data": "x"}, "has type and data"),
        ({"type": "REG_SZ", "data": "x", "more": 1}, "has type and data"),
        ({"type": "REG_STRING", "data": "x"}, "'REG_STRING' is no type of the registry; REG_SZ"),
        ({"type": "REG_DWORD", "data": "10"}, "'10' is no data for REG_DWORD; a number would be"),
        ({"type": "REG_DWORD", "data": True}, "True is no data for REG_DWORD; a number would be"),
        ({"type": "REG_QWORD", "data": 2**64}, "does not fit REG_QWORD"),
        ({"type": "REG_SZ", "data": 5}, "5 is no data for REG_SZ; a text would be"),
        ({"type": "REG_MULTI_SZ", "data": 5}, "a list of texts would be"),
        ({"type": "REG_BINARY", "data": 10}, "10 is no data for REG_BINARY; bytes in hex, such as '01 02 ff', would"),
        ({"type": "REG_BINARY", "data": "xy"}, "'xy' is no data for REG_BINARY; bytes in hex"),
        ({"type": "REG_BINARY", "hex": 10}, "10 is no data for REG_BINARY; bytes in hex"),
    ],
)
def test_other_data_is_refused_with_what_would_be_right(given: object, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Value.from_exact(given)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Value.dword(80), "80"),
        (Value.sz("Hi"), '"Hi"'),
        (Value.expand_sz("%A%"), '"%A%"'),
        (Value.multi_sz(["a", "b"]), '["a", "b"]'),
        (Value.binary(b"\x01\x02\xff"), "hex:01,02,ff"),
        (Value.sz("x" * 59), '"' + "x" * 58 + "…"),
        (Value.sz("x" * 58), '"' + "x" * 58 + '"'),
        (Value.binary(bytes(100)), "hex:" + "00," * 18 + "0…"),
    ],
)
def test_show_is_short(value: Value, shown: str) -> None:
    assert value.show() == shown
    assert len(shown) <= 60


@given(st.integers(0, 2**32 - 1) | st.integers(0, 12))
def test_type_names_are_reversible_in_any_case(number: int) -> None:
    assert type_number(type_name(number)) == type_number(type_name(number).lower()) == number


def test_type_names() -> None:
    assert type_name(4) == "REG_DWORD"
    assert type_name(119) == "REG_0x77"
    assert type_number("REG_RESOURCE_REQUIREMENTS_LIST") == 10
    for wrong in ("DWORD", "REG_0x", "REG_0x123456789", "REG_0x-1", ""):
        with pytest.raises(ValueError, match="is no type of the registry"):
            type_number(wrong)
