"""Waveforms to log-mel spectrograms, as librosa computes them, in batches."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions

from .._allocator import keep_large_blocks
from . import _clips
from ._front_end import COMPRESSION, MAX_CHUNK, FloatArray, FrontEnd
from ._inversion import invert_log_mel
from ._mel import Bands, MelPower, filter_bank

# Values in a block's frames: on a CPU they and their spectra stay in the cache of a core.
_FRAME_VALUES = 2**18
_DEVICE_FRAME_VALUES = 2**26
# Instants, or values of the result, in a chunk of several blocks: what is done once a chunk
# is then little of the time.
_CHUNK_VALUES = 2**19
# Such chunks in memory at a time; more threads than these take smaller ones.
_FULL_CHUNKS = 8
# Beyond these the filter bank overflows.
_RATES = (1e-3, 1e9)
_LARGEST = float(np.finfo(np.float32).max)


class LogMel(FrontEnd):
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
    compression : float, default=None
        Exponent, up to 1, of root compression [1]_: spectra are then
        ``(power / ref) ** compression``, with the range of `top_db`, in place of dB.
        What is faint counts less in it; models tell pitch better from it at 0.25.
    chunk_size : int, default=None
        Clips that a thread transforms at a time; None: at most 256, and fewer where a
        CPU's cache or 2 GB of another device would not hold them.
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
    by up to 5e-3 dB at `top_db` 80, and by 2 dB without it. All blocks of clips have
    one shape, the last padded with zeros, so that a spectrum depends on its own
    clip alone, bit by bit.

    References
    ----------
    .. [1] J. S. Lim, "Spectral root homomorphic deconvolution system", IEEE
       Transactions on Acoustics, Speech, and Signal Processing 27, 1979.

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
        "compression": COMPRESSION,
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
        compression: float | None = None,
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
        self.compression = compression
        self.chunk_size = chunk_size
        self.device = device

    _bands_param = "n_mels"

    def _bank(self) -> tuple[Bands, ...]:
        """Check the settings and give the filter bank."""
        self._validate_params()
        _clips.check_device(self.device)
        f_max = self.sample_rate / 2 if self.f_max is None else self.f_max
        return filter_bank(self.sample_rate, self.n_fft, self.n_mels, self.f_min, f_max)

    def _count_bands(self) -> int:
        return int(self._bank()[-1].columns.stop)

    def _count_frames(self, n_times: int) -> int:
        return super()._count_frames(n_times - self.n_fft % 2)

    def _span(self, n_frames: int) -> int:
        return super()._span(n_frames) + self.n_fft % 2

    def _invert(self, spectra: NDArray[Any], *, n_iter: int, n_times: int) -> FloatArray:
        return invert_log_mel(spectra, self, n_iter=n_iter, n_times=n_times)

    def _write(self, clips: NDArray[Any], out: FloatArray) -> None:
        keep_large_blocks()  # such as the spectra of a block
        n_rows, n_views = clips.shape[:2]
        step, n_clips = self._cut(n_views, clips.shape[2], out.shape[3], out.shape[2])
        n_threads = self._count_threads(n_rows * n_views // n_clips)
        step = min(step, max(1, step * _FULL_CHUNKS // n_threads))
        n_chunks = n_threads * math.ceil(n_rows / (n_threads * step))  # as many each
        n_blocks = math.ceil(math.ceil(n_rows / n_chunks) * n_views / n_clips)
        step = n_blocks * n_clips // n_views
        writers = [_ChunkWriter(self, n_blocks, n_clips, clips, out) for _ in range(n_threads)]

        def write(start: int) -> None:
            writer = writers.pop()
            try:
                writer.write(start, step)
            finally:
                writers.append(writer)

        starts = range(0, n_rows, step)
        if n_threads == 1:
            for start in starts:
                write(start)
            return
        try:
            with ThreadPoolExecutor(
                n_threads, initializer=torch.set_num_threads, initargs=(1,)
            ) as pool:
                for _ in pool.map(write, starts):  # the first error in the order of the rows
                    pass
        finally:
            torch.set_num_threads(n_threads)  # which is in part the process's

    def _count_threads(self, n_blocks: int) -> int:
        """Give the threads that transform chunks of their own.

        Those of torch share out each operation, and wait for one another after each: where
        other processes want the cores too, for many times as long as it takes.
        """
        n_threads = torch.get_num_threads()
        alone = threading.current_thread() is threading.main_thread()  # not one of many already
        on_cpu = torch.device(self.device).type == "cpu"
        return n_threads if on_cpu and alone and n_threads <= n_blocks else 1

    def _cut(self, n_views: int, n_times: int, n_frames: int, n_bands: int) -> tuple[int, int]:
        """Give the samples to a chunk, and the clips to a block of it."""
        if self.chunk_size is not None:
            step = max(1, self.chunk_size // n_views)
            n_values = step * n_views * n_frames * self.n_fft
            _clips.check_chunk(self.chunk_size, n_values, self.n_fft)
            return step, step * n_views
        n_values, n_chunk = _DEVICE_FRAME_VALUES, 1
        if torch.device(self.device).type == "cpu":
            n_values = _FRAME_VALUES
            n_chunk = min(MAX_CHUNK, _CHUNK_VALUES // max(n_times, n_frames * n_bands))
        n_clips = max(1, min(MAX_CHUNK, n_values // (n_frames * self.n_fft)))
        return max(1, max(n_clips, n_chunk) // n_views), n_clips


class _ChunkWriter:
    """What transforms chunks of clips, one at a time, and holds the buffers for it."""

    def __init__(
        self, log_mel: LogMel, n_blocks: int, n_clips: int, clips: NDArray[Any], out: FloatArray
    ) -> None:
        self.log_mel, self.clips, self.out = log_mel, clips, out
        self.n_clips = n_clips  # of a block
        n_fft, n_times = int(log_mel.n_fft), clips.shape[2]
        self.host = np.zeros((n_blocks * n_clips, n_times + 2 * (n_fft // 2)))
        self.power = MelPower(
            n_blocks, n_clips, out.shape[3], n_fft, log_mel._bank(), log_mel.device
        )

    @torch.inference_mode()
    def write(self, start: int, step: int) -> None:
        """Write the spectrograms of a chunk."""
        chunk, out = self.clips[start : start + step], self.out[start : start + step]
        n_views, n_times = chunk.shape[1:]
        missing = _clips.missing_clips(chunk, start)
        n_waves = len(chunk) * n_views
        waves = self.host[: math.ceil(n_waves / self.n_clips) * self.n_clips]
        side = self.log_mel.n_fft // 2
        waves[:n_waves, side : side + n_times] = chunk.reshape(n_waves, n_times)
        waves[n_waves:] = 0.0
        padded = torch.from_numpy(waves).to(self.log_mel.device)
        power = self.power(padded, int(self.log_mel.hop_length))[:n_waves]
        peak = power.amax((1, 2))
        _clips.check_loud(peak.cpu().numpy().reshape(-1, n_views), missing, start)
        out[...] = self.log_mel._scale(power, peak).reshape(-1, *out.shape[1:])
        out[missing] = np.nan
