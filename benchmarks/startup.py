"""How long `jf` takes to begin, against an empty Typer program with as many groups; and lists.

Both are started in turn, in the same run, so that a busy machine slows both alike; the median of
the ratios counts. A list of 10,000 jobs is measured by the import of typer: 0.6 s where that
takes 0.1 s, and 2 s for all of them as JSON. ``python benchmarks/startup.py [REPEATS]``
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
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


def tab(line: str, program: str) -> dict[str, str]:
    """Environment in which a program completes the last word of a line."""
    return {
        f"_{program.upper()}_COMPLETE": "complete_bash",
        "COMP_WORDS": f"{program} {line}",
        "COMP_CWORD": str(len(line.split(" "))),
    }


def beginnings(table: Table, script: Path, made: Project, repeats: int) -> None:
    commands = ["--help", "job --help", "job list --help", "--version"]
    lines = {
        "a group": ("jo", LIMIT),
        "a command": ("job li", LIMIT),
        "a flag": ("job list --sta", LIMIT),
        "a state": ("job list --state R", LIMIT),
        "a worker": ("job list --worker l", LIMIT),
        "a project": ("--project j", LIMIT),
        f"a job id, {JOBS} jobs": ("job info ", ID_LIMIT),
        f"a job's db_id, {JOBS} jobs": ("job list --db-id 12", ID_LIMIT),
        f"a job's uuid, {JOBS} jobs": ("job list --job-id a", ID_LIMIT),
        f"a flow id, {JOBS} jobs": ("flow info ", ID_LIMIT),
    }
    cases = {
        **{f"jf {words}": (words.split(), "", LIMIT) for words in commands},
        **{f"TAB on {what}": ([], line, limit) for what, (line, limit) in lines.items()},
    }
    for name, (words, line, limit) in cases.items():
        pairs = []
        for _ in range(repeats):
            ours = {**made.env, **(tab(line, "jf") if line else {})}
            empty = tab(line, "yardstick") if line else {}
            # It has no --version: an empty program that says anything is one that says its help.
            said = ["--help"] if words == ["--version"] else words
            pairs.append(
                (
                    seconds(partial(run, JF, *words, env=ours)),
                    seconds(partial(run, PYTHON, str(script), *said, env=empty)),
                )
            )
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
        for words, code in ((["job", "list"], 4), ([], 0)):
            more = {} if words else tab("job info ", "jf")
            start = time.perf_counter()
            done = subprocess.run([JF, *words], env={**env, **more}, capture_output=True, text=True)
            taken = time.perf_counter() - start
            if done.returncode != code:
                raise SystemExit(f"exit {done.returncode} instead of {code}: {done.stderr}")
            doing = "jf job list" if words else "TAB on a job id"
            table.row(
                f"{doing} where a server {what}", taken, 5.0 if words else 2.0, "s", "absolute"
            )


def main() -> int:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    table = Table("start of the command line")
    with scratch() as folder:
        script = folder / "yardstick.py"
        script.write_text(YARDSTICK.format(groups=list(GROUPS)), encoding="utf-8")
        with project("embedded", folder) as made:
            path = made.file.with_suffix("") / "queue.sqlite"
            spec = {"type": "EmbeddedStore", "path": str(path), "collection_name": "jobs"}
            with controller_of(spec) as opened:
                populate(opened, JOBS)
            beginnings(table, script, made, repeats)
            job_list(table, made, max(3, repeats // 3))
            unreachable(table, made)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
