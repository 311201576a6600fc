"""Access control: names of this host, one-time links, sessions, and the origin of forms.

The pages show and change whatever their user may, so other users of the machine, and other sites
in the same browser, must not be able to request anything:

* A link holds a token that works once. It is exchanged for a cookie that a browser sends only
  with requests from our own pages.
* ``Host`` must be a name of this machine, which defeats DNS rebinding.
* Requests that change something must come from our own pages (``Origin``) and carry a token of
  the session.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)
"""Content security policy of every answer: nothing from other sites, nothing inline."""
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_READING = ("GET", "HEAD")


@dataclass
class Tokens:
    """One-time links and sessions of one server; they are not stored.

    Attributes
    ----------
    tell
        Called with the token of a new link after the previous one was used.
    """

    tell: Callable[[str], None] = lambda token: None
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _links: set[str] = field(default_factory=set)
    _used: set[str] = field(default_factory=set)
    _sessions: set[str] = field(default_factory=set)

    def new_link(self) -> str:
        """Make a token that can be exchanged for a session once."""
        token = secrets.token_urlsafe(24)
        self._links.add(token)
        return token

    def exchange(self, token: str) -> str | None:
        """Return a new session for a token; None if the token is not valid or was already used."""
        if token not in self._links:
            return None
        self._links.remove(token)
        self._used.add(token)
        session = secrets.token_urlsafe(32)
        self._sessions.add(session)
        self.tell(self.new_link())
        return session

    def was_used(self, token: str) -> bool:
        """Whether a token is one of ours that was already used."""
        return token in self._used

    def knows(self, session: str | None) -> bool:
        """Whether a session is one of ours."""
        return session is not None and session in self._sessions

    def form_token(self, session: str) -> str:
        """Return the token for the forms of a session."""
        return hmac.new(self._secret, session.encode(), hashlib.sha256).hexdigest()

    def is_form_token(self, session: str | None, given: str) -> bool:
        """Whether a form belongs to a session."""
        if session is None or not self.knows(session):
            return False
        return hmac.compare_digest(self.form_token(session), given)


def host_name(header: str) -> str:
    """Return the name in a ``Host`` header, in lower case and without the port."""
    text = header.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0].rstrip(".")


def names_of_this_host(bound: str | None) -> frozenset[str]:
    """Return the host names that browsers may use.

    Parameters
    ----------
    bound
        The address that the server listens on; None for a unix socket.
    """
    names = {*_LOOPBACK}
    if bound is not None and bound not in _LOOPBACK:
        names |= {bound.lower(), socket.gethostname().lower(), socket.getfqdn().lower()}
    return frozenset(names)


def is_loopback(address: str) -> bool:
    """Whether an address can be reached from this machine only."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def may_ask_as(header: str, names: Iterable[str], *, open_to_others: bool) -> bool:
    """Whether a ``Host`` header names this server.

    Parameters
    ----------
    open_to_others
        Whether it listens on more than the loopback address. Numeric addresses are then accepted
        as well, since DNS rebinding needs a name.
    """
    name = host_name(header)
    if name in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return open_to_others


def is_same_origin(origin: str | None, host: str) -> bool:
    """Whether an ``Origin`` header names this server."""
    return origin in (f"http://{host}", f"https://{host}")


class Guard:
    """ASGI middleware that rejects requests without access.

    Parameters
    ----------
    names
        See `names_of_this_host`.
    cookie
        Name of the cookie; it depends on the port, since browsers share cookies between ports.
    open_to_others
        Whether the server listens on more than the loopback address.
    denied
        Makes the page for rejected requests: (status, heading, text) -> response.
    """

    def __init__(
        self,
        app: ASGIApp,
        tokens: Tokens,
        *,
        names: frozenset[str],
        cookie: str,
        open_to_others: bool = False,
        denied: Callable[[int, str, str], Response],
    ) -> None:
        self._app, self._tokens, self._names = app, tokens, names
        self._cookie, self._open, self._denied = cookie, open_to_others, denied

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reject a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refused = self._refusal(scope)
        await (refused or self._app)(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the answer to a request without access; None if it has access."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not may_ask_as(host, self._names, open_to_others=self._open):
            return PlainTextResponse(
                "This server does not answer to that host name.\n", status_code=421
            )
        if scope["path"].startswith("/static/") and scope["method"] in _READING:
            return None
        given = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        if "token" in given and scope["method"] == "GET":
            return self._exchange(given, scope)
        session = self._session(headers)
        if not self._tokens.knows(session):
            return self._denied(
                403,
                "Open the link that jf gui printed",
                "You need the link to see this page. Each link works once; after that, "
                "jf gui prints a new one.",
            )
        if scope["method"] not in _READING and not is_same_origin(headers.get("origin"), host):
            return self._denied(
                403, "Not from this page", "Only the pages of this server may request actions."
            )
        scope["session"] = session
        return None

    def _exchange(self, given: dict[str, str], scope: Scope) -> Response:
        token = given.pop("token")
        session = self._tokens.exchange(token)
        if session is None:
            if self._tokens.knows(self._session(Headers(scope=scope))):
                return RedirectResponse(_address(scope, given), 303)  # the user reloads the link
            used = self._tokens.was_used(token)
            return self._denied(
                403,
                "This link was used before" if used else "This link is not valid",
                "Each link works once. Use the new link in the terminal of jf gui.",
            )
        answer = RedirectResponse(_address(scope, given), 303)
        answer.set_cookie(self._cookie, session, httponly=True, samesite="strict", path="/")
        return answer

    def _session(self, headers: Headers) -> str | None:
        cookies: SimpleCookie = SimpleCookie()
        try:
            cookies.load(headers.get("cookie", ""))
        except CookieError:
            return None
        found: Any = cookies.get(self._cookie)
        return None if found is None else str(found.value)


def _address(scope: Scope, given: dict[str, str]) -> str:
    # One leading slash: "//host" would lead to another site.
    path = "/" + str(scope["path"]).lstrip("/")
    return f"{path}?{urlencode(given)}" if given else path
