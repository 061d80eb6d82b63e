"""Does the shared block keep the pitch?
=======================================

A probe, a small network, tries to read both factors from both blocks of tones
that the model never saw. A block should tell its own factor as well as the raw
spectra do (the ceiling), and the other factor no better than a guess (chance).
"""

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent.datasets import make_tone_views
from mvdisent.metrics import probe_table
from mvdisent.views import split_views

X, factors = make_tone_views(3500, transform=LogMel(16000).fit_transform, random_state=0)
model = MultiViewDisentangler(max_epochs=20, random_state=0).fit(X[:2500])

tones, truth, groups = split_views(X[2500:], factors[2500:])
private, shared = model.encode(tones)
table = probe_table(
    {"private": private[:, 0], "shared": shared},
    truth[["timbre", "frequency"]],
    groups=groups,
    reference=tones,
    random_state=0,
)
table.round(3)

# %%
# One bar a block and factor.
axes = table.T[["private", "shared"]].plot.bar(
    rot=0, ylabel="accuracy on held-out tones", ylim=(0, 1.05), color=["#0072B2", "#E69F00"]
)
for i, factor in enumerate(table.columns):
    for line, style in (("chance", ":"), ("ceiling", "--")):
        level = table.loc[line, factor]
        axes.hlines(level, i - 0.4, i + 0.4, "black", style, label=line if i == 0 else None)
axes.legend(loc="lower right")
axes.set_title("What each block tells of each factor")
