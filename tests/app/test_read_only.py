"""The server needs no right to write but in the folder for temporary files, and no rights of anybody's."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import ROOT, running
from visiting import Visitor, awaited

NOBODY = "65534"
SMALL = "3m"
MINE = ROOT / "assets" / "archives"


def without_rights(temporary: Path) -> tuple[tuple[str, ...], bool]:
    """(what starts a command as one who can write in a small folder alone, whether the disk is read-only).

    Root can give up its rights, and where it may, the whole disk is made read-only; others have none to give.
    """
    if os.getuid() != 0:
        return (), False
    drop = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    for caps in ((), ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")):
        if _runs(*drop, *caps, sys.executable, "-c", "import panel"):
            drop = (*drop, *caps)
            break
    else:
        pytest.skip("another user than root cannot run this interpreter, and setpriv cannot let one read it")
    mounts = (
        f"mount -o remount,ro,bind / && mount -t tmpfs -o size={SMALL},mode=1777 tmpfs {temporary} && "
        'exec "$@"'
    )
    apart = ("unshare", "-m", "sh", "-c", mounts, "sh")
    if _runs(*apart, *drop, sys.executable, "-c", "import os; assert not os.access('/', os.W_OK)"):
        return (*apart, *drop), True
    return drop, False


def _runs(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=240).returncode == 0
    except OSError:
        return False


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder that every user reaches; pytest's own are for one alone."""
    folder = Path(tempfile.mkdtemp(prefix="visit-"))
    folder.chmod(0o1777)
    yield folder
    shutil.rmtree(folder)


def test_a_visit_where_nothing_can_be_written(tmp_path: Path, temporary: Path):
    before, read_only = without_rights(temporary)
    said = {
        "HOME": "/nonexistent",
        "XDG_CACHE_HOME": "/nonexistent/cache",
        "XDG_CONFIG_HOME": "/nonexistent/config",
        "TMPDIR": str(temporary),
        "FSAE_LOG": "json",
    }
    with running(tmp_path, before=before, environment=said) as server:
        server.wait("/health")

        async def visit() -> None:
            async with Visitor(f"{server.url}/app?page=compress&archive=amip-hr") as visitor:
                await visitor.set("Ratio, in numbers", value="16")
                await visitor.until(lambda: visitor.words["floats"] == "16×")
                await visitor.press("Save NetCDF")
                await visitor.until(lambda: bool(visitor.files))
                await visitor.upload("mine.zarr.zip", (MINE / "amip-hr.zarr.zip").read_bytes())
                await visitor.until(lambda: "Your own file" in visitor.words["attribution"])
                assert not visitor.toasts
                if read_only:  # the folder has room for one such file, not for the next
                    await visitor.upload("more.zarr.zip", (MINE / "amip.zarr.zip").read_bytes())
                    await visitor.until(lambda: bool(visitor.toasts))
                    assert "no room for files" in visitor.toasts[0]

        awaited(visit())
        owner = Path(f"/proc/{server.process.pid}").stat().st_uid
        assert owner == int(NOBODY) if before else owner == os.getuid()
        assert server.stop() == 0
        assert "traceback" not in server.log, server.log
    assert not Path("/nonexistent").exists()
