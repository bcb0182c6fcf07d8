"""How often Python looks for garbage that refers to itself."""

import gc

COLLECTED_TOGETHER = 10_000
"""Objects that are made before the young ones are looked through; Python's own 700 is for programs
of little memory. Importing all of a server takes 1.26 instead of 1.45 s, and a recall among 100,000
notes spends .8 instead of 4.3 to 7.3 ms looking for garbage (`benchmarks/RESULTS.md`, *ONNX*)."""


def collect_rarely() -> None:
    """Look for garbage once in `COLLECTED_TOGETHER` new objects; call it before heavy imports."""
    gc.set_threshold(COLLECTED_TOGETHER, 10, 10)
