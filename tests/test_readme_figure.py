"""The README's figure shows the numbers of the README's table."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import readme_figure

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_bars_are_the_means_of_the_readme_s_table(tmp_path, monkeypatch):
    monkeypatch.setattr(readme_figure, "OUT", tmp_path / "readme.png")
    readme_figure.draw(readme_figure.read_table(README))
    assert (tmp_path / "readme.png").stat().st_size > 10_000
    heights = sorted(bar.get_height() for ax in plt.gcf().axes for bar in ax.patches)
    plt.close("all")
    rows = re.findall(r"^\| (?:private|shared|both) .*", README, flags=re.MULTILINE)
    means = [float(x) for row in rows for x in re.findall(r"\| (\d\.\d+)", row)]
    assert len(means) == 18
    assert heights == pytest.approx(sorted(means))


def test_the_chance_lines_are_those_that_the_readme_tells():
    timbre, frequency = re.search(r"Chance is\s+([\d.]+) .*? and ([\d.]+)", README, re.S).groups()
    assert {"timbre": float(timbre), "frequency": float(frequency)} == readme_figure.CHANCE
