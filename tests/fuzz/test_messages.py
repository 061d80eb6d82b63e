"""The catalogue: what a user reads after a typical mistake.

Each entry is the call and the whole of the text, so that it is reviewed as a text.
"""

from __future__ import annotations

import os
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from mvdisent import LogMel, MultiViewDisentangler, load, save
from mvdisent.datasets import make_harmonic_views, make_tone_views
from mvdisent.metrics import (
    equivariance_score,
    get_scorer,
    mig_score,
    mutual_info_gap,
    mutual_info_matrix,
    probe_gap,
    probe_table,
    reconstruction_error,
    swap_triplets,
)
from mvdisent.model_selection import FactorKFold, ablation_grid
from mvdisent.views import split_views, stack_views

N = 12
Z = np.random.default_rng(0).normal(size=(N, 3))
CLASSES = np.arange(N) % 2
FACTORS = pd.DataFrame({"timbre": CLASSES})
TWICE = pd.DataFrame(np.zeros((N, 2)), columns=["timbre", "timbre"])


def with_a(value):
    return np.where(np.arange(3 * N).reshape(N, 3) == 7, value, Z)


CATALOGUE = [
    # Arrays: what numpy makes of them
    (
        lambda: mig_score([[1.0, 2.0], [3.0]], FACTORS),
        "Z is a list whose entries differ in shape: pass rows of one length",
    ),
    (
        lambda: mig_score(torch.ones(N, 3, dtype=torch.bfloat16), FACTORS),
        "Z is a tensor that numpy cannot hold (torch.bfloat16, torch.strided): pass "
        "Z.to_dense().float()",
    ),
    (lambda: mig_score(None, FACTORS), "Z is of type NoneType; pass an array"),
    (lambda: mig_score({1, 2}, FACTORS), "Z is of type set; pass an array"),
    (
        lambda: mig_score(np.full((N, 3), "a", dtype=object), FACTORS),
        "Z has dtype object, and not all its values are numbers (could not convert string to "
        "float: "
        "'a'): pass real numbers, such as float32",
    ),
    (
        lambda: mig_score(with_a(np.nan), FACTORS),
        "Z contains NaN or infinity, first in row 2: drop these rows or impute them",
    ),
    (
        lambda: mig_score(with_a(1e30), FACTORS),
        "Z contains values beyond 1e+15, first in row 2, and their squares overflow: scale Z",
    ),
    (
        lambda: reconstruction_error(np.ones((2, 3)), 1e30 * np.ones((2, 3), "f4")),
        "X_decoded contains values beyond 1e+15, first in row 0, and their squares overflow: scale "
        "X_decoded",
    ),
    # Factors
    (
        lambda: mig_score(Z, {"timbre": np.ones((N, 2))}),
        "factors['timbre'] has shape (12, 2); pass (n_samples,), one value a sample",
    ),
    (
        lambda: mig_score(Z, {"timbre": "sine"}),
        "factors['timbre'] is of type str; pass a list, an array or a Series, one value a sample",
    ),
    (
        lambda: mig_score(Z, {"timbre": [[0], [1]] * 6}),
        "factors['timbre'] has a list in row 0; pass strings, bools, integers or floats",
    ),
    (
        lambda: mig_score(Z, TWICE),
        "factors has two columns 'timbre': rename one, or leave it out",
    ),
    (
        lambda: mig_score(Z, pl.DataFrame({"timbre": CLASSES})),
        "factors is of type polars.DataFrame; pass a pandas DataFrame, a Series or a dict "
        "{name: values}, one value a sample",
    ),
    (
        lambda: swap_triplets({"pitch": [1, None]}, {"timbre": [0, 1]}),
        "factors['pitch'] has 1 missing values, first in row 1: drop these rows, or leave the "
        "factor out",
    ),
    # Seeds, jobs, options
    (
        lambda: probe_table({"shared": Z}, FACTORS, random_state="0"),
        "random_state='0'; pass None, an int from 0 to 2**32 - 1, or a numpy.random.RandomState",
    ),
    (
        lambda: make_tone_views(3, random_state=-1),
        "random_state=-1; pass None, an int from 0 to 2**32 - 1, or a numpy.random.RandomState",
    ),
    (
        lambda: probe_table({"shared": Z}, FACTORS, n_jobs=0),
        "n_jobs=0; pass None, a positive int, or -1 for all cores",
    ),
    (
        lambda: mutual_info_matrix(Z, FACTORS, n_neighbors=0),
        "n_neighbors == 0, must be >= 1.",
    ),
    (
        lambda: mutual_info_matrix(Z, FACTORS, feature_names="abc"),
        "feature_names is of type str; pass a list of str",
    ),
    (
        lambda: get_scorer("gap"),
        "name='gap' is unknown; pass one of 'cross_view', 'mutual_info_gap', 'neg_probe_leakage', "
        "'objective', 'probe_gap', 'probe_informativeness'",
    ),
    # Probes and splits
    (
        lambda: probe_table({"shared": Z}, FACTORS, cv=20),
        "cv=20 for 12 rows; pass an int from 2 to their number, or None for one split",
    ),
    (
        lambda: probe_table({"shared": Z}, FACTORS, cv=[1, 2]),
        "cv holds 1, which is no pair of training and held-out rows: pass two arrays of int from "
        "0 to 11",
    ),
    (
        lambda: probe_table({"shared": Z}, FACTORS, test_size="half"),
        "test_size='half'; pass a share between 0 and 1, or a number of rows",
    ),
    (
        lambda: probe_table({"shared": Z}, FACTORS, groups=np.zeros(N)),
        "groups has 1 group only, which cannot be split: pass 2 or more",
    ),
    (
        lambda: probe_table({"shared": Z}, FACTORS, groups=["a", 1] * 6),
        "groups holds values that cannot be sorted ('<' not supported between instances of 'int' "
        "and 'str'): pass values of one type",
    ),
    (
        lambda: equivariance_score(Z, Z, Z),
        "change has shape (12, 3); pass (n_samples,), one value a sample",
    ),
    (
        lambda: probe_gap(Z, {"timbre": "shared"}),
        "table is of type numpy.ndarray; pass the DataFrame that probe_table returns",
    ),
    (
        lambda: mutual_info_gap(TWICE, {"timbre": "shared"}),
        "mi has two columns 'timbre': drop or rename one",
    ),
    (lambda: FactorKFold(1, factor="timbre"), "n_splits == 1, must be >= 2."),
    (lambda: FactorKFold(factor="timbre", shuffle=1), "shuffle=1; pass True or False"),
    (
        lambda: list(FactorKFold(2, factor="pitch").split(Z, FACTORS)),
        "factors has no 'pitch'; it has 'timbre': name one of these",
    ),
    (
        lambda: ablation_grid(alpha=0.5),
        "alpha=0.5; pass a list of weights, such as [0, 0.5]",
    ),
    # Sounds, views, files
    (
        lambda: LogMel(0).fit(Z),
        "The 'sample_rate' parameter of LogMel must be a float in the range [0.001, 1000000000.0]. "
        "Got 0 instead.",
    ),
    (
        lambda: make_tone_views(3, waveforms="sine"),
        "waveforms='sine'; pass a sequence of one name or more, each once, such as ('sine',)",
    ),
    (
        lambda: make_harmonic_views(3, attack=0.1),
        "attack=0.1; pass a pair (low, high)",
    ),
    (
        lambda: stack_views(b"RIFF"),
        "views is of type bytes; pass a list, tuple or dict of arrays, each (n_samples, ...)",
    ),
    (
        lambda: split_views(np.zeros((N, 2, 3)), TWICE),
        "factors has two columns 'timbre': rename one, or drop it",
    ),
    (lambda: save(LogMel(800), None), "path=None; pass a str or a pathlib.Path"),
    (lambda: load(3), "path=3; pass a str or a pathlib.Path"),
    # The model
    (
        lambda: MultiViewDisentangler(n_private=0).fit(Z),
        "The 'n_private' parameter of MultiViewDisentangler must be an int in the range [1, inf). "
        "Got 0 instead.",
    ),
    (
        lambda: MultiViewDisentangler().fit([Z, Z]),
        "X is a list of 2 views; X is one array (n_samples, n_views, ...): pass "
        "mvdisent.views.stack_views(X)",
    ),
    (
        lambda: MultiViewDisentangler().fit(Z[:1]),
        "X has n_samples = 1; fit needs 2 samples or more",
    ),
    (
        lambda: MultiViewDisentangler().fit(pd.DataFrame({"f0": range(N), "name": ["a"] * N})),
        "X has a column 'name' that is not of real numbers (could not convert string to float: "
        "'a'): drop it, or convert it to float",
    ),
    (
        lambda: MultiViewDisentangler().fit(pd.DataFrame({"f0": range(N), "f1": [1j] * N})),
        "X has a column 'f1' that is not of real numbers (Complex data not supported): drop it, "
        "or convert it to float",
    ),
    (
        lambda: MultiViewDisentangler().fit(pd.DataFrame(index=range(N))),
        "X has shape (12, 0), no columns: pass at least one feature",
    ),
    (
        lambda: LogMel(800, n_fft=64, hop_length=32, n_mels=4).transform(pd.DataFrame(index=[0])),
        "X has shape (1, 0), no columns: pass at least one feature",
    ),
    (
        lambda: MultiViewDisentangler(device="gpu").fit(Z),
        "device='gpu' is not there, or unknown to torch: pass 'cpu', 'auto' or another, such as "
        "'cuda:0'",
    ),
    (
        lambda: MultiViewDisentangler(net_params={"optimiser": "adam"}).fit(Z),
        "net_params has 'optimiser'; pass 'optimizer' or another of batch_size, callbacks, "
        "compile, device, iterator_train, lr, optimizer, torch_load_kwargs, use_caching, "
        "verbose, or what starts with optimizer__ or iterator_train__ or callbacks__ or "
        "compile__",
    ),
    (
        lambda: MultiViewDisentangler(net_params={"optimizer__beta": 0.9}).fit(Z),
        "net_params={'optimizer__beta': 0.9} cannot be used (Adam.__init__() got an unexpected "
        "keyword argument 'beta'): pass arguments of skorch.NeuralNet, of its optimizer and its "
        "callbacks",
    ),
    (
        lambda: MultiViewDisentangler(checkpoint="absent/run").fit(Z),
        "checkpoint='absent/run': the folder "
        f"{os.path.realpath('absent')} does not exist: make it first",
    ),
    (
        lambda: MultiViewDisentangler(checkpoint="a", warm_start=True).fit(Z),
        "checkpoint='a' does not go with warm_start=True: set warm_start=False, and raise "
        "max_epochs to go on from the file",
    ),
    (
        lambda: MultiViewDisentangler(early_stopping=True, batch_size=3).fit(Z, groups=[0] * N),
        "validation_fraction=0.1 of 1 groups of 12 rows leaves fewer than 2 rows to train on: "
        "lower it, or pass more rows or groups in X",
    ),
]


