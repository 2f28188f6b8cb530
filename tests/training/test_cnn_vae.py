"""The convolutional baseline learns fields and anomalies, goes on after an interruption and refuses what it
cannot learn from."""

import numpy as np
import pytest
import xarray as xr

from fsae_core.archive.canonical import canonical_dataset
from fsae_core.archive.writer import write_archive
from fsae_core.errors import UserError
from fsae_core.model.card import read_cards
from fsae_core.model.checkpoint import load_model
from fsae_core.sphere.healpix import cell_centres
from fsae_core.sphere.pyramid import prolong, restrict
from fsae_core.training import cnn_vae
from fsae_core.training.cnn_vae import train_cnn_vae
from fsae_core.training.loop import state_path

DAILY = np.datetime64("2000-01-01", "ns") + np.arange(0, 1500, 5) * np.timedelta64(1, "D")


def waves(zoom: int, times: np.ndarray) -> xr.Dataset:
    """Travelling waves of one shape on an annual cycle, in kelvin."""
    lon, lat = (np.radians(a) for a in cell_centres(zoom))
    day = ((times - times[0]) / np.timedelta64(1, "D"))[:, None]
    field = 280 + 15 * np.cos(2 * lat) - 8 * np.sin(lat) * np.cos(2 * np.pi * day / 365.2425)
    field = field + 4 * np.cos(lat) ** 2 * np.cos(6 * lon + 0.7 * day)
    units = {"units": "K"}
    t2m = xr.DataArray(field.astype(np.float32), dims=("time", "cell"), coords={"time": times}, attrs=units)
    return canonical_dataset({"t2m": t2m}, {}, [])


@pytest.fixture
def slim(monkeypatch):
    """Configurations small enough for a test."""
    real = cnn_vae.configurations()
    slimmer = {
        name: type(one)(
            **{**vars(one), "widths": (16, 16), "patch": 2, "conditions": 8, "surface_channels": 2}
        )
        for name, one in real.items()
    }
    monkeypatch.setattr(cnn_vae, "configurations", lambda: slimmer)


def rmse(a, b) -> float:
    return float(np.sqrt(np.mean((np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2)))


def test_general_weights_come_out_ready_and_start_others(slim, tmp_path):
    source, out = tmp_path / "sim.zarr", tmp_path / "mine.safetensors"
    ds = waves(4, DAILY[:60])
    write_archive(ds, source)
    told = train_cnn_vae([str(source)], "general-16x", out, minutes=0.1, device="cpu")
    assert told["steps"] > 0 and np.isfinite(told["val_rmse"])
    (card,) = read_cards(out)
    assert (card.family, card.ratio, card.variables) == ("cnn-vae-general", 16, None)
    assert card.training["steps"] == told["steps"] and card.training["cpu_seconds"] > 0
    assert set(card.split["sim"]) == {"train", "validate", "test"} and not state_path(out).exists()
    x = ds["t2m"].values[-3:]
    model = load_model(out, device="cpu")
    y = model.decompress_fields(model.compress_fields(x, variable="t2m"), variable="t2m")
    assert rmse(y, x) < rmse(np.repeat(restrict(x, 2), 16, axis=-1), x)
    other = tmp_path / "other.safetensors"
    train_cnn_vae([str(source)], "general-4x", other, minutes=0.01, init=str(out), device="cpu")
    assert read_cards(other)[0].training["started_from"] == "mine"


def test_an_archives_two_zooms_share_a_file_and_learn(slim, tmp_path):
    coarse, fine, out = tmp_path / "a.zarr", tmp_path / "b.zarr", tmp_path / "own.safetensors"
    write_archive(waves(4, DAILY), coarse)
    write_archive(waves(5, DAILY[:200]), fine)
    told = train_cnn_vae([str(coarse), str(fine)], "archive-16x", out, minutes=0.2, device="cpu")
    (card,) = read_cards(out)
    assert card.zooms == (4, 5) and card.variables == ("t2m",) and card.training["steps"] == told["steps"]
    model = load_model(out, device="cpu")
    ds = waves(4, DAILY[-40:])
    x, times = ds["t2m"].values, ds["time"].values
    packed = model.compress_fields(x, variable="t2m", times=times)
    assert packed.values.shape == (40, 192)
    y = model.decompress_fields(packed, variable="t2m", times=times)
    anomaly = x - model.climatologies[4].mean_at(times)
    assert rmse(y, x) < 0.8 * rmse(np.repeat(restrict(anomaly, 2), 16, axis=-1), anomaly)
    finer = prolong(anomaly, 1) + model.climatologies[5].mean_at(times)
    back = model.decompress_fields(
        model.compress_fields(finer, variable="t2m", times=times), variable="t2m", times=times
    )
    assert rmse(back, finer) < rmse(0 * anomaly, anomaly)


def test_an_interrupted_training_goes_on(slim, monkeypatch, tmp_path):
    source, out = tmp_path / "sim.zarr", tmp_path / "mine.safetensors"
    write_archive(waves(4, DAILY[:60]), source)
    real, calls = cnn_vae.CnnFieldTask.loss, []

    def stop(self, forward, rng):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return real(self, forward, rng)

    monkeypatch.setattr(cnn_vae.CnnFieldTask, "loss", stop)
    with pytest.raises(KeyboardInterrupt):
        train_cnn_vae([str(source)], "general-16x", out, minutes=1.0, device="cpu")
    assert state_path(out).exists() and not out.exists()
    told = train_cnn_vae([str(source)], "general-16x", out, minutes=1e-6, resume=True, device="cpu")
    assert told["steps"] == 4 and out.exists()


def test_what_cannot_be_trained_on_is_refused(tmp_path):
    source = tmp_path / "coarse.zarr"
    write_archive(waves(2, DAILY[:80]), source)
    out = tmp_path / "w.safetensors"
    with pytest.raises(UserError, match="no configuration general-5x"):
        train_cnn_vae([str(source)], "general-5x", out)
    with pytest.raises(UserError, match="no field of zoom 4 or finer"):
        train_cnn_vae([str(source)], "general-4x", out)
    with pytest.raises(UserError, match="expected one, or one coarse and one finer"):
        train_cnn_vae([str(source), str(source)], "archive-4x", out)
