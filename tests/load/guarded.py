"""Work with the package under a hook that hears of files, sockets, processes and code.

The variable ASKED names the folder where it may write. With a word behind it, the
script does a forbidden thing instead, to show that it would be heard of.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from typing import Any

ASKED = os.path.realpath(os.environ.get("ASKED", "."))
# Where numba and torch try, as they are imported, whether they could write.
CACHES = tuple(
    os.path.realpath(os.environ.get(name, ".")) for name in ("NUMBA_CACHE_DIR", "TMPDIR")
)
OURS = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
INSTALLED = tuple(os.path.realpath(p) for p in (*sysconfig.get_paths().values(), OURS))
NEVER = ("socket.", "urllib.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.")
CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND

imported = False
seen: list[str] = []


def is_asked(path: Any) -> bool:
    path = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else str(path)
    free = (ASKED + os.sep,) if imported else (ASKED + os.sep, *CACHES)
    return path == os.devnull or os.path.realpath(path).startswith(free)


def is_forbidden(event: str, args: tuple[Any, ...]) -> bool:
    # joblib counts the cores; threadpoolctl before 3.7 asks where the C library is.
    if event == "subprocess.Popen" and args[0] in ("lscpu", "/sbin/ldconfig"):
        return False
    if event.startswith(NEVER):
        return True
    if event.startswith(CHANGES):
        return not all(is_asked(path) for path in args[: 2 if "rename" in event else 1])
    if event == "open":
        return bool((args[2] or 0) & WRITES) and not is_asked(args[0])
    if event == "pickle.find_class":
        return imported
    if event == "exec" and imported:
        return not os.path.realpath(args[0].co_filename).startswith(INSTALLED)
    return False


def hook(event: str, args: tuple[Any, ...]) -> None:
    if is_forbidden(event, args):
        seen.append(event)
        raise RuntimeError(f"forbidden: {event} {args}")


def work() -> None:
    """Do what the package is for, from sound to scores and files."""
    import warnings

    warnings.simplefilter("ignore")
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline

    from mvdisent import LogMel, MultiViewDisentangler
    from mvdisent.datasets import make_tone_views
    from mvdisent.metrics import get_scorer, probe_table
    from mvdisent.model_selection import FactorKFold
    from mvdisent.persistence import load, save

    X, factors = make_tone_views(48, duration=0.02, n_frequency_classes=3, random_state=0)
    mel = LogMel(16000, n_fft=128, hop_length=64, n_mels=8)
    spectra = mel.transform(X, out=os.path.join(ASKED, "spectra.npy"))
    model = MultiViewDisentangler(2, 2, max_epochs=2, decoder_std=0.1, random_state=0)
    search = GridSearchCV(
        model,
        {"gamma": [0.1, 0.5]},
        scoring=get_scorer("objective"),
        cv=FactorKFold(2, factor="timbre"),
        error_score="raise",
    )
    search.fit(spectra, factors[["timbre", "frequency_v0", "frequency_v1"]])
    best = make_pipeline(mel, search.best_estimator_)
    path = os.path.join(ASKED, "model")
    save(best, path)
    features = load(path).transform(X)
    probe_table({"both": features}, factors[["timbre"]], probe="knn", cv=2)
    best[-1].reconstruct(spectra)
    best[-1].partial_fit(spectra).score(spectra)


def offend(offence: str) -> None:
    import pickle
    import socket
    import subprocess

    global imported
    imported = True
    {
        "socket": lambda: socket.create_connection(("127.0.0.1", 9)),
        "write": lambda: os.open("file", os.O_CREAT | os.O_WRONLY),
        "mkdir": lambda: os.mkdir("folder"),
        "rename": lambda: os.rename(ASKED, "moved"),
        "run": lambda: subprocess.run(["true"], check=True),
        "eval": lambda: eval("1 + 1"),
        "pickle": lambda: pickle.loads(b"cos\nsystem\n."),
    }[offence]()


if __name__ == "__main__":
    sys.addaudithook(hook)
    if len(sys.argv) > 1:
        offend(sys.argv[1])
    work()
    imported = True  # from now on nothing is compiled, found by name or written elsewhere
    work()
    print(seen or "done")
