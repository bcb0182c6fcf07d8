"""Models of a few words, made here: imported by a fixture only, for torch takes seconds."""

# The libraries that make the models are typed in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from collections.abc import Sequence
from pathlib import Path

import torch
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Dense,
    Pooling,
    StaticEmbedding,
    Transformer,
)
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizer

from zettel.storage.store import Vectors

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WINDOW = 48
"""Tokens that each of them reads."""


def make_reranker(folder: Path, *, labels: int = 1) -> Path:
    """A random cross-encoder of a few words."""
    words = [*SPECIAL, *LETTERS, "tea", "bread"]
    torch.manual_seed(0)
    config = _config(words)
    config.num_labels = labels
    BertForSequenceClassification(config).save_pretrained(folder)
    _save_tokenizer(folder, words)
    return folder


def make_embedder(folder: Path) -> Path:
    """A random transformer of 16 dimensions that reads letters, with a prompt for each side."""
    words = [*SPECIAL, ":", *LETTERS, *(f"##{letter}" for letter in LETTERS)]
    torch.manual_seed(0)
    BertModel(_config(words)).save_pretrained(folder / "bert")
    _save_tokenizer(folder / "bert", words)
    model = SentenceTransformer(
        modules=[Transformer(str(folder / "bert")), Pooling(32), Dense(32, 16)],
        prompts={"query": "ask: ", "document": "told: "},
        device="cpu",
    )
    model.save(str(folder / "model"))
    return folder / "model"


def make_static(folder: Path) -> Path:
    """A model of 8 dimensions that has a vector for each word, and no transformer."""
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "tea": 1, "bread": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    torch.manual_seed(0)
    module = StaticEmbedding(tokenizer, embedding_dim=8)
    SentenceTransformer(modules=[module], device="cpu").save(str(folder))
    return folder


def break_reranker(folder: Path) -> None:
    """Make every score not a number."""
    model = BertForSequenceClassification.from_pretrained(folder)
    for parameter in model.parameters():
        parameter.data.fill_(float("nan"))
    model.save_pretrained(folder)


def break_embedder(folder: Path) -> None:
    """Make every vector not a number."""
    model = SentenceTransformer(str(folder), device="cpu")
    for parameter in model.parameters():
        parameter.data.fill_(float("nan"))
    model.save(str(folder))


def library_scores(folder: Path, query: str, texts: Sequence[str]) -> list[float]:
    """What the library itself says, as shares."""
    library = CrossEncoder(str(folder), device="cpu")
    pairs = [(query, text) for text in texts]
    scores: list[float] = library.predict(pairs, activation_fn=torch.nn.Sigmoid()).tolist()
    return scores


def library_vectors(folder: Path, texts: Sequence[str], *, prompt: str | None = None) -> Vectors:
    """What the library itself says, of length 1; without a prompt, the model's own is put first."""
    library = SentenceTransformer(str(folder), device="cpu")
    vectors: Vectors = library.encode(list(texts), prompt=prompt, normalize_embeddings=True)
    return vectors


def _config(words: Sequence[str]) -> BertConfig:
    return BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=WINDOW,
    )


def _save_tokenizer(folder: Path, words: Sequence[str]) -> None:
    tokenizer = BertTokenizer(vocab={word: at for at, word in enumerate(words)})
    tokenizer.model_max_length = WINDOW
    tokenizer.save_pretrained(folder)
