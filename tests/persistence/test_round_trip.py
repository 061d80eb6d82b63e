"""What was saved comes back whole, bit by bit."""

from __future__ import annotations

import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from mvdisent import MultiViewDisentangler
from mvdisent.audio import LogCQT, LogMel
from mvdisent.nn import MLPDecoder, MLPEncoder
from mvdisent.persistence import load, save

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SMALL = {"encoder": partial(MLPEncoder, hidden=(3,)), "decoder": partial(MLPDecoder, hidden=(3,))}


def make_views(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def with_missing_views() -> np.ndarray:
    X = make_views(12, 3, 9, 5)
    X[::2, 1] = np.nan
    return X


CASES = {
    "mlp": (
        {"encoder": "mlp", "decoder": "mlp", "output": "shared", "random_state": None},
        make_views(10, 2, 4),
    ),
    "two axes": ({}, make_views(10, 4)),
    "conv": (
        {"encoder": "conv", "decoder": "conv", "view_output": "concat", "kl_estimator": "weighted"},
        with_missing_views(),
    ),
    "optimizer": (
        {"net_params": {"optimizer__amsgrad": True, "optimizer__betas": (0.8, 0.9)}},
        make_views(10, 2, 4),
    ),
    "swap": ({"objective": "swap", "delta": 2}, make_views(10, 3, 4)),
    "transport": ({"objective": "transport", "warmup_epochs": 1}, make_views(10, 3, 4)),
    "not fused": ({"net_params": {"optimizer__fused": False}}, make_views(10, 2, 4)),
    "numpy's numbers": (
        {"n_private": np.int64(2), "alpha": np.float64(0.1), "warm_start": np.bool_(True)},
        make_views(10, 2, 4),
    ),
    "column names": (
        {},
        pd.DataFrame(make_views(10, 3), columns=["pitch", 'say "sha256":"0"', "loudness ♪"]),
    ),
}


def fitted(params: dict, X: np.ndarray) -> MultiViewDisentangler:
    defaults = {"n_private": 2, "n_shared": 3, "max_epochs": 2, "batch_size": 4, "random_state": 0}
    return MultiViewDisentangler(**{**defaults, **SMALL, **params}).fit(X)


def load_again(path, model, **options) -> MultiViewDisentangler:
    """Load a model, giving its own networks where it has any."""
    params = model.get_params()
    custom = {n: params[n] for n in ("encoder", "decoder") if callable(params[n])}
    return load(path, **custom, **options)


def assert_same(a: object, b: object, where: str = "state") -> None:
    """Compare two trees of state, bit by bit."""
    if isinstance(a, dict):
        assert set(a) == set(b), where
        for key in a:
            assert_same(a[key], b[key], f"{where}[{key!r}]")
    elif isinstance(a, pd.DataFrame):
        pd.testing.assert_frame_equal(a, b, check_exact=True)
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype, where
        assert a.shape == b.shape, where
        assert a.tolist() == b.tolist(), where
    elif isinstance(a, list | tuple):
        assert len(a) == len(b), where
        for i, pair in enumerate(zip(a, b, strict=True)):
            assert_same(*pair, f"{where}[{i}]")
    else:
        assert a == b, where


@pytest.fixture(params=CASES, scope="module")
def case(request, tmp_path_factory):
    params, X = CASES[request.param]
    model = fitted(params, X)
    path = tmp_path_factory.mktemp("case") / "model"
    save(model, path)
    return model, path, X


def test_the_whole_state_comes_back(case):
    model, path, _ = case
    assert_same(model.__getstate__(), load_again(path, model).__getstate__())


def test_features_codes_and_score_are_equal(case):
    model, path, X = case
    loaded = load_again(path, model)
    assert_same(model.transform(X), loaded.transform(X))
    assert_same(model.encode(X, code="draw"), loaded.encode(X, code="draw"))
    assert_same(model.reconstruct(X), loaded.reconstruct(X))
    assert model.score(X) == loaded.score(X)
    assert_same(model.get_feature_names_out(), loaded.get_feature_names_out())


def test_a_file_is_the_same_whenever_it_is_written(case, tmp_path):
    model, path, _ = case
    save(pickle.loads(pickle.dumps(model)), tmp_path / "again")
    save(load_again(path, model), tmp_path / "from the file")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()
    assert (tmp_path / "from the file").read_bytes() == path.read_bytes()


def test_a_loaded_model_can_be_cloned_and_refitted(case):
    model, path, X = case
    if model.random_state is not None:
        assert_same(clone(load_again(path, model)).fit(X).transform(X), model.transform(X))


def test_training_goes_on_as_if_nothing_had_been_saved(case):
    # The last test to have this case: it trains the model.
    model, path, X = case
    loaded = load_again(path, model)
    for estimator in (model, loaded):
        estimator.partial_fit(X).set_params(warm_start=True).fit(X)
    assert_same(model.__getstate__(), loaded.__getstate__())


def test_names_of_columns_are_still_checked(tmp_path):
    X = pd.DataFrame(make_views(10, 2), columns=["a", "b"])
    model = fitted({}, X)
    save(model, tmp_path / "model")
    loaded = load_again(tmp_path / "model", model)
    assert loaded.feature_names_in_.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="feature names"):
        loaded.transform(X[["b", "a"]])


