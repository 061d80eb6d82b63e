"""The scatter plots: components of all samples, colours that tell classes apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist

from mvdisent.plotting import LatentDisplay


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def drawn_points(panel):
    return np.concatenate([np.asarray(c.get_offsets()) for c in panel.collections])


def test_components_of_a_plane_keep_all_distances(rng):
    plane = rng.normal(size=(50, 2)) @ np.linalg.qr(rng.normal(size=(6, 6)))[0][:2]
    display = LatentDisplay.from_predictions({"z": plane}, {"f": np.arange(50) % 2})
    np.testing.assert_allclose(pdist(display.embeddings["z"]), pdist(plane))


@pytest.mark.parametrize("block", [np.ones((20, 3)), np.ones((20, 1))])
def test_a_collapsed_block_is_one_point(block):
    display = LatentDisplay.from_predictions({"z": block}, {"f": np.arange(20) % 2})
    assert (display.embeddings["z"] == 0).all()


def test_a_projection_of_the_user_takes_the_place_of_the_components(rng):
    from sklearn.manifold import TSNE
    from sklearn.random_projection import GaussianRandomProjection

    blocks, factors = {"z": rng.normal(size=(60, 5))}, {"f": np.arange(60) % 2}
    projection = TSNE(perplexity=5, random_state=0)
    display = LatentDisplay.from_predictions(blocks, factors, projection=projection, n_points=40)
    assert display.embeddings["z"].shape == (40, 2)
    assert not hasattr(projection, "embedding_")  # a clone was fitted
    linear = GaussianRandomProjection(2, random_state=0)
    drawn = LatentDisplay.from_predictions(blocks, factors, projection=linear)
    np.testing.assert_array_equal(drawn.embeddings["z"], linear.fit_transform(blocks["z"]))
    with pytest.raises(ValueError, match=r"block 'z' to shape \(60, 3\), not \(60, 2\): set its"):
        LatentDisplay.from_predictions(
            blocks, factors, projection=GaussianRandomProjection(3, random_state=0)
        )


def test_one_dimension_is_drawn_on_a_line(rng):
    z = rng.normal(size=(20, 1))
    embedding = LatentDisplay.from_predictions({"z": z}, {"f": np.arange(20) % 2}).embeddings["z"]
    np.testing.assert_allclose(pdist(embedding), pdist(z))
    assert (embedding[:, 1] == 0).all()


def test_a_component_that_is_not_there_has_no_scale(rng):
    blocks = {"line": rng.normal(size=(20, 1)), "point": np.ones((20, 3))}
    display = LatentDisplay.from_predictions(blocks, {"f": np.arange(20) % 2})
    (line, point) = display.axes_[0]
    assert len(line.get_xticks()) > 1
    assert [list(p) for p in (line.get_yticks(), point.get_xticks(), point.get_yticks())] == [
        [0],
        [0],
        [0],
    ]


def test_rows_are_factors_and_columns_blocks(rng):
    blocks = {"private": rng.normal(size=(40, 4)), "shared": rng.normal(size=(40, 3))}
    factors = {"timbre": np.arange(40) % 4, "note": np.arange(40) % 20, "hz": rng.normal(size=40)}
    display = LatentDisplay.from_predictions(blocks, factors)
    assert display.axes_.shape == (3, 2)
    assert [panel.get_title() for panel in display.axes_[0]] == ["private", "shared"]
    assert {panel.get_xlabel() for panel in display.axes_[-1]} == {"component 1"}
    assert {panel.get_ylabel() for panel in display.axes_[:, 0]} == {"component 2"}


def test_every_point_is_drawn_with_the_marker_of_its_class(rng):
    points, classes = rng.normal(size=(60, 2)), np.arange(60) % 3
    (panel,) = LatentDisplay({"z": points}, {"f": classes}).plot().axes_.flat
    assert {tuple(p) for p in drawn_points(panel)} == {tuple(p) for p in points}
    looks = {}
    for scatter in panel.collections:
        look = (
            tuple(scatter.get_facecolor()[0]),
            scatter.get_paths()[0].vertices.tobytes(),
        )
        for point in np.asarray(scatter.get_offsets()):
            looks.setdefault(classes[(points == point).all(1).argmax()], set()).add(look)
    assert [len(found) for found in looks.values()] == [1, 1, 1]
    assert len({color for found in looks.values() for color, _ in found}) == 3
    assert len({marker for found in looks.values() for _, marker in found}) == 3


@pytest.mark.parametrize(
    "values",
    [
        np.array(["sine", "triangle", "sawtooth", "square"])[np.arange(40) % 4],
        np.arange(40) % 8,
        np.arange(40) % 2 == 0,
        np.arange(40) % 3 / 2,
        pd.Categorical.from_codes(np.arange(40) % 2, ["high", "low"]),
    ],
    ids=["strings", "integers", "bools", "floats", "categories"],
)
def test_few_values_have_a_legend(values):
    panel = LatentDisplay({"z": np.eye(40, 2)}, {"f": values}).plot().axes_[0, 0]
    legend = panel.get_legend()
    assert legend.get_title().get_text() == "f"
    expected = [str(level) for level in pd.Series(values).astype("category").cat.categories]
    assert [text.get_text() for text in legend.get_texts()] == expected


def test_many_numbers_have_a_colour_bar_on_their_own_scale(rng):
    hz = rng.uniform(55, 7040, size=40)
    display = LatentDisplay({"z": np.eye(40, 2)}, {"hz": hz}).plot()
    (scatter,) = display.axes_[0, 0].collections
    np.testing.assert_allclose(scatter.get_array(), hz)
    (bar,) = display.axes_[0, 0].child_axes
    assert bar.get_ylabel() == "hz"


def test_many_integers_have_whole_ticks():
    display = LatentDisplay({"z": np.eye(42, 2)}, {"band": np.arange(42) % 21}).plot()
    ticks = display.axes_[0, 0].child_axes[0].get_yticks()
    assert (ticks == np.round(ticks)).all()


def test_many_names_are_named_beside_the_colour_bar():
    names = np.array([f"instrument {i:02d}" for i in range(24)])
    display = LatentDisplay({"z": np.eye(48, 2)}, {"f": names[np.arange(48) % 24]}).plot()
    ticks = display.axes_[0, 0].child_axes[0].get_yticklabels()
    assert [text.get_text() for text in ticks] == names[::2].tolist()


def test_few_points_are_drawn_of_components_of_all(rng):
    Z, factors = rng.normal(size=(500, 4)), {"hz": rng.normal(size=500)}
    whole = LatentDisplay.from_predictions({"z": Z}, factors).embeddings["z"]
    one, two, other = (
        LatentDisplay.from_predictions({"z": Z}, factors, n_points=100, random_state=s)
        for s in (0, 0, 1)
    )
    assert one.embeddings["z"].shape == (100, 2)
    rows = [np.flatnonzero((whole == point).all(1))[0] for point in one.embeddings["z"]]
    np.testing.assert_array_equal(one.factors["hz"], factors["hz"][rows])
    np.testing.assert_array_equal(one.embeddings["z"], two.embeddings["z"])
    assert not np.array_equal(one.embeddings["z"], other.embeddings["z"])


def test_at_most_3000_points_are_drawn(rng):
    display = LatentDisplay.from_predictions(
        {"z": rng.normal(size=(4000, 2))}, {"hz": rng.normal(size=4000)}
    )
    assert len(drawn_points(display.axes_[0, 0])) == 3000


def test_the_blocks_of_an_estimator_are_told_by_its_names(model, X, factors):
    display = LatentDisplay.from_estimator(model, X, factors)
    Z = model.transform(X).to_numpy()
    expected = LatentDisplay.from_predictions({"private": Z[:, :2], "shared": Z[:, 2:]}, factors)
    assert list(display.embeddings) == ["private", "shared"]
    for block in ("private", "shared"):
        np.testing.assert_allclose(display.embeddings[block], expected.embeddings[block])


def test_features_of_no_block_are_one_block(model, X, factors):
    model.get_feature_names_out = lambda: [f"pca{i}" for i in range(5)]
    assert list(LatentDisplay.from_estimator(model, X, factors).embeddings) == ["latent"]


def test_no_texts_overlap(rng, overlaps):
    factors = {
        "timbre": np.array(["sine", "triangle", "sawtooth", "square"])[np.arange(96) % 4],
        "instrument": np.array([f"instrument {i:02d}" for i in range(24)])[np.arange(96) % 24],
        "class": np.arange(96) % 8,
        "hz": rng.uniform(55, 7040, 96),
    }
    blocks = {name: rng.normal(size=(96, 4)) for name in ("private", "shared", "both")}
    assert overlaps(LatentDisplay.from_predictions(blocks, factors).figure_) == []


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (
            lambda f: LatentDisplay.from_predictions({"z": np.eye(3)}, f),
            r"blocks\['z'\] has 3 rows, but factors has 2",
        ),
        (
            lambda f: LatentDisplay.from_predictions({"z": np.eye(2) * np.nan}, f),
            r"blocks\['z'\] contains NaN or infinity",
        ),
        (
            lambda f: LatentDisplay({"z": np.eye(3)}, f).plot(),
            r"embeddings\['z'\] has shape \(3, 3\), but .* \(2, 2\)",
        ),
    ],
)
def test_bad_input_is_named(draw, message):
    with pytest.raises(ValueError, match=message):
        draw({"f": [0, 1]})
