"""The drawing of the parts on the site shows each import that the code has, and no other."""

from __future__ import annotations

import ast
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

from module_graph import draw_svg
from package_imports import LAYERS, imports_of, module_name, part_imports, unit_of

PACKAGE = Path(__file__).parent.parent / "mvdisent"
SVG = "{http://www.w3.org/2000/svg}"


def drawn(pairs):
    return ElementTree.fromstring(draw_svg(pairs))


def arrows(root):
    return [
        (p.get("data-from"), p.get("data-to"))
        for p in root.iter(f"{SVG}path")
        if p.get("data-from")
    ]


def test_each_import_between_parts_of_the_package_has_its_arrow():
    found = arrows(drawn(part_imports(PACKAGE)))
    assert len(found) == len(set(found))
    expected = set()
    for path in PACKAGE.rglob("*.py"):
        part = unit_of(module_name(path, PACKAGE))
        for one in imports_of(ast.parse(path.read_text(encoding="utf-8")), path, PACKAGE):
            if one.module.startswith("mvdisent."):
                other = unit_of(one.module)
                expected.add((part, other if other in LAYERS else "__init__"))
    assert set(found) >= {pair for pair in expected if pair[0] != pair[1]}
    assert ("metrics", "_checks") in found
    assert ("metrics", "_disentangler") not in found


def test_each_layer_of_the_package_has_its_box_within_the_drawing():
    root = drawn(part_imports(PACKAGE))
    boxes = {g.get("data-part"): g.find(f"{SVG}rect") for g in root.iter(f"{SVG}g")}
    assert set(boxes) == set(LAYERS)
    width, height = float(root.get("width")), float(root.get("height"))
    for part, box in boxes.items():
        x, y, w, h = (float(box.get(k)) for k in ("x", "y", "width", "height"))
        assert 0 <= x <= x + w <= width, part
        assert 0 <= y <= y + h <= height, part


def test_boxes_of_one_row_do_not_overlap():
    rows = {}
    for box in drawn(part_imports(PACKAGE)).iter(f"{SVG}rect"):
        rows.setdefault(box.get("y"), []).append((float(box.get("x")), float(box.get("width"))))
    for row in rows.values():
        row.sort()
        assert all(x0 + w0 < x1 for (x0, w0), (x1, _) in pairwise(row))


def test_imports_of_a_package_are_read_as_written(tmp_path):
    package = tmp_path / "mvdisent"
    for name, source in {
        "nn/_vae.py": "from .. import _checks\nfrom ._experts import product\nimport torch\n",
        "metrics/_mi.py": "def f():\n    from mvdisent.views import crops\n",
        "__main__.py": "from mvdisent import save\n",
    }.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(source, encoding="utf-8")
    assert part_imports(package) == {
        ("nn", "_checks"),
        ("metrics", "views"),
        ("__main__", "__init__"),
    }