def test_set_output_is_kept(tmp_path):
    X = make_views(10, 2, 4)
    model = fitted({}, X).set_output(transform="pandas")
    save(model, tmp_path / "model")
    features = load_again(tmp_path / "model", model).transform(X)
    assert [*features.columns] == [f"private_{i}" for i in range(2)] + [
        f"shared_{i}" for i in range(3)
    ]


def test_a_pipeline_with_pipelines_in_it_comes_back(tmp_path):
    X = make_views(8, 2, 64)
    front = Pipeline([("mel", LogMel(8000, n_fft=16, hop_length=8, n_mels=3, top_db=None))])
    model = MultiViewDisentangler(2, 2, max_epochs=1, random_state=0, **SMALL)
    pipeline = Pipeline([("front", front), ("model", model)], verbose=False).fit(X)
    save(pipeline, tmp_path / "pipeline")
    loaded = load(tmp_path / "pipeline", **SMALL)
    assert repr(loaded) == repr(pipeline)
    assert_same(loaded.transform(X), pipeline.transform(X))
    assert_same(loaded["front"]["mel"].__getstate__(), front["mel"].__getstate__())
    assert_same(loaded["model"].__getstate__(), model.__getstate__())


@pytest.mark.parametrize(
    "front", [LogMel(8000, n_fft=16, n_mels=2, ref=0.5), LogCQT(8000, f_min=700.0, n_fourier=3)]
)
def test_a_front_end_is_saved_with_and_without_a_fit(tmp_path, front):
    X = pd.DataFrame(make_views(3, 20), columns=[f"t{i}" for i in range(20)])
    for front_end in (front, clone(front).fit(X)):
        save(front_end, tmp_path / "front")
        loaded = load(tmp_path / "front", device="cpu")
        assert repr(loaded) == repr(front_end)
        assert_same(loaded.__getstate__(), front_end.__getstate__())


def test_a_fit_cut_short_keeps_what_it_has_told(tmp_path):
    X = make_views(8, 2, 4)
    model = fitted({}, X)
    net = model._live_net()
    net.train_epochs(model._dataset(X, None), 1, verbose=False)  # as Ctrl-C leaves it
    save(model, tmp_path / "model")
    loaded = load_again(tmp_path / "model", model)
    assert loaded.n_epochs_ == len(loaded.history_) == 2
    assert_same(loaded.__getstate__(), model.__getstate__())


def test_custom_networks_are_given_again(tmp_path):
    X = make_views(8, 2, 4)
    model = fitted({}, X)
    save(model, tmp_path / "model")
    assert_same(load(tmp_path / "model", **SMALL).transform(X), model.transform(X))


@pytest.mark.parametrize(
    ("saved", "given", "problem"),
    [
        ({}, {}, r"the encoder is the user's own.*pass load\(path, encoder=...\)"),
        ({}, {"encoder": SMALL["encoder"]}, "pass load.path, decoder="),
        ({}, {**SMALL, "encoder": partial(MLPEncoder, hidden=(4,))}, "the parameters imply"),
        ({"encoder": "mlp"}, SMALL, "load without encoder="),
        ({"decoder": "mlp"}, SMALL, "load without decoder="),
    ],
)
def test_custom_networks_that_are_missing_wrong_or_of_no_use_are_told(
    tmp_path, saved, given, problem
):
    save(fitted(saved, make_views(8, 2, 4)), tmp_path / "model")
    with pytest.raises(ValueError, match=problem):
        load(tmp_path / "model", **given)


def test_a_factory_is_a_callable(tmp_path):
    with pytest.raises(TypeError, match="encoder='mlp' is no factory"):
        load(tmp_path / "model", encoder="mlp")


