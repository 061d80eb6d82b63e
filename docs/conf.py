"""How the site is built: ``sphinx-build -W --keep-going -n -b html docs docs/_build/html``."""

from __future__ import annotations

import os
import re
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.application import Sphinx

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "_ext"))

project = "mvdisent"
author = "The mvdisent developers"
project_copyright = f"2026, {author}"
release = version = installed_version("mvdisent")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "module_graph",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "auto_examples/**.ipynb", "auto_examples/**.py"]
templates_path = ["_templates"]
default_role = "literal"
nitpicky = True

# Inventories of other sites are fetched from the network, so they are linked
# only where MVDISENT_DOCS_INTERSPHINX is set.
if os.environ.get("MVDISENT_DOCS_INTERSPHINX"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        name: (f"https://{host}", None)
        for name, host in {
            "python": "docs.python.org/3",
            "numpy": "numpy.org/doc/stable",
            "pandas": "pandas.pydata.org/docs",
            "sklearn": "scikit-learn.org/stable",
            "skorch": "skorch.readthedocs.io/en/stable",
            "torch": "pytorch.org/docs/stable",
            "matplotlib": "matplotlib.org/stable",
            "librosa": "librosa.org/doc/latest",
        }.items()
    }
else:
    # Without the inventories nothing outside the package can be resolved.
    nitpick_ignore_regex = [
        (r"py:.*", rf"{name}\..+")
        for name in (
            "joblib",
            "librosa",
            "matplotlib",
            "numpy",
            "pandas",
            "sklearn",
            "skorch",
            "torch",
        )
    ]

autosummary_generate = True
autodoc_typehints = "none"  # types stand in the docstrings, with shapes
autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # the class template lists them
numpydoc_xref_param_type = False
numpydoc_citation_re = r"[\w-]+"

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "within_subsection_order": "NumberOfCodeLinesSortKey",  # the shortest first
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("mvdisent",),
    "reference_url": {"mvdisent": None},
    "remove_config_comments": True,
    "ignore_repr_types": r"matplotlib|mvdisent\.plotting",  # the figure says it
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,  # that page loads scripts from other hosts
}

html_theme = "furo"
html_title = f"mvdisent {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/favicon.svg"
html_search_scorer = str(DOCS / "search_scorer.js")
html_domain_indices = False  # the API page is the list of modules
html_copy_source = False
html_show_sphinx = False
html_math_renderer = "mathml"


def _mathml(tex: str, *, as_block: bool) -> str:
    return str(latex2mathml.tex2mathml(tex, as_block=as_block))


def _visit_math(self: Any, node: nodes.math) -> None:
    self.body.append(_mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def _visit_math_block(self: Any, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math notranslate"))
    self.body.append(_mathml(node.astext(), as_block=True) + "</div>\n")
    raise nodes.SkipNode


def _skip_inherited(
    app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object
) -> bool | None:
    """Leave out what scikit-learn and torch put on a class: their own sites document it."""
    home = getattr(obj, "__module__", None) or ""
    request_setter = name.startswith("set_") and name.endswith("_request")
    foreign = callable(obj) and home != "" and not home.startswith("mvdisent")
    return True if what == "class" and (request_setter or foreign) else None


def _escape_shapes(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Keep ``(n_rows_, *view_shape)`` from being read as a link and as emphasis."""
    for i, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            parts = line.split("``")  # every second part is literal text
            parts[::2] = [
                re.sub(r"\*(?=\w+[,)])|(?<=\w)_(?=[,)])", r"\\\g<0>", part) for part in parts[::2]
            ]
            lines[i] = "``".join(parts)


def setup(app: Sphinx) -> None:
    """Register the math renderer: MathML needs no script and no other host."""
    app.add_html_math_renderer("mathml", (_visit_math, None), (_visit_math_block, None))
    app.connect("autodoc-process-docstring", _escape_shapes, priority=400)  # before numpydoc's
    app.connect("autodoc-skip-member", _skip_inherited)
