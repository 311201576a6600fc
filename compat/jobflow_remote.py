"""``import jobflow_remote`` for scripts that nobody wants to touch: each module is jfr's own.

``jobflow_remote.jobs.data`` is the module ``controller.jobs.data`` under another name, so that a
class is one class whichever way it was imported.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

__version__ = "1.0.1+jfr"
"""What it stands for: scripts compare it."""

_OURS, _THEIRS = "controller", "jobflow_remote"


def _refuse_beside_the_real_one() -> None:
    try:
        version = importlib.metadata.version("jobflow-remote")
    except importlib.metadata.PackageNotFoundError:
        return
    raise ImportError(
        f"jobflow-remote {version} and jfr-jobflow-remote are both installed, and both provide the "
        "module jobflow_remote: uninstall one of them (pip uninstall jfr-jobflow-remote)"
    )


class _OtherName(importlib.abc.Loader):
    """Gives a module of jfr under a name of jobflow-remote."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._spec: importlib.machinery.ModuleSpec | None = None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """Return the module, which is imported by its own name."""
        module = importlib.import_module(self._name)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Leave it as it is: it has been executed, and importlib has put another spec into it."""
        module.__spec__ = self._spec


class _Finder(importlib.abc.MetaPathFinder):
    """Finds ``jobflow_remote.X`` where ``controller.X`` is."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return where a module is, None if jfr has no such module."""
        del path, target
        if not fullname.startswith(f"{_THEIRS}."):
            return None
        name = _OURS + fullname.removeprefix(_THEIRS)
        found = importlib.util.find_spec(name)
        if found is None:
            return None
        is_package = found.submodule_search_locations is not None
        return importlib.machinery.ModuleSpec(fullname, _OtherName(name), is_package=is_package)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    try:
        return getattr(importlib.import_module(_OURS), name)
    except AttributeError:
        raise AttributeError(
            f"jobflow_remote is provided by jfr here, which has no {name!r}: see its "
            "docs/differences.md"
        ) from None


_refuse_beside_the_real_one()
__path__: list[str] = []  # a package: its modules are found by the finder
sys.meta_path.insert(0, _Finder())
