"""What users pass in place of what was asked for: arrays, tables, numbers.

Most examples are hostile in one way or two, so that code behind the first check
is reached as well.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import torch
from hypothesis import settings
from hypothesis import strategies as st
from scipy import sparse

FLOATS = ("f4", "f8")
DTYPES = (
    *("f2", ">f4", ">f8", "longdouble", "i1", "u1", "i2", "i4", "i8", "u8", "bool"),
    *("c8", "c16", "object", "strings", "words", "U", "S", "M8[D]", "m8[s]", "V8"),
)
SHAPES = (
    *("one row", "two rows", "no row", "more rows", "no last", "wider", "narrower", "one feature"),
    *("axis gone", "axis more", "row only", "transposed", "scalar", "one view", "many views"),
)
VALUES = (
    *("nan", "nan view", "nan view everywhere", "nan row", "all nan", "inf", "-inf"),
    *("1e39", "1e300", "float max", "1e30", "denormal", "denormals", "zeros", "constant"),
    *("constant column", "equal rows", "two kinds of rows", "far from zero", "whole", "classes"),
)
LAYOUTS = ("F", "every second", "reversed", "broadcast", "read-only", "unaligned")
CONTAINERS = (
    *("list", "tuple", "DataFrame", "nullable", "mixed", "polars", "Series", "csr", "coo array"),
    *("masked", "masked some", "matrix", "tensor", "graph", "bfloat16", "dict", "views", "none"),
    *("text", "number", "generator", "set", "ragged", "object", "class", "bytes", "memoryview"),
)


def examples(share: float = 1.0) -> settings:
    """Take a share of the profile's examples: less than 1 for what is slow."""
    return settings(max_examples=max(1, round(share * settings().max_examples)))


def rarely(options: tuple[str, ...], one_in: int) -> st.SearchStrategy[str | None]:
    return st.integers(0, one_in - 1).flatmap(
        lambda i: st.sampled_from(options) if i == one_in - 1 else st.none()
    )


