"""Where a test's process is taken to run."""

import os
import time
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def living_in(zone: str) -> Generator[None]:
    """Set the time zone of this process, as `TZ` or the machine does, for a while."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()
