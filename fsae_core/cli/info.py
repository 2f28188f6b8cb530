"""``fsae info``: what an archive, a compressed store or a weights file holds."""

from __future__ import annotations

__all__ = ["describe_dataset", "info"]

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fsae_core.cli.output import JsonFlag, emit

if TYPE_CHECKING:
    import xarray as xr

    from fsae_core.model.card import ModelCard


def info(
    path: Annotated[str, typer.Argument(help="A file, a store, or a name from `fsae catalog`.")],
    as_json: JsonFlag = False,
) -> None:
    """Say what an archive, a compressed store or a weights file holds."""
    emit(_describe(path), as_json)


def _describe(path: str) -> dict[str, Any]:
    from fsae_core.archive.files import open_raw
    from fsae_core.archive.many import is_pattern, paths_of
    from fsae_core.archive.reader import open_archive
    from fsae_core.archive.urls import is_url
    from fsae_core.codec.archive_run import unfinished
    from fsae_core.codec.atomic import PARTIAL
    from fsae_core.codec.layout import is_compressed
    from fsae_core.codec.store import open_store
    from fsae_core.codec.store_size import bytes_on_disk

    file = Path(path)
    if path.rstrip("/").endswith(PARTIAL) and (told := unfinished(file)):
        return {"kind": "unfinished", **told, "bytes": bytes_on_disk(file)}
    cards = _cards(path)
    if cards:
        ratios = [card.ratio for card in cards]
        several = {"ratio": ratios, "name": file.stem} if len(ratios) > 1 else {}
        return {"kind": "weights", **asdict(cards[0]), **several}
    if file.exists() and is_compressed(open_raw(file)):
        return {"kind": "compressed", **_describe_store(open_store(file)), "bytes": bytes_on_disk(file)}
    ds = open_archive(path)
    if is_pattern(path):
        size: int | None = sum(bytes_on_disk(p) for p in paths_of(path))
    else:
        size = bytes_on_disk(file) if file.exists() else None if is_url(path) else _catalogue_bytes(path)
    return {"kind": "archive", **describe_dataset(ds), "bytes": size}


def _describe_store(small: xr.Dataset) -> dict[str, Any]:
    from fsae_core.codec.layout import MAX_ERROR, STEP, field_names, held_ratios

    names = field_names(small)
    return {
        **describe_dataset(small, names),
        "zoom_in": small.attrs["fsae_zoom_in"],
        "ratio": small.attrs["fsae_ratio"],
        "layers": held_ratios(small),
        "model": small.attrs["fsae_model"],
        "weights_sha256": small.attrs["fsae_weights_sha256"],
        "format": small.attrs["fsae_format"],
        "step": {name: small[name].attrs.get(STEP) for name in names},
        "max_error": {name: small[name].attrs.get(MAX_ERROR) for name in names},
    }


def describe_dataset(ds: xr.Dataset, names: list[str] | None = None) -> dict[str, Any]:
    """What a dataset holds in these variables (all on the sphere by default); ``times`` is how many."""
    import numpy as np

    from fsae_core.archive.canonical import data_names, zoom_of_dataset

    names = list(data_names(ds)) if names is None else names
    times = ds["time"].values if "time" in ds.dims else np.array([], "datetime64[s]")
    return {
        "variables": names,
        "units": {name: ds[name].attrs.get("units") for name in names},
        "times": int(times.size),
        "first": np.datetime_as_string(times[0], unit="m") if times.size else None,
        "last": np.datetime_as_string(times[-1], unit="m") if times.size else None,
        "zoom": zoom_of_dataset(ds) if "cell" in ds.dims else None,
        "source": ds.attrs.get("source"),
        "licence": ds.attrs.get("licence"),
        "simulated": bool(ds.attrs.get("fsae_simulated", False)),
    }


def _cards(path: str) -> list[ModelCard]:
    """The cards of weights, by file (one a ratio) or shipped name; none for anything else."""
    from fsae_core.archive.catalog import catalog
    from fsae_core.codec.choice import shipped_cards
    from fsae_core.model.card import read_cards

    if Path(path).exists():
        return read_cards(Path(path)) if path.endswith(".safetensors") else []
    if path in {entry.name for entry in catalog()}:
        return []
    return [card for card in shipped_cards() if card.name == path]


def _catalogue_bytes(name: str) -> int | None:
    from fsae_core.archive.catalog import entry

    return entry(name).size_bytes
