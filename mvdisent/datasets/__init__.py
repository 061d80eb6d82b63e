"""Sounds with their true factors: synthetic ones, and tables of audio files.

Arrays that are at hand become views in :mod:`mvdisent.views`; the files that a
table lists are read by :mod:`mvdisent.audio`.
"""

from ._harmonic import make_harmonic_views
from ._sources import from_mirdata, from_nsynth
from ._table import AudioTable
from ._tones import TONE_SETTINGS, make_tone_views

__all__ = [
    "TONE_SETTINGS",
    "AudioTable",
    "from_mirdata",
    "from_nsynth",
    "make_harmonic_views",
    "make_tone_views",
]
