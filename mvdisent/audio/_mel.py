"""The arithmetic of a log-mel spectrogram, on batches of padded waveforms."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import librosa
import numpy as np
import torch
from torch import Tensor

from . import _clips

# Power below which librosa.power_to_db sees silence.
_AMIN = 1e-10
# What a silent clip has below its missing maximum, where top_db is None.
_SILENCE_DB = 100.0
# Mel bands to a matrix product: few enough to skip most of the bank's zeros.
_GROUP = 16


class Bands(NamedTuple):
    """Neighbouring bands of the bank, and the part of a spectrum they weigh."""

    columns: slice  # of the mel axis
    used: slice  # of (real, imaginary) pairs laid side by side
    weights: Tensor  # (n_used, n_bands): both parts of a bin weigh alike


@lru_cache(maxsize=8)
def filter_bank(
    sample_rate: float, n_fft: int, n_mels: int, f_min: float, f_max: float
) -> tuple[Bands, ...]:
    """Cut librosa's filter bank into groups of neighbouring bands."""
    _clips.check_mel_range(f_min, f_max, sample_rate)
    edges = librosa.mel_frequencies(n_mels + 2, fmin=f_min, fmax=f_max)
    bins = librosa.fft_frequencies(sr=sample_rate, n_fft=n_fft)
    inside = np.searchsorted(bins, edges[2:], "left") - np.searchsorted(bins, edges[:-2], "right")
    _clips.check_no_empty_band(inside, n_mels, n_fft)
    bank = librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels, fmin=f_min, fmax=f_max)
    groups = []
    for first in range(0, n_mels, _GROUP):
        weights = bank[first : first + _GROUP]
        used = np.flatnonzero(weights.any(axis=0))
        low, high = int(used[0]), int(used[-1]) + 1
        pairs = np.repeat(weights[:, low:high].T, 2, axis=0)
        columns = slice(first, first + len(weights))
        groups.append(Bands(columns, slice(2 * low, 2 * high), torch.from_numpy(pairs)))
    return tuple(groups)


class MelPower:
    """Mel power spectrograms of a fixed number of padded waveforms.

    The buffers serve every call: to fetch fresh pages of memory for each chunk
    would take as long as the arithmetic.
    """

    def __init__(
        self, n_clips: int, n_frames: int, n_fft: int, bank: tuple[Bands, ...], device: str
    ) -> None:
        self.bank = [bands._replace(weights=bands.weights.to(device)) for bands in bank]
        self.window = torch.hann_window(n_fft, dtype=torch.float64, device=device)
        self.frames = torch.empty(n_clips, n_frames, n_fft, dtype=torch.float64, device=device)
        rows = n_clips * n_frames
        self.power = torch.empty(rows, 2 * (n_fft // 2 + 1), device=device)
        self.mel = torch.empty(rows, bank[-1].columns.stop, device=device)

    def __call__(self, waves: Tensor, hop_length: int) -> Tensor:
        """Give spectrograms (n_clips, n_mels, n_frames), valid until the next call."""
        n_clips, n_frames, n_fft = self.frames.shape
        torch.mul(waves.unfold(1, n_fft, hop_length), self.window, out=self.frames)
        parts = torch.view_as_real(torch.fft.rfft(self.frames))  # (n_clips, n_frames, n_bins, 2)
        self.power.copy_(parts.view(self.power.shape)).square_()
        # The matrix product sums the squares of both parts: to add every other
        # value beforehand would take longer than the Fourier transform.
        for columns, used, weights in self.bank:
            torch.mm(self.power[:, used], weights, out=self.mel[:, columns])
        return self.mel.view(n_clips, n_frames, -1).transpose(1, 2)


def to_decibels(power: Tensor, peak: Tensor, ref: str | float, top_db: float | None) -> Tensor:
    """Do what librosa.power_to_db does to one clip, to each of a batch."""
    if isinstance(ref, str):
        silent = peak <= _AMIN
        zero = peak.masked_fill(silent, torch.inf)
    else:
        silent = torch.zeros_like(peak, dtype=torch.bool)
        zero = peak.new_full(peak.shape, max(ref, _AMIN))
    floor = 10 * (_AMIN / zero).log10()
    if top_db is not None:
        floor = torch.maximum(floor, 10 * (peak.clamp(min=_AMIN) / zero).log10() - top_db)
    floor.masked_fill_(silent, -_SILENCE_DB if top_db is None else -top_db)
    decibels = power.new_empty(power.shape)
    torch.div(power, zero[:, None, None], out=decibels).log10_().mul_(10)
    return torch.maximum(decibels, floor[:, None, None], out=decibels)
