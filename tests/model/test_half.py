"""Half precision moves results by a thousandth of a field's spread, and never what a bound rests on."""

import numpy as np
import pytest
import torch

from fsae_core.archive.reader import open_archive
from fsae_core.codec.layout import STEP
from fsae_core.codec.pipeline import compress, decompress
from fsae_core.model import checkpoint, compression
from fsae_core.model.checkpoint import load_model


@pytest.fixture(scope="module")
def fields():
    ds = open_archive("era5-week", variables="t2m", zoom=5).isel(time=slice(-4, None))
    return ds


@pytest.fixture
def everywhere(monkeypatch):
    """As if this processor had units for bfloat16; without them it is only slower. Models that are kept
    between tests have made up their minds: new ones are loaded, and forgotten."""
    monkeypatch.setattr(compression, "half_pays", lambda device: True)
    checkpoint._load.cache_clear()
    yield
    checkpoint._load.cache_clear()


def rmse(a, b) -> float:
    return float(np.sqrt(np.mean((np.asarray(a, np.float64) - b) ** 2)))


@pytest.mark.parametrize("ratio", [4, 16, 64, 256])
def test_results_stay_within_a_thousandth(everywhere, fields, ratio):
    exact = load_model(f"general-{ratio}x", device="cpu")
    x, times = fields["t2m"].values, fields["time"].values
    options = {"variable": "t2m", "times": times, "instant": True}
    assert exact.fast is not exact and exact.fast is exact.fast and exact.fast.fast is exact.fast
    plain, quick = (m.compress_fields(x, **options) for m in (exact, exact.fast))
    spread = x.std(-1, keepdims=True)
    assert quick.values.dtype == np.float32
    assert np.abs((quick.values - plain.values) / spread).max() < 0.005
    back, hasty = (m.decompress_fields(plain, **options) for m in (exact, exact.fast))
    assert np.sqrt(np.mean(((hasty - back) / spread) ** 2)) < 0.002
    assert rmse(hasty, x) == pytest.approx(rmse(back, x), rel=5e-3)
    # The compressed field is the block mean, exactly: halves are no part of the way round the blocks.
    assert np.abs(hasty.reshape(4, -1, ratio).mean(-1) - plain.values).max() < 2e-3


def test_the_bound_rests_on_float32(everywhere, fields, monkeypatch):
    model = load_model("general-64x", device="cpu")
    monkeypatch.setattr(
        type(model), "fast", property(lambda self: pytest.fail("the bound was kept in halves"))
    )
    small = compress(fields, 64, model=model, max_error=0.5)
    back = decompress(small, model=model)
    assert np.abs(back["t2m"].values - fields["t2m"].values.astype(np.float64)).max() <= 0.5
    layered = compress(
        fields, 64, model={64: model, 256: load_model("general-256x", device="cpu")}, layers=True
    )
    assert STEP in layered["t2m"].attrs


def test_only_where_it_pays():
    assert not compression.half_pays(torch.device("meta"))
