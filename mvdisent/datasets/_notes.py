"""Notes of sampled instruments: the views share the instrument and differ in pitch."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .. import _checks, _param_checks
from .._pairing import PartnerPools
from ._factors import as_generator, check_count, check_real, check_transform, factor_table
from ._instruments import NOTE_INSTRUMENTS, NoteInstrument
from ._soundfont import NoteRenderer
from ._synthesis import in_chunks

# Root mean square of every note, full scale = 1: a struck note of a second, most of it
# silence, still peaks below full scale.
_LEVEL = 0.02
# A note whose peak is lower than this, full scale = 1, is silent.
_SILENCE = 1e-4


def make_notes(
    *,
    instruments: Sequence[str] | Mapping[str, NoteInstrument] | None = None,
    pitches: Sequence[int] = range(48, 85),
    velocities: Sequence[int] = (100,),
    soundfont: str | os.PathLike[str] | None = None,
    band_limited: bool = True,
    sample_rate: int = 16000,
    duration: float = 1.0,
    transform: Callable[[NDArray[np.float32]], ArrayLike] | None = None,
) -> tuple[NDArray[Any], pd.DataFrame]:
    """Render every note of sampled instruments, one a row.

    Parameters
    ----------
    instruments : sequence of str or mapping of str to NoteInstrument, default=None
        Names of ``NOTE_INSTRUMENTS``, or other programs of General MIDI by names of
        your own; None: all 33.
    pitches : sequence of int, default=range(48, 85)
        Keys as MIDI numbers, 0 to 127, each once.
    velocities : sequence of int, default=(100,)
        Loudness of the stroke, 1 to 127, each once. Notes that differ in it alone
        are near copies of one another.
    soundfont : str or path-like, default=None
        A .sf2 file, or a .sf3 file, which holds Ogg Vorbis (such as FluidR3Mono_GM.sf3),
        with the presets of General MIDI; None: the TimGM6mb.sf2 of the package
        pretty_midi.
    band_limited : bool, default=True
        Whether to filter out what lies above half of ``sample_rate``, so that nothing
        aliases. False reads the recordings without a filter.
    sample_rate : int, default=16000
        In Hz.
    duration : float, default=1.0
        Length of each note, held to its end, in seconds.
    transform : callable, default=None
        Applied to each chunk of rows as it is made, such as
        ``LogMel(16000).fit_transform``: the waveforms are then never held all
        at once. It must treat each row by itself.

    Returns
    -------
    X : ndarray of float32 of shape (n_notes, n_times)
        Notes of root mean square 0.02, where full scale is 1, or what `transform`
        makes of them.
    factors : DataFrame of n_notes rows
        ``instrument``, ``family``, ``pitch``, ``velocity``, and ``in_range``: whether
        the true instrument has this key.

    Raises
    ------
    ImportError
        If tinysoundfont is not installed, or pretty_midi where its SoundFont is asked
        for; the message gives the commands.
    FileNotFoundError
        If `soundfont` is not there.
    TypeError
        If an argument is of a wrong type.
    ValueError
        If an argument is out of its range, the SoundFont lacks a preset, or an
        instrument is silent at all pitches.

    See Also
    --------
    make_note_views : Pairs of them.
    mvdisent.views.pair_by : Pairs of them, others each epoch.

    Notes
    -----
    Rows are in the order of the instruments, then the pitches, then the velocities. A
    note that peaks below -80 dB of full scale is silent, and left out of both results:
    the alto saxophone of TimGM6mb.sf2 has no key 64.

    Nothing is random: a note is the same, bit by bit, whatever is made beside it. Levels
    are equal, or they would tell the instrument; so would partials that alias: with
    ``band_limited=False`` hand-made features find the instrument of unseen keys one and a
    half times to twice as often. Neighbouring keys often share a recording: hold out
    ranges of keys, not every second one.

    Examples
    --------
    >>> from mvdisent.datasets import make_notes
    >>> X, factors = make_notes(instruments=["flute", "cello"], pitches=[60, 72])
    >>> X.shape
    (4, 16000)
    >>> factors["pitch"].tolist()
    [60, 72, 60, 72]
    """
    n_times = _check_length(sample_rate, duration)
    check_transform(transform)
    table = _note_table(instruments, pitches, velocities)
    _param_checks.check_flag("band_limited", band_limited)
    renderer = NoteRenderer(soundfont, sample_rate, band_limited=bool(band_limited))
    programs = table.pop("program").tolist()
    renderer.check_programs(programs)
    keys, strokes = table["pitch"].tolist(), table["velocity"].tolist()
    silent = np.zeros(len(table), dtype=bool)

    def notes(rows: slice) -> NDArray[np.float32]:
        out = np.empty((rows.stop - rows.start, n_times), dtype=np.float32)
        for note, row in zip(out, range(rows.start, rows.stop), strict=True):
            note[:] = renderer.render(programs[row], keys[row], strokes[row], n_times)
            silent[row] = np.abs(note).max() < _SILENCE
            if not silent[row]:
                note *= _LEVEL / np.sqrt(np.square(note, dtype=np.float64).mean())
        return out

    X = in_chunks(notes, len(table), n_times, transform)
    _refuse_silence(table["instrument"], silent)
    if silent.any():
        X, table = X[~silent], table[~silent].reset_index(drop=True)
    return X, table


def make_note_views(
    n_samples: int = 1000,
    *,
    n_views: int = 2,
    instruments: Sequence[str] | Mapping[str, NoteInstrument] | None = None,
    pitches: Sequence[int] = range(48, 85),
    velocities: Sequence[int] = (100,),
    soundfont: str | os.PathLike[str] | None = None,
    band_limited: bool = True,
    sample_rate: int = 16000,
    duration: float = 1.0,
    transform: Callable[[NDArray[np.float32]], ArrayLike] | None = None,
    random_state: int | np.random.RandomState | np.random.Generator | None = None,
) -> tuple[NDArray[Any], pd.DataFrame]:
    """Make notes whose views share the instrument and differ in pitch.

    Parameters
    ----------
    n_samples : int, default=1000
        Rows; each has ``n_views`` notes of those that :func:`make_notes` renders.
    n_views : int, default=2
        Notes of a row.
    instruments : sequence of str or mapping of str to NoteInstrument, default=None
        Names of ``NOTE_INSTRUMENTS``, or other programs of General MIDI by names of
        your own; None: all 33.
    pitches : sequence of int, default=range(48, 85)
        Keys as MIDI numbers, 0 to 127; at least ``n_views``.
    velocities : sequence of int, default=(100,)
        Loudness of the stroke, 1 to 127.
    soundfont : str or path-like, default=None
        A .sf2 file, or a .sf3 file, which holds Ogg Vorbis (such as FluidR3Mono_GM.sf3),
        with the presets of General MIDI; None: the TimGM6mb.sf2 of the package
        pretty_midi.
    band_limited : bool, default=True
        Whether to filter out what lies above half of ``sample_rate``, so that nothing
        aliases. False reads the recordings without a filter.
    sample_rate : int, default=16000
        In Hz.
    duration : float, default=1.0
        Length of each note, in seconds.
    transform : callable, default=None
        Applied to each chunk of rows as it is made, such as
        ``LogMel(16000).fit_transform``: the views are then never held all at once.
        It must treat each row by itself.
    random_state : int, RandomState, Generator or None, default=None
        Seed of which notes are drawn. None takes fresh entropy.

    Returns
    -------
    X : ndarray of float32 of shape (n_samples, n_views, n_times)
        Notes of root mean square 0.02, where full scale is 1, or what `transform`
        makes of them.
    factors : DataFrame of n_samples rows
        ``instrument`` and ``family``, which the views share; of each view,
        ``pitch_v0``, ``velocity_v0`` and ``in_range_v0``. The pitches of a row
        always differ.

    Raises
    ------
    ImportError
        If tinysoundfont or pretty_midi is not installed.
    TypeError
        If an argument is of a wrong type.
    ValueError
        If an argument is out of its range; the message names it.

    See Also
    --------
    make_notes : The notes themselves, and what holds of them.

    Examples
    --------
    >>> from mvdisent.datasets import make_note_views
    >>> X, factors = make_note_views(10, instruments=["harp"], pitches=[60, 67], random_state=0)
    >>> X.shape
    (10, 2, 16000)
    """
    check_count("n_samples", n_samples)
    check_count("n_views", n_views)
    check_transform(transform)
    rng = as_generator(random_state)
    notes, table = make_notes(
        instruments=instruments,
        pitches=pitches,
        velocities=velocities,
        soundfont=soundfont,
        band_limited=band_limited,
        sample_rate=sample_rate,
        duration=duration,
    )
    of_instrument = table.groupby("instrument")["pitch"].nunique()
    if (of_instrument < n_views).any():
        raise ValueError(
            f"n_views={n_views}, but {of_instrument.idxmin()!r} sounds at {of_instrument.min()} of "
            "the pitches, and the views of a row differ in pitch: pass more pitches or fewer views"
        )
    codes, names = pd.factorize(table["instrument"])
    every = np.ones(len(table), dtype=bool)
    pools = PartnerPools(codes, [table["pitch"].to_numpy()], every, np.asarray(names))
    rows = pools.draw(rng, n_views, rng.integers(len(table), size=n_samples))
    size = n_views * notes.shape[1]
    X = in_chunks(lambda part: notes[rows[part]], n_samples, size, transform)
    shared = {name: table[name].to_numpy()[rows[:, 0]] for name in ("instrument", "family")}
    own = {name: table[name].to_numpy()[rows] for name in ("pitch", "velocity", "in_range")}
    return X, factor_table(shared, own)


def _note_table(instruments: Any, pitches: Any, velocities: Any) -> pd.DataFrame:
    """Check which notes are asked for, and lay out their factors and programs."""
    known = _as_instruments(instruments)
    keys = _as_keys("pitches", pitches, 0)
    strokes = _as_keys("velocities", velocities, 1)
    notes = [
        (name, of.family, key, stroke, of.lowest <= key <= of.highest, of.program)
        for name, of in known.items()
        for key in keys
        for stroke in strokes
    ]
    names = ["instrument", "family", "pitch", "velocity", "in_range", "program"]
    return pd.DataFrame(notes, columns=names)


def _as_instruments(instruments: Any) -> Mapping[str, NoteInstrument]:
    """Take the instruments that are asked for by their names."""
    if instruments is None:
        return NOTE_INSTRUMENTS
    if isinstance(instruments, Mapping):
        known: Mapping[str, NoteInstrument] = instruments
        for name, instrument in known.items():
            if not isinstance(name, str) or not isinstance(instrument, NoteInstrument):
                raise TypeError(
                    f"instruments maps {name!r:.60} to {instrument!r:.60}; pass a name and a "
                    "NoteInstrument(program, family, lowest, highest)"
                )
            for field in ("program", "lowest", "highest"):
                number = getattr(instrument, field)
                check_count(f"instruments[{name!r:.60}].{field}", number, low=0, high=127)
        chosen = list(known)
    else:
        chosen, known = _param_checks.as_names("instruments", instruments), NOTE_INSTRUMENTS
        for name in chosen:
            _checks.check_option("instruments", name, list(known))
    if not 0 < len(chosen) == len(set(chosen)):
        raise ValueError("instruments is empty, or names one twice; pass each once, or None")
    return {name: known[name] for name in chosen}


def _as_keys(name: str, values: Any, low: int) -> list[int]:
    """Take MIDI numbers as a list of ints."""
    keys = _param_checks.as_names(name, values)
    for key in keys:
        if isinstance(key, bool) or not isinstance(key, Integral) or not low <= int(key) <= 127:
            raise ValueError(f"{name} holds {key!r:.60}; pass ints from {low} to 127")
    if not 0 < len(keys) == len(set(keys)):
        raise ValueError(f"{name} is empty, or holds a number twice; pass each once")
    return [int(key) for key in keys]


def _check_length(sample_rate: int, duration: float) -> int:
    """Check the rate and the length of a note; return its samples."""
    check_count("sample_rate", sample_rate, low=1000, high=384000)
    check_real("duration", duration, above=0)
    n_times = round(duration * sample_rate)
    if not 1 <= n_times <= 2**28:
        raise ValueError(
            f"duration={duration} s at sample_rate={sample_rate} is {n_times} samples; pass 1 to "
            f"{2**28}"
        )
    return n_times


def _refuse_silence(instrument: pd.Series[str], silent: NDArray[np.bool_]) -> None:
    by_name = pd.Series(silent).groupby(instrument).all()
    if by_name.any():
        raise ValueError(
            f"instruments holds {by_name.idxmax()!r}, which is silent at all pitches and "
            "velocities: leave it out, or pass other pitches or another soundfont"
        )
