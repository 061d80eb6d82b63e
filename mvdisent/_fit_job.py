"""A model from a table of sound files: the work of ``mvdisent fit``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sized
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.pipeline import make_pipeline

from . import persistence
from ._disentangler import MultiViewDisentangler
from .audio import AudioFileError, Clips, LogCQT, LogMel, cache_log_mel
from .audio._front_end import FrontEnd
from .audio._recording import SILENT, Recording
from .datasets import AudioTable
from .views import Gain, MelShift, TimePool, ViewSource, ViewTransform, augment, pair_by

#: Spectra that are pooled over time; their scale is that of a clip's level.
POOLED = "pooled-mel"
#: How views are made, as ``--views`` says it; "pair_by:" takes the names of columns.
VIEWS = ("pair_by:FACTOR[:OTHER]", "crops", "augment")
_ROOT = 0.25
#: Front ends, as ``--spectra`` says them.
SPECTRA: dict[str, Callable[[float], LogMel | LogCQT]] = {
    "mel": LogMel,
    "cqt": LogCQT,
    "root-mel": partial(LogMel, compression=_ROOT),
    "root-cqt": partial(LogCQT, compression=_ROOT),
    "fourier-cqt": partial(
        LogCQT, hop_length=1024, bins_per_octave=24, compression=_ROOT, n_fourier="all"
    ),
    POOLED: partial(LogMel, ref=1.0, top_db=60.0),
}
#: The model of pooled spectra, unless a parameter is set; docs/recordings.rst has what it reaches.
POOLED_MODEL = {
    "n_private": 16,
    "n_shared": 192,
    "objective": "swap",
    "decoder_std": 0.2,
    "delta": 200.0,
    "lr": 0.002,
    "encoder": "linear",
    "decoder": "linear",
}
# Clips that it is trained on at least, each as often as it takes, and epochs.
_POOLED_CLIPS, _POOLED_EPOCHS = 400_000, 5
_PAIR_BY = "pair_by:"
_GAIN_DB = 6.0  # of --views augment


class Sound(NamedTuple):
    """How files are read and made spectra of."""

    sample_rate: int
    duration: float  # seconds of a clip
    level: float
    spectra: str
    cache: Path
    n_jobs: int
    on_error: str


class Fitted(NamedTuple):
    """What a pipeline was fitted on, and which files were left out."""

    n_samples: int
    n_views: int
    skipped: pd.DataFrame


def factors_of(views: str) -> list[str]:
    """Give what two clips agree in, and what they differ in if told; refuse no way of views."""
    factors = views.removeprefix(_PAIR_BY).split(":") if views.startswith(_PAIR_BY) else []
    if views in VIEWS[1:] or (0 < len(factors) <= 2 and all(factors)):
        return factors
    raise ValueError(f"{views!r}; pass one of {', '.join(VIEWS)}")


def open_table(path: Path, views: str, split: str | None) -> AudioTable:
    """List the clips of a folder, or of a .csv or .jsonl file that lies in one."""
    shared, private = factors_of(views)[:1], factors_of(views)[1:]
    folder, metadata = (path, None) if path.is_dir() else (path.parent, path)
    table = AudioTable(folder, metadata, shared=shared, private=private)
    if split is None:
        return table
    if table.split_column is None and "split" in table.data.columns:
        table = AudioTable(folder, metadata, shared=shared, private=private, split="split")
    return table.split(split)


def fit(
    table: AudioTable,
    views: str,
    out: Path,
    sound: Sound,
    *,
    shift: int,
    params: Mapping[str, Any],
) -> Fitted:
    """Read the clips, draw views of them afresh each epoch, train, and save the pipeline."""
    MultiViewDisentangler(**params)._validate_params()  # before hours of reading
    front = SPECTRA[sound.spectra](sound.sample_rate)
    factors, seed = factors_of(views), params.get("random_state")
    _check_spectra(front, views, sound.spectra, shift)
    labels: NDArray[Any] | None = None
    differ: NDArray[Any] | None = None
    rows: Any = slice(None)
    if views == "crops":
        X, labels, rows, skipped = _read_crops(table.segments, front, sound)
    else:
        clips = _read(table.segments, front, sound, sound.on_error)
        X, skipped = clips.X, clips.skipped
        if factors:
            labels = table.factors[factors[0]].to_numpy()[clips.rows]
        if factors[1:]:
            differ = table.factors[factors[1]].to_numpy()[clips.rows]
    steps: list[Any] = [front]
    source: Any = X
    if labels is not None:
        source = pair_by(X, labels, differ=differ, random_state=seed)[rows]
        if sound.spectra == POOLED:
            pool = TimePool().fit(source)
            pooled = pool.transform(X[:, None])[:, 0]
            source = pair_by(pooled, labels, differ=differ, random_state=seed)[rows]
            steps.append(pool)
            params = {**_pooled_model(len(source)), **params}
    if shift or views == "augment":
        transforms: list[ViewTransform] = [MelShift(shift)] if shift else []
        transforms += [Gain(_GAIN_DB)] if views == "augment" else []
        source = augment(source, transforms, random_state=seed)
    assert isinstance(source, ViewSource)
    steps.append(MultiViewDisentangler(**params).fit(source))
    # Nothing is learned: it is to know the length of a clip.
    front.fit(np.zeros((1, 1, round(sound.duration * sound.sample_rate)), dtype=np.float32))
    persistence.save(make_pipeline(*steps), out)
    n_samples, n_views = source.shape[:2]
    return Fitted(n_samples, n_views, skipped)


def _check_spectra(front: FrontEnd, views: str, spectra: str, shift: int) -> None:
    """Refuse, before the work, spectra that cannot be changed as asked."""
    if views == "augment" and front.compression is not None:
        raise ValueError(
            f"spectra {spectra!r} do not go with views 'augment', whose gain is in dB: pass "
            f"{spectra.rpartition('-')[2]!r}"
        )
    if shift and isinstance(front, LogCQT) and front.n_fourier:
        raise ValueError(
            f"a shift of {shift} bands does not go with spectra {spectra!r}, which hold what "
            "no shift changes: pass --shift 0, or 'root-cqt'"
        )
    if spectra == POOLED and (shift or views == "augment"):
        raise ValueError(
            f"spectra {POOLED!r} have no bands left to shift or amplify: pass --spectra mel"
        )


def _pooled_model(n_samples: int) -> dict[str, Any]:
    """Give the parameters of the model of pooled spectra: of few samples, many epochs."""
    n_epochs = max(_POOLED_EPOCHS, math.ceil(_POOLED_CLIPS / n_samples))
    return {**POOLED_MODEL, "max_epochs": n_epochs, "warmup_epochs": n_epochs}


def _read(segments: pd.DataFrame, front: FrontEnd, sound: Sound, on_error: str) -> Clips:
    """Keep the spectra on disk: a clip a row of the segments."""
    return cache_log_mel(
        segments,
        sound.cache,
        log_mel=front,
        duration=sound.duration,
        level=sound.level,
        n_jobs=sound.n_jobs,
        on_error=on_error,
    )


def _read_crops(
    segments: pd.DataFrame, front: FrontEnd, sound: Sound
) -> tuple[NDArray[np.float32], NDArray[np.object_], NDArray[np.intp], pd.DataFrame]:
    """Give windows, the file of each, and which to pair: not silent, of a file with two at least.

    Beside them, the files without two.
    """
    paths = segments["path"].drop_duplicates().tolist()
    found = Parallel(n_jobs=sound.n_jobs, require="sharedmem")(
        delayed(_lay_windows)(path, sound) for path in paths
    )
    faults = {path: fault for path, (_, fault) in zip(paths, found, strict=True) if fault}
    laid = [(path, start) for path, (own, _) in zip(paths, found, strict=True) for start in own]
    _refuse(faults, laid, sound)
    windows = pd.DataFrame(laid, columns=["path", "offset"])
    # Read once: which windows are silent is told by the reader that computes the spectra.
    clips = _read(windows, front, sound, "skip")
    for path, fault in zip(clips.skipped["file"], clips.skipped["fault"], strict=True):
        if not fault.startswith(SILENT):
            faults.setdefault(path, fault)
    files = windows["path"].to_numpy()[clips.rows]
    n_windows = pd.Series(files).value_counts()
    for path in windows["path"].unique():
        if n_windows.get(path, 0) < 2:
            faults.setdefault(path, _too_short(sound))
    kept = np.flatnonzero(~np.isin(files, list(faults)))
    _refuse(faults, kept, sound)
    # Rows to take of a source: an array of them would be a copy of the spectra in
    # memory. The other rows need some label, and are never drawn.
    labels = np.full(len(files), files[kept[0]], dtype=object)
    labels[kept] = files[kept]
    listed = [(path, faults[path]) for path in paths if path in faults]
    return clips.X, labels, kept, pd.DataFrame(listed, columns=["file", "fault"])


def _refuse(faults: Mapping[str, str], left: Sized, sound: Sound) -> None:
    """Raise for the first faulty file, or where nothing is left."""
    if faults and (sound.on_error == "raise" or not len(left)):
        raise AudioFileError(*next(iter(faults.items())))


def _lay_windows(path: str, sound: Sound) -> tuple[list[float], str]:
    """Lay windows end to end over a file, or give its fault; no sound is decoded."""
    starts: list[float] = []
    try:
        with Recording(path) as recording:
            while recording.fits(sound.sample_rate, len(starts) * sound.duration, sound.duration):
                starts.append(len(starts) * sound.duration)
    except AudioFileError as error:
        return [], error.fault
    return (starts, "") if len(starts) > 1 else ([], _too_short(sound))


def _too_short(sound: Sound) -> str:
    return f"too short: crops need two windows of {sound.duration:g} s with sound"
