"""Where the files of ``mvdisent extract`` are worked at: threads, processes, Dask, Ray."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from joblib import Parallel, delayed, parallel_config

#: Kinds of workers, as ``--workers`` says them.
KINDS = ("threads", "processes", "dask", "ray")
_MODULES = {"dask": "distributed", "ray": "ray"}
# Ray gives no result before all of a call are there: the calls of a round.
_ROUND = 256
_MAX_DEATHS = 3


class Workers(NamedTuple):
    """Who works: a kind, how many, and where they are; no address: on this machine."""

    kind: str = "threads"
    n_jobs: int | None = 1
    address: str | None = None


class WorkersDied(RuntimeError):
    """Workers died again and again."""


def check_workers(workers: Workers) -> None:
    """Refuse an engine that is not installed, and an address of what has none."""
    kind, _, address = workers
    if address is not None and kind not in _MODULES:
        raise ValueError(f"--address {address} with --workers {kind}: pass --workers dask or ray")
    if kind in _MODULES and importlib.util.find_spec(_MODULES[kind]) is None:
        raise ValueError(f'--workers {kind}: {kind} is not here: pip install "mvdisent[{kind}]"')


def run(call: Callable[..., Any], items: Sequence[str], workers: Workers) -> Iterator[Any]:
    """Give ``call(item)``, which has "file" for the item, of each item, in any order.

    A worker that is killed costs what it had in hand: that is done again. Dask does so by
    itself; after another death what is left is begun anew, three times where nothing comes
    of it in between.

    Raises
    ------
    WorkersDied
        If workers go on dying; the message names the items that may be at fault.
    """
    left = dict.fromkeys(items)
    n_deaths = 0
    with _started(workers) as lost:
        while left:
            try:
                for result in _results(call, list(left), workers):
                    del left[result["file"]]
                    n_deaths = 0
                    yield result
            except lost as error:
                n_deaths += 1
                suspects = ", ".join(list(left)[:4])
                if n_deaths > _MAX_DEATHS or workers.kind == "dask":
                    raise WorkersDied(
                        "workers died more than three times, of a file or for want of memory, the "
                        f"last one at one of the next files: {suspects}; move the faulty one away, "
                        "or pass fewer --n-jobs"
                    ) from error
                warnings.warn(
                    f"a worker died ({type(error).__name__}); what it had in hand is done again, "
                    f"from {suspects} on",
                    RuntimeWarning,
                    stacklevel=2,
                )


def _results(call: Callable[..., Any], items: list[str], workers: Workers) -> Iterator[Any]:
    if workers.kind != "ray":
        yield from Parallel(return_as="generator")(delayed(call)(item) for item in items)
        return
    for start in range(0, len(items), _ROUND):
        yield from Parallel()(delayed(call)(item) for item in items[start : start + _ROUND])


def _join_result_threads() -> None:
    """Wait for what Ray's pools have left: asked after the end, Ray would start once more."""
    pool = importlib.import_module("ray.util.multiprocessing.pool")
    for thread in threading.enumerate():
        if isinstance(thread, pool.ResultThread):
            thread.join()


@contextmanager
def _started(workers: Workers) -> Iterator[tuple[type[Exception], ...]]:
    """Make joblib use the workers; give the errors that tell of a dead one."""
    kind, n_jobs, address = workers
    with ExitStack() as stack:
        if kind == "dask":
            distributed: Any = importlib.import_module("distributed")
            where: Any = address
            if address is None:
                where = stack.enter_context(
                    distributed.LocalCluster(
                        n_workers=None if n_jobs == -1 else n_jobs,
                        threads_per_worker=1,
                        dashboard_address="127.0.0.1:0",
                    )
                )
            stack.enter_context(distributed.Client(where)).wait_for_workers(1)
            stack.enter_context(parallel_config("dask"))
            yield (distributed.scheduler.KilledWorker,)  # after three deaths of its own
        elif kind == "ray":
            ray: Any = importlib.import_module("ray")
            here: dict[str, Any] = {"num_cpus": None if n_jobs == -1 else n_jobs}
            here["include_dashboard"] = False
            given = here if address is None else {"address": address}
            ray.init(**given, log_to_driver=False, logging_level=logging.ERROR)
            stack.callback(ray.shutdown)
            stack.callback(_join_result_threads)
            importlib.import_module("ray.util.joblib").register_ray()
            stack.enter_context(parallel_config("ray", n_jobs=-1 if address else n_jobs))
            yield (ray.exceptions.RayActorError,)
        elif kind == "processes":
            stack.enter_context(parallel_config("loky", n_jobs=n_jobs, inner_max_num_threads=1))
            yield (BrokenProcessPool,)
        else:
            stack.enter_context(parallel_config("threading", n_jobs=n_jobs))
            yield ()
