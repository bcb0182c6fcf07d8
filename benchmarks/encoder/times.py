"""Times both encoders in turn, in one process: `python -m benchmarks.encoder.times REPEAT`.

A process of its own, since the libraries read `OMP_NUM_THREADS` when they are loaded.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from time import perf_counter

import anyio

from zettel.storage.embedding.exports import UnusableExportError
from zettel.storage.embedding.model_files import find_model
from zettel.storage.embedding.onnx_encoder import load_onnx
from zettel.storage.embedding.sentence_transformer import load_sentence_transformer

TEXTS = {
    "question": "When did Ana move to Lisbon?",
    "note of 40 words": (
        "In May Ana told me that she had moved into the small flat above the bakery, that the"
        " stairs were steep, that the neighbours were kind, and that she would look for a larger"
        " one before the winter came."
    ),
}
WARM_UP = 5
"""Times that each encodes before the clock starts."""


def times(repeat: int) -> Mapping[str, Mapping[str, Sequence[float]]]:
    """Milliseconds by text and library, in the order they were taken.

    Raises:
        UnusableExportError: There is no export of the packaged model.
    """
    files = anyio.run(find_model)
    encoders = {"torch": load_sentence_transformer(files), "onnx": load_onnx(files)}
    taken = {text: {library: list[float]() for library in encoders} for text in TEXTS}
    for turn in range(-WARM_UP, repeat):
        for name, text in TEXTS.items():
            for library, encoder in encoders.items():
                began = perf_counter()
                encoder.encode_queries([text])
                if turn >= 0:
                    taken[name][library].append((perf_counter() - began) * 1000)
    return taken


if __name__ == "__main__":
    try:
        sys.stdout.write(json.dumps(times(int(sys.argv[1]))))
    except UnusableExportError as missing:
        sys.exit(f"The export {missing}. Run zettel model export.")
