"""Features of every sound file in a folder, as a table: the work of ``mvdisent extract``."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from collections.abc import Iterator
from functools import lru_cache, partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from tqdm import tqdm

from . import _disentangler, persistence
from ._workers import Workers, run
from .audio import AudioFileError, iter_windows
from .audio._front_end import FrontEnd
from .datasets import _listing

PER = ("file", "window")
SUFFIXES = (".parquet", ".csv")
_BATCH = 64  # windows
_FORMAT = 2


class Model(NamedTuple):
    """A pipeline from waveforms to features, and what it asks of files."""

    pipeline: Pipeline
    rate: int
    seconds: float
    columns: list[str]
    path: str
    digest: str


class Settings(NamedTuple):
    """What the features of a file depend on, beside the file."""

    per: str
    hop: float
    level: float


def load_model(path: str | os.PathLike[str]) -> Model:
    """Load a pipeline that begins with LogMel or LogCQT and ends with a disentangler."""
    path = os.path.abspath(path)
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    pipeline = persistence.load(path)
    steps = [step for _, step in pipeline.steps] if isinstance(pipeline, Pipeline) else [pipeline]
    front, last = steps[0], steps[-1]
    right = isinstance(front, FrontEnd) and isinstance(last, _disentangler.MultiViewDisentangler)
    if not right or not hasattr(front, "n_features_in_"):
        raise ValueError(
            f"{os.fspath(path)} holds {' and '.join(type(step).__name__ for step in steps)}: "
            "save a pipeline of LogMel or LogCQT and MultiViewDisentangler, fitted on waveforms"
        )
    seconds = front.n_features_in_ / front.sample_rate
    columns = list(map(str, last.get_feature_names_out()))
    return Model(pipeline, int(front.sample_rate), seconds, columns, path, digest)


@lru_cache(maxsize=1)
def _load_once(path: str, digest: str) -> Model:
    """Load a worker's own model, which no call then carries."""
    model = load_model(path)
    if model.digest != digest:
        raise ValueError(f"{path} has changed since this extraction began: begin again")
    return model


def describe(path: str | os.PathLike[str], model: Model) -> str:
    """Tell what a model is, line by line."""
    front, last = model.pipeline[0], model.pipeline[-1]
    return "\n".join(
        [
            f"{os.fspath(path)}",
            f"window         {model.seconds:g} s at {model.rate} Hz",
            f"spectra        {front!r}",
            f"views at fit   {last.n_views_in_}",
            f"private        {len(last.active_private_)} dimensions, "
            f"{int(last.active_private_.sum())} active",
            f"shared         {len(last.active_shared_)} dimensions, "
            f"{int(last.active_shared_.sum())} active",
            f"epochs         {last.n_epochs_}",
            f"columns        {', '.join(model.columns)}",
        ]
    )


def check_out(path: Path) -> None:
    """Refuse a table that could not be written in the end."""
    if path.suffix not in SUFFIXES:
        raise ValueError(f"{path}: pass a name that ends in {' or '.join(SUFFIXES)}")
    if path.suffix == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise ValueError(f"{path}: parquet needs pyarrow; install it, or pass a .csv file")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"{path}: there is no such folder; make it first")


def extract(
    model: Model, folder: Path, out: Path, settings: Settings, workers: Workers
) -> tuple[int, pd.DataFrame]:
    """Write the features of a folder's sound files; tell how many, and the faulty ones.

    What is done is noted beside `out`, line by line, so that the next call goes on
    after an interruption; the note is removed when `out` is whole.
    """
    names = [name for name in _listing.list_files(os.fspath(folder)) if _listing.is_audio(name)]
    if not names:
        raise ValueError(f"{folder} has no sound files: pass another folder")
    note = out.with_name(f"{out.name}.partial")
    head = {"format": _FORMAT, "model": model.digest, "settings": list(settings)}
    stamps = {name: _stamp(folder / name) for name in names}
    # Of each file what was noted last, and only while it is the file that it was.
    done = {line["file"]: line for line in _read_note(note, head)}
    done = {name: line for name, line in done.items() if line["stamp"] == stamps.get(name)}
    _write_note(note, [head, *done.values()])
    left = [name for name in names if name not in done]
    call = partial(_features_of, model.path, model.digest, folder.absolute(), settings)
    work = run(call, left, workers)
    with open(note, "a", encoding="ascii") as file:
        bar = tqdm(work, total=len(names), initial=len(done), unit="file", disable=None)
        for line in bar:
            line["stamp"] = stamps[line["file"]]
            file.write(_dump(line))
            file.flush()
            done[line["file"]] = line
    lines = [done[name] for name in names]
    skipped = pd.DataFrame(
        [(_text(line["file"]), line["fault"]) for line in lines if "fault" in line],
        columns=["file_name", "fault"],
    )
    table = _table([line for line in lines if "fault" not in line], model, settings)
    _write_whole(table, out)
    note.unlink()
    return len(names) - len(skipped), skipped


