"""`failsim hive` as a stranger meets it: hives and `.reg` files, right ones and wrong ones, in any combination."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from sim.registry import KeyPath, KeyTree, NameMap, Value, parse_reg, read_hive, write_hive, write_reg
from sim.registry.files import read_file
from sim.report.hive import show_difference, show_file
from tests.cli.test_command_line import called, process

KEY = KeyPath.parse(r"SOFTWARE\Contoso")
TREE = KeyTree(
    NameMap.of([("", Value.sz("Grüße")), ("Port", Value.dword(80))]),
    NameMap.of([("Sub", KeyTree(NameMap.of([("b", Value.binary(b"\1\2"))])))]),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the same tree as x.reg and as x.hiv, and another as y.hiv."""
    (tmp_path / "x.reg").write_bytes(write_reg(TREE, KEY))
    (tmp_path / "x.hiv").write_bytes(write_hive(TREE, written=0x01D00000_00000000))
    other = TREE.with_value((), "Port", Value.dword(81)).without_key(("Sub",)).with_value(("New",), "", Value.sz("é"))
    (tmp_path / "y.hiv").write_bytes(write_hive(other))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_show_says_what_the_file_is_and_all_that_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = called(capsys, "hive", "show", "x.hiv")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "x.hiv: hive of version 1.5, written 2014-11-14 11:41:59 UTC, 2 keys, 3 values",
        "\\",
        '  (default) = REG_SZ "Grüße"',
        "  Port = REG_DWORD 80",
        "\\Sub",
        "  b = REG_BINARY hex:01,02",
    ]
    _, out, _ = called(capsys, "hive", "show", "x.reg")
    assert out.splitlines()[:2] == [
        r"x.reg: .reg file of HKLM\SOFTWARE\Contoso, 2 keys, 3 values",
        r"HKLM\SOFTWARE\Contoso",
    ]
    _, out, _ = called(capsys, "hive", "show", "x.reg", "--key", r"hklm\software\contoso\sub")
    assert "1 key, 1 value" in out


@pytest.mark.usefixtures("folder")
def test_diff_is_status_0_for_equal_and_1_for_different(capsys: pytest.CaptureFixture[str]) -> None:
    assert called(capsys, "hive", "diff", "x.reg", "x.hiv") == (0, "", "")
    status, out, err = called(capsys, "hive", "diff", "x.reg", "y.hiv")
    assert (status, err) == (1, "")
    assert out.splitlines() == [
        "! \\ : Port = REG_DWORD 81, was REG_DWORD 80",
        "+ \\New",
        '+ \\New : (default) = REG_SZ "é"',
        "- \\Sub : b = REG_BINARY hex:01,02",
        "- \\Sub",
    ]


