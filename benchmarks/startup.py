"""How long `jf` takes to begin, against an empty Typer program with as many groups; and a list.

Both are started in turn, in the same run, so that a busy machine slows both alike; the median of
the ratios counts. A list of 10,000 jobs is measured by the import of typer: 0.6 s where that
takes 0.1 s. ``python benchmarks/startup.py [REPEATS]``
"""

from __future__ import annotations

import statistics
import sys
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
"""Times the import of typer."""


def completion(words: str, position: int, program: str) -> dict[str, str]:
    return {
        f"_{program.upper()}_COMPLETE": "complete_bash",
        "COMP_WORDS": f"{program} {words}",
        "COMP_CWORD": str(position),
    }


def beginnings(table: Table, script: Path, repeats: int) -> None:
    cases = {
        "jf --help": (["--help"], "", 0),
        "jf job --help": (["job", "--help"], "", 0),
        "TAB on a group": ([], "jo", 1),
        "TAB on a command": ([], "job li", 2),
        "TAB on a flag": ([], "job list --sta", 3),
    }
    for name, (words, line, position) in cases.items():
        pairs = []
        for _ in range(repeats):
            empty = completion(line, position, "yardstick") if line else {}
            ours = completion(line, position, "jf") if line else {}
            pairs.append(
                (
                    seconds(partial(run, JF, *words, env=ours)),
                    seconds(partial(run, PYTHON, str(script), *words, env=empty)),
                )
            )
        ratio = statistics.median(a / b for a, b in pairs)
        ours_ms, empty_ms = (1000 * statistics.median(side) for side in zip(*pairs))
        table.row(name, ratio, LIMIT, "x", f"{ours_ms:.0f} ms, empty program {empty_ms:.0f} ms")


def job_list(table: Table, made: Project, repeats: int) -> None:
    taken = in_turn(
        {
            "list": lambda: made.jf("job", "list"),
            "nothing": lambda: run(PYTHON, "-c", "pass"),
            "typer": lambda: run(PYTHON, "-c", "import typer"),
        },
        repeats,
    )
    typer = taken["typer"] - taken["nothing"]
    table.row(
        f"jf job list, {JOBS} jobs in the database",
        taken["list"],
        LIST_LIMIT * typer,
        "s",
        f"{LIST_LIMIT:.0f} x import of typer ({typer:.3f} s)",
    )


def main() -> int:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    table = Table("start of the command line")
    with scratch() as folder:
        script = folder / "yardstick.py"
        script.write_text(YARDSTICK.format(groups=list(GROUPS)), encoding="utf-8")
        beginnings(table, script, repeats)
        with project("embedded", folder) as made:
            path = made.file.with_suffix("") / "queue.sqlite"
            spec = {"type": "EmbeddedStore", "path": str(path), "collection_name": "jobs"}
            with controller_of(spec) as opened:
                populate(opened, JOBS)
            job_list(table, made, max(3, repeats // 3))
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
