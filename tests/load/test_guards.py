"""No network, no telemetry, no file beyond those asked for, nothing run that data name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# The hook is there before anything of ours is imported.
SCRIPT = Path(__file__).with_name("guarded.py")


@pytest.fixture
def folders(tmp_path):
    """Give empty folders for all that a library might write to unasked."""
    for name in ("home", "cache", "temporary", "work", "asked"):
        (tmp_path / name).mkdir()
    return tmp_path


def run(folders: Path, *args: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, os.fspath(SCRIPT), *args],
        env={
            # torch sets such a variable in the process that runs these tests.
            **{k: v for k, v in os.environ.items() if not k.startswith("TORCHINDUCTOR")},
            "ASKED": os.fspath(folders / "asked"),
            "HOME": os.fspath(folders / "home"),
            "XDG_CACHE_HOME": os.fspath(folders / "cache"),
            "NUMBA_CACHE_DIR": os.fspath(folders / "numba"),
            "TMPDIR": os.fspath(folders / "temporary"),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        cwd=folders / "work",
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


def test_a_day_s_work_reaches_for_nothing_that_it_was_not_given(folders):
    done = run(folders)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["done"]
    # Also what C code wrote, of which the hook hears nothing.
    found = {path.relative_to(folders).as_posix() for path in folders.rglob("*") if path.is_file()}
    assert found == {"asked/model", "asked/spectra.npy"}


@pytest.mark.parametrize("offence", ["socket", "write", "mkdir", "rename", "run", "eval", "pickle"])
def test_the_guard_sees_what_it_should(folders, offence):
    done = run(folders, offence)
    assert done.returncode != 0
    assert "forbidden:" in done.stderr
