"""Which error is which exit status, and what is written."""

from __future__ import annotations

import json

import pytest

from controller import errors
from jfr_cli.app import UsageError, run
from jfr_cli.errors import EXIT_CODES, exit_code, report, report_usage


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ControllerError("x"), 1),
        (errors.RemoteError("x"), 1),
        (errors.StorageError("x"), 1),
        (errors.StorageFormatError("x"), 1),
        (errors.MissingDocumentError("x"), 1),
        (errors.SubmissionError("x"), 1),
        (errors.ConfigError("x"), 1),
        (errors.ArgumentError("x"), 2),
        (errors.FilterError("x"), 2),
        (errors.TooManyError("x", number=3, limit=2), 1),
        (errors.UnsupportedOperationError("x"), 2),
        (errors.ProjectUndefinedError("x"), 3),
        (errors.ProjectParsingError("x"), 3),
        (errors.JobNotFoundError("x"), 3),
        (errors.FlowNotFoundError("x"), 3),
        (errors.BatchNotFoundError("x"), 3),
        (errors.StorageUnavailableError("x"), 4),
        (errors.StorageBusyError("x"), 4),
        (errors.JobLockedError("x"), 6),
        (errors.FlowLockedError("x"), 6),
        (errors.RunnerLockedError("x"), 6),
        (errors.LockLostError("x"), 6),
        (errors.StateError("x"), 6),
        (errors.RunningRunnerError("x"), 6),
        (errors.JobFailedError("x"), 7),
    ],
)
def test_exit_codes(error: errors.ControllerError, code: int) -> None:
    assert exit_code(error) == code
    assert code in EXIT_CODES


def test_a_refusal_after_something_was_done_is_done_in_part() -> None:
    lost, away = errors.LockLostError("x"), errors.StorageUnavailableError("x")
    lost.done = away.done = ["1"]
    assert (exit_code(lost), exit_code(away)) == (5, 4)


def test_an_error_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(errors.JobNotFoundError("no job 9", hint="jf job list"), as_json=False) == 3
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err == "jf: no job 9\n    jf job list\n"


def test_an_error_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    report(errors.JobNotFoundError("no job 9", hint="jf job list"), as_json=True)
    seen = capsys.readouterr()
    assert seen.out == ""
    assert json.loads(seen.err) == {
        "error": {"code": 3, "message": "no job 9", "hint": "jf job list"}
    }


@pytest.mark.parametrize("as_json", [True, False])
def test_wrong_usage_is_told_in_the_same_way(
    capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    assert report_usage(UsageError("No such option: --foo."), as_json=as_json) == 2
    seen = capsys.readouterr()
    assert seen.out == ""
    assert "No such option: --foo" in seen.err
    assert len(seen.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("jobb list", "there is no command 'jobb': did you mean job?"),
        ("job lst", "there is no command 'lst': did you mean list?"),
        (
            "flow pause -fid 2",
            "there is no command 'pause': did you mean `jf job pause` or `jf runner pause`?",
        ),
        (
            "report",
            "there is no command 'report': did you mean `jf job report` or `jf flow report`?",
        ),
        ("job list --stat X", "there is no option --stat: did you mean --state?"),
        ("job list --db-idd=3", "there is no option --db-idd: did you mean --db-id?"),
        ("job list -dd 3", "there is no option -dd: did you mean -did?"),
        ("job list --utterly-other", "there is no option --utterly-other"),
        ("--projct x job list", "there is no option --projct: did you mean --project?"),
    ],
)
def test_the_nearest_name_is_suggested(
    words: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["jf", *words.split()])
    assert run() == 2
    assert capsys.readouterr().err.splitlines()[0] == f"jf: {message}"


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        ("flow delete 41", "41", "give an id with its option: -fid 41"),
        ("job set priority 3 41", "41", "give an id with its option: -did 41"),
        ("project list x y", "x y", "see `jf project list --help`"),
    ],
)
def test_an_id_where_there_is_no_place_for_one(
    words: str,
    message: str,
    hint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["jf", *words.split()])
    assert run() == 2
    said = capsys.readouterr().err.splitlines()
    assert said == [f"jf: unexpected argument: {message}", f"    {hint}"]
