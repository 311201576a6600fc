"""Schemas of the data that `jf` prints: those of `controller.tables` and of this package.

``python -m jfr_cli.render.schemas docs/schemas`` writes the JSON Schema files; a test holds them
to the declarations, and the acceptance tests hold the output to the files.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path

from controller.tables.schemas import (
    VERSION,
    DocumentSchema,
    Schema,
    anything,
    array,
    entry,
    flag,
    integer,
    json_schema,
    mapping,
    number,
    schema_text,
    text,
    time,
)

__all__ = [
    "VERSION",
    "DocumentSchema",
    "Schema",
    "anything",
    "array",
    "declared_schemas",
    "entry",
    "flag",
    "integer",
    "json_schema",
    "mapping",
    "number",
    "schema_text",
    "text",
    "time",
]


def declared_schemas() -> dict[str, DocumentSchema]:
    """Return every schema declared by a module of `controller.tables` or of this package."""
    import controller.tables
    import jfr_cli.render

    found: dict[str, DocumentSchema] = {}
    for package in (controller.tables, jfr_cli.render):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, DocumentSchema):
                    found[value.name] = value
    return dict(sorted(found.items()))


if __name__ == "__main__":
    for known in declared_schemas().values():
        path = Path(sys.argv[1]) / f"{known.name}.json"
        path.write_text(schema_text(known), encoding="utf-8")
