"""What is in a model file?
===========================

One file holds all that a model is: its parameters, its weights, what they were like at each
epoch, and the state of the optimizer, so that training can go on. It is data alone, and
under a hash: loading runs nothing, and a changed file is refused.
"""

import pickle
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from safetensors.numpy import load_file

from mvdisent import LogMel, MultiViewDisentangler, load, save
from mvdisent.datasets import make_tone_views

log_mel = LogMel(16000, n_fft=1024, hop_length=1024, n_mels=32)
X, _ = make_tone_views(300, duration=0.25, transform=log_mel.fit_transform, random_state=0)
model = MultiViewDisentangler(max_epochs=10, batch_size=64, lr=3e-3, random_state=0).fit(X)

folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "tones.mvdisent"
save(model, path)
same = np.array_equal(load(path).transform(X), model.transform(X))
print("the loaded model's features are", "the same, bit by bit" if same else "others")

# %%
# The format is `safetensors <https://github.com/huggingface/safetensors>`_, which other
# programs read as well. ``module`` is the weights, for each of which Adam, the optimizer, keeps
# two numbers more; ``shuffle`` and ``noise`` are the states of the random generators.

sizes = {}
for name, array in load_file(path).items():
    part = name.split("/")[0]
    sizes[part] = sizes.get(part, 0) + array.nbytes
sizes["text and hash"] = path.stat().st_size - sum(sizes.values())
_, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
bars = ax.barh(list(sizes), [size / 1e3 for size in sizes.values()])
ax.bar_label(bars, fmt="{:,.1f}", padding=3)
ax.margins(x=0.15)
ax.set(xlabel="kB", title=f"{path.stat().st_size / 1e6:.1f} MB in one file")

# %%
# One bit of one byte is changed, somewhere else each time.

whole, refused = path.read_bytes(), 0
places = np.linspace(0, len(whole) - 1, 20, dtype=int)
for place in places:
    damaged = bytearray(whole)
    damaged[place] ^= 1
    path.write_bytes(damaged)
    try:
        load(path)
    except ValueError as error:
        refused += 1
        reason = str(error).removeprefix(f"{path}: ")
print(f"{refused} of {len(places)} refused. The last: {reason}")

# %%
# A pickle runs what its author wrote as soon as it is loaded. Here a stranger gives one the
# name of a model.


class Planted:
    """What tells pickle to make a file as it is loaded."""

    def __reduce__(self):
        return Path.touch, (Path(folder.name) / "was_here",)


path.write_bytes(pickle.dumps(Planted()))
try:
    load(path)
except ValueError as error:
    print(str(error).removeprefix(f"{path}: "))
print("its code ran:", (Path(folder.name) / "was_here").exists())
