"""The sockets and the server that ``jf gui`` starts."""

from __future__ import annotations

import gc
import hashlib
import os
import socket
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from controller.config import Project
from controller.errors import ArgumentError, ConfigError
from jfr_web.security import Tokens, is_loopback, names_of_this_host

HOST = "127.0.0.1"
"""The default address to listen on."""


@dataclass(frozen=True)
class Place:
    """Where to listen.

    Attributes
    ----------
    host, port
        Address and port; port 0 chooses a free one.
    socket
        Path of a unix socket to use instead; None for none.
    """

    host: str = HOST
    port: int = 5001
    socket: Path | None = None

    @property
    def open_to_others(self) -> bool:
        """Whether other machines can reach it."""
        return self.socket is None and not is_loopback(self.host)


def listen(place: Place) -> socket.socket:
    """Open the socket.

    Raises
    ------
    ArgumentError
        The address is in use, does not belong to this machine, or is not allowed.
    """
    if place.socket is not None:
        return _listen_on_file(place.socket)
    opened: socket.socket | None = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        opened = socket.socket(family, kind, protocol)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
    except OSError as error:
        if opened is not None:
            opened.close()
        raise ArgumentError(
            f"cannot listen on {place.host}:{place.port}: {error.strerror or error}",
            hint="choose another port with --port; 0 chooses a free one",
        ) from None
    opened.listen(100)
    return opened


def _listen_on_file(path: Path) -> socket.socket:
    """Open a unix socket that only this user can use."""
    if path.exists() and stat.S_ISSOCK(path.lstat().st_mode):
        _refuse_served(path)
        path.unlink()  # left over from a server that was killed
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        before = os.umask(0o177)
        try:
            opened.bind(str(path))
        finally:
            os.umask(before)
    except OSError as error:
        opened.close()
        raise ArgumentError(
            f"cannot listen on {path}: {error.strerror or error}",
            hint="choose a short path in a folder that belongs to you",
        ) from None
    opened.listen(100)
    return opened


def _refuse_served(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        try:
            other.connect(str(path))
        except OSError:
            return
    raise ArgumentError(f"another server listens on {path}", hint="choose another path")


def addresses(place: Place, opened: socket.socket, token: str) -> str:
    """Return the link to open."""
    if place.socket is not None:
        return f"http://localhost:{place.port or 5001}/?token={token}"
    port = opened.getsockname()[1]
    name = place.host
    if name in ("0.0.0.0", "::"):  # noqa: S104  # a comparison; the user was warned
        name = socket.gethostname()
    return f"http://{f'[{name}]' if ':' in name else name}:{port}/?token={token}"


def serve(
    project: Project,
    place: Place,
    *,
    project_file: str = "",
    actions: bool = False,
    tell: Callable[[str], None],
    opened_link: Callable[[str], None] = lambda link: None,
) -> None:
    """Serve a project until Ctrl-C.

    Parameters
    ----------
    project_file
        Path of the project file.
    actions
        Whether pages may change anything.
    tell
        Called with lines for the user: links and warnings.
    opened_link
        Called with the first link, once the server listens.

    Raises
    ------
    ArgumentError
        The server cannot listen on the address.
    ConfigError
        The packages of the ``gui`` extra are missing.
    """
    opened = listen(place)
    try:
        try:
            import uvicorn

            from jfr_web.app import create_app
            from jfr_web.site import Site
        except ImportError as error:
            raise ConfigError(
                f"the package {error.name} is not installed", hint="pip install 'jfr[gui]'"
            ) from None

        def link(token: str) -> str:
            return addresses(place, opened, token)

        tokens = Tokens(lambda token: tell(f"link for another browser: {link(token)}"))
        site = Site(project, project_file, actions, tokens)
        app = create_app(
            site,
            names=names_of_this_host(None if place.socket is not None else place.host),
            cookie=_cookie(place, opened),
            open_to_others=place.open_to_others,
            prepare=True,
        )
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="on",
            timeout_graceful_shutdown=1,
            server_header=False,
            proxy_headers=False,
        )
        _collect_rarely()
        first = link(tokens.new_link())
        _announce(place, first, tell)
        opened_link(first)
        try:
            server = uvicorn.Server(config)
            stop = server.handle_exit

            def end(number: int, frame: FrameType | None) -> None:
                site.news.end()  # the server would wait for pages that follow the updates
                stop(number, frame)

            server.handle_exit = end  # type: ignore[method-assign, assignment]
            server.run(sockets=[opened])
        finally:
            site.close()
    finally:
        opened.close()
        if place.socket is not None:
            place.socket.unlink(missing_ok=True)


def _collect_rarely() -> None:
    """Make the garbage collector run less often, and skip the objects that exist now.

    A page about a flow of 5,000 jobs creates 200,000 objects, none of which is garbage before the
    page is written: collections took a third of its time.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _cookie(place: Place, opened: socket.socket) -> str:
    """Name of the cookie, with the port, since a browser shares cookies between a host's ports."""
    where = str(place.socket) if place.socket is not None else str(opened.getsockname()[1])
    return f"jfr_{hashlib.sha256(where.encode()).hexdigest()[:8]}"


def _announce(place: Place, link: str, tell: Callable[[str], None]) -> None:
    if place.open_to_others:
        tell(
            f"warning: other machines can reach {place.host}, and nothing is encrypted: "
            "anyone who gets the link can see the project. Safer: omit --host and use ssh -L"
        )
    if place.socket is not None:
        tell(
            f"on your computer: ssh -L {place.port or 5001}:{place.socket.resolve()} "
            f"{socket.gethostname()}"
        )
    tell(f"open {link}")
    tell("the link works once; press Ctrl-C to stop the server")
