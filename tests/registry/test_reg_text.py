r"""`.reg` files: every form is read, what is written is read back, what is wrong is told with its place."""

from __future__ import annotations

import codecs
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.registry import (
    EMPTY,
    KeyPath,
    KeyTree,
    RegCreate,
    RegDeleteKey,
    RegDeleteValue,
    RegEntry,
    RegFile,
    RegSet,
    RegTextError,
    Type,
    Value,
    apply_reg,
    diff,
    entries_of,
    parse_reg,
    write_changes,
    write_reg,
)
from tests.registry.strategies import plain_trees

CONTOSO = KeyPath.parse(r"SOFTWARE\Contoso")
HEAD = "Windows Registry Editor Version 5.00\n\n"
KEY = HEAD + "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso]\n"


def parsed(text: str) -> RegFile:
    return parse_reg(text.encode("utf-8"))


def value_of(line: str, *, head: str = KEY) -> Value:
    """The value that one line below a key sets."""
    *_, entry = parsed(head + line).entries
    assert isinstance(entry, RegSet)
    return entry.value


def text_of(entry: RegSet | RegDeleteValue, *, version: int = 5) -> str:
    """The lines that write one entry, below header and key."""
    data = write_changes([entry], version=version)
    text = data.decode("utf-16") if version == 5 else data.decode("cp1252")
    return text.split("]\r\n", 1)[1].rstrip("\r\n")


# --- round trips ------------------------------------------------------------------------------------------


def walked(tree: KeyTree) -> list[object]:
    """Everything in a tree, names' case included."""
    return [(names, key.values.items()) for names, key in tree.walk()]


def written(tree: KeyTree, version: int) -> bytes | str:
    """The file, or why there is none."""
    try:
        return write_reg(tree, CONTOSO, version=version)
    except ValueError as error:
        return str(error)


@settings(max_examples=100)
@given(plain_trees())
def test_what_is_written_is_read_back(tree: KeyTree) -> None:
    file = parse_reg(write_reg(tree, CONTOSO))
    assert file.version == 5
    assert walked(apply_reg(EMPTY, file)) == walked(EMPTY.with_key(CONTOSO, tree))


@settings(max_examples=100)
@given(plain_trees())
def test_what_is_written_in_ansi_is_read_back_or_refused(tree: KeyTree) -> None:
    """What version 4 cannot hold is refused, never written wrongly."""
    data = written(tree, 4)
    if isinstance(data, str):
        assert "a REGEDIT4 file cannot hold" in data
    else:
        file = parse_reg(data)
        assert file.version == 4
        assert walked(apply_reg(EMPTY, file)) == walked(EMPTY.with_key(CONTOSO, tree))


@settings(max_examples=60)
@given(plain_trees(), st.booleans())
def test_utf_8_and_bare_line_feeds_are_read_as_well(tree: KeyTree, mark: bool) -> None:
    """domain.md 114: a tester found UTF-8 with or without byte order mark accepted, and bare LF."""
    text = write_reg(tree, CONTOSO).decode("utf-16", "surrogatepass").replace("\r\n", "\n")
    data = text.encode("utf-8", "surrogatepass")
    assert apply_reg(EMPTY, parse_reg(codecs.BOM_UTF8 + data if mark else data)) == EMPTY.with_key(CONTOSO, tree)


@settings(max_examples=100)
@given(plain_trees(), plain_trees())
def test_a_difference_written_as_a_file_makes_the_other_tree(before: KeyTree, after: KeyTree) -> None:
    """Deletions included: how local edits can be kept as an undo file."""
    data = write_changes(entries_of(diff(before, after), CONTOSO))
    root = EMPTY.with_key(CONTOSO, before)
    assert apply_reg(root, parse_reg(data)) == EMPTY.with_key(CONTOSO, after)


@given(plain_trees())
def test_entries_survive_being_written(tree: KeyTree) -> None:
    file = parse_reg(write_reg(tree, CONTOSO))
    assert parse_reg(write_changes(file.entries)) == file


# --- what regedit writes ----------------------------------------------------------------------------------

