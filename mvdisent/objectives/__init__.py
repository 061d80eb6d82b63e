"""The terms of the objective as pure functions of tensors, and their weighing.

No module, optimiser or data handling lives here.
"""

from ._contrast import info_nce
from ._decomposition import KL_ESTIMATORS, KLParts, split_kl
from ._dependence import referee_loss
from ._gaussian import gaussian_kl, log_normal, reconstruction_nll
from ._multiview import MultiViewObjective

__all__ = [
    "KL_ESTIMATORS",
    "KLParts",
    "MultiViewObjective",
    "gaussian_kl",
    "info_nce",
    "log_normal",
    "reconstruction_nll",
    "referee_loss",
    "split_kl",
]
