"""The protocol of leases, on each engine, with clocks of our own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from controller import leases
from controller.documents import utc_now
from controller.errors import ArgumentError, LockLostError, StorageUnavailableError
from controller.leases import FREE, OBSERVER, LeaseObserver
from controller.locks import MongoLock
from controller.storage.base import Collection, Database
from controller.storage.opening import open_store


class Clock:
    """Monotonic seconds that only tests move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def jobs(queue_database: Database) -> Collection:
    collection = queue_database.collection("jobs")
    collection.insert_many([{"_id": n, "n": n, "state": "READY", **FREE} for n in range(3)])
    return collection


def stored(jobs: Collection, number: int = 0) -> dict[str, Any]:
    found = jobs.find_one({"_id": number})
    assert found is not None
    return found


def foreign_host(jobs: Collection) -> None:
    """Make a held lease look as if another machine held it."""
    jobs.update_one({"_id": 0}, {"$set": {"lock_lease.owner.host": "elsewhere"}})


def test_a_lock_is_held_and_released(jobs: Collection) -> None:
    with MongoLock(jobs, {"_id": 0}) as lock:
        assert lock.acquired
        assert not lock.is_locked
        held = stored(jobs)
        assert held["lock_id"] == lock.lock_id == held["lock_lease"]["id"]
        assert held["lock_lease"]["owner"]["pid"] == os.getpid()
        lock.update_on_release = {"$set": {"state": "$literal text"}}
    assert stored(jobs) == {"_id": 0, "n": 0, "state": "$literal text", **FREE}


def test_two_holders_are_impossible(jobs: Collection) -> None:
    with (
        MongoLock(jobs, {"_id": 0}),
        MongoLock(jobs, {"_id": 0}, get_locked_doc=True) as second,
    ):
        assert not second.acquired
        assert second.is_locked
        assert second.unavailable_document is not None


def test_the_plain_mode_passes_over_held_documents(jobs: Collection) -> None:
    with (
        MongoLock(jobs, {"state": "READY"}, sort=[("n", 1)]) as first,
        MongoLock(jobs, {"state": "READY"}, sort=[("n", 1)]) as second,
    ):
        assert first.locked_document is not None
        assert second.locked_document is not None
        assert (first.locked_document["n"], second.locked_document["n"]) == (0, 1)


class ReleasedMeanwhile:
    """A collection whose holder lets go between our attempt and our look at who holds it."""

    def __init__(self, jobs: Collection, holder: MongoLock) -> None:
        self._jobs, self._holder = jobs, holder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._jobs, name)

    def find_one(self, *args: Any, **kwargs: Any) -> Any:
        if self._holder.acquired:
            self._holder.release()
        return self._jobs.find_one(*args, **kwargs)


@pytest.mark.parametrize("how", [{"get_locked_doc": True}, {"sleep": 0.01, "max_wait": 30}])
def test_a_document_released_meanwhile_is_not_missing(jobs: Collection, how: Any) -> None:
    holder = MongoLock(jobs, {"_id": 0})
    assert holder.acquire()
    with MongoLock(ReleasedMeanwhile(jobs, holder), {"_id": 0}, **how) as second:  # type: ignore[arg-type]
        assert second.acquired
        assert not second.is_locked


def test_an_error_releases_without_the_update(jobs: Collection) -> None:
    def fail_while_holding() -> None:
        with MongoLock(jobs, {"_id": 0}) as lock:
            lock.update_on_release = {"$set": {"state": "DONE"}}
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_while_holding()
    assert stored(jobs)["state"] == "READY"
    assert stored(jobs)["lock_id"] is None


def test_deletion_on_release(jobs: Collection) -> None:
    with MongoLock(jobs, {"_id": 0}) as lock:
        lock.delete_on_release = True
    assert jobs.find_one({"_id": 0}) is None


def test_update_and_deletion_exclude_each_other(jobs: Collection) -> None:
    lock = MongoLock(jobs, {"_id": 0})
    lock.acquire()
    lock.delete_on_release, lock.update_on_release = True, {"$set": {"a": 1}}
    with pytest.raises(ArgumentError):
        lock.release()
    lock.abandon()


def test_a_broken_lock_is_lost_loudly(jobs: Collection) -> None:
    first = MongoLock(jobs, {"_id": 0})
    first.acquire()
    with MongoLock(jobs, {"_id": 0}, break_lock=True) as second:
        assert second.acquired
        with pytest.raises(LockLostError):
            first.check()
        first.update_on_release = {"$set": {"state": "STALE"}}
        with pytest.raises(LockLostError):
            first.release()
    assert stored(jobs)["state"] == "READY"


def test_a_lease_that_is_renewed_is_never_taken_over(jobs: Collection) -> None:
    clock = Clock()
    observer = LeaseObserver(clock)
    with MongoLock(jobs, {"_id": 0}) as lock:
        foreign_host(jobs)
        for _ in range(10):
            held = stored(jobs)
            assert not observer.is_expired(held)
            leases._RENEWER.renew({f"{lock.lock_id}/0": (jobs, 0)})
            clock.now += leases.EXPIRES_AFTER * 0.9


