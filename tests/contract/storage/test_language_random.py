"""Random questions: the embedded engine against answers of a server, recorded or live.

``answers.bson.xz`` holds questions and what a server said. To record them anew, with the server
that ``JFR_TEST_MONGO_URI`` names::

    .venv/bin/python tests/contract/storage/test_language_random.py
"""

from __future__ import annotations

import lzma
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bson
import pytest
from language_questions import QUESTIONS, answers, same, scene
from thoroughness import THOROUGH, share

from controller.storage.base import Database, Document
from controller.storage.embedded import EmbeddedDatabase, open_database
from controller.storage.opening import open_store

RECORDED = Path(__file__).with_name("answers.bson.xz")
SCENES = 50
LIVE_SCENES = int(os.environ.get("JFR_FUZZ_COMPARISONS", "300")) // QUESTIONS


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[EmbeddedDatabase]:
    database = open_database(tmp_path / "queue.sqlite", synchronous="NORMAL")
    yield database
    database.close()


def differences(embedded: Database, asked: Document, server: list[Any]) -> list[str]:
    """Ask the embedded engine the questions of a scene, with indexes, and compare."""
    collection = embedded.collection("questions")
    for keys in ("f", "h.x", "s", [("g", 1), ("f", -1)]):
        collection.create_index(keys)  # type: ignore[arg-type]
    questions = asked["questions"]
    own = list(answers(collection, questions, asked["documents"]))
    collection.drop()
    return [
        f"{question}\n  embedded: {mine}\n  server:   {theirs}"
        for question, mine, theirs in zip(questions, own, server, strict=True)
        if not same(question, mine, theirs)
    ]


def test_as_a_server_answered(embedded: EmbeddedDatabase) -> None:
    number, found = 0, []
    for recorded in share(bson.decode_all(lzma.decompress(RECORDED.read_bytes()))):
        number += len(recorded["questions"])
        found += differences(embedded, recorded, recorded["answers"])
    assert number >= (5000 if THOROUGH else 1500)
    assert not found, f"{len(found)} of {number} differ:\n" + "\n".join(found[:9])


def test_as_a_server_answers_now(
    embedded: EmbeddedDatabase, engine: str, shared_database: Database
) -> None:
    """More of them with ``JFR_FUZZ_COMPARISONS``, as `make chaos` has it; other ones each time."""
    if engine == "embedded":
        pytest.skip("the embedded engine has nothing to compare itself with")
    first = int.from_bytes(os.urandom(4), "big")
    found: list[str] = []
    for seed in range(first, first + LIVE_SCENES):
        asked = scene(seed)
        collection = shared_database.collection("questions")
        collection.drop()
        server = list(answers(collection, asked["questions"], asked["documents"]))
        found += [f"seed {seed}: {text}" for text in differences(embedded, asked, server)]
    number = LIVE_SCENES * QUESTIONS
    print(f"{number} random questions, {len(found)} answered otherwise than by the server")
    assert not found, f"{len(found)} of {number} differ:\n" + "\n".join(found[:5])


def record() -> None:
    """Ask a server, and write what it says beside this file."""
    name = "jfr_test_recording"
    uri = os.environ["JFR_TEST_MONGO_URI"]
    database = open_store(
        {"type": "MongoURIStore", "uri": uri, "database": name, "collection_name": "x"}
    ).database
    scenes = []
    for seed in range(SCENES):
        asked = scene(seed)
        collection = database.collection("questions")
        collection.drop()
        said = list(answers(collection, asked["questions"], asked["documents"]))
        scenes.append(bson.encode({**asked, "answers": said}))
    collection.drop()
    database.close()
    RECORDED.write_bytes(lzma.compress(b"".join(scenes), preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    record()
