"""What sentence-transformers, the reference, makes of fixed texts: what an export is compared with.

For the packaged model it is recorded, so that its export needs neither torch nor transformers. The
record was made by sentence-transformers 6.2.0 with torch 2.13.0 on an x86-64 CPU. To make it anew,
where these are installed: `python -c "from zettel.storage.embedding.reference import record;
record()"`. A test makes it again and compares.
"""

from dataclasses import dataclass
from pathlib import Path

import anyio
import numpy as np

from zettel.storage.embedding.embedder import Encoder, unit_rows
from zettel.storage.embedding.model_files import PACKAGED_SHA256, ModelFiles, find_model
from zettel.storage.embedding.sentence_transformer import load_sentence_transformer
from zettel.storage.store import Vectors

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
"""Questions and notes of all kinds."""

REFERENCE_FILE = Path(__file__).with_name("reference.npy")
"""The packaged model's vectors of `TEXTS`, float32 of unit length; it has no prompts, so that a
question's vector is a note's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Vectors of `TEXTS`, float32 of unit length, shape `(texts, dim)`."""

    questions: Vectors
    notes: Vectors


def is_recorded(files: ModelFiles) -> bool:
    """Whether the reference's vectors are recorded for these very weights."""
    return files.weights_sha256 == PACKAGED_SHA256


def read_record() -> Reference:
    """Read what is recorded for the packaged model.

    Raises:
        OSError: The file cannot be read.
    """
    vectors: Vectors = np.load(REFERENCE_FILE, allow_pickle=False)
    return Reference(questions=vectors, notes=vectors)


def compute(encoder: Encoder) -> Reference:
    """Embed the texts, each by itself."""
    questions, notes = (
        np.concatenate([unit_rows(encode([text])) for text in TEXTS])
        for encode in (encoder.encode_queries, encoder.encode_documents)
    )
    return Reference(questions=questions, notes=notes)


def record() -> None:
    """Write the record, with torch."""
    np.save(REFERENCE_FILE, compute(load_sentence_transformer(anyio.run(find_model))).notes)
