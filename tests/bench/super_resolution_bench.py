"""Super-resolution on times and fields that no weights saw, beside what a scientist would do without them.

Low-resolution fields are block means of the truth, save where they come from a run of their own. RMSE in K
of t2m; "smooth" is the mean-preserving smooth prolongation zoom by zoom, "lapse" adds 6.5 K/km times what it
misses of the orography, "lapse fitted" the rate that fits the training times best, "calibrated" fits the
weights' detail and a lapse rate to each input's own finest zoom.
"""

import copy
import time
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from app.bookmarks import PLACES as BOOKMARKS
from fsae_core.archive.climatology import FieldNormaliser
from fsae_core.archive.reader import open_archive
from fsae_core.codec.calibration import CalibratedResolver
from fsae_core.codec.super_resolution import SuperResolver, super_resolve
from fsae_core.evaluate.lapse_rate import fitted_rate, lapse_rate, smooth
from fsae_core.evaluate.metrics import power_ratio_by_zoom
from fsae_core.model import refinement
from fsae_core.model.autoencoder import Conditions
from fsae_core.model.checkpoint import load_model
from fsae_core.model.compression import surface_tensor
from fsae_core.sphere.box import box_cells
from fsae_core.sphere.pyramid import prolong, restrict
from fsae_core.training.splits import Split, split_of

pytestmark = [pytest.mark.bench]
PLACES = {place.name: place.box for place in BOOKMARKS}


