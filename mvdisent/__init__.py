"""Learn what several views of a sound share and what is private to each."""

from ._disentangler import MultiViewDisentangler

__all__ = ["MultiViewDisentangler"]
__version__ = "0.1.0"
