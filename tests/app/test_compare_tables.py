"""The tables behind the Compare page: shipped rows that belong to what is here, and computed ones."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from app import compare_tables
from app.compare_tables import known_table, psnr_interval, put, shipped_table
from app.store import Archive, named_archive
from fsae_core.assets import asset_path
from fsae_core.evaluate.table import evaluate


@pytest.fixture
def cards(monkeypatch):
    """Other checksums for some weights: call it with what their names begin with."""
    shipped = compare_tables.shipped_cards()

    def change(*starts: str) -> None:
        changed = [replace(c, sha256="0" * 64) if c.name.startswith(starts) else c for c in shipped]
        monkeypatch.setattr(compare_tables, "shipped_cards", lambda: changed)

    return change


def test_the_shipped_table_is_that_of_the_file(cards):
    era5 = named_archive("era5-week")
    table = shipped_table(era5, "t2m")
    raw = json.loads(asset_path("evaluations", "era5-week-t2m.json").read_text())
    fresh = {c.name: c.sha256 for c in compare_tables.shipped_cards()}
    if all(fresh.get(name) == sha for name, sha in raw["weights"].items()):
        assert [dict(row) for row in table.rows] == raw["rows"] and not table.stale
    assert table.source == "shipped"
    assert json.loads(table.to_json())["rows"] == [dict(row) for row in table.rows]
    lines = list(csv.DictReader(io.StringIO(table.to_csv())))
    assert [line["rmse"] for line in lines] == [
        "" if row["rmse"] is None else str(row["rmse"]) for row in table.rows
    ]
    assert shipped_table(era5, "u10").rows == () and shipped_table(era5, "u10").source == ""


def test_rows_of_other_weights_are_left_out_and_named(cards):
    cards("general")
    table = shipped_table(named_archive("era5-week"), "t2m")
    assert not {"fs-ae", "fs-ae+clim"} & set(table.methods) and "fs-ae" in table.stale
    assert {"jpeg2000", "block-mean+clim"} <= set(table.methods)
    assert all(name.startswith("general") for name in table.changed)


def test_a_climatology_that_came_with_weights_goes_with_them(cards):
    cards("amip")
    table = shipped_table(named_archive("amip-hr"), "t2m")
    assert "fs-ae" in table.stale and "jpeg2000+clim" in table.stale and "jpeg2000" in table.methods


def test_other_times_make_the_whole_table_foreign():
    era5 = named_archive("era5-week")
    later = Archive("era5-week", "later", era5.dataset.isel(time=slice(0, 20)))
    table = shipped_table(later, "t2m")
    assert table.rows == () and "jpeg2000" in table.stale


def test_a_visitor_s_own_archive_has_no_shipped_table(archive):
    mine = Archive("era5-week", "mine", archive.dataset, own=True)
    assert known_table(mine, "t2m").rows == ()


def test_computed_rows_join_and_stay_with_their_archive(archive):
    part = evaluate(archive.dataset, "t2m", ["block-mean"], (4, 16), archive="made")
    assert known_table(archive, "t2m").rows == ()
    table = put(archive, "t2m", part)
    assert table is known_table(archive, "t2m") and table.source == "computed"
    axes = {"block-mean": ("floats", "bytes"), "sperr": ("bytes",)}
    assert table.lacking(axes) == ("block-mean", "sperr"), "two ratios are missing"
    for more in (["block-mean"], ["sperr"]):
        table = put(archive, "t2m", evaluate(archive.dataset, "t2m", more, archive="made"))
    assert table.lacking(axes) == () and table.methods == ("block-mean", "sperr")
    keys = [(row["method"], row["axis"], row["ratio"]) for row in table.rows]
    assert len(keys) == len(set(keys)) == 12
    whole = json.loads(evaluate(archive.dataset, "t2m", list(axes), archive="made").to_json())
    for mine, row in zip(table.rows, whole["rows"], strict=True):
        quiet = {k: v for k, v in row.items() if not k.endswith("mb_s")}
        assert {k: v for k, v in mine.items() if k in quiet} == quiet


def test_decibels_of_an_interval_are_those_of_its_ends():
    table = shipped_table(named_archive("era5-week"), "t2m")
    for row in table.rows:
        interval = psnr_interval(row)
        if row["rmse"] is None:
            assert interval is None
            continue
        span = row["rmse"] * 10 ** (row["psnr_db"] / 20)
        expected = [20 * np.log10(span / row[end]) for end in ("rmse_high", "rmse_low")]
        np.testing.assert_allclose(interval, expected, atol=1e-6)
        assert interval[0] <= row["psnr_db"] <= interval[1]
