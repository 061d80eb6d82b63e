"""A file made to do harm, with a right hash, runs nothing and takes little memory."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch

from mvdisent.persistence import save


def header_of(text: str, **entries: Any) -> str:
    return json.dumps({"__metadata__": {"mvdisent": text}, **entries}, separators=(",", ":"))


def test_the_guards_see_what_they_should(guard, small, attempt, monkeypatch):
    monkeypatch.setattr("mvdisent.persistence._load._format.read", lambda path: np.ones(10**9))
    with pytest.raises(MemoryError):
        attempt(b"")
    monkeypatch.setattr("mvdisent.persistence._load._format.read", lambda path: os.system("true"))
    with pytest.raises(AssertionError, match=r"os\.system"):
        attempt(b"")
    guard.seen.clear()


def test_a_forged_file_loads_where_nothing_in_it_is_wrong(parts, forge, attempt, small):
    assert forge(*parts) == small.path.read_bytes()
    assert attempt(forge(*parts)).n_epochs_ == 40


class Bomb:
    def __reduce__(self):
        return os.system, ("touch /tmp/mvdisent-was-unpickled",)


def other_formats() -> dict[str, bytes]:
    archive, arrays = io.BytesIO(), io.BytesIO()
    torch.save({"bomb": Bomb()}, archive)
    np.savez(arrays, bomb=np.array([Bomb()], dtype=object))
    return {
        "empty": b"",
        "pickle": pickle.dumps(Bomb()),
        "old pickle": pickle.dumps(Bomb(), protocol=0),
        "torch": archive.getvalue(),
        "npz": arrays.getvalue(),
        "text": b"#!/bin/sh\ntouch /tmp/mvdisent-was-run\n",
        "noise": np.random.default_rng(0).bytes(10**6),
        "zeros": bytes(10**6),
        "safetensors of others": safetensors.numpy.save({"a": np.zeros(3)}, {"format": "pt"}),
        "pickle in a tensor": safetensors.numpy.save(
            {"a": np.frombuffer(pickle.dumps(Bomb()), np.uint8)}
        ),
    }


@pytest.mark.parametrize("kind", other_formats())
def test_files_of_other_kinds_are_refused(attempt, kind):
    with pytest.raises(ValueError, match=r"hostile: it is not a .*file of mvdisent\.save"):
        attempt(other_formats()[kind])


@pytest.mark.parametrize(("kind", "hint"), [("pickle", "a pickle"), ("torch", "a zip archive")])
def test_a_file_that_looks_like_a_pickle_is_called_so(attempt, kind, hint):
    with pytest.raises(ValueError, match=f"perhaps {hint}.*: nothing is unpickled"):
        attempt(other_formats()[kind])


SHA = f'"sha256":"{"0" * 64}"'
PLAIN = header_of(f"{{{SHA}}}")
TENSOR = '"dtype":"U8","shape":[0],"data_offsets":[0,0]'
HEADERS = {
    "5 MB": (" " * 5 * 2**20, "header has 5242880 bytes"),
    "entries": (PLAIN[:-1] + ',"a":{}' * 30_000 + "}", "20000 entries"),
    "items": (PLAIN[:-1] + f',"a":[{"[]," * 10**6}0]}}', "400000 items"),
    "items of the text": (header_of(f"{{{SHA},{'[],' * 10**6}"), "400000 items"),
    "nearly too many entries": (
        PLAIN[:-1] + "".join(f',"{i}":{{{TENSOR}}}' for i in range(19_000)) + "}",
        "format number is None",
    ),
    "nearly too many items": (PLAIN[:-1] + f',"a":[{"[]," * 190_000}0]}}', "format number is None"),
    "nearly too many items of the text": (
        header_of(f'{{{SHA},"a":[{"{}," * 9000}{"[]," * 180_000}0]}}'),
        "format number is None",
    ),
    "wide text": (header_of(f'{{{SHA},"a":"{chr(0x1F600)}{"a" * 4 * 10**6}"}}'), "format number"),
    "depth": (PLAIN[:-1] + ',"a":' + "[" * 10**5, "nested more than 32"),
    "depth of the text": (header_of(f'{{{SHA},"a":{"[" * 10**5}'), "nested more than 32"),
    "some depth": (header_of(f'{{{SHA},"a":{"[" * 40}{"]" * 40}}}'), "nested more than 32"),
    "no JSON": (PLAIN[:-1], "delimiter"),
    "no UTF-8": (PLAIN.encode() + b"\xff", "utf-8"),
    "same tensor": (PLAIN[:-1] + ',"a":1,"a":1}', "the key 'a' twice"),
    "same key": (header_of(f'{{{SHA},"format":1,"format":1}}'), "the key 'format' twice"),
    "two hashes": (header_of(f"{{{SHA},{SHA}}}"), "no SHA-256"),
    "not a number": (header_of(f'{{{SHA},"a":NaN}}'), "NaN, which is not finite"),
    "infinity": (header_of(f'{{{SHA},"a":-1e999}}'), "-1e999, which is not finite"),
    "digits": (header_of(f'{{{SHA},"a":{"9" * 10**5}}}'), "integer of 100000 digits"),
    "a list": (f"[{PLAIN}]", "no metadata of the one key"),
    "no text": (
        json.dumps({"__metadata__": {"mvdisent": [f"{{{SHA}}}"]}}, separators=(",", ":")),
        "its metadata 'mvdisent' is no text",
    ),
    "other metadata": (PLAIN.replace("mvdisent", "mvdisen"), "no metadata of the one key"),
    "no tensor": (PLAIN[:-1] + ',"a":{}}', "format number is None"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_are_large_deep_or_ambiguous_are_refused(forge_header, attempt, name):
    header, problem = HEADERS[name]
    with pytest.raises(ValueError, match=f"hostile: .*({problem})"):
        attempt(forge_header(header))


def test_a_length_beyond_the_file_is_refused(attempt):
    with pytest.raises(ValueError, match="it is not a whole file"):
        attempt(struct.pack("<Q", 2**63) + b"{}")


EDITS = [
    (("format",), 2, "has format 2, and this mvdisent reads format 1 at most: upgrade mvdisent"),
    (("format",), True, "format number is True"),
    (("format",), "1", "format number is '1'"),
    (("more",), 1, r"unknown keys \['more'\]"),
    (("estimator", "class"), "os.system", "class 'os.system' is none of LogCQT, LogMel, Multi"),
    (("estimator", "class"), ["LogMel"], "class .'LogMel'. is none of"),
    (("estimator", "params", "__class__"), "x", "..__class__.. are not parameters of a Multi"),
    (("estimator", "params", "n_private"), 10**17, "n_private=100000000000000000 is not an int"),
    (("estimator", "params", "n_private"), 2, "'kl_private' is .*imply"),
    (("estimator", "params", "n_shared"), 2**20, "'kl_shared' is .*imply"),
    (("estimator", "params", "encoder"), "mlp", "load without encoder=|imply"),
    (("estimator", "params", "encoder"), "os.system", "The 'encoder' parameter"),
    (("estimator", "params", "device"), "cuda:77", r"'cuda:77' is not there: pass load"),
    (("estimator", "params", "device"), "meta", "'meta' is not there"),
    (("estimator", "params", "device"), "../a;b", "is not there"),
    (("estimator", "params", "checkpoint"), "/etc/passwd", ".'checkpoint'. are not parameters"),
    (("estimator", "state", "best_epoch_"), 41, "best_epoch_=41 is not an integer from 1 to 40"),
    (("estimator", "params", "net_params"), {"compile": True}, "net_params has 'compile'"),
    (("estimator", "params", "net_params"), {"optimizer": "os.system"}, "has 'optimizer'"),
    (("estimator", "params", "net_params"), {"optimizer__betas": [1, 2, 3]}, "two numbers"),
    (("estimator", "params", "net_params"), {"optimizer__eps": "x"}, "optimizer__eps must be"),
    (("estimator", "params", "net_params"), {"optimizer__amsgrad": True}, "max_exp_avg_sq' is mis"),
    (("estimator", "state", "view_shape_"), [2**31, 2**31], "size of view_shape_"),
    (("estimator", "state", "view_shape_"), [1] * 9, "has 9 entries, not 1 to 8"),
    (("estimator", "state", "view_shape_"), [-1, -2], "view_shape_=-1"),
    (("estimator", "state", "view_shape_"), [2**16, 2**15], "n_features_in_ is 2"),
    (("estimator", "state", "n_epochs_"), 41, "n_epochs_=41 is not an integer from 0 to 40"),
    (("estimator", "state", "terms"), ["loss"], "'epochs' is .*imply"),
    (("estimator", "state", "terms"), ["loss"] * 8, "has one twice"),
    (("estimator", "state", "seeds"), [1, 2, 2**40], "not three integers of 32 bits"),
    (("estimator", "state", "scale"), 0.0, "scale == 0.0"),
    (("estimator", "state", "set_output"), "os", "set_output='os'"),
    (("estimator", "state", "feature_names_in_"), ["a"], "2 features have 1 names"),
    (("estimator", "state", "feature_names_in_"), [1, 2], "no list of strings"),
    (("estimator", "state", "__class__"), 1, "unknown keys"),
]


@pytest.mark.parametrize(("keys", "value", "problem"), EDITS)
def test_a_text_that_lies_is_refused(parts, forge, attempt, keys, value, problem):
    document = deepcopy(parts.document)
    *way, last = keys
    node = document
    for key in way:
        node = node[key]
    node[last] = value
    with pytest.raises(ValueError, match=f"hostile: .*({problem})"):
        attempt(forge(document, parts.arrays))


def places(node: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each value of a document."""
    yield way
    if isinstance(node, dict | list):
        for key in node if isinstance(node, dict) else range(len(node)):
            yield from places(node[key], (*way, key))


