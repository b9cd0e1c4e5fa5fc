"""Scores that are known: against gradients, enumeration, identities that all scores obey, and a memory."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import chisquare, kstest, norm

from smbook.diffusion import CurieWeissData, PointCloud, TwoClusters, add_noise
from smbook.hopfield import DenseMemory, random_patterns
from smbook.theory.ising import curie_weiss_finite

TIMES = [0.05, 0.4, 1.0, 3.0, 20.0]


def kinds():
    rng = np.random.default_rng(1)
    return [
        TwoClusters(rng.normal(size=6) * 1.5, deviation=0.7),
        CurieWeissData(6, 1.4),
        CurieWeissData(5, 0.0),
        PointCloud(rng.normal(size=(30, 6))),
        PointCloud(rng.normal(size=(1, 3)) + 5.0),
    ]


def places(data, t, m=7):
    """Places that noise reaches, and some that it hardly does."""
    drawn = add_noise(data.sample(m, rng=2), t, rng=3)
    drawn[-2:] *= 2.0
    return drawn


@pytest.mark.parametrize("data", kinds(), ids=repr)
@pytest.mark.parametrize("t", TIMES)
def test_a_score_is_the_gradient_of_the_logarithm_of_its_density(data, t):
    x, step = places(data, t), 1e-4 * np.sqrt(-np.expm1(-2 * t))
    slopes = np.empty_like(x)
    for i in range(data.n_dimensions):
        shift = np.zeros(data.n_dimensions)
        shift[i] = step
        far, near = (
            (data.log_density(x + k * shift, t) - data.log_density(x - k * shift, t)) / (2 * k * step)
            for k in (2, 1)
        )
        slopes[:, i] = (4 * near - far) / 3
    score = data.score(x, t)
    np.testing.assert_allclose(score, slopes, rtol=1e-6, atol=1e-6 * np.abs(score).max())


def configurations(d):
    return 1.0 - 2.0 * ((np.arange(2**d)[:, np.newaxis] >> np.arange(d)) & 1)


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.5, 6.0])
@pytest.mark.parametrize("t", TIMES)
def test_curie_weiss_data_equal_the_sum_over_all_configurations(beta, t):
    d = 6
    data, all_spins = CurieWeissData(d, beta), configurations(d)
    x, left, variance = places(data, t), np.exp(-t), -np.expm1(-2 * t)
    logs = beta * all_spins.sum(axis=1) ** 2 / (2 * d)
    exponents = logs - ((x[:, np.newaxis] - left * all_spins) ** 2).sum(axis=-1) / (2 * variance)
    whole = logsumexp(exponents, axis=1)
    mean = np.exp(exponents - whole[:, np.newaxis]) @ all_spins
    np.testing.assert_allclose(variance * data.score(x, t), left * mean - x, rtol=0, atol=1e-12)
    density = whole - logsumexp(logs) - d / 2 * np.log(2 * np.pi * variance)
    np.testing.assert_allclose(data.log_density(x, t), density, rtol=1e-12, atol=1e-11)


def test_a_large_magnet_keeps_all_digits():
    """On the line x = e^-t m (1, ..., 1) the law of M alone gives the sum over 2^d configurations."""
    d, beta, t = 1000, 1.2, 0.7
    data, left, variance = CurieWeissData(d, beta), np.exp(-t), -np.expm1(-2 * t)
    up, x = np.arange(d + 1), np.array([-0.4, 0.0, 0.03, 0.9])
    spins = 2 * up - d
    with np.errstate(divide="ignore"):
        terms = np.log(data.law) + left * x[:, np.newaxis] * spins / variance
    whole = logsumexp(terms, axis=1)
    mean = np.exp(terms - whole[:, np.newaxis]) @ spins / d
    score = data.score(np.tile(x[:, np.newaxis], d), t)
    assert np.ptp(score, axis=1).max() < 1e-12
    np.testing.assert_allclose(score[:, 0], (left * mean - x) / variance, rtol=1e-11, atol=1e-11)
    constant = -d * (x * x + left * left) / (2 * variance) - d / 2 * np.log(2 * np.pi * variance)
    np.testing.assert_allclose(
        data.log_density(np.tile(x[:, np.newaxis], d), t), whole + constant, rtol=1e-12
    )


@pytest.mark.parametrize(
    "data",
    [TwoClusters([1.3], deviation=0.4), CurieWeissData(1, 2.0), PointCloud([[0.2], [1.0], [-3.0]])],
    ids=repr,
)
@pytest.mark.parametrize("t", [0.1, 1.0, 5.0])
def test_a_score_has_no_mean_and_turns_a_coordinate_into_minus_one(data, t):
    """Integration by parts: int P ds = 1, <s> = 0 and <x s> = -1, whatever the data."""
    x = np.linspace(-12, 12, 24001)
    weight = np.exp(data.log_density(x[:, np.newaxis], t)) * (x[1] - x[0])
    score = data.score(x[:, np.newaxis], t)[:, 0]
    assert weight.sum() == pytest.approx(1, abs=1e-12)
    assert weight @ score == pytest.approx(0, abs=1e-12)
    assert weight @ (x * score) == pytest.approx(-1, abs=1e-12)


@pytest.mark.parametrize("data", kinds()[:4], ids=repr)
def test_identities_of_a_score_in_all_directions(data):
    """<s_i> = 0 and <x_i s_j> = -delta_ij: catches a score that is 3 % too large, as the last lines show."""
    m, t, d = 20000, 0.5, data.n_dimensions
    x = add_noise(data.sample(m, rng=4), t, rng=4)
    score = data.score(x, t)
    products = x[:, :, np.newaxis] * score[:, np.newaxis]
    errors = products.std(axis=0) / np.sqrt(m)
    assert (np.abs(score.mean(axis=0)) < 4.5 * score.std(axis=0) / np.sqrt(m)).all()
    assert (np.abs(products.mean(axis=0) + np.eye(d)) < 4.5 * errors).all()
    trace = (x * score).sum(axis=1)
    assert abs(trace.mean() + d) < 4 * trace.std() / np.sqrt(m)
    assert abs(1.03 * trace.mean() + d) > 4 * trace.std() / np.sqrt(m)


def test_a_score_tells_where_a_point_came_from():
    """Tweedie: <a | x> = e^t (x + Delta score), for clusters against Bayes with each cluster apart."""
    mean, s, t = np.array([1.0, -0.5, 2.0]), 0.6, 0.8
    data = TwoClusters(mean, deviation=s)
    x, left, noise = places(data, t), np.exp(-t), -np.expm1(-2 * t)
    variance = s * s * left * left + noise
    sides = np.array([[1.0], [-1.0]])[:, np.newaxis] * mean
    logs = -((x - left * sides) ** 2).sum(axis=-1) / (2 * variance)
    belongs = np.exp(logs - logsumexp(logs, axis=0))
    each = sides + s * s * left / variance * (x - left * sides)
    expected = (belongs[..., np.newaxis] * each).sum(axis=0)
    np.testing.assert_allclose((x + noise * data.score(x, t)) / left, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("data", kinds()[:4], ids=repr)
def test_no_guess_of_the_origin_is_better_than_the_one_of_the_score(data):
    """The mean error of the guess is least, so that 5 % more or less of the score is worse."""
    m, t = 20000, 0.5
    a = data.sample(m, rng=5)
    x = add_noise(a, t, rng=5)
    left, noise, score = np.exp(-t), -np.expm1(-2 * t), data.score(x, t)

    def losses(factor):
        return (((x + factor * noise * score) / left - a) ** 2).sum(axis=1)

    for factor in (0.9, 1.1):
        worse = losses(factor) - losses(1.0)
        assert worse.mean() > 4 * worse.std() / np.sqrt(m)


@pytest.mark.parametrize("t", [0.2, 0.5, 1.0, 3.0])
def test_the_score_of_a_cloud_is_a_dense_memory(t):
    patterns = random_patterns(40, 25, rng=1)
    cloud, memory = PointCloud(patterns), DenseMemory(patterns, "exponential")
    x, left, variance = places(cloud, t), np.exp(-t), -np.expm1(-2 * t)
    beta = left / variance
    recalled = memory.attend(x, beta=beta)
    np.testing.assert_allclose(variance * cloud.score(x, t), left * recalled - x, rtol=0, atol=1e-12)
    energy = memory.attention_energy(x, beta=beta)
    logs = beta * ((x * x).sum(axis=1) / 2 - energy) - ((x * x).sum(axis=1) + left**2 * 25) / (2 * variance)
    expected = logs - np.log(40) - 25 / 2 * np.log(2 * np.pi * variance)
    np.testing.assert_allclose(cloud.log_density(x, t), expected, rtol=1e-12)


def test_weights_of_a_cloud():
    points = np.random.default_rng(2).normal(size=(50, 4))
    cloud = PointCloud(points)
    x = cloud.sample(9, rng=1)
    for t in TIMES:
        weights = cloud.weights(x, t)
        exponents = -((x[:, np.newaxis] - np.exp(-t) * points) ** 2).sum(axis=-1) / (2 * -np.expm1(-2 * t))
        np.testing.assert_allclose(
            weights, np.exp(exponents - logsumexp(exponents, axis=1)[:, np.newaxis]), rtol=1e-11
        )
        np.testing.assert_allclose(cloud.participation(x, t), (weights**2).sum(axis=1), rtol=1e-14)
    np.testing.assert_allclose(cloud.weights(x, 350.0), 1 / 50, rtol=1e-12)
    assert (cloud.weights(np.exp(-1e-6) * x, 1e-6).max(axis=1) == 1).all()
    far = PointCloud(points + 1e6)
    np.testing.assert_allclose(far.weights(x + np.exp(-0.5) * 1e6, 0.5), cloud.weights(x, 0.5), rtol=1e-7)
    np.testing.assert_allclose(PointCloud(points[:1]).weights(x, 0.5), 1)


def test_how_a_magnet_parts_its_points_changes_no_bit(monkeypatch):
    data = CurieWeissData(6, 1.2)
    x = places(data, 0.5, m=50)
    whole = data.score(x, 0.5), data.log_density(x, 0.5)
    monkeypatch.setattr("smbook.diffusion.curie_weiss.UPDATES_PER_CALL", 1000)
    assert np.array_equal(data.score(x, 0.5), whole[0])
    assert np.array_equal(data.log_density(x, 0.5), whole[1])


def test_blocks_change_nothing():
    """A cloud so large that a block is sixteen places gives what each place alone gives."""
    cloud = PointCloud(np.random.default_rng(3).normal(size=(60000, 2)))
    x = np.random.default_rng(4).normal(size=(19, 2))
    one_by_one = np.concatenate([cloud.score(row[np.newaxis], 0.3) for row in x])
    np.testing.assert_allclose(cloud.score(x, 0.3), one_by_one, rtol=1e-10)


def test_a_magnet_whose_points_take_long_is_summed_node_by_node(monkeypatch):
    data = CurieWeissData(7, 1.2)
    x = places(data, 0.5)
    whole = data.score(x, 0.5), data.log_density(x, 0.5)
    monkeypatch.setattr("smbook.diffusion.curie_weiss.UPDATES_PER_CALL", 1)
    np.testing.assert_allclose(data.score(x, 0.5), whole[0], rtol=0, atol=1e-13)
    np.testing.assert_allclose(data.log_density(x, 0.5), whole[1], rtol=1e-13)


def test_a_magnet_of_a_million_spins_is_made_at_once():
    """A sum over 3,500 mean fields for each of its spins would take a minute in which no Ctrl-C is heard."""
    assert CurieWeissData(10**6, 1.5).law.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("data", "log_weight", "deviation"),
    [
        (TwoClusters([4.0, -1.0, 2.0], deviation=1e-7), -np.log(2), 1e-7),
        (CurieWeissData(3, 0.8), 1.2 - np.log(2 * np.exp(1.2) + 6 * np.exp(0.8 / 6)), 0.0),
        (PointCloud([[1.0, 7.0, -2.0], [3.0, 1.0, 1.0]]), -np.log(2), 0.0),
    ],
    ids=str,
)
@pytest.mark.parametrize("t", [1e-12, 1e-9])
def test_log_densities_keep_their_digits_where_all_is_narrow(data, log_weight, deviation, t):
    """Only the nearest of the centres counts; squares of coordinates over the variance would cancel."""
    centre = data.mean if isinstance(data, TwoClusters) else np.ones(3)
    centre = data.points[0] if isinstance(data, PointCloud) else centre
    variance = deviation**2 * np.exp(-2 * t) - np.expm1(-2 * t)
    x = np.exp(-t) * centre + np.sqrt(variance) * np.array([[0.3, -1.2, 0.7], [0.0, 2.0, -0.1]])
    apart = x - np.exp(-t) * centre
    expected = log_weight - (apart**2).sum(axis=1) / (2 * variance) - 1.5 * np.log(2 * np.pi * variance)
    np.testing.assert_allclose(data.log_density(x, t), expected, rtol=0, atol=1e-8)


def test_clusters_at_the_ends_of_all_ranges_have_a_density():
    data = TwoClusters([1e100], deviation=1e-100)
    found = data.log_density([[1e100], [-1e100], [0.0]], 0.0)
    assert found[0] == found[1] == pytest.approx(-np.log(2) + 100 * np.log(10) - np.log(2 * np.pi) / 2)
    assert found[2] == -np.inf


def test_nothing_is_said_of_numbers_that_are_too_small():
    """Weights of what is far are 0, whatever NumPy has been told to do about it."""
    with np.errstate(all="raise"):
        for data in (*kinds(), CurieWeissData(2000, 1.5)):
            x = 40 * np.ones((2, data.n_dimensions))
            assert np.isfinite(data.score(x, 1e-3)).all()
            assert np.isfinite(data.log_density(x, 1e-3)).all()
        assert PointCloud([[1.0], [-1.0]]).participation([[30.0]], 1e-3) == 1


def test_samples_of_clusters_have_their_law():
    """Kolmogorov's test along the line and across catches a deviation that is 3 % wrong."""
    mean, s, m = np.array([2.0, 0.0, -1.0]), 0.5, 40000
    points = TwoClusters(mean, deviation=s).sample(m, rng=1)
    u = points @ mean / np.linalg.norm(mean)
    across = points @ np.array([1.0, 0.0, 2.0]) / np.sqrt(5) / s

    def law(x, deviation=s):
        centre = np.linalg.norm(mean)
        return (norm.cdf((x - centre) / deviation) + norm.cdf((x + centre) / deviation)) / 2

    assert kstest(u, law).pvalue > 1e-4
    assert kstest(across, norm.cdf).pvalue > 1e-4
    assert kstest(across / 1.05, norm.cdf).pvalue < 1e-4
    assert kstest(u, lambda x: law(x, 1.1 * s)).pvalue < 1e-4


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.5])
def test_samples_of_a_magnet_have_its_law(beta):
    """Pearson's test on the magnetization, and each spin as often up as the others."""
    d, m = 12, 20000
    data = CurieWeissData(d, beta)
    spins = data.sample(m, rng=2)
    assert set(np.unique(spins)) == {-1.0, 1.0}
    counts = np.bincount(((spins.sum(axis=1) + d) / 2).astype(int), minlength=d + 1)
    assert chisquare(counts, m * data.law).pvalue > 1e-4
    assert chisquare(counts, m * CurieWeissData(d, beta + 0.08).law).pvalue < 1e-4
    assert (np.abs(spins.mean(axis=0)) < 4.5 / np.sqrt(m)).all()
    pairs = spins.T @ spins / m
    second = ((2 * np.arange(d + 1) - d) ** 2 @ data.law - d) / (d * (d - 1))
    off = pairs[~np.eye(d, dtype=bool)]
    assert np.abs(off - second).max() < 4.5 / np.sqrt(m)
    exact = curie_weiss_finite(d, beta)
    np.testing.assert_allclose(data.law, exact.probability, rtol=1e-12, atol=1e-15)


