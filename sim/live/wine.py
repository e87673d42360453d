r"""A Win32 registry that is none of ours: a Wine prefix, and the agent that stays in it.

Models:  one machine. The prefix is its disk, its wineserver the kernel that holds the registry, `agent.c` a program
         that makes one registry call for each line it reads; `reg.exe` is Wine's own.
Faults:  loss of power: the prefix's wineserver gets SIGKILL, and what it had not written to the prefix is gone.
Never:   another prefix's processes: the server is found by the lock that it holds, not by its name.
Holds:   a prefix that is left as a context manager, or open when Python ends, leaves no process of its own behind.
         One whose programs have all died ends by itself: a wineserver goes with its last program (`-p0`; seen).
Without: Windows services, desktop and menus: a registry needs none of them, each is a process more, and a machine
         without them is made in 2.5 s instead of 5 s and starts in 0.2 s instead of 0.9 s (seen).
Needs:   `wine` and `x86_64-w64-mingw32-gcc` on the path; `missing` says in one line which is not there.

Wine keeps a prefix's server folder in the temporary folder: `.wine-UID/server-DEVICE-INODE` (man wineserver, FILES),
in Debian's build `NAME/server-DEVICE-INODE` with NAME in the prefix's file `wineserver` (both seen). `lock` in it is
locked as long as the server lives, and the kernel knows by whom (fcntl, F_GETLK): so does `wineserver -k`.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self
from weakref import WeakSet

import msgspec

from sim.registry import EMPTY, Filter, KeyPath, KeyTree, NameMap, Value, Win32, Win32Error

with contextlib.suppress(ImportError):  # Windows has none, and must be able to import this module
    import fcntl

SOURCE = Path(__file__).with_name("agent.c")
COMPILER = "x86_64-w64-mingw32-gcc"
PACKAGES = {"wine": "wine wine64", "wineserver": "wine wine64", COMPILER: "gcc-mingw-w64-x86-64"}
"""The programs that are needed, and the Debian packages that have them."""

PATIENCE = 60.0
"""Seconds within which the agent answers, a wait that was asked for aside, and within which Wine starts or ends."""

CODE_PAGE = "cp437"
"""How programs of a prefix without a locale write into a file: the OEM code page of the United States."""

_DOWNLOADED = "mscoree,mshtml"  # Wine would ask whether to
_SERVICES = "services.exe,explorer.exe,winemenubuilder.exe"
_DYING = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL; an exec keeps it
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""
"""Runs a program that dies with the thread that started it. The end of its input would do, but for an agent whose
wineserver was killed while it started: it waits for ever (seen)."""
_FLOCK = "hhqqi4x"  # struct flock on 64-bit Linux: type, whence, start, length, process
_OUTPUT, _ERRORS, _INPUT = "failsim.out", "failsim.err", "failsim.in"


class WineError(Exception):
    """Wine or its agent is not there or did not do as asked; the message is one line."""


def missing() -> str | None:
    """What is not installed, in one line; None where nothing is missing."""
    absent = [program for program in PACKAGES if shutil.which(program) is None]
    if not absent:
        return None
    packages = " ".join(dict.fromkeys(PACKAGES[program] for program in absent))
    return f"{', '.join(absent)} not found; on Debian: apt-get install --no-install-recommends {packages}"


def _demand() -> None:
    absent = missing()
    if absent is not None:
        raise WineError(absent)


# --- the agent ------------------------------------------------------------------------------------------------


def cache_folder() -> Path:
    """Where what is built once stays: `$XDG_CACHE_HOME/failsim`, by default `~/.cache/failsim`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "failsim"


def build_agent(cache: Path | None = None) -> Path:
    """The agent's program, built where this version of its source has not been built yet. Raises WineError."""
    _demand()
    folder = cache_folder() if cache is None else cache
    version = sha256(SOURCE.read_bytes() + Path(__file__).read_bytes()).hexdigest()[:16]
    program = folder / f"agent-{version}.exe"
    if program.exists():
        return program
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as aside:
        made = Path(aside) / "agent.exe"
        # The agent recurses over keys, and Wine lets them be deeper than the 512 levels of Windows.
        flags = ("-O1", "-Wall", "-Wextra", "-Werror", "-Wl,--stack,67108864")
        command = [COMPILER, *flags, str(SOURCE), "-o", str(made), "-ladvapi32"]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
        if done.returncode:
            raise WineError(f"{SOURCE.name} does not build: {done.stderr.strip().splitlines()[0]}")
        made.replace(program)  # whole or not at all, whoever else builds it at the same time
    return program


