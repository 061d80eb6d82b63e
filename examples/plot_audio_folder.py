"""How does a folder of audio become a table of features?
=========================================================

A folder of sound files, and a ``metadata.csv`` that says what is known of them: here 96
rendered notes stand for yours. The table lists the files, the reader makes them equally
loud, two clips of one instrument are the views of a sample, and a pipeline turns each
file into a row of named features. At the end, the same by two commands.
"""

import os
import subprocess
import sys
import tempfile

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import soundfile
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent.audio import read_clips
from mvdisent.datasets import AudioTable, make_notes
from mvdisent.views import MelShift, augment, pair_by

home = tempfile.TemporaryDirectory()
folder = os.path.join(home.name, "recordings")
for split in ("train", "test"):
    os.makedirs(os.path.join(folder, split))
waveforms, notes = make_notes(
    instruments=["piano", "violin", "trumpet", "flute"], pitches=range(55, 79)
)
notes["file_name"] = [
    f"{'train' if note.pitch < 71 else 'test'}/{note.instrument}-{note.pitch}.flac"
    for note in notes.itertuples()
]
for file_name, waveform in zip(notes["file_name"], waveforms, strict=True):
    soundfile.write(os.path.join(folder, file_name), waveform, 16000)
metadata = notes[["file_name", "instrument", "pitch"]]
metadata.to_csv(os.path.join(folder, "metadata.csv"), index=False)

# %%
# The table finds ``metadata.csv``, knows the folders ``train`` and ``test`` as splits, and
# checks columns, files and duplicates before the first sound is read. ``LogMel`` learns
# nothing, so the spectra may be computed beforehand.

table = AudioTable(folder, shared="instrument", private="pitch")
clips = read_clips(table, sample_rate=16000, duration=1.0)
log_mel = LogMel(16000, n_fft=1024, hop_length=1024)
spectra = log_mel.fit_transform(clips.X)[:, 0]  # clips, bands, frames
train = (table.data["split"] == "train").to_numpy()
spectra.shape

# %%
# The model sees the low notes, in pairs that are drawn afresh each epoch. With ``LogMel``
# before it, it takes waveforms; each file by itself is one view.

low = table.factors[train]
pairs = pair_by(spectra[train], low["instrument"], differ=low["pitch"], random_state=0)
source = augment(pairs, MelShift(10), random_state=0)
settings = {"objective": "swap", "decoder_std": 0.5, "warmup_epochs": 0, "lr": 3e-3}
model = MultiViewDisentangler(4, 8, **settings, max_epochs=20, random_state=0)
pipeline = make_pipeline(log_mel, model.fit(source[np.tile(np.arange(len(low)), 8)]))
features = pd.DataFrame(
    pipeline.transform(clips.X[:, None]),
    columns=model.get_feature_names_out(),
    index=table.data["file_name"],
)
features.iloc[::24].round(2)

# %%
# Rows of one instrument should be alike in the shared columns, and not in the private
# ones. How often does the nearest low note have the instrument of a high one, which
# the model never met? Chance is 0.25.

instrument = table.factors["instrument"].to_numpy()
for block in ("shared", "private"):
    Z = features.filter(like=block).to_numpy()
    nearest = KNeighborsClassifier(1).fit(Z[train], instrument[train])
    print(f"{nearest.score(Z[~train], instrument[~train]):.2f}  {block}")

_, ax = plt.subplots(layout="constrained")
scaled = (features - features.mean()) / features.std().clip(lower=1e-9)
image = ax.imshow(scaled, aspect="auto", cmap="RdBu_r", vmin=-2.5, vmax=2.5, interpolation="none")
ax.set_xticks(range(scaled.shape[1]), scaled.columns, rotation=90)
ax.set_yticks(range(12, 96, 24), pd.unique(instrument))
for i in range(4):
    ax.axhline(24 * i - 0.5, color="black")
    ax.axhline(24 * i + 15.5, color="black", linewidth=0.8, linestyle=":")
ax.set(title="One row a file, from low to high;\nbelow each dotted line, keys not trained on")
ax.figure.colorbar(image, label="standard deviations from the mean")

# %%
# Without code: the first command fits a model to the files of one split and saves it, and
# the second writes the features of every file of a folder.

mvdisent = [sys.executable, "-m", "mvdisent"]  # in a shell: mvdisent
out = os.path.join(home.name, "features.csv")
fit = ["fit", folder, "--views", "pair_by:instrument", "--split", "train", "--shift", "10"]
fit += ["--set", "objective=swap", "--set", "max_epochs=30", "--out", "model"]
for command in (fit, ["extract", "model", folder, "--out", out]):
    subprocess.run(mvdisent + command, check=True, capture_output=True, cwd=home.name)
written = pd.read_csv(out)
written.filter(regex="file_name|private_[01]_mean|shared_[01]_mean").iloc[::24].round(2)

# %%
home.cleanup()
