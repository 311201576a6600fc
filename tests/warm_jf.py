"""`jf` started by a fork from a process that has imported everything, for tests of what it does.

The interpreter's start and the imports are most of what a `jf` costs. A test that looks at neither
of them, nor at processes and terminals, starts `jf` here: the same entry point, arguments,
environment, working directory, standard streams and exit status, in a process of its own.

``python warm_jf.py SOCKET`` is the server: it listens, imports when it is first asked, and forks
for each request. It has no threads and ends when the process that started it ends. `WarmJf.run`
asks it for a `jf`; `WarmJf.shim` writes a `jf` for the PATH that asks for one. Where several
processes run tests, they share the server of the process that started them: `share`.
"""

from __future__ import annotations

import array
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

_IMPORTS = (
    "jfr_cli.app",
    "jfr_cli.output",
    "jfr_cli.commands",
    "controller.jobcontroller",
    "controller.runner",
    "controller.doctor",
    "controller.submission",
    "controller.execution.run",
    "controller.storage.embedded.database",
    "controller.storage.mongo.database",
    "controller.schedulers",
    "jobflow",
    "maggma.stores",
    "qtoolkit.io.slurm",
    "rich.table",
    "rich.progress",
)
_WHOLE = ("jfr_cli", "controller.tables", "controller.graphs")
"""Packages with all their modules: each `jf` imports those of its command."""

_START_DEADLINE = 120.0
_SHARED = "JFR_TESTS_WARM"
"""Names the folder of a server that other processes may ask."""

_SHIM = """\
#!{python} -ISE
import array, json, os, signal, socket, sys
try:
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.connect({socket!r})
except OSError:
    os.execv({jf!r}, ["jf", *sys.argv[1:]])
request = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))]
server.sendmsg([len(request).to_bytes(8, "big")], rights)
server.sendall(request)
with server.makefile("rb") as answers:
    pid = int(answers.readline() or 0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, frame: os.kill(pid, number))
    status = answers.readline()
sys.exit(int(status) if status else 137)
"""


