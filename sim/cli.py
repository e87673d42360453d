"""The command line: `failsim demo`, `run`, `live`, `schema`, `hive`. A thin layer; a command imports what it uses.

Exit status: 0 all expectations hold, 1 one fails (or two files differ), 2 the input or the call is wrong (one line on
standard error), 130 interrupted. Standard output carries results only.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from sim import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.checkpoint.policy import Policy
    from sim.judge.verdict import Verdict
    from sim.registry import KeyPath
    from sim.registry.files import RegistryFile
    from sim.scenario.model import Scenario

EPILOG = """\b
Examples:
  failsim demo                                      a change gets lost, and why, and the cure
  failsim run scenarios/offline-edit.yaml           one scenario: timeline, verdicts, advice
  failsim run scenarios/*.yaml                      a library as a regression test: status 1 if one fails
  failsim run my.yaml --json | jq .writes           for your tools
  failsim run my.yaml --seed 7 --history run.jsonl  another draw of its windows; the whole history
  failsim live my.yaml --dir cluster                the same on real processes, registries and files
  failsim run my.yaml --images disk                 the quorum disk's files; 0000000N.CPT are hive files
  failsim hive show disk/GUID/00000001.CPT          what is in a hive or .reg file
  failsim schema > failsim.schema.json              completion and checks in your editor
"""

POLICIES = ("overwrite", "quarantine", "merge")
PROFILES = ("nt4", "wsfc")
GROUNDS = ("files", "wine")


class _Usage(click.Group):
    """A wrong call is one line and status 2, like every other wrong input."""

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        kwargs["standalone_mode"] = False
        for name in ("stdout", "stderr"):  # closed by whoever started us: there is nobody to tell anything
            if getattr(sys, name) is None:
                setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - as long as the process
        try:
            status = super().main(*args, **kwargs)
            sys.stdout.flush()
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.ctx.get_help())
            sys.exit(0)
        except click.ClickException as error:
            _fail(f"failsim: {error.format_message().rstrip('.')}; see 'failsim --help'")
        except (click.Abort, KeyboardInterrupt):
            sys.exit(130)
        except BrokenPipeError:
            _write_nowhere()  # whoever read us has read enough: say nothing
            sys.exit(0)
        except OSError as error:
            _write_nowhere()
            _fail(f"failsim: standard output cannot be written: {error.strerror}; name a place with room for it")
        sys.exit(status if isinstance(status, int) else 0)


def _write_nowhere() -> None:
    """Let what is left in standard output's buffer vanish, since it is flushed once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _fail(line: str) -> NoReturn:
    """One line on standard error, status 2."""
    text = " ".join(line.split())
    encoding = sys.stderr.encoding or "ascii"
    print(text.encode(encoding, "replace").decode(encoding), file=sys.stderr)
    sys.exit(2)


@click.group(
    cls=_Usage,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="failsim", message="%(prog)s %(version)s")
def main() -> None:
    """Will my registry change survive the next failover?

    failsim runs a cluster, its registry checkpoints and your commands in simulated time, and tells of every write
    whether it survives, who undid it, and what to type instead.
    """


@main.command()
def demo() -> int:
    """A change gets lost before your eyes: how, why, and the cure that works. Needs no file."""
    from sim.report.demo import play  # noqa: PLC0415
    from sim.report.terminal import console  # noqa: PLC0415

    return 0 if play(console(), _demo_scenario, _run_text) else 1


@main.command(name="run")
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@click.option("--seed", type=int, help="Draw every choice (windows, ties, faults of 'may') from this number.")
@click.option(
    "--policy", type=click.Choice(POLICIES), help="What a restore does with local changes; by default the scenario's."
)
@click.option(
    "--profile", type=click.Choice(PROFILES), help="The generation of the product; by default the scenario's."
)
@click.option("--until", metavar="TIME", help="End the run then, such as 10min.")
@click.option("--naive", is_flag=True, help="Simulate every heartbeat, poll and renewal one by one: the same history.")
@click.option(
    "--json", "as_json", is_flag=True, help="The verdict as JSON: an object, or a list for several scenarios."
)
@click.option("--history", metavar="FILE", help="Write the history there, an event a line (one scenario only).")
@click.option("--images", metavar="DIR", help="Put the quorum disk's files there, as they lie at the end (one only).")
def run_command(
    scenarios: Sequence[str],
    seed: int | None,
    policy: str | None,
    profile: str | None,
    until: str | None,
    naive: bool,
    as_json: bool,
    history: str | None,
    images: str | None,
) -> int:
    """Run scenarios once each: what became of every write, why, and what to do instead."""
    if history is not None and len(scenarios) > 1:
        _fail("failsim: --history holds one scenario's history; name one scenario")
    if images is not None and len(scenarios) > 1:
        _fail("failsim: --images holds one scenario's quorum disk; name one scenario")
    if profile == "wsfc":
        _fail("failsim: profile 'wsfc' is not built yet; 'nt4' is")
    end = _until(until)
    loaded = [_load(name) for name in scenarios]
    verdicts = [_run(scenario, seed, policy, end, naive) for scenario in loaded]
    if history is not None:
        _write_history(history, verdicts[0])
    if images is not None:
        _write_images(images, loaded[0], seed, policy, end)
    if as_json:
        _print_json([verdict.to_json() for verdict in verdicts])
    else:
        _print_verdicts(verdicts)
    return 0 if all(verdict.passed for verdict in verdicts) else 1


@main.command()
@click.argument("scenario")
@click.option("--dir", "folder", required=True, metavar="DIR", help="Where the nodes and the quorum disk are put.")
@click.option("--on", "ground", type=click.Choice(GROUNDS), default="files", help="Hive files, or Wine prefixes.")
@click.option("--speed", type=float, default=60.0, show_default=True, help="Seconds of the scenario in a real one.")
@click.option(
    "--policy", type=click.Choice(POLICIES), help="What a restore does with local changes; by default the scenario's."
)
@click.option("--until", metavar="TIME", help="End the run then, such as 10min.")
@click.option("--json", "as_json", is_flag=True, help="The verdict as JSON, as 'run' gives it.")
@click.option("--history", metavar="FILE", help="Write the history there, an event a line.")
def live(
    scenario: str,
    folder: str,
    ground: str,
    speed: float,
    policy: str | None,
    until: str | None,
    as_json: bool,
    history: str | None,
) -> int:
    """Run a scenario on real processes and files, and judge it as 'run' does.

    Each node is a folder of DIR with its registry, the quorum disk another, with the checkpoint images in it; they
    stay. With '--on wine' a node's folder is a Wine prefix: 'WINEPREFIX=DIR/NODE1 wine reg query ...' looks into it.
    Crashes are SIGKILL. Linux only.
    """
    if not sys.platform.startswith("linux"):
        _fail("failsim: 'live' needs Linux processes and file locks; 'failsim run' simulates the same anywhere")
    if not speed > 0:
        _fail(f"failsim: --speed {speed:g}: time has to pass; name a number above 0")
    from sim.driver.run import RunError  # noqa: PLC0415
    from sim.judge.verdict import Verdict  # noqa: PLC0415
    from sim.live import wine  # noqa: PLC0415
    from sim.live.run import run as run_live  # noqa: PLC0415

    absent = wine.missing() if ground == "wine" else None
    if absent is not None:
        _fail(f"failsim: --on wine: {absent}")
    end = _until(until)
    loaded = _load(scenario)
    try:
        done = run_live(loaded, Path(folder), ground=ground, speed=speed, policy=_policy(policy), until=end)
    except RunError as error:
        _fail(f"{scenario}: {error}")
    except OSError as error:
        _fail(f"{folder}: {error.strerror}; name a folder that can be made")
    verdict = Verdict(done.history, file=loaded.file)
    if history is not None:
        _write_history(history, verdict)
    if as_json:
        _print_json([verdict.to_json()])
    else:
        _print_verdicts([verdict])
        print(f"nodes and quorum disk: {folder}; at most {done.lag:.2f} s late", file=sys.stderr)
    return 0 if verdict.passed else 1


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Write the ledger as JSON.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Write the ledger as a Markdown page.")
def fidelity(as_json: bool, as_markdown: bool) -> int:
    """What of this is the product's word and what is assumed: every clause, its source, and how to set it otherwise."""
    import msgspec  # noqa: PLC0415

    from sim.report.fidelity import markdown, read, show  # noqa: PLC0415
    from sim.report.terminal import console  # noqa: PLC0415

    if as_json and as_markdown:
        raise click.UsageError("--json and --markdown exclude each other; give one")
    ledger = read()
    if as_json:
        _print_json([msgspec.to_builtins(ledger)])
    elif as_markdown:
        click.echo(markdown(ledger), nl=False)
    else:
        show(ledger, console())
    return 0


@main.command()
def schema() -> None:
    """The JSON Schema of the scenario language, for editors."""
    from sim.scenario.schema import schema as described  # noqa: PLC0415

    _print_json([described()])


HIVE_EPILOG = """\b
Examples:
  failsim hive show SOFTWARE.SAV                            every key and value
  failsim hive diff before.reg after.hiv                    status 1 where they differ
  failsim hive to-reg 00000001.CPT --key HKLM\\SOFTWARE\\Contoso --out contoso.reg
  failsim hive from-reg contoso.reg --out contoso.hiv
"""


@main.group(epilog=HIVE_EPILOG)
def hive() -> None:
    """Look into hive files (checkpoint images, saved hives) and .reg files, compare and convert them.

    Which of the two a file is, its content says. Hives of version 1.3 to 1.5 are read, 1.5 is written. Of a .reg file
    its top key is taken, or the one that --key names, and stands for the root of a hive.
    """


_key = click.option("--key", metavar="KEY", help="The key of a .reg file, such as 'HKLM\\SOFTWARE\\Contoso'.")


@hive.command()
@click.argument("file", metavar="FILE")
@_key
def show(file: str, key: str | None) -> None:
    """Every key and value in a hive or a .reg file."""
    from sim.report.hive import show_file  # noqa: PLC0415
    from sim.report.terminal import console  # noqa: PLC0415

    show_file(_read(file, _key_path(key)), console())


@hive.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@_key
def diff(before: str, after: str, key: str | None) -> int:
    """What turns A into B: '+' appears, '-' vanishes, '!' changes. Status 1 where they differ."""
    from sim.registry.files import FileError, read_two  # noqa: PLC0415
    from sim.report.hive import show_difference  # noqa: PLC0415
    from sim.report.terminal import console  # noqa: PLC0415

    try:
        one, other = read_two((_bytes(before), before), (_bytes(after), after), _key_path(key))
    except FileError as error:
        _fail(str(error))
    return int(show_difference(one, other, console()))


@hive.command()
@click.argument("file", metavar="FILE")
@_key
@click.option("--out", metavar="FILE", help="Write there; by default to standard output.")
def to_reg(file: str, key: str | None, out: str | None) -> None:
    r"""A hive as a .reg file, under --key (by default HKEY_LOCAL_MACHINE\SOFTWARE\Hive)."""
    from sim.registry.files import FileError, as_reg  # noqa: PLC0415

    path = _key_path(key)
    try:
        data = as_reg(_read(file, path), path)
    except FileError as error:
        _fail(str(error))
    if out is not None:
        _write(out, data)
    elif sys.stdout.isatty():
        click.echo(data.decode("utf-16").encode(sys.stdout.encoding, "replace"), nl=False)
    else:
        click.echo(data, nl=False)


@hive.command()
@click.argument("file", metavar="FILE")
@_key
@click.option("--out", metavar="FILE", required=True, help="The hive to write.")
def from_reg(file: str, key: str | None, out: str) -> None:
    """A .reg file as a hive of version 1.5, its top key (or --key) as the root."""
    from sim.registry.files import FileError, as_hive  # noqa: PLC0415

    try:
        _write(out, as_hive(_read(file, _key_path(key))))
    except FileError as error:
        _fail(str(error))


def _key_path(text: str | None) -> KeyPath | None:
    from sim.registry import KeyPath  # noqa: PLC0415

    try:
        return None if text is None else KeyPath.parse_hklm(text)
    except ValueError as error:
        _fail(f"failsim: --key: {error}; 'HKLM\\SOFTWARE\\Contoso' would be right")


def _read(name: str, key: KeyPath | None) -> RegistryFile:
    from sim.registry.files import FileError, read_file  # noqa: PLC0415

    try:
        return read_file(_bytes(name), name, key)
    except FileError as error:
        _fail(str(error))


def _bytes(name: str) -> bytes:
    path = Path(name)
    if path.is_char_device():
        _fail(f"{name}: is a device, which may have no end; name a hive or a .reg file")
    try:
        return path.read_bytes()
    except OSError as error:
        _fail(f"{name}: cannot be read: {error.strerror}; name a hive or a .reg file")


def _until(text: str | None) -> int | None:
    from sim.scenario.times import parse_time  # noqa: PLC0415

    try:
        return None if text is None else parse_time(text)
    except ValueError as error:
        _fail(f"failsim: --until {text!r}: {error}")


def _policy(name: str | None) -> Policy | None:
    from sim.checkpoint.policy import Policy  # noqa: PLC0415

    return None if name is None else Policy(name)


def _load(name: str) -> Scenario:
    from sim.scenario.document import ScenarioError  # noqa: PLC0415
    from sim.scenario.loader import load  # noqa: PLC0415

    try:
        return load(name)
    except ScenarioError as error:
        _fail(str(error))


def _run(scenario: Scenario, seed: int | None, policy: str | None, until: int | None, naive: bool) -> Verdict:
    from sim.api import run  # noqa: PLC0415

    return run(scenario, seed=seed, policy=policy, until=until, naive=naive)


def _run_text(text: str) -> Verdict:
    from sim.api import loads, run  # noqa: PLC0415

    return run(loads(text))


def _demo_scenario() -> str:
    from importlib.resources import files  # noqa: PLC0415

    return files("sim").joinpath("data", "offline-edit.yaml").read_text(encoding="utf-8")


def _write_history(name: str, verdict: Verdict) -> None:
    from sim.history.lines import to_lines  # noqa: PLC0415

    _write(name, to_lines(verdict.history))


def _write_images(name: str, scenario: Scenario, seed: int | None, policy: str | None, until: int | None) -> None:
    from sim.api import images  # noqa: PLC0415

    folder = Path(name)
    try:
        if folder.exists() and any(folder.iterdir()):
            _fail(f"{name}: is not an empty folder; name one that is, or that does not exist")
        for path, data in images(scenario, seed=seed, policy=policy, until=until).items():
            file = folder.joinpath(*path.split("/"))
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
    except OSError as error:
        _fail(f"{name}: cannot be written: {error.strerror}; name a folder that can be made")


def _write(name: str, data: bytes) -> None:
    """Write a file whole or not at all; what is no ordinary file (a pipe, a device) is written to, not replaced."""
    path = Path(name)
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(data)
            return
        target = path.resolve()  # where a link leads: it stays one
        aside = target.with_name(f"{target.name}.{os.getpid()}.part")
        try:
            with aside.open("xb") as file:
                file.write(data)
            aside.replace(target)
        finally:
            with suppress(OSError):
                aside.unlink()
    except OSError as error:
        _fail(f"{name}: cannot be written: {error.strerror}; name a file in a folder that is there")


def _print_json(documents: list[dict[str, Any]]) -> None:
    import json  # noqa: PLC0415

    document = documents[0] if len(documents) == 1 else documents
    click.echo(json.dumps(document, indent=2))


def _print_verdicts(verdicts: list[Verdict]) -> None:
    from sim.report.terminal import console, say, show, signs  # noqa: PLC0415

    out = console()
    if len(verdicts) == 1:
        show(verdicts[0], out)
        return
    sign = signs(out)
    for verdict in verdicts:
        mark, style = (sign["ok"], "green") if verdict.passed else (sign["bad"], "bold red")
        say(out, f"{mark} {verdict.file}: {verdict.begin.scenario}", style=style, hang=2)
        for failure in verdict.failures:
            say(out, failure, indent=4, style="red")
    failed = sum(not verdict.passed for verdict in verdicts)
    say(out, f"{len(verdicts)} scenarios, {failed} failed", style="bold red" if failed else "bold green")
