"""The memory of a server's threads: taken from few pools, or each keeps what it once needed."""

import subprocess
import sys

import pytest

from zettel.server.runtime.threads import ARENAS

POOLS = """
import ctypes, sys, threading
from zettel.server.runtime.threads import share_among_threads

share_among_threads()
held, met = [], threading.Barrier(9)

def take():
    held.append([bytes(1000) for _ in range(1000)])
    met.wait()
    met.wait()

threads = [threading.Thread(target=take) for _ in range(8)]
for thread in threads:
    thread.start()
met.wait()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info(0, ctypes.c_void_p(libc.fdopen(1, b"w")))
libc.fflush(None)
met.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_threads_share_their_memory() -> None:
    done = subprocess.run([sys.executable, "-c", POOLS], capture_output=True, text=True, check=True)

    assert 1 <= done.stdout.count("<heap nr=") <= ARENAS


FREED = """
import anyio, psutil
from zettel.server.runtime import threads

threads.RETURN_S = 0.0

async def main():
    held = [bytes(2_000) for _ in range(20_000)]
    held = held[::100]  # what is left lies between what is free
    before = psutil.Process().memory_info().rss
    with anyio.move_on_after(0.5):
        await threads.return_memory_regularly()
    print(before - psutil.Process().memory_info().rss)

anyio.run(main)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_free_memory_between_what_is_in_use_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True)

    assert int(done.stdout) > 10_000_000


APART = """
import psutil
from zettel.server.runtime.threads import share_among_threads

share_among_threads()
largest = b"x" * 20_000_000
del largest  # from now on glibc would keep what is smaller
held = [b"x" * 300_000 for _ in range(200)]
before = psutil.Process().memory_info().rss
held = held[1::2]
print(before - psutil.Process().memory_info().rss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_freed_blocks_go_back_to_the_system_though_a_larger_one_was_freed_before() -> None:
    done = subprocess.run([sys.executable, "-c", APART], capture_output=True, text=True, check=True)

    assert int(done.stdout) > 25_000_000


ARROW = """
from zettel.server.commands import serve
from zettel.server.engine import engine
from zettel.server.transports.stdio import server
from zettel.server.runtime.threads import share_among_threads

share_among_threads()
import pyarrow
print(pyarrow.default_memory_pool().backend_name)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_arrow_takes_its_memory_from_where_the_server_does() -> None:
    done = subprocess.run([sys.executable, "-c", ARROW], capture_output=True, text=True, check=True)

    assert done.stdout == "system\n"
