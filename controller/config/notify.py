"""The notifications of a project: which events are reported, and to whom."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from controller.config.base import RefusedError, StrictModel
from controller.states import Cause


class Topic(StrEnum):
    """Events that can be reported."""

    FLOW_COMPLETED = "flow_completed"
    FLOW_FAILED = "flow_failed"
    JOB_FAILED = "job_failed"
    RUNNER_GONE = "runner_gone"
    LOGIN_NEEDED = "login_needed"
    DOCTOR = "doctor"


class Notification(StrictModel):
    """A notification; exactly one of ``command``, ``webhook`` and ``apprise`` is set.

    Attributes
    ----------
    on
        The events that are reported.
    causes
        Report only failed jobs with one of these causes; None for all.
    command
        A program and its arguments; it receives JSON on its standard input.
    webhook
        An http or https URL, which receives JSON by POST.
    webhook_secret
        Secret key of the signature in the header ``X-Jfr-Signature``.
    apprise
        A URL of Apprise, which needs the extra ``notify``.
    timeout
        Seconds until a delivery counts as failed.
    every
        Minimum number of seconds between two messages: events in between are reported together.
    """

    on: Annotated[list[Topic], Field(min_length=1)] = Field(
        default_factory=lambda: [Topic.FLOW_FAILED, Topic.RUNNER_GONE, Topic.LOGIN_NEEDED]
    )
    causes: list[Cause] | None = None
    command: Annotated[list[str], Field(min_length=1)] | None = None
    webhook: str | None = None
    webhook_secret: str | None = None
    apprise: str | None = None
    timeout: Annotated[float, Field(gt=0)] = 30
    every: Annotated[float, Field(ge=0)] = 60

    @model_validator(mode="after")
    def _one_way(self) -> Notification:
        given = [way for way in ("command", "webhook", "apprise") if getattr(self, way)]
        if len(given) != 1:
            raise RefusedError(
                "a notification needs exactly one of command, webhook and apprise",
                "for example command: [mail, -s, jfr, me@example.org]",
            )
        if self.webhook:
            parts = urlsplit(self.webhook)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise RefusedError("webhook must be an http or https URL")
        if self.webhook_secret and not self.webhook:
            raise RefusedError("webhook_secret can be used only with webhook")
        return self

    @property
    def way(self) -> str:
        """How and where it is delivered, without secrets."""
        if self.command:
            return f"command {self.command[0]}"
        if self.webhook:
            return f"webhook at {urlsplit(self.webhook).hostname}"
        return f"apprise {(self.apprise or '').partition(':')[0]}"
