"""How near is the sound of a spectrogram to it, and how long does it take?

``inverse_transform`` of ``LogMel`` and ``LogCQT`` beside ``mel_to_audio`` and ``griffinlim_cqt``
of librosa with as many rounds of Griffin and Lim, on tones of random pitch and waveform and on
notes of a SoundFont. The sound is made a spectrogram again. Prints the root mean square
difference, in dB, and the time as a multiple of librosa's: medians and spreads (least to
greatest) over the seeds. Nothing else should run beside it.

    python -m tests.benchmarks.bench_inversion
"""

from __future__ import annotations

import argparse
import time

import librosa
import numpy as np

from mvdisent import LogMel
from mvdisent.audio import LogCQT
from mvdisent.datasets import make_notes, make_tone_views

RATE, SECONDS = 16000, 0.5
FRONT_ENDS = {
    "defaults": LogMel(RATE),
    "n_fft 1024, hop 256": LogMel(RATE, n_fft=1024, hop_length=256),
    "96 bands, 50 dB": LogMel(RATE, n_mels=96, top_db=50.0),
    "constant Q": LogCQT(RATE),
}


def tones(n_clips, seed):
    return make_tone_views(n_clips, n_views=1, duration=SECONDS, random_state=seed)[0][:, 0]


def notes(n_clips, seed):
    waveforms, _ = make_notes(duration=SECONDS)
    return np.random.default_rng(seed).permutation(waveforms)[:n_clips]


def ours(spectra, front):
    return front.inverse_transform(spectra)[:, 0]


def by_librosa(spectra, front):
    power = librosa.db_to_power(spectra[:, 0])
    settings = {"sr": RATE, "hop_length": front.hop_length, "length": round(SECONDS * RATE)}
    if isinstance(front, LogCQT):
        return librosa.griffinlim_cqt(np.sqrt(power), fmin=front.f_min, **settings)
    return librosa.feature.inverse.mel_to_audio(power, n_fft=front.n_fft, **settings)


def measure(clips, front):
    """Return the error in dB and the seconds of either way back."""
    spectra = front.fit_transform(clips)
    results = []
    for invert in (by_librosa, ours):
        start = time.perf_counter()
        sound = invert(spectra, front)
        seconds = time.perf_counter() - start
        results.append((np.sqrt(np.mean((front.transform(sound) - spectra) ** 2)), seconds))
    return np.array(results)


def show(name, values):
    print(f"    {name:14} {np.median(values):6.2f} ({values.min():.2f} to {values.max():.2f})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-clips", type=int, default=50)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()

    for sounds in (tones, notes):
        for name, front in FRONT_ENDS.items():
            runs = [measure(sounds(arguments.n_clips, seed), front) for seed in arguments.seeds]
            errors, seconds = np.moveaxis(runs, -1, 0)
            print(f"{sounds.__name__}, {name}")
            show("librosa, dB", errors[:, 0])
            show("ours, dB", errors[:, 1])
            show("ours, time", seconds[:, 1] / seconds[:, 0])


if __name__ == "__main__":
    main()
