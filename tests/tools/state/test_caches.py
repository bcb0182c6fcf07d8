"""Rankings kept for later pages: whole, and small."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tools.conftest import START

from zettel.storage.ids import new_id
from zettel.tools.ranking.ranked import Ranked
from zettel.tools.recall_request import RecallRequest
from zettel.tools.state.caches import (
    PAGE_CACHE_MAX_RANKINGS,
    CachedRanking,
    Cursor,
    PackedRanking,
    PageCache,
)

numbers = st.floats(allow_nan=False)
rankings = st.lists(
    st.builds(
        Ranked,
        note_id=st.text(max_size=3),
        score=numbers,
        shares=st.dictionaries(st.sampled_from(["text", "meaning", "core", "asking"]), numbers),
    ),
    max_size=9,
)
LONGEST = 200
"""Notes in a ranking, as recall keeps them at most."""
SIGNALS = 15
"""With a share in them: most of those there are."""


@given(rankings)
def test_a_ranking_comes_back_as_it_was_kept(ranking: list[Ranked]) -> None:
    assert PackedRanking.of(ranking).unpacked() == tuple(ranking)


@pytest.mark.slow
def test_all_the_rankings_a_process_keeps_take_little_memory() -> None:
    pages, note_ids = PageCache(), [new_id(START) for _ in range(LONGEST)]
    tracemalloc.start()
    try:
        for number in range(PAGE_CACHE_MAX_RANKINGS + 9):
            ranking = tuple(_ranked(note_id, number) for note_id in note_ids)
            pages.keep(_cursor(number), CachedRanking(ranking=ranking), longest=999)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held < 10 << 20
    assert len(pages.kept(_cursor(PAGE_CACHE_MAX_RANKINGS).key).ranking) == LONGEST
    assert pages.kept(_cursor(0).key) == CachedRanking()


def test_of_a_full_cache_the_tenant_with_most_rankings_loses_its_oldest() -> None:
    pages = PageCache()
    ana, ben, eve = (pages.of(name) for name in ("ana", "ben", "eve"))
    kept = CachedRanking(ranking=(_ranked("n", 0),))
    ana.keep(_cursor(0), kept, longest=999)

    for number in range(PAGE_CACHE_MAX_RANKINGS):
        ben.keep(_cursor(number), kept, longest=999)
        eve.keep(_cursor(number), kept, longest=999)

    there = [
        sum(1 for n in range(PAGE_CACHE_MAX_RANKINGS) if p.kept(str(n)).ranking)
        for p in (ana, ben, eve)
    ]
    assert there[0] == 1
    assert sum(there) == PAGE_CACHE_MAX_RANKINGS
    assert abs(there[1] - there[2]) <= 1
    assert ben.kept(str(PAGE_CACHE_MAX_RANKINGS - 1)) == kept


def _cursor(number: int) -> Cursor:
    return Cursor(key=str(number), offset=9, known_at=START, request=RecallRequest(query="q"))


def _ranked(note_id: str, number: int) -> Ranked:
    return Ranked(note_id, 1.0, {f"signal {n}": n + number + 0.5 for n in range(SIGNALS)})
