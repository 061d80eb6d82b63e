"""What if a view is missing?
=============================

A view that is not there is a block of NaN. Its expert drops out of the product that makes
the shared code, and nothing is imputed. Here a sample is four noisy tones of one waveform.
Noise hides the waveform of many a single tone, so that each further view should help.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent.datasets import make_tone_views

log_mel = LogMel(16000, n_fft=1024, hop_length=1024, n_mels=32)
X, factors = make_tone_views(
    1200,
    n_views=4,
    duration=0.25,
    snr_db=0,
    transform=log_mel.fit_transform,
    random_state=0,
)
timbre = factors["timbre"].to_numpy()
train, test = slice(600), slice(600, None)

# %%
# One model is fitted to whole samples. For the other, each view of the training set but the
# first is lost with a chance of one half.

lost = np.random.default_rng(0).random(X.shape[:2]) < 0.5
lost[:, 0] = False
gappy = X.copy()
gappy[lost] = np.nan
training_sets = {
    "no view missing at fit": X[train],
    f"{np.isnan(gappy[train]).mean():.0%} of the views missing at fit": gappy[train],
}

# %%
# A linear probe learns the waveform from the shared codes of the training set. It is asked
# about samples that nobody has met, of which the first one to four views are there.

_, ax = plt.subplots(figsize=(6, 4.2), layout="constrained")
for name, views in training_sets.items():
    model = MultiViewDisentangler(
        objective="marl",
        output="shared",
        max_epochs=6,
        warmup_epochs=2,
        batch_size=64,
        lr=5e-3,
        random_state=0,
    ).fit(views)
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    probe.fit(model.transform(views), timbre[train])
    accuracy = []
    for n_present in (1, 2, 3, 4):
        few = X[test].copy()
        few[:, n_present:] = np.nan
        accuracy.append(probe.score(model.transform(few), timbre[test]))
    ax.plot((1, 2, 3, 4), accuracy, "o-", label=name)
    print(name, np.round(accuracy, 2))
ax.axhline(1 / 4, color="0.5", linestyle=":", label="chance")
ax.set(xlabel="views present at transform", ylabel="accuracy of the waveform", ylim=(0, 1))
ax.set_xticks((1, 2, 3, 4))
ax.legend(loc="lower right")
