"""jobflow-remote 1.0.1, started by a fork from a process that has imported what it needs.

JFR_TEST_JOBFLOW_REMOTE names a Python that has it (and no jfr). Its dependencies take some seconds
to import, and are imported once for each process of tests. jobflow-remote itself is imported in
each child: it reads its environment when it is imported.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

PYTHON = os.environ.get("JFR_TEST_JOBFLOW_REMOTE")
MISSING = "JFR_TEST_JOBFLOW_REMOTE names no Python with jobflow-remote 1.0.1"
_SERVER = """
import json, os, signal, sys, traceback
import fabric, jobflow, jobflow.utils.graph, maggma.stores, pydantic_settings, pymongo, qtoolkit
import rich.table, ruamel.yaml, supervisor, typer

def be(program):
    os.environ.clear()
    os.environ.update(program["env"])
    sys.path[:0] = [path for path in program["env"].get("PYTHONPATH", "").split(os.pathsep) if path]
    os.chdir(program["cwd"])
    os.setsid()
    for number, name in (0, os.devnull), (1, program["out"]), (2, program["err"]):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
    sys.argv = program["argv"]
    signal.alarm(120)
    try:
        exec(compile(program["code"], "<program>", "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:
        traceback.print_exc()
        return 1
    return 0

for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        status = be(json.loads(line))
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
JF = "import sys\nfrom jobflow_remote.cli.jf import app\nsys.exit(app())\n"
"""Its command, as the installed one starts it."""


class JobflowRemote:
    """Runs programs with jobflow-remote, one after the other."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def run(
        self, folder: Path, code: str, *words: object, env: dict[str, str] | None = None
    ) -> str:
        """Run a program in a folder that exists; return what it printed.

        Raises
        ------
        AssertionError
            If it ended with a status other than 0; with what it said.
        """
        out, err = folder / "theirs.out", folder / "theirs.err"
        for file in (out, err):
            file.write_bytes(b"")
        program: dict[str, Any] = {
            "code": code,
            "argv": ["jf", *map(str, words)],
            "env": {**os.environ, **(env or {})},
            "cwd": str(folder),
            "out": str(out),
            "err": str(err),
        }
        status = self._ask(json.dumps(program))
        assert status == "0", (status, out.read_text(), err.read_text())
        return out.read_text()

    def _ask(self, program: str) -> str:
        if self._process is None:
            assert PYTHON is not None, MISSING
            self._process = subprocess.Popen(
                [PYTHON, "-W", "ignore", "-c", _SERVER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(program + "\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate()
            self._process = None
