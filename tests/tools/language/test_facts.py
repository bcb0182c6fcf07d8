"""Two texts that tell one fact of one person otherwise are known by form; look-alikes are not."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zettel.storage.notes import MAY_CONTRADICT, MAY_SUPERSEDE, Note
from zettel.tools.changes.conflicts import Conflict, conflict_between
from zettel.tools.language.facts import TEXT_MAX_STATEMENTS, find_statements

DAY = datetime(2026, 11, 20, 12, tzinfo=UTC)


def told(content: str, *, subject: str = "", days: int = 0, note_id: str = "b") -> Note:
    """A note of that day."""
    at = DAY + timedelta(days=days)
    return Note(
        note_id=note_id,
        namespace="p",
        content=content,
        subject=subject,
        happened_at=at,
        valid_from=at,
        known_from=at,
    )


def conflict(one: Note, other: Note) -> Conflict | None:
    """How one note contradicts or replaces the other."""
    return conflict_between(one, find_statements(one), other, find_statements(other))


def judged(older: str, younger: str, *, days: int = 3, who: tuple[str, str] = ("", "")) -> str:
    """The relation found between two notes; empty for none."""
    first = told(older, subject=who[0], note_id="a")
    second = told(younger, subject=who[1], days=days)
    found = conflict(second, first)
    assert found == conflict(first, second)
    return found.relation if found else ""


@pytest.mark.parametrize(
    ("older", "younger"),
    [
        ("Ana lives in Lyon.", "By the way. Ana has moved to Paris with her two cats."),
        ("Ana - address: Lyon", "Ana lives near the harbour of Genoa"),
        ("Ben works at Halden Press", "Korvo Labs has hired Ben."),
        ("Ben works as a florist.", "Ben found a position as a train driver"),
        ("Ben drives a Volvo", "Ben has bought a Saab."),
        ("The user's email is a@x.org", "User's email is now b@y.org"),
        ("The rate limit is 100 requests a minute", "The rate limit is now 250 requests a minute"),
        ("The deadline of Falcon is 3 May", "The deadline for Falcon moved to 9 June"),
        ("Falcon's budget is 12,000 euros", "Falcon's budget is 15,500 euros"),
        ("The default branch is master", "The default branch is main"),
        ("Ana works at Halden Press", "Ana no longer works at Halden Press"),
        ("Ana works at Halden Press", "Ana quit Halden Press."),
        ("Ana works at Halden Press", "Ana left Halden Press and joined Korvo Labs."),
        ("Ana works at Halden Press", "Ana left Halden Press last week; she runs a bakery."),
        ("Ana works at Halden Press", "Ana got a new job at Korvo Labs."),
        ("Ana works at Halden Press", "Ana has joined Korvo Labs."),
        ("Ana lives in Lyon", "Ana does not live in Lyon any more"),
        ("The API supports TLS 1.2", "The API does not support TLS 1.2"),
        ("Ana is vegetarian", "Ana is not vegetarian any more"),
    ],
)
def test_another_value_told_later_may_supersede_the_first(older: str, younger: str) -> None:
    assert judged(older, younger) == MAY_SUPERSEDE


def test_the_first_person_is_the_notes_subject() -> None:
    older, younger = "I live in Lyon", "I've moved into a small flat in Paris"

    assert judged(older, younger, who=("Ana", "Ana")) == MAY_SUPERSEDE
    assert judged(older, "Ana lives in Rome", who=("Ana", "Ben")) == MAY_SUPERSEDE
    assert judged(older, younger, who=("Ana", "Ben")) == ""
    assert judged("I'm vegetarian", "Ana is no longer vegetarian", who=("Ana", "Ana")) != ""


def test_two_values_or_a_denial_on_one_day_may_contradict() -> None:
    assert judged("Ana lives in Lyon", "Ana lives in Paris", days=0) == MAY_CONTRADICT
    assert judged("Ana lives in Lyon", "Ana lives in Paris now", days=0) == MAY_SUPERSEDE
    assert judged("Ana lives in Lyon", "Ana does not live in Lyon") == MAY_CONTRADICT
    assert judged("The API supports TLS", "The API never supports TLS", days=0) == MAY_CONTRADICT


@pytest.mark.parametrize(
    ("older", "younger"),
    [
        ("Ana lives in Lyon", "Ben lives in Paris"),
        ("Ana lives in Lyon", "Ana's sister lives in Paris"),
        ("Ana lives in Lyon", "Ana lives in Lyon, France"),
        ("Ana lives in Lyon", "Ana would love to live in Paris"),
        ("Ana lives in Lyon", "Does Ana live in Paris?"),
        ("Ana lives in Lyon", "Ana does not live in Paris"),
        ("Ana lives in Lyon", "Ana travelled to Paris"),
        ("Ana works at Halden Press", "Ana works as a nurse"),
        ("Ana bought a Kindle.", "Ana bought a Samsung."),
        ("Ana ran 5 km on Monday", "Ana ran 7 km on Monday"),
        ("The weather is nice", "The weather is awful"),
        ("The deadline of Falcon is 3 May", "The deadline of Eagle is 9 June"),
        ("The size of the search index is 3 GB", "The size of the search log is 4 GB"),
        ("Ana - hobbies: chess", "Ana - hobbies: rowing"),
        ("Ana lives in Lyon", "Ana has a brother and he lives in Paris"),
        ("Ana lives in Lyon", "Her parents worried when she moved to Paris"),
        ("Ana lives in Lyon", "Ana was living in Paris as a student"),
        ("Ana's address is Elm Street 5", "Ana's old address was Birkenweg 12"),
        ("We ship on Friday", "They do not ship on Friday"),
        ("It is open", "It is no longer open"),
        ("Ana trusts Ben", "Ben does not trust Ana"),
        ("Ana is vegetarian", "Ben is not vegetarian any more"),
        ("I know", "I don't know"),
        ("My car broke down on Friday", "My car broke down on Monday"),
    ],
)
def test_look_alikes_and_what_may_both_be_true_are_no_rivals(older: str, younger: str) -> None:
    assert judged(older, younger) == ""


def test_an_assistants_first_person_states_nothing() -> None:
    assert find_statements(told("I work as a translator", subject="assistant")) == ()
    assert len(find_statements(told("I work as a translator", subject="user"))) == 1


def test_a_name_has_an_end() -> None:
    """1,300 capitalised words in a row took 20 s to read while it had none."""
    [home] = find_statements(told("Ana lives in Aa Bb Cc Dd Ee Ff Gg Hh"))

    assert home.value == "aa bb cc dd ee ff"


def test_a_reason_holds_no_word_of_the_older_note() -> None:
    older, younger = told("Ana works at Halden Press"), told("Ana quit Halden Press.", days=1)
    found = conflict(younger, older)

    assert isinstance(found, Conflict)
    assert found.reason == "ends what was told of Ana"


word = st.sampled_from(
    "I Ana Ben my Ana's lives in Lyon Paris works at as a no longer is not the limit of 100 : - , ."
    " now moved to if ? 5 owner deadline".split()
)
text = st.lists(word, max_size=14).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(text, text, st.sampled_from(["", "Ana", "user", "assistant"]), st.integers(0, 2))
def test_whatever_is_told_a_judgement_does_not_depend_on_who_asks(
    one: str, other: str, subject: str, days: int
) -> None:
    first = told(one, subject=subject, note_id="a")
    second = told(other, subject=subject, days=days)
    found = find_statements(second)

    assert len(found) <= TEXT_MAX_STATEMENTS
    assert all(entry.value for entry in found)
    assert conflict(second, second) is None
    assert conflict(second, first) == conflict(first, second)
