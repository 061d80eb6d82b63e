"""Waveforms to constant-Q spectrograms in dB, by librosa."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import rfft
from sklearn.utils._param_validation import Interval, StrOptions

from . import _clips
from ._cqt import cqt_magnitudes, invert_log_cqt, lowest_filter
from ._front_end import COMPRESSION, MAX_CHUNK, FloatArray, FrontEnd

# Values of a chunk's frames, complex: some 100 MB.
_CHUNK_VALUES = 2**23
_LARGEST = float(np.finfo(np.float32).max)
_RATES = (1e-3, 1e9)
_MAX_PER_OCTAVE = 1200  # a cent
_MAX_BINS = 2**14
# Values of an octave's filters, complex: 1 GB.
_MAX_BASIS = 2**27
_ROUNDING = 1e-6  # of a band, that librosa's frequencies may differ by


class LogCQT(FrontEnd):
    """Turn waveforms into constant-Q spectrograms in dB.

    The bands lie on a logarithmic scale of frequency, as many to each octave, so a
    note that is played higher is the same pattern moved up: with 12 bins an octave
    a band is a semitone, from the lowest band to the highest. A mel band is not: below
    1 kHz it has a width in Hz. Bands are computed by :func:`librosa.cqt`. Nothing is
    learned: `transform` works without `fit`.

    Parameters
    ----------
    sample_rate : float
        Instants a second of the waveforms, in Hz; from 0.001 to 1e9.
    hop_length : int, default=512
        Instants from one frame to the next. A power of two is the quickest: the rate
        is halved for each octave down, as long as the hop is even.
    f_min : float, default=65.40639
        Centre of the lowest band, in Hz; the default is C2.
    n_bins : int, default=None
        Number of bands. None: as many as lie below half the sample rate as a whole.
    bins_per_octave : int, default=12
        Bands in an octave, at most 1,200.
    ref : "max" or float, default="max"
        Power at 0 dB: the greatest of each clip's spectrogram, or one number
        for all clips. A clip is one view of one sample.
    top_db : float, default=80.0
        Range kept below each clip's own maximum, in dB; None: all of it, down
        to a power of 1e-10.
    compression : float, default=None
        Exponent, up to 1, of root compression [2]_: spectra are then
        ``(power / ref) ** compression``, with the range of `top_db`, in place of dB.
        What is faint counts less in it; models tell pitch better from it at 0.25.
    n_fourier : int or "all", default=0
        Rows to put below the bands of each frame: the magnitudes of the first `n_fourier`
        coefficients of the Fourier transform of its bands along log frequency, of
        ``n_bins + 1``. A transposition, which moves the bands, leaves these nearly as they
        are, so that they tell the timbre of any note [3]_, [4]_.
    chunk_size : int, default=None
        Clips to transform at a time; None: at most 256, and fewer where they are long.

    Attributes
    ----------
    n_features_in_ : int
        Instants in a clip seen during fit.
    n_views_in_ : int
        Views seen during fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names seen during fit, where X was a table.

    See Also
    --------
    LogMel : Bands of the mel scale; quicker, and of one resolution in time.
    mvdisent.views.MelShift : Moves spectra by whole bands: here, a transposition.

    Notes
    -----
    Frames are centred and the ends padded with zeros, so that a clip of n_times gives
    ``1 + n_times // hop_length`` frames.

    The filter of the lowest band is the longest: 17 periods at 12 bins an octave,
    0.26 s at 65 Hz. A clip that is shorter, or shorter than the next power of two of
    instants, is followed by zeros.

    A silent clip, of no power above 1e-10, is ``-top_db`` throughout (-100 dB for
    None), as with `LogMel`.

    The Fourier transform is of a frame's bands followed by as many zeros, so that what
    leaves at the top does not come back at the bottom, and orthonormal. What it leaves
    out, the phases, tells the pitch. Partials that a transposition moves past the highest
    band are lost in it as in the bands. `inverse_transform` reads the bands alone.

    References
    ----------
    .. [1] Schoerkhuber and Klapuri, "Constant-Q transform toolbox for music processing",
       Sound and Music Computing Conference, 2010.
    .. [2] J. S. Lim, "Spectral root homomorphic deconvolution system", IEEE
       Transactions on Acoustics, Speech, and Signal Processing 27, 1979.
    .. [3] Z. Rafii, "The constant-Q harmonic coefficients: a timbre feature designed for
       music signals", IEEE Signal Processing Magazine 39, 2022.
    .. [4] T. Bertin-Mahieux and D. P. W. Ellis, "Large-scale cover song recognition using
       the 2D Fourier transform magnitude", ISMIR, 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.audio import LogCQT
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    >>> spectrum = LogCQT(16000).transform(tone[None])
    >>> spectrum.shape
    (1, 1, 83, 32)
    >>> spectrum[0, 0, :, 16].argmax()  # semitones above C2, 33 up to A4
    np.int64(33)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "sample_rate": [Interval(Real, *_RATES, closed="both")],
        "hop_length": [Interval(Integral, 1, None, closed="left")],
        "f_min": [Interval(Real, 0, _LARGEST, closed="neither")],
        "n_bins": [Interval(Integral, 1, _MAX_BINS, closed="both"), None],
        "bins_per_octave": [Interval(Integral, 1, _MAX_PER_OCTAVE, closed="both")],
        "ref": [StrOptions({"max"}), Interval(Real, 0, _LARGEST, closed="right")],
        "top_db": [Interval(Real, 0, _LARGEST, closed="both"), None],
        "compression": COMPRESSION,
        "n_fourier": [Interval(Integral, 0, _MAX_BINS + 1, closed="both"), StrOptions({"all"})],
        "chunk_size": [Interval(Integral, 1, None, closed="left"), None],
    }

    _bands_param = "n_bins + n_fourier"

    def __init__(
        self,
        sample_rate: float,
        *,
        hop_length: int = 512,
        f_min: float = 65.40639,
        n_bins: int | None = None,
        bins_per_octave: int = 12,
        ref: str | float = "max",
        top_db: float | None = 80.0,
        compression: float | None = None,
        n_fourier: int | str = 0,
        chunk_size: int | None = None,
    ) -> None:
        self.sample_rate = sample_rate
        self.hop_length = hop_length
        self.f_min = f_min
        self.n_bins = n_bins
        self.bins_per_octave = bins_per_octave
        self.ref = ref
        self.top_db = top_db
        self.compression = compression
        self.n_fourier = n_fourier
        self.chunk_size = chunk_size

    def _count_bands(self) -> int:
        n_bins = self._count_bins()
        if self.n_fourier == "all":
            return n_bins + n_bins + 1
        if int(self.n_fourier) > n_bins + 1:
            raise ValueError(
                f"n_fourier={self.n_fourier}: {n_bins} bands have {n_bins + 1} coefficients, "
                'pass that or fewer, or "all"'
            )
        return n_bins + int(self.n_fourier)

    def _count_bins(self) -> int:
        """Check the settings and give the number of bands, without the rows below them."""
        self._validate_params()
        longest, reach = lowest_filter(self)
        if self.bins_per_octave * longest > _MAX_BASIS:
            raise ValueError(
                f"f_min={self.f_min} with bins_per_octave={self.bins_per_octave} at "
                f"sample_rate={self.sample_rate} takes filters of {longest:.0f} instants: pass a "
                "greater f_min, or fewer bins_per_octave"
            )
        octaves = math.log2(self.sample_rate / 2 / reach)
        most = 1 + math.floor(self.bins_per_octave * octaves - _ROUNDING)
        if most < 1:
            raise ValueError(
                f"f_min={self.f_min} at sample_rate={self.sample_rate}: not even one band lies "
                f"below half of that; pass less than {self.f_min * 2**octaves:.6g} Hz"
            )
        if self.n_bins is not None and self.n_bins > most:
            raise ValueError(
                f"n_bins={self.n_bins} from f_min={self.f_min} Hz on pass half of "
                f"sample_rate={self.sample_rate}: pass {most} or fewer, or None"
            )
        return most if self.n_bins is None else int(self.n_bins)

    def _chunk_clips(self, n_times: int) -> int:
        """Give the clips to a chunk; librosa frames them as long as its filters are."""
        if self.chunk_size is not None:
            return int(self.chunk_size)
        longest = lowest_filter(self)[0]
        # It halves the rate for each octave down, as long as the hop is even.
        halvings = (int(self.hop_length) & -int(self.hop_length)).bit_length() - 1
        n_frames = 1 + max(n_times, longest) / self.hop_length
        per_clip = n_frames * max(longest / 2**halvings, 4 * self.bins_per_octave)
        return min(MAX_CHUNK, int(_CHUNK_VALUES / per_clip))

    def _invert(self, spectra: NDArray[Any], *, n_iter: int, n_times: int) -> FloatArray:
        bands = spectra[:, : self._count_bins()]
        return invert_log_cqt(bands, self, n_iter=n_iter, n_times=n_times)

    def _write(self, clips: NDArray[Any], out: FloatArray) -> None:
        n_views, n_times = clips.shape[1:]
        n_bins = self._count_bins()
        n_fourier = out.shape[2] - n_bins
        step = max(1, self._chunk_clips(n_times) // n_views)
        for start in range(0, len(clips), step):
            chunk = clips[start : start + step]
            missing = _clips.missing_clips(chunk, start)
            with np.errstate(over="ignore", invalid="ignore"):  # told by check_loud
                waves = chunk.reshape(-1, n_times).astype(np.float32)
                taken = np.isfinite(waves).all(axis=1)
                waves[~taken] = 0.0
                power = torch.from_numpy(np.square(cqt_magnitudes(waves, self, n_bins)))
            peak = power.amax((1, 2))
            peak[~torch.from_numpy(taken)] = torch.inf
            _clips.check_loud(peak.numpy().reshape(-1, n_views), missing, start)
            spectra = self._scale(power, peak).reshape(-1, n_views, *power.shape[1:])
            out[start : start + step, :, :n_bins] = spectra
            if n_fourier:
                fourier = rfft(spectra, 2 * n_bins, axis=2, norm="ortho")[:, :, :n_fourier]
                np.abs(fourier, out=out[start : start + step, :, n_bins:])
            out[start : start + step][missing] = np.nan
