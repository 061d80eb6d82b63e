"""How much slower than a bare torch loop does MultiViewDisentangler train?

The contestants train the default model with the same objective, optimizer, batches and
bound of the gradient's norm: ``MultiViewDisentangler.fit``, with its checks, history and
final pass over the data; a loop that an expert would write by hand; and skorch with its
own loop and data loader. They take turns, so that a busy machine slows all alike, each
in a process of its own.
Prints medians and spreads (least to greatest) of steps a second and the time
as a multiple of the bare loop's. Nothing else should run beside it.

``--multivae`` adds the nearest model of the package of that name (``pip install
multivae``), DMVAE, with the same networks and batches and its own trainer. Its own
objective has no total correlation, and decodes each view three times in a step; nothing
bounds its gradient.
"""

from __future__ import annotations

import argparse
import logging
import math
import tempfile
import time
import warnings
from multiprocessing import get_context

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import GradientNormClipping
from torch import nn

from mvdisent import MultiViewDisentangler
from mvdisent.nn import MLPDecoder, MLPEncoder, MultiViewVAE, draw
from mvdisent.objectives import MultiViewObjective

N_PRIVATE = N_SHARED = 8
LR = 1e-3
MAX_GRAD_NORM = MultiViewDisentangler().max_grad_norm
OBJECTIVE = MultiViewObjective(1.0, 1.0, 1.0, decoder_std=3.0, kl_estimator="stratified")


class PlainVAE(nn.Module):
    """The model with what the objective needs as its output."""

    def __init__(self, view_shape):
        super().__init__()
        width = N_PRIVATE + N_SHARED
        self.vae = MultiViewVAE(
            MLPEncoder(view_shape, 2 * width),
            MLPDecoder(width, view_shape),
            n_private=N_PRIVATE,
            n_shared=N_SHARED,
        )

    def forward(self, x, generator=None):
        generator = generator or torch.default_generator
        posterior = self.vae.encode(x)
        z_private = draw(posterior.private_mean, posterior.private_log_var, generator)
        z_shared = draw(posterior.shared_mean, posterior.shared_log_var, generator)
        return self.vae.decode(z_private, z_shared), posterior, z_private, z_shared


def loss_of(x, outputs, n_train, warmth):
    return OBJECTIVE.weigh(OBJECTIVE.terms(x, *outputs, None, n_train=n_train), warmth=warmth)


