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
from ._workers import Workers, check_workers, run
from .audio import AudioFileError, iter_windows
from .audio._front_end import FrontEnd
from .datasets import _listing

PER = ("file", "window")
SUFFIXES = (".parquet", ".csv")
_BATCH = 64  # windows
_FILES = 256  # of a part of the table
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
    *front, last = (step for _, step in model.pipeline.steps)
    return "\n".join(
        [
            f"{os.fspath(path)}",
            f"window         {model.seconds:g} s at {model.rate} Hz",
            f"spectra        {', '.join(map(repr, front))}",
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
    check_workers(workers)
    names = [name for name in _listing.list_files(os.fspath(folder)) if _listing.is_audio(name)]
    if not names:
        raise ValueError(f"{folder} has no sound files: pass another folder")
    note = out.with_name(f"{out.name}.partial")
    head = {"format": _FORMAT, "model": model.digest, "settings": list(settings)}
    stamps = {name: _stamp(folder / name) for name in names}
    done = _resume_note(note, head, stamps)
    left = [name for name in names if name not in done]
    call = partial(_features_of, model.path, model.digest, folder.absolute(), settings)
    work = run(call, left, workers)
    with open(note, "ab") as file:
        bar = tqdm(work, total=len(names), initial=len(done), unit="file", disable=None)
        for line in bar:
            line["stamp"] = stamps[line["file"]]
            done[line["file"]] = file.tell()
            file.write(_dump(line))
            file.flush()
    skipped = _write_table(note, [done[name] for name in names], out, model, settings)
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


def _resume_note(note: Path, head: dict[str, Any], stamps: dict[str, str]) -> dict[str, int]:
    """Keep of an interrupted call's note what still holds; give the byte of each file's line.

    Lines stay on disk: in memory, features would grow with the number of files.
    """
    # Of each file what was noted last, and only while it is the file that it was.
    found = {}
    for start, line in _read_note(note, head):
        found[line["file"]] = (start, line["stamp"])
    starts = [start for name, (start, stamp) in found.items() if stamp == stamps.get(name)]
    fresh = note.with_name(f"{note.name}.new")
    done = {}
    with open(fresh, "wb") as file:
        file.write(_dump(head))
        for line in _lines_at(note, starts):
            done[line["file"]] = file.tell()
            file.write(_dump(line))
    os.replace(fresh, note)
    return done


def _read_note(note: Path, head: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give what an interrupted call has noted, and at which byte; the last line may be half."""
    if not note.is_file():
        return
    with open(note, "rb") as file:
        start = 0
        for text in file:
            try:
                line = json.loads(text)
            except ValueError:
                return
            if start > 0:
                yield start, line
            elif line != head:  # another model or other settings
                return
            start += len(text)


def _lines_at(note: Path, starts: list[int]) -> Iterator[dict[str, Any]]:
    """Give the lines of a note that begin at these bytes."""
    if starts:
        with open(note, "rb") as file:
            for start in starts:
                file.seek(start)
                line = json.loads(file.readline())
                if "rows" in line:
                    line["rows"] = np.array(line["rows"], dtype=np.float32)
                yield line


def _dump(line: dict[str, Any]) -> bytes:
    return json.dumps(line, default=np.ndarray.tolist).encode("ascii") + b"\n"


def _write_table(
    note: Path, starts: list[int], out: Path, model: Model, settings: Settings
) -> pd.DataFrame:
    """Write the table of a note, which is there as a whole or not at all; give the faults."""
    faults: list[tuple[str, str]] = []

    def tables() -> Iterator[pd.DataFrame]:
        lines = _lines_at(note, starts)
        yield _table([], model, settings)  # the header, where nothing else is
        while part := list(islice(lines, _FILES)):
            faults.extend((_text(line["file"]), line["fault"]) for line in part if "fault" in line)
            yield _table([line for line in part if "fault" not in line], model, settings)

    fresh = out.with_name(f"{out.name}.new")
    (_write_parquet if out.suffix == ".parquet" else _write_csv)(tables(), fresh)
    os.replace(fresh, out)
    return pd.DataFrame(faults, columns=["file_name", "fault"])


def _write_csv(tables: Iterator[pd.DataFrame], path: Path) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        for number, table in enumerate(tables):
            table.to_csv(file, index=False, header=number == 0)


def _write_parquet(tables: Iterator[pd.DataFrame], path: Path) -> None:
    """Write a row group a table."""
    import pyarrow
    import pyarrow.parquet

    first = next(tables)
    # Of an empty table the type of the names would be unknown.
    fields = [("file_name", pyarrow.string())]
    fields += [(name, pyarrow.from_numpy_dtype(first[name].dtype)) for name in first.columns[1:]]
    schema = pyarrow.schema(fields)
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        for table in tables:
            writer.write_table(pyarrow.Table.from_pandas(table, schema, preserve_index=False))
