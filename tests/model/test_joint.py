"""Several variables in one model: what they tell of each other, winds on a sphere that turns, absent ones."""

import numpy as np
import pytest
import torch
from joint_samples import NAMES, windy_archive, windy_weights

from fsae_core.errors import UserError
from fsae_core.model import joint_linear
from fsae_core.model.checkpoint import load_model
from fsae_core.model.joint_network import JointNetwork, JointNetworkConfig
from fsae_core.model.joint_scale import mean_of_square
from fsae_core.sphere.healpix import n_cells, rotation_table
from fsae_core.sphere.pyramid import restrict

FEW = slice(560, 608)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load_model(windy_weights(tmp_path_factory.mktemp("weights")), device="cpu", ratio=16)


@pytest.fixture(scope="module")
def fields():
    ds = windy_archive().isel(time=FEW)
    return {name: ds[name].values for name in NAMES}, ds["time"].values


def rmse(a, b):
    return float(np.sqrt(np.mean((np.asarray(a, float) - b) ** 2)))


def through(model, fields, times):
    return model.decompress_joint(model.compress_joint(fields, times=times), times=times)


def test_together_they_are_better_than_alone_for_as_many_numbers(model, fields):
    x, times = fields
    packed = model.compress_joint(x, times=times)
    assert {name: part.values.shape for name, part in packed.items()} == {n: (48, 48) for n in NAMES}
    joint = model.decompress_joint(packed, times=times)
    for name in NAMES:
        one = model.compress_fields(x[name], variable=name, times=times)
        assert one.values.shape == (48, 48)
        alone = model.decompress_fields(one, variable=name, times=times)
        assert rmse(joint[name], x[name]) < (0.9 if name != "t2m" else 1.0) * rmse(alone, x[name])


def test_the_compressed_state_is_a_coarse_field_of_each_variable(model, fields):
    x, times = fields
    packed = model.compress_joint(x, times=times)
    own = restrict(model.anomalies(x, times), 2)
    for i, name in enumerate(NAMES):
        assert np.corrcoef(packed[name].values.ravel(), own[:, i].ravel())[0, 1] > 0.4


@pytest.mark.parametrize(("absent", "harm"), [("v10", 1.1), ("pr", 1.1), ("msl", 1.2)])
def test_an_absent_variable_is_guessed_and_harms_the_others_little(model, fields, absent, harm):
    """Pressure harms most: in this archive it rules three of the others."""
    x, times = fields
    joint = through(model, x, times)
    left = {name: value for name, value in x.items() if name != absent}
    masked = model.masked(left, times=times)
    for name in left:
        assert rmse(masked[name], x[name]) < harm * rmse(joint[name], x[name])
    assert rmse(masked[absent], x[absent]) < 0.8 * x[absent].std()
    fewer = model.compress_joint(left, times=times)
    assert set(fewer) == set(left)
    assert set(model.decompress_joint(fewer, times=times)) == set(NAMES)


def test_pressure_gets_more_of_the_room_that_an_absent_wind_leaves(model, fields, monkeypatch):
    """Winds tell of it: without one of them it would lose most."""
    x, times = fields
    left = {name: value for name, value in x.items() if name != "u10"}

    def errors():
        for maps in model.maps.values():
            maps._maps.clear()
        masked = model.masked(left, times=times)
        return {name: rmse(masked[name], x[name]) for name in left}

    emphasised = errors()
    monkeypatch.setattr(joint_linear, "_LEFT_ALONE", 1.0)
    equal = errors()
    monkeypatch.undo()
    errors()
    assert emphasised["msl"] < 0.99 * equal["msl"]
    assert all(emphasised[name] < 1.05 * equal[name] for name in left)


def test_rain_is_never_negative_and_its_mean_is_kept(model, fields):
    x, times = fields
    rain = through(model, x, times)["pr"]
    assert rain.min() >= 0
    assert rain.mean() == pytest.approx(x["pr"].mean(), rel=0.05)


