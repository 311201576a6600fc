"""Plugins of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jfr_cli.render.data import Row
from jfr_cli.render.schemas import array, flag, text
from jfr_cli.render.tables import MORE, Column, TableSpec

if TYPE_CHECKING:
    from jfr_cli.plugins import Plugin


def _row(plugin: Plugin) -> Row:
    return {
        "name": plugin.name,
        "entry_group": plugin.entry_group,
        "target": plugin.target,
        "package": plugin.package,
        "version": plugin.version,
        "loaded": plugin.error is None,
        "commands": list(plugin.commands),
        "error": plugin.error,
    }


PLUGINS = TableSpec(
    "plugin",
    "A plugin: an entry of `jf plugin list`.",
    {
        "name": text("Name of its entry point."),
        "entry_group": text("Group of its entry point."),
        "target": text("Object reference of the entry point."),
        "package": text("The distribution that provides it."),
        "version": text("Version of the distribution."),
        "loaded": flag("Whether it could be loaded."),
        "commands": array(text("A command."), "The commands it adds to `jf`."),
        "error": text("Why it could not be loaded.", null=True),
    },
    row=_row,
    columns=(
        Column("name", "Name", rank=0),
        Column("loaded", "Loaded", rank=0),
        Column("commands", "Commands", wraps=True, rank=0),
        Column("package", "Package"),
        Column("version", "Version"),
        Column("entry_group", "Group", rank=2),
        Column("error", "Error", levels=MORE, wraps=True, rank=0),
    ),
    name_key="name",
)
