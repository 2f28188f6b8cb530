"""Archives through the codec in memory."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from fsae_core.archive.canonical import canonical_dataset, is_canonical
from fsae_core.codec import block, choice
from fsae_core.codec.pipeline import compress, decompress
from fsae_core.errors import UserError
from fsae_core.sphere.pyramid import prolong, restrict


def test_round_trip_is_the_model_and_the_step(archive, block_mean):
    small = compress(archive, 16, model=block_mean(16))
    assert small.sizes["cell"] * 16 == archive.sizes["cell"]
    assert small["crs"].attrs["healpix_nside"] == 4
    assert small.attrs["fsae_ratio"] == 16 and small.attrs["fsae_zoom_in"] == 4
    back = decompress(small, model=block_mean(16))
    assert is_canonical(back) and back["crs"].attrs["healpix_nside"] == 16
    for name in ("t2m", "msl"):
        x = archive[name].values
        expected = prolong(restrict(x, 2), 2)
        step = small[name].attrs["fsae_step"] * x.std(axis=-1).max()
        np.testing.assert_allclose(back[name].values, expected, rtol=0, atol=3 * step)
        rounding = (small[name].values - restrict(x, 2)).std()
        assert 0.2 * step < rounding < 0.32 * step
        assert back[name].attrs == archive[name].attrs | {"fsae_instant": 0}
        assert back[name].dtype == np.float32
    xr.testing.assert_identical(back["time"], archive["time"])


def test_blocks_change_nothing(archive, block_mean, monkeypatch):
    whole = compress(archive, 4, model=block_mean(4))
    monkeypatch.setattr(block, "BLOCK_VALUES", 2 * archive.sizes["cell"])
    seen = []
    blocks = compress(archive, 4, model=block_mean(4), progress=lambda it: seen.extend(it) or seen)
    xr.testing.assert_identical(whole, blocks)
    assert len(seen) == 6
    xr.testing.assert_identical(
        decompress(whole, model=block_mean(4)), decompress(blocks, model=block_mean(4))
    )


def test_members_keep_their_place(archive, block_mean):
    t2m = archive["t2m"]
    members = xr.concat([t2m, t2m + 1, t2m - 2], "member").transpose("time", "member", "cell")
    ensemble = canonical_dataset({"t2m": members}, {})
    small = compress(ensemble, 4, model=block_mean(4), step=2**-12)
    assert small["t2m_offset"].dims == ("time", "member")
    back = decompress(small, model=block_mean(4))["t2m"]
    assert back.dims == ("time", "member", "cell")
    shift = (back - back.isel(member=0)).mean(("time", "cell")).values
    np.testing.assert_allclose(shift, [0, 1, -2], atol=1e-3)


def test_coarser_zoom_is_the_mean(archive, block_mean):
    small = compress(archive, 16, model=block_mean(16), step=2**-10)
    fine, coarse = decompress(small, model=block_mean(16)), decompress(small, zoom=2, model=block_mean(16))
    np.testing.assert_allclose(coarse["msl"].values, restrict(fine["msl"].values, 2), rtol=1e-6)
    np.testing.assert_allclose(coarse["t2m"].values, small["t2m"].values, rtol=1e-6)


def test_inputs_are_left_alone(archive, block_mean):
    before = archive.copy(deep=True)
    small = compress(archive, 16, model=block_mean(16))
    kept = small.copy(deep=True)
    decompress(small, zoom=1, model=block_mean(16))
    xr.testing.assert_identical(before, archive)
    xr.testing.assert_identical(kept, small)


@pytest.mark.parametrize("ratio", [5, 0, -4, 1, 1024])
def test_ratio_that_is_not_offered(archive, block_mean, ratio):
    with pytest.raises(UserError, match=rf"^Ratio {ratio} was asked for.*4, 16, 64 or 256"):
        compress(archive, ratio, model=block_mean())


def test_ratio_finer_than_the_field_allows(archive, block_mean):
    coarse = canonical_dataset({"t2m": archive["t2m"][:, :192]}, {})
    with pytest.raises(UserError, match=r"zoom 2 has 192 cells and cannot be compressed 64 times.*4, 16"):
        compress(coarse, 64, model=block_mean(64))


def test_weights_of_another_variable(archive, block_mean):
    with pytest.raises(UserError, match=r"were made for t2m, not for msl.*general-16x"):
        compress(archive, 16, model=block_mean(16, variables=("t2m",)))
    small = compress(archive, 16, model=block_mean(16, variables=("t2m",)), variables=["t2m"])
    assert "msl" not in small


def test_weights_of_another_ratio_or_zoom(archive, block_mean):
    with pytest.raises(UserError, match="compress 64 times, not 16"):
        compress(archive, 16, model=block_mean(64))
    with pytest.raises(UserError, match="zoom 6 to 8, this one has zoom 4"):
        compress(archive, 16, model=block_mean(16, zooms=(6, 8)))


def test_unknown_variable_and_nothing_to_do(archive, block_mean):
    with pytest.raises(UserError, match="no variable sst in this archive, which has t2m, msl"):
        compress(archive, 16, model=block_mean(16), variables=["sst"])
    with pytest.raises(UserError, match="nothing to compress"):
        compress(archive, 16, model=block_mean(16), variables=[])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_missing_values(archive, block_mean, value):
    archive["t2m"][2, 7] = value
    with pytest.raises(UserError, match="t2m has missing or infinite values"):
        compress(archive, 16, model=block_mean(16))


def test_constant_field_comes_back(archive, block_mean):
    archive["t2m"][:] = 273.15
    back = decompress(compress(archive, 16, model=block_mean(16)), model=block_mean(16))
    np.testing.assert_allclose(back["t2m"].values, 273.15, atol=1e-3)


def test_decompress_refuses(archive, block_mean):
    with pytest.raises(UserError, match="not a compressed store"):
        decompress(archive, model=block_mean(16))
    small = compress(archive, 16, model=block_mean(16))
    with pytest.raises(UserError, match=r"Zoom 7 .*choose 0 to 4"):
        decompress(small, zoom=7, model=block_mean(16))
    small.attrs["fsae_weights_sha256"] = "f" * 64
    with pytest.raises(UserError, match=r"checksum ffffffffffff.*000000000000"):
        decompress(small, model=block_mean(16))


def test_auto_takes_the_archives_own_weights_where_they_fit(archive, block_mean, monkeypatch):
    own, general = block_mean(16, variables=("t2m",)), block_mean(16)
    own.card.family, own.card.name, general.card.name = "amip", "amip-16x", "general-16x"
    monkeypatch.setattr(choice, "shipped_cards", lambda: [general.card, own.card])
    monkeypatch.setattr(
        choice, "load", lambda name, device, **_: {"amip-16x": own, "general-16x": general}[name]
    )
    simulated = archive.assign_attrs(fsae_climatology="amip")
    assert compress(simulated, 16, variables=["t2m"]).attrs["fsae_model"] == "amip-16x"
    assert compress(simulated, 16).attrs["fsae_model"] == "general-16x"
    assert compress(archive, 16, variables=["t2m"]).attrs["fsae_model"] == "general-16x"


def test_weights_named_in_a_store_are_never_opened_as_a_path(archive, block_mean, monkeypatch):
    monkeypatch.setattr(choice, "shipped_cards", list)
    small = compress(archive, 16, model=block_mean(16)).assign_attrs(fsae_model="/somewhere/evil.safetensors")
    with pytest.raises(UserError, match="which are not shipped"):
        decompress(small)


@pytest.mark.parametrize("methods, instant", [("time: point", True), ("time: mean", False), (None, False)])
def test_the_model_is_told_whether_fields_are_instantaneous(archive, block_mean, methods, instant):
    told = []

    class Listens(block_mean):
        def compress_fields(self, x, *, variable, times, instant):
            told.append(instant)
            return super().compress_fields(x, variable=variable, times=times, instant=instant)

        def decompress_fields(self, compressed, *, variable, times, instant):
            told.append(instant)
            return super().decompress_fields(compressed, variable=variable, times=times, instant=instant)

    if methods:
        archive["t2m"].attrs["cell_methods"] = methods
    decompress(compress(archive, 16, model=Listens(16), variables=["t2m"]), model=Listens(16))
    assert len(told) >= 2 and set(told) == {instant}


def test_a_slice_of_an_archive_keeps_what_the_whole_says(archive, block_mean):
    archive["t2m"].attrs["fsae_instant"] = 1
    small = compress(archive.isel(time=[3]), 16, model=block_mean(16))
    assert small["t2m"].attrs["fsae_instant"] == 1 and small["msl"].attrs["fsae_instant"] == 0
    assert decompress(small, model=block_mean(16))["t2m"].attrs["fsae_instant"] == 1


def growth(archive, small, model):
    """By how much quantisation lets the RMSE of each variable grow."""
    back = decompress(small, model=model)
    grown = {}
    for name in ("t2m", "msl"):
        x = archive[name].values.astype(np.float64)
        exact = prolong(restrict(x, model.levels), model.levels)
        grown[name] = np.sqrt(np.mean((back[name].values - x) ** 2) / np.mean((exact - x) ** 2)) - 1
    return grown


def test_a_step_that_is_not_known_is_found_on_the_fields(archive, block_mean):
    model = block_mean(16)
    model.card.family = "unheard-of"
    small = compress(archive, 16, model=model)
    for name, grown in growth(archive, small, model).items():
        assert 0.005 < grown <= 0.03, name
    units = archive.assign(msl=archive["msl"] * 1e-9)
    other = compress(units, 16, model=model)["msl"].attrs["fsae_step"]
    assert other == pytest.approx(small["msl"].attrs["fsae_step"], rel=0.1)


def test_latents_in_units_of_any_size_find_their_step(archive, block_mean):
    class Archive(block_mean):
        """As an archive's own weights: no scale of its own."""

        def compress_fields(self, x, *, variable, times, instant):
            got = super().compress_fields(x, variable=variable, times=times, instant=instant)
            got.offset, got.scale = np.zeros(len(x)), np.ones(len(x))
            return got

    model = Archive(16)
    model.card.family = "unheard-of"
    small = compress(archive, 16, model=model)
    assert small["msl"].attrs["fsae_step"] > 20 * small["t2m"].attrs["fsae_step"]
    assert all(0.005 < grown <= 0.03 for grown in growth(archive, small, model).values())


