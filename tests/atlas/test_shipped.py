"""The shipped atlas is that of the shipped archive and weights; the observed record shows its volcano."""

import time

import numpy as np
import pytest

from fsae_core.archive.reader import open_archive
from fsae_core.assets import asset_path
from fsae_core.atlas import COLUMNS, AtlasConfig, build_atlas, open_complete, shipped_atlas
from fsae_core.atlas.displacement import DisplacementConfig
from fsae_core.atlas.features import compressed_record
from fsae_core.atlas.tsne import MapConfig
from fsae_core.errors import UserError


@pytest.fixture(scope="module")
def atlas():
    return shipped_atlas("amip")


def test_it_is_small_and_quick_to_load():
    assert asset_path("atlas", "amip.parquet").stat().st_size < 3e6
    shipped_atlas()
    started = time.process_time()
    shipped_atlas()
    assert time.process_time() - started < 0.2
    with pytest.raises(UserError, match=r"none\.parquet"):
        shipped_atlas("none")


def test_it_belongs_to_the_shipped_archive_and_weights(atlas):
    ds = open_archive("amip", variables="t2m")
    assert tuple(atlas.table.columns) == COLUMNS and atlas.about["simulated"] is True
    assert (atlas.times == ds["time"].values).all() and atlas.config == AtlasConfig()
    record = compressed_record(ds)
    assert (record.model, record.sha256) == (atlas.about["model"], atlas.about["sha256"]), (
        "make it again: fsae atlas amip --out assets/atlas/amip.parquet --overwrite"
    )
    np.testing.assert_allclose(
        atlas.deseasonalised.scores(record.values, record.times), atlas.scores_deseasonalised, atol=0.02
    )
    np.testing.assert_allclose(atlas.table["global_mean"], record.global_mean, rtol=1e-5)


def test_its_volcano_stands_out(atlas):
    chichon, pinatubo = atlas.about["eruptions"]
    for suffix in ("", "_no_enso"):
        assert pinatubo[f"displacement{suffix}"] < pinatubo[f"quantile{suffix}"] < 0
        assert pinatubo[f"p{suffix}"] < 0.025
    assert chichon["name"] == "El Chichon" and "El Nino" in chichon["note"]


def test_its_own_times_are_placed_where_they_are(atlas):
    ds = open_archive("amip", variables="t2m").isel(time=slice(200, 206))
    placed = atlas.place(ds)
    for x, y in (("x", "y"), ("x_deseasonalised", "y_deseasonalised")):
        off = placed.table[[x, y]].to_numpy() - atlas.table[[x, y]].to_numpy()[200:206]
        assert np.hypot(*off.T).max() < 0.03 * np.ptp(atlas.table[x])
    np.testing.assert_allclose(placed.table["displacement"], atlas.table["displacement"][200:206], atol=0.5)
    near = atlas.nearest(placed.scores_deseasonalised[2], ds["time"].values[2], 3, apart_years=5)
    assert near.index.tolist() == atlas.neighbours(202, 3).index.tolist()


def test_pinatubo_in_the_observed_record(shared_data):
    """Real temperatures 1950-2025 with their gaps: seen once El Nino is removed."""
    path = shared_data / "real" / "gistemp_v4_1200km_monthly_2deg_1880-2025.nc"
    ds = open_complete(path, zoom=4, start="1950-01")
    # The defaults, but for fewer surrogates and a map that is not looked at.
    quick = AtlasConfig(displacement=DisplacementConfig(surrogates=99), map=MapConfig(iterations=10))
    made = build_atlas(ds, config=quick)
    assert made.about["model"] == "general-16x" and len(made.table) == 906
    rows = {row["name"]: row for row in made.about["eruptions"]}
    assert list(rows) == ["Agung", "El Chichon", "Pinatubo"]
    assert rows["Pinatubo"]["displacement_no_enso"] < rows["Pinatubo"]["quantile_no_enso"] < 0
    # The El Nino of 1982-83 hides El Chichon: with it in, the months after look later, not earlier.
    assert rows["El Chichon"]["displacement"] > 0
