"""The packages of an environment, read from the first lines of their metadata."""

from __future__ import annotations

from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest

from controller.operations.version import installed_packages, name_and_version


def test_they_are_those_of_the_library() -> None:
    slow = {d.metadata["Name"].replace(".", "-"): d.version for d in distributions()}
    assert installed_packages() == slow
    installed_packages().clear()
    assert installed_packages() == slow


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("METADATA", "Metadata-Version: 2.1\nName: a.b\nVersion: 1.0\n\nName: no", ("a.b", "1.0")),
        ("METADATA", "version: 2\nname: low\nName: second\n", ("low", "2")),
        ("METADATA", "Name: a\nSummary: Version: 3\n\nVersion: 4\n", ("a", "")),
        ("PKG-INFO", "Name:  spaced  \nVersion: 1!2.0+local\n", ("spaced", "1!2.0+local")),
        ("METADATA", "", ("", "")),
    ],
)
def test_what_the_metadata_begin_with(
    tmp_path: Path, file: str, text: str, expected: tuple[str, str]
) -> None:
    folder = tmp_path / "some-1.dist-info"
    folder.mkdir()
    (folder / file).write_text(text)
    assert name_and_version(Distribution.at(folder)) == expected
