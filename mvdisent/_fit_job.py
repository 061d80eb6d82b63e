"""A model from a table of sound files: the work of ``mvdisent fit``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.pipeline import make_pipeline

from . import persistence
from ._disentangler import MultiViewDisentangler
from .audio import AudioFileError, Clips, LogCQT, LogMel, cache_log_mel, iter_windows
from .audio._front_end import FrontEnd
from .datasets import AudioTable
from .views import Gain, MelShift, ViewSource, ViewTransform, augment, pair_by

#: How views are made, as ``--views`` says it; "pair_by:" takes the name of a column.
VIEWS = ("pair_by:FACTOR", "crops", "augment")
#: Front ends, as ``--spectra`` says them.
SPECTRA: dict[str, type[LogMel] | type[LogCQT]] = {"mel": LogMel, "cqt": LogCQT}
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
    clips, files = _read(table, front, sound, windows=views == "crops")
    seed = params.get("random_state")
    source: Any = clips.X
    if factor is not None:
        source = pair_by(clips.X, table.factors[factor].to_numpy()[clips.rows], random_state=seed)
    elif views == "crops":
        source = pair_by(clips.X, files[clips.rows], random_state=seed)
    if shift or views == "augment":
        transforms: list[ViewTransform] = [MelShift(shift)] if shift else []
        transforms += [Gain(_GAIN_DB)] if views == "augment" else []
        source = augment(source, transforms, random_state=seed)
    assert isinstance(source, ViewSource)
    model.fit(source)
    # Nothing is learned: it is to know the length of a clip.
    front.fit(np.zeros((1, 1, round(sound.duration * sound.sample_rate)), dtype=np.float32))
    persistence.save(make_pipeline(front, model), out)
    n_samples, n_views = source.shape[:2]
    return Fitted(n_samples, n_views, clips.skipped)


def _read(
    table: AudioTable, front: FrontEnd, sound: Sound, *, windows: bool
) -> tuple[Clips, NDArray[Any]]:
    """Keep the spectra on disk: one clip a row of the table, or all windows of each."""
    segments, faults = table.segments, pd.DataFrame(columns=["file", "fault"])
    if windows:
        segments, faults = _cut(segments, sound)
    clips = cache_log_mel(
        segments,
        sound.cache,
        log_mel=front,
        duration=sound.duration,
        level=sound.level,
        n_jobs=sound.n_jobs,
        on_error=sound.on_error,
    )
    skipped = pd.concat([faults, clips.skipped[["file", "fault"]]], ignore_index=True)
    return clips._replace(skipped=skipped), segments["path"].to_numpy()


def _cut(segments: pd.DataFrame, sound: Sound) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lay windows end to end over each file; tell the files in which there are no two."""
    paths = segments["path"].drop_duplicates().tolist()
    found = Parallel(n_jobs=sound.n_jobs, require="sharedmem")(
        delayed(_find_windows)(path, sound) for path in paths
    )
    rows = [
        (path, start) for path, (starts, _) in zip(paths, found, strict=True) for start in starts
    ]
    faults = [(path, fault) for path, (_, fault) in zip(paths, found, strict=True) if fault]
    if faults and (sound.on_error == "raise" or not rows):
        raise AudioFileError(*faults[0])
    return (
        pd.DataFrame(rows, columns=["path", "offset"]),
        pd.DataFrame(faults, columns=["file", "fault"]),
    )


def _find_windows(path: str, sound: Sound) -> tuple[list[float], str]:
    """Give the beginnings of a file's windows that are not silent, or its fault."""
    windows = iter_windows(
        path, sample_rate=sound.sample_rate, duration=sound.duration, level=sound.level
    )
    try:
        starts = [start for start, _ in windows]
    except AudioFileError as error:
        return [], error.fault
    if len(starts) < 2:
        return [], f"too short: crops need two windows of {sound.duration:g} s with sound"
    return starts, ""
