"""Exports an embedding model to ONNX, in a process of its own: `python -m` this module MODEL.

Torch and transformers are loaded here, so that a server that has an export never loads them. The
graph computes a vector from token ids, pooling and normalisation included, and is published only if
its vectors are the reference's.
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
from zettel.storage.embedding.model_embedder import Encoder
from zettel.storage.embedding.model_files import ModelFiles, find_model
from zettel.storage.embedding.onnx_encoder import INPUTS, OUTPUT, open_export
from zettel.storage.embedding.sentence_transformer import SentenceEncoder, load_sentence_transformer
from zettel.storage.errors import ModelUnavailableError
from zettel.storage.startup import set_environment

if TYPE_CHECKING:
    from torch import Tensor

LARGEST_DIFFERENCE = 1e-4
"""Of any number in a unit vector from the reference's: cosines then differ by 1e-4 times the root
of the dimension at most, MiniLM's in fact by 1e-6, and the order of notes stays."""

OPSET = 17
"""Of ONNX: the first with an operator for layer normalization; onnxruntime reads it since 1.12."""

TEXTS = (
    "When did Ana move to Lisbon?",
    "tea",
    "",
    "   ",
    "THE SAME in Capitals, with Café, naïve, Größe and Ærø.",
    "In May Ana told me that she had moved into the small flat above the bakery, that the stairs"
    " were steep, that the neighbours were kind, and that she would look for a larger one before"
    " the winter came to Lisbon again.",
    "明日の会議は午後三時に始まります。 Встреча в среду. موعدنا غدا 🫖👩‍👩‍👧",
    "see https://example.org/a?b=1&c=[2] or mail ana@example.org: `x = f(3.14)`\n\n\t- done",
    "[CLS] first [SEP] second [MASK] <s> </s> <pad>",
    "A text that is longer than any window of the model. " * 200,
)
"""Compared one by one, and as one batch: what pads a text must not change it."""


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
    reference = load_sentence_transformer(files)
    with unfinished_export() as folder:
        try:
            assert isinstance(reference, SentenceEncoder)
            write_graph(reference, folder)
            difference = _difference(reference, folder, files)
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
    """Write graph, weights and tokenizer of a loaded model into a folder."""
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
        # Smaller ones are shapes and indices, which the graph's optimizer has to see.
        size_threshold=1024,
    )


def _difference(reference: Encoder, folder: Path, files: ModelFiles) -> float:
    """The largest difference of any number in a unit vector.

    Raises:
        UnusableExportError: It is more than `LARGEST_DIFFERENCE`.
    """
    exported = open_export(folder, files)
    differences = [
        np.abs(unit_rows(ours) - unit_rows(theirs)).max()
        for texts in (TEXTS, *([text] for text in TEXTS))
        for ours, theirs in (
            (exported.encode_queries(texts), reference.encode_queries(texts)),
            (exported.encode_documents(texts), reference.encode_documents(texts)),
        )
    ]
    difference = float(np.max(differences))
    # Not the other way round: what is not a number is a difference.
    if not difference <= LARGEST_DIFFERENCE:
        problem = f"its vectors differ from the reference's by {difference:.1e}"
        raise UnusableExportError(problem)
    return difference


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
