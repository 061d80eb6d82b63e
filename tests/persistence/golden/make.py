"""Write the golden files of the format that this mvdisent writes: once, at its birth.

Run ``python tests/persistence/golden/make.py``. A folder that is there is left
alone: what users have on their disks does not change either.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.pipeline import make_pipeline

from mvdisent import LogMel, MultiViewDisentangler, _format
from mvdisent.nn import MLPDecoder, MLPEncoder
from mvdisent.persistence import save

# The file holds no code: whoever loads it gives these again.
NETWORKS = {
    "encoder": partial(MLPEncoder, hidden=(2,)),
    "decoder": partial(MLPDecoder, hidden=(2,)),
}


def describe(estimator: Any, X: np.ndarray) -> dict[str, Any]:
    """Say what the estimator does with X, before and after one more epoch."""
    described = {"X": X.tolist(), "features": estimator.transform(X).tolist()}
    *front, (_, model) = getattr(estimator, "steps", [("model", estimator)])
    for _, step in front:
        X = step.transform(X)
    described |= {"reconstruction": model.reconstruct(X).tolist(), "score": model.score(X)}
    return described | {"after one more epoch": model.partial_fit(X).transform(X).tolist()}


def main() -> None:
    folder = Path(__file__).parent / f"format_{_format.FORMAT}"
    folder.mkdir()
    rng = np.random.default_rng(0)
    model = MultiViewDisentangler(
        1, 1, max_epochs=40, lr=0.05, random_state=0, decoder_std=0.1, **NETWORKS
    )
    mel = LogMel(8000, n_fft=16, hop_length=16, n_mels=2)
    cases = {
        "disentangler": (model, rng.normal(size=(8, 2, 2)).round(2)),
        "pipeline": (make_pipeline(mel, model), rng.normal(size=(6, 2, 32)).round(2)),
    }
    for name, (estimator, X) in cases.items():
        save(estimator.fit(X), folder / f"{name}.mvdisent")
        text = json.dumps(describe(estimator, X))
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
