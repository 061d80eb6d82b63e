"""Is this fit healthy, collapsed or leaking?
=============================================

Three fits of the same pairs of tones by the paper's objective, with other weights. No label is
needed to tell them apart: the KL of each dimension, and the terms of the loss, epoch by epoch, do.
"""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent.datasets import make_tone_views
from mvdisent.plotting import HistoryDisplay

log_mel = LogMel(16000, n_fft=1024, hop_length=1024, n_mels=32)
X, _ = make_tone_views(1000, duration=0.25, transform=log_mel.fit_transform, random_state=0)
settings = {"objective": "marl", "max_epochs": 8, "batch_size": 64, "lr": 3e-3}
model = MultiViewDisentangler(**settings, random_state=0)


def describe(kind):
    n_private, n_shared = model.active_private_.sum(), model.active_shared_.sum()
    told = model.history_["shared_mi"].iloc[-1]
    display = HistoryDisplay.from_estimator(model)
    display.figure_.suptitle(
        f"{kind}: {n_private} private and {n_shared} shared dimensions active,\n"
        f"shared mutual information {told:.1f} nats, one waveform of four is {np.log(4):.1f}"
    )


# %%
# **Healthy.** The loss falls, ever more slowly. Both blocks have active dimensions (filled
# bars), and what the shared block does not need is idle (hollow). It tells not much more than
# its pairs have in common: one waveform of four, log 4 nats.

model.fit(X)
describe("healthy")

# %%
# **Collapsed.** Too large a weight of the mutual information makes codes too dear: all bars of
# the private block stay below the dashed line, its terms go to zero, and the reconstruction
# ends far above the healthy one. ``fit`` warns of it, and names the cure.

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", ConvergenceWarning)
    model.set_params(alpha=60).fit(X)
print(*(warning.message for warning in caught), sep="\n")
describe("collapsed")

# %%
# **Leaking.** Weights that are too small let every dimension be used, and the shared block tells
# more than a waveform: what it holds beyond that is of one tone or the other, such as its
# frequency. The reconstruction, looked at alone, would be the best of the three.

model.set_params(alpha=0.05, beta=0.05, gamma=0.05).fit(X)
describe("leaking")
