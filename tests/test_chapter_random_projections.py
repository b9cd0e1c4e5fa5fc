"""What the chapter on random projections writes out is right, and holds on other seeds."""

import math
import re

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import gammaln
from scipy.stats import binom, ortho_group
from torch import nn

from smbook import statistics
from smbook.landscape import (
    Loss,
    check,
    filter_normalized,
    hessian,
    principal_curvatures,
    projected_hessian,
    random_directions,
    surface,
)
from smbook.theory import curvature as theory
from smbook.widgets import Question
from tests.chapters import Chapter

SEEDS = range(10)
CHAPTER = Chapter(
    "landscapes/random-projections.ipynb",
    np=np,
    nn=nn,
    torch=torch,
    minimize=minimize,
    statistics=statistics,
    Loss=Loss,
    hessian=hessian,
    projected_hessian=projected_hessian,
    random_directions=random_directions,
    theory=theory,
    Question=Question,
)
BY_HAND = CHAPTER.definitions(
    "algorithm-sections",
    "algorithm-signs",
    "algorithm-train",
    "algorithm-copies",
    "algorithm-many-sections",
    "algorithm-descend",
    "algorithm-filters",
)
COPIES = 8
SETTLED = (0, 1, 2, 3, 5, 8, 9, 12, 13, 2000)
RUNAWAY = (4, 6, 7, 10, 11)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Let torch compute as it does in the chapter, and as before afterwards."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def at_most(steps):
    """Return scipy's minimize, which takes no more than so many steps."""

    def stopped(*args, options, **settings):
        return minimize(*args, options=options | {"maxiter": steps}, **settings)

    return stopped


def numbers(cell):
    """Return the numbers in each printed line of a cell, without errors in brackets."""
    lines = CHAPTER.printed(cell).splitlines()
    return [
        [float(x) for x in re.findall(r"[-+]?\d+\.?\d*(?:e[-+]\d+)?", re.sub(r"\(.*?\)", "", line))]
        for line in lines
    ]


# ---- Sections of a given Hessian.


def gaussian(rng, shape):
    return rng.standard_normal(shape)


def on_a_sphere(rng, shape):
    """Draw directions that are all of the same length, as some papers do."""
    rows = rng.standard_normal(shape)
    return rows * np.sqrt(shape[-1]) / np.linalg.norm(rows, axis=-1, keepdims=True)


@pytest.mark.parametrize(("directions", "right"), [(gaussian, True), (on_a_sphere, False)])
def test_the_moments_of_any_hessian(directions, right):
    """Directions of one length would have a variance of A that is smaller, unless t = 0."""
    worst = 0.0
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        h = rng.normal(size=(6, 6)) + np.eye(6)
        h += h.T
        t, s = np.trace(h), np.sum(h**2)
        pairs = directions(rng, (20_000, 2, 6))
        small = np.einsum("kin,nm,kjm->kij", pairs, h, pairs)
        a, b, c = small[:, 0, 0], small[:, 0, 1], small[:, 1, 1]
        wanted = {"a": (a, t), "aa": ((a - t) ** 2, 2 * s), "b": (b, 0), "bb": (b**2, s)}
        wanted |= {"ac": ((a - t) * (c - t), 0), "ab": ((a - t) * b, 0), "cb": ((c - t) * b, 0)}
        for values, exact in wanted.values():
            worst = max(worst, abs(statistics.disorder_mean(values).mean.z(exact)))
    assert (worst < 4.5) == right


@pytest.mark.parametrize("seed", SEEDS)
def test_curvatures_are_those_of_the_package(seed):
    rng = np.random.default_rng(seed)
    h = projected_hessian(np.diag(rng.normal(size=9)), rng.normal(size=(2, 9)))
    found = BY_HAND.curvatures(h[0, 0], h[0, 1], h[1, 1])
    assert found == pytest.approx(principal_curvatures([0.0, 0.0], h), abs=1e-12)
    slope = principal_curvatures(rng.normal(size=2), h)
    assert np.sign(slope).tolist() == np.sign(found).tolist()
    assert (np.abs(slope) < np.abs(found)).all()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("n_up", [500, 520, 800])
