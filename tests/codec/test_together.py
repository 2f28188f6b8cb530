"""Variables compressed together: the store, what opens it, and what is refused."""

import numpy as np
import pytest
import xarray as xr
from joint_samples import NAMES, windy_archive, windy_weights

from fsae_core.codec.archive_run import compress_archive
from fsae_core.codec.pipeline import compress, decompress
from fsae_core.codec.store import open_store, write_store
from fsae_core.codec.together import TOGETHER
from fsae_core.errors import UserError
from fsae_core.model.checkpoint import load_model


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return windy_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def model(weights):
    return load_model(weights, device="cpu", ratio=16)


@pytest.fixture(scope="module")
def archive():
    return windy_archive().isel(time=slice(580, 600))


def test_a_store_of_all_variables(archive, model, tmp_path):
    small = compress(archive, 16, model=model, device="cpu")
    size = write_store(small, tmp_path / "five.zip")
    assert size.ratio_floats == 16
    stored = open_store(tmp_path / "five.zip")
    assert TOGETHER in stored.attrs and stored["msl"].shape == (20, 48)
    back = decompress(stored, model=model, device="cpu")
    for name in NAMES:
        exact = model.decompress_joint(
            model.compress_joint({n: archive[n].values for n in NAMES}, times=archive["time"].values),
            times=archive["time"].values,
        )[name]
        lost = np.sqrt(np.mean((exact - archive[name].values) ** 2))
        assert np.sqrt(np.mean((back[name].values - archive[name].values) ** 2)) < 1.1 * lost
        assert back[name].attrs["units"] == archive[name].attrs["units"]
    assert TOGETHER not in back.attrs


def test_one_variable_is_decoded_lazily_with_the_help_of_the_others(archive, weights, model, tmp_path):
    write_store(compress(archive, 16, model=model, device="cpu"), tmp_path / "five.zarr")
    ds = xr.open_dataset(tmp_path / "five.zarr", engine="fsae", model=weights, device="cpu")
    whole = decompress(open_store(tmp_path / "five.zarr"), model=model, device="cpu")
    np.testing.assert_allclose(ds["v10"][3].values, whole["v10"][3].values, rtol=1e-4, atol=1e-4)


def test_some_variables_take_as_many_fewer_numbers(archive, model):
    small = compress(archive[["t2m", "msl", "crs"]], 16, model=model, device="cpu")
    assert small["t2m"].shape == small["msl"].shape == (20, 48) and "u10" not in small
    back = decompress(small, model=model, device="cpu")
    assert set(back.data_vars) - {"crs"} == {"t2m", "msl"}


def test_a_store_that_lacks_one_of_them_is_refused(archive, model):
    small = compress(archive, 16, model=model, device="cpu")
    with pytest.raises(UserError, match="none of these can be decoded without the others"):
        decompress(small.drop_vars(["msl", "msl_offset", "msl_scale"]), model=model, device="cpu")
    small.attrs[TOGETHER] = "{"
    with pytest.raises(UserError, match="is damaged"):
        decompress(small, model=model, device="cpu")


def test_missing_values_and_layers_are_refused(archive, model):
    with pytest.raises(UserError, match="make no layers"):
        compress(archive, 16, model=model, device="cpu", layers=True)
    holes = archive.copy(deep=True)
    holes["msl"][2, 5] = np.nan
    with pytest.raises(UserError, match="msl has missing"):
        compress(holes, 16, model=model, device="cpu")


def test_a_whole_archive_in_one_process(archive, weights, tmp_path):
    from fsae_core.archive.writer import write_archive

    write_archive(archive, tmp_path / "windy.zarr")
    done = compress_archive(tmp_path / "windy.zarr", tmp_path / "s.zarr", 16, model=weights, device="cpu")
    assert set(done.errors) == set(NAMES) and done.size.ratio_floats == 16
    back = decompress(open_store(tmp_path / "s.zarr"), model=load_model(weights, "cpu", 16), device="cpu")
    for name, sums in done.errors.items():
        error = np.sqrt(np.mean((back[name].values - archive[name].values) ** 2, dtype=np.float64))
        assert sums.rmse == pytest.approx(error, rel=1e-3)
    with pytest.raises(UserError, match="in one process"):
        compress_archive(
            tmp_path / "windy.zarr", tmp_path / "t.zarr", 16, model=weights, device="cpu", workers=2
        )
