"""Waveforms to log-mel spectrograms, as librosa computes them, in batches."""

from __future__ import annotations

import os
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags, check_scalar
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from .. import _checks
from .._arrays import refuse_no_columns
from . import _clips
from ._inversion import invert_log_mel
from ._mel import Bands, MelPower, filter_bank, to_decibels

FloatArray = NDArray[np.float32]

# Values in a chunk's frames: on a CPU they and their spectra stay in its cache.
_CPU_FRAME_VALUES = 2**18
_DEVICE_FRAME_VALUES = 2**26
_MAX_CHUNK = 256
# Beyond these the filter bank overflows.
_RATES = (1e-3, 1e9)
_LARGEST = float(np.finfo(np.float32).max)


class LogMel(  # type: ignore[call-arg]  # scikit-learn is untyped
    TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Turn waveforms into log-mel spectrograms.

    Equal to :func:`librosa.feature.melspectrogram` and
    :func:`librosa.power_to_db` clip by clip, within 1e-3 dB, in a fraction of
    the time. Nothing is learned: `transform` works without `fit`.

    Parameters
    ----------
    sample_rate : float
        Instants a second of the waveforms, in Hz; from 0.001 to 1e9.
    n_fft : int, default=2048
        Length of a frame and of its Hann window, in instants.
    hop_length : int, default=512
        Instants from one frame to the next.
    n_mels : int, default=64
        Mel bands. A band so narrow that no frequency of the FFT falls into it
        is an error.
    f_min : float, default=0.0
        Lowest frequency of the bank, in Hz.
    f_max : float, default=None
        Highest frequency of the bank, in Hz; None: half the sample rate.
    ref : "max" or float, default="max"
        Power at 0 dB: the greatest of each clip's spectrogram, or one number
        for all clips. A clip is one view of one sample.
    top_db : float, default=80.0
        Range kept below each clip's own maximum, in dB; None: all of it, down
        to a power of 1e-10.
    chunk_size : int, default=None
        Clips to transform at a time; None: at most 256, and fewer where a CPU's
        cache or 2 GB of another device would not hold them.
    device : str, default="cpu"
        Torch device that computes; it must know float64.

    Attributes
    ----------
    n_features_in_ : int
        Instants in a clip seen during fit.
    n_views_in_ : int
        Views seen during fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names seen during fit, where X was a table.

    Notes
    -----
    Frames are centred and the ends padded with zeros, as librosa does, so that
    a clip of n_times gives ``1 + n_times // hop_length`` frames for an even
    `n_fft`, and one shorter than `n_fft` is padded to it.

    A clip is silent where no power exceeds 1e-10. With `ref` "max" it has no
    maximum; its spectrogram is ``-top_db`` throughout (-100 dB for None), while
    librosa gives 0 dB, as if it were loud.

    The Fourier transform runs in float64: in float32 a pure tone misses librosa
    by up to 5e-3 dB at `top_db` 80, and by 2 dB without it. All chunks have one
    shape, the last padded with zeros, so that a spectrum depends on its own
    clip alone, bit by bit.

    Examples
    --------
    >>> import numpy as np
    >>> from mvdisent.audio import LogMel
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    >>> LogMel(16000, n_fft=1024, hop_length=256).transform(tone[None]).shape
    (1, 1, 64, 63)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "sample_rate": [Interval(Real, *_RATES, closed="both")],
        "n_fft": [Interval(Integral, 2, None, closed="left")],
        "hop_length": [Interval(Integral, 1, None, closed="left")],
        "n_mels": [Interval(Integral, 1, None, closed="left")],
        "f_min": [Interval(Real, 0, None, closed="left")],
        "f_max": [Interval(Real, 0, None, closed="neither"), None],
        "ref": [StrOptions({"max"}), Interval(Real, 0, _LARGEST, closed="right")],
        "top_db": [Interval(Real, 0, _LARGEST, closed="both"), None],
        "chunk_size": [Interval(Integral, 1, None, closed="left"), None],
        "device": [str],
    }

    def __init__(
        self,
        sample_rate: float,
        *,
        n_fft: int = 2048,
        hop_length: int = 512,
        n_mels: int = 64,
        f_min: float = 0.0,
        f_max: float | None = None,
        ref: str | float = "max",
        top_db: float | None = 80.0,
        chunk_size: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.sample_rate = sample_rate
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.n_mels = n_mels
        self.f_min = f_min
        self.f_max = f_max
        self.ref = ref
        self.top_db = top_db
        self.chunk_size = chunk_size
        self.device = device

    def fit(self, X: ArrayLike, y: object = None) -> LogMel:
        """Check the settings and the waveforms; nothing is learned.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_times) or (n_samples, n_views, n_times)
            Waveforms, full scale = 1.
        y : object, default=None
            Ignored.

        Returns
        -------
        self : LogMel
            The transformer itself.

        Raises
        ------
        ValueError
            For settings or waveforms that `transform` refuses.
        """
        self._bank()
        clips = self._validate(X, reset=True)
        self.n_views_in_ = clips.shape[1]
        step = max(1, _MAX_CHUNK // clips.shape[1])
        for start in range(0, len(clips), step):
            _clips.missing_clips(clips[start : start + step], start)
        return self

    def transform(
        self, X: ArrayLike, *, out: FloatArray | str | os.PathLike[str] | None = None
    ) -> FloatArray:
        """Compute the log-mel spectrogram of each clip.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_times) or (n_samples, n_views, n_times)
            Waveforms, full scale = 1; 2-D X is one view. A memmap is read chunk
            by chunk. A view that is NaN throughout is missing, and its spectrogram
            is NaN. Integers of 32 or 64 bits are taken as they stand.
        out : ndarray, memmap or path, default=None
            Where to write: a float32 array of the result's shape, or the path of
            a ``.npy`` file to make. An error on the way leaves it partly written.

        Returns
        -------
        spectra : ndarray of shape (n_samples, n_views, n_mels, n_frames), float32
            In dB; `out` itself where given, a memmap where that is a path.

        Raises
        ------
        ValueError
            If a clip is empty, partly NaN, infinite, too loud for float32 or of
            integers narrower than 32 bits; if a setting is out of range, or a
            band of the bank is empty; if `out` has another shape or type.
        """
        bank = self._bank()
        clips = self._validate(X, reset=False)
        n_samples, n_views, n_times = clips.shape
        shape = (n_samples, n_views, int(self.n_mels), self._count_frames(n_times))
        if isinstance(out, str | os.PathLike):
            out = np.lib.format.open_memmap(out, mode="w+", dtype=np.float32, shape=shape)
        elif out is None:
            out = np.empty(shape, dtype=np.float32)
        else:
            _clips.check_out(out, shape)
        self._write(clips, bank, out)
        if isinstance(out, np.memmap):
            out.flush()
        return out

    def inverse_transform(self, X: ArrayLike, *, n_iter: int = 32) -> FloatArray:
        """Find waveforms that have these spectrograms, nearly.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_views, n_mels, n_frames)
            Spectrograms in dB, such as a model decoded. A view that is NaN
            throughout stays so.
        n_iter : int, default=32
            Rounds of Griffin and Lim's search for the phases, which a
            spectrogram does not have.

        Returns
        -------
        waveforms : ndarray of shape (n_samples, n_views, n_times), float32
            As long as the clips of `fit` where the frames agree, else as the
            frames span. The level is that of X; with `ref` "max", which keeps
            none, each clip's peak is 0.5.

        Raises
        ------
        ValueError
            If X is of another shape, or not finite within a view, or `n_iter`
            is below 1.
        """
        self._bank()
        check_scalar(n_iter, "n_iter", Integral, min_val=1)
        spectra = _clips.check_spectra(X, int(self.n_mels))
        present = _checks.find_present(spectra)
        shown = np.ones(spectra.shape[:2], dtype=bool) if present is None else present
        n_times = getattr(self, "n_features_in_", None)
        if n_times is None or self._count_frames(n_times) != spectra.shape[3]:
            n_times = (spectra.shape[3] - 1) * int(self.hop_length) + self.n_fft % 2
        waves = np.full((*spectra.shape[:2], n_times), np.nan, dtype=np.float32)
        if shown.any():
            waves[shown] = invert_log_mel(spectra[shown], self, n_iter=n_iter, n_times=n_times)
        return waves

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[Any]:
        """Name the second axis of the output: its views.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Checked against the features seen at fit; None: not checked.

        Returns
        -------
        names : ndarray of str
            ``view_0``, ``view_1``, ...
        """
        check_is_fitted(self, "n_views_in_")
        _checks.check_input_features(
            input_features, self.n_features_in_, getattr(self, "feature_names_in_", None)
        )
        return np.asarray([f"view_{view}" for view in range(self.n_views_in_)], dtype=object)

    def set_output(self, *, transform: str | None = None) -> LogMel:
        """Leave the output an array: a table has no room for four axes.

        It is here so that ``Pipeline.set_output`` reaches the steps after this one.

        Parameters
        ----------
        transform : str, default=None
            Ignored.

        Returns
        -------
        self : LogMel
            The transformer itself.
        """
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _validate(self, X: Any, *, reset: bool) -> NDArray[Any]:
        """Shape X as (n_samples, n_views, n_times), without a copy."""
        if not hasattr(X, "columns"):  # a table's names are read below
            X = _checks.as_array(X)
        if hasattr(X, "columns") or X.ndim <= 2:
            refuse_no_columns(X)
            X = validate_data(self, X, reset=reset, dtype="numeric", ensure_all_finite=False)
            return _clips.check_clips(X[:, None])
        clips = _clips.check_clips(X)
        validate_data(self, clips[:, 0], reset=reset, skip_check_array=True)
        return clips

    def _bank(self) -> tuple[Bands, ...]:
        """Check the settings and give the filter bank."""
        self._validate_params()
        _clips.check_device(self.device)
        f_max = self.sample_rate / 2 if self.f_max is None else self.f_max
        return filter_bank(self.sample_rate, self.n_fft, self.n_mels, self.f_min, f_max)

    def _count_frames(self, n_times: int) -> int:
        return 1 + int((n_times - self.n_fft % 2) // self.hop_length)

    @torch.inference_mode()
    def _write(self, clips: NDArray[Any], bank: tuple[Bands, ...], out: FloatArray) -> None:
        """Write the spectrogram of each clip, a chunk at a time."""
        n_views, n_times = clips.shape[1:]
        n_frames = out.shape[3]
        step = self._chunk_samples(n_views, n_frames)
        side = self.n_fft // 2
        host = np.zeros((step * n_views, n_times + 2 * side))
        ref = self.ref if isinstance(self.ref, str) else float(self.ref)
        top_db = None if self.top_db is None else float(self.top_db)
        mel_power = MelPower(len(host), n_frames, self.n_fft, bank, self.device)
        for start in range(0, len(clips), step):
            chunk = clips[start : start + step]
            missing = _clips.missing_clips(chunk, start)
            rows = len(chunk) * n_views
            host[:rows, side : side + n_times] = chunk.reshape(rows, n_times)
            host[rows:] = 0.0
            power = mel_power(torch.from_numpy(host).to(self.device), int(self.hop_length))[:rows]
            peak = power.amax((1, 2))
            _clips.check_loud(peak.cpu().numpy().reshape(-1, n_views), missing, start)
            decibels = to_decibels(power, peak, ref, top_db).cpu().numpy()
            out[start : start + step] = decibels.reshape(-1, *out.shape[1:])
            out[start : start + step][missing] = np.nan

    def _chunk_samples(self, n_views: int, n_frames: int) -> int:
        """Give the samples to a chunk."""
        if self.chunk_size is not None:
            step = max(1, self.chunk_size // n_views)
            n_values = step * n_views * n_frames * self.n_fft
            _clips.check_chunk(self.chunk_size, n_values, self.n_fft)
            return step
        on_cpu = torch.device(self.device).type == "cpu"
        values = _CPU_FRAME_VALUES if on_cpu else _DEVICE_FRAME_VALUES
        clips = min(_MAX_CHUNK, values // (n_frames * self.n_fft))
        return max(1, clips // n_views)
