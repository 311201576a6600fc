"""Plain data for scripts, in every format but tables. Times are ISO 8601 in UTC."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from controller.safe_text import escaped_json, is_harmless, one_line, table_cell

Row = dict[str, Any]
_SCALARS = (str, int, float, bool, type(None))


def plain(value: Any) -> Any:
    """Convert a value to JSON types."""
    if type(value) in _SCALARS:  # as nearly all: a list of 10,000 jobs has 350,000 values
        return value
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(v) for v in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "model_dump"):
        return plain(value.model_dump())
    return value if isinstance(value, _SCALARS) else str(value)


def value_at(row: Row, path: str) -> Any:
    """Return the value at a dotted path, None if there is none."""
    found: Any = row
    for key in path.split("."):
        if not isinstance(found, dict) or key not in found:
            return None
        found = found[key]
    return found


def written(rows: Sequence[Row], form: str, *, name_key: str, keys: Sequence[str] = ()) -> str:
    """Write rows in one of the formats that are not tables.

    Parameters
    ----------
    form
        json, ndjson, yaml, csv, name or count.
    name_key
        The key whose value ``name`` prints for each row.
    keys
        The header of CSV if there are no rows.
    """
    if form == "json":
        return _indented_json(list(rows))
    if form == "ndjson":
        return escaped_json("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    if form == "yaml":
        return _yaml(list(rows))
    if form == "csv":
        return _csv(rows, keys)
    if form == "name":
        return "\n".join(one_line(str(row[name_key])) for row in rows)
    if form == "count":
        return str(len(rows))
    raise AssertionError(f"{form} is not a format of lists")


def one_written(value: Any, form: str) -> str:
    """Write one value: json, ndjson (JSON on one line) or yaml."""
    if form == "yaml":
        return _yaml(value)
    if form in ("json", "ndjson", "table", "wide"):
        indent = None if form == "ndjson" else 2
        return escaped_json(json.dumps(value, indent=indent, ensure_ascii=False))
    raise AssertionError(f"{form} is for lists")


def _indented_json(rows: list[Row]) -> str:
    """Same as ``json.dumps``, but ten times as fast, and NaN becomes null."""
    import orjson

    try:
        text = orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONEncodeError:  # an integer of more than 64 bits, or a lone surrogate
        text = json.dumps(rows, indent=2, ensure_ascii=False)
    return escaped_json(text)


def _yaml(value: Any) -> str:
    from ruamel.yaml import YAML

    yaml, out = YAML(), io.StringIO()
    yaml.default_flow_style = False
    yaml.dump(value, out)
    if not is_harmless(out.getvalue()):
        yaml.allow_unicode, out = False, io.StringIO()  # use escapes instead
        yaml.dump(value, out)
    return out.getvalue().rstrip("\n")


def _csv(rows: Sequence[Row], keys: Sequence[str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    header = [*dict.fromkeys(key for row in rows for key in row)] or list(keys)
    writer.writerow(header)
    for row in rows:
        found = (row.get(key) for key in header)
        writer.writerow(map(_csv_cell, found))
    return out.getvalue().rstrip("\n")


def _csv_cell(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        return escaped_json(json.dumps(value, ensure_ascii=False))
    return table_cell(value) if isinstance(value, str) else value
