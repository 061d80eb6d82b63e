"""Probes: what frozen features tell about known factors, on held-out rows."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from .. import _checks
from ._factors import Factors, as_factors, encode_factor
from ._models import PROBES, build_probe

# Components that stand for raw features: more cost time and told no more of tones.
_N_COMPONENTS = 64
_CHANCE, _CEILING = "chance", "ceiling"


class _Target(NamedTuple):
    train: NDArray[Any]
    test: NDArray[Any]
    discrete: bool


class _Features(NamedTuple):
    train: NDArray[Any]
    test: NDArray[Any]
    scaled: bool  # no StandardScaler before the probe


def probe_table(
    blocks: Mapping[str, ArrayLike],
    factors: Factors,
    *,
    probe: str = "mlp",
    groups: ArrayLike | None = None,
    test_size: float | int = 0.4,
    reference: ArrayLike | None = None,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
) -> pd.DataFrame:
    """Train a probe on each block for each factor, and score it on held-out rows.

    Parameters
    ----------
    blocks : dict of str to array-like of shape (n_rows, n_features)
        Frozen features by name, such as ``{"private": ..., "shared": ...}``.
        Each row is one view, or one sample.
    factors : DataFrame, Series or dict of shape (n_rows, n_factors)
        True factors, matched to the blocks by position. A float column is
        continuous; strings, bools, integers and categories are discrete.
    probe : {"mlp", "knn", "boosting", "linear"}, default="mlp"
        The probe, trained on standardised features; see Notes.
    groups : array-like of shape (n_rows,), default=None
        Rows of one group are on one side of the split: pass the sample that a
        row is a view of, or the recording that it was cut from.
    test_size : float or int, default=0.4
        Share or number of the held-out rows; of groups where these are given.
    reference : array-like of shape (n_rows, ...), default=None
        Raw features, such as spectra. The same probe on these is the ceiling.
        Of more than 64 features, the probe sees the leading 64 principal
        components of the standardised features.
    random_state : int, RandomState instance or None, default=None
        Seed of the split, which is the same for all cells, and of the probes.
    n_jobs : int, default=None
        Cells worked on at a time, each on one thread; None is 1 outside a
        :func:`joblib.parallel_config`. The table does not depend on it.

    Returns
    -------
    table : DataFrame of shape (n_blocks + 1 or 2, n_factors)
        Accuracy on the held-out rows, between 0 and 1, for a discrete factor;
        R2, at most 1, for a continuous one. Rows: the blocks, ``"chance"`` (the
        most frequent class, or the mean) and, with a reference, ``"ceiling"``.

    Raises
    ------
    ValueError
        If the probe is unknown, the rows of the arguments differ in number,
        features or factors have missing values, or a factor has one value only
        in the training rows.

    See Also
    --------
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
    _checks.check_option("probe", probe, PROBES)
    frame = as_factors(factors)
    arrays = _check_blocks(blocks, len(frame))
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    train, test = _split(len(frame), groups, test_size, seed)
    targets = {
        str(name): _split_target(str(name), column, train, test) for name, column in frame.items()
    }
    features = {name: _Features(x[train], x[test], False) for name, x in arrays.items()}
    # Here as well as in each cell: cells in threads of this process then find
    # one thread and no warning, and what they put back is what they found.
    with _quiet_on_one_thread():
        if reference is not None:
            features[_CEILING] = _reduce(
                reference, train, test, whiten=probe != "knn", n_rows=len(frame), seed=seed
            )
        cells = [(x, y) for x in features.values() for y in targets.values()]
        scores = Parallel(n_jobs=n_jobs)(delayed(_score)(x, y, probe, seed) for x, y in cells)
    table = pd.DataFrame(
        np.reshape(scores, (len(features), len(targets))),
        index=list(features),
        columns=list(targets),
    )
    table.loc[_CHANCE] = [_score_chance(y) for y in targets.values()]
    return table.loc[[*arrays, _CHANCE, *([_CEILING] if reference is not None else [])]]


