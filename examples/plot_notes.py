"""Does a model of low notes know the instrument of high ones?
==============================================================

Sampled notes of twelve instruments, three octaves each. The model sees the lower two:
pairs of notes of one instrument, drawn afresh each epoch, with each view transposed by
some semitones by itself. What it shares should then be the instrument, wherever the note
lies. Nobody tells it which instrument a note is of; that two notes have the same, it is
told by the pairs.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mvdisent import LogCQT, LogMel, MultiViewDisentangler
from mvdisent.datasets import make_notes
from mvdisent.views import MelShift, augment, pair_by

instruments = ["piano", "vibraphone", "accordion", "nylon guitar", "violin", "cello"]
instruments += ["trumpet", "french horn", "oboe", "clarinet", "flute", "recorder"]
waveforms, notes = make_notes(instruments=instruments)
X = LogCQT(16000, hop_length=1024).transform(waveforms)  # a band a semitone
mel = LogMel(16000, n_fft=1024, hop_length=1024).transform(waveforms)[:, 0]
X, instrument, pitch = X[:, 0], notes["instrument"].to_numpy(), notes["pitch"].to_numpy()
low = np.flatnonzero(pitch < 72)
high = np.flatnonzero(pitch >= 72)

# %%
# In each epoch every low note comes four times, with other partners and other shifts.

pairs = pair_by(X[low], instrument[low], differ=pitch[low], random_state=0)
source = augment(pairs, MelShift(10), random_state=0)
settings = {"objective": "swap", "decoder_std": 0.2, "delta": 200.0, "lr": 2e-3}
model = MultiViewDisentangler(4, 16, **settings, max_epochs=20, random_state=0)
private, shared = model.fit(source[np.tile(np.arange(len(low)), 4)]).encode(X)
features = {
    "shared": shared,
    "mean and spread of each band": np.hstack([X.mean(axis=2), X.std(axis=2)]),
    "the same of mel bands": np.hstack([mel.mean(axis=2), mel.std(axis=2)]),
    "private": private[:, 0],
}

# %%
# A linear probe learns the instrument from the low notes, and is asked for that of the
# high ones, which neither it nor the model has met. The farther away, the harder.

_, ax = plt.subplots(layout="constrained")
octaves = [range(72 + 3 * i, 75 + 3 * i) for i in range(4)]
for name, Z in features.items():
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    right = probe.fit(Z[low], instrument[low]).predict(Z[high]) == instrument[high]
    print(f"{right.mean():.2f}  {name}")
    ax.plot(
        [keys[1] - 71 for keys in octaves],
        [right[np.isin(pitch[high], keys)].mean() for keys in octaves],
        marker="o",
        label=f"{name} ({right.mean():.2f})",
    )
ax.axhline(1 / len(instruments), color="0.6", linestyle=":", label="chance")
ax.set(xlabel="semitones above the highest key of the training", ylabel="accuracy", ylim=(0, 1))
ax.legend()

# %%
# A short training, one seed and 156 high notes: a difference below 0.08 says nothing. All
# 33 instruments, over seeds: :doc:`/notes`.
