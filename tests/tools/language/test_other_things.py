"""Whether a note tells of another thing than the one that is asked for."""

from datetime import UTC, datetime

import pytest

from zettel.storage.ids import new_id
from zettel.storage.notes import Note, Outline, outline_of
from zettel.tools.language.other_things import is_of_another, is_of_another_part

AT = datetime(2026, 11, 26, tzinfo=UTC)
VERSIONS = "The app uses Python 3.11, Postgres 15 and Redis 7.0."
OWNERS = "Priya owns invoicing, Tomasz owns auth."


def told(content: str, subject: str = "") -> Outline:
    note = Note(
        note_id=new_id(AT),
        namespace="proj",
        content=content,
        subject=subject,
        happened_at=AT,
        valid_from=AT,
        known_from=AT,
        embed_model="",
    )
    return outline_of(note)


@pytest.mark.parametrize(
    ("asked", "first", "other"),
    [
        (
            "How is the queen of hive 3 marked?",
            "The queen of hive 3 is marked blue",
            "A yellow dot marks who reigns in hive 5",
        ),
        ("How was 订单1187 sent?", "订单1187走顺丰发货。", "订单1188走京东发货。"),
        (
            "Which tool does Priya review code with?",
            "Priya reviews code in GitLab",
            "For reviews of code we saw Tomasz use Gerrit",
        ),
        (
            "Which reeds do I use on the alto?",
            "I play the alto sax with hard reeds",
            "Soft reeds are for the tenor sax",
        ),
        ("Is the front tyre flat?", "Front tyre: flat at noon", "Rear: a flat tyre at noon"),
        ("What does kiln A dry?", "Kiln A dries spruce", "In the other one, kiln B, we dry spruce"),
        (
            "Which dose of ramipril does Ana take?",
            "Ana takes 5 mg of ramipril in the morning",
            "Ana now also takes 10 mg of amlodipine in the evening",
        ),
        (
            "At which lag does the alert fire on eu-west?",
            "The lag alert fires at 30 on eu-west",
            "The lag alert now fires at 60 on us-east",
        ),
        (
            "What is my son's shoe size?",
            "My son's shoe size is 31",
            "My daughter's shoe size is 34",
        ),
        ("What is kiln A's reading?", "Kiln A reads 9", "Walnut is in kiln B at 48"),
        (
            "When is Leo due?",
            "Zahnarzt: Mia am 3. Mai, Leo am 5. Mai",
            "Mia hat am 4. Mai Zahnarzt",
        ),
        (
            "What does the cat get?",
            "Bruno gets one tablet at breakfast. The cat has a pill at night.",
            "Bruno gets one and a half tablet in the morning",
        ),
        (
            "Where is the blue van?",
            "The blue van is at Gate 3; the red van is at Gate 7",
            "The red van is at Gate 9",
        ),
        ("Which Postgres version do we use?", VERSIONS, "Redis was upgraded to 7.4."),
        ("Which Python version do we use?", VERSIONS, "Upgraded to Postgres 16.2."),
        (
            "Where does the user live?",
            "The user lives at Lindenstraße 12, 50674 Köln, door code 4711.",
            "The door code is 8802 now.",
        ),
        (
            "Which port is the metrics endpoint on?",
            "The metrics endpoint is on port 9100, the dev server on port 8080.",
            "Moved the dev server from port 8080 to port 8090.",
        ),
        ("Who owns invoicing?", OWNERS, "Tomasz left the company; Aiko took over auth."),
    ],
)
def test_another_number_name_or_word_in_place_of_what_is_asked_for_is_another(
    asked: str, first: str, other: str
) -> None:
    assert is_of_another(asked, told(first), told(other))


