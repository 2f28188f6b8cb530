"""Maps and numbers of an ensemble against plain numpy, and scores against the library's own."""

import numpy as np
import pytest
from ensemble_samples import wish

from app import ensemble_reference
from app.ensemble_drawing import Pair
from app.ensemble_export import to_file
from app.ensemble_fields import Ensemble
from app.ensemble_store import draw, warnings
from fsae_core.archive.reader import open_archive
from fsae_core.diffusion.ensembles import sample_ensemble
from fsae_core.evaluate.ensemble import score_against_archive


def drawn(**changes) -> Ensemble:
    asked = wish(**changes)
    found = Ensemble(asked)
    other = asked.other
    for k in range(asked.members):
        pair = draw(other, k, lambda: False) if other is not None else None
        found.add(Pair(draw(asked.request, k, lambda: False), pair))
    return found


def test_maps():
    ensemble = drawn()
    x, y = ensemble.values("temperature", 0), ensemble.values("temperature", 0, other=True)
    maps = ensemble.maps("temperature", 0, "weather")
    np.testing.assert_allclose(maps.mean, x.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(maps.spread, x.std(axis=0, ddof=1), rtol=1e-4)
    np.testing.assert_allclose(maps.change, (x - y).mean(axis=0), atol=1e-4)
    assert maps.certain.sum() <= ensemble.maps("temperature", 0, "pairs").certain.sum()
    area, error = ensemble.change_of_area(0)
    assert area == pytest.approx(maps.change.mean(), abs=1e-4) and area < 0 < error
    np.testing.assert_allclose(
        ensemble.likelihood("temperature", 0, 280.0, True), 100 * (x > 280).mean(axis=0)
    )
    assert 250 < x.mean() < 300 and abs(ensemble.values("anomaly", 0).mean()) < 1


def test_without_another_world_there_is_no_change():
    ensemble = drawn(versus="nothing")
    maps = ensemble.maps("anomaly", 0, "weather")
    assert maps.change is None and maps.certain is None


def test_scores_are_those_of_the_command(monkeypatch):
    ensemble = drawn(month="2010-03", versus="nothing", members=8)
    found = ensemble.scores(ensemble_reference.reference("2010-03", 0, 4))
    said = score_against_archive(sample_ensemble(8, "2010-03", seed=5, steps=8, fine=False, device="cpu"))
    # The climatology is that of the middle of the month there, that of its frames here.
    assert found[0] == pytest.approx(said["crps"], rel=0.02)
    assert found[1] == pytest.approx(said["spread_skill"], rel=0.03)


def test_truth_stands_only_beside_the_world_that_was():
    reference = ensemble_reference.reference("1991-12", 0, 4)
    assert reference.truth is not None and reference.truth.learned and reference.truth.name == "amip"
    assert reference.guess is not None and 0.2 < reference.guess < 1.0
    assert drawn().truth(reference, "anomaly", 0) is not None
    assert drawn(volcanoes=False, versus="nothing").truth(reference, "anomaly", 0) is None
    assert not ensemble_reference.reference("2010-03", 0, 4).truth.learned


def test_truth_of_days_is_the_fine_archive_s():
    archive = open_archive("amip-hr")
    found = ensemble_reference.reference("2008-07", 8, 5).truth
    assert found.name == "amip-hr" and not found.learned and found.fields.shape == (8, 12288)
    start = int(np.searchsorted(archive["time"].values, np.datetime64("2008-07-01")))
    np.testing.assert_array_equal(found.fields[0], archive["t2m"].values[start])
    assert ensemble_reference.reference("2007-07", 8, 5).truth is None
    month = ensemble_reference.reference("2008-07", 0, 5).truth
    assert month.zoom == 5 and month.fields.shape == (1, 12288)


def test_reference_spectra_lose_what_the_autoencoder_loses():
    for days, zoom in ((0, 4), (0, 5), (8, 4)):
        reference = ensemble_reference.reference("2008-07", days, zoom)
        assert reference.power.shape == reference.reconstructed.shape == (2 * 2**zoom + 1,)
        assert 0 < reference.reconstructed[-8:].sum() < reference.power[-8:].sum()
        assert reference.reconstructed[1:8].sum() == pytest.approx(reference.power[1:8].sum(), rel=0.05)
        assert set(reference.by_zoom) == set(range(zoom + 1))


def test_years_at_a_place():
    values, what = ensemble_reference.years_at("1991-12", 0, np.datetime64("1991-12-01"), 100)
    archive = open_archive("amip", variables="t2m")
    same = archive["time"].dt.month.values == 12
    np.testing.assert_array_equal(values, archive["t2m"].values[same, 100])
    assert what == f"archive, {same.sum()} years"
    values, what = ensemble_reference.years_at("2008-07", 8, np.datetime64("2008-07-10"), 100)
    assert "days of 2008" in what and 10 < len(values) < 20 and 200 < values.min() < values.max() < 330


@pytest.mark.parametrize(("form", "days"), [("nc", 0), ("zarr", 8)])
def test_files_are_what_the_command_writes(form, days, tmp_path):
    asked = wish(days=days, versus="nothing", co2="400")
    members = [draw(asked.request, k, lambda: False) for k in range(2)]
    name, body = to_file(asked.request, members, form)
    assert name.startswith("ensemble-1991-12-") and name.endswith({"nc": ".nc", "zarr": ".zarr.zip"}[form])
    (tmp_path / name).write_bytes(body)
    ds = open_archive(tmp_path / name)
    same = sample_ensemble(
        2, "1991-12", days=days or None, seed=5, steps=8, fine=False, co2=400.0, device="cpu"
    )
    np.testing.assert_array_equal(ds["t2m"].transpose("time", "member", "cell").values, same["t2m"].values)
    for key in ("month", "seed", "steps", "conditions", "weights", "weights_sha256", "source", "comment"):
        assert ds.attrs[key] == same.attrs[key], key
    assert "SIMULATED" in ds.attrs["source"]


def test_the_warning_is_the_weights_own():
    assert "no forecast" in warnings() and "No attribution" in warnings() and "\n" not in warnings()
