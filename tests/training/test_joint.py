"""Training for several variables together: what comes out of a short run, and from earlier weights."""

import numpy as np
import pytest
from joint_samples import NAMES, windy_archive

from fsae_core.archive.reader import open_archive
from fsae_core.archive.writer import write_archive
from fsae_core.errors import UserError
from fsae_core.model.card import read_cards
from fsae_core.model.checkpoint import load_model
from fsae_core.training.autoencoder import train_autoencoder
from fsae_core.training.joint import train_joint
from fsae_core.training.joint_general import train_joint_general


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("weights") / "joint-windy.safetensors"
    return train_joint([windy_archive()], out, minutes=0.25), out


def test_a_short_training_helps_what_it_keeps(trained):
    told, out = trained
    one = told["bottlenecks"]["1"]
    assert one["steps"] > 10
    assert {v for v, share in one["shares"].items() if share < 1} == set(one["helped"])
    assert one["helped"], "a network of some hundred steps helps no variable at all"
    (first, second) = read_cards(out)
    assert (first.name, second.name) == ("joint-windy-16x", "joint-windy-64x")
    assert first.family == "joint-windy" and first.variables == NAMES and first.split["windy"]["test"]


def test_the_file_decodes_as_training_said(trained):
    told, out = trained
    ds = windy_archive()
    model = load_model(out, device="cpu", ratio=16)
    days = ds["time"].values.astype("datetime64[D]")
    first, last = (np.datetime64(day) for day in model.card.split["windy"]["validate"])
    rows = np.flatnonzero((days >= first) & (days <= last))
    x = {n: ds[n].values[rows] for n in NAMES}
    times = ds["time"].values[rows]
    errors = {}
    for networks in (model.networks, {}):
        model.networks = networks
        back = model.decompress_joint(model.compress_joint(x, times=times), times=times)
        errors[bool(networks)] = {n: np.sqrt(np.mean((back[n] - x[n]) ** 2)) for n in NAMES}
    for name in set(told["bottlenecks"]["1"]["helped"]) - {"pr"}:
        share = errors[True][name] / errors[False][name]
        assert share == pytest.approx(told["bottlenecks"]["1"]["shares"][name], abs=0.02)


def test_it_goes_on_from_earlier_weights(trained, tmp_path):
    told, out = trained
    again = train_joint([windy_archive()], tmp_path / "again.safetensors", minutes=0.02, init=out)
    assert again["bottlenecks"]["1"]["started_from_weights"]
    assert again["val_rmse"] < told["val_rmse"] + 0.03


def test_what_cannot_be_learned_is_refused(tmp_path):
    with pytest.raises(UserError, match="z500 are not in all archives"):
        train_joint([windy_archive()], tmp_path / "w.safetensors", variables=["t2m", "z500"], minutes=0)
    with pytest.raises(UserError, match="two or more variables"):
        train_joint_general(windy_archive()[["t2m", "crs"]], 16, tmp_path / "w.safetensors")
    with pytest.raises(UserError, match="learned together from one"):
        train_autoencoder(["amip", "era5-week"], "joint-general-16x", tmp_path / "w.safetensors")
    with pytest.raises(UserError, match="joint-general-64x"):
        train_autoencoder(["era5-week"], "nonsense", tmp_path / "w.safetensors")


def test_general_weights_for_variables_together(tmp_path):
    from fsae_core.sphere.pyramid import restrict

    week = open_archive("era5-week")
    small = week.isel(time=slice(0, 17, 2)).drop_vars("crs")
    arrays = {n: (("time", "cell"), restrict(small[n].values, 2), small[n].attrs) for n in ("u10", "msl")}
    small = small.drop_vars(["t2m", "v10", "tp"]).drop_dims("cell").assign(arrays)
    small = small.assign(crs=week["crs"])
    out = tmp_path / "pair.safetensors"
    told = train_joint_general(small, 16, out, minutes=0.05, device="cpu")
    assert told["steps"] > 0 and set(told["shares"]) == {"u10", "msl"}
    model = load_model(out, device="cpu")
    times = small["time"].values[-2:]
    x = {n: small[n].values[-2:] for n in ("u10", "msl")}
    packed = model.compress_joint(x, times=times, instant=True)
    back = model.decompress_joint(packed, times=times, instant=True)
    assert {n: y.shape for n, y in back.items()} == {n: y.shape for n, y in x.items()}
    alone = model.decompress_joint({"u10": packed["u10"]}, times=times, instant=True)
    assert set(alone) == {"u10"} and np.isfinite(alone["u10"]).all()
    assert read_cards(out)[0].trained_on("era5-week", times).sum() == 0  # the last day is for validation


def test_variables_of_ones_choice(tmp_path):
    out = tmp_path / "wind.safetensors"
    archive = write_archive(windy_archive(), tmp_path / "windy.zarr")
    train_autoencoder([str(archive)], "joint", out, minutes=0.01, variables=["u10", "v10"])
    assert {card.variables for card in read_cards(out)} == {("u10", "v10")}
    with pytest.raises(UserError, match="u10 were asked for, but archive learns what the archives hold"):
        train_autoencoder([str(archive)], "archive", out, variables=["u10"])
