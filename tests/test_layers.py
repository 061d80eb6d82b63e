"""Who may import whom, and how large a file may grow (see "Where what lives" in the docs)."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from package_imports import LAYERS, Import, imports_of, module_name, unit_of

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "mvdisent"

HOMES = {"librosa": {"audio"}, "skorch": {"_net"}, "matplotlib": {"plotting"}}
KNOWS_NO_SKLEARN = {"nn", "objectives"}
MAX_LINES = 350
MAX_BODY_LINES = 60  # of a function, its docstring not counted


def import_problem(module: str, found: Import, package: str) -> str | None:
    """Say which import rule is broken, if any."""
    unit, target = unit_of(module), found.module.split(".")[0]
    if target == package:
        other = unit_of(found.module)
        if other not in LAYERS:  # a public name, taken from the root
            other = "__init__"
        if other == unit or LAYERS[unit] > LAYERS[other]:
            return None
        return f"{unit} (layer {LAYERS[unit]}) may not import {other}"
    if target == "matplotlib" and found.for_types_only:
        return None
    if target in HOMES and unit not in HOMES[target]:
        return f"{target} lives in {', '.join(HOMES[target])} alone"
    if target == "matplotlib" and not found.in_function:
        return "import matplotlib inside the function that draws"
    if target == "sklearn" and unit in KNOWS_NO_SKLEARN:
        return f"{unit} knows no scikit-learn"
    standard = target in sys.stdlib_module_names
    own = "torch" if unit == "_allocator" else "numpy"
    if LAYERS[unit] == 0 and target != own and not standard:
        return f"layer 0 imports {own} alone, not {target}"
    return None


def init_problems(tree: ast.Module, path: Path) -> Iterator[str]:
    """An ``__init__.py`` holds a docstring, imports, ``__all__`` (and the version) alone."""
    if ast.get_docstring(tree) is None:
        yield f"{path}:1: no docstring says what lives here"
    for node in tree.body[1:]:
        names = [ast.unparse(t) for t in node.targets] if isinstance(node, ast.Assign) else []
        if not (
            isinstance(node, ast.Import | ast.ImportFrom) or names in (["__all__"], ["__version__"])
        ):
            yield f"{path}:{node.lineno}: re-exports alone belong here"


def size_problems(tree: ast.Module, source: str, path: Path) -> Iterator[str]:
    lines = len(source.splitlines())
    if lines > MAX_LINES:
        yield f"{path}: {lines} lines, more than {MAX_LINES}: give each job a file"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = node.end_lineno - body[0].lineno + 1 if body else 0
            if length > MAX_BODY_LINES:
                yield f"{path}:{node.lineno}: {node.name} has {length} lines: split it"


def package_problems(package: Path) -> list[str]:
    """Return every broken rule of the package as ``file:line: what``."""
    problems = []
    for path in sorted(package.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
        module = module_name(path, package)
        if unit_of(module) not in LAYERS:
            problems.append(f"{path}: no layer for {unit_of(module)!r}: add it to LAYERS")
            continue
        for found in imports_of(tree, path, package):
            if text := import_problem(module, found, package.name):
                problems.append(f"{path}:{found.line}: {text}")
        if path.name == "__init__.py":
            problems.extend(init_problems(tree, path))
        problems.extend(size_problems(tree, source, path))
    return problems


def test_the_package_keeps_every_rule():
    assert package_problems(PACKAGE) == []


@pytest.mark.parametrize("folder", ["tests", "examples", "docs", ".ci"])
def test_files_beside_the_package_are_short_too(folder):
    paths = [p for p in (ROOT / folder).rglob("*.py") if "auto_examples" not in p.parts]
    sources = {path: path.read_text(encoding="utf-8") for path in paths}
    problems = [
        text for path, src in sources.items() for text in size_problems(ast.parse(src), src, path)
    ]
    assert problems == []


BROKEN = [
    ("_checks.py", "import pandas", "layer 0 imports numpy alone"),
    ("_allocator.py", "import numpy", "layer 0 imports torch alone"),
    ("_blocks.py", "from ._checks import check", "_blocks .* may not import _checks"),
    ("nn/_vae.py", "from ..objectives import terms", "nn .* may not import objectives"),
    ("audio/_mel.py", "from mvdisent.views import crops", "audio .* may not import views"),
    ("views/_crop.py", "from .. import _net", "views .* may not import _net"),
    ("_net.py", "from ._disentangler import Net", "_net .* may not import _disentangler"),
    ("metrics/_mi.py", "from .._disentangler import Net", "may not import _disentangler"),
    ("metrics/_mi.py", "from mvdisent import Net", "metrics .* may not import __init__"),
    ("_disentangler.py", "from .persistence import save", "may not import persistence"),
    ("metrics/_mi.py", "from .._inference import codes", "may not import _disentangler"),
    ("plotting/_mi.py", "from ..__main__ import main", "may not import __main__"),
    ("datasets/_tones.py", "import librosa.filters", "librosa lives in audio alone"),
    ("_disentangler.py", "def fit():\n    import skorch", "skorch lives in _net alone"),
    ("__main__.py", "def f():\n    import matplotlib", "matplotlib lives in plotting alone"),
    ("plotting/_mi.py", "import matplotlib.pyplot", "import matplotlib inside the function"),
    ("nn/_vae.py", "from sklearn.base import clone", "nn knows no scikit-learn"),
    ("objectives/_kl.py", "import sklearn", "objectives knows no scikit-learn"),
    ("utils.py", "", "no layer for 'utils'"),
    ("nn/__init__.py", '"""Doc."""\nx = 1', "re-exports alone"),
    ("nn/__init__.py", "from ._vae import VAE", "no docstring"),
    ("nn/_vae.py", "\n" * (MAX_LINES + 1), "351 lines"),
    ("nn/_vae.py", "def f():\n" + "    x = 1\n" * (MAX_BODY_LINES + 1), "f has 61 lines"),
]


@pytest.mark.parametrize(("file", "source", "problem"), BROKEN)
def test_each_broken_rule_is_found(tmp_path, file, source, problem):
    path = tmp_path / "mvdisent" / file
    path.parent.mkdir(parents=True)
    path.write_text(source, encoding="utf-8")
    (found,) = package_problems(tmp_path / "mvdisent")
    assert re.search(problem, found)


ALLOWED = [
    ("metrics/_mi.py", "import sklearn\nfrom ._probe import probe\nfrom .. import _checks"),
    ("plotting/_mi.py", "from ..metrics import mi\ndef plot():\n    import matplotlib.pyplot"),
    (
        "plotting/_mi.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from matplotlib.axes import Axes",
    ),
    ("__main__.py", "from .plotting import d\nfrom mvdisent import MultiViewDisentangler as M"),
    ("_checks.py", "from __future__ import annotations\nimport math\nimport numpy.typing"),
    ("__init__.py", '"""Doc."""\nfrom .nn import VAE\n__all__ = ["VAE"]\n__version__ = "1"'),
]


@pytest.mark.parametrize(("file", "source"), ALLOWED)
def test_what_the_rules_allow_passes(tmp_path, file, source):
    path = tmp_path / "mvdisent" / file
    path.parent.mkdir(parents=True)
    path.write_text(source, encoding="utf-8")
    assert package_problems(tmp_path / "mvdisent") == []
