"""Measure what a representation tells about known factors: arrays in, numbers out.

Any representation will do. Nothing here knows the estimator, and no figure is
drawn here: see :mod:`mvdisent.plotting`.
"""

from ._block_gaps import mutual_info_gap, mutual_info_gap_score, probe_gap, probe_gap_score
from ._cross_view import CrossView, cross_view_score
from ._dci import DCI, dci_score
from ._equivariance import equivariance_score, invariance_score
from ._factor_vae import factor_vae_score
from ._independence import DependenceTest, subspace_independence
from ._irs import irs_score
from ._mig import dmig_score, mig_score, xmig_score
from ._models import PROBES
from ._modularity import explicitness_score, modularity_score
from ._mutual_info import mutual_info_matrix
from ._probes import probe_table
from ._sap import sap_score
from ._scorers import get_scorer, get_scorer_names, make_probe_scorer
from ._swap import SwapTriplets, reconstruction_error, swap_score, swap_triplets

__all__ = [
    "DCI",
    "PROBES",
    "CrossView",
    "DependenceTest",
    "SwapTriplets",
    "cross_view_score",
    "dci_score",
    "dmig_score",
    "equivariance_score",
    "explicitness_score",
    "factor_vae_score",
    "get_scorer",
    "get_scorer_names",
    "invariance_score",
    "irs_score",
    "make_probe_scorer",
    "mig_score",
    "modularity_score",
    "mutual_info_gap",
    "mutual_info_gap_score",
    "mutual_info_matrix",
    "probe_gap",
    "probe_gap_score",
    "probe_table",
    "reconstruction_error",
    "sap_score",
    "subspace_independence",
    "swap_score",
    "swap_triplets",
    "xmig_score",
]
