"""Replace references in a serialised job by the outputs they refer to.

Neither the job nor the outputs are decoded: the packages of both may be on the worker only, and
data that is not decoded cannot be changed. The one exception is a reference to an attribute of an
object. jobflow, which is slow to import, is used only in special cases: an output that is missing
or in parts, an output that refers to others, and an attribute of an object.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from controller.errors import RemoteError
from controller.storage.output_store import OutputStore
from controller.storage.outputs import reaching

if TYPE_CHECKING:
    from jobflow.core.reference import OnMissing, OutputReference
    from jobflow.core.store import JobStore

_ARGUMENTS = ("function_args", "function_kwargs")


def resolved_job(
    body: dict[str, Any], store: Callable[[], JobStore | OutputStore]
) -> dict[str, Any]:
    """Return a serialised job whose references have been replaced by outputs.

    Parameters
    ----------
    store
        Returns the connected JobStore, or the runner's substitute; called only if there is a
        reference.

    Raises
    ------
    RemoteError
        An output is missing, or has no such part (``no_retry``).
    """
    config = body.get("config") or {}
    wanted = config.get("resolve_references", True)
    arguments = {name: body[name] for name in _ARGUMENTS if body.get(name)}
    if not wanted or not _holds_reference(list(arguments.values())):
        return body
    found = store()
    if isinstance(found, OutputStore):
        if wanted != "both":
            try:
                plain = _PlainOutputs(found)
                return {**body, **{name: plain.put_into(v) for name, v in arguments.items()}}
            except _NotPlain:
                pass
        connected = found.jobstore()
    else:
        connected = found
    from jobflow.core.reference import OnMissing

    on_missing = config.get("on_missing_references") or "error"
    if isinstance(on_missing, Mapping):
        on_missing = on_missing.get("value", "error")
    outputs = _Outputs(connected, OnMissing(on_missing), wrap=wanted == "both")
    with reaching(connected):
        return {**body, **{name: outputs.put_into(value) for name, value in arguments.items()}}


def _is_reference(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("@class") == "OutputReference"


def _holds_reference(value: Any) -> bool:
    stack = [value]
    while stack:
        one = stack.pop()
        if _is_reference(one):
            return True
        if isinstance(one, Mapping):
            if one.get("@module") != "numpy":  # arrays contain numbers only, possibly very many
                stack.extend(one.values())
        elif isinstance(one, (list, tuple)):
            stack.extend(one)
    return False


class _NotPlain(Exception):
    """Only jobflow can resolve the reference."""


class _Replaced(ABC):
    """Replaces references by the values that they refer to."""

    def put_into(self, value: Any) -> Any:
        """Return a value with its references replaced."""
        if _is_reference(value):
            return self._value(value)
        if isinstance(value, Mapping):
            return {key: self.put_into(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.put_into(each) for each in value]
        return value

    @abstractmethod
    def _value(self, described: Mapping[str, Any]) -> Any:
        """Return the value that a reference refers to."""


class _PlainOutputs(_Replaced):
    """Plain outputs, each read once."""

    def __init__(self, store: OutputStore) -> None:
        self._store = store
        self._cache: dict[str, Any] = {}

    def _value(self, described: Mapping[str, Any]) -> Any:
        uuid = described["uuid"]
        if uuid not in self._cache:
            found = self._store.last_output(uuid)
            if found is None or _is_in_parts(found[0]):
                raise _NotPlain
            (self._cache[uuid],) = found
        value = self._cache[uuid]
        for attribute in described.get("attributes") or ():
            if not isinstance(value, (dict, list)) or "@module" in value:
                raise _NotPlain
            try:
                value = value[attribute[1]]
            except (LookupError, TypeError) as error:
                raise _NotPlain from error
        return value


def _is_in_parts(output: Any) -> bool:
    """Whether an output refers to others, or to data in additional stores."""
    stack = [output]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            if "blob_uuid" in one or _is_reference(one):
                return True
            stack.extend(one.values())
        elif isinstance(one, list):
            stack.extend(one)
    return False


class _Outputs(_Replaced):
    """The outputs that a job refers to, each read once.

    Parameters
    ----------
    store
        A connected JobStore.
    on_missing
        What to do about an output that is missing.
    wrap
        Put each value into a ResolvedReference, which records its origin.
    """

    def __init__(self, store: JobStore, on_missing: OnMissing, *, wrap: bool) -> None:
        self._store, self._on_missing, self._wrap = store, on_missing, wrap
        self._cache: dict[str, Any] = {}

    def _value(self, described: Mapping[str, Any]) -> Any:
        from jobflow.core.reference import OutputReference, ResolvedReference

        reference = OutputReference.from_dict(dict(described))
        whole = OutputReference(reference.uuid)
        try:
            found = whole.resolve(
                self._store, cache=self._cache, on_missing=self._on_missing, deserialize=False
            )
        except ValueError as error:
            raise RemoteError(f"cannot find an input of the job: {error}") from error
        if isinstance(found, OutputReference):
            return described
        if self._cache.get(reference.uuid):
            found = _part(found, reference)
        if not self._wrap:
            return found
        wrapped = ResolvedReference(reference.uuid, reference.attributes, None)
        return {**_serialised(wrapped), "value": found}


def _part(output: Any, reference: OutputReference) -> Any:
    """Follow the attributes of a reference into an output."""
    from monty.json import MontyDecoder

    value, decoded = output, False
    for kind, name in reference.attributes:
        if not decoded and isinstance(value, dict) and "@module" in value:
            value, decoded = MontyDecoder().process_decoded(value), True
        try:
            by_key = kind == "i" or isinstance(value, dict)
            value = value[name] if by_key else getattr(value, name)
        except (LookupError, AttributeError, TypeError) as error:
            raise RemoteError(
                f"cannot find an input of the job: the output of {reference.uuid} has no "
                f"{name!r} ({type(error).__name__}: {error})",
                no_retry=True,
            ) from error
    return _serialised(value) if decoded else value


def _serialised(value: Any) -> Any:
    from monty.json import MontyEncoder

    return json.loads(json.dumps(value, cls=MontyEncoder))
