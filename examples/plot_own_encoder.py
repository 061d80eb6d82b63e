"""Can I bring my own encoder?
==============================

Any torch module will do. Pass the estimator a *factory*: a function that takes the shape of
a view and the width of the output, and returns the module. It is called once the shapes are
known, at fit.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from torch import nn

from mvdisent import LogMel, MultiViewDisentangler, load, save
from mvdisent.datasets import make_tone_views


def frame_encoder(view_shape, n_outputs):
    """Convolve along the frames, with the mel bands as channels, and average over time."""
    n_mels, _ = view_shape
    return nn.Sequential(
        nn.Conv1d(n_mels, 64, kernel_size=3, padding=1),
        nn.SiLU(),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Linear(64, 64),
        nn.SiLU(),
        nn.Linear(64, n_outputs),
    )


log_mel = LogMel(16000, n_fft=1024, hop_length=1024, n_mels=32)
X, _ = make_tone_views(1200, duration=0.25, transform=log_mel.fit_transform, random_state=0)

settings = {"objective": "marl", "max_epochs": 8, "batch_size": 64, "lr": 3e-3, "random_state": 0}
models = {
    'encoder="mlp"': MultiViewDisentangler(**settings),
    "encoder=frame_encoder": MultiViewDisentangler(encoder=frame_encoder, **settings),
}
_, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for name, model in models.items():
    model.fit(X[:1000])
    error = np.sqrt(np.mean((model.reconstruct(X[1000:]) - X[1000:]) ** 2))
    ax.plot(model.history_.index + 1, model.history_["reconstruction"], "o-", label=name)
    print(f"{name}: {error:.1f} dB between unseen tones and their reconstruction")
ax.set(xlabel="epoch", ylabel="reconstruction (nats a sample)")
ax.legend()

# %%
# A file of :func:`mvdisent.persistence.save` holds the weights, never code: loading runs
# nothing. So the factory is passed again.

with tempfile.TemporaryDirectory() as folder:
    save(model, Path(folder) / "tones.mvdisent")
    again = load(Path(folder) / "tones.mvdisent", encoder=frame_encoder)
print("same features:", np.array_equal(again.transform(X), model.transform(X)))
