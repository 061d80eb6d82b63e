"""The scikit-learn contract of every public estimator.

conftest.py sets SCIPY_ARRAY_API=1, or one check would be skipped.
"""

from __future__ import annotations

import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from mvdisent import MultiViewDisentangler
from mvdisent.audio import LogCQT, LogMel
from mvdisent.views import TimePool, WindowFeatures

# The checks' clips have 1 to 20 instants, so frames are short and bands few.
LOG_MELS = [
    LogMel(8000, n_fft=16, hop_length=4, n_mels=4),
    LogMel(16000, n_fft=4, hop_length=2, n_mels=1),
    LogMel(8000, n_fft=9, hop_length=3, n_mels=2, f_min=100.0, f_max=3900.0, ref=0.5),
    LogMel(22050.0, n_fft=32, hop_length=1, n_mels=6, top_db=None, chunk_size=5),
]
LOG_CQTS = [
    LogCQT(16000),
    LogCQT(8000, hop_length=4, f_min=440.0, n_bins=3, n_fourier=2),
    LogCQT(8000, hop_length=3, f_min=500.0, bins_per_octave=5, ref=0.5, chunk_size=5),
    LogCQT(8000, hop_length=4, f_min=900.0, compression=0.5, n_fourier="all"),
    LogCQT(22050.0, hop_length=1, f_min=2000.0, top_db=None),
]
# warm_start is left out: these checks fit one estimator twice and compare.
SHORT = {"decoder_std": 0.1, "max_epochs": 2, "lr": 0.01}
DISENTANGLERS = [
    MultiViewDisentangler(),
    MultiViewDisentangler(2, 3, **SHORT),
    MultiViewDisentangler(2, 3, output="private", **SHORT),
    MultiViewDisentangler(1, 2, output="shared", alpha=0, beta=0, **SHORT),
    MultiViewDisentangler(3, 1, view_output="concat", kl_estimator="weighted", **SHORT),
    MultiViewDisentangler(2, 2, view_output="concat", output="private", **SHORT),
    MultiViewDisentangler(2, 2, encoder="conv", decoder="conv", **SHORT),
    MultiViewDisentangler(2, 2, encoder="conv", output="shared", batch_size=16, **SHORT),
    MultiViewDisentangler(2, 2, decoder="conv", view_output="concat", **SHORT),
    MultiViewDisentangler(2, 2, objective="swap", **SHORT),
    MultiViewDisentangler(1, 2, objective="swap", delta=0, output="shared", **SHORT),
    MultiViewDisentangler(2, 2, objective="transport", warmup_epochs=1, **SHORT),
    MultiViewDisentangler(2, 2, objective="transport", view_output="concat", **SHORT),
    MultiViewDisentangler(2, 2, early_stopping=True, validation_fraction=0.3, **SHORT),
]


class MeanLevel(TransformerMixin, BaseEstimator):
    """Learns nothing; its text is the same in every process, as the ids of tests must be."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X.reshape(len(X), -1).mean(axis=1, keepdims=True)

    def get_feature_names_out(self, input_features=None):
        return ["level"]

    def __sklearn_is_fitted__(self):
        return True


WINDOW_FEATURES = [WindowFeatures(MeanLevel(), 1), WindowFeatures(MeanLevel(), 2, hop=1)]
TIME_POOLS = [TimePool(), TimePool(ridge=1.0), TimePool(whiten=False)]
TIME_POOLS += [TimePool(n_components=2), TimePool(n_cosines=1, n_components=1)]
ESTIMATORS = [*LOG_MELS, *LOG_CQTS, *TIME_POOLS, *DISENTANGLERS, *WINDOW_FEATURES]

pytestmark = [
    # The checks' X is a few rows of noise, of which there is little to learn.
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # Some checks fit on a table and transform an array, or the reverse.
    pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names:UserWarning"),
]


def short_name(estimator):
    return " ".join(str(estimator).split())


# scikit-learn has these checks, but check_estimator does not call them.
MORE_CHECKS = [
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
    "check_param_validation",
    "check_dataframe_column_names_consistency",
    "check_set_output_transform",
]
# The output of a front end has four axes and stays an array; these are for a table.
TABLE_CHECKS = [
    "check_set_output_transform_pandas",
    "check_set_output_transform_polars",
    "check_global_output_transform_pandas",
    "check_global_set_output_transform_polars",
]


@parametrize_with_checks(ESTIMATORS)
def test_the_estimator_keeps_the_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("check", MORE_CHECKS)
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=short_name)
def test_the_estimator_passes_checks_that_are_not_called(estimator, check):
    getattr(estimator_checks, check)(type(estimator).__name__, clone(estimator))


@pytest.mark.parametrize("check", TABLE_CHECKS)
@pytest.mark.parametrize("estimator", [*DISENTANGLERS, *WINDOW_FEATURES], ids=short_name)
def test_the_features_become_a_table(estimator, check):
    getattr(estimator_checks, check)(type(estimator).__name__, clone(estimator))
