"""The frames of one sound file, from any frame to any, as they are in the whole."""

from __future__ import annotations

import numpy as np
import soundfile
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

# libsndfile seeks to the very frame in these. In an Ogg stream it may land elsewhere
# (libsndfile#885), and in an MP3 file it forgets what the frames before lend to the next.
_SEEKABLE = frozenset({"WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC"})
_BLOCK = 2**16


class AudioFileError(ValueError):
    """A sound file that cannot be read as it was asked for.

    Parameters
    ----------
    path : str
        The file.
    fault : str
        What is wrong with it.
    """

    def __init__(self, path: str, fault: str) -> None:
        super().__init__(path, fault)
        self.path = path
        self.fault = fault

    def __str__(self) -> str:
        return f"{self.path}: {self.fault}"


class _Forward(soundfile.SoundFile):
    """A file that is read on and on: soundfile seeks behind each read of one that can seek."""

    def seekable(self) -> bool:
        return False


_can_seek = soundfile.SoundFile.seekable


class Decoder:
    """Decode a whole file's frames as the mean of its channels.

    Parameters
    ----------
    raw : str or bytes
        Path that soundfile opens.
    path : str
        The same, for errors.
    n_frames : int
        Frames that can be decoded.
    """

    def __init__(self, raw: str | bytes, path: str, n_frames: int) -> None:
        self._raw, self._path = raw, path
        self._sound = _Forward(raw)
        self.rate, self.n_frames = int(self._sound.samplerate), n_frames
        # Nor does it seek in some subtypes, such as GSM 6.10.
        self._seeks = self._sound.format in _SEEKABLE and _can_seek(self._sound)
        self._first, self._held = 0, np.empty(0, dtype=np.float32)

    def close(self) -> None:
        """Close the file."""
        self._sound.close()

    def mono(self, start: int, stop: int) -> FloatArray:
        """Give the frames from start to stop, which the file must have."""
        try:
            mono = self._sought(start, stop) if self._seeks else self._forward(start, stop)
        except soundfile.LibsndfileError as error:
            text = error.error_string.rstrip(".") or "undecodable"
            fault = f"corrupt between frames {start} and {stop} ({text})"
            raise AudioFileError(self._path, fault) from error
        if not np.isfinite(mono).all():
            fault = f"has NaN or infinity between frames {start} and {stop}"
            raise AudioFileError(self._path, fault)
        return mono

    def _sought(self, start: int, stop: int) -> FloatArray:
        self._sound.seek(start)
        return self._read(start, stop)

    def _forward(self, start: int, stop: int) -> FloatArray:
        """Decode up to the end of a segment; what lies behind its beginning is held."""
        if start < self._first:
            self.close()
            self._sound = _Forward(self._raw)
            self._first, self._held = 0, self._held[:0]
        while (end := self._first + len(self._held)) < stop:
            begin = min(max(start, self._first), end)
            length = _BLOCK if end < start else max(_BLOCK, stop - end)
            block = self._read(end, min(end + length, self.n_frames))
            self._held = np.concatenate([self._held[begin - self._first :], block])
            self._first = begin
        return self._held[start - self._first : stop - self._first].copy()

    def _read(self, start: int, stop: int) -> FloatArray:
        frames = self._sound.read(stop - start, dtype="float32", always_2d=True)
        if len(frames) < stop - start:
            raise AudioFileError(
                self._path,
                f"corrupt: of {stop - start} frames from {start} only {len(frames)} can be decoded",
            )
        mono: FloatArray = frames[:, 0] if frames.shape[1] == 1 else frames.mean(axis=1)
        return mono
