"""Sounds with their true factors: synthetic ones, and tables of audio files.

Arrays that are at hand become views in :mod:`mvdisent.views`; the files that a
table lists are read by :mod:`mvdisent.audio`.
"""

from ._harmonic import make_harmonic_views
from ._instruments import NOTE_INSTRUMENTS, NoteInstrument
from ._notes import make_note_views, make_notes
from ._sources import from_mirdata, from_nsynth
from ._table import AudioTable
from ._tones import TONE_SETTINGS, make_tone_views

__all__ = [
    "NOTE_INSTRUMENTS",
    "TONE_SETTINGS",
    "AudioTable",
    "NoteInstrument",
    "from_mirdata",
    "from_nsynth",
    "make_harmonic_views",
    "make_note_views",
    "make_notes",
    "make_tone_views",
]
