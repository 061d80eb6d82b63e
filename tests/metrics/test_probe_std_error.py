"""Standard errors of probes where they are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import KFold

from mvdisent.metrics import probe_table

N = 4000


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def measure(Z, factor, **options):
    return probe_table(
        {"z": Z}, {"f": factor}, probe="linear", random_state=0, return_std_error=True, **options
    )


@pytest.fixture
def noisy_sign(rng):
    Z = rng.normal(size=(N, 1))
    return Z, Z[:, 0] + rng.normal(size=N) > 0.3


def test_the_error_of_an_accuracy_is_binomial(noisy_sign):
    scores, errors = measure(*noisy_sign, reference=noisy_sign[0])
    assert errors.index.tolist() == ["z", "chance", "ceiling"]
    expected = np.sqrt(scores * (1 - scores) / (0.4 * N - 1))
    assert errors.to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-9)
    alone = probe_table({"z": noisy_sign[0]}, {"f": noisy_sign[1]}, probe="linear", random_state=0)
    assert scores.loc[["z", "chance"]].equals(alone)


def test_a_factor_that_is_read_without_fail_has_no_error(rng):
    sign = rng.uniform(size=N) > 0.5
    scores, errors = measure(np.eye(2)[sign.astype(int)], sign)
    assert (scores.loc["z", "f"], errors.loc["z", "f"]) == (1, 0)


def test_copies_of_a_row_in_one_group_tell_no_more_than_the_row(noisy_sign):
    Z, sign = (np.repeat(a, 5, axis=0) for a in noisy_sign)
    scores, errors = measure(Z, sign, groups=np.repeat(np.arange(N), 5))
    p = scores["f"]
    assert errors["f"].to_numpy() == pytest.approx(np.sqrt(p * (1 - p) / (0.4 * N - 1)), rel=1e-9)


@pytest.mark.parametrize("copies", [1, 4])
def test_the_error_of_r2_is_that_of_a_squared_correlation(rng, copies):
    # Of n pairs of normal variables: sqrt(4 rho^2 (1 - rho^2)^2 / n), rho^2 = 1/2 here.
    signal, noise = rng.normal(size=(2, 20_000))
    factor = np.repeat(signal + noise, copies)
    groups = np.repeat(np.arange(20_000), copies)
    _, errors = measure(np.repeat(signal, copies)[:, None], factor, groups=groups)
    assert errors.loc["z", "f"] == pytest.approx(np.sqrt(0.5 / 8000), rel=0.05)


@pytest.mark.parametrize("continuous", [False, True])
def test_errors_are_the_spread_over_fresh_rows_of_dependent_groups(rng, continuous):
    n_groups, size, scores, errors = 60, 5, [], []
    groups = np.concatenate([-np.arange(1, 2001), np.repeat(np.arange(n_groups), size)])
    split = [(np.arange(2000), np.arange(2000, 2000 + n_groups * size))]
    Z = rng.normal(size=(2000, 1))
    known = Z[:, 0] + rng.normal(size=2000)
    for _ in range(200):
        told, untold = (np.repeat(rng.normal(size=n_groups), size) for _ in range(2))
        fresh = told + 0.8 * untold + 0.6 * rng.normal(size=len(told))
        factor = np.concatenate([known, fresh])
        options = {"groups": groups, "cv": split}
        features = np.concatenate([Z, told[:, None]])
        score, error = measure(features, factor if continuous else factor > 0, **options)
        scores.append(score.loc["z", "f"])
        errors.append(error.loc["z", "f"])
    # The spread of 200 scores is itself known to 1 part in 20; independent rows: 0.55 of it.
    assert np.mean(errors) == pytest.approx(np.std(scores), rel=0.2)


def test_the_error_over_folds_pools_their_rows(noisy_sign):
    Z, sign = noisy_sign
    folds = list(KFold(4).split(Z))
    each = [measure(Z, sign, cv=[fold])[1].loc["z", "f"] for fold in folds]
    _, errors = measure(Z, sign, cv=folds)
    # The mean of 4 independent means, but for n / (n - 1) of the rows in all and in a fold.
    expected = np.sqrt(np.sum(np.square(each)) * 999 / 1000 * N / (N - 1)) / 4
    assert errors.loc["z", "f"] == pytest.approx(expected, rel=1e-9)


def test_the_same_split_twice_tells_no_more_than_once(noisy_sign):
    split = (np.arange(1000), np.arange(1000, N))
    _, once = measure(*noisy_sign, cv=[split])
    _, twice = measure(*noisy_sign, cv=[split, split])
    assert twice.to_numpy() == pytest.approx(once.to_numpy(), rel=1e-9)


def test_held_out_rows_of_one_group_are_refused(noisy_sign):
    groups = np.arange(N) // (N // 2)
    with pytest.raises(ValueError, match="of one group, and a standard error needs two or more"):
        measure(*noisy_sign, groups=groups)
