"""Sounds whose waveform has a closed form, written by soundfile."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile


def tones(rate: int, times: np.ndarray, n_channels: int) -> np.ndarray:
    """A tone in each channel, (n_times, n_channels): rate bounds nothing, 8 kHz holds them all."""
    channel = np.arange(n_channels)
    return 0.4 * np.sin(2 * np.pi * (300 + 70 * channel) * times[:, None] + channel)


def mono_at(rate: int, seconds: float, n_channels: int, *, start: float = 0.0) -> np.ndarray:
    """The mean of the channels at any rate, by the closed form."""
    times = start + np.arange(round(seconds * rate)) / rate
    return tones(rate, times, n_channels).mean(axis=1)


@pytest.fixture
def write(tmp_path) -> Callable[..., Path]:
    """Write tones to a file of a format, subtype, rate and number of channels."""

    def writer(
        format: str = "WAV",
        subtype: str | None = None,
        *,
        rate: int = 16000,
        n_channels: int = 1,
        seconds: float = 1.5,
        name: str = "tones",
        **settings: object,
    ) -> Path:
        path = tmp_path / name
        sound = tones(rate, np.arange(round(seconds * rate)) / rate, n_channels)
        soundfile.write(os.fsencode(path), sound, rate, subtype, format=format, **settings)
        return path

    return writer


@pytest.fixture(scope="session")
def noise() -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, 16000).astype(np.float32)


@pytest.fixture
def sounds(tmp_path):
    """Make four files of 2 s."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(4):
        soundfile.write(folder / f"{i}.flac", rng.uniform(-0.5, 0.5, 16000), 8000)
    return folder


@pytest.fixture
def segments(sounds):
    """900 segments: four chunks."""
    rng = np.random.default_rng(1)
    files = [str(sounds / f"{i}.flac") for i in rng.integers(4, size=900)]
    return pd.DataFrame({"path": files, "offset": rng.uniform(0, 1.9, 900)})


def flipped(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 0x55]) + data[position + 1 :]
