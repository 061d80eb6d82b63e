"""What if a sine had the shared code of a sawtooth?
===================================================

The decoder takes a private code and a shared code. With the private code of one
tone and the shared code of another, it draws a tone with the frequency of the
first and the waveform of the second.
"""

import numpy as np

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent.datasets import make_tone_views
from mvdisent.plotting import ReconstructionDisplay
from mvdisent.views import split_views

X, factors = make_tone_views(2500, transform=LogMel(16000).fit_transform, random_state=0)
model = MultiViewDisentangler(max_epochs=20, random_state=0).fit(X[:2000])

tones, truth, _ = split_views(X[2000:], factors[2000:])
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
