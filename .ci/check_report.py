"""Refuse a report folder of ``mvdisent reproduce`` that is incomplete or far from the paper.

Usage: ``python .ci/check_report.py mvdisent-report``. The bounds are wide: they
tell a broken training from a working one, on any machine.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

FILES = (
    "report.json",
    "mutual_info.png",
    "latents.png",
    "reconstruction.png",
    "model.safetensors",
)
KEYS = {"data", "n_samples", "seeds", "probed", "table", "chance", "ceiling", "mi", "seconds"}
LOWEST = {("shared", "timbre"): 0.9, ("private", "frequency"): 0.6, ("both", "timbre"): 0.9}
HIGHEST = {("shared", "frequency"): 0.5}


def report_problems(folder: Path) -> list[str]:
    """Say what is missing, or out of bounds."""
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        return [f"{folder} has no {name}" for name in missing]
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    if lacking := sorted(KEYS - set(report)):
        return [f"report.json has no key {', '.join(lacking)}"]
    problems = []
    for bounds, sign, word in ((LOWEST, 1, "below"), (HIGHEST, -1, "above")):
        for (block, factor), bound in bounds.items():
            mean = report["table"][block][factor]["mean"]
            if sign * mean < sign * bound:
                problems.append(f"{block} -> {factor} is {mean:.3f}, {word} {bound}")
    return problems


if __name__ == "__main__":
    found = report_problems(Path(sys.argv[1]))
    print("\n".join(found) or f"{sys.argv[1]} is complete, and its table within bounds")
    sys.exit(1 if found else 0)
