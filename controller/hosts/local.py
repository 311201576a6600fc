"""The runner's own machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from controller.errors import HostStalledError, RemoteError
from controller.hosts.archive import Content
from controller.hosts.base import CommandResult, Exchange, ExchangeResult, Progress
from controller.hosts.simple import SimpleCalls
from controller.paths import PRIVATE_FILE, make_private_folder, open_private


class LocalHost(SimpleCalls):
    """Commands and files on this machine; thread-safe.

    Parameters
    ----------
    timeout
        Time limit of a command, in seconds.
    """

    name = "this machine"
    is_local = True

    def __init__(self, timeout: float = 60) -> None:
        self._timeout = timeout

    def execute(
        self,
        command: str,
        workdir: Path | None = None,
        *,
        timeout: float | None = None,
        stdin: bytes = b"",
    ) -> CommandResult:
        """See `Host.execute`; a command that takes too long is killed with its children."""
        with _errors_of_the_worker(workdir):
            process = subprocess.Popen(
                ["/bin/sh", "-c", command],
                cwd=workdir,
                env=_environment(),
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        seconds = self._timeout if timeout is None else timeout
        try:
            out, err = process.communicate(stdin or None, timeout=seconds)
        except subprocess.TimeoutExpired:
            _kill(process)
            raise HostStalledError(f"no answer after {seconds:g} s from: {command}") from None
        except KeyboardInterrupt:
            _kill(process)  # it has its own session, so Ctrl-C has not reached it
            raise
        return CommandResult(
            out.decode(errors="replace"), err.decode(errors="replace"), process.returncode
        )

    def exchange(self, request: Exchange) -> ExchangeResult:
        """See `Host.exchange`."""
        self.write_files(request.write, make_folders=request.make_folders)
        result = None
        if request.command is not None:
            result = self.execute(request.command, request.workdir)
        return ExchangeResult(result, self.read_files(request.read))

    def mkdir(self, *paths: Path) -> None:
        """See `Host.mkdir`."""
        for path in paths:
            with _errors_of_the_worker(path):
                make_private_folder(path)

    def write_files(self, files: Mapping[Path, Content], *, make_folders: bool = True) -> None:
        """See `Host.write_files`."""
        if make_folders:
            self.mkdir(*dict.fromkeys(path.parent for path in files))
        for path, content in files.items():
            self._write(path, content)

    def _write(self, path: Path, content: Content) -> None:
        writer = f"{os.getpid()}.{threading.get_ident()}"
        temporary = path.with_name(f".{path.name}.{writer}.part")
        with _errors_of_the_worker(path):
            try:
                if isinstance(content, bytes):
                    with open_private(temporary, "wb") as stream:
                        stream.write(content)
                    temporary.chmod(PRIVATE_FILE)  # also where the umask takes that away
                else:
                    shutil.copy(content, temporary)
                temporary.replace(path)
            except OSError:
                with suppress(OSError):
                    temporary.unlink()
                raise

    def read_files(self, paths: Iterable[Path]) -> dict[Path, bytes]:
        """See `Host.read_files`."""
        found = {}
        for path in paths:
            with _errors_of_the_worker(path), suppress(FileNotFoundError):
                found[path] = path.read_bytes()
        return found

    def send(self, files: Mapping[Path, Path], progress: Progress | None = None) -> None:
        """See `Host.send`."""
        _copy_files(self, files, progress)

    def fetch(self, files: Mapping[Path, Path], progress: Progress | None = None) -> list[Path]:
        """See `Host.fetch`."""
        there = {source: target for source, target in files.items() if source.exists()}
        _copy_files(self, there, progress)
        return list(there)

    def exists(self, path: Path) -> bool:
        """See `Host.exists`."""
        return path.exists()

    def listdir(self, path: Path) -> list[str]:
        """See `Host.listdir`."""
        with _errors_of_the_worker(path):
            return sorted(entry.name for entry in path.iterdir()) if path.is_dir() else []

    def remove(self, *paths: Path) -> None:
        """See `Host.remove`."""
        for path in paths:
            with _errors_of_the_worker(path):
                path.unlink(missing_ok=True)

    def rmtree(self, *paths: Path) -> None:
        """See `Host.rmtree`."""
        for path in paths:
            # Renamed first, so that an interruption leaves no partial folder under this name.
            removed = path.with_name(f".{path.name}.removed")
            with _errors_of_the_worker(path):
                with suppress(FileNotFoundError):
                    shutil.rmtree(removed)
                with suppress(FileNotFoundError):
                    path.rename(removed)
                    shutil.rmtree(removed)

    def connect(self) -> None:
        """See `Host.connect`."""

    @property
    def is_connected(self) -> bool:
        """See `Host.is_connected`."""
        return True


def _copy_files(host: LocalHost, files: Mapping[Path, Path], progress: Progress | None) -> None:
    """Copy files within this machine."""
    sizes = {source: source.stat().st_size for source in files}
    done = 0
    for source, target in files.items():
        host.write_files({target: source})
        done += sizes[source]
        if progress is not None:
            progress(done, sum(sizes.values()))


@contextmanager
def _errors_of_the_worker(path: Path | None) -> Iterator[None]:
    """Turn errors into a RemoteError that names the file, except for FileNotFoundError."""
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
