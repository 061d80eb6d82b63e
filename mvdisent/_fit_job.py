"""A model from a table of sound files: the work of ``mvdisent fit``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.pipeline import make_pipeline

from . import persistence
from ._disentangler import MultiViewDisentangler
from .audio import AudioFileError, Clips, LogCQT, LogMel, cache_log_mel
from .audio._front_end import FrontEnd
from .audio._recording import SILENT, Recording
from .datasets import AudioTable
from .views import Gain, MelShift, ViewSource, ViewTransform, augment, pair_by

#: How views are made, as ``--views`` says it; "pair_by:" takes the name of a column.
VIEWS = ("pair_by:FACTOR", "crops", "augment")
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
}
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


def factor_of(views: str) -> str | None:
    """Give the factor of "pair_by:FACTOR"; refuse what is no way to make views."""
    if views.startswith(_PAIR_BY) and len(views) > len(_PAIR_BY):
        return views.removeprefix(_PAIR_BY)
    if views not in VIEWS[1:]:
        raise ValueError(f"{views!r}; pass one of {', '.join(VIEWS)}")
    return None


def open_table(path: Path, factor: str | None, split: str | None) -> AudioTable:
    """List the clips of a folder, or of a .csv or .jsonl file that lies in one."""
    shared = [] if factor is None else [factor]
    folder, metadata = (path, None) if path.is_dir() else (path.parent, path)
    table = AudioTable(folder, metadata, shared=shared)
    if split is None:
        return table
    if table.split_column is None and "split" in table.data.columns:
        table = AudioTable(folder, metadata, shared=shared, split="split")
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
    model = MultiViewDisentangler(**params)
    front = SPECTRA[sound.spectra](sound.sample_rate)
    factor = factor_of(views)
    if views == "augment" and front.compression is not None:
        raise ValueError(
            f"spectra {sound.spectra!r} do not go with views 'augment', whose gain is in dB: pass "
            f"{sound.spectra.rpartition('-')[2]!r}"
        )
    if shift and isinstance(front, LogCQT) and front.n_fourier:
        raise ValueError(
            f"a shift of {shift} bands does not go with spectra {sound.spectra!r}, which hold what "
            "no shift changes: pass --shift 0, or 'root-cqt'"
        )
    source: Any
    if views == "crops":
        source, skipped = _read_crops(table.segments, front, sound, params.get("random_state"))
    else:
        clips = _read(table.segments, front, sound, sound.on_error)
        source, skipped = clips.X, clips.skipped
        if factor is not None:
            labels = table.factors[factor].to_numpy()[clips.rows]
            source = pair_by(clips.X, labels, random_state=params.get("random_state"))
    if shift or views == "augment":
        transforms: list[ViewTransform] = [MelShift(shift)] if shift else []
        transforms += [Gain(_GAIN_DB)] if views == "augment" else []
        source = augment(source, transforms, random_state=params.get("random_state"))
    assert isinstance(source, ViewSource)
    model.fit(source)
    # Nothing is learned: it is to know the length of a clip.
    front.fit(np.zeros((1, 1, round(sound.duration * sound.sample_rate)), dtype=np.float32))
    persistence.save(make_pipeline(front, model), out)
    n_samples, n_views = source.shape[:2]
    return Fitted(n_samples, n_views, skipped)


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
    segments: pd.DataFrame, front: FrontEnd, sound: Sound, seed: Any
) -> tuple[ViewSource, pd.DataFrame]:
    """Pair the windows of each file that are not silent; tell the files without two."""
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
    # A source of the kept rows alone: an array of them would be a copy of the spectra in
    # memory. The other rows need some label, and are never drawn.
    labels = np.full(len(files), files[kept[0]], dtype=object)
    labels[kept] = files[kept]
    source = pair_by(clips.X, labels, random_state=seed)[kept]
    listed = [(path, faults[path]) for path in paths if path in faults]
    return source, pd.DataFrame(listed, columns=["file", "fault"])


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
