"""A real OpenSSH server on this machine for tests, with keys, ports and faults of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from controller.config.workers import Worker

_DEADLINE = 10.0


def why_no_sshd(environment: Mapping[str, str]) -> str:
    """Why no server can be started here; "" where one can."""
    for name in ("/usr/sbin/sshd", "ssh-keygen", "ssh"):
        if shutil.which(name) is None:
            said = environment.get("JFR_SSHD_UNAVAILABLE")
            return said or f"OpenSSH is not installed ({name} is missing)"
    try:
        import fabric  # noqa: F401
    except ImportError:
        return "the package fabric is not installed"
    return ""


def require_sshd() -> None:
    """Skip the test where there is no server; fail where there has to be one."""
    if reason := why_no_sshd(os.environ):
        if os.environ.get("CI") and "JFR_SSHD_UNAVAILABLE" not in os.environ:
            pytest.fail(f"no SSH server, and nothing says that it cannot be had: {reason}")
        pytest.skip(f"no SSH server: {reason}")


@dataclass
class SSHServer:
    """A server, and what a client needs.

    Attributes
    ----------
    folder
        Holds keys, ``known_hosts`` and ``ssh_config`` (which names the server ``fix``).
    lines
        Further lines of its configuration.
    environment
        Given to every command.
    """

    folder: Path
    port: int
    program: str = "/usr/sbin/sshd"
    lines: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def key(self) -> Path:
        return self.folder / "id"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def config(self) -> Path:
        """Configuration of clients."""
        return self.folder / "ssh_config"

    @property
    def log(self) -> str:
        return (self.folder / "sshd.log").read_text(errors="replace")

    def logins(self) -> int:
        return self.log.count("Accepted publickey") + self.log.count("Accepted keyboard")

    def worker(self, **fields: Any) -> dict[str, Any]:
        """Describe a worker as a project file does."""
        return {
            "type": "remote",
            "scheduler_type": "shell",
            "work_dir": str(self.folder.parent / "work"),
            "host": "127.0.0.1",
            "port": self.port,
            "user": getpass.getuser(),
            "key_filename": str(self.key),
            "ssh_config": str(self.config),
            **fields,
        }

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in (self.folder, *self.folder.parents):  # it reads keys as the user of the login
            if path.stat().st_uid == os.getuid() and not path.stat().st_mode & 0o001:
                path.chmod(path.stat().st_mode | 0o011)
        for name in ("host_key", "id"):
            if not (self.folder / name).exists():
                make_key(self.folder / name)
        shutil.copy(self.folder / "id.pub", self.folder / "authorized_keys")
        settings = [
            "ListenAddress 127.0.0.1",
            f"Port {self.port}",
            f"HostKey {self.folder}/host_key",
            f"AuthorizedKeysFile {self.folder}/authorized_keys",
            f"PidFile {self.folder}/sshd.pid",
            *self.lines,
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin yes",
            "PrintMotd no",
            "UseDNS no",
            "MaxStartups 100:30:200",
            "MaxSessions 100",
            "LogLevel VERBOSE",
        ]
        if self.environment:
            settings.append("SetEnv " + " ".join(f'"{k}={v}"' for k, v in self.environment.items()))
        (self.folder / "sshd_config").write_text("\n".join(settings) + "\n")
        kind, key = (self.folder / "host_key.pub").read_text().split()[:2]
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {kind} {key}\n")
        self.config.write_text(
            f"Host fix\n  HostName 127.0.0.1\n  Port {self.port}\n"
            f"  User {getpass.getuser()}\n  IdentityFile {self.key}\n"
            f"Host *\n  IdentitiesOnly yes\n  UserKnownHostsFile {self.known_hosts}\n"
        )
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        with (self.folder / "sshd.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, "-D", "-e", "-f", str(self.folder / "sshd_config")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _DEADLINE
        while time.monotonic() < deadline and self.process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.02)
        raise AssertionError(f"sshd does not run: {self.log}")

    def stop(self) -> None:
        if self.process is not None:
            self.resume()
            self.cut()
            self.process.kill()
            self.process.wait()
            self.process = None

    def cut(self) -> None:
        """Cut all connections; what runs in them is not ended by that."""
        for pid in self.sessions():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def pause(self) -> None:
        """Stop the server with all connections: it takes what it is sent and never answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        for pid in (self.process.pid, *self.sessions()):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def wait_until_free(self) -> None:
        """Wait until all connections have ended, as they do when clients close them."""
        deadline = time.monotonic() + _DEADLINE
        while self.sessions():
            assert time.monotonic() < deadline, "connections are open still"
            time.sleep(0.02)

    def sessions(self) -> list[int]:
        """Processes of the server that serve connections."""
        assert self.process is not None
        parents: dict[int, int] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    name, _, rest = (entry / "stat").read_text().partition(")")
                    if "sshd" in name or Path(self.program).name[:15] in name:
                        parents[int(entry.name)] = int(rest.split()[1])
        found = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return sorted(found - {self.process.pid})


def worker_on(server: SSHServer, **fields: Any) -> Any:
    """Return a worker that is reached through a server."""
    return TypeAdapter(Worker).validate_python(server.worker(**fields))


def make_key(path: Path, passphrase: str = "") -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)],
        check=True,
        timeout=30,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def ssh_server(folder: Path, *lines: str, **environment: str) -> Iterator[SSHServer]:
    """Start a server; skips or fails the test where there is none."""
    require_sshd()
    home = folder / "home"  # start-up files of whoever runs the tests may take seconds
    home.mkdir(parents=True)
    settings = {"HOME": str(home), **environment}
    server = SSHServer(folder, free_port(), lines=list(lines), environment=settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()
