"""Exports an embedding model to ONNX, in a process of its own: `python -m` this module MODEL.

The graph computes a vector from token ids, pooling and normalisation included, and is published
only if its vectors are the reference's. What writes it, and torch where the reference is not
recorded, is loaded here, so that a server never loads them.
"""

# The libraries are typed in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import numpy as np

from zettel.storage.embedding.bert_graph import (
    EXTERNAL_MIN_BYTES,
    OPSET,
    read_bert_config,
    write_bert_graph,
)
from zettel.storage.embedding.embedder import unit_rows
from zettel.storage.embedding.exports import (
    GRAPH,
    TOKENIZER,
    WEIGHTS,
    UnusableExportError,
    only_exporter,
    publish,
    publish_refusal,
    read_export,
    unfinished_export,
)
from zettel.storage.embedding.model_files import ModelFiles, check_weights, find_model
from zettel.storage.embedding.onnx_encoder import INPUTS, OUTPUT, open_export
from zettel.storage.embedding.reference import TEXTS, Reference, compute, is_recorded, read_record
from zettel.storage.embedding.sentence_transformer import SentenceEncoder, load_sentence_transformer
from zettel.storage.errors import ModelUnavailableError
from zettel.storage.startup import set_environment

if TYPE_CHECKING:
    from torch import Tensor

LARGEST_DIFFERENCE = 1e-4
"""Of any number in a unit vector from the reference's: cosines then differ by 1e-4 times the root
of the dimension at most, MiniLM's in fact by 1e-6, and the order of notes stays."""


def main(arguments: Sequence[str]) -> int:
    """Export a model unless there is a usable export of it; the reason of a failure goes to stderr.

    Args:
        arguments: The model, as in the settings; after it perhaps `--nice`, to leave the cores to
            others.

    Returns:
        The exit code: 0 there is an export, 1 there is none.
    """
    set_environment()
    warnings.simplefilter("ignore")
    if "--nice" in arguments[1:]:
        _leave_the_machine_to_others()
    try:
        _export(anyio.run(find_model, arguments[0]))
    except (ModelUnavailableError, UnusableExportError, OSError, MemoryError) as error:
        sys.stderr.write(f"{error or 'There is not enough memory.'}\n")
        return 1
    return 0


def _leave_the_machine_to_others() -> None:
    # Not everywhere, and not for everybody: the unit for systemd forbids the first.
    with suppress(OSError, AttributeError):
        os.nice(19)
    with suppress(OSError):
        # Where memory runs out, this process goes and not the server.
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _export(files: ModelFiles) -> None:
    with only_exporter():
        try:
            # Another process may have made it while this one waited.
            read_export(files)
        except UnusableExportError:
            _make(files)


def _make(files: ModelFiles) -> None:
    bert = read_bert_config(files)
    encoder = None if bert and is_recorded(files) else load_sentence_transformer(files)
    check_weights(files)
    with unfinished_export() as folder:
        try:
            if bert is not None:
                write_bert_graph(files, bert, folder)
            else:
                assert isinstance(encoder, SentenceEncoder)
                write_graph(encoder, folder)
            expected = compute(encoder) if encoder else read_record()
            difference = _difference(expected, folder, files)
        except (OSError, MemoryError):
            # Not the model's fault: the next start tries again.
            raise
        except UnusableExportError as error:
            publish_refusal(folder, files, str(error))
            raise
        # The exporter raises anything.
        except Exception as error:
            problem = f"{type(error).__name__}: {error}".splitlines()[0]
            publish_refusal(folder, files, problem)
            raise UnusableExportError(problem) from error
        publish(folder, files, largest_difference=difference)


def write_graph(reference: SentenceEncoder, folder: Path) -> None:
    """Write graph, weights and tokenizer of any loaded model into a folder."""
    import onnx  # noqa: PLC0415  only this process loads these
    import torch  # noqa: PLC0415

    class Graph(torch.nn.Module):
        """The modules of a model, one after the other."""

        def __init__(self) -> None:
            super().__init__()
            self.model = reference.model

        def forward(self, input_ids: "Tensor", attention_mask: "Tensor") -> "Tensor":
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            for module in self.model:
                features = module(features)
            return features[OUTPUT]

    reference.encode_documents(TEXTS)
    # As the library has set it up for these texts: it truncates and pads.
    tokenizer = reference.model.tokenizer.backend_tokenizer
    tokenizer.save(str(folder / TOKENIZER))
    encoded = tokenizer.encode_batch(["a longer text than the other", "tea"])
    given = tuple(
        torch.tensor(rows)
        for rows in ([each.ids for each in encoded], [each.attention_mask for each in encoded])
    )
    rows_and_tokens = {0: "texts", 1: "tokens"}
    with torch.inference_mode():
        torch.onnx.export(
            Graph().eval(),
            given,
            str(folder / GRAPH),
            input_names=list(INPUTS),
            output_names=[OUTPUT],
            dynamic_axes=dict.fromkeys(INPUTS, rows_and_tokens) | {OUTPUT: {0: "texts"}},
            opset_version=OPSET,
            # The other exporter needs onnxscript too, and takes longer.
            dynamo=False,
        )
    onnx.save_model(
        onnx.load(folder / GRAPH),
        folder / GRAPH,
        save_as_external_data=True,
        location=WEIGHTS,
        size_threshold=EXTERNAL_MIN_BYTES,
    )


def _difference(reference: Reference, folder: Path, files: ModelFiles) -> float:
    """The largest difference of any number in a unit vector, of texts alone and as one batch.

    Raises:
        UnusableExportError: It is more than `LARGEST_DIFFERENCE`.
    """
    exported = open_export(folder, files)
    differences = [
        np.abs(unit_rows(vectors) - expected).max()
        for encode, expected in (
            (exported.encode_queries, reference.questions),
            (exported.encode_documents, reference.notes),
        )
        # What pads a text must not change its vector.
        for vectors in (encode(TEXTS), np.concatenate([encode([text]) for text in TEXTS]))
    ]
    difference = float(np.max(differences))
    # Not the other way round: what is not a number is a difference.
    if not difference <= LARGEST_DIFFERENCE:
        problem = f"its vectors differ from the reference's by {difference:.1e}"
        raise UnusableExportError(problem)
    return difference


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
