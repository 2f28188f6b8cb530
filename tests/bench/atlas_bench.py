"""What the atlas shows: seasons, the trend, volcanoes; in the compressed space and, beside it, in plain
PCA.

The rows of the tables are spaces of the same fields (compressed by the archive's own weights and by the
general ones, block means, raw cells); all else is the same code with the same settings. Displacements are
means over 24 months from three months after an eruption, in years; `low` is the 2.5 % quantile of the
block-bootstrap null; z is the mean divided by the null's spread. Archives of one's own (a control run
without eruptions) are named in FSAE_ATLAS_ARCHIVES, separated by colons.
"""

import os

import numpy as np
import pytest
import xarray as xr
from scipy.stats import spearmanr
from sklearn.neighbors import NearestNeighbors

from fsae_core.archive.reader import open_archive
from fsae_core.atlas import AtlasConfig, open_complete, shipped_atlas
from fsae_core.atlas.build import findings
from fsae_core.atlas.calendar import decimal_years, month_numbers
from fsae_core.atlas.displacement import DisplacementConfig, displacement, noise_metric, suggested_years
from fsae_core.atlas.enso import nino34, without_enso
from fsae_core.atlas.eruptions import aftermath, eruptions_between, quiet
from fsae_core.atlas.features import compressed_record
from fsae_core.atlas.space import FeatureSpace
from fsae_core.atlas.tsne import draw_map
from fsae_core.sphere.pyramid import restrict

pytestmark = [pytest.mark.bench]
CONFIG = AtlasConfig()


def spaces(ds, variable):
    """{name: (time, n)} of one archive."""
    out = {}
    for ratio in (16, 64):
        own = compressed_record(ds, variable, ratio)
        if not own.model.startswith("general"):
            out[f"own {ratio}x"] = own.values
        out[f"general {ratio}x"] = compressed_record(ds, variable, ratio, model=f"general-{ratio}x").values
    raw = ds[variable].values
    return {**out, "block means 16x": restrict(raw, 2), "raw cells": raw}


@pytest.fixture(scope="module")
def amip():
    return open_archive("amip", variables="t2m")


@pytest.fixture(scope="module")
def gistemp(shared_data):
    path = shared_data / "real" / "gistemp_v4_1200km_monthly_2deg_1880-2025.nc"
    return open_complete(path, zoom=4, start="1950-01")


@pytest.fixture(scope="module")
def daily(shared_data):
    parts = [
        open_archive(shared_data / "amip" / f"amip_T31_{year}.nc", variables="t2m", zoom=4)
        for year in range(1979, 2014)
    ]
    values = np.concatenate([p["t2m"].values for p in parts])
    times = np.concatenate([p["time"].values for p in parts])
    field = xr.DataArray(values, dims=("time", "cell"), coords={"time": times}, attrs={"units": "K"})
    return xr.Dataset({"t2m": field}, attrs={"fsae_name": "amip", "fsae_climatology": "amip"})


def month_told(places, times):
    """Share of points whose month is told within one by the most frequent month of ten neighbours, and
    share of those neighbours that are within one month."""
    months = month_numbers(times)
    near = NearestNeighbors(n_neighbors=11).fit(places).kneighbors(places)[1][:, 1:]
    told = np.array([np.bincount(row, minlength=13).argmax() for row in months[near]])
    off = np.abs((told - months + 6) % 12 - 6)
    shares = np.abs((months[near] - months[:, None] + 6) % 12 - 6)
    return float((off <= 1).mean()), float((shares <= 1).mean())


def best_direction(places, years):
    """Largest rank correlation of the year with any direction of the map."""
    angles = np.linspace(0, np.pi, 180, endpoint=False)
    return max(abs(spearmanr(places @ [np.cos(a), np.sin(a)], years)[0]) for a in angles)


def maps(name, values, times):
    years = decimal_years(times)
    raw = FeatureSpace.fit(values, times, CONFIG.map_components, deseasonalise=False)
    free = FeatureSpace.fit(values, times, CONFIG.map_components, deseasonalise=True)
    told, near = month_told(draw_map(raw.scores(values, times), CONFIG.map), times)
    trend = best_direction(draw_map(free.scores(values, times), CONFIG.map), years)
    print(
        f"{name}: month told {100 * told:.2f} %, neighbours within a month {100 * near:.2f} %, "
        f"trend {trend:.3f}"
    )
    return told, trend


def test_maps_of_months(amip):
    times = amip["time"].values
    got = {key: maps(f"amip monthly, {key}", x, times) for key, x in spaces(amip, "t2m").items()}
    assert got["own 16x"][0] >= 0.99
    assert got["own 16x"][1] >= 0.7


def test_maps_of_days(daily):
    values = compressed_record(daily, "t2m", 16).values
    told, _ = maps("amip daily, own 16x", values, daily["time"].values)
    assert told >= 0.99


def test_map_of_gistemp(gistemp):
    values = compressed_record(gistemp, "tempanomaly", 16).values
    _, trend = maps("GISTEMP 1950-2025, general 16x", values, gistemp["time"].values)
    assert trend >= 0.7


def volcanoes(name, x, times, index, config=CONFIG):
    """Prints a line an eruption; gives {(eruption, without El Nino): (mean, low)}."""
    s = FeatureSpace.fit(x, times, config.map_components, deseasonalise=True).scores(x, times)
    found = findings(s, times, index, config)
    out = {}
    for eruption in eruptions_between(times):
        window = aftermath(eruption, times)
        for free, got in ((False, found.plain), (True, found.no_enso)):
            if got is None:
                continue
            mean, p, low = got.window(window)
            z = mean / got.null[:, window].mean(axis=1).std()
            words = "El Nino removed" if free else "El Nino kept   "
            print(
                f"{name:22s} {eruption.name:10s} {words}: {mean:7.2f} (low {low:6.2f}), p {p:.3f}, z {z:5.2f}"
            )
            out[eruption.name, free] = (mean, low)
    return out


