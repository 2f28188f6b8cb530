"""Archives behind a URL (http, https, s3, gs, and what else fsspec knows).

A Zarr is opened where it is, chunk by chunk; a single file (NetCDF, GRIB, a zipped Zarr) is fetched whole
into the user's cache folder, once for each state that its server tells.
"""

from __future__ import annotations

__all__ = ["is_url", "open_url"]

import hashlib
import os
import shutil
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import xarray as xr

from fsae_core.archive.files import open_raw, open_zarr_store
from fsae_core.assets import cache_dir
from fsae_core.errors import UserError, short_reason

_MARKERS = ("zarr.json", ".zmetadata", ".zgroup")
_MISSING = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs", "sftp": "paramiko"}
_LARGEST = 64 * 2**30
_PIECE = 2**22


def is_url(source: str) -> bool:
    """Whether a source is a URL and no path or name."""
    return "://" in source


def open_url(url: str) -> xr.Dataset:
    """The raw dataset behind a URL. UserError where it cannot be reached, or a package is missing."""
    files, path = _file_system(url)
    name = PurePosixPath(urlsplit(url).path).name or url
    try:
        if name.endswith(".zarr") or any(files.exists(f"{path.rstrip('/')}/{m}") for m in _MARKERS):
            return open_zarr_store(_zarr_store(files, url, path), name)
        return open_raw(_fetched(files, url, path, name))
    except UserError:
        raise
    except Exception as error:  # each file system has its own: aiohttp, botocore, OSError
        raise UserError(
            f"{url} cannot be read ({short_reason(error)}): check the address, your network and your rights."
        ) from error


def _file_system(url: str) -> tuple[Any, str]:
    import fsspec

    scheme = urlsplit(url).scheme
    options: dict[str, Any] = {}
    if scheme in ("s3", "gs", "gcs") and not _credentials(scheme):
        options = {"anon": True} if scheme == "s3" else {"token": "anon"}
    try:
        files, path = fsspec.core.url_to_fs(url, **options)
    except ImportError as error:
        package = _MISSING.get(scheme, "a package of fsspec")
        raise UserError(
            f"{url} was asked for, but {scheme}:// needs the package {package}, which is not installed: pip "
            f"install {package}, or download the archive first."
        ) from error
    except Exception as error:  # ValueError for unknown schemes, others for malformed addresses
        raise UserError(
            f"{url} is no address that can be opened ({short_reason(error)}): expected http://, https://, "
            "s3:// or gs://."
        ) from error
    return files, path


def _credentials(scheme: str) -> bool:
    if scheme == "s3":
        keys = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE")
        return any(k in os.environ for k in keys) or (Path.home() / ".aws" / "credentials").exists()
    named = "GOOGLE_APPLICATION_CREDENTIALS" in os.environ
    return named or (Path.home() / ".config" / "gcloud").exists()


def _zarr_store(files: Any, url: str, path: str) -> Any:
    """Zarr's own view of a folder of a file system."""
    from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper
    from zarr.storage import FsspecStore

    if getattr(files, "async_impl", False):
        options = {**getattr(files, "storage_options", {}), "asynchronous": True}
        files = type(files)(**options)
    else:
        files = AsyncFileSystemWrapper(files, asynchronous=True)
    return FsspecStore(files, read_only=True, path=path.rstrip("/"))


def _fetched(files: Any, url: str, path: str, name: str) -> Path:
    """The file in the cache; fetched where it is not there in its present state."""
    told = files.info(path)
    size = told.get("size")
    if size is not None and size > _LARGEST:
        raise UserError(
            f"{url} has {size / 2**30:.0f} GiB, more than the {_LARGEST >> 30} that are fetched: open it "
            "as a Zarr, or take a part of it."
        )
    state = [url, size, *(str(told.get(k)) for k in ("ETag", "etag", "LastModified", "mtime", "updated"))]
    key = hashlib.sha256(repr(state).encode()).hexdigest()[:16]
    target = cache_dir() / "urls" / key / Path(name).name
    if target.exists() and size is not None and target.stat().st_size == size:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}.draft")
    try:
        with files.open(path, "rb") as source, draft.open("wb") as out:
            shutil.copyfileobj(source, out, _PIECE)
        got = draft.stat().st_size
        if size is not None and got != size:
            raise UserError(f"{url} broke off after {got} of {size} bytes: run the command again.")
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)
    return target
