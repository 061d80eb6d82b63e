"""Which part of the package imports which, read from the code.

The import rule (tests/test_layers.py) and the drawing of the parts (module_graph) both go by this.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# Imports go from a higher layer to a lower one, or stay within one folder.
LAYERS = {
    "_allocator": 0,
    "_checks": 0,
    "_blocks": 0,
    "_pairing": 0,
    "datasets": 1,
    "audio": 1,
    "views": 1,
    "nn": 1,
    "objectives": 1,
    "_format": 1,
    "_net": 2,
    "metrics": 3,
    "model_selection": 3,
    "_disentangler": 3,
    "plotting": 4,
    "persistence": 4,
    "__init__": 5,  # the root: re-exports the public names
    "__main__": 6,
}
# The estimator, the checks and the command line are several files each.
PART_OF = {
    "_axes": "_net",
    "_batches": "_net",
    "_build": "_net",
    "_checkpoint": "_disentangler",
    "_constraints": "_disentangler",
    "_decoding": "_disentangler",
    "_inference": "_disentangler",
    "_passes": "_disentangler",
    "_processes": "_net",
    "_stopping": "_disentangler",
    "_terms": "_net",
    "_transport": "_net",
    "_training": "_disentangler",
    "_arrays": "_checks",
    "_factor_checks": "_checks",
    "_param_checks": "_checks",
    "_extract": "__main__",
    "_fit_job": "__main__",
    "_options": "__main__",
    "_reproduce": "__main__",
    "_workers": "__main__",
}


class Import(NamedTuple):
    """One imported module, by its absolute name."""

    module: str
    line: int
    in_function: bool
    for_types_only: bool


def unit_of(module: str) -> str:
    """Name the part of the package that a module belongs to: 'metrics' for mvdisent.metrics._mi."""
    parts = module.split(".")
    unit = parts[1] if len(parts) > 1 else "__init__"
    return PART_OF.get(unit, unit)


def module_name(path: Path, package: Path) -> str:
    parts = [package.name, *path.relative_to(package).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(tree: ast.Module, path: Path, package: Path) -> Iterator[Import]:
    """Yield every import; of ``from . import a`` the module ``.a``."""
    inside = [package.name, *path.relative_to(package).parts[:-1]]

    def walk(node: ast.AST, in_function: bool, for_types: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(alias.name, child.lineno, in_function, for_types)
            elif isinstance(child, ast.ImportFrom):
                base = inside[: len(inside) - child.level + 1] if child.level else []
                base = base + (child.module.split(".") if child.module else [])
                for alias in child.names:
                    # A name of the package itself may be one of its modules.
                    whole = [*base, alias.name] if base == [package.name] else base
                    yield Import(".".join(whole), child.lineno, in_function, for_types)
            else:
                is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
                types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
                yield from walk(child, in_function or is_function, for_types or types)

    yield from walk(tree, False, False)


def part_imports(package: Path) -> set[tuple[str, str]]:
    """Pair each part of the package with each other part that it imports."""
    pairs = set()
    for path in sorted(package.rglob("*.py")):
        unit = unit_of(module_name(path, package))
        for found in imports_of(ast.parse(path.read_text(encoding="utf-8")), path, package):
            if found.module.split(".")[0] == package.name:
                other = unit_of(found.module)
                pairs.add((unit, other if other in LAYERS else "__init__"))
    return {(unit, other) for unit, other in pairs if unit != other}
