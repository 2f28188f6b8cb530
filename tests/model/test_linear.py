"""The closed-form linear codec on small synthetic archives (zoom 2, fine zoom 3)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fsae_core.archive.climatology import phase_basis
from fsae_core.errors import UserError
from fsae_core.model.covariance import gaspari_cohn, taper
from fsae_core.model.fine_climatology import fit_fine_climatology
from fsae_core.model.linear import LinearCodecConfig, LinearFieldCodec, two_ring
from fsae_core.model.linear_fit import LinearFit, fit_linear_codec
from fsae_core.sphere.healpix import cell_vectors, n_cells, ring_table
from fsae_core.sphere.pyramid import prolong, restrict

COARSE, FINE = 2, 3


def smooth_fields(rng: np.random.Generator, times: int, zoom: int, width_deg: float) -> np.ndarray:
    vectors = cell_vectors(zoom)
    angle = np.degrees(np.arccos(np.clip(vectors @ vectors.T, -1, 1)))
    root = np.linalg.cholesky(np.exp(-angle / width_deg) + 1e-6 * np.eye(len(vectors)))
    return (rng.standard_normal((times, len(vectors))) @ root.T).astype(np.float32)


@pytest.fixture(scope="module")
def archive() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    coarse = restrict(smooth_fields(rng, 700, FINE, 40.0), FINE - COARSE)
    texture = 1 + 0.5 * rng.standard_normal(n_cells(FINE)).astype(np.float32)
    low = restrict(smooth_fields(rng, 160, FINE, 40.0), 1)
    fine = prolong(low, 1) * texture  # the fine part follows the coarse one, cell by cell
    phase = rng.uniform(0, 2 * np.pi, 700)
    return {"coarse": coarse, "phase": phase, "fine": fine, "fine_phase": rng.uniform(0, 2 * np.pi, 160)}


def rmse(a: torch.Tensor | np.ndarray, b: torch.Tensor | np.ndarray) -> float:
    return float(np.sqrt(np.mean((np.asarray(a) - np.asarray(b)) ** 2)))


def round_trip(codec: LinearFieldCodec, x: np.ndarray, phase: np.ndarray, zoom: int) -> np.ndarray:
    field, turn = torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(phase)
    return codec.decode(codec.encode(field, turn), turn, zoom).numpy()


@pytest.mark.parametrize("bottleneck", [0, 1, 2])
def test_encoding_a_decoded_field_gives_the_same_compressed_field(archive, bottleneck):
    codec = fit_linear_codec(*archive.values(), bottleneck)
    b = torch.randn(5, n_cells(bottleneck), generator=torch.Generator().manual_seed(0))
    phase = torch.tensor([0.0, 1.1, 2.9, 4.4, 6.27], dtype=torch.float64)
    zooms = (FINE,) if bottleneck == COARSE else (COARSE, FINE)
    for zoom in zooms:
        again = codec.encode(codec.decode(b, phase, zoom), phase)
        assert again.shape == b.shape
        torch.testing.assert_close(again, b, atol=2e-4, rtol=2e-4)


@pytest.mark.parametrize("bottleneck", [0, 1])
def test_a_fine_field_and_its_restriction_have_the_same_compressed_field(archive, bottleneck):
    codec = fit_linear_codec(*archive.values(), bottleneck)
    fine, phase = torch.from_numpy(archive["fine"][:9]), torch.from_numpy(archive["fine_phase"][:9])
    torch.testing.assert_close(codec.encode(fine, phase), codec.encode(restrict(fine, 1), phase))


def test_the_compressed_field_looks_like_the_block_means(archive):
    codec = fit_linear_codec(archive["coarse"], archive["phase"], None, None, 1)
    b = codec.encode(torch.from_numpy(archive["coarse"]), torch.from_numpy(archive["phase"])).numpy()
    means = restrict(archive["coarse"], 1)
    assert np.corrcoef(b.ravel(), means.ravel())[0, 1] > 0.95
    assert abs(b.std() / means.std() - 1) < 0.1


def test_it_reaches_the_eofs_in_sample_when_nothing_is_regularised():
    rng = np.random.default_rng(0)
    x = smooth_fields(rng, 600, COARSE, 60.0)
    plain = LinearFit(seasons=1, taper_deg=1e6, taper_floor=1.0)
    codec = fit_linear_codec(x, np.zeros(600), None, None, COARSE - 1, fit=plain)
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    eof = (u[:, :48] * s[:48]) @ vt[:48]
    assert rmse(round_trip(codec, x, np.zeros(600), COARSE), x) == pytest.approx(rmse(eof, x), rel=1e-3)


def test_seasonal_bases_help_where_the_patterns_turn_with_the_season():
    rng = np.random.default_rng(5)
    phase = rng.uniform(0, 2 * np.pi, 2400)
    north = cell_vectors(COARSE)[:, 2]
    envelope = np.exp(1.2 * np.cos(phase)[:, None] * np.sign(north))
    x = (smooth_fields(rng, 2400, COARSE, 25.0) * envelope).astype(np.float32)
    fit, check = slice(0, 1800), slice(1800, None)
    errors = {}
    for seasons in (1, 12):
        codec = fit_linear_codec(x[fit], phase[fit], None, None, 0, fit=LinearFit(seasons=seasons))
        errors[seasons] = rmse(round_trip(codec, x[check], phase[check], COARSE), x[check])
    assert errors[12] < 0.97 * errors[1]


def test_the_regression_beats_the_smooth_prolongation_and_keeps_block_means(archive):
    fit, check = slice(0, 120), slice(120, None)
    fine, phase = archive["fine"], archive["fine_phase"]
    codec = fit_linear_codec(archive["coarse"], archive["phase"], fine[fit], phase[fit], COARSE)
    low = restrict(fine[check], 1)
    refined = codec.refine(torch.from_numpy(low)).numpy()
    assert rmse(refined, fine[check]) < 0.8 * rmse(prolong(low, 1), fine[check])
    np.testing.assert_allclose(restrict(refined, 1), low, atol=2e-5)
    packed = round_trip(codec, fine[check], phase[check], FINE)
    assert rmse(packed, fine[check]) < 0.8 * rmse(prolong(low, 1), fine[check])


def test_half_precision_storage_costs_almost_nothing_and_needs_no_extra_state(archive):
    codec = fit_linear_codec(*archive.values(), 0)
    stored = {name: value.half() for name, value in codec.state_dict().items()}
    assert set(stored) == {"basis", "nodes", "fine_weights"}
    again = LinearFieldCodec(codec.config)
    again.load_state_dict({name: value.float() for name, value in stored.items()})
    x, phase = archive["fine"], archive["fine_phase"]
    before, after = (rmse(round_trip(c, x, phase, FINE), x) for c in (codec, again))
    assert after == pytest.approx(before, rel=1e-3)


def test_gradients_flow_through_encode_and_decode(archive):
    codec = fit_linear_codec(*archive.values(), 0)
    x = torch.from_numpy(archive["fine"][:3]).requires_grad_()
    phase = torch.from_numpy(archive["fine_phase"][:3])
    codec.decode(codec.encode(x, phase), phase, FINE).square().sum().backward()
    assert x.grad is not None and bool((x.grad.abs().sum(dim=1) > 0).all())


def test_fewer_maps_than_floats_still_give_an_orthonormal_basis():
    rng = np.random.default_rng(1)
    x = smooth_fields(rng, 20, COARSE, 40.0)
    codec = fit_linear_codec(x, np.zeros(20), None, None, 1, fit=LinearFit(dense_cells=0))
    gram = codec.basis.T @ codec.basis
    torch.testing.assert_close(gram, torch.eye(48), atol=1e-4, rtol=0)
    assert rmse(round_trip(codec, x, np.zeros(20), COARSE), x) < 1e-3


def test_two_rings_hold_every_cell_within_two_steps_once():
    index, real = two_ring(COARSE, 25)
    ring = ring_table(COARSE)
    for cell in (0, 5, 77, 191):
        near = {int(c) for c in ring[cell] if c >= 0}
        wider = near | {int(c) for n in near for c in ring[n] if c >= 0} | {cell}
        assert set(index[cell][real[cell]].tolist()) == wider and real[cell].sum() == len(wider)


def test_the_taper_is_one_at_zero_and_zero_at_twice_its_half_width():
    np.testing.assert_allclose(gaspari_cohn(np.array([0, 1, 2, 3])), [1, 5 / 24, 0, 0], atol=1e-12)
    assert np.linalg.eigvalsh(taper(COARSE, 40.0).astype(float)).min() > -1e-4


def test_the_fine_climatology_shrinks_weather_and_keeps_fixed_detail():
    rng = np.random.default_rng(7)
    weather = 3 * smooth_fields(rng, 400, COARSE, 60.0)
    coef = rng.standard_normal((5, n_cells(COARSE)))
    detail = rng.standard_normal((1, n_cells(FINE))).astype(np.float32)
    detail -= prolong(restrict(detail, 1), 1)
    phase = np.linspace(0, 4 * np.pi, 60)
    truth = phase_basis(phase) @ prolong(coef, 1) + detail
    maps = truth + prolong(3 * smooth_fields(rng, 60, COARSE, 60.0), 1)
    modes = np.linalg.svd(weather, full_matrices=False)[2][:48].T
    fitted = phase_basis(phase) @ fit_fine_climatology(maps, phase, coef, weather, modes)
    own = phase_basis(phase) @ np.linalg.lstsq(phase_basis(phase), maps, rcond=None)[0]
    assert rmse(fitted, truth) < 0.7 * rmse(own, truth)


def test_wrong_shapes_and_zooms_are_refused_in_a_sentence(archive):
    coarse, phase = archive["coarse"], archive["phase"]
    with pytest.raises(UserError, match="missing values"):
        fit_linear_codec(np.where(coarse > 2, np.nan, coarse), phase, None, None, 0)
    with pytest.raises(UserError, match="shapes"):
        fit_linear_codec(coarse, phase[:-1], None, None, 0)
    with pytest.raises(UserError, match="bottleneck at zoom 2"):
        fit_linear_codec(coarse, phase, None, None, COARSE)
    with pytest.raises(UserError, match="not finer"):
        fit_linear_codec(coarse, phase, coarse, phase, 0)
    codec = LinearFieldCodec(LinearCodecConfig(COARSE, 0, subspace=12))
    with pytest.raises(UserError, match="zoom 3"):
        codec.encode(torch.zeros(1, n_cells(FINE)), torch.zeros(1))
    with pytest.raises(UserError, match="one zoom only"):
        codec.refine(torch.zeros(1, n_cells(COARSE)))
