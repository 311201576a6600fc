"""Machines over SSH through the program ``ssh``: second factors, Kerberos and the like.

One master connection carries all commands. Only `log_in` creates it; commands only use an existing
one. OpenSSH by itself would silently open a full connection if the master is gone, which sites with
a second factor penalise: here it could do so only through the program ``false``.
"""

from __future__ import annotations

import hashlib
import os
import selectors
import shlex
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from controller.errors import (
    AuthenticationRequiredError,
    ConfigError,
    HostKeyError,
    HostUnavailableError,
)
from controller.hosts.conversation import Listener
from controller.hosts.limits import LoginGate, Slots
from controller.hosts.link import Clock, SilenceError

if TYPE_CHECKING:
    from controller.config.workers import ConnectionData

CONNECT_TIMEOUT = 30
_CHECK_TIMEOUT = 10.0
_SOCKET_LENGTH = 85
"""While ssh creates a socket it adds 17 characters; the kernel allows 107."""

_NO_SESSION = 255
_CHUNK = 256 * 1024
_REUSE = ("ControlMaster=no", "BatchMode=yes", "ProxyCommand=false", "LogLevel=ERROR")


class OpenSSHLink:
    """Commands through a master connection of the program ``ssh``.

    Parameters
    ----------
    connection
        The host and user. Passwords and ``connect_kwargs`` are not used: ``ssh`` asks the user who
        logs in, and reads its own configuration.
    worker
        Name of the worker, for hints, or None.
    interactive
        Whether login needs a user; otherwise a master is created when needed, without prompting.
    forward_agent, connect_timeout, keepalive, ssh_config
        The settings of the worker with these names; see `controller.config.workers`.
    """

    def __init__(
        self,
        connection: ConnectionData,
        *,
        worker: str | None = None,
        interactive: bool = False,
        forward_agent: bool | None = None,
        connect_timeout: float | None = None,
        keepalive: int | None = 60,
        ssh_config: str | None = None,
    ) -> None:
        self.name = connection.host
        self._worker, self._interactive = worker, interactive
        self._timeout = connect_timeout or CONNECT_TIMEOUT
        own = _options(connection, ssh_config)
        if forward_agent is not None:  # for the master, and for each command
            own += _as_options([f"ForwardAgent={'yes' if forward_agent else 'no'}"])
        more = [f"ConnectTimeout={self._timeout:g}"]
        if keepalive:
            more += [f"ServerAliveInterval={keepalive}", "ServerAliveCountMax=3"]
        self._options, self._target = own, connection.host
        self._way = [*own, *_proxy(connection, ssh_config)]
        self._login_options = [*self._way, *_as_options(more)]
        self._key = " ".join([*self._login_options, connection.host])
        self._lock = threading.Lock()
        self._slots, self._gate = Slots(self.name), LoginGate(self.name)
        self._made_here = False

    @property
    def socket(self) -> Path:
        """Path of the master's socket: the same for every process of this user."""
        return socket_folder() / hashlib.sha256(self._key.encode()).hexdigest()[:16]

    @property
    def terminal_words(self) -> list[str]:
        """Words of a command that opens a terminal there, through the master if there is one."""
        through = ["-S", str(self.socket)] if self.socket.exists() else []
        return ["ssh", "-t", *through, *self._way, "--", self._target]

    # The master

    @property
    def is_connected(self) -> bool:
        """See `Link.is_connected`; asks the master."""
        return self.socket.exists() and self._control("check") == 0

    def connect(self) -> None:
        """See `Link.connect`.

        Raises
        ------
        AuthenticationRequiredError
            There is no master, and login needs a user.
        """
        with self._lock:
            if self.is_connected:
                self._gate.reset()  # the user has logged in meanwhile
                return
            if self._interactive:
                raise self._login_needed()
            with self._gate.login():
                self._make_master(batch=True)

    def log_in(self) -> None:
        """Create the master; ``ssh`` prompts on the terminal.

        An existing one is kept.

        Raises
        ------
        AuthenticationRequiredError
            The machine refuses the login.
        HostUnavailableError
            It cannot be reached.
        """
        if not self.is_connected:
            self._make_master(batch=False)

    def log_out(self) -> None:
        """End the master, with every command that it carries."""
        self._control("exit")

    def drop(self) -> None:
        """See `Link.drop`; a master created by a user is dropped only if it has ended."""
        if not self._interactive and not self.is_connected:
            self._forget_socket()

    def close(self) -> None:
        """See `Link.close`; a master created by a user stays."""
        if self._made_here and not self._interactive:
            self.log_out()
            self._made_here = False

    def _make_master(self, *, batch: bool) -> None:
        self._forget_socket()
        command = ["ssh", "-M", "-N", "-f", "-S", str(self.socket), *self._login_options]
        command += _as_options(["ControlPersist=yes", f"BatchMode={'yes' if batch else 'no'}"])
        command += ["--", self._target]
        # To a file: the master keeps its standard error open, so a pipe would never end.
        with tempfile.TemporaryFile() as said:
            try:
                done = subprocess.run(
                    command,
                    stdin=subprocess.DEVNULL if batch else None,
                    stdout=subprocess.DEVNULL,
                    stderr=said if batch else None,
                    timeout=self._timeout + 30 if batch else None,
                    start_new_session=batch,
                )
            except FileNotFoundError:
                raise _no_program(self.name) from None
            except subprocess.TimeoutExpired:
                raise HostUnavailableError(
                    f"cannot connect to {self.name}: no answer within {self._timeout:g} s"
                ) from None
            said.seek(0)
            text = said.read(4000).decode(errors="replace")
        if done.returncode or not self.is_connected:
            raise self._refusal(text or "see the message of ssh above")
        self._made_here = True

    def _forget_socket(self) -> None:
        """Remove the socket of a master that has ended."""
        if self.socket.exists() and self._control("check") != 0:
            with suppress(FileNotFoundError):
                self.socket.unlink()

    def _control(self, what: str) -> int | None:
        """Send a control command to the master; None if there is no answer."""
        command = ["ssh", "-S", str(self.socket), "-O", what, *self._options]
        command += [*_as_options(_REUSE), "--", self._target]
        try:
            return subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_CHECK_TIMEOUT,
            ).returncode
        except subprocess.TimeoutExpired:
            return None
        except FileNotFoundError:
            raise _no_program(self.name) from None

    def _login_needed(self) -> AuthenticationRequiredError:
        return AuthenticationRequiredError(
            f"not logged in to {self.name}",
            hint=f"log in with: jf worker login {self._worker or 'NAME'}",
        )

    def _refusal(self, text: str) -> HostUnavailableError:
        """Return the error for what ssh said when it did not connect."""
        line = "; ".join(line.strip() for line in text.splitlines() if line.strip())[-400:]
        if "Host key verification failed" in text or "IDENTIFICATION HAS CHANGED" in text:
            changed = "IDENTIFICATION HAS CHANGED" in text
            return HostKeyError(
                f"the host key of {self.name} {'has changed' if changed else 'is unknown'}",
                hint=f"check it and log in once: ssh {self._target}",
            )
        if "Permission denied" in text or "Too many authentication failures" in text:
            return AuthenticationRequiredError(
                f"{self.name} refused the login: {line}",
                hint=f"log in with: jf worker login {self._worker or 'NAME'}",
            )
        return HostUnavailableError(f"cannot connect to {self.name}: {line}")

    # Commands

    def run(
        self, command: str, listener: Listener, stdin: Iterator[bytes] | None, clock: Clock
    ) -> int | None:
        """See `Link.run`."""
        with self._slots.one(clock):
            if not self.socket.exists():
                self.connect()
            pause, reconnected = 0.1, False
            while True:
                status = self._attempt(command, listener, stdin, clock)
                if status != _NO_SESSION or listener.pid is not None:
                    return status
                said = listener.complaint
                if (
                    "refused by peer" in said
                ):  # MaxSessions: wait until another of our sessions ends
                    time.sleep(min(pause, clock.left))
                    pause = min(pause * 2, 1.0)
                elif reconnected:
                    raise HostUnavailableError(f"{self.name} refused to open a session: {said}")
                else:
                    self.connect()
                    reconnected = True
                listener.noise.clear()

    def _attempt(
        self, command: str, listener: Listener, stdin: Iterator[bytes] | None, clock: Clock
    ) -> int | None:
        words = ["ssh", "-T", "-S", str(self.socket), *self._options, *_as_options(_REUSE)]
        try:
            process = subprocess.Popen(
                [*words, "--", self._target, command],
                stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C must only reach this process
            )
        except FileNotFoundError:
            raise _no_program(self.name) from None
        feeder = _Feeder(process, stdin, listener, clock) if stdin is not None else None
        try:
            if _listen(process, listener, clock):
                return None
            status = process.wait(timeout=clock.left)
        except subprocess.TimeoutExpired:
            raise SilenceError from None
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdout, process.stderr, process.stdin):
                with suppress(OSError):
                    if pipe is not None:
                        pipe.close()
        if feeder is not None:
            feeder.check()
        return status if status >= 0 else None


