"""Log densities and closed forms of diagonal Gaussians."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn.functional import mse_loss

_LOG_2PI = math.log(2 * math.pi)


def log_normal(z: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """Log density of a diagonal Gaussian, one value a dimension.

    Parameters
    ----------
    z, mean, log_var : Tensor, broadcast together
        The point, and the Gaussian's mean and log variance.

    Returns
    -------
    log_density : Tensor of the broadcast shape
        In nats.
    """
    return -0.5 * ((z - mean) ** 2 * (-log_var).exp() + log_var + _LOG_2PI)


def gaussian_kl(mean: Tensor, log_var: Tensor) -> Tensor:
    """KL divergence of a diagonal Gaussian to N(0, I), one value a dimension.

    Parameters
    ----------
    mean, log_var : Tensor of one shape
        The Gaussian's mean and log variance.

    Returns
    -------
    kl : Tensor of the same shape
        In nats, at least 0.

    References
    ----------
    .. [1] D. P. Kingma and M. Welling, "Auto-Encoding Variational Bayes",
       ICLR 2014, App. B.
    """
    return 0.5 * (mean**2 + log_var.exp() - 1 - log_var)


def reconstruction_nll(
    x: Tensor, x_hat: Tensor, present: Tensor | None = None, *, decoder_std: float = 1.0
) -> Tensor:
    """Negative Gaussian log likelihood of the views, mean over samples.

    Parameters
    ----------
    x, x_hat : Tensor of shape (n_samples, n_views, ...)
        The views and the decoder's means.
    present : Tensor of bool of shape (n_samples, n_views), default=None
        False where a view is missing: it adds nothing. None: all present.
    decoder_std : float, default=1.0
        Standard deviation of the decoder's Gaussian, in units of ``x``.

    Returns
    -------
    nll : Tensor of shape ()
        Summed over views and features, averaged over samples, in nats.
    """
    n_samples = len(x)
    if present is not None:
        x, x_hat = x[present], x_hat[present]
    # One fused pass forward and one backward: no square of the error is kept.
    error = mse_loss(x_hat, x, reduction="sum")
    constant = x.numel() * (0.5 * _LOG_2PI + math.log(decoder_std))
    return (0.5 / decoder_std**2 * error + constant) / n_samples
