"""Jobs of the submission tests."""

from __future__ import annotations

from jobflow import job


@job
def add(a: float, b: float) -> float:
    return a + b


@job(data="data")
def stored_elsewhere() -> dict[str, int]:
    return {"data": 1}
