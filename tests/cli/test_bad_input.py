"""Every mistake gets one sentence and exit code 2."""

import errno
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from fsae_core.codec import finish

FSAE = (sys.executable, "-c", "import sys; from fsae_core.cli import main; sys.exit(main())")


def test_ratio_that_is_not_offered(refuses, source, tmp_path):
    said = refuses("compress", source, tmp_path / "s.zarr", "--ratio", 5)
    assert said == "Ratio 5 was asked for, but fields are compressed 4, 16, 64 or 256 times: choose one."


def test_ratio_finer_than_the_field_allows(refuses, fsae, source, tmp_path, weightless):
    fsae("prepare", source, tmp_path / "coarse.zarr", "--zoom", 3)
    said = refuses("compress", tmp_path / "coarse.zarr", tmp_path / "s.zarr", "--ratio", 256)
    assert "zoom 3 has 768 cells and cannot be compressed 256 times" in said and "(4, 16, 64)" in said
    assert not (tmp_path / "s.zarr").exists()


def test_weights_of_another_variable(refuses, source, tmp_path, weightless):
    said = refuses("compress", source, tmp_path / "s.zarr", "--ratio", 16, "--model", "t2m-16x")
    assert "were made for t2m, not for msl" in said and "general-16x" in said


@pytest.mark.parametrize("command", ["compress", "info", "prepare", "decompress"])
def test_a_zip_that_is_not_zarr(refuses, tmp_path, command):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("cat.jpg", b"not a field")
    arguments = [tmp_path / "photos.zip", *([] if command == "info" else [tmp_path / "out.zarr"])]
    said = refuses(command, *arguments, *(["--ratio", 4] if command == "compress" else []))
    assert said.startswith("photos.zip is a zip but not a Zarr store")


@pytest.mark.parametrize("command", ["compress", "prepare", "decompress"])
def test_a_file_that_is_not_there(refuses, tmp_path, command):
    ratio = ["--ratio", 4] if command == "compress" else []
    assert "absent.nc does not exist" in refuses(command, tmp_path / "absent.nc", tmp_path / "x.zarr", *ratio)


def test_targets(refuses, fsae, source, tmp_path, weightless):
    assert "name it .zarr or .zip" in refuses("compress", source, tmp_path / "s.nc", "--ratio", 4)
    assert "name it .zarr or .zip" in refuses("prepare", source, tmp_path / "s.nc")
    assert "exists already" in refuses("compress", source, source, "--ratio", 4)
    assert "source and target at once" in refuses("compress", source, source, "--ratio", 4, "--overwrite")
    assert "source and target at once" in refuses("prepare", source, source)
    assert "does not exist: make it first" in refuses(
        "compress", source, tmp_path / "absent" / "s.zarr", "--ratio", 4
    )
    assert fsae("compress", source, tmp_path / "s.zarr", "--ratio", 4).code == 0
    assert fsae("compress", source, tmp_path / "s.zarr", "--ratio", 16, "--overwrite").code == 0
    assert "exists already" in refuses("decompress", tmp_path / "s.zarr", tmp_path / "s.zarr")


def test_decompress(refuses, fsae, source, tmp_path, weightless):
    small = tmp_path / "s.zarr"
    fsae("compress", source, small, "--ratio", 4)
    assert "give --grid DEGREES" in refuses("decompress", small, tmp_path / "x.nc")
    assert "a Zarr on HEALPix" in refuses("decompress", small, tmp_path / "x.zarr", "--grid", 1)
    assert "name it so" in refuses("decompress", small, tmp_path / "x.tif")
    for degrees in (0, -1, 7, 0.001, "nan"):
        assert "whole number of them in 180" in refuses(
            "decompress", small, tmp_path / "x.nc", "--grid", degrees
        )
    assert "choose 0 to 4" in refuses("decompress", small, tmp_path / "x.zarr", "--zoom", 7)
    assert "not a compressed store" in refuses("decompress", source, tmp_path / "x.zarr")
    assert "decompress it first" in refuses("compress", small, tmp_path / "y.zarr", "--ratio", 4)


@pytest.mark.parametrize(
    "arguments",
    [["compress", "x"], ["nope"], ["compress", "a", "b", "--ratio", "many"], ["info", "x", "--no"]],
)
def test_mistyped_commands(refuses, arguments):
    assert refuses(*arguments).endswith("see `fsae --help`.")


def test_help_is_no_error(fsae):
    assert fsae("--help").code == 0 and fsae("compress", "--help").code == 0
    assert fsae("--version").out.strip() == "0.1.0"


@pytest.mark.parametrize(
    "error, sentence",
    [
        (OSError(errno.ENOSPC, "No space left on device", "s.zarr"), "The disk is full (s.zarr)"),
        (PermissionError(errno.EACCES, "Permission denied", "s.zarr"), "Permission was denied (s.zarr)"),
        (OSError(errno.EIO, "Input/output error"), "The file system said: Input/output error"),
        (MemoryError(), "There is not enough memory"),
    ],
)
def test_the_machine_says_no(refuses, source, tmp_path, monkeypatch, weightless, error, sentence):
    def fails(*args, **kwargs):
        raise error

    monkeypatch.setattr(finish, "write_metadata", fails)
    assert sentence in refuses("compress", source, tmp_path / "s.zarr", "--ratio", 4)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device /dev/full of Linux")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_under_the_output(unbuffered):
    surroundings = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*FSAE, "--version"], stdout=full, stderr=subprocess.PIPE, text=True, env=surroundings
        )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.startswith("fsae: The disk is full")


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_clears_what_is_half_written(tmp_path, signum):
    """A real process, stopped while it writes."""
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from fsae_core.cli import front\n"
        "from fsae_core.codec.atomic import writing\n"
        "def slow():\n"
        "    with writing(sys.argv[1]) as partial:\n"
        "        partial.write_text('half'); print('ready', flush=True); time.sleep(60)\n"
        "front.app.command('slow')(slow)\n"
        "sys.exit(front.main(['slow']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "x.zarr")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    assert [p.name for p in tmp_path.iterdir()] == ["x.zarr.partial"]
    started = time.monotonic()
    os.kill(process.pid, signum)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + signum and time.monotonic() - started < 10
    assert "Traceback" not in err and "run the same command again" in err
    assert list(tmp_path.iterdir()) == []
