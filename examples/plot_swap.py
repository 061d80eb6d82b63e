"""What if a sine had the shared code of a sawtooth?
===================================================

The decoder takes a private code and a shared code. With the private code of one
tone and the shared code of another, it draws a tone with the frequency of the
first and the waveform of the second. After so short a training it does so in
outline: harmonics rise towards a sawtooth and fall towards a sine.
"""

import numpy as np

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent.datasets import make_tone_views
from mvdisent.metrics import swap_score
from mvdisent.plotting import ReconstructionDisplay
from mvdisent.views import split_views

X, factors = make_tone_views(1800, transform=LogMel(16000).fit_transform, random_state=0)
model = MultiViewDisentangler(max_epochs=20, lr=2e-3, random_state=0).fit(X[:1600])

tones, truth, _ = split_views(X[1600:], factors[1600:])
rows = truth.reset_index(drop=True).drop_duplicates("timbre").index.to_numpy()
private, shared = model.encode(tones[rows], code="mean")
timbres = truth["timbre"].to_numpy()[rows]
ReconstructionDisplay(
    tones[rows, 0],
    model.decode(private, shared)[:, 0],
    swaps=model.decode(private, np.roll(shared, -1, axis=0))[:, 0],
    labels=[
        f"{own}\nswapped: {other}" for own, other in zip(timbres, np.roll(timbres, -1), strict=True)
    ],
).plot()

# %%
# How near is a swap to the true tone? The same seed with the waveforms in another
# order makes the tones that the swaps should be. Their first views are the truth, and
# their second views, at another frequency, give the shared codes. A score of 1 is
# that of the reconstruction, and 0 that of the mean spectrum.

waveforms = ["sine", "triangle", "sawtooth", "square"]
given, true = (
    make_tone_views(100, waveforms=w, transform=LogMel(16000).fit_transform, random_state=1)[0]
    for w in (waveforms, waveforms[1:] + waveforms[:1])
)
private, _ = model.encode(given[:, :1], code="mean")
_, shared = model.encode(true[:, 1:], code="mean")
swapped = model.decode(private, shared)
again = model.reconstruct(true[:, :1])
print(f"swap score: {swap_score(true[:, :1], swapped, again):.2f}")
print(f"without a swap: {swap_score(true[:, :1], model.reconstruct(given[:, :1]), again):.2f}")
