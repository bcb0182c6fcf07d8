"""The fake embedder keeps the contract that the real one keeps."""

import anyio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zettel.storage.embedding.embedder import Embedder
from zettel.storage.embedding.hashing import HashEmbedder


@given(st.lists(st.text(max_size=60), max_size=4), st.integers(2, 80))
def test_every_passage_has_a_finite_unit_row(contents: list[str], dim: int) -> None:
    embedder: Embedder = HashEmbedder(dim)

    arrays = anyio.run(embedder.embed_notes, contents)

    assert [len(array) for array in arrays] == [len(embedder.split(c)) for c in contents]
    for array in arrays:
        assert array.dtype == np.float32
        assert array.shape[1] == dim
        assert np.linalg.norm(array, axis=1) == pytest.approx(np.ones(len(array)), abs=1e-5)


async def test_texts_that_share_words_are_nearer_than_texts_that_do_not() -> None:
    embedder = HashEmbedder()
    question = await embedder.embed_query("Where did Ana paint?")
    same, other = await embedder.embed_notes(["Ana paints in Porto", "The flour is on the shelf"])

    assert same[0] @ question > other[0] @ question


async def test_the_same_text_has_the_same_vector_whatever_process_asks() -> None:
    vector = await HashEmbedder(4).embed_query("tea")

    assert vector == pytest.approx([-0.65706, 0.53646, 0.39413, -0.35376], abs=1e-5)


async def test_a_long_content_has_several_passages() -> None:
    (array,) = await HashEmbedder().embed_notes(["word " * 500])

    assert array.shape == (3, 64)


async def test_a_held_embedder_is_ready_when_it_is_released() -> None:
    embedder = HashEmbedder(held=True)
    assert not embedder.ready

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(embedder.load)
            await anyio.wait_all_tasks_blocked()
            assert not embedder.ready
            embedder.release()

    assert embedder.ready


async def test_an_embedder_that_is_not_ready_loads_when_it_is_first_used() -> None:
    embedder = HashEmbedder(ready=False)
    assert not embedder.ready

    await embedder.embed_query("tea")

    assert embedder.ready
