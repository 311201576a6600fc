"""All errors that `controller` raises deliberately.

::

    ControllerError
    ├── ArgumentError (ValueError)          the call itself is wrong
    │   ├── DeprecatedStateError            a state renamed by a later version
    │   ├── FilterError                     a filter that is malformed or contradictory
    │   └── TooManyError                    more is selected than the limit allows
    ├── ConfigError (ValueError)            project files, workers, settings
    │   ├── ProjectUndefinedError           no project named, and not exactly one exists
    │   └── ProjectParsingError             the project is unknown, or its file cannot be used
    ├── NotFoundError (ValueError)          no such id or name
    │   ├── JobNotFoundError, FlowNotFoundError, BatchNotFoundError
    │   └── EntryNotFoundError (ConfigError)  a worker, exec_config or JobStore of a project
    ├── MissingDocumentError                one of jfr's own documents is missing
    │   └── BatchNotFoundError
    ├── StateError (ValueError)             the action does not accept the job's or flow's state
    ├── LockedDocumentError                 another process holds the lock: busy, not failed
    │   ├── JobLockedError, FlowLockedError, RunnerLockedError
    ├── LockLostError                       the lease was taken over or broken: stop, write nothing
    ├── StillRunningError                   an earlier run has not ended yet: busy, not failed
    ├── NotYetError                         another part of the runner comes first: busy, not failed
    ├── RunningRunnerError                  a live runner forbids the action
    ├── SubmissionError (ValueError)        a flow that cannot be accepted
    │   └── MissingStoreError (ConfigError)  it needs an additional store that does not exist
    ├── RemoteError                         a step on a worker failed (``no_retry``: permanently)
    │   ├── QueueBusyError                  its queue accepts no jobs now: delayed, not failed
    │   └── HostUnavailableError            its machine cannot be reached: delayed, not failed
    │       ├── HostStalledError            a command exceeded its time limit
    │       ├── AuthenticationRequiredError a user must log in first
    │       └── HostKeyError                its host key is unknown or has changed
    ├── JobFailedError                      awaited jobs ended in an error
    └── StorageError                        the database or its file
        ├── StorageUnavailableError         not reachable, not readable, not writable
        │   ├── StorageMissingError         the expected database does not exist
        │   └── StorageBusyError            another process kept the file locked for too long
        │       └── WriteConflictError      another process changed the same documents
        ├── DocumentTooLargeError           above MongoDB's limit of 16 MB
        ├── DuplicateKeyError               the document violates a unique index
        ├── StorageFormatError              corrupt, or written by a newer version
        └── UnsupportedOperationError       outside the portable subset of MongoDB's language

Errors carry the facts as attributes and end with what to do next. Only the command line
turns them into exit codes (``jfr_cli.errors``). Standard library only: everything imports this.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from controller.identity import named_process


class ControllerError(Exception):
    """Base class of all errors of this package.

    Parameters
    ----------
    message
        What is wrong, in one line.
    hint
        What to do next, in one line; shown after the message.

    Attributes
    ----------
    done
        What an action on many jobs or flows did before the error stopped it: a `BulkResult` or
        `FlowResult`, else None. (Other exceptions that stop one have this attribute too.)
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.done: list[str] | None = None

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors keep their facts across process boundaries, whatever their constructor takes.
        return (rebuilt, (type(self), self.args, self.__dict__))


def rebuilt(cls: type[ControllerError], args: tuple[Any, ...], facts: dict[str, Any]) -> Any:
    """Recreate an error that was pickled in another process."""
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(facts)
    return error


class ArgumentError(ControllerError, ValueError):
    """An argument, or a combination of arguments, that makes no sense."""


