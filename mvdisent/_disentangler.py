"""MultiViewDisentangler: the multi-view VAE as a scikit-learn transformer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import Tags

from ._build import Factory
from ._constraints import CONSTRAINTS
from ._training import TrainingMixin


class MultiViewDisentangler(TrainingMixin, BaseEstimator):
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
    objective : {"transport", "marl", "swap"}, default="transport"
        "marl", the paper's: a view is decoded from its private code and the code
        shared by all views [1]_. "swap": from its private code and the shared code
        that the *other* views tell; a referee finds what private codes tell of these.
        "transport": from that shared code, and from its own private code or that of
        a partner, a view that shares something else; see Notes.
    delta : float, default=4.0
        Weight of that dependence, estimated by the density ratio [3]_; "swap" only.
    contrast : float, default=5.0
        Weight of InfoNCE [5]_ between what a view and what the others tell of the
        shared code, by which it tells samples apart; "transport" only.
    shared_weight : float or "auto", default="auto"
        Scales alpha, beta and gamma for the shared block. "auto": 0.01 for
        "transport", 1 for the others.
    warmup_epochs : float, default=5
        Epochs over which the weights of the shared block's terms, and delta,
        rise from 0 [2]_, so that the private block does not learn all first.
    decoder_std : float or "auto", default="auto"
        Standard deviation of the decoder's Gaussian, in standard deviations of
        X, 1e-9 to 1e9: smaller weighs the reconstruction more. "auto" is
        sqrt(n_features / 256), so that a finer resolution weighs no more.
    whiten : float or "auto", default="auto"
        From 0 to 1: each principal axis of X is scaled by its standard deviation to
        the power -whiten [6]_, so that faint ones count. "auto": 0.65 for "transport", else 0.
        Above 0, "mlp" networks see (and reconstructions are of) the first 128 axes alone.
    kl_estimator : {"stratified", "weighted"}, default="stratified"
        Minibatch estimator of the aggregated posterior; see
        :func:`mvdisent.objectives.split_kl`.
    encoder, decoder : {"mlp", "conv", "linear"} or callable, default="mlp"
        The networks. A callable is a factory: ``encoder(view_shape, n_outputs)``
        returns a module that maps (n, *view_shape) to (n, n_outputs), and
        ``decoder(n_inputs, view_shape)`` one that maps back.
    max_epochs : int, default=30
        Passes over X in one ``fit``.
    batch_size : int, default=128
        Samples in a step, 3 or more.
    lr : float, default=0.001
        Learning rate of Adam.
    max_grad_norm : float or None, default=1000.0
        A larger norm of the gradient is scaled down to this one, so that one
        odd batch cannot spoil the fit; ordinary training stays below it. Where
        decoder_std is smaller than "auto", it counts for the square of their
        ratio, as the gradient does. None: no bound.
    early_stopping : bool, default=False
        Whether `fit` holds samples out, stops once their loss no longer falls, and
        keeps the weights of the best epoch.
    validation_fraction : float, default=0.1
        Share of the samples, or of the groups, that is held out.
    n_iter_no_change : int, default=10
        Epochs in a row that may be no better than the best one before them.
    tol : float, default=1e-4
        By how much the held-out loss must fall to count as better, in nats.
    checkpoint : str or path-like, default=None
        File from which a `fit` that was killed goes on, bit by bit; see Notes.
    checkpoint_every : float, default=60.0
        Seconds of training from one write of the checkpoint to the next.
    output : {"both", "private", "shared"}, default="both"
        Blocks that ``transform`` returns.
    view_output : {"mean", "concat"}, default="mean"
        Private features of a sample: the mean over views, or a block a view, side by side.
    device : str, default="cpu"
        Torch device of the training and the inference; "auto" takes CUDA where
        there is one.
    precision : {"float32", "bfloat16"}, default="float32"
        Of the networks' products in training. "bfloat16" (``torch.autocast``) is
        faster where the processor has units for it; the weights, the objective
        and the features are float32 all the same.
    distributed : bool, default=False
        Whether `fit` is one of several processes, started by ``torchrun``, that
        train one model on the same X: each step is shared among them.
    random_state : int, RandomState instance or None, default=None
        Seed of weights, order and draws: an int repeats bit by bit, None never does.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the last fit, with the parameters as they are now.
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
        The loss and each of its terms, unweighted, in nats, a row an epoch;
        with early stopping also ``validation_loss``.
    n_epochs_, n_epochs_done_ : int
        Whole epochs trained for; fewer, where a fit stopped early or was interrupted.
    best_epoch_ : int
        With early stopping: the epoch, from 1, after which the weights were best.
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

    "transport" looks for partners: views that share something else and are alike
    in what is private, found by optimal transport [4]_ between slices of the data,
    the views that share nearly one thing. What is private has the same distribution
    in each. A view's partners are drawn afresh each epoch after the warm-up, at
    first by the distance between the views, and it is decoded from its partner's
    private code too, so that this block keeps what both have in common. ``transform``
    then gives private codes the place of those of one slice that decode most
    alike, and projects shared codes on the axes in which the views of a sample agree, a
    column each, best first, rounded to what these differ by. Spectra compressed
    by a root, ``LogMel(compression=0.25)``, serve it better than spectra in dB.

    Called again with the same parameters and X, a ``fit`` with ``checkpoint``
    goes on from the file and ends with the bits of one that was never killed, on
    the same device with the same number of threads; a finished one returns at
    once, and goes on if ``max_epochs`` was raised. The file is told from that of
    another fit by the parameters (callables by name) and by X: its shape and
    type, the mean and standard deviation of all its values, the bytes of 256 of
    its rows. It holds data alone, nothing of your own callbacks, and is replaced
    whole or not at all. Each fit needs one of its own, so that a search has none.

    After Ctrl-C the model is what was trained so far, in place of an earlier fit:
    the weights as they stand, the ``n_epochs_done_`` whole epochs in
    ``history_``, and the active dimensions by 1024 samples at most.

    References
    ----------
    .. [1] J. Wilkins, S. Ding, M. Fuentes, J. P. Bello, "Self-Supervised
       Multi-View Learning for Disentangled Music Audio Representations",
       ISMIR 2024 late-breaking demo, arXiv 2411.02711.
    .. [2] S. R. Bowman et al., "Generating Sentences from a Continuous Space",
       CoNLL 2016, Sec. 3.1.
    .. [3] H. Kim and A. Mnih, "Disentangling by Factorising", ICML 2018, Sec. 3.
    .. [4] G. Peyré and M. Cuturi, "Computational Optimal Transport", Foundations
       and Trends in Machine Learning 11, 2019, Sec. 2.2.
    .. [5] A. van den Oord, Y. Li, O. Vinyals, "Representation Learning with
       Contrastive Predictive Coding", arXiv 1807.03748, 2018.
    .. [6] A. Kessy, A. Lewin, K. Strimmer, "Optimal Whitening and Decorrelation",
       The American Statistician 72, 2018.

    Examples
    --------
    >>> from mvdisent import LogMel, MultiViewDisentangler
    >>> from mvdisent.datasets import make_tone_views
    >>> from sklearn.pipeline import make_pipeline
    >>> X, factors = make_tone_views(64, random_state=0)
    >>> model = MultiViewDisentangler(max_epochs=10, batch_size=8, random_state=0)
    >>> model = make_pipeline(LogMel(16000, compression=0.25), model)
    >>> model.fit(X).transform(X).shape
    (64, 16)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    def __init__(
        self,
        n_private: int = 8,
        n_shared: int = 8,
        *,
        alpha: float = 1.0,
        beta: float = 1.0,
        gamma: float = 1.0,
        objective: str = "transport",
        delta: float = 4.0,
        contrast: float = 5.0,
        shared_weight: float | str = "auto",
        warmup_epochs: float = 5,
        decoder_std: float | str = "auto",
        whiten: float | str = "auto",
        kl_estimator: str = "stratified",
        encoder: str | Factory = "mlp",
        decoder: str | Factory = "mlp",
        max_epochs: int = 30,
        batch_size: int = 128,
        lr: float = 1e-3,
        max_grad_norm: float | None = 1000.0,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: float = 60.0,
        output: str = "both",
        view_output: str = "mean",
        device: str = "cpu",
        precision: str = "float32",
        distributed: bool = False,
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
        self.contrast = contrast
        self.shared_weight = shared_weight
        self.warmup_epochs = warmup_epochs
        self.decoder_std = decoder_std
        self.whiten = whiten
        self.kl_estimator = kl_estimator
        self.encoder = encoder
        self.decoder = decoder
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.max_grad_norm = max_grad_norm
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.output = output
        self.view_output = view_output
        self.device = device
        self.precision = precision
        self.distributed = distributed
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.net_params = net_params

    def fit(self, X: ArrayLike, y: Any = None, groups: ArrayLike | None = None) -> Self:
        """Learn the blocks from the views.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_views, *view_shape)
            Views of each sample; a missing view is NaN throughout. 2-D X is one
            view of features. An array; a memmap, read batch by batch; or a source
            of :mod:`mvdisent.views`, whose views are drawn afresh each epoch.
        y : ignored
            Factors may travel as ``y``; ``fit`` never looks at them.
        groups : array-like of shape (n_samples,), default=None
            With ``early_stopping=True``: what each sample is of, such as its
            recording. Samples of one group are all held out, or none of them.

        Returns
        -------
        self : MultiViewDisentangler
            The fitted model.

        Raises
        ------
        ValueError
            If a parameter or X is not as described, or ``checkpoint`` is of
            another fit.
        OSError
            If ``checkpoint`` cannot be written; told before the first step.
        FloatingPointError
            If the loss stops being finite; the message names epoch, term and
            likely cause.
        KeyboardInterrupt
            On Ctrl-C; see Notes of the class.

        Warns
        -----
        ConvergenceWarning
            If no dimension of a block is active.
        RuntimeWarning
            If ``checkpoint`` cannot be written any more; the fit goes on.
        """
        self._validate_params()
        if self.warm_start and self.checkpoint is not None:
            raise ValueError(
                f"checkpoint={self.checkpoint!r} does not go with warm_start=True: set "
                "warm_start=False, and raise max_epochs to go on from the file"
            )
        fresh = not (self.warm_start and hasattr(self, "n_epochs_"))
        return self._train(X, self.max_epochs, fresh=fresh, groups=groups)

    def partial_fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Train for one epoch on X, going on from where the model stands.

        The scale of X is learned at the first call. ``early_stopping`` and
        ``checkpoint`` are of ``fit`` alone, as ``max_epochs`` is: no sample is held
        out, and ``save`` keeps the model between two calls.

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
        return self._train(X, 1, fresh=not hasattr(self, "n_epochs_"), one_epoch=True)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.input_tags.three_d_array = True
        return tags
