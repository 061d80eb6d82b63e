"""Scatter plots of each block in two dimensions, coloured by each factor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.utils import check_scalar

from .. import _checks
from .._blocks import block_columns, name_columns
from ..metrics._factors import as_factors
from ..metrics._params import as_random_state
from ._axes import COLORS, AxesLike, make_axes
from ._inputs import as_mapping

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

# Shapes tell the classes apart in grey as well.
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
# Ticks that fit beside the colour bar of one row.
_MAX_TICKS = 12
_TURNS = 10


class LatentDisplay:
    """Scatter plots of the blocks in two dimensions, one row a factor.

    Parameters
    ----------
    embeddings : dict of str to array-like of shape (n_samples, 2)
        Two coordinates a sample for each block: principal components, or those
        of any other map.
    factors : DataFrame, Series or dict of shape (n_samples, n_factors)
        What colours the samples. Up to 8 values have a legend; more have a
        colour bar, in their order.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (n_factors, n_blocks)
        The panels.
    figure_ : Figure
        The figure that holds them.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.plotting import LatentDisplay
    >>> rng = np.random.default_rng(0)
    >>> blocks = {"private": rng.normal(size=(100, 8)), "shared": rng.normal(size=(100, 8))}
    >>> display = LatentDisplay.from_predictions(blocks, {"timbre": np.arange(100) % 4})
    >>> display.axes_.shape
    (1, 2)
    """

    def __init__(self, embeddings: Mapping[str, ArrayLike], factors: Any) -> None:
        self.embeddings = embeddings
        self.factors = factors

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        factors: Any,
        *,
        projection: Any = None,
        n_points: int = 3000,
        random_state: int | np.random.RandomState | None = None,
        ax: AxesLike = None,
    ) -> Self:
        """Draw the features of a fitted transformer.

        Parameters
        ----------
        estimator : object
            Fitted, with ``transform`` and ``get_feature_names_out``, whose names
            tell the blocks; a Pipeline will do.
        X : array-like of shape (n_samples, ...)
            What ``estimator.transform`` takes.
        factors : DataFrame, Series or dict of shape (n_samples, n_factors)
            What colours the samples.
        projection : transformer, default=None
            As in ``from_predictions``.
        n_points : int, default=3000
            Samples drawn, at most.
        random_state : int, RandomState instance or None, default=None
            Seed of the choice of samples.
        ax : Axes or array-like of Axes, default=None
            Where to draw; see ``plot``.

        Returns
        -------
        display : LatentDisplay
            Drawn.
        """
        Z = np.asarray(estimator.transform(X))
        columns = block_columns(name_columns(estimator))
        blocks = {name: Z[:, found] for name, found in columns.items()} or {"latent": Z}
        return cls.from_predictions(
            blocks,
            factors,
            projection=projection,
            n_points=n_points,
            random_state=random_state,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        blocks: Mapping[str, ArrayLike],
        factors: Any,
        *,
        projection: Any = None,
        n_points: int = 3000,
        random_state: int | np.random.RandomState | None = None,
        ax: AxesLike = None,
    ) -> Self:
        """Draw each block in the plane.

        Parameters
        ----------
        blocks : dict of str to array-like of shape (n_samples, n_features)
            The features by name.
        factors : DataFrame, Series or dict of shape (n_samples, n_factors)
            What colours the samples.
        projection : transformer, default=None
            Its ``fit_transform`` takes the samples drawn of a block to two columns,
            such as ``umap.UMAP(random_state=0)`` or ``sklearn.manifold.TSNE()``;
            cloned for each block. None: the two leading principal components.
        n_points : int, default=3000
            Samples drawn, at most; the principal components are those of all.
        random_state : int, RandomState instance or None, default=None
            Seed of the choice of samples.
        ax : Axes or array-like of Axes, default=None
            Where to draw; see ``plot``.

        Returns
        -------
        display : LatentDisplay
            Drawn.
        """
        frame = as_factors(factors)
        check_scalar(n_points, "n_points", Integral, min_val=1)
        if not (projection is None or hasattr(projection, "fit_transform")):
            raise TypeError(
                f"projection={projection!r:.60} has no fit_transform; pass a transformer, or None"
            )
        rng = as_random_state(random_state)
        rows = np.sort(rng.permutation(len(frame))[: int(n_points)])
        embeddings = {}
        for name, block in as_mapping(blocks, "blocks").items():
            Z = _checks.as_features(block, f"blocks[{name!r}]")
            _checks.check_n_rows(f"blocks[{name!r}]", len(Z), "factors", len(frame))
            embeddings[name] = (
                _principal_components(Z)[rows]
                if projection is None
                else _project(projection, Z[rows], str(name))
            )
        return cls(embeddings, frame.iloc[rows]).plot(ax=ax)

    def plot(self, ax: AxesLike = None) -> Self:
        """Draw the panels.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            One Axes gives its place to all panels; an array holds one a panel;
            None makes a figure.

        Returns
        -------
        display : LatentDisplay
            Itself, with ``axes_`` and ``figure_``.
        """
        frame = as_factors(self.factors)
        points = {
            name: _checks.as_features(block, f"embeddings[{name!r}]")
            for name, block in as_mapping(self.embeddings, "embeddings").items()
        }
        for name, block in points.items():
            _checks.check_same_shape(
                f"embeddings[{name!r}]", block.shape, "the factors' plane", (len(frame), 2)
            )
        n_rows, n_columns = frame.shape[1], len(points)
        self.figure_, self.axes_ = make_axes(
            ax, n_rows, n_columns, size=(1.8 + 3.2 * n_columns, 0.6 + 2.9 * n_rows)
        )
        for axes, (factor, column) in zip(self.axes_, frame.items(), strict=True):
            _draw_row(self.figure_, axes, list(points.values()), str(factor), column)
            axes[0].set_ylabel("component 2")
        for i, name in enumerate(points):
            self.axes_[0, i].set_title(name)
            self.axes_[-1, i].set_xlabel("component 1")
        for i, block in enumerate(points.values()):
            for panel in self.axes_[:, i]:
                _name_missing(panel, block)
        return self


def _principal_components(Z: NDArray[Any]) -> NDArray[Any]:
    """Project on the two leading components; a direction that is not there is 0."""
    components = np.zeros((len(Z), 2))
    if np.ptp(Z, axis=0).any():
        n = min(2, *Z.shape)
        components[:, :n] = PCA(n, random_state=0).fit_transform(Z.astype(np.float64))
    return components


def _project(projection: Any, Z: NDArray[Any], name: str) -> NDArray[Any]:
    points = np.asarray(clone(projection).fit_transform(Z))
    if points.shape != (len(Z), 2):
        raise ValueError(
            f"projection={projection!r} takes block {name!r} to shape {points.shape}, not "
            f"{(len(Z), 2)}: set its number of components to 2"
        )
    return points


def _name_missing(panel: Axes, block: NDArray[Any]) -> None:
    """Leave 0 alone on the axis of a component that is not there: its scale means nothing."""
    for axis, values in zip((panel.xaxis, panel.yaxis), block.T, strict=True):
        if not values.any():
            axis.set_ticks([0])


def _draw_row(
    figure: Figure | SubFigure,
    axes: NDArray[Any],
    points: Sequence[NDArray[Any]],
    factor: str,
    column: pd.Series,
) -> None:
    """Draw every block coloured by one factor, with one key for the row."""
    from matplotlib.ticker import MaxNLocator

    column = column.astype(column.dtype if column.dtype == "category" else "category")
    column = column.cat.remove_unused_categories()
    levels, codes = column.cat.categories, column.cat.codes.to_numpy()
    if len(levels) <= len(COLORS):
        for panel, block in zip(axes, points, strict=True):
            _scatter_classes(panel, block, codes, [str(level) for level in levels])
        axes[-1].legend(
            title=factor,
            loc="center left",
            bbox_to_anchor=(1.02, 0.5),
            markerscale=2,
            frameon=False,
        )
        return
    numeric = pd.api.types.is_numeric_dtype(levels.dtype)
    values = column.to_numpy(dtype=float) if numeric else codes
    for panel, block in zip(axes, points, strict=True):
        drawn = panel.scatter(*block.T, c=values, cmap="viridis", s=8, linewidths=0)
    # Inside the last panel's own margin, as a legend is: the rows stay aligned.
    bar = figure.colorbar(drawn, cax=axes[-1].inset_axes((1.05, 0, 0.06, 1)), label=factor)
    if not numeric:
        ticks = range(0, len(levels), -(-len(levels) // _MAX_TICKS))
        bar.set_ticks(ticks, labels=[str(levels[i]) for i in ticks])
    elif pd.api.types.is_integer_dtype(levels.dtype):
        bar.locator = MaxNLocator(integer=True)
        bar.update_ticks()


def _scatter_classes(
    panel: Axes, block: NDArray[Any], codes: NDArray[Any], levels: list[str]
) -> None:
    # In turns, so that the last class does not cover the others.
    for number, turn in enumerate(np.array_split(np.arange(len(codes)), _TURNS)):
        for code, level in enumerate(levels):
            x, y = block[turn[codes[turn] == code]].T
            panel.scatter(
                x,
                y,
                s=8,
                linewidths=0,
                color=COLORS[code],
                marker=_MARKERS[code],
                label=None if number else level,
            )
