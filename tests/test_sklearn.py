"""The scikit-learn contract of every public estimator.

Set SCIPY_ARRAY_API=1 before Python starts, or one check is skipped.
"""

from __future__ import annotations

import pytest
from sklearn.base import clone
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from mvdisent.audio import LogMel

# The checks' clips have 1 to 20 instants, so frames are short and bands few.
LOG_MELS = [
    LogMel(8000, n_fft=16, hop_length=4, n_mels=4),
    LogMel(16000, n_fft=4, hop_length=2, n_mels=1),
    LogMel(8000, n_fft=9, hop_length=3, n_mels=2, f_min=100.0, f_max=3900.0, ref=0.5),
    LogMel(22050.0, n_fft=32, hop_length=1, n_mels=6, top_db=None, chunk_size=5),
]
ESTIMATORS = [*LOG_MELS]

# scikit-learn has these checks, but check_estimator does not call them.
MORE_CHECKS = [
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
    "check_param_validation",
    "check_dataframe_column_names_consistency",
    "check_set_output_transform",
]
# The four checks check_*_output_transform_{pandas,polars} are for estimators that
# give a table; the output of LogMel has four axes and stays an array.


@parametrize_with_checks(ESTIMATORS)
def test_the_estimator_keeps_the_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("check", MORE_CHECKS)
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_the_estimator_passes_checks_that_are_not_called(estimator, check):
    getattr(estimator_checks, check)(type(estimator).__name__, clone(estimator))
