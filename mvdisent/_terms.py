"""Terms of the loss that need a referee or partners, and the refusal of what is not finite."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ._batches import Batch
from .nn import MultiViewVAE, Referee
from .objectives import reconstruction_nll, referee_loss


def ask_referee(
    referee: Referee,
    z_private: Tensor,
    z_shared: Tensor,
    present: Tensor | None,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Compute what the private codes tell of the shared ones, and the referee's own loss.

    Parameters
    ----------
    referee : Referee
        Learns from the second of the two alone.
    z_private : Tensor of shape (n_samples, n_views, n_private)
        Private codes; the first term's gradient reaches them.
    z_shared : Tensor of shape (n_samples, n_views, n_shared)
        Shared codes; no gradient reaches them.
    present : Tensor of bool of shape (n_samples, n_views) or None
        False where a view is missing. None: all present.
    generator : torch.Generator
        Source of the shuffling.

    Returns
    -------
    terms : dict of str to Tensor of shape ()
        ``dependence``, the mutual information of the codes as the referee
        estimates it, summed over views, and ``referee``, its cross-entropy; in
        nats.
    """
    codes = (z_private, z_shared.detach())
    own, common = (z.flatten(0, 1) if present is None else z[present] for z in codes)
    dependence = referee.judge(own, common).sum() / len(z_private)
    order = torch.randperm(len(own), generator=generator, device=own.device)
    seen = own.detach()
    loss = referee_loss(referee(seen, common), referee(seen, common[order]))
    return {"dependence": dependence, "referee": loss}


def transported_nll(
    module: MultiViewVAE,
    batch: Batch,
    z_shared: Tensor,
    own: slice,
    decoder_std: float,
    generator: torch.Generator,
) -> Tensor:
    """Compute the reconstruction of views from the private codes of their partners.

    Parameters
    ----------
    module : MultiViewVAE
        The model.
    batch : Batch
        Views, and their partners; without any the term is 0.
    z_shared : Tensor of shape (n_own, n_views, n_shared)
        What the other views share, for each view.
    own : slice
        The batch's rows that are this process's.
    decoder_std : float
        Standard deviation of the decoder's Gaussian.
    generator : torch.Generator
        Source of the noise of the whole batch.

    Returns
    -------
    nll : Tensor of shape ()
        As if all views had partners: this process's summand of it, in nats.
    """
    x, _, n_rows, partners = batch
    if partners is None:
        return x.new_zeros(())
    # The whole batch's noise, so that all processes go on alike.
    noise = x.new_empty(n_rows, x.shape[1], module.n_private).normal_(generator=generator)
    if not len(partners.places):
        return x.new_zeros(())
    codes = module.encode(partners.x[:, None])
    std = (0.5 * codes.private_log_var).exp()
    z_private = codes.private_mean + std * noise[own].flatten(0, 1)[partners.places][:, None]
    x_hat = module.decode(z_private, z_shared.flatten(0, 1)[partners.places])
    views = x.flatten(0, 1)[partners.places][:, None]
    nll = reconstruction_nll(views, x_hat, decoder_std=decoder_std)
    # A mean over the process's own views, of which it has a share of the batch's.
    return nll * (x.shape[1] * len(views) / partners.n_sought)


def refuse_non_finite(
    named: Mapping[str, float],
    *,
    epoch: int,
    cause: Callable[[], str] = lambda: "lower lr, or look at the scale of X",
) -> None:
    """Raise FloatingPointError if a named value is NaN or infinite, with the likely cause."""
    bad = [name for name, value in named.items() if not math.isfinite(value)]
    if bad:
        term = bad[-1]  # the loss comes first, its terms after it
        raise FloatingPointError(
            f"epoch {epoch}: {term} is {named[term]}; the fit has diverged: {cause()}"
        )