def test_samples_of_a_cloud_are_its_points():
    points = np.arange(7.0)[:, np.newaxis] * [1.0, -1.0]
    drawn = PointCloud(points).sample(7000, rng=1)
    assert (drawn[:, 0] == -drawn[:, 1]).all()
    assert chisquare(np.bincount(drawn[:, 0].astype(int), minlength=7)).pvalue > 1e-4


@pytest.mark.parametrize("data", kinds(), ids=repr)
def test_a_seed_gives_the_same_bits_and_nothing_given_changes(data):
    assert np.array_equal(data.sample(5, rng=3), data.sample(5, rng=3))
    assert not np.array_equal(data.sample(5, rng=3)[:, 0], data.sample(5, rng=4)[:, 0]) or "1 point" in repr(
        data
    )
    assert data.sample(0, rng=1).shape == (0, data.n_dimensions)
    x = places(data, 0.3)
    kept = x.copy()
    assert np.array_equal(data.score(x, 0.3), data.score(x, 0.3))
    data.log_density(x, 0.3)
    assert np.array_equal(x, kept)
    assert data.score(x[:0], 0.3).shape == (0, data.n_dimensions)
    assert data.log_density(x[:0], 0.3).shape == (0,)


def test_what_is_given_is_kept_as_it_was():
    mean, points = np.ones(3), np.ones((2, 3))
    clusters, cloud = TwoClusters(mean), PointCloud(points)
    mean[0] = points[0, 0] = 7
    assert clusters.mean.tolist() == [1, 1, 1]
    assert cloud.points.tolist() == [[1, 1, 1]] * 2
    for array in (clusters.mean, cloud.points):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_what_data_say_of_themselves():
    assert repr(TwoClusters([3.0, 4.0], deviation=0.5)) == "TwoClusters(2 dimensions, at +-5, deviation 0.5)"
    assert repr(CurieWeissData(32, 1.5)) == "CurieWeissData(32 spins, beta 1.5)"
    assert repr(PointCloud([[1.0]])) == "PointCloud(1 point, 1 dimension)"


