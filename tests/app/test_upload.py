"""Uploads arrive in pieces and are bounded."""

import base64

import pytest

from app.controls import Upload


@pytest.fixture
def got():
    return {"files": [], "problems": []}


@pytest.fixture
def upload(got):
    upload = Upload(
        lambda path, name: got["files"].append((path.read_bytes(), name)), got["problems"].append, limit=1000
    )
    yield upload
    upload.close()


def start(upload, name="a.nc", size=10, number=1):
    upload._handle_msg({"kind": "start", "name": name, "size": size, "number": number})


def piece(upload, body, number=1):
    upload._handle_msg({"kind": "piece", "number": number, "body": base64.b64encode(body).decode()})


def test_pieces_make_the_file(upload, got):
    start(upload)
    piece(upload, b"01234")
    assert upload.received == 5 and not got["files"]
    piece(upload, b"56789")
    assert got["files"] == [(b"0123456789", "a.nc")] and not got["problems"]


@pytest.mark.parametrize(("name", "size"), [("a.exe", 10), ("a.nc", 1001), ("a.nc", 0), ("", 10)])
def test_what_cannot_be_is_refused_in_a_sentence(upload, got, name, size):
    start(upload, name, size)
    assert len(got["problems"]) == 1 and upload.refused == 1
    piece(upload, b"01234")
    assert not got["files"] and upload.received == 0


def test_more_than_was_said_is_refused(upload, got):
    start(upload, size=4)
    piece(upload, b"01234")
    assert upload.refused == 1 and not got["files"]


def test_garbled_pieces_are_refused(upload, got):
    start(upload)
    upload._handle_msg({"kind": "piece", "number": 1, "body": "%%%"})
    assert "garbled" in got["problems"][0]


def test_names_cannot_lead_elsewhere(upload, got):
    start(upload, "../../etc/passwd.nc", 2)
    piece(upload, b"ab")
    assert got["files"] == [(b"ab", "passwd.nc")]


def test_late_pieces_of_an_old_upload_are_left_out(upload, got):
    start(upload, number=1)
    start(upload, "b.nc", 2, number=2)
    piece(upload, b"01234", number=1)
    assert upload.received == 0
    piece(upload, b"ab", number=2)
    assert got["files"] == [(b"ab", "b.nc")]


def test_strange_messages_are_ignored(upload, got):
    for message in ("text", {"kind": "piece", "body": "YQ=="}, {"kind": "other"}, {}):
        upload._handle_msg(message)
    assert got == {"files": [], "problems": []}
