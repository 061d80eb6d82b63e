"""Notes out of a SoundFont, by tinysoundfont."""

from __future__ import annotations

import importlib.util
import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from .. import _param_checks

# SoundFonts are recorded at about this rate, in Hz. tinysoundfont reads them without a
# filter: below it, partials above half the sample rate would come back as other ones.
_OWN_RATE = 44100
# Samples to pull after all sounds are off: else the last note's tail begins the next.
_TAIL = 1024

_CURE = (
    '`pip install "mvdisent[notes]"` and `pip install --no-deps tinysoundfont` (without '
    "--no-deps it asks for pyaudio, which notes do not need)"
)


class NoteRenderer:
    """Render notes of a SoundFont, in mono, each from silence.

    Parameters
    ----------
    soundfont : str or path-like or None
        A .sf2 or .sf3 file; None: the TimGM6mb.sf2 of the package pretty_midi.
    sample_rate : int
        In Hz.
    band_limited : bool
        Whether to render at a multiple of it, and filter.
    """

    def __init__(
        self,
        soundfont: str | os.PathLike[str] | None,
        sample_rate: int,
        *,
        band_limited: bool,
    ) -> None:
        try:
            from tinysoundfont import Synth
        except ImportError as error:
            raise ImportError(f"notes need tinysoundfont: {_CURE}") from error
        self.path = find_soundfont(soundfont)
        self._factor = math.ceil(_OWN_RATE / sample_rate) if band_limited else 1
        if self._factor > 1:  # as resample_poly has it by default, designed once
            taps = 20 * self._factor + 1
            self._filter = scipy.signal.firwin(taps, 1 / self._factor, window=("kaiser", 5.0))
        self._synth = Synth(samplerate=sample_rate * self._factor)
        try:
            self._font = self._synth.sfload(str(self.path))
        except RuntimeError as error:
            raise ValueError(
                f"soundfont={str(self.path)!r} is no SoundFont; pass a .sf2 or .sf3 file"
            ) from error

    def check_programs(self, programs: Sequence[int]) -> None:
        """Refuse programs that the SoundFont does not have."""
        for program in programs:
            if self._synth.sfpreset_name(self._font, 0, program) is None:
                raise ValueError(
                    f"soundfont={str(self.path)!r} has no program {program}: leave its instrument "
                    "out of instruments, or pass another SoundFont"
                )

    def render(self, program: int, pitch: int, velocity: int, n_times: int) -> NDArray[np.float32]:
        """Render one note, held to its end.

        Parameters
        ----------
        program : int
            General MIDI program, from 0.
        pitch : int
            Key, as a MIDI number.
        velocity : int
            From 1 to 127.
        n_times : int
            Samples.

        Returns
        -------
        note : ndarray of float32 of shape (n_times,)
            At the SoundFont's own level.
        """
        synth = self._synth
        synth.program_select(0, self._font, 0, program)
        synth.noteon(0, pitch, velocity)
        stereo = np.frombuffer(synth.generate(n_times * self._factor), dtype=np.float32)
        note = (stereo[::2] + stereo[1::2]) / 2
        synth.sounds_off()
        synth.generate(_TAIL)
        if self._factor > 1:
            note = scipy.signal.resample_poly(note, 1, self._factor, window=self._filter)
        return np.asarray(note, dtype=np.float32)


def find_soundfont(soundfont: str | os.PathLike[str] | None) -> Path:
    """Find a SoundFont, or pretty_midi's own for None."""
    if soundfont is None:
        package = importlib.util.find_spec("pretty_midi")
        if package is None or package.origin is None:
            raise ImportError(f"the default soundfont is pretty_midi's: {_CURE}, or pass soundfont")
        return Path(package.origin).parent / "TimGM6mb.sf2"
    _param_checks.check_path(soundfont)
    path = Path(soundfont)
    if not path.is_file():
        raise FileNotFoundError(f"soundfont={str(path)!r} is not there; pass a .sf2 or .sf3 file")
    return path