def rmse(a, b) -> float:
    return float(np.sqrt(np.mean((np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2)))


@dataclass
class Fields:
    """Truth (time, cell) and its times; low(zoom) is an archive of block means that is super-resolved."""

    ds: object
    zoom: int

    @property
    def truth(self):
        return self.ds["t2m"].values

    def at(self, zoom):
        return restrict(self.truth, self.zoom - zoom)

    def resolved(self, zoom_in, zoom, **options):
        low = open_archive(self.ds, zoom=zoom_in, variables="t2m")
        return super_resolve(low, zoom, **options)["t2m"].values

    def calibrated(self, zoom_in, zoom):
        low = open_archive(self.ds, zoom=zoom_in, variables="t2m")
        return self.resolved(zoom_in, zoom, resolvers={"t2m": CalibratedResolver(low, "t2m", zoom)})


@pytest.fixture(scope="module")
def era5():
    ds = open_archive("era5-week", variables="t2m")
    return Fields(ds.isel(time=Split.mask(ds["time"].values, split_of(ds).test)), 6)


@pytest.fixture(scope="module")
def learned():
    """The training times, for what is fitted."""
    ds = open_archive("era5-week", variables="t2m")
    return Fields(ds.isel(time=Split.mask(ds["time"].values, split_of(ds).train)), 6)


@pytest.fixture(scope="module")
def gfs(shared_data):
    """Another model in another season, in no training set; one analysis, so its file cannot show that it is
    an instant: the hour is not used."""
    return Fields(open_archive(shared_data / "real" / "gfs0p25_tmp_2020070200.grib", zoom=8), 8)


def added(truth, fine, zoom_in):
    ratio = power_ratio_by_zoom(truth, fine)
    return {z: round(r, 2) for z, r in ratio.items() if z > zoom_in}


def extremes(truth, fine):
    """RMSE over the warmest and the coldest thousandth of the truth."""
    ends = []
    for wanted in (truth >= np.quantile(truth, 0.999), truth <= np.quantile(truth, 0.001)):
        ends.append(rmse(fine[wanted], truth[wanted]))
    return ends


def compare(fields, learned, zoom_in, zoom):
    """Print errors and power of all ways; give the errors."""
    levels = zoom - zoom_in
    truth, low = fields.at(zoom), fields.at(zoom_in)
    made = {
        "smooth": smooth(low, levels),
        "lapse": lapse_rate(low, levels),
        "lapse fitted": None,
        "super-resolved": fields.resolved(zoom_in, zoom),
        "calibrated": fields.calibrated(zoom_in, zoom),
    }
    if learned is not None and zoom <= learned.zoom:
        made["lapse fitted"] = lapse_rate(low, levels, fitted_rate(learned.at(zoom), levels))
    figures = {name: rmse(fine, truth) for name, fine in made.items() if fine is not None}
    print(f"zoom {zoom_in} to {zoom}: " + ", ".join(f"{k} {v:.4f}" for k, v in figures.items()))
    for name in ("smooth", "lapse", "super-resolved", "calibrated"):
        hot, cold = extremes(truth, made[name])
        print(
            f"    {name}: power {added(truth, made[name], zoom_in)}, warmest 0.1 % {hot:.2f}, "
            f"coldest {cold:.2f}"
        )
    return figures


@pytest.mark.quick
@pytest.mark.parametrize(
    ("zoom_in", "zoom", "bar"), [(5, 6, 0.75 * 0.61), (4, 6, 0.70 * 1.21), (3, 6, None), (4, 5, None)]
)
def test_era5_on_held_out_times(era5, learned, zoom_in, zoom, bar):
    print("\nERA5 30-31 March,", end=" ")
    figures = compare(era5, learned, zoom_in, zoom)
    assert bar is None or figures["super-resolved"] <= bar
    assert figures["super-resolved"] < 0.8 * min(figures["smooth"], figures["lapse"])
    power = added(era5.at(zoom), era5.resolved(zoom_in, zoom), zoom_in)
    assert all(0.6 <= ratio <= 1.1 for ratio in power.values())


@pytest.mark.quick
def test_what_the_surface_is_worth(era5):
    """The same with parts of what the decoder knows of the surface set to zero (it never trained so)."""
    low, truth = era5.at(4), era5.truth
    model = load_model("general-16x", device="cpu")
    normal, mean, spread = FieldNormaliser().normalise(low)
    times = era5.ds["time"].values
    features = surface_tensor(6, "cpu")
    bare = copy.deepcopy(model.network)
    bare.surface.channels.data.zero_()
    flat = features.clone()
    flat[:, :4] = 0
    sea = flat.clone()
    sea[:, 4:8] = 0
    cases = {
        "all": (model.network, features, True),
        "without the hour": (model.network, features, False),
        "without orography": (model.network, flat, True),
        "without orography and land": (model.network, sea, True),
        "without learned channels": (bare, features, True),
        "without orography, land and learned channels": (bare, sea, True),
    }
    for name, (network, surface, sunlit) in cases.items():
        with torch.inference_mode():
            solar = model.solar(6, times, sunlit)
            y = network.decode(torch.from_numpy(normal), Conditions(surface, solar)).numpy()
        fine = y * spread[:, None] + mean[:, None]
        power = added(truth, fine, 4)
        print(f"\nERA5 zoom 4 to 6, {name}: {rmse(fine, truth):.3f} K, power {power}", end="")
    print()


@pytest.mark.quick
def test_other_variables_on_held_out_times():
    for name in ("u10", "v10", "msl", "tp"):
        ds = open_archive("era5-week", variables=name)
        ds = ds.isel(time=Split.mask(ds["time"].values, split_of(ds).test))
        truth = ds[name].values
        for zoom_in in (4, 5):
            low = open_archive(ds, zoom=zoom_in)
            fine = super_resolve(low, 6)[name].values
            plain = smooth(low[name].values, 6 - zoom_in)
            if name == "tp":
                plain = refinement.NonNegative(6, zoom_in).sphere(plain, None)
            before = rmse(plain, truth)
            print(
                f"\nERA5 {name} {ds[name].attrs['units']}, zoom {zoom_in} to 6: smooth {before:.4g}, "
                f"super-resolved {rmse(fine, truth):.4g}, power {added(truth, fine, zoom_in)}",
                end="",
            )
            assert rmse(fine, truth) < 1.02 * before
    print()


@pytest.mark.quick
def test_the_simulated_archives_own_weights():
    ds = open_archive("amip-hr")
    truth = ds["t2m"].values
    for zoom_in, bar in ((4, 0.25), (3, None)):
        low = open_archive(ds, zoom=zoom_in)
        plain = smooth(low["t2m"].values, 5 - zoom_in)
        fine = super_resolve(low, 5)["t2m"].values
        general = super_resolve(low, 5, model="general")["t2m"].values
        hot, cold = extremes(truth, fine)
        print(
            f"\namip HR 2008, zoom {zoom_in} to 5: smooth {rmse(plain, truth):.4f}, general "
            f"{rmse(general, truth):.4f}, own {rmse(fine, truth):.4f} K (reach {bar}), power "
            f"{added(truth, fine, zoom_in)}, warmest 0.1 % {hot:.2f}, coldest {cold:.2f}",
            end="",
        )
        assert bar is None or rmse(fine, truth) <= bar
    print()


def test_a_run_of_its_own(shared_data):
    """The low-resolution run of 2008 is another weather than the high-resolution one: only statistics of the
    detail that is added can be compared, and its mean."""
    truth = open_archive("amip-hr")["t2m"].values
    low = open_archive(shared_data / "amip" / "amip_T31_2008.nc", variables="t2m", zoom=4)
    low.attrs["fsae_climatology"] = "amip"
    same = super_resolve(open_archive("amip-hr", zoom=4), 5)["t2m"].values
    cases = {
        "smooth": smooth(low["t2m"].values, 1),
        "own": super_resolve(low, 5)["t2m"].values,
        "own, from block means of the high-resolution run": same,
    }
    want = truth - prolong(restrict(truth))
    for name, fine in cases.items():
        got = fine - prolong(restrict(fine))
        ends = [float(np.quantile(fine, q) - np.quantile(truth, q)) for q in (0.001, 0.01, 0.99, 0.999)]
        print(
            f"\namip LR 2008 to zoom 5, {name}: power {power_ratio_by_zoom(truth, fine)[5]:.2f}, "
            f"spread of detail in time {got.std(0).mean() / want.std(0).mean():.2f}, its mean off by "
            f"{rmse(got.mean(0), want.mean(0)):.3f} of {rmse(want.mean(0), 0):.3f} K, quantiles 0.1, 1, 99, "
            f"99.9 % off by {np.round(ends, 2)}",
            end="",
        )
    print()


@pytest.mark.parametrize(("zoom_in", "zoom"), [(4, 6), (5, 6), (6, 7), (6, 8), (4, 8)])
def test_a_field_of_another_model(gfs, learned, zoom_in, zoom):
    print("\nGFS 2 July 2020,", end=" ")
    figures = compare(gfs, learned, zoom_in, zoom)
    assert figures["super-resolved"] < figures["smooth"]


@pytest.mark.parametrize(("zoom_in", "zoom"), [(4, 6), (6, 8)])
def test_where_it_helps_and_where_it_invents(gfs, zoom_in, zoom):
    """By region: errors, and of the detail beyond block means its spread over truth's (how much) and its
    correlation with truth's (how right)."""
    levels = zoom - zoom_in
    truth, low = gfs.at(zoom), gfs.at(zoom_in)
    fields = {
        "smooth": smooth(low, levels),
        "lapse": lapse_rate(low, levels),
        "super-resolved": gfs.resolved(zoom_in, zoom),
        "calibrated": gfs.calibrated(zoom_in, zoom),
    }
    base = fields["smooth"]
    print(f"\nGFS zoom {zoom_in} to {zoom}")
    for place, box in PLACES.items():
        cells = box_cells(box, zoom)
        told = ", ".join(f"{k} {rmse(v[:, cells], truth[:, cells]):.2f}" for k, v in fields.items())
        missed = (truth - base)[:, cells]
        for name in ("lapse", "super-resolved", "calibrated"):
            made = (fields[name] - base)[:, cells]
            right = float(np.corrcoef(made.ravel(), missed.ravel())[0, 1]) if made.std() > 0 else np.nan
            told += f"; {name}: detail {made.std() / missed.std():.2f} of truth's, correlation {right:.2f}"
        print(f"    {place}: {told}")


@pytest.mark.quick
@pytest.mark.parametrize(("zoom_in", "zoom"), [(4, 6), (4, 7), (6, 8), (4, 8)])
def test_a_view_of_30_by_20_degrees(zoom_in, zoom):
    """CPU time of one view on one thread: made anew at each step of a pan, then for each new time only."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        ds = open_archive("era5-week", variables="t2m", zoom=zoom_in).isel(time=slice(0, 6))
        resolver = SuperResolver(ds, "t2m", zoom)
        x, times = ds["t2m"].values[:1], ds["time"].values[:1]
        refinement._region_decoder.cache_clear()
        start = time.process_time()
        resolver.part(x, resolver.view(box_cells((-30.0, 20.0, 0.0, 40.0), zoom)), times)
        first = 1000 * (time.process_time() - start)
        moved, again = [], []
        for west in np.arange(-30.0, 30.0, 1.5):
            cells = box_cells((west, 20.0 + west / 3, west + 30.0, 40.0 + west / 3), zoom)
            start = time.process_time()
            view = resolver.view(cells)
            resolver.part(x, view, times)
            moved.append(1000 * (time.process_time() - start))
            start = time.process_time()
            resolver.part(x, view, times)
            again.append(1000 * (time.process_time() - start))
    finally:
        torch.set_num_threads(threads)
    print(
        f"\nview of 30 x 20 degrees ({len(cells)} cells), zoom {zoom_in} to {zoom}, CPU-ms: first "
        f"{first:.0f}, panning median {np.median(moved):.1f}, p95 {np.quantile(moved, 0.95):.1f}, "
        f"another time p95 {np.quantile(again, 0.95):.1f} (reach 120 at zoom 6)"
    )
    assert zoom != 6 or np.quantile(moved, 0.95) <= 120
