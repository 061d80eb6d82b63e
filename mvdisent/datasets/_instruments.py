"""Instruments of General MIDI that sampled notes are drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class NoteInstrument(NamedTuple):
    """A preset of a SoundFont, and what the instrument can play."""

    #: General MIDI program, from 0.
    program: int
    #: Family, as General MIDI groups programs.
    family: str
    #: Lowest key that the true instrument sounds, as a MIDI number.
    lowest: int
    #: Highest key.
    highest: int


_MALLETS = "chromatic percussion"

#: Instruments of ``make_notes``: 33 that sound over keys 48 to 84 in common SoundFonts.
#: Left out are programs whose notes are unlike each other, without pitch or silent.
NOTE_INSTRUMENTS: Mapping[str, NoteInstrument] = MappingProxyType(
    {
        "piano": NoteInstrument(0, "piano", 21, 108),
        "harpsichord": NoteInstrument(6, "piano", 29, 89),
        "celesta": NoteInstrument(8, _MALLETS, 60, 108),
        "vibraphone": NoteInstrument(11, _MALLETS, 53, 89),
        "marimba": NoteInstrument(12, _MALLETS, 45, 96),
        "xylophone": NoteInstrument(13, _MALLETS, 65, 108),
        "church organ": NoteInstrument(19, "organ", 36, 96),
        "accordion": NoteInstrument(21, "organ", 53, 93),
        "harmonica": NoteInstrument(22, "organ", 60, 96),
        "nylon guitar": NoteInstrument(24, "guitar", 40, 83),
        "steel guitar": NoteInstrument(25, "guitar", 40, 86),
        "jazz guitar": NoteInstrument(26, "guitar", 40, 86),
        "acoustic bass": NoteInstrument(32, "bass", 28, 67),
        "electric bass": NoteInstrument(33, "bass", 28, 63),
        "violin": NoteInstrument(40, "strings", 55, 103),
        "viola": NoteInstrument(41, "strings", 48, 91),
        "cello": NoteInstrument(42, "strings", 36, 81),
        "contrabass": NoteInstrument(43, "strings", 28, 67),
        "harp": NoteInstrument(46, "strings", 23, 104),
        "trumpet": NoteInstrument(56, "brass", 54, 86),
        "trombone": NoteInstrument(57, "brass", 40, 77),
        "tuba": NoteInstrument(58, "brass", 26, 65),
        "french horn": NoteInstrument(60, "brass", 34, 77),
        "soprano sax": NoteInstrument(64, "reed", 56, 88),
        "alto sax": NoteInstrument(65, "reed", 49, 81),
        "tenor sax": NoteInstrument(66, "reed", 44, 76),
        "oboe": NoteInstrument(68, "reed", 58, 91),
        "english horn": NoteInstrument(69, "reed", 52, 81),
        "bassoon": NoteInstrument(70, "reed", 34, 75),
        "clarinet": NoteInstrument(71, "reed", 50, 94),
        "piccolo": NoteInstrument(72, "pipe", 74, 108),
        "flute": NoteInstrument(73, "pipe", 60, 96),
        "recorder": NoteInstrument(74, "pipe", 65, 91),
    }
)
