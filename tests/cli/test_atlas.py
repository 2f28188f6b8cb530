"""`fsae atlas`: the file, what it prints, what it refuses, and going on after a stop."""

import pandas as pd
import pytest
import xarray as xr
from atlas_samples import months, record

from fsae_core.archive.canonical import canonical_dataset
from fsae_core.atlas import COLUMNS, read_atlas
from fsae_core.atlas import build as building
from fsae_core.codec.store import write_fields
from fsae_core.sphere.regrid import to_latlon

pytestmark = pytest.mark.usefixtures("weightless")


@pytest.fixture
def archive(tmp_path):
    """Twelve years of two variables at zoom 3."""
    times = months("1986-01", "1998-01")
    t2m, msl = record(times=times, warming=0.1, dip=0.8), record(times=times, name="msl", seed=1)
    fields = {"t2m": t2m["t2m"], "msl": msl["msl"]}
    path = tmp_path / "archive.zarr.zip"
    write_fields(canonical_dataset(fields, {"source": "made by a test"}), path)
    return path


def test_an_atlas_is_written(fsae, archive, tmp_path):
    answer = fsae("atlas", archive, "--out", tmp_path / "a.parquet", "--json")
    assert answer.code == 0, answer.err
    got = answer.json
    assert got["times"] == 144 and got["outliers"] >= 0 and got["variable"] == "t2m" and got["ratio"] == 16
    assert got["model"] == "block-mean-16x" and got["bytes"] == (tmp_path / "a.parquet").stat().st_size
    assert [row["name"] for row in got["eruptions"]] == ["Pinatubo"]
    assert got["eruptions"][0]["displacement"] < 0
    assert tuple(pd.read_parquet(tmp_path / "a.parquet").columns) == COLUMNS
    assert len(got["most_novel"]) == min(10, got["outliers"])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.parquet", "archive.zarr.zip"]


def test_another_variable_ratio_period_and_seed(fsae, archive, tmp_path):
    options = ("--variable", "msl", "--ratio", 4, "--start", "1990", "--end", "1991-06", "--seed", 3)
    got = fsae("atlas", archive, "--out", tmp_path / "a.parquet", *options, "--json").json
    assert got["times"] == 18 and got["variable"] == "msl" and got["model"] == "block-mean-4x"
    atlas = read_atlas(tmp_path / "a.parquet")
    assert atlas.config.ratio == 4 and atlas.config.map.seed == 3
    assert atlas.table["nino34"].isna().all(), "eighteen months are too few for an index"


def test_readable_output_and_a_warning(fsae, archive, tmp_path):
    answer = fsae("atlas", archive, "--out", tmp_path / "a.parquet", "--end", "1988")
    assert answer.code == 0 and "times: 36" in answer.out
    assert "no year displacement" in answer.err


def test_what_is_refused(refuses, fsae, archive, tmp_path):
    assert "name it .parquet" in refuses("atlas", archive, "--out", tmp_path / "a.csv")
    assert "make it first" in refuses("atlas", archive, "--out", tmp_path / "no" / "a.parquet")
    (tmp_path / "there.parquet").write_text("mine")
    assert "--overwrite" in refuses("atlas", archive, "--out", tmp_path / "there.parquet")
    assert (tmp_path / "there.parquet").read_text() == "mine"
    out = tmp_path / "a.parquet"
    assert "holds t2m, msl" in refuses("atlas", archive, "--out", out, "--variable", "pr")
    assert "choose one" in refuses("atlas", archive, "--out", out, "--ratio", 7)
    assert "does not exist" in refuses("atlas", tmp_path / "none.nc", "--out", out)
    assert "from 1986-01-16" in refuses("atlas", archive, "--out", out, "--start", "2050")
    assert "3 times" in refuses("atlas", archive, "--out", out, "--end", "1986-03")
    assert not out.exists()


def test_a_stopped_run_goes_on(fsae, archive, tmp_path, monkeypatch):
    out, drawn = tmp_path / "a.parquet", []
    real = building.draw_map

    def counted(*arguments):
        drawn.append(1)
        return real(*arguments)

    def full(*arguments, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(building, "draw_map", counted)
    with monkeypatch.context() as patch:
        patch.setattr(building, "displacement", full)
        answer = fsae("atlas", archive, "--out", out, "--json")
    assert answer.code == 2 and "full" in answer.err and not out.exists() and len(drawn) == 2
    assert fsae("atlas", archive, "--out", out, "--json").code == 0
    assert len(drawn) == 2, "the maps were drawn before"
    assert not out.with_name("a.parquet.stages").exists()


def test_a_record_with_gaps(fsae, tmp_path):
    """Latitudes and longitudes, and a part of the sphere without values for years."""
    times = months("1990-01", "1998-01")
    cells = record(times=times, noise=1.0)
    lat, lon = list(range(-85, 90, 10)), list(range(-175, 180, 10))
    fields = to_latlon(cells["t2m"].values, lon, lat)
    fields[:30, :3] = float("nan")
    ds = xr.Dataset(
        {"t2m": (("time", "lat", "lon"), fields, {"units": "K"})},
        {
            "time": times,
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "lon": ("lon", lon, {"units": "degrees_east"}),
        },
    )
    ds.to_netcdf(tmp_path / "observed.nc")
    got = fsae("atlas", tmp_path / "observed.nc", "--zoom", 3, "--out", tmp_path / "a.parquet", "--json").json
    assert got["times"] == 96
    assert "filled from patterns" in read_atlas(tmp_path / "a.parquet").about["history"]
