"""Numbers of adaptive fields, fitted to the whole field."""

import numpy as np
import pytest
import torch

from fsae_core.archive.reader import open_archive
from fsae_core.model.adaptive_fit import Decoders, fitted
from fsae_core.model.checkpoint import load_model
from fsae_core.model.compression import CompressedFields
from fsae_core.model.room import room_taken
from fsae_core.sphere.details import children, details
from fsae_core.sphere.pyramid import prolong, restrict


@pytest.fixture(scope="module")
def week():
    ds = open_archive("era5-week", variables=["t2m", "tp"])
    return ds, ds["time"].values[-2:]


@pytest.mark.parametrize("variable", ["t2m", "tp"])
@pytest.mark.parametrize("ratio", [4, 16, 64, 256])
def test_fields_are_told_better_by_as_many_numbers(week, ratio, variable, monkeypatch):
    ds, times = week
    x = ds[variable].values[-2:].astype(np.float32)
    asked = {"variable": variable, "times": times, "instant": variable == "t2m"}
    model = load_model(f"general-adaptive-{ratio}x", device="cpu")

    def error():
        return np.mean((model.decompress_fields(model.compress_fields(x, **asked), **asked) - x) ** 2)

    better = error()
    monkeypatch.setattr(type(model), "_fitted", lambda self, chosen, *rest: chosen)
    assert better < (0.97 if ratio < 64 else 0.96 if variable == "t2m" else 0.985) * error()


def test_no_field_gets_worse_and_none_takes_more_room():
    """Decoders that are smooth prolongation but for the one of the last zoom; chosen numbers that are bad."""
    model, rng = load_model("general-4x", device="cpu"), np.random.default_rng(0)
    finest, last, fields = 4, 3, 3
    truth = rng.standard_normal((fields, 3072)).astype(np.float32)
    truth = np.asarray(prolong(restrict(truth, 3), 3)) * 4 + 0.3 * truth
    kept = [rng.random((fields, 12 * 4**zoom, 3)) < 0.1 for zoom in range(finest)]
    missed = [np.where(k, rng.standard_normal(k.shape), 0).astype(np.float32) for k in kept]
    means = np.asarray(restrict(truth, finest))
    room = int(room_taken(kept, 12).max()) + 1

    def error(means, missed):
        known = means
        for zoom in range(finest):
            foreseen = np.asarray(prolong(known))
            if zoom == last:
                one = np.ones(fields, np.float32)
                plain = CompressedFields(known, 0 * one, one, finest, zoom)
                foreseen = model.decompress_fields(plain, variable="")
            known = children(known, details(foreseen) + missed[zoom])
        return ((known - truth) ** 2).sum(axis=1)

    decoders = Decoders.of({1: model}, finest, last)
    got = fitted(decoders, truth, means, kept, missed, times=None, instant=False, room=room)
    assert (error(got[0], got[2]) < 0.9 * error(means, missed)).all()
    assert (room_taken(got[1], 12) <= room).all()
    for flags, values in zip(got[1], got[2], strict=True):
        assert not values[~flags].any() and flags.shape == values.shape


def test_the_field_of_numbers_is_what_the_model_decodes(week):
    ds, times = week
    x = ds["t2m"].values[-2:].astype(np.float32)
    model = load_model("general-adaptive-16x", device="cpu")
    packed = model.compress_fields(x, variable="t2m", times=times, instant=True)
    back = model.decompress_fields(packed, variable="t2m", times=times, instant=True)
    decoders = Decoders.of(model.models, 6, 5)
    numbers = np.zeros((2, 49152), np.float32)
    low, wide = packed.offset[:, None], packed.scale[:, None]
    for field, places, values in zip(numbers, packed.places, (packed.values - low) / wide, strict=True):
        here = places < 49152
        field[places[here]] = values[here]
    # Numbers of a store are a sixty-fourth of those here, at every zoom.
    made = decoders.field(torch.from_numpy(numbers * 64), decoders.solar(times, True)).detach().numpy()
    np.testing.assert_allclose(made, (back - low) / wide, atol=0.01)
