"""The docs say what the code says: names, parameters, defaults, commands."""

from __future__ import annotations

import ast
import configparser
import importlib
import importlib.metadata
import importlib.util
import inspect
import pkgutil
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from numpydoc.docscrape import FunctionDoc

import mvdisent

ROOT = Path(__file__).parent.parent
API = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def public_modules() -> list[ModuleType]:
    """The root, then every part of the package without a leading underscore."""
    parts = [info.name for info in pkgutil.iter_modules(mvdisent.__path__)]
    names = ["mvdisent", *(f"mvdisent.{name}" for name in parts if not name.startswith("_"))]
    return [importlib.import_module(name) for name in names]


def public_names() -> dict[str, Any]:
    """Map 'mvdisent.audio.LogMel' to the object, for every name in an ``__all__``."""
    return {
        f"{module.__name__}.{name}": getattr(module, name)
        for module in public_modules()
        for name in getattr(module, "__all__", ())
    }


def api_names(text: str) -> list[str]:
    """Return the entries of the autosummary lists, in order, with their modules."""
    names, module = [], ""
    for line in text.splitlines():
        if found := re.fullmatch(r"\.\. automodule:: (\S+)", line):
            module = found[1]
        elif found := re.fullmatch(r" +(\w+)", line):
            names.append(f"{module}.{found[1]}")
    return names


def resolve(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


PUBLIC = public_names()
# Each function and class once, under its first public name (the root re-exports some).
DOCUMENTED = list({id(o): (n, o) for n, o in reversed(PUBLIC.items()) if callable(o)}.values())


def methods_of(cls: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the public methods that this package wrote."""
    for name, member in inspect.getmembers(cls, inspect.isroutine):
        home = getattr(member, "__module__", None) or ""
        if not name.startswith("_") and home.startswith("mvdisent"):
            yield name, member


def documented_callables() -> list[Any]:
    """Every public function, class and method, with its name as test id."""
    found = []
    for name, obj in DOCUMENTED:
        found.append(pytest.param(obj, True, id=name))
        if inspect.isclass(obj):
            found += [pytest.param(m, False, id=f"{name}.{k}") for k, m in methods_of(obj)]
    return found


def default_problem(type_text: str, parameter: inspect.Parameter) -> str | None:
    """Compare ``int, default=8`` with the signature's default."""
    stated = re.search(r"default(?:=|: ?| )(.+)$", type_text)
    if parameter.default is inspect.Parameter.empty:
        return "has no default, but one is documented" if stated else None
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        return None
    if type_text.lower() == "ignored":  # scikit-learn's word for a y that is never read
        return None
    if stated is None:
        return f"the docstring does not say default={parameter.default!r}"
    try:
        value = ast.literal_eval(stated[1])
    except (ValueError, SyntaxError):
        value = stated[1]
    default = parameter.default
    if (type(value), value) == (type(default), default) or stated[1] == str(default):
        return None
    return f"the docstring says default={stated[1]}, the signature {default!r}"


def docstring_problems(obj: Any, *, needs_sections: bool) -> list[str]:
    """Say where a docstring and a signature differ.

    A method whose docstring is one line needs no sections; all others do.
    """
    text = inspect.getdoc(obj)
    if not text:
        return ["no docstring"]
    if issubclass(obj, tuple) if inspect.isclass(obj) else not needs_sections and "\n" not in text:
        return []
    doc = FunctionDoc(obj, doc=text)
    signature = inspect.signature(obj)
    parameters = [p for n, p in signature.parameters.items() if n != "self"]
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    expected = [stars.get(p.kind, "") + p.name for p in parameters]
    types = {n.strip(): p.type for p in doc["Parameters"] for n in p.name.split(",")}
    types = {name.replace("\\", ""): text for name, text in types.items()}
    if list(types) != expected:
        return [f"documents {list(types)}, the signature has {expected}"]
    problems = []
    for name, parameter in zip(expected, parameters, strict=True):
        if problem := default_problem(types[name], parameter):
            problems.append(f"{name}: {problem}")
    returns = signature.return_annotation not in (None, "None", inspect.Signature.empty)
    if returns and not inspect.isclass(obj) and not (doc["Returns"] or doc["Yields"]):
        problems.append("no Returns section")
    return problems


@pytest.mark.parametrize("module", public_modules(), ids=lambda module: module.__name__)
def test_a_public_module_says_what_is_public(module):
    assert getattr(module, "__all__", ())
    assert module.__doc__


@pytest.mark.parametrize("name", PUBLIC)
def test_each_public_name_is_in_the_api_page(name):
    listed = api_names(API)
    known = {id(resolve(entry)) for entry in listed}
    obj = PUBLIC[name]
    found = name in listed or (callable(obj) and id(obj) in known)
    assert found, f"add {name} to docs/api.rst"


def test_the_api_page_lists_public_names_alone_and_each_once():
    listed = api_names(API)
    assert [name for name in listed if name not in PUBLIC] == []
    assert len(set(listed)) == len(listed)


@pytest.mark.parametrize(("obj", "needs_sections"), documented_callables())
def test_a_docstring_equals_its_signature(obj, needs_sections):
    assert docstring_problems(obj, needs_sections=needs_sections) == []


def _agrees(a, *, b=2, **options):
    """Do a thing.

    Parameters
    ----------
    a : int
        One.
    b : int, default=2
        Two.
    **options
        More.
    """


def _no_default(b=2):
    """Do a thing.

    Parameters
    ----------
    b : int
        Two.
    """


def _wrong_default(b=2):
    """Do a thing.

    Parameters
    ----------
    b : int, default=3
        Two.
    """


def _true_is_not_one(b=True):
    """Do a thing.

    Parameters
    ----------
    b : bool, default=1
        Two.
    """


def _other_names(b):
    """Do a thing.

    Parameters
    ----------
    c : int
        Two.
    """


def _no_returns() -> int:
    """Do a thing."""
    return 1


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (_no_default, "does not say default=2"),
        (_wrong_default, "says default=3, the signature 2"),
        (_true_is_not_one, "says default=1, the signature True"),
        (_other_names, "documents .'c'., the signature has .'b'."),
        (_no_returns, "no Returns section"),
        (lambda: None, "no docstring"),
    ],
)
def test_a_docstring_that_differs_is_found(function, problem):
    (found,) = docstring_problems(function, needs_sections=True)
    assert re.search(problem, found)


