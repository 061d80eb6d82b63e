"""Which term of the loss parts the blocks?
===========================================

The paper's ablation, in the small: reconstruction plus ONE weighted term at a time. A grid
search fits a model for each weight and asks a probe, on pairs kept from the training, what
each block tells of each factor. Labels judge the models; they train none.
"""

import pandas as pd
from sklearn.model_selection import GridSearchCV, ShuffleSplit

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent.datasets import make_tone_views
from mvdisent.metrics import make_probe_scorer
from mvdisent.model_selection import ablation_grid
from mvdisent.plotting import AblationDisplay

log_mel = LogMel(16000, n_fft=1024, hop_length=1024, n_mels=32)
X, factors = make_tone_views(
    1050,
    duration=0.25,
    n_frequency_classes=7,
    transform=log_mel.fit_transform,
    random_state=0,
)
scoring = {
    f"{block} {factor}": make_probe_scorer(block, factor, probe="knn")
    for factor in ("timbre", "frequency")
    for block in ("private", "shared")
}
terms = ("alpha", "beta", "gamma")
together = {term: [2.0] for term in terms}
settings = {"objective": "marl", "max_epochs": 10, "batch_size": 64, "lr": 5e-3, "warmup_epochs": 3}
search = GridSearchCV(
    MultiViewDisentangler(**settings, random_state=0),
    [*ablation_grid(**{term: [0, 2] for term in terms}), together],
    scoring=scoring,
    refit=False,
    cv=ShuffleSplit(1, test_size=300, random_state=0),
)
results = pd.DataFrame(search.fit(X, factors).cv_results_)

# %%
# One panel a term and factor. A term that parts the blocks lifts a factor in its own block
# (timbre: shared; frequency: private) and lowers it towards chance in the other. Dashed, in
# the colour of the block: all three terms at once, each with weight 2.

references = {
    "chance": {"timbre": 1 / 4, "frequency": 1 / 7},
    "all three": {name: results[f"mean_test_{name}"].iloc[-1] for name in scoring},
}
display = AblationDisplay.from_cv_results(results, references=references, score_name="accuracy")

# %%
# In one number: how much better the probe reads a factor from its own block than from the
# other, on average. One seed and 600 tones: a difference of some hundredths says nothing.

own = results["mean_test_shared timbre"] + results["mean_test_private frequency"]
other = results["mean_test_private timbre"] + results["mean_test_shared frequency"]
gaps = pd.DataFrame(list(results["params"])).assign(gap=(own - other) / 2)
gaps.sort_values("gap").round(2)
