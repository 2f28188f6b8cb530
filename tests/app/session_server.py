"""Serves the app and, at /live, how many documents are alive; run by test_sessions.py."""

import gc
import sys

import panel as pn
from bokeh.document import Document
from tornado.web import RequestHandler


class Live(RequestHandler):
    def get(self) -> None:
        gc.collect()
        self.write(str(sum(isinstance(thing, Document) for thing in gc.get_objects())))


if __name__ == "__main__":
    pn.serve(
        {"app": sys.argv[1]},
        port=int(sys.argv[2]),
        show=False,
        check_unused_sessions_milliseconds=200,
        unused_session_lifetime_milliseconds=200,
        extra_patterns=[("/live", Live)],
    )
