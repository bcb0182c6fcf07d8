"""What may stand in an LLM's words: only what its sources say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tools.conftest import START

from zettel.storage.notes import Note, Span
from zettel.tools.evolve.writing.grounding import fault, sources_of


def note(content: str, note_id: str = "N1", **fields: object) -> Note:
    """A note that says this."""
    bare = Note(
        note_id=note_id,
        namespace="proj",
        content=content,
        happened_at=START,
        valid_from=START,
        known_from=START,
    )
    return replace(bare, **fields)  # pyright: ignore[reportArgumentType]: fields by name


def span(day: str, phrase: str) -> Span:
    """A day, as a rule has read it."""
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return Span(start=start, end=start + timedelta(days=1), phrase=phrase)


SAID = "Ana paid 1,300 euros for seven bowls at 10:45, see https://kiln.example/a?b=1 or E1234."


@pytest.mark.parametrize(
    "words",
    [
        "what Ana paid for bowls",
        "The bowls: Ana's seven, or 7 of them",
        "E1234, 1,300 and 10:45",
        "see https://kiln.example/a?b=1",
        "on Friday, 20 November 2026",
        "she paid €1300",
        "seven bowls at 10.45 a.m.",
        "one of those things",
        "WHY DID SHE pay?",
    ],
)
def test_what_the_source_says_may_be_said(words: str) -> None:
    assert fault(words, sources_of([note(SAID)]), most=300) is None


@pytest.mark.parametrize(
    "words",
    [
        "Ben paid",
        "Ulrike",
        "ana paid in Paris",
        "she paid 1400",
        "1,300.50 euros",
        "eight bowls",
        "a dozen bowls",
        "two hundred euros",
        "on Monday",
        "in 2025",
        "v2 of it",
        "٣ bowls",
        "E12345",
        "www.kiln.example",
        "mail a@kiln.example",
        "https://kiln.example/a?b=2",
    ],
)
def test_what_it_does_not_say_is_invented(words: str) -> None:
    assert fault(words, sources_of([note(SAID)]), most=300) == "invented"


@pytest.mark.parametrize("words", ["", "\x00b", "a\nb", "\ud800", "</note>", "\u202eb", "\x1b[2J"])
def test_what_could_steer_a_reader_is_malformed(words: str) -> None:
    assert fault(words, sources_of([note("a b")]), most=300) == "malformed"


def test_what_a_rule_or_an_llm_made_of_a_note_is_no_source() -> None:
    made = note("soup", context="with Ulrike", tags=("Paris",), derived_by={"context": "llm"})
    told = replace(made, derived_by={"context": "agent", "tags": "agent"})

    assert fault("Ulrike", sources_of([made]), most=99) == "invented"
    assert fault("Ulrike in Paris", sources_of([told]), most=99) is None


def test_names_of_notes_shown_beside_are_foreign_in_small_letters_too() -> None:
    own, beside = note("soup"), note("x", "N2", entities=("Ulrike Meyer",), subject="ben")
    sources = sources_of([own], shown=[own, beside])

    assert fault("soup for ulrike", sources, most=99) == "invented"
    assert fault("soup for ben", sources, most=99) == "invented"
    assert fault("ben", sources_of([own, beside], shown=[own, beside]), most=99) is None


line = st.text(
    st.characters(blacklist_categories=("Cc", "Cs", "Co", "Cn")), min_size=1, max_size=60
).map(lambda text: " ".join(text.split()))


@given(line)
def test_a_note_may_always_be_quoted_unless_the_form_forbids_it(text: str) -> None:
    assert fault(text, sources_of([note(text)]), most=300) in (None, "malformed")


@given(line, st.sampled_from(["Ulrike", "Ødegård", "Žižek", "4711", "v99"]), line)
def test_an_invented_name_or_number_is_found_wherever_it_stands(
    before: str, invented: str, after: str
) -> None:
    words = f"{before} {invented} {after}".strip()

    assert fault(words, sources_of([note("soup")]), most=300) is not None


@given(st.text(max_size=400), st.integers(1, 300))
def test_nothing_longer_than_the_bound_passes(text: str, most: int) -> None:
    assert len(text) <= most or fault(text, sources_of([note(text)]), most=most) is not None


SUPPORT = note(
    "Caroline: I went to a support group yesterday and it was so powerful",
    happened_at=datetime(2023, 5, 8, 13, 56, tzinfo=UTC),
    times=(span("2023-05-07", "yesterday"),),
)


@pytest.mark.parametrize(
    "words",
    [
        "Caroline went to a support group on 7 May 2023",
        "on May 7th, Caroline went to a support group",
        "the 7th of May: a support group",
        "2023-05-07: Caroline went to a support group",
        "support group on Sunday",
        "support group on Sunday, 7 May",
        "told on 8 May 2023",
        "told on the 8th",
        "Caroline am 7. Mai 2023",
        "in May 2023",
    ],
)
def test_a_day_that_a_note_tells_may_be_spelled_in_any_way(words: str) -> None:
    assert fault(words, sources_of([SUPPORT]), most=300) is None


@pytest.mark.parametrize(
    "words",
    [
        "Caroline went to a support group on 9 May 2023",
        "on May 6th, Caroline went to a support group",
        "2023-06-07: Caroline went to a support group",
        "Caroline went on 7 May 2022",
        "support group on Tuesday",
        "in June 2023",
    ],
)
def test_another_day_is_invented(words: str) -> None:
    assert fault(words, sources_of([SUPPORT]), most=300) == "invented"


def test_a_day_of_words_that_stand_far_apart_is_invented() -> None:
    told = note("On 3 March 2025 we met, on 9 April 2024 we parted", times=MET)

    assert fault("they met on 3 April 2025", sources_of([told]), most=99) == "invented"
    assert fault("they met on 3 March", sources_of([told]), most=99) is None


MET = (span("2025-03-03", "3 March 2025"), span("2024-04-09", "9 April 2024"))


@pytest.mark.parametrize(
    "words",
    [
        "Visiting a support group",
        "Attended a support group. Planning to go again",
        "Meeting",
        "“Powerful” evening in the group",
        "what happened? Everybody spoke",
    ],
)
def test_a_capital_that_opens_a_sentence_makes_no_name(words: str) -> None:
    assert fault(words, sources_of([SUPPORT]), most=300) is None


@pytest.mark.parametrize(
    "words",
    ["Ulrike went along", "Mark went along", "They went. Grace spoke", "a Meeting", "Paris again"],
)
def test_a_name_that_opens_a_sentence_is_one(words: str) -> None:
    assert fault(words, sources_of([SUPPORT]), most=300) == "invented"


def test_small_letters_are_no_name_of_the_notes_beside_unless_nothing_else_is_meant() -> None:
    own, beside = note("soup"), note("x", "N2", entities=("Central Market", "Portugal"))
    sources = sources_of([own], shown=[own, beside])

    assert fault("soup from the market", sources, most=99) is None
    assert fault("soup from the Market", sources, most=99) == "invented"
    assert fault("soup as in portugal", sources, most=99) == "invented"


@pytest.mark.parametrize(
    "words",
    [
        "Caroline hated the support group",
        "why Caroline disliked the group",
        "Caroline did not enjoy the support group",
        "Caroline regrets the support group",
    ],
)
def test_a_feeling_that_the_note_does_not_bear_out_is_refused(words: str) -> None:
    assert fault(words, sources_of([SUPPORT]), most=300) == "contrary"


@pytest.mark.parametrize(
    "words",
    ["Caroline loved the support group", "Caroline enjoyed it", "Caroline did not hate it"],
)
def test_a_feeling_that_it_bears_out_in_other_words_is_none(words: str) -> None:
    assert fault(words, sources_of([SUPPORT]), most=300) is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Ana accepted the offer of the mill", "Ana refused the offer"),
        ("the build passed at noon", "the build failed at noon"),
        ("the build did not pass", "the build passed"),
        ("Ben sold his boat", "Ben bought a boat"),
        ("we raised the limit", "the limit was lowered"),
        ("cookies are disabled here", "cookies are enabled"),
    ],
)
def test_the_contrary_of_what_a_note_says_is_refused(said: str, words: str) -> None:
    assert fault(words, sources_of([note(said)]), most=300) == "contrary"
    assert fault(said, sources_of([note(said)]), most=300) is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Greta paid 1,200 euros for the loom", "Greta paid €1200 for a loom"),
        ("die Rechnung über 2.340,50 EUR ist bezahlt", "die Rechnung über 2340,50 ist bezahlt"),
        ("the pump starts at 3 p.m.", "pump start: 15:00"),
        ("la garde commence à sept heures du soir", "la garde commence à 19 h"),
        ("Treffen um halb acht", "Treffen um 7:30 Uhr"),
        ("Hugo is forty-two", "Hugo, aged 42"),
        ("zweihundertfünfzig Stühle", "250 Stühle"),
        ("il y a quatre-vingt-douze élèves", "92 élèves"),
        ("treinta y cinco alumnos", "35 alumnos"),
        ("die Wohnung im dritten Stock", "die Wohnung im 3. Stock"),
        ("they have twelve guests", "they have a dozen guests"),
    ],
)
def test_a_number_may_be_spelled_in_any_way(said: str, words: str) -> None:
    assert fault(words, sources_of([note(said)]), most=300) is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("the pump starts at 3 p.m.", "the pump starts at 3 a.m."),
        ("zweihundertfünfzig Stühle", "205 Stühle"),
        ("il y a quatre-vingt-douze élèves", "il y a quatre-vingt-deux élèves"),
        ("Treffen um halb acht", "Treffen um 8:30 Uhr"),
        ("they have twelve guests", "they have thirty guests"),
    ],
)
def test_another_number_is_invented_however_it_is_spelled(said: str, words: str) -> None:
    assert fault(words, sources_of([note(said)]), most=300) == "invented"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Nils sold his boat to Freya", "Freya sold a boat to Nils"),
        ("Amara is taller than Kofi", "Kofi is taller than Amara"),
        ("the office moved from Basel to Bern", "the office moved from Bern to Basel"),
        ("yoga is on Tuesday, choir is on Thursday", "choir is on Tuesday"),
        ("Ana baked the bread, Ben washed up", "Ben baked the bread"),
        ("store the serum below 8 degrees", "store the serum above 8 degrees"),
        ("hive 3 lost its queen; hive 7 swarmed", "hive 7 lost its queen"),
        ("two lambs and nine ewes were sold", "nine lambs and two ewes were sold"),
    ],
)
def test_what_is_told_of_another_is_contrary(said: str, words: str) -> None:
    assert fault(words, sources_of([note(said)]), most=300) == "contrary"
    assert fault(said, sources_of([note(said)]), most=300) is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Bo: I drink six cups a day", "Bo drinks 6 cups a day"),
        ("Ana came in. She baked bread for Ben.", "Ana baked bread for Ben"),
        ("Ana, Ben and Cleo baked bread", "Ana baked bread"),
        ("Nils sold his boat to Freya", "Freya bought a boat from Nils"),
        ("only Malik may approve exceptions", "Nobody but Malik may approve exceptions"),
        ("the shop is closed on Mondays", "the shop does not open on Mondays"),
        ("rice is fine for Biscuit but not bones", "Biscuit: rice yes, bones no"),
        ("Nadia quit coffee in spring", "Nadia no longer drinks coffee"),
    ],
)
def test_the_same_in_other_words_is_not_contrary(said: str, words: str) -> None:
    assert fault(words, sources_of([note(said)]), most=300) is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Petra refilled the softener", "Petra did not refill the softener"),
        ("Heinz ist gegen Wespen allergisch", "Heinz ist nicht gegen Wespen allergisch"),
        ("Solène apporte les comptes lundi", "Solène n'apporte pas les comptes lundi"),
        ("Balu darf nichts fressen vor der Impfung", "Balu darf fressen vor der Impfung"),
        ("Ilse stopped taking aspirin", "Ilse takes aspirin"),
    ],
)
def test_a_not_that_is_added_or_left_out_is_contrary(said: str, words: str) -> None:
    assert fault(words, sources_of([note(said)]), most=300) == "contrary"
