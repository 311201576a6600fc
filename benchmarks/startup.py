"""How long `jf` takes to begin, against an empty Typer program with as many groups.

TAB is pressed in bash, with the script that is shipped and with the one that Typer installs. Both
programs are started in turn, in the same run, so that a busy machine slows both alike; the median
of the ratios counts. ``python benchmarks/startup.py [REPEATS]``
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from measuring import (
    JF,
    PYTHON,
    Project,
    Table,
    filled_project,
    run,
    seconds,
)

from jfr_cli.app import GROUPS

YARDSTICK = """
import typer
app = typer.Typer()
for name in {groups!r}:
    group = typer.Typer(help="Nothing.")
    @group.command("list")
    def first(state: str = "") -> None:
        "Nothing."
    @group.command("info")
    def second() -> None:
        "Nothing."
    app.add_typer(group, name=name)
app(prog_name="yardstick")
"""
LIMIT = 1.4
JOBS = 10_000
ID_LIMIT = 2.0
PRESS = """
. "$1"
COMP_LINE="$3" COMP_POINT=${#3}
IFS=' ' read -ra COMP_WORDS <<<"$3"
[[ $3 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
"$2" "${3%% *}"
"""
"""What bash does on TAB: $1 the script, $2 its function, $3 the line."""
TYPERS_SCRIPT = """
_yardstick() {
    local IFS=$'\\n'
    COMPREPLY=( $( env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \\
                   _YARDSTICK_COMPLETE=complete_bash $1 ) )
}
"""
"""As Typer installs it."""


def press(script: Path, function: str, line: str, env: Mapping[str, str]) -> None:
    run("bash", "--norc", "-c", PRESS, "press", str(script), function, line, env=env)


def beginnings(table: Table, folder: Path, made: Project, repeats: int) -> None:
    script, typers = folder / "yardstick", folder / "yardstick.bash"
    code = YARDSTICK.format(groups=list(GROUPS))
    script.write_text(f"#!{PYTHON}\n{code}", encoding="utf-8")
    script.chmod(0o755)
    typers.write_text(TYPERS_SCRIPT, encoding="utf-8")
    path = os.pathsep.join([str(folder), str(Path(JF).parent), os.environ["PATH"]])
    env = {**made.env, "PATH": path}
    ours = Path(__file__).parents[1] / "completions" / "jf.bash"
    cases: dict[str, tuple[Callable[[], object], Callable[[], object], float]] = {}
    for words in ("--help", "job --help", "job list --help", "--version"):
        # It has no --version: an empty program that says anything is one that says its help.
        said = "--help" if words == "--version" else words
        cases[f"jf {words}"] = (
            partial(run, JF, *words.split(), env=env),
            partial(run, str(script), *said.split(), env=env),
            LIMIT,
        )
    for what, line, limit in (
        ("a group", "jo", LIMIT),
        ("a command", "job li", LIMIT),
        ("a flag", "job list --sta", LIMIT),
        ("a state", "job list --state R", LIMIT),
        ("a worker", "job list --worker l", LIMIT),
        ("a project", "--project j", LIMIT),
        (f"a job id, {JOBS} jobs", "job info ", ID_LIMIT),
        (f"a job's db_id, {JOBS} jobs", "job list --db-id 12", ID_LIMIT),
        (f"a job's uuid, {JOBS} jobs", "job list --job-id a", ID_LIMIT),
        (f"a flow id, {JOBS} jobs", "flow info ", ID_LIMIT),
    ):
        cases[f"TAB on {what}"] = (
            partial(press, ours, "_jf", f"jf {line}", env),
            partial(press, typers, "_yardstick", f"yardstick {line}", env),
            limit,
        )
    for name, (jf, empty, limit) in cases.items():
        pairs = [(seconds(jf), seconds(empty)) for _ in range(repeats)]
        ratio = statistics.median(a / b for a, b in pairs)
        ours_ms, empty_ms = (1000 * statistics.median(side) for side in zip(*pairs))
        table.row(name, ratio, limit, "x", f"{ours_ms:.0f} ms, empty program {empty_ms:.0f} ms")


def main() -> int:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    table = Table("start of the command line")
    with filled_project(JOBS) as (made, folder):
        beginnings(table, folder, made, repeats)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
