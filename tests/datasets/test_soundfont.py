"""SoundFonts of both kinds: samples as they are (.sf2), and as Ogg Vorbis (.sf3)."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile
from numpy.testing import assert_allclose

from mvdisent.datasets import NOTE_INSTRUMENTS, NoteInstrument, make_notes

RATE, N_TIMES, PERIOD = 44100, 44100, 100  # a tone of 441 Hz
SAMPLE_ID, SAMPLE_MODES, INSTRUMENT = 53, 54, 41  # generators of the format
MONO, VORBIS = 1, 0x10


def chunk(name, *parts):
    data = b"".join(parts)
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def write_soundfont(path, program, *, vorbis):
    """One preset, whose one sample is a looped tone with two partials."""
    time = np.arange(N_TIMES) / PERIOD
    tone = 0.4 * np.sin(2 * np.pi * time) + 0.2 * np.sin(6 * np.pi * time)
    if vorbis:
        file = io.BytesIO()
        soundfile.write(file, tone, RATE, format="OGG", subtype="VORBIS")
        data = file.getvalue()
        end, kind = len(data), MONO | VORBIS  # an sf3 counts bytes
    else:
        data = (tone * 32767).astype("<i2").tobytes() + b"\0" * 92
        end, kind = N_TIMES, MONO
    header = struct.pack("<20s2H", b"tone", program, 0)
    sample = struct.pack(
        "<20s5IBbHH", b"tone", 0, end, PERIOD, N_TIMES - PERIOD, RATE, 69, 0, 0, kind
    )
    pdta = [
        (b"phdr", header, struct.pack("<H3I", 0, 0, 0, 0), b"EOP".ljust(24, b"\0"), b"\1\0"),
        (b"pbag", struct.pack("<4H", 0, 0, 1, 0)),
        (b"pmod", bytes(10)),
        (b"pgen", struct.pack("<4H", INSTRUMENT, 0, 0, 0)),
        (b"inst", struct.pack("<20sH20sH", b"tone", 0, b"EOI", 1)),
        (b"ibag", struct.pack("<4H", 0, 0, 2, 0)),
        (b"imod", bytes(10)),
        (b"igen", struct.pack("<6H", SAMPLE_MODES, 1, SAMPLE_ID, 0, 0, 0)),
        (b"shdr", sample, b"EOS".ljust(46, b"\0")),
    ]
    pdta[0] = (*pdta[0], bytes(12))
    path.write_bytes(
        chunk(
            b"RIFF",
            b"sfbk",
            chunk(b"LIST", b"INFO", chunk(b"ifil", struct.pack("<2H", 3 if vorbis else 2, 1))),
            chunk(b"LIST", b"sdta", chunk(b"smpl", data)),
            chunk(b"LIST", b"pdta", *(chunk(*parts) for parts in pdta)),
        )
    )


@pytest.mark.parametrize("vorbis", [False, True], ids=["sf2", "sf3"])
def test_both_kinds_of_soundfont_sound_alike(tmp_path, vorbis):
    program = NOTE_INSTRUMENTS["flute"].program
    write_soundfont(tmp_path / "plain.sf2", program, vorbis=False)
    write_soundfont(tmp_path / "other", program, vorbis=vorbis)
    settings = {"instruments": ["flute"], "pitches": [57, 69], "duration": 2.0}
    plain, _ = make_notes(**settings, soundfont=tmp_path / "plain.sf2")
    other, factors = make_notes(**settings, soundfont=tmp_path / "other")
    assert factors["pitch"].tolist() == [57, 69]
    strongest = np.abs(np.fft.rfft(other)).argmax(axis=1) / 2.0
    assert_allclose(strongest, [220, 440], atol=1.0)
    alike = [np.corrcoef(pair)[0, 1] for pair in zip(other, plain, strict=True)]
    assert min(alike) > 0.999


def test_a_program_that_is_not_in_the_soundfont_is_refused(tmp_path):
    write_soundfont(tmp_path / "one.sf2", 5, vorbis=False)
    known = {"mine": NoteInstrument(5, "piano", 0, 127)}
    X, _ = make_notes(instruments=known, pitches=[69], soundfont=tmp_path / "one.sf2")
    assert np.isfinite(X).all()
    with pytest.raises(ValueError, match=r"one\.sf2' has no program 73: leave its instrument out"):
        make_notes(instruments=["flute"], pitches=[69], soundfont=tmp_path / "one.sf2")