def test_the_mean_of_a_square_is_that_of_many_draws():
    draws = np.random.default_rng(0).normal(size=200_000)
    for y, left in ((-0.5, 0.3), (0.1, 0.2), (2.0, 0.5)):
        expected = np.square(np.maximum(y + np.sqrt(left) * draws, 0)).mean()
        found = mean_of_square(np.float32([[y]]), np.float32([left]))
        assert found[0, 0] == pytest.approx(expected, rel=0.02)


def test_what_does_not_fit_is_refused(model, fields):
    x, times = fields
    with pytest.raises(UserError, match="not z500"):
        model.compress_joint({"z500": x["msl"]}, times=times)
    with pytest.raises(UserError, match="need the times"):
        model.compress_joint(x)
    with pytest.raises(UserError, match="expected one shape"):
        model.compress_joint({"t2m": x["t2m"], "msl": x["msl"][:3]}, times=times)
    with pytest.raises(UserError, match="zoom 2 was found"):
        model.compress_joint({"t2m": restrict(x["t2m"])}, times=times)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return JointNetwork(JointNetworkConfig(NAMES, conditions=4, surface_zoom=4, surface_channels=0)).eval()


def run(network, x, there=None, surface=None):
    there = torch.ones(len(NAMES), dtype=torch.bool) if there is None else there
    surface = torch.zeros(x.shape[-1], 9) if surface is None else surface
    tokens = n_cells(max(0, int(np.log2(x.shape[-1] / 12) / 2) - 3))
    with torch.no_grad():
        return network(x, there, torch.zeros(len(x), tokens, 4), surface)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_the_network_turns_with_the_sphere(network, turns):
    """Winds have the same components towards east and north after a turn about the axis, in other cells."""
    x, surface = torch.randn(2, 5, n_cells(4)), torch.randn(n_cells(4), 9)
    table = torch.from_numpy(rotation_table(4, turns).copy())
    turned = run(network, x[..., table], surface=surface[table])
    assert torch.allclose(turned, run(network, x, surface=surface)[..., table], atol=1e-5)


def test_a_halo_has_its_wind_in_the_frame_of_the_token(network):
    """A uniform stream across the pole is the same in a token beside the pole and in the halo that reaches
    over to the next faces, up to the curvature; without the turn its direction would jump by a quarter."""
    from fsae_core.sphere.healpix import cell_vectors
    from fsae_core.sphere.tangent import east_north, rotate_wind

    zoom = 6
    flow = np.cross([1.0, 0.0, 0.0], cell_vectors(zoom))
    east, north = east_north(zoom)
    one, two = rotate_wind((flow * east).sum(-1), (flow * north).sum(-1))
    x = torch.zeros(1, 5, n_cells(zoom))
    x[0, 1], x[0, 2] = torch.from_numpy(one), torch.from_numpy(two)
    polar = 4**3 - 1  # the token of face 0 at the north pole
    token = network.tokens(x, 3)[0, :, polar]
    own, halo = token[:, :64], token[:, 64:]
    for v in (1, 2):
        assert halo[v].min() > own[v].min() - 0.1 and halo[v].max() < own[v].max() + 0.1


def test_the_network_sees_whether_a_variable_is_there(network):
    x = torch.randn(1, 5, n_cells(3))
    there = torch.tensor([True, True, True, False, True])
    assert not torch.allclose(run(network, x, there), run(network, x))


def test_every_parameter_gets_a_gradient():
    torch.manual_seed(0)
    network = JointNetwork(JointNetworkConfig(NAMES, conditions=4, surface_zoom=2))
    x = torch.randn(2, 5, n_cells(4))
    there = torch.tensor([True, False, True, True, True])
    y = network(x, there, torch.randn(2, 48, 4), torch.randn(n_cells(4), 9))
    (y - torch.randn_like(y)).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
