"""What a step of training frees, the next one finds again, and asks for no page anew."""

from __future__ import annotations

import mmap
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from mvdisent import _allocator

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "bench_allocator.py"

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="the allocator of glibc alone takes such a hint"
)


def page_faults(hint: str) -> float:
    """Give those of a step, in a process whose memory no other test has shaped."""
    done = subprocess.run(
        [sys.executable, SCRIPT, "--batch-size", "256", "--of", hint, "conv", "float32"],
        # Dask sets some where it starts workers, after which glibc learns no more.
        env={k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))},
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    return float(done.stdout.split()[1])


def test_a_step_of_training_asks_for_few_new_pages():
    kept, given_back = page_faults("kept"), page_faults("given back")
    # A step frees more than the 64 MB from which glibc gives the end of its heap back.
    assert given_back > 2**26 / mmap.PAGESIZE
    assert 100 * kept < given_back


LIMITED = """
import resource
import sys
from pathlib import Path

import numpy as np

from mvdisent import MultiViewDisentangler

X = np.random.default_rng(0).standard_normal((64, 2, 8), dtype=np.float32)
MultiViewDisentangler(2, 2, max_epochs=1).fit(X)  # imports, which take memory too
n_pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = n_pages * resource.getpagesize() + int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
print(MultiViewDisentangler(2, 2, max_epochs=2).fit(X).n_epochs_)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux tells its size there")
def test_a_process_that_may_not_ask_for_so_much_is_fitted_all_the_same():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LIMITED, str(_allocator._KEPT_BYTES // 2)],
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    assert done.stdout == "2\n"
