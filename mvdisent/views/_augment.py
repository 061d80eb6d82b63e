"""Transforms of clips and of views, drawn anew for each view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._clips import as_clips, find_present
from ._source import Draw, RandomState, Rows, ViewSource, as_seed, check_count
from ._transform import ViewTransform


def augment(
    X: ArrayLike | ViewSource,
    transforms: ViewTransform | Sequence[ViewTransform],
    *,
    n_views: int | None = None,
    random_state: RandomState = None,
) -> ViewSource:
    """Transform views at random, each by itself, in another way each epoch.

    Parameters
    ----------
    X : ViewSource or array-like of shape (n_clips, ...)
        Another source, such as that of :func:`pair_by`, whose views are
        transformed; clips, of which every view of a row is a copy; or views
        (n_samples, n_views, n_mels, n_frames), two or more. A missing clip or view
        stays missing.
    transforms : transform or sequence of transforms
        Applied in this order, such as ``[MelShift(10), Gain(6.0)]``.
    n_views : int, default=None
        Copies of a clip. None: 2, and for a source or views those that they have.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the fixed draw of the transforms; that of a source stays its own.
        What a training epoch draws follows from the ``random_state`` of the model.
        None takes fresh entropy.

    Returns
    -------
    source : ViewSource of shape (n_samples, n_views, ...)
        To be passed as X.

    Raises
    ------
    TypeError
        If X is of a wrong type, or a transform is none.
    ValueError
        If X is not finite, or `n_views` is not that of X.

    See Also
    --------
    render : Transforms of waveforms, by a library, once.

    Notes
    -----
    What a transform changes differs between the views of a row, and so becomes
    private, or is forgotten. On sampled notes, a shift of the mel axis made
    transposition private.

    A subclass of :class:`ViewTransform` is a transform of your own.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.views import MelShift, augment
    >>> spectra = np.zeros((5, 64, 16))
    >>> augment(spectra, MelShift(10), random_state=0).shape
    (5, 2, 64, 16)
    """
    steps = [transforms] if isinstance(transforms, ViewTransform) else _as_list(transforms)
    source = X if isinstance(X, ViewSource) else _as_copies(X, n_views)
    if n_views is not None and n_views != source.shape[1]:
        raise ValueError(
            f"n_views={n_views}, but X has {source.shape[1]} views a row: pass n_views=None"
        )
    return _AugmentedViews(source, steps, as_seed(random_state))


def _as_list(transforms: Any) -> list[ViewTransform]:
    steps = transforms if isinstance(transforms, list | tuple) else [transforms]
    for step in steps:
        if not isinstance(step, ViewTransform):
            raise TypeError(
                f"transforms holds {step!r:.60}; pass MelShift, Gain or another ViewTransform; a "
                "transform of waveforms, such as a pedalboard, goes to render"
            )
    return list(steps)


def _as_copies(X: ArrayLike, n_views: int | None) -> ViewSource:
    clips = as_clips(X)
    if clips.ndim == 4:  # views already
        flat = clips.reshape(-1, *clips.shape[2:])
        present = find_present(flat).reshape(clips.shape[:2])
        if not present.any(axis=1).all():
            row = int(np.argmin(present.any(axis=1)))
            raise ValueError(f"X contains NaN in every view of row {row}: drop this row")
        return _Given(clips, np.arange(len(clips)), clips.shape[1])
    n_views = 2 if n_views is None else n_views
    check_count("n_views", n_views)
    present = find_present(clips)
    if not present.all():
        raise ValueError(
            f"X contains NaN throughout clip {int(np.argmin(present))}, and no view of it is "
            "left: drop it"
        )
    return _Given(clips, np.arange(len(clips)), int(n_views))


class _Given(ViewSource):
    """Views that are given, or copies of clips: nothing is drawn."""

    def __init__(self, X: NDArray[Any], rows: Rows, n_views: int) -> None:
        self._X, self._are_views = X, X.ndim == 4
        super().__init__(rows, n_views, X.shape[2:] if self._are_views else X.shape[1:], 0)

    @property
    def _n_clips(self) -> int:
        return len(self._X)

    def _draw(self, rng: np.random.Generator) -> Draw:
        return ()

    def _take(self, draw: Draw, rows: Any) -> NDArray[np.float32]:
        chosen = self._rows[rows]
        if not self._are_views:
            chosen = np.repeat(chosen[:, None], self.shape[1], axis=1)
        return np.asarray(self._X[chosen], dtype=np.float32)

    def _clips(self, draw: Draw) -> Rows:
        return np.repeat(self._rows[:, None], self.shape[1], axis=1)

    def _subset(self, places: Rows) -> _Given:
        return _Given(self._X, self._rows[places], self.shape[1])


class _AugmentedViews(ViewSource):
    def __init__(self, source: ViewSource, steps: list[ViewTransform], seed: int) -> None:
        shape = source.shape[2:]
        self._source, self._steps = source, steps
        self._shapes = []  # of a view, before each step
        for step in steps:
            self._shapes.append(shape)
            shape = step.view_shape(shape)
        super().__init__(source._rows, source.shape[1], shape, seed)

    @property
    def _n_clips(self) -> int:
        return self._source._n_clips

    def _draw(self, rng: np.random.Generator) -> Draw:
        return self._source._draw(rng), self._draw_steps(rng)

    def _draw_fixed(self, rng: np.random.Generator) -> Draw:
        return self._source.drawn().draw, self._draw_steps(rng)  # the clips are the source's

    def _draw_steps(self, rng: np.random.Generator) -> list[tuple[NDArray[Any], ...]]:
        views = self.shape[0], self.shape[1]
        steps = zip(self._steps, self._shapes, strict=True)
        return [step.draw(rng, views, shape) for step, shape in steps]

    def _take(self, draw: Draw, rows: Any) -> NDArray[np.float32]:
        of_source, of_steps = draw
        X = self._source._take(of_source, rows)
        for step, values in zip(self._steps, of_steps, strict=True):
            X = step.apply(X, *(value[rows] for value in values))
        return X

    def _clips(self, draw: Draw) -> Rows:
        return self._source._clips(draw[0])

    def _subset(self, places: Rows) -> _AugmentedViews:
        return _AugmentedViews(self._source._subset(places), self._steps, self._seed)
