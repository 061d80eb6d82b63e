"""The directive ``module-graph``: the parts of the package and who imports whom, drawn as SVG."""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from package_imports import LAYERS, part_imports
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

PACKAGE = Path(__file__).parents[2] / "mvdisent"

WIDTH, ROW, BOX_HEIGHT = 730, 104, 34
LETTER = 8.4  # px, of the monospaced 14 px of the labels
MARGIN = 8
ARROW = (
    '<marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto"><path d="M0 0 8 4 0 8z" fill="currentColor"/></marker>'
)


def box_places(parts: list[str]) -> dict[str, tuple[float, float, float]]:
    """Give each part the centre, the top and the width of its box: high layers come first."""
    rows = sorted({LAYERS[part] for part in parts}, reverse=True)
    places = {}
    for i, layer in enumerate(rows):
        row = [part for part in LAYERS if part in parts and LAYERS[part] == layer]
        for k, part in enumerate(row):
            # A box alone in its row stands aside, or it would hide the arrows that pass it.
            alone = 0.66 if i % 2 else 0.4
            centre = WIDTH * (alone if len(row) == 1 else (k + 0.5) / len(row))
            places[part] = (centre, MARGIN + ROW * i, len(part) * LETTER + 20)
    return places


def draw_edge(
    importer: str, imported: str, places: dict[str, tuple[float, float, float]], colour: str
) -> str:
    """Draw an arrow from the foot of one box to the head of another."""
    (x0, y0, _), (x1, y1, width) = places[importer], places[imported]
    y0, y1 = y0 + BOX_HEIGHT, y1 - 2
    if y1 < y0:  # within a row
        y0, y1, bend = y0, y1 + BOX_HEIGHT + 2, -30.0
    else:
        bend = (y1 - y0) / 2
    x1 += max(-width / 3, min(width / 3, (x0 - x1) / 12))  # arrows spread along the head
    return (
        f'<path data-from="{importer}" data-to="{imported}" fill="none" stroke="{colour}" '
        f'stroke-opacity=".75" stroke-width="1.4" marker-end="url(#tip)" '
        f'd="M{x0:.0f} {y0:.0f}C{x0:.0f} {y0 + bend:.0f} {x1:.0f} {y1 - bend:.0f} '
        f'{x1:.0f} {y1:.0f}"><title>{label(importer)} imports {label(imported)}</title></path>'
    )


def label(part: str) -> str:
    return "mvdisent" if part == "__init__" else part


def draw_svg(pairs: set[tuple[str, str]]) -> str:
    """Draw the parts as boxes, one row a layer, and an arrow from each part to what it imports.

    Parameters
    ----------
    pairs : set of (str, str)
        Importing and imported part, as `package_imports.part_imports` gives them.

    Returns
    -------
    svg : str
        Its colours are mid-tones, and else the colour of the text around it, so that it can be
        read on white and on black.
    """
    parts = [part for part in LAYERS if any(part in pair for pair in pairs)]
    places = box_places(parts)
    hues = {part: 360 * i // len(parts) for i, part in enumerate(parts)}
    edges = "".join(
        draw_edge(a, b, places, f"hsl({hues[a]} 55% 50%)")
        for a, b in sorted(pairs, key=lambda p: (-LAYERS[p[0]], p))
    )
    boxes = "".join(
        f'<g data-part="{part}"><rect x="{x - width / 2:.0f}" y="{y:.0f}" width="{width:.0f}" '
        f'height="{BOX_HEIGHT}" rx="6" fill="var(--color-background-primary, Canvas)" '
        f'stroke="hsl({hues[part]} 55% 50%)" stroke-width="2"/>'
        f'<text x="{x:.0f}" y="{y + 22:.0f}" text-anchor="middle" fill="currentColor">'
        f"{label(part)}</text></g>"
        for part, (x, y, width) in places.items()
    )
    height = max(y for _, y, _ in places.values()) + BOX_HEIGHT + MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="monospace" font-size="14" '
        'aria-label="Parts of the package, and who imports whom">'
        f"<defs>{ARROW}</defs>{edges}{boxes}</svg>"
    )


def import_lines(pairs: set[tuple[str, str]]) -> str:
    """Say the same in words: a table with a row a part."""
    parts = sorted({a for a, _ in pairs}, key=lambda part: (-LAYERS[part], part))
    rows = "".join(
        f"<tr><td><code>{label(a)}</code></td><td>"
        + ", ".join(f"<code>{label(b)}</code>" for x, b in sorted(pairs) if x == a)
        + "</td></tr>"
        for a in parts
    )
    head = "<thead><tr><th>part</th><th>imports</th></tr></thead>"
    return (
        f'<div class="table-wrapper"><table class="docutils">{head}<tbody>{rows}</tbody>'
        "</table></div>"
    )


class ModuleGraph(SphinxDirective):
    """Put the drawing, in a box that scrolls by itself, and its table."""

    def run(self) -> list[nodes.Node]:
        """Read the code and draw it."""
        for path in [*PACKAGE.rglob("*.py"), Path(__file__)]:
            self.env.note_dependency(str(path))
        pairs = part_imports(PACKAGE)
        html = f'<div class="module-graph" tabindex="0">{draw_svg(pairs)}</div>'
        return [nodes.raw("", html + import_lines(pairs), format="html")]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("module-graph", ModuleGraph)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
