"""Rows of figures that can be clicked."""

from app.listing import Listing, line


def test_a_row_of_a_listing_says_only_what_it_has():
    assert line(["x"]) == {"cells": ["x"], "keys": []}
    assert line(["x"], [("k", "Go", "Go there", None)], best=[1])["best"] == [1]
    assert Listing(asked="3|fs-ae;x|y").key == "fs-ae;x|y"
