"""Spaces and t-SNE maps: repeatable, true to the neighbours, open to new points."""

import numpy as np
import pytest
from atlas_samples import months, record
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors

from fsae_core.atlas.space import FeatureSpace
from fsae_core.atlas.tsne import MapConfig, draw_map, place_on_map


@pytest.fixture(scope="module")
def scores():
    ds = record(zoom=2, times=months("1985-01", "2005-01"), noise=1.0, warming=0.1)
    x, times = ds["t2m"].values, ds["time"].values
    return FeatureSpace.fit(x, times, 20, deseasonalise=True).scores(x, times)


@pytest.fixture(scope="module")
def places(scores):
    return draw_map(scores)


def neighbours(x, count=10):
    return NearestNeighbors(n_neighbors=count + 1).fit(x).kneighbors(x)[1][:, 1:]


def kept(places, scores):
    """Share of the ten nearest neighbours that are the same in both."""
    pairs = zip(neighbours(places), neighbours(scores), strict=True)
    return float(np.mean([len(set(a) & set(b)) for a, b in pairs])) / 10


@pytest.mark.parametrize("deseasonalise", [True, False])
@pytest.mark.parametrize("zoom", [1, 2])
def test_components_are_those_of_scikit_learn(deseasonalise, zoom):
    """With more times than numbers and with fewer."""
    from sklearn.decomposition import PCA

    times = months("1995-01", "2005-01")
    x = record(zoom=zoom, times=times)["t2m"].values
    space = FeatureSpace.fit(x, times, 6, deseasonalise=deseasonalise)
    y = space.season.departures(x, times) if deseasonalise else x
    other = PCA(6, svd_solver="full").fit(y.astype(np.float64))
    np.testing.assert_allclose(space.share, other.explained_variance_ratio_, rtol=2e-3)
    got, expected = space.scores(x, times), other.transform(y.astype(np.float64))
    np.testing.assert_allclose(np.abs(got), np.abs(expected), atol=2e-2 * np.abs(expected).max())
    np.testing.assert_allclose(space.basis.T @ space.basis, np.eye(6), atol=1e-5)


def test_spaces_travel_as_arrays(scores):
    x, times = record(zoom=1)["t2m"].values, months()
    for free in (True, False):
        space = FeatureSpace.fit(x, times, 5, deseasonalise=free)
        again = FeatureSpace.from_dict(space.to_dict())
        np.testing.assert_array_equal(again.scores(x, times), space.scores(x, times))


def test_maps_repeat_themselves(scores, places):
    np.testing.assert_array_equal(places, draw_map(scores))
    other = draw_map(scores, MapConfig(perplexity=10))
    assert np.abs(other - places).max() > 1


def test_maps_keep_neighbours_as_well_as_scikit_learns(scores, places):
    start = scores[:, :2] / scores[:, 0].std() * 1e-4
    other = TSNE(perplexity=30, init=start, random_state=0).fit_transform(scores)
    ours, theirs = kept(places, scores), kept(other, scores)
    assert ours > 0.35 and abs(ours - theirs) < 0.1
    shuffled = np.random.default_rng(0).permutation(places)
    assert kept(shuffled, scores) < 0.15


def test_known_points_land_where_they_are(scores, places):
    again = place_on_map(scores, places, scores[50:60])
    size = np.ptp(places, axis=0).max()
    assert np.hypot(*(again - places[50:60]).T).max() < 0.03 * size


def test_new_points_land_among_their_neighbours(scores):
    rng = np.random.default_rng(0)
    left_out = rng.choice(len(scores), 20, replace=False)
    rest = np.setdiff1d(np.arange(len(scores)), left_out)
    places = draw_map(scores[rest])
    new = place_on_map(scores[rest], places, scores[left_out])
    near = NearestNeighbors(n_neighbors=5).fit(scores[rest]).kneighbors(scores[left_out])[1]
    off = np.hypot(*(places[near].mean(axis=1) - new).T)
    random = np.hypot(*(places[rng.permutation(len(rest))[:20]] - new).T)
    assert np.median(off) < 0.4 * np.median(random)


def test_few_points_have_a_map_too():
    x = np.array([[0.0, 0], [1, 0], [0, 2]])
    np.testing.assert_allclose(draw_map(x), x)
    np.testing.assert_allclose(place_on_map(x, x, [[0.9, 0.1]]), [[1, 0]])
    assert draw_map(np.random.default_rng(0).standard_normal((12, 3))).shape == (12, 2)
    assert draw_map(np.arange(8.0)[:, None]).shape == (8, 2)
