"""Compressed fields whose numbers are where they are needed: which, what they hold, what comes back."""

from dataclasses import replace

import numpy as np
import pytest

from fsae_core.archive.reader import open_archive
from fsae_core.codec.detail_code import places_bytes
from fsae_core.errors import UserError
from fsae_core.model.adaptive import AdaptiveModel
from fsae_core.model.checkpoint import load_model
from fsae_core.sphere.details import details
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.kept import check_places, kept_at, split_cells
from fsae_core.sphere.pyramid import prolong, restrict


@pytest.fixture(scope="module")
def week():
    ds = open_archive("era5-week", variables=["t2m", "msl", "tp"])
    return ds, ds["time"].values[-2:]


def packed_of(week, variable: str, ratio: int):
    ds, times = week
    asked = {"variable": variable, "times": times, "instant": variable != "tp"}
    x = ds[variable].values[-2:].astype(np.float32)
    model = load_model(f"general-adaptive-{ratio}x")
    packed = model.compress_fields(x, **asked)
    return x, packed, model.decompress_fields(packed, **asked)


@pytest.mark.parametrize("ratio, share", [(4, 0.35), (16, 0.55), (64, 0.65), (256, 0.8)])
@pytest.mark.parametrize("variable", ["t2m", "msl"])
def test_as_many_numbers_tell_more_where_they_are_needed(week, variable, ratio, share):
    """Share of the squared error of a compressed field with equal cells."""
    x, _, back = packed_of(week, variable, ratio)
    times = week[1]
    asked = {"variable": variable, "times": times, "instant": True}
    uniform = load_model(f"general-{ratio}x")
    plain = uniform.decompress_fields(uniform.compress_fields(x, **asked), **asked)
    assert np.mean((back - x) ** 2) < share * np.mean((plain - x) ** 2)


@pytest.mark.parametrize("ratio", [4, 16, 64, 256])
@pytest.mark.parametrize("variable", ["t2m", "tp"])
def test_numbers_and_their_places_are_as_many_as_the_ratio_says(week, variable, ratio):
    x, packed, _ = packed_of(week, variable, ratio)
    assert packed.values.shape == packed.places.shape == (2, x.shape[1] // ratio)
    check_places(packed.places, 6)
    for places in packed.places:
        taken = (places < n_cells(6)).sum() + places_bytes(places, 6) / 4
        assert 0.94 * x.shape[1] / ratio < taken <= x.shape[1] / ratio


def test_what_is_decoded_has_the_details_that_are_chosen(week, monkeypatch):
    """Until they are fitted to the whole."""
    monkeypatch.setattr(AdaptiveModel, "_fitted", lambda self, chosen, *rest: chosen)
    x, packed, back = packed_of(week, "t2m", 16)
    spread = x.std()
    assert abs(restrict(back, 6) - restrict(x, 6)).max() < 1e-3 * spread
    for zoom, kept in enumerate(kept_at(packed.places, 6)):
        made, true = (details(np.asarray(restrict(v, 5 - zoom))) for v in (back, x))
        assert kept.any()
        assert abs(made - true)[kept].max() < 2e-3 * spread
        if not kept.all():
            assert abs(made - true)[~kept].max() > abs(made - true)[kept].max()


def test_an_error_of_the_numbers_does_as_much_at_every_zoom(week):
    """So that one step of the quantiser does for all."""
    model, done = load_model("general-adaptive-16x"), []
    for zoom in (4, 5, 6):
        x = np.asarray(restrict(week[0]["t2m"].values[-1:].astype(np.float32), 6 - zoom))
        packed = model.compress_fields(x, variable="t2m")
        wrong = 0.002 * packed.scale[0] * np.random.default_rng(0).standard_normal(packed.values.shape)
        noisy = replace(packed, values=packed.values + wrong.astype(np.float32))
        clean, moved = (model.decompress_fields(p, variable="t2m") for p in (packed, noisy))
        done.append(np.sqrt(np.mean((moved - clean) ** 2)) / packed.scale[0])
    assert max(done) < 1.5 * min(done)


def test_small_cells_are_where_the_field_is_hard_to_tell(week):
    """Rain falls in few places: there the numbers are."""
    x, packed, _ = packed_of(week, "tp", 64)
    fine = split_cells(packed.places, 6)[3]
    wet = np.asarray(restrict(x, 3))
    assert 0 < fine.mean() < 0.5
    assert wet[fine].mean() > 3 * wet[~fine].mean()


def test_fields_are_worked_on_one_by_one(week):
    times = week[1]
    x, both, _ = packed_of(week, "t2m", 64)
    one = load_model("general-adaptive-64x").compress_fields(
        x[1:], variable="t2m", times=times[1:], instant=True
    )
    assert len(np.intersect1d(both.places[1], one.places[0])) > 0.97 * len(np.unique(one.places[0]))


def test_a_field_without_detail_needs_none():
    model = load_model("general-adaptive-16x")
    x = np.full((1, 3072), 5, np.float32)
    back = model.decompress_fields(model.compress_fields(x, variable="t2m"), variable="t2m")
    np.testing.assert_allclose(back, x, atol=0.1)


def test_places_that_cannot_be_are_refused(week):
    _, packed, _ = packed_of(week, "t2m", 256)
    wrong = replace(packed, places=packed.places[:, ::-1])
    with pytest.raises(UserError, match="none of a field of zoom 6"):
        load_model("general-adaptive-256x").decompress_fields(wrong, variable="t2m")


@pytest.mark.parametrize("ratio", [64, 256])
def test_coarse_fields_have_room_for_little_more_than_their_means(week, ratio):
    x = np.asarray(restrict(week[0]["t2m"].values[-2:].astype(np.float32), 2))
    model = load_model(f"general-adaptive-{ratio}x")
    packed = model.compress_fields(x, variable="t2m")
    assert packed.values.shape == (2, 3072 // ratio)
    back = model.decompress_fields(packed, variable="t2m")
    smooth = np.asarray(prolong(restrict(x, 4), 4))
    assert np.mean((back - x) ** 2) < 0.5 * np.mean((smooth - x) ** 2)


def test_a_field_too_coarse_is_refused():
    model = load_model("general-adaptive-4x")
    with pytest.raises(UserError, match="zoom 3 was found, zoom 4 or finer"):
        model.compress_fields(np.zeros((1, 768), np.float32), variable="t2m")
