"""Metrics against plain loops, written anew from the papers, on codes of no special kind."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from scipy.stats import linregress

from mvdisent.metrics import (
    factor_vae_score,
    irs_score,
    mig_score,
    modularity_score,
    sap_score,
    xmig_score,
)
from mvdisent.metrics._dci import _concentration

FACTORS = ["pitch", "timbre", "loudness"]


@pytest.fixture(params=[0, 1, 2])
def world(request):
    """Noisy mixtures of three dependent factors, as whole numbers: no binning is needed."""
    rng = np.random.default_rng(request.param)
    factors = np.stack([rng.integers(0, k, 600) for k in (5, 3, 4)], axis=1)
    factors[:, 2] = np.where(rng.random(600) < 0.3, factors[:, 0] % 4, factors[:, 2])
    mixed = factors @ rng.normal(size=(3, 5)) + rng.normal(size=(600, 5))
    return np.round(mixed).clip(-6, 6), pd.DataFrame(factors, columns=FACTORS)


def nats(a, b):
    """Mutual information by its definition, from counts."""
    n, both, one, other = len(a), Counter(zip(a, b, strict=True)), Counter(a), Counter(b)
    return sum(
        count / n * math.log(count * n / (one[x] * other[y])) for (x, y), count in both.items()
    )


def table(Z, factors):
    """I(z_k; v_i) for each dimension k and factor i."""
    return [[nats(z.tolist(), factors[f].tolist()) for z in Z.T] for f in FACTORS]


def entropies(factors):
    return [nats(factors[f].tolist(), factors[f].tolist()) for f in FACTORS]


def test_mig_is_eq_6_of_chen_et_al(world):
    gaps = []
    for row, entropy in zip(table(*world), entropies(world[1]), strict=True):
        best, second = sorted(row, reverse=True)[:2]
        gaps.append((best - second) / entropy)
    assert mig_score(*world) == pytest.approx(sum(gaps) / 3, rel=1e-9)


def test_xmig_leaves_out_the_dimensions_of_the_other_factors(world):
    rows = table(*world)
    own = [row.index(max(row)) for row in rows]
    gaps = []
    for row, entropy in zip(rows, entropies(world[1]), strict=True):
        free = [told for k, told in enumerate(row) if k not in own]
        gaps.append((max(row) - max(free, default=0)) / entropy)
    assert xmig_score(*world) == pytest.approx(sum(gaps) / 3, rel=1e-9)


def test_modularity_is_the_deviation_from_a_template_of_ridgeway_and_mozer(world):
    scores = []
    for column in zip(*table(*world), strict=True):
        theta = max(column)
        template = [theta if told == theta else 0 for told in column]
        squares = [(told - t) ** 2 for told, t in zip(column, template, strict=True)]
        scores.append(1 - sum(squares) / (theta**2 * (len(column) - 1)))
    assert modularity_score(*world) == pytest.approx(sum(scores) / len(scores), rel=1e-9)


def test_sap_of_continuous_factors_is_a_gap_of_squared_correlations(world):
    Z, factors = world
    factors = factors + np.random.default_rng(9).normal(size=factors.shape)
    gaps = []
    for f in FACTORS:
        best, second = sorted((linregress(z, factors[f]).rvalue ** 2 for z in Z.T), reverse=True)[
            :2
        ]
        gaps.append(best - second)
    assert sap_score(Z, factors) == pytest.approx(sum(gaps) / 3, rel=1e-9)


def test_disentanglement_is_the_weighted_entropy_of_eastwood_and_williams():
    R = np.random.default_rng(0).gamma(0.5, size=(5, 3))  # dimensions by factors
    total, score = sum(R[i][j] for i in range(5) for j in range(3)), 0.0
    for i in range(5):
        p = [R[i][j] / sum(R[i]) for j in range(3)]
        score += sum(R[i]) / total * (1 + sum(q * math.log(q, 3) for q in p))
    assert _concentration(R) == pytest.approx(score, rel=1e-9)


def test_irs_is_the_worst_move_of_suter_et_al_at_the_stated_quantile(world):
    Z, factors = world
    score, weight = 0.0, 0.0
    for z in Z.T:
        whole = np.quantile(abs(z - z.mean()), 0.99)
        moves = []
        for f in FACTORS:
            move = 0.0
            for value in set(factors[f]):
                rows = z[(factors[f] == value).to_numpy()]
                move += len(rows) / len(z) * np.quantile(abs(rows - rows.mean()), 0.99)
            moves.append(move)
        score += whole * (1 - min(moves) / whole)
        weight += whole
    assert irs_score(Z, factors) == pytest.approx(max(score / weight, 0), rel=1e-9)


def test_the_factor_vae_score_agrees_with_a_plain_loop_of_other_draws(world):
    Z, factors = world
    rng = np.random.default_rng(5)
    votes = []
    for _ in range(1600):
        i = int(rng.integers(3))
        value = rng.choice(factors[FACTORS[i]].to_numpy())
        rows = rng.choice(np.flatnonzero(factors[FACTORS[i]] == value), 64)
        votes.append((int(np.argmin(Z[rows].var(axis=0) / Z.var(axis=0))), i))
    majority = {}
    for k in range(5):
        counts = Counter(i for dimension, i in votes[:800] if dimension == k)
        majority[k] = counts.most_common(1)[0][0] if counts else 0
    right = [majority[k] == i for k, i in votes[800:]]
    # Two scores of 800 votes each: four standard errors of their difference.
    tolerance = 4 * math.sqrt(2 * 0.25 / 800)
    assert factor_vae_score(Z, factors, random_state=0) == pytest.approx(
        sum(right) / 800, abs=tolerance
    )
