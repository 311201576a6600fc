"""Many pieces of shell in one round trip, on every kind of host."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.errors import RemoteError
from controller.hosts import Host
from controller.hosts.base import CommandResult
from controller.hosts.bundles import run_pieces
from controller.hosts.claims import Claim, LeftAlone, claim_folder, claim_folders


def test_each_piece_has_an_output_and_a_status_of_its_own(host: Host, tmp_path: Path) -> None:
    folder = tmp_path / "it's a folder"
    pieces = [
        "printf 'no newline'",
        "echo out; echo err >&2; exit 3",
        f"cd '{tmp_path}' && pwd; x=1",
        'say "${x-unset}"',
        "cat",
        *[f"echo {n}" for n in range(60)],
    ]
    found = run_pieces(
        host, pieces, define='say() { echo "said $1"; }', write={folder / "file": b"content"}
    )
    assert found[:5] == [
        CommandResult("no newline", "", 0),
        CommandResult("out\n", "err\n", 3),
        CommandResult(f"{tmp_path}\n", "", 0),
        CommandResult("said unset\n", "", 0),
        CommandResult("", "", 0),
    ]
    assert [piece.stdout for piece in found[5:] if piece] == [f"{n}\n" for n in range(60)]
    assert (folder / "file").read_bytes() == b"content"


def test_pieces_after_a_certain_status_are_left_out(host: Host) -> None:
    found = run_pieces(host, ["exit 1", "exit 82", "echo no"], stop_at=82)
    assert [piece and piece.returncode for piece in found] == [1, 82, None]


def test_no_piece_runs_where_files_cannot_be_written(host: Host, tmp_path: Path) -> None:
    (tmp_path / "in the way").touch()
    with pytest.raises(RemoteError):
        run_pieces(
            host,
            [f"touch '{tmp_path}/ran'"],
            write={tmp_path / "in the way" / "x": b"", tmp_path / "good": b""},
        )
    assert not (tmp_path / "ran").exists()


def test_folders_are_claimed_together_and_each_by_itself(host: Host, tmp_path: Path) -> None:
    """One belongs to another attempt, in one something has begun: both are left as they are."""
    new, ours, others, begun = (tmp_path / name for name in ("new", "it's ours", "others", "begun"))
    for folder, owner in ((ours, "t1"), (others, "t9"), (begun, "t1")):
        claim_folder(host, folder, owner, None, forget=(), put={"in": b"old"})
    (begun / "jfr_started").touch()
    (ours / "old").touch()
    claims = [
        Claim(folder, f"new{n}", "t1", {"in": b"new"})
        for n, folder in enumerate((new, ours, others, begun))
    ]
    done = claim_folders(
        host, claims, forget=["old"], unless=LeftAlone("jfr_started", "jfr_exit", "none")
    )
    assert done == [True, True, False, False]
    assert [(f / "in").read_bytes() for f in (new, ours, others, begun)] == [
        b"new", b"new", b"old", b"old",
    ]  # fmt: skip
    assert not (ours / "old").exists()
    names = {f.name: sorted(p.name for p in f.iterdir()) for f in (ours, others, begun)}
    assert names == {
        "it's ours": ["in", "jfr_owner.new1"],
        "others": ["in", "jfr_owner.t9"],
        "begun": ["in", "jfr_owner.t1", "jfr_started"],
    }


def test_many_folders_are_fetched_together(host: Host, tmp_path: Path) -> None:
    """Small files, large ones, empty ones and those that are not there; awkward names."""
    wanted, there = {}, []
    for number in range(40):
        folder = tmp_path / "far" / f"job {number}"
        folder.mkdir(parents=True)
        for name, content in {"a b": b"x" * number, "it's": b"\n\njfr", "empty": b""}.items():
            (folder / name).write_bytes(content)
            there.append(folder / name)
        for name in ("a b", "missing", "it's", "empty"):
            wanted[folder / name] = tmp_path / "here" / str(number) / name
    large = tmp_path / "far" / "job 7" / "large"
    large.write_bytes(bytes(range(256)) * 10_000)
    wanted[large] = tmp_path / "here" / "large"
    found = host.fetch(wanted)
    assert sorted(found) == sorted([*there, large])
    for source in found:
        assert wanted[source].read_bytes() == source.read_bytes()
    assert not list((tmp_path / "here").rglob("*.part"))
