"""Vectors of a model whose texts are all near each other."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.storage.embedding.small_exports import DIM, as_made, make_model, publish_export

from zettel.storage.embedding.centring import NOTES, QUESTIONS
from zettel.storage.embedding.embedder import Encoder
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.embedding.model_embedder import ModelEmbedder
from zettel.storage.embedding.model_files import ModelFiles, find_model, find_model_of

TOLD = (
    "Ana keeps bees behind the mill.",
    "The invoice of March has not been paid.",
    "Run the tests with make test.",
    "Der Arzt hat am Freitag geschlossen.",
)
ASKED = ("Who keeps bees?", "Which invoice is open?", "How are tests run?")


class Narrow(Encoder):
    """A model of which all questions are near each other, and all notes in another place."""

    backend, concurrent = "onnx", True

    async def load(self) -> None:
        """Prepare what it tells texts apart by."""
        texts = (*NOTES, *QUESTIONS, *TOLD, *ASKED)
        found = await HashEmbedder().embed_notes(texts)
        self._apart = {text: rows[0][:DIM] for text, rows in zip(texts, found, strict=True)}

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Around one axis."""
        return self._encode(texts, 0)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Around another."""
        return self._encode(texts, 1)

    def _encode(self, texts: Sequence[str], axis: int) -> NDArray[np.float32]:
        rows = np.array([self._apart[text] for text in texts], np.float32)
        rows[:, axis] += 3
        # Of any length, as some models' are.
        return rows * np.float32(7)


@pytest.fixture
async def files(tmp_path: Path) -> ModelFiles:
    return await find_model(str(make_model(tmp_path / "small")))


async def cosines(files: ModelFiles) -> tuple[float, float]:
    """The middle one of two notes, and of a question and a note."""
    model = Narrow()
    await model.load()
    embedder = ModelEmbedder(files, lambda _: model)
    notes = np.concatenate(await embedder.embed_notes(TOLD))
    questions = np.array([await embedder.embed_query(text) for text in ASKED])
    pairs = (notes @ notes.T)[np.triu_indices(len(TOLD), 1)]
    return float(np.median(pairs)), float(np.median(questions @ notes.T))


async def test_unrelated_texts_are_as_far_apart_as_the_packaged_models_are(
    files: ModelFiles,
) -> None:
    as_it_makes_them, centred = await cosines(as_made(files)), await cosines(files)

    assert as_it_makes_them[0] > 0.8
    # The packaged model's: .09 to .15, and .04 to .09 (months of an English developer and a lead).
    assert abs(centred[0]) < 0.4
    assert abs(centred[1]) < 0.4


async def test_a_store_from_before_goes_on_with_the_vectors_it_has(files: ModelFiles) -> None:
    publish_export(files)
    before = as_made(files)

    found = await find_model_of(before.model_id, named=str(files.folder))

    assert found == before
    assert await find_model_of(files.model_id, named=str(files.folder)) == files
    # What a store says chooses no directory.
    assert await find_model_of(before.model_id) is None
    assert await find_model_of("other@00000000", named=str(files.folder)) is None


async def test_vectors_around_the_usual_place_are_told_from_those_that_are_not(
    files: ModelFiles,
) -> None:
    assert files.model_id == f"{as_made(files).model_id}+centred1"
    assert not (await find_model()).centring
