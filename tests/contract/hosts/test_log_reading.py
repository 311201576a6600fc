"""The ends of logs and what is added to them, on every kind of host."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.hosts import Host
from controller.operations.logs import LogPart, LogReader

OUT, ERR, ODD = "queue.out", "queue.err", "it's \u00e5 log"


def test_a_log_is_read_from_where_the_last_reading_ended(host: Host, tmp_path: Path) -> None:
    folder = tmp_path / "run dir"
    reader = LogReader(host, folder, [OUT, ERR, ODD], lines=2)
    assert reader.read() == []
    folder.mkdir()
    (folder / OUT).write_text("one\ntwo\nthree\n")
    (folder / ODD).write_bytes("\u00e5".encode()[:1])
    assert reader.read() == [LogPart(OUT, "two\nthree\n", 4)]
    assert reader.missing == [ERR]
    assert reader.read() == []
    with (folder / OUT).open("a") as stream:
        stream.write("four")
    (folder / ERR).write_bytes(b"\xff=0 1 2\n")
    with (folder / ODD).open("ab") as stream:
        stream.write("\u00e5\n".encode()[1:])
    assert reader.read() == [
        LogPart(OUT, "four"),
        LogPart(ERR, "\ufffd=0 1 2\n"),
        LogPart(ODD, "\u00e5\n"),
    ]
    assert reader.missing == []
    (folder / OUT).write_text("new\n")  # the next attempt begins a new file
    assert reader.read() == [LogPart(OUT, "new\n")]


def test_of_a_large_log_only_the_end_is_read(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.operations.logs._MOST", 100)
    (tmp_path / OUT).write_text("".join(f"{n:09d}\n" for n in range(1000)))
    reader = LogReader(host, tmp_path, [OUT], lines=50)
    (part,) = reader.read()
    assert part.text.splitlines() == [f"{n:09d}" for n in range(991, 1000)]
    assert part.left_out == 9910
    with (tmp_path / OUT).open("a") as stream:
        stream.write("x" * 150)
    assert [p.text for p in reader.read()] == ["x" * 100]
    assert [p.text for p in reader.read()] == ["x" * 50]
