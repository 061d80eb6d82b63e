"""The bars of a probe table: what each block tells of each factor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .._blocks import block_columns, name_columns
from ..metrics import probe_table
from ._axes import COLORS, AxesLike, make_axes
from ._inputs import as_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINES = {"chance": "dotted", "ceiling": "dashed"}
# Of the distance between two factors, all bars of one.
_GROUP_WIDTH = 0.8
# Far below chance bars are cut, or they would leave no room for the others.
_LEAST_BOTTOM = -1.0


class ProbeDisplay:
    """Bars of what a probe reads from each block, factor by factor.

    Across the bars of a factor goes a dotted line at chance and, where the
    table has one, a dashed line at the ceiling. A bar that ends below -1 is cut.

    Parameters
    ----------
    table : DataFrame of shape (n_blocks + 1 or 2, n_factors)
        Scores, from :func:`mvdisent.metrics.probe_table`.
    errors : DataFrame of the same shape, default=None
        Standard error of each score: half the length of the error bars, which
        None leaves out.

    Attributes
    ----------
    ax_ : Axes
        Where the bars are.
    figure_ : Figure
        The figure that holds them.

    See Also
    --------
    mvdisent.metrics.probe_table : The numbers alone.

    Examples
    --------
    >>> import pandas as pd
    >>> from mvdisent.plotting import ProbeDisplay
    >>> rows = ["private", "shared", "chance", "ceiling"]
    >>> table = pd.DataFrame({"timbre": [0.3, 0.98, 0.25, 1.0]}, rows)
    >>> figure = ProbeDisplay(table).plot().figure_
    """

    def __init__(self, table: pd.DataFrame, errors: pd.DataFrame | None = None) -> None:
        self.table = table
        self.errors = errors

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        factors: Any,
        *,
        probe: str = "mlp",
        groups: ArrayLike | None = None,
        test_size: float | int = 0.4,
        cv: Any = None,
        reference: ArrayLike | None = None,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        ax: AxesLike = None,
    ) -> Self:
        """Probe and draw the features of a fitted transformer.

        The blocks are told by the column names (``private_0``, ``shared_3``); the
        last bar of a factor is for both blocks together.

        Parameters
        ----------
        estimator : object
            Fitted, with ``transform`` and ``get_feature_names_out``; a Pipeline
            will do.
        X : array-like of shape (n_samples, ...)
            What ``estimator.transform`` takes, not seen at fit. To probe each
            view by itself, pass what :func:`mvdisent.views.split_views` returns:
            single views, their factors and their groups.
        factors : DataFrame, Series or dict of shape (n_samples, n_factors)
            True factors; see :func:`mvdisent.metrics.probe_table`.
        probe : {"mlp", "knn", "boosting", "linear", "strongest"}, default="mlp"
            The probe.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group are on one side of each split.
        test_size : float or int, default=0.4
            Share or number of the held-out rows, for ``cv=None``.
        cv : int, splitter, iterable of splits or None, default=None
            Folds; None is one split.
        reference : array-like of shape (n_samples, ...), default=None
            Raw features, such as the spectra of `X`, for the ceiling; None
            draws none.
        random_state : int, RandomState instance or None, default=None
            Seed of the splits and the probes.
        n_jobs : int, default=None
            Probes trained at a time.
        ax : Axes, default=None
            Where to draw; see ``plot``.

        Returns
        -------
        display : ProbeDisplay
            Drawn, with error bars.
        """
        features = np.asarray(estimator.transform(X))
        return cls.from_predictions(
            _split_blocks(features, name_columns(estimator)),
            factors,
            probe=probe,
            groups=groups,
            test_size=test_size,
            cv=cv,
            reference=reference,
            random_state=random_state,
            n_jobs=n_jobs,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        blocks: Mapping[str, ArrayLike],
        factors: Any,
        *,
        probe: str = "mlp",
        groups: ArrayLike | None = None,
        test_size: float | int = 0.4,
        cv: Any = None,
        reference: ArrayLike | None = None,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        ax: AxesLike = None,
    ) -> Self:
        """Probe and draw features.

        Parameters
        ----------
        blocks : dict of str to array-like of shape (n_samples, n_features)
            Features by the name of their bars.
        factors : DataFrame, Series or dict of shape (n_samples, n_factors)
            True factors; see :func:`mvdisent.metrics.probe_table`.
        probe : {"mlp", "knn", "boosting", "linear", "strongest"}, default="mlp"
            The probe.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group are on one side of each split.
        test_size : float or int, default=0.4
            Share or number of the held-out rows, for ``cv=None``.
        cv : int, splitter, iterable of splits or None, default=None
            Folds; None is one split.
        reference : array-like of shape (n_samples, ...), default=None
            Raw features for the ceiling; None draws none.
        random_state : int, RandomState instance or None, default=None
            Seed of the splits and the probes.
        n_jobs : int, default=None
            Probes trained at a time.
        ax : Axes, default=None
            Where to draw; see ``plot``.

        Returns
        -------
        display : ProbeDisplay
            Drawn, with error bars.
        """
        table, errors = probe_table(
            blocks,
            factors,
            probe=probe,
            groups=groups,
            test_size=test_size,
            cv=cv,
            reference=reference,
            return_std_error=True,
            random_state=random_state,
            n_jobs=n_jobs,
        )
        return cls(table, errors).plot(ax=ax)

    def plot(self, ax: AxesLike = None) -> Self:
        """Draw the bars.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw, the legend to the right of it; None makes a figure.

        Returns
        -------
        display : ProbeDisplay
            Itself, with ``ax_`` and ``figure_``.

        Raises
        ------
        ValueError
            If the table has no row ``"chance"``, or no block; if the errors are
            of other factors.
        """
        source = "mvdisent.metrics.probe_table"
        table = as_table(self.table, "table", source)
        errors = None if self.errors is None else as_table(self.errors, "errors", source)
        bars = table.drop(index=list(_LINES), errors="ignore")
        if "chance" not in table.index or bars.empty:
            raise ValueError(
                f"table has the rows {list(table.index)}; pass a row 'chance' and one a "
                "block, as mvdisent.metrics.probe_table returns"
            )
        if errors is not None and not (
            set(errors) == set(table) and set(bars.index) <= set(errors.index)
        ):
            raise ValueError(
                f"errors has the columns {list(errors)} and the rows {list(errors.index)}, but "
                f"table {list(table)} and {list(bars.index)}: pass both as probe_table(..., "
                "return_std_error=True) returns them"
            )
        chance = table.loc["chance"].to_numpy(dtype=float)
        labels = [_label(str(name), level) for name, level in zip(bars, chance, strict=True)]
        self.figure_, axes = make_axes(ax, 1, 1, size=_size(labels, len(bars)))
        self.ax_: Axes = axes[0, 0]
        self._draw_bars(bars, errors)
        places = np.arange(len(labels))
        for row, style in _LINES.items():
            if row in table.index:
                ends = places - _GROUP_WIDTH / 2, places + _GROUP_WIDTH / 2
                self.ax_.hlines(table.loc[row], *ends, "black", style, label=row)
        self.ax_.set_xticks(places, labels)
        self.ax_.set_ylabel(
            "held-out score" if errors is None else "held-out score ± standard error"
        )
        self.ax_.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
        return self

    def _draw_bars(self, bars: pd.DataFrame, errors: pd.DataFrame | None) -> None:
        scores = bars.to_numpy(dtype=float)
        spread = np.zeros_like(scores)
        if errors is not None:
            spread = errors.loc[bars.index, bars.columns].to_numpy(dtype=float)
        width = _GROUP_WIDTH / len(bars)
        for i, block in enumerate(bars.index):
            self.ax_.bar(
                np.arange(scores.shape[1]) + (i + 0.5) * width - _GROUP_WIDTH / 2,
                scores[i],
                width,
                yerr=None if errors is None else spread[i],
                label=block,
                color=COLORS[i % len(COLORS)],
                edgecolor="white",
                error_kw={"elinewidth": 1, "capsize": 2},
            )
        low = max(min(0.0, float((scores - spread).min())), _LEAST_BOTTOM)
        high = max(1.0, float((scores + spread).max()))
        margin = 0.02 * (high - low)
        if low < 0:
            self.ax_.axhline(0, color="0.7", linewidth=0.8, zorder=0.5)
        self.ax_.set_ylim(low - margin if low < 0 else 0, high + margin)


def _split_blocks(features: NDArray[Any], names: Any) -> dict[str, NDArray[Any]]:
    """Give the private block, the shared block and both, as far as names tell them."""
    columns = block_columns([str(name) for name in names])
    if sum(map(len, columns.values())) < len(names):
        return {"latent": features}
    blocks = {block: features[:, found] for block, found in columns.items()}
    return {**blocks, "both": features} if len(blocks) > 1 else blocks


def _label(factor: str, chance: float) -> str:
    # The mean has an R2 of 0 at most; the most frequent class is right more often than never.
    return f"{factor}\n({'accuracy' if chance > 0 else 'R²'})"


def _size(labels: list[str], n_blocks: int) -> tuple[float, float]:
    """Size a figure in inches, so that bars and labels stand apart."""
    longest = max(len(line) for label in labels for line in label.split("\n"))
    group = max(0.3 + 0.3 * n_blocks, 0.3 + 0.085 * longest)
    return 1.9 + max(1.5, group * len(labels)), 3.2