@st.composite
def hostile(draw: Any, shape: tuple[int, ...], *, scale: float = 1.0) -> Any:
    """Draw what may be passed for an array of this shape."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    if change := draw(rarely(SHAPES, 4)):
        shape = _reshape(shape, change)
    array = np.asarray(
        scale * np.asarray(rng.normal(size=shape)).astype(draw(st.sampled_from(FLOATS)))
    )
    if array.size and (values := draw(rarely(VALUES, 2))):
        with np.errstate(over="ignore"):
            array = _revalue(array, values)
    if dtype := draw(rarely(DTYPES, 4)):
        array = _retype(array, dtype)
    if array.ndim and array.size and (layout := draw(rarely(LAYOUTS, 3))):
        array = _relay(array, layout)
    if container := draw(rarely(CONTAINERS, 4)):
        with np.errstate(over="ignore"):  # some containers hold float32
            return _contain(array, container)
    return array


def _reshape(shape: tuple[int, ...], change: str) -> tuple[int, ...]:
    n, *rest, last = (1, *shape) if len(shape) == 1 else shape
    if len(shape) == 1:
        n, rest, last = shape[0], [], 1
    return {
        "one row": (1, *shape[1:]),
        "two rows": (2, *shape[1:]),
        "no row": (0, *shape[1:]),
        "more rows": (n + 1, *shape[1:]),
        "no last": (n, *rest, 0),
        "wider": (n, *rest, last + 1),
        "narrower": (n, *rest, max(last - 1, 0)),
        "one feature": (n, *rest, 1),
        "axis gone": shape[:-1],
        "axis more": (*shape, 2),
        "row only": shape[1:],
        "transposed": shape[::-1],
        "scalar": (),
        "one view": (n, 1, *shape[2:]),
        "many views": (n, 5, *shape[2:]),
    }[change]


def _revalue(array: Any, values: str) -> Any:
    last = array.ndim and array.reshape(len(array), -1)  # a view
    points = {
        "nan": np.nan,
        "inf": np.inf,
        "-inf": -np.inf,
        "1e39": 1e39,
        "1e300": 1e300,
        "float max": np.finfo(np.float32).max,
        "denormal": 5e-324,
    }
    if values in points:
        array.flat[array.size // 2] = points[values]
    elif values == "all nan":
        array[...] = np.nan
    elif values == "1e30":
        array *= 1e30
    elif values == "denormals":
        array *= 1e-45 if array.dtype == np.float32 else 5e-324
    elif values in ("zeros", "constant"):
        array[...] = values == "constant" and 3.25
    elif values == "far from zero":
        array += 1e8
    elif values == "whole":
        array = np.round(4 * array)
    elif values == "classes":
        array = np.floor(np.abs(array)).clip(0, 2)
    elif array.ndim:
        first = (0,) * min(2, array.ndim)
        if values == "nan view":
            array[first] = np.nan
        elif values == "nan view everywhere":
            array[(slice(None), 0) if array.ndim > 1 else 0] = np.nan
        elif values == "nan row":
            array[0] = np.nan
        elif values == "constant column":
            last[:, 0] = 1.0
        elif values == "equal rows":
            array[...] = array[:1]
        else:
            array[...] = array[np.arange(len(array)) % 2]
    return array


def _retype(array: Any, dtype: str) -> Any:
    if dtype == "words":
        return np.array(["ab"] * array.size, dtype=object).reshape(array.shape)
    if dtype == "strings":
        return array.astype(str).astype(object)
    if dtype == "V8":
        return np.zeros(array.shape, dtype="V8")
    whole = np.nan_to_num(array, nan=0, posinf=0, neginf=0).clip(-99, 99)
    with np.errstate(all="ignore"):
        return (whole if dtype[0] in "iuMm" else array).astype(dtype)


def _relay(array: Any, layout: str) -> Any:
    if layout == "F":
        return np.asfortranarray(array)
    if layout == "every second":
        return np.repeat(array, 2, axis=0)[::2]
    if layout == "reversed":
        return array[::-1]
    if layout == "broadcast":
        return np.broadcast_to(array[:1], array.shape)
    if layout == "unaligned" and array.dtype != object:
        raw = np.empty(array.nbytes + 1, dtype=np.uint8)
        view = raw[1:].view(array.dtype).reshape(array.shape)
        view[...] = array
        return view
    array = array.copy()
    array.flags.writeable = False
    return array


def _contain(array: Any, container: str) -> Any:
    plain = array.dtype.kind in "fiub" and array.dtype.isnative and array.dtype != np.longdouble
    frame = array.ndim == 2 and array.dtype.kind != "V"
    numbers = array if plain else np.zeros(array.shape)
    columns = [f"c{i}" for i in range(array.shape[1])] if frame else []
    return {
        "list": lambda: array.tolist(),
        "tuple": lambda: tuple(array.tolist()) if array.ndim else (),
        "DataFrame": lambda: pd.DataFrame(array, columns=columns) if frame else array,
        "nullable": lambda: (
            pd.DataFrame(numbers, columns=columns, dtype="Float64") if frame else array
        ),
        "mixed": lambda: (
            pd.DataFrame(numbers, columns=columns).assign(c0="text") if frame else array
        ),
        "polars": lambda: (
            pl.DataFrame(numbers.astype(float), schema=columns, orient="row") if frame else array
        ),
        "Series": lambda: pd.Series(array) if array.ndim == 1 and not frame else array,
        "csr": lambda: sparse.csr_matrix(numbers.astype(float)) if frame else array,
        "coo array": lambda: sparse.coo_array(numbers.astype(float)) if frame else array,
        "masked": lambda: np.ma.masked_array(array),
        "masked some": lambda: np.ma.masked_array(numbers, mask=numbers > 0),
        "matrix": lambda: _as_matrix(array) if array.ndim == 2 else array,
        "tensor": lambda: torch.from_numpy(np.array(numbers)),
        "graph": lambda: torch.from_numpy(np.array(numbers, "f4")).requires_grad_(),
        "bfloat16": lambda: torch.from_numpy(np.array(numbers, "f4")).to(torch.bfloat16),
        "dict": lambda: dict(enumerate(array)) if array.ndim else {},
        "views": lambda: list(array.swapaxes(0, 1)) if array.ndim > 1 else [array],
        "none": lambda: None,
        "text": lambda: "a.wav",
        "number": lambda: 3.5,
        "generator": lambda: (row for row in array.tolist() or []) if array.ndim else iter(()),
        "set": lambda: {1, 2, 3},
        "ragged": lambda: [[1.0, 2.0], [3.0]],
        "object": object,
        "class": lambda: dict,
        "bytes": lambda: b"RIFF",
        "memoryview": lambda: memoryview(np.ascontiguousarray(numbers)),
    }[container]()


def _as_matrix(array: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        return np.asmatrix(array)


# Most are wrong for any one parameter, and a few are right.
SCALARS = (
    *(None, True, False, -1, 0, 1, 2, 3, 7, 10**6, -2.5, 0.0, 0.5, 1.0, 2.5, 1e-300, 1e300),
    *(float("nan"), float("inf"), float("-inf"), "", "1", "auto", "max", "mean", "both", "mlp"),
    *(b"1", (), [], [1], [1, 2], (0.1, 0.2), (2, 1), (0, float("nan")), {}, {"a": 1}, {1}, 1j),
    *(np.int64(3), np.float32(0.5), np.bool_(True), np.array(2), np.array([1.0, 2.0]), object, len),
)
EDGES = st.sampled_from(SCALARS)


def parameters(names: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw one hostile value or two for the parameters of a callable; no process is started."""
    few = st.dictionaries(st.sampled_from(names), EDGES, min_size=1, max_size=2)
    return few.map(lambda params: {**params, "n_jobs": 0.5} if _many(params) else params)


