"""The command line as a stranger meets it: wrong input, no arguments, a pipe, a narrow terminal."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

import sim
from sim.cli import main
from sim.history.lines import from_lines
from sim.judge.verdict import Verdict
from sim.report.demo import play
from sim.report.terminal import show
from tests.library import NAMES, ROOT, scenario

EDIT = str(ROOT / "scenarios" / "offline-edit.yaml")


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Status, standard output and standard error of a call, in process."""
    with pytest.raises(SystemExit) as end:
        main(list(arguments), prog_name="failsim")
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


def process(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A call as a process of its own."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        [sys.executable, "-m", "sim", *arguments], capture_output=True, env=variables, cwd=cwd, check=False
    )


def test_help_shows_examples_and_no_arguments_show_help(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = called(capsys, "--help")
    assert (status, err) == (0, "")
    assert "failsim run scenarios/*.yaml" in out
    assert called(capsys) == (0, out, "")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert called(capsys, "--version") == (0, f"failsim {sim.__version__}\n", "")


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom sim.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'simpy', 'matplotlib', 'yaml', 'rich', 'msgspec', 'jsonschema'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert out.splitlines()[-1] == "[]"


def by_shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command line in a shell, with the library's folder of scenarios at hand."""
    line = line.replace("failsim", f"{sys.executable} -m sim")
    return subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_or_closed_output_is_no_traceback(tmp_path: Path) -> None:
    full = by_shell(f"failsim run {EDIT} > /dev/full", tmp_path)
    assert full.returncode == 2
    assert full.stderr == (
        "failsim: standard output cannot be written: No space left on device; name a place with room for it\n"
    )
    closed = by_shell(f"failsim run {EDIT} >&-", tmp_path)
    assert (closed.returncode, closed.stderr) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes")
def test_a_written_file_stays_what_it_was(tmp_path: Path) -> None:
    """A link stays a link, a pipe is written to, a neighbour is left alone."""
    (tmp_path / "real.jsonl").write_text("old", encoding="utf-8")
    (tmp_path / "real.jsonl.part").write_text("a neighbour", encoding="utf-8")
    (tmp_path / "link.jsonl").symlink_to("real.jsonl")
    assert by_shell(f"failsim run {EDIT} --history link.jsonl", tmp_path).returncode == 0
    assert (tmp_path / "link.jsonl").is_symlink()
    assert (tmp_path / "real.jsonl.part").read_text(encoding="utf-8") == "a neighbour"
    piped = by_shell(f"mkfifo pipe; (failsim run {EDIT} --history pipe > /dev/null) & head -c 14 pipe; wait", tmp_path)
    assert piped.stdout == '{"id":1,"at":0'
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.jsonl", "pipe", "real.jsonl", "real.jsonl.part"]


def test_the_history_does_not_know_from_where_it_was_run(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "edit.yaml").write_bytes(Path(EDIT).read_bytes())
    told = [
        json.loads(by_shell(f"failsim run {name} --json", folder).stdout)
        for folder, name in ((tmp_path, "edit.yaml"), (tmp_path, "./edit.yaml"), (tmp_path / "deep", "../edit.yaml"))
    ]
    assert len({each["history_sha256"] for each in told}) == 1
    assert [each["file"] for each in told] == ["edit.yaml", "./edit.yaml", "../edit.yaml"]


def test_an_end_before_the_beginning_is_refused() -> None:
    with pytest.raises(ValueError, match="until=-5"):
        sim.run(sim.load(EDIT), until=-5)


def test_images_are_put_into_an_empty_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    assert called(capsys, "run", EDIT, "--images", str(folder))[0] == 0
    (published,) = folder.glob("*/00000001.CPT")
    status, out, _ = called(capsys, "hive", "show", str(published))
    assert status == 0
    assert "Port = REG_DWORD 80" in out
    status, out, err = called(capsys, "run", EDIT, "--images", str(folder))
    assert (status, out) == (2, "")
    assert "not an empty folder" in err


def test_a_run_that_is_as_expected_is_status_0(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = called(capsys, "run", EDIT)
    assert (status, err) == (0, "")
    assert "LOST (offline-edit)" in out
    assert "Instead, type:" in out


def test_an_expectation_that_fails_is_status_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = Path(EDIT).read_text(encoding="utf-8").replace("{fate: lost, cause: offline-edit}", "kept")
    (tmp_path / "x.yaml").write_text(text, encoding="utf-8")
    status, out, _ = called(capsys, "run", str(tmp_path / "x.yaml"))
    assert status == 1
    assert "expected kept, found lost (offline-edit)" in out


def test_json_is_an_object_for_one_and_a_list_for_several(capsys: pytest.CaptureFixture[str]) -> None:
    _, one, _ = called(capsys, "run", EDIT, "--json")
    _, two, _ = called(capsys, "run", EDIT, EDIT, "--json")
    assert json.loads(two) == [json.loads(one)] * 2
    document = json.loads(one)
    assert set(document) == {
        "scenario", "file", "seed", "profile", "policy", "ended_at", "passed", "failures", "writes", "anomalies",
        "resources", "checkpoints", "registry", "history_sha256", "replay",
    }  # fmt: skip
    assert set(document["writes"][0]) == {
        "id", "label", "at", "by", "node", "key", "value", "change", "fate", "cause", "undone_at", "undone_on", "why",
        "advice",
    }  # fmt: skip


def test_history_is_written_whole_and_judged_alike(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    import hashlib

    status, out, _ = called(capsys, "run", EDIT, "--json", "--history", str(tmp_path / "h.jsonl"))
    data = (tmp_path / "h.jsonl").read_bytes()
    assert status == 0
    assert hashlib.sha256(data).hexdigest() == json.loads(out)["history_sha256"]
    assert Verdict(from_lines(data)).passed
    assert [path.name for path in tmp_path.iterdir()] == ["h.jsonl"]


WRONG = [
    (("frobnicate",), "No such command"),
    (("run",), "Missing argument"),
    (("run", EDIT, "--sed", "7"), "No such option"),
    (("run", EDIT, "--seed", "x"), "not a valid integer"),
    (("run", EDIT, "--until", "soon"), "a time is a number and a unit"),
    (("run", EDIT, "--policy", "marge"), "is not one of"),
    (("run", EDIT, "--profile", "wsfc"), "profile 'wsfc' is not built yet"),
    (("run", EDIT, EDIT, "--history", "x"), "name one scenario"),
    (("run", EDIT, "--history", "/no/such/folder/x"), "cannot be written"),
    (("run", "no-such.yaml"), "no such file"),
    (("run", "."), "is a folder"),
    (("run", EDIT, "no-such.yaml"), "no such file"),
    (("demo", "x"), "unexpected extra argument"),
]


@pytest.mark.parametrize(("arguments", "says"), WRONG, ids=lambda each: " ".join(each)[-30:])
def test_a_wrong_call_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    status, out, err = called(capsys, *arguments)
    assert (status, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


def test_a_gigabyte_is_refused_unread(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.touch()
    os.truncate(path, 1 << 30)
    status, _, err = called(capsys, "run", str(path))
    assert status == 2
    assert "larger than 4 MiB" in err


def test_schema_is_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = called(capsys, "schema")
    assert status == 0
    assert json.loads(out)["$schema"].endswith("2020-12/schema")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("demo",),
        ("run", EDIT),
        ("run", EDIT, EDIT),
        ("run", EDIT, "--json"),
        ("schema",),
        ("--help",),
        ("run", "é.yaml"),
    ],
)
def test_every_command_writes_in_any_encoding(encoding: str, arguments: tuple[str, ...]) -> None:
    done = process(*arguments, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert b"Traceback" not in done.stderr
    assert done.returncode in (0, 2)
    (done.stdout + done.stderr).decode(encoding)


def test_a_pipe_gets_no_colours_and_may_be_closed() -> None:
    assert b"\x1b[" not in process("run", EDIT).stdout
    script = f"{sys.executable} -m sim run {EDIT} | head -1"
    done = subprocess.run(["sh", "-c", script], capture_output=True, cwd=ROOT, check=False)
    assert done.stderr == b""


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("name", ["offline-edit", "shared-key", "cluster-aware"])
def test_no_line_is_wider_than_the_terminal_but_commands_to_copy(width: int, name: str) -> None:
    out = io.StringIO()
    show(sim.run(scenario(name)), Console(file=out, width=width, highlight=False))
    for line in out.getvalue().splitlines():
        assert len(line) <= width or line.startswith("      ") or " " not in line.strip(), line


def test_it_runs_from_any_folder(tmp_path: Path) -> None:
    done = process("run", EDIT, cwd=tmp_path)
    assert done.returncode == 0


def test_the_demo_tells_the_story_and_the_cure_works() -> None:
    out = io.StringIO()
    assert play(
        Console(file=out, width=100),
        lambda: Path(EDIT).read_text(encoding="utf-8"),
        lambda text: sim.run(sim.loads(text)),
    )
    told = out.getvalue()
    assert told.index("LOST (offline-edit)") < told.index("Instead, type:") < told.index("KEPT")


@pytest.mark.parametrize("name", NAMES)
def test_every_story_can_be_shown(name: str) -> None:
    out = io.StringIO()
    show(sim.run(scenario(name)), Console(file=out, width=100))
    assert "expectations hold" in out.getvalue()
