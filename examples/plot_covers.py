"""Which takes are of the same melody?
====================================

Takes of one tune differ in instrument, key and tempo. A model is fitted to pairs of takes of
random tunes: the views share the melody, and what they do not share is private. The test is
on 14 well-known tunes, none of which it met, eight takes of each. Do the shared columns
group them better than hand-made features do?
"""

import librosa
import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from mvdisent import MultiViewDisentangler
from mvdisent.datasets import make_notes
from mvdisent.views import pair_by

TUNES = {  # the first 16 notes, in semitones from the tonic; all are made equally long
    "Ode to Joy": [4, 4, 5, 7, 7, 5, 4, 2, 0, 0, 2, 4, 4, 2, 2, 4],
    "Frère Jacques": [0, 2, 4, 0, 0, 2, 4, 0, 4, 5, 7, 4, 5, 7, 7, 9],
    "Twinkle": [0, 0, 7, 7, 9, 9, 7, 5, 5, 4, 4, 2, 2, 0, 7, 7],
    "Mary's lamb": [4, 2, 0, 2, 4, 4, 4, 2, 2, 2, 4, 7, 7, 4, 2, 0],
    "Row your boat": [0, 0, 0, 2, 4, 4, 2, 4, 5, 7, 12, 12, 12, 7, 7, 7],
    "London Bridge": [7, 9, 7, 5, 4, 5, 7, 2, 4, 5, 4, 5, 7, 7, 9, 7],
    "Au clair": [0, 0, 0, 2, 4, 2, 0, 4, 2, 2, 0, 0, 0, 0, 2, 4],
    "Jingle Bells": [4, 4, 4, 4, 4, 4, 4, 7, 0, 2, 4, 5, 5, 5, 5, 5],
    "Joy to the World": [12, 11, 9, 7, 5, 4, 2, 0, 7, 9, 9, 11, 11, 12, 12, 12],
    "Old MacDonald": [7, 7, 7, 2, 4, 4, 2, 11, 11, 9, 9, 7, 2, 7, 7, 7],
    "Silent Night": [7, 9, 7, 4, 7, 9, 7, 4, 14, 14, 11, 12, 12, 7, 9, 9],
    "Auld Lang Syne": [2, 7, 7, 7, 11, 9, 7, 9, 11, 7, 7, 11, 14, 16, 16, 14],
    "Lightly Row": [7, 4, 4, 5, 2, 2, 0, 2, 4, 5, 7, 7, 7, 7, 4, 4],
    "Amazing Grace": [2, 7, 11, 7, 11, 9, 7, 4, 2, 2, 7, 11, 7, 11, 9, 14],
}
INSTRUMENTS = ["piano", "vibraphone", "accordion", "nylon guitar", "violin", "trumpet"]
INSTRUMENTS += ["french horn", "oboe", "clarinet", "flute"]
rng = np.random.default_rng(0)
notes, table = make_notes(instruments=INSTRUMENTS, pitches=range(55, 83), duration=0.2)
bank = dict(zip(zip(table["instrument"], table["pitch"], strict=True), notes, strict=True))