EXPORTED = r"""Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\SOFTWARE\Contoso]
@="default"
"Big"=hex(b):00,00,00,00,01,00,00,00
"Bin"=hex:00,01,02,03,04,05,06,07,08,09,0a,0b,0c,0d,0e,0f,10,11,12,13,14,15,16,\
  17,18,19,1a,1b,1c,1d,1e,1f,20,21,22,23,24,25,26,27,28,29,2a,2b,2c,2d,2e,2f,\
  30,31
"Expand"=hex(2):25,00,41,00,25,00,00,00
"List"=hex(7):61,00,00,00,62,00,00,00,00,00
"Path \"x\""="C:\\Temp"
"Port"=dword:00001f90

[HKEY_LOCAL_MACHINE\SOFTWARE\Contoso\Sub [1]]
"Odd"=hex(77):ff
"Two\nlines"=hex(1):61,00,0d,00,0a,00,00,00

"""


def exported() -> KeyTree:
    tree = EMPTY
    for name, value in (
        ("", Value.sz("default")),
        ("Big", Value.qword(1 << 32)),
        ("Bin", Value.binary(bytes(range(0x32)))),
        ("Expand", Value.expand_sz("%A%")),
        ("List", Value.multi_sz(["a", "b"])),
        ('Path "x"', Value.sz("C:\\Temp")),
        ("Port", Value.dword(8080)),
    ):
        tree = tree.with_value((), name, value)
    tree = tree.with_value(("Sub [1]",), "Odd", Value(0x77, b"\xff"))
    return tree.with_value(("Sub [1]",), "Two\\nlines", Value.sz("a\r\n"))


def test_an_export_has_regedits_form() -> None:
    """Byte order mark, CRLF, lines of 25 bytes, an empty line behind each key."""
    data = write_reg(exported(), CONTOSO)
    assert data.startswith(codecs.BOM_UTF16_LE)
    assert data.decode("utf-16") == EXPORTED.replace("Two\\nlines", "Two\\\\nlines").replace("\n", "\r\n")
    assert max(map(len, data.decode("utf-16").splitlines())) <= 80
    assert apply_reg(EMPTY, parse_reg(data)).at(CONTOSO) == exported()


def test_lines_break_where_regedit_breaks_them() -> None:
    """The lines of a driver's ImagePath as they stand in exports of many machines: 80 characters, then 78."""
    entry = RegSet(CONTOSO, "ImagePath", Value.expand_sz(r"system32\drivers\msseccore.sys"))
    assert text_of(entry).splitlines() == [
        '"ImagePath"=hex(2):73,00,79,00,73,00,74,00,65,00,6d,00,33,00,32,00,5c,00,64,00,\\',
        "  72,00,69,00,76,00,65,00,72,00,73,00,5c,00,6d,00,73,00,73,00,65,00,63,00,63,\\",
        "  00,6f,00,72,00,65,00,2e,00,73,00,79,00,73,00,00,00",
    ]


def test_a_long_name_leaves_room_for_one_byte_on_its_line() -> None:
    entry = RegSet(CONTOSO, "n" * 90, Value.binary(b"\1\2\3"))
    assert text_of(entry) == '"' + "n" * 90 + '"=hex:01,\\\r\n  02,03'


def test_regedit4_is_ansi_and_so_are_the_bytes_of_its_texts() -> None:
    """domain.md 114: hex(2) and hex(7) bytes are ANSI in REGEDIT4 files (UNSOURCED); code page 1252 is assumed."""
    tree = EMPTY.with_value((), "Größe", Value.sz("€")).with_value((), "e", Value.expand_sz("ä"))
    tree = tree.with_value((), "m", Value.multi_sz(["ß"])).with_value((), "c", Value.sz("\x81"))
    data = write_reg(tree, CONTOSO, version=4)
    assert data.split(b"\r\n") == [
        b"REGEDIT4",
        b"",
        b"[HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso]",
        b'"c"="\x81"',
        b'"e"=hex(2):e4,00',
        b'"Gr\xf6\xdfe"="\x80"',
        b'"m"=hex(7):df,00,00',
        b"",
        b"",
    ]
    assert apply_reg(EMPTY, parse_reg(data)).at(CONTOSO) == tree


