"""A folder with an atlas of very many times and its archive, as FSAE_ATLASES names it."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from fsae_core.archive.canonical import canonical_dataset
from fsae_core.archive.reader import open_archive
from fsae_core.archive.writer import write_archive
from fsae_core.atlas import COLUMNS, Atlas, AtlasConfig, write_atlas
from fsae_core.atlas.calendar import decimal_years, month_numbers
from fsae_core.atlas.space import FeatureSpace
from fsae_core.sphere.pyramid import restrict


def days(first: str, last: str, step: int = 1) -> xr.Dataset:
    """Days between the months of the simulated archive, with weather made of other months' departures."""
    months = open_archive("amip", variables="t2m")["t2m"]
    times = np.arange(first, last, step, dtype="datetime64[D]").astype("datetime64[ns]")
    known = months["time"].values.astype("datetime64[D]").astype(float) + 15
    place = np.interp(times.astype("datetime64[D]").astype(float), known, np.arange(known.size))
    left = np.minimum(place.astype(int), known.size - 2)
    share = (place - left)[:, None].astype(np.float32)
    x = np.asarray(months.values, np.float32)
    season = np.stack([x[m::12].mean(axis=0) for m in range(12)])
    rng = np.random.default_rng(0)
    other = rng.integers(0, known.size, times.size)
    weather = 0.7 * (x[other] - season[other % 12])
    values = x[left] * (1 - share) + x[left + 1] * share + weather
    field = xr.DataArray(values, dims=("time", "cell"), coords={"time": times}, attrs=months.attrs)
    return canonical_dataset({"t2m": field}, {"source": "made for a test"})


def many_times(folder: Path, name: str, ds: xr.Dataset) -> Path:
    """NAME.zarr and NAME.parquet. The maps are planes of two principal components: drawing them costs what
    t-SNE's cost, making them nothing."""
    times = ds["time"].values
    coarse = restrict(ds["t2m"].values, 2)
    spaces = [FeatureSpace.fit(coarse, times, 50, deseasonalise=free) for free in (False, True)]
    raw, free = (space.scores(coarse, times) for space in spaces)
    years, rng = decimal_years(times), np.random.default_rng(1)
    shift = free[:, 0] - free[:, 0].mean()
    flat, flat_free = (30 * scores[:, :2] / scores[:, :2].std(axis=0) for scores in (raw, free))
    table = pd.DataFrame(
        {
            "time": times,
            "x": flat[:, 0],
            "y": flat[:, 1],
            "month": month_numbers(times).astype(np.int8),
            "year": years.astype(np.int16),
            "displacement": shift,
            "p_displacement": rng.uniform(0.01, 1, times.size),
            "novelty": np.abs(free[:, 1]) / free[:, 1].std(),
            "p_novelty": rng.uniform(0.01, 1, times.size),
            "global_mean": ds["t2m"].values.mean(axis=1),
            "nino34": np.sin(years),
            "x_deseasonalised": flat_free[:, 0],
            "y_deseasonalised": flat_free[:, 1],
            "displacement_no_enso": shift,
            "p_displacement_no_enso": rng.uniform(0.01, 1, times.size),
        }
    )[list(COLUMNS)]
    single = [column for column in COLUMNS[1:] if table[column].dtype.kind == "f"]
    about = {
        "title": f"{times.size} days made for a test. SIMULATED",
        "simulated": True,
        "variable": "t2m",
        "units": "K",
        "zoom_in": 4,
        "model": "block means",
        "sha256": "0" * 64,
        "enso_share": 0.2,
        "eruptions": [],
    }
    atlas = Atlas(table.astype(dict.fromkeys(single, np.float32)), AtlasConfig(), *spaces, raw, free, about)
    write_archive(ds, folder / f"{name}.zarr")
    return write_atlas(atlas, folder / f"{name}.parquet")
