"""The reranker, with tiny cross-encoders made here."""

from pathlib import Path
from types import ModuleType

import pytest

from zettel.storage.embedding.cross_encoder import CrossEncoderReranker
from zettel.storage.embedding.embedder import Reranker
from zettel.storage.errors import ModelUnavailableError

loads_torch = pytest.mark.slow
"""That takes each worker ten seconds."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, models: ModuleType) -> Path:
    """A cross-encoder that has learned nothing, but tells texts apart."""
    return models.make_reranker(tmp_path_factory.mktemp("tiny") / "reranker")


async def test_nothing_is_looked_for_until_it_is_asked_for() -> None:
    reranker: Reranker = CrossEncoderReranker("/nowhere")

    assert not reranker.ready
    assert reranker.problem == ""
    assert await reranker.score("tea", []) == []


@loads_torch
async def test_the_scores_are_the_models_as_shares_and_in_the_order_of_the_texts(
    tiny: Path, models: ModuleType
) -> None:
    texts = ["bread", "tea", "a b c", "tea bread " * 60]
    expected = models.library_scores(tiny, "tea", texts)
    reranker = CrossEncoderReranker(str(tiny))

    scores = await reranker.score("tea", texts)

    assert reranker.ready
    assert scores == pytest.approx(expected, abs=1e-5)
    assert len(set(scores)) == len(texts)


async def test_a_model_that_is_not_there_is_refused_with_a_remedy_each_time() -> None:
    reranker = CrossEncoderReranker("/no/such/folder!")
    told = "The reranker '/no/such/folder!' is not a directory"
    for _ in range(2):
        with pytest.raises(ModelUnavailableError, match=told):
            await reranker.load()

    assert "ZETTEL_RERANKER" in reranker.problem
    assert not reranker.ready


@loads_torch
async def test_a_model_of_several_labels_is_no_reranker(tmp_path: Path, models: ModuleType) -> None:
    reranker = CrossEncoderReranker(str(models.make_reranker(tmp_path / "many", labels=3)))

    with pytest.raises(ModelUnavailableError, match="has 3 labels"):
        await reranker.load()


@loads_torch
async def test_files_that_are_no_model_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")

    with pytest.raises(ModelUnavailableError, match="cannot be loaded"):
        await CrossEncoderReranker(str(tmp_path)).load()


@loads_torch
async def test_scores_that_are_not_finite_are_refused(tmp_path: Path, models: ModuleType) -> None:
    folder = models.make_reranker(tmp_path / "broken")
    models.break_reranker(folder)

    with pytest.raises(ModelUnavailableError, match="not finite"):
        await CrossEncoderReranker(str(folder)).load()
