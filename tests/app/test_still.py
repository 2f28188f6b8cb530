"""The PNG that stands in for a map."""

import io

import numpy as np
import pytest
from PIL import Image

from app.colours import palette
from app.still import still

NO_LINES = (np.empty(0), np.empty(0))
GREY = [f"#{v:02x}{v:02x}{v:02x}" for v in range(256)]


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA")).astype(int)


def test_values_become_colours_north_up():
    image = np.linspace(0, 1, 40 * 30, dtype=np.float32).reshape(30, 40)
    shown = pixels(still(image, GREY, 0.0, 1.0, NO_LINES))
    assert shown.shape == (30, 40, 4) and (shown[..., 3] == 255).all()
    assert np.abs(shown[::-1, :, 0] - 255 * image).max() <= 3
    assert shown[0].mean() > shown[-1].mean(), "the first row of the picture is the south"


def test_what_is_beyond_the_range_takes_its_ends():
    shown = pixels(still(np.array([[-9.0, 9.0]]), GREY, 0.0, 1.0, NO_LINES))
    assert shown[0, 0, 0] == 0 and shown[0, 1, 0] >= 252


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_missing_is_transparent(bad):
    shown = pixels(still(np.array([[0.5, bad]]), GREY, 0.0, 1.0, NO_LINES))
    assert shown[0, 0, 3] == 255 and shown[0, 1, 3] == 0


def test_lines_are_closed_and_broken_at_gaps():
    image = np.full((20, 60), 0.5)
    lines = (np.array([5.0, 25.0, np.nan, 40.0, 40.0, 70.0]), np.array([5.0, 5.0, np.nan, 2.0, 15.0, 15.0]))
    dark = pixels(still(image, GREY, 0.0, 1.0, lines))[::-1, :, 0] < 60
    assert dark[5, 5:25].all() and not dark[:, 26:40].any()
    assert dark[2:15, 40].all() and dark[15, 40:].all()


def test_a_palette_of_the_page_is_kept():
    colours = palette("thermal")
    shown = pixels(still(np.array([[0.0, 1.0]]), colours, 0.0, 1.0, NO_LINES))
    for pixel, colour in zip(shown[0], (colours[0], colours[-1]), strict=True):
        assert np.abs(pixel[:3] - [int(colour[i : i + 2], 16) for i in (1, 3, 5)]).max() <= 2
