"""Which command lines are answered before the full parser is imported."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from controller import __version__
from jfr_cli import main as entry


@pytest.fixture
def called(monkeypatch):
    """Where the command line went: ("run", DIR), ("app",)."""
    import controller.execution.run

    calls: list[tuple[str, ...]] = []

    def run(run_dir: str = ".") -> int:
        calls.append(("run", str(run_dir)))
        return 0

    class App:
        @staticmethod
        def run() -> int:
            calls.append(("app",))
            return 0

    monkeypatch.setattr(controller.execution.run, "run_remote_job", run)
    monkeypatch.setitem(sys.modules, "jfr_cli.app", App)

    def call(*words: str) -> list[tuple[str, ...]]:
        monkeypatch.setattr(sys, "argv", ["jf", *words])
        with pytest.raises(SystemExit) as ended:
            entry.main()
        assert not ended.value.code
        return calls

    return call


@pytest.mark.parametrize(
    ("words", "went"),
    [
        (["execution", "run", "/a dir"], ("run", "/a dir")),
        (["execution", "run"], ("run", ".")),
        (["-fe", "execution", "run", "/d"], ("run", "/d")),
        (["--full-exc", "-p", "mine", "execution", "run", "/d"], ("run", "/d")),
        (["--project", "mine", "-fe", "execution", "run", "/d"], ("run", "/d")),
        (["execution", "run", "--help"], ("app",)),
        (["execution", "run-batch", "/d"], ("app",)),
        (["execution"], ("app",)),
        (["job", "list"], ("app",)),
        (["-p"], ("app",)),
        ([], ("app",)),
        (["--version", "--json"], ("app",)),
    ],
)
def test_where_a_command_line_goes(called, words, went):
    assert called(*words) == [went]


def test_the_version_is_printed_without_the_parser(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["jf", "--version"])
    monkeypatch.delitem(sys.modules, "jfr_cli.app", raising=False)
    entry.main()
    assert capsys.readouterr().out.splitlines()[0] == f"jfr {__version__}"
    assert "jfr_cli.app" not in sys.modules


def test_the_entry_point_imports_nothing_at_the_top():
    source = Path(entry.__file__).read_text()
    imported = [line for line in source.splitlines() if line.startswith(("import ", "from "))]
    # Python has imported os and sys before any program begins.
    assert imported == ["from __future__ import annotations", "import os", "import sys"]
