"""What goes wrong with files: each case is one clear error, and no acknowledged write is lost."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.errors import (
    StorageBusyError,
    StorageError,
    StorageFormatError,
    StorageMissingError,
    StorageUnavailableError,
)
from controller.storage.embedded import EmbeddedDatabase, layout, open_database
from controller.storage.embedded.network import is_network_file_system

PROGRAM = """
import json, os, signal, sys
from controller.errors import ControllerError
from controller.storage.embedded import open_database
path = sys.argv[1]
def jobs():
    return open_database(path, wait=5).collection("jobs")
try:
    exec(sys.argv[2])
except ControllerError as error:
    print(type(error).__name__, error, flush=True)
"""


def child(path: Path, code: str, *before: str, env: dict[str, str] | None = None) -> Any:
    """Start a process that runs some lines on a database."""
    return subprocess.Popen(
        [*before, sys.executable, "-c", PROGRAM, str(path), code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
    )


def said(process: Any) -> str:
    """What a process printed until its end; it must not have died of a traceback."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return str(out)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder with spaces" / "queue.sqlite"


@pytest.fixture
def database(path: Path) -> Iterator[EmbeddedDatabase]:
    database = open_database(path, wait=0.3)
    database.collection("jobs").insert_many([{"_id": n, "n": 0} for n in range(3)])
    yield database
    database.close()


def one_line(error: pytest.ExceptionInfo[StorageError], path: Path) -> str:
    """The message of an error, after checking that it is one and names the file."""
    text = str(error.value)
    assert "\n" not in text
    assert str(path) in text
    assert error.value.hint
    return text


# ---------------------------------------------------------------- files that cannot be used


def test_a_file_of_a_newer_version(database: EmbeddedDatabase, path: Path) -> None:
    database.close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE meta SET format = ?", (layout.FORMAT + 1,))
    raw.close()
    before = path.read_bytes()
    with pytest.raises(StorageFormatError) as error:
        open_database(path)
    assert "newer version" in one_line(error, path)
    assert path.read_bytes() == before


def test_a_database_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE theirs(a)")
    raw.close()
    with pytest.raises(StorageFormatError) as error:
        open_database(path)
    assert "another program" in one_line(error, path)


@pytest.mark.parametrize("length", [50, 40_000])
def test_a_damaged_file(tmp_path: Path, length: int) -> None:
    """Wherever it is damaged: the error says so, and the file is left for whoever repairs it."""
    good = tmp_path / "good.sqlite"
    database = open_database(good)
    database.collection("jobs").insert_many(
        [
            {"_id": n, "text": "".join(random.Random(n).choices("\u00e5\u00e6\u00e7\u00e8", k=900))}
            for n in range(400)
        ]
    )
    database.close()
    size, errors = good.stat().st_size, {}
    for seed in range(12):
        path = tmp_path / f"{seed}.sqlite"
        shutil.copy(good, path)
        with path.open("r+b") as file:
            file.seek(size * seed // 12)
            file.write(random.Random(seed).randbytes(min(length, size)))
        before = path.read_bytes()
        try:
            list(open_database(path).collection("jobs").find({}))
        except StorageFormatError as error:
            errors[path] = str(error)
        assert path.read_bytes() == before
    assert len(errors) >= 4
    for path, text in errors.items():
        assert str(path) in text
        assert len(text.splitlines()) == 1


def test_a_file_that_was_cut_off(database: EmbeddedDatabase, path: Path) -> None:
    database.close()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    with pytest.raises(StorageFormatError) as error:
        list(open_database(path).collection("jobs").find({}))
    one_line(error, path)


def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite"
    path.mkdir()
    with pytest.raises(StorageUnavailableError) as error:
        open_database(path)
    one_line(error, path)


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "queue.sqlite"
    with pytest.raises(StorageUnavailableError) as error:
        open_database(path)
    one_line(error, path)


def test_an_sqlite_that_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 25, 3))
    with pytest.raises(StorageUnavailableError, match=r"SQLite .* too old") as error:
        open_database(tmp_path / "queue.sqlite")
    assert error.value.hint
    assert list(tmp_path.iterdir()) == []