def test_the_toy_saddle(n_up, seed):
    """The means of the Gaussian law are 0.01 too far out, which 1000 sections cannot see."""
    spectrum = theory.toy_spectrum(np.append(np.zeros(1000), 1.0), 500, n_up)
    assert spectrum.sum() == 2 * n_up - 1000
    assert np.sum(spectrum**2) == 1000
    drawn = BY_HAND.sections(spectrum, 1000, np.random.default_rng([n_up, seed]))
    known = theory.section_moments(2.0 * n_up - 1000, 1000.0)
    for kappa, mean in zip(BY_HAND.curvatures(*drawn), (known.low, known.high), strict=True):
        assert abs(statistics.disorder_mean(kappa).mean.z(mean)) < 4
    share = BY_HAND.saddles_among(*drawn)
    exact = theory.saddle_probability_exact(spectrum)
    assert abs(share.value - exact) <= 4 * math.sqrt(exact * (1 - exact) / 1000)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("size", [1, 10, 100])
def test_the_two_averages(size, seed):
    """Curvatures of mean sections are t -+ sqrt(pi s / 2 S) apart, mean curvatures do not depend on S."""
    rng = np.random.default_rng([size, seed])
    drawn = BY_HAND.sections(BY_HAND.signs(120, 200), 100 * size, rng).reshape(3, 100, size)
    of_means = BY_HAND.curvatures(*drawn.mean(axis=2))
    means_of = [kappa.mean(axis=1) for kappa in BY_HAND.curvatures(*drawn)]
    apart = math.sqrt(math.pi * 200 / 2)
    for sign, of_mean, mean_of in zip((-1, 1), of_means, means_of, strict=True):
        assert abs(statistics.disorder_mean(of_mean).mean.z(40 + sign * apart / math.sqrt(size))) < 4
        assert abs(statistics.disorder_mean(mean_of).mean.z(40 + sign * apart)) < 4


@pytest.mark.parametrize("seed", SEEDS)
def test_the_spread_does_not_betray_a_saddle(seed):
    """A true bowl with the same s has curvatures that are as far apart."""
    rng = np.random.default_rng([13, seed])
    apart = []
    for n_up in (800, 1000):
        low, high = BY_HAND.curvatures(*BY_HAND.sections(BY_HAND.signs(n_up, 1000), 1000, rng))
        apart.append(statistics.disorder_mean(high - low).mean)
    assert abs(apart[0].value - apart[1].value) < 4 * math.hypot(apart[0].error, apart[1].error)
    assert apart[1].value == pytest.approx(2 * math.sqrt(math.pi * 500), rel=0.08)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_law_of_the_curvatures(seed):
    """A law that forgets the noise of the middle is seen at once."""
    drawn = BY_HAND.sections(BY_HAND.signs(500, 1000), 2000, np.random.default_rng([3, seed]))
    ranks = (np.arange(2000) + 0.5) / 2000
    for sign, kappa in zip((-1, 1), BY_HAND.curvatures(*drawn), strict=True):
        law = theory.curvature_cumulative(np.sort(kappa), 0.0, 1000.0, sign=sign)
        assert np.abs(law - ranks).max() < 2.2 / math.sqrt(2000)
    rayleigh = 1 - np.exp(-(np.maximum(np.sort(kappa), 0) ** 2) / 2000)
    assert np.abs(rayleigh - ranks).max() > 4 / math.sqrt(2000)


