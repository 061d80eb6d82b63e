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
    """Mel power spectrograms of a fixed number of padded waveforms, block by block.

    The buffers serve every block and every call: to fetch fresh pages of memory for each
    would take as long as the arithmetic.
    """

    def __init__(
        self,
        n_blocks: int,
        n_clips: int,  # of a block
        n_frames: int,
        n_fft: int,
        bank: tuple[Bands, ...],
        device: str,
    ) -> None:
        self.window = torch.hann_window(n_fft, dtype=torch.float64, device=device)
        self.frames = torch.empty(n_clips, n_frames, n_fft, dtype=torch.float64, device=device)
        self.power = torch.empty(n_clips, n_frames, n_fft // 2 + 1, 2, device=device)
        self.mel = torch.empty(n_blocks * n_clips, n_frames, bank[-1].columns.stop, device=device)
        # What is cut once need not be cut for each block, whose arithmetic is short.
        pairs = self.power.view(n_clips * n_frames, -1)
        self.products = [
            [
                (pairs[:, bands.used], bands.weights.to(device), block[:, bands.columns])
                for bands in bank
            ]
            for block in self.mel.view(n_blocks, len(pairs), -1).unbind()
        ]

    def __call__(self, waves: Tensor, hop_length: int) -> Tensor:
        """Give spectrograms (n_waves, n_mels, n_frames), valid until the next call.

        There may be fewer waveforms than were announced, but of whole blocks.
        """
        n_clips, _, n_fft = self.frames.shape
        blocks = waves.view(-1, n_clips, waves.shape[1]).unfold(2, n_fft, hop_length)
        for block, products in zip(blocks.unbind(), self.products, strict=False):
            torch.mul(block, self.window, out=self.frames)
            self.power.copy_(torch.view_as_real(torch.fft.rfft(self.frames))).square_()
            # The matrix product sums the squares of both parts: to add every other
            # value beforehand would take longer than the Fourier transform.
            for used, weights, mel in products:
                torch.mm(used, weights, out=mel)
        return self.mel[: len(waves)].transpose(1, 2)


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
