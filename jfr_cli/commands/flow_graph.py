"""``jf flow graph``: the dependencies of a flow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from controller.errors import ArgumentError, ControllerError
from jfr_cli import choices, command_groups, options
from jfr_cli.commands.flow_actions import ByJob
from jfr_cli.console import print_data
from jfr_cli.output import show_picture, show_report, show_value, shows_document, shows_table
from jfr_cli.render.flows import flow_tree
from jfr_cli.selection import existing_flow
from jfr_cli.session import CURRENT

app = command_groups.part_of_group()

KINDS = ("tree", "mermaid", "dot", "svg")
_OF_SUFFIX = {".svg": "svg", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".mermaid": "mermaid"}
LABELS = ("name", "db_id", "uuid", "index", "state", "worker")


@app.command("graph")
@shows_document()
def graph(
    flow: options.FlowIdArgument,
    by_job: ByJob = False,
    label: Annotated[
        str,
        typer.Option(
            "--label",
            "-l",
            metavar="LABEL",
            help=f"Label of each job: {', '.join(LABELS)}.",
            **choices.choice(LABELS),
        ),
    ] = "name",
    path: Annotated[
        Path | None,
        typer.Option(
            "--path", "-p", metavar="FILE", help="Write to a file: .svg, .dot, .mmd or other."
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="KIND",
            help=f"One of {', '.join(KINDS)}.",
            **choices.choice(KINDS),
        ),
    ] = None,
    mermaid: Annotated[bool, typer.Option("--mermaid", "-m", help="Same as --as mermaid.")] = False,
    dash: Annotated[
        bool, typer.Option("--dash", "-d", help="Not available in this version.")
    ] = False,
) -> None:
    """Show a flow as a tree, or write it as mermaid, dot or SVG.

    Example: jf flow graph 12 --path flow.svg
    """
    if dash:
        raise ControllerError(
            "this version has no web view of a flow", hint="--path flow.svg draws it for a browser"
        )
    chosen = _kind(kind, path, mermaid=mermaid)
    with CURRENT.reader() as controller:
        found = existing_flow(controller, flow, by_job=by_job, archived=True)
    from controller import graphs

    if chosen == "tree":
        if shows_table():
            show_picture(lambda: flow_tree(found, label))
        else:
            show_value(graphs.get_tree(found).as_dict())
        return
    draw = {"mermaid": graphs.get_mermaid, "dot": graphs.get_dot, "svg": graphs.get_svg}[chosen]
    text = draw(found, label)
    if path is not None:
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ArgumentError(f"cannot write {path}: {error.strerror}") from None
    drawn = None if path else text
    if path is None and shows_table():
        print_data(text.rstrip("\n"))
    else:
        show_report({"as": chosen, "text": drawn, "file": path}, f"wrote {path}")


def _kind(kind: str | None, path: Path | None, *, mermaid: bool) -> str:
    """Return the requested kind, else that of the file name, else a tree (never for files)."""
    if mermaid:
        return "mermaid"
    if kind is not None:
        if kind == "tree" and path is not None:
            raise ArgumentError("a tree can only be shown on the terminal", hint="leave out --path")
        return kind
    if path is None:
        return "tree"
    suffix = path.suffix.lower()
    if suffix not in _OF_SUFFIX:
        known = ", ".join(_OF_SUFFIX)
        raise ArgumentError(
            f"cannot tell the kind of file from the name {path}",
            hint=f"use a name that ends in {known}, or --as",
        )
    return _OF_SUFFIX[suffix]
