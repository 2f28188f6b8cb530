"""What is computed under a view is what the whole sphere has there, and nothing else is read."""

import numpy as np
import pytest
import torch

from fsae_core.archive.reader import open_archive
from fsae_core.errors import UserError
from fsae_core.model.autoencoder import AutoencoderConfig, Conditions, FieldSpaceAutoencoder
from fsae_core.model.checkpoint import load_model
from fsae_core.model.compression import surface_tensor
from fsae_core.model.conditioning import solar_features
from fsae_core.model.part import PartProlongation
from fsae_core.model.region import RegionDecoder
from fsae_core.sphere.box import box_cells, check_box
from fsae_core.sphere.healpix import cell_centres, n_cells, ring_table
from fsae_core.sphere.pyramid import prolong, restrict

CPU = torch.device("cpu")
BOXES = {
    "alps": (0.0, 40.0, 30.0, 60.0),
    "north pole": (-180.0, 75.0, 180.0, 90.0),
    "south pole": (10.0, -90.0, 60.0, -80.0),
    "dateline": (170.0, -10.0, -165.0, 15.0),
    "face corner": (40.0, 36.0, 50.0, 46.0),  # three faces meet at 45 degrees east, 41.8 north
    "point": (10.0, 10.0, 10.01, 10.01),
}


def network(levels: int, blocks: int = 2) -> FieldSpaceAutoencoder:
    """Random parameters, large enough for every path to matter."""
    torch.manual_seed(levels)
    config = AutoencoderConfig(
        levels=levels,
        width=24,
        hidden=32,
        attention=16,
        exchange=4,
        bases=4,
        surface_zoom=4,
        decoder_blocks=blocks,
    )
    made = FieldSpaceAutoencoder(config).eval().requires_grad_(False)
    for parameter in made.parameters():
        if parameter.ndim < 3:
            parameter += 0.15 * torch.randn_like(parameter)
    return made


@pytest.mark.parametrize("blocks", [1, 2, 3])
@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_a_region_is_what_the_whole_sphere_has_there(levels, blocks):
    zoom = 5
    made = network(levels, blocks)
    b = torch.randn(2, n_cells(zoom - levels))
    solar = torch.from_numpy(solar_features(["2020-03-20T06", "2020-03-21T15"], made.token_zoom(zoom)))
    surface = surface_tensor(zoom, "cpu")
    whole = made.decode(b, Conditions(surface, solar))
    dark = made.decode(b, Conditions(surface))
    assert (whole - made.decompression(b)).abs().max() > 0.1 and (whole - dark).abs().max() > 1e-3
    decoder = RegionDecoder(made, zoom, CPU)
    for box in BOXES.values():
        cells = box_cells(box, zoom)
        plan = decoder.plan(cells)
        # What the plan says is not needed is not there at all.
        sparse = torch.full_like(b, torch.nan)
        sparse[:, plan.needs] = b[:, plan.needs]
        torch.testing.assert_close(decoder.decode(sparse, plan, solar), whole[:, cells], atol=1e-4, rtol=0)
        torch.testing.assert_close(decoder.decode(sparse, plan), dark[:, cells], atol=1e-4, rtol=0)


@pytest.mark.parametrize(("zoom", "share"), [(6, 3), (7, 6)])
def test_a_view_of_a_fine_field_needs_a_part_of_the_tokens(zoom, share):
    made = network(1)
    decoder = RegionDecoder(made, zoom, CPU)
    plan = decoder.plan(box_cells((5.0, 5.0, 20.0, 15.0), zoom))
    tokens = n_cells(made.token_zoom(zoom))
    read, later = (len(layer.tokens) for layer in plan.layers)
    assert read <= tokens / share and later < tokens / 20
    assert len(plan.needs) < n_cells(zoom - 1) / 2


def test_moving_the_view_keeps_what_the_surface_gave(monkeypatch):
    decoder = RegionDecoder(network(2), 6, CPU)
    decoder.plan(box_cells((0.0, 40.0, 20.0, 55.0), 6))
    surface = decoder._surface
    windows = set(surface._kept)

    def never(windows):
        raise AssertionError(f"windows {windows} were computed again")

    monkeypatch.setattr(surface, "_compute", never)
    plan = decoder.plan(box_cells((1.0, 41.0, 21.0, 56.0), 6))
    assert set(surface._kept) == windows
    assert decoder.plan(plan.cells[::-1]) is plan


