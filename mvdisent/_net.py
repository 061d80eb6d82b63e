"""The training loop: a skorch net over batches of views (skorch lives here alone)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import Tensor
from tqdm.auto import tqdm

from ._batches import Batch, ViewBatches, ViewDataset
from .nn import (
    ConvDecoder,
    ConvEncoder,
    MLPDecoder,
    MLPEncoder,
    MultiViewVAE,
    Posterior,
    build_module,
    draw,
)
from .objectives import MultiViewObjective

Factory = Callable[..., torch.nn.Module]

# Independent features that a view counts as, for decoder_std="auto"; chosen on
# validation tones (docs/benchmarks.rst).
_AUTO_FEATURES = 256

NETWORKS: dict[str, tuple[Factory, Factory]] = {
    "mlp": (MLPEncoder, MLPDecoder),
    "conv": (ConvEncoder, ConvDecoder),
}


class ProgressBar(Callback):
    """Show one bar a fit, with the terms of the last epoch behind it."""

    def __init__(self, n_epochs: int) -> None:
        self.n_epochs = n_epochs

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Open the bar."""
        self.bar_ = tqdm(total=self.n_epochs, unit="epoch", desc="fit")

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Move it on by one epoch."""
        self.bar_.set_postfix({name: f"{value:.3g}" for name, value in net.epochs_[-1].items()})
        self.bar_.update()

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Close it, also after an interruption."""
        self.bar_.close()


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
    """

    noise_generator: torch.Generator
    warmup_epochs: float
    callbacks_: list[tuple[str, Callback]]

    def initialize(self) -> MultiViewNet:
        """Initialise everything, with an empty record."""
        super().initialize()
        self.epochs_: list[dict[str, float]] = []
        return self

    def train_epochs(self, dataset: ViewDataset, n_epochs: int, *, verbose: bool) -> None:
        """Train for some epochs more.

        skorch's own ``fit`` and ``partial_fit`` swallow KeyboardInterrupt; its
        loop alone lets it through.
        """
        callbacks = self.callbacks_
        if verbose:
            self.callbacks_ = [*callbacks, ("bar", ProgressBar(n_epochs))]
        self.notify("on_train_begin", X=dataset, y=None)
        try:
            self.fit_loop(dataset, None, epochs=n_epochs)
        finally:
            self.notify("on_train_end", X=dataset, y=None)
            self.callbacks_ = callbacks

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, **kwargs: Any) -> None:
        """Forget the sums of the last epoch."""
        super().on_epoch_begin(net, dataset_train=dataset_train, **kwargs)
        self._n_train = len(dataset_train)
        self._n_seen = 0
        self._sums: dict[str, float] = {}

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Record the means of the epoch, here and in skorch's history."""
        super().on_epoch_end(net, **kwargs)
        means = {name: total / self._n_train for name, total in self._sums.items()}
        self.epochs_.append(means)
        for name, mean in means.items():
            self.history.record(name, mean)

    def train_step(self, batch: Batch, **fit_params: Any) -> dict[str, Any]:
        """Take one step: forward, backward, update."""
        self._set_training(True)
        self._zero_grad_optimizer(set_to_none=True)
        self._n_seen += len(batch[0])
        loss, terms = self.loss(
            batch, n_train=self._n_train, generator=self.noise_generator, warmth=self._warmth()
        )
        values = torch.stack([loss, *terms.values()]).tolist()  # one transfer a step
        named = dict(zip(["loss", *terms], values, strict=True))
        refuse_non_finite(named, epoch=len(self.epochs_) + 1)
        torch.autograd.backward(loss)
        self.notify(
            "on_grad_computed",
            named_parameters=self.module_.named_parameters(),
            batch=batch,
            training=True,
        )
        self._step_optimizer(None)
        for name, value in named.items():
            self._sums[name] = self._sums.get(name, 0.0) + value * len(batch[0])
        return {"loss": loss.detach(), "y_pred": None}

    def _warmth(self) -> float:
        """Share of the shared terms' weights: rises linearly to 1 in the first epochs."""
        n_epochs = len(self.epochs_) + self._n_seen / self._n_train
        return min(1.0, n_epochs / self.warmup_epochs) if self.warmup_epochs else 1.0

    def loss(
        self, batch: Batch, *, n_train: int, generator: torch.Generator, warmth: float = 1.0
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss of a batch and its unweighted terms, means over samples."""
        x, present = batch
        posterior: Posterior = self.module_.encode(x, present)
        z_private = draw(posterior.private_mean, posterior.private_log_var, generator)
        z_shared = draw(posterior.shared_mean, posterior.shared_log_var, generator)
        x_hat = self.module_.decode(z_private, z_shared)
        terms = self.criterion_.terms(
            x, x_hat, posterior, z_private, z_shared, present, n_train=n_train
        )
        return self.criterion_.weigh(terms, warmth=warmth), terms

    def get_state(self) -> dict[str, Any]:
        """Give all that training changes, as numpy arrays and plain data."""
        optimizer = self.optimizer_.state_dict()
        return {
            "module": {k: v.cpu().numpy() for k, v in self.module_.state_dict().items()},
            "optimizer": {
                i: {k: v.cpu().numpy() if torch.is_tensor(v) else v for k, v in slots.items()}
                for i, slots in optimizer["state"].items()
            },
            "shuffle": self.iterator_train__generator.get_state().numpy(),
            "noise": self.noise_generator.get_state().numpy(),
            "epochs": self.epochs_,
        }

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


def refuse_non_finite(named: Mapping[str, float], *, epoch: int) -> None:
    """Raise FloatingPointError if a named value is NaN or infinite."""
    bad = [name for name, value in named.items() if not math.isfinite(value)]
    if bad:
        term = bad[-1]  # the loss comes first, its terms after it
        raise FloatingPointError(
            f"epoch {epoch}: {term} is {named[term]}; the fit has diverged: "
            "lower lr or the weights alpha, beta and gamma, or look at the scale of X"
        )


def build_net(
    params: Mapping[str, Any], view_shape: Sequence[int], seeds: Sequence[int]
) -> MultiViewNet:
    """Build the net of an estimator, initialised.

    Parameters
    ----------
    params : mapping of str to object
        The parameters of ``MultiViewDisentangler``.
    view_shape : sequence of int
        Shape of one view.
    seeds : sequence of int of length 3
        Seeds of the weights, the order of the rows and the draws.

    Returns
    -------
    net : MultiViewNet
        Ready to train.
    """
    device = resolve_device(params["device"])
    weights, order = (torch.Generator().manual_seed(seed) for seed in seeds[:2])
    encoder, decoder = _factories(params, view_shape)
    module = MultiViewVAE(
        build_module(encoder, weights),
        build_module(decoder, weights),
        n_private=params["n_private"],
        n_shared=params["n_shared"],
    )
    criterion = {name: params[name] for name in ("alpha", "beta", "gamma", "kl_estimator")}
    criterion["decoder_std"] = _resolve_std(params["decoder_std"], view_shape)
    given = dict(params["net_params"] or {})
    # The fused kernel belongs to the default: not every optimizer has one.
    adam = {"optimizer": torch.optim.Adam, "optimizer__fused": True}
    settings = {
        **({} if "optimizer" in given else adam),
        "lr": params["lr"],
        "batch_size": params["batch_size"],
        "iterator_train": ViewBatches,
        "iterator_train__generator": order,
        "train_split": None,
        "callbacks__print_log": None,
        "verbose": 0,
        "device": device,
        **given,
    }
    objective = partial(MultiViewObjective, **criterion)
    net = MultiViewNet(module, objective, **settings)
    net.noise_generator = torch.Generator(device).manual_seed(seeds[2])
    net.warmup_epochs = params["warmup_epochs"]
    return net.initialize()


def outline_module(params: Mapping[str, Any], view_shape: Sequence[int]) -> MultiViewVAE:
    """Build an estimator's module without storage: names, shapes and types of its state."""
    with torch.device("meta"):
        encoder, decoder = (factory() for factory in _factories(params, view_shape))
    return MultiViewVAE(
        encoder, decoder, n_private=params["n_private"], n_shared=params["n_shared"]
    )


def _factories(
    params: Mapping[str, Any], view_shape: Sequence[int]
) -> tuple[Callable[[], torch.nn.Module], Callable[[], torch.nn.Module]]:
    encoder, decoder = (
        NETWORKS[params[name]][i] if isinstance(params[name], str) else params[name]
        for i, name in enumerate(("encoder", "decoder"))
    )
    width = params["n_private"] + params["n_shared"]
    return partial(encoder, view_shape, 2 * width), partial(decoder, width, view_shape)


def _resolve_std(decoder_std: float | str, view_shape: Sequence[int]) -> float:
    """Take "auto" as the value that weighs the error of a view, not of each of its features."""
    if isinstance(decoder_std, str):
        return math.sqrt(math.prod(view_shape) / _AUTO_FEATURES)
    return decoder_std


def resolve_device(device: str) -> torch.device:
    """Take "auto" as CUDA where there is one, else the CPU."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(device)
