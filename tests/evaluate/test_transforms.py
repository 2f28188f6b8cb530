"""Block means, EOFs and harmonics against scikit-learn, healpy and the pyramid."""

import healpy
import numpy as np
import pytest
from sklearn.decomposition import PCA

from fsae_core.errors import UserError
from fsae_core.evaluate.block_mean import BlockMean
from fsae_core.evaluate.coded import Known, OutOfReach
from fsae_core.evaluate.eof import Eof
from fsae_core.evaluate.harmonics import Harmonics
from fsae_core.evaluate.latents import WHOLE, LatentMethod, OneLayer
from fsae_core.sphere.healpix import n_cells, ring_to_nest
from fsae_core.sphere.pyramid import prolong, restrict


def noise(times, zoom=3, seed=0):
    return (280 + 10 * np.random.default_rng(seed).standard_normal((times, n_cells(zoom)))).astype(np.float32)


def rmse(a, b):
    return np.sqrt(np.mean((a.astype(float) - b) ** 2))


def test_block_mean_in_floats_is_the_pyramid():
    x = noise(2, 4)
    coded = LatentMethod(BlockMean()).code(x, None, axis="floats", ratio=16)
    assert coded.floats == 192
    np.testing.assert_allclose(coded.recon, prolong(restrict(x, 2), 2), atol=0.02)


@pytest.mark.parametrize("times", [40, 900])
def test_eof_is_the_pca_of_the_training_fields(times):
    mixing = np.random.default_rng(1).standard_normal((60, n_cells(3))) / (1 + np.arange(60))[:, None]
    draw = np.random.default_rng(2).standard_normal((times + 5, 60))
    fields = (280 + 20 * draw @ mixing).astype(np.float32)
    train, test = fields[:times], fields[times:]
    pca = PCA(n_components=12).fit(train.astype(float))
    expected = pca.inverse_transform(pca.transform(test.astype(float)))
    coded = LatentMethod(Eof(train)).code(test, None, axis="floats", ratio=64)
    assert coded.floats == 12
    assert rmse(coded.recon, test) == pytest.approx(rmse(expected, test), rel=1e-3)


def test_few_training_times_give_few_coefficients():
    eof = LatentMethod(Eof(noise(6)))
    assert eof.code(noise(1), None, axis="floats", ratio=4).floats == 5
    assert "5 coefficients in place of 192" in eof.known(4).note
    assert eof.known(256).note is None and eof.known(256).parameters == 4 * n_cells(3)
    with pytest.raises(UserError, match="two training times"):
        Eof(noise(1))


@pytest.mark.parametrize("ratio", [4, 16, 64])
def test_harmonics_keep_what_they_can(ratio):
    count = n_cells(5) // ratio
    lmax = int(np.sqrt(count)) - 1  # wholly inside: (lmax + 1)**2 - 1 coefficients and the mean
    rng = np.random.default_rng(0)
    alm = rng.standard_normal(healpy.Alm.getsize(lmax)) + 1j * rng.standard_normal(healpy.Alm.getsize(lmax))
    alm[: lmax + 1] = alm[: lmax + 1].real
    field = 280 + healpy.alm2map(alm, 32, lmax=lmax, pol=False)
    nested = np.empty((1, n_cells(5)), np.float32)
    nested[0, ring_to_nest(5)] = field
    coded = LatentMethod(Harmonics()).code(nested, None, axis="floats", ratio=ratio)
    assert coded.floats == count
    assert rmse(coded.recon, nested) < 2e-3 * nested.std()
    # Parseval: what is cut off is what is missing.
    below = LatentMethod(Harmonics()).code(nested, None, axis="floats", ratio=256).recon
    l, _ = healpy.Alm.getlm(lmax)
    weight = np.where(np.arange(alm.size) <= lmax, 1, 2)
    kept = 47  # degrees 1 to 5 whole (35 coefficients) and twelve of degree 6
    inside = (l >= 1) & (l <= 5)
    most = (weight * abs(alm) ** 2)[l > 5].sum() / (4 * np.pi)
    least = (weight * abs(alm) ** 2)[l > 6].sum() / (4 * np.pi)
    assert inside.sum() and kept < n_cells(5) // 256
    assert 0.98 * least <= rmse(below, nested) ** 2 <= 1.02 * most


def test_in_bytes_all_meet_the_budget_and_use_it():
    x = noise(2, 4) + np.linspace(0, 40, n_cells(4), dtype=np.float32)
    for transform in (BlockMean(), Eof(noise(40, 4, 5)), Harmonics()):
        method = LatentMethod(transform)
        errors = []
        for ratio in (64, 16):
            coded = method.code(x, None, axis="bytes", ratio=ratio)
            least = 0 if transform.name == "eof" else 0.5  # it has 39 coefficients and no use for more
            assert least * 4 * n_cells(4) / ratio < coded.bytes <= 4 * n_cells(4) / ratio
            assert coded.recon.shape == x.shape and coded.encode_s > 0 and coded.decode_s > 0
            errors.append(rmse(coded.recon, x))
        assert errors[1] < errors[0] or transform.name == "eof", transform.name


def test_a_field_alone_and_among_others_is_the_same():
    x = noise(3, 4)
    for transform in (BlockMean(), Harmonics()):
        method = LatentMethod(transform)
        for axis in ("floats", "bytes"):
            all_of_them = method.code(x, None, axis=axis, ratio=16).recon
            one = method.code(x[1:2], None, axis=axis, ratio=16).recon
            np.testing.assert_allclose(one[0], all_of_them[1], rtol=1e-5)


def test_what_cannot_be_is_said():
    method = LatentMethod(BlockMean())
    with pytest.raises(OutOfReach, match="another ratio"):
        method.code(noise(1, 2), None, axis="floats", ratio=256)
    with pytest.raises(OutOfReach, match="smaller ratio"):
        method.code(noise(1, 2), None, axis="bytes", ratio=64)
    with pytest.raises(UserError, match="floats and bytes"):
        method.code(noise(1, 2), None, axis="bits", ratio=4)


class Coarse(OneLayer):
    """Block means whose layers foresee each other: 16 times fewer, then 4 times, then the field."""

    name = "layers"

    def __init__(self, chains):
        self.chains = chains

    def known(self, ratio):
        return Known()

    def ratios(self, cells):
        return (WHOLE,)

    def layers(self, cells, ratio):
        return self.chains

    def encode(self, x, times, ratio):
        return BlockMean().encode(x, times, ratio)

    def decode(self, latents, cells, times, ratio):
        return BlockMean().decode(latents, cells, times, ratio)


def test_layers_say_the_same_as_one_and_are_told():
    x = noise(2, 4)
    once = LatentMethod(Coarse(((WHOLE,),))).code(x, None, axis="bytes", ratio=8)
    layered = LatentMethod(Coarse(((16, 4, WHOLE),))).code(x, None, axis="bytes", ratio=8)
    assert once.note is None and "16 and 4 times fewer floats, and the rest" in layered.note
    assert layered.bytes <= 4 * n_cells(4) / 8 and layered.floats == n_cells(4)
    # White noise cannot be foreseen, so layers cost; but what comes back is the field to the step.
    assert rmse(once.recon, x) < rmse(layered.recon, x) < 4 * rmse(once.recon, x)
    both = LatentMethod(Coarse(((16, 4, WHOLE), (WHOLE,)))).code(x, None, axis="bytes", ratio=8)
    assert both.note is None and rmse(both.recon, x) == pytest.approx(rmse(once.recon, x), rel=1e-6)
