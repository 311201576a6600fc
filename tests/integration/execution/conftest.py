"""The worker of these tests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from worker_process import Run, prepare, run_forked


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Run a job as ``jf -fe execution run DIR`` does, in a folder whose name has a space."""

    def run(
        job: Any, store: Any = "maggma_json", zip_files: bool = False, extension: str | None = None
    ) -> Run:
        from jfr_cli.main import main

        directory = tmp_path / "work dir" / "it's one; of $them"
        names = prepare(directory, job, store, zip_files, extension)
        monkeypatch.setattr(sys, "argv", ["jf", "-fe", "execution", "run", str(directory)])
        return Run(directory, *run_forked(directory, main), names)

    return run
