"""Machines that stop, cut connections, print greetings and run full; each server is real."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sshd import SSHServer

from controller.errors import HostUnavailableError, RemoteError
from controller.hosts import Exchange, Host, transfers

Start = Callable[..., SSHServer]
Reach = Callable[..., Host]

both = pytest.mark.parametrize("backend", ["paramiko", "openssh"])


@both
def test_a_server_that_stops_answering_is_waited_for_in_bounds(
    start: Start, reach: Reach, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("shell._BEGIN", 1.0), ("shell._LAST_WORD", 0.5)):
        monkeypatch.setattr(f"controller.hosts.{name}", seconds)
    monkeypatch.setattr("controller.hosts.openssh._CHECK_TIMEOUT", 1.0)
    server = start()
    host = reach(server, backend, connect_timeout=1, timeout_execute=1)
    assert host.execute("echo up").stdout == "up\n"
    server.pause()
    began = time.monotonic()
    for _ in range(2):
        with pytest.raises(HostUnavailableError):
            host.execute("true")
    with pytest.raises(HostUnavailableError):
        host.read_files([Path("/etc/passwd")])
    assert time.monotonic() - began < 60
    server.resume()
    deadline = time.monotonic() + 20
    while True:
        try:
            assert host.execute("echo up").stdout == "up\n"
            return
        except HostUnavailableError:
            assert time.monotonic() < deadline


@both
def test_more_commands_than_sessions(start: Start, reach: Reach, backend: str) -> None:
    server = start("MaxSessions 2")
    host = reach(server, backend)
    host.connect()
    answers: dict[int, str] = {}

    def work(number: int) -> None:
        answers[number] = host.execute(f"sleep 0.2; echo {number}").stdout

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == {n: f"{n}\n" for n in range(8)}
    assert server.logins() == 1


@both
def test_a_download_goes_on_where_it_was_cut(
    start: Start, reach: Reach, backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start()
    host = reach(server, backend)
    source, target = tmp_path / "large", tmp_path / "here" / "large"
    source.write_bytes(os.urandom(30_000_000))
    offsets: list[int] = []
    read_lines = transfers.scripts.read_lines

    def noted(token: str, paths: Any, given: Any = None) -> str:
        offsets.extend((given or {}).values())
        return read_lines(token, paths, given)

    monkeypatch.setattr(transfers.scripts, "read_lines", noted)

    def cut_once(done: int, total: int) -> None:
        if done > 5_000_000 and server.logins() == 1:
            server.cut()
        assert not target.exists() or done == total

    assert host.fetch({source: target}, cut_once) == [source]
    assert target.read_bytes() == source.read_bytes()
    assert offsets[0] == 0
    assert offsets[1] > 5_000_000 - 300_000
    assert [path.name for path in target.parent.iterdir()] == ["large"]


@both
def test_an_upload_goes_on_where_it_was_cut(
    start: Start, reach: Reach, backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start()
    host = reach(server, backend)
    source, target = tmp_path / "large", tmp_path / "there" / "large"
    source.write_bytes(os.urandom(30_000_000))
    offsets: list[int] = []
    read_chunks = transfers.read_chunks

    def cut_once(content: Any, offset: int, size: int) -> Iterator[bytes]:
        offsets.append(offset)
        for number, chunk in enumerate(read_chunks(content, offset, size)):
            if number == 40 and len(offsets) == 1:
                time.sleep(0.3)  # what was sent arrives
                server.cut()
            yield chunk

    monkeypatch.setattr(transfers, "read_chunks", cut_once)
    host.send({source: target})
    assert target.read_bytes() == source.read_bytes()
    assert offsets[0] == 0
    assert offsets[1] > 0
    assert [path.name for path in target.parent.iterdir()] == ["large"]


@both
def test_a_command_whose_answer_was_lost_is_not_repeated(
    start: Start, reach: Reach, backend: str, tmp_path: Path
) -> None:
    server = start()
    host = reach(server, backend)
    host.connect()

    def cut_soon() -> None:
        while not (tmp_path / "ran").exists():
            time.sleep(0.02)
        server.cut()

    cutter = threading.Thread(target=cut_soon)
    cutter.start()
    with pytest.raises(HostUnavailableError) as caught:
        host.execute("echo ran >> ran; sleep 5", tmp_path)
    cutter.join()
    assert caught.value.sent
    assert (tmp_path / "ran").read_text() == "ran\n"
    assert host.execute("cat ran", tmp_path).stdout == "ran\n"
    assert server.logins() == 2


@both
def test_a_connection_that_was_lost_meanwhile_is_made_again(
    start: Start, reach: Reach, backend: str
) -> None:
    server = start()
    host = reach(server, backend)
    for number in range(3):
        assert host.execute(f"echo {number}").stdout == f"{number}\n"
        server.cut()
        server.wait_until_free()


def test_a_loss_that_the_connection_has_not_noticed_itself(
    start: Start, reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine, writing fails before the thread that reads has seen the end."""
    import paramiko

    server = start()
    host = reach(server, "paramiko")
    assert host.execute("echo up").stdout == "up\n"
    assert "gcm" in host._link._fabric.transport.local_cipher  # type: ignore[attr-defined]
    lost = iter([EOFError, ConnectionResetError])
    really = paramiko.Transport.open_session

    def open_session(transport: paramiko.Transport, *args: Any, **kwargs: Any) -> Any:
        for error in lost:
            raise error
        return really(transport, *args, **kwargs)

    monkeypatch.setattr(paramiko.Transport, "open_session", open_session)
    assert host.execute("echo up").stdout == "up\n"
    assert server.logins() == 3


