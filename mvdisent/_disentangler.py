"""MultiViewDisentangler: the multi-view VAE as a scikit-learn transformer."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from . import _checks
from ._blocks import OUTPUTS, VIEW_OUTPUTS
from ._build import NETWORKS, OBJECTIVES, Factory, build_net, check_objective, draw_seeds
from ._inference import BlockCodesMixin
from ._net import refuse_non_finite
from ._passes import mean_kl, mean_loss
from .objectives import KL_ESTIMATORS

# A dimension whose mean KL to the prior is below this, in nats, has collapsed.
_ACTIVE_KL = 0.05


class MultiViewDisentangler(BlockCodesMixin, BaseEstimator):
    """Learn what several views of a sound share and what is private to each.

    A variational auto-encoder with one encoder and one decoder for all views
    [1]_. Each view has a private code; all views of a sample have one shared
    code, the product of the views' Gaussian experts. ``fit`` needs no label.

    Parameters
    ----------
    n_private, n_shared : int, default=8
        Dimensions of the two blocks.
    alpha : float, default=1.0
        Weight of the index-code mutual information in the loss.
    beta : float, default=1.0
        Weight of the total correlation.
    gamma : float, default=1.0
        Weight of the dimension-wise KL to the prior.
    objective : {"marl", "swap"}, default="marl"
        "marl": a view is decoded from its private code and the code shared by
        all views [1]_. "swap": from its private code and the shared code that
        the *other* views tell; a referee finds what private codes tell of these.
    delta : float, default=4.0
        Weight of that dependence, estimated by the density ratio [3]_; "swap" only.
    warmup_epochs : float, default=5
        Epochs over which the weights of the shared block's terms, and delta,
        rise from 0 [2]_, so that the private block does not learn all first.
    decoder_std : float or "auto", default="auto"
        Standard deviation of the decoder's Gaussian, in standard deviations of
        X: smaller weighs the reconstruction more. "auto" is
        sqrt(n_features / 256), so that a finer resolution weighs no more.
    kl_estimator : {"stratified", "weighted"}, default="stratified"
        Minibatch estimator of the aggregated posterior; see
        :func:`mvdisent.objectives.split_kl`.
    encoder, decoder : {"mlp", "conv"} or callable, default="mlp"
        The networks. A callable is a factory: ``encoder(view_shape, n_outputs)``
        returns a module that maps (n, *view_shape) to (n, n_outputs), and
        ``decoder(n_inputs, view_shape)`` one that maps back.
    max_epochs : int, default=30
        Passes over X in one ``fit``.
    batch_size : int, default=128
        Samples in a step, 3 or more.
    lr : float, default=0.001
        Learning rate of Adam.
    output : {"both", "private", "shared"}, default="both"
        Blocks that ``transform`` returns.
    view_output : {"mean", "concat"}, default="mean"
        Private features of a sample: the mean over its views, or one block a
        view, side by side.
    device : str, default="cpu"
        Torch device of the training and the inference; "auto" takes CUDA where
        there is one.
    random_state : int, RandomState instance or None, default=None
        Seed of the weights, the order of the rows and the draws. An int makes
        fits repeat bit by bit. None takes fresh entropy.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the last fit, with the parameters as they
        are now.
    verbose : int, default=0
        1 shows a progress bar with the terms of the loss.
    net_params : dict, default=None
        Further arguments of the :class:`skorch.NeuralNet` inside, such as
        ``{"optimizer": torch.optim.AdamW, "callbacks": [...]}``.

    Attributes
    ----------
    kl_private_ : ndarray of shape (n_private,)
        Mean KL of each private dimension to the prior at fit, in nats.
    kl_shared_ : ndarray of shape (n_shared,)
        The same for each shared dimension.
    active_private_ : ndarray of bool of shape (n_private,)
        Private dimensions whose mean KL exceeds 0.05 nats.
    active_shared_ : ndarray of bool of shape (n_shared,)
        The same for the shared dimensions.
    history_ : DataFrame of shape (n_epochs_, n_terms)
        The loss and each of its terms, unweighted, in nats, a row an epoch.
    n_epochs_ : int
        Epochs trained for.
    view_shape_ : tuple of int
        Shape of one view.
    n_views_in_ : int
        Views at fit.
    n_features_in_ : int
        Values of one view.
    feature_names_in_ : ndarray of str
        Column names of X, where it was a DataFrame.

    Notes
    -----
    A dimension that has collapsed to the prior keeps a faint trace of the input
    in its mean, which a probe that standardises its input can read, though it
    is far below the posterior's noise. Hence ``transform`` returns zero in
    dimensions that are not active. ``encode`` gives raw means and draws.

    References
    ----------
    .. [1] J. Wilkins, S. Ding, M. Fuentes, J. P. Bello, "Self-Supervised
       Multi-View Learning for Disentangled Music Audio Representations",
       ISMIR 2024 late-breaking demo, arXiv 2411.02711.
    .. [2] S. R. Bowman et al., "Generating Sentences from a Continuous Space",
       CoNLL 2016, Sec. 3.1.
    .. [3] H. Kim and A. Mnih, "Disentangling by Factorising", ICML 2018, Sec. 3.

    Examples
    --------
    >>> from mvdisent import LogMel, MultiViewDisentangler
    >>> from mvdisent.datasets import make_tone_views
    >>> from sklearn.pipeline import make_pipeline
    >>> X, factors = make_tone_views(64, random_state=0)
    >>> model = make_pipeline(LogMel(16000), MultiViewDisentangler(max_epochs=1, random_state=0))
    >>> model.fit(X).transform(X).shape
    (64, 16)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_private": [Interval(Integral, 1, None, closed="left")],
        "n_shared": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "beta": [Interval(Real, 0, None, closed="left")],
        "gamma": [Interval(Real, 0, None, closed="left")],
        "objective": [StrOptions(set(OBJECTIVES))],
        "delta": [Interval(Real, 0, None, closed="left")],
        "warmup_epochs": [Interval(Real, 0, None, closed="left")],
        "decoder_std": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "kl_estimator": [StrOptions(set(KL_ESTIMATORS))],
        "encoder": [StrOptions(set(NETWORKS)), callable],
        "decoder": [StrOptions(set(NETWORKS)), callable],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        # Of batches of at most 2, one would be a lone row wherever n_samples is odd.
        "batch_size": [Interval(Integral, 3, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "output": [StrOptions(set(OUTPUTS))],
        "view_output": [StrOptions(set(VIEW_OUTPUTS))],
        "device": [str],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "net_params": [Mapping, None],
    }

    def __init__(
        self,
        n_private: int = 8,
        n_shared: int = 8,
        *,
        alpha: float = 1.0,
        beta: float = 1.0,
        gamma: float = 1.0,
        objective: str = "marl",
        delta: float = 4.0,
        warmup_epochs: float = 5,
        decoder_std: float | str = "auto",
        kl_estimator: str = "stratified",
        encoder: str | Factory = "mlp",
        decoder: str | Factory = "mlp",
        max_epochs: int = 30,
        batch_size: int = 128,
        lr: float = 1e-3,
        output: str = "both",
        view_output: str = "mean",
        device: str = "cpu",
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        verbose: int = 0,
        net_params: Mapping[str, Any] | None = None,
    ) -> None:
        self.n_private = n_private
        self.n_shared = n_shared
        self.alpha = alpha
        self.beta = beta
        self.gamma = gamma
        self.objective = objective
        self.delta = delta
        self.warmup_epochs = warmup_epochs
        self.decoder_std = decoder_std
        self.kl_estimator = kl_estimator
        self.encoder = encoder
        self.decoder = decoder
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.output = output
        self.view_output = view_output
        self.device = device
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.net_params = net_params

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn the blocks from the views.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_views, *view_shape)
            Views of each sample; a missing view is NaN throughout. 2-D X is one
            view of features.
        y : ignored
            Factors may travel as ``y``; ``fit`` never looks at them.

        Returns
        -------
        self : MultiViewDisentangler
            The fitted model.

        Raises
        ------
        ValueError
            If a parameter or X is not as described.
        FloatingPointError
            If the loss stops being finite; the message names epoch and term.

        Warns
        -----
        ConvergenceWarning
            If no dimension of a block is active.
        """
        self._validate_params()
        fresh = not (self.warm_start and hasattr(self, "n_epochs_"))
        return self._train(X, self.max_epochs, fresh=fresh)

    def partial_fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Train for one epoch on X, going on from where the model stands.

        The scale of X is learned at the first call.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_views, *view_shape)
            Views of each sample.
        y : ignored
            Not used.

        Returns
        -------
        self : MultiViewDisentangler
            The model.
        """
        self._validate_params()
        return self._train(X, 1, fresh=not hasattr(self, "n_epochs_"))

    def _train(self, X: ArrayLike, n_epochs: int, *, fresh: bool) -> Self:
        views = self._validate(X, reset=fresh)
        present = _checks.find_missing(views)
        if len(views) < 2:
            raise ValueError(f"X has n_samples = {len(views)}; fit needs 2 samples or more")
        if fresh:
            self.__dict__.pop("n_epochs_", None)  # not fitted until this fit has ended
            self.n_views_in_ = views.shape[1]
            self.view_shape_ = views.shape[2:]
            self.n_features_in_ = math.prod(self.view_shape_)
            self._offset, std = _checks.measure_scale(views, present)
            self._scale = std or 1.0
            self._seeds = draw_seeds(self.random_state)
            self._net = build_net(vars(self), self.view_shape_, self._seeds)
        else:  # rebuilt, so that parameters set since then take effect
            check_objective(self._live_net(), self.objective)
            self._net_state = self._net.get_state()
            del self._net
        dataset = self._dataset(views, present)
        net = self._live_net()
        net.train_epochs(dataset, n_epochs, verbose=bool(self.verbose))
        self.history_ = pd.DataFrame(net.epochs_)
        self.kl_private_, self.kl_shared_ = mean_kl(net.module_, dataset)
        # The last step's loss is that of the weights before it.
        kl = {"kl_private": self.kl_private_.sum(), "kl_shared": self.kl_shared_.sum()}
        refuse_non_finite(kl, epoch=len(self.history_))
        self.n_epochs_ = len(self.history_)
        self.active_private_ = self.kl_private_ > _ACTIVE_KL
        self.active_shared_ = self.kl_shared_ > _ACTIVE_KL
        self._warn_of_collapse()
        return self

    def _warn_of_collapse(self) -> None:
        for block, active in (("private", self.active_private_), ("shared", self.active_shared_)):
            if not active.any():
                warnings.warn(
                    f"the {block} block has collapsed: no dimension has a mean KL above "
                    f"{_ACTIVE_KL} nats after {self.n_epochs_} epochs. Train longer (max_epochs="
                    f"{self.max_epochs}), or lower decoder_std={self.decoder_std!r} or "
                    f"alpha={self.alpha}",
                    ConvergenceWarning,
                    stacklevel=4,
                )

    def score(self, X: ArrayLike, y: Any = None) -> float:
        """Return the objective on X, higher is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_views, *view_shape)
            Held-out views.
        y : ignored
            Not used.

        Returns
        -------
        objective : float
            Minus the loss, a mean over samples, in nats; the draws are the same
            at each call.
        """
        check_is_fitted(self)
        views = self._validate(X, reset=False)
        dataset = self._dataset(views, _checks.find_missing(views))
        return -mean_loss(self._live_net(), dataset, self.batch_size, self._seeds[2])

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        if "_net" in state:
            state["_net_state"] = state.pop("_net").get_state()
        return state

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_epochs_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.input_tags.three_d_array = True
        return tags