@pytest.mark.parametrize("data", kinds(), ids=repr)
@pytest.mark.parametrize("method", ["score", "log_density"])
def test_times_and_points_out_of_range_are_refused(data, method):
    call, x = getattr(data, method), np.ones((2, data.n_dimensions))
    for t in (-1.0, -1e-300, 350.1, 1e300):
        with pytest.raises(ValueError, match=r"^t must be a time from (0|1e-12) to 350; got "):
            call(x, t)
    for t in (np.nan, np.inf):
        with pytest.raises(ValueError, match=r"^t must be finite; got "):
            call(x, t)
    for t in ("1", True, None, [1.0], 1j):
        with pytest.raises(TypeError, match=r"^t must be a real number; got "):
            call(x, t)
    d = data.n_dimensions
    for wrong in (x[0], x[:, 1:], np.ones((2, d + 1)), np.ones((1, 2, d)), np.ones((2, 0)), 1.0):
        with pytest.raises(ValueError, match=rf"^x must be rows of {d} coordinates, \(m, {d}\); got \("):
            call(wrong, 1.0)
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match=r"^x must be finite; got "):
            call(np.full((2, d), bad), 1.0)
    with pytest.raises(ValueError, match=r"^x must be at most 1e\+100 in size; got 1e\+101$"):
        call(np.full((2, d), 1e101), 1.0)
    for kind in (np.ones((2, d), bool), np.ma.ones((2, d)), [["a"] * d], x * 1j):
        with pytest.raises(TypeError, match=r"^x must hold real numbers"):
            call(kind, 1.0)


