"""Laws of random matrices, against sampled ones, moments, quadrature and reference values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.linalg import eigh

from smbook.theory import random_matrices as laws

RATIOS = (0.1, 0.5, 1.0, 2.0, 7.0)


def wigner(n, rng, *, signs=False):
    """A symmetric matrix of entries of variance 1 / n, and twice that on the diagonal if Gaussian."""
    entries = rng.choice([-1.0, 1.0], (n, n)) if signs else rng.standard_normal((n, n))
    upper = np.triu(entries, 1)
    return (upper + upper.T + np.diag(np.diag(entries) * (1 if signs else math.sqrt(2)))) / math.sqrt(n)


def extreme(matrix, *, lowest=False):
    """The largest (or lowest) eigenvalue and its vector."""
    k = 0 if lowest else len(matrix) - 1
    values, vectors = eigh(matrix, subset_by_index=(k, k))
    return values[0], vectors[:, 0]


def z_score(samples, expected):
    samples = np.asarray(samples)
    return (samples.mean() - expected) / (samples.std(ddof=1) / math.sqrt(samples.size))


# The bulk


@pytest.mark.parametrize("variance", [0.3, 1.0, 4.0])
def test_the_semicircle(variance):
    low, high = laws.semicircle_edges(variance)
    assert high == -low == pytest.approx(2 * math.sqrt(variance))
    for k in range(7):
        moment = quad(lambda x, k=k: x**k * laws.semicircle(x, variance), low, high)[0]
        assert laws.semicircle_moment(k, variance) == pytest.approx(moment, abs=1e-7)
    for x in np.linspace(low, high, 7).tolist():
        share = quad(lambda y: laws.semicircle(y, variance), low, x)[0]
        assert laws.semicircle_cumulative(x, variance) == pytest.approx(share, abs=1e-9)


def test_catalan_and_narayana_numbers():
    assert [laws.semicircle_moment(k) for k in range(9)] == [1, 0, 1, 0, 2, 0, 5, 0, 14]
    assert [laws.marchenko_pastur_moment(k, 1.0) for k in range(6)] == [1, 1, 2, 5, 14, 42]
    assert laws.marchenko_pastur_moment(3, 2.0) == 1 + 3 * 2 + 4
    assert laws.semicircle_moment(500) == pytest.approx(math.comb(500, 250) / 251)


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("variance", [1.0, 2.5])
def test_marchenko_pastur(ratio, variance):
    low, high = laws.marchenko_pastur_edges(ratio, variance)
    atom = laws.marchenko_pastur_atom(ratio)
    root = math.sqrt(ratio)

    def integral(power, to=math.pi):
        """In the angle of x = s (1 + g - 2 sqrt(g) cos theta), so that no edge is singular."""

        def term(theta):
            x = variance * (1 + ratio - 2 * root * math.cos(theta))
            slope = 2 * variance * root * math.sin(theta)
            return x**power * laws.marchenko_pastur(x, ratio, variance) * slope

        return quad(term, 0, to, epsabs=1e-11)[0]

    assert integral(0) == pytest.approx(1 - atom, abs=1e-7)
    for k in (1, 2, 3, 4):
        assert integral(k) == pytest.approx(laws.marchenko_pastur_moment(k, ratio, variance), rel=1e-7)
    for theta in (0.3, 1.0, 2.5):
        x = variance * (1 + ratio - 2 * root * math.cos(theta))
        found = laws.marchenko_pastur_cumulative(x, ratio, variance)
        assert found == pytest.approx(atom + integral(0, theta), abs=1e-7)
    ends = laws.marchenko_pastur_cumulative([low * 0.999, high, high + 1, -0.1], ratio, variance)
    np.testing.assert_allclose(ends, [atom, 1, 1, 0], atol=1e-12)


def test_marchenko_pastur_at_zero():
    assert laws.marchenko_pastur([-1.0, 0.0, 1e-300], 1.0).tolist() == [
        0.0,
        math.inf,
        pytest.approx(1e150 / math.pi),
    ]
    assert laws.marchenko_pastur([-1.0, 0.0], 2.0).tolist() == [0.0, 0.0]


@given(share=st.floats(0, 1), ratio=st.sampled_from(RATIOS), variance=st.floats(0.1, 10))
def test_quantiles(share, ratio, variance):
    x = laws.semicircle_quantile(share, variance)
    assert laws.semicircle_cumulative(x, variance) == pytest.approx(share, abs=1e-12)
    x = laws.marchenko_pastur_quantile(share, ratio, variance)
    expected = max(share, laws.marchenko_pastur_atom(ratio))
    assert laws.marchenko_pastur_cumulative(x, ratio, variance) == pytest.approx(expected, abs=1e-12)
    low, high = laws.marchenko_pastur_edges(ratio, variance)
    assert x == 0 or low * (1 - 1e-12) <= x <= high * (1 + 1e-12)


@pytest.mark.parametrize("signs", [False, True])
def test_sampled_symmetric_matrices(signs):
    """The law does not depend on that of the entries. An error of 4 % in the variance is seen."""
    eigenvalues = np.linalg.eigvalsh(wigner(600, np.random.default_rng(1), signs=signs))
    shares = (np.arange(600) + 0.5) / 600
    np.testing.assert_allclose(laws.semicircle_cumulative(eigenvalues), shares, atol=0.006)
    assert np.abs(laws.semicircle_cumulative(eigenvalues, 1.04) - shares).max() > 0.008
    assert np.abs(laws.semicircle_quantile(shares[10:-10]) - eigenvalues[10:-10]).max() < 0.02
    for k in (2, 4, 6):
        assert (eigenvalues**k).mean() == pytest.approx(laws.semicircle_moment(k), rel=0.02)


@pytest.mark.parametrize("ratio", [0.25, 0.5, 2.0])
def test_sampled_covariance_matrices(ratio):
    n = 600
    p = int(ratio * n)
    samples = 1.5 * np.random.default_rng(2).standard_normal((n, p))
    eigenvalues = np.linalg.eigvalsh(samples.T @ samples / n)
    shares = (np.arange(p) + 0.5) / p
    found = laws.marchenko_pastur_cumulative(np.where(eigenvalues < 1e-9, 0.0, eigenvalues), ratio, 2.25)
    spread = eigenvalues > 1e-9
    np.testing.assert_allclose(found[spread], shares[spread], atol=0.012)
    assert (~spread).mean() == pytest.approx(laws.marchenko_pastur_atom(ratio))
    wrong = laws.marchenko_pastur_cumulative(eigenvalues, 1.2 * ratio, 2.25)
    assert np.abs(wrong[spread] - shares[spread]).max() > 0.02
    for k in (1, 2, 3):
        assert (eigenvalues**k).mean() == pytest.approx(
            laws.marchenko_pastur_moment(k, ratio, 2.25), rel=0.03
        )


# What leaves the bulk


@pytest.mark.parametrize(
    ("theta", "eigenvalue", "overlap"),
    [
        (0.5, 2, 0),
        (1, 2, 0),
        (1.2, 2.033333, 0.305556),
        (1.5, 2.166667, 0.555556),
        (2, 2.5, 0.75),
        (3, 3.333333, 0.888889),
    ],
)
def test_reference_values_of_the_symmetric_spike(theta, eigenvalue, overlap):
    found = laws.spiked_wigner(theta)
    assert found[:2] == pytest.approx((eigenvalue, overlap), abs=1e-6)
    assert math.isnan(found.variance) == (theta <= 1)


def test_variances_of_the_symmetric_spike():
    found = [laws.spiked_wigner(theta).variance for theta in (1.5, 2.0, 3.0)]
    np.testing.assert_allclose(found, [1.111, 1.5, 1.778], atol=5e-4)


@pytest.mark.parametrize(
    ("ell", "ratio", "eigenvalue", "overlap"),
    [
        (1.3, 0.5, 2.914214, 0),
        (2.5, 0.5, 3.333333, 0.583333),
        (4.0, 0.5, 4.666667, 0.809524),
        (2.5, 2.0, 5.833333, 0.047619),
        (4.0, 2.0, 6.666667, 0.466667),
    ],
)
def test_reference_values_of_the_covariance_spike(ell, ratio, eigenvalue, overlap):
    assert laws.spiked_covariance(ell, ratio)[:2] == pytest.approx((eigenvalue, overlap), abs=1e-6)


def test_signals_of_signs():
    """Reference values, and the iteration of approximate message passing at large size."""
    found = [laws.spiked_wigner_signs(theta) for theta in (1.1, 1.2, 1.5, 2.0, 3.0)]
    np.testing.assert_allclose(found, [0.1917338, 0.3576592, 0.6922947, 0.9165110, 0.9957617], atol=6e-8)
    assert all(
        q > laws.spiked_wigner(theta).overlap for q, theta in zip(found, (1.1, 1.2, 1.5, 2, 3), strict=True)
    )
    assert laws.spiked_wigner_signs(1.0) == 0
    near = 1e-4
    assert laws.spiked_wigner_signs(1 + near) == pytest.approx(2 * near, rel=1e-2)
    assert laws.spiked_wigner_signs(50.0) == pytest.approx(1)


def test_message_passing_reaches_the_best_overlap():
    """Approximate message passing, started on the leading vector; single runs scatter by 0.06."""
    n, theta, rng, found = 400, 1.5, np.random.default_rng(8), []
    for _ in range(40):
        signs = rng.choice([-1.0, 1.0], n)
        matrix = theta / n * np.outer(signs, signs) + wigner(n, rng)
        vector = extreme(matrix)[1]
        old, mean = np.zeros(n), math.sqrt(n * (1 - theta**-2)) * vector
        for _ in range(25):
            pull = theta * (matrix @ mean - theta * (1 - (mean**2).mean()) * old)
            old, mean = mean, np.tanh(pull)
        found.append(((mean @ signs) ** 2 / (mean @ mean * n), (vector @ signs) ** 2 / n))
    best, leading = np.transpose(found)
    assert abs(z_score(best, laws.spiked_wigner_signs(theta))) < 4
    assert abs(z_score(leading, laws.spiked_wigner(theta).overlap)) < 4
    assert abs(z_score(best, laws.spiked_wigner(theta).overlap)) > 8


@pytest.mark.parametrize("theta", [2.0, -3.0])
def test_sampled_symmetric_spikes(theta):
    """The overlap at 2 theta^-2, or a variance of half the size, would be 10 errors off and more."""
    n, rng, values, overlaps = 300, np.random.default_rng(3), [], []
    v = rng.choice([-1.0, 1.0], n) / math.sqrt(n)
    for _ in range(150):
        value, vector = extreme(theta * np.outer(v, v) + wigner(n, rng), lowest=theta < 0)
        values.append(value)
        overlaps.append((vector @ v) ** 2)
    found = laws.spiked_wigner(theta)
    assert np.mean(values) == pytest.approx(found.eigenvalue, abs=4 * np.std(values) / math.sqrt(150) + 1 / n)
    assert np.mean(overlaps) == pytest.approx(
        found.overlap, abs=4 * np.std(overlaps) / math.sqrt(150) + 1 / n
    )
    assert n * np.var(values) == pytest.approx(found.variance, rel=4 * math.sqrt(2 / 150))
    assert abs(z_score(overlaps, 1 - 2 / theta**2)) > 10


@pytest.mark.parametrize(("ell", "ratio"), [(4.0, 0.5), (5.0, 2.0), (0.1, 0.25)])
def test_sampled_covariance_spikes(ell, ratio):
    n = 400 if ratio < 1 else 200
    rng, values, overlaps = np.random.default_rng(4), [], []
    p = int(ratio * n)
    for _ in range(80):
        samples = rng.standard_normal((n, p))
        samples[:, 0] *= math.sqrt(ell)
        value, vector = extreme(samples.T @ samples / n, lowest=ell < 1)
        values.append(value)
        overlaps.append(vector[0] ** 2)
    found = laws.spiked_covariance(ell, ratio)
    bias = 3 * found.eigenvalue / n
    assert np.mean(values) == pytest.approx(found.eigenvalue, abs=4 * np.std(values) / math.sqrt(80) + bias)
    assert np.mean(overlaps) == pytest.approx(found.overlap, abs=4 * np.std(overlaps) / math.sqrt(80) + 3 / n)
    assert n * np.var(values) == pytest.approx(found.variance, rel=4 * math.sqrt(2 / 80))
    naive = 1 - ratio / (ell - 1) ** 2
    assert abs(z_score(overlaps, naive)) > 5


@pytest.mark.parametrize(("theta", "ratio"), [(2.0, 0.25), (1.5, 0.6)])
def test_sampled_rectangles(theta, ratio):
    m, rng, found = 400, np.random.default_rng(5), []
    rows = int(ratio * m)
    u, v = np.ones(rows) / math.sqrt(rows), np.ones(m) / math.sqrt(m)
    for _ in range(40):
        noisy = theta * np.outer(u, v) + rng.standard_normal((rows, m)) / math.sqrt(m)
        square, left = extreme(noisy @ noisy.T)
        right = left @ noisy / math.sqrt(square)
        found.append((math.sqrt(square), (left @ u) ** 2, (right @ v) ** 2))
    for samples, expected in zip(np.transpose(found), laws.spiked_rectangular(theta, ratio), strict=True):
        assert samples.mean() == pytest.approx(expected, abs=4 * samples.std() / math.sqrt(40) + 3 / m)
    swapped = laws.spiked_rectangular(theta, ratio)[:0:-1]
    assert abs(z_score(np.transpose(found)[1], swapped[0])) > 10


@given(theta=st.floats(0.1, 20), ratio=st.floats(0.05, 10), variance=st.floats(0.1, 5))
def test_what_leaves_lies_beyond_the_edge(theta, ratio, variance):
    spiked, edge = laws.spiked_wigner(theta, variance), laws.semicircle_edges(variance).high
    assert spiked.eigenvalue >= edge * (1 - 1e-14)
    assert 0 <= spiked.overlap < 1
    assert laws.spiked_wigner(-theta, variance).eigenvalue == -spiked.eigenvalue
    scale = math.sqrt(variance)
    scaled = laws.spiked_wigner(theta / scale)
    assert spiked.eigenvalue == pytest.approx(scale * scaled.eigenvalue)
    above = laws.spiked_covariance(1 + theta, ratio)
    assert above.eigenvalue >= laws.marchenko_pastur_edges(ratio).high * (1 - 1e-14)
    assert 0 <= above.overlap < 1
    value, left, right = laws.spiked_rectangular(theta, ratio)
    assert value >= (1 + math.sqrt(ratio)) * (1 - 1e-14)
    assert 0 <= min(left, right) <= max(left, right) < 1
    turned = laws.spiked_rectangular(theta / math.sqrt(ratio), 1 / ratio)
    assert turned.singular_value == pytest.approx(value / math.sqrt(ratio))
    assert (turned.right_overlap, turned.left_overlap) == pytest.approx((left, right), abs=1e-9)


@pytest.mark.parametrize(
    "function", [laws.spiked_wigner, lambda t: laws.spiked_covariance(1 + t * math.sqrt(0.5), 0.5)]
)
def test_the_threshold_is_continuous(function):
    below, above = function(1 - 1e-6), function(1 + 1e-6)
    assert above.eigenvalue == pytest.approx(below.eigenvalue, abs=1e-9)
    assert below.overlap == 0
    assert 0 < above.overlap < 1e-5


def test_a_low_spike():
    edges = laws.marchenko_pastur_edges(0.25)
    assert laws.spiked_covariance(0.2, 0.25).eigenvalue < edges.low
    assert laws.spiked_covariance(0.8, 0.25).eigenvalue == edges.low
    assert laws.spiked_covariance(0.01, 2.0).overlap == 0


# The edge


def test_reference_values_of_tracy_and_widom():
    """The moments that Bornemann (2010) lists, and the two notes' -1.2065 and 1.2680."""
    real, hermitian = (laws.tracy_widom_moments(symmetry=index) for index in (1, 2))
    assert real.mean == pytest.approx(-1.2065335745820, abs=1e-11)
    assert real.deviation**2 == pytest.approx(1.607781034581, abs=1e-10)
    assert hermitian.mean == pytest.approx(-1.771086807411, abs=1e-11)
    assert hermitian.deviation**2 == pytest.approx(0.8131947928329, abs=1e-11)
    assert laws.tracy_widom(-2.0, symmetry=2) == pytest.approx(0.41322414250512257485, abs=1e-13)


