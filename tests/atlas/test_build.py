"""build_atlas from end to end on a small record, and its file."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from atlas_samples import months, record
from block_mean import BlockMean

from fsae_core.archive.reader import open_archive
from fsae_core.atlas import COLUMNS, AtlasConfig, build_atlas, read_atlas, write_atlas
from fsae_core.atlas import build as building
from fsae_core.atlas.displacement import DisplacementConfig
from fsae_core.atlas.features import compressed_record
from fsae_core.atlas.novelty import NoveltyConfig
from fsae_core.atlas.tsne import MapConfig
from fsae_core.errors import UserError
from fsae_core.sphere.pyramid import prolong, restrict

QUICK = AtlasConfig(
    map=MapConfig(iterations=100),
    displacement=DisplacementConfig(surrogates=60),
    novelty=NoveltyConfig(surrogates=19),
)


@pytest.fixture(scope="module")
def ds():
    return record(dip=0.6, nino=0.6, noise=0.4).assign_attrs(fsae_name="toy")


@pytest.fixture(scope="module")
def atlas(ds):
    return build_atlas(ds, config=QUICK, model=BlockMean())


def test_the_table(atlas, ds):
    t = atlas.table
    assert tuple(t.columns) == COLUMNS and len(t) == 420
    assert (t["time"].to_numpy() == ds["time"].values).all()
    assert (t["month"] == t["time"].dt.month).all() and (t["year"] == t["time"].dt.year).all()
    np.testing.assert_allclose(t["global_mean"], ds["t2m"].values.mean(axis=1), rtol=1e-5)
    assert t.notna().all().all()
    assert t[["p_displacement", "p_novelty"]].to_numpy().min() > 0
    assert atlas.about["archive"] == "toy" and atlas.about["sha256"] == "0" * 64


def test_the_eruption_stands_out(atlas):
    names = [row["name"] for row in atlas.about["eruptions"]]
    assert names == ["El Chichon", "Pinatubo"]
    chichon, pinatubo = atlas.about["eruptions"]
    assert pinatubo["displacement"] < pinatubo["quantile"] < 0 and pinatubo["p"] < 0.05
    assert pinatubo["displacement_no_enso"] < pinatubo["quantile_no_enso"] and pinatubo["times"] == 24
    assert chichon["p"] > 0.05
    rows = atlas.table[(atlas.table["time"] >= "1991-09") & (atlas.table["time"] < "1993-09")]
    assert rows["displacement"].mean() == pytest.approx(pinatubo["displacement"], rel=1e-4)


def test_seasons_are_neighbours_on_the_map(atlas):
    from sklearn.neighbors import NearestNeighbors

    t = atlas.table
    places = t[["x", "y"]].to_numpy()
    near = NearestNeighbors(n_neighbors=11).fit(places).kneighbors(places)[1][:, 1:]
    off = (t["month"].to_numpy()[near] - t["month"].to_numpy()[:, None] + 6) % 12 - 6
    assert (np.abs(off) <= 1).mean() > 0.95


def test_the_same_archive_gives_the_same_atlas(atlas, ds):
    again = build_atlas(ds, config=QUICK, model=BlockMean())
    pd.testing.assert_frame_equal(again.table, atlas.table)


def test_neighbours(atlas):
    got = atlas.neighbours(100, 4, apart_years=5, same_month=True)
    assert len(got) == 4 and got["distance"].is_monotonic_increasing
    assert (got["month"] == atlas.table["month"][100]).all()
    assert (np.abs(got["time"] - atlas.table["time"][100]) > pd.Timedelta(days=5 * 365)).all()
    itself = atlas.nearest(atlas.scores[7], None, 1, deseasonalised=False)
    assert itself.index[0] == 7 and itself["distance"].iloc[0] == 0


def test_a_file_holds_all_of_it(atlas, tmp_path):
    path = write_atlas(atlas, tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(path), atlas.table)
    again = read_atlas(path)
    pd.testing.assert_frame_equal(again.table, atlas.table)
    assert again.config == atlas.config and again.about == atlas.about
    np.testing.assert_array_equal(again.scores, atlas.scores)
    np.testing.assert_allclose(again.expected, atlas.expected, atol=1e-3)
    np.testing.assert_array_equal(again.scores_deseasonalised, atlas.scores_deseasonalised)
    np.testing.assert_array_equal(again.deseasonalised.basis, atlas.deseasonalised.basis)
    with pytest.raises(UserError, match="exists already"):
        write_atlas(atlas, path)
    write_atlas(atlas, path, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["a.parquet"]


def test_what_is_no_atlas_is_refused(tmp_path):
    with pytest.raises(UserError, match="no atlas at"):
        read_atlas(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("no table")
    with pytest.raises(UserError, match="cannot be read as Parquet"):
        read_atlas(tmp_path / "text.parquet")
    pd.DataFrame({"x": [1.0]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(UserError, match="not an atlas"):
        read_atlas(tmp_path / "other.parquet")


def test_a_cut_off_file_is_refused(atlas, tmp_path):
    path = write_atlas(atlas, tmp_path / "a.parquet")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match="cannot be read"):
        read_atlas(path)


def test_a_stopped_build_goes_on(atlas, ds, tmp_path, monkeypatch):
    keep = tmp_path / "stages"
    called = []

    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(building, "displacement", stop)
        with pytest.raises(KeyboardInterrupt):
            build_atlas(ds, config=QUICK, model=BlockMean(), keep=keep)
    (keep / "novelty.npz").write_bytes(b"cut off")
    with monkeypatch.context() as patch:
        patch.setattr(building, "draw_map", lambda *a: called.append("map"))
        again = build_atlas(ds, config=QUICK, model=BlockMean(), keep=keep)
    assert called == [], "the maps were kept"
    pd.testing.assert_frame_equal(again.table, atlas.table)
    other = ds.isel(time=slice(0, 30))
    assert len(build_atlas(other, config=QUICK, model=BlockMean(), keep=keep).table) == 30


def test_a_folder_of_something_else_is_left_alone(ds, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="holds something else"):
        build_atlas(ds, config=QUICK, model=BlockMean(), keep=tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_short_records_have_no_displacement():
    made = build_atlas(record(times=months("2000-01", "2003-01")), config=QUICK, model=BlockMean())
    assert made.table[["displacement", "p_displacement_no_enso"]].isna().all().all()
    assert made.table[["x", "y_deseasonalised", "novelty", "nino34"]].notna().all().all()
    assert made.about["surrogates"] is None
    with pytest.raises(UserError, match="3 times"):
        build_atlas(record(times=months("2000-01", "2000-04")), model=BlockMean())


def test_years_that_cannot_be_told_have_no_displacement():
    rng = np.random.default_rng(0)
    ds = record(warming=0.0)
    noise = rng.standard_normal(ds["t2m"].shape).astype(np.float32)
    made = build_atlas(ds.assign(t2m=ds["t2m"].copy(data=280 + noise)), config=QUICK, model=BlockMean())
    assert made.table["displacement"].isna().all()


def test_other_variables_have_no_nino_of_their_own(ds):
    wind = ds.rename(t2m="u10")
    wind["u10"].attrs = {"units": "m s-1", "long_name": "wind"}
    part = wind.isel(time=slice(0, 60))
    made = build_atlas(part, config=QUICK, model=BlockMean())
    assert made.table["nino34"].isna().all() and made.about["nino34"] is None
    both = part.assign(t2m=ds["t2m"].isel(time=slice(0, 60)))
    made = build_atlas(both, variable="u10", config=QUICK, model=BlockMean())
    assert made.table["nino34"].notna().all()


def test_what_cannot_be_mapped_is_refused(ds):
    with pytest.raises(UserError, match="no variable pr in this archive, which has t2m"):
        compressed_record(ds, "pr", model=BlockMean())
    members = ds.expand_dims(member=2).transpose("time", "member", "cell", ...)
    with pytest.raises(UserError, match="choose one member"):
        compressed_record(members, model=BlockMean())
    gappy = ds.copy(deep=True)
    gappy["t2m"].values[3, 5] = np.nan
    with pytest.raises(UserError, match="missing or infinite values"):
        compressed_record(gappy, model=BlockMean())


def test_numbers_without_a_frame_get_one(ds):
    """Weights of an archive may turn with the season: the block means of what they stand for do not."""

    class Turning(BlockMean):
        def __init__(self):
            super().__init__(16)
            self.card = SimpleNamespace(**{**vars(self.card), "family": "toy", "name": "toy-16x"})

        def compress_fields(self, x, *, variable, times, instant):
            got = super().compress_fields(x, variable=variable, times=times, instant=instant)
            sign = np.where(times.astype("datetime64[M]").astype(int) % 2, 1, -1)[:, None]
            return SimpleNamespace(values=got.values * sign, offset=got.offset, scale=got.scale, sign=sign)

        def decompress_fields(self, compressed, *, variable, times, instant):
            return prolong(compressed.values * compressed.sign, 2)

    got = compressed_record(ds, model=Turning())
    np.testing.assert_allclose(got.values, restrict(ds["t2m"].values, 2), rtol=1e-5)
    plain = compressed_record(ds, model=BlockMean(16))
    np.testing.assert_allclose(plain.values, got.values, rtol=1e-5)


def test_the_week_of_era5_has_a_map():
    made = build_atlas(open_archive("era5-week", variables="t2m"), config=AtlasConfig(ratio=256))
    assert len(made.table) == 24 and made.about["model"] == "general-256x"
    assert made.table["displacement"].isna().all() and made.table[["x", "y"]].notna().all().all()


def test_placing_needs_fields_and_weights_that_fit(ds):
    made = build_atlas(
        open_archive("amip", variables="t2m").isel(time=slice(0, 36)), config=AtlasConfig(ratio=64)
    )
    fine = xr.Dataset(
        {"t2m": (("time", "cell"), np.repeat(_fields(), 4, axis=1), {"units": "K"})},
        {"time": made.times[5:8]},
    )
    placed = made.place(fine)
    np.testing.assert_allclose(placed.scores, made.scores[5:8], atol=1e-2)
    size = np.ptp(made.table[["x", "y"]].to_numpy(), axis=0).max()
    off = placed.table[["x", "y"]].to_numpy() - made.table[["x", "y"]].to_numpy()[5:8]
    assert np.abs(off).max() < 0.2 * size
    with pytest.raises(UserError, match="only as fine or finer"):
        made.place(ds)
    made.about["sha256"] = "f" * 64
    with pytest.raises(UserError, match="build the atlas again"):
        made.place(fine)


def _fields():
    return open_archive("amip", variables="t2m")["t2m"].values[5:8]
