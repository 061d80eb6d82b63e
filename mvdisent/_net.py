"""The training loop: a skorch net over batches of views (skorch lives here alone)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import Tensor
from tqdm.auto import tqdm

from ._batches import Batch, ViewDataset
from ._terms import ask_referee, refuse_non_finite, transported_nll
from ._transport import draw_partners
from .nn import MultiViewVAE, Posterior, draw

# Standard deviations from the mean beyond which a value is taken for the cause of a divergence.
_MAX_PEAK = 100.0
# Warm-ups after which partners are found by what is decoded, no longer by the views themselves.
_PARTNER_WARMUP = 1.5


class ProgressBar(Callback):
    """Show one bar a fit, with the terms of the last epoch behind it."""

    def __init__(self, n_epochs: int, n_done: int = 0) -> None:
        self.n_epochs = n_epochs
        self.n_done = n_done

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Open the bar."""
        self.bar_ = tqdm(total=self.n_epochs, initial=self.n_done, unit="epoch", desc="fit")

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Move it on by one epoch."""
        self.bar_.set_postfix({name: f"{value:.3g}" for name, value in net.epochs_[-1].items()})
        self.bar_.update()

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Close it, also after an interruption."""
        self.bar_.close()


class BetweenSteps(Callback):
    """Call a function between two steps, and between two epochs.

    Then, and only then, ``get_state`` and ``get_position`` say all.
    """

    def __init__(self, call: Callable[[], object]) -> None:
        self.call = call

    def on_batch_end(self, net: Any, **kwargs: Any) -> None:
        """Call, but not before the end of the epoch is recorded."""
        if not net.is_epoch_whole():
            self.call()

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Call, as the epoch is recorded."""
        self.call()


class Stopping(Protocol):
    """What the loop asks after each epoch."""

    def measure(self) -> float: ...  # the loss on held-out rows
    def is_over(self) -> bool: ...


class MultiViewNet(NeuralNet):
    """A skorch net whose batches are views and whose loss is a sum of named terms.

    Attributes
    ----------
    epochs_ : list of dict of str to float
        One record an epoch: the loss and each term, unweighted, in nats.
    noise_generator : torch.Generator
        Source of the draws from the posteriors, on the device.
    warmup_epochs : float
        Epochs over which the weights of the shared terms rise from 0.
    std_unit : float
        Of ``decoder_std``, where views come to the networks as fewer values.
    partner_seed : int
        Seed of the search for partners, where the objective is "transport".
    max_norm : float or None
        Largest norm of the gradient; a larger gradient is scaled down to it.
    """

    noise_generator: torch.Generator
    warmup_epochs: float
    partner_seed: int
    std_unit: float
    max_norm: float | None
    callbacks_: list[tuple[str, Callback]]

    def initialize(self) -> MultiViewNet:
        """Initialise everything, with an empty record."""
        super().initialize()
        self.epochs_: list[dict[str, float]] = []
        self._stopping: Stopping | None = None
        self._partners: NDArray[np.int64] | None = None
        self._start_epoch()
        return self

    def torch_compile(self, module: MultiViewVAE, name: str) -> MultiViewVAE:
        """Compile the networks where they stand, if asked to: nothing calls the module itself."""
        if self.compile:
            for network in (module.encoder, module.decoder):
                network.compile(**self.get_params_for("compile"))
        return module

    def _start_epoch(self) -> None:
        """Forget the steps of the last epoch."""
        self._n_steps, self._n_seen = 0, 0
        self._sums: dict[str, float] = {}

    def train_epochs(
        self,
        dataset: ViewDataset,
        n_epochs: int,
        *,
        verbose: bool,
        stopping: Stopping | None = None,
        between_steps: Callable[[], object] | None = None,
    ) -> None:
        """Train for some epochs more, or until ``stopping`` says that it is over.

        skorch's own ``fit`` and ``partial_fit`` swallow KeyboardInterrupt; its
        loop alone lets it through.
        """
        callbacks, self._stopping = self.callbacks_, stopping
        if between_steps is not None:
            self.callbacks_ = [*self.callbacks_, ("between_steps", BetweenSteps(between_steps))]
        if verbose:
            n_done = len(self.epochs_) if between_steps else 0
            bar = ProgressBar(n_done + n_epochs, n_done)
            self.callbacks_ = [*self.callbacks_, ("bar", bar)]
        self.notify("on_train_begin", X=dataset, y=None)
        try:
            for _ in range(n_epochs):
                self.fit_loop(dataset, None, epochs=1)
                if stopping is not None and stopping.is_over():
                    break
        finally:
            self._start_epoch()  # one that was interrupted is not gone on with
            self.notify("on_train_end", X=dataset, y=None)
            self.callbacks_, self._stopping = callbacks, None

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Give the batches of an epoch, less those of the steps behind it."""
        batches = super().get_iterator(dataset, training=training)
        if self._n_steps:
            batches.n_skipped = self._n_steps
        if training and self.module_.separator is not None:
            batches.find_partners = self._find_partners
        return batches

    def _find_partners(self, dataset: ViewDataset) -> NDArray[np.int64] | None:
        """Seek the partners of an epoch's views, unless it is gone on with.

        At first, until the shared codes tell slices apart, there are none; then
        they are found by the views themselves, then by what is decoded.
        """
        epoch = len(self.epochs_)
        if epoch < self.warmup_epochs:
            self._partners = None
        elif not self._n_steps:
            rng = np.random.default_rng([self.partner_seed, epoch])
            decoded = epoch >= max(1.0, _PARTNER_WARMUP * self.warmup_epochs)
            self._partners = draw_partners(self.module_, dataset, rng, decoded=decoded)
        return self._partners

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, **kwargs: Any) -> None:
        """Note the state from which the order of the rows is drawn."""
        super().on_epoch_begin(net, dataset_train=dataset_train, **kwargs)
        self._n_train = len(dataset_train)
        self._order_state = self.iterator_train__generator.get_state()

    def is_epoch_whole(self) -> bool:
        """Tell whether each row had its turn in this epoch."""
        return self._n_seen == self._n_train

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Record the means of the epoch, here and in skorch's history."""
        super().on_epoch_end(net, **kwargs)
        means = {name: total / self._n_train for name, total in self._sums.items()}
        if self._stopping is not None:
            means["validation_loss"] = self._stopping.measure()
        self._start_epoch()
        self.epochs_.append(means)
        for name, mean in means.items():
            self.history.record(name, mean)

    def train_step(self, batch: Batch, **fit_params: Any) -> dict[str, Any]:
        """Take one step: forward, backward, update."""
        self._set_training(True)
        self._zero_grad_optimizer(set_to_none=True)
        self._n_seen += batch.n_rows
        loss, terms = self.step_loss(batch)
        values = torch.stack([loss, *terms.values()]).tolist()  # one transfer a step
        named = dict(zip(["loss", *terms], values, strict=True))
        refuse_non_finite(named, epoch=len(self.epochs_) + 1, cause=lambda: self._find_cause(batch))
        self.find_gradient(loss, terms)
        self.notify(
            "on_grad_computed",
            named_parameters=self.module_.named_parameters(),
            batch=batch,
            training=True,
        )
        self._clip_gradient()
        self._step_optimizer(None)
        for name, value in named.items():
            self._sums[name] = self._sums.get(name, 0.0) + value * batch.n_rows
        self._n_steps += 1
        return {"loss": loss.detach(), "y_pred": None}

    def step_loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss of a step, and its terms."""
        return self.loss(
            batch, n_train=self._n_train, generator=self.noise_generator, warmth=self._warmth()
        )

    def agree(self, value: float) -> float:
        """Give the number that all processes of a fit go by."""
        return value

    def find_gradient(self, loss: Tensor, terms: Mapping[str, Tensor]) -> None:
        """Find the gradient of the loss, and of the referee's own, which reaches it alone."""
        torch.autograd.backward(loss + terms.get("referee", 0.0))

    def _clip_gradient(self) -> None:
        """Scale a gradient whose norm is too large down to the largest."""
        if self.max_norm is None:
            return
        weights = [weight for weight in self.module_.parameters() if weight.grad is not None]
        if weights[0].is_cpu:
            # Each pass over the gradient tells in the time of a step: most need this one alone.
            norms = torch.cat([torch.linalg.vector_norm(w.grad, dim=-1).ravel() for w in weights])
            if torch.linalg.vector_norm(norms) <= self.max_norm:
                return
        torch.nn.utils.clip_grad_norm_(weights, self.max_norm)

    def _find_cause(self, batch: Batch) -> str:
        """Say why the loss of a batch may be infinite or NaN, and what to do."""
        x, whitener = batch.x, self.module_.whitener
        if whitener is not None:
            x = whitener.restore(x.flatten(0, 1))
        peak = float(x.abs().max())
        if peak > _MAX_PEAK:
            return (
                f"a value of X lies {peak:.3g} standard deviations from the mean of X: clip X, or "
                "remove the sample"
            )
        weigh = self.criterion_
        weights = (
            f"lower the weights alpha={weigh.alpha}, beta={weigh.beta} and gamma={weigh.gamma}, or "
            f"raise decoder_std={weigh.decoder_std / self.std_unit:.3g}"
        )
        if not self.epochs_ and not self._n_steps:
            return f"this was the first step, so it is not lr: {weights}"
        return f"lower lr={self.lr:g}, or {weights}"

    def _warmth(self) -> float:
        """Share of the shared terms' weights: rises linearly to 1 in the first epochs."""
        n_epochs = len(self.epochs_) + self._n_seen / self._n_train
        return min(1.0, n_epochs / self.warmup_epochs) if self.warmup_epochs else 1.0

    def loss(
        self, batch: Batch, *, n_train: int, generator: torch.Generator, warmth: float = 1.0
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss of a batch and its unweighted terms, means over samples."""
        x, present, *_ = batch
        referee = self.module_.referee
        from_others = referee is not None or self.module_.separator is not None
        posterior: Posterior = self.module_.encode(x, present, from_others=from_others)
        z_private = draw(posterior.private_mean, posterior.private_log_var, generator)
        z_shared = draw(posterior.shared_mean, posterior.shared_log_var, generator)
        x_hat = self.module_.decode(z_private, z_shared)
        terms = self.criterion_.terms(
            x, x_hat, posterior, z_private, z_shared, present, n_train=n_train
        )
        if referee is not None:
            terms |= ask_referee(referee, z_private, z_shared, present, generator)
        if self.module_.separator is not None:
            terms["transported"] = transported_nll(
                self.module_, batch, z_shared, slice(None), self.criterion_.decoder_std, generator
            )
        return self.criterion_.weigh(terms, warmth=warmth), terms

    def get_state(self) -> dict[str, Any]:
        """Give all that training changes, as numpy arrays and plain data."""
        optimizer = self.optimizer_.state_dict()
        state = {
            "module": {k: v.cpu().numpy() for k, v in self.module_.state_dict().items()},
            "optimizer": {
                i: {k: v.cpu().numpy() if torch.is_tensor(v) else v for k, v in slots.items()}
                for i, slots in optimizer["state"].items()
            },
            "shuffle": (
                self._order_state if self._n_steps else self.iterator_train__generator.get_state()
            ).numpy(),
            "noise": self.noise_generator.get_state().numpy(),
            "epochs": self.epochs_,
        }
        if self._n_steps and self._partners is not None:  # sought by the weights of its start
            state["partners"] = self._partners
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Take up what ``get_state`` gave."""
        self.module_.load_state_dict(
            {k: torch.from_numpy(v.copy()) for k, v in state["module"].items()}
        )
        optimizer = self.optimizer_.state_dict()
        optimizer["state"] = {
            i: {
                k: torch.from_numpy(v.copy()) if isinstance(v, np.ndarray) else v
                for k, v in slots.items()
            }
            for i, slots in state["optimizer"].items()
        }
        self.optimizer_.load_state_dict(optimizer)
        self.iterator_train__generator.set_state(torch.from_numpy(state["shuffle"].copy()))
        self.noise_generator.set_state(torch.from_numpy(state["noise"].copy()))
        self.epochs_ = list(state["epochs"])
        self._partners = state.get("partners")

    def get_position(self) -> dict[str, Any]:
        """Say what of this epoch is done, as plain data."""
        return {"n_steps": self._n_steps, "n_seen": self._n_seen, "sums": dict(self._sums)}

    def set_position(self, position: Mapping[str, Any]) -> None:
        """Take up what ``get_position`` gave, after ``set_state``."""
        self._n_steps, self._n_seen = position["n_steps"], position["n_seen"]
        self._sums = dict(position["sums"])
        self._order_state = self.iterator_train__generator.get_state()
