"""``jf metrics``: the project's metrics for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from jfr_cli import options
from jfr_cli.console import print_data
from jfr_cli.session import CURRENT

if TYPE_CHECKING:
    from controller.reader import QueueReader

Metrics = Annotated[
    str | None,
    typer.Option("--metrics", metavar="[HOST:]PORT", help="Serve metrics at this address."),
]
app = typer.Typer(add_completion=False, context_settings=options.CONTEXT)


@app.command()
def metrics() -> None:
    """Print metrics in Prometheus' text format, for a textfile collector.

    Example: jf metrics > /var/lib/node_exporter/jfr.prom
    """
    from controller.metrics import read_metrics

    with CURRENT.reader() as reader:
        print_data(read_metrics(reader).rstrip("\n"))


@contextmanager
def serving_metrics(reader: QueueReader, address: str | None) -> Iterator[None]:
    """Serve metrics within the block; without an address do nothing.

    Raises
    ------
    ConfigError
        The port is taken, or the package for metrics is not installed.
    """
    if address is None:
        yield
        return
    from controller.metrics import MetricsServer, read_metrics

    read_metrics(reader)  # what is missing is said before anything runs
    server = MetricsServer(address, lambda: read_metrics(reader, count=False))
    try:
        yield
    finally:
        server.close()
