"""Probes: what frozen features tell about known factors, on held-out rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, overload

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.parallel import Parallel, delayed

from .. import _checks, _param_checks
from ._factors import Factors, as_factors, encode_factor
from ._folds import CV, Rows, as_groups, draw_folds
from ._models import CHANCE, PROBES, Probe, check_suits, expand_probe
from ._params import as_random_state
from ._probe_cells import (
    Features,
    HeldOutRows,
    flatten_reference,
    measure_std_error,
    predict,
    quiet_on_one_thread,
    reduce_reference,
    score,
)

_CEILING = "ceiling"
_Cell = tuple[str, str, Probe]  # row of the table, factor, probe


class _Target(NamedTuple):
    truth: NDArray[Any]
    discrete: bool


@overload
def probe_table(
    blocks: Mapping[str, ArrayLike],
    factors: Factors,
    *,
    probe: Probe = ...,
    groups: ArrayLike | None = ...,
    test_size: float | int = ...,
    cv: CV = ...,
    reference: ArrayLike | None = ...,
    return_std_error: Literal[False] = ...,
    random_state: int | np.random.RandomState | None = ...,
    n_jobs: int | None = ...,
) -> pd.DataFrame: ...
@overload
def probe_table(
    blocks: Mapping[str, ArrayLike],
    factors: Factors,
    *,
    probe: Probe = ...,
    groups: ArrayLike | None = ...,
    test_size: float | int = ...,
    cv: CV = ...,
    reference: ArrayLike | None = ...,
    return_std_error: Literal[True],
    random_state: int | np.random.RandomState | None = ...,
    n_jobs: int | None = ...,
) -> tuple[pd.DataFrame, pd.DataFrame]: ...
def probe_table(
    blocks: Mapping[str, ArrayLike],
    factors: Factors,
    *,
    probe: Probe = "mlp",
    groups: ArrayLike | None = None,
    test_size: float | int = 0.4,
    cv: CV = None,
    reference: ArrayLike | None = None,
    return_std_error: bool = False,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
) -> pd.DataFrame | tuple[pd.DataFrame, pd.DataFrame]:
    """Train a probe on each block for each factor, and score it on held-out rows.

    Parameters
    ----------
    blocks : dict of str to array-like of shape (n_rows, n_features)
        Frozen features by name, such as ``{"private": ..., "shared": ...}``.
        Each row is one view, or one sample.
    factors : DataFrame, Series or dict of shape (n_rows, n_factors)
        True factors, matched to the blocks by position. A float column is
        continuous; strings, bools, integers and categories are discrete.
    probe : {"mlp", "knn", "boosting", "linear", "strongest"} or estimator, default="mlp"
        The probe, trained on standardised features; ``"strongest"`` is, in each
        cell, the best of mlp, knn and boosting. See Notes. A classifier or a
        regressor of scikit-learn's kind, where all factors suit it, is cloned.
    groups : array-like of shape (n_rows,), default=None
        Rows of one group are on one side of each split: pass the sample that a
        row is a view of, or the recording that it was cut from.
    test_size : float or int, default=0.4
        Share or number of the held-out rows; of groups where these are given.
        For ``cv=None`` alone.
    cv : int, splitter, iterable of splits or None, default=None
        None is one split by ``test_size``. An int is that many shuffled folds,
        of whole groups where these are given. A splitter of scikit-learn's kind
        has the factors, as a DataFrame, for ``y``, and the groups. Scores are
        means over the splits.
    reference : array-like of shape (n_rows, ...), default=None
        Raw features, such as spectra. The same probe on these is the ceiling.
        Of more than 64 features, the probe sees the leading 64 principal
        components of the standardised features.
    return_std_error : bool, default=False
        Whether to return the standard errors as well.
    random_state : int, RandomState instance or None, default=None
        Seed of the splits, which are the same for all cells, and of the probes;
        a splitter passed as ``cv`` has its own.
    n_jobs : int, default=None
        Cells worked on at a time, each on one thread; None is 1 outside a
        :func:`joblib.parallel_config`. The table does not depend on it.

    Returns
    -------
    table : DataFrame of shape (n_blocks + 1 or 2, n_factors)
        Accuracy on the held-out rows, between 0 and 1, for a discrete factor;
        R2, at most 1, for a continuous one. Rows: the blocks, ``"chance"`` (the
        most frequent class, or the mean) and, with a reference, ``"ceiling"``.
    errors : DataFrame of shape (n_blocks + 1 or 2, n_factors)
        Standard error of each score, in its units. Only returned if
        ``return_std_error`` is True.

    Raises
    ------
    ValueError
        If the probe is unknown or does not suit a factor, the rows of the
        arguments differ in number, features or factors have missing values, a
        factor has one value only in the training rows, or ``cv`` puts a group on
        both sides of a split.

    See Also
    --------
    mvdisent.plotting.ProbeDisplay : The table as bars.
    mutual_info_matrix : What each dimension tells by itself, in nats.

    Notes
    -----
    The table says what these features tell: of posterior means, of the means of
    active dimensions, or of draws, whichever was passed. A dimension that has
    collapsed to the prior keeps a trace of the input in its mean, which
    standardising makes readable, so say beside a table which of them it is.

    ``"mlp"`` has two hidden layers of 128 units and stops early on a tenth of
    the training rows (where these are too few to hold all classes, it does not
    stop early). ``"knn"`` takes 15 neighbours; ``"boosting"`` is
    histogram-based gradient boosting; ``"linear"`` is logistic or ridge
    regression. For ``"knn"`` the components of the reference keep their scale,
    so that distances are those of the raw features; for the others they are
    whitened.

    ``"strongest"`` is the worst case for what leaks into a block. The best of
    three scores on the same held-out rows is, where the three are alike, a
    little higher than the best probe's score on fresh rows. That makes leakage
    look larger, not smaller; it flatters what a block should tell, and the
    ceiling, by as little.

    The standard error is that of a ratio of sums over independent groups, to
    first order ([1]_, chapter 6; [2]_): rows of one group may depend on each
    other in any way. Without groups each row is its own, and the error of an
    accuracy p is sqrt(p (1 - p) / (n - 1)). Rows that several splits hold out
    are counted with their dependence. It wants tens of groups: in a simulation,
    15 gave an error of R2 a quarter too small, 60 a true one. It is the error of
    these trained probes' scores, without the spread over training rows, seeds of
    the probes, or models.

    References
    ----------
    .. [1] W. G. Cochran, "Sampling Techniques", 3rd ed., Wiley, 1977.
    .. [2] A. C. Cameron and D. L. Miller, "A Practitioner's Guide to
       Cluster-Robust Inference", Journal of Human Resources 50(2), 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.metrics import probe_table
    >>> rng = np.random.default_rng(0)
    >>> timbre = np.arange(2000) % 2
    >>> blocks = {"shared": np.eye(2)[timbre], "private": rng.normal(size=(2000, 8))}
    >>> probe_table(blocks, {"timbre": timbre}, probe="linear", random_state=0).round(1)
             timbre
    shared      1.0
    private     0.5
    chance      0.5
    """
    if isinstance(probe, str) or not hasattr(probe, "predict"):
        _checks.check_option("probe", probe, PROBES)
    _param_checks.check_jobs(n_jobs)
    _param_checks.check_flag("return_std_error", return_std_error)
    frame = as_factors(factors)
    arrays = _check_blocks(blocks, len(frame))
    seed = int(as_random_state(random_state).randint(2**31 - 1))
    folds = draw_folds(frame, groups, cv=cv, test_size=test_size, seed=seed)
    units = as_groups(groups, len(frame))
    targets = {
        str(name): _Target(*encode_factor(str(name), column)) for name, column in frame.items()
    }
    _check_folds(targets, folds)
    for name, target in targets.items():
        check_suits(probe, name, discrete=target.discrete)
    if return_std_error:
        _check_units(np.concatenate([units[test] for _, test in folds]))
    flat = None if reference is None else flatten_reference(reference, len(frame))
    cells: dict[_Cell, list[HeldOutRows]] = {}
    # Here as well as in each cell: cells in threads of this process then find
    # one thread and no warning, and what they put back is what they found.
    with quiet_on_one_thread():
        for train, test in folds:
            features = _features_of(arrays, flat, train, test, expand_probe(probe), seed)
            jobs = [(row, name, key) for row, key in features for name in targets]
            told = Parallel(n_jobs=n_jobs)(
                delayed(predict)(
                    features[row, key],
                    targets[name].truth[train],
                    key,
                    discrete=targets[name].discrete,
                    seed=seed,
                )
                for row, name, key in jobs
            )
            for cell, predicted in zip(jobs, told, strict=True):
                rows = HeldOutRows(targets[cell[1]].truth[test], predicted, units[test])
                cells.setdefault(cell, []).append(rows)
    return _tabulate(cells, targets, return_std_error=return_std_error)


def _check_blocks(blocks: Mapping[str, ArrayLike], n_rows: int) -> dict[str, NDArray[Any]]:
    if not isinstance(blocks, Mapping) or not blocks:
        raise TypeError(
            f"blocks={blocks!r:.60}; pass a dict of one block or more, such as "
            "{'private': Z_private, 'shared': Z_shared}"
        )
    arrays = {}
    for name, block in blocks.items():
        if name in (CHANCE, _CEILING):
            raise ValueError(f"blocks has a block named {name!r}, a row of the table: rename it")
        label = f"blocks[{name!r}]"
        arrays[name] = _checks.as_features(block, label)
        _checks.check_n_rows(label, len(arrays[name]), "factors", n_rows)
    return arrays


def _check_folds(targets: Mapping[str, _Target], folds: list[tuple[Rows, Rows]]) -> None:
    """Refuse a factor that does not vary where a probe learns or R2 is measured."""
    for name, (truth, discrete) in targets.items():
        for train, test in folds:
            label = f"factors[{name!r}]"
            _checks.check_varies(label, truth[train], f"{len(train)} training rows")
            if not discrete:
                _checks.check_varies(label, truth[test], f"{len(test)} held-out rows")


def _check_units(held_out: Rows) -> None:
    """Refuse held-out rows of one group: they have no standard error."""
    if (held_out == held_out[0]).all():
        raise ValueError(
            "the held-out rows are of one group, and a standard error needs two or more: hold out "
            "more by test_size or cv"
        )


def _features_of(
    arrays: Mapping[str, NDArray[Any]],
    flat: NDArray[Any] | None,
    train: Rows,
    test: Rows,
    probes: tuple[Probe, ...],
    seed: int,
) -> dict[tuple[str, Probe], Features]:
    """Give what each probe sees in each row of the table."""
    features: dict[tuple[str, Probe], Features] = {}
    for name, x in arrays.items():
        block = Features(x[train], x[test], scaled=False)
        features.update({(name, probe): block for probe in probes})
    nothing = Features(np.zeros((len(train), 1)), np.zeros((len(test), 1)), scaled=True)
    features[CHANCE, CHANCE] = nothing
    if flat is not None:
        reduced = {
            whiten: reduce_reference(flat, train, test, whiten=whiten, seed=seed)
            for whiten in {probe != "knn" for probe in probes}
        }
        features.update({(_CEILING, probe): reduced[probe != "knn"] for probe in probes})
    return features


def _tabulate(
    cells: Mapping[_Cell, list[HeldOutRows]],
    targets: Mapping[str, _Target],
    *,
    return_std_error: bool,
) -> pd.DataFrame | tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the best probe of each cell."""
    best: dict[tuple[str, str], tuple[float, list[HeldOutRows]]] = {}
    for (row, name, _), folds in cells.items():
        mean = score(folds, discrete=targets[name].discrete)
        if (row, name) not in best or mean > best[row, name][0]:
            best[row, name] = mean, folds
    rows = list(dict.fromkeys(row for row, _ in best))
    table = pd.DataFrame(
        [[best[row, name][0] for name in targets] for row in rows], rows, list(targets)
    )
    if not return_std_error:
        return table
    errors = table.copy()
    for (row, name), (_, folds) in best.items():
        errors.loc[row, name] = measure_std_error(folds, discrete=targets[name].discrete)
    return table, errors
