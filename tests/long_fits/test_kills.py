"""A fit that is killed at any moment ends as one that never was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mvdisent

FULL = "MVDISENT_FULL_COUNTS" in os.environ
N_KILLS = 250 if FULL else 20


@pytest.mark.parametrize("case", ["marl", "swap"])
def test_a_fit_killed_again_and_again_ends_with_the_same_bits(case, tmp_path):
    script = Path(__file__).with_name("killed.py")
    done = subprocess.run(
        [sys.executable, script, case, str(N_KILLS), tmp_path],
        capture_output=True,
        text=True,
        check=False,
        timeout=600 + 4 * N_KILLS,  # a hang, not a slow machine
        cwd=Path(mvdisent.__file__).parents[1],
        env={**os.environ, "PYTHONPATH": "."},
    )
    assert (done.returncode, done.stderr) == (0, "")
    counts = json.loads(done.stdout)
    print(counts)
    assert counts["kills"] >= N_KILLS
    assert counts["in an epoch"] > N_KILLS / 2
    assert counts["equal"] == counts["finished"] > 0
