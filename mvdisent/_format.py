"""A file of ours: strict JSON and arrays in one safetensors file, hashed, written whole.

Nothing here knows an estimator; see ``persistence`` and ``_checkpoint``.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

FORMAT = 1
MAX_DIGITS = 18  # an integer of so many digits fits 64 bits

# Bounds on what a file may claim; the largest header within them costs less than 100 MB.
_MAX_FILE = 4 * 2**30
_MAX_HEADER = 4 * 2**20
_MAX_TENSORS = 20_000
_MAX_ITEMS = 400_000
_MAX_DEPTH = 32

_KEY = "mvdisent"
_ZEROS = b"0" * 64
# The field within the JSON text, whose quotes are escaped in the header; those of a
# string within that text are escaped once more, so that no string can imitate it.
_FIELD = re.compile(rb'\\"sha256\\":\\"([0-9a-f]{64})\\"')

# numpy's and torch's names of types to those of safetensors.
DTYPES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
}

# What a file may hold: its key, what such a file is called, and what to do with one of them.
_KINDS = {
    "estimator": ("a model", "pass it to mvdisent.load"),
    "checkpoint": ("a checkpoint of a fit", "pass it as checkpoint= to MultiViewDisentangler"),
}

Spec = tuple[str, tuple[int, ...]]  # type, as safetensors names it, and shape


class ModelFile(NamedTuple):
    """What a file says, and its bytes."""

    document: dict[str, Any]
    specs: dict[str, Spec]
    data: bytes

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Take the arrays out: call it once their specs are known to be right."""
        try:
            arrays: dict[str, NDArray[Any]] = safetensors.numpy.load(self.data)
        except safetensors.SafetensorError as error:
            raise ValueError(f"its tensors are not laid out as safetensors asks: {error}") from None
        return arrays


