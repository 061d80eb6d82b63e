"""Decoded views against the true ones: reconstructions, and swaps of a code."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _checks
from ._factors import Factors, as_factors
from ._params import as_random_state

_ROUNDING = 1e-6  # R2 of a reconstruction that equals the mean but for rounding in float32


class SwapTriplets(NamedTuple):
    """Rows of a swap with a known answer, as ``swap_triplets`` returns them."""

    private: NDArray[np.intp]  # (n_triplets,) the rows that give their private code
    shared: NDArray[np.intp]  # (n_triplets,) the rows that give their shared code
    target: NDArray[np.intp]  # (n_triplets,) the rows that the swap should be


def reconstruction_error(X_true: ArrayLike, X_decoded: ArrayLike) -> NDArray[np.float64]:
    """Measure how far decoded views are from the true ones, sample by sample.

    Parameters
    ----------
    X_true : array-like of shape (n_samples, ...)
        What should have been decoded, such as log-mel spectra in dB.
    X_decoded : array-like of shape (n_samples, ...)
        Reconstructions of ``X_true``, or swaps that should equal it.

    Returns
    -------
    error : ndarray of shape (n_samples,)
        Root mean square of the difference over all that a sample holds, in the
        unit of ``X_true``: of spectra in dB, the log-spectral distance over all
        bands and frames [1]_. From 0; 0 is perfect.

    Raises
    ------
    ValueError
        If the shapes differ, or an array has NaN or one axis only.

    See Also
    --------
    swap_score : The error of swaps, relative to that of reconstructions.

    References
    ----------
    .. [1] A. H. Gray, J. D. Markel, "Distance Measures for Speech Processing",
       IEEE Transactions on Acoustics, Speech, and Signal Processing 24(5), 1976.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.metrics import reconstruction_error
    >>> spectra = np.zeros((2, 64, 32))
    >>> decoded = np.stack([spectra[0] + 3, spectra[1]])  # dB
    >>> reconstruction_error(spectra, decoded)
    array([3., 0.])
    """
    true = _as_samples(X_true, "X_true")
    decoded = _as_samples(X_decoded, "X_decoded")
    _checks.check_same_shape("X_decoded", decoded.shape, "X_true", true.shape)
    return np.sqrt(_squared_error(true, decoded))


def swap_score(X_true: ArrayLike, X_swapped: ArrayLike, X_reconstructed: ArrayLike) -> float:
    """Measure swapped views against the true ones, between the mean and the reconstruction.

    ``(E_mean - E_swap) / (E_mean - E_reconstruction)``, where E is the mean squared
    error over all samples and all that they hold.

    Parameters
    ----------
    X_true : array-like of shape (n_samples, ...)
        True views, such as log-mel spectra in dB: with the private factors of one
        sample and the shared factors of another.
    X_swapped : array-like of shape (n_samples, ...)
        What is decoded from the private code of the one and the shared code of the other.
    X_reconstructed : array-like of shape (n_samples, ...)
        What is decoded from the codes of ``X_true`` itself.

    Returns
    -------
    score : float
        1: the swap is as good as the reconstruction. 0: no better than the mean
        of ``X_true`` for every sample. Negative: worse than that. Little above 1 at
        most, where the reconstruction is what the codes can do. 0 where the
        reconstruction is itself no better than the mean, as in a model that has
        collapsed.

    Raises
    ------
    ValueError
        If the shapes differ, an array has NaN or one axis only, or all rows of
        ``X_true`` are equal.

    See Also
    --------
    reconstruction_error : The errors themselves, in the unit of X.
    swap_triplets : Finds the rows of a swap whose true view is in the data.

    Notes
    -----
    A skill score [1]_: the R2 of the swap as a share of the R2 of the
    reconstruction. Swaps are measured by their squared error to a
    true target as in [2]_. The score does not say how good the reconstruction
    is: give its error beside it.

    A model whose private code holds everything leaves the sample as it was, and
    that may be near the target. So compare with the score of no swap at all,
    ``swap_score(X_true, reconstruction of the private code's sample, X_reconstructed)``.

    References
    ----------
    .. [1] A. H. Murphy, "Skill Scores Based on the Mean Square Error and Their
       Relationships to the Correlation Coefficient", Monthly Weather Review
       116(12), 1988.
    .. [2] S. Reed et al., "Deep Visual Analogy-Making", NeurIPS 2015.

    Examples
    --------
    The same seed and other waveforms, as many, give the same tones with another timbre.
    So every swap has its true view:

    >>> import numpy as np
    >>> from mvdisent.datasets import make_tone_views
    >>> from mvdisent.metrics import swap_score
    >>> X, _ = make_tone_views(8, waveforms=("sine",), duration=0.1, random_state=0)
    >>> X_true, _ = make_tone_views(8, waveforms=("square",), duration=0.1, random_state=0)
    >>> X_reconstructed = 0.9 * X_true
    >>> swap_score(X_true, X_reconstructed, X_reconstructed)
    1.0
    >>> no_swap = 0.9 * X
    >>> round(swap_score(X_true, no_swap, X_reconstructed), 1)
    0.8
    """
    true = _as_samples(X_true, "X_true")
    decoded = {"X_swapped": X_swapped, "X_reconstructed": X_reconstructed}
    errors = {}
    for name, X in decoded.items():
        array = _as_samples(X, name)
        _checks.check_same_shape(name, array.shape, "X_true", true.shape)
        errors[name] = _squared_error(true, array).mean()
    if (true == true[:1]).all():
        raise ValueError(
            f"X_true has {len(true)} equal rows, which their mean tells perfectly: pass rows that "
            "differ"
        )
    mean = _squared_error(true, true.mean(axis=0, keepdims=True, dtype=np.float64)).mean()
    gain = mean - errors["X_reconstructed"]
    if gain <= _ROUNDING * mean:
        return 0.0
    return float((mean - errors["X_swapped"]) / gain)


def swap_triplets(
    private: Factors,
    shared: Factors,
    *,
    random_state: int | np.random.RandomState | None = None,
) -> SwapTriplets:
    """Draw swaps whose true outcome is among the rows.

    Parameters
    ----------
    private : DataFrame, Series or dict of shape (n_samples, n_private_factors)
        Factors that the private code should hold, such as the pitch. All values of a
        row must be those of the target, as they are: pass classes or notes, not
        measured frequencies.
    shared : DataFrame, Series or dict of shape (n_samples, n_shared_factors)
        Factors that the shared code should hold, such as the instrument, of the same rows.
    random_state : int, RandomState instance or None, default=None
        Seed of the rows that are drawn.

    Returns
    -------
    triplets : SwapTriplets
        Three arrays of row numbers, ``private``, ``shared`` and ``target``, one
        triplet for each row that can be a target, in order. The target has the
        private factors of the first row and the shared factors of the second; the two differ
        from each other in both.

    Raises
    ------
    ValueError
        If rows differ in number, a value is missing, or no row can be a target.

    See Also
    --------
    swap_score : What the triplets are for.

    Examples
    --------
    >>> from mvdisent.metrics import swap_triplets
    >>> instrument = ["flute", "flute", "oboe", "oboe"]
    >>> pitch = [60, 62, 60, 62]
    >>> swap_triplets({"pitch": pitch}, {"instrument": instrument}).target
    array([0, 1, 2, 3])

    With a fitted model and spectra of one view each, ``X`` of shape (n_samples, 1, ...)::

        i, j, target = swap_triplets(factors["pitch"], factors["instrument"], random_state=0)
        private, shared = model.encode(X, code="mean")
        swapped = model.decode(private[i], shared[j])
        swap_score(X[target], swapped, model.reconstruct(X)[target])
    """
    rng = as_random_state(random_state)
    of_private, of_shared = _number_rows(private), _number_rows(shared)
    _checks.check_n_rows("shared", len(of_shared), "private", len(of_private))
    i = _draw_donors(of_private, of_shared, rng)
    j = _draw_donors(of_shared, of_private, rng)
    target = np.flatnonzero((i >= 0) & (j >= 0))
    if len(target) == 0:
        raise ValueError(
            f"none of the {len(of_shared)} rows shares its private factors with one row and its "
            "shared factors with another: pass more rows, or classes instead of measured values"
        )
    return SwapTriplets(i[target], j[target], target)


def _as_samples(X: ArrayLike, name: str) -> NDArray[Any]:
    array = _checks.as_array(X, name)
    if array.ndim < 2:
        raise ValueError(f"{name} has shape {array.shape}; pass (n_samples, ...)")
    _checks.check_numeric(array, name)
    _checks.check_finite(array, name)
    return array


def _squared_error(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    """Mean of the squared difference in each row, (n_samples,)."""
    difference = np.subtract(a, b, dtype=np.result_type(a, np.float32))
    np.square(difference, out=difference)
    error: NDArray[np.float64] = difference.reshape(len(a), -1).mean(axis=1, dtype=np.float64)
    return error


def _number_rows(factors: Factors) -> NDArray[np.intp]:
    """Give rows of equal factors one number."""
    frame = as_factors(factors)
    groups = frame.groupby(list(frame.columns), observed=True, sort=False)
    return np.asarray(groups.ngroup(), dtype=np.intp)


def _draw_donors(
    kept: NDArray[np.intp], left: NDArray[np.intp], rng: np.random.RandomState
) -> NDArray[np.intp]:
    """For each row, draw one of the same ``kept`` code and another ``left`` code; -1: none."""
    order = np.lexsort((left, kept))  # a ``kept`` code is a run, its ``left`` codes runs within
    runs, parts = kept[order], (kept * (left.max() + 1) + left)[order]
    start, end = np.searchsorted(runs, runs), np.searchsorted(runs, runs, "right")
    own, own_end = np.searchsorted(parts, parts), np.searchsorted(parts, parts, "right")
    n_others = (end - start) - (own_end - own)
    place = start + rng.randint(np.maximum(n_others, 1))
    place += np.where(place >= own, own_end - own, 0)  # past the rows of the same ``left`` code
    donors = np.full(len(kept), -1, dtype=np.intp)
    some = n_others > 0
    donors[order[some]] = order[place[some]]
    return donors