def table(name, ds, variable):
    times = ds["time"].values
    index = nino34(ds[variable])
    print(f"\n{name}, {len(times)} times")
    return {key: volcanoes(key, x, times, index) for key, x in spaces(ds, variable).items()}


def monthly(source):
    ds = open_complete(source, "t2m", zoom=4)
    if np.median(np.diff(ds["time"].values)) < np.timedelta64(20, "D"):
        ds = ds[["t2m"]].resample(time="MS").mean(keep_attrs=True)
    return ds


OTHERS = [path for path in os.environ.get("FSAE_ATLAS_ARCHIVES", "").split(":") if path]


@pytest.mark.parametrize("source", ["amip", *OTHERS])
def test_volcanoes_of_simulations(source):
    """Only the shipped archive must show its volcano; what others show is printed, days as monthly means.

    A run of few years has no null of its own: its months are placed among those of the shipped atlas.
    """
    ds = monthly(source)
    if float(np.ptp(decimal_years(ds["time"].values))) < 10:
        placed = shipped_atlas().place(ds).table
        window = aftermath(eruptions_between(open_archive("amip")["time"].values)[-1], ds["time"].values)
        print(f"\n{source}, {len(placed)} times placed on the shipped atlas, mean displacement in years:")
        for words, mask in (("24 months of Pinatubo", window), ("other months", ~window)):
            if mask.any():
                got = placed["displacement"].to_numpy()[mask]
                own = _shipped_displacement(ds["time"].values[mask])
                print(f"{words} ({mask.sum()}): {got.mean():.2f}, shipped archive {own.mean():.2f}")
        assert np.isfinite(placed["x"]).all()
        return
    got = table(source, ds, "t2m")
    for free in (False, True):
        mean, low = got["own 16x" if source == "amip" else "general 16x"]["Pinatubo", free]
        assert np.isfinite(mean)
        if source == "amip":
            assert mean < low


def _shipped_displacement(times):
    frame = shipped_atlas().table
    month = times.astype("datetime64[M]")
    return frame["displacement"][np.isin(frame["time"].to_numpy().astype("datetime64[M]"), month)].to_numpy()


def test_volcanoes_of_gistemp(gistemp):
    """Pinatubo is found with El Nino kept and removed."""
    got = table("GISTEMP 1950-2025", gistemp, "tempanomaly")
    for free in (False, True):
        mean, low = got["general 16x"]["Pinatubo", free]
        assert mean < low


@pytest.mark.parametrize(
    "name",
    ["neighbours", "components", "apart", "block", "bandwidth", "shrink", "pool", "seed", "index as it is"],
)
@pytest.mark.parametrize("archive", ["amip", "gistemp"])
def test_settings_matter_little(request, archive, name):
    """One setting at a time around the defaults; general weights at 16x for both archives."""
    ds = request.getfixturevalue(archive)
    variable = "t2m" if archive == "amip" else "tempanomaly"
    times, years = ds["time"].values, decimal_years(ds["time"].values)
    x = compressed_record(ds, variable, 16, model="general-16x").values
    space = FeatureSpace.fit(x, times, 50, deseasonalise=True)
    calm, index = quiet(times), nino34(ds[variable])
    changes = {
        "neighbours": (5, 10, 20, 40),
        "components": (5, 10, 20, 40),
        "apart": (1.0, 1.5, 3.0),
        "block": (1.0, 2.0, 3.0, 5.0),
        "bandwidth": (7.0, 10.0, 15.0),
        "shrink": (0.0, 0.03, 0.3, 1.0),
        "seed": (0, 1, 2),
        "pool": ("quiet", "all"),
        "index as it is": ("relative", "absolute"),
    }
    for value in changes[name]:
        count = value if name == "components" else CONFIG.components
        s = space.scores(x, times)[:, :count]
        nino = _absolute(ds[variable]) if value == "absolute" else index
        pool = np.ones_like(calm) if value == "all" else calm
        cleared, share = without_enso(s, nino, times, CONFIG.enso, fit_on=calm)
        settings = {"surrogates": 199}
        if name in ("neighbours", "apart", "block", "bandwidth", "shrink", "seed"):
            settings[name] = value
        config = DisplacementConfig(**settings)
        turned = s @ noise_metric(s, years, config, pool)
        told = np.corrcoef(
            suggested_years(turned, years, config.neighbours, config.apart)[calm], years[calm]
        )[0, 1]
        line = f"{archive} {name} {value}: year told on quiet times r {told:.2f}, El Nino {100 * share:.0f} %"
        for words, scores in (("kept", s), ("removed", cleared)):
            got = displacement(scores, years, config, pool=pool)
            for eruption in eruptions_between(times)[-2:]:
                mean, p, low = got.window(aftermath(eruption, times))
                line += f" | {words} {eruption.name} {mean:.1f} (low {low:.1f}) p {p:.3f}"
        print(line)
        assert np.isfinite(got.years).all()


def _absolute(field):
    """Nino 3.4 without taking the tropics' mean off."""
    from fsae_core.atlas.seasons import SeasonalCycle
    from fsae_core.sphere.healpix import cell_centres

    lon, lat = cell_centres(4)
    box = (np.abs(lat) <= 5) & (lon >= -170) & (lon <= -120)
    series = field.values[:, box].mean(axis=1, dtype=np.float64)
    times = field["time"].values
    return series - SeasonalCycle.fit(series[:, None], times).mean_at(times)[:, 0]
