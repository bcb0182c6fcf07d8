"""What a model runs on: processors, or a GPU of NVIDIA's or one that torch treats as such."""

import shutil
from pathlib import Path
from typing import Final, Literal

CPU: Final = "cpu"
CUDA: Final = "cuda"
"""AMD's GPUs too, in torch's build for them."""
Device = Literal["auto", "cpu", "cuda"]
"""`auto` is a GPU for work on many notes where there is one that a library can use, else the CPU: a
single question takes 5 ms there."""

_DRIVERS = (Path("/proc/driver/nvidia/version"), Path("/dev/kfd"))
"""NVIDIA's and AMD's drivers, where they are loaded (Linux)."""


def has_gpu_driver() -> bool:
    """Whether a GPU can be expected, so that it is worth loading a library to ask (seconds)."""
    return any(driver.exists() for driver in _DRIVERS) or shutil.which("nvidia-smi") is not None
