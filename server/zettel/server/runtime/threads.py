"""What the threads of a server may take from each other: the interpreter, and memory."""

import ctypes
import os
import sys

import anyio
from anyio import to_thread

SWITCH_S = 0.0005
"""How long a thread keeps the interpreter while others want it; CPython's own is 5 ms. With eight
long texts read at once a neighbour's recall takes 147 instead of 223 ms (p95), `/health` 16 instead
of 45 (`make bench-neighbours`)."""
M_ARENA_MAX, ARENAS = -8, 2
"""glibc's option (mallopt(3)), and from how many pools it serves all threads; by itself eight for
each core, of which each keeps what was once taken. After eight abuses the memory had grown by 18 %
instead of 29 %."""
M_MMAP_THRESHOLD, APART_BYTES = -3, 128 * 1024
"""glibc's option, and from which size a block lies apart and goes back to the system when it is
freed. It is glibc's first value; left alone, it rises to the largest block that was freed (at most
32 MiB), whose memory is then kept and cut up. After 1,000 recalls of 3,000 notes 119 of 231 MiB
lay free that way until memory was next returned, with the value fixed 10 of 131, in the same time
(`benchmarks/RESULTS.md`, *ONNX*)."""
ARROW_POOL = "ARROW_DEFAULT_MEMORY_POOL"
"""Arrow's variable for its allocator: its own keeps some 35 MiB more than the system's after one
recall."""

RETURN_S = 30.0
"""Seconds between two returns of free memory. glibc gives back what lies at the end of a pool only:
after long notes of eight connections 70 of 548 MB lay free between what was in use. 0.5 ms each."""


def share_among_threads() -> None:
    """Let threads take turns often and share their memory; call it before they start.

    Arrow must not be imported yet, or keeps its own allocator.
    """
    sys.setswitchinterval(SWITCH_S)
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(M_ARENA_MAX, ARENAS)
        libc.mallopt(M_MMAP_THRESHOLD, APART_BYTES)
        os.environ.setdefault(ARROW_POOL, "system")


async def return_memory_regularly() -> None:
    """Give free memory back to the system, until cancelled; where glibc has it."""
    if sys.platform != "linux" or not hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        return
    while True:
        await anyio.sleep(RETURN_S)
        await to_thread.run_sync(libc.malloc_trim, 0)