def test_a_step_of_ones_own(archive, block_mean):
    fine, coarse = (compress(archive, 16, model=block_mean(16), step=step) for step in (0.001, 0.2))
    assert (
        growth(archive, fine, block_mean(16))["msl"] < 1e-3 < growth(archive, coarse, block_mean(16))["msl"]
    )
    with pytest.raises(UserError, match="step of 0 was asked for"):
        compress(archive, 16, model=block_mean(16), step=0)


class Bottle:
    """Latents that lie on no sphere: every fourth cell and the means of all, as a network might give."""

    def __init__(self, like):
        self.card = like(4).card

    def compress_fields(self, x, *, variable, times, instant):
        spread = x.std(-1)
        latents = np.concatenate([x[:, ::4], x.mean(-1, keepdims=True)], axis=1)
        return SimpleNamespace(values=latents, offset=x.mean(-1), scale=spread, zoom=-1)

    def decompress_fields(self, compressed, *, variable, times, instant):
        assert compressed.zoom == -1 and compressed.zoom_in == 4
        return np.repeat(compressed.values[:, :-1], 4, axis=-1)


def test_latents_off_the_sphere(archive, block_mean):
    small = compress(archive, 4, model=Bottle(block_mean))
    assert small["t2m"].dims == ("time", "latent") and small.sizes["latent"] == 769
    assert "crs" not in small and "cell" not in small.dims
    back = decompress(small, model=Bottle(block_mean))
    assert is_canonical(back) and back["t2m"].dims == ("time", "cell")
    np.testing.assert_allclose(back["t2m"].values[:, ::4], archive["t2m"].values[:, ::4], atol=0.3)
