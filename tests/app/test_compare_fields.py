"""Single fields of the Compare page: the methods, times and figures are those of `fsae evaluate`."""

import json

import numpy as np
import pytest
from app_samples import make_dataset

from app.compare_fields import Wish, compare
from app.compare_methods import fitting_methods, held_out
from app.store import Archive, named_archive
from fsae_core.evaluate.places import worst_places
from fsae_core.evaluate.table import evaluate

#: What a row says of the whole table's times, or of the machine.
OF_THE_TABLE = {"rmse_low", "rmse_high", "encode_mb_s", "decode_mb_s", "parameters", "minutes"}


def wish(**changes) -> Wish:
    usual = {
        "archive": "made",
        "variable": "t2m",
        "time": "",
        "a": "block-mean",
        "b": "eof",
        "axis": "floats",
        "ratio": 16,
    }
    return Wish(**{**usual, **changes})


@pytest.fixture(scope="module")
def made() -> Archive:
    return Archive("made", "Made here", make_dataset(zoom=4, times=14))


@pytest.mark.parametrize("axis", ["floats", "bytes"])
def test_a_field_s_figures_are_the_row_s_to_the_printed_digits(axis):
    """With one held-out time the table's row is the field's own."""
    archive = Archive("made", "Made here", make_dataset(zoom=4, times=3))
    methods = [m for m, axes in fitting_methods(archive, "t2m").items() if axis in axes and m != "eof+clim"]
    table = json.loads(evaluate(archive.dataset, "t2m", methods, (16,), axes=(axis,)).to_json())
    rows = {row["method"]: row for row in table["rows"]}
    assert len(rows) == len(methods) > 5
    for name in methods:
        shown = compare(wish(a=name, axis=axis), {"made": archive})
        assert shown.held.labels == ("2020-01-03",)
        mine = shown.a.row
        for key in rows[name].keys() - OF_THE_TABLE:
            assert mine.get(key) == rows[name][key], (name, key)


@pytest.mark.parametrize("name", ["block-mean", "jpeg2000+clim", "sperr-3d"])
def test_fields_one_by_one_give_the_table_of_all_times(made, name):
    row = json.loads(evaluate(made.dataset, "t2m", [name], (16,), axes=("bytes",)).to_json())["rows"][0]
    sides = [
        compare(wish(a=name, axis="bytes", time=label), {"made": made}).a for label in held_out(made).labels
    ]
    assert len(sides) > 2
    rmse = np.sqrt(np.mean([side.row["rmse"] ** 2 for side in sides]))
    np.testing.assert_allclose(rmse, row["rmse"], rtol=2e-5)
    assert max(side.row["max_error"] for side in sides) == row["max_error"]
    size = np.mean([side.row["bytes"] for side in sides])
    np.testing.assert_allclose(4 * 3072 / size, row["ratio_bytes"], rtol=2e-5)


def test_only_held_out_times_are_shown_and_the_nearest_one_for_others(made):
    shown = compare(wish(time="2020-01-02"), {"made": made})
    assert shown.index == 0 and shown.wish.time == shown.held.labels[0] == "2020-01-12"
    assert len(shown.held.times) < len(made.times)
    assert compare(wish(time="2020-01-13"), {"made": made}).index == 1
    short = Archive("made", "short", make_dataset(times=2))
    everything = compare(wish(b="block-mean", ratio=4), {"made": short})
    assert len(everything.held.times) == 2


def test_what_cannot_be_had_is_replaced_and_said(made):
    shown = compare(wish(a="jpeg2000", b="cnn-vae"), {"made": made})
    assert shown.a.method != "jpeg2000" and "JPEG 2000 is measured in bytes only" in shown.problems[0]
    assert len(shown.problems) == 1, "the default of B needs no apology"
    again = compare(shown.wish, {"made": made}, strict=True)
    assert again.wish == shown.wish and not again.problems


def test_out_of_reach_is_a_blank_with_its_reason(made):
    shown = compare(wish(a="bitround+clim", axis="bytes", ratio=256), {"made": made})
    assert shown.a.recon is None and "smallest stream" in shown.a.why and shown.a.row["rmse"] is None
    assert shown.b.recon is not None and shown.error.high > 0


def test_colours_of_errors_serve_both(made):
    shown = compare(wish(), {"made": made})
    sizes = [np.percentile(np.abs(side.error.cells), 99.9) for side in (shown.a, shown.b)]
    assert shown.error.low == -shown.error.high and shown.error.high > 0.5 * max(sizes)


def test_speed_of_the_wind_is_that_of_both_components():
    era5 = named_archive("era5-week")
    shown = compare(wish(archive="era5-week", variable="u10", a="block-mean", b="sht", speed=True), {})
    u, v = (held_out(era5).values(name, shown.index) for name in ("u10", "v10"))
    np.testing.assert_allclose(shown.truth.cells, np.hypot(u, v))
    one = [
        compare(wish(archive="era5-week", variable=n, a="block-mean", b="sht"), {}) for n in ("u10", "v10")
    ]
    both = np.hypot(*(shown_one.a.recon.cells for shown_one in one))
    np.testing.assert_allclose(shown.a.recon.cells, both, rtol=1e-6)
    assert shown.windy and shown.a.row["ratio_floats"] == 16
    assert not compare(wish(archive="era5-week", a="block-mean", b="sht", speed=True), {}).wish.speed


def test_side_information_is_weights_files_and_maps():
    shown = compare(wish(archive="era5-week", a="fs-ae", b="eof", ratio=64), {})
    (card,) = shown.a.cards
    assert (card.name, shown.a.side_bytes) == ("general-64x", card.bytes)
    assert shown.b.side_bytes == 4 * 17 * 49152, "sixteen vectors and the mean"
    in_bytes = compare(wish(archive="era5-week", a="fs-ae", b="eof", ratio=64, axis="bytes"), {})
    assert len(in_bytes.a.cards) == 4 and in_bytes.a.side_bytes > 3 * card.bytes


def test_worst_places_are_apart_and_the_largest_first(made):
    truth = made.values("t2m", 0)
    recon = truth.copy()
    recon[[5, 6, 2000]] += [3, 2.5, -4]
    found = worst_places(truth, recon, apart=8.0)
    assert [round(error, 3) for _, _, error in found] == [-4.0, 3.0]
    assert worst_places(truth, truth) == []
