"""Machines over SSH through paramiko, set up by fabric from project files and ``~/.ssh/config``.

Fabric reads the configuration and logs in, through any number of gateways; commands then use
paramiko's channels directly, which is several times faster. Host keys are checked as by OpenSSH;
fabric by itself would accept any.
"""

from __future__ import annotations

import re
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.errors import (
    AuthenticationRequiredError,
    ConfigError,
    HostUnavailableError,
)
from controller.hosts.conversation import Listener
from controller.hosts.hostkeys import changed_key, checked_keys
from controller.hosts.limits import LoginGate, Slots
from controller.hosts.link import Clock, SilenceError

if TYPE_CHECKING:
    import paramiko

    from controller.config.workers import ConnectionData

CONNECT_TIMEOUT = 30
"""Default time limit of a login, in seconds."""

_CHUNK = 256 * 1024
_CAN_CHOOSE_TRANSPORT = "transport_factory"
"""An argument of paramiko's ``connect`` that old versions do not have."""
_REFUSED = (1, 2, 4)
"""Codes if the machine refuses a channel: prohibited, MaxSessions, out of resources."""


class ParamikoLink:
    """One SSH connection, opened at first use and again after a loss.

    Parameters
    ----------
    connection
        The host and user.
    forward_agent, connect_timeout, keepalive, ssh_config
        The settings of the worker with these names; see `controller.config.workers`.
    """

    def __init__(
        self,
        connection: ConnectionData,
        *,
        forward_agent: bool | None = None,
        connect_timeout: float | None = None,
        keepalive: int | None = 60,
        ssh_config: str | None = None,
    ) -> None:
        self.name = connection.host
        self._data, self._keepalive, self._ssh_config = connection, keepalive, ssh_config
        self._forward_agent = forward_agent
        self._timeout = connect_timeout or CONNECT_TIMEOUT
        self._lock, self._opening = threading.Lock(), threading.Lock()
        self._slots = Slots(self.name)
        self._gate = LoginGate(self.name)
        self._fabric: Any = None

    # The connection

    def connect(self) -> None:
        """See `Link.connect`."""
        self._transport()

    @property
    def is_connected(self) -> bool:
        """See `Link.is_connected`."""
        return self._fabric is not None and bool(self._fabric.is_connected)

    def drop(self) -> None:
        """See `Link.drop`."""
        self.close()

    def close(self) -> None:
        """See `Link.close`."""
        fabric, self._fabric = self._fabric, None
        while fabric is not None and not isinstance(fabric, str):
            transport = fabric.transport or fabric.client.get_transport()
            with suppress(OSError, EOFError):
                fabric.close()
                fabric.client.close()  # after a refused login, fabric leaves it open
            if isinstance(fabric.gateway, str) and transport is not None:
                _end_program(transport)
            fabric = fabric.gateway

    def _transport(self) -> paramiko.Transport:
        """Return a live transport, after a login if necessary."""
        with self._lock:
            if not self.is_connected:
                self.close()
                with self._gate.login():
                    self._fabric = self._log_in()
            transport: paramiko.Transport = self._fabric.transport
            return transport

    def _log_in(self) -> Any:
        with self._errors():
            fabric = self._build()
            try:
                fabric.open()
                self._settle(fabric)
            except BaseException:
                self._fabric = fabric
                self.close()
                raise
            return fabric

    def _build(self) -> Any:
        try:
            import fabric
        except ImportError:
            raise ConfigError(
                f"worker on {self.name}: the package fabric is not installed",
                hint="pip install 'jfr[ssh]', or set backend: openssh for the worker",
            ) from None
        config = fabric.Config(
            runtime_ssh_path=str(Path(self._ssh_config).expanduser()) if self._ssh_config else None
        )
        built = _connection(self._data, config, self._timeout, self._forward_agent)
        hop = built
        while not isinstance(hop, str) and hop:
            checked_keys(hop)
            if hop.ssh_config.get("identitiesonly") == "yes":
                hop.connect_kwargs.setdefault("allow_agent", False)
                hop.connect_kwargs.setdefault("look_for_keys", False)
            hop = hop.gateway
        return built

    def _settle(self, fabric: Any) -> None:
        """Set keepalive on all hops, and send small packets immediately."""
        hop = fabric
        while not isinstance(hop, str) and hop:
            if self._keepalive:
                hop.transport.set_keepalive(self._keepalive)
            if isinstance(hop.transport.sock, socket.socket):
                hop.transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            hop = hop.gateway

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Describe why a login failed, with the name of the machine and without secrets."""
        import paramiko

        who = f"{self._data.user or 'the user'} on {self.name}"
        try:
            yield
        except (ConfigError, HostUnavailableError):
            raise
        except paramiko.BadHostKeyException as error:
            raise changed_key(
                self.name, self._data.port or 22, error.expected_key, error.key
            ) from None
        except paramiko.PasswordRequiredException:
            raise AuthenticationRequiredError(
                f"the key of {who} needs a passphrase",
                hint="set the passphrase of the worker, or add the key to an agent: ssh-add",
            ) from None
        except paramiko.AuthenticationException as error:
            raise AuthenticationRequiredError(
                f"{self.name} refused the login of {self._data.user or 'the user'}: {error}",
                hint="check user, key_filename and password; for a second factor, set "
                "interactive_login: true",
            ) from None
        except socket.gaierror:
            raise HostUnavailableError(
                f"the host name {self.name} cannot be resolved",
                hint="check host, and ~/.ssh/config",
            ) from None
        except (TimeoutError, paramiko.SSHException, EOFError, OSError) as error:
            port = self._data.port or 22
            what = (
                f"no answer within {self._timeout:g} s"
                if isinstance(error, TimeoutError)
                else _in_words(error)
            )
            raise HostUnavailableError(
                f"cannot connect to {self.name} port {port}: {what}"
            ) from None

    # Commands

    def run(
        self, command: str, listener: Listener, stdin: Iterator[bytes] | None, clock: Clock
    ) -> int | None:
        """See `Link.run`."""
        with self._slots.one(clock):
            channel = self._open(command, clock)
            try:
                return self._follow(channel, listener, stdin, clock)
            finally:
                channel.close()

    def _open(self, command: str, clock: Clock) -> paramiko.Channel:
        """Open a channel and start a command on it; wait if there are too many."""
        import paramiko

        pause = 0.05
        while True:
            transport = self._transport()
            try:
                # One at a time: paramiko stores one error for all threads.
                with self._opening:
                    channel = transport.open_session(timeout=clock.left)
                break
            except paramiko.ChannelException as error:
                if error.code not in _REFUSED:
                    raise HostUnavailableError(
                        f"{self.name} refused to open a session: {error}"
                    ) from None
                time.sleep(min(pause, clock.left))  # until another of our sessions ends
                pause = min(pause * 2, 1.0)
            except paramiko.SSHException:
                if transport.is_active():
                    raise SilenceError from None
                self.close()  # lost while idle: nothing was sent, so log in again
            except (EOFError, OSError):
                self.close()  # the same, where its thread has not noticed it yet
        watchdog = threading.Timer(clock.left, transport.close)
        watchdog.daemon = True
        watchdog.start()  # paramiko waits forever for the reply to this request
        try:
            if self._fabric is not None and self._fabric.forward_agent:
                from paramiko.agent import AgentRequestHandler

                AgentRequestHandler(channel)
            channel.exec_command(command)
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise HostUnavailableError(
                f"{self.name} did not start the command: {_in_words(error)}", sent=True
            ) from None
        finally:
            watchdog.cancel()
        return channel

    def _follow(
        self,
        channel: paramiko.Channel,
        listener: Listener,
        stdin: Iterator[bytes] | None,
        clock: Clock,
    ) -> int | None:
        feeder = _Feeder(channel, stdin, clock)
        ready = channel.fileno()
        while not listener.finished:
            if channel.recv_ready():
                listener.out(channel.recv(_CHUNK))
            elif channel.recv_stderr_ready():
                listener.err(channel.recv_stderr(_CHUNK))
            elif channel.closed or channel.eof_received:
                if not (channel.recv_ready() or channel.recv_stderr_ready()):
                    break
                continue
            else:
                # Sending counts as activity, and is not visible here.
                if select.select([ready], [], [], min(clock.left, 1.0))[0]:
                    clock.moved()
                continue
            clock.moved()
        feeder.check()
        if listener.finished:
            return None
        if channel.status_event.wait(min(2.0, clock.left)) and channel.exit_status >= 0:
            return int(channel.exit_status)
        return None


class _Feeder:
    """Sends the input of a command while its output is read."""

    def __init__(
        self, channel: paramiko.Channel, stdin: Iterator[bytes] | None, clock: Clock
    ) -> None:
        self._channel, self._clock = channel, clock
        self._error: BaseException | None = None
        if stdin is None:
            with suppress(OSError):
                channel.shutdown_write()
            return
        self._stdin = stdin
        threading.Thread(target=self._feed, daemon=True).start()

    def _feed(self) -> None:
        try:
            for chunk in self._stdin:
                if not self._send(chunk):
                    return  # the command stopped reading; its output tells why
        except BaseException as error:  # noqa: BLE001 - the file here cannot be read: said below
            self._error = error
            self._channel.close()
            return
        with suppress(OSError, EOFError):
            self._channel.shutdown_write()

    def _send(self, chunk: bytes) -> bool:
        import paramiko

        view = memoryview(chunk)
        while view:
            try:
                sent = self._channel.send(view[:32768])
            except (OSError, EOFError, paramiko.SSHException):
                return False
            if not sent:
                return False
            view = view[sent:]
            self._clock.moved()
        return True

    def check(self) -> None:
        """Raise the error that occurred when reading the input."""
        if self._error is not None:
            raise self._error


def _connection(
    data: ConnectionData, config: Any, timeout: float, forward_agent: bool | None = None
) -> Any:
    """Build a fabric connection with its gateways; without connecting."""
    import fabric
    import paramiko

    arguments: dict[str, Any] = {**(data.connect_kwargs or {})}
    for name in ("password", "passphrase"):
        if (value := getattr(data, name)) is not None:
            arguments[name] = value
    if data.key_filename:
        keys = [data.key_filename] if isinstance(data.key_filename, str) else data.key_filename
        arguments["key_filename"] = [str(Path(key).expanduser()) for key in keys]
        for key in arguments["key_filename"]:
            if not Path(key).exists():
                raise ConfigError(
                    f"the key file {key} for {data.host} does not exist", hint="check key_filename"
                )
    for name in ("banner_timeout", "auth_timeout", "channel_timeout"):
        arguments.setdefault(name, timeout)
    if _CAN_CHOOSE_TRANSPORT in signature(paramiko.SSHClient.connect).parameters:
        arguments[_CAN_CHOOSE_TRANSPORT] = _fast_transport
    gateway: Any = None
    if isinstance(data.gateway, str):
        is_command = " " in data.gateway or "%" in data.gateway
        gateway = (
            data.gateway
            if is_command
            else fabric.Connection(data.gateway, config=config, connect_timeout=timeout)
        )
    elif data.gateway is not None:
        gateway = _connection(data.gateway, config, timeout)
    built = fabric.Connection(
        data.host,
        user=data.user,
        port=data.port,
        config=config,
        gateway=gateway,
        forward_agent=forward_agent,
        connect_timeout=None if "timeout" in arguments else timeout,
        connect_kwargs=arguments,
    )
    if isinstance(gateway, str):
        # Fabric would always use the default port for %p.
        known = {"%h": built.host, "%p": str(built.port), "%r": built.user, "%%": "%"}
        built.gateway = re.sub("%[hpr%]", lambda found: known[found[0]], gateway)
    return built


def _fast_transport(*given: Any, **options: Any) -> paramiko.Transport:
    """Make a transport that asks for AES-GCM first: large files cost a third less time."""
    import paramiko

    made = paramiko.Transport(*given, **options)
    choice = made.get_security_options()
    choice.ciphers = tuple(sorted(choice.ciphers, key=lambda name: "gcm" not in name))
    return made


def _end_program(transport: paramiko.Transport) -> None:
    """End the proxy command of a connection; paramiko leaves its pipes open."""
    process = getattr(transport.sock, "process", None)
    if process is None:
        return
    if transport.is_alive():
        transport.join(
            5
        )  # its thread also ends the command, by a process id that must still be its own
    process.kill()
    process.communicate()


def _in_words(error: BaseException) -> str:
    """Return the message of an error, or at least its type."""
    nested = getattr(error, "errors", None)
    if isinstance(nested, dict) and nested:  # one per address that was tried
        error = next(iter(nested.values()))
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())
