"""Checks of a project, and how far they are."""

from __future__ import annotations

import pytest

from controller.checks import check_project
from controller.config import Project
from controller.errors import NotFoundError
from controller.jobcontroller import JobController


def test_each_check_is_told_before_it_begins(controller: JobController, project: Project) -> None:
    told: list[tuple[str, int, int]] = []
    results = check_project(project, progress=lambda *words: told.append(words))
    parts = ["environment", "worker plain", "worker pool", "worker far", "jobstore", "queue"]
    assert [what for what, _, _ in told] == [*parts, "queue"]
    assert [(done, total) for _, done, total in told] == [(n, 6) for n in range(7)]
    assert [r.what for r in results if not r.ok] == ["worker far"]


def test_one_part_is_one_check(controller: JobController, project: Project) -> None:
    told: list[tuple[str, int, int]] = []
    check_project(project, ["worker"], "plain", progress=lambda *words: told.append(words))
    assert told == [("worker plain", 0, 1), ("worker plain", 1, 1)]
    with pytest.raises(NotFoundError, match="nowhere"):
        check_project(project, ["worker"], "nowhere")
