"""What Prometheus itself says of the metrics: its linter, and a server that scrapes them."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from sshd import free_port

from controller.examples import add
from controller.jobcontroller import JobController
from controller.metrics import read_metrics, serving_metrics

DEADLINE = 60
CONFIGURATION = """\
global: {scrape_interval: 250ms, scrape_timeout: 250ms}
scrape_configs:
  - job_name: jfr
    static_configs: [{targets: ['%s']}]
"""


@pytest.fixture
def filled(controller: JobController) -> JobController:
    """A queue with a job in each of two states, and something counted."""
    controller.add_flow(add(1, 2), "local")
    (db_id,) = controller.add_flow(add(1, 2), "local")
    controller.pause_job(db_id=db_id)
    controller.queue.events.tally.error("queue")
    controller.queue.events.tally.flush(controller.queue.auxiliary)
    return controller


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_the_linter_finds_nothing(filled: JobController) -> None:
    pytest.importorskip("prometheus_client")
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=read_metrics(filled),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed")
def test_a_server_scrapes_them(filled: JobController, tmp_path: Path) -> None:
    pytest.importorskip("prometheus_client")
    port = free_port()

    def asked(query: str) -> dict[str, float]:
        url = f"http://127.0.0.1:{port}/api/v1/query?query={urllib.parse.quote(query)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                found = json.load(answer)["data"]["result"]
        except urllib.error.URLError:
            return {}
        return {one["metric"].get("state", ""): float(one["value"][1]) for one in found}

    with serving_metrics(filled, "0") as url:
        assert url is not None
        target = urllib.parse.urlsplit(url).netloc
        (tmp_path / "prometheus.yml").write_text(CONFIGURATION % target)
        server = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={tmp_path / 'prometheus.yml'}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + DEADLINE
            while not (found := asked("sum by (state) (jfr_jobs)")):
                assert time.monotonic() < deadline, "nothing was scraped"
                assert server.poll() is None
                time.sleep(0.1)
            assert found == {"READY": 1.0, "PAUSED": 1.0}
            assert asked("jfr_errors_total")
        finally:
            server.kill()
            server.wait()
