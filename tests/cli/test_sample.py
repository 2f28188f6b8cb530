"""``fsae sample`` from the command line, with small weights."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from fsae_core.archive.reader import open_archive

KEYS = {
    "members",
    "seconds",
    "crps",
    "spread_skill",
    "month",
    "seed",
    "steps",
    "conditions",
    "weights_sha256",
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """As in tests/diffusion."""
    where = Path(__file__).parents[1] / "diffusion" / "conftest.py"
    spec = importlib.util.spec_from_file_location("diffusion_weights", where)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module._weights(tmp_path_factory.mktemp("weights") / "small.safetensors")


def test_sample_writes_a_store_and_scores_it(fsae, weights, tmp_path):
    out = tmp_path / "e.zarr"
    given = ("--weights", weights, "--steps", 4, "--month", "1991-12", "--json")
    answer = fsae("sample", out, "--members", 3, *given)
    assert answer.code == 0, answer.err
    told = answer.json
    assert set(told) >= KEYS and told["members"] == 3 and told["zoom"] == 5
    assert 0 < told["crps"] < 10 and told["spread_skill"] > 0
    ds = open_archive(out)
    assert ds["t2m"].dims == ("time", "member", "cell") and ds.sizes["member"] == 3
    assert ds.attrs["month"] == "1991-12" and ds.attrs["weights_sha256"] == told["weights_sha256"]
    again = tmp_path / "again.zarr.zip"
    assert fsae("sample", again, "--members", 2, *given).code == 0
    np.testing.assert_array_equal(open_archive(again)["t2m"].values, ds["t2m"].values[:, :2])


def test_worlds_that_never_were_have_no_score(fsae, weights, tmp_path):
    given = ("--members", 2, "--weights", weights, "--steps", 2, "--resolution", "coarse", "--json")
    for name, extra in (
        ("a", ("--no-volcanoes",)),
        ("b", ("--co2", 560)),
        ("c", ("--month", "2050-03")),
        ("d", ("--days", 3)),
    ):
        told = fsae("sample", tmp_path / f"{name}.zarr", *given, *extra).json
        assert told["crps"] is None and told["spread_skill"] is None, name
    assert told["times"] == 3
    truth = fsae("sample", tmp_path / "e.zarr", *given, "--month", "2008-03", "--days", 3).json
    assert truth["crps"] > 0


def test_bad_wishes_get_one_sentence(refuses, weights, tmp_path):
    out = tmp_path / "x.zarr"
    assert "is no month" in refuses("sample", out, "--weights", weights, "--month", "Dec 1991")
    assert "name it .zarr" in refuses("sample", tmp_path / "x.nc")
    assert "no sampler" in refuses("sample", out, "--weights", weights, "--sampler", "euler")
    assert "fine or coarse" in refuses("sample", out, "--resolution", "huge")
    assert "does not exist" in refuses("sample", tmp_path / "no" / "x.zarr")
    assert "no diffusion weights" in refuses("sample", out, "--weights", "mine")
    assert not out.exists()
    out.mkdir()
    assert "exists already" in refuses("sample", out)


def test_training_needs_days_of_an_archive(refuses, tmp_path):
    out = tmp_path / "w.safetensors"
    assert "in a row" in refuses("train", "diffusion", "--archive", "amip", "--out", out)
    assert "choose flow or edm" in refuses(
        "train", "diffusion", "--archive", "amip", "--out", out, "--config", "x"
    )
    assert not out.exists()
