"""The objective of the multi-view VAE: terms by name, and their weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ._contrast import info_nce
from ._decomposition import KLParts, split_kl
from ._gaussian import reconstruction_nll


class _Posterior(Protocol):
    """What the objective reads of a posterior (see ``nn.Posterior``)."""

    @property
    def private_mean(self) -> Tensor: ...
    @property
    def private_log_var(self) -> Tensor: ...
    @property
    def shared_mean(self) -> Tensor: ...
    @property
    def shared_log_var(self) -> Tensor: ...
    @property
    def expert_mean(self) -> Tensor: ...


@dataclass(frozen=True)
class MultiViewObjective:
    """Weigh the terms of the multi-view beta-TCVAE objective.

    Parameters
    ----------
    alpha : float
        Weight of the index-code mutual information.
    beta : float
        Weight of the total correlation.
    gamma : float
        Weight of the dimension-wise KL.
    decoder_std : float
        Standard deviation of the decoder's Gaussian.
    kl_estimator : {"stratified", "weighted"}
        Estimator of the aggregated posterior.
    delta : float, default=0.0
        Weight of the dependence between private and shared codes.
    shared_weight : float, default=1.0
        Scales the weights of the shared block's terms.
    contrast : float, default=0.0
        Weight of the contrast between what a view and the others tell of the
        shared code, where each view has a shared posterior of its own.

    References
    ----------
    .. [1] J. Wilkins, S. Ding, M. Fuentes, J. P. Bello, "Self-Supervised
       Multi-View Learning for Disentangled Music Audio Representations",
       ISMIR 2024 late-breaking demo, arXiv 2411.02711.
    """

    alpha: float
    beta: float
    gamma: float
    decoder_std: float
    kl_estimator: str
    delta: float = 0.0
    shared_weight: float = 1.0
    contrast: float = 0.0

    def terms(
        self,
        x: Tensor,
        x_hat: Tensor,
        posterior: _Posterior,
        z_private: Tensor,
        z_shared: Tensor,
        present: Tensor | None,
        *,
        n_train: int,
    ) -> dict[str, Tensor]:
        """Compute each term, unweighted, as a mean over samples, in nats.

        Parameters
        ----------
        x, x_hat : Tensor of shape (n_samples, n_views, ...)
            The views and their reconstructions.
        posterior : nn.Posterior
            Posteriors of the batch.
        z_private : Tensor of shape (n_samples, n_views, n_private)
            One draw from each private posterior.
        z_shared : Tensor of shape (n_samples, n_shared) or (n_samples, n_views, n_shared)
            One draw from each shared posterior, one a sample or one a view.
        present : Tensor of bool of shape (n_samples, n_views) or None
            False where a view is missing. None: all present.
        n_train : int
            Rows of the training set.

        Returns
        -------
        terms : dict of str to Tensor of shape ()
            ``reconstruction``, then ``mi``, ``tc`` and ``dwkl`` for
            ``private`` (summed over views) and ``shared`` (summed over views
            where each has a posterior of its own); ``contrast`` where it weighs.
        """
        return {
            "reconstruction": reconstruction_nll(x, x_hat, present, decoder_std=self.decoder_std),
            **self.code_terms(posterior, z_private, z_shared, present, n_train=n_train),
        }

    def code_terms(
        self,
        posterior: _Posterior,
        z_private: Tensor,
        z_shared: Tensor,
        present: Tensor | None,
        *,
        n_train: int,
    ) -> dict[str, Tensor]:
        """Compute the terms but the reconstruction; parameters and result as of `terms`."""
        private = self._parts_by_view(
            z_private, posterior.private_mean, posterior.private_log_var, present, n_train
        )
        shared_by_view = posterior.shared_mean.ndim == 3
        shared_parts = self._parts_by_view if shared_by_view else self._parts_of_sample
        shared = shared_parts(
            z_shared, posterior.shared_mean, posterior.shared_log_var, present, n_train
        )
        terms = {
            **{f"private_{name}": value for name, value in private._asdict().items()},
            **{f"shared_{name}": value for name, value in shared._asdict().items()},
        }
        if self.contrast and shared_by_view:
            terms["contrast"] = self._contrast(posterior.expert_mean, z_shared, present)
        return terms

    def weigh(self, terms: dict[str, Tensor], *, warmth: float = 1.0) -> Tensor:
        """Sum the terms by their weights: the loss that is minimised.

        Parameters
        ----------
        terms : dict of str to Tensor of shape ()
            As ``terms`` gives them, ``dependence`` where there is a referee, and
            ``transported``, a second reconstruction, where views have partners.
        warmth : float, default=1.0
            Scales the weights of the shared block's terms and of the
            dependence; it rises to 1 as training starts.

        Returns
        -------
        loss : Tensor of shape ()
            In nats.
        """
        weights = {"mi": self.alpha, "tc": self.beta, "dwkl": self.gamma}
        loss = terms["reconstruction"]
        for part, weight in weights.items():
            if weight:  # 0 * inf is nan: a term that is switched off must not speak
                loss = loss + weight * terms[f"private_{part}"]
            shared_weight = weight * warmth * self.shared_weight
            if shared_weight:
                loss = loss + shared_weight * terms[f"shared_{part}"]
        if self.delta * warmth and "dependence" in terms:
            loss = loss + self.delta * warmth * terms["dependence"]
        if "transported" in terms:
            loss = loss + terms["transported"]
        if "contrast" in terms:
            loss = loss + self.contrast * terms["contrast"]
        return loss

    @staticmethod
    def _contrast(own: Tensor, z_shared: Tensor, present: Tensor | None) -> Tensor:
        """Sum the contrast over views, each weighed by the share of rows that have another."""
        if present is None:
            present = own.new_ones(own.shape[:2], dtype=torch.bool)
        paired = present & (present.sum(1, keepdim=True) > 1)
        total = own.new_zeros(())
        for view, rows in enumerate(paired.unbind(1)):
            codes = own[rows, view]
            if len(codes):
                share = len(codes) / len(own)
                total = total + share * info_nce(codes, z_shared[rows, view])
        return total

    def _parts_of_sample(
        self, z: Tensor, mean: Tensor, log_var: Tensor, present: Tensor | None, n_train: int
    ) -> KLParts:
        return split_kl(z, mean, log_var, n_train=n_train, estimator=self.kl_estimator)

    def _parts_by_view(
        self, z: Tensor, mean: Tensor, log_var: Tensor, present: Tensor | None, n_train: int
    ) -> KLParts:
        """Sum the parts over the views, each weighed by the share of rows that have it."""
        total = [z.new_zeros(())] * 3
        for view in range(z.shape[1]):
            rows = slice(None) if present is None else present[:, view]
            z_view = z[rows, view]
            n_present = len(z_view)
            if n_present == 0:
                continue
            share = n_present / len(z)
            parts = split_kl(
                z_view,
                mean[rows, view],
                log_var[rows, view],
                n_train=n_train if n_present > 1 else 1,  # a lone row is its own aggregate
                estimator=self.kl_estimator,
            )
            total = [t + share * part for t, part in zip(total, parts, strict=True)]
        return KLParts(*total)
