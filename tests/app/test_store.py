"""Archives, what fits them, and the pictures made of them."""

import numpy as np
import pytest
from app_samples import make_dataset

from app import store
from app.block_mean import BlockMean
from app.fitting import fitting_weights
from app.resolve import Asked, resolve
from app.store import Archive
from app.words import describe, number
from fsae_core.codec.entropy import decode_latents, encode_latents
from fsae_core.codec.layout import STEP
from fsae_core.codec.pipeline import compress
from fsae_core.errors import UserError
from fsae_core.sphere.pyramid import prolong, restrict

ASKED = Asked("made", "t2m", "2020-01-02", "block-mean", 16)


def test_picture_is_the_round_trip(archive):
    picture = archive.picture("t2m", 1, "block-mean", 16)
    truth = archive.values("t2m", 1)
    expected = prolong(restrict(truth, 2), 2)
    np.testing.assert_allclose(picture.recon.cells, expected, atol=0.05)  # float16 on the way
    np.testing.assert_allclose(picture.error.cells, picture.recon.cells - truth)
    assert picture.compressed.cells.size * 16 == truth.size
    assert picture.sums.rmse == pytest.approx(
        np.sqrt(np.mean((picture.recon.cells - truth) ** 2.0)), rel=1e-5
    )
    assert picture.plain_rmse == pytest.approx(picture.sums.rmse)
    assert 12 < picture.bytes_stored < 2 * 48 + 40
    small = compress(archive.cut("t2m", [1]), 16, model=BlockMean(16))
    np.testing.assert_array_equal(picture.compressed.cells, small["t2m"].values[0])
    step = small["t2m"].attrs[STEP]
    offset, scale = (small[f"t2m_{part}"].values for part in ("offset", "scale"))
    stored = encode_latents(small["t2m"].values, offset, scale, step, 1)
    assert picture.bytes_stored == len(stored)
    np.testing.assert_array_equal(decode_latents(stored)[0], small["t2m"].values)  # what is shown is kept


def test_pictures_are_kept_within_bounds(archive):
    first = archive.picture("t2m", 0, "block-mean", 4)
    assert archive.picture("t2m", 0, "block-mean", 4) is first
    for i in range(3):
        for ratio in (4, 16, 64):
            archive.picture("t2m", i, "block-mean", ratio)
    assert len(archive._pictures) <= store._PICTURES


@pytest.mark.parametrize(
    ("times", "label"),
    [
        (["2001-01-01", "2001-02-01"], "2001-01"),
        (["2001-01-01", "2001-01-04"], "2001-01-01"),
        (["2001-01-01T00", "2001-01-01T06"], "2001-01-01T00:00"),
    ],
)
def test_dates_are_as_long_as_needed(times, label):
    assert store._labels(np.array(times, "M8[ns]"))[0] == label


def test_units_are_written_as_read(archive):
    assert archive.unit("t2m") == "K"
    assert store._written("m s-1") == "m s⁻¹" and store._written("kg m-2 s-1") == "kg m⁻² s⁻¹"
    assert store._written("1") == ""


def test_ratios_finer_than_the_field_are_refused_in_a_sentence(archive):
    why = fitting_weights(archive, "t2m")["block-mean"]
    assert why[4] == why[16] == why[64] == ""
    assert "256" in why[256] and why[256].endswith(".")


def test_what_cannot_be_had_is_replaced_and_named(archive):
    own = {"made": archive}
    shown = resolve(Asked("made", "wind", "1066-10-14", "block-mean", 256), own)
    assert (shown.asked.variable, shown.asked.time, shown.asked.ratio) == ("t2m", "2020-01-01", 64)
    assert "64x is shown" in shown.problems[0]
    again = resolve(shown.asked, own)
    assert again.asked == shown.asked and not again.problems


def test_an_unknown_archive(archive):
    shown = resolve(Asked("file:gone.nc", "t2m", "", "general", 16), {})
    assert shown.archive.name == store.shipped_archives()[0].name
    assert "gone.nc" in shown.problems[0]
    with pytest.raises(UserError, match=r"gone\.nc"):
        resolve(Asked("file:gone.nc", "t2m", "", "general", 16), {}, strict=True)


def test_simulated_archives_say_so_everywhere():
    for entry in store.shipped_archives():
        if entry.simulated:
            archive = store.named_archive(entry.name)
            variable = archive.variables[0]
            picture = archive.picture(variable, 0, "block-mean", 16)
            words = describe(archive, variable, 0, "block-mean", 16, picture)
            assert words["simulated"]
            assert all("simulated" in text for key, text in words.items() if key.startswith("note_"))
            assert "simulated" in entry.title.lower() and "SIMULATED" in words["attribution"]


def test_words_tell_the_two_ratios_apart(archive):
    shown = resolve(ASKED, {"made": archive})
    words = describe(archive, "t2m", 1, "block-mean", 16, shown.picture)
    assert words["floats"] == "16×" and "768 values → 48" in words["floats_note"].replace("\u2009", "")
    assert "→" in words["bytes_note"] and words["bytes"] != words["floats"]
    assert words["rmse"].endswith(" K") and "dB" in words["psnr"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0123456, "0.0123"),
        (1.2345, "1.23"),
        (98765.4, "98\u2009800"),
        (0, "0"),
        (np.nan, "–"),
        (np.inf, "exact"),
    ],
)
def test_numbers(value, text):
    assert number(value) == text


def test_block_mean_of_a_constant_field():
    model = BlockMean(16)
    small = model.compress_fields(
        np.full((2, 192), 280.0, np.float32), variable="t2m", times=None, instant=False
    )
    assert (small.scale == 1).all() and small.values.shape == (2, 12)
    np.testing.assert_allclose(
        model.decompress_fields(small, variable="t2m", times=None, instant=False), 280.0
    )


def test_a_file_without_fields_is_refused():
    ds = make_dataset().drop_vars("t2m")
    with pytest.raises(UserError):
        Archive("empty", "empty", ds)


def test_the_page_owns_up_to_training_times_and_opens_on_another(archive):
    variable = archive.variables[0]
    picture = archive.picture(variable, 0, "block-mean", 16)
    told = [describe(archive, variable, 0, "block-mean", 16, picture, learned)["when"] for learned in (0, 1)]
    assert "trained" not in told[0] and "the weights were trained on it" in told[1]
    week = resolve(Asked("era5-week", "t2m", "", "general", 64), {})
    assert not week.learned and week.asked.time == "2026-03-30T03:00"
    assert resolve(Asked("era5-week", "t2m", "2026-03-26T05:00", "general", 64), {}).learned
