"""A second note on one thing, of a later day, is its change."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.storage.in_memory.store import DictStore
from tests.storage.samples import add, make_note

from zettel.storage.notes import MAY_SUPERSEDE, Kind, Note, Span, State, outline_of
from zettel.storage.store import NoteFilter
from zettel.tools.changes.conflicts import PREFERRED_MIN_CONFIDENCE
from zettel.tools.changes.same_subject import find_same_subject

TOLD = datetime(2026, 3, 2, 9, tzinfo=UTC)
WHERE = NoteFilter(namespaces=("proj",))


def on(
    subject: str,
    content: str = "It is so",
    *,
    days: float = 0,
    at: datetime = TOLD,
    state: State = State.ACTIVE,
) -> Note:
    """A note on a subject, told some days after `at`."""
    note = make_note(content, now=at + timedelta(days=days), namespace="proj")
    return replace(note, subject=subject, state=state)


async def changed(
    note: Note,
    others: Sequence[Note],
    cosine: float = 0.46,
    *,
    cosines: Mapping[str, float] | None = None,
) -> list[str]:
    """Contents of the others that a note changes, or is changed by, at a cosine.

    `cosines` are those of some others, by id.
    """
    store = DictStore()
    await add(store, note, *others)
    known = {one.note_id: outline_of(one) for one in others if one.state is State.ACTIVE}
    near = {**dict.fromkeys(known, cosine), **(cosines or {})}
    found = await find_same_subject(store, note, known, near, WHERE)
    assert all(one.relation == MAY_SUPERSEDE for one in found.values())
    assert all(one.weight >= PREFERRED_MIN_CONFIDENCE for one in found.values())
    return [known[note_id].content for note_id in found]


@pytest.mark.parametrize("subject", ["staging database", "Duret beam", "kwaliteit van de verf"])
async def test_the_second_note_on_a_thing_changes_it(subject: str) -> None:
    older = on(subject, "On pg-stg-2")
    assert await changed(on(subject.capitalize(), days=3), [older]) == ["On pg-stg-2"]


async def test_the_older_of_two_notes_on_a_thing_is_changed() -> None:
    younger = on("staging database", "On pg-stg-4", days=3)
    assert await changed(on("staging database"), [younger]) == ["On pg-stg-4"]


async def test_a_thing_of_one_word_must_be_nearer() -> None:
    older = on("newsletter", "Suspended")
    assert await changed(on("newsletter", days=3), [older], 0.49) == []
    assert await changed(on("newsletter", days=3), [older], 0.50) == ["Suspended"]


@pytest.mark.parametrize(
    "subject", ["Ana", "Ana Ruiz", "Ana van der Berg", "Andrea della Valle", "user", "the user", ""]
)
async def test_a_second_note_on_somebody_need_not_change_the_first(subject: str) -> None:
    assert await changed(on(subject, days=3), [on(subject)], 0.9) == []


@pytest.mark.parametrize(
    ("older", "younger"),
    [
        ("Hive 3 is weak", "Hive 5 has a new queen"),
        ("Staging database A is on pg-stg-2", "Staging database B is on pg-stg-4"),
        ("Ana lives in Lyon", "Ben lives in Bern"),
    ],
)
async def test_each_of_two_notes_on_one_of_several_things_stands(older: str, younger: str) -> None:
    assert await changed(on("bee yard", younger, days=3), [on("bee yard", older)], 0.9) == []


@pytest.mark.parametrize("kind", [Kind.PROCEDURAL, Kind.CORE])
async def test_two_rules_and_two_notes_of_the_profile_stand_beside_each_other(kind: Kind) -> None:
    older, younger = on("code style rules"), on("code style rules", days=3)
    assert await changed(replace(younger, kind=kind), [older], 0.9) == []
    assert await changed(younger, [replace(older, kind=kind)], 0.9) == []


async def test_notes_of_one_day_on_a_thing_stand_beside_each_other() -> None:
    older = on("staging database")
    assert await changed(on("staging database", days=0.2), [older], 0.9) == []


async def test_a_plan_counts_from_the_day_when_it_was_told() -> None:
    first = on("staff dinner", "On 9 March at Bodega")
    day = datetime(2026, 3, 9, tzinfo=UTC)
    span = Span(start=day, end=day + timedelta(days=1), phrase="9 March")
    ahead = {"happened_at": day, "times": (span,)}
    second = replace(on("staff dinner", "On 9 March at Arrocería", days=3), **ahead)
    assert await changed(second, [replace(first, **ahead)]) == ["On 9 March at Bodega"]
    at_once = replace(on("staff dinner", "On 9 March at Arrocería", days=0.1), **ahead)
    assert await changed(at_once, [replace(first, **ahead)]) == []


async def test_of_a_thing_with_several_notes_none_is_meant() -> None:
    others = [on("staging database", days=day) for day in (0, 1, 9)]
    assert await changed(on("staging database", days=3), others[:2], 0.9) == []
    assert await changed(on("staging database", days=3), others[1:], 0.9) == []
    far = {others[1].note_id: 0.1}
    assert await changed(on("staging database", days=3), others[:2], 0.9, cosines=far) == []


async def test_what_was_superseded_counts_no_more() -> None:
    gone = on("staging database", "On pg-stg-2", state=State.SUPERSEDED)
    current = on("staging database", "On pg-stg-4", days=1)
    assert await changed(on("staging database", days=3), [gone, current]) == ["On pg-stg-4"]


async def test_a_note_without_a_subject_is_on_nothing() -> None:
    older = on("staging database", "On pg-stg-2")
    younger = on("", "The staging database is on pg-stg-4", days=3)
    assert await changed(younger, [older], 0.9) == []
