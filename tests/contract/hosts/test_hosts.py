"""What the runner may expect of any host."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from controller.errors import ConfigError, RemoteError
from controller.hosts import open_host

ODD = "it's a; \N{GREEK SMALL LETTER ALPHA} $(touch never) folder"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / ODD
    path.mkdir()
    return path


def test_a_command_answers(host):
    done = host.execute("echo out; echo err >&2; exit 3")
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 3)


def test_a_command_runs_where_it_is_told(host, folder):
    before = Path.cwd()
    assert host.execute("pwd", folder).stdout == f"{folder}\n"
    assert Path.cwd() == before


def test_a_command_that_does_not_exist_is_an_answer_too(host):
    done = host.execute("no-such-command-at-all")
    assert done.returncode == 127
    assert "no-such-command-at-all" in done.stderr


def test_a_command_reads_nothing(host):
    assert host.execute("cat").stdout == ""


def test_output_that_is_no_text_is_shown_as_far_as_it_is(host):
    assert host.execute(r"printf 'a\377b'").stdout == "a\N{REPLACEMENT CHARACTER}b"


def test_much_output_does_not_block(host):
    assert len(host.execute("head -c 300000 /dev/zero | tr '\\0' x").stdout) == 300000


def test_a_command_that_takes_too_long_dies_with_its_children(open_with, folder):
    host = open_with(0.3)
    with pytest.raises(RemoteError, match=r"0\.3 s"):
        host.execute("sleep 60 & echo $! > child; wait", folder)
    assert_ended(int((folder / "child").read_text()))


def test_a_timeout_does_not_wait_for_what_left_the_session(open_with, folder):
    host = open_with(0.3)
    began = time.monotonic()
    with pytest.raises(RemoteError):
        host.execute("setsid sleep 8 & echo $! > child; wait", folder)
    waited = time.monotonic() - began
    os.kill(int((folder / "child").read_text()), 9)
    assert waited < 5


def test_a_background_process_survives_its_command(host, folder):
    host.execute("setsid nohup sleep 60 > /dev/null 2>&1 < /dev/null & echo $! > child", folder)
    pid = int((folder / "child").read_text())
    os.kill(pid, 0)
    os.kill(pid, 9)


def test_threads_do_not_disturb_each_other(host, folder):
    places = [folder / str(n) for n in range(8)]
    for place in places:
        host.mkdir(place)
    seen: dict[Path, str] = {}

    def work(place: Path) -> None:
        seen[place] = host.execute("sleep 0.02; pwd", place).stdout.strip()

    threads = [threading.Thread(target=work, args=(place,)) for place in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert seen == {place: str(place) for place in places}


def test_threads_may_write_one_file(host, folder):
    contents = [bytes([n]) * 200_000 for n in range(8)]
    failures: list[BaseException] = []

    def work(content: bytes) -> None:
        try:
            for _ in range(5):
                host.write_bytes(folder / "file", content)
        except OSError as exc:
            failures.append(exc)

    threads = [threading.Thread(target=work, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert failures == []
    assert host.read_bytes(folder / "file") in contents
    assert host.listdir(folder) == ["file"]


def test_folders_are_made_with_those_above_and_twice(host, folder):
    for _ in range(2):
        host.mkdir(folder / "a b" / "c")
    assert (folder / "a b" / "c").is_dir()


def test_a_file_is_what_was_written(host, folder):
    for content in (b"one\n", b"", bytes(range(256))):
        host.write_bytes(folder / "file", content)
        assert host.read_bytes(folder / "file") == content
    assert host.listdir(folder) == ["file"]


def test_a_file_that_is_not_there(host, folder):
    with pytest.raises(FileNotFoundError):
        host.read_bytes(folder / "gone")


def test_what_is_there(host, folder):
    assert host.listdir(folder / "gone") == []
    assert not host.exists(folder / "gone")
    host.write_bytes(folder / "b", b"")
    host.mkdir(folder / "a")
    assert host.listdir(folder) == ["a", "b"]
    assert host.exists(folder / "b")
    assert host.exists(folder / "a")


def test_removing_what_is_there_and_what_is_not(host, folder):
    host.write_bytes(folder / "file", b"")
    for _ in range(2):
        host.remove(folder / "file")
    host.mkdir(folder / "tree" / "deep")
    host.write_bytes(folder / "tree" / "deep" / "file", b"")
    for _ in range(2):
        host.rmtree(folder / "tree")
    assert host.listdir(folder) == []


def test_a_removal_that_was_interrupted_leaves_no_half_a_folder(host, folder, monkeypatch):
    host.mkdir(folder / "tree" / "deep")
    monkeypatch.setattr("shutil.rmtree", lambda path: None)
    host.rmtree(folder / "tree")
    assert not host.exists(folder / "tree")
    monkeypatch.undo()
    host.mkdir(folder / "tree")
    host.rmtree(folder / "tree")
    assert host.listdir(folder) == []


def test_a_removed_tree_takes_nothing_with_it(host, folder):
    host.write_bytes(folder / "kept", b"")
    host.mkdir(folder / "tree")
    (folder / "tree" / "link").symlink_to(folder)
    host.rmtree(folder / "tree")
    assert host.listdir(folder) == ["kept"]


def test_a_file_in_the_way_of_a_folder_is_an_error_of_the_worker(host, folder):
    host.write_bytes(folder / "file", b"")
    with pytest.raises(RemoteError):
        host.mkdir(folder / "file" / "below")


def test_a_full_disk_is_an_error_that_names_the_file(host, folder, monkeypatch):
    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", no_space)
    with pytest.raises(RemoteError, match=r"No space left on device: .*data"):
        host.write_bytes(folder / "data", b"x")


def assert_ended(pid: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except OSError:
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} still runs")


class Worker:
    def __init__(self, kind: str) -> None:
        self.type, self.is_local, self.timeout_execute = kind, kind == "local", 12


def test_a_local_worker_has_a_host():
    assert open_host(Worker("local")).execute("echo here").stdout == "here\n"


@pytest.mark.parametrize("kind", ["remote", "separated_transfer"])
def test_other_workers_are_refused_with_what_to_use(kind):
    with pytest.raises(ConfigError, match="local"):
        open_host(Worker(kind))