def test_kept_surface_is_bounded(monkeypatch):
    from fsae_core.model import surface_windows

    monkeypatch.setattr(surface_windows, "_BYTES", 1)
    made = network(1)
    decoder = RegionDecoder(made, 5, CPU)
    b = torch.randn(1, n_cells(4))
    whole = made.decode(b, Conditions(surface_tensor(5, "cpu")))
    for box in BOXES.values():
        cells = box_cells(box, 5)
        plan = decoder.plan(cells)
        windows = len(plan.layers[0].tokens) // decoder.window
        assert len(decoder._surface._kept) <= windows
        torch.testing.assert_close(decoder.decode(b, plan), whole[:, cells], atol=1e-4, rtol=0)


@pytest.mark.parametrize("levels", [1, 2])
def test_prolongation_of_a_part(levels):
    x = torch.randn(3, n_cells(3), dtype=torch.float64)
    whole = prolong(x, levels).unflatten(-1, (-1, 4**levels))
    corners = np.flatnonzero((ring_table(3) < 0).any(1))
    for cells in (corners, np.arange(0, n_cells(3), 5), np.array([7])):
        part = PartProlongation(3, cells, levels, CPU)
        assert set(cells) <= set(part.needs)
        torch.testing.assert_close(part(x), whole[:, cells])


def test_boxes():
    lon, _ = cell_centres(5)
    across = box_cells((170.0, -10.0, -165.0, 15.0), 5)
    assert ((lon[across] >= 170) | (lon[across] <= -165)).all() and (np.diff(across) > 0).all()
    assert np.array_equal(box_cells((190.0, 0.0, 200.0, 9.0), 5), box_cells((-170.0, 0.0, -160.0, 9.0), 5))
    assert len(box_cells((-180.0, -90.0, 180.0, 90.0), 5)) == n_cells(5)
    assert len(box_cells((0.0, -90.0, 360.0, 90.0), 5)) == n_cells(5)
    (one,) = box_cells((10.0, 10.0, 10.01, 10.01), 3)
    assert abs(cell_centres(3)[0][one] - 10) < 5 and abs(cell_centres(3)[1][one] - 10) < 5
    assert check_box((350.0, 0.0, 10.0, 5.0)) == (20.0, 5.0)


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ((0, 50, 10, 40), "south below north"),
        ((0, 40, 10, 40), "south below north"),
        ((30, 0, 10, 20), "west before east"),
        ((10, 0, 10, 20), "west before east"),
        ((0, -100, 10, 20), "not on the globe"),
        ((0, 0, 400, 20), "not on the globe"),
        ((0, 0, float("nan"), 20), "four numbers"),
    ],
)
def test_boxes_that_are_none(box, said):
    with pytest.raises(UserError, match=said):
        check_box(box)


@pytest.mark.parametrize(("ratio", "zoom"), [(4, 5), (16, 5), (16, 4), (64, 5)])
@pytest.mark.parametrize("of_fine_run", [False, True])
def test_the_archives_own_weights_refine_and_keep_means(ratio, zoom, of_fine_run):
    model = load_model(f"amip-{ratio}x", device="cpu")
    ds = open_archive("amip-hr").isel(time=slice(0, 9, 4))
    truth, times = ds["t2m"].values, ds["time"].values
    levels = model.levels - (5 - zoom)
    low = restrict(truth, model.levels)
    fine = model.refine(low, times, zoom, of_fine_run=of_fine_run)
    np.testing.assert_allclose(restrict(fine, levels), low, atol=2e-4)
    truth = restrict(truth, 5 - zoom)
    assert np.square(fine - truth).mean() < 0.6 * np.square(prolong(low, levels) - truth).mean()
    cells = box_cells(BOXES["face corner"], zoom)
    part = model.refine(low, times, zoom, of_fine_run=of_fine_run, cells=cells)
    np.testing.assert_allclose(part, fine[:, cells], atol=1e-4)


def test_weights_that_refine_between_other_zooms_say_so():
    model = load_model("amip-4x", device="cpu")
    times = np.array(["2008-01-01"], "datetime64[ns]")
    with pytest.raises(UserError, match="refine zoom 4 to 5"):
        model.refine(np.zeros((1, n_cells(3)), np.float32), times, 5)
    with pytest.raises(UserError, match="need the times"):
        model.refine(np.zeros((1, n_cells(4)), np.float32), None, 5)
