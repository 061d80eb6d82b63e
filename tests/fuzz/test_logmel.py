"""LogMel and LogCQT, from whatever is passed for their waveforms and settings."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mvdisent import LogCQT, LogMel
from mvdisent.audio import to_audio

from ._hostile import EDGES, examples, hostile, parameters
from ._property import REFUSED, attempt, rows_of

SETTINGS = {"sample_rate": 800, "n_fft": 64, "hop_length": 32, "n_mels": 4}
PARAMS = tuple(LogMel(800).get_params())
CQT_SETTINGS = {"sample_rate": 800, "hop_length": 32, "f_min": 100.0, "n_bins": 4}
CQT_PARAMS = tuple(LogCQT(800).get_params())
WAVES = hostile((5, 2, 80), scale=0.1) | hostile((5, 80), scale=0.1)


def check_spectra(spectra, n_samples):
    """NaN marks a missing view throughout; all else is in dB."""
    assert spectra.dtype == np.float32
    assert spectra.shape[0] == n_samples
    assert spectra.shape[2] == 4
    missing = np.isnan(spectra).all((2, 3))
    assert np.isfinite(spectra[~missing]).all()


@examples(3)
@given(X=WAVES)
def test_fit(X):
    fitted = attempt(lambda: LogMel(**SETTINGS).fit(X), ("X",), X)
    if fitted is not REFUSED:
        assert len(fitted.get_feature_names_out()) == fitted.n_views_in_


@examples(4)
@given(
    X=WAVES,
    ref=st.sampled_from(["max", 1.0, 1e-12, 1e30]),
    top_db=st.sampled_from([None, 0, 80.0, 1e9]),
)
def test_transform(X, ref, top_db):
    front_end = LogMel(**SETTINGS, ref=ref, top_db=top_db)
    spectra = attempt(lambda: front_end.transform(X), ("X",), X)
    if spectra is not REFUSED:
        check_spectra(spectra, rows_of(X))


@examples()
@given(X=WAVES, again=WAVES)
def test_transform_after_fit(X, again):
    front_end = LogMel(**SETTINGS)
    if attempt(lambda: front_end.fit(X), ("X",), X) is not REFUSED:
        spectra = attempt(lambda: front_end.transform(again), ("X",), again)
        if spectra is not REFUSED:
            check_spectra(spectra, rows_of(again))


@examples(2)
@given(out=(hostile((5, 2, 4, 3)) | EDGES).filter(lambda out: not isinstance(out, str)))
def test_out(out):
    X = np.random.default_rng(0).normal(size=(5, 2, 80))
    spectra = attempt(lambda: LogMel(**SETTINGS).transform(X, out=out), ("out",), X)
    assert spectra is REFUSED or out is None or spectra is out


@examples()
@given(names=EDGES | hostile((80,)))
def test_get_feature_names_out(names):
    front_end = LogMel(**SETTINGS).fit(np.zeros((5, 80)))
    attempt(lambda: front_end.get_feature_names_out(names), ("input_features",), names)


@examples(6)
@given(params=parameters(PARAMS))
def test_parameters(params):
    X = 0.1 * np.random.default_rng(0).normal(size=(5, 80))
    front_end = LogMel(**{**SETTINGS, **params})
    spectra = attempt(lambda: front_end.fit_transform(X), (*PARAMS, "X"), X)
    if spectra is not REFUSED:
        assert np.isfinite(spectra).all()


@examples(4)
@given(
    X=WAVES,
    ref=st.sampled_from(["max", 1.0, 1e-12, 1e30]),
    top_db=st.sampled_from([None, 0, 80.0, 1e9]),
)
def test_constant_q_transform(X, ref, top_db):
    front_end = LogCQT(**CQT_SETTINGS, ref=ref, top_db=top_db)
    spectra = attempt(lambda: front_end.fit_transform(X), ("X",), X)
    if spectra is not REFUSED:
        check_spectra(spectra, rows_of(X))


@examples(6)
@given(params=parameters(CQT_PARAMS))
def test_constant_q_parameters(params):
    X = 0.1 * np.random.default_rng(0).normal(size=(5, 80))
    front_end = LogCQT(**{**CQT_SETTINGS, **params})
    spectra = attempt(lambda: front_end.fit_transform(X), (*CQT_PARAMS, "X"), X)
    if spectra is not REFUSED:
        assert np.isfinite(spectra).all()


@examples(2)
@given(X=hostile((3, 2, 4, 3)))
def test_constant_q_inverse(X):
    front_end = LogCQT(**CQT_SETTINGS)
    waves = attempt(lambda: front_end.inverse_transform(X, n_iter=1), ("X",), X)
    if waves is not REFUSED:
        missing = np.isnan(waves).all(2)
        assert np.isfinite(waves[~missing]).all()


@examples(2)
@given(X=hostile((3, 2, 4, 3)), front_end=st.just(LogCQT(**CQT_SETTINGS)) | EDGES)
def test_to_audio(X, front_end):
    attempt(lambda: to_audio(X, front_end, n_iter=1), ("X", "front_end"), X)