WITHOUT_PRIVILEGES: tuple[str, ...] = ()
"""What to put before a command so that permissions count, for root too."""
if os.geteuid() == 0:
    WITHOUT_PRIVILEGES = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
permissions_count = pytest.mark.skipif(
    bool(WITHOUT_PRIVILEGES) and shutil.which("setpriv") is None,
    reason="root without setpriv: permissions do not count",
)


@permissions_count
@pytest.mark.parametrize(
    ("mode", "of_folder"),
    [(0o000, False), (0o400, False), (0o500, True), (0o000, True)],
    ids=["unreadable", "read-only", "folder read-only", "folder closed"],
)
def test_permissions(database: EmbeddedDatabase, path: Path, mode: int, of_folder: bool) -> None:
    database.close()
    for name in (".lock", "-wal", "-shm"):
        path.with_name(path.name + name).unlink(missing_ok=True)
    target = path.parent if of_folder else path
    usual = target.stat().st_mode
    target.chmod(mode)
    try:
        code = "jobs().insert_one({'_id': 'new'})"
        text = said(child(path, code, *WITHOUT_PRIVILEGES))
    finally:
        target.chmod(usual)
    assert text.startswith("StorageUnavailableError")
    assert str(path) in text
    assert "permissions" in text
    assert len(text.splitlines()) == 1
    assert database.collection("jobs").count_documents({}) == 3


def test_files_are_for_their_owner_only(database: EmbeddedDatabase, path: Path) -> None:
    assert path.parent.stat().st_mode & 0o077 == 0
    for file in path.parent.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file


# ---------------------------------------------------------------- a full disk

FILL = """
collection, done = jobs(), 0
try:
    while done < 2000:
        collection.insert_one({"_id": done, "text": os.urandom(2000)})
        done += 1
except ControllerError as error:
    print(json.dumps([done, type(error).__name__, str(error)]))
    assert sorted(collection.distinct("_id")) == list(range(done))
"""


def fill(process: Any, path: Path) -> tuple[int, str]:
    """Let a process write until the disk is full; returns how many writes were acknowledged."""
    done, kind, message = json.loads(said(process))
    assert done > 3
    assert kind == "StorageUnavailableError"
    assert str(path) in message
    assert "\n" not in message
    return done, str(message)