def test_a_lease_without_renewal_expires_by_the_waiters_own_clock(jobs: Collection) -> None:
    clock = Clock()
    observer = LeaseObserver(clock)
    first = MongoLock(jobs, {"_id": 0})
    first.acquire()
    leases._RENEWER.remove(0, first.lock_id)
    foreign_host(jobs)
    # What the machine's clock says does not matter: set back an hour, or forward a day.
    jobs.update_one({"_id": 0}, {"$set": {"lock_time": utc_now().replace(year=2001)}})
    early = MongoLock(jobs, {"_id": 0}, get_locked_doc=True, observer=observer)
    assert not early.acquire()
    clock.now += leases.EXPIRES_AFTER
    late = MongoLock(jobs, {"_id": 0}, get_locked_doc=True, observer=observer)
    assert late.acquire()
    with pytest.raises(LockLostError):
        first.release()
    late.release()
    assert stored(jobs)["lock_id"] is None


def test_a_lock_of_other_software_is_never_taken_over(jobs: Collection) -> None:
    clock = Clock()
    observer = LeaseObserver(clock)
    jobs.update_one(
        {"_id": 0}, {"$set": {"lock_id": "theirs", "lock_time": utc_now().replace(year=2001)}}
    )
    for _ in range(3):
        lock = MongoLock(jobs, {"_id": 0}, get_locked_doc=True, observer=observer)
        assert not lock.acquire()
        clock.now += 10 * leases.EXPIRES_AFTER


def test_a_lock_taken_by_other_software_over_our_stale_lease_is_theirs(jobs: Collection) -> None:
    first = MongoLock(jobs, {"_id": 0})
    first.acquire()
    jobs.update_one({"_id": 0}, {"$set": {"lock_id": "theirs"}})
    observer = LeaseObserver(Clock())
    assert not observer.is_expired(stored(jobs))
    with pytest.raises(LockLostError):
        first.release()
    assert stored(jobs)["lock_id"] == "theirs"


HOLD = """
import sys, time
from controller.locks import MongoLock
from controller.storage.opening import open_store
import json
spec = json.loads(sys.argv[1])
jobs = open_store(spec).database.collection("jobs")
lock = MongoLock(jobs, {"_id": 0})
assert lock.acquire()
print("held", flush=True)
time.sleep(60)
"""


