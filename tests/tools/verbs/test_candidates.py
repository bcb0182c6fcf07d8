"""Candidates are looked for before a note is stored, and what it plainly replaces is linked."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import anyio
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import START, Desk, Refused, lettered, opened_desk, pick

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.ids import new_id
from zettel.storage.lance.store import open_store
from zettel.storage.notes import Near, Note
from zettel.storage.store import Change, NewNote, NoteFilter, Written
from zettel.tools.recall.newest import NEWEST_FIRST_NOTES
from zettel.tools.state.memory import Memory

HERS = "Caroline moved to Lyon with her two cats"
THEIRS = "Caroline moved to Lyon with her two cats, they say"


class Shared(DictStore):
    """A store that somebody else writes to right after a search or a write, or that fails."""

    beside: NewNote | None = None
    """What somebody else stores in the next commit."""
    after_search: Callable[[], Awaitable[None]] | None = None
    after_write: Callable[[], Awaitable[None]] | None = None
    search_fails = False
    write_fails = False
    searched = 0

    async def nearest(
        self, vector: NDArray[np.float32], where: NoteFilter, *, limit: int, least: float = -1.0
    ) -> list[Near]:
        """Search, then let the other one have its turn."""
        self.searched += 1
        if self.search_fails:
            failed()
        found = await super().nearest(vector, where, limit=limit, least=least)
        if turn := self.after_search:
            self.after_search = None
            await turn()
        return found

    async def write(
        self, *, new: Sequence[NewNote] = (), changes: Sequence[Change] = ()
    ) -> Written:
        """Write, or fail; then let the other one have its turn."""
        if self.write_fails:
            failed()
        if beside := self.beside:
            self.beside = None
            written = await super().write(new=[*new, beside], changes=changes)
            return replace(written, shared=True)
        written = await super().write(new=new, changes=changes)
        if turn := self.after_write:
            self.after_write = None
            await turn()
        return written


def failed() -> NoReturn:
    raise StoreUnavailableError("memory", "is full", "Make room.")


@pytest.fixture
def shared() -> Shared:
    """An empty store."""
    return Shared()


@pytest.fixture
async def desk(shared: Shared) -> AsyncGenerator[Desk]:
    """A desk on that store."""
    async with opened_desk(Memory(store=shared, embedder=HashEmbedder())) as opened:
        yield opened


async def theirs(desk: Desk) -> NewNote:
    """The note of another process."""
    note = Note(
        note_id=new_id(START),
        namespace="proj",
        content=THEIRS,
        happened_at=START,
        valid_from=START,
        known_from=START,
    )
    (vectors,) = await desk.memory.embedder.embed_notes([THEIRS])
    return NewNote(note=note, vectors=vectors)


async def tell_theirs(desk: Desk) -> str:
    """Another process stores its note; returns the id."""
    told = await theirs(desk)
    await desk.memory.store.write(new=[told])
    return told.note.note_id


async def test_of_two_that_tell_the_same_at_once_the_second_sees_the_first(
    desk: Desk, shared: Shared
) -> None:
    told = list[str]()

    async def turn() -> None:
        told.append(await tell_theirs(desk))

    shared.after_search = turn
    answer = await desk("remember", content=HERS)

    assert pick(answer, "candidates", 0, "note_id") == told[0]


async def test_what_was_told_in_the_same_commit_is_seen(desk: Desk, shared: Shared) -> None:
    shared.beside = await theirs(desk)
    note_id = shared.beside.note.note_id

    answer = await desk("remember", content=HERS)

    assert pick(answer, "candidates", 0, "note_id") == note_id


async def test_of_those_that_tell_the_same_in_one_commit_each_sees_the_others(
    tmp_path: Path,
) -> None:
    texts = [f"The API listens on port {port}" for port in (8000, 8001, 8002)]
    answers = dict[str, object]()
    embedder = HashEmbedder()
    store = await open_store(str(tmp_path), model_id=embedder.model_id, dim=embedder.dim)
    async with opened_desk(Memory(store=store, embedder=embedder)) as desk:

        async def tell(text: str) -> None:
            answers[text] = (await desk("remember", content=text)).get("candidates")

        async with anyio.create_task_group() as group:
            for text in texts:
                group.start_soon(tell, text)
    await store.close()

    seen = {text: json.dumps(answers[text]) for text in texts}
    pairs = [(one, other) for one in texts for other in texts if one < other]
    assert all(one in seen[other] or other in seen[one] for one, other in pairs), seen


async def test_an_update_sees_what_was_told_while_it_was_stored(desk: Desk, shared: Shared) -> None:
    note_id, told = await desk.told("Caroline lives in Rome"), list[str]()

    async def turn() -> None:
        told.append(await tell_theirs(desk))

    shared.after_write = turn
    answer = await desk("update", note_id=note_id, content=HERS)

    assert pick(answer, "candidates", 0, "note_id") == told[0]


async def test_nobody_else_writing_one_search_is_enough(desk: Desk, shared: Shared) -> None:
    note_id = await desk.told(HERS)
    await desk("update", note_id=note_id, content=THEIRS)

    assert shared.searched == 2


async def told_and_asked(desk: Desk, older: str, newer: str, query: str) -> list[dict[str, Any]]:
    """Remember two notes in one session and ask at once, before anything evolves."""
    await desk.told(older, session="one")
    await desk.told(newer, session="one")
    answer: dict[str, Any] = await desk("recall", query=query)
    return answer["notes"]


@pytest.mark.parametrize(
    ("older", "newer", "query"),
    [
        ("The portal is on MySQL 8", "The portal moved from MySQL to Go", "What is the portal on?"),
        ("Ana works at the UKE in Kiel", "Ana no longer works at the UKE", "Where does Ana work?"),
        ("CI runs on Jenkins", "CI runs on Actions instead of Jenkins", "What does CI run on?"),
        ("CI tests with Jest", "Dropped Jest in favour of Vitest in CI", "What does CI test with?"),
    ],
)
async def test_what_a_note_changes_stands_behind_it_and_is_marked_from_the_next_answer_on(
    any_desk: Desk, older: str, newer: str, query: str
) -> None:
    first, second = await told_and_asked(any_desk, older, newer, query)

    assert (first["content"], second["content"]) == (newer, older)
    assert pick(second, "links", 0) == {
        "note_id": first["note_id"],
        "relation": "superseded_by",
    }
    assert pick(first, "links", 0, "relation") == "may_supersede"


@pytest.mark.parametrize(
    ("older", "newer", "query"),
    [
        ("Max retries is 3", "Max retries is 5", "What is max retries?"),
        ("Ana prefers tabs over spaces", "Ana prefers spaces now", "Does Ana prefer tabs?"),
    ],
)
async def test_another_value_in_like_words_stands_first_from_the_next_answer_on(
    any_desk: Desk, older: str, newer: str, query: str
) -> None:
    first, second = await told_and_asked(any_desk, older, newer, query)

    assert (first["content"], second["content"]) == (newer, older)


ALERT = "The lag alert of the pipeline fires at 45 minutes, Berta wanted it so"
OTHER_ALERT = "Since the release the lag alert of the pipeline fires within 20 minutes"


async def test_one_quantity_of_a_thing_told_otherwise_is_a_change(any_desk: Desk) -> None:
    older = await any_desk.told(ALERT, session="one")
    told = await any_desk("remember", content=OTHER_ALERT, session="one")

    assert pick(told, "candidates", 0, "note_id") == older
    why = str(pick(told, "candidates", 0, "why"))
    assert why.startswith("says “20 minutes”, not “45 minutes”")


@pytest.mark.parametrize(
    ("more", "named"),
    [("Rain is expected on Sunday", True), ("Ada has seen Kowalke in a telephone book", False)],
)
async def test_words_of_a_change_are_of_the_nearest_note_if_it_alone_has_a_word_of_theirs(
    desk: Desk, more: str, named: bool
) -> None:
    older = await desk.told("Kowalke will move us")
    await desk.told(more)
    told: dict[str, Any] = await desk("remember", content="Kowalke has backed out")

    why = {one["note_id"]: str(one["why"]) for one in told.get("candidates", [])}
    assert why.get(older, "").startswith("tells of a change") is named


@pytest.mark.parametrize(
    ("since", "named"),
    [("", True), (" from 1 March 2027", True), (" from Monday", True), (" from 14", False)],
)
async def test_a_day_from_which_on_something_is_so_is_no_value_before(
    desk: Desk, since: str, named: bool
) -> None:
    older = await desk.told("Karin leads the support team")
    await desk.told("Lunch is soup")

    told: dict[str, Any] = await desk(
        "remember", content=f"Olaf takes over the support team{since}"
    )

    assert [one["note_id"] for one in told.get("candidates", [])] == [older] * named


async def test_a_new_supplier_is_in_the_place_of_the_one_before(any_desk: Desk) -> None:
    older = await any_desk.told("Supplier of pipes: Perrin in the harbour", session="one")

    told = await any_desk("remember", content="New supplier of pipes: Delmas", session="two")

    assert pick(told, "candidates", 0, "note_id") == older
    assert str(pick(told, "candidates", 0, "why")).startswith("tells of a change")


@pytest.mark.parametrize(
    ("older", "newer", "kind", "likeliest"),
    [
        (
            "Nicht mocken, sondern den Fake-Server verwenden",
            "Bitte nicht mocken, sondern immer den Fake-Server",
            "semantic",
            "the same",
        ),
        (
            "Honey is sold on Monday in Ulm",
            "In Ulm honey is sold on Monday",
            "semantic",
            "the same",
        ),
        ("Call the notary", "Called the notary", "working", "changed"),
        ("Never commit to main", "User wants to commit to main again", "semantic", "changed"),
    ],
)
async def test_what_is_told_nearly_as_before_is_rather_the_same_than_a_change(
    any_desk: Desk, older: str, newer: str, kind: str, likeliest: str
) -> None:
    known = await any_desk.told(older, session="one", kind=kind)

    told = await any_desk("remember", content=newer, session="two")

    assert pick(told, "candidates", 0, "note_id") == known
    assert str(pick(told, "candidates", 0, "settle")).startswith(f"{likeliest}: ")
    assert ("tells of a change" in str(pick(told, "candidates", 0, "why"))) is False


async def test_another_number_of_a_thing_is_never_offered_as_the_same(desk: Desk) -> None:
    text = "The billing service of the shop in the harbour listens for its bank on port"
    for port in (5001, 5002):
        await desk.told(f"{text} {port}", session=str(port))

    told = await desk("remember", content=f"{text} 5003", session="last")

    settle = [str(pick(told, "candidates", at, "settle")) for at in (0, 1)]
    assert [each.split(":")[0] for each in settle] == ["changed", "changed"]


async def test_of_several_values_that_nobody_settled_the_last_is_the_first_candidate(
    desk: Desk,
) -> None:
    for value in ("The rent is 900 euros.", "The rent is 950 euros from March."):
        last = await desk.told(value, session=value)

    told = await desk("remember", content="The rent is 1,010 euros.", session="last")

    assert pick(told, "candidates", 0, "note_id") == last


@pytest.mark.parametrize(
    ("task", "kind", "done", "closed"),
    [
        ("To do: renew the insurance", "semantic", "The insurance has been paid", True),
        ("Fill in the insurance form", "working", "The insurance has been paid", True),
        ("Offen: Heizung im Stall", "semantic", "Die Heizung im Stall ist repariert", True),
        ("To do: call Kowalke", "semantic", "Kowalke has paid", False),
    ],
)
async def test_what_tells_that_it_is_done_closes_the_nearest_open_task_of_the_same_thing(
    desk: Desk, task: str, kind: str, done: str, closed: bool
) -> None:
    older = await desk.told(task, kind=kind)
    await desk.told("Rain is expected on Sunday")

    told: dict[str, Any] = await desk("remember", content=done)

    why = {one["note_id"]: str(one["why"]) for one in told.get("candidates", [])}
    assert why.get(older, "").startswith("tells that it is done") is closed


async def test_a_newer_note_is_beside_an_older_one_that_is_shown_and_not_the_other_way_round(
    any_desk: Desk,
) -> None:
    older, newer = [await any_desk.told(text, session="one") for text in (ALERT, OTHER_ALERT)]
    # More than are reordered, so that the newer note is beside the older by its link alone.
    for number in range(NEWEST_FIRST_NOTES + 5):
        await any_desk.told(f"Berta wanted {lettered(number)}", session="one")
    await any_desk.told("The release party was loud", session="one")

    async def shown(query: str, limit: int) -> list[str]:
        answer: dict[str, Any] = await any_desk("recall", query=query, limit=limit)
        return [note["note_id"] for note in answer["notes"]]

    assert {*await shown("Berta wanted it so, at 45", 2)} == {older, newer}
    assert older not in await shown("What has the release changed?", 2)


async def test_the_link_told_with_a_note_is_the_one_that_evolution_makes(any_desk: Desk) -> None:
    _, newer = [
        await any_desk.told(text, session="one")
        for text in ("The portal is on MySQL 8", "The portal moved from MySQL to Go")
    ]
    (told,) = await any_desk.memory.store.get([newer])
    await any_desk.evolve()
    (evolved,) = await any_desk.memory.store.get([newer])

    assert [link for link in evolved.links if link.relation == "may_supersede"] == [*told.links]


async def test_a_note_that_the_same_call_supersedes_is_no_candidate(desk: Desk) -> None:
    older = await desk.told(HERS)
    link = {"to": older, "relation": "supersedes"}

    answer = await desk("remember", content=THEIRS, links=[link])

    assert answer["status"] == "stored"
    assert "candidates" not in answer


async def test_a_note_is_stored_though_the_store_cannot_be_searched(
    desk: Desk, shared: Shared
) -> None:
    await desk.told(HERS)
    shared.search_fails = True

    answer = await desk("remember", content=THEIRS)

    assert answer["status"] == "stored"
    assert "candidates" not in answer
    assert len(await desk.found(note_ids=[str(answer["note_id"])])) == 1


async def test_what_keeps_a_note_from_being_stored_is_told_in_its_own_words(
    desk: Desk, shared: Shared
) -> None:
    note_id = await desk.told(HERS)
    shared.write_fails = True

    with pytest.raises(Refused, match=r"^The store at 'memory' is full\. Make room\.$"):
        await desk("remember", content=THEIRS)
    with pytest.raises(Refused, match=r"^The store at 'memory' is full\. Make room\.$"):
        await desk("update", note_id=note_id, content=THEIRS)


async def test_a_restored_revision_shows_candidates_for_its_words(desk: Desk) -> None:
    note_id = await desk.told(HERS)
    await desk("update", note_id=note_id, content="The harbour office closes at noon in winter")
    other = await tell_theirs(desk)

    answer = await desk("update", note_id=note_id, restore_rev=1)

    assert pick(answer, "candidates", 0, "note_id") == other


async def test_a_note_that_contradicts_a_fact_is_shown_first_however_different_its_words(
    desk: Desk,
) -> None:
    for number in range(6):
        await desk.told(f"Ana has moved the chairs {number} times to make room in the hall")
    older = await desk.told("By the way. Ana lives near the old market of Lyon")
    await desk.told("Ben lives near the old market of Trieste")

    answer = await desk("remember", content="Ana - address: Paris")

    assert pick(answer, "candidates", 0, "note_id") == older
    assert "tells Ana's home otherwise" in str(pick(answer, "candidates", 0, "why"))
    assert "Trieste" not in str(pick(answer, "candidates"))


async def test_while_the_model_loads_a_fact_told_otherwise_is_found_by_its_words() -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder(ready=False))
    async with opened_desk(memory) as desk:
        older = await desk.told("I live in Lyon", subject="user")

        answer = await desk("remember", content="I've moved to Paris", subject="user")

        assert pick(answer, "candidates", 0, "note_id") == older


async def test_the_same_fact_of_another_is_no_candidate_in_the_same_words(desk: Desk) -> None:
    await desk.told("Ben lives near the old market of Trieste", subject="Cleo")

    answer = await desk(
        "remember", content="Ana lives near the old market of Trieste", subject="Cleo"
    )

    assert "candidates" not in answer


async def test_the_calls_for_a_change_that_a_web_page_tells_of_are_those_that_work(
    desk: Desk,
) -> None:
    known = await desk.told("The oven inspector is Signe Blom.", subject="oven inspector")
    told = await desk(
        "remember",
        content="The oven inspector is now Ragnar Falk.",
        subject="oven inspector",
        source="https://gossip.example/post",
    )

    assert pick(told, "candidates", 0, "note_id") == known
    settle = str(pick(told, "candidates", 0, "settle"))
    assert "supersedes" not in settle
    assert f'update(note_id="{known}", content=…) in your own words' in settle
    await desk.evolve()
    review = await desk("recall", tags=["needs-review"])
    assert "supersedes" not in str(review)
    await desk("update", note_id=known, content="The oven inspector is Ragnar Falk.")


LENT = "Berit lends us her needles and the gauge until Christmas."
NEEDED = "Berit needs her gauge and the bag back, her needles stay with us."


async def test_a_note_far_nearer_than_every_other_is_shown_though_no_word_tells_of_a_change(
    desk: Desk,
) -> None:
    lent = await desk("remember", content=LENT)
    await desk("remember", content="Lorries from the mill come through the north gate.")

    answer = await desk("remember", content=NEEDED)

    assert pick(answer, "candidates", 0, "note_id") == lent["note_id"]


async def test_of_two_notes_that_are_as_near_none_is_shown(desk: Desk) -> None:
    await desk("remember", content=LENT)
    await desk("remember", content="Berit lends us her needles and the gauge until Easter.")

    answer = await desk("remember", content=NEEDED)

    assert "candidates" not in answer


async def test_an_outage_is_offered_as_no_change_and_a_cancellation_is(desk: Desk) -> None:
    await desk.told("Der Mailserver steht in Halle 2")
    await desk.told("Der Yogakurs ist in Halle 2")
    desk.later(days=3)

    outage = await desk("remember", content="Der Mailserver ist ausgefallen")
    cancelled = await desk("remember", content="Der Yogakurs ist ausgefallen")

    assert "ausgefallen" not in str(outage.get("candidates", ""))
    assert "ausgefallen" in str(cancelled["candidates"])


BOOKED = "The dentist sees Wes on 14 May at 3 pm, new card along"
LATER = "Wes is at the dentist on 21 May; he bikes there, Priya needs the car"


async def test_a_note_on_a_thing_is_beside_an_earlier_one_on_it_though_not_near(
    desk: Desk,
) -> None:
    booked = await desk("remember", content=BOOKED, subject="dentist")
    await desk("remember", content="Wes sings in the choir", subject="choir")

    answer = await desk("remember", content=LATER, subject="dentist")

    assert pick(answer, "candidates", 0, "note_id") == booked["note_id"]
    assert "same subject 'dentist'" in str(pick(answer, "candidates", 0, "why"))


async def test_one_who_tells_many_notes_is_no_thing(desk: Desk) -> None:
    await desk("remember", content=BOOKED, subject="Wes")
    for day in ("Monday", "Tuesday", "Thursday", "Friday"):
        await desk("remember", content=f"Rowing was called off on {day}", subject="Wes")

    answer = await desk("remember", content=LATER, subject="Wes")

    assert "candidates" not in answer


async def test_an_earlier_value_repeated_changes_what_came_between(any_desk: Desk) -> None:
    again = "Mia works at SIEMENS."
    await any_desk.told("Mia works at Siemens.")
    any_desk.later(days=30)
    between = await any_desk.told("Mia now works at Bosch.")
    any_desk.later(days=30)

    answer = await any_desk("remember", content=again)

    assert answer["status"] == "stored"
    assert pick(answer, "candidates", 0, "note_id") == between
    assert "supersedes" in str(pick(answer, "candidates", 0, "settle"))
    shown = await any_desk.found(query="Where does Mia work?")
    assert shown[:1] == [answer["note_id"]]
    assert between in shown
    # Told once more, it is known.
    assert (await any_desk("remember", content=again))["note_id"] == answer["note_id"]


async def test_an_answer_told_back_is_known_and_says_what_may_be_so_since(desk: Desk) -> None:
    before = await desk.told("Mia works at Siemens, in the old hall behind the station.")
    desk.later(days=30)
    since = await desk.told("Mia now works at Bosch, no longer at Siemens.")
    await desk("recall", query="Where does Mia work?")

    echoed = "Mia works at Siemens, in the old hall behind the station."
    answer = await desk("remember", content=f"{echoed} ")

    assert (answer["status"], answer["note_id"]) == ("already_known", before)
    assert since in str(answer["next"])
    assert "happened_at" in str(answer["next"])


async def test_what_is_only_like_a_note_of_another_environment_is_no_candidate(desk: Desk) -> None:
    told = "Staging has a copy of the shop and of its images, made by Ben"
    await desk.told(told)

    other = told.replace("Staging", "Production")
    same = told.replace("made by Ben", "of Ben's")

    assert "candidates" not in await desk("remember", content=other)
    assert "candidates" in await desk("remember", content=same)
