"""The server around the pages: who is let in, what every answer carries, how it is.

`panel serve app/` makes Bokeh's own tornado application; `app.app_hooks` is read before that and puts the one
below in its place, so that nothing has to be said on the command line.

Browsers may connect from the server's own page alone: by the names that FSAE_HOSTS lists, else, where it was
told to listen to other machines, by the name under which the page was asked for, else as Bokeh has it
(localhost and --allow-websocket-origin).
"""

from __future__ import annotations

__all__ = ["Explorer"]

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from bokeh.server.server import BokehTornado
from bokeh.server.util import create_hosts_allowlist
from bokeh.server.views.ico_handler import IcoHandler
from bokeh.server.views.session_handler import SessionHandler
from bokeh.server.views.ws import WSHandler as BokehSocket
from bokeh.util.token import get_session_id
from panel.io.server import RootHandler, WSHandler
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.process import task_id
from tornado.web import OutputTransform, RequestHandler
from tornado.websocket import WebSocketHandler

from app import logs
from app.health import Health, Status
from app.settings import settings
from app.warming import warm

_LOCAL = {"localhost", "127.0.0.1", "::1", None}
FULL = "All places on this server are taken just now: try again in a few minutes."
CLOSING = "This server is being started anew: try again in a minute."
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Field-Space Explorer</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>body{{font:17px/1.5 system-ui,sans-serif;max-width:34em;margin:18vh auto;padding:0 1.2em}}</style>
<h1>Field-Space Explorer</h1><p>{sentence}</p><p><a href="">Try again</a></p></html>
"""


class Explorer(BokehTornado):
    """Bokeh's application with a door: so many sessions and no more, and none while it closes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        local = urlsplit(kwargs.get("absolute_url") or "")
        hosts = settings().hosts
        if hosts:
            kwargs["extra_websocket_origins"] = create_hosts_allowlist(list(hosts), local.port)
        self.any_host = not hosts and local.hostname not in _LOCAL
        self.status = Status(self._count)
        asked = {"status": lambda: self.status}
        kwargs["extra_patterns"] = [
            *(kwargs.get("extra_patterns") or []),
            (r"/health", Health, asked),
            (r"/ready", Health, {**asked, "only_ready": True}),
            (r"/favicon.ico", IcoHandler, {"app": self}),  # Bokeh has it above the prefix alone
        ]
        super().__init__(*args, **kwargs)
        self.add_transform(SafeHeaders)

    def _count(self) -> int:
        return sum(len(list(context.sessions)) for context in self.applications.values())

    def start(self) -> None:
        """Bokeh calls it when the loop of this process is about to run, in each of several processes."""
        super().start()
        logs.tell("server starts", process=os.getpid())
        if task_id() is not None:
            # What was warmed before processes were split off would be torn apart by it.
            self.io_loop.add_callback(warm, [c.application for c in self.applications.values()])

    @property
    def refusal(self) -> str:
        """Why nobody is let in, one sentence; empty when they are."""
        return CLOSING if self.status.closing else FULL if self.status.word == "full" else ""

    def get_handler_delegate(
        self,
        request: HTTPServerRequest,
        target_class: type[RequestHandler],
        target_kwargs: dict[str, Any] | None = None,
        path_args: list[bytes] | None = None,
        path_kwargs: dict[str, bytes] | None = None,
    ) -> Any:
        """Tornado's place to choose who answers."""
        if issubclass(target_class, SessionHandler) and self.refusal:
            target_class, target_kwargs = Refused, {"sentence": self.refusal}
            path_args = path_kwargs = None
        elif issubclass(target_class, BokehSocket):
            target_class = Socket
        elif issubclass(target_class, RootHandler):
            target_class = Root
        return super().get_handler_delegate(request, target_class, target_kwargs, path_args, path_kwargs)

    def log_request(self, handler: RequestHandler) -> None:
        """Answers that say no on purpose are no errors, and who asks for health asks often."""
        if not isinstance(handler, Health | Refused):
            super().log_request(handler)

    def knows(self, session: str) -> bool:
        """Whether there is a session of that name."""
        return any(session == each.id for context in self.applications.values() for each in context.sessions)


class Refused(RequestHandler):
    """A page of one sentence, for those who come when there is no room."""

    def initialize(self, sentence: str) -> None:
        self._sentence = sentence

    def prepare(self) -> None:
        logs.tell("refused", why=self._sentence)
        self.set_status(503)
        self.set_header("Retry-After", "60")
        self.set_header("Cache-Control", "no-store")
        self.finish(_PAGE.format(sentence=self._sentence))


class Socket(WSHandler):
    """A page's connection, which makes its session anew where it has been forgotten."""

    application: Explorer

    async def prepare(self) -> None:
        await super().prepare()
        if not self._finished and self.application.refusal and not self._known():
            self.set_status(503)
            self.finish()

    def _known(self) -> bool:
        words = self.request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        try:
            return self.application.knows(get_session_id(words[-1].strip()))
        except (ValueError, KeyError):
            return False

    def check_origin(self, origin: str) -> bool:
        if self.application.any_host and WebSocketHandler.check_origin(self, origin):
            return True
        return bool(super().check_origin(origin))


class Root(RootHandler):
    """The way from / to the app, which takes along what the address says."""

    def redirect(self, url: str, permanent: bool = False, status: int | None = None) -> None:
        query = self.request.query
        super().redirect(f"{url}?{query}" if query else url, permanent, status)


class SafeHeaders(OutputTransform):
    """Headers that keep a page from loading, or sending to, anything but this server.

    Bokeh makes functions of text (CustomJS) and writes its start into the page, so neither "unsafe-eval" nor
    "unsafe-inline" can be left out; Panel's components are loaded from blobs.
    """

    def __init__(self, request: HTTPServerRequest) -> None:
        self._host = request.host

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        headers["X-Content-Type-Options"] = "nosniff"
        if headers.get("Content-Type", "").startswith("text/html"):
            headers["Referrer-Policy"] = "same-origin"
            headers["Content-Security-Policy"] = policy(self._host)
        return status_code, headers, chunk


def policy(host: str) -> str:
    """The Content-Security-Policy of a page that was asked for at this host."""
    # The host comes from the request: nothing of it may end the directive.
    named = host if all(c.isalnum() or c in ".-:[]_" for c in host) else ""
    sockets = f" ws://{named} wss://{named}" if named else ""
    rules: Mapping[str, str] = {
        "default-src": "'self'",
        "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "worker-src": "'self' blob:",
        "connect-src": f"'self' blob: data:{sockets}",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())
