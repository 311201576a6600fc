"""Jobs that a worker of the acceptance tests can import."""

from jobflow import job


@job
def add(a: float, b: float) -> float:
    return a + b


@job
def fail() -> None:
    raise RuntimeError("there is no such thing")
