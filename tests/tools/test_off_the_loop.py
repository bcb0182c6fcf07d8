"""Work on long texts is done in worker threads: on the event loop it would delay every tenant."""

import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any

import anyio
import pytest
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import Desk, opened_desk
from tests.tools.tenants import reach

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.notes import Outline
from zettel.tools.concurrency import SHORT_CHARACTERS
from zettel.tools.ranking.columns import NoteColumns
from zettel.tools.ranking.corpus import Corpus, make_corpus
from zettel.tools.ranking.excerpt import Passages, rank_passages
from zettel.tools.recall import answer
from zettel.tools.secrets import cutting
from zettel.tools.secrets.scanner import Secret, find_secrets
from zettel.tools.state import caches
from zettel.tools.state.memory import SHORT_MAX_CHARACTERS, Memory

LONG = "Kim moved to Lyon on 3 May 2024 and paints E1234 there. " * 20
LONG_QUERY = "E1234 of Ana's colleague after she moved " * 30
LONG_CHARACTERS = SHORT_MAX_CHARACTERS + 1
FUNCTIONS = (
    "zettel.tools.recall.search.ask",
    "zettel.tools.recall.search.exact_share",
    "zettel.tools.recall.search.find_anchor",
    "zettel.tools.recall.search.find_multi_hop",
    "zettel.tools.recall.search.fuse",
    "zettel.tools.recall.modes.group_copies",
    "zettel.tools.recall.modes.judge",
    "zettel.tools.recall.page.copy_key",
    "zettel.tools.recall.answer.fit",
    "zettel.tools.recall.answer.need_context",
    "zettel.tools.recall.answer.rank_passages",
    "zettel.tools.recall.answer.read_view",
    "zettel.tools.recall.modes.nearest",
    "zettel.tools.verbs.candidates.find_conflicts",
    "zettel.tools.verbs.candidates.find_statements",
    "zettel.tools.verbs.candidates.settle_call",
    "zettel.tools.verbs.remember.fold_hash",
)


STEP_FUNCTIONS = (
    "zettel.tools.evolve.steps.link.find_cue",
    "zettel.tools.evolve.steps.link.find_users",
    "zettel.tools.evolve.steps.link.terms",
    "zettel.tools.evolve.steps.link.telling_words",
)


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    """A desk with some long notes."""
    async with opened_desk(Memory(store=DictStore(), embedder=HashEmbedder())) as opened:
        for number in range(4):
            await opened.told(f"{number} {LONG}", subject="Kim", tags=["move"])
        yield opened


async def use(desk: Desk) -> None:
    """Call what reads the notes' texts."""
    for query in ("E1234 of Ana's colleague after she moved", LONG_QUERY):
        await desk("recall", query=query, max_tokens=400)
    await desk("recall", subject="Kin")
    await desk("recall", tags=["mov"])
    await desk("recall", namespace="proi")
    await desk("recall", limit=100, max_tokens=300)
    await desk("remember", content=f"9 {LONG}", subject="Kim")


def watch(name: str, monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The threads in which a function is called from now on; on the loop, with long texts."""
    path, _, attribute = name.rpartition(".")
    module, threads, loop = import_module(path), set[int](), threading.get_ident()
    function: Callable[..., object] = getattr(module, attribute)

    def noted(*args: Any, **kwargs: Any) -> object:
        thread = threading.get_ident()
        if thread != loop or len(repr((args, kwargs))) > SHORT_CHARACTERS:
            threads.add(thread)
        return function(*args, **kwargs)

    monkeypatch.setattr(module, attribute, noted)
    return threads


async def test_functions_that_read_long_texts_are_called_in_worker_threads(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = {name: watch(name, monkeypatch) for name in FUNCTIONS}
    await use(desk)

    assert [name for name in FUNCTIONS if not threads[name]] == []
    assert [name for name in FUNCTIONS if threading.get_ident() in threads[name]] == []


async def test_evolution_links_long_notes_in_worker_threads(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = {name: watch(name, monkeypatch) for name in STEP_FUNCTIONS}
    await desk.told("The user is called Kim.", kind="core")
    for number in range(2):
        cause = f"Zorblax {number} left because Kim moved to Lyon and paints there. {LONG}"
        await desk.told(cause, subject="Zorblax", session="s")
    await desk.evolve()

    assert [name for name in STEP_FUNCTIONS if not threads[name]] == []
    assert [name for name in STEP_FUNCTIONS if threading.get_ident() in threads[name]] == []


async def test_the_rules_that_find_keys_are_loaded_in_a_worker_thread(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = set[int]()

    def noted(text: str) -> list[Secret]:
        threads.add(threading.get_ident())
        return find_secrets(text)

    monkeypatch.setattr(cutting, "find_secrets", noted)

    await desk("remember", content="Fixed in 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12.")

    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_each_note_of_an_answer_is_cut_into_passages_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = list[str]()

    def noted(content: str, query: str) -> Passages:
        cut.append(content)
        return rank_passages(content, query)

    monkeypatch.setattr(answer, "rank_passages", noted)

    await desk("recall", query="Where did Kim move?", max_tokens=150)

    assert cut
    assert len(cut) == len(set(cut))


async def test_a_scope_is_read_once_for_all_who_ask_in_it_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = list[int]()

    def noted(outlines: Sequence[Outline], like: Corpus | None, *, columns: NoteColumns) -> Corpus:
        made.append(len(outlines))
        return make_corpus(outlines, like, columns=columns)

    monkeypatch.setattr(caches, "make_corpus", noted)

    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(partial(desk, "recall", query=f"Where did Kim move in {number}?"))

    assert made == [4]


async def test_long_texts_are_read_for_one_caller_at_a_time_and_short_ones_at_once() -> None:
    memory, reading = Memory(store=DictStore(), embedder=HashEmbedder()), list[str]()

    async def read(name: str, characters: int, until: anyio.Event) -> None:
        async with memory.within(reach(name)).reading(characters):
            reading.append(name)
            await until.wait()

    done = anyio.Event()
    async with anyio.create_task_group() as group:
        for name, characters in (("a", LONG_CHARACTERS), ("b", LONG_CHARACTERS), ("c", 1_000)):
            group.start_soon(read, name, characters, done)
        await anyio.wait_all_tasks_blocked()
        assert reading == ["a", "c"]
        done.set()

    assert reading == ["a", "c", "b"]
