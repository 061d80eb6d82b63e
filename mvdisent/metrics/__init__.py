"""Measure what a representation tells about known factors: arrays in, numbers out.

Any representation will do. Nothing here knows the estimator, and no figure is
drawn here: see :mod:`mvdisent.plotting`.
"""

from ._mig import dmig_score, mig_score, xmig_score
from ._models import PROBES
from ._mutual_info import mutual_info_matrix
from ._probes import probe_table

__all__ = [
    "PROBES",
    "dmig_score",
    "mig_score",
    "mutual_info_matrix",
    "probe_table",
    "xmig_score",
]