def test_a_disk_quota(path: Path) -> None:
    """What the system refuses to write is not acknowledged, and all that was is there."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (600_000,) * 2)\n"
    done, message = fill(child(path, limit + FILL), path)
    assert "full" in message
    jobs = open_database(path).collection("jobs")
    assert sorted(jobs.distinct("_id")) == list(range(done))
    jobs.insert_one({"_id": done})


def test_a_full_disk(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    folder = tmp_path / "small disk"
    folder.mkdir()
    path = folder / "queue.sqlite"
    mount = 'mount -t tmpfs -o size=900k tmpfs "$1" && shift && exec "$@"'
    process = child(path, FILL, "unshare", "-rm", "sh", "-c", mount, "sh", str(folder))
    assert "no space left" in fill(process, path)[1]


def test_a_disk_that_is_full_from_the_start(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    path = tmp_path / "queue.sqlite"
    mount = (
        'mount -t tmpfs -o size=64k tmpfs "$1" && head -c 60k /dev/zero > "$1/rest" && '
        'head -c 60k /dev/zero >> "$1/rest"; shift && exec "$@"'
    )
    code = "jobs().insert_one({'_id': 1})"
    text = said(child(path, code, "unshare", "-rm", "sh", "-c", mount, "sh", str(tmp_path)))
    assert text.startswith("StorageUnavailableError")
    assert str(path) in text
    assert len(text.splitlines()) == 1


# ---------------------------------------------------------------- network file systems


@pytest.fixture
def on_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JFR_EMBEDDED_NETWORK", "1")


@pytest.mark.usefixtures("on_a_network")
def test_a_network_file_system_gets_no_write_ahead_log(
    path: Path, database: EmbeddedDatabase
) -> None:
    assert is_network_file_system(path)
    assert database.collection("jobs").count_documents({}) == 3
    assert not path.with_name(path.name + "-wal").exists()
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA journal_mode").fetchone()[0] != "wal"
    raw.close()
    claim = "print(jobs().find_one_and_update({'n': 0}, {'$set': {'n': 1}}, sort=[('_id', 1)]))"
    assert "'_id': 0" in said(child(path, claim))  # a second process of this host is welcome


@pytest.mark.usefixtures("on_a_network")
def test_another_host_is_refused_by_name(path: Path, database: EmbeddedDatabase) -> None:
    record = path.with_name(path.name + ".host")
    assert json.loads(record.read_text())["host"] == os.uname().nodename
    record.write_text(json.dumps({"host": "node17", "boot_id": "x", "since": "then"}))
    with pytest.raises(StorageUnavailableError, match="node17") as error:
        open_database(path)
    assert str(record) in one_line(error, path)


@pytest.mark.usefixtures("on_a_network")
@pytest.mark.parametrize("text", ["", "{", "nonsense", '{"host": 3}', "{}"])
def test_a_host_record_that_was_cut_off_is_nobodys(
    path: Path, database: EmbeddedDatabase, text: str
) -> None:
    database.close()
    path.with_name(path.name + ".host").write_text(text)
    assert open_database(path).collection("jobs").count_documents({}) == 3


@pytest.mark.usefixtures("on_a_network")
def test_the_host_record_goes_with_the_last_user(path: Path, database: EmbeddedDatabase) -> None:
    record = path.with_name(path.name + ".host")
    second = open_database(path)
    database.close()
    assert record.exists()
    second.close()
    assert not record.exists()


def test_moving_from_a_local_to_a_network_disk(
    path: Path, database: EmbeddedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.close()
    monkeypatch.setenv("JFR_EMBEDDED_NETWORK", "1")
    with_journal = open_database(path)
    assert with_journal.collection("jobs").count_documents({}) == 3
    assert not path.with_name(path.name + "-wal").exists()
    with_journal.close()


# ---------------------------------------------------------------- processes that stop or die

STOP_INSIDE = """
database = open_database(path)
with database.transaction() as session:
    database.collection("jobs").update_one({"_id": 0}, {"$set": {"n": 1}}, session=session)
    print("inside", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
    database.collection("jobs").update_one({"_id": 1}, {"$set": {"n": 1}}, session=session)
"""


@pytest.mark.parametrize("network", ["0", "1"], ids=["local", "network"])
def test_a_process_stopped_in_the_middle_of_a_write(
    path: Path, database: EmbeddedDatabase, network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are busy for a bounded time, and told by whom; once continued, nothing is missing."""
    database.close()
    monkeypatch.setenv("JFR_EMBEDDED_NETWORK", network)
    jobs = open_database(path, wait=0.3).collection("jobs")
    stopped = child(path, STOP_INSIDE)
    assert stopped.stdout.readline() == "inside\n"
    os.waitid(os.P_PID, stopped.pid, os.WSTOPPED)
    with pytest.raises(StorageBusyError) as error:
        jobs.update_one({"_id": 2}, {"$set": {"n": 2}})
    assert f"process {stopped.pid}" in one_line(error, path)
    if network == "0":
        assert [job["n"] for job in jobs.find(sort=[("_id", 1)])] == [0, 0, 0]  # reads go on
    stopped.send_signal(signal.SIGCONT)
    assert said(stopped) == ""
    jobs.update_one({"_id": 2}, {"$set": {"n": 2}})
    assert [job["n"] for job in jobs.find(sort=[("_id", 1)])] == [1, 1, 2]


def test_a_process_killed_in_the_middle_of_a_write(path: Path, database: EmbeddedDatabase) -> None:
    jobs = database.collection("jobs")
    victim = child(path, STOP_INSIDE.replace("SIGSTOP", "SIGKILL"))
    victim.communicate(timeout=60)
    assert victim.returncode == -signal.SIGKILL
    jobs.update_one({"_id": 2}, {"$set": {"n": 2}})  # at once: the lock died with its holder
    assert [job["n"] for job in jobs.find(sort=[("_id", 1)])] == [0, 0, 2]


ACKNOWLEDGE = """
collection, n = jobs(), 0
while True:
    collection.update_one({"_id": 0}, {"$set": {"n": n, "text": "x" * (n % 5000)}})
    os.write(1, b"%d\\n" % n)
    n += 1
"""


@pytest.mark.parametrize("network", ["0", "1"], ids=["local", "network"])
def test_an_acknowledged_write_survives_a_kill(
    path: Path, database: EmbeddedDatabase, network: str
) -> None:
    database.close()
    for _ in range(3):
        writer = child(path, ACKNOWLEDGE, env={"JFR_EMBEDDED_NETWORK": network})
        assert [writer.stdout.readline() for _ in range(20)] == [f"{n}\n" for n in range(20)]
        writer.kill()
        rest = writer.stdout.read().splitlines()  # communicate() forgets what readline() buffered
        writer.communicate(timeout=60)
        last = int(rest[-1]) if rest else 19
        reader = open_database(path)
        job = reader.collection("jobs").find_one({"_id": 0})
        reader.close()  # with its log open, no other process could do without one
        assert job is not None
        assert job["n"] in (last, last + 1)
        assert job["text"] == "x" * (job["n"] % 5000)


LARGE = """
print("go", flush=True)
jobs().insert_one({"_id": "large", "blob": b"x" * 30_000_000})
"""


def test_a_large_value_that_was_cut_off_is_swept_away(
    path: Path, database: EmbeddedDatabase
) -> None:
    writer = child(path, LARGE)
    wal = path.with_name(path.name + "-wal")
    start = wal.stat().st_size
    while writer.poll() is None and wal.stat().st_size + path.stat().st_size < start + 5_000_000:
        pass
    writer.kill()
    writer.communicate(timeout=60)
    database.close()
    again = open_database(path)
    assert again.collection("jobs").count_documents({"_id": "large"}) in (0, 1)
    again.collection("jobs").delete_many({"_id": "large"})
    again.close()
    raw = sqlite3.connect(path)
    assert raw.execute("SELECT count(*) FROM part WHERE length(body) > 100000").fetchone() == (0,)
    assert raw.execute("SELECT count(*) FROM loose").fetchone() == (0,)
    raw.close()


def test_a_fork_closes_what_is_open(path: Path, database: EmbeddedDatabase) -> None:
    """A child works on connections of its own, and its writes are there for the parent."""
    code = """
database = open_database(path)
database.collection("jobs").count_documents({})
pid = os.fork()
if not pid:
    database.collection("jobs").update_one({"_id": 0}, {"$inc": {"n": 1}})
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
database.collection("jobs").update_one({"_id": 0}, {"$inc": {"n": 1}})
"""
    assert said(child(path, code)) == ""
    found = database.collection("jobs").find_one({"_id": 0})
    assert found == {"_id": 0, "n": 2}


def test_a_file_that_goes_and_comes_back(tmp_path: Path) -> None:
    """As with a disk that is unmounted for a while, in a process that has it open."""
    path = tmp_path / "disk" / "queue.sqlite"
    database = open_database(path)
    jobs = database.collection("jobs")
    jobs.insert_one({"_id": 1})
    elsewhere = open_database(tmp_path / "other" / "queue.sqlite")
    elsewhere.collection("jobs").insert_one({"_id": 2})
    elsewhere.close()
    path.parent.rename(tmp_path / "away")
    for use in (jobs.find_one, lambda: jobs.insert_one({}), database.change_token, database.ping):
        with pytest.raises(StorageMissingError, match="does not exist"):
            use()
    assert not path.parent.exists()
    (tmp_path / "away").rename(path.parent)
    assert jobs.find_one() == {"_id": 1}
    path.parent.rename(tmp_path / "away")
    (tmp_path / "other").rename(path.parent)
    assert jobs.find_one() == {"_id": 2}, "what is there now counts"
    jobs.insert_one({"_id": 3})
    database.close()
    assert open_database(path).collection("jobs").count_documents({}) == 2


def test_a_database_that_was_never_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "queue.sqlite"
    database = open_database(path, create=False)
    assert not database.exists()
    with pytest.raises(StorageMissingError):
        database.collection("jobs").find_one()
    assert not path.parent.exists()
    database.create()
    assert database.exists()
    assert database.collection("jobs").find_one() is None
