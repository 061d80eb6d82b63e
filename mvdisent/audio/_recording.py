"""One sound file: opened, checked, and read segment by segment at any rate."""

from __future__ import annotations

import math
import os
import stat
from numbers import Real
from types import TracebackType

import numpy as np
import soxr

from ._containers import examine
from ._decoder import AudioFileError, Decoder, FloatArray

# Root mean square of a clip below which it is silent: 1 bit of 16, full scale = 1.
SILENCE = 10 ** (-90 / 20)
# How the fault of a silent segment begins.
SILENT = "is silent"
_QUALITY = "HQ"
# Beyond a segment's ends as much is read as the resampler's filter reaches, in
# instants of the lower rate: a segment is then the same part of the whole.
_MARGIN = 256
_RATES = (100, 1_000_000)


class Recording:
    """A whole sound file, open for reading; a context manager.

    Parameters
    ----------
    path : str or path-like
        The file.

    Attributes
    ----------
    seconds : float
        Its length.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        # As bytes: a name that is no text can be opened, too.
        raw = os.fsencode(path) if os.name == "posix" else self._path
        try:
            if not stat.S_ISREG(os.stat(raw).st_mode):
                raise self.error("is no file: pass files, not folders or devices")
            found = examine(raw)
            if found.fault:
                raise self.error(found.fault)
            self._sound = Decoder(raw, self._path, found.n_frames)
            if not _RATES[0] <= self._sound.rate <= _RATES[1]:
                self._sound.close()
                raise self.error(f"corrupt: its header announces a rate of {self._sound.rate} Hz")
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            text = "is not there" if missing else f"cannot be read ({error.strerror})"
            raise self.error(text) from error
        self.seconds = self._sound.n_frames / self._sound.rate

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._sound.close()

    def error(self, fault: str) -> AudioFileError:
        """Make an error that names this file."""
        return AudioFileError(self._path, fault)

    def fits(self, sample_rate: int, offset: float, duration: float | None) -> bool:
        """Tell whether a segment ends before the file does."""
        start, stop = self._bounds(sample_rate, offset, duration)
        return start < stop <= self._sound.n_frames

    def segment(
        self, sample_rate: int, offset: float, duration: float | None, level: float | None
    ) -> FloatArray | None:
        """Read one segment: mono, resampled, at one level; None if it is silent.

        Raises
        ------
        AudioFileError
            If it is longer than what there is, or not of finite numbers.
        """
        clip = self._resampled(sample_rate, offset, duration)
        rms = float(np.sqrt(np.mean(np.square(clip, dtype=np.float64))))
        if rms < SILENCE:
            return None
        if level is not None:
            clip *= np.float32(level / rms)
        return clip

    def loud_segment(
        self, sample_rate: int, offset: float, duration: float | None, level: float | None
    ) -> FloatArray:
        """Read one segment, and refuse a silent one."""
        clip = self.segment(sample_rate, offset, duration, level)
        if clip is None:
            raise self.error(f"{SILENT} {_place(offset, duration)} (below -90 dB of full scale)")
        return clip

    def _bounds(self, sample_rate: int, offset: float, duration: float | None) -> tuple[int, int]:
        """Give the file's own frames of a segment: the first, and the one after the last."""
        rate = self._sound.rate
        start = round(offset * rate)
        if duration is None:
            return start, self._sound.n_frames
        return start, start - (-round(duration * sample_rate) * rate // sample_rate)

    def _resampled(self, sample_rate: int, offset: float, duration: float | None) -> FloatArray:
        rate, n_frames = self._sound.rate, self._sound.n_frames
        start, stop = self._bounds(sample_rate, offset, duration)
        if not self.fits(sample_rate, offset, duration):
            raise self.error(f"has {self.seconds:.4g} s, too short {_place(offset, duration)}")
        if rate == sample_rate:
            return self._sound.mono(start, stop)
        common = math.gcd(rate, sample_rate)
        step_in, step_out = rate // common, sample_rate // common
        steps = -(-_MARGIN // min(step_in, step_out))
        before = min(steps, start // step_in)
        wide = self._sound.mono(start - before * step_in, min(stop + steps * step_in, n_frames))
        out = soxr.resample(wide, rate, sample_rate, quality=_QUALITY)[before * step_out :]
        exact = None if duration is None else round(duration * sample_rate)
        n_times = -(-(stop - start) * step_out // step_in) if exact is None else exact
        if len(out) < (exact or 1):
            raise self.error(f"has {self.seconds:.4g} s, too short {_place(offset, duration)}")
        return np.ascontiguousarray(out[:n_times])


def _place(offset: float, duration: float | None) -> str:
    return f"for {'all' if duration is None else f'{duration:g} s'} from {offset:g} s"


def check_rate(sample_rate: object) -> int:
    """Take a rate as a whole number of Hz."""
    low, high = _RATES
    if (
        isinstance(sample_rate, bool)
        or not isinstance(sample_rate, Real)
        or not low <= float(sample_rate) <= high
        or not float(sample_rate).is_integer()
    ):
        raise ValueError(
            f"sample_rate={sample_rate!r:.60}; pass a whole number of Hz, from {low} to {high}"
        )
    return int(float(sample_rate))


def check_seconds(name: str, value: object, *, or_zero: bool = False) -> float:
    """Take a time as a finite number of seconds."""
    if (
        isinstance(value, bool)
        or not isinstance(value, Real)
        or not (0 <= float(value) < 1e9)
        or (float(value) == 0 and not or_zero)
    ):
        raise ValueError(
            f"{name}={value!r:.60}; pass seconds, {'0 or more' if or_zero else 'more than 0'}"
        )
    return float(value)


def check_duration(duration: object, sample_rate: int) -> float | None:
    """Take the length of a clip in seconds; None is all of it."""
    if duration is None:
        return None
    seconds = check_seconds("duration", duration)
    if round(seconds * sample_rate) < 1:
        raise ValueError(
            f"duration={seconds:g} at sample_rate={sample_rate} is no instant; pass a longer one"
        )
    return seconds


def check_level(level: object) -> float | None:
    """Take the root mean square of clips; None leaves them as they are."""
    if level is None:
        return None
    if isinstance(level, bool) or not isinstance(level, Real) or not 1e-6 <= float(level) <= 1e6:
        raise ValueError(
            f"level={level!r:.60}; pass a root mean square such as 0.2, where full scale is 1, or "
            "None for clips as they are"
        )
    return float(level)
