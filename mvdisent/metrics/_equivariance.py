"""How a block moves when one factor alone is changed: not at all, or as the change tells."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .. import _checks
from ._factors import as_column
from ._probes import probe_table


def invariance_score(Z: ArrayLike, Z_changed: ArrayLike) -> float:
    """Measure how little a block moves when one factor alone is changed.

    ``1 - mean |z_i - z'_i|**2 / mean |z_i - z'_j|**2``, where z' is z after the
    change, the first mean is over samples i, and the second over all pairs (i, j).

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_latents)
        The block, in its own scale, before the change.
    Z_changed : array-like of shape (n_samples, n_latents)
        The block of the same samples with one factor changed and all others kept.

    Returns
    -------
    score : float
        Between -1 and 1. 1: the block stays where it was. 0: it moves as far as to
        another sample after the change, as noise does. Negative: farther still;
        -1 where each sample moves to its mirror image in the mean. 0 also where both
        arrays are constant: such a block tells no sample from another.

    Raises
    ------
    ValueError
        If a block has NaN or fewer than 2 rows, or the shapes differ.

    See Also
    --------
    equivariance_score : How well the movement tells the change.
    irs_score : The same idea by extremes, for single dimensions, where nothing was changed.

    Notes
    -----
    Of one dimension this is Lin's concordance correlation coefficient of the
    values before and after [1]_; of several, that of the summed squared
    distances, so it is the same for a rotated block. Dimensions are not rescaled:
    one that has collapsed to the prior has small distances and counts for little.

    A block that holds other factors well is moved little by one factor, even if
    it holds that one too: ``equivariance_score`` is the test of whether it does.

    The views of a sample are such pairs where they share all factors but one:
    of :func:`mvdisent.datasets.make_tone_views`, the frequency.

    References
    ----------
    .. [1] L. I.-K. Lin, "A Concordance Correlation Coefficient to Evaluate
       Reproducibility", Biometrics 45(1), 1989.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.metrics import invariance_score
    >>> rng = np.random.default_rng(0)
    >>> timbre, pitch, new_pitch = rng.normal(size=(3, 1000, 1))
    >>> invariance_score(timbre, timbre)
    1.0
    >>> leaky, leaky_changed = np.hstack([timbre, pitch]), np.hstack([timbre, new_pitch])
    >>> round(invariance_score(leaky, leaky_changed), 1)
    0.5
    """
    before, after = _as_pairs(Z, Z_changed)
    far = before.var(axis=0) + after.var(axis=0) + (before.mean(axis=0) - after.mean(axis=0)) ** 2
    if not far.any():
        return 0.0
    return float(1 - np.square(after - before).mean(axis=0).sum() / far.sum())


def equivariance_score(
    Z: ArrayLike,
    Z_changed: ArrayLike,
    change: ArrayLike | pd.Series,
    *,
    groups: ArrayLike | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> float:
    """Measure how well the movement of a block tells how a factor was changed.

    A linear probe reads the change from the movement ``Z_changed - Z`` of
    held-out pairs. Its R2 or accuracy is rescaled so that chance is 0:
    ``(told - chance) / (1 - chance)``.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_latents)
        The block before the change.
    Z_changed : array-like of shape (n_samples, n_latents)
        The block of the same samples with one factor changed and all others kept.
    change : array-like or Series of shape (n_samples,)
        What was done to the factor. Floats are the size of the change, with its
        sign and in any unit, such as semitones; pass whole ones as float too.
        Strings, bools, integers and categories are kinds of change, such as
        ``"sine to square"``.
    groups : array-like of shape (n_samples,), default=None
        Pairs of one group are on one side of the split: pass the sample, or the
        recording, where several pairs come from one.
    random_state : int, RandomState instance or None, default=None
        Seed of the split: two fifths of the pairs, or groups, are held out.

    Returns
    -------
    score : float
        At most 1. 1: the block moves by one linear law of the change, wherever
        it was. 0: the movement tells no more than chance (the mean change, or
        the most frequent kind); noise falls a little below. 0 where all rows
        move alike, as those of a collapsed block do.

    Raises
    ------
    ValueError
        If a block has NaN or fewer than 2 rows, the shapes or numbers of rows
        differ, or the change is missing somewhere or the same in all pairs.

    See Also
    --------
    invariance_score : How little the block moves.
    probe_table : The probe, and what a block at rest tells of a factor.

    Notes
    -----
    High for the private block and about 0 for the shared one, where a private
    factor is changed. Any movement besides that of the change lowers the score only
    so far as it hides the change. Curved paths, such as a circle of pitch
    classes, are not linear and score low. Equivariance is often measured by
    regressing a transformation on the representations before and after it [1]_;
    here the regression is linear and sees their difference alone, so that a high
    score means one law for all samples.

    The probe standardises the movement, so a dimension that has collapsed to
    the prior may be read by the trace that its mean keeps: pass active dimensions.

    References
    ----------
    .. [1] Q. Garrido, L. Najman, Y. LeCun, "Self-Supervised Learning of Split
       Invariant Equivariant Representations", ICML 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.metrics import equivariance_score
    >>> rng = np.random.default_rng(0)
    >>> hz = rng.uniform(55, 1760, size=(500, 2))
    >>> semitones = 12 * np.log2(hz[:, 1] / hz[:, 0])
    >>> in_octaves = np.log2(hz)
    >>> score = equivariance_score(in_octaves[:, :1], in_octaves[:, 1:], semitones, random_state=0)
    >>> round(score, 2)
    1.0
    >>> score = equivariance_score(hz[:, :1], hz[:, 1:], semitones, random_state=0)
    >>> score < 0.9  # of the frequency in Hz, an octave is not one step
    True
    """
    before, after = _as_pairs(Z, Z_changed)
    column = as_column(change, "change")
    _checks.check_n_rows("change", len(column), "Z", len(before))
    movement = after - before
    table = probe_table(
        {"movement": movement},
        {"change": column},
        probe="linear",
        groups=groups,
        random_state=random_state,
    )
    told, chance = table["change"]
    if chance == 1:
        raise ValueError("change is of one kind in all held-out pairs: pass more pairs")
    if (movement == movement[0]).all():  # a probe would break a tie of classes by rounding
        return 0.0
    return float((told - chance) / (1 - chance))


def _as_pairs(
    Z: ArrayLike, Z_changed: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Check both arrays, and take them from the first row on: a constant is then exactly 0."""
    before, after = _checks.as_features(Z, "Z"), _checks.as_features(Z_changed, "Z_changed")
    _checks.check_same_shape("Z_changed", after.shape, "Z", before.shape)
    if len(before) < 2:
        raise ValueError("Z has 1 row; a score of pairs needs 2 or more")
    origin = before[0].astype(np.float64)
    return before - origin, after - origin
