"""What the runner may expect of any host."""

from __future__ import annotations

import os
import shlex
import threading
import time
from pathlib import Path

import pytest

from controller.config.workers import LocalWorker
from controller.errors import RemoteError
from controller.hosts import CommandResult, Exchange, LocalHost, open_host

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


def test_a_removal_that_was_interrupted_leaves_no_half_a_folder(folder, monkeypatch):
    host = LocalHost(30)
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


def test_a_full_disk_is_an_error_that_names_the_file(folder, monkeypatch):
    host = LocalHost(30)

    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("controller.hosts.local.open_private", no_space)
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


def test_a_local_worker_has_a_host():
    worker = LocalWorker(scheduler_type="shell", work_dir="/x", timeout_execute=12)
    assert open_host(worker).execute("echo here").stdout == "here\n"


NAMES = [
    "a b",
    "it's",
    'say "x"',
    "two\nlines",
    "\N{GREEK SMALL LETTER ALPHA}",
    "-n",
    "*",
    "\\",
    "$HOME!",
]


def test_many_files_of_any_name_travel_at_once(host, folder):
    files = {
        folder / "deep" / str(n) / name: f"{n} {name}".encode() for n in range(3) for name in NAMES
    }
    host.write_files(files)
    for path, content in files.items():
        assert path.read_bytes() == content
    assert host.listdir(folder / "deep" / "0") == sorted(NAMES)
    assert host.read_files([*files, folder / "gone"]) == files
    host.remove(*files, folder / "gone")
    assert host.listdir(folder / "deep" / "1") == []
    host.rmtree(*(folder / "deep" / str(n) for n in range(4)))
    assert host.listdir(folder / "deep") == []


def test_files_a_command_and_files_in_one_go(host, folder):
    run = folder / "run"
    request = Exchange(
        write={run / "in": b"abc\n", folder / "other" / "x": b"", run / "big": bytes(300_000)},
        command="tr a-z A-Z < in > out; echo done; echo odd >&2; exit 4",
        workdir=run,
        read=[run / "out", run / "gone", run / "big"],
    )
    answer = host.exchange(request)
    assert answer.result == CommandResult("done\n", "odd\n", 4)
    assert answer.files == {run / "out": b"ABC\n", run / "big": bytes(300_000)}
    assert host.listdir(folder) == ["other", "run"]


def test_nothing_runs_where_a_file_cannot_be_written(host, folder):
    (folder / "in").mkdir()
    request = Exchange(write={folder / "in": b"x"}, command="touch ran", workdir=folder)
    with pytest.raises(RemoteError):
        host.exchange(request)
    assert host.listdir(folder) == ["in"]


def test_a_file_is_written_only_where_there_is_a_folder(host, folder):
    with pytest.raises(FileNotFoundError):
        host.write_bytes(folder / "gone" / "file", b"x")
    assert host.listdir(folder) == []


def test_a_folder_that_is_not_there_or_no_folder(host, folder):
    with pytest.raises(FileNotFoundError):
        host.execute("true", folder / "gone" / "deeper")
    (folder / "file").touch()
    with pytest.raises(RemoteError):
        host.execute("true", folder / "file")


def test_a_command_reads_what_it_is_given(host, folder):
    content = bytes(range(1, 128)) * 3000
    assert host.execute("cksum", stdin=content).stdout.split()[1] == str(len(content))
    assert host.execute("exec head -c 3", stdin=b"abcdef").stdout == "abc"


def test_a_command_may_have_its_own_time(host):
    with pytest.raises(RemoteError, match=r"0\.2 s"):
        host.execute("sleep 20", timeout=0.2)


def test_a_long_command(host):
    text = "x" * 15_000 + "!'\\"
    assert host.execute(f"printf %s {shlex.quote(text)}").stdout == text


def test_copies_both_ways(host, folder):
    content = os.urandom(9_000_000)
    (folder / "large").write_bytes(content)
    (folder / "small").write_bytes(b"1")
    (folder / "program").write_bytes(b"#!/bin/sh\n")
    (folder / "program").chmod(0o755)
    there = folder / "there"
    seen = []
    names = ("large", "small", "program")
    host.send(
        {folder / n: there / n for n in names}, lambda done, total: seen.append((done, total))
    )
    assert (there / "large").read_bytes() == content
    assert os.access(there / "program", os.X_OK)
    assert host.listdir(there) == ["large", "program", "small"]
    assert seen[-1] == (9_000_011, 9_000_011)
    back = folder / "back"
    wanted = {there / n: back / n for n in (*names, "gone")}
    assert host.fetch(wanted) == [there / n for n in names]
    assert (back / "large").read_bytes() == content
    assert sorted(p.name for p in back.iterdir()) == sorted(names)


def test_a_background_process_is_not_waited_for(host, kind):
    if kind == "local":
        pytest.skip("a pipe of this machine ends with the last process that holds it")
    began = time.monotonic()
    done = host.execute("sleep 5 & echo $!")
    os.kill(int(done.stdout), 9)
    assert time.monotonic() - began < 4


def test_what_a_local_host_makes_is_for_the_user_alone(tmp_path):
    host, before = LocalHost(), os.umask(0)
    try:
        host.write_files({tmp_path / "a" / "b" / "file": b""})
    finally:
        os.umask(before)
    modes = [p.stat().st_mode & 0o777 for p in (tmp_path / "a", tmp_path / "a" / "b")]
    assert modes == [0o700, 0o700]
    assert (tmp_path / "a" / "b" / "file").stat().st_mode & 0o777 == 0o600
