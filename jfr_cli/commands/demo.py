"""``jf demo``: a real calculation, from quickstart to the physical result."""

from __future__ import annotations

import typer

from controller.errors import ConfigError
from jfr_cli import command_groups, options
from jfr_cli.output import show_report, shows_document

app = typer.Typer(add_completion=False, context_settings=command_groups.CONTEXT)


@app.command()
@shows_document()
def demo(dry_run: options.DryRun = False) -> None:
    """Submit equation-of-state calculations of some metals to the selected project.

    Example: jf quickstart; jf demo; jf runner run --until-idle
    """
    try:
        from jfr_cli.demo_jobs import demo_flows, submit_demo
    except ImportError as error:
        raise ConfigError(
            f"the demonstration needs ASE: {error}", hint="pip install 'jfr[demo]'"
        ) from None
    from jfr_cli.session import CURRENT

    project = CURRENT.project.name
    flows = [flow.name for flow in demo_flows()]
    metals, failing = ([], []) if dry_run else submit_demo(project)
    facts = {"metals": metals, "failing": failing, "flows": flows, "dry_run": dry_run}
    if dry_run:
        show_report(facts, f"would submit to project {project}: {', '.join(flows)}")
        return
    show_report(
        facts,
        f"submitted jobs {', '.join(metals)} and, to see one fail, {', '.join(failing)}",
        "next: jf runner run --until-idle; jf flow list",
    )
