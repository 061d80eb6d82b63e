"""Several processes train the model that one would train: started by torchrun, as users do."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mvdisent import MultiViewDisentangler, load

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SCRIPT = Path(__file__).with_name("distributed_fits.py")
distributed_fits = SimpleNamespace(**runpy.run_path(str(SCRIPT)))
SAME = [name for name in distributed_fits.FITS if name != "fresh entropy"]


def run_group(n_processes, *command, folder):
    run = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={n_processes}"]
    done = subprocess.run(
        [sys.executable, *run, *command],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module", params=[2, 4])
def group(request, tmp_path_factory):
    """Give what each process of a group found, and the folder."""
    folder = tmp_path_factory.mktemp("group")
    run_group(request.param, SCRIPT, folder, folder=folder)
    return [dict(np.load(folder / f"{rank}.npz")) for rank in range(request.param)], folder


@pytest.mark.parametrize("name", SAME)
def test_a_group_trains_the_model_that_one_process_trains(group, name):
    alone = distributed_fits.fit(name)
    for found in group[0]:
        assert_allclose(found[name], distributed_fits.weights_of(alone), atol=1e-5)
        assert_allclose(found[f"{name}, history"], alone.history_, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", [*distributed_fits.FITS, "went on"])
def test_all_processes_have_the_same_weights_bit_by_bit(group, name):
    for found in group[0][1:]:
        assert_array_equal(found[name], group[0][0][name])


def test_the_saved_model_serves_a_process_that_is_in_no_group(group):
    model = load(group[1] / "model")
    assert_array_equal(distributed_fits.weights_of(model), group[0][0]["went on"])
    assert model.transform(distributed_fits.X).shape == (26, 5)
    with pytest.raises(ValueError, match="distributed=True, but this process is in no group"):
        model.partial_fit(distributed_fits.X)


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        ("another X", "X of process 1 is not that of process 0"),
        ("one row more", "X of process 1 is not that of process 0"),
        ("small batches", "batch_size=3 leaves batches of 2 of 10 samples"),
        ("divergence", "the fit has diverged"),
        ("checkpoint", "does not go with distributed=True"),
    ],
)
def test_every_process_is_told_what_is_wrong(group, cause, message):
    processes, _ = group
    if cause == "small batches" and len(processes) == 2:
        message = "no error"  # a row each is enough
    for found in processes:
        assert message in str(found[cause])


def test_without_a_group_fit_says_how_to_start_one():
    with pytest.raises(ValueError, match=r"start it by torchrun .*init_process_group"):
        MultiViewDisentangler(distributed=True).fit(distributed_fits.X)


def test_the_script_of_the_page_on_clusters_writes_a_model(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "clusters.rst").read_text(encoding="utf-8")
    block = page.split("``train.py``:\n\n.. code-block:: python\n\n")[1].split("\n.. code-block")[0]
    script = textwrap.dedent(block).replace("16000, tr", "24, tr")  # the rest as it stands
    (tmp_path / "train.py").write_text(script, encoding="utf-8")
    run_group(2, tmp_path / "train.py", folder=tmp_path)
    assert load(tmp_path / "model.mvdisent").n_epochs_ == 30