@pytest.mark.parametrize(
    ("asked", "first", "other"),
    [
        (
            "Where is the red van?",
            "The blue van is at Gate 3; the red van is at Gate 7",
            "The red van is at Gate 9",
        ),
        ("Where does Ana J. live?", "Ana J. Silva lives in Rome", "Ana B. Silva lives in Oslo"),
        (
            "From what delay on does the pipeline raise an alarm?",
            "The board Beacon watches the pipeline's lag; the alert #data goes off at 45 minutes.",
            "The alert #data of Beacon fires at 20 minutes of lag.",
        ),
        ("Which port does the API have?", "The API listens on port 8080", "The port is 9090 now"),
        ("Who leads Project Heron?", "The lead on Project Heron is Simone", "Heron's is Javier"),
        ("How tall is Hugo?", "Hugo measures 1 metre 32", "Hugo has reached 1 metre 38"),
        ("Does Ana still live in Bonn?", "Ana lives in Bonn", "Ana lives in Ulm"),
        (
            "What's my address?",
            "Home address: Elm Row 17, second left. The tram stop is Aston, line 5.",
            "We are in! Kettle Yard 3, first right, stop Kettle Market.",
        ),
        (
            "What is the feature branch called?",
            "The feature branch is called feat/login.",
            "Renamed feat/login to feat/auth.",
        ),
        (
            "Who is Emma's boyfriend?",
            "Emma's boyfriend is Lukas.",
            "Emma broke up with Lukas and is together with Timo.",
        ),
        (
            "Wann muss Kuba zur Ärztin?",
            "U9 von Kuba: 19. Mai",
            "Die Ärztin ist krank, Kubas U9 ist am 9. Juni",
        ),
        (
            "When do we meet on Tuesdays?",
            "We meet at 9 on Tuesdays",
            "We meet at 10 on Wednesdays",
        ),
        ("Who owns search?", "Lena owns search.", "Lena handed search over to Omar."),
        ("Which Postgres version do we use?", VERSIONS, "Upgraded to Postgres 16.2."),
        ("Who owns invoicing?", OWNERS, "Priya handed invoicing over to Marek."),
    ],
)
def test_what_only_leaves_out_what_is_asked_for_may_be_of_the_same(
    asked: str, first: str, other: str
) -> None:
    assert not is_of_another(asked, told(first), told(other))


def test_a_subject_is_a_name() -> None:
    first, other = told("Likes tea with milk", "Ana"), told("Has tea with lemon", "Ben")

    assert is_of_another("How does Ana take tea?", first, other)


@pytest.mark.parametrize(("subject", "apart"), [("user", False), ("", False), ("Kim", True)])
def test_a_subject_that_both_have_is_no_sign_of_another_part(subject: str, apart: bool) -> None:
    first = told("Velda lives near the old market of Ulm. Kim plans a trip.", "user")
    other = told("Has moved to Odense.", subject)

    assert is_of_another_part("Where does Velda live?", first, other) == apart


def test_words_that_all_parts_share_tell_none_apart() -> None:
    first = told("Priya owns the invoicing module, Tomasz owns the auth module.")
    other = told("Tomasz left the company; Aiko took over auth.")

    assert is_of_another_part("Who owns the invoicing module?", first, other)
    assert not is_of_another_part("Who owns the auth module?", first, other)


def test_in_long_notes_two_words_may_stand_alike_by_chance() -> None:
    first = "The upper bathroom is green"
    other = "The lower bathroom is blue"
    more = " ".join(f"word{letter}" for letter in "abcdefghijklmnop")

    assert is_of_another("Is the upper bathroom green?", told(first), told(other))
    assert not is_of_another("Is the upper bathroom green?", told(f"{first} {more}"), told(other))


def test_a_first_line_that_ends_in_a_colon_is_of_every_part() -> None:
    asked = "What port does the scanner send mail through?"
    before = "Scanner, mail settings:\nhost=smtp.example\nport=465\nuser=scan"
    after = "Scanner, as Otto left it:\nhost=smtp.example\nport=587\nuser=scan"

    assert not is_of_another_part(asked, told(before, "scanner"), told(after, "scanner"))
