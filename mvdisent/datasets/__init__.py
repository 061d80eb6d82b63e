"""Sounds with known factors: each function returns its arrays and the true factors.

Nothing here reads files of the user (see ``audio``) or pairs them (see ``views``).
"""

from ._harmonic import make_harmonic_views
from ._tones import TONE_SETTINGS, make_tone_views

__all__ = ["TONE_SETTINGS", "make_harmonic_views", "make_tone_views"]
