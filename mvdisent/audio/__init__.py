"""From files to waveforms and spectrograms.

librosa and soundfile live here alone. Which files there are is listed by
:class:`mvdisent.datasets.AudioTable`; arrays of views are built in
:mod:`mvdisent.views`, and sounds with known factors come from
:mod:`mvdisent.datasets`.
"""

from ._cache import cache_log_mel
from ._decoder import AudioFileError
from ._inversion import to_audio
from ._logcqt import LogCQT
from ._logmel import LogMel
from ._reading import iter_windows, read_audio
from ._segments import Clips, read_clips

__all__ = [
    "AudioFileError",
    "Clips",
    "LogCQT",
    "LogMel",
    "cache_log_mel",
    "iter_windows",
    "read_audio",
    "read_clips",
    "to_audio",
]
