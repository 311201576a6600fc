"""When tests that need a MongoDB-protocol server run, are skipped, or fail."""

from __future__ import annotations

import pytest
from servers import mongo_verdict

CASES = [
    ({}, "skip"),
    ({"JFR_TEST_MONGO_URI": "mongodb://x"}, "run"),
    ({"JFR_TEST_MONGO_URI": "mongodb://x", "CI": "1"}, "run"),
    ({"JFR_TEST_MONGO_URI": ""}, "skip"),
    ({"CI": "1"}, "fail"),
    ({"CI": "1", "JFR_MONGO_UNAVAILABLE": "no compiler"}, "skip"),
]


@pytest.mark.parametrize(("environment", "action"), CASES, ids=str)
def test_verdict(environment: dict[str, str], action: str) -> None:
    verdict = mongo_verdict(environment)
    assert verdict.action == action
    assert bool(verdict.reason) == (action != "run")
    assert environment.get("JFR_MONGO_UNAVAILABLE", "") in verdict.reason
