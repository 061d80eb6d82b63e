"""Spectra beside what the model makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _checks
from .._param_checks import as_names
from ._axes import AxesLike, make_axes


class ReconstructionDisplay:
    """A few log-mel spectra above their reconstructions, on one scale in dB.

    Parameters
    ----------
    inputs : array-like of shape (n_samples, n_mels, n_frames)
        Spectra of one view of each sample, in dB.
    reconstructions : array-like of shape (n_samples, n_mels, n_frames)
        What the model makes of them.
    swaps : array-like of shape (n_samples, n_mels, n_frames), default=None
        A third row: the private code of each sample decoded with the shared
        code of another.
    labels : sequence of str, default=None
        Titles of the samples; None for none.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (2 or 3, n_samples)
        The panels.
    figure_ : Figure
        The figure that holds them.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.plotting import ReconstructionDisplay
    >>> spectra = np.random.default_rng(0).uniform(-80, 0, size=(3, 64, 32))
    >>> display = ReconstructionDisplay(spectra, 0.9 * spectra, labels=["a", "b", "c"])
    >>> figure = display.plot().figure_
    """

    def __init__(
        self,
        inputs: ArrayLike,
        reconstructions: ArrayLike,
        *,
        swaps: ArrayLike | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        self.inputs = inputs
        self.reconstructions = reconstructions
        self.swaps = swaps
        self.labels = labels

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        n_samples: int = 4,
        labels: Sequence[str] | None = None,
        ax: AxesLike = None,
    ) -> Self:
        """Reconstruct and draw the first view of the first samples.

        Parameters
        ----------
        estimator : object
            Fitted, with ``reconstruct``. Of a Pipeline, pass the last step here
            and ``pipeline[:-1].transform(X)`` as X.
        X : array-like of shape (n_samples, n_views, n_mels, n_frames)
            Spectra in dB.
        n_samples : int, default=4
            How many samples to draw.
        labels : sequence of str, default=None
            Titles of the samples; None for none.
        ax : Axes or array-like of Axes, default=None
            Where to draw; see ``plot``.

        Returns
        -------
        display : ReconstructionDisplay
            Drawn.
        """
        few = _checks.as_array(X)[:n_samples]
        again = np.asarray(estimator.reconstruct(few))
        return cls(few[:, 0], again[:, 0], labels=labels).plot(ax=ax)

    def plot(self, ax: AxesLike = None) -> Self:
        """Draw the panels.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            One Axes gives its place to all panels; an array holds one a panel;
            None makes a figure.

        Returns
        -------
        display : ReconstructionDisplay
            Itself, with ``axes_`` and ``figure_``.
        """
        rows = self._check_rows()
        n_rows, n_samples = len(rows), len(rows["inputs"])
        self.figure_, self.axes_ = make_axes(
            ax, n_rows, n_samples, size=(1.5 + 2.2 * max(n_samples, 2), 0.7 + 1.9 * n_rows)
        )
        low = min(float(np.nanmin(row)) for row in rows.values())
        high = max(float(np.nanmax(row)) for row in rows.values())
        for axes, (name, row) in zip(self.axes_, rows.items(), strict=True):
            for panel, spectrum in zip(axes, row, strict=True):
                image = panel.imshow(
                    spectrum, vmin=low, vmax=high, cmap="magma", origin="lower", aspect="auto"
                )
                panel.tick_params(labelleft=False, labelbottom=False)
            axes[0].tick_params(labelleft=True)
            axes[0].set_ylabel(f"{name.removesuffix('s')}\nmel band")
        for panel in self.axes_[-1]:
            panel.set_xlabel("frame")
            panel.tick_params(labelbottom=True)
        for panel, label in zip(self.axes_[0], self.labels or [], strict=False):
            panel.set_title(label)
        self.figure_.colorbar(image, ax=self.axes_.ravel().tolist(), pad=0.02, label="level (dB)")
        return self

    def _check_rows(self) -> dict[str, NDArray[Any]]:
        given = {
            "inputs": self.inputs,
            "reconstructions": self.reconstructions,
            "swaps": self.swaps,
        }
        rows = {
            name: _checks.as_spectra(row, name)
            for name, row in given.items()
            if name != "swaps" or row is not None
        }
        shape = rows["inputs"].shape
        for name, row in rows.items():
            _checks.check_same_shape(name, row.shape, "inputs", shape)
            if np.isinf(row).any() or not np.isfinite(row).any():
                raise ValueError(f"{name} has infinity, or no number at all: pass levels in dB")
        if self.labels is not None:
            labels = as_names("labels", self.labels)
            _checks.check_n_names("labels", len(labels), "inputs", len(rows["inputs"]), "rows")
        return rows
