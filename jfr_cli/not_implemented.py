"""Commands that only parse their options in this version; the next version implements them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import typer

from controller.errors import ControllerError
from jfr_cli.option_decorators import with_options


@dataclass(frozen=True)
class Later:
    """A command that takes its options, changes nothing, and says so with exit status 1.

    Attributes
    ----------
    path
        What is typed after ``jf``.
    summary
        Its line of help.
    instead
        What to do until then.
    parameters
        {name: (annotation, default)}; required without a default.
    example
        Arguments for the example of the help.
    hidden
        Whether help leaves it out.
    """

    path: str
    summary: str
    instead: str
    parameters: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    example: str = ""
    hidden: bool = False

    def add_to(self, app: typer.Typer) -> None:
        """Add it to a group."""

        def command() -> None:
            raise ControllerError(
                f"`jf {self.path}` comes with the next version: nothing was done",
                hint=f"until then: {self.instead}",
            )

        command.__doc__ = f"{self.summary}\n\nExample: jf {self.path} {self.example}".rstrip()
        taking = with_options(command, self.parameters, lambda inner, given, taken: inner())
        app.command(self.path.rpartition(" ")[2], hidden=self.hidden)(taking)