def _features_of(
    path: str, digest: str, folder: Path, settings: Settings, name: str
) -> dict[str, Any]:
    """Give a file's windows and their features, or its fault."""
    model = _load_once(path, digest)
    windows = iter_windows(
        folder / name,
        sample_rate=model.rate,
        duration=model.seconds,
        hop=settings.hop,
        level=settings.level,
    )
    starts: list[float] = []
    blocks = []
    try:
        while batch := list(islice(windows, _BATCH)):
            starts += [start for start, _ in batch]
            blocks.append(model.pipeline.transform(np.stack([clip for _, clip in batch])[:, None]))
    except AudioFileError as error:
        return {"file": name, "fault": error.fault}
    features = np.concatenate(blocks)
    if settings.per == "window":
        return {"file": name, "starts": starts, "rows": features}
    pooled = np.concatenate([features.mean(axis=0), features.std(axis=0)])
    return {"file": name, "starts": starts, "rows": pooled[None]}


def _table(lines: list[dict[str, Any]], model: Model, settings: Settings) -> pd.DataFrame:
    """Lay out the features: a row a file, or a window."""
    columns = model.columns
    if settings.per == "file":
        columns = [f"{name}_{what}" for what in ("mean", "std") for name in columns]
    n_rows = [len(line["rows"]) for line in lines]
    none = np.empty((0, len(columns)), dtype=np.float32)
    table = pd.DataFrame(np.concatenate([none, *(line["rows"] for line in lines)]), columns=columns)
    starts = [line["starts"] for line in lines]
    if settings.per == "file":
        table.insert(0, "n_windows", np.array([len(own) for own in starts], dtype=np.int64))
    else:
        table.insert(0, "start", np.array(list(chain.from_iterable(starts)), dtype=np.float64))
    names = np.array([_text(line["file"]) for line in lines], dtype=object)
    table.insert(0, "file_name", np.repeat(names, np.array(n_rows, dtype=np.int64)))
    return table


def _text(name: str) -> str:
    """Write a name so that any table can hold it."""
    return name.encode("utf-8", "backslashreplace").decode()


def _stamp(path: Path) -> str:
    stat = path.stat()
    return f"{stat.st_size} {stat.st_mtime_ns}"


def _read_note(note: Path, head: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give what an interrupted call has noted; its last line may be half."""
    if not note.is_file():
        return
    with open(note, encoding="ascii", errors="replace") as file:
        for number, text in enumerate(file):
            try:
                line = json.loads(text)
            except ValueError:
                return
            if number == 0:
                if line != head:  # another model or other settings
                    return
            else:
                if "rows" in line:  # lists of floats would take eight times the memory
                    line["rows"] = np.array(line["rows"], dtype=np.float32)
                yield line


def _dump(line: dict[str, Any]) -> str:
    return json.dumps(line, default=np.ndarray.tolist) + "\n"


def _write_note(note: Path, lines: list[dict[str, Any]]) -> None:
    fresh = note.with_name(f"{note.name}.new")
    fresh.write_text("".join(map(_dump, lines)), encoding="ascii")
    os.replace(fresh, note)


def _write_whole(table: pd.DataFrame, out: Path) -> None:
    """Write a table that is there as a whole or not at all."""
    fresh = out.with_name(f"{out.name}.new")
    if out.suffix == ".parquet":
        table.to_parquet(fresh, index=False)
    else:
        table.to_csv(fresh, index=False)
    os.replace(fresh, out)
