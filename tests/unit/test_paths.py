"""Whatever a name is, the path made of it stays inside its folder."""

from __future__ import annotations

import os
import random
import string
from pathlib import Path

import pytest

from controller.errors import ArgumentError, ConfigError, RemoteError
from controller.execution.files import batch_dir_path, run_dir_path, store_file_names
from controller.paths import below, inside, name_problem, run_dir

GOOD = ["a", "a b", "-rf", "..a", "a..", "...", ".hidden", "ä", "\udcff", "x" * 255, "a;rm", "~"]
BAD = {
    "": "empty",
    ".": "means a folder",
    "..": "means a folder",
    "a/b": "slash",
    "/": "slash",
    "../x": "slash",
    "/etc/passwd": "slash",
    "a\0b": "control",
    "a\nb": "control",
    "a\x1b[2J": "control",
    "a\x7f": "control",
    "\ud800": "Unicode",
    "x" * 256: "255",
    "ä" * 128: "255",
}


@pytest.mark.parametrize("name", GOOD)
def test_names_of_files(name: str) -> None:
    assert name_problem(name) is None
    assert inside("/base", name, "x").parent == Path("/base", name)
    assert below("/base", f"sub/./{name}") == Path("/base/sub", name)


@pytest.mark.parametrize("name", BAD)
def test_what_names_no_file(name: str) -> None:
    assert BAD[name] in str(name_problem(name))
    with pytest.raises(ArgumentError, match="cannot name a file"):
        inside("/base", name)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "the folder itself"),
        (".", "the folder itself"),
        ("./.", "the folder itself"),
        ("/etc/passwd", "an absolute path"),
        ("//etc", "an absolute path"),
        ("..", "'..' cannot name"),
        ("a/../../b", "'..' cannot name"),
        ("a/\0", "control"),
    ],
)
def test_paths_that_lead_elsewhere(path: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        below("/base", path)


@pytest.mark.parametrize(
    "uuid", ["ab....", "....", "..-..-..", "ab--..-x", "../..", "a\n", "", "."]
)
def test_ids_that_lead_out_of_the_work_dir(uuid: str) -> None:
    for make in (lambda: run_dir_path("/work", uuid, 1), lambda: batch_dir_path("/work", uuid)):
        with pytest.raises(RemoteError, match="cannot be used as the name of a folder") as caught:
            make()
        assert caught.value.no_retry
    if uuid:
        with pytest.raises(ArgumentError):
            run_dir("/work", uuid, uuid)


@pytest.mark.parametrize("name", ["a/b", "../../x", "a\0b", "a\nb", "x" * 250])
def test_names_of_stores_that_name_no_file(name: str) -> None:
    with pytest.raises(ConfigError, match=r"the additional store .* cannot be part of a file name"):
        store_file_names({name}, "maggma_json", zip_files=False)


def test_extensions_that_name_no_file() -> None:
    with pytest.raises(ConfigError, match="the extension '/x'"):
        store_file_names({}, {"@class": "S"}, zip_files=False, extension="/x")


def test_no_random_text_leads_out() -> None:
    chosen = random.Random(5)
    letters = "..//-_ab\0\n ~" + string.ascii_letters
    makers = (
        lambda text: inside("/base/x", text),
        lambda text: below("/base/x", text),
        lambda text: run_dir("/base/x", text, text),
        lambda text: run_dir_path("/base/x", text, 1),
        lambda text: batch_dir_path("/base/x", text),
    )
    made = 0
    for _ in range(20_000):
        text = "".join(chosen.choices(letters, k=chosen.randrange(12)))
        for make in makers:
            try:
                path = os.path.normpath(make(text))
            except (ArgumentError, RemoteError):
                continue
            made += 1
            assert path.startswith("/base/x/"), text
            assert "\0" not in path
    assert made > 10_000
