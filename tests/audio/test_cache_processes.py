"""A cache whose writers are killed, or are two: it goes on, and is right."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

N_KILLS = 25

SCRIPT = """
import os, random, signal, sys, time
import numpy as np, pandas as pd, torch
torch.set_num_threads(1)
from mvdisent.audio import LogMel, cache_log_mel, read_clips

segments, folder, mode = pd.read_csv(sys.argv[1]), sys.argv[2], sys.argv[3]
log_mel = LogMel(8000, n_fft=128, hop_length=64, n_mels=8)

def run(folder=folder):
    return cache_log_mel(segments, folder, log_mel=log_mel, duration=0.05)

def child(work):
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    return pid

expected = log_mel.transform(read_clips(segments, sample_rate=8000, duration=0.05).X)[:, 0]
began = time.perf_counter()
run(folder + "-timed")
whole = time.perf_counter() - began
if mode == "kill":
    rng, killed = random.Random(0), 0
    trial, n_kills = 0, int(sys.argv[4])
    while killed < n_kills:
        trial += 1
        assert trial < 40 * n_kills
        pid = child(run)
        time.sleep(rng.uniform(0, 0.4 * whole))
        os.kill(pid, signal.SIGKILL)
        died = os.WIFSIGNALED(os.waitpid(pid, 0)[1])
        killed += died
        if not died or trial % 5 == 4:  # as it is now, it can be gone on with
            assert np.array_equal(run(f"{folder}").X, expected)
            folder += "x"
    print("killed", killed)
else:
    for trial in range(int(sys.argv[4])):
        target = folder + str(trial)
        pids = [child(lambda: np.array_equal(run(target).X, expected) or os._exit(3)) for _ in "ab"]
        codes = [os.waitpid(pid, 0)[1] for pid in pids]
        assert codes == [0, 0], codes
        assert np.array_equal(run(target).X, expected)
    print("shared")
"""


def run_script(segments, tmp_path, *args):
    segments.to_csv(tmp_path / "segments.csv", index=False)
    return subprocess.run(
        [
            *(sys.executable, "-c", SCRIPT),
            *(str(tmp_path / "segments.csv"), str(tmp_path / "cache"), *args),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_after_kills_at_random_times_it_goes_on_and_is_right(segments, tmp_path):
    done = run_script(segments, tmp_path, "kill", str(N_KILLS))
    assert done.stderr == ""
    assert done.stdout == f"killed {N_KILLS}\n"


def test_two_processes_may_write_at_once(segments, tmp_path):
    done = run_script(segments, tmp_path, "two", "4")
    assert (done.stdout, done.stderr) == ("shared\n", "")
    for trial in range(4):
        with sqlite3.connect(tmp_path / f"cache{trial}" / "index.sqlite") as index:
            assert index.execute("SELECT COUNT(*) FROM chunks").fetchone() == (4,)
        index.close()
