"""The notebooks that a reader downloads: whole, the same code as the scripts, and runnable."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT
from nbclient import NotebookClient

EXAMPLES = {path.stem: path for path in sorted((ROOT / "examples").glob("plot_*.py"))}


def download(folder: Path, name: str) -> nbformat.NotebookNode:
    (path,) = (folder / "_downloads").glob(f"*/{name}.ipynb")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def code_of(notebook: nbformat.NotebookNode) -> ast.Module:
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return ast.parse("\n".join(cells))


def seconds(folder: Path, name: str) -> float:
    """Return how long the gallery took for an example, as its page says."""
    page = (folder / "auto_examples" / f"{name}.html").read_text(encoding="utf-8")
    (minutes, rest) = re.search(r"\((\d+) minutes ([\d.]+) seconds\)", page).groups()
    return 60 * int(minutes) + float(rest)


def test_each_example_has_a_notebook_and_no_other_has(folder):
    found = sorted(path.stem for path in (folder / "_downloads").glob("*/plot_*.ipynb"))
    assert found == list(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_notebook_is_the_code_of_its_script(folder, name):
    script = ast.parse(EXAMPLES[name].read_text(encoding="utf-8"))
    script.body = script.body[1:]  # the docstring became the first text cell
    assert ast.dump(code_of(download(folder, name))) == ast.dump(script)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_notebook_uses_no_name_that_a_script_alone_has(folder, name):
    names = {n.id for n in ast.walk(code_of(download(folder, name))) if isinstance(n, ast.Name)}
    assert "__file__" not in names


def test_the_quickest_notebook_runs_where_it_was_downloaded(folder, tmp_path):
    # The gallery has run the code of all, which the notebooks were just found to hold.
    notebook = download(folder, min(EXAMPLES, key=lambda name: seconds(folder, name)))
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    done = client.execute()
    outputs = [out for cell in done.cells if cell.cell_type == "code" for out in cell.outputs]
    assert any("image/png" in out.get("data", {}) for out in outputs)
    assert not any(out.output_type == "error" for out in outputs)