class DeprecatedStateError(ArgumentError):
    """A job state of jobflow-remote 0.1.x that was renamed.

    Attributes
    ----------
    state, new_state
        The stored value and the name it has now.
    """

    def __init__(self, state: str, new_state: str) -> None:
        super().__init__(
            f"the job state {state} is now called {new_state}",
            hint="a database written by jobflow-remote 0.1.x needs `jf admin upgrade`",
        )
        self.state, self.new_state = state, new_state


class FilterError(ArgumentError):
    """A filter that is malformed or contradicts another one."""


class TooManyError(ArgumentError):
    """More jobs or flows are selected than the limit allows; nothing was changed.

    Attributes
    ----------
    number, limit
        Number selected, and the maximum.
    """

    def __init__(self, message: str, *, number: int, limit: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.number, self.limit = number, limit


class ConfigError(ControllerError, ValueError):
    """A project file, worker or setting that cannot be used."""


class ProjectUndefinedError(ConfigError):
    """No project was named, and there is not exactly one to choose from."""


class ProjectParsingError(ConfigError):
    """The named project does not exist or its file cannot be used."""


class NotFoundError(ControllerError, ValueError):
    """There is nothing with the given id or name."""


class EntryNotFoundError(NotFoundError, ConfigError):
    """A project has no worker, execution configuration or JobStore of the given name."""


class JobNotFoundError(NotFoundError):
    """No job has the given db_id, or uuid and index."""


class FlowNotFoundError(NotFoundError):
    """No flow has the given id."""


class MissingDocumentError(ControllerError):
    """One of jfr's own documents, such as the id counter, is missing from the database."""


class BatchNotFoundError(NotFoundError, MissingDocumentError):
    """No batch process has the given id."""


class StateError(ControllerError, ValueError):
    """The state of a job or flow does not allow the action.

    Attributes
    ----------
    action
        The verb of the action, as in ``rerun``.
    db_id
        The job; for a flow, its uuid.
    state
        Its state when the action was refused.
    allowed
        The states that the action accepts.
    """

    def __init__(
        self,
        message: str,
        *,
        action: str | None = None,
        db_id: str | None = None,
        state: Any = None,
        allowed: Iterable[Any] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.action, self.db_id, self.state, self.allowed = action, db_id, state, tuple(allowed)


class LockedDocumentError(ControllerError):
    """Another process has locked the document.

    Attributes
    ----------
    lock_id, lock_time
        The other process's lock; the time is a naive UTC datetime, as stored.
    owner
        ``lock_lease.owner`` of the holder, None for a lock without a lease.
    """

    noun = "document"

    def __init__(
        self,
        message: str | None = None,
        *,
        document_id: str | None = None,
        lock_id: str | None = None,
        lock_time: datetime | None = None,
        owner: dict[str, Any] | None = None,
    ) -> None:
        if message is None:
            since = f" since {lock_time:%Y-%m-%dT%H:%M:%SZ}" if lock_time else ""
            holder = f" by {named_process(owner)}" if owner else ""
            message = f"{self.noun} {document_id} is locked{holder}{since} (lock {lock_id})"
        super().__init__(message, hint="wait and try again, or see `jf admin unlock --help`")
        self.document_id, self.lock_id, self.lock_time = document_id, lock_id, lock_time
        self.owner = owner


class JobLockedError(LockedDocumentError):
    """Another process has locked the job."""

    noun = "job"


class FlowLockedError(LockedDocumentError):
    """Another process has locked the flow."""

    noun = "flow"


class RunnerLockedError(LockedDocumentError):
    """Another process is changing the record of the running runner."""

    noun = "runner record"


class LockLostError(ControllerError):
    """The lease was taken over or broken during the work; nothing was written after that."""


class StillRunningError(ControllerError):
    """The process of an earlier attempt at a job was cancelled but has not ended yet."""


class NotYetError(ControllerError):
    """Another part of the runner must do something first."""


class RunningRunnerError(ControllerError):
    """A live runner forbids the action.

    Attributes
    ----------
    runner
        The ``running_runner`` sub-document.
    """

    def __init__(
        self, message: str, *, runner: dict[str, Any] | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.runner = runner


class SubmissionError(ControllerError, ValueError):
    """The flow cannot be accepted: it is cyclic, empty, a duplicate, or has missing references."""


class MissingStoreError(SubmissionError, ConfigError):
    """A job needs an additional store that the project does not define."""


class RemoteError(ControllerError):
    """A step on a worker failed.

    Parameters
    ----------
    msg
        What failed.
    no_retry
        True when repeating the step cannot help: the job becomes REMOTE_ERROR at once.
    """

    def __init__(self, msg: str, no_retry: bool = False, *, hint: str | None = None) -> None:
        super().__init__(msg, hint=hint)
        self.msg, self.no_retry = msg, no_retry


class OtherAttemptError(RemoteError):
    """A run directory belongs to another attempt at its job by now: nothing was done in it."""


class QueueBusyError(RemoteError):
    """A worker's queue accepts no jobs at present: it is full, or does not answer.

    Parameters
    ----------
    reason
        The queue's own message.

    Attributes
    ----------
    retry_in
        Seconds until the next attempt; None if that is not decided yet.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the queue accepts no more jobs: {reason}", hint="it will be retried")
        self.reason = reason
        self.retry_in: float | None = None


class HostUnavailableError(RemoteError):
    """A worker's machine cannot be reached; nothing is known about the state of its jobs.

    Parameters
    ----------
    msg
        What happened, with the name of the machine.
    retry_in
        Seconds until the next attempt; None for immediately.

    Attributes
    ----------
    sent
        Whether a command may have run although no reply was received.
    """

    def __init__(
        self,
        msg: str,
        *,
        retry_in: float | None = None,
        sent: bool = False,
        hint: str | None = None,
    ) -> None:
        super().__init__(msg, hint=hint)
        self.retry_in, self.sent = retry_in, sent


class HostStalledError(HostUnavailableError):
    """A command exceeded its time limit: a hanging file system, or an overloaded machine."""

    def __init__(self, msg: str) -> None:
        super().__init__(msg, sent=True)


class AuthenticationRequiredError(HostUnavailableError):
    """The machine refuses the login: a user has to log in, or to fix keys or passwords."""


class HostKeyError(HostUnavailableError):
    """The host key of a machine is unknown or has changed."""


class JobFailedError(ControllerError):
    """Jobs that were waited for ended in an error.

    Attributes
    ----------
    db_ids
        The failed jobs.
    """

    def __init__(self, message: str, *, db_ids: Iterable[str] = (), hint: str | None = None):
        super().__init__(message, hint=hint)
        self.db_ids = list(db_ids)


class StorageError(ControllerError):
    """The database, or the file that contains it, refused an operation."""


class StorageUnavailableError(StorageError):
    """The database cannot be reached, read or written, or access is denied."""


class StorageMissingError(StorageUnavailableError):
    """The expected database does not exist: its disk is not mounted, or it was never created."""


class StorageBusyError(StorageUnavailableError):
    """Another process locked the database file for longer than the timeout."""


class WriteConflictError(StorageBusyError):
    """Another process changed the same documents at the same time; try again immediately."""


class StorageClosedError(StorageError):
    """The connection to the database was closed by this process itself."""


class DocumentTooLargeError(StorageError):
    """The document exceeds the size limit of the database."""


class DuplicateKeyError(StorageError):
    """The document violates a unique index.

    Attributes
    ----------
    index
        Name of the index, if the engine reports it.
    key
        The offending values, {path: value}, if the engine reports them.
    """

    def __init__(
        self, message: str, *, index: str | None = None, key: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.index, self.key = index, key


class StorageFormatError(StorageError):
    """The file is corrupt, not a jfr database, or was written by a newer version."""


class UnsupportedOperationError(StorageError, NotImplementedError):
    """Outside the portable subset: refused, because a wrong answer is worse than an error."""
