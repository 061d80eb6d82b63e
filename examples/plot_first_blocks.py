"""What do two tones have in common?
===================================

A sample is a pair of tones of one waveform at two frequencies. Nobody tells the
model so; it only sees that the pairs belong together. What the two views share
should end up in the shared block, what differs in the private one.
"""

from sklearn.pipeline import make_pipeline

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent.datasets import make_tone_views
from mvdisent.plotting import HistoryDisplay, LatentDisplay
from mvdisent.views import split_views

X, factors = make_tone_views(2000, random_state=0)
log_mel = LogMel(16000, compression=0.25)  # the fourth root of the power, in place of dB
model = make_pipeline(log_mel, MultiViewDisentangler(max_epochs=20, random_state=0))
model.fit(X[:1600])

# %%
# The other 400 pairs were never seen. Each tone is now a row of its own, so that
# no code can look at the other tone of its pair.
tones, truth, _ = split_views(X[1600:], factors[1600:])
display = LatentDisplay.from_estimator(model, tones, truth[["timbre", "frequency"]], random_state=0)
display.figure_.suptitle("Shared: ordered by waveform. Private: ordered by frequency.")

# %%
# How the fit went, term by term, and which dimensions it came to use. The others
# have collapsed: ``transform`` gives 0 there.
HistoryDisplay.from_estimator(model[-1])

# %%
# The features are a table with named columns, ready for any scikit-learn step.
model.set_output(transform="pandas").transform(tones).round(2).head()
