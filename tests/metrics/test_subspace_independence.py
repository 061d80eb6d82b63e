"""The independence test: its statistic by definition, its level and its power by many trials."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, kstest

from mvdisent.metrics import subspace_independence


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def squared_distance_correlation(x, y):
    """The estimator of Szekely and Rizzo, term by term."""
    n = len(x)

    def u_centred(z):
        d = [[np.linalg.norm(z[i] - z[j]) for j in range(n)] for i in range(n)]
        u = np.zeros((n, n))
        for i in range(n):
            for j in range(n):
                if i != j:
                    u[i, j] = (
                        d[i][j]
                        - sum(d[i]) / (n - 2)
                        - sum(row[j] for row in d) / (n - 2)
                        + sum(map(sum, d)) / ((n - 1) * (n - 2))
                    )
        return u

    a, b = u_centred(x), u_centred(y)
    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())


def test_the_statistic_is_the_bias_corrected_distance_correlation(rng):
    private = rng.normal(size=(12, 3))
    shared = private[:, :2] ** 2 + 0.3 * rng.normal(size=(12, 2))
    expected = squared_distance_correlation(private, shared)
    assert subspace_independence(private, shared).statistic == pytest.approx(expected)


def test_a_copy_shifted_turned_and_scaled_has_statistic_one(rng):
    private = rng.normal(size=(100, 3))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    test = subspace_independence(private, 5 - 1e3 * private @ turn, random_state=0)
    assert test.statistic == pytest.approx(1)
    assert test.pvalue == 1 / 200


def draw_independent(rng, kind, n):
    if kind == "normal":
        return rng.normal(size=(n, 2)), rng.normal(size=(n, 3))
    if kind == "heavy-tailed":
        return rng.standard_cauchy(size=(n, 2)), rng.standard_cauchy(size=(n, 1))
    return rng.integers(0, 3, (n, 1)), rng.exponential(size=(n, 2))


@pytest.mark.parametrize("kind", ["normal", "heavy-tailed", "discrete"])
def test_p_values_of_independent_blocks_are_uniform(rng, kind):
    tests = [
        subspace_independence(
            *draw_independent(rng, kind, 16), n_permutations=49, random_state=seed
        )
        for seed in range(400)
    ]
    pvalues = np.array([test.pvalue for test in tests])
    # Multiples of 1/50: a uniform draw below each makes them continuous.
    assert kstest(pvalues - rng.uniform(0, 0.02, 400), "uniform").pvalue > 0.001
    for level in (0.02, 0.1):
        assert binom.interval(0.999, 400, level)[0] <= (pvalues <= level + 1e-9).sum()
        assert (pvalues <= level + 1e-9).sum() <= binom.interval(0.999, 400, level)[1]
    statistics = np.array([test.statistic for test in tests])
    # Unbiased: the mean is within four of its standard errors of 0.
    assert abs(statistics.mean()) < 4 * statistics.std() / 20


def ring(rng, n):
    angle = rng.uniform(0, 2 * np.pi, n)
    return np.cos(angle)[:, None], np.sin(angle)[:, None]


def parabola(rng, n):
    x = rng.normal(size=(n, 1))
    return x, x**2 + 0.5 * rng.normal(size=(n, 1))


def shared_scale(rng, n):
    scale = rng.exponential(size=(n, 1))
    return scale * rng.normal(size=(n, 2)), scale * rng.normal(size=(n, 2))


def leak(rng, n):
    shared = rng.normal(size=(n, 4))
    private = rng.normal(size=(n, 4))
    private[:, 0] = 0.6 * shared[:, 0] + 0.8 * private[:, 0]
    return private, shared


@pytest.mark.parametrize("draw", [ring, parabola, shared_scale, leak])
def test_dependence_is_found_also_without_correlation(rng, draw):
    pvalues = [
        subspace_independence(*draw(rng, 150), n_permutations=49, random_state=seed).pvalue
        for seed in range(10)
    ]
    assert np.mean(np.array(pvalues) <= 0.05) >= 0.9


def test_the_statistic_does_not_grow_with_the_rows_and_grows_with_the_dependence(rng):
    def statistic(rho, n):
        x, noise = rng.normal(size=(2, n, 1))
        y = rho * x + np.sqrt(1 - rho**2) * noise
        return subspace_independence(x, y, n_permutations=1, max_samples=n).statistic

    def theory(rho):  # of the bivariate normal: Szekely, Rizzo, Bakirov 2007, Theorem 7
        top = rho * np.arcsin(rho) + np.sqrt(1 - rho**2)
        top -= rho * np.arcsin(rho / 2) + np.sqrt(4 - rho**2) - 1
        return top / (1 + np.pi / 3 - np.sqrt(3))

    for rho in (0.3, 0.6, 0.9):
        assert statistic(rho, 1500) == pytest.approx(theory(rho), abs=0.06)
        small = np.mean([statistic(rho, 50) for _ in range(100)])
        assert small == pytest.approx(theory(rho), abs=0.06)


def test_private_views_are_taken_together(rng):
    views = rng.normal(size=(60, 2, 3))
    shared = views[:, 1, :1]  # told by the second view alone
    whole = subspace_independence(views, shared, random_state=0)
    assert whole == subspace_independence(views.reshape(60, 6), shared, random_state=0)
    assert whole.pvalue == 1 / 200


@pytest.mark.parametrize("value", [0.0, 0.1])
def test_a_collapsed_block_depends_on_nothing(rng, value):
    collapsed = np.full((50, 3), value, dtype=np.float32)
    assert subspace_independence(collapsed, rng.normal(size=(50, 2))) == (0, 1)
    assert subspace_independence(rng.normal(size=(50, 2)), collapsed) == (0, 1)


def test_no_more_rows_than_the_most_are_used(rng):
    private = rng.normal(size=(400, 1))
    shared = np.where(np.arange(400)[:, None] < 200, private, rng.normal(size=(400, 1)))
    few = {subspace_independence(private, shared, max_samples=4).statistic for _ in range(5)}
    assert len(few) > 1  # another draw of rows each time
    one, again = (
        subspace_independence(private, shared, max_samples=50, random_state=3) for _ in range(2)
    )
    assert one == again
    assert subspace_independence(private, shared, max_samples=400).statistic == pytest.approx(
        subspace_independence(private, shared, max_samples=10**6).statistic
    )


@pytest.mark.parametrize(
    ("private", "shared", "options", "message"),
    [
        (np.ones((9, 2)), np.ones((8, 2)), {}, "private has 9 rows, but shared has 8"),
        (np.ones((3, 2)), np.ones((3, 2)), {}, "private has 3 rows; the test needs 4 or more"),
        (np.ones((9, 2)), np.full((9, 2), np.nan), {}, "shared contains NaN or infinity"),
        (np.ones((9, 2, 2)) * np.inf, np.ones((9, 2)), {}, "private contains NaN or infinity"),
        (np.ones((9, 2)), np.ones((9, 2, 2)), {}, r"shared has shape \(9, 2, 2\)"),
        (np.ones((9, 2)), np.ones((9, 2)), {"max_samples": 3}, "max_samples == 3, must be >= 4"),
        (np.ones((9, 2)), np.ones((9, 2)), {"n_permutations": 0}, "n_permutations == 0, must"),
    ],
)
def test_bad_input_is_named(private, shared, options, message):
    with pytest.raises(ValueError, match=message):
        subspace_independence(private, shared, **options)
