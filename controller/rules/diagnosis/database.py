"""Whether the database as a whole is in order: counters, documents, indexes, who works on it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from controller.rules.diagnosis.findings import Action, Finding, FindingKind, Mending, Severity
from controller.rules.diagnosis.flows import count, some
from controller.states import FINISHED_STATES, RUNNING_STATES, JobState

SHOWN = 5
"""Jobs that a finding about many of them names."""

_AT_REST = frozenset({*FINISHED_STATES, JobState.STOPPED, JobState.USER_STOPPED})
_UNDER_WAY = frozenset(RUNNING_STATES)

AUXILIARY: Mapping[str, Any] = {"next_id": 1, "running_runner": None, "runner_pings": []}
"""{field by which a document of the auxiliary collection is known: its value when it is new}."""


@dataclass
class Census:
    """What is known about all jobs together; filled one job after the other.

    Attributes
    ----------
    prefix
        What db_ids of the project begin with.
    jobs
        How many there are.
    largest
        Largest number of a db_id with the prefix.
    under_way, by_worker
        {state: number and first db_ids}, {worker: the same, of jobs that still need it}.
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
        number = db_id.removeprefix(self.prefix)
        if db_id.startswith(self.prefix) and number.isascii() and number.isdecimal():
            self.largest = max(self.largest, int(number))
        if state in _UNDER_WAY:
            self.under_way.setdefault(f"{state}", Sample()).add(db_id)
        if state not in _AT_REST:
            self.by_worker.setdefault(str(job.get("worker")), Sample()).add(db_id)


@dataclass
class Sample:
    """How many jobs, and the first of them."""

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
    """Find jobs that no process will work on.

    Parameters
    ----------
    workers
        Names of the project's workers; None when they are not known.
    live_runner
        Whether a runner is registered and gave signs of life.
    """
    findings = []
    for worker, sample in census.by_worker.items():
        if workers is not None and worker not in workers:
            findings.append(
                Finding(
                    FindingKind.UNKNOWN_WORKER,
                    Severity.PROBLEM,
                    worker,
                    f"no worker {worker!r} in the project for {_jobs(sample.number)}: {sample}",
                    "add the worker to the project, or give the jobs another: `jf job set worker`",
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
                    f"no runner is active for {_jobs(found.number)} {state.value}: {found}",
                    "start a runner",
                )
            )
    return findings


def examine_auxiliary(documents: Iterable[Mapping[str, Any]], census: Census) -> list[Finding]:
    """Find missing documents of the database itself, and a counter that is behind.

    Parameters
    ----------
    documents
        The auxiliary collection, read after the jobs: whatever inserts jobs raises the counter
        before.
    """
    known = {name: doc for doc in reversed(list(documents)) for name in doc}
    if not census.jobs and not known.keys() & AUXILIARY.keys():
        return [
            Finding(
                FindingKind.NOT_SET_UP,
                Severity.PROBLEM,
                "database",
                "the database has not been set up",
                "`jf admin reset` does",
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
                "the database does not say by which version it was made",
                "`jf admin upgrade` writes it",
            )
        )
    if "next_id" in known and int(known["next_id"]["next_id"]) <= census.largest:
        findings.append(_counter_behind(known["next_id"]["next_id"], census.largest))
    return findings


def written_by_newer(problem: str) -> Finding:
    """Say that the documents may not be what this program takes them for."""
    return Finding(
        FindingKind.AUXILIARY,
        Severity.PROBLEM,
        "jobflow_remote_version",
        problem,
        "use the version that wrote it, or a newer jfr",
    )


def _missing_document(name: str, value: Any) -> Finding:
    what = {
        "next_id": "the counter of db_ids is missing: nothing can be submitted",
        "running_runner": "the record of the running runner is missing: none can register",
        "runner_pings": "the record of the runners' signs of life is missing",
    }[name]
    return Finding(
        FindingKind.AUXILIARY,
        Severity.WARNING if name == "runner_pings" else Severity.PROBLEM,
        name,
        what,
        f"add it, with {value!r}",
        Mending(Action.ADD_DOCUMENT, name, value=value),
    )


def _counter_behind(next_id: int, largest: int) -> Finding:
    return Finding(
        FindingKind.COUNTER,
        Severity.PROBLEM,
        "next_id",
        f"the next db_id would be {next_id}, but {largest} is taken",
        f"raise the counter to {largest + 1}",
        Mending(Action.RAISE_COUNTER, "next_id", value=largest + 1),
    )


def examine_indexes(
    collection: str, missing: Sequence[tuple[str, bool]], duplicates: Sequence[str]
) -> list[Finding]:
    """Find missing indexes and, where a unique one is missing, documents that share its key.

    Parameters
    ----------
    missing
        (description, unique) of each.
    duplicates
        Descriptions of keys that more than one document has.
    """
    findings = [
        Finding(
            FindingKind.DUPLICATE,
            Severity.PROBLEM,
            what,
            f"two documents of {collection} have {what}",
            "this cannot be mended: decide which one to keep, and remove the other",
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
                f"{collection} lacks {len(names)} of its indexes: {some(names)}",
                "remove the duplicates first" if duplicates else "build them",
                None if duplicates else Mending(Action.BUILD_INDEXES, collection),
            )
        )
    return findings


def missing_outputs(jobstore: str | None, db_ids: Sequence[str]) -> Finding:
    """Say that jobs are COMPLETED although their outputs are not stored."""
    where = "the JobStore" if jobstore is None else f"the JobStore {jobstore!r}"
    return Finding(
        FindingKind.OUTPUT_MISSING,
        Severity.PROBLEM,
        jobstore or "jobstore",
        f"{where} has no output of {count(db_ids, 'that completed')}: {some(db_ids)}",
        "this cannot be mended: rerun them (`jf job rerun --force`), if the outputs are needed",
    )


def _jobs(number: int) -> str:
    return f"{number} job{'' if number == 1 else 's'}"
