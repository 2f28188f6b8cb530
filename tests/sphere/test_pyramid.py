"""The pyramid: conservation, exact inverses, smoothness, and the same results and gradients in torch."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fsae_core.errors import UserError
from fsae_core.sphere import healpix
from fsae_core.sphere.pyramid import compose, decompose, inject, prolong, prolongation_matrix, restrict

STEPS = [(0, 1), (0, 2), (0, 4), (1, 1), (1, 3), (2, 2), (3, 3), (4, 2), (5, 1), (6, 2), (7, 1), (8, 1)]


def noise(zoom: int, *lead: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((*lead, healpix.n_cells(zoom)))


def smooth(zoom: int) -> np.ndarray:
    x, y, z = healpix.cell_vectors(zoom).T
    return np.exp(x + 0.5 * y * z) + np.sin(3 * z) * y


def plain_prolong(x: np.ndarray, levels: int) -> np.ndarray:
    """The prolongation written out cell by cell from its definition P = U + B - U R B."""
    table, n = healpix.ring_table(healpix.zoom_of(len(x))), 2**levels
    fine = np.empty(len(x) * 4**levels)
    for cell, ring in enumerate(table):
        value = {step: x[other] for step, other in zip(healpix.RING_STEPS, ring, strict=True)}
        for slot in np.flatnonzero(ring < 0):
            dx, dy = healpix.RING_STEPS[slot]
            value[dx, dy] = (value[dx, 0] + value[0, dy]) / 2
        value[0, 0] = x[cell]
        child = np.arange(4**levels)
        ix, iy, _ = healpix.cell_xyf(child, levels)
        out = np.empty(4**levels)
        for c in child:
            fx, fy = (ix[c] + 0.5) / n - 0.5, (iy[c] + 0.5) / n - 0.5
            sx, sy = int(np.sign(fx)), int(np.sign(fy))
            fx, fy = abs(fx), abs(fy)
            out[c] = (
                (1 - fx) * (1 - fy) * x[cell]
                + fx * (1 - fy) * value[sx, 0]
                + (1 - fx) * fy * value[0, sy]
                + fx * fy * value[sx, sy]
            )
        fine[cell * 4**levels + child] = out - out.mean() + x[cell]
    return fine


@pytest.mark.parametrize(("zoom", "levels"), STEPS)
def test_restriction_undoes_prolongation(zoom: int, levels: int) -> None:
    x = noise(zoom, 2)
    np.testing.assert_allclose(restrict(prolong(x, levels), levels), x, rtol=0, atol=4e-15)
    single = x.astype(np.float32) * 20 + 280
    back = restrict(prolong(single, levels), levels)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, single, rtol=3e-7)
    tensor = torch.from_numpy(single)
    np.testing.assert_allclose(restrict(prolong(tensor, levels), levels).numpy(), single, rtol=3e-7)
    np.testing.assert_array_equal(restrict(inject(single, levels), levels), single)


@pytest.mark.parametrize(("zoom", "levels"), STEPS)
def test_constants_are_kept_exactly(zoom: int, levels: int) -> None:
    for dtype in (np.float32, np.float64):
        x = np.full(healpix.n_cells(zoom), 287.31, dtype=dtype)
        assert (prolong(x, levels) == x[0]).all()
        assert (prolong(torch.from_numpy(x), levels).numpy() == x[0]).all()
        np.testing.assert_allclose(
            restrict(x, min(levels, zoom)), x[0], rtol=2e-7 if dtype == np.float32 else 1e-15
        )


@pytest.mark.parametrize(("zoom", "levels"), [(0, 1), (0, 3), (1, 1), (1, 2), (2, 1), (3, 2)])
def test_prolongation_is_its_definition(zoom: int, levels: int) -> None:
    x = noise(zoom)
    np.testing.assert_allclose(prolong(x, levels), plain_prolong(x, levels), atol=1e-14)


@pytest.mark.parametrize("levels", range(5))
def test_matrix_conserves(levels: int) -> None:
    matrix = prolongation_matrix(levels)
    assert matrix.shape == (4**levels, 9)
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, atol=1e-15)
    np.testing.assert_allclose(matrix.mean(axis=0), [1, *[0] * 8], atol=1e-15)


@pytest.mark.parametrize(("zoom", "levels"), [(2, 2), (3, 1), (4, 2)])
def test_prolongation_commutes_with_the_symmetries(zoom: int, levels: int) -> None:
    x = noise(zoom)
    for table, args in (
        (healpix.rotation_table, (1,)),
        (healpix.mirror_table, ("lat",)),
        (healpix.mirror_table, ("lon",)),
    ):
        coarse, fine = table(zoom, *args), table(zoom + levels, *args)
        np.testing.assert_allclose(prolong(x[coarse], levels), prolong(x, levels)[fine], atol=1e-14)


def test_prolongation_beats_injection_and_converges() -> None:
    error = {}
    for zoom in (3, 4, 5):
        fine = smooth(zoom + 1)
        coarse = restrict(fine)
        error[zoom] = np.sqrt(np.mean((prolong(coarse) - fine) ** 2))
        assert error[zoom] < 0.25 * np.sqrt(np.mean((inject(coarse) - fine) ** 2))
    assert error[4] < 0.4 * error[3] and error[5] < 0.4 * error[4]


def test_restriction_is_the_mean_of_children() -> None:
    x = noise(4, 3)
    np.testing.assert_allclose(restrict(x, 2), x.reshape(3, -1, 16).mean(axis=-1), atol=1e-15)
    np.testing.assert_allclose(restrict(torch.from_numpy(x), 2).numpy(), restrict(x, 2), atol=1e-15)
    np.testing.assert_array_equal(restrict(np.arange(48), 1), np.arange(48).reshape(12, 4).mean(axis=1))


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=4, unique=True),
    st.integers(0, 2**32 - 1),
    st.sampled_from([1e-3, 1.0, 280.0, 1e5]),
)
@settings(max_examples=60, deadline=None)
def test_composition_undoes_decomposition(below: list[int], seed: int, size: float) -> None:
    x = (noise(5, 2, seed=seed) * size * 0.05 + size).astype(np.float32)
    levels = decompose(x, (*below, 5))
    assert list(levels) == sorted({*below, 5})
    assert all(level.dtype == np.float32 for level in levels.values())
    np.testing.assert_allclose(compose(levels), x, rtol=1e-6)
    for coarse, fine in zip(list(levels)[:-1], list(levels)[1:], strict=True):
        assert abs(restrict(levels[fine], fine - coarse)).max() <= 1e-6 * abs(x).max()


def test_composition_stops_at_any_zoom() -> None:
    x = noise(6)
    levels = decompose(x, (2, 4, 6))
    for zoom in range(2, 7):
        np.testing.assert_allclose(compose(levels, zoom), restrict(x, 6 - zoom), atol=1e-14)
    np.testing.assert_allclose(compose(levels, 1), restrict(x, 5), atol=1e-14)
    np.testing.assert_allclose(compose(levels, 7), prolong(x), atol=1e-14)


def test_missing_fine_levels_count_as_zero() -> None:
    base = noise(3, 2)
    np.testing.assert_array_equal(compose({3: base}, 5), prolong(base, 2))
    np.testing.assert_array_equal(compose({3: base, 4: None, 5: None}), prolong(prolong(base)))
    zeros = {4: np.zeros((2, healpix.n_cells(4))), 5: np.zeros((2, healpix.n_cells(5)))}
    np.testing.assert_array_equal(compose({3: base, 4: None, 5: None}), compose({3: base, **zeros}))


@pytest.mark.parametrize(("zoom", "levels"), STEPS[:-1])
def test_torch_gives_the_same_and_the_exact_adjoint(zoom: int, levels: int) -> None:
    x, v = noise(zoom, 2), noise(zoom, 2, seed=1)
    tensor = torch.from_numpy(x).requires_grad_()
    fine = prolong(tensor, levels)
    np.testing.assert_allclose(fine.detach().numpy(), prolong(x, levels), atol=1e-14)
    g = noise(zoom + levels, 2, seed=2)
    (grad,) = torch.autograd.grad(fine, tensor, torch.from_numpy(g))
    np.testing.assert_allclose((grad.numpy() * v).sum(), (prolong(v, levels) * g).sum(), rtol=1e-10)


@pytest.mark.parametrize("zoom", [0, 1])
def test_gradients(zoom: int) -> None:
    x = torch.from_numpy(noise(zoom, 2)).requires_grad_()
    assert torch.autograd.gradcheck(lambda a: prolong(a, 1) ** 2, x)
    assert torch.autograd.gradgradcheck(lambda a: prolong(a, 1) ** 2, x)
    if zoom:
        assert torch.autograd.gradcheck(lambda a: restrict(a, 1) ** 3, x)
        assert torch.autograd.gradgradcheck(lambda a: restrict(a, 1) ** 3, x)
        assert torch.autograd.gradcheck(lambda a: compose(decompose(a, (0, 1))) ** 2, x)


def test_torch_keeps_precision_under_autocast() -> None:
    x = torch.from_numpy(noise(3, 2)).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        fine = prolong(x, 2)
    assert fine.dtype == torch.float32
    torch.testing.assert_close(fine, prolong(x, 2))


def test_torch_takes_odd_layouts_and_leaves_its_input_alone() -> None:
    x = torch.from_numpy(noise(3, 4, 3)).transpose(0, 1)
    before = x.clone()
    want = prolong(x.numpy().copy(), 1)
    np.testing.assert_allclose(prolong(x, 1).numpy(), want, atol=1e-14)
    leaf = torch.from_numpy(noise(2)).requires_grad_()
    prolong(leaf, 1).sum().backward()  # an expanded gradient
    np.testing.assert_allclose(leaf.grad.numpy(), 4.0, atol=1e-14)
    assert torch.equal(x, before)


def test_numpy_needs_no_torch() -> None:
    code = (
        "import sys, numpy as np\n"
        "from fsae_core.sphere.pyramid import compose, decompose\n"
        "compose(decompose(np.zeros(768), (1, 3)))\n"
        "sys.exit('torch' in sys.modules or 'healpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_bad_input_is_refused_in_a_sentence() -> None:
    x = noise(3)
    with pytest.raises(UserError, match="finest must be the field's own, 3"):
        decompose(x, (1, 2))
    with pytest.raises(UserError, match="Restriction by 4"):
        restrict(x, 4)
    with pytest.raises(UserError, match="Prolongation by 7"):
        prolong(x, 7)
    with pytest.raises(UserError, match="Injection by -1"):
        inject(x, -1)
    with pytest.raises(UserError, match="is no HEALPix sphere"):
        prolong(np.zeros(100))
    with pytest.raises(UserError, match="single number"):
        restrict(np.float64(3.0))
    with pytest.raises(UserError, match="base of a pyramid"):
        compose({3: None, 4: noise(4)})
    with pytest.raises(UserError, match="base of a pyramid"):
        compose({})
    with pytest.raises(UserError, match="level of zoom 4"):
        compose({3: x, 4: x})
    with pytest.raises(UserError, match="Zoom 10"):
        compose({3: x}, 10)
