"""`jf gui` as a process: its link, its unix socket, and its end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml
from web_site import described, stocked

from controller.config.masking import masked

JF = Path(sys.executable).with_name("jf")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A project that `jf` finds."""
    folder = tmp_path_factory.mktemp("served")
    stocked(folder)
    project = described(folder).model_dump(mode="json", exclude_unset=True)
    assert masked(project)["workers"]["cluster"]["password"] == "********"
    (folder / "projects").mkdir()
    (folder / "projects" / "silicon.yaml").write_text(yaml.safe_dump(project))
    (folder / "settings.yaml").touch()
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith("JFREMOTE_")},
        "JFREMOTE_PROJECTS_FOLDER": str(folder / "projects"),
        "JFREMOTE_CONFIG_FILE": str(folder / "settings.yaml"),
    }


@contextmanager
def gui(environment: dict[str, str], *words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start `jf gui`, and give its link and its process."""
    with subprocess.Popen(
        [JF, "gui", *words], env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        told = []
        for line in process.stderr:
            told.append(line)
            if found := re.search(r"open (http\S+)", line):
                break
        else:
            pytest.fail("".join(told))
        try:
            yield found[1], process
        finally:
            if process.poll() is None:
                process.kill()


@pytest.mark.cold
def test_it_ends_at_once_although_a_page_follows(environment: dict[str, str]) -> None:
    with (
        gui(environment, "--port", "0") as (link, process),
        httpx.Client(follow_redirects=True, timeout=30) as client,
    ):
        assert "Overview" in client.get(link).text
        live = httpx.URL(link).copy_with(path="/live", query=None)
        with client.stream("GET", live) as news:
            assert next(news.iter_lines()).startswith("retry:")
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 130
        assert process.stderr is not None
        rest = process.stderr.read()
        assert "Traceback" not in rest
        assert "link for another browser: http://127.0.0.1:" in rest


@pytest.mark.cold
def test_a_unix_socket(environment: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "s"
    with gui(environment, "--socket", str(path)) as (link, process):
        with httpx.Client(
            transport=httpx.HTTPTransport(uds=str(path)), follow_redirects=True, timeout=30
        ) as client:
            assert "silicon" in client.get(link).text
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    assert not path.exists()
