"""Ensembles of Compressed Field Diffusion against simulated years that nothing was fitted on.

Coarse class: t2m 2007-2013 (zoom 4, from the shared training data), days and means of the months' frames;
fine class: 2008 (zoom 5, shipped). All fields are anomalies from the weights' climatology, in K.
"""

import time

import numpy as np
import pytest

from fsae_core.archive.reader import open_archive
from fsae_core.diffusion.emulator import load_emulator
from fsae_core.diffusion.ensembles import EnsembleRequest, frame_times, iter_members, sample_ensemble
from fsae_core.evaluate import ensemble as scores_of
from fsae_core.model.checkpoint import load_model
from fsae_core.model.climate import climate_at
from fsae_core.sphere.pyramid import prolong

pytestmark = [pytest.mark.bench]
MEMBERS = 4
WEIGHTS = "diffusion-amip-16x"


def coarse_years(folder, first, last):
    parts = [
        open_archive(folder / "amip" / f"amip_T31_{y}.nc", variables="t2m", zoom=4)
        for y in range(first, last + 1)
    ]
    times = np.concatenate([p["time"].values for p in parts])
    values = np.concatenate([p["t2m"].transpose("time", "cell").values for p in parts])
    return anomalies(values, times, 4), times


def anomalies(values, times, zoom):
    model = load_model({4: "amip-4x", 5: "amip-16x"}[zoom], device="cpu")
    return (values - model.climatologies[zoom].mean_at(times)).astype(np.float32)


def reconstructed(x, times, zoom):
    model = load_model({4: "amip-4x", 5: "amip-16x"}[zoom], device="cpu")
    raw = x + model.climatologies[zoom].mean_at(times)
    packed = model.compress_fields(raw, variable="t2m", times=times)
    return model.decompress_fields(packed, variable="t2m", times=times) - model.climatologies[zoom].mean_at(
        times
    )


def draws(months, fine, members=MEMBERS, seed=1, weights=WEIGHTS, **request):
    """Anomalies (member, time, cell) of every frame of these months."""
    emulator = load_emulator(weights, "cpu")
    zoom = 5 if fine else 4
    months_out = []
    for month in months:
        times = frame_times(str(month), None)
        wanted = EnsembleRequest(str(month), days=len(times), fine=fine, seed=seed, **request)
        drawn = [values for _, values in iter_members(wanted, range(members), emulator)]
        months_out.append(
            anomalies(np.stack(drawn).reshape(-1, drawn[0].shape[-1]), np.tile(times, members), zoom)
        )
        months_out[-1] = months_out[-1].reshape(members, len(times), -1)
    return np.concatenate(months_out, axis=1)


def by_month(x, times):
    """Means over the frames of each month, time on axis -2."""
    months, first = np.unique(times.astype("datetime64[M]"), return_index=True)
    counts = np.diff(np.append(first, len(times)))
    return np.add.reduceat(x, first, axis=-2) / counts[:, None], months


def rows(train, train_times, truth, times, drawn, where, label):
    """Scores of the emulator, climatology and pattern scaling, and of the truth's reconstruction."""
    chosen = scores_of.climatology_members(train_times, times, MEMBERS)
    climatology = train[chosen]
    slope_then = scores_of.pattern_scaling(train, train_times, train_times)
    slope_now = scores_of.pattern_scaling(train, train_times, times)
    scaled = np.stack([climatology[m] - slope_then[chosen[m]] + slope_now for m in range(MEMBERS)])
    table = {}
    for name, members in (("emulator", drawn), ("climatology", climatology), ("pattern scaling", scaled)):
        found = scores_of.crps(members, truth)
        table[name] = {
            "crps": found.mean(),
            "crps_where": found[:, where].mean(),
            "spread_skill": scores_of.spread_skill(members, truth),
        }
    for name, row in table.items():
        print(
            f"{label} {name}: CRPS {row['crps']:.4f} ({row['crps'] / table['climatology']['crps']:.4f} of "
            f"climatology; where informed {row['crps_where'] / table['climatology']['crps_where']:.4f}), "
            f"spread/skill {row['spread_skill']:.3f}"
        )
    return table