GREETINGS = {
    ".profile": "echo Welcome; echo to all >&2\n",
    ".bash_profile": "echo Welcome; echo to all >&2\n",
    ".bash_logout": "echo bye; clear 2>/dev/null\n",
    ".tcshrc": 'echo "Welcome"; set prompt="%"\n',
    ".zshenv": "echo Welcome; echo to all >&2\n",
    ".config/fish/config.fish": "echo Welcome; echo to all >&2\n",
}
LOGIN_SHELLS = ["/bin/sh", "bash", "tcsh", "fish", "zsh"]
NAMES = ["it's", 'say "x"', "two\nlines", "\N{GREEK SMALL LETTER ALPHA} $HOME!", "a\\b", "-n *"]


@pytest.fixture(scope="module")
def greeting_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("greeting")
    for name, text in GREETINGS.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    return home


@pytest.mark.parametrize("login_shell", LOGIN_SHELLS)
def test_any_login_shell_that_greets(
    start: Start, reach: Reach, greeting_home: Path, tmp_path: Path, login_shell: str
) -> None:
    if shutil.which(login_shell) is None:
        pytest.skip(f"{login_shell} is not installed")
    # What sshd does for a user with this shell, whatever that of the user of the test is.
    server = start(
        f'ForceCommand exec {login_shell} -c "$SSH_ORIGINAL_COMMAND"', HOME=str(greeting_home)
    )
    folder = tmp_path / "it's a folder"
    files = {folder / name: f"{name}\n".encode() * 3 for name in NAMES}
    for shell_cmd in ("bash", None, *(["fish", "zsh"] if login_shell == "tcsh" else [])):
        if shell_cmd and shutil.which(shell_cmd) is None:
            continue
        host = reach(server, shell_cmd=shell_cmd, login_shell=shell_cmd != "fish")
        done = host.execute("pwd; echo 'a!b' \"$((1 + 1))\" $0; echo err >&2; exit 3", tmp_path)
        assert done.stdout.splitlines()[0] == str(tmp_path)
        assert done.stdout.splitlines()[1].startswith("a!b 2 ")
        assert (done.stderr, done.returncode) == ("err\n", 3)
        answer = host.exchange(
            Exchange(write=files, command="ls | wc -l", workdir=folder, read=[*files])
        )
        assert answer.files == files
        assert host.listdir(folder) == sorted(NAMES)
        host.rmtree(folder)


def test_a_shell_that_is_not_there_is_named(start: Start, reach: Reach) -> None:
    with pytest.raises(RemoteError, match="no-such-shell") as caught:
        reach(start(), shell_cmd="no-such-shell").execute("true")
    assert "shell_cmd" in (caught.value.hint or "")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.getuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small file system can be mounted by root only")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@both
def test_a_full_disk_leaves_no_half_a_file(
    start: Start, reach: Reach, backend: str, small_disk: Path, tmp_path: Path
) -> None:
    host = reach(start(), backend)
    host.write_bytes(small_disk / "file", b"before")
    with pytest.raises(RemoteError, match="No space left on device") as caught:
        host.write_bytes(small_disk / "file", bytes(5_000_000))
    assert not isinstance(caught.value, HostUnavailableError)
    assert str(small_disk / "file") in str(caught.value)
    assert (small_disk / "file").read_bytes() == b"before"
    assert host.listdir(small_disk) == ["file"]
    large = tmp_path / "large"
    large.write_bytes(bytes(10_000_000))
    with pytest.raises(RemoteError, match="No space left on device"):
        host.send({large: small_disk / "file"})
    assert (small_disk / "file").read_bytes() == b"before"


def test_a_file_that_is_not_ours_to_write(start: Start, reach: Reach, tmp_path: Path) -> None:
    host = reach(start())
    (tmp_path / "file").touch()
    with pytest.raises(RemoteError, match=r"Not a directory|File exists"):
        host.write_files({tmp_path / "file" / "below": b""})
    with pytest.raises(RemoteError, match=r"Not a directory|File exists"):
        host.mkdir(tmp_path / "file")
