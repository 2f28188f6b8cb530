"""Files that live for a while are in one folder, and a full disk is said in a sentence."""

import base64
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app import scratch
from app.controls import Upload
from app.export import netcdf_bytes
from app.store import Archive
from fsae_core.errors import UserError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    scratch.forget()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    scratch.forget()


@contextmanager
def small_disk() -> Iterator[None]:
    """No file may grow beyond a kilobyte (nor that which the tests' own words go to: keep it short)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_all_is_in_one_folder_and_goes(folder: Path):
    made = [scratch.place("upload"), scratch.place("export")]
    assert len(list(folder.iterdir())) == 1 and all(path.is_dir() for path in made)
    with scratch.room("export") as inner:
        assert inner.is_dir()
    assert not inner.exists()
    scratch.forget()
    assert list(folder.iterdir()) == []


def test_where_nothing_can_be_made(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "absent"))
    said: list[str] = []
    upload = Upload(lambda path, name: None, said.append)
    upload._handle_msg({"kind": "start", "name": "a.nc", "size": 10, "number": 1})
    assert said == [str(scratch.no_room())] and upload.refused == 1
    with pytest.raises(UserError, match="no room"), scratch.room("export"):
        pytest.fail("there is no room")


def test_a_disk_that_gets_full(folder: Path):
    said: list[str] = []
    upload = Upload(lambda path, name: pytest.fail("it is not complete"), said.append)
    upload._handle_msg({"kind": "start", "name": "a.nc", "size": 5000, "number": 1})
    with small_disk():
        upload._handle_msg({"kind": "piece", "number": 1, "body": base64.b64encode(b"x" * 5000).decode()})
    assert said == [str(scratch.no_room())] and upload.refused == 1
    with pytest.raises(UserError, match="no room"), small_disk(), scratch.room("export") as inner:
        (inner / "out").write_bytes(b"x" * 5000)
    root = next(folder.iterdir())
    assert list(root.iterdir()) == [], "nothing half written is left"


def test_an_export_leaves_nothing(folder: Path, archive: Archive):
    assert netcdf_bytes(archive.dataset[[archive.variables[0]]])[:4] == b"\x89HDF"
    assert list(next(folder.iterdir()).iterdir()) == []
