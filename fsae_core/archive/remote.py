"""Archives that are fetched: asked for their size first, kept in the user's cache, and one sentence when
offline."""

from __future__ import annotations

__all__ = ["arco_times", "fetch", "open_arco", "open_raw_catalogued", "size_of"]

import gzip
import os
import shutil
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import numpy as np
import xarray as xr

from fsae_core.archive.entries import CatalogEntry, entry
from fsae_core.archive.files import open_raw
from fsae_core.assets import cache_dir
from fsae_core.errors import UserError

TIMEOUT = 20.0
"""Seconds without an answer after which a server counts as out of reach."""

Progress = Callable[[int, int | None], None]
"""Called with (bytes so far, bytes in all or None)."""

_ARCO_NAMES = {
    "t2m": "2m_temperature",
    "u10": "10m_u_component_of_wind",
    "v10": "10m_v_component_of_wind",
    "msl": "mean_sea_level_pressure",
    "tp": "total_precipitation",
}
_ARCO_BYTES_A_FIELD = 721 * 1440 * 4


def open_raw_catalogued(name: str) -> xr.Dataset:
    """The raw dataset of an entry: from the package, or fetched into the user's cache."""
    if name == "era5-arco":
        return open_arco()
    return open_raw(fetch(name))


def size_of(name: str) -> int | None:
    """Bytes that `fetch(name)` would download: what the server says, None where it does not say.

    A shipped or already fetched archive costs 0; for `era5-arco` it is one field. Raises UserError when
    offline.
    """
    found = entry(name)
    if found.shipped or (name != "era5-arco" and _cached(found).exists()):
        return 0
    if name == "era5-arco":
        return _ARCO_BYTES_A_FIELD
    request = urllib.request.Request(_url(found), method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            length = answer.headers.get("Content-Length")
    except (urllib.error.URLError, OSError) as error:
        raise _offline(found, error) from error
    return int(length) if length else None


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Path of a catalogue archive on this machine; downloaded on first use, with its size told to `progress`
    first.

    Raises UserError when the server is out of reach; nothing half-downloaded is left under the final name.
    """
    found = entry(name)
    if found.shipped:
        from fsae_core.assets import asset_path

        return asset_path("archives", f"{name}.zarr.zip")
    if name == "era5-arco":
        raise UserError("era5-arco is far too large to fetch whole; open some of its times with open_arco.")
    path = _cached(found)
    if path.exists():
        return path
    if progress is not None:
        progress(0, size_of(name))
    return _download(found, path, progress)


def _download(found: CatalogEntry, path: Path, progress: Progress | None) -> Path:
    import pooch
    import requests

    def downloader(url: str, output: str, pup: object) -> None:
        with requests.get(url, stream=True, timeout=TIMEOUT) as answer, open(output, "wb") as file:
            answer.raise_for_status()
            total = int(answer.headers.get("Content-Length", 0)) or None
            done = 0
            for block in answer.iter_content(2**18):
                file.write(block)
                done += len(block)
                if progress is not None:
                    progress(done, total)
            if total is not None and done < total:
                raise requests.ConnectionError(f"{done} of {total} bytes arrived")

    url = _url(found)
    file = PurePosixPath(urlsplit(url).path).name
    try:
        got = Path(pooch.retrieve(url, known_hash=None, fname=file, path=path.parent, downloader=downloader))
    except (requests.RequestException, OSError) as error:
        raise _offline(found, error) from error
    if got.suffix == ".gz":
        draft = path.with_name(f".{path.name}.draft")
        try:
            with gzip.open(got, "rb") as packed, draft.open("wb") as plain:
                shutil.copyfileobj(packed, plain)
        except (EOFError, OSError) as error:
            got.unlink(missing_ok=True)
            draft.unlink(missing_ok=True)
            raise UserError(f"{file} arrived damaged from {url}; try again.") from error
        os.replace(draft, path)
        got.unlink()
    return path


def arco_times(start: str, end: str, hours: int = 6) -> np.ndarray:
    """datetime64[ns] times from start to end (included), every so many hours."""
    return np.arange(
        np.datetime64(start, "h"),
        np.datetime64(end, "h") + np.timedelta64(1, "h"),
        np.timedelta64(hours, "h"),
    ).astype("datetime64[ns]")


def open_arco(
    found: CatalogEntry | None = None,
    *,
    times: np.ndarray | None = None,
    variables: tuple[str, ...] = ("t2m",),
) -> xr.Dataset:
    """Some times of ERA5 from Google's public store, raw and lazy: each field is 4 MB when it is read.

    Without `times`: the day 2020-01-01, every six hours. Pass the result to `open_archive`. Raises UserError
    when the store is out of reach or the times are not in it.
    """
    found = found or entry("era5-arco")
    if times is None:
        times = arco_times("2020-01-01T00", "2020-01-01T18")
    unknown = [v for v in variables if v not in _ARCO_NAMES]
    if unknown:
        raise UserError(
            f"era5-arco has no {', '.join(unknown)} here; expected some of {', '.join(_ARCO_NAMES)}."
        )
    _reach(f"{_url(found)}/.zmetadata", found)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            store = xr.open_zarr(_url(found), chunks=None)
            chosen = store[[_ARCO_NAMES[v] for v in variables]].sel(time=times)
    except KeyError as error:
        raise UserError(
            f"era5-arco does not hold all of the times {times[0]} to {times[-1]}; choose others."
        ) from error
    except OSError as error:
        raise _offline(found, error) from error
    return chosen.assign_attrs(title=found.title, source="ERA5 (ARCO)", licence=found.licence)


def _reach(url: str, found: CatalogEntry) -> None:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=TIMEOUT):
            return
    except (urllib.error.URLError, OSError) as error:
        raise _offline(found, error) from error


def _url(found: CatalogEntry) -> str:
    """What plain HTTP understands: the public bucket needs neither an account nor Google's client."""
    url = found.url or ""
    return url.replace("gs://", "https://storage.googleapis.com/", 1)


def _cached(found: CatalogEntry) -> Path:
    file = PurePosixPath(urlsplit(_url(found)).path).name
    return cache_dir() / "archives" / file.removesuffix(".gz")


def _offline(found: CatalogEntry, error: BaseException) -> UserError:
    host = urlsplit(_url(found)).netloc
    reason = str(getattr(error, "reason", error)).strip() or type(error).__name__
    return UserError(
        f"{found.name} is not on this machine and {host} could not be reached ({reason[:80]}); connect to "
        "the internet, "
        "or use one of the shipped archives: era5-week, amip, amip-hr."
    )
