"""Can a search give up bad weights early?
=========================================

The loss weighs three terms, by alpha, beta and gamma. `Optuna
<https://optuna.org>`_ draws weights, and after each epoch prunes: it gives up a
model that does worse than half of those before it did by then. How well it does
is measured on pairs of tones that were kept from the training.
"""

import matplotlib.pyplot as plt
import optuna

from mvdisent import LogMel, MultiViewDisentangler
from mvdisent.datasets import make_tone_views
from mvdisent.metrics import get_scorer

log_mel = LogMel(16000, n_fft=1024, hop_length=1024, n_mels=32)  # once, not once a model
X, factors = make_tone_views(
    1200,
    duration=0.25,
    n_frequency_classes=7,
    transform=log_mel.fit_transform,
    random_state=0,
)
factors = factors[["timbre", "frequency_v0", "frequency_v1"]]
train, validation = slice(800), slice(800, 1200)
n_epochs = 8

# What a probe reads of each factor from its own block, less what it reads from
# the other. The loss cannot rank weights, being weighed by them.
separation = get_scorer("probe_gap").set_params(probe="linear")


def judge(trial):
    weights = {
        name: trial.suggest_float(name, 0.03, 3, log=True) for name in ("alpha", "beta", "gamma")
    }
    model = MultiViewDisentangler(
        **weights, objective="marl", lr=5e-3, batch_size=100, random_state=0
    )
    for epoch in range(n_epochs):
        model.partial_fit(X[train])  # one epoch more
        score = separation(model, X[validation], factors[validation])
        trial.report(score, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return score


optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(
    direction="maximize",
    sampler=optuna.samplers.TPESampler(seed=0),
    pruner=optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=3),
)
study.optimize(judge, n_trials=8)
{name: round(weight, 2) for name, weight in study.best_params.items()}

# %%
# Not all epochs were trained. A model that only starts slowly may be lost, so the
# pruner lets each have four.
n_trained = sum(len(trial.intermediate_values) for trial in study.trials)

fig, ax = plt.subplots(layout="constrained")
styles = {"pruned": ("0.6", "--"), "complete": ("black", "-"), "best": ("#0072B2", "-")}
for trial in study.trials:
    kind = "best" if trial == study.best_trial else trial.state.name.lower()
    color, line = styles[kind]
    epochs = [epoch + 1 for epoch in trial.intermediate_values]
    ax.plot(epochs, trial.intermediate_values.values(), line, color=color, label=kind)
    if kind == "pruned":
        ax.plot(epochs[-1], trial.intermediate_values[epochs[-1] - 1], "x", color=color)
lines = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
ax.legend(lines.values(), lines.keys())
ax.set(xlabel="epoch", ylabel="separation on validation pairs")
ax.set_title(f"{n_trained} epochs instead of {n_epochs * len(study.trials)}")
