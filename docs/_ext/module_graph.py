"""The directive ``.. module-graph::``: the parts of the package and their imports, as SVG.

Drawn from the code at each build, with nothing but text: no script, no program.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from package_imports import LAYERS, edges_of
from sphinx.application import Sphinx

PACKAGE = Path(__file__).parents[2] / "mvdisent"
WIDTH, HEIGHT = 124, 30  # of a box
GAP, RISE = 22, 64  # between boxes of a layer, and between layers
MARGIN = 14
NAMES = {"__init__": "mvdisent", "__main__": "command line"}


def place_boxes() -> dict[str, tuple[float, float]]:
    """Give each part the centre of its box: the highest layer on top, its parts in the middle."""
    n_layers = max(LAYERS.values()) + 1
    rows = [[unit for unit in LAYERS if LAYERS[unit] == layer] for layer in range(n_layers)]
    widest = max(map(len, rows)) * (WIDTH + GAP)
    centres = {}
    for layer, units in enumerate(rows):
        left = MARGIN + (widest - len(units) * (WIDTH + GAP)) / 2
        for i, unit in enumerate(units):
            x = left + (i + 0.5) * (WIDTH + GAP)
            y = MARGIN + HEIGHT / 2 + (n_layers - 1 - layer) * (HEIGHT + RISE)
            centres[unit] = (x, y)
    return centres


def draw_graph(edges: dict[str, set[str]]) -> str:
    """Draw a line from the foot of each part to the head of each one that it imports."""
    centres = place_boxes()
    width = max(x for x, _ in centres.values()) + (WIDTH + GAP) / 2 + MARGIN
    height = max(y for _, y in centres.values()) + HEIGHT / 2 + MARGIN
    lines = []
    for unit, others in edges.items():
        x, y = centres[unit]
        paths = []
        for other in sorted(others):
            to_x, to_y = centres[other]
            start, end = y + HEIGHT / 2, to_y - HEIGHT / 2
            bend = (end - start) / 2
            paths.append(
                f'<path data-edge="{unit} {other}" d="M{x:g},{start:g} C{x:g},{start + bend:g} '
                f'{to_x:g},{end - bend:g} {to_x:g},{end:g}"/>'
            )
        lines.append(
            f'<g class="part" tabindex="0"><title>{NAMES.get(unit, unit)} imports '
            f"{', '.join(NAMES.get(other, other) for other in sorted(others)) or 'no other part'}"
            f"</title>{''.join(paths)}"
            f'<rect x="{x - WIDTH / 2:g}" y="{y - HEIGHT / 2:g}" width="{WIDTH}" height="{HEIGHT}" '
            f'rx="5"/><text x="{x:g}" y="{y + 5:g}">{NAMES.get(unit, unit)}</text></g>'
        )
    return (
        f'<svg class="module-graph" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" aria-label="Parts of the package and what they import">'
        f"{''.join(lines)}</svg>"
    )


class ModuleGraph(Directive):
    """Draw the imports of the package, and list them."""

    def run(self) -> list[nodes.Node]:
        """Return the drawing in a box of its own, which scrolls where it is too wide."""
        svg = draw_graph(edges_of(PACKAGE))
        return [nodes.raw("", f'<div class="module-graph-box">{svg}</div>', format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("module-graph", ModuleGraph)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
