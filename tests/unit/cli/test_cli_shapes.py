"""The schema files say what the declarations say."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from jfr_cli.render.schemas import declared_schemas, json_schema, schema_text

FOLDER = Path(__file__).parents[3] / "docs" / "schemas"
SHAPES = declared_schemas()


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_shape_has_its_file(name: str) -> None:
    found = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert found == schema_text(SHAPES[name]), "run `make schemas`"


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_schema_is_one(name: str) -> None:
    schema = json_schema(SHAPES[name])
    Draft202012Validator.check_schema(schema)
    assert schema["$id"].startswith("urn:jfr:schema:")


def test_no_file_without_a_shape() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(SHAPES)
