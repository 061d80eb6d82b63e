"""Views of one sample: drawn anew each epoch, put into one array, and taken apart again.

Waveforms become spectra in :mod:`mvdisent.audio`, and sounds with known
factors come from :mod:`mvdisent.datasets`.
"""

from ._augment import augment
from ._crops import crops, window_table, windows
from ._pairs import pair_by
from ._pool import TimePool
from ._render import render
from ._source import DrawnViews, ViewSource
from ._stack import split_views, stack_views
from ._transform import Apply, ViewTransform
from ._transforms import AddNoise, Gain, MelShift, TiltEQ, TimeCrop
from ._window_features import WindowFeatures

__all__ = [
    "AddNoise",
    "Apply",
    "DrawnViews",
    "Gain",
    "MelShift",
    "TiltEQ",
    "TimeCrop",
    "TimePool",
    "ViewSource",
    "ViewTransform",
    "WindowFeatures",
    "augment",
    "crops",
    "pair_by",
    "render",
    "split_views",
    "stack_views",
    "window_table",
    "windows",
]
