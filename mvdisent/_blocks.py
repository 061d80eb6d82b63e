"""Which feature columns are private and which are shared: computed here alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

OUTPUTS = ("both", "private", "shared")
VIEW_OUTPUTS = ("mean", "concat")


@dataclass(frozen=True)
class BlockLayout:
    """Columns of the feature matrix: the private block, then the shared one.

    Parameters
    ----------
    n_private, n_shared : int
        Dimensions of the two blocks.
    output : {"both", "private", "shared"}
        Blocks that are part of the features.
    n_views : int or None
        Number of private blocks, one a view; None for one block, the mean over
        the views.
    """

    n_private: int
    n_shared: int
    output: str = "both"
    n_views: int | None = None

    def names(self) -> list[str]:
        """Name the columns: ``private_0`` or ``private_v0_0``, then ``shared_0``."""
        heads = (
            ["private_"]
            if self.n_views is None
            else [f"private_v{view}_" for view in range(self.n_views)]
        )
        private = [f"{head}{i}" for head in heads for i in range(self.n_private)]
        shared = [f"shared_{i}" for i in range(self.n_shared)]
        return {"both": private + shared, "private": private, "shared": shared}[self.output]

    def assemble(
        self,
        private: NDArray[np.float32],
        shared: NDArray[np.float32],
        present: NDArray[np.bool_] | None,
    ) -> NDArray[np.float32]:
        """Lay the blocks side by side.

        Parameters
        ----------
        private : ndarray of shape (n_samples, n_views, n_private)
            Zero where a view is missing.
        shared : ndarray of shape (n_samples, n_shared)
            Shared codes.
        present : ndarray of bool of shape (n_samples, n_views) or None
            False where a view is missing; the mean leaves it out.

        Returns
        -------
        features : ndarray of shape (n_samples, n_columns)
            Columns in the order of ``names()``.
        """
        if self.n_views is not None:
            block = private.reshape(len(private), -1)
        elif present is None:
            block = private.mean(1)
        else:
            block = private.sum(1) / present.sum(1, keepdims=True, dtype=private.dtype)
        if self.output == "both":
            return np.concatenate([block, shared], axis=1)
        return block if self.output == "private" else shared


def block_columns(names: Sequence[str]) -> dict[str, list[int]]:
    """Find the blocks among column names, also behind a step's prefix.

    Parameters
    ----------
    names : sequence of str
        Column names, such as ``private_0`` or ``disentangler__shared_3``.

    Returns
    -------
    columns : dict of str to list of int
        Positions of the ``"private"`` and of the ``"shared"`` columns; a block
        without columns is left out.
    """
    found: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        block = str(name).rsplit("__", 1)[-1].split("_", 1)[0]
        if block in ("private", "shared"):
            found.setdefault(block, []).append(i)
    return dict(sorted(found.items()))


def name_columns(estimator: Any) -> list[str]:
    """Name the columns of a fitted estimator.

    Parameters
    ----------
    estimator : estimator
        Of a Pipeline, steps are passed over up to the last one that names no
        columns, such as a plain FunctionTransformer: the blocks come after it.

    Returns
    -------
    names : list of str
        As ``get_feature_names_out`` gives them.
    """
    steps = [step for _, step in getattr(estimator, "steps", [])]
    named = [
        step in (None, "passthrough") or hasattr(step, "get_feature_names_out") for step in steps
    ]
    first = max((i + 1 for i, has_names in enumerate(named) if not has_names), default=0)
    if 0 < first < len(steps):
        estimator = estimator[first:]
    return [str(name) for name in estimator.get_feature_names_out()]
