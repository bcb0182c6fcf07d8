"""The log of served texts: an echo is found in bounded work, each tenant's texts for themselves."""

import json
import sys
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from itertools import product
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tools.conftest import START

from zettel.storage.ids import new_id
from zettel.tools.answers import RecalledNote
from zettel.tools.state import served_log
from zettel.tools.state.served_log import ServedLog

SHORT = "The rent is 1200 euros."
UNITS = (
    *("a ", "a", "b c d ", ". ", ".", "\n", "- \n", '"', "'\"", '"a":', '"a":1', "1", "_a "),
    *("0000-00-00t00:00", "é", "日", "x: ", "ana: ", "a: a ", "€ ", "{'note_id': 'x'} "),
)
ENDINGS = ("", "x", "!", "é")


def view(content: str, **fields: object) -> RecalledNote:
    """A note as recall shows it."""
    shown: dict[str, object] = {"note_id": "01arz3ndektsv4rrffq69g5fav", "content": content}
    return RecalledNote(**{**shown, **fields})  # pyright: ignore[reportArgumentType]: its own keys


def served(*contents: str, log: ServedLog | None = None) -> ServedLog:
    """A log of these contents."""
    log = log or ServedLog()
    for content in contents:
        log.record(["proj", "user"], view(content, subject="Ana"), START)
    return log


def echoed(log: ServedLog, content: str) -> list[str]:
    """The served texts that a content is an echo of."""
    return [entry.text for entry in log.echoed("proj", content, START)]