def test_a_dead_process_of_this_host_loses_its_lock_at_once(
    jobs: Collection, store_spec: dict[str, Any]
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, json.dumps(store_spec)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    with holder:
        assert holder.stdout.readline() == "held\n"
        assert not MongoLock(jobs, {"_id": 0}, get_locked_doc=True).acquire()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with MongoLock(jobs, {"_id": 0}, get_locked_doc=True) as lock:
        assert lock.acquired


def test_a_holder_renews_by_itself(jobs: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEW_EVERY", 0.02)
    with MongoLock(jobs, {"_id": 0}) as lock:
        deadline = time.monotonic() + 60
        while stored(jobs)["lock_lease"]["seq"] < 3:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        lock.check()
    assert stored(jobs)["lock_lease"] is None


STOP = HOLD.replace(
    "time.sleep(60)",
    """
import os, signal
from controller.errors import LockLostError
lock.update_on_release = {"$set": {"state": "STALE"}}
os.kill(os.getpid(), signal.SIGSTOP)
try:
    lock.release()
except LockLostError as error:
    print(error, flush=True)
""",
)


def test_a_stopped_holder_loses_its_lock_and_writes_nothing(
    jobs: Collection, store_spec: dict[str, Any]
) -> None:
    """Ctrl-Z while a job is held: after its time others go on, and it finds out."""
    clock = Clock()
    observer = LeaseObserver(clock)
    holder = subprocess.Popen(
        [sys.executable, "-c", STOP, json.dumps(store_spec)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    with holder:
        assert holder.stdout.readline() == "held\n"
        os.waitid(os.P_PID, holder.pid, os.WSTOPPED)
        first = MongoLock(jobs, {"_id": 0}, get_locked_doc=True, observer=observer)
        assert not first.acquire()
        clock.now += leases.EXPIRES_AFTER
        with MongoLock(jobs, {"_id": 0}, get_locked_doc=True, observer=observer) as lock:
            assert lock.acquired
            lock.update_on_release = {"$set": {"state": "FRESH"}}
        holder.send_signal(signal.SIGCONT)
        assert "was lost" in holder.stdout.readline()
    assert stored(jobs)["state"] == "FRESH"


class Failing:
    """A collection of which one write, from now on, fails.

    Parameters
    ----------
    after
        Whether the write is carried out, and only its answer is lost.
    """

    def __init__(self, inner: Collection, name: str, *, after: bool, times: int = 1) -> None:
        self._inner, self._name, self._after, self.left = inner, name, after, times

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if name != self._name:
            return method

        def failing(*args: Any, **kwargs: Any) -> Any:
            if not self.left:
                return method(*args, **kwargs)
            self.left -= 1
            if self._after:
                method(*args, **kwargs)
            raise StorageUnavailableError("no answer, on purpose")

        return failing


def renewed(jobs: Collection, number: int = 0) -> bool:
    """Whether the renewer of this process would renew a document's lease."""
    before = (stored(jobs, number)["lock_lease"] or {}).get("seq")
    leases._RENEWER.renew(dict(leases._RENEWER._held))
    return bool((stored(jobs, number)["lock_lease"] or {}).get("seq") != before)


@pytest.mark.parametrize("after", [False, True], ids=["not-done", "answer-lost"])
def test_a_lock_whose_release_failed_is_not_renewed(jobs: Collection, after: bool) -> None:
    failing: Any = Failing(jobs, "update_one", after=after)
    lock = MongoLock(failing, {"_id": 0})
    assert lock.acquire()
    assert renewed(jobs)
    lock.update_on_release = {"$set": {"state": "CHECKED_OUT"}}
    with pytest.raises(StorageUnavailableError):
        lock.release()
    assert not lock.acquired
    assert not renewed(jobs)
    # Nobody has to wait for the lease to run out: this process knows that nobody works on it.
    with MongoLock(jobs, {"_id": 0}, get_locked_doc=True) as again:
        assert again.acquired
    assert stored(jobs)["state"] == ("CHECKED_OUT" if after else "READY")


@pytest.mark.mongo
@pytest.mark.parametrize("engine", ["mongodb"], indirect=True)
def test_a_lock_on_a_database_that_was_closed_is_not_renewed(
    jobs: Collection, store_spec: dict[str, Any]
) -> None:
    database = open_store(store_spec).database
    lock = MongoLock(database.collection("jobs"), {"_id": 0})
    assert lock.acquire()
    held = dict(leases._RENEWER._held)
    assert leases._RENEWER.renew(held) == []
    database.close()
    assert [key.partition("/")[0] for key in leases._RENEWER.renew(held)] == [lock.lock_id]
    leases.end_renewal(0, lock.lock_id)


def test_a_lock_whose_release_is_refused_is_not_renewed(jobs: Collection) -> None:
    with MongoLock(jobs, {"_id": 0}) as lock:
        lock.update_on_release = {"$set": {"lock_id": "mine for ever"}}
        with pytest.raises(ArgumentError):
            lock.release()
    assert not renewed(jobs)


def test_a_lock_whose_answer_was_lost_can_be_had(jobs: Collection) -> None:
    failing: Any = Failing(jobs, "find_one_and_update", after=True)
    with pytest.raises(StorageUnavailableError):
        MongoLock(failing, {"_id": 0}).acquire()
    assert stored(jobs)["lock_id"] is not None
    with MongoLock(jobs, {"_id": 0}, get_locked_doc=True) as again:
        assert again.acquired


def test_a_lock_is_left_as_by_the_dead_when_the_database_fails_within(jobs: Collection) -> None:
    with pytest.raises(StorageUnavailableError), MongoLock(jobs, {"_id": 0}) as lock:
        raise StorageUnavailableError("on purpose")
    held = stored(jobs)
    assert held["lock_id"] == lock.lock_id
    assert OBSERVER.is_expired(held)
    assert not renewed(jobs)


def test_a_release_in_a_transaction_that_fails_is_undone(
    jobs: Collection, queue_database: Database
) -> None:
    if not queue_database.supports_transactions:
        pytest.skip("there are no transactions")

    def undone() -> None:
        with MongoLock(jobs, {"_id": 0}) as lock, queue_database.transaction() as session:
            lock.release(session=session)
            raise KeyError("on purpose")

    with pytest.raises(KeyError):
        undone()
    assert stored(jobs) == {"_id": 0, "n": 0, "state": "READY", **FREE}


@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
def test_threads_leave_nothing_open(jobs: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEW_EVERY", 0.01)
    deadline = time.monotonic() + 30

    def until(condition: Any) -> None:
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def step() -> None:
        """Hold a document until the thread has renewed its lease, then let that thread end."""
        with MongoLock(jobs, {"_id": 0}):
            until(lambda: stored(jobs)["lock_lease"]["seq"] > 0)
        until(lambda: leases._RENEWER._thread is None)
        reader = threading.Thread(target=lambda: jobs.count_documents({}))
        reader.start()
        reader.join()

    step()
    folder = Path("/proc/self/fd")
    open_before = len([*folder.iterdir()])
    for _ in range(6):
        step()
    # One more at most: that of the thread that ended last.
    assert len([*folder.iterdir()]) <= open_before + 3
