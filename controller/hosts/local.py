"""The runner's own machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from controller.errors import RemoteError
from controller.hosts.base import CommandResult


class LocalHost:
    """Commands and files of this machine; safe to use from several threads.

    Parameters
    ----------
    timeout
        Seconds that a command may take.
    """

    def __init__(self, timeout: float = 60) -> None:
        self._timeout = timeout

    def execute(self, command: str, workdir: Path | None = None) -> CommandResult:
        """See `Host.execute`; a command that takes too long is killed with its children."""
        with _errors_of_the_worker(workdir):
            process = subprocess.Popen(
                ["/bin/sh", "-c", command],
                cwd=workdir,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        try:
            out, err = process.communicate(timeout=self._timeout)
        except subprocess.TimeoutExpired:
            _kill(process)
            raise RemoteError(f"no answer after {self._timeout} s from: {command}") from None
        except KeyboardInterrupt:
            _kill(process)  # in its own session, Ctrl-C has not reached it
            raise
        return CommandResult(
            out.decode(errors="replace"), err.decode(errors="replace"), process.returncode
        )

    def mkdir(self, path: Path) -> None:
        """See `Host.mkdir`."""
        with _errors_of_the_worker(path):
            path.mkdir(parents=True, exist_ok=True)

    def write_bytes(self, path: Path, content: bytes) -> None:
        """See `Host.write_bytes`."""
        writer = f"{os.getpid()}.{threading.get_ident()}"
        temporary = path.with_name(f".{path.name}.{writer}.part")
        with _errors_of_the_worker(path):
            try:
                temporary.write_bytes(content)
                temporary.replace(path)
            except OSError:
                with suppress(OSError):
                    temporary.unlink()
                raise

    def read_bytes(self, path: Path) -> bytes:
        """See `Host.read_bytes`."""
        with _errors_of_the_worker(path):
            return path.read_bytes()

    def exists(self, path: Path) -> bool:
        """See `Host.exists`."""
        return path.exists()

    def listdir(self, path: Path) -> list[str]:
        """See `Host.listdir`."""
        with _errors_of_the_worker(path):
            return sorted(entry.name for entry in path.iterdir()) if path.is_dir() else []

    def remove(self, path: Path) -> None:
        """See `Host.remove`."""
        with _errors_of_the_worker(path):
            path.unlink(missing_ok=True)

    def rmtree(self, path: Path) -> None:
        """See `Host.rmtree`."""
        # Renamed first: interrupted, nothing is left under its name that is half a folder.
        removed = path.with_name(f".{path.name}.removed")
        with _errors_of_the_worker(path):
            with suppress(FileNotFoundError):
                shutil.rmtree(removed)
            with suppress(FileNotFoundError):
                path.rename(removed)
                shutil.rmtree(removed)


@contextmanager
def _errors_of_the_worker(path: Path | None) -> Iterator[None]:
    """Name the file, as an error of the worker; a file that is not there stays what it is."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RemoteError(f"{error.strerror}: {error.filename or path}") from error


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a command with its children; one that left the session may keep the pipes open."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _environment() -> dict[str, str]:
    """Return the environment of commands: this Python's programs, `jf` among them, come first."""
    here = str(Path(sys.executable).parent)
    return {**os.environ, "PATH": f"{here}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
