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
    from fsae_core.archive.reader import open_archive
    from fsae_core.codec.layout import is_compressed
    from fsae_core.codec.store import bytes_on_disk, read_store

    file = Path(path)
    cards = _cards(path)
    if cards:
        ratios = [card.ratio for card in cards]
        several = {"ratio": ratios, "name": file.stem} if len(ratios) > 1 else {}
        return {"kind": "weights", **asdict(cards[0]), **several}
    if file.exists() and is_compressed(open_raw(file)):
        small = read_store(file)
        return {
            "kind": "compressed",
            **describe_dataset(small),
            "zoom_in": small.attrs["fsae_zoom_in"],
            "ratio": small.attrs["fsae_ratio"],
            "model": small.attrs["fsae_model"],
            "weights_sha256": small.attrs["fsae_weights_sha256"],
            "bytes": bytes_on_disk(file),
        }
    ds = open_archive(path)
    size = bytes_on_disk(file) if file.exists() else _catalogue_bytes(path)
    return {"kind": "archive", **describe_dataset(ds), "bytes": size}


def describe_dataset(ds: xr.Dataset) -> dict[str, Any]:
    """What a dataset on the sphere holds; ``times`` is how many."""
    import numpy as np

    from fsae_core.archive.canonical import data_names, zoom_of_dataset

    names = [n for n in data_names(ds) if not n.endswith(("_offset", "_scale"))]
    times = ds["time"].values if "time" in ds.dims else np.array([], "datetime64[s]")
    return {
        "variables": names,
        "units": {name: ds[name].attrs.get("units") for name in names},
        "times": int(times.size),
        "first": np.datetime_as_string(times[0], unit="m") if times.size else None,
        "last": np.datetime_as_string(times[-1], unit="m") if times.size else None,
        "zoom": zoom_of_dataset(ds),
        "source": ds.attrs.get("source"),
        "licence": ds.attrs.get("licence"),
        "simulated": bool(ds.attrs.get("fsae_simulated", False)),
    }


def _cards(path: str) -> list[ModelCard]:
    """The cards of weights, by file (one a ratio) or shipped name; none for anything else."""
    from fsae_core.archive.catalog import catalog
    from fsae_core.model.card import read_cards, shipped_models

    if Path(path).exists():
        return read_cards(Path(path)) if path.endswith(".safetensors") else []
    if path in {entry.name for entry in catalog()}:
        return []
    return [card for card in shipped_models() if card.name == path]


def _catalogue_bytes(name: str) -> int | None:
    from fsae_core.archive.catalog import entry

    return entry(name).size_bytes
