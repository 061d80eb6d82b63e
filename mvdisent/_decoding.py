"""From codes back to views: methods of a fitted disentangler."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from . import _checks, _param_checks
from ._inference import BlockCodesMixin
from ._passes import FloatArray, decode_blocks


class DecodedViewsMixin(BlockCodesMixin):
    """What a fitted disentangler makes of codes: reconstructions, swaps, and what lies between."""

    def decode(self, private: ArrayLike, shared: ArrayLike) -> FloatArray:
        """Return the views that codes stand for.

        Parameters
        ----------
        private : array-like of shape (n_samples, n_views, n_private)
            Private codes.
        shared : array-like of shape (n_samples, n_shared)
            Shared codes; with those of another sample, the views are swapped.

        Returns
        -------
        X : ndarray of float32 of shape (n_samples, n_views, *view_shape)
            Decoded views, in the units of X.
        """
        check_is_fitted(self)
        widths = len(self.kl_private_), len(self.kl_shared_)
        return self._decode(*_checks.as_codes(private, shared, *widths))

    def _decode(self, private: FloatArray, shared: FloatArray) -> FloatArray:
        net = self._live_net()
        return decode_blocks(
            net.module_,
            private,
            shared,
            device=net.device,
            rescale=self._rescale,
        )

    def _rescale(self, x: Tensor) -> Tensor:
        """Take standardised views, whitened or not, to the units of X."""
        whitener = self._live_net().module_.whitener
        if whitener is not None:
            x = whitener.restore(x.flatten(0, 1)).reshape(*x.shape[:2], *self.view_shape_)
        return x * self._scale + self._offset

    def reconstruct(self, X: ArrayLike) -> FloatArray:
        """Encode and decode each view, through the posterior means.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_views, *view_shape)
            Views, any number of them, or a single view (n_samples, *view_shape).

        Returns
        -------
        X_hat : ndarray of float32 of shape (n_samples, n_views, *view_shape)
            In the units of X. A missing view is filled in from the shared code
            and a private code of zero.
        """
        X_hat = self._decode(*self.encode(X, code="mean"))
        finite = np.isfinite(X_hat.reshape(len(X_hat), -1)).all(1)
        if not finite.all():
            _param_checks.refuse_overflow("X", int(finite.argmin()), self._scale)
        return X_hat

    def swap(self, X_private: ArrayLike, X_shared: ArrayLike) -> FloatArray:
        """Decode the private codes of one X with the shared codes of another.

        Parameters
        ----------
        X_private : array-like of shape (n_samples, n_views, *view_shape)
            Views that give what is private, such as the pitch.
        X_shared : array-like of shape (n_samples, n_views, *view_shape)
            Views that give what is shared, such as the timbre; as many samples,
            with any number of views.

        Returns
        -------
        X : ndarray of float32 of shape (n_samples, n_views, *view_shape)
            One view for each of ``X_private``, in the units of X.

        Raises
        ------
        ValueError
            If they differ in their number of samples.
        """
        private = self.encode(X_private, code="mean")[0]
        shared = self.encode(X_shared, code="mean")[1]
        if len(private) != len(shared):
            raise ValueError(
                f"X_private has {len(private)} samples and X_shared {len(shared)}: pass as many"
            )
        return self._decode(private, shared)

    def interpolate(self, X_a: ArrayLike, X_b: ArrayLike, n_steps: int = 5) -> FloatArray:
        """Decode what lies between two shared codes, on a straight line.

        Parameters
        ----------
        X_a : array-like of shape (n_samples, n_views, *view_shape)
            Views that give what is private, such as the pitch, and the shared code at the start,
            such as a timbre.
        X_b : array-like of shape (n_samples, n_views, *view_shape)
            Views that give the shared code at the end; as many samples, with any number of views.
        n_steps : int, default=5
            Points of the line, 2 or more, both ends among them.

        Returns
        -------
        X : ndarray of float32 of shape (n_samples, n_steps, n_views, *view_shape)
            The views of each step, in the units of X: at first what ``reconstruct(X_a)`` gives,
            at last ``swap(X_a, X_b)``.

        Raises
        ------
        ValueError
            If ``n_steps`` is below 2, or X_a and X_b differ in their number of samples.
        """
        n_steps = check_scalar(n_steps, "n_steps", Integral, min_val=2)
        private, start = self.encode(X_a, code="mean")
        end = self.encode(X_b, code="mean")[1]
        if len(start) != len(end):
            raise ValueError(f"X_a has {len(start)} samples and X_b {len(end)}: pass as many")
        line = np.linspace(start, end, n_steps, axis=1)
        X = self._decode(np.repeat(private, n_steps, axis=0), line.reshape(-1, line.shape[2]))
        return X.reshape(len(start), n_steps, *X.shape[1:])
