"""What an answer of the default size shows of how many notes, and how to get more."""

from tests.tools.conftest import Desk, ids, lettered, notes, pick

FILLER = "The gardeners talked about roses and the weather for the whole afternoon again. "


async def told_many(desk: Desk) -> list[str]:
    """Five notes on bees and twelve that share one word with the question."""
    bees = [await desk.told(f"{lettered(n)} hive: Ana keeps bees in Ulm") for n in range(5)]
    rest = [await desk.told(f"Train {lettered(n)} to Ulm was late") for n in range(12)]
    return bees + rest


async def test_a_question_shows_what_matches_well_and_a_limit_as_many_as_it_says(
    desk: Desk,
) -> None:
    told = await told_many(desk)

    some = await desk("recall", query="Where does Ana keep bees in Ulm?")
    ten = await desk("recall", query="Where does Ana keep bees in Ulm?", limit=10)

    assert set(ids(some)) == set(told[:5])
    assert len(ids(ten)) == 10


async def test_the_rest_of_an_answer_comes_with_a_short_cursor(desk: Desk) -> None:
    told = await told_many(desk)

    page = await desk("recall", query="Where does Ana keep bees in Ulm?")
    seen = ids(page)
    assert len(str(pick(page, "omitted", "cursor"))) <= 16
    while "omitted" in page:
        page = await desk("recall", cursor=pick(page, "omitted", "cursor"))
        seen += ids(page)

    assert sorted(seen) == sorted(told)


async def test_of_a_long_note_the_passage_that_answers_is_shown(desk: Desk) -> None:
    content = f"{FILLER * 20}The key of the shed hangs behind the clock. {FILLER * 20}"
    await desk.told(content)
    asked = "Where does the key of the shed hang?"

    [short] = notes(await desk("recall", query=asked))
    [whole] = notes(await desk("recall", query=asked, max_tokens=4_000))

    assert "The key of the shed hangs behind the clock." in str(short["content"])
    assert len(str(short["content"])) <= 600
    assert short["excerpt"] is True
    assert whole["content"] == content


async def test_an_answer_quotes_a_note_and_full_tells_the_rest(desk: Desk) -> None:
    more = {"tags": ["home"], "session": "s1"}
    await desk.told("Ana lives in Oslo", subject="Ana", kind="semantic", **more)
    asked = "Where does Ana live?"

    [quoted] = notes(await desk("recall", query=asked))
    [full] = notes(await desk("recall", query=asked, detail="full"))

    assert quoted.keys() == {"note_id", "happened_at", "content"}
    assert {**more, "subject": "Ana", "kind": "semantic"}.items() <= full.items()


async def test_a_subject_is_shown_where_the_words_do_not_name_it(desk: Desk) -> None:
    await desk.told("I moved to Oslo with a banana tree", subject="Ana")

    [note] = notes(await desk("recall", query="Who moved to Oslo?"))

    assert note["subject"] == "Ana"


async def test_times_are_as_short_as_tells_notes_apart(desk: Desk) -> None:
    times = {
        "bees swarmed": "2026-03-01",
        "bees flew": "2026-03-02T14:05:00Z",
        "bees danced": "2026-03-02T14:06:10Z",
        "bees slept": "2026-03-02T14:06:40Z",
    }
    for content, time in times.items():
        await desk.told(content, happened_at=time)

    shown = {n["content"]: n["happened_at"] for n in notes(await desk("recall", since="2026-03"))}

    assert shown == times | {"bees flew": "2026-03-02T14:05Z"}


async def test_a_note_that_contradicts_comes_in_addition_to_those_that_match_best(
    desk: Desk,
) -> None:
    told = await told_many(desk)
    against = await desk.told(
        "No apiary was ever seen there",
        links=[{"to": told[0], "relation": "contradicts"}],
    )

    answer = await desk("recall", query="Where does Ana keep bees?")

    assert {*told[:5], against} <= set(ids(answer))


async def test_only_a_pair_among_the_first_answers_has_the_calls_that_settle_it(desk: Desk) -> None:
    await desk.told("The berth at the harbour costs 40 euros")
    desk.later(days=1)
    await desk.told("The berth at the harbour costs 45 euros now")
    for name in ("Ana", "Ben", "Caro"):
        await desk.told(f"{name} paints a boat in the shed of the harbour")
    await desk.evolve()

    priced = await desk("recall", query="What does the berth at the harbour cost?", limit=10)
    painted = await desk("recall", query="Who paints a boat in the shed of the harbour?", limit=10)

    assert '"relation": "supersedes"' in str(priced)
    assert '"relation": "supersedes"' not in str(painted)
    assert "may_supersede" in str(painted)
