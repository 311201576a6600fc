"""The session of one call of `jf`; opens the project and the database on first use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from jfr_cli.console import hint, say
from jfr_cli.parsing import COMMAND

if TYPE_CHECKING:
    from controller.config import Project
    from controller.jobcontroller import JobController
    from controller.reader import QueueReader

R = TypeVar("R", bound="QueueReader")


@dataclass
class Session:
    """The root options, and what has been opened.

    Attributes
    ----------
    project_name
        Value of ``--project``; None for the default.
    output_format
        Value of ``--format``, or set by ``--json``.
    columns
        Value of ``--columns``; None for the default ones.
    color
        auto, always or never.
    full_exc
        Let tracebacks through.
    warn_project
        Report which project files cannot be used.
    """

    project_name: str | None = None
    output_format: str = "table"
    columns: str | None = None
    color: str = "auto"
    full_exc: bool = False
    warn_project: bool = False
    _project: Project | None = None
    _project_file: Path | None = None
    _keep: ExitStack | None = None
    _kept: dict[type, Any] = field(default_factory=dict)

    @property
    def as_json(self) -> bool:
        """Whether errors are written as JSON too."""
        return self.output_format in ("json", "ndjson")

    def use_format(self, chosen: str | None, as_json: bool) -> str:
        """Apply the format options of a command and return the effective one."""
        if as_json:
            self.output_format = "json"
        elif chosen is not None:
            self.output_format = chosen
        return self.output_format

    @property
    def project(self) -> Project:
        """The selected project."""
        if self._project is None:
            from controller.config import SETTINGS, ConfigManager

            manager = ConfigManager()
            for warning in SETTINGS.warnings:
                say(f"warning: {warning}")
            if self.warn_project:
                for problem in (*manager.unusable.values(), *manager.warnings):
                    say(f"warning: {problem}")
            data = manager.get_project_data(self.project_name)
            hint(f"project {data.project.name} ({data.filepath})")
            self._project, self._project_file = data.project, Path(data.filepath)
        return self._project

    @property
    def project_file(self) -> Path:
        """The file of the selected project."""
        _ = self.project
        assert self._project_file is not None
        return self._project_file

    @contextmanager
    def controller(self) -> Iterator[JobController]:
        """Open the project's controller, and close it whatever happens."""
        from controller.jobcontroller import JobController

        with self._opened(JobController) as controller:
            yield controller

    @contextmanager
    def reader(self) -> Iterator[QueueReader]:
        """Open the reading part of the controller, which is quick to import."""
        from controller.reader import QueueReader

        with self._opened(QueueReader) as reader:
            yield reader

    @contextmanager
    def _opened(self, kind: type[R]) -> Iterator[R]:
        if self._keep is None:
            with self._open(kind) as opened:
                yield opened
            return
        if kind not in self._kept:
            self._kept[kind] = self._keep.enter_context(self._open(kind))
        yield self._kept[kind]

    def _open(self, kind: type[R]) -> R:
        opened = kind.from_project(self.project)
        for command in COMMAND:  # without its arguments, which may contain secrets
            opened.queue.events.acting_as(command=command)
        return opened

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Within the block, open everything at most once."""
        try:
            with ExitStack() as self._keep:
                yield
        finally:
            self._keep = None
            self._kept.clear()


CURRENT = Session()
"""The session of this process: `jf` is one call."""