def test_regedit4_writes_a_text_beyond_its_code_page_as_bytes() -> None:
    assert text_of(RegSet(CONTOSO, "x", Value.sz("日")), version=4) == '"x"=hex(1):e5,65,00,00'


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (RegSet(CONTOSO, "日", Value.dword(1)), "cannot hold '日' (U+65E5); version 5 can"),
        (RegSet(CONTOSO, "x", Value.expand_sz("日")), r"cannot hold '日' in the value 'x' of HKLM\SOFTWARE\Contoso"),
        (RegSet(CONTOSO, "x", Value(Type.MULTI_SZ, b"a")), "cannot hold data that is no text in the value 'x'"),
        (RegCreate(CONTOSO / "Ω"), "cannot hold 'Ω' (U+03A9)"),
    ],
)
def test_regedit4_refuses_what_it_cannot_hold(entry: RegSet | RegCreate, message: str) -> None:
    entries: list[RegEntry] = [entry]
    with pytest.raises(ValueError, match="REGEDIT4") as refused:
        write_changes(entries, version=4)
    assert message in str(refused.value)
    assert len(parse_reg(write_changes(entries)).entries) >= 1, "version 5 can"


@pytest.mark.parametrize("name", ["a\nb", "a\rb"])
def test_no_version_can_hold_a_line_end_in_a_name(name: str) -> None:
    entries: list[RegEntry] = [
        RegSet(CONTOSO, name, Value.dword(1)),
        RegDeleteValue(CONTOSO, name),
        RegCreate(CONTOSO / name),
        RegDeleteKey(CONTOSO / name),
    ]
    for entry in entries:
        with pytest.raises(ValueError, match=r"a \.reg file cannot hold"):
            write_changes([entry])


def test_no_version_can_hold_a_key_whose_name_would_end_in_a_comment() -> None:
    with pytest.raises(ValueError, match=r"its name would end at '\] ;'"):
        write_reg(EMPTY, CONTOSO / "a] ;b")
    for name in ("a]b", "a];"[:2], "[a]", "]", "; a", "-a"):
        assert parse_reg(write_reg(EMPTY, CONTOSO / name)).entries == (RegCreate(CONTOSO / name, 3, 1),)


def test_changes_share_one_head_for_each_run_of_a_key() -> None:
    entries: list[RegEntry] = [
        RegSet(CONTOSO, "a", Value.dword(1)),
        RegDeleteValue(CONTOSO, "b"),
        RegDeleteValue(CONTOSO, ""),
        RegDeleteKey(CONTOSO / "Old"),
        RegCreate(CONTOSO / "New"),
        RegSet(CONTOSO / "New", "", Value.sz("x")),
        RegSet(CONTOSO, "c", Value.sz("y")),
    ]
    lines = write_changes(entries, version=4).decode("cp1252").split("\r\n")
    assert lines == [
        "REGEDIT4",
        "",
        "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso]",
        '"a"=dword:00000001',
        '"b"=-',
        "@=-",
        "",
        "[-HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso\\Old]",
        "",
        "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso\\New]",
        '@="x"',
        "",
        "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso]",
        '"c"="y"',
        "",
        "",
    ]


