"""Data sets that others publish, as tables of sound files."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import pandas as pd

from .. import _checks, _param_checks
from ._table import AudioTable, as_columns

_NSYNTH_SPLITS = ("train", "valid", "test")


def from_mirdata(
    dataset: Any,
    *,
    shared: str | Sequence[str] = (),
    private: str | Sequence[str] = (),
    group: str | None = None,
    split: str | None = None,
) -> AudioTable:
    """List a data set of mirdata as a table of sound files.

    Parameters
    ----------
    dataset : mirdata.core.Dataset
        Such as ``mirdata.initialize("tinysol", data_home=...)``, downloaded already.
        Only `data_home`, `load_tracks()` and the tracks' own attributes are used:
        mirdata is not imported.
    shared : str or sequence of str, default=()
        Attributes of the tracks: factors that views will share, such as
        "instrument_full" of TinySOL.
    private : str or sequence of str, default=()
        Attributes of the tracks: factors in which views will differ, such as "pitch_id".
    group : str, default=None
        Attribute of what must not be on both sides of a split.
    split : str, default=None
        Attribute that says to which split a track belongs.

    Returns
    -------
    table : AudioTable
        One row a track, with these attributes and "track_id".

    Raises
    ------
    TypeError
        If `dataset` is no such data set.
    ValueError
        If a track has no such attribute or no sound file, or a file is missing.

    Warns
    -----
    UserWarning
        If the folder has sound files that belong to no track.
    """
    if not hasattr(dataset, "load_tracks") or not hasattr(dataset, "data_home"):
        raise TypeError(
            f"dataset={dataset!r:.60} has no load_tracks and data_home; pass a data set of mirdata"
        )
    names = [*as_columns("shared", shared), *as_columns("private", private)]
    names += [name for name in (group, split) if name is not None and name not in names]
    rows = []
    for track_id, track in dataset.load_tracks().items():
        for name in ("audio_path", *names):
            if not hasattr(track, name):
                raise ValueError(f"dataset has tracks without {name!r}: name another attribute")
        if track.audio_path is None:
            raise ValueError(
                f"dataset has no sound file for the track {track_id!r}: add or drop it"
            )
        path = os.path.relpath(track.audio_path, dataset.data_home)
        row = {"file_name": path, "track_id": track_id}
        rows.append(row | {name: getattr(track, name) for name in names})
    return AudioTable(
        dataset.data_home,
        pd.DataFrame(rows, columns=["file_name", "track_id", *names]),
        shared=shared,
        private=private,
        group=group,
        split=split,
    )


def from_nsynth(
    folder: str | os.PathLike[str],
    *,
    split: str | None = None,
    shared: str | Sequence[str] = ("instrument_str", "instrument_family_str"),
    private: str | Sequence[str] = ("pitch", "velocity"),
) -> AudioTable:
    """List NSynth, as it was published, as a table of sound files.

    Parameters
    ----------
    folder : str or path-like
        With nsynth-train, nsynth-valid or nsynth-test in it, each of which has
        examples.json and audio/.
    split : {"train", "valid", "test"}, default=None
        Which of these; None: all that are there.
    shared : str or sequence of str, default=("instrument_str", "instrument_family_str")
        Keys of the notes: factors that views will share.
    private : str or sequence of str, default=("pitch", "velocity")
        Keys of the notes: factors in which views will differ.

    Returns
    -------
    table : AudioTable
        One row a note, with all its keys but the lists; groups are instruments.

    Raises
    ------
    ValueError
        If the folder has no such split, or a file is missing.

    Warns
    -----
    UserWarning
        If the folder has sound files that belong to no note.
    """
    _param_checks.check_path(folder, "folder")
    if split is not None:
        _checks.check_option("split", split, _NSYNTH_SPLITS)
    wanted = _NSYNTH_SPLITS if split is None else (split,)
    index = {name: os.path.join(folder, f"nsynth-{name}", "examples.json") for name in wanted}
    there = {name: path for name, path in index.items() if os.path.isfile(path)}
    if not there:
        raise ValueError(
            f"folder={os.fspath(folder)!r} has no {' or '.join(f'nsynth-{n}' for n in wanted)} "
            "with examples.json: pass the folder that they lie in"
        )
    notes = pd.concat([_notes(path, name, split is None) for name, path in there.items()])
    home = os.path.join(folder, f"nsynth-{split}") if split is not None else folder
    return AudioTable(
        home, notes, shared=shared, private=private, group="instrument_str", split="split"
    )


def _notes(path: str, split: str, from_above: bool) -> pd.DataFrame:
    """Read what is known of the notes of a split."""
    with open(path, encoding="utf-8") as file:
        try:
            notes = json.load(file)
        except ValueError as error:
            raise ValueError(f"{path} is no JSON ({error}): read it anew") from error
    if not isinstance(notes, dict) or not all(isinstance(note, dict) for note in notes.values()):
        raise ValueError(f"{path} does not map names to notes: pass NSynth as it was published")
    place = f"nsynth-{split}/audio" if from_above else "audio"
    rows = [
        {
            "file_name": f"{place}/{name}.wav",
            "split": split,
            **{key: value for key, value in note.items() if not isinstance(value, list)},
        }
        for name, note in notes.items()
    ]
    return pd.DataFrame(rows)
