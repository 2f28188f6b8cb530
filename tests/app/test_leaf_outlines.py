"""Outlines of cells of different sizes: where they run, and on the Compare page."""

import numpy as np

from app.leaf_outlines import LeafOutlines
from app.pages.compare import ComparePage
from app.projection import Projection
from app.sphere_view import Window
from fsae_core.sphere.healpix import lookup

WORLD = Window(-180.0, 180.0, -90.0, 90.0, width=700, height=350)
TWO_SIZES = np.array([1, 1, 1, 1] + [0] * 11, np.int8)


def drawn(zooms, projection: str = "plate-carree", window: Window = WORLD):
    lines = LeafOutlines(zooms, 3).lines(Projection(projection), window)
    return lines["x"], lines["y"]


def curves(x):
    return int(np.isnan(x).sum())


def test_every_cell_has_one_outline():
    x, y = drawn(np.zeros(12, np.int8))
    assert np.isnan(x).tolist() == np.isnan(y).tolist()
    assert 12 <= curves(x) <= 36  # they are broken where they leave the map and at the poles
    finite = np.isfinite(x)
    assert abs(x[finite]).max() <= 180 and abs(y[finite]).max() <= 90
    assert (np.diff(x)[np.isfinite(np.diff(x))] < 40).all()


def test_outlines_run_between_cells():
    x, y = drawn(TWO_SIZES)
    on = np.isfinite(x) & (abs(y) < 80)
    around = [
        {int(lookup(x[i] + dx, y[i] + dy, 1)) for dx in (-0.5, 0.5) for dy in (-0.5, 0.5)}
        for i in np.flatnonzero(on)[::7]
    ]
    assert all(len(cells) > 1 for cells in around)


def test_split_cells_have_outlines_of_their_own():
    whole, split = drawn(np.zeros(12, np.int8)), drawn(TWO_SIZES)
    assert curves(split[0]) >= curves(whole[0]) + 2


def test_only_what_lies_in_the_window_is_drawn():
    far = Window(-20.0, -10.0, -45.0, -40.0, width=700, height=350)
    assert 0 < curves(drawn(TWO_SIZES, window=far)[0]) < curves(drawn(TWO_SIZES)[0]) / 3


def test_cells_too_small_to_be_seen_are_left_out_until_one_zooms_in():
    fine = np.full(768, 3, np.int8)
    tiny = Window(-180.0, 180.0, -90.0, 90.0, width=80, height=40)
    near = Window(0.0, 40.0, 0.0, 20.0, width=80, height=40)
    assert not len(drawn(fine, window=tiny)[0])
    assert curves(drawn(fine, window=near)[0]) > 5


def test_the_far_side_of_the_globe_is_not_drawn():
    x, y = drawn(TWO_SIZES, "globe")
    finite = np.isfinite(x)
    assert (np.hypot(x[finite], y[finite]) <= 90.001).all()


def test_the_page_outlines_what_has_cells_of_different_sizes(document, turns):
    page = ComparePage({"a": "fs-ae-adaptive", "b": "block-mean", "ratio": "256"}, document)
    turns.settle()
    a, b = page.gallery.a, page.gallery.b
    assert page.sidebar.cells.visible
    assert len(a.outlines.data["x"]) > 500 and not len(b.outlines.data["x"])
    page.sidebar.cells.value = "off"
    turns.settle()
    assert not len(a.outlines.data["x"]) and "cells=off" in page.bridge.query
    page.sidebar.cells.value = "on"
    turns.settle()
    assert len(a.outlines.data["x"]) > 500
    page.sidebar.a.value = "sht"
    turns.settle()
    assert not page.sidebar.cells.visible and not len(a.outlines.data["x"])
