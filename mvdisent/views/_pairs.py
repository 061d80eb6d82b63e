"""Clips that agree in one factor, paired anew each epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .._pairing import PartnerPools
from ._clips import as_clips, as_factor, find_present
from ._source import Draw, RandomState, Rows, ViewSource, as_seed, check_count


def pair_by(
    X: ArrayLike,
    labels: ArrayLike,
    *,
    n_views: int = 2,
    differ: ArrayLike | pd.DataFrame | Mapping[str, Any] | None = None,
    random_state: RandomState = None,
) -> ViewSource:
    """Pair clips that agree in a factor, with other partners each epoch.

    Parameters
    ----------
    X : array-like of shape (n_clips, ...)
        Single clips: waveforms, spectra (n_clips, n_mels, n_frames), or what LogMel
        makes of them (n_clips, 1, n_mels, n_frames). A memmap stays on disk. A clip
        that is NaN throughout is missing: it is nobody's partner.
    labels : array-like of shape (n_clips,)
        The factor in which the views of a row agree, such as the instrument.
    n_views : int, default=2
        Views of a row, which are different clips.
    differ : array-like, DataFrame or mapping of n_clips rows, default=None
        A factor, or a table of factors, in each of which all views of a row
        differ, such as the pitch. None: they are different clips, no more.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the fixed draw. The partners of a training epoch follow from the
        ``random_state`` of the model. None takes fresh entropy.

    Returns
    -------
    source : ViewSource of shape (n_clips, n_views, ...)
        To be passed as X. The first view of row i is clip i. Partners are drawn
        with equal chances among the clips that fit; those of ``source[rows]``
        among these rows.

    Raises
    ------
    TypeError
        If X or an argument is of a wrong type.
    ValueError
        If X is not finite, or a label has too few clips that differ.

    See Also
    --------
    crops : Segments of one recording.
    augment : Transforms of clips, or of the views of another source.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.views import pair_by
    >>> X = np.arange(6.0).reshape(6, 1)
    >>> source = pair_by(X, ["flute", "harp"] * 3, random_state=0)
    >>> source.shape
    (6, 2, 1)
    >>> bool((source.clips % 2 == source.clips[:, :1] % 2).all())
    True
    """
    clips = as_clips(X)
    check_count("n_views", n_views)
    codes, names = as_factor(labels, len(clips), "labels")
    source = _PairedClips(
        clips,
        codes,
        names,
        _as_factors(differ, len(clips)),
        find_present(clips),
        np.arange(len(clips)),
        int(n_views),
        as_seed(random_state),
    )
    source.drawn()  # refuses labels with too few clips now, not in the midst of a fit
    return source


class _PairedClips(ViewSource):
    def __init__(
        self,
        X: NDArray[Any],
        codes: Rows,
        names: NDArray[Any],
        differ: Sequence[Rows],
        present: NDArray[np.bool_],
        rows: Rows,
        n_views: int,
        seed: int,
    ) -> None:
        super().__init__(rows, n_views, X.shape[1:], seed)
        self._X, self._codes, self._names = X, codes, names
        self._differ, self._present = differ, present
        self._pools: PartnerPools | None = None

    @property
    def _n_clips(self) -> int:
        return len(self._X)

    def _draw(self, rng: np.random.Generator) -> Draw:
        rows = self._rows
        if self._pools is None:
            differ = [values[rows] for values in self._differ] or [rows]
            self._pools = PartnerPools(self._codes[rows], differ, self._present[rows], self._names)
        return (rows[self._pools.draw(rng, self.shape[1])],)

    def _take(self, draw: Draw, rows: Any) -> NDArray[np.float32]:
        return np.asarray(self._X[draw[0][rows]], dtype=np.float32)

    def _clips(self, draw: Draw) -> Rows:
        return np.asarray(draw[0])

    def _subset(self, places: Rows) -> _PairedClips:
        return _PairedClips(
            self._X,
            self._codes,
            self._names,
            self._differ,
            self._present,
            self._rows[places],
            self.shape[1],
            self._seed,
        )


def _as_factors(differ: Any, n_clips: int) -> list[Rows]:
    """Take factors as a list of codes (n_clips,)."""
    if differ is None:
        return []
    if isinstance(differ, pd.DataFrame | Mapping):
        if len(names := list(differ)) == 0:
            raise ValueError("differ has no column; pass a factor or more, or None")
        return [as_factor(differ[name], n_clips, f"differ[{name!r}]")[0] for name in names]
    return [as_factor(differ, n_clips, "differ")[0]]