@pytest.mark.parametrize(("n", "m"), [(2, 1), (3, 4), (50, 20), (800, 200)])
@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (0.7, 2.0)])
def test_the_closed_form(n, m, a, b):
    """Eigenvalues that are not quite equal take the contour, not the formula."""
    gammas = gammaln((n + m - 1) / 2) - gammaln(n / 2) - gammaln(m / 2) + math.log(math.pi) / 2
    powers = (n - 1) / 2 * math.log(b) + (m - 1) / 2 * math.log(a) - ((n + m) / 2 - 1) * math.log(a + b)
    found = theory.saddle_probability_exact([a] * (n - 1) + [a * (1 + 1e-9)] + [-b] * m)
    assert found == pytest.approx(math.exp(gammas + powers), rel=1e-7)
    assert theory.saddle_probability_exact([a] * n + [-b] * m) == pytest.approx(found, rel=1e-7)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cone_and_a_plane(seed):
    a, b = 1.5, 3.0
    share = BY_HAND.saddles_among(
        *BY_HAND.sections(np.array([a, a, -b]), 4000, np.random.default_rng([7, seed]))
    )
    assert abs(share.z(math.sqrt(b / (a + b)))) < 4
    assert abs(share.z(theory.saddle_probability(2 * a - b, 2 * a**2 + b**2))) > 4


def test_two_dimensions():
    h = projected_hessian(np.diag([2.0, -1.0]), np.array([[1.0, 1.0], [1.0, -1.0]]))
    assert h.tolist() == [[1.0, 3.0], [3.0, 1.0]]
    assert BY_HAND.curvatures(1.0, 3.0, 1.0) == (-2.0, 4.0)
    assert theory.saddle_probability(1.0, 5.0) == pytest.approx(0.67, abs=0.005)


@pytest.mark.parametrize("seed", SEEDS)
def test_signs_know_the_basis(seed):
    rng = np.random.default_rng([9, seed])
    plain = np.diag(BY_HAND.signs(110, 200))
    turn = ortho_group.rvs(200, random_state=rng)
    a, _, c = BY_HAND.many_sections(plain, 300, rng, np.sign)
    assert np.ptp(a) == np.ptp(c) == 0
    assert a[0] == 20
    share = BY_HAND.saddles_among(*BY_HAND.many_sections(turn @ plain @ turn.T, 1000, rng, np.sign))
    assert abs(share.z(theory.saddle_probability(20.0, 200.0))) < 4


def test_what_signs_give_in_their_own_basis():
    """B is a sum of 300 signs, so that it is even."""
    sums, chance = 2 * np.arange(301) - 300, binom.pmf(np.arange(301), 300, 0.5)
    for row, trace, quoted in ((1, 0, 1 - 0.046), (3, 30, 0.073)):
        exact = chance[np.abs(sums) > trace].sum()
        assert exact == pytest.approx(quoted, abs=0.0005)
        measured = float(CHAPTER.printed("signs-code").splitlines()[row].split()[3].split("(")[0])
        assert abs(measured - exact) < 4 * math.sqrt(exact * (1 - exact) / 1500)


# ---- A network with copied units.


@pytest.fixture(scope="module", params=SETTLED, ids=lambda seed: f"seed{seed}")
def network(request):
    """Return the seed, a narrow network at a minimum, the wide one, and the Hessian of the latter."""
    narrow = BY_HAND.train(BY_HAND.loss_of(4, request.param))
    wide = BY_HAND.widened(narrow, COPIES, request.param)
    return request.param, narrow, wide, BY_HAND.dense(wide)


def test_the_small_network_is_in_a_minimum(network):
    _, narrow, _, _ = network
    assert np.linalg.norm(narrow.gradient()) < 1e-8
    assert np.linalg.eigvalsh(BY_HAND.dense(narrow)).min() > 1e-6


@pytest.mark.parametrize("seed", RUNAWAY)
def test_other_starts_run_away(seed):
    """The settled ones take at most 82 steps."""
    early, late = (
        CHAPTER.definitions("algorithm-train", minimize=at_most(steps)).train(BY_HAND.loss_of(4, seed))
        for steps in (50, 100)
    )
    assert np.linalg.norm(late.gradient()) > 1e-4
    assert np.abs(late.parameters).max() > max(8, np.abs(early.parameters).max())


def test_all_four_units_have_a_way_down_with_any_shares():
    narrow = BY_HAND.train(BY_HAND.loss_of(4, 2000))
    lowest, *_, highest = np.linalg.eigvalsh(BY_HAND.bends(narrow, 2000)).T
    assert (lowest < -0.001).all()
    assert (highest > 0.001).all()


