"""Learn what several views of a sound share and what is private to each."""

from ._disentangler import MultiViewDisentangler
from .audio import LogCQT, LogMel
from .persistence import load, save

__all__ = ["LogCQT", "LogMel", "MultiViewDisentangler", "load", "save"]
__version__ = "0.1.0"