STRANGE = [None, True, -1, 2**50, 0.5, "x", {}, [[[]]]]


def test_any_value_in_any_place_is_refused_or_makes_a_whole_model(parts, forge, attempt):
    outcomes = {"refused": 0, "loaded": 0}
    for way in places(parts.document):
        for value in STRANGE:
            document = {"root": deepcopy(parts.document)}
            node: Any = document
            for key in ("root", *way)[:-1]:
                node = node[key]
            node[("root", *way)[-1]] = value
            try:
                model = attempt(forge(document["root"], parts.arrays))
            except ValueError:
                outcomes["refused"] += 1
            else:
                assert model.kl_private_.shape == (1,)
                outcomes["loaded"] += 1
    assert outcomes["refused"] > 300
    assert outcomes["loaded"] > 30  # alpha=0.5, for one


def poisoned(parts: Any, name: str, value: float) -> dict[str, np.ndarray]:
    array = parts.arrays[name].copy()
    array.flat[0] = value
    return {**parts.arrays, name: array}


def test_arrays_that_lie_are_refused(parts, forge, attempt):
    arrays, weight = parts.arrays, "module/encoder.layers.0.weight"
    others = {
        "'more' that belongs to nothing": {**arrays, "more": np.zeros(1)},
        "'noise' is missing|length of the noise": {k: arrays[k] for k in arrays if k != "noise"},
        f"{weight}' is missing": {k: arrays[k] for k in arrays if k != weight},
        f"{weight}' is .'F64'": {**arrays, weight: arrays[weight].astype(np.float64)},
        f"{weight}' is .'F32', .4,": {**arrays, weight: arrays[weight].ravel()},
        f"{weight}' has a value that is not": poisoned(parts, weight, np.nan),
        "kl_shared' has a value that is not": poisoned(parts, "kl_shared", np.inf),
        "step' is .'I64'": {**arrays, "optimizer/0/step": np.int64(3)},
        "'optimizer/0/exp_avg' that belongs": {
            k: arrays[k] for k in arrays if k != "optimizer/0/step"
        },
        "random generator is not valid": {**arrays, "shuffle": np.zeros_like(arrays["shuffle"])},
        "'noise' is missing|length": {**arrays, "noise": np.zeros(10**5, np.uint8)},
    }
    for problem, changed in others.items():
        with pytest.raises(ValueError, match=f"hostile: .*({problem})"):
            attempt(forge(parts.document, changed))


