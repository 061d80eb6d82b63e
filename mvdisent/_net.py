"""The training loop: a skorch net over batches of views (skorch lives here alone)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import Tensor
from tqdm.auto import tqdm

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

Batch = tuple[Tensor, Tensor | None]
Factory = Callable[..., torch.nn.Module]

# Independent features that a view counts as, for decoder_std="auto"; chosen on
# validation tones (docs/benchmarks.rst).
_AUTO_FEATURES = 256

NETWORKS: dict[str, tuple[Factory, Factory]] = {
    "mlp": (MLPEncoder, MLPDecoder),
    "conv": (ConvEncoder, ConvDecoder),
}


class ViewDataset(torch.utils.data.Dataset[Batch]):
    """Views on their way to the network: gathered, scaled, on the device.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_views, *view_shape)
        The views, in any float type; a memmap is read batch by batch.
    present : ndarray of bool of shape (n_samples, n_views) or None
        False where a view is missing. None: all present.
    offset, scale : float
        Mean and standard deviation by which X is standardised.
    device : str or torch.device
        Where batches go.
    """

    def __init__(
        self,
        X: NDArray[Any],
        present: NDArray[np.bool_] | None,
        *,
        offset: float,
        scale: float,
        device: str | torch.device,
    ) -> None:
        self.X = X
        self.present = present
        self.offset = offset
        self.scale = scale
        self.device = device

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: NDArray[np.intp] | slice) -> Batch:
        """Gather rows as float32: the scaled views, and which of them are present."""
        gathered = self.X[rows]
        if isinstance(rows, slice):  # numpy gives a view of X there, which must stay as it is
            gathered = gathered.copy()
        x = torch.from_numpy(np.asarray(gathered, dtype=np.float32)).to(self.device)
        x.sub_(self.offset).div_(self.scale)
        if self.present is None:
            return x, None
        present = torch.from_numpy(self.present[rows]).to(self.device)
        return x.masked_fill_(~present[(...,) + (None,) * (x.ndim - 2)], 0.0), present


class ViewBatches:
    """Shuffled batches of nearly equal size, none smaller than half the others.

    Parameters
    ----------
    dataset : ViewDataset
        The rows.
    batch_size : int
        Rows of a batch, at most.
    generator : torch.Generator
        Source of the order, drawn afresh each epoch.
    """

    def __init__(self, dataset: ViewDataset, batch_size: int, generator: torch.Generator) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.generator = generator

    def __len__(self) -> int:
        return math.ceil(len(self.dataset) / self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        order = torch.randperm(len(self.dataset), generator=self.generator).numpy()
        for rows in np.array_split(order, len(self)):
            yield self.dataset.take(rows)


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
    """

    noise_generator: torch.Generator
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
        loss, terms = self.loss(batch, n_train=self._n_train, generator=self.noise_generator)
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

    def loss(
        self, batch: Batch, *, n_train: int, generator: torch.Generator
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
        return self.criterion_.weigh(terms), terms

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
