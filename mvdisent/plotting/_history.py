"""The course of a fit: each term by epoch, and what each dimension carries at its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline

from ._axes import COLORS, AxesLike, make_axes

_BLOCKS = ("private", "shared")
_TERMS = {"mi": "index-code MI", "tc": "total correlation", "dwkl": "dimension-wise KL"}
_STYLES = ("-", "--", ":")
# Dimensions below it have collapsed: the estimator's own threshold, in nats.
_ACTIVE_KL = 0.05


class HistoryDisplay:
    """Panels of a fit's terms by epoch, and of the KL of each dimension.

    Parameters
    ----------
    history : DataFrame of shape (n_epochs, n_terms)
        ``history_`` of a fitted estimator: a column "reconstruction" and, for
        each block, "private_mi", "private_tc", "private_dwkl" and the same of
        "shared", in nats.
    kl : dict of str to array-like of float, default=None
        Mean KL of each dimension by block, in nats, as in ``kl_private_`` and
        ``kl_shared_``. None leaves its panel out.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (1, n_panels)
        The panels: reconstruction, private terms, shared terms, KL.
    figure_ : Figure
        The figure that holds them.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from mvdisent.plotting import HistoryDisplay
    >>> names = ["reconstruction"]
    >>> names += [f"{b}_{t}" for b in ("private", "shared") for t in ("mi", "tc", "dwkl")]
    >>> history = pd.DataFrame(np.ones((5, 7)), columns=names)
    >>> figure = HistoryDisplay(history, {"private": [2.0, 0.0]}).plot().figure_
    """

    def __init__(self, history: pd.DataFrame, kl: Mapping[str, ArrayLike] | None = None) -> None:
        self.history = history
        self.kl = kl

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: AxesLike = None) -> Self:
        """Draw the fit of an estimator.

        Parameters
        ----------
        estimator : object
            A fitted :class:`mvdisent.MultiViewDisentangler`, or a Pipeline that
            ends in one.
        ax : Axes or array-like of Axes, default=None
            Where to draw; see ``plot``.

        Returns
        -------
        display : HistoryDisplay
            Drawn.
        """
        model = estimator[-1] if isinstance(estimator, Pipeline) else estimator
        kl = {"private": model.kl_private_, "shared": model.kl_shared_}
        return cls(model.history_, kl).plot(ax=ax)

    def plot(self, ax: AxesLike = None) -> Self:
        """Draw the panels.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            One Axes gives its place to all panels; an array holds one a panel;
            None makes a figure.

        Returns
        -------
        display : HistoryDisplay
            Itself, with ``axes_`` and ``figure_``.

        Raises
        ------
        ValueError
            If the history lacks a term.
        """
        wanted = ["reconstruction", *(f"{b}_{t}" for b in _BLOCKS for t in _TERMS)]
        absent = [name for name in wanted if name not in self.history]
        if absent:
            raise ValueError(
                f"history has no column {absent[0]!r}, only {list(self.history)}: pass the "
                "history_ of a fitted MultiViewDisentangler"
            )
        n_panels = 3 if self.kl is None else 4
        self.figure_, self.axes_ = make_axes(ax, 1, n_panels, size=(0.4 + 3.0 * n_panels, 3.0))
        epochs = np.arange(1, len(self.history) + 1)
        axes = self.axes_[0]
        marker = "o" if len(epochs) == 1 else None
        axes[0].plot(epochs, self.history["reconstruction"], color="0.2", marker=marker)
        axes[0].set_title("reconstruction")
        for panel, block, color in zip(axes[1:3], _BLOCKS, COLORS, strict=False):
            for (term, label), style in zip(_TERMS.items(), _STYLES, strict=True):
                values = self.history[f"{block}_{term}"]
                panel.plot(epochs, values, style, color=color, marker=marker, label=label)
            panel.set_title(f"{block} terms")
            panel.legend(frameon=False, fontsize="small")
        for panel in axes[:3]:
            panel.set_xlabel("epoch")
            panel.xaxis.get_major_locator().set_params(integer=True)
        axes[0].set_ylabel("nats a sample")
        if self.kl is not None:
            self._draw_kl(axes[3], self.kl)
        return self

    def _draw_kl(self, axes: Any, kl: Mapping[str, ArrayLike]) -> None:
        """Draw a bar a dimension, the largest first; those that collapsed are hollow."""
        start = 0
        for block, color in zip(kl, COLORS, strict=False):
            values = np.sort(np.asarray(kl[block], dtype=float))[::-1]
            active = values > _ACTIVE_KL
            axes.bar(
                start + np.arange(len(values)),
                values,
                color=[color if on else "none" for on in active],
                edgecolor=color,
                label=f"{block}: {active.sum()} of {len(values)} active",
            )
            start += len(values) + 1
        axes.axhline(_ACTIVE_KL, color="black", linewidth=0.8, linestyle=":")
        axes.set_title("KL of each dimension")
        axes.set_xlabel("dimensions, largest first")
        axes.set_xticks([])
        axes.set_ylim(0, 1.45 * axes.get_ylim()[1])  # room for the legend
        axes.legend(frameon=False, fontsize="small", loc="upper right")