@pytest.mark.parametrize("data", kinds(), ids=repr)
def test_what_is_known_of_data_at_time_zero(data):
    """Clusters have a density at t = 0. Points and spins have none."""
    x = np.ones((2, data.n_dimensions))
    if isinstance(data, TwoClusters):
        assert np.isfinite(data.score(x, 0.0)).all()
    else:
        with pytest.raises(ValueError, match=r"^t must be a time from 1e-12 to 350; got 0.0$"):
            data.score(x, 0.0)
        assert np.isfinite(data.score(x, 1e-12)).all()
        assert np.isfinite(data.log_density(100 * x, 1e-12)).all()
    np.testing.assert_allclose(data.score(x, 350.0), -x, rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: TwoClusters([]),
            ValueError,
            r"mean must have at least one coordinate, \(d,\); got the shape \(0,\)",
        ),
        (lambda: TwoClusters([[1.0]]), ValueError, r"mean must have at least one .* got the shape \(1, 1\)"),
        (lambda: TwoClusters([np.nan]), ValueError, "mean must be finite; got nan"),
        (lambda: TwoClusters([1e101]), ValueError, r"mean must be at most 1e\+100 in size; got 1e\+101"),
        (lambda: TwoClusters(["a"]), TypeError, "mean must hold real numbers"),
        (lambda: TwoClusters([1.0], deviation=0.0), ValueError, "deviation must be positive; got 0.0"),
        (lambda: TwoClusters([1.0], deviation=-1.0), ValueError, "deviation must be positive; got -1.0"),
        (lambda: TwoClusters([1.0], deviation=np.nan), ValueError, "deviation must be finite; got nan"),
        (
            lambda: TwoClusters([1.0], deviation=1e-101),
            ValueError,
            r"deviation must be from 1e-100 to 1e\+100",
        ),
        (lambda: CurieWeissData(0, 1.0), ValueError, "n_spins must be at least 1; got 0"),
        (lambda: CurieWeissData(2.0, 1.0), TypeError, "n_spins must be an integer; got 2.0"),
        (lambda: CurieWeissData(10**7, 1.0), ValueError, "n_spins must be at most 1000000; got 10000000"),
        (lambda: CurieWeissData(2, -0.1), ValueError, "beta must be at least 0; got -0.1"),
        (lambda: CurieWeissData(2, np.inf), ValueError, "beta must be finite; got inf"),
        (
            lambda: CurieWeissData(2, 1e10),
            ValueError,
            r"beta must be at most 5e\+09 for 2 spins; got 10000000000.0",
        ),
        (lambda: PointCloud(np.ones((0, 2))), ValueError, "points must be at least one; got none"),
        (lambda: PointCloud([]), ValueError, r"points must be rows of d coordinates, \(m, d\); got \(0,\)"),
        (lambda: PointCloud(np.ones((2, 0))), ValueError, r"points must be rows of d .* got \(2, 0\)"),
        (lambda: PointCloud([1.0, 2.0]), ValueError, r"points must be rows of d .* got \(2,\)"),
        (lambda: PointCloud([[1.0, np.nan]]), ValueError, "points must be finite; got nan"),
        (
            lambda: PointCloud([[1.0], [1.0, 2.0]]),
            TypeError,
            "points must hold real numbers in rows of one length",
        ),
        (lambda: PointCloud([[1.0]]).sample(-1), ValueError, "n must be at least 0; got -1"),
        (lambda: TwoClusters([1.0]).sample(1.5), TypeError, "n must be an integer; got 1.5"),
        (lambda: CurieWeissData(3, 1.0).sample(True), TypeError, "n must be an integer; got True"),
        (lambda: CurieWeissData(3, 1.0).sample(1, rng=-1), ValueError, "rng must be at least 0; got -1"),
    ],
)
def test_data_that_cannot_be_are_refused(make, error, message):
    with pytest.raises(error, match=f"^{message}"):
        make()
