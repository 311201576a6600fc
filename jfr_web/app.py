"""Addresses -> pages, and the frame of every answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from controller import errors
from controller.safe_text import one_line
from jfr_web.address_filters import Ask
from jfr_web.pages import MENU, PAGES, Page
from jfr_web.plans import ACTIONS
from jfr_web.rendering import STATIC, environment, render
from jfr_web.security import Guard
from jfr_web.site import Site

logger = logging.getLogger(__name__)

_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (errors.NotFoundError, 404),
    (errors.StorageUnavailableError, 503),
    (errors.HostUnavailableError, 503),
    (errors.LockedDocumentError, 409),
    (errors.StateError, 409),
    (errors.ArgumentError, 400),
    (errors.UnsupportedOperationError, 400),
)
_FORM_FIELDS, _FORM_BYTES = 20_000, 2_000_000
_AT_ONCE = 2
"""Maximum number of requests for one page that are handled at the same time, so that slow pages
leave threads for the others."""
_AFTER_FIRST = 0.3
"""Seconds after the first page within which a browser requests the files that belong to it."""


def create_app(
    site: Site,
    *,
    names: frozenset[str],
    cookie: str = "jfr",
    open_to_others: bool = False,
    prepare: bool = False,
) -> Starlette:
    """Make the application of a project.

    Parameters
    ----------
    names
        Host names that browsers may use; see `jfr_web.security.names_of_this_host`.
    cookie
        Name of the cookie.
    open_to_others
        Whether the server listens on more than the loopback address.
    prepare
        Whether to import the modules of the other pages as soon as the first page was shown.
    """
    ahead = [_prepare] if prepare else []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await site.news.close()

    routes: list[Any] = [
        Route("/live", partial(_live, site)),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    for page in PAGES:
        show = partial(_show, site, page, asyncio.Semaphore(_AT_ONCE), ahead)
        endpoint = partial(_act, site, page) if page.acts else show
        routes.append(Route(page.path, endpoint, methods=["POST"] if page.acts else ["GET"]))
    guard = Middleware(
        Guard,
        tokens=site.tokens,
        names=names,
        cookie=cookie,
        open_to_others=open_to_others,
        denied=_denied,
    )
    return Starlette(
        routes=routes,
        middleware=[guard, Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)],
        exception_handlers={404: partial(_missing, site), 405: partial(_missing, site)},
        lifespan=lifespan,
    )


async def _live(site: Site, request: Request) -> Response:
    # For pages that do not follow the events: only the numbers.
    headers = {"x-accel-buffering": "no"}
    return StreamingResponse(site.news.listen(), media_type="text/event-stream", headers=headers)


def _asked(request: Request, **more: Any) -> Ask:
    return Ask.of(
        request.url.path,
        request.url.query,
        params=request.path_params,
        session=request.scope.get("session", ""),
        **more,
    )


async def _show(
    site: Site,
    page: Page,
    turn: asyncio.Semaphore,
    ahead: list[Callable[[], None]],
    request: Request,
) -> Response:
    ask = _asked(request)
    work = partial(answer, site, page, ask)
    if request.headers.get("x-live") and page.live:
        versions = (site.news.version, site.news.pulse if page.live == "pulse" else 0)
        key = (ask.path, ask.query, versions, ask.session if site.actions else "")
        body = await site.shared.get(key, partial(_body, site, turn, work, slow=page.slow))
        return HTMLResponse(body)
    async with turn:
        found = await site.in_thread(work, slow=page.slow)
    if ahead:
        loop = asyncio.get_running_loop()
        loop.call_later(_AFTER_FIRST, loop.run_in_executor, None, ahead.pop())
    return found


def _prepare() -> None:
    """Import the modules of the quick pages, and compile all templates."""
    for page in PAGES:
        if not page.slow and not page.acts:
            _ = page.function
    for name in environment().list_templates():
        environment().get_template(name)


async def _body(
    site: Site, turn: asyncio.Semaphore, work: Callable[[], Response], *, slow: bool
) -> bytes:
    async with turn:
        found = await site.in_thread(work, slow=slow)
    return bytes(found.body)


async def _act(site: Site, page: Page, request: Request) -> Response:
    async with asyncio.timeout(30):
        async with request.form(max_fields=_FORM_FIELDS, max_part_size=_FORM_BYTES) as form:
            given = tuple(
                (key, value) for key, value in form.multi_items() if isinstance(value, str)
            )
    ask = _asked(request, form=given)
    if not site.tokens.is_form_token(ask.session, dict(given).get("csrf", "")):
        return _denied(
            403,
            "Not from this page",
            "The form has no valid token: reload the page.",
        )
    if not site.actions:
        return error_page(
            site,
            ask,
            403,
            "this server only shows the project",
            "to change anything, start it with `jf gui --actions`",
        )
    return await site.in_thread(partial(answer, site, page, ask), slow=page.slow)


def answer(site: Site, page: Page, ask: Ask) -> Response:
    """Return the answer of a page; runs in a thread because it reads the database."""
    try:
        found = page.function(site, ask)
    except errors.ControllerError as error:
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
        return error_page(site, ask, status, error.message, error.hint)
    except Exception:
        logger.exception("%s failed", ask.path)
        return error_page(
            site, ask, 500, "this page has a defect", "see the terminal of jf gui for details"
        )
    if isinstance(found, Response):
        return found
    template, context = found
    return page_response(site, ask, template, context, live=page.live)


def page_response(
    site: Site,
    ask: Ask,
    template: str,
    context: dict[str, Any],
    *,
    status: int = 200,
    live: str = "",
) -> HTMLResponse:
    """Return a page in the frame that all pages share."""
    from controller import __version__

    frame = {
        "ask": ask,
        "menu": MENU,
        "project": site.project.name,
        "actions": site.actions,
        "csrf": site.tokens.form_token(ask.session) if site.actions else "",
        "version": __version__,
        "live": live,
        "command": None,
        "all_actions": ACTIONS if site.actions else {},
        "all_workers": sorted(site.project.workers),
    }
    return HTMLResponse(render(template, {**frame, **context}), status_code=status)


def error_page(
    site: Site, ask: Ask, status: int, message: str, hint: str | None = None
) -> HTMLResponse:
    """Return a page that says what went wrong and what to do."""
    context = {"title": "Error", "message": message, "hint": hint, "status": status}
    return page_response(site, replace(ask, form=()), "error.html", context, status=status)


async def _missing(site: Site, request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    what = one_line(request.url.path)
    return error_page(site, _asked(request), status, f"there is no page {what}", None)


def _denied(status: int, heading: str, text: str) -> HTMLResponse:
    return HTMLResponse(
        render("denied.html", {"title": heading, "heading": heading, "text": text}),
        status_code=status,
    )
