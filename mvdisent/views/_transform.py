"""What a transform of views is, and the one that any function becomes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float32]
Shape = tuple[int, ...]


class ViewTransform(ABC):
    """A random transform of views, for :func:`augment`.

    What is random is drawn for all views of an epoch at once, so that a view's
    transform depends neither on its batch nor on the order of the rows.
    """

    def view_shape(self, shape: Shape) -> Shape:
        """Give the shape of a transformed view, or refuse the shape of a view.

        Parameters
        ----------
        shape : tuple of int
            Shape of a view; of spectra, ``(n_mels, n_frames)``.

        Returns
        -------
        shape : tuple of int
            Shape after the transform.
        """
        if len(shape) != 2:
            raise ValueError(
                f"transforms holds {self!r}, but the views have shape {shape}: pass log-mel "
                "spectra (n_mels, n_frames), such as LogMel gives"
            )
        return shape

    @abstractmethod
    def draw(
        self, rng: np.random.Generator, shape: tuple[int, int], view_shape: Shape
    ) -> tuple[NDArray[Any], ...]:
        """Draw what distinguishes the transform of one view from another's.

        Parameters
        ----------
        rng : Generator
            Source of the draws.
        shape : tuple of int
            ``(n_samples, n_views)``.
        view_shape : tuple of int
            Shape of a view.

        Returns
        -------
        values : tuple of ndarray of shape (n_samples, n_views)
            Passed to `apply`, for the rows of a batch.
        """

    @abstractmethod
    def apply(self, X: FloatArray, *values: NDArray[Any]) -> FloatArray:
        """Transform the views of a batch.

        Parameters
        ----------
        X : ndarray of float32 of shape (n_rows, n_views, *view_shape)
            May be changed in place.
        *values : ndarray of shape (n_rows, n_views)
            What `draw` gave, for these rows.

        Returns
        -------
        X : ndarray of float32 of shape (n_rows, n_views, *view_shape)
            A missing view, NaN throughout, stays so.
        """


@dataclass(frozen=True)
class Apply(ViewTransform):
    """Apply a function that is not random, such as a front end.

    Parameters
    ----------
    function : callable
        Takes a batch (n_rows, n_views, *view_shape) and gives one of as many rows
        and views, each from its own view, such as ``LogMel(16000).transform``.
    """

    function: Callable[[FloatArray], ArrayLike]

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"function={self.function!r:.60}; pass a callable")

    def view_shape(self, shape: Shape) -> Shape:
        """Give the shape of what the function makes of silence."""
        return self.apply(np.zeros((1, 1, *shape), dtype=np.float32)).shape[2:]

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, int], view_shape: Shape
    ) -> tuple[NDArray[Any], ...]:
        """Draw nothing."""
        return ()

    def apply(self, X: FloatArray, *values: NDArray[Any]) -> FloatArray:
        """Apply the function to a batch."""
        out = np.asarray(self.function(X), dtype=np.float32)
        if out.ndim < 3 or out.shape[:2] != X.shape[:2]:
            raise ValueError(
                f"function={self.function!r:.60} gave shape {out.shape} for a batch of shape "
                f"{X.shape}; pass one that keeps rows and views, such as LogMel(16000).transform"
            )
        return out
