"""Where a Display draws: its own figure, the place of one Axes, or given Axes.

Besides, what all of them call and colour alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

AxesLike = Any  # None, an Axes, or an array-like of Axes

# Okabe and Ito's palette, which most colour-blind readers tell apart; yellow,
# faint on white, comes last.
COLORS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#F0E442",
)  # fmt: skip
BLOCK_COLORS = dict(zip(("private", "shared", "both"), COLORS, strict=False))
TERM_NAMES = {"mi": "mutual information", "tc": "total correlation", "dwkl": "dimension-wise KL"}


def make_axes(
    ax: AxesLike,
    n_rows: int,
    n_columns: int,
    *,
    size: tuple[float, float],
    width_ratios: Sequence[float] | None = None,
) -> tuple[Figure | SubFigure, NDArray[np.object_]]:
    """Give a grid of panels.

    Parameters
    ----------
    ax : Axes, array-like of Axes or None
        None makes a figure of the given size. One Axes gives its place to the
        whole grid. Otherwise one Axes a panel.
    n_rows, n_columns : int
        Panels.
    size : tuple of float
        Width and height of a new figure, in inches.
    width_ratios : sequence of float, default=None
        Relative widths of the columns; None for equal ones.

    Returns
    -------
    figure : Figure
        The figure that holds the panels.
    axes : ndarray of Axes of shape (n_rows, n_columns)
        The panels.
    """
    try:
        import matplotlib.pyplot as plt
        from matplotlib.axes import Axes
    except ImportError as error:
        raise ImportError(
            'drawing needs matplotlib: pip install "mvdisent[plot]"', name="matplotlib"
        ) from error
    if ax is None:
        figure, grid = plt.subplots(
            n_rows,
            n_columns,
            figsize=size,
            squeeze=False,
            layout="constrained",
            gridspec_kw={"width_ratios": width_ratios},
        )
        return figure, grid
    if isinstance(ax, Axes) and n_rows * n_columns > 1:
        return ax.figure, _divide(ax, n_rows, n_columns, width_ratios)
    panels = np.asarray(ax, dtype=object)
    if panels.size != n_rows * n_columns:
        raise ValueError(
            f"ax holds {panels.size} Axes, but the figure has {n_rows} x {n_columns} panels: pass "
            "as many, one Axes that gives them its place, or None"
        )
    panels = panels.reshape(n_rows, n_columns)
    if not isinstance(panels[0, 0], Axes):
        raise TypeError(f"ax={ax!r:.60} is not a matplotlib Axes; pass one, or None")
    return panels[0, 0].figure, panels


def _divide(
    ax: Axes, n_rows: int, n_columns: int, width_ratios: Sequence[float] | None
) -> NDArray[np.object_]:
    """Put a grid of panels in the place of one Axes."""
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            f"ax={ax!r} is not part of a grid of subplots; pass an Axes from plt.subplots"
        )
    ax.set_axis_off()
    grid = place.subgridspec(n_rows, n_columns, width_ratios=width_ratios)
    panels: NDArray[np.object_] = grid.subplots(squeeze=False)
    return panels
