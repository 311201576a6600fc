"""``jf demo``: a real calculation, from quickstart to the physical result."""

from __future__ import annotations

import typer

from controller.errors import ConfigError
from jfr_cli import options
from jfr_cli.console import say

app = typer.Typer(add_completion=False, context_settings=options.CONTEXT)


@app.command()
def demo() -> None:
    """Submit the equation of state of some metals, in the selected project.

    Example: jf quickstart; jf demo; jf runner run --until-idle
    """
    try:
        from jfr_cli.demo_jobs import submit_demo
    except ImportError as error:
        raise ConfigError(
            f"the demonstration needs ASE: {error}", hint="pip install 'jfr[demo]'"
        ) from None
    from jfr_cli.session import CURRENT

    metals, failing = submit_demo(CURRENT.project.name)
    say(f"submitted jobs {', '.join(metals)} and, to see one fail, {', '.join(failing)}")
    say("next: jf runner run --until-idle; jf flow list")