def test_two_reg_files_are_compared_at_the_key_that_both_are_below(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    (folder / "z.reg").write_bytes(write_reg(TREE, KEY.parent / "Fabrikam"))
    status, out, _ = called(capsys, "hive", "diff", "x.reg", "z.reg")
    assert status == 1
    assert "+ \\Fabrikam\n" in out
    assert "- \\Contoso\n" in out


def test_a_hive_becomes_a_reg_file_and_a_hive_again(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert called(capsys, "hive", "to-reg", "x.hiv", "--key", KEY.hklm, "--out", "z.reg") == (0, "", "")
    assert (folder / "z.reg").read_bytes() == (folder / "x.reg").read_bytes()
    assert called(capsys, "hive", "from-reg", "z.reg", "--out", "z.hiv") == (0, "", "")
    assert read_hive((folder / "z.hiv").read_bytes(), strict=True) == TREE
    assert called(capsys, "hive", "from-reg", "z.reg", "--key", r"HKLM\SOFTWARE", "--out", "z.hiv") == (0, "", "")
    assert read_hive((folder / "z.hiv").read_bytes(), strict=True).at(("Contoso",)) == TREE
    piped = process("hive", "to-reg", "x.hiv", cwd=folder)
    assert (piped.returncode, piped.stderr) == (0, b"")
    assert parse_reg(piped.stdout).entries[0].key == KeyPath.parse(r"SOFTWARE\Hive")
    assert sorted(path.name for path in folder.iterdir()) == ["x.hiv", "x.reg", "y.hiv", "z.hiv", "z.reg"]


def test_what_a_reg_file_deletes_is_said(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    text = write_reg(
        TREE, KEY
    ) + '[-HKEY_LOCAL_MACHINE\\SOFTWARE\\Old]\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE]\r\n"v"=-\r\n'.encode("utf-16-le")
    (folder / "d.reg").write_bytes(text)
    status, out, _ = called(capsys, "hive", "show", "d.reg")
    assert (status, out.splitlines()[0]) == (
        0,
        r"d.reg: .reg file of HKLM\SOFTWARE, 3 keys, 3 values; it also deletes 2 things, which is not shown",
    )


HEADER = "Windows Registry Editor Version 5.00\n\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "none.hiv"), "none.hiv: cannot be read: No such file or directory; name a hive or a .reg file"),
        (("show", "empty"), "empty: the file is empty; a hive begins with 'regf', a .reg file with its version"),
        (("show", "binary"), "binary: the file is neither a hive nor a .reg file; a hive would begin with 'regf'"),
        (("show", "cut.hiv"), "cut.hiv: at byte 5000: the file is cut off after 5000 bytes; a hive has at least 8192"),
        (("show", "bad.reg"), "bad.reg:4:1: 'Port' begins neither [key], \"name\", @ nor ; comment"),
        (("show", "none.reg"), "none.reg: the file names no key that it sets; a [KEY] in brackets would"),
        (("diff", "x.hiv", "cut.hiv"), "cut.hiv: at byte 5000: "),
        (("show", "x.reg", "--key", "HKCU\\x"), "failsim: --key: 'HKCU\\\\x' does not begin with HKLM"),
        (
            ("show", "x.reg", "--key", "HKLM\\x"),
            "x.reg: the file holds nothing of HKLM\\x; its top key is HKLM\\SOFTWARE\\Contoso",
        ),
        (("to-reg", "line.hiv", "--out", "o"), "line.hiv: a .reg file cannot hold the value 'a\\nb'"),
        (("from-reg", "long.reg", "--out", "o"), "long.reg: a key's name has 300 UTF-16 units; 255 are allowed"),
        (
            ("from-reg", "x.reg", "--out", "no/o"),
            "no/o: cannot be written: No such file or directory; name a file in a folder",
        ),
        (("from-reg", "x.reg", "--out", "is-a-folder"), "is-a-folder: cannot be written: "),
        (("from-reg", "x.reg"), "failsim: Missing option '--out'; see 'failsim --help'"),
        (("diff", "x.reg"), "failsim: Missing argument 'B'; see 'failsim --help'"),
    ],
)
def test_what_is_wrong_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], folder: Path, arguments: tuple[str, ...], told: str
) -> None:
    (folder / "is-a-folder").mkdir()
    (folder / "empty").write_bytes(b"")
    (folder / "binary").write_bytes(b"\x7fELF\1\1\0\0")
    (folder / "cut.hiv").write_bytes(write_hive(TREE)[:5000])
    (folder / "bad.reg").write_text(HEADER + "[HKEY_LOCAL_MACHINE\\x]\nPort\n", encoding="utf-8")
    (folder / "none.reg").write_text(HEADER + "[-HKEY_LOCAL_MACHINE\\x]\n", encoding="utf-8")
    (folder / "long.reg").write_text(
        HEADER + f"[HKEY_LOCAL_MACHINE\\A\\{'x' * 300}]\n[HKEY_LOCAL_MACHINE\\A]\n", encoding="utf-8"
    )
    (folder / "line.hiv").write_bytes(write_hive(KeyTree(NameMap.of([("a\nb", Value.dword(1))]))))
    before = sorted(folder.iterdir())
    status, out, err = called(capsys, "hive", *arguments)
    assert (status, out) == (2, "")
    assert err.startswith(told), err
    assert err.count("\n") == 1
    assert sorted(folder.iterdir()) == before, "something half-written is left"


def test_help_has_examples_for_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = called(capsys, "hive", "--help")
    assert status == 0
    for verb in ("show", "diff", "to-reg", "from-reg"):
        assert f"failsim hive {verb} " in out
    assert called(capsys, "hive")[1] == out


def test_an_output_that_lacks_a_character_gets_another_one(folder: Path) -> None:
    (folder / "j.hiv").write_bytes(write_hive(KeyTree(NameMap.of([("日", Value.sz("é日"))]), class_name="日")))
    shown = process("hive", "show", "j.hiv", cwd=folder, PYTHONIOENCODING="cp1252")
    assert (shown.returncode, shown.stderr) == (0, b"")
    assert '? = REG_SZ "é?"'.encode("cp1252") in shown.stdout
    assert b"(class '?')" in shown.stdout


@pytest.mark.parametrize("width", [40, 80])
def test_a_terminal_is_not_written_beyond_its_width(width: int) -> None:
    long = KeyTree(NameMap.of([(f"a long name of a value {number}", Value.sz("x y " * 40)) for number in range(3)]))
    out = io.StringIO()
    terminal = Console(file=out, width=width, force_terminal=True, no_color=True, highlight=False)
    show_file(read_file(write_hive(long), "x.hiv"), terminal)
    assert show_difference(read_file(write_hive(long), "x"), read_file(write_hive(TREE), "y"), terminal)
    plain = out.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert max(map(len, plain.splitlines())) <= width


def test_data_that_differ_beyond_what_is_shown_are_said_to_differ(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    for name, end in (("p", b"1"), ("q", b"22")):
        (folder / name).write_bytes(write_hive(KeyTree(NameMap.of([("v", Value.binary(bytes(90) + end))]))))
    status, out, _ = called(capsys, "hive", "diff", "p", "q")
    assert status == 1
    assert "(92 bytes, not the same), was" in out
    assert "(91 bytes)" in out


def test_a_time_that_cannot_be_is_no_error(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "t").write_bytes(write_hive(TREE, written=2**64 - 1))
    assert "written at no possible time" in called(capsys, "hive", "show", "t")[1]
    (folder / "t").write_bytes(write_hive(TREE))
    assert "without a time" in called(capsys, "hive", "show", "t")[1]
