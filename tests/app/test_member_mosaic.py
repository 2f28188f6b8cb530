"""Many small maps: they keep one size, whenever the browser says how large their frame is."""

import numpy as np
import pytest

from app import member_mosaic
from app.bridge import Bridge
from app.map_set import MapSet
from app.member_mosaic import MemberMosaic
from app.projection import Projection
from app.sphere_view import Field
from app.state import FULL_WINDOW


@pytest.mark.parametrize("shape", [2.1, 2.25, 2.6, 0.8])
def test_tiles_drawn_before_the_frame_is_known_fit_those_drawn_after(monkeypatch, shape):
    size = {"inner_width": 0, "inner_height": 0}
    monkeypatch.setattr(member_mosaic, "inner", lambda figure, name: size[name])
    bridge = Bridge({})
    mosaic = MemberMosaic(bridge, MapSet(bridge, Projection("plate-carree"), FULL_WINDOW), lambda place: None)
    fields = [Field(np.random.default_rng(i).normal(size=768)) for i in range(17)]
    names = [str(i) for i in range(17)]
    assert mosaic.figure is not None
    mosaic.begin(17)
    mosaic.show(fields[:5], names[:5], afresh=False)
    mosaic.choose(0)
    size.update(inner_width=1000, inner_height=round(1000 / shape))
    mosaic._resized("inner_width", None, 1000)
    mosaic.show(fields, names, afresh=False)
    data = mosaic.tiles.data
    assert len(data["dw"]) == 17
    assert np.ptp(data["dw"]) < 1e-9 and np.ptp(data["dh"]) < 1e-9
    assert mosaic.frame.data["w"] == [data["dw"][0]]
    steps = np.diff(np.unique(np.round(data["x"], 9)))
    assert np.ptp(steps) < 1e-6 and steps.min() >= max(data["dw"]), "no tile covers another"
