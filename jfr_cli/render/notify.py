"""Notifications of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jfr_cli.render.data import Row
from jfr_cli.render.schemas import DocumentSchema, array, number, text
from jfr_cli.render.tables import Column, TableSpec

if TYPE_CHECKING:
    from controller.config import Notification

Named = tuple[str, "Notification"]
"""A notification and its name."""


def _row(named: Named) -> Row:
    name, to = named
    return {
        "name": name,
        "on": [topic.value for topic in to.on],
        "causes": to.causes and [cause.value for cause in to.causes],
        "to": to.way,
        "every": to.every,
        "timeout": to.timeout,
    }


NOTIFICATIONS = TableSpec(
    "notification",
    "A notification: an entry of `jf notify list`.",
    {
        "name": text("Its name."),
        "on": array(text("An event."), "Events that it reports."),
        "causes": array(
            text("A cause."), "Causes of failure to which it is limited; null for all.", null=True
        ),
        "to": text("How and where it is delivered, without secrets."),
        "every": number("Minimum number of seconds between two messages."),
        "timeout": number("Seconds until a delivery counts as failed."),
    },
    row=_row,
    columns=(
        Column("name", "Name", rank=0),
        Column("on", "On", lambda n: ", ".join(topic.value for topic in n[1].on), wraps=True),
        Column(
            "causes",
            "Causes",
            lambda n: ", ".join(c.value for c in n[1].causes or ()),
            wraps=True,
            rank=2,
        ),
        Column("to", "To", wraps=True, rank=0),
        Column("every", "Every (s)", number=True, rank=2),
    ),
    name_key="name",
)
TESTED = DocumentSchema(
    "tested-notifications",
    "What `jf notify test` delivered.",
    {"delivered": array(text("Name of a notification."), "Notifications that were delivered.")},
)
