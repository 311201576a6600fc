"""Problems of the database as a whole: counters, documents, indexes, missing runners."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from controller.rules.diagnosis.findings import Action, Finding, FindingKind, Mending, Severity
from controller.rules.diagnosis.flows import count, some
from controller.states import FINISHED_STATES, RUNNING_STATES, JobState

SHOWN = 5
"""Maximum number of jobs named in a finding."""

_AT_REST = frozenset({*FINISHED_STATES, JobState.STOPPED, JobState.USER_STOPPED})
_UNDER_WAY = frozenset(RUNNING_STATES)

AUXILIARY: Mapping[str, Any] = {"next_id": 1, "running_runner": None, "runner_pings": []}
"""{field that identifies a document of the auxiliary collection: its initial value}."""


@dataclass
class Census:
    """Statistics of all jobs; filled job by job.

    Attributes
    ----------
    prefix
        Prefix of the project's db_ids.
    jobs
        Number of jobs.
    largest
        Largest number in a db_id with the prefix.
    under_way, by_worker
        {state: number and first db_ids}, {worker: the same, for jobs that still need it}.
    """

    prefix: str = ""
    jobs: int = 0
    largest: int = 0
    under_way: dict[str, Sample] = field(default_factory=dict)
    by_worker: dict[str, Sample] = field(default_factory=dict)

    def add(self, job: Mapping[str, Any]) -> None:
        """Count a job."""
        self.jobs += 1
        db_id, state = str(job["db_id"]), job.get("state")
        self.note_id(db_id)
        if state in _UNDER_WAY:
            self.under_way.setdefault(f"{state}", Sample()).add(db_id)
        if state not in _AT_REST:
            self.by_worker.setdefault(str(job.get("worker")), Sample()).add(db_id)

    def note_id(self, db_id: str) -> None:
        """Note that a db_id is in use."""
        number = db_id.removeprefix(self.prefix)
        if db_id.startswith(self.prefix) and number.isascii() and number.isdecimal():
            self.largest = max(self.largest, int(number))


@dataclass
class Sample:
    """The number of jobs, and the first ones."""

    number: int = 0
    db_ids: list[str] = field(default_factory=list)

    def add(self, db_id: str) -> None:
        """Count a job."""
        self.number += 1
        if len(self.db_ids) < SHOWN:
            self.db_ids.append(db_id)

    def __str__(self) -> str:
        more = f" and {self.number - len(self.db_ids)} more" if self.number > SHOWN else ""
        return ", ".join(self.db_ids) + more


def examine_work(
    census: Census, workers: Collection[str] | None, *, live_runner: bool
) -> list[Finding]:
    """Find jobs that no process will process.

    Parameters
    ----------
    workers
        Names of the project's workers; None if unknown.
    live_runner
        Whether a runner is registered and alive.
    """
    findings = []
    for worker, sample in census.by_worker.items():
        if workers is not None and worker not in workers:
            findings.append(
                Finding(
                    FindingKind.UNKNOWN_WORKER,
                    Severity.PROBLEM,
                    worker,
                    f"there is no worker {worker!r}, needed by {_jobs(sample.number)}: {sample}",
                    "add the worker to the project, or assign another one: `jf job set worker`",
                )
            )
    if live_runner:
        return findings
    for state in RUNNING_STATES:
        found = census.under_way.get(state.value)
        if found is not None:
            findings.append(
                Finding(
                    FindingKind.UNATTENDED,
                    Severity.NOTE,
                    state.value,
                    f"no runner is active, but {_jobs(found.number)} {state.value}: {found}",
                    "start a runner",
                )
            )
    return findings


def examine_auxiliary(documents: Iterable[Mapping[str, Any]], census: Census) -> list[Finding]:
    """Find missing documents of the database itself, and a counter that is too low.

    Parameters
    ----------
    documents
        The auxiliary collection, read after the jobs: programs that insert jobs increase the
        counter first.
    """
    known = {name: doc for doc in reversed(list(documents)) for name in doc}
    if not census.jobs and not known.keys() & AUXILIARY.keys():
        return [
            Finding(
                FindingKind.NOT_SET_UP,
                Severity.PROBLEM,
                "database",
                "the database has not been set up",
                "set it up with `jf admin reset`",
            )
        ]
    findings = [
        _missing_document(name, value if name != "next_id" else census.largest + 1)
        for name, value in AUXILIARY.items()
        if name not in known
    ]
    if "jobflow_remote_version" not in known:
        findings.append(
            Finding(
                FindingKind.AUXILIARY,
                Severity.WARNING,
                "jobflow_remote_version",
                "the database does not record which version created it",
                "record it with `jf admin upgrade`",
            )
        )
    if "next_id" in known and int(known["next_id"]["next_id"]) <= census.largest:
        findings.append(_counter_behind(known["next_id"]["next_id"], census.largest))
    return findings


def written_by_newer(problem: str) -> Finding:
    """Return the finding that the documents may have a different format."""
    return Finding(
        FindingKind.AUXILIARY,
        Severity.PROBLEM,
        "jobflow_remote_version",
        problem,
        "use the jfr version that wrote it, or a newer one",
    )


def _missing_document(name: str, value: Any) -> Finding:
    what = {
        "next_id": "the counter of db_ids is missing: flows cannot be submitted",
        "running_runner": "the record of the running runner is missing: runners cannot register",
        "runner_pings": "the list of the runners' pings is missing",
    }[name]
    return Finding(
        FindingKind.AUXILIARY,
        Severity.WARNING if name == "runner_pings" else Severity.PROBLEM,
        name,
        what,
        f"add it with the value {value!r}",
        Mending(Action.ADD_DOCUMENT, name, value=value),
    )


def _counter_behind(next_id: int, largest: int) -> Finding:
    return Finding(
        FindingKind.COUNTER,
        Severity.PROBLEM,
        "next_id",
        f"the next db_id would be {next_id}, but ids up to {largest} are in use",
        f"increase the counter to {largest + 1}",
        Mending(Action.RAISE_COUNTER, "next_id", value=largest + 1),
    )


def examine_indexes(
    collection: str, missing: Sequence[tuple[str, bool]], duplicates: Sequence[str]
) -> list[Finding]:
    """Find missing indexes and, if a unique one is missing, documents with the same key.

    Parameters
    ----------
    missing
        (description, unique) of each index.
    duplicates
        Descriptions of keys shared by several documents.
    """
    findings = [
        Finding(
            FindingKind.DUPLICATE,
            Severity.PROBLEM,
            what,
            f"two documents of {collection} have {what}",
            "cannot be repaired automatically: decide which one to keep, and remove the other",
        )
        for what in duplicates
    ]
    if missing:
        names = [name + (" (unique)" if unique else "") for name, unique in missing]
        findings.append(
            Finding(
                FindingKind.INDEX,
                Severity.WARNING,
                collection,
                f"the collection {collection} lacks {len(names)} of its indexes: {some(names)}",
                "remove the duplicates first" if duplicates else "create them",
                None if duplicates else Mending(Action.BUILD_INDEXES, collection),
            )
        )
    return findings


def missing_outputs(jobstore: str | None, db_ids: Sequence[str]) -> Finding:
    """Return the finding that jobs are COMPLETED although their outputs are not stored."""
    where = "the JobStore" if jobstore is None else f"the JobStore {jobstore!r}"
    return Finding(
        FindingKind.OUTPUT_MISSING,
        Severity.PROBLEM,
        jobstore or "jobstore",
        f"{where} has no output of {count(db_ids, 'that completed')}: {some(db_ids)}",
        "cannot be repaired: rerun them (`jf job rerun --force`) if the outputs are needed",
    )


def _jobs(number: int) -> str:
    return f"{number} job{'' if number == 1 else 's'}"
