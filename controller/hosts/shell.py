"""A machine reached through a shell: all of `Host`, with only POSIX tools on the machine.

Each method is one script and thus one round trip. Of all programs outside POSIX, only ``tar`` is
needed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import TypeVar

from controller.errors import HostStalledError, HostUnavailableError, RemoteError
from controller.hosts import scripts
from controller.hosts.archive import Content, size_of, stream_archive
from controller.hosts.base import CommandResult, Exchange, ExchangeResult, Progress
from controller.hosts.conversation import Listener, Sink, new_token
from controller.hosts.link import Clock, Link, SilenceError
from controller.hosts.simple import SimpleCalls
from controller.hosts.transfers import fetch_files, send_files

T = TypeVar("T")

_BEGIN = 20.0
"""Time limit for a shell to start, including its start-up files, in seconds."""
_LAST_WORD = 5.0
"""Time limit for a machine to kill a command that took too long, in seconds."""


class ShellHost(SimpleCalls):
    """A machine reached through a link.

    Parameters
    ----------
    link
        Carries the scripts.
    timeout
        Time limit of a command, and of a stalled transfer, in seconds.
    shell, login
        ``shell_cmd`` and ``login_shell`` of the worker.
    on_close
        Called when the host is closed; None closes the link.
    """

    def __init__(
        self,
        link: Link,
        timeout: float = 60,
        *,
        shell: str | None = "bash",
        login: bool = True,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self.name = link.name
        self._link, self.timeout = link, timeout
        self._shell, self._login = shell, login
        self._on_close = on_close

    # Commands

    def execute(
        self,
        command: str,
        workdir: Path | None = None,
        *,
        timeout: float | None = None,
        stdin: bytes = b"",
    ) -> CommandResult:
        """See `Host.execute`."""
        lines = scripts.command_lines(command, workdir, stdin=bool(stdin))
        seconds = self.timeout if timeout is None else timeout
        clock = Clock(seconds, before=_BEGIN)
        heard = self.converse(lines, iter([stdin]) if stdin else None, clock=clock, what=command)
        return _command_result(heard, workdir)

    def exchange(self, request: Exchange) -> ExchangeResult:
        """See `Host.exchange`."""
        token = new_token()
        after = "jfr_rc=0"
        if request.command is not None:
            after = scripts.command_lines(request.command, request.workdir)
        if request.read:
            after = f"{after}\n{scripts.read_lines(token, request.read)}"
        body, stdin = after, None
        if request.write or len(after) > scripts.SCRIPT_LIMIT:
            body, stdin = _unpacking(request, after)
        found: dict[int, BytesIO] = {}
        heard = self.converse(
            body,
            stdin,
            token=token,
            open_file=lambda number: found.setdefault(number, BytesIO()),
            # Files may take any time; the time limit of the command starts when they have arrived.
            clock=Clock(self.timeout, idle=True),
            what=request.command or "",
        )
        unwritten = heard.status == scripts.MISSING and not request.make_folders
        if unwritten or heard.status == scripts.WRITE_FAILED:
            self._refuse_write(heard, list(request.write))
        files = {}
        for number, path in enumerate(request.read):
            if self.came_whole(path, heard.files.get(number)):
                files[path] = found[number].getvalue()
        result = _command_result(heard, request.workdir) if request.command is not None else None
        return ExchangeResult(result, files)

    def _refuse_write(self, heard: Listener, paths: list[Path]) -> None:
        if heard.status == scripts.MISSING:
            raise FileNotFoundError(2, "No such file or directory", str(paths[0].parent))
        said = _said(heard) or "no error message"
        if re.search(r"Wrote only \d+ of \d+ bytes", said):  # message of GNU tar
            said = "No space left on device, or quota exceeded"
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        raise RemoteError(f"cannot write {paths[0]}{more} on {self.name}: {said}")

    def came_whole(self, path: Path, status: str | None) -> bool:
        """Whether a file exists.

        Raises
        ------
        RemoteError
            It exists, but cannot be read.
        """
        if status in (None, "missing"):
            return False
        if status == "folder":
            raise RemoteError(f"Is a directory: {path} on {self.name}")
        if status != "0":
            raise RemoteError(f"{path} on {self.name} cannot be read (status {status})")
        return True

    # Files

    def write_files(self, files: Mapping[Path, Content], *, make_folders: bool = True) -> None:
        """See `Host.write_files`."""
        if files:
            self.again(lambda: self.exchange(Exchange(files, make_folders=make_folders)))

    def read_files(self, paths: Iterable[Path]) -> dict[Path, bytes]:
        """See `Host.read_files`."""
        wanted = list(paths)
        if not wanted:
            return {}
        found = self.again(
            lambda: [
                self.exchange(Exchange(read=[Path(line) for line in some])).files
                for some in scripts.in_commands([str(path) for path in wanted])
            ]
        )
        return {path: content for files in found for path, content in files.items()}

    def send(self, files: Mapping[Path, Path], progress: Progress | None = None) -> None:
        """See `Host.send`."""
        send_files(self, files, progress)

    def fetch(self, files: Mapping[Path, Path], progress: Progress | None = None) -> list[Path]:
        """See `Host.fetch`."""
        return fetch_files(self, files, progress)

    def mkdir(self, *paths: Path) -> None:
        """See `Host.mkdir`."""
        self._all("mkdir -p --", paths)

    def remove(self, *paths: Path) -> None:
        """See `Host.remove`."""
        self._all("rm -f --", paths)

    def rmtree(self, *paths: Path) -> None:
        """See `Host.rmtree`."""
        for some in scripts.in_commands([str(path) for path in paths]):
            self.do(scripts.remove_tree_lines(Path(path) for path in some))

    def exists(self, path: Path) -> bool:
        """See `Host.exists`."""
        return self.lookup([path])[0] not in ("-", "l")

    def listdir(self, path: Path) -> list[str]:
        """See `Host.listdir`."""
        heard = self.do(scripts.list_lines(path))
        names = bytes(heard.stdout).split(b"\0")[:-1]
        # A name is one name, whatever another machine says: paths are made of it.
        texts = [name.decode(errors="surrogateescape") for name in names]
        return sorted(text for text in texts if "/" not in text and text not in ("", ".", ".."))

    def lookup(self, paths: Sequence[Path]) -> list[str]:
        """Return for each path ``-``, ``d``, ``l`` (leads nowhere), or ``f`` with its `ls`."""
        lines: list[str] = []
        for some in scripts.in_commands([str(path) for path in paths]):
            heard = self.do(scripts.lookup_lines(Path(path) for path in some))
            lines += bytes(heard.stdout).decode(errors="replace").splitlines()
        return lines

    # The link

    def connect(self) -> None:
        """See `Host.connect`."""
        self._link.connect()

    @property
    def is_connected(self) -> bool:
        """See `Host.is_connected`."""
        return self._link.is_connected

    def close(self) -> None:
        """See `Host.close`."""
        if self._on_close is None:
            self._link.close()
        else:
            self._on_close()

    def _all(self, command: str, paths: Sequence[Path]) -> None:
        """Run one command on all paths."""
        for some in scripts.in_commands([scripts.quoted(path) for path in paths]):
            self.do(f"{command} {' '.join(some)}")

    def do(self, lines: str) -> Listener:
        """Run internal commands that may be run twice; see `do_once`."""
        return self.again(lambda: self.do_once(lines))

    def do_once(self, lines: str, stdin: Iterator[bytes] | None = None) -> Listener:
        """Run internal commands.

        Raises
        ------
        RemoteError
            They failed; the message is their error output.
        """
        clock = Clock(self.timeout, idle=stdin is not None)
        heard = self.converse(scripts.plain_lines(lines), stdin, clock=clock)
        if heard.status != "0":
            raise RemoteError(f"{_said(heard) or 'a command failed'} (on {self.name})")
        return heard

    def again(self, work: Callable[[], T]) -> T:
        """Do idempotent work; repeat it once if the connection is lost meanwhile."""
        try:
            return work()
        except HostUnavailableError as error:
            if not error.sent or isinstance(error, HostStalledError):
                raise
        return work()

    def converse(
        self,
        body: str,
        stdin: Iterator[bytes] | None = None,
        *,
        clock: Clock,
        token: str | None = None,
        open_file: Callable[[int], Sink] | None = None,
        what: str = "",
    ) -> Listener:
        """Run a script and return all its output; see `Link.run` for the errors."""
        token = token or new_token()
        command = scripts.as_command(scripts.framed(token, body), self._shell, login=self._login)
        listener = Listener(token, open_file, clock.start)
        try:
            status = self._link.run(command, listener, stdin, clock)
        except SilenceError:
            self._give_up(listener, clock, what)
        if listener.status is not None:
            return listener
        if listener.pid is None and status is not None:
            raise RemoteError(
                f"the shell of {self.name} did not run the command (status {status}): "
                f"{listener.complaint or 'no error message'}",
                hint="check shell_cmd and login_shell of the worker",
            )
        raise HostUnavailableError(f"the connection to {self.name} was lost", sent=True)

    def _give_up(self, listener: Listener, clock: Clock, what: str) -> None:
        """Kill a command that took too long and raise; raise too if the machine does not answer."""
        if listener.pid is not None:
            killed = Listener(token := new_token())
            lines = scripts.framed(token, scripts.plain_lines(scripts.end_lines(listener.pid)))
            try:
                self._link.run(scripts.as_command(lines), killed, None, Clock(_LAST_WORD))
            except (SilenceError, HostUnavailableError):
                pass
            else:
                about = f" from: {what}" if what else f" from {self.name}"
                raise HostStalledError(f"no answer after {clock.seconds:g} s{about}")
        self._link.drop()
        raise HostUnavailableError(
            f"{self.name} did not answer within {clock.seconds:g} s", sent=True
        )


def _unpacking(request: Exchange, after: str) -> tuple[str, Iterator[bytes]]:
    """Return the script that unpacks files and runs the commands, and its archive."""
    targets = [PurePosixPath(path) for path in request.write]
    sizes = [size_of(content) for content in request.write.values()]
    folders = list(dict.fromkeys(target.parent for target in targets))
    home = folders[0] if folders else PurePosixPath("/tmp")  # noqa: S108 - a name of its own
    stage = home / f".jfr-{secrets.token_hex(8)}"
    move = scripts.move_lines(targets, sizes, stage).encode(errors="surrogateescape")
    rest = after.encode(errors="surrogateescape")
    members: list[tuple[str, Content, int]] = [("s", move, len(move)), ("c", rest, len(rest))]
    for number, (content, size) in enumerate(zip(request.write.values(), sizes)):
        members.append((str(number), content, size))
    body = scripts.unpack_lines(stage, folders or [home], make_folders=request.make_folders)
    return body, stream_archive(members)


def _command_result(heard: Listener, workdir: Path | None) -> CommandResult:
    if heard.status == scripts.MISSING:
        raise FileNotFoundError(2, "No such file or directory", str(workdir))
    if heard.status == scripts.DENIED:
        raise RemoteError(f"Permission denied or no folder: {workdir}")
    return CommandResult(
        bytes(heard.stdout).decode(errors="replace"),
        bytes(heard.stderr).decode(errors="replace"),
        int(heard.status or 1),
    )


def _said(heard: Listener) -> str:
    """Return the error output of a script in one line."""
    lines = bytes(heard.stderr).decode(errors="replace").splitlines()
    return "; ".join(line.strip() for line in lines if line.strip())[:400]
