"""Can the loss be weighed without a label?
===========================================

The loss cannot choose its own weights, and most of the scores that could need the true
factors. ``"cross_view"`` needs none: it asks what the views tell of one another through the
blocks. A search ranks the same models by it and, to see whether it may be trusted, by
``"probe_gap"``, which reads the labels.
"""

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.model_selection import GridSearchCV, ShuffleSplit

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent.datasets import make_tone_views
from mvdisent.metrics import get_scorer

log_mel = LogMel(16000, n_fft=1024, hop_length=1024, n_mels=32)
X, factors = make_tone_views(
    1000,
    duration=0.25,
    n_frequency_classes=7,
    transform=log_mel.fit_transform,
    random_state=0,
)
labels = factors[["timbre", "frequency_v0", "frequency_v1"]]  # for probe_gap alone
settings = {"objective": "marl", "max_epochs": 6, "batch_size": 64, "lr": 5e-3, "warmup_epochs": 2}
search = GridSearchCV(
    MultiViewDisentangler(**settings, random_state=0),
    [{"alpha": [w], "beta": [w], "gamma": [w]} for w in (0.05, 0.3, 1, 3, 10)],
    scoring={
        "cross_view": get_scorer("cross_view"),
        "probe_gap": get_scorer("probe_gap").set_params(probe="knn"),
    },
    refit="cross_view",
    cv=ShuffleSplit(1, test_size=0.5, random_state=0),
)
search.fit(X, labels)

# %%
# One point a model, with the weight that its three terms had. Where the points rise to the
# right, the score without labels puts the models in the order of the one with labels. Five
# models of one seed say little: ``tests/benchmarks/bench_ablation.py`` asks over seeds.

results = pd.DataFrame(search.cv_results_)
unlabelled, labelled = results["mean_test_cross_view"], results["mean_test_probe_gap"]
_, ax = plt.subplots(figsize=(6, 4.5), layout="constrained")
ax.plot(unlabelled, labelled, "o")
for x, y, weight in zip(unlabelled, labelled, results["param_alpha"], strict=True):
    ax.annotate(f"{weight:g}", (x, y), xytext=(6, 4), textcoords="offset points")
ax.set(xlabel="cross_view (no label)", ylabel="probe_gap (labels)")
ax.margins(0.1)
rank = unlabelled.corr(labelled, method="spearman")
ax.set_title(
    f"chosen without a label: weight {search.best_params_['alpha']:g}; rank correlation {rank:.2f}"
)