def is_large(value: Any) -> bool:
    """Tell what would take an hour or the memory, and is asked for nevertheless."""
    return isinstance(value, int | float) and value in (10**6, 1e300)


def _many(params: dict[str, Any]) -> bool:
    n_jobs = params.get("n_jobs", 1)
    return isinstance(n_jobs, int | float | np.number) and n_jobs not in (0, 1)


@st.composite
def hostile_factors(draw: Any, n_rows: int, *, names: tuple[str, ...] = ("a", "b")) -> Any:
    """Draw what may be passed for a table of factors."""
    columns: dict[Any, Any] = {
        name: np.arange(n_rows) // (i + 1) % (2 + i) for i, name in enumerate(names)
    }
    name = draw(st.sampled_from(names))
    columns[name] = draw(
        hostile((n_rows,))
        | st.sampled_from(
            [
                np.arange(n_rows) % 3,
                ["x", "y"] * (n_rows // 2),
                [True, False] * (n_rows // 2),
                ["x", None] * (n_rows // 2),
                ["x", 1] * (n_rows // 2),
                [(1, 2), (3,)] * (n_rows // 2),
                [[1], [2]] * (n_rows // 2),
                pd.Categorical(["x", "y"] * (n_rows // 2), categories=["y", "x", "z"]),
                pd.Series([1, 2, pd.NA] * (n_rows // 3), dtype="Int64"),
                pd.Series(["x", "y"] * (n_rows // 2), dtype="string"),
                pd.date_range("2020", periods=n_rows),
                pd.Series(np.arange(n_rows) % 2, index=np.arange(n_rows)[::-1]),
                np.arange(n_rows),
                np.linspace(0, 1, n_rows),
            ]
        )
    )
    table = draw(st.sampled_from(["dict"] * 4 + ["DataFrame"] * 3 + ["Series", "other"]))
    if table == "other":
        return draw(hostile((n_rows, 2)) | EDGES)
    if table == "Series":
        return pd.Series(np.arange(n_rows) % 2, name=draw(st.sampled_from([None, "a", 3, ("a",)])))
    if table == "DataFrame" and _is_column(columns[name], n_rows):
        return pd.DataFrame(columns, index=np.arange(n_rows) + draw(st.integers(0, 3)))
    return columns


def _is_column(values: Any, n_rows: int) -> bool:
    """Tell whether pandas makes a column of it."""
    if type(values) is np.ndarray:
        return values.shape == (n_rows,) and values.dtype.kind != "V" and values.dtype.isnative
    kinds = list | pd.Categorical | pd.DatetimeIndex
    return isinstance(values, kinds) and len(values) == n_rows
