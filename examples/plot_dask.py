"""Does a search on a Dask cluster find the same?
=================================================

scikit-learn hands the fits of a search to joblib, and joblib hands them to whoever is told
to take them: here to two processes of this machine. With ``Client("scheduler:8786")`` it is
a cluster of many machines, and nothing else changes.
"""

import os

import joblib
import matplotlib.pyplot as plt
import numpy as np
import torch
from dask.distributed import Client, SubprocessCluster
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, ShuffleSplit

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent.datasets import make_tone_views
from mvdisent.metrics import get_scorer

torch.set_num_threads(1)  # as a worker has: sums over more threads round otherwise
log_mel = LogMel(16000, n_fft=1024, hop_length=1024, n_mels=32)
X, _ = make_tone_views(500, duration=0.25, transform=log_mel.fit_transform, random_state=0)


def process(model, X, y=None):
    """Score nothing: tell which process works on the model."""
    return os.getpid()


search = GridSearchCV(
    MultiViewDisentangler(max_epochs=4, batch_size=64, lr=5e-3, random_state=0),
    {"gamma": [0.1, 0.3, 1, 3]},
    scoring={"cross_view": get_scorer("cross_view"), "process": process},
    cv=ShuffleSplit(1, test_size=0.5, random_state=0),
    refit=False,
)
here = clone(search).fit(X).cv_results_

# %%
# Two workers of one thread each. In a script, ``LocalCluster`` would import the script anew
# in each worker; ``SubprocessCluster`` does not.

with (
    SubprocessCluster(
        n_workers=2, worker_kwargs={"nthreads": 1}, dashboard_address="127.0.0.1:0"
    ) as cluster,
    Client(cluster) as client,
    joblib.parallel_config("dask"),
):
    client.wait_for_workers(2)  # joblib shares out only if it finds more than one
    there = search.fit(X).cv_results_

# %%
# The line is this process, the points are the cluster, coloured by the worker that made them.

gamma = there["param_gamma"].astype(float)
same = np.array_equal(here["mean_test_cross_view"], there["mean_test_cross_view"])
_, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.semilogx(gamma, here["mean_test_cross_view"], color="0.6", label="this process")
workers = there["mean_test_process"]
for i, worker in enumerate(np.unique(workers)):
    ours = workers == worker
    ax.plot(gamma[ours], there["mean_test_cross_view"][ours], "o", label=f"worker {i}")
ax.set(xlabel="gamma", ylabel="cross_view (no label)")
ax.set_title("the same scores, bit by bit" if same else "other scores")
ax.legend()
