"""An archive's compressed fields of all ratios as one pyramid: what is kept, what comes back."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fsae_core.archive.reader import open_archive
from fsae_core.codec.detail_code import places_bytes
from fsae_core.errors import UserError
from fsae_core.model.checkpoint import load_model
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.kept import are_cells, check_places, count_kept, kept_at, zoom_of_places
from fsae_core.sphere.pyramid import restrict

RATIOS = (4, 16, 64, 256)


@pytest.fixture(scope="module")
def days():
    ds = open_archive("amip-hr", variables=["t2m"])
    part = slice(None, None, 41)
    return ds["t2m"].values[part].astype(np.float32), ds["time"].values[part]


def packed_of(days, ratio: int):
    x, times = days
    model = load_model(f"amip-adaptive-{ratio}x")
    packed = model.compress_fields(x, variable="t2m", times=times)
    return packed, model.decompress_fields(packed, variable="t2m", times=times)


@pytest.mark.parametrize("ratio, share", [(4, 0.45), (16, 0.6), (64, 0.75), (256, 0.85)])
def test_as_many_numbers_tell_more_than_one_ratio_alone(days, ratio, share):
    """Share of the squared error of all cells of one compressed field."""
    x, times = days
    _, back = packed_of(days, ratio)
    uniform = load_model(f"amip-{ratio}x")
    plain = uniform.decompress_fields(
        uniform.compress_fields(x, variable="t2m", times=times), variable="t2m", times=times
    )
    assert np.mean((back - x) ** 2) < share * np.mean((plain - x) ** 2)


@pytest.mark.parametrize("ratio", RATIOS)
def test_numbers_and_their_places_are_as_many_as_the_ratio_says(days, ratio):
    x, _ = days
    packed, _ = packed_of(days, ratio)
    room = x.shape[1] // ratio
    assert packed.values.shape == packed.places.shape == (len(x), room) and packed.zoom == -1
    check_places(packed.places, 5)
    assert are_cells(packed.places)
    for places in packed.places:
        taken = count_kept(places[None], 5)[0] + places_bytes(places, 5) / 4
        assert 0.9 * room < taken <= room


@pytest.mark.parametrize("ratio", RATIOS)
def test_numbers_of_one_zoom_are_what_that_ratio_decodes(days, ratio):
    """Without its network; maps of coarser ratios refine as the 16 times do, so cells are compared there."""
    _, times = days
    packed, _ = packed_of(days, 16)
    model = load_model("amip-adaptive-16x")
    codec = model.models[ratio].networks[5].linear
    zoom = codec.config.bottleneck_zoom
    here = zoom_of_places(packed.places, 5) == zoom
    assert here.any()
    places = np.sort(np.where(here, packed.places, n_cells(6)), axis=1)
    order = np.argsort(np.where(here, packed.places, n_cells(6)), axis=1)
    places[places == n_cells(6)] = n_cells(5)
    alone = replace(packed, places=places, values=np.take_along_axis(packed.values, order, axis=1))
    made = model.decompress_fields(alone, variable="t2m", times=times)
    phase, mean = model.phase_and_climatology(5, times)
    fields = np.zeros((len(times), n_cells(zoom)), np.float32)
    for field, kept, values in zip(fields, kept_at(places, 5)[zoom][..., 0], alone.values, strict=True):
        field[kept] = values[: kept.sum()]
    # Numbers are a sixteenth of amounts; these are of patterns of norm 1, values about means of cells.
    values = torch.from_numpy(16 * fields * 2.0 ** (zoom - 5))
    levels = 0 if ratio <= 16 else 1
    expected = codec.decode(values, phase, 5 - levels).numpy()
    np.testing.assert_allclose(restrict(made - mean, levels), expected, atol=2e-3)


def test_fields_are_worked_on_one_by_one(days):
    x, times = days
    both, _ = packed_of(days, 64)
    one = load_model("amip-adaptive-64x").compress_fields(x[1:2], variable="t2m", times=times[1:2])
    assert len(np.intersect1d(both.places[1], one.places[0])) > 0.95 * len(np.unique(one.places[0]))


def test_the_climatology_needs_no_numbers(days):
    _, times = days
    model = load_model("amip-adaptive-16x")
    usual = model.climatologies[5].mean_at(times).astype(np.float32)
    packed = model.compress_fields(usual, variable="t2m", times=times)
    np.testing.assert_allclose(model.decompress_fields(packed, variable="t2m", times=times), usual, atol=1e-3)


def test_numbers_of_other_weights_are_refused(days):
    _, times = days
    packed, _ = packed_of(days, 64)
    model = load_model("amip-adaptive-64x")
    wrong = replace(packed, places=packed.places[:, ::-1])
    with pytest.raises(UserError, match="none of a field of zoom 5"):
        model.decompress_fields(wrong, variable="t2m", times=times)
    foreign = packed.places.copy()
    foreign[:, 0] = n_cells(5) + 1  # zoom 0, of which fields so fine have no numbers
    with pytest.raises(UserError, match="use the weights that compressed them"):
        model.decompress_fields(replace(packed, places=foreign), variable="t2m", times=times)


def test_times_and_a_known_zoom_are_needed(days):
    model = load_model("amip-adaptive-64x")
    with pytest.raises(UserError, match="need the times"):
        model.compress_fields(days[0], variable="t2m")
    with pytest.raises(UserError, match="take zoom 4, 5"):
        model.compress_fields(np.zeros((1, 768), np.float32), variable="t2m", times=days[1][:1])


def test_patterns_are_the_same_with_any_number_of_threads(days):
    """What one process makes of them another, or the same later, must read."""
    _, times = days
    model = load_model("amip-adaptive-16x")
    phase, _ = model.phase_and_climatology(5, times)
    codec, before = model.models[64].networks[5].linear, torch.get_num_threads()
    first = codec.patterns(phase)
    try:
        for threads in 10 * [1, 2]:
            torch.set_num_threads(threads)
            torch.testing.assert_close(codec.patterns(phase), first, rtol=0, atol=1e-5)
    finally:
        torch.set_num_threads(before)
