"""How long `jf` takes to begin, against an empty Typer program with as many groups; and lists.

TAB is pressed in bash, with the script that is shipped and with the one that Typer installs. Both
programs are started in turn, in the same run, so that a busy machine slows both alike; the median
of the ratios counts. A list of 10,000 jobs is measured by the import of typer: 0.6 s where that
takes 0.1 s, and 2 s for all of them as JSON. ``python benchmarks/startup.py [REPEATS]``
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from measuring import (
    JF,
    PYTHON,
    Project,
    Table,
    controller_of,
    in_turn,
    populate,
    project,
    run,
    scratch,
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
LIST_LIMIT = 6.0
"""Times a Python that imports typer."""
JSON_LIMIT = 20.0
"""Times a Python that imports typer."""
ID_LIMIT = 2.0
AWAY = """
name: away
base_dir: {folder}
workers: {{}}
jobstore: {{docs_store: {{type: MemoryStore}}}}
queue:
  store: {{type: MongoStore, host: {host}, port: 9, database: x, collection_name: jobs}}
"""


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


def job_list(table: Table, made: Project, repeats: int) -> None:
    taken = in_turn(
        {
            "list": lambda: made.jf("job", "list"),
            "json": lambda: made.jf("job", "list", "--json", "-m", "0"),
            "typer": lambda: run(PYTHON, "-c", "import typer"),
        },
        repeats,
    )
    typer = taken["typer"]
    for what, name, limit in (
        (f"jf job list, {JOBS} jobs in the database", "list", LIST_LIMIT),
        (f"all {JOBS} jobs as JSON", "json", JSON_LIMIT),
    ):
        by = f"{limit:.0f} x python -c 'import typer' ({typer:.3f} s)"
        table.row(what, taken[name], limit * typer, "s", by)


def unreachable(table: Table, made: Project) -> None:
    """How long until `jf` says that the server does not answer: one refuses, one is silent."""
    for what, host in (("refuses", "127.0.0.1"), ("is silent", "10.255.255.1")):
        folder = made.file.parent / what.replace(" ", "_")
        folder.mkdir()
        (folder / "away.yaml").write_text(AWAY.format(folder=folder, host=host))
        env = {**os.environ, **made.env, "JFREMOTE_PROJECTS_FOLDER": str(folder)}
        for doing, command, more, code, limit in (
            ("jf job list", [JF, "job", "list"], {}, 4, 5.0),
            ("TAB on a job id", [JF], {"_JF_OFFER": "jobs"}, 0, 2.0),
        ):
            start = time.perf_counter()
            done = subprocess.run(command, env={**env, **more}, capture_output=True, text=True)
            taken = time.perf_counter() - start
            if done.returncode != code:
                raise SystemExit(f"exit {done.returncode} instead of {code}: {done.stderr}")
            table.row(f"{doing} where a server {what}", taken, limit, "s", "absolute")


def main() -> int:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    table = Table("start of the command line")
    with scratch() as folder, project("embedded", folder) as made:
        path = made.file.with_suffix("") / "queue.sqlite"
        spec = {"type": "EmbeddedStore", "path": str(path), "collection_name": "jobs"}
        with controller_of(spec) as opened:
            populate(opened, JOBS)
        beginnings(table, folder, made, repeats)
        job_list(table, made, max(3, repeats // 3))
        unreachable(table, made)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
