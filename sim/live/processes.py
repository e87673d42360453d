"""The operating-system processes of a live run: made from a clean template, asked one thing at a time, always reaped.

A template process is started once, and forks a worker whenever one is wanted: a worker is there in a millisecond and
shares nothing with the program that uses failsim. It has one connection, to whoever wanted it. Template and workers
die with SIGKILL when their parent does, however that ends (PR_SET_PDEATHSIG; Linux), and ignore Ctrl-C, which is
failsim's to handle. Nothing listens: the connections are pairs of sockets.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from sim.registry import Win32, Win32Error

_PR_SET_PDEATHSIG = 1
_PRELOADED = ("sim.live.registry_service", "sim.live.cluster_service", "sim.live.application")

PATIENCE = 60.0
"""Seconds within which a worker answers; one that does not is taken for dead."""


class GoneError(Exception):
    """The worker has died, or its connection has ended."""


class Template:
    """The process that workers are forked from. Ends with its last use, and with this program."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        code = f"from sim.live.processes import serve; serve({theirs.fileno()})"
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
        """End the template, and every worker with it."""
        self._socket.close()
        self._process.wait()


class Worker:
    """A process that runs `main` of a module of ours."""

    def __init__(self, template: Template, module: str, *arguments: Any) -> None:
        self._template = template
        self.pid, self.connection = template.fork(module, arguments)

    def ask(self, *request: Any) -> Any:
        """The worker's answer. Raises Win32Error where it says so, GoneError where it is gone."""
        return ask(self.connection, *request)

    def kill(self) -> None:
        """SIGKILL, and reap it."""
        self._template.kill(self.pid)
        self.connection.close()


def ask(connection: Connection, *request: Any) -> Any:
    """One request and its answer. Raises Win32Error, GoneError."""
    try:
        connection.send(request)
        if not connection.poll(PATIENCE):
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
    told: tuple[int | None, Any]
    try:
        told = None, perform(*request)
    except Win32Error as error:
        told = int(error.code), error.detail
    connection.send(told)


# --- in the template ----------------------------------------------------------------------------------------------


def serve(number: int) -> None:
    """Fork and kill workers on request, until whoever started this goes away."""
    _die_with_parent()
    for module in _PRELOADED:
        importlib.import_module(module)
    with socket.socket(fileno=number) as asked:
        while True:
            what, files, _, _ = socket.recv_fds(asked, 1, 1)
            if not what:
                return
            connection = Connection(files[0])
            if what == b"k":
                answer(connection, _kill)
            elif os.fork() == 0:
                asked.close()
                _work(connection)
            connection.close()


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _work(connection: Connection) -> None:
    """A worker's whole life."""
    status = 1
    try:
        _die_with_parent()
        module, arguments = connection.recv()
        answer(connection, lambda _: (os.getpid(),))
        with contextlib.suppress(EOFError, OSError):
            importlib.import_module(module).main(connection, *arguments)
        status = 0
    finally:
        os._exit(status)


def _die_with_parent() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o077)
