"""A folder of recordings with what is known of each."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .. import _param_checks
from . import _listing


class AudioTable:
    """List the sound files of a folder, with their factors: a row is a clip.

    Everything is checked here, before the first file is read: columns, files,
    duplicates. The sounds themselves are read by :mod:`mvdisent.audio`, from
    `segments`.

    Parameters
    ----------
    folder : str or path-like
        Where the files lie, at any depth.
    metadata : DataFrame or path, default=None
        One row a clip; a path is that of a .csv or .jsonl file. Names of files are
        relative to `folder` and do not leave it: absolute names and ``..`` are
        refused; a link in the folder may lead elsewhere. None: every metadata.csv or
        metadata.jsonl in the folder, with names relative to where it lies, as in
        an audiofolder of Hugging Face; where there is none, all sound files.
    file_column : str, default="file_name"
        Column with the names of the files.
    shared : str or sequence of str, default=()
        Columns of factors that the views of a sample will share.
    private : str or sequence of str, default=()
        Columns of factors in which they will differ.
    group : str, default=None
        Column of what must not be on both sides of a split, such as the track.
    split : str, default=None
        Column that says to which split a clip belongs. None: "split", if every file
        lies in a folder such as train, validation or test.
    offset : str, default=None
        Column that says where in its file a clip begins, in seconds. None: at 0.
    duration : str, default=None
        Column that says how long a clip is, in seconds. None: to the end.

    Attributes
    ----------
    data : DataFrame
        All columns of the metadata, in order; rows are counted from 0.
    unlisted : list of str
        Sound files in the folder that the metadata does not name.

    Warns
    -----
    UserWarning
        If there are such files.

    Raises
    ------
    TypeError
        If an argument is of another kind.
    ValueError
        If a column is missing, a name leads out of the folder, a file is missing, a
        clip is listed twice, or there is none. The message names it.

    See Also
    --------
    from_mirdata : A data set of mirdata as such a table.
    from_nsynth : NSynth as such a table.
    mvdisent.audio.read_clips : Read the clips.
    mvdisent.audio.cache_log_mel : Keep their spectra on disk.

    Examples
    --------
    >>> import os, tempfile
    >>> import pandas as pd
    >>> from mvdisent.datasets import AudioTable
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("a.wav", "b.wav"):
    ...         open(os.path.join(folder, name), "w").close()
    ...     notes = {"file_name": ["a.wav", "b.wav"], "instrument": "flute", "pitch": [60, 62]}
    ...     table = AudioTable(
    ...         folder, pd.DataFrame(notes), shared="instrument", private="pitch"
    ...     )
    >>> len(table)
    2
    >>> table.factors
      instrument  pitch
    0      flute     60
    1      flute     62
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        metadata: pd.DataFrame | str | os.PathLike[str] | None = None,
        *,
        file_column: str = "file_name",
        shared: str | Sequence[str] = (),
        private: str | Sequence[str] = (),
        group: str | None = None,
        split: str | None = None,
        offset: str | None = None,
        duration: str | None = None,
    ) -> None:
        self.folder = _as_folder(folder)
        _param_checks.check_text("file_column", file_column)
        self.file_column = file_column
        self.shared, self.private = as_columns("shared", shared), as_columns("private", private)
        if both := set(self.shared) & set(self.private):
            raise ValueError(f"shared and private both name {sorted(both)}: choose one")
        for name, column in {
            "group": group,
            "split": split,
            "offset": offset,
            "duration": duration,
        }.items():
            if column is not None:
                _param_checks.check_text(name, column)
        self.group_column, self.split_column = group, split
        self.offset_column, self.duration_column = offset, duration

        files = _listing.list_files(self.folder)
        audio = [file for file in files if _listing.is_audio(file)]
        self.data = _as_metadata(metadata, self.folder, files, audio, file_column)
        self._check_columns()
        names = _listing.as_file_names(self.data[file_column], file_column)
        self.data[file_column] = _listing.match_names(names, files, self.folder)
        self._check_rows()
        if split is None and "split" not in self.data.columns:
            splits = _listing.split_of(self.data[file_column].tolist())
            if splits is not None:
                self.data["split"], self.split_column = splits, "split"
        named = set(self.data[file_column])
        self.unlisted = [file for file in audio if file not in named]
        if self.unlisted:
            warnings.warn(
                f"{len(self.unlisted)} sound files in {self.folder} are not in metadata, first "
                f"{self.unlisted[0]!r}: they are left out, and listed in unlisted",
                stacklevel=2,
            )

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return (
            f"AudioTable({len(self)} clips in {self.folder!r}, shared={self.shared}, "
            f"private={self.private})"
        )

    @property
    def segments(self) -> pd.DataFrame:
        """Where each clip lies: "path", and "offset" and "duration" in seconds, if known."""
        names = self.data[self.file_column].tolist()
        columns: dict[str, Any] = {"path": [os.path.join(self.folder, name) for name in names]}
        if self.offset_column is not None:
            columns["offset"] = self.data[self.offset_column].to_numpy()
        if self.duration_column is not None:
            columns["duration"] = self.data[self.duration_column].to_numpy()
        return pd.DataFrame(columns)

    @property
    def factors(self) -> pd.DataFrame:
        """The shared and the private factors, one row a clip."""
        return self.data[[*self.shared, *self.private]].copy()

    @property
    def groups(self) -> NDArray[Any] | None:
        """The group of each clip, as scikit-learn's splitters take it; None without one."""
        return None if self.group_column is None else self.data[self.group_column].to_numpy()

    def subset(self, rows: ArrayLike) -> AudioTable:
        """Take some of the clips.

        Parameters
        ----------
        rows : array-like of int or of bool
            Which rows, in this order; or of each row, whether.

        Returns
        -------
        table : AudioTable
            The same folder and columns, with these rows, counted from 0.

        Raises
        ------
        ValueError
            If there is no such row, or none is left.
        """
        taken = np.asarray(rows)
        if taken.dtype == bool and taken.shape == (len(self),):
            taken = np.flatnonzero(taken)
        if taken.ndim != 1 or (taken.dtype.kind not in "iu" and len(taken)):
            raise ValueError(
                f"rows is of type {taken.dtype} and shape {taken.shape}; pass row numbers, or "
                f"{len(self)} bools"
            )
        if not len(taken):
            raise ValueError("rows is empty: pass at least one row")
        if taken.min() < 0 or taken.max() >= len(self):
            bad = taken[(taken < 0) | (taken >= len(self))][0]
            raise ValueError(f"rows has {bad}; pass row numbers from 0 to {len(self) - 1}")
        table = copy.copy(self)
        table.data = self.data.iloc[taken].reset_index(drop=True)
        return table

    def split(self, name: str) -> AudioTable:
        """Take the clips of one split.

        Parameters
        ----------
        name : str
            As the split column has it, such as "train".

        Returns
        -------
        table : AudioTable
            The same folder and columns, with these rows, counted from 0.

        Raises
        ------
        ValueError
            If there is no column of splits, or no such split.
        """
        if self.split_column is None:
            raise ValueError("the table has no splits: pass split=, the column that names them")
        column = self.data[self.split_column]
        mask = (column == name).to_numpy(dtype=bool, na_value=False)
        if not mask.any():
            known = ", ".join(map(repr, column.dropna().unique()[:10].tolist()))
            raise ValueError(f"name={name!r:.60} is no split; pass one of {known}")
        return self.subset(mask)

    def _check_columns(self) -> None:
        columns = self.data.columns
        if not columns.is_unique:
            twice = columns[columns.duplicated()][0]
            raise ValueError(f"metadata has two columns {twice!r}: rename one")
        asked: dict[str, Sequence[str | None]] = {
            "file_column": [self.file_column],
            "shared": self.shared,
            "private": self.private,
            "group": [self.group_column],
            "split": [self.split_column],
            "offset": [self.offset_column],
            "duration": [self.duration_column],
        }
        for label, names in asked.items():
            for name in names:
                if name is not None and name not in columns:
                    raise ValueError(
                        f"{label} names {name!r:.60}, but metadata has the columns "
                        f"{', '.join(map(repr, columns[:20]))}: pass one of these"
                    )

    def _check_rows(self) -> None:
        if self.data.empty:
            raise ValueError("metadata has no rows: pass one a clip")
        times = [name for name in (self.offset_column, self.duration_column) if name is not None]
        for name in times:
            column = self.data[name]
            if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_complex_dtype(column):
                raise ValueError(f"metadata has a column {name!r} of {column.dtype}; pass seconds")
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
            bad = np.flatnonzero((values < 0) | np.isinf(values))
            if len(bad):
                raise ValueError(
                    f"metadata has {name}={values[bad[0]]:g} in row {bad[0]}; pass seconds, 0 or "
                    "more"
                )
        twice = self.data.duplicated([self.file_column, *times]).to_numpy()
        if twice.any():
            row = int(twice.argmax())
            raise ValueError(
                f"metadata lists {int(twice.sum())} clips twice, first "
                f"{self.data[self.file_column].iloc[row]!r} in row {row}: drop these rows"
            )


