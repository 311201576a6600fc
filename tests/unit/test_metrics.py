"""Metrics: from sums to text, the server, and its address."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from datetime import datetime, timedelta
from typing import Any

import pytest

from controller.errors import ArgumentError, ConfigError, StorageUnavailableError
from controller.metrics import MetricsServer, heartbeats, metrics_text, parse_address
from controller.operations.job_counts import JobCounts
from controller.operations.tally import BOUNDS, Tally

NOW = datetime(2026, 1, 1, 12)


class Auxiliary:
    """Keeps what is added."""

    def __init__(self) -> None:
        self.sums: dict[str, int] = {}
        self.error: Exception | None = None

    def update_one(self, query: Any, update: Any, *, upsert: bool) -> None:
        if self.error is not None:
            raise self.error
        for name, number in update["$inc"].items():
            self.sums[name] = self.sums.get(name, 0) + number


def test_what_a_process_counts_is_added_once() -> None:
    tally, auxiliary = Tally(), Auxiliary()
    move = {"kind": "state", "from": "RUNNING", "to": "FAILED"}
    tally.events([{**move, "since": NOW - timedelta(seconds=2)}], NOW)
    tally.events([{**move, "kind": "claim"}], NOW)
    tally.events([{"kind": "takeover"}], NOW)
    tally.events([{"kind": "step_failed"}], NOW)
    tally.error("queue")
    auxiliary.error = StorageUnavailableError("away")
    with pytest.raises(StorageUnavailableError):
        tally.flush(auxiliary)  # type: ignore[arg-type]
    auxiliary.error = None
    for _ in range(2):
        tally.flush(auxiliary)  # type: ignore[arg-type]
    assert auxiliary.sums == {
        "jfr_tally.changes.FAILED": 2,
        "jfr_tally.durations.RUNNING.c3": 1,
        "jfr_tally.durations.RUNNING.millis": 2000,
        "jfr_tally.takeovers": 1,
        "jfr_tally.step_failures.UNKNOWN": 1,
        "jfr_tally.errors.queue": 1,
    }


def test_heartbeats_of_runners_that_have_not_ended() -> None:
    pings = [
        {"runner_id": "a", "hostname": "h", "time": NOW - timedelta(seconds=50)},
        {"runner_id": "a", "hostname": "h", "time": NOW - timedelta(seconds=5)},
        {"runner_id": "b", "hostname": "h", "time": NOW, "ended": True},
        {"hostname": "old", "time": NOW - timedelta(hours=1)},
    ]
    assert heartbeats(pings, NOW) == [("h", 5.0), ("old", 3600.0)]


def test_the_text() -> None:
    pytest.importorskip("prometheus_client")
    counts = JobCounts(NOW, 0.1, {("READY", 'w"1'): 3}, NOW - timedelta(seconds=90))
    tally = {
        "takeovers": 2,
        "step_failures": {"WALLTIME": 4},
        "durations": {"RUNNING": {"c0": 1, "c3": 2, f"c{len(BOUNDS)}": 1, "millis": 9500}},
    }
    text = metrics_text(counts, tally, [("h", 5.0), ("h", 99.0)], NOW)
    for line in (
        'jfr_jobs{state="READY",worker="w\\"1"} 3.0',
        "jfr_oldest_ready_job_age_seconds 90.0",
        "jfr_runners 1.0",
        'jfr_runner_heartbeat_age_seconds{host="h"} 5.0',
        "jfr_takeovers_total 2.0",
        'jfr_step_failures_total{cause="WALLTIME"} 4.0',
        'jfr_step_seconds_bucket{le="0.1",state="RUNNING"} 1.0',
        'jfr_step_seconds_bucket{le="5.0",state="RUNNING"} 3.0',
        'jfr_step_seconds_bucket{le="+Inf",state="RUNNING"} 4.0',
        'jfr_step_seconds_sum{state="RUNNING"} 9.5',
    ):
        assert line in text.splitlines(), text
    assert "jfr_takeovers_total 0.0" in metrics_text(None, {}, [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9464", ("127.0.0.1", 9464)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:80", ("::1", 80)),
        ("", None),
        ("host", None),
        ("host:99999", None),
    ],
)
def test_addresses(text: str, expected: tuple[str, int] | None) -> None:
    if expected is None:
        with pytest.raises(ArgumentError, match="not an address"):
            parse_address(text)
    else:
        assert parse_address(text) == expected


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_server() -> None:
    texts = iter(["jfr_x 1\n"])

    def read() -> str:
        for text in texts:
            return text
        raise StorageUnavailableError("mongodb://user:secret@host is away")

    server = MetricsServer("0", read)
    try:
        assert get(server.port, "/metrics") == (200, "jfr_x 1\n")
        assert get(server.port, "/metrics") == (503, "# StorageUnavailableError\n")
        assert get(server.port, "/other")[0] == 404
        with pytest.raises(ConfigError, match="cannot be served"):
            MetricsServer(str(server.port), read)
    finally:
        server.close()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", server.port)) != 0
