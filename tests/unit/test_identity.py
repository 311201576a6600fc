"""What is known of a process: alive, ended for certain, or out of sight."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from controller import identity
from controller.identity import Liveness, Process, liveness, this_process
from controller.leases import owner_is_dead
from controller.storage.embedded.lockfile import is_gone, owner_text

GONE = 2**22 + 1
"""More than Linux gives out."""


def changed(**fields: Any) -> dict[str, Any]:
    return {**this_process(), **fields}


_OUTLIVED = """
import ctypes, os, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
numbers = {"x86_64": 60, "aarch64": 93}
ctypes.CDLL(None).syscall(numbers[os.uname().machine], 0)  # ends this thread, and no other
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a system call of Linux")
def test_a_process_whose_first_thread_is_gone_has_not_ended() -> None:
    """Others may still hold its locks: a runner that is called ended can be started again."""
    process = subprocess.Popen([sys.executable, "-c", _OUTLIVED])
    try:
        stat, deadline = Path(f"/proc/{process.pid}/stat"), time.monotonic() + 30
        while stat.read_text().rpartition(")")[2].split()[0] != "Z":
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert not (identity.find_process(process.pid) or pytest.fail("not found")).has_ended
        process.kill()
        while not (identity.find_process(process.pid) or pytest.fail("not found")).has_ended:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, Liveness.ALIVE),
        ({"start_time": "1"}, Liveness.ENDED),
        ({"start_time": ""}, Liveness.UNKNOWN),
        ({"start_time": "@Nov_28_03:06:55_2026"}, Liveness.UNKNOWN),
        ({"pid": GONE}, Liveness.ENDED),
        ({"pid": "no number"}, Liveness.ENDED),
        ({"pid": 10**30}, Liveness.ENDED),
        ({"boot_id": "another"}, Liveness.ENDED),
        ({"boot_id": "another", "host": "elsewhere"}, Liveness.UNKNOWN),
        ({"boot_id": "", "host": "elsewhere", "pid": GONE}, Liveness.UNKNOWN),
        ({"host": "this one before it was renamed"}, Liveness.ALIVE),
        ({"pid_namespace": "pid:[1]", "pid": GONE}, Liveness.UNKNOWN),
        ({"pid_namespace": "pid:[1]", "start_time": "1"}, Liveness.UNKNOWN),
        ({"pid_namespace": "", "pid": GONE}, Liveness.UNKNOWN),
    ],
)
def test_what_is_known_of_a_process(fields: dict[str, Any], expected: Liveness) -> None:
    assert liveness(changed(**fields)) is expected


def test_a_job_of_this_machine_is_known_by_its_number_where_no_namespace_was_written() -> None:
    known = changed(pid=GONE, pid_namespace=None)
    assert liveness(known) is Liveness.UNKNOWN
    assert liveness(known, trust_number=True) is Liveness.ENDED


def test_a_process_that_proc_hides_has_not_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with hidepid=2, for a process of another user."""
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        owner = identity.described(other.pid)
        assert liveness(owner) is Liveness.ALIVE
        hide(monkeypatch, other.pid)
        assert liveness(owner) is Liveness.UNKNOWN
        assert not owner_is_dead(owner)
        assert not is_gone(as_text(owner))
    finally:
        other.communicate()
    assert liveness(owner) is Liveness.ENDED
    assert owner_is_dead(owner)
    assert is_gone(as_text(owner))


def test_an_owner_in_another_namespace_may_live() -> None:
    owner = changed(pid=GONE, pid_namespace="pid:[1]")
    assert not owner_is_dead(owner)
    assert not is_gone(as_text(owner))
    assert owner_is_dead(changed(pid=GONE))
    assert is_gone(as_text(changed(pid=GONE)))


def test_an_owner_of_an_earlier_version_is_not_dead_by_its_number_alone() -> None:
    owner = changed(pid=GONE)
    del owner["pid_namespace"]
    assert not owner_is_dead(owner)
    assert not is_gone(f"{owner['host']} {GONE} 5")
    assert not is_gone("")


def test_this_process_is_not_gone() -> None:
    assert not is_gone(owner_text())
    assert len(owner_text()) < 200


def test_a_fork_describes_itself() -> None:
    before = this_process()
    read, write = os.pipe()
    if (pid := os.fork()) == 0:
        os.write(write, str(this_process()["pid"]).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(read, 20) == str(pid).encode()
    for descriptor in (read, write):
        os.close(descriptor)
    assert this_process() == before


@pytest.fixture
def no_proc(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Process | None]]:
    """Look processes up as where there is no /proc."""
    pytest.importorskip("psutil")
    monkeypatch.setattr(identity.sys, "platform", "darwin")
    identity._own_namespace.cache_clear()
    yield identity.find_process
    monkeypatch.undo()
    identity._own_namespace.cache_clear()


def test_psutil_tells_where_there_is_no_proc(no_proc: Callable[[int], Process | None]) -> None:
    here = identity.described(os.getpid())
    assert here["pid_namespace"] == identity.NO_NAMESPACES
    assert here["start_time"].startswith("@")
    assert liveness(here) is Liveness.ALIVE
    assert liveness({**here, "start_time": "@Jan_1_00:00:00_2000"}) is Liveness.ENDED
    assert liveness({**here, "pid": GONE}) is Liveness.ENDED
    assert os.getpid() in {process.pid for process in identity.all_processes()}


def test_the_clock_text_is_that_of_ps(no_proc: Callable[[int], Process | None]) -> None:
    done = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(os.getpid())],
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC0"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip("ps cannot show a start time here")
    process = no_proc(os.getpid())
    assert process is not None
    words = done.stdout.split()
    form = "@%b_%d_%H:%M:%S_%Y"
    shown, seen = (
        datetime.strptime(text, form) for text in ("@" + "_".join(words[1:5]), process.start)
    )
    assert abs(shown - seen) < timedelta(seconds=3), "both round"


IN_ANOTHER_NAMESPACE = """
import json, os, sys
from controller.identity import liveness, this_process
from controller.storage.embedded.lockfile import is_gone
owner, text = json.loads(sys.argv[1]), sys.argv[2]
print(liveness(owner).value, liveness(this_process()).value, is_gone(text), os.getpid())
"""


@pytest.mark.parametrize("own_proc", [True, False], ids=["own /proc", "the other one's /proc"])
def test_a_process_in_another_pid_namespace_may_live(own_proc: bool) -> None:
    """Same host name, same boot: a sandbox, or a container that shares the host's name."""
    unshare = ["unshare", "-p", "-f", *(["--mount-proc"] if own_proc else [])]
    if shutil.which("unshare") is None or subprocess.run([*unshare, "true"]).returncode:
        pytest.skip("no PID namespace can be made here")
    words = [json.dumps(this_process()), owner_text()]
    done = subprocess.run(
        [*unshare, sys.executable, "-c", IN_ANOTHER_NAMESPACE, *words],
        capture_output=True,
        text=True,
        timeout=30,
    )
    itself = "alive" if own_proc else "unknown"
    assert done.stdout.split() == ["unknown", itself, "False", "1"], done.stderr


def hide(monkeypatch: pytest.MonkeyPatch, pid: int) -> None:
    real = identity._from_proc
    monkeypatch.setattr(identity, "_from_proc", lambda p: None if p == pid else real(p))


def as_text(owner: dict[str, Any]) -> str:
    keys = ("host", "pid", "start_time", "boot_id", "pid_namespace")
    return " ".join(str(owner[key]) or "-" for key in keys)
