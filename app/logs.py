"""What the server tells the one who runs it: events, as text or (FSAE_LOG=json) as one JSON object a line.

Nothing of a visitor's fields is told, and of their files the name alone.
"""

from __future__ import annotations

__all__ = ["JsonLines", "begin", "tell"]

import json
import logging
import re
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from app.settings import settings

_log = logging.getLogger("app.events")
_LOGGERS = ("", "bokeh", "panel", "tornado", "tornado.access", "tornado.application", "tornado.general")
_FIELDS = "fields"
_WITH_DATA = ("bokeh.server.protocol_handler", "bokeh.server.views.ws", "bokeh.server.session")
_LONGEST = 300
_FOLDER = re.compile(r"(?:/[^/\s\"']+)*/fsae-[^/\s\"']+/(?:(?:upload|export)-[^/\s\"']+/)?")  # of app.scratch


class JsonLines(logging.Formatter):
    """time (UTC), level, event, logger, the event's own fields, and `traceback` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage() if not hasattr(record, _FIELDS) else record.msg,
            "logger": record.name,
            **getattr(record, _FIELDS, {}),
        }
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return _without_folders(json.dumps(said, ensure_ascii=False, default=str))


def _without_folders(text: str) -> str:
    """Where the server keeps a visitor's file is nobody's concern."""
    return _FOLDER.sub("", text)


def tell(event: str, level: int = logging.INFO, **fields: Any) -> None:
    """Log an event with its fields; those that are None are left out."""
    known = {name: value for name, value in fields.items() if value is not None}
    if settings().json_logs:
        _log.log(level, event, extra={_FIELDS: known})
    else:
        _log.log(level, "%s", " ".join([event, *(f"{name}={value}" for name, value in known.items())]))


def _shortened(record: logging.LogRecord) -> bool:
    """Bokeh logs the whole of a message that it cannot handle, which may be a piece of a visitor's file."""
    said = record.getMessage()
    if len(said) > _LONGEST:
        record.msg, record.args = said[:_LONGEST] + "...", ()
    return True


def begin() -> None:
    """Keep visitors' data out of the lines; send them all through one formatter, if they are to be JSON."""
    for name in _WITH_DATA:
        logging.getLogger(name).addFilter(_shortened)
    if not settings().json_logs:
        return
    formatter = JsonLines()
    for name in _LOGGERS:
        for handler in logging.getLogger(name).handlers:
            handler.setFormatter(formatter)
    logging.getLogger("app").setLevel(logging.INFO)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if error is None or issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    logging.getLogger("app").error("uncaught error", exc_info=(kind, error, trace))
