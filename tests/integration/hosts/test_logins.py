"""Who is let in where, and what is said otherwise; each server is real."""

from __future__ import annotations

import logging
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sshd import SSHServer, free_port, make_key, worker_on

from controller.errors import (
    AuthenticationRequiredError,
    ConfigError,
    HostKeyError,
    HostUnavailableError,
)
from controller.hosts import Host
from controller.hosts.openssh import OpenSSHLink, socket_folder
from controller.hosts.pool import Pool, log_in, open_host, open_link

Start = Callable[..., SSHServer]
Reach = Callable[..., Host]

both = pytest.mark.parametrize("backend", ["paramiko", "openssh"])


@both
def test_an_unknown_machine_is_named_with_what_to_run(
    start: Start, reach: Reach, backend: str
) -> None:
    server = start()
    server.known_hosts.write_text("")
    with pytest.raises(HostKeyError, match="is unknown") as caught:
        reach(server, backend).execute("true")
    assert "ssh " in (caught.value.hint or "")
    if backend == "paramiko":
        assert "SHA256:" in caught.value.message
        assert f"ssh -p {server.port}" in (caught.value.hint or "")
    assert server.known_hosts.read_text() == ""
    assert server.logins() == 0


@both
def test_a_changed_key_is_an_alarm(start: Start, reach: Reach, backend: str) -> None:
    server = start()
    make_key(server.folder / "other")
    kind, key = (server.folder / "other.pub").read_text().split()[:2]
    server.known_hosts.write_text(f"[127.0.0.1]:{server.port} {kind} {key}\n")
    with pytest.raises(HostKeyError, match="changed"):
        reach(server, backend).execute("true")
    assert server.logins() == 0


def test_keys_are_accepted_where_the_configuration_says_so(start: Start, reach: Reach) -> None:
    server = start()
    server.known_hosts.write_text("")
    with server.config.open("a") as config:
        config.write("  StrictHostKeyChecking accept-new\n")
    assert reach(server).execute("echo in").stdout == "in\n"
    assert server.known_hosts.read_text().startswith(f"[127.0.0.1]:{server.port} ")
    assert reach(server, "openssh").execute("echo in").stdout == "in\n"


def test_the_configuration_of_the_user_is_read_where_the_worker_names_none(
    start: Start, reach: Reach
) -> None:
    server = start()
    own = Path.home() / ".ssh"
    own.mkdir()
    config = server.config.read_text().replace("Host fix", "Host the-cluster")
    (own / "config").write_text(config)
    known = {"user": None, "port": None, "key_filename": None, "ssh_config": None}
    host = reach(server, host="the-cluster", **known)
    assert host.execute("echo in").stdout == "in\n"


@both
def test_a_key_that_is_refused(start: Start, reach: Reach, backend: str, tmp_path: Path) -> None:
    server = start()
    make_key(tmp_path / "stranger")
    host = reach(server, backend, key_filename=str(tmp_path / "stranger"), ssh_config=None)
    options = server.config.read_text().replace(str(server.key), str(tmp_path / "stranger"))
    server.config.write_text(options)
    host = reach(server, backend, key_filename=str(tmp_path / "stranger"))
    with pytest.raises(AuthenticationRequiredError, match=r"127\.0\.0\.1 refused the login"):
        host.execute("true")


def test_a_key_file_that_is_not_there(start: Start, reach: Reach) -> None:
    with pytest.raises(ConfigError, match="key file /nowhere/id"):
        reach(start(), key_filename="/nowhere/id").execute("true")


def test_a_key_with_a_passphrase(start: Start, reach: Reach) -> None:
    server = start()
    locked = server.folder / "locked"
    make_key(locked, "open sesame")
    with (server.folder / "authorized_keys").open("a") as keys:
        keys.write((server.folder / "locked.pub").read_text())
    server.config.write_text(server.config.read_text().replace(str(server.key), str(locked)))
    with pytest.raises(AuthenticationRequiredError, match="passphrase"):
        reach(server, key_filename=str(locked)).execute("true")
    host = reach(server, key_filename=[str(locked)], passphrase="open sesame")
    assert host.execute("echo in").stdout == "in\n"


