"""The encoder benchmark: what its report says of what was measured."""

import numpy as np
from benchmarks.encoder.__main__ import write_report
from benchmarks.encoder.bulk import BulkTimes, write_bulk
from benchmarks.encoder.measure import Served
from benchmarks.scale.costs import Bulk


def served(first_s: float, megabytes: int) -> Served:
    size = megabytes * 2**20
    return Served(first_s=first_s, resident=size, proportional=size // 2, recall_ms=[10.0, 30.0])


def test_the_report_sets_onnxruntime_beside_torch() -> None:
    times = {"1": {"question": {"torch": [9.0, 8.0, 7.0], "onnx": [4.0, 3.5, 6.0]}}}
    servers = {
        "torch": [served(20, 0), served(8, 0), served(10, 700)],
        "onnx": [served(3, 0), served(2, 0), served(1, 300)],
    }

    lines = list(write_report(times, [0.5, 1.0, 9.0], servers))

    assert "| question | 1 | 3.5 / 4.0 | 7.0 / 8.0 | 0.50 |" in lines
    assert "| first recall with meaning, p50 of 3 starts | 2.0 s | 10.0 s |" in lines
    assert "| the same over `import lancedb, onnxruntime` | 2.0 | 10.0 |" in lines
    assert "| resident after the recalls | 300 MiB | 700 MiB |" in lines
    assert "| its share of shared pages | 150 MiB | 350 MiB |" in lines
    assert "| a recall, p50 / p95 | 10 / 30 ms | 10 / 30 ms |" in lines


def test_the_report_of_devices_sets_a_gpu_beside_the_cpu() -> None:
    def took(backend: str, rate: float, number: float, seconds: float) -> BulkTimes:
        vectors = {"short": np.full((2, 3), number, np.float32)}
        imported = Bulk(notes=100, took_s=seconds, embedding_s=seconds, model_s=seconds / 4)
        return BulkTimes(backend=backend, rates={"short": rate}, vectors=vectors, imported=imported)

    found = {"cpu": took("onnx", 50, 0.5, 4), "cuda": took("torch", 400.4, 0.25, 1)}
    lines = list(write_bulk(found))

    assert lines[2:] == [
        "| cpu | onnx | 50 |  | 25 | 25.0% |",
        "| cuda | torch | 400 | 2.5e-01 | 100 | 25.0% |",
    ]
