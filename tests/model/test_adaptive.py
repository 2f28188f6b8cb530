"""Compressed fields of cells of different zooms: which cells, what they hold, what comes back."""

import numpy as np
import pytest

from fsae_core.archive.reader import open_archive
from fsae_core.errors import UserError
from fsae_core.model.adaptive import best_tree, leaves_within
from fsae_core.model.checkpoint import load_model
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.leaves import check_leaves, first_cells, leaf_zooms
from fsae_core.sphere.pyramid import restrict


@pytest.fixture(scope="module")
def week():
    ds = open_archive("era5-week", variables=["t2m", "tp"])
    return ds, ds["time"].values[-2:]


def cost_of(splits):
    return sum(int(split.sum()) for split in splits)


def test_the_tree_is_the_best_of_all_that_have_as_many_leaves():
    """Against all trees of two levels over two of the base cells."""
    rng = np.random.default_rng(0)
    gains = [np.full((1, 12), -1e9), np.full((1, 48), -1e9)]
    gains[0][0, :2], gains[1][0, :8] = rng.random(2), rng.random(8) * 2
    for wanted in range(1, 8):
        splits = best_tree(gains, 12 + 3 * wanted)
        assert cost_of(splits) == wanted
        found = sum(float(gain[split].sum()) for gain, split in zip(gains, splits, strict=True))
        best = -np.inf
        for mask in range(1 << 10):
            bits = [mask >> i & 1 for i in range(10)]
            children_without_parent = any(bits[2 + i] and not bits[i // 4] for i in range(8))
            if sum(bits) == wanted and not children_without_parent:
                worth = gains[0][0, :2] @ bits[:2] + gains[1][0, :8] @ bits[2:]
                best = max(best, float(worth))
        # Where no price gives exactly this many, the last ones are taken one by one.
        assert found <= best + 1e-9
        assert found >= best - 0.5
    price_points = [best_tree(gains, 12 + 3 * w) for w in (0, 10)]
    assert cost_of(price_points[0]) == 0 and cost_of(price_points[1]) == 10


def test_a_field_without_detail_still_has_all_its_leaves():
    gains = [np.zeros((2, n_cells(zoom))) for zoom in range(4)]
    zooms = leaf_zooms(best_tree(gains, 12 + 3 * 50), 2)
    check_leaves(zooms, 4)
    assert zooms.shape == (2, 162)
    with pytest.raises(ValueError, match="leaves, expected"):
        best_tree(gains, 13)


@pytest.mark.parametrize("ratio", [4, 16, 64, 256])
def test_at_as_many_numbers_the_error_is_smaller_than_with_cells_of_one_size(week, ratio):
    ds, times = week
    x = ds["t2m"].values[-2:].astype(np.float32)
    asked = {"variable": "t2m", "times": times, "instant": True}
    adaptive, uniform = load_model(f"general-adaptive-{ratio}x"), load_model(f"general-{ratio}x")
    packed = adaptive.compress_fields(x, **asked)
    assert packed.values.shape == packed.leaves.shape == (2, leaves_within(x.shape[1] // ratio))
    back = adaptive.decompress_fields(packed, **asked)
    plain = uniform.decompress_fields(uniform.compress_fields(x, **asked), **asked)
    assert np.mean((back - x) ** 2) < (
        0.97 * np.mean((plain - x) ** 2) if ratio > 64 else 0.8 * np.mean((plain - x) ** 2)
    )


def test_what_is_decoded_has_the_means_that_the_leaves_say(week):
    ds, times = week
    x = ds["t2m"].values[-2:].astype(np.float32)
    asked = {"variable": "t2m", "times": times, "instant": True}
    model = load_model("general-adaptive-16x")
    packed = model.compress_fields(x, **asked)
    back = model.decompress_fields(packed, **asked)
    starts = first_cells(packed.leaves, 6)
    for leaf in (0, 700, 1500, 2900):
        for field in range(2):
            size = 4 ** (6 - int(packed.leaves[field, leaf]))
            part = slice(starts[field, leaf], starts[field, leaf] + size)
            assert back[field, part].mean() == pytest.approx(packed.values[field, leaf], abs=2e-3)
            assert x[field, part].mean() == pytest.approx(packed.values[field, leaf], abs=2e-3)


def test_small_cells_are_where_the_field_is_hard_to_tell(week):
    """Rain falls in few places: there the leaves are."""
    ds, times = week
    x = ds["tp"].values[-1:].astype(np.float32)
    model = load_model("general-adaptive-64x")
    packed = model.compress_fields(x, variable="tp", times=times[-1:], instant=False)
    small = packed.leaves[0] >= 4
    assert small.any() and (packed.leaves[0] <= 2).any()
    wet = packed.values[0]
    assert wet[small].mean() > 3 * wet[packed.leaves[0] <= 2].mean()


def test_fields_are_worked_on_one_by_one(week):
    ds, times = week
    x = ds["t2m"].values[-2:].astype(np.float32)
    model = load_model("general-adaptive-64x")
    both = model.compress_fields(x, variable="t2m", times=times, instant=True)
    one = model.compress_fields(x[1:], variable="t2m", times=times[1:], instant=True)
    assert (both.leaves[1] == one.leaves[0]).mean() > 0.98
    assert restrict(x, 6).shape == (2, 12)


def test_a_field_too_coarse_is_refused():
    model = load_model("general-adaptive-4x")
    with pytest.raises(UserError, match="zoom 3 was found, zoom 4 or finer"):
        model.compress_fields(np.zeros((1, 768), np.float32), variable="t2m")