def as_columns(name: str, columns: str | Sequence[str]) -> list[str]:
    """Take the name of one column, or of several."""
    names = [columns] if isinstance(columns, str) else _param_checks.as_names(name, columns)
    for column in names:
        _param_checks.check_text(name, column)
    if len(set(names)) < len(names):
        raise ValueError(f"{name}={names} names a column twice: pass each once")
    return names


def _as_folder(folder: Any) -> str:
    _param_checks.check_path(folder, "folder")
    if not os.path.isdir(folder):
        raise ValueError(f"folder={os.fspath(folder)!r} is no folder: pass one that is there")
    path: str = os.path.abspath(folder)
    return path


def _as_metadata(
    metadata: Any, folder: str, files: list[str], audio: list[str], file_column: str
) -> pd.DataFrame:
    """Take, read or make the table of clips, with rows counted from 0."""
    if metadata is None:
        found = _listing.find_metadata(folder, files, file_column)
        if found is not None:
            return found
        if not audio:
            raise ValueError(
                f"folder={folder!r} has no metadata and no sound files "
                f"({', '.join(sorted(_listing.AUDIO_SUFFIXES))}): pass another"
            )
        return pd.DataFrame({file_column: audio})
    if isinstance(metadata, str | os.PathLike) and "\0" not in os.fspath(metadata):
        if not os.path.isfile(metadata):
            raise ValueError(f"metadata={os.fspath(metadata)!r} is no file: pass one that is there")
        return _listing.read_metadata(metadata, file_column)
    if not isinstance(metadata, pd.DataFrame):
        raise TypeError(f"metadata={metadata!r:.60}; pass a DataFrame, a path or None")
    return metadata.reset_index(drop=True).copy()
