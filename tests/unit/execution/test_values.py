"""What goes into a file of a run directory comes out of it, or is refused in words."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import bson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from monty.json import MontyDecoder, MontyEncoder
from thoroughness import examples

from controller.errors import RemoteError
from controller.execution import files, formats
from controller.execution.filestore import FileStore
from controller.execution.values import (
    has_non_finite,
    misleading,
    unstorable,
    with_exact_times,
)

FORMATS = ["maggma_json", "orjson", "msgspec_json", "msgpack"]
MARKS = ["$date", "$literal", "$oid", "$numberLong", "a.b", "", "__datetime__", "as_str", "null"]

zones = st.sampled_from([None, UTC, timezone(timedelta(hours=5, minutes=30))])
times = st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29), timezones=zones)
texts = st.text(alphabet=st.characters(exclude_categories=()), max_size=6)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**62, max_value=2**65),
    st.floats(),
    texts,
    times,
)
keys = st.one_of(st.sampled_from(MARKS), texts)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=12,
)


def same(one: Any, other: Any, *, instants: bool = False) -> bool:
    """Whether two values are the same, their types and NaN included.

    Parameters
    ----------
    instants
        Take a time with a zone for the naive UTC that a database makes of it.
    """
    if isinstance(one, datetime) and instants:
        one, other = (
            t.astimezone(UTC).replace(tzinfo=None) if t.tzinfo else t for t in (one, other)
        )
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, list):
        return len(one) == len(other) and all(
            same(a, b, instants=instants) for a, b in zip(one, other, strict=True)
        )
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(
            same(one[key], other[key], instants=instants) for key in one
        )
    return bool(one == other) and getattr(one, "tzinfo", None) == getattr(other, "tzinfo", None)


def has_key(value: Any, key: str) -> bool:
    if isinstance(value, dict):
        return key in value or any(has_key(v, key) for v in value.values())
    return isinstance(value, list) and any(has_key(v, key) for v in value)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=examples(80))
@given(value=values)
def test_an_output_comes_back_or_is_refused(name, value):
    chosen = formats.get_format(name)
    if unstorable(value):
        return
    if name == "msgpack" and has_key(value, "__datetime__"):
        with pytest.raises(ValueError, match="key '__datetime__'"):
            chosen.encode([{"output": value}])
        return
    raw = chosen.encode([{"output": value}])
    assert same(chosen.decode(raw), [{"output": value}], instants=True)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("f.json", [2**63], r"output\[0\] is an integer of 64 bits"),
        ("f.json", b"x", "output contains bytes"),
        ("f.msgpack", "\ud800", "output contains a lone surrogate"),
        ("f.msgpack", {"__datetime__": True, "as_str": "20200101T00:00:00.0"}, "__datetime__"),
    ],
)
def test_an_output_is_refused_before_anything_is_written(tmp_path, name, value, words):
    store = FileStore(str(tmp_path / name))
    store.connect()
    store.update({"uuid": "1", "output": value})
    with pytest.raises(ValueError, match=words):
        store.close()
    assert not list(tmp_path.iterdir())


@settings(max_examples=examples(80))
@given(value=values)
def test_an_argument_arrives_exactly_or_is_refused(value):
    if unstorable(value):
        return
    stored = bson.decode(bson.encode({"v": with_exact_times(value)}))["v"]
    content = files.encode_input({"function_args": [stored]}, {}, {})
    arguments = formats.decode_json(content)["job"]["function_args"]
    (arrived,) = MontyDecoder().process_decoded(arguments)
    assert same(arrived, value)


@settings(max_examples=examples(80))
@given(value=values)
def test_what_a_response_keeps_comes_back(tmp_path_factory, value):
    folder = tmp_path_factory.getbasetemp()
    result = {"response": {"stored_data": {"v": value}}, "error": None}
    (folder / files.OUT_FILE).write_text(json.dumps(result, cls=MontyEncoder))
    response = files.read_output(folder).response
    assert same(MontyDecoder().process_decoded(response)["stored_data"]["v"], value)


@settings(max_examples=examples(80))
@given(value=values)
def test_what_is_let_through_can_be_stored(value):
    """... and what is refused cannot."""
    try:
        bson.encode({"v": value})
        fits = True
    except (OverflowError, UnicodeEncodeError, bson.errors.BSONError):
        fits = False
    assert (unstorable({"v": value}) is None) == fits


@settings(max_examples=examples(50))
@given(value=st.recursive(st.one_of(st.none(), st.floats(), st.integers()), st.lists))
def test_non_finite_numbers_are_seen(value):
    found = any(word in repr(value) for word in ("nan", "inf"))
    assert has_non_finite({"a": [value]}) == found


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": [0, 2**63]}, "a[1] is an integer of 64 bits"),
        ({"a": {"b c": "\ud800"}}, "a['b c'] contains a lone surrogate"),
        ({"a": {"\ud800": 1}}, "a has a key that contains a lone surrogate"),
        ({"a": {"b\0": 1}}, "a has the key 'b\\x00'"),
        ({"a": {1: 1}}, "a has the key 1, which is not a string"),
        ({"a": b"x"}, "a contains bytes"),
        ({"a": {1, 2}}, "a is a set"),
        ({"a": 1j}, "a is a complex"),
        ({"\ud800": {"a": 2**70}}, "it has a key"),
    ],
)
def test_what_cannot_be_stored_is_named_with_its_place(value, words):
    assert words in str(unstorable(value))


def test_a_value_without_end_is_refused():
    value: list[Any] = []
    value.append(value)
    assert "nested deeper" in str(unstorable(value))


def test_bytes_go_where_the_format_has_them():
    assert unstorable({"a": b"x"}, binary=True) is None
    chosen = formats.get_format("msgpack")
    assert chosen.decode(chosen.encode([b"x"])) == [b"x"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"@module": "os", "@class": "system"}, "os.system, which is not a class"),
        ({"@module": 5, "@class": 6}, "which do not name an object"),
        ({"@module": "no_such", "@callable": "x", "@bound": None}, "module 'no_such'"),
    ],
)
def test_a_dictionary_that_only_looks_like_an_object_is_named(value, words):
    assert words in str(misleading({"a": [value]}))
    assert str(misleading({"a": [value]})).startswith("a[0] ")


@pytest.mark.parametrize(
    "value",
    [
        {"@module": "os"},
        {"@module": "numpy", "@class": "array", "dtype": "int64", "data": [1]},
        {"@module": "no_such", "@class": "X"},
        {"@module": "os", "@callable": "getcwd", "@bound": None},
        {"@module": "datetime", "@class": "datetime", "string": "2020-01-01 00:00:00"},
    ],
)
def test_what_stands_for_an_object_is_welcome(value):
    assert misleading({"a": value}) is None


def test_an_input_that_json_has_no_form_for_says_which():
    with pytest.raises(RemoteError, match=r"function_args\[0\] contains bytes") as caught:
        files.encode_input({"function_args": [b"x"]}, {}, {})
    assert caught.value.no_retry


def test_a_runner_of_jobflow_remote_gets_what_its_own_worker_writes(tmp_path):
    path = tmp_path / "f.json"
    formats.write_file(
        path,
        [{"t": datetime(2020, 1, 2), "x": math.inf, "d": {"$date": "x"}}],
        for_jobflow_remote=True,
    )
    assert json.loads(path.read_bytes()) == [
        {"t": "2020-01-02T00:00:00", "x": None, "d": {"$date": "x"}}
    ]
