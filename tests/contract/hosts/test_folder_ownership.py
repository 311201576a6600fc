"""A run directory belongs to one attempt, and only what means that attempt changes it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.errors import LockLostError, RemoteError
from controller.execution.files import IN_FILE
from controller.hosts import Host, claims, ownership
from controller.hosts.claims import claim_folder
from controller.hosts.ownership import REMOVED_FILE, Found, owner_file, owners_of
from controller.hosts.removal import remove_folder
from controller.operations.cleanup import claim_run_dir, remove_run_dir

PUT = {IN_FILE: b"stale"}
KNOWN = (IN_FILE, f"{IN_FILE}.gz")


def yes() -> None:
    """Confirm that the caller still holds the job."""


def lost() -> None:
    raise LockLostError("somebody else has the job")


def loses_later() -> Callable[[], None]:
    """Confirm once, and not again."""
    answers = iter([yes])
    return lambda: next(answers, lost)()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "it's a $(touch never) \N{GREEK SMALL LETTER ALPHA}" / "-run"


def begin(host: Host, folder: Path, token: str) -> Callable[[str | None], Found | None]:
    put = {IN_FILE: token.encode()}
    return lambda owner: claim_folder(host, folder, token, owner, forget=("jfr_started",), put=put)


def claim(host: Host, folder: Path, token: str, before: str | None = None) -> None:
    claim_run_dir(host, folder, begin(host, folder, token), confirm=yes, before=before)


def owners(host: Host, folder: Path) -> list[str]:
    return owners_of(host.listdir(folder))


def listed(host: Host, folder: Path) -> list[str]:
    return host.listdir(folder)


def test_a_folder_is_claimed_and_removed(host, folder):
    claim(host, folder, "one")
    assert listed(host, folder) == [owner_file("one"), IN_FILE]
    assert owners(host, folder) == ["one"]
    assert host.read_bytes(folder / IN_FILE) == b"one"
    assert remove_run_dir(host, folder, confirm=yes, token="one")
    assert not host.exists(folder)
    assert not remove_run_dir(host, folder, confirm=yes, token="one")


def test_the_next_attempt_may_keep_the_files(host, folder):
    claim(host, folder, "one")
    for name in ("kept", "jfr_started"):
        host.write_bytes(folder / name, b"1")
    claim(host, folder, "two", before="one")
    assert listed(host, folder) == [owner_file("two"), IN_FILE, "kept"]
    assert (owners(host, folder), host.read_bytes(folder / IN_FILE)) == (["two"], b"two")


def test_a_claim_that_was_carried_out_may_be_made_again(host, folder):
    for _ in range(2):
        claim(host, folder, "one", before="none")
    assert listed(host, folder) == [owner_file("one"), IN_FILE]


def test_a_folder_without_an_owner_is_adopted_with_its_files(host, folder):
    host.mkdir(folder)
    host.write_bytes(folder / "mine", b"")
    claim(host, folder, "one")
    assert listed(host, folder) == [owner_file("one"), IN_FILE, "mine"]


def test_nobody_takes_what_he_does_not_expect(host, folder):
    claim(host, folder, "two")
    host.write_bytes(folder / "result", b"")
    assert claim_folder(host, folder, "old", "one", forget=(IN_FILE,), put=PUT) == Found("two")
    assert remove_folder(host, folder, "one", known_by=KNOWN) == Found("two")
    assert remove_folder(host, folder, None, known_by=KNOWN) == Found("two")
    assert listed(host, folder) == [owner_file("two"), IN_FILE, "result"]
    assert host.read_bytes(folder / IN_FILE) == b"two"


@pytest.mark.parametrize("confirm", [lost, None], ids=["at once", "later"])
def test_who_lost_the_job_changes_nothing(host, folder, confirm):
    claim(host, folder, "two")
    with pytest.raises(LockLostError):
        remove_run_dir(host, folder, confirm=confirm or loses_later(), token="one")
    old = begin(host, folder, "old")
    with pytest.raises(LockLostError):
        claim_run_dir(host, folder, old, confirm=confirm or loses_later(), before="one")
    assert listed(host, folder) == [owner_file("two"), IN_FILE]
    assert host.read_bytes(folder / IN_FILE) == b"two"


def test_who_still_holds_the_job_takes_what_an_interrupted_attempt_left(host, folder):
    claim(host, folder, "left by a runner that died")
    claim(host, folder, "two", before="one")
    assert owners(host, folder) == ["two"]
    assert remove_run_dir(host, folder, confirm=yes, token="one")
    assert not host.exists(folder)


@pytest.mark.parametrize("name", KNOWN)
def test_a_folder_of_an_older_version_is_known_by_its_input(host, folder, name):
    host.mkdir(folder / "deep")
    host.write_bytes(folder / name, b"{}")
    assert remove_run_dir(host, folder, confirm=yes)
    assert not host.exists(folder)


def test_a_folder_of_somebody_else_stays(host, folder):
    host.mkdir(folder)
    host.write_bytes(folder / ".thesis", b"")
    with pytest.raises(RemoteError, match="contains no jfremote_in") as caught:
        remove_run_dir(host, folder, confirm=yes, token="one")
    assert caught.value.no_retry
    assert listed(host, folder) == [".thesis"]


def test_an_empty_folder_goes(host, folder):
    host.mkdir(folder)
    assert remove_run_dir(host, folder, confirm=yes)
    assert not host.exists(folder)


def test_a_removal_that_was_interrupted_is_finished_by_anybody(host, folder):
    host.mkdir(folder / "deep")
    host.write_bytes(folder / REMOVED_FILE, b"one\n")
    host.write_bytes(folder / "rest", b"")
    assert remove_run_dir(host, folder, confirm=yes, token="another")
    assert not host.exists(folder)


def test_a_folder_that_is_being_removed_is_never_used_again(host, folder):
    host.mkdir(folder)
    for name in (REMOVED_FILE, "rest"):
        host.write_bytes(folder / name, b"")
    found = claim_folder(host, folder, "two", "one", forget=(), put=PUT)
    assert found == Found(is_removed=True)
    assert listed(host, folder) == [REMOVED_FILE, "rest"]
    claim(host, folder, "two")
    assert listed(host, folder) == [owner_file("two"), IN_FILE]


def test_odd_names_go_too_and_links_take_nothing_with_them(host, folder, tmp_path):
    claim(host, folder, "one")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").touch()
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("-rf", "..odd", ".hidden", "new\nline", "*", "a b"):
        (folder / name).touch()
    assert remove_run_dir(host, folder, confirm=yes, token="one")
    assert not folder.exists()
    assert (tmp_path / "outside" / "kept").exists()


def test_a_link_to_another_disk_goes_with_the_folder_that_it_means(host, folder, tmp_path):
    claim(host, folder, "one")
    disk = tmp_path / "big disk"
    folder.rename(disk)
    folder.symlink_to(disk)
    (disk / "WAVECAR").touch()
    assert remove_run_dir(host, folder, confirm=yes, token="one")
    assert not folder.is_symlink()
    assert not disk.exists()
    claim(host, folder, "two")
    assert not folder.is_symlink()


def test_a_link_to_what_is_not_ours_and_one_to_nothing(host, folder, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    (disk / "thesis").touch()
    folder.parent.mkdir(parents=True)
    folder.symlink_to(disk)
    with pytest.raises(RemoteError):
        remove_run_dir(host, folder, confirm=yes)
    (disk / "thesis").unlink()
    disk.rmdir()
    assert remove_run_dir(host, folder, confirm=yes)
    assert not folder.is_symlink()


def test_a_file_in_the_way_is_an_error_of_the_worker(host, folder):
    host.mkdir(folder.parent)
    host.write_bytes(folder, b"")
    with pytest.raises(RemoteError):
        remove_run_dir(host, folder, confirm=yes)


def test_of_many_at_once_one_has_the_folder(host, folder):
    claim(host, folder, "first")
    outcomes: dict[str, object] = {}

    def work(token: str) -> None:
        outcomes[token] = begin(host, folder, token)("first")

    threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    (winner,) = [token for token, outcome in outcomes.items() if outcome is None]
    assert listed(host, folder) == [owner_file(winner), IN_FILE]
    assert host.read_bytes(folder / IN_FILE).decode() == winner


def test_a_claim_sees_a_removal_whatever_it_is_called_meanwhile(host, folder, monkeypatch):
    """Between two looks of a claim that keeps files, the owner file of a removal is renamed."""
    host.mkdir(folder)
    host.write_bytes(folder / IN_FILE, b"")
    looks = r"""
    another() {
      for f in "$mark".*; do
        [ "$f" = "$mark.$me" ] || [ ! -e "$f" ] || { owner=${f#"$mark."}; return 0; }
      done
      [ -e .looked ] || { : > .looked; : > "$mark.removal-1"; }
      return 1
    }
    again() {
      [ ! -e .looked ] || mv -f "$mark.removal-1" "$gone" 2>/dev/null
      another
    }
    """
    claim = claims._CLAIM.replace("! another", "! again")
    monkeypatch.setattr(ownership, "SHARED", looks)
    monkeypatch.setattr(claims, "_CLAIM", claim)
    found = claim_folder(host, folder, "one", None, forget=(), put={"new": b""})
    assert found is not None
    assert owner_file("one") not in listed(host, folder)
    assert "new" not in listed(host, folder)
