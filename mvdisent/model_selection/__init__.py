"""Splits by factor and the grid of the paper's ablation, for scikit-learn's searches.

The searches themselves are scikit-learn's; the scores are in
:mod:`mvdisent.metrics`.
"""

from ._grid import ablation_grid
from ._split import FactorKFold

__all__ = ["FactorKFold", "ablation_grid"]