def calls(action: Callable[[], object]) -> int:
    """Functions called during an action, those written in C too: its work, on any machine."""
    count = 0

    def profile(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        action()
    finally:
        sys.setprofile(None)
    return count


def long_notes() -> list[str]:
    """Twelve notes of 30,000 characters."""
    return [f"{number} " + "word and word " * 2_142 for number in range(12)]


def test_a_short_content_takes_no_more_work_after_much_was_served() -> None:
    little = served(*(f"The user said {number}" for number in range(3)))
    much = served(*(f"The user said {number} in passing" for number in range(3_000)), *long_notes())

    least, most = (calls(lambda log=log: echoed(log, SHORT)) for log in (little, much))

    assert most <= least + 20


@pytest.mark.parametrize("unit", UNITS)
def test_no_content_takes_more_work_than_its_length_allows(unit: str) -> None:
    log = ServedLog()
    for other, repeats, ending in product(UNITS, (1, 2, 5, 65, 1025), ENDINGS):
        log.record(["proj"], view((other * repeats)[:9_000] + ending, subject="ana"), START)

    for lead, ending in product(("", "ana: a "), ENDINGS):
        content = (lead + unit * 4_096)[:4_096] + ending
        assert calls(lambda content=content: echoed(log, content)) <= 40 * len(content)


def test_a_content_that_begins_as_many_texts_do_everywhere_takes_no_more_work() -> None:
    log = served(*("a " * repeats + "b" for repeats in range(1, 400)))
    content = "a " * 2_000

    assert calls(lambda: echoed(log, content)) <= 40 * len(content)


def test_of_the_longest_content_an_echo_is_still_found() -> None:
    notes = long_notes()

    assert len(echoed(served(*notes), f"1. {notes[3]}\n")) == 1


words = st.sampled_from(
    ["ana", "Bob", "tea", "1200", "1.5", "(a)", "it's", "naïve", "日本", "a,b."]
)
contents = st.lists(words, min_size=1, max_size=6).map(" ".join)
frames = st.sampled_from(["\n- ", "\n1. ", " 2026-11-20T12:00:00Z ", " … ", '\n"kind": 3, ', "; "])


@given(st.lists(contents, min_size=1, max_size=5, unique=True), frames)
def test_served_texts_with_framing_are_an_echo_and_with_a_word_more_are_not(
    told: list[str], frame: str
) -> None:
    log = served(*told)

    for text in told:
        assert echoed(log, f"{frame}{text}{frame}")
        assert echoed(log, f"{frame}Ana: {text}")
        assert not echoed(log, f"{text}{frame}but")
        assert not echoed(log, f"{text} €")
        assert not echoed(log, f"{text}5")


@given(st.lists(contents, min_size=1, max_size=5), st.booleans())
def test_an_answer_is_an_echo_and_with_one_value_changed_is_not(
    told: list[str], as_json: bool
) -> None:
    log, views = (
        ServedLog(),
        [
            view(
                content,
                note_id=new_id(START),
                tags=["travel plans"],
                rev=3,
                trust=0.5,
                subject="Ana",
            )
            for content in told
        ],
    )
    for note in views:
        log.record(["proj"], note, START)
    write = json.dumps if as_json else str
    text = json.dumps(views, ensure_ascii=False) if as_json else str(views)

    assert echoed(log, text)
    assert not echoed(log, text.replace("travel plans", "travel plan"))
    assert not echoed(log, f"{text} {write({'likes': 'coffee'})}")


def test_the_passages_of_an_excerpt_are_each_a_served_text() -> None:
    log = ServedLog()
    log.record(["proj"], view("first part … second part", excerpt=True), START)

    assert echoed(log, "* second part\n* first part") == ["second part", "first part"]


def test_a_text_is_no_echo_in_a_namespace_that_it_was_not_served_to() -> None:
    assert served("the rent").echoed("other", "the rent", START) == []


def test_of_texts_that_overlap_the_first_counts() -> None:
    log = served("likes tea", "tea and cake", "and cake")

    assert echoed(log, "likes tea and cake") == ["likes tea", "and cake"]


def test_what_is_served_again_is_recognised_half_an_hour_from_then() -> None:
    log = served("the rent is due", "the fee is due")
    log.record(["proj"], view("the rent is due"), START + timedelta(minutes=20))
    later = START + timedelta(minutes=40)

    assert len(log.echoed("proj", "the rent is due", later)) == 1
    assert log.echoed("user", "the rent is due", later) == []
    assert log.echoed("proj", "the fee is due", later) == []


@pytest.mark.slow
def test_the_texts_of_a_tenant_take_no_more_memory_than_allowed() -> None:
    log = ServedLog()

    def told(number: int) -> str:
        return f"The user said on day {number}: " + f"{number} " * 40

    tracemalloc.start()
    try:
        for number in range(6_000):
            log.record(["proj", "user"], view(told(number), note_id=new_id(START)), START)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held < 1.5 * served_log.SERVED_MAX_BYTES
    assert echoed(log, told(5_999))
    assert not echoed(log, told(0))


def test_a_text_served_again_and_again_takes_its_memory_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(served_log, "SERVED_MAX_BYTES", 20_000)
    log = served("the first of all")

    served(*["the rent is due"] * 200, log=log)

    assert echoed(log, "the first of all")


def test_a_tenant_that_reads_much_takes_no_text_from_one_that_reads_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(served_log, "SERVED_MAX_BYTES", 30_000)
    monkeypatch.setattr(served_log, "SERVED_TOTAL_MAX_BYTES", 40_000)
    log = ServedLog()
    ana, ben, eve = (log.of(name) for name in ("ana", "ben", "eve"))
    served("the rent is due", log=ana)

    for number in range(200):
        served(f"one thing of {number}", log=ben)
        served(f"another thing of {number}", log=eve)

    assert echoed(ana, "the rent is due")
    assert echoed(ben, "one thing of 199")
    assert not echoed(ben, "one thing of 0")


def test_the_texts_of_a_tenant_that_went_away_leave_memory_when_another_reads() -> None:
    log = ServedLog()
    tracemalloc.start()
    try:
        gone = log.of("gone")
        for number in range(500):
            served(f"one thing of {number}", log=gone)
        full, _ = tracemalloc.get_traced_memory()
        log.record(["proj"], view("the rent"), START + timedelta(minutes=31))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held < full / 4
