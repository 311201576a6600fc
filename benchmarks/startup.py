"""How long `jf` takes to begin, as ratios to an empty Typer program with as many groups.

Both are started in turn, in the same run, so that a busy machine slows both alike; the median of
the ratios counts. ``python benchmarks/startup.py [REPEATS]``
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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


def completion(words: str, position: int, program: str) -> dict[str, str]:
    return {
        f"_{program.upper()}_COMPLETE": "complete_bash",
        "COMP_WORDS": f"{program} {words}",
        "COMP_CWORD": str(position),
    }


def seconds(command: list[str], more: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, env={**os.environ, **more}, capture_output=True, check=False)
    return time.perf_counter() - started


def main() -> int:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    jf = [str(Path(sys.executable).with_name("jf"))]
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "yardstick.py"
        script.write_text(YARDSTICK.format(groups=list(GROUPS)), encoding="utf-8")
        yardstick = [sys.executable, str(script)]
        cases = {
            "--help": (["--help"], "", 0),
            "job --help": (["job", "--help"], "", 0),
            "TAB on a group": ([], "jo", 1),
            "TAB on a command": ([], "job li", 2),
            "TAB on a flag": ([], "job list --sta", 3),
        }
        for name, (words, line, position) in cases.items():
            pairs = []
            for _ in range(repeats):
                empty = completion(line, position, "yardstick") if line else {}
                ours = completion(line, position, "jf") if line else {}
                pairs.append((seconds([*jf, *words], ours), seconds([*yardstick, *words], empty)))
            ratio = statistics.median(a / b for a, b in pairs)
            ours_ms, theirs_ms = (1000 * statistics.median(side) for side in zip(*pairs))
            print(
                f"{name:<18} jf {ours_ms:6.0f} ms   empty {theirs_ms:6.0f} ms   ratio {ratio:.2f}"
            )
            worst = max(worst, ratio)
    print(f"worst ratio {worst:.2f}, limit {LIMIT}")
    return 0 if worst <= LIMIT else 1


if __name__ == "__main__":
    raise SystemExit(main())
