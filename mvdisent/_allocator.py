"""What is freed and soon asked for again stays with the process: hints to glibc."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

# Just below the largest block that glibc learns from, 32 MiB with what it writes before it.
_TAUGHT_BYTES = 2**25 - 2**16
# What the steps of a fit may find again, asked for in blocks that are smaller than that.
_KEPT_BYTES, _BLOCK_BYTES = 2**29, 2**24


def keep_large_blocks() -> None:
    """Let the allocator keep large blocks that are freed, on its heap.

    glibc gives blocks of 128 KiB and more back to the system, and gets them anew, page
    by page: up to a third of the time of a step of a convolutional network. A block that is
    freed teaches it to keep those of its size, up to 32 MiB (mallopt(3),
    M_MMAP_THRESHOLD), until 64 MiB at the heap's end are free; the pages of this one are
    never touched. Other allocators, and one that was set by hand, take no notice.
    """
    torch.empty(_TAUGHT_BYTES, dtype=torch.uint8)


@contextmanager
def keep_freed_memory() -> Iterator[None]:
    """Let the allocator keep all that is freed, up to 512 MiB, and give it back at the end.

    A block is held behind as much as steps may need, so that it is not at the heap's end;
    its pages, and those of the others here, are never touched. For large blocks,
    `keep_large_blocks` comes first.
    """
    try:
        blocks = [
            torch.empty(_BLOCK_BYTES, dtype=torch.uint8) for _ in range(_KEPT_BYTES // _BLOCK_BYTES)
        ]
    except RuntimeError:  # the process may not ask for so much (ulimit -v, ulimit -d)
        blocks = []
    last = max(blocks, key=Tensor.data_ptr, default=None)
    del blocks
    yield
    del last
