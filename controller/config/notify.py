"""Whom a project tells of what happens."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from controller.config.base import RefusedError, StrictModel
from controller.states import Cause


class Topic(StrEnum):
    """What can be told."""

    FLOW_COMPLETED = "flow_completed"
    FLOW_FAILED = "flow_failed"
    JOB_FAILED = "job_failed"
    RUNNER_GONE = "runner_gone"
    LOGIN_NEEDED = "login_needed"
    DOCTOR = "doctor"


class Notification(StrictModel):
    """Who is told of what; exactly one of command, webhook and apprise.

    Attributes
    ----------
    on
        What is told.
    causes
        Of failed jobs only those with one of these causes; None for all.
    command
        A program and its arguments; it gets JSON on its standard input.
    webhook
        An http or https URL; it gets JSON by POST.
    webhook_secret
        Key of the signature in the header ``X-Jfr-Signature``.
    apprise
        A URL of Apprise, which needs the extra ``notify``.
    timeout
        Seconds until a delivery counts as failed.
    every
        Seconds at least between two messages: what happens meanwhile is told in one.
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
                raise RefusedError("webhook has to be an http or https URL")
        if self.webhook_secret and not self.webhook:
            raise RefusedError("webhook_secret goes with webhook only")
        return self

    @property
    def way(self) -> str:
        """How it is delivered and where to, without what may be secret."""
        if self.command:
            return f"command {self.command[0]}"
        if self.webhook:
            return f"webhook at {urlsplit(self.webhook).hostname}"
        return f"apprise {(self.apprise or '').partition(':')[0]}"
