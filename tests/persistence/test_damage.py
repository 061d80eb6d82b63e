"""A file that is not as it was written is refused, wherever it was damaged."""

from __future__ import annotations

import os
import shutil

import pytest

from mvdisent.persistence import load


@pytest.fixture
def copy(small, tmp_path):
    return shutil.copy(small.path, tmp_path / "copy")


def refused(path, networks) -> bool:
    try:
        load(path, **networks)
    except ValueError as error:
        assert str(error).startswith(f"{path}: ")  # noqa: PT017 - thousands of times, so in a loop
        return True
    return False


def test_a_changed_bit_is_refused_in_every_byte(small, copy):
    missed = []
    with open(copy, "r+b", buffering=0) as file:
        for position, byte in enumerate(small.path.read_bytes()):
            # Each bit in its turn; the one of 32 makes a capital of a letter of the hash.
            os.pwrite(file.fileno(), bytes([byte ^ 1 << position % 8]), position)
            if not refused(copy, small.networks):
                missed.append(position)
                if len(missed) == 10:  # a load takes long where it succeeds
                    break
            os.pwrite(file.fileno(), bytes([byte]), position)
    assert missed == []
    load(copy, **small.networks)


def test_a_file_is_refused_at_every_length_but_its_own(small, copy):
    size = small.path.stat().st_size
    with open(copy, "ab") as file:
        file.write(bytes(9))
    missed = []
    for length in range(size + 9, -1, -1):
        os.truncate(copy, length)
        if not refused(copy, small.networks):
            missed.append(length)
            if len(missed) == 10:
                break
    assert missed == [size]


def test_swapped_halves_of_two_models_are_refused(small, copy, tmp_path):
    data = small.path.read_bytes()
    (tmp_path / "mixed").write_bytes(data[:-400] + data[-200:] + data[-400:-200])
    assert refused(tmp_path / "mixed", small.networks)


def test_what_is_wrong_is_told(small, copy, tmp_path):
    with open(copy, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\xff")
    with pytest.raises(ValueError, match=r"copy: its SHA-256 does not fit.*damaged: copy it anew"):
        load(copy, **small.networks)
    os.truncate(copy, 100)
    with pytest.raises(ValueError, match=r"copy: it is not a whole file of mvdisent\.save"):
        load(copy, **small.networks)
    with pytest.raises(FileNotFoundError, match="absent"):
        load(tmp_path / "absent")
    with pytest.raises(IsADirectoryError, match="is a directory: pass the path of a model file"):
        load(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="it is no regular file"):  # and does not wait for a writer
        load(tmp_path / "pipe")