# --- what is read -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ('"x"="text"', Value.sz("text")),
        ('"x"=""', Value.sz("")),
        (r'"x"="C:\\Temp \"q\""', Value.sz('C:\\Temp "q"')),
        ('"x"="a ; no comment" ; a comment', Value.sz("a ; no comment")),
        ('  "x" \t= "text"  ', Value.sz("text")),
        ('"x"=dword:00001f90', Value.dword(8080)),
        ('"x"=dword:1F90', Value.dword(8080)),
        ('"x"=DWORD: 1;comment', Value.dword(1)),
        ('"x"=hex:', Value.binary(b"")),
        ('"x"=hex: ; nothing', Value.binary(b"")),
        ('"x"=hex:01,02,FF', Value.binary(b"\1\2\xff")),
        ('"x"=hex:1,2, 0f ; comment', Value.binary(b"\1\2\x0f")),
        ('"x"=hex:01,\\\n  02,\\ ; comment\n\t03', Value.binary(b"\1\2\3")),
        ('"x"=hex:\\\n01', Value.binary(b"\1")),
        ('"x"=hex:01,02,\\\r\n  03,04,\\\r\n  05', Value.binary(b"\1\2\3\4\5")),
        ('"x"=hex(0):', Value.none()),
        ('"x"=hex(1):61,00', Value(Type.SZ, b"a\0")),
        ('"x"=hex(2):25,00,00,00', Value.expand_sz("%")),
        ('"x"=hex(3):01', Value.binary(b"\1")),
        ('"x"=hex(4):01,02', Value(Type.DWORD, b"\1\2")),
        ('"x"=hex(5):00,00,00,50', Value.dword_big_endian(80)),
        ('"x"=hex(6):00', Value(Type.LINK, b"\0")),
        ('"x"=hex(7):00,00', Value.multi_sz([])),
        ('"x"=hex(8):00', Value(Type.RESOURCE_LIST, b"\0")),
        ('"x"=hex(a):00', Value(Type.RESOURCE_REQUIREMENTS_LIST, b"\0")),
        ('"x"=hex(b):05,00,00,00,00,00,00,00', Value.qword(5)),
        ('"x"=HEX(77):00', Value(0x77, b"\0")),
        ('"x"=hex(ffffffff):00', Value(2**32 - 1, b"\0")),
        ('@="text"', Value.sz("text")),
        ("@ = dword:2", Value.dword(2)),
    ],
)
def test_every_form_of_data_is_read(line: str, value: Value) -> None:
    assert value_of(line) == value


def test_regedit4_texts_are_taken_from_ansi() -> None:
    head = "REGEDIT4\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso]\n"
    for line, value in (
        ('"x"=hex(2):e4,00', Value.expand_sz("ä")),
        ('"x"=hex(7):80,00,00', Value.multi_sz(["€"])),
        ('"x"=hex(1):e4,00', Value(Type.SZ, b"\xe4\0")),
        ('"x"=hex:e4', Value.binary(b"\xe4")),
    ):
        *_, entry = parse_reg((head + line).encode("cp1252")).entries
        assert isinstance(entry, RegSet)
        assert entry.value == value


def test_entries_come_in_file_order_with_their_places() -> None:
    text = (
        "Windows Registry Editor Version 5.00 \r\n"
        "; a comment\r\n"
        "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso] ; the key [x]\r\n"
        '  "Port"=dword:50\r\n'
        '"Bin"=hex:01,\\\r\n'
        "  02\r\n"
        '"Gone"=-\r\n'
        "@=- ; the default value\r\n"
        "\t[-hkey_local_machine\\SOFTWARE\\Contoso\\Old]\r\n"
        "[HKEY_LOCAL_MACHINE]"
    )
    assert parsed(text) == RegFile(
        5,
        (
            RegCreate(CONTOSO, 3, 1),
            RegSet(CONTOSO, "Port", Value.dword(80), 4, 3),
            RegSet(CONTOSO, "Bin", Value.binary(b"\1\2"), 5, 1),
            RegDeleteValue(CONTOSO, "Gone", 7, 1),
            RegDeleteValue(CONTOSO, "", 8, 1),
            RegDeleteKey(CONTOSO / "Old", 9, 2),
            RegCreate(KeyPath(()), 10, 1),
        ),
    )


def test_an_import_applies_in_file_order_and_passes_over_what_is_not_there() -> None:
    """domain.md 112, 113."""
    tree = EMPTY.with_value(CONTOSO, "Port", Value.dword(80)).with_value(CONTOSO / "Old", "x", Value.dword(1))
    text = KEY + (
        '"Port"=dword:1\n"Port"=-\n"Absent"=-\n'
        "[-HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso\\Old]\n[-HKEY_LOCAL_MACHINE\\SOFTWARE\\Absent]\n"
        "[HKEY_LOCAL_MACHINE\\SOFTWARE\\contoso\\New\\Deep]\n"
    )
    assert apply_reg(tree, parsed(text)) == EMPTY.with_key(CONTOSO / "New" / "Deep")


