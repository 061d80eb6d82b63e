"""Sounds with known factors: each function returns its arrays and the true factors.

Nothing here reads files of the user (see ``audio``) or pairs them (see ``views``).
"""

from ._harmonic import make_harmonic_views
from ._instruments import NOTE_INSTRUMENTS, NoteInstrument
from ._notes import make_note_views, make_notes
from ._tones import TONE_SETTINGS, make_tone_views

__all__ = [
    "NOTE_INSTRUMENTS",
    "TONE_SETTINGS",
    "NoteInstrument",
    "make_harmonic_views",
    "make_note_views",
    "make_notes",
    "make_tone_views",
]
