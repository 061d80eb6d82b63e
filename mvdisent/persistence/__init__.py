"""Fitted models as files that hold data alone: loading one runs nothing.

Estimators of this package and pipelines of them are saved here. Figures are
saved by matplotlib, arrays by numpy.
"""

from ._load import load
from ._save import save

__all__ = ["load", "save"]