def _check_blocks(blocks: Mapping[str, ArrayLike], n_rows: int) -> dict[str, NDArray[Any]]:
    if not isinstance(blocks, Mapping) or not blocks:
        raise TypeError(
            f"blocks={blocks!r:.60}; pass a dict of one block or more, such as "
            "{'private': Z_private, 'shared': Z_shared}"
        )
    arrays = {}
    for name, block in blocks.items():
        if name in (_CHANCE, _CEILING):
            raise ValueError(f"blocks has a block named {name!r}, a row of the table: rename it")
        label = f"blocks[{name!r}]"
        arrays[name] = _checks.as_features(block, label)
        _checks.check_n_rows(label, len(arrays[name]), "factors", n_rows)
    return arrays


def _split(
    n_rows: int, groups: ArrayLike | None, test_size: float, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Draw the one split into training and held-out rows."""
    rows = np.zeros(n_rows)
    if groups is None:
        splitter = ShuffleSplit(1, test_size=test_size, random_state=seed)
    else:
        groups = np.asarray(groups)
        _checks.check_n_rows("groups", len(groups), "factors", n_rows)
        splitter = GroupShuffleSplit(1, test_size=test_size, random_state=seed)
    train, test = next(splitter.split(rows, groups=groups))
    return train, test


def _split_target(
    name: str, column: pd.Series, train: NDArray[np.intp], test: NDArray[np.intp]
) -> _Target:
    values, discrete = encode_factor(name, column)
    _checks.check_varies(f"factors[{name!r}]", values[train], f"{len(train)} training rows")
    if not discrete:  # R2 has no meaning where the held-out rows do not vary
        _checks.check_varies(f"factors[{name!r}]", values[test], f"{len(test)} held-out rows")
    return _Target(values[train], values[test], discrete)


def _reduce(
    reference: ArrayLike,
    train: NDArray[np.intp],
    test: NDArray[np.intp],
    *,
    whiten: bool,
    n_rows: int,
    seed: int,
) -> _Features:
    """Flatten raw features, and take the leading principal components of many."""
    raw = _checks.as_array(reference, "reference")
    _checks.check_numeric(raw, "reference")
    _checks.check_n_rows("reference", len(raw), "factors", n_rows)
    _checks.check_finite(raw, "reference")
    flat = raw.reshape(n_rows, -1)
    if flat.shape[1] <= _N_COMPONENTS:
        return _Features(flat[train], flat[test], scaled=False)
    # Row indexing copies, so scaling in place leaves the caller's array alone.
    x_train = flat[train].astype(np.float32, copy=False)
    n_components = min(_N_COMPONENTS, len(train) - 1)
    reducer = make_pipeline(
        StandardScaler(copy=False),
        PCA(n_components, whiten=whiten, random_state=seed),
    )
    x_train = reducer.fit_transform(x_train)
    x_test = reducer.transform(flat[test].astype(np.float32, copy=False))
    return _Features(x_train, x_test, scaled=True)


@contextmanager
def _quiet_on_one_thread() -> Iterator[None]:
    """Keep BLAS and OpenMP to one thread, and a probe cut short to itself.

    Small matrices on two threads were 13 times slower on a busy machine.
    """
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _score(x: _Features, y: _Target, probe: str, seed: int) -> float:
    """Train one probe, and score it on the held-out rows."""
    model = build_probe(probe, y.train, discrete=y.discrete, seed=seed)
    if not x.scaled:
        model = make_pipeline(StandardScaler(), model)
    with _quiet_on_one_thread():
        return float(model.fit(x.train, y.train).score(x.test, y.test))


def _score_chance(y: _Target) -> float:
    dummy = DummyClassifier(strategy="most_frequent") if y.discrete else DummyRegressor()
    nothing = np.zeros((len(y.train), 1)), np.zeros((len(y.test), 1))
    return float(dummy.fit(nothing[0], y.train).score(nothing[1], y.test))
