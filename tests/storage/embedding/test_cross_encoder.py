"""The reranker, with tiny cross-encoders made here."""

# The libraries that make the tiny model are typed in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from pathlib import Path

import pytest
import torch
from sentence_transformers import CrossEncoder
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

from zettel.storage.embedding.cross_encoder import CrossEncoderReranker
from zettel.storage.embedding.embedder import Reranker
from zettel.storage.errors import ModelUnavailableError

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *"abcdefghijklmnopqrstuvwxyz",
    "tea",
    "bread",
]


def make_model(folder: Path, *, labels: int = 1) -> Path:
    """A random cross-encoder of a few words."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=48,
    )
    config.num_labels = labels
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer = BertTokenizer(vocab={word: at for at, word in enumerate(WORDS)})
    tokenizer.model_max_length = 48
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cross-encoder that has learned nothing, but tells texts apart."""
    return make_model(tmp_path_factory.mktemp("tiny") / "reranker")


async def test_nothing_is_looked_for_until_it_is_asked_for() -> None:
    reranker: Reranker = CrossEncoderReranker("/nowhere")

    assert not reranker.ready
    assert reranker.problem == ""
    assert await reranker.score("tea", []) == []


async def test_the_scores_are_the_models_as_shares_and_in_the_order_of_the_texts(
    tiny: Path,
) -> None:
    texts = ["bread", "tea", "a b c", "tea bread " * 60]
    library = CrossEncoder(str(tiny), device="cpu")
    expected = library.predict([("tea", text) for text in texts], activation_fn=torch.nn.Sigmoid())
    reranker = CrossEncoderReranker(str(tiny))

    scores = await reranker.score("tea", texts)

    assert reranker.ready
    assert scores == pytest.approx(expected.tolist(), abs=1e-5)
    assert len(set(scores)) == len(texts)


async def test_a_model_that_is_not_there_is_refused_with_a_remedy_each_time() -> None:
    reranker = CrossEncoderReranker("/no/such/folder!")
    told = "The reranker '/no/such/folder!' is not a directory"
    for _ in range(2):
        with pytest.raises(ModelUnavailableError, match=told):
            await reranker.load()

    assert "ZETTEL_RERANKER" in reranker.problem
    assert not reranker.ready


async def test_a_model_of_several_labels_is_no_reranker(tmp_path: Path) -> None:
    reranker = CrossEncoderReranker(str(make_model(tmp_path / "many", labels=3)))

    with pytest.raises(ModelUnavailableError, match="has 3 labels"):
        await reranker.load()


async def test_files_that_are_no_model_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")

    with pytest.raises(ModelUnavailableError, match="cannot be loaded"):
        await CrossEncoderReranker(str(tmp_path)).load()


async def test_scores_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "broken")
    model = BertForSequenceClassification.from_pretrained(folder)
    for parameter in model.parameters():
        parameter.data.fill_(float("nan"))
    model.save_pretrained(folder)

    with pytest.raises(ModelUnavailableError, match="not finite"):
        await CrossEncoderReranker(str(folder)).load()
