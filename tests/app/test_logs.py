"""Lines of the log: one JSON object each, with what is asked for and nothing of a visitor's data."""

import json
import logging
import sys
import tempfile

import pytest

from app import logs


def line(event: str, *args: object, **options: object) -> dict:
    record = logging.LogRecord("bokeh.server", logging.ERROR, "", 1, event, args, options.get("exc_info"))
    record.__dict__.update(options.get("extra", {}))
    text = logs.JsonLines().format(record)
    assert "\n" not in text
    return json.loads(text)


def test_an_event_has_its_fields():
    said = line("visit", extra={"fields": {"session": "ab12", "page": "zoom", "seconds": 1.5}})
    assert said["event"] == "visit" and said["level"] == "error" and said["logger"] == "bokeh.server"
    assert (said["session"], said["page"], said["seconds"]) == ("ab12", "zoom", 1.5)
    assert said["time"].endswith("+00:00")


def test_others_lines_are_objects_too():
    assert line("%d clients\nconnected", 3)["event"] == "3 clients\nconnected"


def test_a_traceback_is_a_field():
    try:
        raise ValueError("what went wrong")
    except ValueError:
        said = line("unexpected error", exc_info=sys.exc_info())
    assert said["traceback"].endswith("ValueError: what went wrong") and "Traceback" in said["traceback"]


def test_the_place_of_a_visitors_file_is_left_out():
    path = f"{tempfile.gettempdir()}/fsae-abc/upload-x1_/mine.nc"
    assert line("cannot read %s", path)["event"] == "cannot read mine.nc"


def test_a_visitors_data_is_cut_off(caplog: pytest.LogCaptureFixture):
    logs.begin()
    logging.getLogger("bokeh.server.protocol_handler").error("message: %r", "secret" * 1000)
    (record,) = caplog.records
    assert len(record.getMessage()) < 400