def test_the_copied_one_is_at_a_saddle_as_the_theorem_says(network):
    seed, narrow, wide, matrix = network
    assert wide() == pytest.approx(narrow(), rel=1e-12)
    assert np.linalg.norm(wide.gradient()) < 1e-8
    values = np.linalg.eigvalsh(matrix)
    of_bends = np.repeat(np.linalg.eigvalsh(BY_HAND.bends(narrow, seed)).ravel() / COPIES, COPIES - 1)
    down = np.sum(values < -1e-7)
    assert down == np.sum(of_bends < 0)
    assert 30 < down < 120
    assert values[:down] == pytest.approx(np.sort(of_bends)[:down], abs=1e-9)
    assert np.sum(np.abs(values) < 1e-7) == 4 * (COPIES - 1)


def test_its_sections_are_bowls_more_often_than_the_gaussian_law_says(network):
    seed, _, _, matrix = network
    values = np.linalg.eigvalsh(matrix)
    seen = BY_HAND.many_sections(matrix, 1000, np.random.default_rng([2019, seed]))
    low, high = BY_HAND.curvatures(*seen)
    exact = theory.saddle_probability_exact(values)
    assert (low > 0).all()
    assert (high > 0).all()
    assert exact < 1e-4
    assert theory.saddle_probability(values.sum(), np.sum(values**2)) > 0.15


def test_there_is_a_way_down(network):
    """Some hundred steps of the descent, on either side."""
    _, _, wide, matrix = network
    lowest = np.linalg.eigh(matrix)[1][:, 0]
    descend = CHAPTER.definitions("algorithm-descend", minimize=at_most(600)).descend
    for push in (0.1, -0.1):
        assert descend(wide, wide.parameters + push * lowest) < 0.75 * wide()


@pytest.mark.parametrize("shares", [(0.5, 0.5), (1.5, -0.5), (0.8, 0.5, -0.3), (0.2, 0.3, 0.5)])
def test_unequal_shares(network, shares):
    """A negative share turns the sign of K in one direction of the subspace."""
    seed, narrow, _, _ = network
    w, b, a, a_0 = BY_HAND.pieces(narrow)
    wide = BY_HAND.loss_of(4 * len(shares), seed)
    incoming = np.repeat(w, len(shares), axis=0).ravel(), np.repeat(b, len(shares))
    wide.assign(np.concatenate([*incoming, np.kron(a.ravel(), shares), a_0]))
    assert np.linalg.norm(wide.gradient()) < 1e-8
    of_bends = np.linalg.eigvalsh(BY_HAND.bends(narrow, seed))
    turned = sum(share < 0 for share in shares)
    down = turned * np.sum(of_bends > 0) + (len(shares) - 1 - turned) * np.sum(of_bends < 0)
    assert np.sum(np.linalg.eigvalsh(BY_HAND.dense(wide)) < -1e-8) == down


@pytest.mark.parametrize("shares", [(1.5, -0.5), (-0.2, 0.7, 0.5), (2.0, 0.5, -0.9, -0.6)])
def test_is_there_always_a_way_down(shares):
    """For a definite K the form on the subspace has a way down, but for two copies with K negative."""
    subspace = np.linalg.svd(np.array([shares]))[2][1:]
    form = np.linalg.eigvalsh(subspace @ np.diag(shares) @ subspace.T)
    for sign, bend in ((1, np.diag([2.0, 1.0])), (-1, np.diag([-2.0, -1.0])), (0, np.diag([1.0, -1.0]))):
        down = np.linalg.eigvalsh(np.kron(np.diag(form), bend)).min() < 0
        assert down == (len(shares) > 2 or sign >= 0)
    if len(shares) == 2:
        movement = np.array([shares[1], -shares[0]])
        assert movement**2 @ shares == pytest.approx(-0.75)