@pytest.mark.parametrize(("call", "text"), CATALOGUE, ids=[text[:40] for _, text in CATALOGUE])
def test_a_user_reads(call, text):
    errors = (ValueError, TypeError, FileNotFoundError)
    with pytest.raises(errors, match=f"^{re.escape(text)}$"):
        call()


def test_codes_are_refused_before_they_are_decoded(model):
    with pytest.raises(ValueError, match=r"shared contains NaN or infinity, first in row 0: drop"):
        model.decode(np.zeros((2, 1, 2)), np.full((2, 2), np.nan))


def test_views_that_are_huge_beside_those_of_the_fit_are_told(model):
    X = np.zeros((3, 2, 6), np.float32)
    X[1] = 3e38 * np.array([1, -1] * 3)
    text = (
        "X has values so large beside those of the fit, whose standard deviation was 1.02, that "
        "the network overflows, first in row 1: scale X as it was at fit, or clip it; "
        "if it is as it was, fit anew with a lower lr"
    )
    for method in (model.transform, model.reconstruct):
        with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
            method(X)
    with pytest.raises(ValueError, match=re.escape(text.replace(", first in row 1", ""))):
        model.score(X)


def test_names_are_refused_by_their_type(flat_model):
    message = "input_features is of type float; pass a list of str"
    with pytest.raises(TypeError, match=message):
        flat_model.get_feature_names_out(3.5)
