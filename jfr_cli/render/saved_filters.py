"""Saved filters of a project."""

from __future__ import annotations

from controller.saved_filters import KINDS, SavedFilter
from jfr_cli.render.data import Row
from jfr_cli.render.schemas import mapping, text
from jfr_cli.render.tables import Column, TableSpec


def _row(saved: SavedFilter) -> Row:
    return {
        "name": saved.name,
        "kind": saved.kind,
        "filter": dict(saved.texts),
        "options": saved.flags,
    }


SAVED_FILTERS = TableSpec(
    "saved-filter",
    "A saved filter: an entry of `jf job filter list` and `jf flow filter list`.",
    {
        "name": text("Its name, without @."),
        "kind": text("What it selects.", one_of=KINDS),
        "filter": mapping("{option without dashes in front: its value or values}."),
        "options": text("The options of `jf job list` or `jf flow list` that mean the same."),
    },
    row=_row,
    columns=(
        Column("name", "Name", lambda saved: f"@{saved.name}", rank=0),
        Column("options", "Options", wraps=True, rank=0),
    ),
    name_key="name",
)
