"""Does the shared block keep the pitch?
=======================================

A probe, a small network, tries to read both factors from both blocks of tones
that the model never saw. A block should tell its own factor as well as the raw
spectra do (the ceiling), and the other factor no better than a guess (chance).
"""

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent.datasets import make_tone_views
from mvdisent.metrics import probe_table
from mvdisent.plotting import ProbeDisplay
from mvdisent.views import split_views

log_mel = LogMel(16000, compression=0.25)  # the fourth root of the power, in place of dB
X, factors = make_tone_views(2100, transform=log_mel.fit_transform, random_state=0)
model = MultiViewDisentangler(max_epochs=20, random_state=0).fit(X[:1600])

tones, truth, groups = split_views(X[1600:], factors[1600:])
private, shared = model.encode(tones, code="features")  # what transform returns, by block
table = probe_table(
    {"private": private[:, 0], "shared": shared},
    truth[["timbre", "frequency"]],
    groups=groups,
    reference=tones,
    random_state=0,
)
table.round(3)

# %%
# One bar a block and factor. The private block tells the timbre too: no term of the objective
# forbids it.
display = ProbeDisplay(table).plot()
display.ax_.set_title("What each block tells of each factor")