class Tied(torch.nn.Module):
    """A network with a frozen part, a buffer and one weight in two places."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.first, self.last = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)
        self.last.weight = self.first.weight
        self.norm = torch.nn.BatchNorm1d(4)
        self.head = torch.nn.Linear(4, n_outputs)
        self.frozen = torch.nn.Linear(n_inputs, 4).requires_grad_(False)

    def forward(self, x):
        return self.head(self.norm(self.last(self.first(self.frozen(x)))))


def test_a_network_with_buffers_and_frozen_weights_comes_back(tmp_path):
    X = make_views(8, 2, 4)
    custom = {
        "encoder": lambda shape, n_outputs: Tied(shape[0], n_outputs),
        "decoder": lambda n_inputs, shape: Tied(n_inputs, shape[0]),
    }
    model = fitted(custom, X)
    save(model, tmp_path / "model")
    loaded = load(tmp_path / "model", **custom)
    assert_same(model.partial_fit(X).__getstate__(), loaded.partial_fit(X).__getstate__())


def test_a_file_has_room_for_one_encoder_of_the_user(tmp_path):
    first = fitted({}, make_views(8, 2, 4))
    second = fitted({"encoder": partial(MLPEncoder, hidden=(5,))}, make_views(8, 2, 4))
    with pytest.raises(ValueError, match="different factories encoder: save each alone"):
        save(make_pipeline(first, second), tmp_path / "model")


def test_the_device_can_be_another_one(tmp_path):
    X = make_views(8, 2, 4)
    model = fitted({}, X)
    save(model.set_params(device="cuda:99"), tmp_path / "model")
    with pytest.raises(ValueError, match=r"device='cuda:99' is not there: pass load\(path, device"):
        load_again(tmp_path / "model", model)
    loaded = load_again(tmp_path / "model", model, device="cpu")
    assert loaded.device == "cpu"
    assert_same(loaded.transform(X), model.transform(X))


def test_draws_start_anew_where_a_generator_is_of_another_device(small, parts, forge, tmp_path):
    of_cuda = {**parts.arrays, "noise": np.zeros(16, np.uint8)}  # a seed and an offset
    (tmp_path / "model").write_bytes(forge(parts.document, of_cuda))
    loaded, again = (load(tmp_path / "model", **small.networks) for _ in range(2))
    X = make_views(8, 2, 2)
    assert_same(loaded.transform(X), load(small.path, **small.networks).transform(X))
    assert_same(loaded.partial_fit(X).__getstate__(), again.partial_fit(X).__getstate__())


def test_auto_reaches_every_step(tmp_path):
    model = MultiViewDisentangler(max_epochs=1, **SMALL)
    X = make_views(8, 2, 64)
    save(make_pipeline(LogMel(8000, n_fft=16, n_mels=2), model).fit(X), tmp_path / "pipeline")
    loaded = load_again(tmp_path / "pipeline", model, device="auto")
    assert loaded.transform(X).shape == (8, 16)


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (StandardScaler(), "sklearn.preprocessing._data.StandardScaler"),
        (make_pipeline(StandardScaler(), MultiViewDisentangler()), "StandardScaler"),
        (Pipeline([("nothing", "passthrough")]), "builtins.str"),
        (type("LogMel", (LogMel,), {"__module__": "mine"})(8000), "mine.LogMel"),
        (3, "builtins.int"),
    ],
)
def test_other_classes_are_refused_by_name(tmp_path, estimator, name):
    with pytest.raises(TypeError, match=f"{name} cannot be saved: pass a LogMel, a LogCQT"):
        save(estimator, tmp_path / "model")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    "estimator", [MultiViewDisentangler(), make_pipeline(LogMel(8000), MultiViewDisentangler())]
)
def test_an_estimator_that_is_not_fitted_is_refused(tmp_path, estimator):
    with pytest.raises(NotFittedError):
        save(estimator, tmp_path / "model")


@pytest.mark.parametrize(
    ("params", "error", "problem"),
    [
        ({"random_state": np.random.RandomState(0)}, TypeError, "random_state=RandomState"),
        ({"net_params": {"optimizer": torch.optim.AdamW}}, TypeError, r"net_params\['optimizer'\]"),
        ({"net_params": {"callbacks": "disable"}}, ValueError, "net_params has 'callbacks'"),
        ({"net_params": {"optimizer__betas": [0.9]}}, ValueError, "no list of two numbers"),
        ({"n_private": 4}, ValueError, "kl_private.*parameters were changed after fit"),
        ({"encoder": "conv"}, ValueError, "but the parameters imply"),
        ({"alpha": float("inf")}, ValueError, "alpha=inf is too large or not finite"),
        ({"max_epochs": 10**30}, ValueError, "max_epochs=10+ is too large"),
        ({"output": "all"}, ValueError, "The 'output' parameter"),
    ],
)
def test_parameters_that_no_file_can_hold_are_named(tmp_path, params, error, problem):
    model = fitted({}, make_views(8, 2, 4)).set_params(**params)
    with pytest.raises(error, match=problem):
        save(model, tmp_path / "model")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("params", [{"memory": "folder"}, {"transform_input": ["y"]}])
def test_a_pipeline_that_names_a_folder_or_metadata_is_refused(tmp_path, params):
    pipeline = make_pipeline(LogMel(8000)).set_params(**params)
    with pytest.raises(TypeError, match=f"{next(iter(params))} of a Pipeline cannot be saved"):
        save(pipeline, tmp_path / "model")


@pytest.mark.parametrize("part", ["encoder", "separator"])
def test_a_model_that_diverged_is_not_saved(tmp_path, part):
    model = fitted({"objective": "transport"}, make_views(8, 2, 4))
    state = getattr(model._live_net().module_, part).state_dict()
    next(iter(state.values())).view(-1)[0] = torch.nan
    with pytest.raises(ValueError, match=rf"'module/{part}.*' has a value that is not finite"):
        save(model, tmp_path / "model")
