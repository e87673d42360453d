"""Command lines of `reg`, good and bad: each case is a few lines that start from the same key.

Every value below was chosen for a rule of reg.exe: what a type takes, which switches go together, what is absent.
"""

from __future__ import annotations

from itertools import product

from sim.registry import KeyPath, KeyTree, Value

HOME = KeyPath.parse(r"SOFTWARE\Contoso")
START = KeyTree.built(
    keys=[
        (
            "App",
            KeyTree.built(
                [
                    ("", Value.sz("default")),
                    ("Port", Value.dword(80)),
                    ("Name", Value.sz("spooler")),
                    ("Path", Value.expand_sz("%SystemRoot%\\x")),
                    ("List", Value.multi_sz(["a", "b"])),
                    ("Blob", Value.binary(b"\1\2\xff")),
                ],
                [("Sub", KeyTree.built([("V", Value.sz("v"))], [("Deep", KeyTree.built())])), ("Größe", KeyTree())],
            ),
        ),
        ("Other", KeyTree.built([("Port", Value.dword(81)), ("Only", Value.qword(1))])),
        ("Empty", KeyTree()),
    ]
)

A = r"HKLM\SOFTWARE\Contoso\App"
O = r"HKLM\SOFTWARE\Contoso\Other"  # noqa: E741 - the other key
NEW = r"HKLM\SOFTWARE\Contoso\New"

TYPES = (
    "REG_SZ", "REG_EXPAND_SZ", "REG_MULTI_SZ", "REG_DWORD", "REG_DWORD_LITTLE_ENDIAN", "REG_DWORD_BIG_ENDIAN",
    "REG_QWORD", "REG_BINARY", "REG_NONE", "reg_dword", "REG_LINK", "REG_FOO", "DWORD",
)  # fmt: skip
DATA = (
    None, "1", "0x1F", "0X1f", "007", "-1", "+5", "1_0", "4294967295", "4294967296", "18446744073709551616", "abc",
    "12 34", "0102ff", "0x", "", "a\\0b", "Größe",
)  # fmt: skip
SEPARATED = (
    (None, "a\\0b\\0c"), (",", "a,b,c"), (",", "abc"), (",", "a,,b"), (",", "a,b,"), (",", ",a"), ("ab", "xaby"),
    ("", "abc"), (";", "a,b"), (None, ""), (None, "\\0"), (",", ","), ("A", "xAyaz"),
)  # fmt: skip


def _quoted(text: str) -> str:
    return f'"{text}"' if not text or " " in text else text


def _of_types() -> list[list[str]]:
    given = ((kind, text) for kind, text in product(TYPES, DATA))
    return [
        [f"reg add {A} /v New /t {kind}{'' if text is None else f' /d {_quoted(text)}'} /f"] for kind, text in given
    ]


def _of_separators() -> list[list[str]]:
    return [
        [f"reg add {A} /v New /t REG_MULTI_SZ{'' if by is None else f' /s {_quoted(by)}'} /d {_quoted(text)} /f"]
        for by, text in SEPARATED
    ]


def _of_values() -> list[list[str]]:
    """Which value a verb means."""
    names = ("/v Port", "/v PORT", "/v Nope", '/v ""', "/ve", "/v", "/ve /v Port", '/v "two words"', "/v a\\b", "")
    adds = [[f"reg add {A} {name} /d x /f"] for name in names]
    deletes = [[f"reg delete {A} {name} /f"] for name in (*names, "/va", "/va /ve", "/va /v Port")]
    return adds + deletes + [[f"reg query {A} {name}"] for name in (*names, "/s", "/s /v Port", "/s /ve", "/va")]


def _of_keys() -> list[list[str]]:
    """Which key a verb means, present or not, and what is none."""
    keys = (
        A, NEW, NEW + r"\Deeper", A.upper(), A + "\\", A + r"\Sub", A + r"\Größe", A + r"\GRÖßE", f'"{A}\\two words"',
        A.replace("HKLM", "HKEY_LOCAL_MACHINE"), A.replace("HKLM", "hklm"), "HKXX\\Contoso", "SOFTWARE\\Contoso",
        A + "\\\\", A.replace("App", "\\App"), "\\" + A, "HKLM:\\SOFTWARE\\Contoso", r"\\NOBODY\HKLM\SOFTWARE",
        "HKLM\\" + "n" * 256, A + "\\" + "n" * 257, "HKLM/SOFTWARE",
    )  # fmt: skip
    forms = (
        "reg add {} /v X /d x /f",
        "reg delete {} /f",
        "reg query {}",
        "reg query {} /s",
        "reg export {} out.reg /y",
    )
    return [[form.format(key)] for key, form in product(keys, forms)]


