"""A runner in the background: started by `controller.service.starting`, never by hand.

It reports through a pipe that it has registered, or why it has not, and closes the pipe.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
from contextlib import suppress
from typing import Any

from controller.service.processes import MAIN, ROLES, ProcessPlan

INTERRUPTED = 143
"""Exit status of a runner that was told to end a second time."""


def main() -> int:
    """Run a runner until it is told to end; returns its exit status."""
    parser = argparse.ArgumentParser(prog="jf runner (in the background)")
    parser.add_argument("project")
    parser.add_argument("--name", required=True)
    parser.add_argument("--roles", nargs="*", choices=ROLES, default=())
    parser.add_argument("--options", type=json.loads, default={})
    parser.add_argument("--lock", type=int, required=True)
    parser.add_argument("--pipe", type=int, required=True)
    given = parser.parse_args()
    for descriptor in (given.lock, given.pipe):
        os.set_inheritable(descriptor, False)
    if (
        os.fork()
    ):  # the remaining process is a child of init and leads no session, so it can have no terminal
        os._exit(0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    return _run(given)


def _run(given: argparse.Namespace) -> int:
    from controller.errors import ControllerError
    from controller.metrics import serving_metrics
    from controller.runner import Background, Runner
    from controller.service.lockfile import RunnerLock

    lock = RunnerLock.adopt(given.lock)

    def is_ready(record: dict[str, Any]) -> None:
        names = ("runner_id", "process", "pid", "hostname", "user", "name", "options")
        facts = {name: record[name] for name in (*names, "log_file", "metrics")}
        lock.write(facts)
        _tell(given.pipe, {"ready": facts})

    plan = ProcessPlan(given.name, tuple(given.roles))
    try:
        background = Background(plan.name, given.options, is_ready)
        level = given.options.get("log_level")
        runner = Runner(given.project, level, background=background)
        address = given.options.get("metrics") if plan.name == MAIN else None
        try:
            with serving_metrics(runner.controller, address) as runner.metrics_at:
                runner.run(**plan.parts)
        finally:
            runner.cleanup()
    except ControllerError as error:
        facts = {"kind": type(error).__name__, "message": error.message, "hint": error.hint}
        _tell(given.pipe, {"error": facts})
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _tell(pipe: int, what: dict[str, Any]) -> None:
    """Write one line to the waiting process, if it is still waiting."""
    with suppress(OSError):
        os.write(pipe, json.dumps(what).encode() + b"\n")
    if "ready" in what:  # after an error it waits for this process to end, which closes the pipe
        os.close(pipe)


if __name__ == "__main__":
    raise SystemExit(main())