def test_filter_normalization_weighs_the_trace(network):
    """The variance of B is that of Gaussian directions, the variance of A is smaller."""
    seed, _, wide, matrix = network
    rng = np.random.default_rng([2017, seed])
    for biases in (True, False):
        a, b, _ = BY_HAND.many_sections(
            matrix, 300, rng, lambda rows, v=not biases: filter_normalized(wide, rows, ignore_vectors=v)
        )
        weights = np.sqrt(BY_HAND.mean_squares(wide, biases))
        dhd = weights[:, None] * matrix * weights
        t, s = np.trace(dhd), np.sum(dhd**2)
        smaller = variance_of_a(wide, dhd, biases)
        assert smaller < 1.97 * s
        assert smaller > 1.5 * s or seed != 2000  # the network of the text: somewhat below 2 s
        exact = {"a": (a, t), "b": (b, 0), "aa": ((a - t) ** 2, smaller), "bb": (b**2, s)}
        for values, mean in exact.values():
            assert abs(statistics.disorder_mean(values).mean.z(mean)) < 4.5


def variance_of_a(loss, dhd, biases):
    """Return the variance of A for filters that are uniform on spheres, of the package's formula for one."""
    filters = []
    for name, where in loss.layers.items():
        rows = np.arange(loss.n_parameters)[where].reshape(loss.shapes[name])
        if biases or rows.ndim > 1:
            filters.extend(rows if rows.ndim > 1 else [rows])
    found = 2 * np.sum(dhd**2)
    for each in filters:
        block, n = dhd[np.ix_(each, each)], len(each)
        of_sphere = theory.unit_section_moments(np.trace(block), np.sum(block**2), n).variance
        found += n**2 * of_sphere - 2 * np.sum(block**2)
    return found


@pytest.mark.parametrize(("units", "agree"), [([0, 1, 2, 3, 4, 5], True), ([0], False)])
@pytest.mark.parametrize("biases", [True, False])
def test_rescaled_layers_look_alike_and_rescaled_units_do_not(units, agree, biases):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 1)).double()
    loss = Loss(model, nn.MSELoss(), rng.standard_normal((200, 5)), rng.standard_normal((200, 1)))
    before, mean_a = loss(), BY_HAND.mean_squares(loss, biases) @ np.diag(BY_HAND.dense(loss))
    w, b, a, a_0 = (piece.copy() for piece in BY_HAND.pieces(loss))
    w[units], b[units], a[:, units] = 10 * w[units], 10 * b[units], a[:, units] / 10
    loss.assign(np.concatenate([w.ravel(), b, a.ravel(), a_0]))
    assert loss() == pytest.approx(before, rel=1e-12)
    after = BY_HAND.mean_squares(loss, biases) @ np.diag(BY_HAND.dense(loss))
    assert (after == pytest.approx(mean_a, rel=1e-9)) == agree
    assert agree or after > 5 * mean_a


def test_with_filters_a_saddle_is_seen_now_and_then():
    """A handful among 200,000 sections, where Gaussian directions have none in a billion."""
    wide = BY_HAND.widened(BY_HAND.train(BY_HAND.loss_of(4, 2000)), COPIES, 2000)
    matrix, rng, seen = BY_HAND.dense(wide), np.random.default_rng(7), 0
    for _ in range(10):
        rows = [
            filter_normalized(wide, rng.standard_normal((200, 225)), ignore_vectors=False) for _ in range(200)
        ]
        eta, delta = np.concatenate(rows).reshape(2, -1, 225)
        entries = (np.sum(x @ matrix * y, axis=1) for x, y in ((eta, eta), (eta, delta), (delta, delta)))
        low, high = BY_HAND.curvatures(*entries)
        seen += np.sum((low < 0) & (high > 0))
    assert 1 <= seen <= 12


def test_a_picture_shows_a_bowl_and_the_right_plane_the_way_down(network):
    seed, _, wide, matrix = network
    vectors = np.linalg.eigh(matrix)[1]
    plane = random_directions(wide, rng=seed)
    bowl = check(surface(wide, plane, extent=0.06, n_points=11))
    assert bowl.good
    assert bowl.numbers["below theta"] == 0
    shown = surface(wide, vectors[:, [-1, 0]].T, extent=((-0.3, 0.3), (-2.0, 2.0)), n_points=11)
    assert check(shown).numbers["below theta"] > 1e-6


