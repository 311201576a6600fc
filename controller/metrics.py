"""Metrics of a project in Prometheus' text format: printed once, or served over HTTP.

They are sums and counts that runners keep in the database, so that the cost does not depend on the
number of jobs. Labels are states, workers, causes and hosts; never jobs, flows or runners.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from controller.documents.stored import utc_now
from controller.errors import ArgumentError, ConfigError, ControllerError
from controller.operations.job_counts import JobCounts, fresh_counts, kept_counts
from controller.operations.runner_processes import RunnerProcess, runner_processes
from controller.operations.runner_record import get_pings, runner_status
from controller.operations.tally import BOUNDS, stored_tally
from controller.rules.runner_requests import ProcessState

if TYPE_CHECKING:
    from controller.reader import QueueReader

logger = logging.getLogger(__name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LIVE_FOR = 60.0
"""Seconds after a heartbeat during which a runner counts as serving the project."""


def read_metrics(reader: QueueReader, *, count: bool = True) -> str:
    """Return the metrics of a project as text.

    Parameters
    ----------
    count
        Count the jobs if the stored count is too old. Otherwise the stored count is shown, with
        its time in ``jfr_jobs_counted_timestamp_seconds``.

    Raises
    ------
    ConfigError
        The package prometheus-client is not installed.
    """
    queue = reader.queue
    counts = fresh_counts(queue) if count else kept_counts(queue)
    record = runner_status(queue.auxiliary)
    pings = get_pings(queue.auxiliary)
    if record.alive and record.record and (last := record.record.get("last_pinged")):
        pings = [*pings, {**record.record, "time": last}]
    own = runner_processes(queue)
    known = {runner.runner_id for runner in own}
    others = heartbeats((p for p in pings if p.get("runner_id") not in known), utc_now())
    runners = [*own_heartbeats(own), *others]
    return metrics_text(counts, stored_tally(queue.auxiliary), runners)


def own_heartbeats(runners: Iterable[RunnerProcess]) -> list[tuple[str, float]]:
    """Return (host, seconds since its last heartbeat) of each runner that has a record.

    A runner whose process died counts as silent, as it would on another machine.
    """
    found = []
    for runner in runners:
        age = LIVE_FOR if runner.beat_age is None else max(0.0, runner.beat_age)
        least = LIVE_FOR if runner.state is ProcessState.ENDED else 0.0
        found.append((str(runner.record.get("hostname") or "?"), max(age, least)))
    return found


def heartbeats(pings: Iterable[Mapping[str, Any]], now: datetime) -> list[tuple[str, float]]:
    """Return (host, seconds since its last ping) of each runner that has not ended."""
    last: dict[str, Mapping[str, Any]] = {}
    for ping in pings:
        runner = str(ping.get("runner_id") or ping.get("hostname"))
        if isinstance(ping.get("time"), datetime):
            last[runner] = max(last.get(runner, ping), ping, key=lambda p: p["time"])
    return [
        (str(ping.get("hostname") or "?"), max(0.0, (now - ping["time"]).total_seconds()))
        for ping in last.values()
        if not ping.get("ended")
    ]


def metrics_text(
    counts: JobCounts | None,
    tally: Mapping[str, Any],
    runners: Iterable[tuple[str, float]],
    now: datetime | None = None,
) -> str:
    """Return metrics as text; parameters as `JobCounts`, `stored_tally` and `heartbeats` give them.

    Raises
    ------
    ConfigError
        The package prometheus-client is not installed.
    """
    try:
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )
    except ImportError as error:
        raise ConfigError(
            f"metrics need the package prometheus-client: {error}",
            hint="pip install 'jfr[metrics]'",
        ) from error
    families: list[Any] = []

    def add(kind: Any, name: str, text: str, labels: list[str], values: Iterable[Any]) -> None:
        family = kind(name, text, labels=labels)
        for labelled, value in values:
            family.add_metric(labelled, value)
        families.append(family)

    gauge, counter = GaugeMetricFamily, CounterMetricFamily
    if counts is not None:
        numbers = sorted(counts.numbers.items())
        add(gauge, "jfr_jobs", "Jobs.", ["state", "worker"], ((k, v) for k, v in numbers))
        counted = (counts.counted_on - datetime(1970, 1, 1)).total_seconds()
        what = "When jfr_jobs was counted."
        add(gauge, "jfr_jobs_counted_timestamp_seconds", what, [], [([], counted)])
        began = counts.oldest_ready
        age = ((now or utc_now()) - began).total_seconds() if began else 0.0
        what = "Age of the oldest READY job, 0 without any."
        add(gauge, "jfr_oldest_ready_job_age_seconds", what, [], [([], max(0.0, age))])
    alive = list(runners)
    live = sum(age < LIVE_FOR for _, age in alive)
    add(gauge, "jfr_runners", "Runners with a heartbeat in the last minute.", [], [([], live)])
    newest: dict[str, float] = {}
    for host, age in alive:
        newest[host] = min(age, newest.get(host, age))
    what = "Age of the newest heartbeat of a host."
    labelled = (([host], age) for host, age in sorted(newest.items()))
    add(gauge, "jfr_runner_heartbeat_age_seconds", what, ["host"], labelled)
    for name, key, label, what in (
        ("jfr_state_changes", "changes", "state", "Changes of jobs to a state."),
        ("jfr_step_failures", "step_failures", "cause", "Steps that failed and are tried again."),
        ("jfr_errors", "errors", "where", "Errors of the database and of queues."),
    ):
        values = sorted((tally.get(key) or {}).items())
        add(counter, name, what, [label], (([word], number) for word, number in values))
    what = "Locks of dead processes that were taken over."
    add(counter, "jfr_takeovers", what, [], [([], tally.get("takeovers", 0))])
    durations = HistogramMetricFamily(
        "jfr_step_seconds", "How long jobs were in a state before they left it.", labels=["state"]
    )
    for state, classes in sorted((tally.get("durations") or {}).items()):
        durations.add_metric([state], _buckets(classes), classes.get("millis", 0) / 1000)
    families.append(durations)

    class Collector:
        def collect(self) -> list[Any]:
            return families

    registry = CollectorRegistry()
    registry.register(Collector())
    text: str = generate_latest(registry).decode()
    return text


def _buckets(classes: Mapping[str, int]) -> list[tuple[str, int]]:
    """Accumulate classes as Prometheus does: each includes all below its bound."""
    total, found = 0, []
    for number, bound in enumerate((*map(str, BOUNDS), "+Inf")):
        total += classes.get(f"c{number}", 0)
        found.append((bound, total))
    return found


def parse_address(text: str) -> tuple[str, int]:
    """Read ``[HOST:]PORT``; the host defaults to the loopback address.

    Raises
    ------
    ArgumentError
        It is not such an address.
    """
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not 0 <= int(port) < 65536:
        raise ArgumentError(
            f"{text!r} is not an address to serve metrics at",
            hint="for example 9464 or 0.0.0.0:9464",
        )
    return host.strip("[]") or "127.0.0.1", int(port)


class MetricsServer:
    """Serves metrics at ``/metrics`` from a thread of its own, until it is closed.

    Parameters
    ----------
    address
        ``[HOST:]PORT``, see `parse_address`; port 0 chooses a free one.
    read
        Returns the text; an exception is answered with status 503.

    Attributes
    ----------
    port
        The port that it listens on.

    Raises
    ------
    ConfigError
        The port is in use, or the address does not belong to this machine.
    ArgumentError
        It is not an address.
    """

    def __init__(self, address: str, read: Callable[[], str]) -> None:
        # It takes 0.1 s, which only a runner that serves metrics spends.
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        host, port = parse_address(address)

        class Handler(BaseHTTPRequestHandler):
            timeout = 10  # a client that says nothing holds a thread no longer than this

            def do_GET(self) -> None:
                status, body = _answer(self.path, read)
                self.send_response(status)
                self.send_header("Content-Type", CONTENT_TYPE)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                logger.debug("metrics: " + format, *args)  # noqa: G003 (http.server's own format)

        try:
            self._server = ThreadingHTTPServer((host, port), Handler)
        except OSError as error:
            raise ConfigError(
                f"metrics cannot be served at {host}:{port}: {error.strerror or error}",
                hint="choose another port, or stop the program that uses it",
            ) from error
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._serve, name="metrics", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.2)

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def serving_metrics(reader: QueueReader, address: str | None) -> Iterator[str | None]:
    """Serve the metrics of a project within the block; without an address do nothing.

    Parameters
    ----------
    reader
        The reader whose connection is used, from threads of the server.
    address
        See `parse_address`; None serves no metrics.

    Yields
    ------
    str or None
        Address at which they are served.

    Raises
    ------
    ConfigError
        The port is in use, or the package prometheus-client is not installed.
    ArgumentError
        It is not an address.
    """
    if address is None:
        yield None
        return
    read_metrics(reader)  # what is missing is said before anything runs
    server = MetricsServer(address, lambda: read_metrics(reader, count=False))
    try:
        yield f"http://{parse_address(address)[0]}:{server.port}/metrics"
    finally:
        server.close()


def _answer(path: str, read: Callable[[], str]) -> tuple[int, bytes]:
    if path.partition("?")[0] not in ("/", "/metrics"):
        return 404, b"metrics are at /metrics\n"
    try:
        return 200, read().encode()
    except ControllerError as error:
        return 503, f"# {type(error).__name__}\n".encode()  # its text may name what is private
