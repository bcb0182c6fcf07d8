"""The embedder over a model: passages, prompts, batches and whose turn it is."""

# ruff: noqa: D102 - each method is documented in the contract

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray
from tokenizers import Tokenizer

from zettel.storage.embedding.access import cannot_load
from zettel.storage.embedding.centring import CentredEncoder
from zettel.storage.embedding.devices import CPU
from zettel.storage.embedding.embedder import Embedder, Encoder, unit_rows
from zettel.storage.embedding.model_files import ModelFiles
from zettel.storage.embedding.model_thread import ModelThread
from zettel.storage.errors import ModelUnavailableError
from zettel.storage.store import Vectors
from zettel.storage.text.gloss import to_english
from zettel.storage.text.passages import (
    MAX_PASSAGE_TOKENS,
    TextSpan,
    sentences_apart,
    split_passages,
)
from zettel.storage.text.utterance import parts_of

BATCH_MAX_PASSAGES, BATCH_MAX_CHARACTERS = 32, 800
"""Most passages of a batch, and most characters when each counts as its longest: others, and a
question first, get their turn between two batches. A batch takes as long as one passage of the
greatest length, 0.06 s; larger ones embed 3 to 5 % more in a second."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How much of what is to be embedded is given to the model at once."""

    passages: int
    characters: int
    """When each passage counts as the longest."""


SHARED_BATCH = BatchLimits(BATCH_MAX_PASSAGES, BATCH_MAX_CHARACTERS)
"""Where questions wait for their turn."""
BULK_BATCH = BatchLimits(64, 16_000)
"""Where nobody does: a second at most, and twenty passages of the greatest length."""
GPU_BATCH = BatchLimits(256, 256_000)
"""256 passages of the greatest length keep a GPU busy, and take some 1.5 GB of its memory."""

QUESTION_PART_TOKENS, QUESTION_MAX_PARTS = 128, 2
"""Of a longer question the first parts are embedded, and it gets their mean: 128 tokens take 44 ms,
256 at once 106, in which nobody else's question has its turn (2 cores, MiniLM in onnxruntime). In
parts of 64 a question of a paragraph found its note second instead of first."""

SAVE_AGAIN = "Save the model again with a current sentence-transformers, or set ZETTEL_MODEL."
"""What to do about a model whose files cannot be used."""


