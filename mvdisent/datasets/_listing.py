"""Which files a folder holds, and the metadata that lie beside them."""

from __future__ import annotations

import json
import os
import posixpath
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

# Of the formats that mvdisent.audio reads.
AUDIO_SUFFIXES = frozenset(
    {".wav", ".wave", ".rf64", ".w64", ".flac", ".ogg", ".oga", ".opus", ".mp3"}
    | {".aif", ".aiff", ".aifc", ".au", ".snd", ".caf"}
)
_METADATA_NAMES = ("metadata.csv", "metadata.jsonl")
# As the Hugging Face audiofolder names them.
_SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
SPLIT_OF_FOLDER = {alias: name for name, aliases in _SPLITS.items() for alias in aliases}


def list_files(folder: str) -> list[str]:
    """List the files below a folder, sorted, by their names from there.

    Links are followed, but not back to a folder in which they lie; hidden folders
    and broken links are left out.
    """
    found: list[str] = []
    stack = [(folder, "", frozenset[tuple[int, int]]())]
    while stack:
        path, prefix, above = stack.pop()
        stat = os.stat(path)
        identity = (stat.st_dev, stat.st_ino)
        if identity in above:
            continue
        above |= {identity}
        with os.scandir(path) as entries:
            for entry in entries:
                name = prefix + entry.name
                if entry.is_dir():
                    if not entry.name.startswith("."):
                        stack.append((entry.path, f"{name}/", above))
                elif entry.is_file():
                    found.append(name)
    return sorted(found)


def is_audio(name: str) -> bool:
    """Tell a sound file by its name; hidden ones are none."""
    _, _, base = name.rpartition("/")
    return not base.startswith(".") and os.path.splitext(base)[1].lower() in AUDIO_SUFFIXES


def as_file_names(names: Iterable[Any], label: str) -> list[str]:
    """Take names relative to a folder that do not leave it."""
    taken = []
    for row, name in enumerate(names):
        if not isinstance(name, str) or not name:
            raise ValueError(f"{label} has {name!r:.60} in row {row}; pass the name of a file")
        path = name.replace(os.sep, "/")
        if os.path.isabs(name) or ".." in path.split("/"):
            raise ValueError(
                f"{label} has {name!r:.100} in row {row}, which leads out of the folder: pass "
                "names relative to it, without '..'; a link in the folder may lead elsewhere"
            )
        taken.append(posixpath.normpath(path))
    return taken


def match_names(names: Sequence[str], files: Sequence[str], folder: str) -> list[str]:
    """Find the files that are named, however their accents are composed."""
    there = set(files)
    missing = list(dict.fromkeys(name for name in names if name not in there))
    if not missing:
        return list(names)
    composed = {unicodedata.normalize("NFC", file): file for file in files}
    renamed = {name: composed.get(unicodedata.normalize("NFC", name)) for name in missing}
    lost = [name for name in missing if renamed[name] is None]
    if lost:
        raise ValueError(
            f"metadata names {len(lost)} files that are not in {folder}, first "
            f"{', '.join(f'{name!r:.100}' for name in lost[:3])}: add them, or drop these rows"
        )
    return [renamed.get(name) or name for name in names]


def find_metadata(folder: str, files: Sequence[str], file_column: str) -> pd.DataFrame | None:
    """Read every metadata.csv or metadata.jsonl; names count from where it lies."""
    tables = []
    places: dict[str, str] = {}
    for file in files:
        place, _, name = file.rpartition("/")
        if name in _METADATA_NAMES:
            if place in places:
                raise ValueError(
                    f"{os.path.join(folder, place)} has both {' and '.join(_METADATA_NAMES)}: "
                    "remove one, or pass metadata="
                )
            places[place] = name
            table = read_metadata(os.path.join(folder, file), file_column)
            if file_column in table.columns and place:
                names = as_file_names(table[file_column], f"{file}: {file_column}")
                table[file_column] = [f"{place}/{name}" for name in names]
            tables.append(table)
    return pd.concat(tables, ignore_index=True) if tables else None


def read_metadata(path: str | os.PathLike[str], file_column: str) -> pd.DataFrame:
    """Read a table from a .csv or a .jsonl file; names of files stay text."""
    if os.fspath(path).lower().endswith(".jsonl"):
        return _read_jsonl(path)
    try:
        return pd.read_csv(path, dtype={file_column: str})
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(
            f"metadata={os.fspath(path)!r} is no CSV file ({error}): pass one"
        ) from error


def _read_jsonl(path: str | os.PathLike[str]) -> pd.DataFrame:
    rows = []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise ValueError(
                        f"metadata={os.fspath(path)!r}, line {number}, is no JSON ({error}): pass "
                        "one object a line"
                    ) from error
                if not isinstance(row, dict):
                    raise ValueError(
                        f"metadata={os.fspath(path)!r}, line {number}, is no object: pass one a "
                        "line"
                    )
                rows.append(row)
    return pd.DataFrame(rows)


def split_of(names: Sequence[str]) -> list[str] | None:
    """Tell each file's split by its topmost folder; None where one has no such name."""
    splits = [
        SPLIT_OF_FOLDER.get(name.partition("/")[0]) if "/" in name else None for name in names
    ]
    return None if None in splits else [split for split in splits if split is not None]
