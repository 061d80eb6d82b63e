"""From waveforms to log-mel spectrograms.

librosa lives here alone. Arrays of views are built in :mod:`mvdisent.views`,
and sounds with known factors come from :mod:`mvdisent.datasets`.
"""

from ._logmel import LogMel

__all__ = ["LogMel"]
