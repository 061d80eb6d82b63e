"""Mutual information against closed forms, integrals and scikit-learn's own call."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.feature_selection import mutual_info_classif

from mvdisent.metrics import mutual_info_matrix

N = 4000


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def estimate(z, factor, **options):
    """Mutual information of one dimension with one factor."""
    table = mutual_info_matrix(z[:, None], {"factor": factor}, random_state=0, **options)
    return table.loc["factor", "latent_0"]


def test_a_copy_of_a_discrete_factor_tells_its_entropy(rng):
    p = np.array([0.1, 0.2, 0.3, 0.4])
    factor = rng.choice(4, size=N, p=p)
    observed = np.bincount(factor) / N
    entropy = -(observed * np.log(observed)).sum()
    assert estimate(factor.astype(float), factor) == pytest.approx(entropy, abs=0.02)


def test_a_binary_channel_tells_its_capacity(rng):
    sent = rng.integers(0, 2, N)
    received = sent ^ (rng.uniform(size=N) < 0.1)
    capacity = np.log(2) + 0.1 * np.log(0.1) + 0.9 * np.log(0.9)
    assert estimate(received.astype(float), sent) == pytest.approx(capacity, abs=0.04)


@pytest.mark.parametrize("distance", [0.5, 2.0])
def test_a_mixture_of_two_gaussians_tells_the_integral(rng, distance):
    def density(x):
        return (norm.pdf(x, 0) + norm.pdf(x, distance)) / 2

    entropy = quad(lambda x: -density(x) * np.log(density(x)), -10, 10 + distance)[0]
    expected = entropy - norm.entropy()
    factor = rng.integers(0, 2, N)
    assert estimate(factor * distance + rng.normal(size=N), factor) == pytest.approx(
        expected, abs=0.04
    )


@pytest.mark.parametrize("rho", [0.0, 0.5, -0.9])
def test_correlated_gaussians_tell_the_closed_form(rng, rho):
    factor, noise = rng.normal(size=(2, N))
    z = rho * factor + np.sqrt(1 - rho**2) * noise
    assert estimate(z, factor) == pytest.approx(-0.5 * np.log(1 - rho**2), abs=0.04)


@pytest.mark.parametrize("kind", ["discrete", "continuous"])
def test_independent_noise_tells_nothing(rng, kind):
    factor = rng.integers(0, 21, N) if kind == "discrete" else rng.normal(size=N)
    assert estimate(rng.normal(size=N), factor) == pytest.approx(0, abs=0.04)


@pytest.mark.parametrize("value", [0.0, 0.1])
def test_a_constant_dimension_tells_exactly_nothing(rng, value):
    Z = rng.normal(size=(200, 3)).astype(np.float32)
    Z[:, 1] = value
    factors = {"timbre": rng.integers(0, 4, 200), "hz": rng.normal(size=200)}
    mi = mutual_info_matrix(Z, factors, random_state=0)
    assert (mi["latent_1"] == 0).all()
    assert (mutual_info_matrix(Z[:, [1]], factors, random_state=0) == 0).all(axis=None)


def test_a_constant_factor_is_told_by_nothing(rng):
    factors = {"timbre": np.full(50, "sine"), "hz": np.full(50, 440.0)}
    mi = mutual_info_matrix(rng.normal(size=(50, 2)), factors, random_state=0)
    assert (mi == 0).all(axis=None)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_scale_of_a_dimension_does_not_matter(rng, scale):
    factor, noise = rng.normal(size=(2, 500))
    z = factor + noise
    assert estimate(z * scale, factor) == pytest.approx(estimate(z, factor), abs=1e-6)


@pytest.mark.parametrize(
    "cast",
    [
        lambda codes: np.array(["sine", "saw", "square"])[codes],
        lambda codes: pd.Categorical.from_codes(codes, ["a", "b", "c"]),
        lambda codes: codes.astype(np.int8),
        lambda codes: pd.array(codes, dtype="Int64"),
        lambda codes: np.array(["a", 1, None.__class__], dtype=object)[codes],
    ],
    ids=["string", "category", "int8", "Int64", "object"],
)
def test_every_discrete_type_is_read_as_scikit_learn_reads_codes(rng, cast):
    codes = rng.integers(0, 3, 300)
    Z = rng.normal(size=(300, 2)) + codes[:, None]
    expected = mutual_info_classif(Z, codes, discrete_features=False, random_state=0)
    mi = mutual_info_matrix(Z, {"f": cast(codes)}, random_state=0)
    np.testing.assert_allclose(mi.loc["f"], expected, rtol=1e-10)


def test_bools_are_discrete_and_floats_continuous(rng):
    z = np.repeat([0.0, 1.0], 500) + 1e-3 * rng.normal(size=1000)
    discrete = estimate(z, z > 0.5)
    assert discrete == pytest.approx(np.log(2), abs=0.01)
    assert estimate(z, z) > 2 * discrete


def test_rows_belong_together_by_position_not_by_index(rng):
    codes = rng.integers(0, 3, 300)
    Z = pd.DataFrame(rng.normal(size=(300, 2)) + codes[:, None], columns=["a", "b"])
    by_position = mutual_info_matrix(Z, {"f": codes}, random_state=0)
    shuffled = pd.Series(codes, index=rng.permutation(300), name="f")
    assert mutual_info_matrix(Z, shuffled, random_state=0).equals(by_position)
    assert mutual_info_matrix(Z, shuffled.to_frame(), random_state=0).equals(by_position)
    assert mutual_info_matrix(Z, {"f": shuffled}, random_state=0).equals(by_position)


def test_names_are_the_columns_of_z_or_those_given_or_numbers(rng):
    Z, codes = rng.normal(size=(30, 2)), {"f": rng.integers(0, 2, 30), "g": rng.normal(size=30)}
    assert mutual_info_matrix(Z, codes).columns.tolist() == ["latent_0", "latent_1"]
    frame = pd.DataFrame(Z, columns=["private_0", "shared_0"])
    mi = mutual_info_matrix(frame, codes)
    assert mi.columns.tolist() == ["private_0", "shared_0"]
    assert mi.index.tolist() == ["f", "g"]
    names = np.array(["a", "b"], dtype=object)
    assert mutual_info_matrix(frame, codes, feature_names=names).columns.tolist() == ["a", "b"]


def test_the_matrix_depends_on_the_seed_alone(rng):
    Z = rng.normal(size=(200, 4))
    factors = {"t": rng.integers(0, 3, 200), "hz": rng.normal(size=200)}
    first = mutual_info_matrix(Z, factors, random_state=0)
    assert mutual_info_matrix(Z, factors, random_state=0, n_jobs=2).equals(first)


@pytest.mark.parametrize(
    ("Z", "factors", "message"),
    [
        (np.zeros((9, 2)), {"f": np.zeros(8)}, r"Z has 9 rows, but factors has 8: pass one row"),
        (
            np.zeros((9, 2, 3)),
            {"f": np.zeros(9)},
            r"Z has shape \(9, 2, 3\); pass \(n_samples",
        ),
        (np.full((9, 2), np.nan), {"f": np.zeros(9)}, r"Z contains NaN .* row 0: drop these"),
        (np.zeros((3, 2)), {"f": [1.0, np.nan, 2.0]}, r"factors\['f'\] has 1 missing .* row 1"),
        (np.zeros((3, 2)), {"f": ["a", "b", None]}, r"factors\['f'\] has 1 missing .* row 2"),
        (np.zeros((2, 2)), {"f": [1.0, np.inf]}, r"factors\['f'\] contains NaN or infinity"),
        (np.zeros((2, 2)), {"f": [1, 2], "g": [1]}, r"factors\['g'\] has 1 rows, but factors\['f'"),
        (np.eye(3), {"f": [1, 2, 3]}, r"factors\['f'\] is discrete .* every row; pass .* float"),
        (np.eye(2), {"f": [1j, 2j]}, r"factors\['f'\] has dtype complex128; pass strings"),
        (np.eye(2), {}, "factors has no column"),
    ],
)
def test_bad_input_is_named_with_its_cure(Z, factors, message):
    with pytest.raises(ValueError, match=message):
        mutual_info_matrix(Z, factors)


def test_factors_without_names_are_refused():
    with pytest.raises(TypeError, match=r"factors is of type numpy\.ndarray; pass a pandas Da"):
        mutual_info_matrix(np.eye(2), np.zeros(2))


def test_names_that_are_too_few_are_refused():
    with pytest.raises(ValueError, match="feature_names has 1 names, but Z has 2 columns"):
        mutual_info_matrix(np.eye(2), {"f": [0, 0]}, feature_names=["a"])


def test_booleans_are_numbers():
    code = np.arange(200) % 2 == 1
    tables = [mutual_info_matrix(Z[:, None], {"f": code}, random_state=0) for Z in (code, 1 * code)]
    pd.testing.assert_frame_equal(*tables)
