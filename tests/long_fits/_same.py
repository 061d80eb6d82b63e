"""What it means that two fits are the same, bit by bit."""

from __future__ import annotations

from numpy.testing import assert_array_equal


def assert_same(model, other, X):
    assert model.history_.equals(other.history_)
    assert (model.n_epochs_, model._seeds) == (other.n_epochs_, other._seeds)
    assert_array_equal(model.kl_private_, other.kl_private_)
    assert_array_equal(model.transform(X), other.transform(X))
    states = [m.__getstate__()["_net_state"] for m in (model, other)]
    for name in ("shuffle", "noise"):
        assert_array_equal(states[0][name], states[1][name])
    for name, value in states[0]["module"].items():
        assert_array_equal(value, states[1]["module"][name])
