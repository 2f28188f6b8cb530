"""Stores that hold several ratios: the first layers alone are the coarser fields."""

import json

import numpy as np
import pytest
import xarray as xr

from fsae_core.archive.reader import open_archive
from fsae_core.codec import choice, zarr_codec
from fsae_core.codec.pipeline import compress, decompress
from fsae_core.codec.store import open_store, read_store, write_store
from fsae_core.errors import UserError
from fsae_core.evaluate.metrics import rmse


@pytest.fixture
def models(block_mean):
    return {ratio: block_mean(ratio) for ratio in (4, 16, 64, 256)}


@pytest.fixture
def layered(archive, models):
    return compress(archive, 4, model=models, layers=True, step=0.01)


def test_each_ratio_is_as_good_as_if_it_were_alone(archive, layered, models):
    assert {"t2m_256x", "t2m_64x", "t2m_16x", "t2m"} < set(layered.variables)
    assert [layer["ratio"] for layer in json.loads(layered.attrs["fsae_layers"])] == [256, 64, 16]
    for ratio in (256, 64, 16, 4):
        back = decompress(layered, ratio=ratio, model=models)
        alone = decompress(compress(archive, ratio, model=models[ratio], step=0.01), model=models[ratio])
        for name in ("t2m", "msl"):
            errors = [rmse(ds[name].values, archive[name].values) for ds in (back, alone)]
            assert errors[0] == pytest.approx(errors[1], rel=0.03), (ratio, name)
        assert f"decompressed from {ratio} times fewer values" in back.attrs["history"]
        assert "fsae_layers" not in back.attrs
    xr.testing.assert_identical(decompress(layered, model=models), decompress(layered, ratio=4, model=models))


@pytest.mark.parametrize("name", ["s.zarr", "s.zip"])
def test_through_a_store(archive, layered, models, tmp_path, name):
    size = write_store(layered, tmp_path / name)
    assert size.ratio_floats == pytest.approx(1 / (1 / 4 + 1 / 16 + 1 / 64 + 1 / 256))
    xr.testing.assert_identical(read_store(tmp_path / name), layered)
    for ratio in (64, None):
        opened = xr.open_dataset(tmp_path / name, engine="fsae", ratio=ratio, model=models)
        xr.testing.assert_allclose(
            opened.load(), decompress(layered, ratio=ratio, model=models), rtol=1e-6, atol=1e-6
        )


def test_coarse_fields_leave_the_finer_layers_alone(layered, models, tmp_path, monkeypatch):
    write_store(layered, tmp_path / "s.zarr")
    small = open_store(tmp_path / "s.zarr")
    widths = []
    decode = zarr_codec.decode_standard
    zarr_codec._standard.cache_clear()
    monkeypatch.setattr(
        zarr_codec, "decode_standard", lambda data: widths.append(decode(data).shape[1]) or decode(data)
    )
    decompress(small, ratio=64, model=models)
    assert sorted(set(widths)) == [12, 48]


def test_a_largest_error_is_that_of_the_finest(archive, models):
    small = compress(archive, 16, model=models, variables=["t2m"], layers=True, max_error=0.5)
    off = [abs(decompress(small, ratio=r, model=models)["t2m"] - archive["t2m"]).max() for r in (64, 16)]
    assert off[1] <= 0.5 < off[0]


def test_shipped_weights(tmp_path):
    """Four ratios of one store, each about as good as alone, in little more than the finest takes."""
    ds = open_archive("era5-week")[["t2m", "crs"]].isel(time=[18, 21])
    small = compress(ds, 16, layers=True)
    size = write_store(small, tmp_path / "s.zip").bytes
    alone = {ratio: compress(ds, ratio) for ratio in (16, 64, 256)}
    sizes = {ratio: write_store(one, tmp_path / f"{ratio}.zip").bytes for ratio, one in alone.items()}
    assert size < 0.9 * sum(sizes.values())
    for ratio, one in alone.items():
        errors = [rmse(decompress(x, ratio=ratio)["t2m"].values, ds["t2m"].values) for x in (small, one)]
        assert errors[0] == pytest.approx(errors[1], rel=0.02)


def test_ratios_that_are_not_there(archive, layered, models, block_mean):
    with pytest.raises(UserError, match="Ratio 32 was asked for, but this store holds 256, 64, 16, 4"):
        decompress(layered, ratio=32, model=models)
    plain = compress(archive, 16, model=block_mean(16))
    with pytest.raises(UserError, match="Ratio 64 was asked for, but this store holds 16"):
        decompress(plain, ratio=64, model=models)
    with pytest.raises(UserError, match="no weights of a coarser ratio fit these fields"):
        compress(archive, 256, model=models, layers=True)
    with pytest.raises(UserError, match="no weights of a coarser ratio fit these fields"):
        compress(archive, 16, model=block_mean(16), layers=True)
    with pytest.raises(UserError, match="No model for 4 times was given, only for 16"):
        compress(archive, 4, model={16: models[16]})


def test_models_of_other_scales_share_no_layers(archive, models):
    class Other(type(models[4])):
        def compress_fields(self, x, *, variable, times, instant):
            got = super().compress_fields(x, variable=variable, times=times, instant=instant)
            got.scale = 2 * got.scale
            return got

    with pytest.raises(UserError, match="layers share one scale: compress without layers"):
        compress(archive, 4, model={**models, 4: Other(4)}, layers=True)


def test_each_layer_names_its_weights(layered, models, monkeypatch):
    others = {**models, 64: type(models[64])(64)}
    others[64].card.sha256 = "1" * 64
    with pytest.raises(UserError, match="weights block-mean-64x of checksum 000000000000"):
        decompress(layered, model=others)
    assert "t2m" in decompress(layered, ratio=256, model=others)
    monkeypatch.setattr(choice, "shipped_cards", list)
    with pytest.raises(UserError, match="weights block-mean-256x, which are not shipped"):
        decompress(layered, ratio=64)


@pytest.mark.parametrize(
    "layers, sentence",
    [
        ("not JSON", r"layers of ratios \[0, 4\] cannot be"),
        ("[3]", r"layers of ratios \[0, 4\] cannot be"),
        ('[{"ratio": 16}]', "a layer does not name its weights"),
        ('[{"ratio": 4, "model": "a", "weights_sha256": "b"}]', r"layers of ratios \[4, 4\] cannot be"),
        ('[{"ratio": 1024, "model": "a", "weights_sha256": "b"}]', r"ratios \[1024, 4\] cannot be"),
    ],
)
def test_layers_that_contradict_themselves(layered, models, layers, sentence):
    with pytest.raises(UserError, match=f"is not a sound compressed store .*{sentence}"):
        decompress(layered.assign_attrs(fsae_layers=layers), model=models)


def test_layers_that_are_missing_or_of_other_sizes(layered, models):
    with pytest.raises(UserError, match="t2m_64x is missing or of another shape than t2m"):
        decompress(layered.drop_vars("t2m_64x"), model=models)
    with pytest.raises(UserError, match="t2m_64x has 20 cells, 48 were expected"):
        decompress(layered.isel(cell_64x=slice(20)), model=models)
    odd = layered.rename(cell_64x="corner")
    with pytest.raises(UserError, match=r"t2m_64x has dimensions \('time', 'corner'\)"):
        decompress(odd, model=models)


def test_values_are_what_memory_says_after_any_number_of_stores(layered, tmp_path):
    write_store(layered, tmp_path / "a.zip")
    write_store(read_store(tmp_path / "a.zip"), tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert np.isfinite(read_store(tmp_path / "b.zip")["t2m_16x"]).all()