def _of_switches() -> list[list[str]]:
    """What is unknown, missing, too much, or twice."""
    lines = (
        "reg", "reg frob", "reg add", "reg delete", "reg query", "reg export", "reg import", "reg copy",
        f"reg add {A} /x", f"reg add {A} extra /f", f"reg add {A} /f /f", f"reg add {A} /v A /v B /f",
        f"reg add {A} /v A /d", f"reg add {A} /v A /t", f"reg add {A} /v A /d 1 /d 2 /f", f"reg add {A} /ve /ve /f",
        f"reg add {A} /v A /d x /reg:32 /reg:64 /f", f"reg add {A} /v A /d x /reg:64 /f",
        f"reg add {A} /v A /d x /va /f",
        f"reg add {A} /V A /D x /F", f"REG ADD {A} /v A /d x /f", f"reg.exe add {A} /v A /d x /f",
        f"reg add {A} -v A -d x -f", f"reg delete {A} /x /f", f"reg delete {A} /f /f", f"reg delete {A} {O} /f",
        f"reg delete {A} /v Port /v Name /f", f"reg query {A} /x", f"reg query {A} {O}", f"reg query {A} /s /s",
        f"reg export {A}", f"reg export {A} a.reg b.reg", f"reg export {A} a.reg /x", "reg import a.reg b.reg",
        f"reg copy {A}", f"reg copy {A} {O} /x", f"reg copy {A} {O} {NEW} /f", f"reg add {A} /f", f"reg add {NEW} /f",
        f"reg add {A} /t REG_DWORD /d 5 /f", f"reg add {A} /t REG_SZ /f", f"reg add {A} /v A /d \"a b\" /f",
        f"reg add {A} /v A /d \"a \\\"b\\\" c\" /f", f"reg add {A} /v A /d /f", f"reg add {A} /v /f /d x",
        f"reg add {A} /v \"/v\" /d \"/d\" /f",
    )  # fmt: skip
    return [[line] for line in lines]


def _of_files() -> list[list[str]]:
    """Files that another line wrote, that stand there, or that do not."""
    deleted, out = f"reg delete {A} /f", "out.reg"
    return [
        [f"reg export {A} {out} /y", deleted, f"reg import {out}"],
        [f"reg export {A} {out} /y", f"reg add {A} /v Port /t REG_DWORD /d 1 /f", f"reg import {out}"],
        [f"reg export {A} {out} /y", f"reg add {A} /v More /d x /f", f"reg delete {A} /v Name /f", f"reg import {out}"],
        [f"reg export {A} {out} /y", f"reg export {O} {out} /y", f"reg import {out}"],
        [f"reg export {A}\\Nope {out} /y"],
        ["reg import good.reg"],
        ["reg import ansi.reg"],
        ["reg import deletes.reg"],
        ["reg import nope.reg"],
        [f"reg save {A} {out} /y", f"reg restore {O} {out}"],
        [f"reg save {A}\\Nope {out} /y"],
        [f"reg restore {A} nope.hiv"],
        [f"reg compare {A} {A}"],
        [f"reg compare {A} {O}"],
        [f"reg compare {A} {O} /v Port"],
        [f"reg compare {A} {A} /s"],
        [f"reg compare {A} {A}\\Nope"],
    ]


def _of_copies() -> list[list[str]]:
    # Not below itself: Wine's goes on for ever.
    pairs = ((A, NEW), (A, O), (O, A), (A + r"\Nope", NEW), (A, A), (A + r"\Sub", NEW + r"\X\Y"))
    return [[f"reg copy {one} {other} {switch}"] for (one, other), switch in product(pairs, ("/f", "/s /f"))]


FILES = {
    "good.reg": (
        "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso\\App]\r\n"
        '"Port"=dword:00001f90\r\n"Name"="a \\"b\\" c:\\\\d"\r\n@="changed"\r\n"Blob"=hex:0a,0b,\\\r\n  0c\r\n'
        '"List"=hex(7):61,00,00,00,00,00\r\n"Wide"=hex(b):01,00,00,00,00,00,00,00\r\n\r\n'
        "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso\\New\\Deeper]\r\n"
    ).encode("utf-16"),
    "ansi.reg": (
        'REGEDIT4\r\n\r\n; a comment\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso\\App]\r\n"Name"="ansi"\r\n'
        '"Path"=hex(2):25,41,25,00\r\n'
    ).encode("ascii"),
    "deletes.reg": (
        "Windows Registry Editor Version 5.00\r\n\r\n[-HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso\\App\\Sub]\r\n\r\n"
        '[HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso\\App]\r\n"Name"=-\r\n"Nope"=-\r\n@=-\r\n'
    ).encode("utf-16"),
}
"""The files that stand beside every case."""

CASES = [
    case
    for cases in (_of_files(), _of_copies(), _of_switches(), _of_values(), _of_separators(), _of_keys(), _of_types())
    for case in cases
]