# ---- What the text quotes.


def test_questions():
    variance = CHAPTER.question("question-variance")
    assert variance.check(28).right
    assert "variance of B" in variance.check(14).words
    million = CHAPTER.question("question-million")
    assert million.check(math.exp(-25) / math.sqrt(2)).right
    assert "1/√2" in million.check(math.exp(-25)).words
    assert "t²/2s" in million.check(math.exp(-50) / math.sqrt(2)).words
    assert "over one half" in million.check(math.exp(-6.25) / math.sqrt(2)).words
    odds = CHAPTER.question("question-odds")
    assert odds.check(12).right
    assert odds.check(11).words.startswith("Close")
    assert odds.check(11.36).words == "Bowls come in whole numbers."
    assert 1.5**12 > 100 > 1.5**11


def test_how_many_sections_tell_the_theories_apart():
    for n_up, sections in ((515, 1.4e7), (530, 5.6e5), (550, 2.0e5)):
        exact = theory.saddle_probability_exact(BY_HAND.signs(n_up, 1000))
        off = abs(theory.saddle_probability(2.0 * n_up - 1000, 1000.0) - exact)
        assert 0.0001 < off < 0.00065
        assert exact * (1 - exact) / off**2 == pytest.approx(sections, rel=0.05)


def test_most_of_the_smaller_curvatures_of_a_balanced_saddle_are_negative():
    known = theory.section_moments(0.0, 1000.0)
    assert known.low / math.sqrt(known.curvature_variance) == pytest.approx(-1.05, abs=0.005)
    assert theory.curvature_cumulative(0.0, 0.0, 1000.0, sign=-1) == pytest.approx(0.85, abs=0.005)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_honest_measurement_passes(seed):
    live = CHAPTER.question("question-live", signs=BY_HAND.signs)
    drawn = BY_HAND.sections(BY_HAND.signs(530, 1000), 600, np.random.default_rng([11, seed]))
    assert live.check(*BY_HAND.saddles_among(*drawn)).right


def test_what_is_printed_says_what_the_text_says():
    for cell in ("section-code", "minimum", "spectrum", "descend"):
        assert "True" in CHAPTER.printed(cell)
        assert "False" not in CHAPTER.printed(cell)
    for n_up, down, t, *_, formula, exact in numbers("probability")[1:]:
        assert n_up + down == 1000
        assert formula == pytest.approx(theory.saddle_probability(t, 1000.0), rel=1e-4)
        known = theory.saddle_probability_exact(BY_HAND.signs(int(n_up), 1000))
        assert exact == pytest.approx(known, rel=1e-4)
    assert formula / exact == pytest.approx(730, abs=10)  # several hundred times too large
    assert 1 / numbers("probability")[-2][-1] == pytest.approx(34_000, rel=0.01)  # an excess of a fifth
    rows = numbers("evidence-code")[1:]
    assert [row[-1] for row in rows] == [2, 5, 51, 101895, 4e10, 1e10]
    for n_up, _, bowls, others, *_, enough in rows[:5]:
        spectrum = BY_HAND.signs(int(n_up), 1000)
        exact = float(theory.curvature_cumulative_exact(0.0, spectrum, sign=-1))
        hills = float(theory.curvature_cumulative_exact(0.0, spectrum, sign=1))
        assert exact == pytest.approx(theory.saddle_probability_exact(spectrum) + hills, rel=1e-3)
        assert (bowls, others) == (pytest.approx(1 - exact, abs=1e-4), pytest.approx(exact, rel=0.1))
        assert enough == pytest.approx(math.log(20) / -math.log1p(-exact), rel=0.3)
    (down, flat, up), (by_theorem,) = numbers("spectrum")[2:4]
    assert (down, flat, up, by_theorem) == (84, 28, 113, 84)