def _listen(process: subprocess.Popen[bytes], listener: Listener, clock: Clock) -> bool:
    """Pass the output of a process to a listener; return whether the listener has received all."""
    with selectors.DefaultSelector() as selector:
        for pipe, hear in ((process.stdout, listener.out), (process.stderr, listener.err)):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ, hear)
        while selector.get_map() and not listener.finished:
            for key, _ in selector.select(min(clock.left, 1.0)):
                data = os.read(key.fd, _CHUNK)
                if data:
                    key.data(data)
                    clock.moved()
                else:
                    selector.unregister(key.fileobj)
    return listener.finished


class _Feeder:
    """Sends the input of a command while its output is read.

    Nothing is sent before the script has started: if no session is opened after all, the input is
    still complete for the next attempt.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        stdin: Iterator[bytes],
        listener: Listener,
        clock: Clock,
    ) -> None:
        assert process.stdin is not None
        self._pipe: IO[bytes] = process.stdin
        self._process, self._listener = process, listener
        self._stdin, self._clock = stdin, clock
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._feed, daemon=True)
        self._thread.start()

    def _feed(self) -> None:
        while self._listener.pid is None:
            if self._process.poll() is not None:
                return
            time.sleep(0.001)
        try:
            for chunk in self._stdin:
                with suppress(OSError, ValueError):
                    self._pipe.write(chunk)
                    self._clock.moved()
                    continue
                return  # the command stopped reading; its output tells why
        except BaseException as error:  # noqa: BLE001 - the file here cannot be read: said below
            self._error = error
            self._process.kill()
            return
        with suppress(OSError, ValueError):
            self._pipe.close()

    def check(self) -> None:
        """Raise the error that occurred when reading the input."""
        if self._error is not None:
            raise self._error


def socket_folder() -> Path:
    """Return the folder of the sockets, private to this user.

    Raises
    ------
    ConfigError
        Another user owns it, or can write to it.
    """
    folder = Path.home() / ".ssh" / "jfr"
    if len(str(folder)) + 17 > _SOCKET_LENGTH:
        folder = Path("/tmp") / f"jfr-ssh-{os.getuid()}"  # noqa: S108 - looked at below
    try:
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise ConfigError(f"cannot create sockets in {folder}: {error.strerror}") from error
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ConfigError(
            f"{folder} must be private to you", hint=f"rm -r {folder}, or chmod 700 {folder}"
        )
    return folder


def _as_options(values: Iterator[str] | list[str] | tuple[str, ...]) -> list[str]:
    return [word for value in values for word in ("-o", value)]


def _options(connection: ConnectionData, ssh_config: str | None) -> list[str]:
    """Return the options that specify a host and how to log in."""
    words = ["-F", str(Path(ssh_config).expanduser())] if ssh_config else []
    if connection.user:
        words += ["-l", connection.user]
    if connection.port:
        words += ["-p", str(connection.port)]
    keys = connection.key_filename or []
    for key in [keys] if isinstance(keys, str) else keys:
        words += ["-i", str(Path(key).expanduser())]
    return words


def _proxy(connection: ConnectionData, ssh_config: str | None) -> list[str]:
    """Return the option that goes through the gateway of a connection."""
    if connection.gateway is None:
        return []
    return ["-o", f"ProxyCommand={proxy_command(connection, ssh_config)}"]


def proxy_command(connection: ConnectionData, ssh_config: str | None) -> str:
    """Return the command that reaches a host through its gateway; ssh expands percent signs."""
    gateway = connection.gateway
    if isinstance(gateway, str):
        if " " in gateway or "%" in gateway:
            return gateway
        config = ["-F", ssh_config] if ssh_config else []
        return shlex.join(["ssh", *config, "-W", "[%h]:%p", "--", gateway])
    assert gateway is not None
    words = ["ssh", *_options(gateway, ssh_config)]
    if gateway.gateway is not None:
        inner = proxy_command(gateway, ssh_config).replace("%", "%%")
        words += ["-o", f"ProxyCommand={inner}"]
    return shlex.join([*words, "-W", "[%h]:%p", "--", gateway.host])


def terminal_words(worker: Any) -> list[str]:
    """Return the words of a command that opens a terminal on the machine of an SSH worker.

    A command for the remote shell may follow. The connection of `OpenSSHLink.log_in` is used where
    there is one. A user who watches answers questions, so a password is asked for.
    """
    link = OpenSSHLink(
        worker.connection,
        forward_agent=worker.forward_agent,
        connect_timeout=worker.connect_timeout,
        keepalive=worker.keepalive,
        ssh_config=worker.ssh_config,
    )
    return link.terminal_words


def _no_program(name: str) -> ConfigError:
    return ConfigError(
        f"the connection to {name} needs the program ssh, which is not on the PATH",
        hint="install OpenSSH, or set backend: paramiko for the worker",
    )