def test_a_password_is_never_shown(
    start: Start, reach: Reach, caplog: pytest.LogCaptureFixture
) -> None:
    server = start()
    caplog.set_level(logging.DEBUG)
    fields = {"key_filename": None, "password": "s3cr3t word", "ssh_config": None}
    worker = worker_on(server, **fields)
    with server.config.open("w") as config:
        config.write(f"Host *\n  UserKnownHostsFile {server.known_hosts}\n")
    fields["ssh_config"] = str(server.config)
    with pytest.raises(AuthenticationRequiredError) as caught:
        reach(server, **fields).execute("true")
    assert "s3cr3t" not in f"{caught.value!r} {caught.value} {caplog.text} {worker.cli_info}"


@both
def test_nothing_listens_there(start: Start, reach: Reach, backend: str) -> None:
    server = start()
    port = free_port()
    with pytest.raises(HostUnavailableError, match=r"127\.0\.0\.1.*refused"):
        reach(server, backend, port=port).execute("true")


def test_a_name_that_nobody_knows(start: Start, reach: Reach) -> None:
    with pytest.raises(HostUnavailableError, match=r"name no\.such\.invalid"):
        reach(start(), host="no.such.invalid").execute("true")


def test_a_machine_that_refused_is_left_alone_for_a_while(
    start: Start, reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.hosts.limits.FIRST_PAUSE", 30.0)
    server = start()
    host = reach(server)
    server.stop()
    with pytest.raises(HostUnavailableError, match="refused") as first:
        host.execute("true")
    assert first.value.retry_in == 30.0
    server.start()
    with pytest.raises(HostUnavailableError, match="refused") as second:
        host.execute("true")
    assert 0 < (second.value.retry_in or 0) <= 30
    assert server.logins() == 0


def test_workers_share_a_connection_which_is_closed_with_the_last(start: Start) -> None:
    server, pool = start(), Pool()
    one = open_host(worker_on(server), pool=pool)
    other = open_host(worker_on(server, timeout_execute=5, work_dir="/elsewhere"), pool=pool)
    apart = open_host(worker_on(server, keepalive=7), pool=pool)
    for host in (one, other, apart):
        assert host.execute("echo in").stdout == "in\n"
    assert server.logins() == 2
    assert pool.counts() == [("127.0.0.1", 2), ("127.0.0.1", 1)]
    one.close()
    one.close()
    assert other.execute("echo in").stdout == "in\n"
    other.close()
    apart.close()
    assert pool.counts() == []
    server.wait_until_free()


@both
def test_through_two_other_machines(start: Start, reach: Reach, backend: str) -> None:
    far, near, first = start(), start(), start()
    with far.known_hosts.open("a") as known:
        known.write(near.known_hosts.read_text() + first.known_hosts.read_text())
    common = {"host": "127.0.0.1", "user": far.worker()["user"]}
    gateway: dict[str, Any] = {**common, "port": near.port, "key_filename": str(near.key)}
    gateway["gateway"] = {**common, "port": first.port, "key_filename": str(first.key)}
    far.config.write_text(f"Host *\n  UserKnownHostsFile {far.known_hosts}\n")
    host = reach(far, backend, gateway=gateway)
    assert host.execute("echo $SSH_CONNECTION").stdout.split()[3] == str(far.port)
    host.write_bytes(far.folder / "file", b"x" * 100_000)
    assert (near.logins(), first.logins(), far.logins()) == (1, 1, 1)
    host.close()
    for server in (far, near, first):
        server.wait_until_free()


@both
def test_a_gateway_by_name_and_by_command(start: Start, reach: Reach, backend: str) -> None:
    far, near = start(), start()
    with far.known_hosts.open("a") as known:
        known.write(near.known_hosts.read_text())
    with far.config.open("a") as config:
        config.write(f"Host door\n  HostName 127.0.0.1\n  Port {near.port}\n")
        config.write(f"  IdentityFile {near.key}\n")
    assert reach(far, backend, gateway="door").execute("echo in").stdout == "in\n"
    command = f"ssh -F {far.config} -W %h:%p door"
    assert reach(far, backend, gateway=command).execute("echo in").stdout == "in\n"
    assert near.logins() == 2


def test_an_alias_of_the_configuration(start: Start, reach: Reach) -> None:
    server = start()
    for backend in ("paramiko", "openssh"):
        host = reach(server, backend, host="fix", port=None, user=None, key_filename=None)
        assert host.execute("echo in").stdout == "in\n"


@both
@pytest.mark.parametrize("forward", [True, False])
def test_an_agent_is_forwarded_where_it_is_wanted(
    start: Start, reach: Reach, backend: str, forward: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start()
    began = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True)
    known = dict(re.findall(r"(\w+)=([^;]+);", began.stdout))
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", known["SSH_AUTH_SOCK"])
        subprocess.run(["ssh-add", "-q", str(server.key)], check=True, capture_output=True)
        done = reach(server, backend, forward_agent=forward).execute("ssh-add -l")
    finally:
        os.kill(int(known["SSH_AGENT_PID"]), signal.SIGTERM)
    assert ("ED25519" in done.stdout) is forward


SECRET = "JBSWY3DPEHPK3PXP"


@pytest.fixture
def second_factor(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SSHServer]:
    """A server that asks for a key and for a one-time password (a real one, by PAM)."""
    start().stop()  # skips where there is no server
    modules = [*Path("/lib").glob("*/security"), *Path("/usr/lib").glob("*/security")]
    if os.getuid() or not shutil.which("oathtool"):
        pytest.skip("PAM can be set up by root only, and oathtool has to be there")
    if not any((folder / "pam_google_authenticator.so").exists() for folder in modules):
        pytest.skip("libpam-google-authenticator is not installed")
    # PAM reads the file that is named as the program: ours gets a name of its own.
    program = tmp_path / f"jfrsshd{os.getpid()}"
    shutil.copy("/usr/sbin/sshd", program)
    code = tmp_path / "code"
    code.write_text(f'{SECRET}\n" TOTP_AUTH\n')
    code.chmod(0o400)
    service = Path("/etc/pam.d") / program.name
    ask = tmp_path / "ask"
    ask.write_text(f"#!/bin/sh\noathtool --totp -b {SECRET}\n")
    ask.chmod(0o755)
    monkeypatch.setenv("SSH_ASKPASS", str(ask))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    server = SSHServer(
        tmp_path / "mfa",
        free_port(),
        program=str(program),
        lines=[
            "UsePAM yes",
            "KbdInteractiveAuthentication yes",
            "AuthenticationMethods publickey,keyboard-interactive",
        ],
        environment={"HOME": str(tmp_path)},
    )
    service.write_text(
        f"auth required pam_google_authenticator.so secret={code} user=root\n"
        "account required pam_permit.so\nsession required pam_permit.so\n"
    )
    try:
        server.start()
        yield server
    finally:
        server.stop()
        service.unlink()


@pytest.fixture
def with_password(start: Start, tmp_path: Path) -> Iterator[SSHServer]:
    """A server that lets in who knows the password, by PAM."""
    start().stop()  # skips where there is no server
    if os.getuid():
        pytest.skip("PAM can be set up by root only")
    program = tmp_path / f"jfrpwsshd{os.getpid()}"
    shutil.copy("/usr/sbin/sshd", program)
    check = tmp_path / "check"
    check.write_text('#!/bin/sh\n[ "$(tr -d "\\000")" = "s3cr3t word" ]\n')
    check.chmod(0o755)
    service = Path("/etc/pam.d") / program.name
    server = SSHServer(
        tmp_path / "password",
        free_port(),
        program=str(program),
        lines=["UsePAM yes", "PasswordAuthentication yes", "PermitRootLogin yes"],
    )
    service.write_text(
        f"auth required pam_exec.so expose_authtok quiet {check}\n"
        "account required pam_permit.so\nsession required pam_permit.so\n"
    )
    try:
        server.start()
        yield server
    finally:
        server.stop()
        service.unlink()


def test_a_login_by_password(
    with_password: SSHServer, reach: Reach, caplog: pytest.LogCaptureFixture
) -> None:
    """It lets in, and stands in no argument of a program, no log, no view of the worker."""
    server = with_password
    caplog.set_level(logging.DEBUG)
    with server.config.open("w") as config:
        config.write(f"Host *\n  UserKnownHostsFile {server.known_hosts}\n")
    fields = {"key_filename": None, "password": "s3cr3t word", "ssh_config": str(server.config)}
    done = reach(server, **fields).execute("ps -eo args; env; echo in")
    assert done.stdout.endswith("in\n")
    worker = worker_on(server, **fields)
    assert "s3cr3t" not in f"{done.stdout} {caplog.text} {worker!r} {worker.cli_info}"
    with pytest.raises(AuthenticationRequiredError) as caught:
        reach(server, **{**fields, "password": "an0ther word"}).execute("true")
    assert "an0ther" not in f"{caught.value!r} {caught.value} {caplog.text}"


def test_a_second_factor_is_asked_for_once(second_factor: SSHServer) -> None:
    server, pool = second_factor, Pool()
    worker = worker_on(server, interactive_login=True)
    assert worker.uses_openssh
    host = open_host(worker, "cluster", pool)
    knocked = server.log.count("Connection from")
    for _ in range(2):
        with pytest.raises(AuthenticationRequiredError, match="not logged in") as caught:
            host.execute("true")
        assert caught.value.hint == "log in with: jf worker login cluster"
    assert server.log.count("Connection from") == knocked, "it was not even tried"
    assert log_in(worker, "cluster") == ["127.0.0.1"]
    assert log_in(worker, "cluster") == ["127.0.0.1"]
    for number in range(3):
        assert host.execute(f"echo {number}").stdout == f"{number}\n"
    assert open_host(worker, "cluster", Pool()).execute("echo other").stdout == "other\n"
    assert server.log.count("Accepted keyboard-interactive") == 1
    host.close()
    link = open_link(worker, worker.connection, "cluster")
    assert isinstance(link, OpenSSHLink)
    assert link.is_connected, "who logged in stays logged in when a runner ends"
    # A master that was killed leaves its socket: nothing may log in anew by itself.
    (master,) = masters(link.socket)
    os.kill(master, signal.SIGKILL)
    link.socket.touch()
    with pytest.raises(AuthenticationRequiredError, match="not logged in"):
        open_host(worker, "cluster", Pool()).execute("true")
    assert server.log.count("Accepted keyboard-interactive") == 1
    link.log_in()
    assert open_host(worker, "cluster", Pool()).execute("echo in").stdout == "in\n"
    link.log_out()
    assert not link.is_connected


def masters(socket: Path) -> list[int]:
    listed = subprocess.run(["ps", "-eww", "-o", "pid=,args="], capture_output=True, text=True)
    lines = (line.split(None, 1) for line in listed.stdout.splitlines())
    return [int(pid) for pid, args in lines if str(socket) in args and args.startswith("ssh")]


def test_the_folder_of_sockets_is_ours_alone(tmp_path: Path) -> None:
    folder = socket_folder()
    assert folder.stat().st_mode & 0o077 == 0
    folder.chmod(0o755)
    with pytest.raises(ConfigError, match="private to you"):
        socket_folder()


def test_a_long_home_has_its_sockets_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / ("long" * 30)))
    assert len(str(socket_folder())) + 17 + 17 < 108
