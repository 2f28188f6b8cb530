"""``fsae evaluate``: its options, its files and its words."""

import json

import pytest

from fsae_core.cli import evaluate as command
from fsae_core.cli import front
from fsae_core.codec.store import write_fields
from fsae_core.evaluate import table


@pytest.fixture
def days(tmp_path):
    from block_mean import small_archive

    path = tmp_path / "days.zarr.zip"
    write_fields(small_archive(), path)
    return path


def test_several_values_behind_an_option(fsae, days):
    got = fsae("evaluate", days, "--methods", "block-mean", "sperr", "--ratios", 16, 64, "--json").json
    assert got["archive"] == "days.zarr.zip" and got["variable"] == "t2m" and got["units"] == "K"
    rows = [(row["method"], row["axis"], row["ratio"]) for row in got["rows"]]
    assert len(rows) == 6 and set(rows) == {
        *(("block-mean", axis, ratio) for axis in ("floats", "bytes") for ratio in (16, 64)),
        *(("sperr", "bytes", ratio) for ratio in (16, 64)),
    }
    same = fsae("evaluate", days, "--ratios", "16,64", "--methods", "block-mean,sperr", "--json").json
    assert [row["rmse"] for row in same["rows"]] == [row["rmse"] for row in got["rows"]]
    assert got["rows"][0]["rmse"] > 0 and got["rows"][0]["power_ratio_by_zoom"]["4"] < 1


def test_readable_output_and_files(fsae, refuses, days, tmp_path):
    options = ("--methods", "sperr", "--ratios", 64, "--variable", "msl", "--out", tmp_path / "t.json")
    answer = fsae("evaluate", days, *options, "--csv", tmp_path / "t.csv")
    assert answer.code == 0 and "units: Pa" in answer.out and "ratio bytes" in answer.out
    told = json.loads((tmp_path / "t.json").read_text())
    assert f"{told['rows'][0]['rmse']:.4g}" in answer.out
    assert (tmp_path / "t.csv").read_text().startswith("method,axis,ratio,")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["days.zarr.zip", "t.csv", "t.json"]
    assert "--overwrite" in refuses("evaluate", days, *options)
    assert fsae("evaluate", days, *options, "--overwrite").code == 0


def test_a_stopped_run_leaves_a_table_and_goes_on(fsae, days, tmp_path, monkeypatch):
    made = []
    row = table._row

    def count(method, *rest):
        if len(made) == 2:
            raise front._Stopped(2)
        made.append(method.name)
        return row(method, *rest)

    options = ("evaluate", days, "--methods", "sperr", "sz3", "--ratios", 4, 16, "--out", tmp_path / "t.json")
    monkeypatch.setattr(table, "_row", count)
    answer = fsae(*options)
    assert answer.code == 130 and "run the same command again" in answer.err
    left = tmp_path / ("t.json" + command.UNFINISHED)
    assert len(json.loads(left.read_text())["rows"]) == 2 and not (tmp_path / "t.json").exists()
    made.clear()
    assert fsae(*options).code == 0
    assert made == ["sz3", "sz3"] and not left.exists()
    assert len(json.loads((tmp_path / "t.json").read_text())["rows"]) == 4


def test_what_is_refused(fsae, refuses, days, tmp_path):
    assert "choose one of fs-ae" in refuses("evaluate", days, "--methods", "mp3")
    assert "4, 16, 64 and 256" in refuses("evaluate", days, "--ratios", 5)
    assert "takes numbers" in refuses("evaluate", days, "--ratios", "many")
    assert "No such option: --what" in refuses("evaluate", days, "--ratios", 4, "--what")
    assert "One archive" in refuses("evaluate", days, days)
    assert "does not exist" in refuses("evaluate", days, "--out", tmp_path / "none" / "t.json")
    assert "snow" in refuses("evaluate", days, "--variable", "snow")
