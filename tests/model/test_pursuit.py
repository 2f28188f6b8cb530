"""Few of many patterns that tell a field."""

import numpy as np
import pytest
import torch

from fsae_core.model.pursuit import pursue


class Matrix:
    """Patterns as the rows of a matrix."""

    def __init__(self, rows):
        self.rows = rows

    def together(self, amounts):
        return amounts @ self.rows

    def along(self, fields):
        return fields @ self.rows.T


def some_patterns(seed: int, n: int = 160, cells: int = 120):
    rows = torch.from_numpy(np.random.default_rng(seed).standard_normal((n, cells)).astype(np.float32))
    return Matrix(rows / rows.norm(dim=1, keepdim=True))


def count(chosen):
    return chosen.sum(1).float()


@pytest.mark.parametrize("seed", range(4))
def test_fields_made_of_few_patterns_are_told_by_these(seed):
    patterns, rng = some_patterns(seed), np.random.default_rng(seed)
    true = torch.zeros(5, 160)
    for field in true:
        field[rng.permutation(160)[:8]] = torch.from_numpy(1 + rng.random(8).astype(np.float32))
    got = pursue(patterns, patterns.together(true), count, 12)
    torch.testing.assert_close(got, true, atol=2e-3, rtol=0)


def test_where_patterns_are_at_right_angles_the_largest_are_kept():
    patterns = Matrix(torch.eye(40))
    fields = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 40)).astype(np.float32))
    got = pursue(patterns, fields, count, 11)
    largest = fields.abs().topk(11, dim=1).indices
    torch.testing.assert_close(got, torch.zeros_like(fields).scatter(1, largest, fields.gather(1, largest)))


def test_amounts_are_the_best_for_what_is_chosen():
    patterns = some_patterns(7)
    fields = torch.from_numpy(np.random.default_rng(1).standard_normal((2, 120)).astype(np.float32))
    got = pursue(patterns, fields, count, 20)
    for field, amounts in zip(fields, got, strict=True):
        kept = amounts != 0
        best = torch.linalg.lstsq(patterns.rows[kept].T, field[:, None]).solution[:, 0]
        torch.testing.assert_close(amounts[kept], best, atol=2e-3, rtol=0)


def test_it_beats_the_largest_projections():
    """Patterns lie along each other, so one that looks large may only say again what another said."""
    patterns = some_patterns(3)
    fields = torch.from_numpy(np.random.default_rng(2).standard_normal((20, 120)).astype(np.float32))
    got = pursue(patterns, fields, count, 30)
    seen = patterns.along(fields).abs().topk(30, dim=1).indices
    left = 0.0
    for field, kept in zip(fields, seen, strict=True):
        rows = patterns.rows[kept]
        left += float(
            (field - rows.T @ torch.linalg.lstsq(rows.T, field[:, None]).solution[:, 0]).square().sum()
        )
    assert float((fields - patterns.together(got)).square().sum()) < 0.7 * left


def test_what_it_costs_keeps_within_the_room():
    def dear(chosen):
        return chosen.sum(1) + 3.0 * chosen[:, 80:].sum(1) + 2

    patterns = some_patterns(5)
    fields = torch.from_numpy(np.random.default_rng(3).standard_normal((6, 120)).astype(np.float32))
    got = pursue(patterns, fields, dear, 25)
    assert (dear(got != 0) <= 25).all() and (dear(got != 0) > 15).all()


def test_where_there_is_no_room_nothing_is_told():
    got = pursue(some_patterns(1), torch.ones(2, 120), lambda chosen: chosen.sum(1) + 5.0, 4)
    assert not got.any()


def test_nothing_is_told_of_nothing():
    got = pursue(some_patterns(1), torch.zeros(2, 120), count, 10)
    assert not got.any() and torch.isfinite(got).all()
