"""Super-resolution with the shipped weights: means are kept, truth comes closer, a view is a part of the
sphere."""

import numpy as np
import pytest
import xarray as xr

import fsae_core
from fsae_core.archive.canonical import canonical_dataset
from fsae_core.archive.reader import open_archive
from fsae_core.codec.routes import known_zoom
from fsae_core.codec.super_resolution import SuperResolver, super_resolve
from fsae_core.errors import UserError
from fsae_core.sphere.box import box_cells
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.pyramid import prolong, restrict

BOXES = [
    (0.0, 40.0, 30.0, 60.0),
    (-180.0, 80.0, 180.0, 90.0),
    (170.0, -10.0, -165.0, 15.0),
    (40.0, 38.0, 50.0, 46.0),
]


def rmse(a, b) -> float:
    return float(np.sqrt(np.square(np.asarray(a, np.float64) - b).mean()))


@pytest.fixture(scope="module")
def era5() -> xr.Dataset:
    """Three times of the test days; one alone would not show that they are instants."""
    return open_archive("era5-week").sel(time=slice("2026-03-30", None)).isel(time=slice(0, 5, 2))


def coarse(ds: xr.Dataset, zoom: int, *names: str) -> xr.Dataset:
    return open_archive(ds, zoom=zoom, variables=list(names))


@pytest.mark.parametrize(
    ("zoom_in", "zoom"), [(2, 6), (3, 6), (4, 6), (5, 6), (4, 5), (2, 4), (1, 5), (0, 4)]
)
def test_truth_comes_closer_and_means_are_kept(era5, zoom_in, zoom):
    low = coarse(era5, zoom_in, "t2m")
    fine = super_resolve(low, zoom)
    truth = coarse(era5, zoom, "t2m")["t2m"].values
    np.testing.assert_allclose(restrict(fine["t2m"].values, zoom - zoom_in), low["t2m"].values, atol=1e-3)
    limit = 0.6 if zoom_in > 1 else 1.0
    assert rmse(fine["t2m"], truth) < limit * rmse(prolong(low["t2m"].values, zoom - zoom_in), truth)


@pytest.mark.parametrize(("zoom_in", "zoom"), [(4, 6), (4, 5), (3, 7), (6, 8), (7, 9)])
def test_a_region_is_the_spheres_part(era5, zoom_in, zoom):
    low = coarse(era5, min(zoom_in, 6), "t2m").isel(time=slice(0, 1))
    low["t2m"].attrs["fsae_instant"] = 1
    if zoom_in > 6:
        low = super_resolve(low, zoom_in)
    whole = super_resolve(low, zoom)["t2m"].values
    for box in BOXES:
        part = super_resolve(low, zoom, box)
        cells = part["cell"].values
        assert np.array_equal(cells, box_cells(box, zoom))
        np.testing.assert_allclose(part["t2m"].values, whole[:, cells], atol=1e-4)


@pytest.mark.parametrize("zoom", [5, 6])
def test_a_region_of_the_simulated_archive(zoom):
    low = open_archive("amip").isel(time=[0, 300])
    whole = super_resolve(low, zoom)
    part = super_resolve(low, zoom, (-10.0, 30.0, 20.0, 50.0))
    for name in ("t2m", "u10", "msl", "pr", "z500"):
        want = whole[name].values[:, part["cell"].values]
        np.testing.assert_allclose(part[name].values, want, rtol=1e-6, atol=1e-4)


def test_what_the_file_says(era5):
    low = coarse(era5, 4, "t2m", "tp")
    fine = fsae_core.super_resolve(low, 6)
    assert fine.sizes == {"time": 3, "cell": n_cells(6)} and fine["crs"].attrs["healpix_nside"] == 64
    told = fine.attrs
    assert (told["fsae_sr_zoom_in"], told["fsae_sr_zoom_out"], told["fsae_sr_smooth_zooms"]) == (4, 6, 0)
    card = fsae_core.load_model("general-16x").card
    assert told["fsae_sr_weights"] == "general-16x" and told["fsae_sr_sha256"] == card.sha256
    assert told["fsae_sr_times_trained_on"] == 0 and "not observed" in told["fsae_sr_note"]
    assert (
        "super-resolved from zoom 4 to 6" in told["history"]
        and "zoom 4 to 6 by general-16x" in told["history"]
    )
    assert "tp: " in told["fsae_sr_method"] and "raised to 0" in fine["tp"].attrs["fsae_sr_method"]
    assert open_archive(fine)["t2m"].attrs["units"] == "K"
    week = open_archive("era5-week", zoom=4, variables="t2m").isel(time=slice(0, 3))
    learned = super_resolve(week, 6)
    assert learned.attrs["fsae_sr_times_trained_on"] == 3 and "learned from" in learned.attrs["fsae_sr_note"]


