"""What a fit did: each term by epoch, and which dimensions it left in use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from .. import _checks
from .._training import ACTIVE_KL
from ._axes import BLOCK_COLORS, COLORS, TERM_NAMES, AxesLike, make_axes
from ._inputs import as_mapping, as_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINES = COLORS[2:7]  # without the two that stand for the blocks beside them
_MARKERS = ("o", "s", "^", "D", "v")
_REFEREE = ("dependence", "referee")  # of the size of the shared terms
_KL_TICKS = (0, ACTIVE_KL, 0.2, 1, 5, 20, 100, 500)
# Numbers that fit below the bars.
_MAX_TICKS = 20


class HistoryDisplay:
    """The terms of the objective by epoch, and the KL of every dimension.

    Four panels: the loss with the reconstruction, the KL of each dimension,
    and the terms of the private and of the shared block, unweighted.

    Parameters
    ----------
    history : DataFrame or dict of shape (n_epochs, n_terms)
        A column a term, in nats a sample: those whose names start with
        ``private_`` or ``shared_`` belong to that block's panel, all others to
        the first.
    kl_private : array-like of shape (n_private,)
        Mean KL of each private dimension to the prior, in nats. A dimension is
        active above 0.05.
    kl_shared : array-like of shape (n_shared,)
        The same for each shared dimension.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (2, 2)
        The panels. The scale of the KL is linear up to 0.05 nats and
        logarithmic from there on.
    figure_ : Figure
        The figure that holds them.

    Examples
    --------
    >>> from mvdisent.plotting import HistoryDisplay
    >>> history = {
    ...     "reconstruction": [90.0, 70.0],
    ...     "private_mi": [1.0, 2.5],
    ...     "shared_mi": [0.5, 1.3],
    ... }
    >>> display = HistoryDisplay(history, kl_private=[1.2, 0.01], kl_shared=[0.8])
    >>> figure = display.plot().figure_
    """

    def __init__(
        self,
        history: pd.DataFrame | Mapping[str, ArrayLike],
        kl_private: ArrayLike,
        kl_shared: ArrayLike,
    ) -> None:
        self.history = history
        self.kl_private = kl_private
        self.kl_shared = kl_shared

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: AxesLike = None) -> Self:
        """Draw how a model was fitted.

        Parameters
        ----------
        estimator : MultiViewDisentangler
            Fitted. Of a Pipeline, pass the step that is one.
        ax : Axes or array-like of Axes, default=None
            Where to draw; see ``plot``.

        Returns
        -------
        display : HistoryDisplay
            Drawn.

        Raises
        ------
        TypeError
            If the estimator has no ``history_``.
        """
        check_is_fitted(estimator)
        if not hasattr(estimator, "history_"):
            raise TypeError(
                f"estimator={type(estimator).__name__} has no history_: pass a fitted "
                "MultiViewDisentangler; of a Pipeline, its step, such as pipeline[-1]"
            )
        display = cls(estimator.history_, estimator.kl_private_, estimator.kl_shared_)
        return display.plot(ax=ax)

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
        """
        history = self._check_history()
        kl = {
            "private": _as_kl(self.kl_private, "kl_private"),
            "shared": _as_kl(self.kl_shared, "kl_shared"),
        }
        terms: dict[str, list[str]] = {"": [], "private": [], "shared": []}
        for name in map(str, history):
            block = "shared" if name in _REFEREE else name.split("_", 1)[0]
            terms[block if block in terms else ""].append(name)
        self.figure_, self.axes_ = make_axes(ax, 2, 2, size=(9.6, 6.4))
        whole, dimensions, private, shared = self.axes_.ravel()
        _draw_terms(whole, history[terms[""]], "Loss and reconstruction")
        _draw_dimensions(dimensions, kl)
        _draw_terms(private, history[terms["private"]], "Private terms, summed over the views")
        has_referee = not set(_REFEREE).isdisjoint(terms["shared"])
        title = "Shared terms and the referee's" if has_referee else "Shared terms"
        _draw_terms(shared, history[terms["shared"]], title)
        return self

    def _check_history(self) -> pd.DataFrame:
        given = self.history
        columns = given.to_dict("series") if isinstance(given, pd.DataFrame) else given
        terms = {
            name: as_numbers(values, f"history[{name!r}]")
            for name, values in as_mapping(columns, "history").items()
        }
        n_epochs = {name: len(values) for name, values in terms.items()}
        if len(set(n_epochs.values())) > 1:
            raise ValueError(
                f"history has columns of unlike lengths, {n_epochs}: pass a row an epoch"
            )
        return pd.DataFrame(terms)


def _as_kl(values: ArrayLike, name: str) -> NDArray[Any]:
    kl = _checks.as_array(values, name)
    if kl.ndim != 1 or not len(kl):
        raise ValueError(f"{name} has shape {kl.shape}; pass one KL a dimension, in nats")
    _checks.check_numeric(kl, name)
    _checks.check_finite(kl[:, None], name)
    return kl.astype(np.float64)


def _draw_terms(panel: Axes, history: pd.DataFrame, title: str) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = np.arange(1, len(history) + 1)
    for i, (column, values) in enumerate(history.items()):
        name = str(column).removeprefix("private_").removeprefix("shared_")
        panel.plot(
            epochs,
            values,
            color=_LINES[i % len(_LINES)],
            marker=_MARKERS[i % len(_MARKERS)],
            markersize=3,
            linewidth=1,
            label=TERM_NAMES.get(name, name.replace("_", " ")),
        )
    panel.set(title=title, xlabel="epoch", ylabel="nats a sample", xlim=(0.5, len(history) + 0.5))
    panel.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if len(history.columns):
        panel.legend(frameon=False, fontsize="small")


def _draw_dimensions(panel: Axes, kl: Mapping[str, NDArray[Any]]) -> None:
    """Draw the KL of each dimension; a bar that is not filled has collapsed."""
    start, ticks, labels = 0, [], []
    step = -(-sum(map(len, kl.values())) // _MAX_TICKS)
    for block, values in kl.items():
        places = start + np.arange(len(values))
        active = values > ACTIVE_KL
        color = BLOCK_COLORS[block]
        panel.bar(places, values, color=np.where(active, color, "white"), edgecolor=color)
        panel.bar(start, 0, color=color, label=f"{block}: {active.sum()} of {len(values)} active")
        ticks += list(places[::step])
        labels += [str(i) for i in range(0, len(values), step)]
        start = places[-1] + 2  # one place between the blocks stays free
    panel.bar(0, 0, color="white", edgecolor="black", label="collapsed")
    threshold = f"active above {ACTIVE_KL} nats"
    panel.axhline(ACTIVE_KL, color="black", linestyle="--", linewidth=1, label=threshold)
    _scale_kl(panel, max(float(values.max()) for values in kl.values()))
    panel.set_xticks(ticks, labels, fontsize="small")
    panel.set(title="KL of each dimension to the prior", xlabel="dimension", ylabel="nats")
    panel.legend(ncols=2, frameon=False, fontsize="small", loc="upper left")


def _scale_kl(panel: Axes, top: float) -> None:
    """Show both what is below the threshold and what is far above it."""
    top = max(top, 4 * ACTIVE_KL)
    # The linear part is as high as 1.1 decades; above the bars is room for the key.
    room = 0.3 * (1.1 + np.log10(top / ACTIVE_KL))
    panel.set_yscale("symlog", linthresh=ACTIVE_KL)
    panel.set_yticks(_KL_TICKS, [f"{tick:g}" for tick in _KL_TICKS])
    panel.set_yticks([], minor=True)
    panel.set_ylim(0, top * 10**room)
