"""Who may import whom: the rows of docs/architecture.md, enforced."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

# A module imports only from rows below its own. Modules of one row do not know each other,
# except within one package, and within the rows marked in COHERENT.
ROWS: list[tuple[str, ...]] = [
    (  # names that scripts for jobflow-remote look for; jobs for tests
        "controller.jobs",
        "controller.utils",
        "controller.testing",
    ),
    ("jfr_cli.generate.__main__",),
    ("jfr_cli.generate.files",),
    ("jfr_cli.main",),
    ("jfr_cli.app",),
    ("jfr_cli.commands",),
    ("jfr_cli.bulk_actions",),
    ("jfr_cli.progress", "jfr_cli.top"),
    ("jfr_cli.selection", "jfr_cli.output"),
    ("jfr_cli.watch",),
    ("jfr_cli.session", "jfr_cli.render", "jfr_cli.errors"),
    ("jfr_cli.prompts", "jfr_cli.plugins"),
    ("jfr_cli.options", "jfr_cli.console", "jfr_cli.option_decorators", "jfr_cli.demo_jobs"),
    ("jfr_cli.choices", "jfr_cli.command_groups"),
    ("jfr_cli.complete", "jfr_cli.generate", "jfr_cli.lazy", "jfr_cli.pager"),
    ("jfr_cli.completion_values", "jfr_cli.parsing", "jfr_cli.versions"),
    ("jfr_web.serve",),
    ("jfr_web.app",),
    ("jfr_web.pages",),
    ("jfr_web.site",),
    ("jfr_web.charts", "jfr_web.graph", "jfr_web.tree"),
    ("jfr_web.rendering",),
    (
        "jfr_web.address_filters",
        "jfr_web.listing",
        "jfr_web.live",
        "jfr_web.plans",
        "jfr_web.security",
    ),
    ("controller.tables",),
    ("controller.service",),
    ("controller.runner",),
    ("controller.projects",),
    ("controller.browsing",),
    (
        "controller.doctor",
        "controller.checks",
        "controller.activity",
        "controller.report",
        "controller.waiting",
        "controller.why",
        "controller.metrics",
        "controller.notifications",
    ),
    ("controller.submission", "controller.flow_sources"),
    ("controller.jobcontroller",),
    ("controller.reader", "controller.run_folders"),
    ("controller.api",),
    ("controller.operations",),
    ("controller.locks", "controller.bulk_locks", "controller.execution"),
    ("controller.leases",),
    ("controller.schedulers",),
    ("controller.storage", "controller.hosts"),
    ("controller.saved_filters",),
    ("controller.filter_texts",),
    ("controller.rules", "controller.filters", "controller.graphs"),
    ("controller.globs",),
    ("controller.documents",),
    ("controller.examples",),
    ("controller.config",),
    ("controller.states", "controller.paths", "controller.safe_text"),
    ("controller.errors",),
    ("controller.identity", "controller.late_binding"),
]

ONLY_IN: dict[str, tuple[str, ...]] = {
    "typer": ("jfr_cli",),
    "click": ("jfr_cli",),
    "rich": ("jfr_cli",),
    "starlette": ("jfr_web",),
    "uvicorn": ("jfr_web",),
    "jinja2": ("jfr_web",),
    "pymongo": ("controller.storage",),
    "bson": ("controller.storage",),
    "sqlite3": ("controller.storage",),
    "fabric": ("controller.hosts",),
    "paramiko": ("controller.hosts",),
    "qtoolkit": ("controller.schedulers",),
    "prometheus_client": ("controller.metrics",),
    "apprise": ("controller.notifications",),
}

# (module, package) pairs where a foreign package is named outside its home, for type checking or
# inside a function, with the reason.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("controller.documents.jobs", "qtoolkit"): "type of JobDoc.resources, under TYPE_CHECKING only",
    ("controller.api.flow_submission", "qtoolkit"): "type of an argument, under TYPE_CHECKING only",
    ("controller.api.job_properties", "qtoolkit"): "type of an argument, under TYPE_CHECKING only",
    ("controller.submission", "qtoolkit"): "type of an argument, under TYPE_CHECKING only",
    ("controller.config.workers", "qtoolkit"): "type of get_scheduler_io, for type checking only",
}


def modules() -> Iterator[tuple[str, Path]]:
    for package in ("controller", "jfr_cli", "jfr_web"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(modules())


@cache
def tree_of(name: str) -> ast.Module:
    """Parse a module; not while tests are collected, which each process does that runs some."""
    return ast.parse(MODULES[name].read_text(encoding="utf-8"), str(MODULES[name]))


@cache
def _nodes(name: str) -> dict[type[ast.AST], list[Any]]:
    """Nodes of a module by their type: many tests look for few of them."""
    found: dict[type[ast.AST], list[Any]] = {}
    for node in ast.walk(tree_of(name)):
        found.setdefault(type(node), []).append(node)
    return found


def nodes_of(name: str, *types: type[ast.AST]) -> Iterator[Any]:
    """Nodes of these types, anywhere in a module."""
    return chain.from_iterable(_nodes(name).get(kind, ()) for kind in types)


def is_for_types(node: ast.AST) -> bool:
    """``if TYPE_CHECKING:``."""
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports(name: str) -> list[tuple[str, bool, bool]]:
    """(imported module, inside a function, for type checking only)."""
    if name not in _IMPORTS:
        _IMPORTS[name] = list(_read_imports(name, tree_of(name)))
    return _IMPORTS[name]


_IMPORTS: dict[str, list[tuple[str, bool, bool]]] = {}


def _read_imports(name: str, tree: ast.Module) -> Iterator[tuple[str, bool, bool]]:

    def visit(node: ast.AST, inside: bool, typing_only: bool) -> Iterator[tuple[str, bool, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                continue  # no statement is within one
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield alias.name, inside, typing_only
            elif isinstance(child, ast.ImportFrom):
                base = child.module or ""
                if child.level:
                    package = name.split(".")[: -child.level + (name in PACKAGES)]
                    base = ".".join([*package, base]).rstrip(".")
                for alias in child.names:
                    full = f"{base}.{alias.name}"
                    yield full if full in MODULES else base, inside, typing_only
            else:
                yield from visit(
                    child,
                    inside or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)),
                    typing_only or is_for_types(child),
                )

    yield from visit(tree, False, False)


PACKAGES = {
    ".".join(p.parent.relative_to(ROOT).parts)
    for package in ("controller", "jfr_cli", "jfr_web")
    for p in (ROOT / package).rglob("__init__.py")
}


@cache
def row_of(module: str) -> int | None:
    best: tuple[int, int] | None = None
    for number, names in enumerate(ROWS):
        for row_name in names:
            if module == row_name or module.startswith(row_name + "."):
                candidate = (len(row_name), number)
                best = max(best, candidate) if best else candidate
    return best[1] if best else None


@cache
def group_of(module: str) -> str:
    return max(
        (n for names in ROWS for n in names if module == n or module.startswith(n + ".")), key=len
    )


def documented_rows() -> Iterator[set[str]]:
    """Modules of each row of the table in docs/architecture.md."""
    for line in (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").splitlines():
        cell = line.removeprefix("| ").partition(" | ")[0]
        if not line.startswith(("| `jfr_cli.", "| `jfr_web.", "| `controller.")):
            continue
        row: set[str] = set()
        for package, many, one in re.findall(r"`([\w.]+)\.(?:{([^}]*)}|(\w+))`", cell):
            row |= {f"{package}.{name}" for name in (many.split(", ") if many else [one])}
        yield row


def test_the_docs_show_the_rows_as_they_are() -> None:
    shown = list(documented_rows())
    for row, names in zip_longest(shown, ROWS, fillvalue=set()):
        if any(name.endswith("...") for name in row):
            assert {name for name in row if not name.endswith("...")} < set(names)
        else:
            assert row == set(names)


OWN = [name for name in MODULES if name not in ("controller", "jfr_cli", "jfr_web")]


def test_every_module_has_a_row() -> None:
    without = [module for module in OWN if row_of(module) is None]
    assert not without, "give them a row here and in docs/architecture.md"


def test_imports_only_from_rows_below() -> None:
    wrong = [
        f"{module} must not import {target}"
        for module in OWN
        for target, *_ in imports(module)
        if target not in ("controller", "jfr_cli", "jfr_web")
        if target.startswith(("controller", "jfr_cli", "jfr_web"))
        if group_of(target) != group_of(module)
        if (row_of(target) or 0) <= (row_of(module) or 0)
    ]
    assert not wrong


def test_only_annotations_take_names_from_the_facade() -> None:
    """``from controller import X`` would be a way past the rows."""
    taken = {name: names_of_the_facade(name) for name in OWN if name.startswith("controller")}
    assert not {name: found for name, found in taken.items() if found}


def names_of_the_facade(name: str) -> set[str]:
    for_types = [
        node for branch in nodes_of(name, ast.If) if is_for_types(branch) for node in branch.body
    ]
    taken = {
        alias.name
        for node in nodes_of(name, ast.ImportFrom)
        if node.module == "controller"
        if node not in for_types
        for alias in node.names
    }
    return {name for name in taken if f"controller.{name}" not in MODULES} - {"__version__"}


def test_every_bound_method_is_there_and_finds_its_function() -> None:
    import controller.config.models
    import controller.config.workers
    import controller.states
    from controller.late_binding import _homes, bound

    classes = {
        "FlowState": controller.states.FlowState,
        "Project": controller.config.models.Project,
        "Worker": controller.config.workers.WorkerBase,
    }
    asked = {
        node.args[0].value
        for name in MODULES
        for node in nodes_of(name, ast.Call)
        if isinstance(node.func, ast.Name)
        and node.func.id == "bound"
        and isinstance(node.args[0], ast.Constant)
    }
    assert asked == set(_homes)
    for name in _homes:
        kind, _, method = name.partition(".")
        assert callable(getattr(classes[kind], method))
        assert callable(bound(name))


def test_foreign_packages_stay_in_their_room() -> None:
    wrong = []
    for module in MODULES:
        for target, inside, typing_only in imports(module):
            top = target.partition(".")[0]
            homes = ONLY_IN.get(top)
            if homes is None or any(module == h or module.startswith(h + ".") for h in homes):
                continue
            if (module, top) in EXCEPTIONS and (inside or typing_only):
                continue
            wrong.append(f"{module} must not import {target}")
    assert not wrong


def test_controller_neither_prints_nor_exits() -> None:
    forbidden = {"print", "input", "exit", "quit", "sys.exit"}
    found = {
        (module, ast.unparse(node.func))
        for module in MODULES
        if module.startswith("controller")
        for node in nodes_of(module, ast.Call)
        if isinstance(node.func, ast.Name)
        or (isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name))
    }
    # A worker process speaks to its queue.err.
    may = {("controller.execution.run", "print")}
    assert not {pair for pair in found if pair[1] in forbidden} - may


def test_no_cycles_between_operations() -> None:
    names = [m for m in MODULES if m.startswith("controller.operations.")]
    graph = {m: {t for t, *_ in imports(m) if t in names} for m in names}

    def walk(node: str, way: tuple[str, ...]) -> None:
        assert node not in way, " -> ".join([*way, node])
        for target in graph[node]:
            walk(target, (*way, node))

    for name in names:
        walk(name, ())


def test_the_faces_do_not_know_each_other() -> None:
    """But for the command that starts the web page."""
    knows = {m for m in MODULES for t, *_ in imports(m) if t.startswith("jfr_web")}
    assert {m for m in knows if not m.startswith("jfr_web")} == {"jfr_cli.commands.gui"}


NOT_ON_A_MAC = {
    *("copy_file_range", "eventfd", "fdatasync", "getrandom", "getresuid", "memfd_create"),
    *("pidfd_open", "pipe2", "posix_fadvise", "posix_fallocate", "sched_getaffinity"),
    *("sched_setaffinity", "setns", "splice", "unshare"),
}
"""Functions of the module os."""


def test_what_a_mac_lacks_is_asked_for_first() -> None:
    """`make check` holds more of this, with the types of that system."""
    used = [
        f"{name}: os.{node.attr}"
        for name in MODULES
        for node in nodes_of(name, ast.Attribute)
        if isinstance(node.value, ast.Name)
        and (node.value.id, node.attr in NOT_ON_A_MAC) == ("os", True)
        and f"hasattr(os, '{node.attr}')" not in ast.unparse(tree_of(name))
    ]
    assert used == []
