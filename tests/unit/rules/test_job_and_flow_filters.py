"""Arguments -> query, as tables."""

from __future__ import annotations

import fnmatch
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from controller.errors import ArgumentError, FilterError
from controller.filters import NOTHING, FlowFilter, JobFilter, to_utc
from controller.globs import glob_to_regex
from controller.states import FlowState, JobState

UUID = "00000000-0000-4000-8000-000000000001"
OTHER = "00000000-0000-4000-8000-000000000002"
TIME = datetime(2026, 1, 2, 3, 4, 5, 600000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, {}),
        ({"db_ids": "1"}, {"db_id": "1"}),
        ({"db_ids": 7}, {"db_id": "7"}),
        ({"db_ids": ["1", "2", "1"]}, {"db_id": {"$in": ["1", "2"]}}),
        ({"db_ids": []}, {"db_id": {"$in": []}}),
        ({"job_ids": (UUID, 1)}, {"$or": [{"uuid": UUID, "index": 1}]}),
        (
            {"job_ids": [(UUID, 1), (OTHER, 2)]},
            {"$or": [{"uuid": UUID, "index": 1}, {"uuid": OTHER, "index": 2}]},
        ),
        ({"job_ids": []}, NOTHING),
        ({"flow_ids": UUID}, {"job.hosts": UUID}),
        ({"flow_ids": ["3"]}, {"job.hosts": OTHER}),
        ({"flow_ids": ["99"]}, {"job.hosts": {"$in": []}}),
        ({"states": JobState.FAILED}, {"state": "FAILED"}),
        ({"states": ["failed", "READY"]}, {"state": {"$in": ["FAILED", "READY"]}}),
        ({"states": []}, {"state": {"$in": []}}),
        ({"name": "relax"}, {"job.name": "relax"}),
        ({"name": "re*"}, {"job.name": {"$regex": r"^re[\s\S]*(?![\s\S])"}}),
        ({"metadata": {"a.b": {"c": 1}}}, {"job.metadata.a.b": {"$eq": {"c": 1}}}),
        ({"workers": ["w"]}, {"worker": "w"}),
        ({"locked": True}, {"lock_id": {"$ne": None}}),
        ({"causes": "Walltime"}, {"$and": [{"error_cause": "walltime"}]}),
        (
            {"error_match": "no .*", "custom_query": {"a": 1}},
            {
                "a": 1,
                "$and": [
                    {"$or": [{"error": {"$regex": "no .*"}}, {"remote.error": {"$regex": "no .*"}}]}
                ],
            },
        ),
        ({"custom_query": {"priority": 3}, "db_ids": "1"}, {"db_id": "1", "priority": 3}),
        (
            {"start_date": TIME},
            {"updated_on": {"$gte": TIME.replace(tzinfo=None)}},
        ),
        (
            {"end_date": TIME.replace(microsecond=0)},
            {"updated_on": {"$lt": datetime(2026, 1, 2, 3, 4, 6)}},
        ),
    ],
)
def test_job_filter(arguments: dict[str, Any], expected: dict[str, Any]) -> None:
    assert JobFilter(**arguments).query({"3": OTHER}) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"job_ids": UUID}, {"jobs": UUID}),
        ({"db_ids": ["3"]}, {"uuid": OTHER}),
        ({"flow_ids": [UUID, "3"]}, {"uuid": {"$in": [UUID, OTHER]}}),
        ({"flow_ids": [UUID], "db_ids": ["3"]}, {"uuid": {"$in": []}}),
        ({"states": FlowState.RUNNING}, {"state": "RUNNING"}),
        ({"name": "n"}, {"name": "n"}),
        ({"metadata": {"k": 1}}, {"metadata.k": {"$eq": 1}}),
    ],
)
def test_flow_filter(arguments: dict[str, Any], expected: dict[str, Any]) -> None:
    assert FlowFilter(**arguments).query({"3": OTHER}) == expected


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"states": "FALED"}, ArgumentError, "FAILED"),
        ({"states": 3}, ArgumentError, "states"),
        ({"job_ids": [UUID]}, ArgumentError, "pairs"),
        ({"job_ids": [(UUID, "1")]}, ArgumentError, "pairs"),
        ({"db_ids": [True]}, ArgumentError, "db_ids"),
        ({"db_ids": 1.5}, ArgumentError, "db_ids"),
        ({"start_date": "today"}, ArgumentError, "datetime"),
        ({"start_date": TIME, "end_date": TIME - timedelta(days=1)}, FilterError, "after"),
    ],
)
def test_what_cannot_be_meant(
    arguments: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        JobFilter(**arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"custom_query": ["state"]}, "dictionary"),
        ({"custom_query": {"state": "X"}, "states": "READY"}, "both have a condition on state"),
        ({"metadata": {"$where": 1}}, "metadata key"),
        ({"metadata": {"a..b": 1}}, "metadata key"),
    ],
)
def test_what_cannot_be_asked(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(FilterError, match=words):
        JobFilter(**arguments).query()


def test_a_naive_time_is_local() -> None:
    local = datetime(2026, 1, 2, 3, 4)
    assert to_utc(local) == local.astimezone(UTC).replace(tzinfo=None)


def test_only_an_empty_filter_is_empty() -> None:
    assert JobFilter().is_empty
    assert not JobFilter(db_ids=[]).is_empty
    assert not JobFilter(locked=True).is_empty


PATTERN = st.text(alphabet="ab*?[]!-\n.$^\\&|~", max_size=8)


@given(pattern=PATTERN, text=st.text(alphabet="ab]-\n.$^!", max_size=6))
@example("[a&&b||c]", "&")
@example("[b-a]", "b")
def test_patterns_match_as_those_of_fnmatch(pattern: str, text: str) -> None:
    expected = fnmatch.fnmatchcase(text, pattern)
    assert bool(re.search(glob_to_regex(pattern), text)) == expected
