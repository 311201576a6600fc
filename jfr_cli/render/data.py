"""Plain data for scripts: one dictionary per job or flow, in every format but tables.

Times are ISO 8601 in UTC. Keys are only ever added; docs/output.md describes them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from controller.documents import FlowInfo, JobInfo

Row = dict[str, Any]

SCHEMA_VERSION = 1
"""Grows when a key changes its meaning or goes away, not when one is added."""


def plain(value: Any) -> Any:
    """Return a value as JSON knows it."""
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
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value)


def job_row(job: JobInfo) -> Row:
    """Return what scripts see of a job."""
    row = plain(job.model_dump(exclude={"hosts", "lock_lease"}))
    row["flow_uuid"] = job.hosts[-1] if job.hosts else None
    row["hosts"] = job.hosts
    row["locked"] = job.is_locked
    row["run_time"] = job.run_time
    assert isinstance(row, dict)
    return row


def flow_row(flow: FlowInfo) -> Row:
    """Return what scripts see of a flow."""
    row: Row = {
        "db_id": flow.db_id,
        "uuid": flow.flow_id,
        "name": flow.name,
        "state": flow.state.value,
        "num_jobs": len(flow.db_ids),
        "created_on": plain(flow.created_on),
        "updated_on": plain(flow.updated_on),
        "metadata": plain(flow.flow_metadata),
        "jobstore": flow.jobstore,
        "locked": flow.is_locked,
        "db_ids": flow.db_ids,
    }
    if flow.jobs_info is not None:
        row["jobs"] = [job_row(job) for job in flow.jobs_info]
    return row


def written(rows: Sequence[Row], form: str, *, name_key: str = "db_id") -> str:
    """Write rows in one of the formats that are not tables.

    Parameters
    ----------
    form
        json, ndjson, yaml, csv, name or count.
    name_key
        What ``name`` prints of each row.
    """
    if form == "json":
        return json.dumps(list(rows), indent=2, ensure_ascii=False)
    if form == "ndjson":
        return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    if form == "yaml":
        return _yaml(list(rows))
    if form == "csv":
        return _csv(rows)
    if form == "name":
        return "\n".join(str(row[name_key]) for row in rows)
    if form == "count":
        return str(len(rows))
    raise ValueError(form)


def one_written(value: Any, form: str) -> str:
    """Write one thing: an object instead of an array."""
    if form == "yaml":
        return _yaml(value)
    return json.dumps(value, indent=2 if form != "ndjson" else None, ensure_ascii=False)


def _yaml(value: Any) -> str:
    from ruamel.yaml import YAML

    yaml, out = YAML(), io.StringIO()
    yaml.default_flow_style = False
    yaml.dump(value, out)
    return out.getvalue().rstrip("\n")


def _csv(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow(
            json.dumps(v, ensure_ascii=False) if isinstance(v, (dict, list)) else v
            for v in row.values()
        )
    return out.getvalue().rstrip("\n")
