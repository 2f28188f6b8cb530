"""How the server is, as JSON, at /health (alive) and /ready (visitors are welcome); no model is touched."""

from __future__ import annotations

__all__ = ["Health", "Status"]

import gc
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bokeh.document import Document
from tornado.web import RequestHandler

import fsae_core
from app import cold, jobs
from app.settings import settings


@dataclass
class Status:
    """Of this process. count: its sessions."""

    count: Callable[[], int]
    closing: bool = False
    began: float = field(default_factory=time.monotonic)

    @property
    def word(self) -> str:
        """ "starting" until a first picture has been made, "ready", "full" or "closing"."""
        if self.closing:
            return "closing"
        if self.count() >= settings().max_sessions:
            return "full"
        return "ready" if cold.is_warm() else "starting"

    def told(self) -> dict[str, Any]:
        said: dict[str, Any] = {
            "status": self.word,
            "version": fsae_core.__version__,
            "sessions": self.count(),
            "max_sessions": settings().max_sessions,
            "jobs": jobs.working(),
            "uptime_seconds": round(time.monotonic() - self.began, 1),
        }
        if settings().health_detail:
            gc.collect()
            said["documents"] = sum(issubclass(type(thing), Document) for thing in gc.get_objects())
            said["most_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        return said


class Health(RequestHandler):
    """only_ready: answer 503 unless visitors are welcome."""

    def initialize(self, status: Callable[[], Status], only_ready: bool = False) -> None:
        self._status, self._only_ready = status, only_ready

    def get(self) -> None:
        said = self._status().told()
        self.set_header("Cache-Control", "no-store")
        if self._only_ready and said["status"] != "ready":
            self.set_status(503)
        self.write(said)