# --- what is wrong ----------------------------------------------------------------------------------------

LONG = "0" * 40

MALFORMED = [
    # whole files
    (b"", "1:1: the file does not begin with 'Windows Registry Editor Version 5.00' or 'REGEDIT4'"),
    (b"REGEDIT5\r\n", "1:1: the file does not begin with"),
    (b"REGEDIT4x\r\n", "1:1: the file does not begin with"),
    (b"\r\nREGEDIT4\r\n", "1:1: the file does not begin with"),
    (b"windows registry editor version 5.00\r\n", "1:1: the file does not begin with"),
    (codecs.BOM_UTF16_BE + HEAD.encode("utf-16-be"), "1:1: the file is in UTF-16BE, which regedit does not read; save"),
    (HEAD.encode("utf-16-be"), "1:1: the file is in UTF-16BE"),
    (HEAD.encode("utf-16-le"), "1:1: the file is in UTF-16LE without a byte order mark; save it as UTF-16LE with"),
    (
        codecs.BOM_UTF16_LE + (HEAD + "ab").encode("utf-16-le")[:-1],
        "3:2: the byte 62 does not belong to UTF-16-LE text; is the file cut off or in ANSI?",
    ),
    (KEY.encode() + b'"Gr\xf6\xdfe"=-', "4:4: the byte f6 does not belong to UTF-8 text; is the file cut off or in"),
    # keys
    (HEAD + "[HKLM\\SOFTWARE]", "3:2: the root 'HKLM' is abbreviated; in a .reg file it is HKEY_LOCAL_MACHINE"),
    (HEAD + "[-HKLM\\SOFTWARE]", "3:3: the root 'HKLM' is abbreviated"),
    (HEAD + "[HKCU\\Software]", "3:2: the root 'HKCU' is abbreviated; in a .reg file it is HKEY_CURRENT_USER"),
    (
        HEAD + "[HKEY_CURRENT_USER\\Software]",
        "3:2: the root 'HKEY_CURRENT_USER' is not modelled; only HKEY_LOCAL_MACHINE is",
    ),
    (HEAD + "[SOFTWARE\\Contoso]", "3:2: the root 'SOFTWARE' is unknown; a key begins with HKEY_LOCAL_MACHINE\\"),
    (HEAD + "[]", "3:2: the root '' is unknown"),
    (HEAD + "[HKEY_LOCAL_MACHINE\\SOFTWARE\\\\X]", "3:30: a key's name is empty; one backslash stands between two"),
    (HEAD + "[HKEY_LOCAL_MACHINE\\SOFTWARE\\]", "3:30: a key's name is empty"),
    (HEAD + "[HKEY_LOCAL_MACHINE\\SOFTWARE", "3:29: the key's name is not closed; ] is missing"),
    (HEAD + "[HKEY_LOCAL_MACHINE\\SOFTWARE] x", "3:31: text follows the key's ]; a comment begins with ;"),
    (HEAD + "[-HKEY_LOCAL_MACHINE]", "3:3: HKEY_LOCAL_MACHINE itself cannot be deleted; a key below it can"),
    # lines and names
    (HEAD + '"Port"=dword:50', "3:1: a value stands before the first [key]; name the key it belongs to above it"),
    (HEAD + "@=-", "3:1: a value stands before the first [key]"),
    (
        HEAD + "[-HKEY_LOCAL_MACHINE\\SOFTWARE\\X]\n@=-",
        "4:1: a value stands below a deleted key; name the key again, in brackets without -",
    ),
    (KEY + "Port=dword:50", "4:1: 'Port=dword:50' begins neither [key], \"name\", @ nor ; comment"),
    (KEY + "  # " + LONG, "4:3: '# 000000000000000000000000000…' begins neither"),
    (KEY + '"Port', '4:1: the text is not closed on its line; " is missing'),
    (KEY + '"Port\n"=-', '4:1: the text is not closed on its line; " is missing'),
    (KEY + '"Port"', "4:7: = is missing after the value's name"),
    (KEY + '"Port" dword:50', "4:8: = is missing after the value's name"),
    (KEY + '"a\\b"=-', '4:3: a single backslash stands in the text; it is doubled there: \\\\, and a quote is \\"'),
    (KEY + '"x"="C:\\Temp"', "4:8: a single backslash stands in the text"),
    (KEY + '"x"="C:\\Temp\\', "4:8: a single backslash"),
    (KEY + '"x"="end\\', "4:9: a single backslash"),
    # data
    (KEY + '"x"=', "4:5: '' is no data; \"text\", dword:, hex: or - (to delete) would be"),
    (KEY + '"x"=80', "4:5: '80' is no data"),
    (KEY + "@=text", "4:3: 'text' is no data"),
    (KEY + '"x"=hex(:00', "4:5: 'hex(:00' is no data"),
    (KEY + '"x"=hex(123456789):00', "4:5: 'hex(123456789):00' is no data"),
    (KEY + '"x"=qword:00', "4:5: 'qword:00' is no data"),
    (KEY + '"x"=- y', "4:7: 'y' follows the data; a comment begins with ;"),
    (KEY + '"x"="a" "b"', "4:9: '\"b\"' follows the data"),
    (KEY + '"x"="a', '4:5: the text is not closed on its line; " is missing'),
    (KEY + '"x"=dword:', "4:11: dword: is not followed by hex digits, such as dword:00001f90"),
    (KEY + '"x"=dword: xyz', "4:12: dword: is not followed by hex digits"),
    (KEY + '"x"=dword:0x50', "4:12: 'x50' follows the data"),
    (KEY + '"x"=dword:123456789', "4:11: dword:123456789 does not fit 32 bits; at most 8 hex digits do"),
    (KEY + '"x"=hex:01 02', "4:12: a comma is missing between two bytes in hex"),
    (KEY + '"x"=hex:0102', "4:11: a comma is missing between two bytes in hex"),
    (KEY + '"x"=hex:01\\\n  02', "4:11: a comma is missing between two bytes in hex"),
    (KEY + '"x"=hex:01,xy', "4:12: 'xy' is no byte in hex; two digits from 0 to f would be"),
    (KEY + '"x"=hex:,01', "4:9: ',01' is no byte in hex"),
    (KEY + '"x"=hex:01,,02', "4:12: ',02' is no byte in hex"),
    (
        KEY + '"x"=hex:01,',
        "4:12: the data ends with a comma; a backslash behind it continues the data on the next line",
    ),
    (KEY + '"x"=hex:01,\n  02', "4:12: the data ends with a comma"),
    (KEY + '"x"=hex:01,\\\n\n', "5:1: the data ends with a comma"),
    (KEY + '"x"=hex:01,\\', "4:12: the file ends although the backslash continues the data on the next line"),
    (KEY + '"x"=hex:01,\\ 02', "4:14: '02' follows the data"),
    (KEY + '"x"=hex:01,\\\n  02,\\\n  zz', "6:3: 'zz' is no byte in hex"),
]


@pytest.mark.parametrize(("text", "message"), MALFORMED, ids=[message[:40] for _, message in MALFORMED])
def test_what_is_wrong_is_told_with_its_place_and_what_would_be_right(text: str | bytes, message: str) -> None:
    with pytest.raises(RegTextError) as refused:
        parse_reg(text if isinstance(text, bytes) else text.encode("utf-8"), source="node2.reg")
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)
    line, column, told = str(refused.value).split(":", 2)
    error = refused.value
    assert (error.line, error.column, error.message) == (int(line), int(column), told.strip())
    assert error.source == "node2.reg"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_regedit4_file_counts_columns_in_ansi_characters() -> None:
    with pytest.raises(RegTextError, match=r"^3:9: 'x' follows the data"):
        parse_reg(b'REGEDIT4\n[HKEY_LOCAL_MACHINE\\S]\n"\xf6\xdf"="" x')
