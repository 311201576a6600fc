"""``jf notify``: list and test the notifications of a project."""

from __future__ import annotations

from typing import Annotated

import typer

from controller.errors import ConfigError, EntryNotFoundError
from jfr_cli import command_groups
from jfr_cli.output import show_report, show_rows, shows_document, shows_list
from jfr_cli.render.notify import NOTIFICATIONS
from jfr_cli.session import CURRENT

Notify = Annotated[bool, typer.Option("--notify", help="Send the findings as notifications.")]
app = command_groups.command_group("List and test the notifications of a project.")


@app.command("list")
@shows_list()
def list_notifications() -> None:
    """List the notifications of the project.

    Example: jf notify list
    """
    show_rows(list(CURRENT.project.notify.items()), NOTIFICATIONS)


@app.command("test")
@shows_document()
def try_notifications(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Only this notification.")
    ] = None,
) -> None:
    """Deliver a test message now, by one notification or by all.

    Example: jf notify test me
    """
    from controller.notifications import deliver, trial_message

    project = CURRENT.project
    if not project.notify:
        raise ConfigError(
            f"project {project.name} has no notification", hint="add one under the key 'notify'"
        )
    if name is not None and name not in project.notify:
        raise EntryNotFoundError(
            f"project {project.name} has no notification {name!r}",
            hint=f"it has {', '.join(project.notify)}",
        )
    chosen = {name: project.notify[name]} if name is not None else project.notify
    for each, to in chosen.items():
        deliver(trial_message(each, project.name), to)
    show_report({"delivered": list(chosen)}, f"delivered: {', '.join(chosen)}")