def informed(train, train_times):
    """Cells where season and conditions explain a tenth of the variance of training months or more."""
    from fsae_core.model.climate import response_features

    x, months = by_month(train, train_times)
    middle = months.astype("datetime64[D]") + 15
    f = response_features(climate_at(middle))
    maps = np.linalg.solve(f.T @ f + np.diag(np.tile([10.0, 100.0, 100.0], 3)), f.T @ x)
    return (f @ maps).var(axis=0) >= 0.1 * x.var(axis=0)


@pytest.fixture(scope="module")
def coarse(shared_data):
    train, train_times = coarse_years(shared_data, 1979, 2004)
    truth, times = coarse_years(shared_data, 2007, 2013)
    months = np.unique(times.astype("datetime64[M]"))
    assert np.array_equal(np.concatenate([frame_times(str(m), None) for m in months]), times)
    started = time.process_time()
    drawn = draws(months, fine=False)
    print(f"{MEMBERS} members of {len(months)} months: {time.process_time() - started:.0f} CPU-s")
    return train, train_times, truth, times, drawn


def test_days_and_months_of_the_coarse_class(coarse):
    train, train_times, truth, times, drawn = coarse
    where = informed(train, train_times)
    print(f"informed area: {where.mean():.3f}")
    days = rows(train, train_times, truth, times, drawn, where, "days")
    recon = reconstructed(truth, times, 4)
    print(f"days truth's reconstruction: mean absolute error {np.abs(recon - truth).mean():.4f}")
    (mt, months), (mtr, mtrain) = by_month(truth, times), by_month(train, train_times)
    md, _ = by_month(drawn, times)
    middle, train_middle = months.astype("datetime64[D]") + 15, mtrain.astype("datetime64[D]") + 15
    monthly = rows(mtr, train_middle, mt, middle, md, where, "months")
    one = np.searchsorted(times, months.astype(times.dtype))
    first = np.searchsorted(train_times, mtrain.astype(times.dtype))
    climatology = scores_of.climatology_members(train_middle, middle, MEMBERS, window_days=10.0)
    for name, e, t, before in (
        ("days, one a month", drawn[:, one], truth[one], train[first]),
        ("months", md, mt, mtr),
        ("months, climatology", mtr[climatology], mt, mtr),
    ):
        counts = scores_of.rank_counts(e, t, bins=5)
        free = scores_of.effective_share(before, 24)
        print(
            f"{name}: rank histogram flat at {scores_of.flat_share(counts, free):.3f} of the area, "
            f"{scores_of.flat_share(counts):.3f} if months were independent; {counts.mean(0).round(2)}"
        )
    for name, e, t, r in (("days", drawn, truth, recon), ("months", md, mt, by_month(recon, times)[0])):
        print(f"{name}: power by zoom over reconstruction's", rounded(scores_of.power_ratio(e, r)))
        print(f"{name}: quantile maps' RMSE", rounded(scores_of.quantile_error(e, t)))
        noise = scores_of.quantile_error(train[::7] if name == "days" else mtr, t)
        print(f"{name}: quantile maps' RMSE of training years", rounded(noise))
        v, w = e.reshape(-1, e.shape[-1]).var(axis=0), t.var(axis=0)
        print(
            f"{name}: variance map correlation {np.corrcoef(v, w)[0, 1]:.3f}, "
            f"mean ratio {v.mean() / w.mean():.3f}"
        )
    assert 0.9 <= days["emulator"]["spread_skill"] <= 1.1
    assert 0.9 <= monthly["emulator"]["spread_skill"] <= 1.1
    for table in (days, monthly):
        assert table["emulator"]["crps"] < table["climatology"]["crps"]
        assert table["emulator"]["crps"] < 1.005 * table["pattern scaling"]["crps"]
        assert table["emulator"]["crps_where"] < 0.95 * table["climatology"]["crps_where"]


def rounded(table):
    return {k: round(v, 3) for k, v in table.items()}