def test_a_regions_cells_are_told(era5, tmp_path):
    part = super_resolve(coarse(era5, 5, "t2m"), 6, (5.0, 43.0, 16.0, 49.0))
    assert part["t2m"].dims == ("time", "cell")
    assert part["cell"].attrs["standard_name"] == "healpix_index"
    assert part["crs"].attrs["refinement_level"] == 6 and part["crs"].attrs["indexing_scheme"] == "nested"
    assert part["lat"].values.min() >= 43 and part["lon"].values.max() <= 16
    assert part.attrs["fsae_sr_region"] == "5 43 16 49"
    with pytest.raises(UserError, match="whole sphere"):
        open_archive(part)


def test_zooms_that_no_weights_know_are_smooth_and_said_so():
    low = open_archive("amip", variables="t2m").isel(time=slice(0, 2))
    five, seven = super_resolve(low, 5), super_resolve(low, 7)
    assert seven.attrs["fsae_sr_smooth_zooms"] == 2 and "smooth prolongation" in seven.attrs["fsae_sr_method"]
    assert seven["t2m"].attrs["fsae_sr_smooth_zooms"] == 2
    np.testing.assert_allclose(seven["t2m"].values, prolong(prolong(five["t2m"].values)), atol=1e-4)
    with pytest.raises(UserError, match="choose 7 or less"):
        super_resolve(low, 8)
    with pytest.raises(UserError, match="nothing finer than zoom 5 is known"):
        super_resolve(five, 6)
    assert super_resolve(five, 6, model="general").attrs["fsae_sr_weights"] == "general-4x"


def test_pressure_stays_smooth_where_the_weights_are_less_exact(era5):
    assert SuperResolver(coarse(era5, 6, "msl"), "msl", 8).route.learned == 7
    assert SuperResolver(coarse(era5, 6, "u10"), "u10", 8).route.learned == 8


def test_rain_is_never_negative_and_keeps_its_means(era5):
    low = coarse(era5, 4, "tp")
    fine = super_resolve(low, 6)["tp"].values
    assert fine.min() == 0
    assert prolong(low["tp"].values, 2).min() < 0
    np.testing.assert_allclose(restrict(fine, 2), np.maximum(low["tp"].values, 0), atol=2e-3)
    part = super_resolve(low, 6, BOXES[0])
    np.testing.assert_allclose(part["tp"].values, fine[:, part["cell"].values], atol=1e-4)


def test_the_climate_of_the_run_is_recognised():
    fine_run = SuperResolver(open_archive("amip-hr", zoom=4), "t2m", 5)
    coarse_run = SuperResolver(open_archive("amip"), "t2m", 5)
    assert fine_run.route.steps[0].of_fine_run and not coarse_run.route.steps[0].of_fine_run


def test_weights_by_name(era5):
    low = coarse(era5, 4, "t2m")
    named = super_resolve(low, 6, model="general-16x")
    np.testing.assert_array_equal(named["t2m"].values, super_resolve(low, 6)["t2m"].values)
    direct = super_resolve(low, 5, model="general-4x")
    assert direct.attrs["fsae_sr_method"].startswith("decoded from zoom 4 to 5 by general-4x")
    with pytest.raises(UserError, match="do not lead from zoom 4 to 6"):
        super_resolve(low, 6, model="general-4x")
    with pytest.raises(UserError, match="made for t2m, not for msl"):
        super_resolve(open_archive("amip", variables="msl"), 5, model="amip-4x")