def make_takes(tunes, n_takes):
    """Play each tune by other instruments, in any key, up to 15 % faster; 3.2 s each."""
    takes = np.zeros((len(tunes) * n_takes, 51200), dtype=np.float32)
    for i, take in enumerate(takes):
        if i % n_takes == 0:
            players = rng.permutation(INSTRUMENTS)
        key, n_times = 60 + rng.integers(-5, 7), int(3200 * rng.uniform(0.85, 1))
        for j, pitch in enumerate(tunes[i // n_takes]):
            note = bank[players[i % n_takes], key + pitch][:n_times]
            take[j * n_times : (j + 1) * n_times] = note
    return takes, np.repeat(np.arange(len(tunes)), n_takes)


def random_tune():
    """Walk on the major scale."""
    steps = rng.choice(
        [-3, -2, -1, 0, 1, 2, 3, 4], 15, p=[0.06, 0.12, 0.22, 0.22, 0.2, 0.1, 0.05, 0.03]
    )
    degrees = np.clip(np.cumsum([rng.integers(0, 6), *steps]), 0, 8)
    return np.array([0, 2, 4, 5, 7, 9, 11, 12, 14])[degrees]


# %%
# A change of key rolls the chroma, which leaves the magnitude of its two-dimensional Fourier
# transform as it was: a well-known hand-made feature of covers. It is what the model gets.


def chroma(takes):
    """Chroma of each take, (n_takes, 12, n_frames)."""
    return librosa.feature.chroma_stft(y=takes, sr=16000, n_fft=4096, hop_length=1024, tuning=0)


def fourier(C):
    """Its slow changes, whatever the key."""
    return np.log1p(np.abs(np.fft.fft2(C))[:, :7, :12]).reshape(len(C), -1)


def log_mel_statistics(takes):
    """Mean and standard deviation over time of each band."""
    power = librosa.feature.melspectrogram(y=takes, sr=16000, n_mels=64)
    X = librosa.power_to_db(power)
    return np.hstack([X.mean(axis=2), X.std(axis=2)])


train, tune = make_takes([random_tune() for _ in range(120)], 6)
scaler = StandardScaler()
C = chroma(train)
X = scaler.fit_transform(fourier(C)).astype(np.float32)
settings = {"objective": "swap", "decoder_std": 0.3, "delta": 20.0, "lr": 2e-3}
model = MultiViewDisentangler(8, 32, **settings, max_epochs=30, random_state=0)
model.fit(pair_by(X, tune, random_state=0))


def block(which):
    """Make a transformer of chroma into one block of the model."""

    def encode(C):
        X = scaler.transform(fourier(C)).astype(np.float32)
        private, shared = model.encode(X[:, None])
        return shared if which == "shared" else private[:, 0]

    return FunctionTransformer(encode)


extractors = {
    "shared": block("shared"),
    "shared and Fourier": FeatureUnion(
        [("ours", block("shared")), ("fourier", FunctionTransformer(fourier))]
    ),
    "Fourier of chroma": FunctionTransformer(fourier),
    "chroma, mean": FunctionTransformer(lambda C: C.mean(axis=2)),
    "private": block("private"),
}

# %%
# Each set of features is standardised by the random tunes. The settings of the model were
# chosen on further random tunes; the well-known ones serve this comparison alone.

takes, truth = make_takes(list(TUNES.values()), 8)
C_takes = chroma(takes)
features = {
    name: (step.fit_transform(C), step.transform(C_takes)) for name, step in extractors.items()
}
features["log-mel, mean and spread"] = log_mel_statistics(train[::4]), log_mel_statistics(takes)
found = {}
for name, (Z_train, Z) in features.items():
    Z = StandardScaler().fit(Z_train).transform(Z)
    groups = AgglomerativeClustering(len(TUNES)).fit_predict(Z)
    nearest = NearestNeighbors(n_neighbors=1).fit(Z).kneighbors()[1][:, 0]
    found[name] = adjusted_rand_score(truth, groups), np.mean(truth[nearest] == truth)
    print("adjusted Rand index {:.2f}, nearest take right {:.2f}: ".format(*found[name]) + name)

_, ax = plt.subplots(layout="constrained")
places = np.arange(len(found))
for i, label in enumerate(("adjusted Rand index of the groups", "nearest take is of the tune")):
    ax.barh(places + 0.4 * i, [scores[i] for scores in found.values()], 0.4, label=label)
ax.set_yticks(places + 0.2, list(found))
ax.set(xlim=(0, 1))
ax.invert_yaxis()
ax.legend()

# %%
# By itself the shared block does not beat the Fourier magnitudes it is computed from: 0.69 for
# their 0.73, in 32 columns for their 84. Side by side they reach 0.88, more than either. The mean
# chroma, which follows the key, is near chance in groups. The private block still tells much of
# the melody. One seed, 112 takes and even rhythm: real covers differ in far more than this.
