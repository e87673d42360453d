"""The operating-system processes of a live run: made from a clean template, asked one thing at a time, always reaped.

A template process is started once, and forks a worker whenever one is wanted: a worker is there in a millisecond and
shares nothing with the program that uses failsim. It has one connection, to whoever wanted it. Nothing listens: the
connections are pairs of sockets.

Whatever a run starts lies below its template, also what a worker's own programs leave behind them (Linux:
PR_SET_CHILD_SUBREAPER), and the template ends when nobody can ask it any more, however failsim itself ends: first it
kills all that lies below it. It ignores the signals of a terminal, Ctrl-C is failsim's to handle. Workers die with
SIGKILL when the template does (PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sim.registry import Win32, Win32Error

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_PRELOADED = ("sim.live.registry_service", "sim.live.cluster_service", "sim.live.application")

PATIENCE = 60.0
"""Seconds within which a worker answers; one that does not is taken for dead."""


class GoneError(Exception):
    """The worker has died, or its connection has ended."""


class Template:
    """The process that workers are forked from. Ends with its last use, and with this program.

    `folder`: one of our own for what workers need, as their socket files, as long as it lives.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="failsim-"))
        ours, theirs = socket.socketpair()
        code = f"from sim.live.processes import serve; serve({theirs.fileno()}, {str(self.folder)!r})"
        folders = os.pathsep.join([*filter(None, sys.path), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": folders},
        )
        theirs.close()
        self._socket = ours

    def fork(self, module: str, arguments: tuple[Any, ...]) -> tuple[int, Connection]:
        """A worker that runs the module's `main(connection, *arguments)`: its process id, and our end."""
        ours, theirs = socket.socketpair()
        socket.send_fds(self._socket, [b"f"], [theirs.fileno()])
        theirs.close()
        connection = Connection(ours.detach())
        connection.send((module, arguments))
        (pid,) = ask(connection, "pid")
        return pid, connection

    def kill(self, pid: int) -> None:
        """SIGKILL to a worker; it is gone and reaped when this returns."""
        ours, theirs = socket.socketpair()
        socket.send_fds(self._socket, [b"k"], [theirs.fileno()])
        theirs.close()
        with Connection(ours.detach()) as connection:
            ask(connection, pid)

    def close(self) -> None:
        """End the template, every worker with it, and all that they started."""
        self._socket.close()
        self._process.wait()


class Worker:
    """A process that runs `main` of a module of ours."""

    def __init__(self, template: Template, module: str, *arguments: Any) -> None:
        self._template = template
        self.pid, self.connection = template.fork(module, arguments)

    def ask(self, *request: Any) -> Any:
        """The worker's answer. Raises Win32Error where it says so, GoneError where it is gone."""
        self.tell(*request)
        return self.told()

    def tell(self, *request: Any) -> None:
        """Ask without waiting for the answer. Raises GoneError."""
        tell(self.connection, *request)

    def told(self, patience: float = PATIENCE) -> Any:
        """The answer to what it was told. Raises Win32Error, GoneError."""
        return told(self.connection, patience)

    def kill(self) -> None:
        """SIGKILL, and reap it."""
        self._template.kill(self.pid)
        self.connection.close()


def ask(connection: Connection, *request: Any) -> Any:
    """One request and its answer. Raises Win32Error, GoneError."""
    tell(connection, *request)
    return told(connection)


def tell(connection: Connection, *request: Any) -> None:
    """One request; `told` waits for its answer. Raises GoneError."""
    try:
        connection.send(request)
    except OSError:
        raise GoneError from None


def told(connection: Connection, patience: float = PATIENCE) -> Any:
    """The answer to a request. Raises Win32Error, GoneError."""
    try:
        if not connection.poll(patience):
            raise GoneError
        error, answer = connection.recv()
    except (EOFError, OSError):
        raise GoneError from None
    if error is not None:
        raise Win32Error(Win32(error), answer)
    return answer


def answer(connection: Connection, perform: Callable[..., Any]) -> None:
    """Answer one request with what `perform` makes of it. Raises EOFError where nobody asks any more."""
    request = connection.recv()
    made: tuple[int | None, Any]
    try:
        made = None, perform(*request)
    except Win32Error as error:
        made = int(error.code), error.detail
    connection.send(made)


# --- in the template ----------------------------------------------------------------------------------------------


def serve(number: int, folder: str) -> None:
    """Fork and kill workers on request, until whoever started this goes away; then leave nothing behind."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    os.umask(0o077)
    for module in _PRELOADED:
        importlib.import_module(module)
    try:
        with socket.socket(fileno=number) as asked, contextlib.suppress(EOFError, ConnectionError):
            _serve(asked)
    finally:
        _kill_all_below()
        shutil.rmtree(folder, ignore_errors=True)


def _serve(asked: socket.socket) -> None:
    workers: set[int] = set()
    while (received := socket.recv_fds(asked, 1, 1))[0]:
        workers -= _reaped()
        with Connection(received[1][0]) as connection:
            if received[0] == b"k":
                answer(connection, partial(_kill, workers))
            elif worker := os.fork():
                workers.add(worker)
            else:
                asked.close()
                _work(connection)


def _kill(workers: set[int], pid: int) -> None:
    if pid in workers:  # else it has died, and its number may be another's
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        workers.discard(pid)


def _reaped() -> set[int]:
    """The children that have ended, of workers' programs those too that lost their parent."""
    found: set[int] = set()
    with contextlib.suppress(ChildProcessError):
        while pid := os.waitpid(-1, os.WNOHANG)[0]:
            found.add(pid)
    return found


def _kill_all_below() -> None:
    """Kill children until there are none: those of a child that ends become ours."""
    while children := _children():
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)


def _children() -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended
            _, parent = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:2]
            if int(parent) == os.getpid():
                found.append(int(stat.parent.name))
    return found


def _work(connection: Connection) -> None:
    """A worker's whole life. It ends where nobody asks it any more, or what it stands on is gone."""
    status = 1
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        module, arguments = connection.recv()
        answer(connection, lambda _: (os.getpid(),))
        with contextlib.suppress(EOFError, OSError, GoneError):
            importlib.import_module(module).main(connection, *arguments)
        status = 0
    except Exception:
        traceback.print_exc()  # a mistake of ours, which to others looks like a crash
    finally:
        os._exit(status)