def test_members_and_single_fields():
    lead = ("time", "member", "cell")
    times = np.array(["2008-01-15", "2008-07-15"], "datetime64[ns]")
    base = open_archive("amip")["t2m"].values[[0, 6]]
    values = np.stack([base, base + 1, base + 2], axis=1)
    fields = {"t2m": xr.DataArray(values, dims=lead, coords={"time": times})}
    ds = canonical_dataset(fields, {"fsae_climatology": "amip"})
    fine = super_resolve(ds, 5)["t2m"]
    assert fine.dims == lead and fine.shape == (2, 3, n_cells(5))
    alone = super_resolve(ds.isel(member=1), 5)["t2m"]
    np.testing.assert_allclose(fine.values[:, 1], alone.values, atol=1e-4)


def test_mistakes_get_a_sentence(era5):
    low = coarse(era5, 4, "t2m")
    for zoom in (4, 3, 10):
        with pytest.raises(UserError, match=f"Zoom {zoom} was asked for"):
            super_resolve(low, zoom)
    with pytest.raises(UserError, match="south below north"):
        super_resolve(low, 6, (0, 50, 10, 40))
    with pytest.raises(UserError, match="no variable snow in this archive, which has t2m"):
        super_resolve(low, 6, variables=["snow"])
    with pytest.raises(UserError, match="nothing to super-resolve"):
        super_resolve(low, 6, variables=[])
    holes = low.copy(deep=True)
    holes["t2m"].values[0, :7] = np.nan
    with pytest.raises(UserError, match="only complete fields"):
        super_resolve(holes, 6)
    with pytest.raises(UserError, match="billion values"):
        super_resolve(low.isel(time=np.zeros(1000, int)), 9)
    resolver = SuperResolver(low, "t2m", 6)
    with pytest.raises(UserError, match="Cells of zoom 6 were expected"):
        resolver.view(np.array([n_cells(6)]))
    with pytest.raises(UserError, match="expected \\(time, 3072\\)"):
        resolver.sphere(np.zeros((1, 12), np.float32))


def test_progress_is_told_and_can_stop(era5):
    seen = []

    def watch(blocks):
        for block in blocks:
            seen.append(block)
            yield block
            if len(seen) == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        super_resolve(coarse(era5, 4, "t2m", "u10", "v10"), 5, progress=watch)
    assert [name for name, _ in seen] == ["t2m", "u10"]


def test_a_part_of_an_archive_is_judged_with_the_whole():
    """One time in twenty of the fine run, alone, is taken for one of the coarse run."""
    ds = open_archive("amip-hr", zoom=4)
    whole = super_resolve(ds, 5)
    alone = [super_resolve(ds.isel(time=[i]), 5)["t2m"].values[0] for i in range(ds.sizes["time"])]
    off = [i for i, one in enumerate(alone) if np.abs(one - whole["t2m"].values[i]).max() > 0.1]
    assert off, "a time that is misjudged alone"
    resolvers = {"t2m": SuperResolver(ds, "t2m", 5)}
    part = super_resolve(ds.isel(time=off), 5, resolvers=resolvers)
    np.testing.assert_allclose(part["t2m"].values, whole["t2m"].values[off], atol=1e-4)


def test_the_hour_is_kept_when_fields_are_made_coarser(era5):
    one = era5.isel(time=[0])[["t2m", "crs"]]
    one["t2m"].attrs["fsae_instant"] = 1
    low = open_archive(one, zoom=4)
    assert low["t2m"].attrs["fsae_instant"] == 1
    np.testing.assert_allclose(
        super_resolve(low, 6)["t2m"].values[0],
        super_resolve(coarse(era5, 4, "t2m"), 6)["t2m"].values[0],
        atol=1e-4,
    )


def test_what_is_known_of_a_variable():
    era5, amip = open_archive("era5-week"), open_archive("amip")
    assert (known_zoom(era5, "t2m"), known_zoom(era5, "msl")) == (8, 7)
    assert (known_zoom(amip, "t2m"), known_zoom(amip, "t2m", "general")) == (5, 8)
    for zoom in range(5, known_zoom(amip, "t2m") + 3):
        assert SuperResolver(amip.isel(time=slice(0, 2)), "t2m", zoom).route.learned <= 5