def test_a_docstring_that_agrees_passes():
    assert docstring_problems(_agrees, needs_sections=True) == []


def test_changelog_and_citation_know_the_current_version():
    version = importlib.metadata.version("mvdisent")
    changelog = (ROOT / "docs" / "changelog.rst").read_text(encoding="utf-8")
    assert re.search(rf"^{re.escape(version)}\b.*\n-+$", changelog, flags=re.MULTILINE)
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.rst")), ids=lambda page: page.stem)
def test_the_examples_of_a_page_are_run(page):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    run = project["tool"]["pytest"]["ini_options"]["testpaths"]
    has_examples = re.search(r"^ *>>> ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert (f"docs/{page.name}" in run) == bool(has_examples)


def read_command(text: str, name: str) -> str:
    spec = importlib.util.spec_from_file_location("reader", ROOT / ".ci" / "readme_command.py")
    reader = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reader)
    return reader.read_command(text, name)


@pytest.mark.parametrize("name", ["reproduce", "tests"])
def test_a_command_of_the_readme_is_found_and_asks_for_extras_that_exist(name):
    command = read_command(README, name)
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    extras = re.search(r"\.\[([\w,]+)\]", command)[1].split(",")
    assert command.startswith("python3 -m venv ")
    assert set(extras) <= set(setup["options.extras_require"])


@pytest.mark.parametrize(
    "text",
    [
        "no marker\n```bash\nls\n```",
        "<!-- ci: tests -->\n```bash\nls\npwd\n```",
        "<!-- ci: tests -->\n```bash\nls\n```\n<!-- ci: tests -->\n```bash\npwd\n```",
    ],
)
def test_a_readme_without_one_such_line_is_refused(text):
    with pytest.raises(ValueError, match="expected one, of one line"):
        read_command(text, "tests")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # a fit cut short
def test_the_readme_s_python_runs():
    (block,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    short, n_cuts = re.subn(r"_views\(\d+", "_views(64", block)
    assert n_cuts == 1
    names: dict[str, Any] = {}
    exec(compile(short, "README.md", "exec"), names)
    assert len(names["features"]) == 64