class Ran(msgspec.Struct, frozen=True):
    """What a program of the prefix came to; `status` None: it did not end in time and was ended."""

    status: int | None
    output: str
    errors: str


class Agent:
    """The verbs of `sim.registry.Registry`, made by a Win32 program in a prefix.

    A key is a path below HKEY_LOCAL_MACHINE or the number of a handle. A verb that Win32 refuses raises
    `Win32Error` with Win32's number; one that is no number of ours, and an agent that is gone, WineError.
    """

    def __init__(self, prefix: Prefix, program: Path) -> None:
        self.prefix = prefix
        self._process = subprocess.Popen(
            [sys.executable, "-ISc", _DYING, str(os.getpid()), "wine", str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=prefix.environment,
            cwd=prefix.folder,
            bufsize=0,
        )
        self._got = bytearray()

    # --- reading ------------------------------------------------------------------------------------------

    def query_key(self, key: KeyPath | int) -> KeyTree:
        """The key with all below it, in one answer (volatility is not among what Win32 tells)."""
        return _read_tree(self._ask("dump", _key(key)))

    def query_value(self, key: KeyPath | int, name: str) -> Value:
        """RegQueryValueEx."""
        kind, data = self._ask("query", _key(key), _text(name))
        return Value(int(kind), _bytes(data))

    def enumerate_keys(self, key: KeyPath | int) -> tuple[str, ...]:
        """RegEnumKeyEx until there are no more, in Wine's order."""
        return tuple(map(_name, self._ask("keys", _key(key))))

    def enumerate_values(self, key: KeyPath | int) -> tuple[tuple[str, Value], ...]:
        """RegEnumValue until there are no more, in Wine's order."""
        words = self._ask("values", _key(key))
        triples = zip(words[::3], words[1::3], words[2::3], strict=True)
        return tuple((_name(name), Value(int(kind), _bytes(data))) for name, kind, data in triples)

    # --- writing ------------------------------------------------------------------------------------------

    def create_key(
        self, key: KeyPath, *, volatile: bool = False, class_name: str | None = None, below: int | None = None
    ) -> bool:
        """RegCreateKeyEx, relative to a handle where `below` is one; whether it was created."""
        named = "-" if class_name is None else _text(class_name)
        (created,) = self._ask("create", _below(below), _text(str(key)), str(int(volatile)), named)
        return created == "1"

    def link_key(self, key: KeyPath, target: KeyPath) -> None:
        """RegCreateKeyEx with REG_OPTION_CREATE_LINK: who opens `key` from then on opens `target`."""
        self._ask("link", _text(str(key)), _text(rf"\Registry\Machine\{target}"))

    def set_value(self, key: KeyPath | int, name: str, value: Value) -> None:
        """RegSetValueEx."""
        self._ask("set", _key(key), _text(name), str(value.type), _hex(value.data))

    def delete_value(self, key: KeyPath | int, name: str) -> None:
        """RegDeleteValue."""
        self._ask("unset", _key(key), _text(name))

    def delete_key(self, key: KeyPath, *, below: int | None = None) -> None:
        """RegDeleteKey."""
        self._ask("delete", _below(below), _text(str(key)))

    def delete_tree(self, key: KeyPath, *, below: int | None = None) -> None:
        """RegDeleteTree."""
        self._ask("deltree", _below(below), _text(str(key)))

    def restore_key(self, key: KeyPath | int, tree: KeyTree, *, quiet: bool = True) -> None:
        """Make what is in a key and below it equal to `tree`; what is equal already is not written.

        RegRestoreKey's effect (Wine's own reads no hive), but for the case of keys' names that are there already.
        `quiet`: as documented of that (domain.md 103), no watch of this agent sees it; another program's
        change in the same instant is not seen by it either.
        """
        self._ask("replace", _key(key), str(int(quiet)), *_tree_words(tree))

    def flush(self, key: KeyPath | int) -> None:
        """RegFlushKey. Wine 8.0 says yes and writes nothing: what must outlive a power loss needs a `shut_down`."""
        self._ask("flush", _key(key))

    # --- handles and watches ------------------------------------------------------------------------------

    def open_key(self, key: KeyPath) -> int:
        """RegOpenKeyEx; the handle's number."""
        (handle,) = self._ask("open", _key(key))
        return int(handle)

    def close_key(self, handle: int) -> None:
        """RegCloseKey. INVALID_HANDLE for no handle of ours."""
        self._ask("close", str(handle))

    def watch(
        self,
        key: KeyPath | int,
        *,
        subtree: bool = True,
        filter: Filter = Filter.NAME | Filter.LAST_SET,  # noqa: A002 - Win32's own word
    ) -> int:
        """RegNotifyChangeKeyValue with an event, on a handle of its own; the watch's number."""
        (watch,) = self._ask("watch", _key(key), str(int(subtree)), str(int(filter)))
        return int(watch)

    def rearm(self, watch: int) -> None:
        """Reset the event and ask for one signal more."""
        self._ask("rearm", str(watch))

    def unwatch(self, watch: int) -> None:
        """Close the watch's key and event."""
        self._ask("close", str(watch))

    def signalled(self, watch: int) -> bool:
        """Whether the event is set; does not wait."""
        return self.wait(watch, 0)

    def wait(self, watch: int, seconds: float) -> bool:
        """Wait for the event, at most so long; whether it is set."""
        (given,) = self._ask("wait", str(watch), str(int(seconds * 1000)), patience=seconds + PATIENCE)
        return given == "1"

    def signals(self, seconds: float = 0) -> tuple[int, ...]:
        """The watches whose events are set; waits at most so long for one of the first 64 to be."""
        return tuple(map(int, self._ask("signals", str(int(seconds * 1000)), patience=seconds + PATIENCE)))

    # --- programs -----------------------------------------------------------------------------------------

    def run(self, command: str, *, typed: str = "", seconds: float = PATIENCE) -> Ran:
        """Run a command line in the prefix, `typed` its input; the folder it runs in is the prefix's own.

        Output goes into files: Wine's background processes would inherit a pipe and hold it open (wine.md).
        """
        disk = self.prefix.folder / "drive_c"
        (disk / _INPUT).write_text(typed, encoding=CODE_PAGE)
        files = [_text(f"C:\\{name}") for name in (_INPUT, _OUTPUT, _ERRORS)]
        status: int | None = None
        with contextlib.suppress(_TookTooLongError):
            answer = self._ask("run", _text(command), str(int(seconds * 1000)), *files, patience=seconds + PATIENCE)
            status = int(answer[0])
        read = [(disk / name).read_text(encoding=CODE_PAGE) for name in (_OUTPUT, _ERRORS)]
        return Ran(status, *read)

    # --- talking ------------------------------------------------------------------------------------------

    def _ask(self, *words: str, patience: float = PATIENCE) -> list[str]:
        """The words of the agent's answer. Raises Win32Error, WineError."""
        assert self._process.stdin is not None
        message = memoryview((" ".join(words) + "\n").encode("ascii"))
        try:
            while message:
                message = message[self._process.stdin.write(message) or 0 :]
        except (OSError, ValueError):  # its end of the pipe is closed, or ours
            raise WineError(f"the agent of {self.prefix.folder} is gone") from None
        number, *answer = self._line(patience).split(" ")
        if number == "0":
            return answer
        if number == str(Win32.TIMEOUT.value) and words[0] == "run":
            raise _TookTooLongError
        try:
            error = Win32(int(number))
        except ValueError:
            raise WineError(f"{words[0]} in {self.prefix.folder} failed with the Win32 error {number}") from None
        raise Win32Error(error, words[0])

    def _line(self, patience: float) -> str:
        assert self._process.stdout is not None
        seen = 0
        while (end := self._got.find(b"\n", seen)) < 0:
            seen = len(self._got)
            if not select.select([self._process.stdout], [], [], patience)[0]:
                raise WineError(f"the agent of {self.prefix.folder} has not answered for {patience:.0f} s")
            block = os.read(self._process.stdout.fileno(), 1 << 20)
            if not block:
                raise WineError(f"the agent of {self.prefix.folder} is gone")
            self._got += block
        line = self._got[:end].decode("ascii")
        del self._got[: end + 1]
        return line.rstrip("\r")

    @property
    def alive(self) -> bool:
        """Whether the agent's process is still there."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the agent: its input ends; one that does not follow is killed. Reaps the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(PATIENCE / 6)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """SIGKILL to the agent alone: a program that crashes. Reaps the process."""
        self._process.kill()
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _TookTooLongError(Exception):
    """A program that was run did not end in time."""


# --- the agent's words ----------------------------------------------------------------------------------------


def _hex(data: bytes) -> str:
    return data.hex() or "."


def _text(name: str) -> str:
    return _hex(name.encode("utf-16-le", "surrogatepass"))


def _bytes(word: str) -> bytes:
    return b"" if word == "." else bytes.fromhex(word)


def _name(word: str) -> str:
    return _bytes(word).decode("utf-16-le", "surrogatepass")


def _key(key: KeyPath | int) -> str:
    return f"#{key}" if isinstance(key, int) else _text(str(key))


def _below(handle: int | None) -> str:
    return "-" if handle is None else f"#{handle}"


def _tree_words(tree: KeyTree) -> Iterator[str]:
    for names, key in tree.walk():
        class_name = "-" if key.class_name is None else _text(key.class_name)
        yield from ("k", str(len(names)), _text(names[-1] if names else ""), class_name)
        for name, value in key.values.items():
            yield from ("v", _text(name), str(value.type), _hex(value.data))


class _Key:
    """A key while it is read: what `KeyTree` wants all at once."""

    __slots__ = ("class_name", "keys", "name", "values")

    def __init__(self, name: str, class_name: str | None) -> None:
        self.name = name
        self.class_name = class_name
        self.values: list[tuple[str, Value]] = []
        self.keys: list[tuple[str, KeyTree]] = []

    def tree(self) -> KeyTree:
        return KeyTree(NameMap.of(self.values), NameMap.of(self.keys), self.class_name)


def _read_tree(words: Sequence[str]) -> KeyTree:
    """The tree that the words of a dump tell of."""
    path: list[_Key] = []
    tree = EMPTY

    def closed(depth: int) -> None:
        nonlocal tree
        while len(path) > depth:
            key = path.pop()
            tree = key.tree()
            if path:
                path[-1].keys.append((key.name, tree))

    at = 0
    while at < len(words):
        if words[at] == "k":
            closed(int(words[at + 1]))
            path.append(_Key(_name(words[at + 2]), None if words[at + 3] == "-" else _name(words[at + 3])))
        else:
            assert words[at] == "v", f"the word {words[at]!r} stands where a key or value begins"
            path[-1].values.append((_name(words[at + 1]), Value(int(words[at + 2]), _bytes(words[at + 3]))))
        at += 4
    closed(0)
    return tree


# --- the prefix -----------------------------------------------------------------------------------------------


class Prefix:
    """A Wine prefix that is there (`make`, `copy_to`): one machine with its registry."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._agents: list[Agent] = []
        _open.add(self)

    @staticmethod
    def make(folder: Path) -> Prefix:
        """Make a prefix in a folder that is not there yet, and wait until its registry is on the disk."""
        _demand()
        prefix = Prefix(folder)
        prefix.folder.mkdir(parents=True)
        prefix._boot()
        prefix.shut_down()
        if not (prefix.folder / "system.reg").is_file():
            raise WineError(f"wineboot made no registry in {prefix.folder}")
        return prefix

    @staticmethod
    def installed() -> Prefix:
        r"""The prefix that nodes are copies of: made where this version of Wine has made none yet, started by nobody.

        It has 0.7 GB of Wine's programs, which copies on the same file system share.
        `SYSTEM\ControlSet001` leads to `CurrentControlSet`, so that both names lead to one key as on Windows (where
        it is the other way round: domain.md 98). Raises WineError.
        """
        _demand()
        version = subprocess.run(["wine", "--version"], capture_output=True, check=False).stdout
        folder = cache_folder() / f"prefix-1-{sha256(version).hexdigest()[:16]}"
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder.with_suffix(".lock").open("w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                making = folder.with_suffix(".making")
                shutil.rmtree(making, ignore_errors=True)  # whoever made it was killed
                with Prefix.make(making) as prefix, prefix.start_agent() as agent:
                    agent.link_key(KeyPath.parse(r"SYSTEM\ControlSet001"), KeyPath.parse(r"SYSTEM\CurrentControlSet"))
                making.rename(folder)
        return Prefix(folder)

    def copy_to(self, folder: Path) -> Prefix:
        """A copy of a prefix that does not run. The programs of its `windows` folder are shared (hard links)."""
        if self.server() is not None:
            raise WineError(f"{self.folder} is in use; shut it down before it is copied")
        programs = str(self.folder / "drive_c" / "windows")

        def copied(source: str, target: str) -> str:
            if source.startswith(programs):
                with contextlib.suppress(OSError):  # another file system: a true copy
                    os.link(source, target)
                    return target
            return shutil.copy2(source, target)

        ignored = shutil.ignore_patterns("wineserver")  # it names the original's server
        shutil.copytree(self.folder, folder, True, ignored, copied, dirs_exist_ok=True)
        return Prefix(folder)

    @property
    def environment(self) -> dict[str, str]:
        """What programs of this prefix are started with; no display, no words on standard error."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith("WINE")}
        return kept | {
            "WINEPREFIX": str(self.folder),
            "WINEARCH": "win64",
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": f"{_DOWNLOADED},{_SERVICES}=",
            "DISPLAY": "",
            "LC_ALL": "C.UTF-8",
        }

    def _boot(self) -> None:
        """Have Wine fill the folder. WineError where that takes too long."""
        try:
            subprocess.run(
                ["wineboot", "-i"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise WineError(f"wineboot took longer than {PATIENCE:.0f} s in {self.folder}") from None

    def start_agent(self, program: Path | None = None) -> Agent:
        """Start the agent, and with the first one the machine. Raises WineError."""
        agent = Agent(self, build_agent() if program is None else program)
        self._agents.append(agent)
        agent.query_value(KeyPath.parse(_ALWAYS), "SystemRoot")  # it answers, so it runs
        return agent

    # --- the server ---------------------------------------------------------------------------------------

    def server_folder(self) -> Path:
        """Where the server's lock and socket are, for this user alone."""
        seen = self.folder.stat()
        named = self.folder / "wineserver"
        try:
            above = named.read_text(encoding="ascii").strip()
        except OSError:
            above = f".wine-{os.getuid()}"
        return Path("/tmp") / above / f"server-{seen.st_dev:x}-{seen.st_ino:x}"  # Wine's choice

    def server(self) -> int | None:
        """The process id of this prefix's wineserver: who holds its lock. None where none runs."""
        try:
            lock = os.open(self.server_folder() / "lock", os.O_RDWR)
        except OSError:  # no folder of a server, or no prefix yet
            return None
        try:
            asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, process = struct.unpack(_FLOCK, fcntl.fcntl(lock, fcntl.F_GETLK, asked))
        finally:
            os.close(lock)
        return None if kind == fcntl.F_UNLCK else int(process)

    def programs(self) -> tuple[int, ...]:
        """The processes of this prefix, its server included: those whose environment names it (Linux: /proc)."""
        wanted = b"WINEPREFIX=" + os.fsencode(self.folder)
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it ended, or is another user's
                if wanted in (process / "environ").read_bytes().split(b"\0"):
                    found.append(int(process.name))
        return tuple(found)

    def lose_power(self) -> bool:
        """SIGKILL to this prefix's wineserver, then to its programs; waits until it is gone. Whether one ran.

        What it had not written to the prefix is gone with it.
        """
        server = self.server()
        if server is not None:
            _end(server, signal.SIGKILL)
        for agent in self._agents:
            agent.kill()
        self._agents.clear()
        self._end_programs()
        if self.folder.exists():
            shutil.rmtree(self.server_folder(), ignore_errors=True)
        return server is not None

    def shut_down(self) -> None:
        """End agents and server as at a shutdown: the registry is written to the prefix."""
        for agent in self._agents:
            agent.close()
        self._agents.clear()
        server = self.server()
        if server is not None:
            _end(server, signal.SIGTERM)
        self._end_programs()

    def _end_programs(self) -> None:
        """Those that are left without a server: Wine's own would not end by themselves (seen)."""
        for process in self.programs():
            _end(process, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.shut_down()


def _end(process: int, by: signal.Signals) -> None:
    """Send the signal, and wait until the process has ended: its descriptor is readable then (man pidfd_open)."""
    try:
        watched = os.pidfd_open(process)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(watched, by)
        select.select([watched], [], [], PATIENCE)
    except ProcessLookupError:
        pass
    finally:
        os.close(watched)


_ALWAYS = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"

_open: WeakSet[Prefix] = WeakSet()


def _leave_nothing() -> None:
    for prefix in list(_open):
        with contextlib.suppress(WineError, OSError):
            prefix.lose_power()


atexit.register(_leave_nothing)
