"""``jf metrics``: the project's metrics for Prometheus."""

from __future__ import annotations

from typing import Annotated

import typer

from jfr_cli import command_groups
from jfr_cli.console import print_data
from jfr_cli.session import CURRENT

Metrics = Annotated[
    str | None,
    typer.Option("--metrics", metavar="[HOST:]PORT", help="Serve metrics at this address."),
]
app = typer.Typer(add_completion=False, context_settings=command_groups.CONTEXT)


@app.command()
def metrics() -> None:
    """Print metrics in Prometheus' text format, for a textfile collector.

    Example: jf metrics > /var/lib/node_exporter/jfr.prom
    """
    from controller.metrics import read_metrics

    with CURRENT.reader() as reader:
        print_data(read_metrics(reader).rstrip("\n"))
