"""The loop learns, checkpoints, resumes and refuses; weights of both families come out of it ready to use."""

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from fsae_core.archive.canonical import canonical_dataset
from fsae_core.archive.writer import write_archive
from fsae_core.errors import UserError
from fsae_core.model.card import read_cards
from fsae_core.model.checkpoint import load_model
from fsae_core.sphere.healpix import cell_centres, n_cells
from fsae_core.sphere.pyramid import prolong, restrict
from fsae_core.training.archive import train_archive
from fsae_core.training.autoencoder import train_autoencoder
from fsae_core.training.fields import FieldPool, load_fields
from fsae_core.training.loop import LoopConfig, fit, state_path


class Line:
    """Fits y = 3 x: enough to see whether the loop moves, stops and goes on."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.module = nn.Linear(1, 1)
        self.calls, self.fail_at = 0, fail_at

    def loss(self, forward, rng):
        self.calls += 1
        if self.calls == self.fail_at:
            raise KeyboardInterrupt
        x = torch.from_numpy(rng.normal(size=(8, 1)).astype(np.float32))
        return (forward(x) - 3 * x).square().mean()

    def validate(self, module):
        return float((module.weight - 3).abs().max())


LOOP = LoopConfig(learning_rate=0.1, weight_decay=0.0)


def test_the_loop_learns_and_averages(tmp_path):
    outcome = fit(Line(), tmp_path / "w.safetensors", minutes=0.02, config=LOOP, device="cpu")
    assert outcome.validation < 0.3 and outcome.steps > 20
    assert state_path(tmp_path / "w.safetensors").exists()


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path):
    out = tmp_path / "w.safetensors"
    task = Line(fail_at=40)
    with pytest.raises(KeyboardInterrupt):
        fit(task, out, minutes=0.2, config=LOOP, device="cpu")
    weight = float(task.module.weight.detach())
    again = Line()
    outcome = fit(again, out, minutes=1e-9, config=LOOP, device="cpu", resume=True)
    assert outcome.steps == 39 and float(again.module.weight.detach()) == pytest.approx(weight)
    fresh = fit(Line(), out, minutes=1e-9, config=LOOP, device="cpu", resume=False)
    assert fresh.steps <= 1


def test_checkpoints_of_others_and_damaged_ones_are_refused(tmp_path):
    out = tmp_path / "w.safetensors"
    fit(Line(), out, minutes=0.001, config=LOOP, device="cpu")

    class Other(Line):
        def __init__(self) -> None:
            super().__init__()
            self.module = nn.Sequential(nn.Linear(1, 1))

    with pytest.raises(UserError, match="checkpoint of another model"):
        fit(Other(), out, minutes=0.001, config=LOOP, device="cpu", resume=True)
    state_path(out).write_bytes(b"rubbish")
    with pytest.raises(UserError, match="is not a checkpoint"):
        fit(Line(), out, minutes=0.001, config=LOOP, device="cpu", resume=True)


def test_a_loss_that_is_no_number_stops_with_a_sentence(tmp_path):
    class Bad(Line):
        def loss(self, forward, rng):
            return super().loss(forward, rng) * float("nan")

    with pytest.raises(UserError, match="loss became nan after 0 steps"):
        fit(Bad(), tmp_path / "w.safetensors", minutes=0.01, config=LOOP, device="cpu")


def simulated(zoom: int, times: np.ndarray, seed: int = 0) -> xr.Dataset:
    """Waves that travel eastward on an annual cycle, in kelvin."""
    rng = np.random.default_rng(seed)
    lon, lat = (np.radians(a) for a in cell_centres(zoom))
    day = (times - times[0]) / np.timedelta64(1, "D")
    season = np.cos(2 * np.pi * day / 365.2425)
    field = 280 + 15 * np.cos(2 * lat) + 8 * np.sin(lat) * -season[:, None]
    for wave in (2, 3, 5):
        amplitude, phase = rng.normal(size=(2, len(times), 1))
        field = field + 3 * amplitude * np.cos(lat) ** 2 * np.cos(wave * lon + phase)
    units = {"units": "K"}
    t2m = xr.DataArray(field.astype(np.float32), dims=("time", "cell"), coords={"time": times}, attrs=units)
    return canonical_dataset({"t2m": t2m}, {}, [])


DAILY = np.datetime64("2000-01-01", "ns") + np.arange(0, 1500, 3) * np.timedelta64(1, "D")


def test_mixed_and_turned_fields_stay_normalised():
    pool = FieldPool(
        load_fields(simulated(4, DAILY[:20]), np.ones(20, bool)), lambda zoom: 1.0, 4 * n_cells(4)
    )
    rng = np.random.default_rng(0)
    turns = set()
    for _ in range(30):
        draw = pool.draw(rng, 3, "cpu")
        assert draw.fields.shape == (4, n_cells(4)) and draw.surface.shape[0] == n_cells(4)
        assert draw.fields.mean(1).abs().max() < 1e-4 and (draw.fields.std(1) - 1).abs().max() < 1e-3
        turns.add(tuple(draw.turn[:3].tolist()))
        assert sorted(draw.turn.tolist()) == list(range(n_cells(4)))
    assert len(turns) == 4


def test_general_weights_come_out_ready_and_start_others(tmp_path):
    source, out = tmp_path / "sim.zarr", tmp_path / "mine.safetensors"
    ds = simulated(4, DAILY[:60])
    write_archive(ds, source)
    told = train_autoencoder([str(source)], "general-16x", out, minutes=0.08, device="cpu")
    assert told["steps"] > 0 and np.isfinite(told["val_rmse"])
    (card,) = read_cards(out)
    assert card.ratio == 16 and card.variables is None and card.training["steps"] == told["steps"]
    assert set(card.split["sim"]) == {"train", "validate", "test"}
    assert not state_path(out).exists()
    x = ds["t2m"].values[-3:]
    model = load_model(out, device="cpu")
    y = model.decompress_fields(model.compress_fields(x, variable="t2m"), variable="t2m")
    base = prolong(restrict(x, 2), 2)
    assert np.sqrt(((y - x) ** 2).mean()) < 1.1 * np.sqrt(((base - x) ** 2).mean())
    other = tmp_path / "other.safetensors"
    options = {"init": str(out), "device": "cpu", "step": 0.05}
    train_autoencoder([str(source)], "general-4x", other, minutes=0.02, **options)
    record = read_cards(other)[0].training
    assert record["started_from"] == "mine" and record["quantised"] == {"step": 0.05, "rounding": "noise"}


def test_an_archives_own_weights_beat_the_baseline_at_every_ratio(tmp_path):
    out = tmp_path / "own.safetensors"
    ds = simulated(3, DAILY)
    told = train_archive([ds], out, minutes=0.1, device="cpu")
    cards = read_cards(out)
    assert [card.ratio for card in cards] == [4, 16, 64]
    assert all(card.variables == ("t2m",) and card.zooms == (3, 3) for card in cards)
    assert all(row["validation"] <= row["linear"] for row in told["bottlenecks"].values())
    test, times = ds["t2m"].values[-70:], ds["time"].values[-70:]
    for card in cards:
        model = load_model(out, device="cpu", ratio=card.ratio)
        packed = model.compress_fields(test, variable="t2m", times=times)
        assert packed.values.shape[1] * card.ratio == test.shape[1]
        y = model.decompress_fields(packed, variable="t2m", times=times)
        levels = {4: 1, 16: 2, 64: 3}[card.ratio]
        base = prolong(restrict(test, levels), levels)
        assert np.sqrt(((y - test) ** 2).mean()) < 0.8 * np.sqrt(((base - test) ** 2).mean())
    with pytest.raises(UserError, match="holds weights for ratios 4, 16, 64, not None"):
        load_model(out, device="cpu")
    with pytest.raises(UserError, match="need the times"):
        load_model(out, device="cpu", ratio=4).compress_fields(test, variable="t2m")


def test_what_cannot_be_trained_on_is_refused(tmp_path):
    source = tmp_path / "coarse.zarr"
    write_archive(simulated(2, DAILY[:10]), source)
    out = tmp_path / "w.safetensors"
    with pytest.raises(UserError, match="no configuration general-5x"):
        train_autoencoder([str(source)], "general-5x", out)
    with pytest.raises(UserError, match="no field of zoom 3 or finer"):
        train_autoencoder([str(source)], "general-4x", out)
    with pytest.raises(UserError, match="quantisation step of 7 was asked for, expected 0 to 1"):
        train_autoencoder([str(source)], "general-4x", out, step=7)
    with pytest.raises(UserError, match="by hand was asked for: choose noise or straight-through"):
        train_autoencoder([str(source)], "general-4x", out, step=0.1, rounding="by hand")
    with pytest.raises(UserError, match="learn to bear it, not archive: leave it out"):
        train_autoencoder([str(source)], "archive", out, step=0.1)
    with pytest.raises(UserError, match="fall in 1 calendar months"):
        train_archive([simulated(2, DAILY[:10])], out, minutes=0)
    with pytest.raises(UserError, match="expected one, or one coarse and one finer"):
        train_archive([simulated(2, DAILY), simulated(2, DAILY)], out, minutes=0)