@pytest.mark.parametrize("symmetry", [1, 2])
def test_tracy_and_widom_is_a_law(symmetry):
    x = np.linspace(-9.4, 15, 60)
    found = laws.tracy_widom(x, symmetry=symmetry)
    assert (np.diff(found) > -1e-14).all()
    assert (found[0], found[-1]) == pytest.approx((0, 1), abs=1e-14)
    assert laws.tracy_widom([-50.0, 50.0], symmetry=symmetry).tolist() == [0.0, 1.0]


def test_the_largest_eigenvalue_at_finite_size():
    """Even at n = 20; without the halves its mean would be ten errors off."""
    n, count = 20, 6000
    rng = np.random.default_rng(6)
    entries = rng.standard_normal((count, n, n))
    largest = np.linalg.eigvalsh((entries + entries.transpose(0, 2, 1)) / math.sqrt(2 * n))[:, -1]
    found = laws.wigner_edge(n)
    assert abs(z_score(largest, found.mean)) < 5
    assert abs(z_score(largest, 2 - 1.2065 * n ** (-2 / 3))) > 10
    assert largest.std() == pytest.approx(found.deviation, rel=0.02)
    chances = laws.tracy_widom(np.sort((largest[:200] - found.centre) / found.scale))
    assert np.abs(chances - (np.arange(200) + 0.5) / 200).max() < 0.12
    assert laws.wigner_edge(n, 4.0).mean == pytest.approx(2 * found.mean)


