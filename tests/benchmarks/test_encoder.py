"""The encoder benchmark: what its report says of what was measured."""

from benchmarks.encoder.__main__ import write_report
from benchmarks.encoder.measure import Served


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