def estimator(X, arguments, precision="float32"):
    model = MultiViewDisentangler(
        N_PRIVATE,
        N_SHARED,
        objective="marl",
        decoder_std=OBJECTIVE.decoder_std,
        lr=LR,
        max_epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        precision=precision,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of collapse: the data are noise
        model.fit(X)
    return model.history_["loss"].iloc[-1]


def in_bfloat16(X, arguments):
    return estimator(X, arguments, "bfloat16")


def bare_loop(X, arguments):
    X = torch.from_numpy(X)
    X = (X - X.mean()) / X.std()
    torch.manual_seed(0)
    module = PlainVAE(X.shape[2:])
    optimizer = torch.optim.Adam(module.parameters(), LR, fused=True)
    generator, n_steps = torch.Generator().manual_seed(0), math.ceil(len(X) / arguments.batch_size)
    for epoch in range(arguments.epochs):
        total = torch.zeros(())
        order = torch.randperm(len(X), generator=generator)
        for step, rows in enumerate(order.tensor_split(n_steps)):
            x = X[rows]
            warmth = min(1.0, (epoch + (step + 1) / n_steps) / 5)
            loss = loss_of(x, module(x, generator), len(X), warmth)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(module.parameters(), MAX_GRAD_NORM)
            optimizer.step()
            total += loss.detach() * len(x)
    return float(total / len(X))


class PlainNet(NeuralNet):
    def get_loss(self, y_pred, y_true, X=None, training=False):
        return loss_of(X, y_pred, self.n_train, min(1.0, len(self.history) / 5))


def skorch_loop(X, arguments):
    X = ((X - X.mean()) / X.std()).astype(np.float32)
    torch.manual_seed(0)
    net = PlainNet(
        PlainVAE(X.shape[2:]),
        nn.Identity,
        optimizer=torch.optim.Adam,
        optimizer__fused=True,
        lr=LR,
        batch_size=arguments.batch_size,
        max_epochs=arguments.epochs,
        iterator_train__shuffle=True,
        train_split=None,
        callbacks=[GradientNormClipping(MAX_GRAD_NORM)],
        verbose=0,
    )
    net.n_train = len(X)
    return net.fit(X, np.zeros(len(X), dtype=np.float32)).history[-1, "train_loss"]


def multivae_trainer(X, arguments):
    """Fit DMVAE, one encoder and one decoder for both views, as its documentation says."""
    from multivae.data.datasets.base import MultimodalBaseDataset
    from multivae.models import DMVAE, DMVAEConfig
    from multivae.models.nn.base_architectures import BaseMultilatentEncoder
    from multivae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder

    class Encoder(BaseMultilatentEncoder):
        latent_dim, style_dim = N_SHARED, N_PRIVATE

        def __init__(self):
            super().__init__()
            self.layers = MLPEncoder(X.shape[2:], 2 * (N_PRIVATE + N_SHARED))

        def forward(self, x):
            parts = self.layers(x).split([N_SHARED, N_SHARED, N_PRIVATE, N_PRIVATE], dim=1)
            names = ("embedding", "log_covariance", "style_embedding", "style_log_covariance")
            return ModelOutput(**dict(zip(names, parts, strict=True)))

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.layers = MLPDecoder(N_PRIVATE + N_SHARED, X.shape[2:])

        def forward(self, z):
            return ModelOutput(reconstruction=self.layers(z))

    logging.disable(logging.INFO)
    torch.manual_seed(0)
    X = torch.from_numpy((X - X.mean()) / X.std()).float()
    views, encoder, decoder = ("first", "second"), Encoder(), Decoder()
    config = DMVAEConfig(
        n_modalities=2,
        latent_dim=N_SHARED,
        input_dims=dict.fromkeys(views, tuple(X.shape[2:])),
        decoders_dist=dict.fromkeys(views, "normal"),
        modalities_specific_dim=dict.fromkeys(views, N_PRIVATE),
    )
    model = DMVAE(config, dict.fromkeys(views, encoder), dict.fromkeys(views, decoder))
    data = MultimodalBaseDataset({view: X[:, i] for i, view in enumerate(views)})
    with tempfile.TemporaryDirectory() as folder:
        settings = BaseTrainerConfig(
            output_dir=folder,
            per_device_train_batch_size=arguments.batch_size,
            num_epochs=arguments.epochs,
            learning_rate=LR,
            no_cuda=True,
        )
        trainer = BaseTrainer(model, data, training_config=settings)
        trainer.train()
    return trainer.best_train_loss


CONTESTANTS = [bare_loop, estimator, skorch_loop]


def train(contestant, X, arguments):
    """Give the seconds of a fit, after a short one that warms up, and the loss it ends with."""
    torch.set_num_threads(arguments.threads)
    contestant(X[: 2 * arguments.batch_size], arguments)
    start = time.perf_counter()
    loss = contestant(X, arguments)
    return time.perf_counter() - start, loss


def compare(contestants, X, arguments):
    """Return seconds a fit, one row a contestant, and the loss each ended with.

    Each fit has a process of its own, as a process learns from what others free.
    """
    turns = np.empty((arguments.repeats, len(contestants), 2))
    for repeat in range(arguments.repeats):
        for row, contestant in enumerate(contestants):
            with get_context("spawn").Pool(1) as pool:
                turns[repeat, row] = pool.apply(train, (contestant, X, arguments))
    return turns[:, :, 0].T, turns[0, :, 1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-samples", type=int, default=1024, help="pairs of views of 64 x 32")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--multivae", action="store_true")
    parser.add_argument("--bfloat16", action="store_true", help="adds precision='bfloat16'")
    arguments = parser.parse_args()

    contestants = CONTESTANTS + [multivae_trainer] * arguments.multivae
    contestants += [in_bfloat16] * arguments.bfloat16
    X = np.random.default_rng(0).standard_normal((arguments.n_samples, 2, 64, 32), dtype=np.float32)
    n_steps = arguments.epochs * math.ceil(len(X) / arguments.batch_size)
    seconds, losses = compare(contestants, X, arguments)
    names = [contestant.__name__ for contestant in contestants]
    print(f"{X.shape} in {n_steps} steps of {arguments.batch_size}, {arguments.threads} threads")
    for name, row, loss in zip(names, seconds, losses, strict=True):
        rates, ratios = n_steps / row, row / seconds[0]  # ratios of the same turn
        print(
            f"  {name:16} {np.median(rates):6.1f} steps/s "
            f"({rates.min():.1f} to {rates.max():.1f})   {np.median(ratios):5.2f}x the time "
            f"({ratios.min():.2f} to {ratios.max():.2f})   last loss {loss:.1f}"
        )
    ours = [name for name in ("estimator", "in_bfloat16") if name in names]
    for name in ours if arguments.multivae else []:
        ratios = seconds[names.index("multivae_trainer")] / seconds[names.index(name)]
        print(
            f"  multivae_trainer takes {np.median(ratios):.2f}x the time of {name} "
            f"({ratios.min():.2f} to {ratios.max():.2f})"
        )


if __name__ == "__main__":
    main()