def pack(document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> ModelFile:
    """Lay out a file, with zeros in place of its hash, and read it as a loader would."""
    text = json.dumps({"sha256": _ZEROS.decode(), **document}, separators=(",", ":"))
    # In the order of C, as safetensors copies the bytes as they lie.
    dense = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    kind = next(key for key in _KINDS if key in document)
    return _parse(safetensors.numpy.save(dense, metadata={_KEY: text}), kind)


def read(path: str | os.PathLike[str], kind: str = "estimator") -> ModelFile:
    """Read a file of one kind whose hash fits its content.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no file.
    ValueError
        If it is no model file, is damaged, or breaks a rule of the format.
    """
    if Path(path).is_dir():
        raise IsADirectoryError(f"{path} is a directory: pass the path of a model file")
    if Path(path).exists() and not Path(path).is_file():
        raise ValueError("it is no regular file")
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        _header_length(file.read(8), size)
        file.seek(0)
        data = file.read(size)
    start = _find_hash(data)
    if _digest(data, start) != data[start : start + len(_ZEROS)]:
        raise ValueError("its SHA-256 does not fit its content, so it is damaged: copy it anew")
    return _parse(data, kind)


def check_target(path: str | os.PathLike[str]) -> Path:
    """Refuse a path at which no file can be written; follow links to the file itself."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a directory: pass the path of a file in it")
    if target.exists() and not target.is_file():
        raise ValueError(f"{target} is no regular file: pass another path")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"the folder {target.parent} does not exist: make it first")
    if not os.access(target.parent, os.W_OK):
        raise PermissionError(f"the folder {target.parent} is read-only: pass another path")
    return target


def write(target: Path, data: bytes) -> None:
    """Put a packed file in place, with its hash: whole, or not at all."""
    start = _find_hash(data)
    view = memoryview(data)
    # In the same folder, so that the renaming is atomic.
    temporary = target.with_name(f".mvdisent-{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            for part in (view[:start], _digest(data, start), view[start + len(_ZEROS) :]):
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make the renaming last through a power cut, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _header_length(head: bytes, size: int) -> int:
    length = int.from_bytes(head, "little")
    if len(head) < 8 or length > size - 8:
        likely = {b"\x80": "a pickle", b"PK": "a zip archive, as torch.save writes"}
        kind = next((text for magic, text in likely.items() if head.startswith(magic)), None)
        raise ValueError(
            "it is not a whole file of mvdisent.save or fit"
            + (f", but perhaps {kind}: nothing is unpickled" if kind else "")
            + "; pass one that these wrote"
        )
    if length > _MAX_HEADER:
        raise ValueError(f"its header has {length} bytes, more than {_MAX_HEADER}")
    if size > _MAX_FILE:
        raise ValueError(f"it has {size} bytes, more than {_MAX_FILE}")
    return length


def _find_hash(data: bytes) -> int:
    """Give the position of the hash."""
    fields = list(_FIELD.finditer(data, 8, 8 + _header_length(data[:8], len(data))))
    if len(fields) != 1:
        raise ValueError(
            "it is not a file of mvdisent.save or fit, or is damaged: it has no SHA-256"
        )
    return fields[0].start(1)


def _digest(data: bytes, start: int) -> bytes:
    """Hash a file with zeros in place of its hash."""
    view = memoryview(data)
    whole = hashlib.sha256(view[:start])
    whole.update(_ZEROS)
    whole.update(view[start + len(_ZEROS) :])
    return whole.hexdigest().encode()


def _parse(data: bytes, kind: str) -> ModelFile:
    """Take the header apart; the arrays stay where they are."""
    header = data[8 : 8 + _header_length(data[:8], len(data))]
    if header.count(b"{") > _MAX_TENSORS:
        raise ValueError(f"its header has more than {_MAX_TENSORS} entries")
    entries = _parse_json(header.decode())
    metadata = entries.pop("__metadata__", None) if isinstance(entries, dict) else None
    if not isinstance(metadata, dict) or [*metadata] != [_KEY]:
        raise ValueError(f"its header has no metadata of the one key {_KEY!r}")
    if not isinstance(metadata[_KEY], str):
        raise ValueError(f"its metadata {_KEY!r} is no text")
    document = _parse_json(metadata[_KEY])
    _check_document(document, kind)
    return ModelFile(document, {name: _spec(name, e) for name, e in entries.items()}, data)


def _spec(name: str, entry: Any) -> Spec:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"tensor {name!r} has another header than safetensors gives")
    dtype, shape = entry["dtype"], entry["shape"]
    if dtype not in [*DTYPES.values()] or not isinstance(shape, list):
        raise ValueError(f"tensor {name!r} has dtype {dtype!r} and shape {shape!r}")
    if not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(f"tensor {name!r} has shape {shape!r}")
    return dtype, tuple(shape)


def _check_document(document: Any, kind: str) -> None:
    number = document.get("format") if isinstance(document, dict) else None
    if type(number) is not int or number < 1:
        raise ValueError(f"its format number is {number!r}, not an integer from 1")
    if number > FORMAT:
        raise ValueError(
            f"it has format {number}, and this mvdisent reads format {FORMAT} at most: upgrade "
            "mvdisent"
        )
    for other, (name, cure) in _KINDS.items():
        if other != kind and other in document:
            raise ValueError(f"it is {name}, not {_KINDS[kind][0]}: {cure}")
    check_keys(document, ("sha256", "format", "versions", kind), "its text")
    versions = document["versions"]
    if not isinstance(versions, dict) or not all(isinstance(v, str) for v in versions.values()):
        raise ValueError("its versions are no dict of strings")


def check_keys(value: Any, keys: tuple[str, ...], name: str) -> None:
    """Refuse what is not a dict of exactly these keys."""
    if not isinstance(value, dict):
        raise ValueError(f"{name} is a {type(value).__name__}, not a dict")
    if value.keys() != set(keys):
        unknown, missing = sorted(value.keys() - set(keys)), sorted(set(keys) - value.keys())
        raise ValueError(f"{name} has unknown keys {unknown} and lacks {missing}")


def _parse_json(text: str) -> Any:
    """Parse strict JSON: no duplicate key, no NaN, nothing large or deep."""
    if sum(text.count(mark) for mark in ",:[{") > _MAX_ITEMS:
        raise ValueError(f"its text has more than {_MAX_ITEMS} items")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_finite,
            parse_float=_finite,
            parse_int=_small,
        )
    except RecursionError:
        raise ValueError(f"its text is nested more than {_MAX_DEPTH} deep") from None
    _check_depth(value, _MAX_DEPTH)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"its text has the key {key!r} twice in one place")
        found[key] = value
    return found


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"its text has the number {text[:32]}, which is not finite")
    return value


def _small(text: str) -> int:
    if len(text.lstrip("-")) > MAX_DIGITS:
        raise ValueError(f"its text has an integer of {len(text)} digits")
    return int(text)


def _check_depth(value: Any, left: int) -> None:
    if left < 0:
        raise ValueError(f"its text is nested more than {_MAX_DEPTH} deep")
    if isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            _check_depth(child, left - 1)
