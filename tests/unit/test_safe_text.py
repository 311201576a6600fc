"""Texts that others chose do no harm where they are shown."""

from __future__ import annotations

import csv
import io
import json
import logging

import pytest
from ruamel.yaml import YAML

from controller.runner.logs import _Lines
from controller.safe_text import (
    escaped_json,
    harmless,
    is_harmless,
    log_text,
    one_line,
    table_cell,
)
from jfr_cli.console import print_data, print_renderable, say, status
from jfr_cli.errors import report_end
from jfr_cli.options import FORMATS
from jfr_cli.output import print_lines, show_rows
from jfr_cli.render.schemas import text
from jfr_cli.render.tables import Column, TableSpec
from jfr_cli.session import CURRENT

NASTY = {
    "clears the screen": "a\x1b[2Jb",
    "colours": "a\x1b[31mb",
    "is concealed": "a\x1b[8mb\x1b[0m",
    "renames the window": "a\x1b]0;title\x07b",
    "8-bit escape": "a\x9b2Jb",
    "goes back": "good\rbad",
    "rings": "a\x07\x08b",
    "NUL": "a\0b",
    "DEL": "a\x7fb",
    "next line": "a\x85b",
    "right to left": "a\u202egnp.exe",
    "isolates": "a\u2066b\u2069",
    "mark": "a\u200fb",
    "line separator": "a\u2028b\u2029c",
    "tags": "a\U000e0041b",
    "half a letter": "a\ud800b",
    "no letter": "a\uffffb",
}
FORGED = "job\n2026-01-01 00:00:00,000 [ERROR] ID 1 controller: all is lost"
MARKUP = "[red]x[/red] [link=http://e]y[/link] :skull:"
FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "=cmd|' /C calc'!A0",
    " =1",
    "\uff1d1",
]
FINE = ["", "a b", "Grüße", "日本", "😀", "👩\u200d💻", "a\tb\nc", "NaCl (fcc)"]

SPEC = TableSpec(
    "thing",
    "A thing.",
    {"db_id": text("Id."), "name": text("Name.")},
    columns=(Column("db_id", "DB id"), Column("name", "Name", wraps=True)),
)


def shown(form: str, name: str, capsys: pytest.CaptureFixture[str], color: str = "auto") -> str:
    CURRENT.output_format, CURRENT.color, CURRENT.columns = form, color, None
    try:
        show_rows([{"db_id": name, "name": name}], SPEC)
    finally:
        CURRENT.output_format, CURRENT.color = "table", "auto"
    return capsys.readouterr().out


@pytest.mark.parametrize("name", FINE)
def test_what_is_harmless_stays(name: str) -> None:
    assert is_harmless(name)
    assert harmless(name) == name
    assert table_cell(name) == name
    assert escaped_json(json.dumps(name, ensure_ascii=False)) == json.dumps(
        name, ensure_ascii=False
    )


@pytest.mark.parametrize("name", NASTY.values(), ids=NASTY)
def test_what_is_harmful_goes(name: str) -> None:
    assert not is_harmless(name)
    assert is_harmless(harmless(name))
    assert len(harmless(name)) == len(name)
    assert is_harmless(one_line(name))
    assert is_harmless(table_cell(name))
    made = escaped_json(json.dumps(name, ensure_ascii=False))
    assert is_harmless(made)
    assert json.loads(made) == name


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", [*NASTY.values(), FORGED, MARKUP], ids=[*NASTY, "lines", "markup"])
def test_every_format_shows_it_harmless(
    form: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = shown(form, name, capsys)
    assert is_harmless(out), out
    if form in ("json", "ndjson"):
        (row,) = json.loads(out) if form == "json" else [json.loads(out)]
        assert row["name"] == name, "scripts get what it is"
    if form == "yaml" and "\ud800" not in name:
        assert YAML(typ="safe").load(out)[0]["name"] == name
    if form == "csv":
        assert len(list(csv.reader(io.StringIO(out)))) == 2
    if form in ("name", "ndjson", "count"):
        assert out.count("\n") == 1
    if form == "table" and name == MARKUP:
        assert MARKUP in out


@pytest.mark.parametrize("name", NASTY.values(), ids=NASTY)
def test_colours_come_from_us_only(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = shown("table", name, capsys, color="always")
    ours = shown("table", harmless(name), capsys, color="always")
    assert out == ours


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_is_a_formula(formula: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.reader(io.StringIO(shown("csv", formula, capsys))))
    assert rows[1][1].startswith("'")


@pytest.mark.parametrize("number", ["-1", "+2.5", "-1e-5", "12", "-.5"])
def test_numbers_are_no_formulas(number: str) -> None:
    assert table_cell(number) == number


@pytest.mark.parametrize("name", [*NASTY.values(), FORGED], ids=[*NASTY, "lines"])
def test_messages_are_harmless(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    say(f"jf: {name}")
    report_end(1, name, as_json=False)
    report_end(1, name, as_json=True)
    print_lines([name, name])
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    print_data(name)
    print_renderable(name.replace("[", r"\["), "never")
    out, err = capsys.readouterr()
    assert is_harmless(out)
    assert is_harmless(err)
    assert json.loads(err.splitlines()[-1])["error"]["message"] == name
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    status(name)
    assert is_harmless(capsys.readouterr().err.removeprefix("\r").removesuffix("\x1b[K"))


def test_data_for_programs_is_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    print_data("a\x1b[31mb")
    assert capsys.readouterr().out == "a\x1b[31mb\n"


@pytest.mark.parametrize("name", [*NASTY.values(), FORGED], ids=[*NASTY, "lines"])
def test_no_name_looks_like_a_line_of_the_log(name: str) -> None:
    record = logging.LogRecord("controller", 20, "", 0, "%s has ended", (name,), None)
    lines = _Lines("%(asctime)s %(message)s").format(record).split("\n")
    assert all(line.startswith("    ") for line in lines[1:])
    assert is_harmless("\n".join(lines))
    assert log_text(name) == log_text(harmless(name))
