"""Probes of the codes of notes, and what they are asked."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

N_NEIGHBOURS, WIDTH = 5, 6


def instrument_probes():
    """Probes of the instrument: linear, and by the nearest."""
    return {
        "linear": LogisticRegression(max_iter=2000),
        "5-NN": KNeighborsClassifier(N_NEIGHBOURS),
    }


def pitch_probes():
    """Probes of the pitch, in semitones: linear, by the nearest, and by kernels."""
    nearest = KNeighborsRegressor(N_NEIGHBOURS, weights="distance")
    return {
        "linear": make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 3, 13))),
        "5-NN": make_pipeline(StandardScaler(), nearest),
        "SVR": make_pipeline(StandardScaler(), SVR(C=10.0)),
    }


def judge_instrument(features, factors, train, test):
    """Accuracy of each probe that is fitted on some notes, on others."""
    truth = factors["instrument"].to_numpy()
    told = tell(instrument_probes(), features, truth, train, test)
    return {name: float(np.mean(values == truth[test])) for name, values in told.items()}


def judge_pitch(features, factors, train, test):
    """Share of notes whose pitch each probe tells within one semitone."""
    truth = factors["pitch"].to_numpy(float)
    told = tell(pitch_probes(), features, truth, train, test)
    return {name: float(np.mean(abs(values - truth[test]) <= 1)) for name, values in told.items()}


def tell(probes, features, truth, train, test):
    """What each probe, fitted on some notes, says of others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return {
            name: probe.fit(features[train], truth[train]).predict(features[test])
            for name, probe in probes.items()
        }


def split_keys(factors):
    """Notes of every second key, and those of the others."""
    rank = factors["pitch"].rank(method="dense").to_numpy()
    return np.flatnonzero(rank % 2 == 1), np.flatnonzero(rank % 2 == 0)


def judge_nearest(features, factors, queries):
    """Share of notes whose instrument most of the nearest have, near keys left out."""
    pitch = factors["pitch"].to_numpy()
    distance = pairwise_distances(features[queries], features)
    distance[np.abs(pitch[queries][:, None] - pitch) <= WIDTH] = np.inf
    instrument = factors["instrument"].to_numpy()
    return float(np.mean(vote(distance, instrument) == instrument[queries]))


def vote(distance, labels):
    """Give the label that most of the nearest have; of equal votes the nearest wins."""
    codes, names = pd.factorize(labels)
    nearest = codes[np.argsort(distance, axis=1, kind="stable")[:, :N_NEIGHBOURS]]
    n_votes = (nearest[:, :, None] == nearest[:, None, :]).sum(axis=2)
    return names[np.take_along_axis(nearest, n_votes.argmax(axis=1)[:, None], 1)[:, 0]]


def scale_all(hand_made, factors, rows):
    """Standardise hand-made features by some notes; add an LDA of these for each."""
    scaled = {name: standardise(features, rows) for name, features in hand_made.items()}
    truth, found = factors["instrument"].to_numpy()[rows], {}
    for name, features in scaled.items():
        lda = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto")
        found[f"{name}, LDA"] = lda.fit(features[rows], truth).transform(features)
    return scaled | found


def standardise(features, rows):
    """Standardise features by some notes."""
    return StandardScaler().fit(features[rows]).transform(features)
