"""Every error that `controller` raises on purpose.

::

    ControllerError
    ├── ArgumentError (ValueError)          the call itself is wrong
    │   ├── DeprecatedStateError            a state that a later version renamed
    │   ├── FilterError                     a filter that cannot be meant
    │   └── TooManyError                    more is selected than the limit allows
    ├── ConfigError (ValueError)            project files, workers, settings
    │   ├── ProjectUndefinedError           no project named, and more or less than one exists
    │   └── ProjectParsingError             the project is unknown, or its file cannot be used
    ├── NotFoundError (ValueError)          an id or name that does not exist
    │   ├── JobNotFoundError, FlowNotFoundError, BatchNotFoundError
    │   └── EntryNotFoundError (ConfigError)  a worker, exec_config or JobStore of a project
    ├── MissingDocumentError                a document that jfr itself keeps is gone
    │   └── BatchNotFoundError
    ├── StateError (ValueError)             the action does not accept the job's or flow's state
    ├── LockedDocumentError                 another process has the lock: busy, not failed
    │   ├── JobLockedError, FlowLockedError, RunnerLockedError
    ├── LockLostError                       our lease was taken over or broken: stop, write nothing
    ├── StillRunningError                   an earlier run has not ended yet: busy, not failed
    ├── NotYetError                         another part of the runner comes first: busy, not failed
    ├── RunningRunnerError                  a live runner forbids the action
    ├── SubmissionError (ValueError)        a flow that cannot be accepted
    │   └── MissingStoreError (ConfigError)  it needs an additional store that is not there
    ├── RemoteError                         a step on a worker failed (``no_retry``: for good)
    │   ├── QueueBusyError                  its queue takes no job now: held up, not failed
    │   └── HostUnavailableError            its machine cannot be reached: held up, not failed
    │       ├── HostStalledError            a command was not done in its time
    │       ├── AuthenticationRequiredError it does not let us in until a person logs in
    │       └── HostKeyError                its key is not known, or is not the one that we know
    ├── JobFailedError                      awaited jobs ended in an error
    └── StorageError                        the database or its file
        ├── StorageUnavailableError         not reachable, not readable, not writable
        │   ├── StorageMissingError         there is no database where one should be
        │   └── StorageBusyError            another process kept the file locked for too long
        │       └── WriteConflictError      another process changed the same documents then
        ├── DocumentTooLargeError           MongoDB takes 16 MB
        ├── DuplicateKeyError               a unique index refuses the document
        ├── StorageFormatError              corrupt, or written by a newer version
        └── UnsupportedOperationError       outside the portable subset of MongoDB's language

An error carries its facts as attributes and ends with what to do next. Only the command line
turns them into exit codes (``jfr_cli.errors``). Standard library only: everything imports this.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from controller.identity import named_process


class ControllerError(Exception):
    """Root of all errors of this package.

    Parameters
    ----------
    message
        What is wrong, in one line.
    hint
        What to do next, in one line; shown after the message.

    Attributes
    ----------
    done
        What an action on many jobs or flows had done before the error ended it: a `BulkResult` or
        `FlowResult`, else None. (Other exceptions that end one have this attribute too.)
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.done: list[str] | None = None

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors cross process boundaries with their facts, whatever their constructor takes.
        return (rebuilt, (type(self), self.args, self.__dict__))


def rebuilt(cls: type[ControllerError], args: tuple[Any, ...], facts: dict[str, Any]) -> Any:
    """Return an error as it was in another process."""
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(facts)
    return error