class ModelEmbedder(Embedder):
    """Embeds with a loaded model, in threads.

    A text longer than the model's window is truncated there, a question after its first parts;
    constructing the object is cheap. A failure to load stays until the process restarts, or `renew`
    succeeds.

    Args:
        files: The result of `find_model`.
        load: Loads the model, called in a thread.
        bulk: Whether to embed as many notes a second as it can: nobody asks questions meanwhile.
    """

    def __init__(
        self, files: ModelFiles, load: Callable[[ModelFiles], Encoder], *, bulk: bool = False
    ) -> None:
        self._files = files
        self._bulk = bulk

        def load_centred() -> Encoder:
            encoder = load(files)
            return CentredEncoder(encoder) if files.centring else encoder

        self._thread = ModelThread(load_centred, lambda model: model.concurrent)

    @property
    def files(self) -> ModelFiles:
        """The model's files."""
        return self._files

    @property
    def backend(self) -> str:
        """What runs the model, `onnx` or `torch`; empty until it is loaded."""
        return self._thread.model().backend if self._thread.ready else ""

    @property
    def device(self) -> str:
        """What the model runs on, `cpu` or `cuda`; empty until it is loaded."""
        return self._thread.model().device if self._thread.ready else ""

    @property
    def model_id(self) -> str:
        return self._files.model_id

    @property
    def dim(self) -> int:
        return self._files.config.dim

    @property
    def ready(self) -> bool:
        return self._thread.ready

    async def load(self) -> None:
        await self._thread.load()

    async def renew(self) -> None:
        """Load the model once more, as when an export of it has been made; serve meanwhile.

        Raises:
            ModelUnavailableError: It cannot be loaded; what was loaded before stays.
        """
        await self._thread.renew()

    async def embed_query(self, text: str) -> Vectors:

        def split() -> list[str]:
            return split_passages(text, self._token_spans, limit=QUESTION_PART_TOKENS)

        def encode(part: str) -> Vectors:
            return self._unit(self._thread.model().encode_queries([self._said(part)]))

        # A token has at least one character.
        parts = await to_thread.run_sync(split) if len(text) > QUESTION_PART_TOKENS else [text]
        vectors = [
            await self._thread.run(lambda part=part: encode(part), urgent=True)
            for part in parts[:QUESTION_MAX_PARTS]
        ]
        return vectors[0][0] if len(vectors) == 1 else unit_rows(np.mean(vectors, axis=0))[0]

    async def embed_notes(self, contents: Sequence[str]) -> list[Vectors]:
        """Implement `Embedder.embed_notes`; a passage is the weighted mean of its `parts_of`."""
        if not contents:
            return []

        def split_all() -> list[list[str]]:
            return [self.split(content) for content in contents]

        split = await to_thread.run_sync(split_all)
        passages = [parts_of(passage) for content in split for passage in content]
        embedded = await self._embed([text for parts in passages for text, _ in parts])
        weights = np.array([weight for parts in passages for _, weight in parts], np.float32)
        firsts = np.cumsum([0, *(len(parts) for parts in passages[:-1])])
        vectors = unit_rows(np.add.reduceat(embedded * weights[:, None], firsts))
        ends = np.cumsum([len(content) for content in split])[:-1]
        return np.split(vectors, ends)

    async def _embed(self, texts: Sequence[str]) -> Vectors:
        await self._thread.load()
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)

        def encode(batches: Sequence[Sequence[int]]) -> None:
            for batch in batches:
                vectors[batch] = self._encode([texts[i] for i in batch])

        batches = _batches([len(text) for text in texts], self._limits)
        # A turn for each, or where nobody else waits for one, one for all: from one to the next
        # the model would wait for a thread, on a busy machine 20 ms.
        for turn in [batches] if self._bulk else [[batch] for batch in batches]:
            await self._thread.run(partial(encode, turn))
        return vectors

    @property
    def _limits(self) -> BatchLimits:
        if self.device != CPU:
            return GPU_BATCH
        return BULK_BATCH if self._bulk else SHARED_BATCH

    def split(self, content: str) -> list[str]:
        """The texts that `embed_notes` embeds: verbatim slices of the content, in order.

        Of a longer text of one passage its sentences follow. Takes the tokenizer alone: 40 ms for
        32,768 characters.
        """
        whole = split_passages(content, self._token_spans, limit=self._passage_limit)
        return [*whole, *sentences_apart(content)] if len(whole) == 1 else whole

    def _encode(self, passages: list[str]) -> Vectors:
        said = list(map(self._said, passages))
        return self._unit(self._thread.model().encode_documents(said))

    def _said(self, text: str) -> str:
        """What the model is given of a text."""
        words = self._files.words
        return to_english(text, words) if words else text

    def _unit(self, found: NDArray[np.float32]) -> Vectors:
        if not np.isfinite(found).all():
            remedy = "Its weights are damaged: fetch them again, or set ZETTEL_MODEL to another."
            raise ModelUnavailableError(
                self._files.name, "returned a vector that is not finite", remedy
            )
        return unit_rows(found)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        file = self._files.config.tokenizer
        try:
            tokenizer = Tokenizer.from_file(str(file))
        # The library raises nothing narrower for a file it cannot read.
        except Exception as error:
            problem = f"has a tokenizer that cannot be read: {str(file)!r}: {error}"
            name, folder = self._files.name, self._files.folder
            raise cannot_load(name, folder, problem, SAVE_AGAIN, error) from error
        # Published tokenizers often cut at, or pad to, the length they were trained with.
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _passage_limit(self) -> int:
        """Tokens of a passage that the model reads whole, prompt included."""
        window = self._files.config.max_tokens
        if window is None:
            return MAX_PASSAGE_TOKENS
        taken = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        taken += len(self._token_spans(self._files.config.document_prompt))
        return max(1, min(MAX_PASSAGE_TOKENS, window - taken))

    def _token_spans(self, text: str) -> Sequence[TextSpan]:
        # As a batch of one: `encode` keeps every other thread waiting, for 0.4 s at 32,768
        # characters of Chinese.
        return self._tokenizer.encode_batch([text], add_special_tokens=False)[0].offsets


def _batches(lengths: Sequence[int], limits: BatchLimits) -> list[list[int]]:
    """Places of the texts of each batch, the shortest first: one costs as much as its longest."""
    order, batches = sorted(range(len(lengths)), key=lambda i: lengths[i]), list[list[int]]()
    while order:
        count = batch_size([lengths[i] for i in order[: limits.passages]], limits)
        batches.append(order[:count])
        order = order[count:]
    return batches


def batch_size(lengths: Sequence[int], limits: BatchLimits = SHARED_BATCH) -> int:
    """How many of the next passages make a batch, by their lengths in ascending order."""
    fitting = (n for n, longest in enumerate(lengths, 1) if n * longest <= limits.characters)
    return max(fitting, default=1)
