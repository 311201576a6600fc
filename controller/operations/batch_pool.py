"""The pool of a batch worker as runners see it: files on the worker's machine, through a `Host`.

Each call is one round trip for any number of jobs. The names and contents of
the files are defined in `controller.rules.pool_files`.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from controller.errors import OtherAttemptError, RemoteError
from controller.hosts import CommandResult, Exchange, Host
from controller.hosts.bundles import run_pieces
from controller.hosts.claims import entered, put_file
from controller.hosts.conversation import new_token
from controller.hosts.ownership import foreign_mark, refusal_lines, was_refused
from controller.rules.pool_files import (
    LOCKS,
    RUN_FINISHED,
    RUNNING,
    SUBMITTED,
    BatchInfo,
    Entry,
    job_file,
    read_claimed_file,
    read_job_file,
)
from controller.schedulers.start import STARTED, WITHDRAWN

SCRIPT = "submit.sh"
_GONE = 79
"""Exit status of a piece whose run directory does not exist."""
_AT_ONCE = 200
"""Number of files that are removed with one command."""
MOST_FILES = 5000
"""Maximum number of files of a folder that are listed together."""

Key = tuple[str, int]


@dataclass(frozen=True)
class Placed:
    """A job to be put into the pool.

    Attributes
    ----------
    uuid, index, run_dir
        The job.
    script
        Content of its script.
    entry
        Content of its file in the pool.
    """

    uuid: str
    index: int
    run_dir: Path
    script: str
    entry: Entry


@dataclass(frozen=True)
class PoolFile:
    """A file in ``running`` or ``run_finished``.

    Attributes
    ----------
    uuid, index, batch_uid
        The parts of its name.
    entry
        Its content.
    content
        The same as text.
    """

    uuid: str
    index: int
    batch_uid: str
    entry: Entry
    content: str = ""

    @property
    def key(self) -> Key:
        """(uuid, index) of the job."""
        return self.uuid, self.index

    @property
    def name(self) -> str:
        """Its name."""
        return f"{self.uuid}_{self.index}_{self.batch_uid}"


@dataclass(frozen=True)
class PoolView:
    """The contents of a pool.

    Attributes
    ----------
    submitted
        (uuid, index) of the jobs that wait; None if they were not requested.
    running, finished
        Files of the jobs that pilots have claimed, and of those that have ended.
    infos
        {path of a ``batch_info.json``: its content}, of those that exist.
    """

    submitted: frozenset[Key] | None = None
    running: Sequence[PoolFile] = ()
    finished: Sequence[PoolFile] = ()
    infos: dict[Path, BatchInfo] = field(default_factory=dict)


class BatchPool:
    """The pool of one worker.

    Parameters
    ----------
    host
        The worker's machine.
    folder
        Its ``jobs_handle_dir``.
    """

    def __init__(self, host: Host, folder: Path) -> None:
        self._host, self._folder = host, folder

    def put(self, jobs: Sequence[Placed]) -> list[Exception | None]:
        """Put jobs into the pool; one that is already there, or has started, stays as it is.

        Returns
        -------
        list
            The error of each job; None for those that are in the pool.

        Raises
        ------
        RemoteError
            The host refused: it is not known which are in the pool.
        """
        if self._host.is_local:
            return self._put_here(jobs)
        pieces, write = [], dict[Path, bytes | Path]()
        for job in jobs:
            token, name = job.entry.token, job_file(job.uuid, job.index)
            staged = f".{SCRIPT}.{token}"
            write[job.run_dir / staged] = job.script.encode()
            values = {"name": name, "entry": job.entry.encode().rstrip(), "token": token}
            pieces.append(
                "\n".join(
                    [
                        *(f"jfr_{key}={shlex.quote(value)}" for key, value in values.items()),
                        f"cd {shlex.quote(str(job.run_dir))} || exit {_GONE}",
                        refusal_lines(token, drop=[staged]) + f"jfr_put {shlex.quote(staged)}",
                    ]
                )
            )
        define = f"jfr_pool={shlex.quote(str(self._folder))}\n{_PUT}"
        done = run_pieces(self._host, pieces, define=define, write=write, make_folders=False)
        found: list[Exception | None] = []
        for job, result in zip(jobs, done):
            if result is not None and result.returncode == 0:
                found.append(None)
            elif result is not None and was_refused(result):
                found.append(_is_anothers(job))
            else:
                said = result.stderr.strip().splitlines() if result else []
                found.append(_not_taken(said[-1] if said else "no reason was given"))
        return found

    def _put_here(self, jobs: Sequence[Placed]) -> list[Exception | None]:
        """Do on this machine what `_PUT` does, without a shell."""
        try:
            for name in (SUBMITTED, RUNNING, RUN_FINISHED, LOCKS):
                (self._folder / name).mkdir(parents=True, exist_ok=True)
            claimed = self._claimed_here()
            return [self._put_one(job, claimed) for job in jobs]
        except OSError as error:
            raise RemoteError(
                f"the pool {self._folder} cannot be used: {error.strerror}"
            ) from error

    def _claimed_here(self) -> dict[str, list[Path]]:
        """Return {name of a job's file: its files in the folders that pilots rename them to}."""
        found: dict[str, list[Path]] = {}
        for folder in (self._folder / RUNNING, self._folder / RUN_FINISHED):
            for path in folder.iterdir():
                if (known := read_claimed_file(path.name)) is not None:
                    found.setdefault(job_file(*known[:2]), []).append(path)
        return found

    def _put_one(self, job: Placed, claimed: Mapping[str, Sequence[Path]]) -> Exception | None:
        token, name = job.entry.token, job_file(job.uuid, job.index)
        try:
            with entered(job.run_dir) as folder:
                names = os.listdir(folder)  # noqa: PTH208 (of an open folder)
                if foreign_mark(names, token):
                    return _is_anothers(job)
                if WITHDRAWN in names:
                    return _not_taken("it was withdrawn")
                if STARTED in names or any(_holds(path, token) for path in claimed.get(name, ())):
                    return None
                put_file(folder, SCRIPT, job.script.encode(), staged=f".{SCRIPT}.{token}")
            staged = self._folder / LOCKS / f".{name}.{token}"
            staged.write_text(job.entry.encode())
            staged.rename(self._folder / SUBMITTED / name)
        except OSError as error:
            return _not_taken(f"{error.filename or job.run_dir}: {error.strerror}")
        return None

    def look(
        self,
        infos: Iterable[Path] = (),
        *,
        submitted: bool = False,
    ) -> PoolView:
        """Return the contents of the pool, at most `MOST_FILES` files of each folder.

        Parameters
        ----------
        infos
            Further files to read.
        submitted
            Also list the jobs that wait.

        Raises
        ------
        RemoteError
            The host refused, or its answer was truncated: nothing is known.
        """
        mark = new_token()
        folders = [RUNNING, RUN_FINISHED, *([SUBMITTED] if submitted else [])]
        lines = [f"cd {shlex.quote(str(self._folder))} 2>/dev/null && {{"]
        lines += [
            f"for d in {' '.join(folders)}; do echo {mark} $d; "
            f"ls -f $d 2>/dev/null | head -n {MOST_FILES}; done",
            f"echo {mark} contents",
            f"for d in {RUNNING} {RUN_FINISHED}; do "
            f"find $d -type f -exec grep -H '^{{' {{}} + 2>/dev/null; done",
            "}",
        ]
        wanted = list(infos)
        for number, path in enumerate(wanted):
            quoted = shlex.quote(str(path))
            lines.append(f"echo {mark} info {number}; cat {quoted} 2>/dev/null; echo")
        lines.append(f"echo {mark} end")
        done = self._execute(lines)
        return _read_view(done.stdout, mark, wanted, submitted=submitted)

    def _execute(self, lines: Sequence[str]) -> CommandResult:
        done = self._host.exchange(Exchange(command="\n".join(lines), workdir=Path("/"))).result
        assert done is not None
        return done

    def forget(self, files: Iterable[PoolFile]) -> None:
        """Remove files of ``run_finished``, unless they have changed."""
        for some in _chunks(list(files)):
            enter = f"cd {shlex.quote(str(self._folder))} || exit 0"
            self._execute([enter, *_forget_lines(some), "exit 0"])

    def forget_claims(self, files: Iterable[PoolFile]) -> None:
        """Remove files of ``running`` whose pilots have ended."""
        self._host.remove(*(self._folder / RUNNING / file.name for file in files))

    def withdraw(self, uuid: str, index: int, run_dir: Path | None, token: str) -> bool:
        """Prevent pilots from starting a job, and ask the pilot that runs it to end it.

        Returns
        -------
        bool
            Whether no pilot runs it; False if one still has to end it.

        Raises
        ------
        RemoteError
            The host refused.
        """
        name = shlex.quote(job_file(uuid, index))
        lines = [f"jfr_pool={shlex.quote(str(self._folder))}"]
        known = shlex.quote(token) if token else ""
        ours = f"grep -qs {known}" if known else "test -e"
        # First the mark: a pilot that takes the file now begins a script that ends at once.
        if run_dir is not None:
            enter = f"cd {shlex.quote(str(run_dir))} 2>/dev/null || exit 0"
            lines.append(f"(\n{enter}\n{refusal_lines(token)}: > {WITHDRAWN}\n) > /dev/null")
        waiting = f'"$jfr_pool"/{SUBMITTED}/{name}'
        lines += [
            f"! {ours} {waiting} || rm -f {waiting}",
            f'for f in "$jfr_pool"/{RUNNING}/{name}_*; do',
            f'[ ! -e "$f" ] || {{ [ -s "$f" ] && ! {ours} "$f"; }} || {{ echo runs; break; }}',
            "done; exit 0",
        ]
        done = self._execute(lines)
        if done.returncode:
            raise RemoteError(f"the job cannot be withdrawn: {done.stderr.strip()}")
        return "runs" not in done.stdout.split()


_PUT = f"""
( cd / && mkdir -p "$jfr_pool" && cd "$jfr_pool" &&
  mkdir -p {SUBMITTED} {RUNNING} {RUN_FINISHED} {LOCKS} )
jfr_put() {{
  [ ! -e {WITHDRAWN} ] || {{ rm -f "$1"; echo "it was withdrawn" >&2; exit 76; }}
  # What a runner that died has put there may have been claimed, have begun or have ended by now.
  if [ -e {STARTED} ]; then rm -f "$1"; exit 0; fi
  for f in "$jfr_pool"/{RUNNING}/"$jfr_name"_* "$jfr_pool"/{RUN_FINISHED}/"$jfr_name"_*; do
    if [ -e "$f" ] && grep -qs "$jfr_token" "$f"; then rm -f "$1"; exit 0; fi
  done
  mv -f "./$1" ./{SCRIPT} || exit 1
  jfr_staged="$jfr_pool/{LOCKS}/.$jfr_name.$jfr_token"
  printf '%s\\n' "$jfr_entry" > "$jfr_staged" || exit 1
  mv -f "$jfr_staged" "$jfr_pool/{SUBMITTED}/$jfr_name"
}}
""".strip()


def _is_anothers(job: Placed) -> OtherAttemptError:
    return OtherAttemptError(f"{job.run_dir} belongs to another attempt")


def _not_taken(why: str) -> RemoteError:
    return RemoteError(f"the pool did not take the job: {why}")


def _holds(path: Path, token: str) -> bool:
    """Whether a file of the pool belongs to an attempt."""
    with suppress(FileNotFoundError):
        return token in path.read_text(errors="replace")
    return False


def _chunks(files: Sequence[PoolFile]) -> Iterator[Sequence[PoolFile]]:
    """Divide files into groups, so that a command about each group is not too long."""
    for first in range(0, len(files), _AT_ONCE):
        yield files[first : first + _AT_ONCE]


def _forget_lines(files: Sequence[PoolFile]) -> list[str]:
    if not files:
        return []
    lines = [
        'jfr_gone=; jfr_forget() { jfr_x=; { IFS= read -r jfr_x < "$1"; } 2>/dev/null',
        '[ "$jfr_x" != "$2" ] || jfr_gone="$jfr_gone $1"; }',
    ]
    for file in files:
        name = shlex.quote(f"{RUN_FINISHED}/{file.name}")
        lines.append(f"jfr_forget {name} {shlex.quote(file.content)}")
    return [*lines, "set -f; rm -f -- $jfr_gone; set +f"]


def _read_view(text: str, mark: str, wanted: Sequence[Path], *, submitted: bool) -> PoolView:
    parts = re.split(rf"^{mark} (.*)\n", text, flags=re.MULTILINE)
    said = dict(zip(parts[1::2], parts[2::2]))
    if "end" not in said:
        raise RemoteError("the pool cannot be listed: the answer was cut off")
    contents = dict(
        line.split(":", 1) for line in said.get("contents", "").splitlines() if ":" in line
    )
    found = {}
    for folder in (RUNNING, RUN_FINISHED):
        files = []
        for name in said.get(folder, "").split("\n"):
            known = read_claimed_file(name)
            if known is not None:
                content = contents.get(f"{folder}/{name}", "")
                files.append(PoolFile(*known, Entry.decode(content), content))
        found[folder] = files
    infos = {
        path: BatchInfo.decode(told)
        for number, path in enumerate(wanted)
        if (told := said.get(f"info {number}", "").strip())
    }
    waiting = None
    if submitted:
        names = map(read_job_file, said.get(SUBMITTED, "").split("\n"))
        waiting = frozenset(name for name in names if name is not None)
    return PoolView(waiting, found[RUNNING], found[RUN_FINISHED], infos)
