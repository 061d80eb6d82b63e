"""Every public callable is called by a fuzz test, or it is said why not."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

import mvdisent

FOLDER = Path(__file__).parent
MODULES = ("audio", "datasets", "metrics", "model_selection", "nn", "objectives", "persistence")
MODULES += ("plotting", "views")
# Results and options, which nobody calls.
NOT_CALLED = {
    *("AudioFileError", "Clips", "DCI", "CrossView", "DependenceTest", "KLParts", "Posterior"),
    *("SwapTriplets", "TONE_SETTINGS"),
    *("KL_ESTIMATORS", "NOTE_INSTRUMENTS", "NoteInstrument", "PRECISIONS", "PROBES"),
}


def public_names() -> set[str]:
    modules = [importlib.import_module(f"mvdisent.{name}") for name in MODULES]
    return {name for module in (mvdisent, *modules) for name in module.__all__}


def used_names(path: Path) -> set[str]:
    """Names in expressions: an import alone is no use."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


@pytest.fixture(scope="session")
def used() -> set[str]:
    tests = set(FOLDER.glob("test_*.py")) - {Path(__file__), FOLDER / "test_messages.py"}
    return set().union(*map(used_names, tests))


@pytest.mark.parametrize("name", sorted(public_names() - NOT_CALLED))
def test_every_public_callable_is_fuzzed(used, name):
    assert name in used, f"write a fuzz test of {name}, or add it to NOT_CALLED"


@pytest.mark.parametrize(
    "method",
    [
        *("fit", "partial_fit", "transform", "encode", "decode", "reconstruct", "swap"),
        *("interpolate", "score"),
    ],
)
def test_every_method_of_the_model_is_fuzzed(method):
    text = (FOLDER / "test_estimator.py").read_text(encoding="utf-8")
    assert f"model.{method}(" in text or f'"{method}"' in text


def test_every_folder_is_fuzzed():
    folders = {path.parent.name for path in Path(mvdisent.__file__).parent.glob("*/__init__.py")}
    assert folders == set(MODULES)
