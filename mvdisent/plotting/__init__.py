"""Display classes in scikit-learn's style: numbers in, one figure out.

Each has ``plot`` and keeps ``figure_`` and its panels, ``axes_`` (``ax_`` where
there is one always). matplotlib is imported
when a figure is drawn: ``pip install "mvdisent[plot]"``. What is drawn is
measured in :mod:`mvdisent.metrics`.
"""

from ._ablation import AblationDisplay
from ._history import HistoryDisplay
from ._latents import LatentDisplay
from ._mutual_info import MutualInfoDisplay
from ._probes import ProbeDisplay
from ._reconstruction import ReconstructionDisplay

__all__ = [
    "AblationDisplay",
    "HistoryDisplay",
    "LatentDisplay",
    "MutualInfoDisplay",
    "ProbeDisplay",
    "ReconstructionDisplay",
]
