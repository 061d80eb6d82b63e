"""Views of one sample: put together into one array, and taken apart again.

Waveforms become spectra in :mod:`mvdisent.audio`, and sounds with known
factors come from :mod:`mvdisent.datasets`.
"""

from ._stack import split_views, stack_views

__all__ = ["split_views", "stack_views"]
