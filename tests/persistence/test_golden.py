"""Files of every format version load, and do what they did when they were written.

``golden/make.py`` wrote them, with what was expected beside each.
"""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from mvdisent import _format
from mvdisent.persistence import load

FOLDER = Path(__file__).parent / "golden"
FILES = sorted(FOLDER.glob("format_*/*.mvdisent"))
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def script() -> Any:
    """Give the script that wrote the files: what it describes is what is tested."""
    spec = importlib.util.spec_from_file_location("make_golden", FOLDER / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKE = script()


@pytest.fixture(params=FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def golden(request):
    return request.param, json.loads(request.param.with_suffix(".json").read_text())


def test_each_format_up_to_this_one_has_its_files():
    found = {path.relative_to(FOLDER).as_posix() for path in FILES}
    names = ("disentangler", "pipeline")
    assert found == {
        f"format_{number}/{name}.mvdisent"
        for number in range(1, _format.FORMAT + 1)
        for name in names
    }


def test_a_golden_file_is_of_the_format_that_its_folder_says(golden):
    path, _ = golden
    assert path.parent.name == f"format_{_format.read(path).document['format']}"


def test_a_golden_file_does_what_it_did_when_it_was_written(golden):
    path, expected = golden
    found = MAKE.describe(load(path, **MAKE.NETWORKS), np.array(expected["X"]))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        # One epoch more is a thousand roundings more, each magnified by Adam.
        rtol = 1e-3 if "epoch" in name else 1e-5
        assert_allclose(found[name], value, rtol=rtol, atol=rtol, err_msg=name)


@pytest.mark.parametrize("device", DEVICES)
def test_a_golden_file_gives_its_features_on_each_device(golden, device):
    path, expected = golden
    estimator = load(path, device=device, **MAKE.NETWORKS)
    features = estimator.transform(np.array(expected["X"]))
    assert_allclose(features, expected["features"], rtol=1e-5, atol=1e-5)


def test_a_golden_file_of_the_next_format_is_refused(golden, tmp_path, parts_of, forge):
    path, _ = golden
    document, arrays = parts_of(path)
    (tmp_path / "newer").write_bytes(forge({**document, "format": _format.FORMAT + 1}, arrays))
    problem = f"newer: it has format {_format.FORMAT + 1}, and this mvdisent reads format"
    with pytest.raises(ValueError, match=re.escape(problem) + ".*upgrade mvdisent"):
        load(tmp_path / "newer", **MAKE.NETWORKS)
