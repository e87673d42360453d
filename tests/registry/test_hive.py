"""Hives: what is written is read again, to the byte the same; each kind of damage is refused and named with its place.

What other tools make of our hives is shown in tests/hives.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sim.registry import EMPTY, HiveError, KeyTree, NameMap, Value, hive_write, read_header, read_hive, write_hive
from sim.registry.hive import by_units, checksum, name_hash
from sim.registry.names import upcase
from tests.registry.strategies import trees, values

MINORS = st.sampled_from((3, 5))


def key(*values: tuple[str, Value], **keys: KeyTree) -> KeyTree:
    return KeyTree(NameMap.of(values), NameMap.of(keys.items()))


def with_names(*names: str) -> KeyTree:
    return KeyTree(keys=NameMap.of((name, EMPTY) for name in names))


def by_name(pair: tuple[str, Value]) -> str:
    return upcase(pair[0])


# --- what is written is read ------------------------------------------------------------------------------------


@given(trees(), MINORS)
@example(key(("", Value.sz("")), ("\ud800", Value.none())), 5)
@example(with_names("\ud800", "\udc00x", "\U0001f600", "\ue000", "\uffff"), 5)
@example(KeyTree(class_name=""), 5)
def test_a_tree_is_read_as_it_was_written_but_for_what_is_volatile(tree: KeyTree, minor: int) -> None:
    data = write_hive(tree, minor=minor)
    again = read_hive(data, strict=True)
    assert again == tree.without_volatile()
    assert [names for names, _ in again.walk()] == [names for names, _ in tree.without_volatile().walk()]
    assert write_hive(again, minor=minor) == data


@given(
    st.lists(st.tuples(st.sampled_from("aAbBcC\u00e4\u00c4"), values()), max_size=6, unique_by=by_name), st.randoms()
)
def test_equal_trees_give_equal_bytes_in_whatever_order_they_were_built(
    pairs: list[tuple[str, Value]], rng: random.Random
) -> None:
    shuffled = rng.sample(pairs, len(pairs))
    tree = KeyTree(NameMap.of(pairs), NameMap.of((name, key(("", value))) for name, value in pairs))
    other = EMPTY
    for name, value in shuffled:
        other = other.with_value((name,), "", value).with_value((), name, value)
    assert other == tree
    assert write_hive(other) == write_hive(tree)


@pytest.mark.parametrize("size", [0, 1, 4, 5, 16343, 16344, 16345, 16348, 32688, 32689, 100_000])
@pytest.mark.parametrize("minor", [3, 5])
def test_data_of_every_size(size: int, minor: int) -> None:
    data = bytes(number % 251 for number in range(size))
    tree = key(("v", Value(0x77, data)))
    image = write_hive(tree, minor=minor)
    assert read_hive(image, strict=True) == tree
    assert (b"db" in image) == (size > 16344 and minor == 5)


@pytest.mark.parametrize("count", [1, 499, 500, 501, 1000, 1001, 1014, 10_000])
@pytest.mark.parametrize("minor", [3, 5])
def test_subkeys_of_every_number(count: int, minor: int) -> None:
    tree = with_names(*(f"Key {number}" for number in range(count)))
    image = write_hive(tree, minor=minor)
    assert read_hive(image, strict=True) == tree
    assert (b"ri" in image) == (count > (500 if minor == 3 else 1000))
    assert (b"lf" in image, b"lh" in image) == (minor == 3, minor == 5)


def test_every_plane_of_unicode_in_names() -> None:
    names = [f"{chr(plane << 16 | 0x1234)}{plane}" for plane in range(17)]
    tree = KeyTree(NameMap.of((name, Value.sz(name)) for name in names), with_names(*names).keys)
    assert read_hive(write_hive(tree), strict=True) == tree


def test_subkeys_are_ordered_by_utf16_unit() -> None:
    image = write_hive(with_names("\uffee", "\U0001f600", "b", "A"))
    places = [image.index(name.encode("utf-16-le")) for name in ("\U0001f600", "\uffee")]
    assert places == sorted(places), "D83D stands before FFEE"
    assert by_units("\U0001f600") < by_units("\uffee")
    assert read_hive(image, strict=True) == with_names("\uffee", "\U0001f600", "b", "A")


def test_the_hash_is_the_specifications() -> None:
    for name in ("Software", "größe", "\U0001f600", ""):
        number = 0
        for (unit,) in struct.iter_unpack("<H", upcase(name).encode("utf-16-le")):
            number = (37 * number + unit) & 0xFFFFFFFF
        assert name_hash(name) == number.to_bytes(4, "little"), name


def test_the_checksum_is_never_none_or_all() -> None:
    assert checksum(bytes(508)) == 1
    assert checksum(b"\xff" * 4 + bytes(504)) == 0xFFFFFFFE
    assert checksum(b"regf" + bytes(504)) == int.from_bytes(b"regf", "little")


def test_the_header_says_version_and_time() -> None:
    header = read_header(write_hive(EMPTY, minor=3, written=1 << 60))
    assert (header.minor, header.written, header.root, header.size) == (3, 1 << 60, 32, 4096)


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        (with_names("x" * 256), "a key's name has 256 UTF-16 units"),
        (key(("x" * 16_384, Value.none())), "a value's name has 16384 UTF-16 units"),
        (with_names("\ud83d\ude00"), "two halves of one character"),
    ],
)
def test_what_a_hive_cannot_hold(tree: KeyTree, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        write_hive(tree)


def nested(levels: int) -> KeyTree:
    tree = EMPTY
    for _ in range(levels):
        tree = with_names().with_key(("k",), tree)
    return tree


def test_512_levels_and_no_more() -> None:
    assert read_hive(write_hive(nested(512)), strict=True) == nested(512)
    with pytest.raises(ValueError, match="512 levels"):
        write_hive(nested(513))


def test_limits_of_the_format(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"version 1\.4 are not written"):
        write_hive(EMPTY, minor=4)
    monkeypatch.setattr(hive_write, "_SIZE_LIMIT", 1 << 16)
    with pytest.raises(ValueError, match="2 GiB"):
        write_hive(key(("big", Value.binary(bytes(70_000)))), minor=3)
    monkeypatch.setattr(hive_write, "_COUNT_LIMIT", 1)
    with pytest.raises(ValueError, match="a value has 16345 bytes"):
        write_hive(key(("big", Value.binary(bytes(16_345)))))
    monkeypatch.setattr(hive_write, "_SIZE_LIMIT", 1 << 31)
    with pytest.raises(ValueError, match="a key has 1001 subkeys"):
        write_hive(with_names(*map(str, range(1001))))


def test_the_longest_names_and_data_are_told() -> None:
    tree = KeyTree(
        NameMap.of([("four", Value.binary(bytes(77))), ("яя", Value.dword(1))]),
        NameMap.of([("sub", EMPTY), ("longest", KeyTree(class_name="Class")), ("яя", EMPTY)]),
    )
    assert struct.unpack_from("<HHIII", write_hive(tree), 4132 + 52) == (14, 0, 10, 8, 77)


# --- damage -----------------------------------------------------------------------------------------------------

# A value of each kind of storage, and three keys. A key's name stands 80 bytes behind its cell, a value's 24.
SAMPLE = key(
    ("inline", Value.dword(7)),
    ("cell", Value.sz("some text")),
    ("я", Value.sz("Cyrillic")),
    ("huge", Value.binary(b"x" * 40_000)),
    Other=EMPTY,
    Sub=KeyTree(keys=NameMap.of([("Deep", EMPTY)]), class_name="Class"),
)

Damage = Callable[[bytearray], None]


def fixed(image: bytearray) -> bytes:
    """With a checksum that fits the header again."""
    struct.pack_into("<I", image, 508, checksum(bytes(image[:508])))
    return bytes(image)


def put(where: int | bytes, after: int, form: str, number: int, nth: int = 0) -> Damage:
    """Write a number at a place: a position, or so many bytes behind the nth appearance of some bytes."""

    def damage(image: bytearray) -> None:
        at = -1 if isinstance(where, bytes) else where
        for _ in range(nth + 1 if isinstance(where, bytes) else 0):
            assert isinstance(where, bytes)
            at = image.index(where, at + 1)
        struct.pack_into(form, image, at + after, number)

    return damage


def twice(image: bytearray) -> None:
    """The list of the root names its second subkey twice."""
    at = image.index(b"lh\2\0") + 4
    image[at : at + 8] = image[at + 8 : at + 16]


def shared(image: bytearray) -> None:
    """Two values have the same cell of data."""
    place = struct.unpack_from("<I", image, image.index(b"cell") - 12)[0]
    put("я".encode("utf-16-le") + bytes(6), -12, "<I", place)(image)


REFUSED: list[tuple[str, Damage, str]] = [
    ("no signature", put(0, 0, "<I", 0), "is no hive"),
    ("log file", put(0, 28, "<I", 6), "transaction log"),
    ("version 1.6", put(0, 24, "<I", 6), "version 1.6; 1.3, 1.4 and 1.5 can be read"),
    ("version 2.5", put(0, 20, "<I", 2), "version 2.5"),
    ("other layout", put(0, 32, "<I", 2), "in layout 2"),
    ("dirty", put(0, 8, "<I", 2), "dirty"),
    ("no bins", put(0, 40, "<I", 0), "multiple of 4096"),
    ("odd bins", put(0, 40, "<I", 100), "multiple of 4096"),
    ("more bins than file", put(0, 40, "<I", 1 << 20), "cut off"),
    ("bin's signature", put(8192, 0, "<I", 0), "'hbin' would be right"),
    ("bin's place", put(4096, 4, "<I", 8), "says that it lies at 8"),
    ("bin's size", put(4096, 8, "<I", 1 << 20), "a bin has 1048576 bytes"),
    ("bin's odd size", put(4096, 8, "<I", 33), "a bin has 33 bytes"),
    ("cell of nothing", put(4096, 32, "<i", 0), "a cell has 0 bytes"),
    ("cell of odd size", put(4096, 32, "<i", -81), "a cell has 81 bytes"),
    ("cell beyond its bin", put(4096, 32, "<i", -8192), "a cell has 8192 bytes"),
    ("root outside", put(0, 36, "<I", 1 << 24), "which lies outside the file"),
    ("root nowhere", put(0, 36, "<I", 40), "which lies within a cell"),
    ("root misaligned", put(0, 36, "<I", 33), "which lies within a cell"),
    ("root's signature", put(4132, 0, "<H", 0), "'nk' would be right"),
    ("root is another record", put(0, 36, "<I", 120), "'nk' would be right"),
    ("key free", put(b"Sub", -80, "<i", 88), "is not in use"),
    ("key's name too long", put(b"Sub", -4, "<H", 500), "a key needs 580 bytes"),
    ("key's name with backslash", put(b"Sub", 1, "<B", 92), "holds a backslash"),
    ("equal names", put(b"Other", -4, "<H", 0), "equal names"),
    ("subkeys: more", put(b"Sub", -56, "<I", 2), "says that it has 2 subkeys; its list has 1"),
    ("subkeys: nowhere", put(b"Sub", -48, "<I", 0xFFFFFFFF), "lies outside the file"),
    ("subkeys: the root again", put(b"lh\1\0", 4, "<I", 32), "was reached before"),
    ("subkeys: one of them twice", twice, "a key is said to be at"),
    ("data: of two values", shared, "was reached before"),
    ("list: signature", put(b"lh\1\0", 0, "<H", 0), "'lf', 'lh' or 'li' would be right"),
    ("list: too many", put(b"lh\1\0", 2, "<H", 999), "a list of 999 subkeys needs 7996 bytes"),
    ("list: of lists, too many", put(b"lh\1\0", 0, "<I", 0x03E76972), "a list of 999 lists needs 4000 bytes"),
    ("class name outside", put(b"Sub", -28, "<I", 1 << 24), "a class name is said to be at"),
    ("class name odd", put(b"Sub", -2, "<H", 3), "has 3 bytes; an even number"),
    ("class name too long", put(b"Sub", -2, "<H", 3000), "a class name needs 3000 bytes"),
    ("values: too many", put(4132, 36, "<I", 5000), "needs 20000 bytes"),
    ("values: nowhere", put(4132, 40, "<I", 1 << 24), "values is said to be at"),
    ("value's signature", put(b"inline", -20, "<H", 0), "'vk' would be right"),
    ("value free", put(b"inline", -24, "<i", 32), "is not in use"),
    ("value's name too long", put(b"inline", -18, "<H", 100), "a value needs 124 bytes"),
    ("value's name odd", put(b"O\x04", -18, "<H", 1), "has 1 bytes; an even number"),
    ("inline data of 5", put(b"inline", -16, "<I", 0x80000005), "5 bytes of data are said to lie in the value"),
    ("data outside", put(b"cell", -12, "<I", 1 << 24), "data is said to be at"),
    ("data too large", put(b"cell", -16, "<I", 500), "500 bytes of data need a cell of as many"),
    (
        "two values of one name",
        put(b"huge", 0, "<I", int.from_bytes(b"CELL", "little")),
        "names that Windows takes for equal",
    ),
    ("big data: signature", put(b"db", 0, "<H", 0), "40000 bytes of data need a cell"),
    ("big data: segments", put(b"db", 2, "<H", 2), "lie in 2 segments; 3 would be right"),
    ("big data: less than is big", put(b"huge", -16, "<I", 16_000), "16000 bytes of data need a cell of as many"),
    ("big data: list", put(b"db", 4, "<I", 1 << 24), "a list of 3 segments is said to be at"),
    ("security: signature", put(b"sk\0\0", 0, "<H", 0), "'sk' would be right"),
    ("security: size", put(b"sk\0\0", 16, "<I", 5000), "a security descriptor has 5000 bytes"),
    ("security: outside", put(b"Sub", -32, "<I", 1 << 24), "security is said to be at"),
]


@pytest.mark.parametrize(("damage", "told"), [pytest.param(*rest, id=name) for name, *rest in REFUSED])
def test_damage_is_refused_and_named(damage: Damage, told: str) -> None:
    image = bytearray(write_hive(SAMPLE))
    damage(image)
    with pytest.raises(HiveError) as error:
        read_hive(fixed(image))
    assert told in str(error.value)
    assert "\n" not in str(error.value)
    assert 0 <= error.value.offset <= len(image)


@pytest.mark.parametrize("length", [0, 3, 4, 100, 4096, 8191, 12_288, 49_151])
def test_a_hive_that_is_cut_off(length: int) -> None:
    with pytest.raises(HiveError, match=r"cut off|is no hive"):
        read_hive(write_hive(SAMPLE)[:length])


def test_a_wrong_checksum() -> None:
    image = bytearray(write_hive(SAMPLE))
    image[300] ^= 1
    with pytest.raises(HiveError, match=r"at byte 508: .* checksum"):
        read_hive(bytes(image))


def test_more_behind_the_bins_is_legal() -> None:
    assert read_hive(memoryview(write_hive(SAMPLE) + bytes(5000))) == SAMPLE


def swapped(image: bytearray) -> None:
    """The two subkeys of the root change places in their list."""
    at = image.index(b"lh\2\0") + 4
    image[at : at + 16] = image[at + 8 : at + 16] + image[at : at + 8]


STRICT: list[tuple[str, Damage, str]] = [
    ("order", swapped, "out of order"),
    ("hash", put(b"lh\1\0", 8, "<I", 0), "the hash of the key 'Deep' is wrong"),
    ("parent", put(b"Deep", -60, "<I", 8), "names 4104 as its parent"),
    ("security's count", put(b"sk\0\0", 12, "<I", 9), "security is counted 9 times; 4 keys have it"),
    ("security's ring", put(b"sk\0\0", 4, "<I", 8), "chained to a cell that no key has"),
    ("no security", put(b"Deep", -32, "<I", 0xFFFFFFFF), "counted 4 times; 3 keys have it"),
]


@pytest.mark.parametrize(("damage", "told"), [pytest.param(*rest, id=name) for name, *rest in STRICT])
def test_only_the_strict_reader_refuses(damage: Damage, told: str) -> None:
    image = bytearray(write_hive(SAMPLE))
    damage(image)
    read_hive(fixed(image))
    with pytest.raises(HiveError) as error:
        read_hive(fixed(image), strict=True)
    assert told in str(error.value)


def test_a_wrong_hint_of_version_3() -> None:
    image = bytearray(write_hive(SAMPLE, minor=3))
    put(b"lf\1\0", 8, "<I", 0)(image)
    with pytest.raises(HiveError, match="the hint of the key 'Deep' is wrong"):
        read_hive(fixed(image), strict=True)


def test_a_key_name_that_is_too_long_for_windows_is_read_but_not_strictly() -> None:
    image = bytearray(write_hive(with_names("x" * 255)))
    put(b"x" * 255, -4, "<H", 256)(image)
    assert read_hive(fixed(image)) == with_names("x" * 255 + "\0")
    with pytest.raises(HiveError, match="at most 255"):
        read_hive(fixed(image), strict=True)


def test_a_list_without_hashes_and_a_predefined_handle_are_read() -> None:
    image = bytearray(write_hive(SAMPLE))
    put(b"lh\1\0", 0, "<H", int.from_bytes(b"li", "little"))(image)
    assert read_hive(fixed(image), strict=True) == SAMPLE
    put(b"Other", -74, "<H", 0x60)(image)
    put(b"Other", -40, "<I", 0x80000001)(image)
    assert read_hive(fixed(image)) == SAMPLE


def second_security(image: bytearray) -> int:
    """Make the text of the value "cell" a security cell, for the key "Deep" alone; where it lies."""
    place = struct.unpack_from("<I", image, image.index(b"cell") - 12)[0]
    own = struct.unpack_from("<I", image, image.index(b"Deep") - 32)[0]
    image[place + 4100 : place + 4120] = struct.pack("<2s2xIIII", b"sk", own, own, 1, 0)
    put(b"cell", -16, "<I", 0x80000000)(image)
    put(b"Deep", -32, "<I", place)(image)
    struct.pack_into("<III", image, own + 4104, place, place, 3)
    return int(place)


def test_two_security_cells_are_one_ring() -> None:
    image = bytearray(write_hive(SAMPLE))
    place = second_security(image)
    read_hive(fixed(image), strict=True)
    struct.pack_into("<I", image, place + 4108, place)  # its predecessor is itself
    with pytest.raises(HiveError, match="does not name"):
        read_hive(fixed(image), strict=True)
    own = struct.unpack_from("<I", image, image.index(b"Other") - 32)[0]
    struct.pack_into("<II", image, place + 4104, place, place)
    struct.pack_into("<II", image, own + 4104, own, own)
    with pytest.raises(HiveError, match="a ring of 1 security cells"):
        read_hive(fixed(image), strict=True)


def test_records_at_the_very_end_of_the_file_are_not_read_beyond_it() -> None:
    image = bytearray(write_hive(EMPTY))
    last = len(image) - 8
    free = next(at for at in range(4128, len(image), 8) if struct.unpack_from("<i", image, at)[0] == len(image) - at)
    struct.pack_into("<i", image, free, last - free)
    struct.pack_into("<i2s", image, last, -8, b"nk")
    struct.pack_into("<I", image, 36, last - 4096)
    with pytest.raises(HiveError, match="a key's cell is too small"):
        read_hive(fixed(image))
    struct.pack_into("<I", image, 36, 32)
    struct.pack_into("<i", image, free, -16)
    struct.pack_into("<I", image, free + 4, last - 4096)
    struct.pack_into("<i", image, free + 16, last - free - 16)
    struct.pack_into("<II", image, 4132 + 36, 1, free - 4096)
    with pytest.raises(HiveError, match="a value's cell is too small"):
        read_hive(fixed(image))
    struct.pack_into("<i2s", image, last, -8, b"db")


def test_keys_deeper_than_512_levels_are_refused() -> None:
    image = bytearray(write_hive(nested(512)))
    deepest = image.rindex(b"nk\x20\0") - 4
    place = len(image)
    image += struct.pack("<4sII8xQ4x", b"hbin", place - 4096, 4096, 0)
    image += struct.pack("<i2sHII", -16, b"li", 1, place - 4096 + 48, 0)
    image += image[deepest : deepest + 88]
    image += struct.pack("<i", 4096 - 136) + bytes(4096 - 140)
    struct.pack_into("<I", image, 40, len(image) - 4096)
    struct.pack_into("<I", image, deepest + 24, 1)
    struct.pack_into("<I", image, deepest + 32, place - 4096 + 32)
    with pytest.raises(HiveError, match="deeper than 512 levels"):
        read_hive(fixed(image))