def test_offsets_that_overlap_or_overrun_are_refused(small, forge_header, attempt):
    data = small.path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    for offsets in ([0, 8], [0, 2**50], [-8, 0], [8, 0], "x", None):
        lying = deepcopy(header)
        lying["kl_shared"]["data_offsets"] = offsets
        with pytest.raises(ValueError, match="not laid out as safetensors asks"):
            attempt(forge_header(json.dumps(lying, separators=(",", ":")), body))
    for key, value in [
        *(("shape", shape) for shape in ([2**50, 2**50, 0], [True], [1.0], {"a": 1}, None)),
        *(("dtype", dtype) for dtype in ("BF16", "F32", ["F64"], {}, None)),
    ]:
        lying = deepcopy(header)
        lying["kl_shared"][key] = value
        with pytest.raises(ValueError, match="'kl_shared'"):
            attempt(forge_header(json.dumps(lying, separators=(",", ":")), body))


def pipeline_of(*steps: Any, **params: Any) -> dict[str, Any]:
    return {"class": "Pipeline", "params": params, "state": [*steps]}


MEL = {"class": "LogMel", "params": {"sample_rate": 8000}, "state": None}
PIPELINES = [
    (pipeline_of(), "has not 1 to 64 steps"),
    (pipeline_of(*[["a", MEL]] * 65), "has not 1 to 64 steps"),
    (pipeline_of("ab"), "no pair"),
    (pipeline_of(["a", MEL], ["a", MEL]), "the steps of a Pipeline have the names"),
    (pipeline_of(["a__b", MEL]), "the steps of a Pipeline have the names"),
    (pipeline_of(["a", MEL], memory="/tmp/cache"), "'memory'.* not parameters"),
    (pipeline_of(["a", {**MEL, "params": {"sample_rate": [1]}}]), "The 'sample_rate' parameter"),
    (pipeline_of(["a", {**MEL, "params": {}}]), "sample_rate"),
    (pipeline_of(["a", {**MEL, "state": {"n_views_in_": 1}}]), "lacks"),
]


@pytest.mark.parametrize(("node", "problem"), PIPELINES)
def test_pipelines_that_lie_are_refused(parts, forge, attempt, node, problem):
    document = {**parts.document, "estimator": node}
    with pytest.raises(ValueError, match=f"hostile: .*({problem})"):
        attempt(forge(document, {}), encoder=None, decoder=None)


def test_names_like_paths_write_nothing(parts, forge, attempt, tmp_path):
    document = {**parts.document, "estimator": pipeline_of(["../../x", MEL])}
    assert [*attempt(forge(document, {}), encoder=None, decoder=None).named_steps] == ["../../x"]
    save_again = tmp_path / "again"
    save(attempt(forge(document, {}), encoder=None, decoder=None), save_again)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "hostile"]


def test_huge_numbers_of_a_front_end_allocate_nothing(parts, forge, attempt):
    mel = {**MEL, "params": {"sample_rate": 1e9, "n_fft": 10**17, "n_mels": 10**17}}
    attempt(forge({**parts.document, "estimator": mel}, {}), encoder=None, decoder=None)
