"""The heat map of mutual information: factors by latent dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from .. import _checks
from .._blocks import block_columns, name_columns
from ..metrics import mutual_info_matrix
from ._axes import AxesLike, make_axes
from ._inputs import as_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The scale ends no lower, in nats: estimates of nothing must not look like something.
_LEAST_TOP = 0.1
# Wider matrices show colours alone, in the width of this one: numbers would not fit their cells.
_MAX_PRINTED = 40
# Names of dimensions that fit below a matrix of colours alone.
_MAX_TICKS = 24


class MutualInfoDisplay:
    """Heat map of the mutual information of each latent dimension with each factor.

    One panel a block, told by the column names (``private_0``, ``shared_3``),
    on one colour scale; the value stands in each cell.

    Parameters
    ----------
    mi : DataFrame of shape (n_factors, n_latents)
        Mutual information in nats, from
        :func:`mvdisent.metrics.mutual_info_matrix`.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (1, n_blocks)
        The panels.
    figure_ : Figure
        The figure that holds them.

    See Also
    --------
    mvdisent.metrics.mutual_info_matrix : The numbers alone.

    Examples
    --------
    >>> import pandas as pd
    >>> from mvdisent.plotting import MutualInfoDisplay
    >>> mi = pd.DataFrame([[0.1, 1.2], [2.5, 0.1]], ["timbre", "frequency"])
    >>> display = MutualInfoDisplay(mi.set_axis(["private_0", "shared_0"], axis=1))
    >>> figure = display.plot().figure_
    """

    def __init__(self, mi: pd.DataFrame) -> None:
        self.mi = mi

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        factors: Any,
        *,
        n_neighbors: int = 3,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        ax: AxesLike = None,
    ) -> Self:
        """Measure and draw what the features of a fitted transformer tell.

        Parameters
        ----------
        estimator : object
            Fitted, with ``transform`` and ``get_feature_names_out``; a Pipeline
            will do.
        X : array-like of shape (n_samples, ...)
            What ``estimator.transform`` takes.
        factors : DataFrame, Series or dict of shape (n_samples, n_factors)
            True factors; see :func:`mvdisent.metrics.mutual_info_matrix`.
        n_neighbors : int, default=3
            Neighbours of the estimate.
        n_jobs : int, default=None
            Dimensions worked on at a time.
        random_state : int, RandomState instance or None, default=None
            Seed of the noise that breaks ties.
        ax : Axes or array-like of Axes, default=None
            Where to draw; see ``plot``.

        Returns
        -------
        display : MutualInfoDisplay
            Drawn.
        """
        return cls.from_predictions(
            np.asarray(estimator.transform(X)),
            factors,
            feature_names=name_columns(estimator),
            n_neighbors=n_neighbors,
            n_jobs=n_jobs,
            random_state=random_state,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        Z: ArrayLike | pd.DataFrame,
        factors: Any,
        *,
        feature_names: Any = None,
        n_neighbors: int = 3,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        ax: AxesLike = None,
    ) -> Self:
        """Measure and draw what features tell.

        Parameters
        ----------
        Z : array-like or DataFrame of shape (n_samples, n_latents)
            The features.
        factors : DataFrame, Series or dict of shape (n_samples, n_factors)
            True factors; see :func:`mvdisent.metrics.mutual_info_matrix`.
        feature_names : sequence of str, default=None
            Names of the dimensions; None takes the columns of Z.
        n_neighbors : int, default=3
            Neighbours of the estimate.
        n_jobs : int, default=None
            Dimensions worked on at a time.
        random_state : int, RandomState instance or None, default=None
            Seed of the noise that breaks ties.
        ax : Axes or array-like of Axes, default=None
            Where to draw; see ``plot``.

        Returns
        -------
        display : MutualInfoDisplay
            Drawn.
        """
        mi = mutual_info_matrix(
            Z,
            factors,
            feature_names=feature_names,
            n_neighbors=n_neighbors,
            n_jobs=n_jobs,
            random_state=random_state,
        )
        return cls(mi).plot(ax=ax)

    def plot(self, ax: AxesLike = None) -> Self:
        """Draw the panels.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            One Axes gives its place to all panels; an array holds one a block;
            None makes a figure.

        Returns
        -------
        display : MutualInfoDisplay
            Itself, with ``axes_`` and ``figure_``.
        """
        mi = as_table(self.mi, "mi", "mvdisent.metrics.mutual_info_matrix")
        _checks.check_finite(mi.to_numpy(), "mi")
        names = [str(name) for name in mi.columns]
        blocks = block_columns(names)
        if sum(map(len, blocks.values())) < len(names):
            blocks = {"latent": list(range(len(names)))}
        n_factors, n_latents = mi.shape
        self.figure_, self.axes_ = make_axes(
            ax,
            1,
            len(blocks),
            size=(
                2.2 + 0.48 * min(max(n_latents, 4), _MAX_PRINTED),
                1.3 + 0.45 * max(n_factors, 2),
            ),
            width_ratios=[len(columns) for columns in blocks.values()],
        )
        step = 1 if n_latents <= _MAX_PRINTED else -(-n_latents // _MAX_TICKS)
        top = max(float(mi.to_numpy().max()), _LEAST_TOP)
        for axes, (block, columns) in zip(self.axes_[0], blocks.items(), strict=True):
            values = mi.iloc[:, columns].to_numpy()
            image = axes.imshow(values, vmin=0, vmax=top, cmap="viridis", aspect="auto")
            if n_latents <= _MAX_PRINTED:
                _print_values(axes, values, top)
            axes.set_title(block)
            axes.set_xlabel("dimension")
            ticks = [_tick(names[i], block) for i in columns[::step]]
            axes.set_xticks(range(0, len(columns), step), ticks)
            axes.set_yticks(range(n_factors), mi.index if axes is self.axes_[0, 0] else [])
        self.figure_.colorbar(
            image, ax=list(self.axes_[0]), pad=0.02, label="mutual information\n(nats)"
        )
        return self


def _tick(name: str, block: str) -> str:
    """Shorten ``private_v0_3`` to ``v0 3``: the block stands in the title."""
    return name.rsplit("__", 1)[-1].removeprefix(f"{block}_").replace("_", " ")


def _print_values(axes: Axes, values: Any, top: float) -> None:
    for (row, column), value in np.ndenumerate(values):
        # Where black and white stand out from viridis equally, at a contrast of 4.6.
        color = "black" if value > 0.434 * top else "white"
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=color, fontsize=8)
