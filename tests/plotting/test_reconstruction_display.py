"""The spectra: view 0 above its reconstruction, low bands below, one scale in dB."""

from __future__ import annotations

import numpy as np
import pytest

from mvdisent.plotting import ReconstructionDisplay


@pytest.fixture
def spectra():
    return np.random.default_rng(0).uniform(-80, 0, size=(3, 8, 6))


def test_the_first_view_of_the_first_samples_is_drawn(model, X):
    display = ReconstructionDisplay.from_estimator(model, X)
    assert display.axes_.shape == (2, 4)
    for i, (top, bottom) in enumerate(display.axes_.T):
        np.testing.assert_array_equal(top.images[0].get_array(), X[i, 0])
        np.testing.assert_array_equal(bottom.images[0].get_array(), X[i, 0] - 1)
    few = ReconstructionDisplay.from_estimator(model, X, n_samples=2, labels=["a", "b"])
    assert [panel.get_title() for panel in few.axes_[0]] == ["a", "b"]


def test_only_the_samples_drawn_are_reconstructed(model, X):
    seen = []
    model.reconstruct = lambda few: seen.append(len(few)) or few
    ReconstructionDisplay.from_estimator(model, X, n_samples=3)
    assert seen == [3]


def test_all_panels_are_on_one_scale_in_db(spectra):
    display = ReconstructionDisplay(spectra, spectra - 5).plot()
    limits = {panel.images[0].get_clim() for panel in display.axes_.flat}
    assert limits == {(spectra.min() - 5, spectra.max())}
    (bar,) = [axes for axes in display.figure_.axes if axes not in display.axes_]
    assert bar.get_ylabel() == "level (dB)"


def test_low_bands_are_below_and_the_axes_say_so(spectra):
    display = ReconstructionDisplay(spectra, spectra).plot()
    assert all(panel.images[0].origin == "lower" for panel in display.axes_.flat)
    assert [p.get_ylabel() for p in display.axes_[:, 0]] == [
        "input\nmel band",
        "reconstruction\nmel band",
    ]
    assert {panel.get_xlabel() for panel in display.axes_[-1]} == {"frame"}


def test_swaps_are_a_third_row(spectra):
    display = ReconstructionDisplay(spectra, spectra, swaps=spectra[[1, 2, 0]]).plot()
    assert display.axes_.shape == (3, 3)
    assert display.axes_[2, 0].get_ylabel() == "swap\nmel band"
    np.testing.assert_array_equal(display.axes_[2, 0].images[0].get_array(), spectra[1])


def test_a_missing_view_is_left_blank(spectra):
    missing = spectra.copy()
    missing[0] = np.nan
    panel = ReconstructionDisplay(missing, spectra).plot().axes_[0, 0]
    assert panel.images[0].get_array().mask.all()
    assert np.isfinite(panel.images[0].get_clim()).all()


@pytest.mark.parametrize("n_samples", [1, 3])
def test_no_texts_overlap(spectra, overlaps, n_samples):
    few, labels = spectra[:n_samples], ["sawtooth, 6000 Hz"] * n_samples
    display = ReconstructionDisplay(few, few, swaps=few, labels=labels).plot()
    assert overlaps(display.figure_) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"inputs": np.zeros((3, 2, 8, 6))},
            r"inputs has shape .*; pass .* such as inputs\[:, 0\]",
        ),
        (
            {"reconstructions": np.zeros((3, 8, 5))},
            r"reconstructions has shape \(3, 8, 5\), but inp",
        ),
        (
            {"swaps": np.zeros((2, 8, 6))},
            r"swaps has shape \(2, 8, 6\), but inputs has \(3, 8, 6\)",
        ),
        ({"labels": ["a"]}, "labels has 1 names, but inputs has 3 rows: pass one name each"),
        ({"inputs": np.zeros((0, 8, 6))}, r"inputs has shape \(0, 8, 6\): it is empty"),
    ],
)
def test_bad_input_is_named_with_its_cure(spectra, change, message):
    options = {"inputs": spectra, "reconstructions": spectra, **change}
    with pytest.raises(ValueError, match=message):
        ReconstructionDisplay(**options).plot()