def test_patterns_of_the_coarse_class(coarse):
    train, train_times, truth, times, drawn = coarse
    mt, months = by_month(truth, times)
    md, _ = by_month(drawn, times)
    mtr, _ = by_month(train, train_times)
    winter = np.isin(months.astype(int) % 12, (11, 0, 1))
    trained = np.unique(train_times.astype("datetime64[M]")).astype(int) % 12
    cases = {
        "AO-like": (
            md[:, winter].reshape(-1, md.shape[-1]),
            mt[winter],
            mtr[np.isin(trained, (11, 0, 1))],
            20.0,
        ),
        "global": (md.reshape(-1, md.shape[-1]), mt, mtr, None),
    }
    for name, (e, t, before, north) in cases.items():
        own, share = scores_of.eof_patterns(e, 3, north)
        for label, other in (("truth", t), ("training", before)):
            sought, sought_share = scores_of.eof_patterns(other, 3, north)
            alike = abs(own[:1] @ sought.T).round(2)
            print(f"{name} first EOF against {label}: {alike}, share {share[0]:.3f} / {sought_share[0]:.3f}")
    index = climate_at(months.astype("datetime64[D]") + 15).values[:, 2]
    train_index = climate_at(
        np.unique(train_times.astype("datetime64[M]")).astype("datetime64[D]") + 15
    ).values[:, 2]
    own = scores_of.teleconnection(md.mean(axis=0), index)
    before = scores_of.teleconnection(mtr, train_index)
    alike = np.corrcoef(own, before)[0, 1], np.corrcoef(own, scores_of.teleconnection(mt, index))[0, 1]
    print(f"Nino 3.4 teleconnection map: correlation with training {alike[0]:.3f}, with truth {alike[1]:.3f}")
    area = mt.mean(axis=-1), md.mean(axis=-1)
    print(
        f"area mean of months: std of truth {area[0].std():.3f}, "
        f"members about their mean {area[1].std(0).mean():.3f}"
    )
    _, first = np.unique(times.astype("datetime64[M]"), return_index=True)
    lags = (1, 2, 3, 5, 8)

    def windows(x):
        """The first nine frames of each month, (..., month, 9, cell)."""
        return np.stack([x[..., k : k + 9, :] for k in first], axis=-3)

    def auto(x):
        return [round(float((x[..., k:, :] * x[..., :-k, :]).mean() / np.square(x).mean()), 3) for k in lags]

    def spectrum(x):
        return (np.abs(np.fft.rfft(x - x.mean(axis=-2, keepdims=True), axis=-2)) ** 2).mean(axis=(0, -1))[1:]

    own, other = windows(drawn), windows(truth)
    print(f"lags {lags} of 3 days: members {auto(own)}; truth {auto(other)}")
    ratio = spectrum(own.reshape(-1, *own.shape[-2:])) / spectrum(other)
    print(f"temporal spectrum over the truth's, periods 27, 13.5, 9, 6.75 days: {ratio.round(3)}")


def test_fine_class():
    ds = open_archive("amip-hr")
    times = ds["time"].values
    truth = anomalies(ds["t2m"].values, times, 5)
    recon = reconstructed(truth, times, 5)
    months = np.unique(times.astype("datetime64[M]"))
    drawn = draws(months, fine=True)
    ratio = scores_of.power_ratio(drawn, recon)
    print("HR 2008: power by zoom over the truth's reconstruction: emulator", rounded(ratio))
    print("   truth", rounded(scores_of.power_ratio(truth, recon)))
    coarse = draws(months, fine=False)
    low = scores_of.power_ratio(prolong(coarse, 1), recon)
    print("   coarse class of the emulator", rounded(low))
    for name, t in (("raw truth", truth), ("its reconstruction", recon)):
        print(
            f"HR 2008 days against {name}: CRPS {scores_of.crps(drawn, t).mean():.4f}, "
            f"spread/skill {scores_of.spread_skill(drawn, t):.3f}"
        )
    assert all(0.9 <= ratio[z] <= 1.1 for z in (2, 3, 4, 5)), ratio


def test_seconds_of_sixteen_members():
    sample_ensemble(1, "1991-12")
    wall, cpu = time.monotonic(), time.process_time()
    sample_ensemble(16, "1991-12")
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    print(f"16 members of a month at zoom 5: {wall:.2f} s, {cpu:.2f} CPU-s")
    assert cpu <= 10.0


def test_a_world_without_pinatubo():
    def mean(volcanoes):
        months = [f"1992-{m:02d}" for m in range(1, 13)]
        drawn = [sample_ensemble(8, m, volcanoes=volcanoes, fine=False)["t2m"].values for m in months]
        return np.mean(drawn, axis=(0, 1, 2))

    change = mean(True) - mean(False)
    print(
        f"1992 with minus without volcanoes: area mean {change.mean():.3f} K, "
        f"{np.mean(change < 0):.2f} of the area cools"
    )
    assert change.mean() < 0
