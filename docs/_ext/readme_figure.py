"""Draw the README's figure from the README's table: ``python docs/_ext/readme_figure.py``."""

from __future__ import annotations

import re
from math import nan
from pathlib import Path

DOCS = Path(__file__).parents[1]
OUT = DOCS / "_static" / "readme.png"
MODELS = {"published": "#9a9a9a", '"marl"': "#d0761a", '"swap"': "#3585d0"}
CHANCE = {"timbre": 0.245, "frequency": 0.047}  # as the README says above the table


def read_table(text: str) -> dict[str, list[tuple[float, float]]]:
    """Read mean and standard deviation (nan where none is given) of each cell, by block."""
    rows = re.findall(r"^\| (private|shared|both) \|(.+)\|$", text, flags=re.MULTILINE)
    table = {}
    for block, cells in rows:
        numbers = [[float(x) for x in cell.split("±")] for cell in cells.split("|")]
        table[block] = [(mean, *spread, nan)[:2] for mean, *spread in numbers]
    return table


def draw(table: dict[str, list[tuple[float, float]]]) -> None:
    """Draw a panel a factor: bars by block and model, and chance as a line."""
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, 2, figsize=(8, 3), sharey=True, layout="constrained")
    for k, (panel, (factor, chance)) in enumerate(zip(axes, CHANCE.items(), strict=True)):
        for i, (model, colour) in enumerate(MODELS.items()):
            means, spreads = zip(*(cells[3 * k + i] for cells in table.values()), strict=True)
            places = [row + 0.27 * (i - 1) for row in range(len(table))]
            panel.bar(places, means, 0.25, yerr=spreads, color=colour, label=model, capsize=2)
        panel.axhline(chance, color="black", linestyle=":", linewidth=1, label="chance")
        panel.set_xticks(range(len(table)), list(table))
        panel.set(title=f"{factor} read from each block", ylim=(0, 1.05))
        panel.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("accuracy of a small probe")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    fig.savefig(OUT, dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    draw(read_table((DOCS.parent / "README.md").read_text(encoding="utf-8")))
