"""Weights files: what is written comes back, what is broken is refused in a sentence, fields make the round
trip."""

import json

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from fsae_core.archive.reader import open_archive
from fsae_core.errors import UserError
from fsae_core.model.autoencoder import AutoencoderConfig, FieldSpaceAutoencoder
from fsae_core.model.card import ModelCard, read_cards, save_weights, shipped_models
from fsae_core.model.checkpoint import load_model
from fsae_core.sphere.healpix import cell_vectors
from fsae_core.sphere.pyramid import prolong, restrict

CONFIG = {
    "levels": 2,
    "width": 16,
    "hidden": 16,
    "attention": 8,
    "bases": 2,
    "surface_channels": 1,
    "surface_zoom": 3,
}


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    network = FieldSpaceAutoencoder(AutoencoderConfig(**CONFIG))
    card = ModelCard(
        "", "general", 16, None, (4, 8), 1, CONFIG, {"mine": {"train": ["2000", "2001"]}}, {"minutes": 1.5}
    )
    path = tmp_path / "mine.safetensors"
    save_weights(path, card, {k: v.numpy() for k, v in network.state_dict().items()})
    return path


def test_the_card_comes_back(weights):
    (card,) = read_cards(weights)
    assert (card.name, card.ratio, card.variables, card.zooms) == ("mine", 16, None, (4, 8))
    assert card.split == {"mine": {"train": ["2000", "2001"]}}
    assert card.training == {"minutes": 1.5}
    assert card.bytes == weights.stat().st_size and len(card.sha256) == 64
    assert not list(weights.parent.glob("*.part"))


def test_fields_of_any_variable_make_the_round_trip(weights):
    model = load_model(weights, device="cpu")
    waves = cell_vectors(4) @ np.array([[3.0, 1.0], [0.0, 2.0], [1.0, -4.0]])
    x = (273 + 10 * np.sin(waves.T)).astype(np.float32)
    times = np.array(["2020-01-01T00", "2020-07-01T13"], "datetime64[ns]")
    packed = model.compress_fields(x, variable="salinity", times=times, instant=True)
    assert packed.values.shape == (2, 192) and packed.zoom == 2 and packed.zoom_in == 4
    y = model.decompress_fields(packed, variable="salinity", times=times, instant=True)
    base = prolong(restrict(x, 2), 2)
    assert np.sqrt(((y - x) ** 2).mean()) < 1.2 * np.sqrt(((base - x) ** 2).mean())
    assert y.dtype == np.float32


@pytest.mark.parametrize("value", [101325.0, 273.15, 1e-5, 0.0])
def test_a_constant_field_stays_constant(value):
    """Whatever its units, with weights that have learned to expect something everywhere."""
    model = load_model("general-64x", device="cpu")
    x = np.full((1, 3072), value, np.float32)
    for run in (model, model.fast):
        y = run.decompress_fields(run.compress_fields(x, variable="msl"), variable="msl")
        assert np.abs(y - x).max() <= 1e-6 * value + 1e-30


def test_the_result_does_not_depend_on_what_is_compressed_beside_it(weights):
    model = load_model(weights, device="cpu")
    x = np.random.default_rng(0).normal(size=(3, 3072)).astype(np.float32)
    alone = model.compress_fields(x[1:2], variable="a").values
    together = model.compress_fields(x, variable="a").values[1:2]
    np.testing.assert_allclose(alone, together, atol=1e-5)


def test_broken_and_foreign_files_are_refused(weights, tmp_path):
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(weights.read_bytes()[:-100])
    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": np.zeros(3, np.float32)}, foreign)
    text = tmp_path / "text.safetensors"
    text.write_text("no weights")
    for path in (cut, foreign, text):
        with pytest.raises(UserError, match=f"{path.name} is not a weights file"):
            load_model(path)
    with pytest.raises(UserError, match="There are no weights at"):
        load_model(tmp_path / "absent.safetensors")
    with pytest.raises(UserError, match="There are no weights named general-5x"):
        load_model("general-5x")


def test_weights_that_contradict_their_configuration_are_refused(weights):
    raw = weights.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    inner = json.loads(header["__metadata__"]["fsae"])
    inner["config"]["width"] = 32
    header["__metadata__"]["fsae"] = json.dumps(inner)
    new = json.dumps(header).encode()
    weights.write_bytes(len(new).to_bytes(8, "little") + new + raw[8 + length :])
    with pytest.raises(UserError, match="do not fit their own configuration"):
        load_model(weights)


def test_an_absent_device_is_refused(weights):
    with pytest.raises(UserError, match="not available here"):
        load_model(weights, device="nonsense")


def test_the_shipped_cards_say_what_they_are():
    cards = shipped_models()
    assert {card.ratio for card in cards if card.family == "general"} == {4, 16, 64, 256, 1024}
    for card in cards:
        assert card.name == f"{card.family}-{card.ratio}x"
        in_file = sum(other.sha256 == card.sha256 for other in cards)
        assert card.split and card.training["minutes"] > 0 and card.bytes < 4e6 * in_file


def test_a_card_knows_which_times_it_learned_from(weights):
    (card,) = read_cards(weights)
    times = np.array(["1999-12-31T23", "2000-06-01", "2001-01-01T12", "2001-01-02"], "datetime64[ns]")
    assert card.trained_on("mine", times).tolist() == [False, True, True, False]
    assert not card.trained_on("another", times).any()


def test_shipped_weights_own_up_to_the_training_times_of_the_week():
    times = open_archive("era5-week")["time"].values
    for card in shipped_models():
        if card.family == "general":
            assert card.trained_on("era5-week", times).tolist() == [True] * 17 + [False] * 7


def test_the_hour_counts_only_in_the_seasons_that_training_saw(weights):
    model = load_model(weights, device="cpu")
    x = (280 + 20 * np.cos(3 * cell_vectors(4)[:, :1].T)).astype(np.float32)

    def back(day: str, instant: bool) -> np.ndarray:
        times = np.array([f"{day}T06"], "datetime64[ns]")
        packed = model.compress_fields(x, variable="a", times=times, instant=instant)
        return model.decompress_fields(packed, variable="a", times=times, instant=instant)

    assert np.abs(back("2020-03-25", True) - back("2020-03-25", False)).max() > 1e-4
    np.testing.assert_array_equal(back("2020-07-02", True), back("2020-07-02", False))
