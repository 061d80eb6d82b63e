"""Figures of whatever is passed: drawn, or refused by name."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvdisent.plotting import (
    AblationDisplay,
    HistoryDisplay,
    LatentDisplay,
    MutualInfoDisplay,
    ProbeDisplay,
    ReconstructionDisplay,
)

from ._hostile import EDGES, examples, hostile, hostile_factors
from ._property import attempt

N = 12
RNG = np.random.default_rng(0)
FACTORS = pd.DataFrame({"a": np.arange(N) % 2, "b": np.arange(N) % 3})
SEARCH = {
    "params": [{"alpha": 0.0, "beta": beta, "gamma": 0.0} for beta in (0.0, 0.5)],
    "mean_test_score": [0.1, 0.2],
    "std_test_score": [0.0, 0.1],
}
TABLE = pd.DataFrame({"a": [0.5, 0.9, 0.5]}, index=["private", "shared", "chance"])


def drawn(make, names, *inputs):
    """Draw, and close the figure whichever way it ended."""
    try:
        attempt(make, names, *inputs)
    finally:
        plt.close("all")


def swapped(mapping, name, value):
    return {**mapping, name: value}


@examples(0.5)
@given(name=st.sampled_from(sorted(SEARCH)), value=EDGES | hostile((2,)))
def test_ablation(name, value):
    results = swapped(SEARCH, name, value)
    drawn(lambda: AblationDisplay.from_cv_results(results), ("cv_results", "metrics", name))


@examples(0.5)
@given(
    name=st.sampled_from(["cv_results", "metrics", "prefix", "references", "score_name", "ax"]),
    value=EDGES,
)
def test_settings_of_an_ablation(name, value):
    arguments = swapped({"cv_results": SEARCH}, name, value)
    drawn(lambda: AblationDisplay.from_cv_results(**arguments), (name, "cv_results"))


@examples(0.5)
@given(scores=EDGES | hostile((4, 3)) | hostile_factors(N), references=EDGES)
def test_scores_of_an_ablation(scores, references):
    drawn(lambda: AblationDisplay(scores, references=references).plot(), ("scores", "references"))


HISTORY = {"loss": [3.0, 2.0, 1.0], "reconstruction": [2.0, 1.0, 0.5]} | {
    f"{block}_{term}": [0.5, 0.6, 0.7]
    for block in ("private", "shared")
    for term in ("mi", "tc", "dwkl")
}


@examples(0.5)
@given(
    name=st.sampled_from([*HISTORY, "history", "kl_private", "kl_shared"]),
    value=EDGES | hostile((3,)),
)
def test_history(name, value):
    arguments = {"history": HISTORY, "kl_private": [0.5, 0.0], "kl_shared": [0.1, 0.2]}
    if name in HISTORY:
        arguments["history"] = swapped(HISTORY, name, value)
    else:
        arguments[name] = value
    drawn(lambda: HistoryDisplay(**arguments).plot(), (name, "history"))


@examples(0.5)
@given(block=EDGES | hostile((N, 3)), factors=hostile_factors(N) | EDGES)
def test_latents(block, factors):
    names = ("blocks", "factors", "a", "b")
    drawn(lambda: LatentDisplay.from_predictions({"shared": block}, FACTORS), names, block)
    blocks = {"shared": RNG.normal(size=(N, 3))}
    drawn(lambda: LatentDisplay.from_predictions(blocks, factors), names)


@examples(0.5)
@given(
    name=st.sampled_from(["blocks", "projection", "n_points", "random_state", "ax"]), value=EDGES
)
def test_settings_of_latents(name, value):
    arguments = swapped({"blocks": {"shared": RNG.normal(size=(N, 3))}}, name, value)
    drawn(lambda: LatentDisplay.from_predictions(factors=FACTORS, **arguments), (name,))


@examples(0.5)
@given(embedding=EDGES | hostile((N, 2)), factors=hostile_factors(N) | EDGES)
def test_embeddings(embedding, factors):
    names = ("embeddings", "factors", "a", "b")
    drawn(lambda: LatentDisplay({"shared": embedding}, FACTORS).plot(), names, embedding)
    drawn(lambda: LatentDisplay({"shared": RNG.normal(size=(N, 2))}, factors).plot(), names)


@examples(0.5)
@given(mi=EDGES | hostile((2, 4)) | hostile_factors(N))
def test_mutual_information(mi):
    drawn(lambda: MutualInfoDisplay(mi).plot(), ("mi",))


@examples(0.5)
@given(
    name=st.sampled_from(["Z", "feature_names", "n_neighbors", "n_jobs", "random_state", "ax"]),
    value=EDGES,
)
def test_settings_of_mutual_information(name, value):
    if name == "n_jobs" and value not in (0, 1, None):
        return  # no process is started
    arguments = swapped({"Z": RNG.normal(size=(N, 3))}, name, value)
    drawn(lambda: MutualInfoDisplay.from_predictions(factors=FACTORS, **arguments), (name,))


@examples(0.5)
@given(table=EDGES | hostile((3, 2)) | hostile_factors(N), errors=EDGES | hostile((3, 1)))
def test_probes(table, errors):
    drawn(lambda: ProbeDisplay(table).plot(), ("table",))
    drawn(lambda: ProbeDisplay(TABLE, errors).plot(), ("errors",))


@pytest.mark.parametrize("name", ["inputs", "reconstructions", "swaps", "labels"])
@examples(0.5)
@given(value=EDGES | hostile((2, 4, 5)))
def test_reconstructions(name, value):
    spectra = RNG.normal(size=(2, 4, 5))
    arguments = swapped({"inputs": spectra, "reconstructions": spectra}, name, value)
    drawn(lambda: ReconstructionDisplay(**arguments).plot(), (name, "inputs"))
