"""What ``fsae train autoencoder`` asks of the training, and what it refuses before it starts."""

import sys
from types import ModuleType

import pytest


@pytest.fixture
def asked(monkeypatch) -> dict:
    """The arguments that reach the training, which does nothing here."""
    got: dict = {}

    def train_autoencoder(archives, config, out, **options):
        got.update(archives=archives, config=config, out=out, **options)
        list(options["progress"](range(3)))
        return {"steps": 12, "val_rmse": 0.5}

    module = ModuleType("fsae_core.training.autoencoder")
    module.train_autoencoder = train_autoencoder
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return got


def test_all_options_arrive(fsae, asked, tmp_path):
    out = tmp_path / "mine.safetensors"
    arguments = ["--archive", "a.zarr", "--archive", "b.zarr", "--config", "general-64x", "--out", out]
    answer = fsae(
        "train",
        "autoencoder",
        *arguments,
        "--minutes",
        2,
        "--init",
        "general",
        "--resume",
        "--json",
        "--learning-rate",
        0.004,
        "--step",
        0.05,
        "--rounding",
        "straight-through",
        "--variable",
        "u10",
    )
    assert answer.code == 0 and answer.json["steps"] == 12 and answer.json["val_rmse"] == 0.5
    assert answer.json["path"] == str(out)
    progress = asked.pop("progress")
    assert callable(progress)
    assert asked == {
        "archives": ["a.zarr", "b.zarr"],
        "config": "general-64x",
        "out": out,
        "minutes": 2.0,
        "resume": True,
        "init": "general",
        "device": "auto",
        "seed": 0,
        "learning_rate": 0.004,
        "step": 0.05,
        "rounding": "straight-through",
        "variables": ["u10"],
    }


def test_refusals(refuses, asked, tmp_path):
    start = ["train", "autoencoder", "--archive", "a", "--config", "general-64x"]
    assert "name it so" in refuses(*start, "--out", tmp_path / "mine.pt")
    assert "make it first" in refuses(*start, "--out", tmp_path / "absent" / "mine.safetensors")
    assert "--minutes" in refuses(*start, "--out", tmp_path / "mine.safetensors", "--minutes", 0)
    assert "Missing option '--config'" in refuses(
        "train", "autoencoder", "--archive", "a", "--out", "w.safetensors"
    )
    assert asked == {}
