"""The file of the embedded engine: who waits for whom, what is only read, what is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from controller.errors import ArgumentError, StorageBusyError, StorageError, StorageUnavailableError
from controller.storage.embedded import EmbeddedDatabase, open_database
from controller.storage.embedded.file import File
from controller.storage.embedded.lockfile import FileLock

BIG = "x" * 3_000_000
STOPPED = """
import os, signal, sys
from controller.storage.embedded import open_database
database = open_database(sys.argv[1])
with database.transaction() as session:
    database.collection("jobs").update_one({"_id": 0}, {"$set": {"n": 1}}, session=session)
    print("inside", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "queue.sqlite"


@pytest.fixture
def database(path: Path) -> Iterator[EmbeddedDatabase]:
    database = open_database(path, wait=0.2)
    database.collection("jobs").insert_many([{"_id": n, "n": 0} for n in range(3)])
    yield database
    database.close()


@contextmanager
def stopped_in_a_transaction(path: Path) -> Iterator[int]:
    """Have a process that was stopped (Ctrl-Z) while it writes; the value is its pid."""
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED, str(path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "inside\n"
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        yield process.pid
    finally:
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=60)


@pytest.fixture(params=["0", "1"], ids=["local", "network"])
def network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("JFR_EMBEDDED_NETWORK", request.param)
    return str(request.param)


def test_reading_does_not_wait_for_a_stopped_writer(
    network: str, path: Path, database: EmbeddedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening, reading and closing ask nobody; on a network disk a reader waits for its turn."""
    database.close()
    queue, waits = FileLock._queue, []

    def counted(self: FileLock, mode: int, wait: float) -> float:
        waits.append(wait)
        return queue(self, mode, min(wait, 0.05))

    monkeypatch.setattr(FileLock, "_queue", counted)
    with stopped_in_a_transaction(path):
        fresh = open_database(path, wait=600)
        assert [job["n"] for job in fresh.collection("jobs").find()] == [0, 0, 0]
        fresh.close()
    longest = 0 if network == "0" else 1
    assert all(wait <= longest for wait in waits), waits


def test_a_write_waits_once_and_whoever_asks_again_has_one_place(
    network: str, path: Path, database: EmbeddedDatabase
) -> None:
    database.close()
    jobs = open_database(path, wait=0.1).collection("jobs")
    with stopped_in_a_transaction(path) as pid:
        for _ in range(4):
            with pytest.raises(StorageBusyError, match=f"process {pid}"):
                jobs.update_one({"_id": 1}, {"$set": {"n": 1}})
        waiting = [t for t in threading.enumerate() if t.name == "jfr-file-lock"]
        assert len(waiting) == 1
    assert jobs.update_one({"_id": 1}, {"$inc": {"n": 5}}).modified_count == 1
    for thread in waiting:
        thread.join(timeout=30)
    jobs.update_one({"_id": 1}, {"$inc": {"n": 5}})
    assert [job["n"] for job in jobs.find(sort=[("_id", 1)])] == [1, 10, 0]


@pytest.mark.parametrize("content", [b"", None], ids=["no bytes", "SQLite without tables"])
def test_an_empty_file_is_said_to_be_one(path: Path, content: bytes | None) -> None:
    path.parent.mkdir()
    path.touch()
    if content is None:
        with sqlite3.connect(path) as raw:
            raw.execute("PRAGMA journal_mode=wal")
        raw.close()
    before = path.read_bytes()
    for create in (True, False):
        with pytest.raises(StorageUnavailableError, match="empty file, not a database") as error:
            open_database(path, create=create)
        assert str(path) in str(error.value)
        assert error.value.hint
    assert path.read_bytes() == before


def test_one_of_many_makes_the_file(path: Path) -> None:
    errors: list[BaseException] = []

    def insert(number: int) -> None:
        try:
            open_database(path).collection("jobs").insert_one({"_id": number})
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=insert, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not errors
    assert open_database(path).collection("jobs").count_documents({}) == 8
    assert {p.name for p in path.parent.iterdir()} <= {
        path.name + end for end in ("", "-wal", "-shm", ".lock")
    }


def test_without_hard_links(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    open_database(path).collection("jobs").insert_one({"_id": 1})
    assert open_database(path).collection("jobs").count_documents({}) == 1


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_files_are_private_whatever_the_umask(network: str, path: Path, umask: int) -> None:
    path.parent.mkdir()
    before = os.umask(umask)
    try:
        database = open_database(path)
        database.collection("jobs").insert_one({"text": BIG})
        modes = {p.name: p.stat().st_mode & 0o777 for p in path.parent.iterdir()}
    finally:
        os.umask(before)
    if umask == 0o777:
        modes.pop(path.name + ".host", None)
    assert set(modes.values()) == {0o600}, modes


# ---------------------------------------------------------------- where nothing may be written

READER = """
import sys
from controller.errors import ControllerError
from controller.storage.embedded import open_database
jobs = open_database(sys.argv[1]).collection("jobs")
print(jobs.count_documents({}), sorted(job["_id"] for job in jobs.find()))
try:
    jobs.insert_one({"_id": "new"})
except ControllerError as error:
    print(type(error).__name__, error.hint is not None, sys.argv[1] in str(error))
"""
READ_ONLY = 'mount --bind {0} {0} && mount -o remount,bind,ro {0} && exec "$@"'


@pytest.fixture
def on_read_only_media(path: Path) -> Any:
    """Run a program that sees the folder as read-only media."""
    if subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")

    def run() -> list[str]:
        command = ["unshare", "-rm", "sh", "-c", READ_ONLY.format(path.parent), "sh"]
        done = subprocess.run(
            [*command, sys.executable, "-c", READER, str(path)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


def test_read_only_media(
    network: str, path: Path, database: EmbeddedDatabase, on_read_only_media: Any
) -> None:
    """Reads work, whether a log is there or not; a write is one clear error."""
    refused = "StorageUnavailableError True True"
    database.collection("jobs").insert_one({"_id": 3})
    assert on_read_only_media() == ["4 [0, 1, 2, 3]", refused]
    database.close()
    before = sorted(path.parent.iterdir())
    assert on_read_only_media() == ["4 [0, 1, 2, 3]", refused]
    assert sorted(path.parent.iterdir()) == before


@pytest.mark.parametrize("of_folder", [False, True], ids=["file", "folder"])
def test_what_may_not_be_written_is_read(
    path: Path, database: EmbeddedDatabase, of_folder: bool
) -> None:
    """Also what others write meanwhile, and once it may be written it is."""
    database.close()
    code = """
import os, sys
path, target = sys.argv[1:3]
from controller.errors import ControllerError
from controller.storage.embedded import open_database
jobs = open_database(path).collection("jobs")
print(jobs.count_documents({}), flush=True)
input()
print(jobs.count_documents({}), sorted(os.listdir(os.path.dirname(path))), flush=True)
input()
jobs.insert_one({"_id": "new"})
print(jobs.count_documents({}))
"""
    target = path.parent if of_folder else path
    usual = target.stat().st_mode
    before: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root without setpriv: permissions do not count")
        before = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    target.chmod(0o500 if of_folder else 0o400)
    files = sorted(p.name for p in path.parent.iterdir())
    process = subprocess.Popen(
        [*before, sys.executable, "-c", code, str(path), str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "3\n"
        target.chmod(usual)
        with open_database(path)._file.writing():
            pass
        other = open_database(path)
        other.collection("jobs").insert_one({"_id": 3})
        other.close()
        target.chmod(0o500 if of_folder else 0o400)
        process.stdin.write("\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        said = process.stdout.readline()
        assert said.startswith("4 "), said
    finally:
        target.chmod(usual)
    rest, _ = process.communicate("\n", timeout=60)
    assert rest == "5\n"
    assert process.returncode == 0
    assert set(files) <= {p.name for p in path.parent.iterdir()}


# ---------------------------------------------------------------- what is left behind


def test_threads_leave_nothing_open(path: Path, database: EmbeddedDatabase) -> None:
    jobs = database.collection("jobs")

    def use() -> None:
        thread = threading.Thread(target=jobs.update_one, args=({"_id": 1}, {"$inc": {"n": 1}}))
        thread.start()
        thread.join()

    use()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        use()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
    assert jobs.find_one({"_id": 1}) == {"_id": 1, "n": 21}


def parts(path: Path) -> tuple[int, int]:
    """Count the rows of large values, and the values that no document names."""
    with sqlite3.connect(path) as raw:
        found = raw.execute("SELECT (SELECT count(*) FROM part), (SELECT count(*) FROM loose)")
        numbers = tuple(found.fetchone())
    raw.close()
    return numbers  # type: ignore[return-value]


def test_what_cannot_be_written_to_its_end_leaves_nothing(
    path: Path, database: EmbeddedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    import controller.storage.embedded.file as module

    jobs = database.collection("jobs")
    jobs.insert_one({"_id": "a", "big": BIG})
    before = parts(path)
    rows = module.part_rows

    def broken(*args: Any) -> Any:
        for number, row in enumerate(rows(*args)):
            if number == 2:
                raise StorageError("the disk is full, as it were")
            yield row

    monkeypatch.setattr(module, "part_rows", broken)
    for write in (
        lambda: jobs.insert_one({"_id": "b", "big": BIG}),
        lambda: jobs.replace_one({"_id": "a"}, {"big": BIG + "x", "other": BIG}),
        lambda: jobs.insert_many([{"_id": "b"}, {"big": BIG}]),
    ):
        with pytest.raises(StorageError, match="as it were"):
            write()
    monkeypatch.undo()
    jobs.update_one({"_id": 0}, {"$set": {"n": 1}})
    assert parts(path) == before
    assert jobs.find_one({"_id": "a"}) == {"_id": "a", "big": BIG}


def test_a_write_that_is_done_does_not_fail_while_space_is_given_back(
    database: EmbeddedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = database.collection("jobs")
    jobs.insert_one({"_id": "a", "big": BIG})

    def broken(*_: Any) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(File, "_remove_some", staticmethod(broken))
    assert jobs.delete_one({"_id": "a"}).deleted_count == 1
    monkeypatch.undo()
    jobs.insert_one({"_id": "b"})
    assert parts(Path(database.location)) == (0, 0)


def test_an_error_that_is_kept_keeps_nothing_open(database: EmbeddedDatabase) -> None:
    """As in a notebook, or under a debugger: the traceback still has the documents being read."""
    jobs = database.collection("jobs")
    divide = {"x": {"$divide": [1, "$n"]}}
    kept = []
    for call in (
        lambda: list(jobs.aggregate([{"$project": divide}])),
        lambda: jobs.count_documents({"$expr": {"$divide": [1, "$n"]}}),
        lambda: jobs.update_many({}, [{"$set": divide}]),
    ):
        with pytest.raises(ArgumentError, match="divide") as error:
            call()
        kept.append(error)
    other = open_database(database.location)
    other.collection("jobs").update_many({}, {"$set": {"n": 2}})
    assert jobs.count_documents({"n": 2}) == 3, "what others wrote since is seen"
    jobs.update_many({}, {"$inc": {"n": 1}})
    jobs.drop()
    assert kept
    other.close()


def test_closing_waits_for_the_operation_of_another_thread(tmp_path: Path) -> None:
    """SQLite crashes where a connection is closed under a thread that is in it."""
    database = open_database(tmp_path / "q.sqlite")
    collection = database.collection("c")
    collection.insert_many([{"n": n} for n in range(2000)])
    inside, go = threading.Event(), threading.Event()
    errors: list[BaseException] = []

    def read() -> None:
        try:
            with database._file.reading() as link:
                inside.set()
                assert go.wait(30)
                link.sql.execute("SELECT 1").fetchone()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    assert inside.wait(30)
    closing = threading.Thread(target=database.close)
    closing.start()
    closing.join(0.1)
    assert closing.is_alive()
    go.set()
    thread.join(30)
    closing.join(30)
    assert not errors
    assert not closing.is_alive()
    assert collection.count_documents({}) == 2000
    database.close()
