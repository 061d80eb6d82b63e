"""A model file that is small enough to be damaged in every place, and ways to forge others."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import struct
import sys
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import safetensors.numpy

from mvdisent import MultiViewDisentangler
from mvdisent.nn import MLPDecoder, MLPEncoder
from mvdisent.persistence import load, save

FIELD = b'\\"sha256\\":\\"'
FORBIDDEN = (
    "pickle.find_class",
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "subprocess.Popen",
    "socket.",
    "ctypes.dlopen",
    "exec",
    "shutil.",
)
MAX_BYTES = 100 * 10**6


class Parts(NamedTuple):
    """A model file taken apart, in code that shares nothing with the package."""

    document: dict[str, Any]
    arrays: dict[str, np.ndarray]


def hashed(data: bytes) -> bytes:
    """Put the right hash into a file that has a place for it."""
    start = data.find(FIELD)
    if start < 0:
        return data
    start += len(FIELD)
    zeroed = data[:start] + b"0" * 64 + data[start + 64 :]
    digest = hashlib.sha256(zeroed).hexdigest().encode()
    return data[:start] + digest + data[start + 64 :]


@pytest.fixture(scope="session")
def forge() -> Any:
    return forge_file


@pytest.fixture(scope="session")
def forge_header() -> Any:
    return forge_file_header


def forge_file(document: Any, arrays: dict[str, np.ndarray]) -> bytes:
    """Write a file with any content."""
    text = document if isinstance(document, str) else json.dumps(document, separators=(",", ":"))
    dense = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    return hashed(safetensors.numpy.save(dense, metadata={"mvdisent": text}))


def forge_file_header(header: str | bytes, data: bytes = b"") -> bytes:
    """Write a file with any header."""
    raw = header.encode() if isinstance(header, str) else header
    return hashed(struct.pack("<Q", len(raw)) + raw + data)


class Small(NamedTuple):
    path: Path
    networks: dict[str, Any]  # to be given at load


@pytest.fixture(scope="package")
def small(tmp_path_factory) -> Small:
    """Return a model of 2 features a view, with networks of 2 hidden units."""
    networks = {
        "encoder": partial(MLPEncoder, hidden=(2,)),
        "decoder": partial(MLPDecoder, hidden=(2,)),
    }
    X = np.random.default_rng(0).normal(size=(12, 2, 2)).astype(np.float32)
    model = MultiViewDisentangler(
        1, 1, max_epochs=40, lr=0.05, random_state=0, decoder_std=0.1, **networks
    )
    path = tmp_path_factory.mktemp("small") / "model"
    save(model.fit(X), path)
    return Small(path, networks)


@pytest.fixture
def parts(small) -> Parts:
    return take_apart(small.path)


@pytest.fixture(scope="session")
def parts_of() -> Any:
    return take_apart


def take_apart(path: Path) -> Parts:
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    return Parts(json.loads(header["__metadata__"]["mvdisent"]), safetensors.numpy.load(data))


class Guard:
    """Record what the interpreter is asked to do while the guard is on."""

    def __init__(self) -> None:
        self.on, self.seen = False, []
        sys.addaudithook(self.hook)

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        if self.on and (event.startswith(FORBIDDEN) or self.is_writing(event, args)):
            self.seen.append((event, args))

    @staticmethod
    def is_writing(event: str, args: tuple[Any, ...]) -> bool:
        return event == "open" and bool((args[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


@pytest.fixture(scope="module")
def guard() -> Guard:
    return Guard()


@pytest.fixture
def attempt(small, guard, tmp_path):
    """Return a function that loads some bytes under guard, within bounds of memory."""
    load(small.path, **small.networks)  # torch imports some of its parts at their first use
    path = tmp_path / "hostile"

    def load_guarded(data: bytes, **options: Any) -> Any:
        path.write_bytes(data)
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (used + MAX_BYTES, hard))
        guard.on = True
        try:
            return load(path, **{**small.networks, **options})
        finally:
            guard.on = False
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
            assert guard.seen == []

    return load_guarded