class WarmJf:
    """A server, started when it is first asked.

    Parameters
    ----------
    jf
        The installed command, which the shim starts where the server has ended.
    python
        The interpreter to fork, with the path that tracebacks are to show.
    modules
        Further modules to import, for jobs that need them.
    """

    def __init__(
        self, jf: Path, *, python: str = sys.executable, modules: tuple[str, ...] = ()
    ) -> None:
        self._jf = jf
        self._python = python
        self._modules = modules
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def run(
        self, words: tuple[str, ...], env: dict[str, str], cwd: str | Path | None, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run a `jf` with an empty standard input; as `subprocess.run` with captured text."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            with Path(os.devnull).open("rb") as nothing:
                streams = [nothing.fileno(), out.fileno(), err.fileno()]
                server = self._ask(words, env, str(cwd or Path.cwd()), streams)
            with server, server.makefile("rb") as answers:
                server.settimeout(timeout)
                pid = int(answers.readline())
                try:
                    status = answers.readline()
                except TimeoutError:
                    os.kill(pid, signal.SIGKILL)
                    raise subprocess.TimeoutExpired(["jf", *words], timeout) from None
            texts = []
            for stream in (out, err):
                stream.seek(0)
                texts.append(stream.read().decode())
        return subprocess.CompletedProcess(["jf", *words], int(status or -9), *texts)

    def shim(self) -> Path:
        """Return a folder for the PATH with a `jf` that is forked."""
        folder = self._start() / "bin"
        if not folder.exists():
            folder.mkdir()
            text = _SHIM.format(
                python=self._python, socket=str(self._start() / "socket"), jf=str(self._jf)
            )
            (folder / "jf").write_text(text, encoding="utf-8")
            (folder / "jf").chmod(0o755)
        return folder

    def share(self) -> None:
        """Start the server for the processes that this one starts, too; it imports nothing yet."""
        self.shim()
        os.environ[_SHARED] = str(self._folder)

    def close(self) -> None:
        """End the server, unless it is another process's."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
            assert self._folder is not None
            shutil.rmtree(self._folder, ignore_errors=True)
            if os.environ.get(_SHARED) == str(self._folder):
                del os.environ[_SHARED]

    def _start(self) -> Path:
        usual = self._python == sys.executable and not self._modules
        if self._folder is None and usual and _SHARED in os.environ:
            self._folder = Path(os.environ[_SHARED])
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="jf"))
            env = {k: v for k, v in os.environ.items() if not k.startswith("JFREMOTE_")}
            self._process = subprocess.Popen(
                [self._python, str(Path(__file__)), str(self._folder / "socket"), *self._modules],
                env=env,
                stdin=subprocess.PIPE,  # its end is how the server learns of ours
            )
        return self._folder

    def _ask(
        self, words: tuple[str, ...], env: dict[str, str], cwd: str, streams: list[int]
    ) -> socket.socket:
        place = str(self._start() / "socket")
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        deadline = time.monotonic() + _START_DEADLINE
        while True:
            try:
                server.connect(place)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                ended = self._process is not None and self._process.poll() is not None
                assert not ended, "the server of warm commands has ended"
                assert time.monotonic() < deadline
                time.sleep(0.02)
        request = json.dumps([list(words), env, cwd]).encode()
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", streams))]
        server.sendmsg([len(request).to_bytes(8, "big")], rights)
        server.sendall(request)
        return server


# ------------------------------------------------------------------ the server


def _warm_up(modules: tuple[str, ...]) -> None:
    import gc
    import importlib
    import pkgutil

    for name in (*_IMPORTS, *modules):
        importlib.import_module(name)
    for name in _WHOLE:
        path = importlib.import_module(name).__path__
        for module in pkgutil.walk_packages(path, f"{name}."):
            if not module.name.startswith("jfr_cli.generate"):
                importlib.import_module(module.name)
    gc.freeze()


def _serve(place: str, *modules: str) -> None:
    import select

    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(f"{place}.new")
    listening.listen(64)
    Path(f"{place}.new").rename(place)
    is_warm = False
    while True:
        readable, _, _ = select.select([listening, sys.stdin], [], [])
        if sys.stdin in readable:
            return
        client, _ = listening.accept()
        if not is_warm:
            _warm_up(modules)
            is_warm = True
        if os.fork() == 0:
            listening.close()
            _attend(client)
        client.close()
        _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _attend(client: socket.socket) -> None:
    """Read a request, fork once more for it, and answer with its exit status."""
    size, rights, _, _ = client.recvmsg(8, socket.CMSG_SPACE(3 * 4))
    streams = array.array("i", bytes(rights[0][2]))
    wanted, request = int.from_bytes(size, "big"), bytearray()
    while len(request) < wanted:
        request += client.recv(wanted - len(request))
    words, env, cwd = json.loads(request)
    pid = os.fork()
    if pid == 0:
        client.close()
        _become(words, env, cwd, list(streams))
    with suppress(BrokenPipeError):  # who asked was killed meanwhile
        client.sendall(f"{pid}\n".encode())
    _, raw = os.waitpid(pid, 0)
    with suppress(BrokenPipeError):
        client.sendall(f"{os.waitstatus_to_exitcode(raw)}\n".encode())
    os._exit(0)


def _become(words: list[str], env: dict[str, str], cwd: str, streams: list[int]) -> None:
    """Be a `jf` as a fresh interpreter would be."""
    status = 1
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, max(streams) + 1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler if number == 2 else signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    os.chdir(cwd)
    encoding = "utf-8"
    sys.stdin = os.fdopen(0, "r", encoding=encoding, closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding=encoding, closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding=encoding, buffering=1, closefd=False)
    sys.argv = ["jf", *words]
    sys.path[:] = [p for p in env.get("PYTHONPATH", "").split(os.pathsep) if p] + sys.path[1:]
    import random

    random.seed()
    try:
        from jfr_cli.main import main

        main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        status = _end(status)
    os._exit(status)


def _end(status: int) -> int:
    """Do what an interpreter does at its end."""
    import atexit
    import threading

    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            status = status or 120
    return status


def _main() -> Any:
    _serve(*sys.argv[1:])


if __name__ == "__main__":
    _main()
