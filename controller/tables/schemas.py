"""Schemas of the data that the command line and the web page show, each declared once.

A `DocumentSchema` names the keys; tables, the header of CSV, ``--columns`` and the JSON Schema
files under docs/schemas come from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]

VERSION = 1
"""Increased when a key is removed or changes its meaning, not when one is added."""


@dataclass(frozen=True)
class DocumentSchema:
    """The schema of one kind of thing.

    Attributes
    ----------
    name
        Name of its schema file.
    summary
        Description, with the commands that print it.
    properties
        {key: its schema}, made by the functions of this module.
    optional
        Keys that are present only on request.
    """

    name: str
    summary: str
    properties: Mapping[str, Schema]
    optional: frozenset[str] = frozenset()


def text(meaning: str, *, null: bool = False, one_of: Any = None) -> Schema:
    """Declare a text, perhaps one of a few."""
    found = _typed("string", meaning, null)
    if one_of is not None:
        words = [f"{word}" for word in one_of]
        found["enum"] = [*words, None] if null else words
    return found


def time(meaning: str, *, null: bool = False) -> Schema:
    """Declare a time: ISO 8601 in UTC, with milliseconds."""
    return {**_typed("string", meaning, null), "format": "date-time"}


def integer(meaning: str, *, null: bool = False) -> Schema:
    """Declare a whole number."""
    return _typed("integer", meaning, null)


def number(meaning: str, *, null: bool = False) -> Schema:
    """Declare a number."""
    return _typed("number", meaning, null)


def flag(meaning: str) -> Schema:
    """Declare true or false."""
    return _typed("boolean", meaning, False)


def anything(meaning: str) -> Schema:
    """Declare a value of any kind."""
    return {"description": meaning}


def mapping(meaning: str, *, null: bool = False) -> Schema:
    """Declare an object with keys of the user's choice."""
    return _typed("object", meaning, null)


def array(items: Schema | DocumentSchema, meaning: str, *, null: bool = False) -> Schema:
    """Declare an array."""
    inner = entry(items) if isinstance(items, DocumentSchema) else items
    return {**_typed("array", meaning, null), "items": inner}


def entry(schema: DocumentSchema, meaning: str | None = None) -> Schema:
    """Declare an object that has a schema of its own."""
    return {
        "type": "object",
        "description": meaning or schema.summary,
        "properties": dict(schema.properties),
        "required": [key for key in schema.properties if key not in schema.optional],
    }


def _typed(kind: str, meaning: str, null: bool) -> Schema:
    return {"description": meaning, "type": [kind, "null"] if null else kind}


def json_schema(schema: DocumentSchema) -> Schema:
    """Return the JSON Schema of one thing; lists are arrays of it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:jfr:schema:{schema.name}:{VERSION}",
        "title": schema.name,
        **entry(schema),
    }


def schema_text(schema: DocumentSchema) -> str:
    """Return the content of a schema file."""
    return json.dumps(json_schema(schema), indent=2, ensure_ascii=False) + "\n"