class ArgumentError(ControllerError, ValueError):
    """An argument, or a combination of arguments, that cannot be meant."""


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
    """More is selected than the limit allows; nothing was changed.

    Attributes
    ----------
    number, limit
        How many are selected, and how many may be.
    """

    def __init__(self, message: str, *, number: int, limit: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.number, self.limit = number, limit


class ConfigError(ControllerError, ValueError):
    """A project file, worker or setting that cannot be used."""


class ProjectUndefinedError(ConfigError):
    """No project was named, and there is not exactly one to choose."""


class ProjectParsingError(ConfigError):
    """The named project does not exist or its file cannot be used."""


class NotFoundError(ControllerError, ValueError):
    """An id or a name that does not exist."""


class EntryNotFoundError(NotFoundError, ConfigError):
    """A project has no worker, execution configuration or JobStore of the given name."""


class JobNotFoundError(NotFoundError):
    """No job has the given db_id, or uuid and index."""


class FlowNotFoundError(NotFoundError):
    """No flow has the given id."""


class MissingDocumentError(ControllerError):
    """A document that jfr itself keeps, such as the id counter, is not in the database."""


class BatchNotFoundError(NotFoundError, MissingDocumentError):
    """No batch process has the given id."""


class StateError(ControllerError, ValueError):
    """The state of a job or flow does not allow the action.

    Attributes
    ----------
    action
        The verb of the action, as in ``rerun``.
    db_id
        The job concerned; the flow's uuid for a flow.
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
        The foreign lock; the time is a naive UTC datetime as stored.
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
    """The lease was taken over or broken while we worked; nothing more was written under it."""


class StillRunningError(ControllerError):
    """What runs of an earlier attempt at a job was cancelled but has not ended yet."""


class NotYetError(ControllerError):
    """Another part of the runner has to do something first."""


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
    """A flow that cannot be accepted: cyclic, empty, a duplicate, or with missing references."""


class MissingStoreError(SubmissionError, ConfigError):
    """A job needs an additional store that the project does not have."""


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


class QueueBusyError(RemoteError):
    """The queue of a worker takes no job at present: it is full, or it does not answer.

    Parameters
    ----------
    reason
        In the queue's own words.

    Attributes
    ----------
    retry_in
        Seconds until the job is tried again; None where that is not decided yet.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the queue takes no more jobs: {reason}", hint="it is tried again")
        self.reason = reason
        self.retry_in: float | None = None


class HostUnavailableError(RemoteError):
    """The machine of a worker cannot be reached; nothing is known of what it holds.

    Parameters
    ----------
    msg
        What happened, with the name of the machine.
    retry_in
        Seconds until it is tried again; None for at once.

    Attributes
    ----------
    sent
        Whether a command may have run although no answer came.
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
    """A command was not done in its time: a file system that stands still, or a busy machine."""

    def __init__(self, msg: str) -> None:
        super().__init__(msg, sent=True)


class AuthenticationRequiredError(HostUnavailableError):
    """The machine does not let us in: a person has to log in, or to mend keys or passwords."""


class HostKeyError(HostUnavailableError):
    """The key of a machine is not known, or is not the one that is known."""


class JobFailedError(ControllerError):
    """Awaited jobs ended in an error.

    Attributes
    ----------
    db_ids
        The jobs concerned.
    """

    def __init__(self, message: str, *, db_ids: Iterable[str] = (), hint: str | None = None):
        super().__init__(message, hint=hint)
        self.db_ids = list(db_ids)


class StorageError(ControllerError):
    """The database, or the file it lies in, refused an operation."""


class StorageUnavailableError(StorageError):
    """The database cannot be reached, read or written, or we are not allowed in."""


class StorageMissingError(StorageUnavailableError):
    """There is no database where one should be: its disk is not mounted, or it was never made."""


class StorageBusyError(StorageUnavailableError):
    """Another process kept the database file for longer than we were willing to wait."""


class WriteConflictError(StorageBusyError):
    """Another process changed the same documents at the same time; try again at once."""


class DocumentTooLargeError(StorageError):
    """The database has a limit for documents, and this one is larger."""


class DuplicateKeyError(StorageError):
    """A unique index refuses the document.

    Attributes
    ----------
    index
        Name of the index, where the engine tells.
    key
        The offending values, {path: value}, where the engine tells.
    """

    def __init__(
        self, message: str, *, index: str | None = None, key: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.index, self.key = index, key


class StorageFormatError(StorageError):
    """The file is corrupt, no database of ours, or was written by a newer version."""


class UnsupportedOperationError(StorageError, NotImplementedError):
    """Connections the portable subset: refused, because a wrong answer is worse than an error."""