def test_the_largest_eigenvalue_of_a_covariance():
    n, p, count = 40, 20, 5000
    samples = np.random.default_rng(7).standard_normal((count, n, p))
    largest = np.linalg.eigvalsh(samples.transpose(0, 2, 1) @ samples / n)[:, -1]
    found = laws.covariance_edge(p, n)
    assert largest.mean() == pytest.approx(found.mean, abs=0.1 * found.deviation)
    assert abs(largest.mean() - laws.marchenko_pastur_edges(p / n).high) > found.deviation
    assert largest.std() == pytest.approx(found.deviation, rel=0.06)
    assert laws.covariance_edge(p, n, 3.0).mean == pytest.approx(3 * found.mean)


def test_large_matrices_have_the_edges_of_the_bulk():
    assert laws.wigner_edge(10**12).mean == pytest.approx(2, abs=1e-7)
    assert laws.covariance_edge(10**10, 2 * 10**10).mean == pytest.approx(
        laws.marchenko_pastur_edges(0.5).high, abs=1e-5
    )


def test_numbers_and_arrays():
    x = np.linspace(-1, 1, 6).reshape(2, 3)
    for function in (
        laws.semicircle,
        laws.semicircle_cumulative,
        laws.tracy_widom,
        lambda y: laws.marchenko_pastur(y, 0.5),
        lambda y: laws.marchenko_pastur_cumulative(y, 0.5),
        lambda y: laws.semicircle_quantile(np.abs(y)),
        lambda y: laws.marchenko_pastur_quantile(np.abs(y), 0.5),
    ):
        assert function(x).shape == (2, 3)
        assert type(function(0.5)) is float
        assert function(x)[1, 1] == function(float(x[1, 1]))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: laws.semicircle("0"), TypeError, "x must hold real numbers"),
        (lambda: laws.semicircle(0.0, 0.0), ValueError, r"variance must be positive; got 0\.0"),
        (lambda: laws.semicircle_quantile([0.5, 1.1]), ValueError, r"share must be at most 1; got 1\.1"),
        (lambda: laws.semicircle_quantile(-0.1), ValueError, r"share must be at least 0; got -0\.1"),
        (lambda: laws.semicircle_moment(-1), ValueError, "k must be at least 0; got -1"),
        (lambda: laws.semicircle_moment(501), ValueError, "k must be at most 500; got 501"),
        (lambda: laws.marchenko_pastur(1.0, -1.0), ValueError, r"ratio must be positive; got -1\.0"),
        (lambda: laws.marchenko_pastur_atom(0.0), ValueError, "ratio must be positive"),
        (lambda: laws.marchenko_pastur_moment(1.5, 1.0), TypeError, "k must be an integer; got 1.5"),
        (lambda: laws.marchenko_pastur_cumulative(math.nan, 1.0), ValueError, "x must be finite; got nan"),
        (lambda: laws.spiked_wigner(math.inf), ValueError, "theta must be finite; got inf"),
        (lambda: laws.spiked_wigner_signs(-0.5), ValueError, r"theta must be at least 0; got -0\.5"),
        (lambda: laws.spiked_covariance(0.0, 1.0), ValueError, r"ell must be positive; got 0\.0"),
        (lambda: laws.spiked_rectangular(-1.0, 1.0), ValueError, r"theta must be at least 0; got -1\.0"),
        (lambda: laws.tracy_widom(0.0, symmetry=4), ValueError, "symmetry must be at most 2; got 4"),
        (lambda: laws.tracy_widom_moments(symmetry=0), ValueError, "symmetry must be at least 1; got 0"),
        (lambda: laws.wigner_edge(0), ValueError, "n must be at least 1; got 0"),
        (lambda: laws.covariance_edge(10, 1), ValueError, "n_samples must be at least 2; got 1"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
