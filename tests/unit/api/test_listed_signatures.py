"""Scripts written against the documented JobController call ours with the same words.

``listed_signatures.txt`` holds the documented signatures; each is compared with the method here.
"""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import controller
from controller.jobcontroller import JobController
from controller.states import JobState

RENAMED = {"JobController": "__init__"}
OF_THE_MODULE = {"get_flow_leafs"}


def listed() -> dict[str, ast.FunctionDef]:
    """{name: its documented signature} of every line of the data file."""
    text = Path(__file__).with_name("listed_signatures.txt").read_text()
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            (parsed,) = ast.parse(f"def {line}: ...").body
            assert isinstance(parsed, ast.FunctionDef)
            found[parsed.name] = parsed
    return found


LISTED = listed()


def ours(name: str) -> Callable[..., Any] | None:
    """Our function of that name, None when there is none."""
    home = controller if name in OF_THE_MODULE else JobController
    return getattr(home, RENAMED.get(name, name), None)


def parameters(function: ast.FunctionDef) -> list[tuple[str, Any]]:
    """(name, default) of the documented positional parameters; ``...`` for none."""
    known = {"DbCollection": controller.DbCollection, "JobState": JobState}
    args, defaults = function.args.args, function.args.defaults
    values: list[Any] = [...] * (len(args) - len(defaults))
    values += [eval(ast.unparse(default), dict(known)) for default in defaults]
    return [(arg.arg, value) for arg, value in zip(args, values)]


@pytest.mark.parametrize("name", sorted(LISTED))
def test_a_documented_call_is_understood(name: str) -> None:
    function = ours(name)
    assert function is not None, f"{name} is documented, and missing"
    assert name == "JobController" or function.__doc__
    signature = inspect.signature(function)
    mine = [p for p in signature.parameters.values() if p.name not in ("self", "cls")]
    wanted = parameters(LISTED[name])
    assert [p.name for p in mine[: len(wanted)]] == [n for n, _ in wanted]
    for parameter, (_, default) in zip(mine, wanted):
        assert parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        if default is not ...:
            assert parameter.default == default, parameter
    for further in mine[len(wanted) :]:
        # What was added since must not be needed.
        keywords = further.kind is inspect.Parameter.VAR_KEYWORD
        assert keywords or further.default is not inspect.Parameter.empty, further
    if LISTED[name].args.kwarg is not None:
        assert any(p.kind is inspect.Parameter.VAR_KEYWORD for p in mine)


def test_public_names_are_loaded_when_asked_for() -> None:
    script = (
        "import sys, controller\n"
        "heavy = {'jobflow', 'maggma', 'pymongo', 'pydantic', 'qtoolkit', 'sqlite3'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "from controller import *\n"
        "print(*sorted(controller._PUBLIC))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    wanted = {
        *("JobController", "submit_flow", "set_run_config", "get_jobstore", "get_flow_leafs"),
        *("ConfigManager", "ExecutionConfig", "JobState", "FlowState", "BatchState", "JobInfo"),
        *("JobDoc", "FlowInfo", "FlowDoc", "DbCollection", "MongoLock", "LockedDocumentError"),
        *("JobLockedError", "FlowLockedError", "RunnerLockedError", "JobNotFoundError"),
        *("FlowNotFoundError", "MissingDocumentError", "CURRENT_JOBDOC", "SETTINGS"),
    }
    assert wanted <= set(done.stdout.split())
    assert controller.__version__


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = controller.nonsense
