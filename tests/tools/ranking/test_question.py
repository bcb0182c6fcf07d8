"""Reading a question: subject, times, order, and the words that stand for an unknown name."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from zettel.storage.notes import Kind, Outline, Span
from zettel.tools.language.dates import EARLIEST_S, LATEST_S
from zettel.tools.ranking.corpus import make_corpus
from zettel.tools.ranking.fusion import Ranking, fuse, signal_values
from zettel.tools.ranking.mentions import Mentions, find_asked_names
from zettel.tools.ranking.multi_hop import STEP_SHARE, find_multi_hop, merge_by_score
from zettel.tools.ranking.question import find_anchor, read_question
from zettel.tools.ranking.signals import beside, mentioned
from zettel.tools.ranking.weights import OTHERWISE
from zettel.tools.recall.search import ask

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("question", "subject", "topic"),
    [
        ("What did Caroline's dog eat?", "Caroline", "What did dog eat?"),
        ("what did CAROLINE research?", "Caroline", "what did research?"),
        ("Did Caroline meet Melanie?", "", "Did meet ?"),
        ("Where is the carolinean flag?", "", "Where is the carolinean flag?"),
        ("What does Ana like?", "Ana Maria Lopez", "What does like?"),
        ("Where do I live?", "user", "Where do I live?"),
        ("Caroline?", "Caroline", "Caroline?"),
    ],
)
def test_a_question_names_its_one_subject(question: str, subject: str, topic: str) -> None:
    known = ["Caroline", "Melanie", "Ana Maria Lopez", "user"]

    read = read_question(question, known, NOW)

    assert (read.subject, read.topic) == (subject.casefold(), topic)


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("What is the name of Ana's dog?", "ana"),
        ("where is the cat?", ""),
        ("When does the garden project end?", "the garden project"),
        ("What did Lee say?", ""),
        ("What did Lee Wong say?", "lee wong"),
        # What is somebody's is not that person.
        ("Which evenings does Nora play?", ""),
        ("When did Nora's passport expire?", "nora’s passport"),
        ("What does James drive?", ""),
    ],
)
def test_only_a_whole_name_or_a_first_name_that_is_one_names_a_subject(
    question: str, subject: str
) -> None:
    known = ["The Garden Project", "Ana", "ana", "Lee Wong", "Lee Smith"]
    known += ["Nora’s passport", "James' car"]

    assert read_question(question, known, NOW).subject == subject


@pytest.mark.parametrize(
    ("question", "past"),
    [
        ("How high was the rent?", True),
        ("What does the rent cost?", False),
        ("Wie hoch war die Miete?", True),
        ("Was hat die Miete gekostet?", True),
        ("Was kostet die Miete?", False),
        ("Wann hat der Laden in der Gasse geöffnet?", False),
        ("Wie war noch mal die Adresse von dem Laden?", False),
        ("Combien payions-nous de loyer à la ville ?", True),
        ("Qui a payé le loyer de la maison ?", True),
        ("Que fait le chat de la voisine ?", False),
        ("C'était quoi déjà le code de la porte ?", False),
        ("¿Cuánto pagábamos de alquiler en la casa?", True),
        ("¿Quién pagó el alquiler de la casa?", True),
        ("¿Cuándo acaba el contrato de la casa?", False),
        ("家賃はいくらでしたか？", True),
        ("家賃はいくらでしたっけ？", False),
        ("家賃はいくらですか？", False),
        ("现在房租是多少了？", False),
        ("What was the rent in the end?", False),
        ("Which flat did we end up renting?", False),
        ("Who was at the end of the list?", True),
        ("Wie hoch war die Miete letztlich?", False),
        ("Wer war am Ende der Liste?", True),
        ("¿Cuánto fue al final el alquiler?", False),
        ("Combien payait-on finalement ?", False),
    ],
)
def test_a_question_asks_for_the_past_in_the_words_of_its_own_language(
    question: str, past: bool
) -> None:
    assert read_question(question, [], NOW).asks_what_was is past


@pytest.mark.parametrize(
    ("question", "months"),
    [
        ("九月的房租是多少？", [9]),
        ("9月份的房租是多少？", [9]),
        ("十一月的房租是多少？", [11]),
        ("9月の家賃は？", [9]),
        ("十月の家賃は？", [10]),
        ("三个月的房租是多少？", []),
        ("每月的房租是多少？", []),
        ("每年九月的房租是多少？", []),
        ("3ヶ月の家賃は？", []),
        ("毎年9月の家賃は？", []),
    ],
)
def test_a_month_alone_is_a_time_in_a_chinese_and_a_japanese_question(
    question: str, months: list[int]
) -> None:
    times = read_question(question, [], NOW).times

    assert [datetime.fromtimestamp(start, UTC).month for start, _ in times] == months


def test_names_of_speakers_that_nobody_told_are_left_out_of_what_is_embedded() -> None:
    read = read_question("What did Mel paint?", [], NOW, names={"mel"})

    assert (read.subject, read.topic) == ("", "What did paint?")


def test_a_name_that_many_notes_hold_stands_for_somebody() -> None:
    corpus = make_corpus(
        [
            *(_note(i, f"Mel ate cake number {i}") for i in range(3)),
            *(_note(i, f"We all thanked Mel for cake number {i}") for i in range(3, 6)),
            _note(6, "Rex barked at the caramel", subject="Mel"),
        ]
    )

    assert ask("What did Mel paint?", corpus, NOW).names == {"mel"}
    assert ask("What did Mel paint?", corpus, NOW).topic == "What did paint?"
    assert ask("Who called Rex?", corpus, NOW).names == frozenset()
    assert ask("Mel?", corpus, NOW).subject == "mel"


@pytest.mark.parametrize(
    ("question", "spelled"),
    [
        ("Has Mel met Rex?", ("Mel", "Rex")),
        ("Where does Ana's colleague live?", ("Ana",)),
        ("Did O'Neil see Mary-Jane in March?", ("O'Neil", "Mary-Jane")),
        ("Où va le fils d'Irène, puisqu’Yves part ?", ("Irène", "Yves")),
        ("What Is The Deadline?", ()),
        ("Has Mr Rex met Frau Lindqvist?", ("Rex", "Lindqvist")),
        ("Is MongoDB or MySQL behind GraphQL?", ("MongoDB", "MySQL", "GraphQL")),
        (
            "Does the RabbitMQ client of McDonald use TypeScript?",
            ("RabbitMQ", "McDonald", "TypeScript"),
        ),
        ("What is the getUserName default for the API?", ()),
        ("Is Madame with Miss Rex?", ("Madame", "Rex")),
        ("Why did our Japanese co-author and Rex want an English text?", ("Rex",)),
        ("and then Mel said to Rex that it was late " * 3, ()),
    ],
)
def test_names_are_read_as_a_question_spells_them_but_not_off_a_passage(
    question: str, spelled: tuple[str, ...]
) -> None:
    assert find_asked_names(question) == spelled


@pytest.mark.parametrize(
    ("content", "subject", "speaks"),
    [
        ("Ana keeps a hamster", "", True),
        ("I had lunch with ANA's cousin", "Ben", True),
        ("Thanks, Ana! Ana, you are the best", "Ben", False),
        ("Hi Ana! I heard Ana moved", "Ben", True),
        ("Congrats Ana! No problem Ana. See you Ana, bye!", "Ben", False),
        ("Ana - address: Lyon", "Ben", True),
        ("i met ana", "Ben", True),
        ("Ana keeps a hamster", "Ana", False),
        ("Ana keeps a hamster", "Ana Silva", False),
        ("Anabel keeps a hamster", "", False),
        ("We have bananas", "", False),
    ],
)
def test_a_note_speaks_of_whom_it_names_but_not_of_whom_it_addresses(
    content: str, subject: str, *, speaks: bool
) -> None:
    corpus = make_corpus([_note(1, content, subject=subject), _note(2, "So", subject="Ana")])
    corpus = replace(corpus, mentions=Mentions(corpus.outlines, corpus.said, in_talk=True))
    values = mentioned(read_question("What does Ana have?", ["Ana"], NOW), corpus)

    assert values.tolist() == [float(speaks), 0.0]


def test_a_word_that_is_mostly_none_is_a_name_only_where_it_is_spelled_so() -> None:
    told = ["We flew to New York", "a new car", "new shoes", "nothing new", "a new job"]
    corpus = make_corpus([_note(number, content) for number, content in enumerate(told)])

    assert corpus.mentions.speak_of("new") == [0]
    assert corpus.mentions.count("new") == 1


def test_a_name_counts_in_small_letters_where_most_spell_it_as_one_or_nobody_does() -> None:
    often = make_corpus([_note(1, "Ana moved"), _note(2, "I met Ana"), _note(3, "ask ana")])
    never = make_corpus([_note(1, "I met ana"), _note(2, "ask ana")])

    assert often.mentions.count("ana") == 3
    assert never.mentions.count("ana") == 2


@pytest.mark.parametrize(
    ("question", "side", "what", "rest"),
    [
        ("What did Ana do after she moved?", "after", "she moved", "What did Ana do?"),
        ("Where was I before the trip to Rome?", "before", "the trip to Rome", "Where was I?"),
        ("Who has called since the flood", "after", "the flood", "Who has called"),
    ],
)
def test_a_question_names_a_moment_by_what_happened_then(
    question: str, side: str, what: str, rest: str
) -> None:
    anchor = find_anchor(question, NOW)

    assert anchor is not None
    assert (anchor.side, anchor.what, anchor.rest) == (side, what, rest)
    assert not anchor.is_name


@pytest.mark.parametrize("name", ["Rafał", "Sinéad Furlong", "the J-Link", "De Hurk", "3100"])
def test_a_name_is_no_event(name: str) -> None:
    anchor = find_anchor(f"What did we use before {name}?", NOW)

    assert anchor is not None
    assert anchor.is_name
    assert anchor.rest == "What did we use?"


@pytest.mark.parametrize(
    "question",
    [
        "What must I do before a release?",
        "What did Ana say the day before yesterday?",
        "Where did Ana live before March 2025?",
        "Where did Ana live before March?",
        "What has Ana done since Monday?",
        "Who looks after the cat?",
        "Which broker did we use before for printing?",
        "What did Ana do?",
    ],
)
def test_what_names_no_event_is_no_moment(question: str) -> None:
    assert find_anchor(question, NOW) is None


def test_what_happened_right_after_a_moment_counts_most_and_nothing_before_it() -> None:
    corpus = make_corpus([_note(hours, f"hour {hours}", timed=True) for hours in (0, 1, 2, 3)])
    moment = corpus.happened[1]
    asked = read_question("What came next?", [], NOW)

    after = beside(replace(asked, beside=("after", float(moment))), corpus)
    before = beside(replace(asked, beside=("before", float(moment))), corpus)

    assert after[0] == after[1] == 0.0
    assert after[2:].tolist() == [1.0, 0.75]
    assert before[0] == 1.0
    assert not before[1:].any()


def test_of_two_who_are_named_each_counts_half() -> None:
    notes = [_note(1, "Ana met Ben"), _note(2, "I saw Ana"), _note(3, "I saw nobody")]
    asked = read_question("Where did Ana meet Ben?", ["Ana", "Ben"], NOW)

    assert mentioned(asked, make_corpus(notes)).tolist() == [1.0, 0.5, 0.0]


@pytest.mark.parametrize("people", [2, 4, 12])
def test_what_others_tell_of_somebody_counts_as_what_that_person_tells(people: int) -> None:
    own = [_note(number, "It rained", subject="Ana") for number in range(80)]
    others = [_note(number, "So", subject=f"P{number % (people - 1)}") for number in range(81, 900)]
    told = _note(900, "Ana keeps a hamster", subject="P0")
    corpus = make_corpus([*own, *others, told])
    asked = read_question("What does Ana keep?", ["Ana"], NOW)

    values = signal_values(asked, {}, {}, corpus)

    assert values["mentioned"][-1] == values["subject"][0] > 0
    assert OTHERWISE["mentioned"] == OTHERWISE["subject"]


@pytest.mark.parametrize(
    ("question", "times"),
    [
        ("What happened in March 2025?", [("2025-03-01", "2025-04-01")]),
        ("What happened in March?", [("2026-03-01", "2026-04-01")]),
        ("What did we do last week?", [("2026-11-09", "2026-11-16")]),
        ("What was said on December 1,2023?", [("2023-12-01", "2023-12-02")]),
        ("What happened?", []),
        ("What did she pay since 2026-11-16?", [("2026-11-16", "")]),
        ("What came from 2026-03-01 to 2026-03-31?", [("2026-03-01", "2026-04-01")]),
        ("Where was she before March 2026?", [("", "2026-03-01")]),
        ("Where was she before March?", [("", "2026-03-01")]),
        ("Where was she after August 2026?", [("2026-09-01", "")]),
        ("What came since September 2026?", [("2026-09-01", "")]),
        ("What came between March and May 2026?", [("2026-03-01", "2026-06-01")]),
        ("What came between March and May 2025?", [("2025-03-01", "2025-06-01")]),
        ("What came from April to June?", [("2026-04-01", "2026-07-01")]),
        ("What came until June 2026?", [("", "2026-07-01")]),
        ("What came since Monday?", [("2026-11-16", "")]),
        ("What came since last Monday?", [("2026-11-16", "")]),
        ("What came in the last 5 days?", [("2026-11-15", "")]),
        ("What came on 20.08.2026?", [("2026-08-20", "2026-08-21")]),
        ("What came in 2026-03?", [("2026-03-01", "2026-04-01")]),
        ("What came in Q3 2026?", [("2026-07-01", "2026-10-01")]),
        ("What came on 3.4.2026?", []),
        ("What came in the past two weeks?", [("2026-11-02", "")]),
        ("What happened the day before yesterday?", [("2026-11-18", "2026-11-19")]),
        ("What did John and May say?", []),
        ("What did he and may she say?", []),
    ],
)
def test_a_question_names_times(question: str, times: list[tuple[str, str]]) -> None:
    def day(seconds: float) -> str:
        open_end = seconds in (EARLIEST_S, LATEST_S)
        return "" if open_end else datetime.fromtimestamp(seconds, UTC).date().isoformat()

    read = read_question(question, [], NOW)

    assert [(day(start), day(end)) for start, end in read.times] == times


def test_a_question_says_what_kind_of_answer_it_wants() -> None:
    assert read_question("Since when, and how long?", [], NOW).asks_when
    assert read_question("Which town is it?", [], NOW).asks_who
    assert read_question("How should I write commits?", [], NOW).asks_how_to
    assert read_question("What is the latest plan?", [], NOW).order == "latest"
    assert read_question("How should commits be written?", [], NOW).asks_how_to
    for latest in ("Where did she pay last?", "the last book she read", "when did she last call?"):
        assert read_question(latest, [], NOW).order == "latest"
    for first in ("Where did she go first?", "the first thing she bought", "her first visit"):
        assert read_question(first, [], NOW).order == "first"
    for none in (
        "Who came last week?",
        "in the last two months",
        "in the last few days",
        "her last name",
        "her first and last name",
        "first aid",
        "a first-class seat",
        "First, tell me where she was",
        "How long did the battery last?",
        "Will it last until Friday?",
    ):
        assert not read_question(none, [], NOW).order
    plain = read_question("What is it made of?", [], NOW)
    assert not (plain.asks_when or plain.asks_who or plain.asks_how_to or plain.order)


@pytest.mark.parametrize(
    ("question", "words", "named"),
    [
        ("Where does Ana's colleague live?", "Ana's colleague", "Where does Ben live?"),
        ("Where does the colleague of Ana live?", "the colleague of Ana", "Where does Ben live?"),
        (
            "What car does the person Ana works with own?",
            "the person Ana works with",
            "What car does Ben own?",
        ),
        (
            "Who pays for the project of Ana's boss?",
            "Ana's boss",
            "Who pays for the project of Ben?",
        ),
        ("Where does my sister live?", "my sister", "Where does Ben live?"),
        ("Where does James' sister live?", "James' sister", "Where does Ben live?"),
        ("Who runs Acme Works's office?", "Acme Works's office", "Who runs Ben?"),
        (
            "When is the colleague of Ana's project due?",
            "the colleague of Ana",
            "When is Ben's project due?",
        ),
    ],
)
def test_words_that_stand_for_a_name_are_found_and_replaced(
    question: str, words: str, named: str
) -> None:
    unnamed = find_multi_hop(question)

    assert unnamed is not None
    assert (unnamed.words, unnamed.named(question, "Ben")) == (words, named)


@pytest.mark.parametrize("question", ["What is Ana's job?", "Where does Ana live?", "where is it?"])
def test_a_question_that_takes_one_step_is_not_led_on(question: str) -> None:
    assert find_multi_hop(question) is None


def test_a_note_counts_by_the_better_of_its_two_places() -> None:
    notes = [_note(i, f"word{i}") for i in range(3)]
    first, second = _ranking(notes, "n00"), _ranking(notes, "n02")

    both = merge_by_score(first, second, STEP_SHARE)

    assert [ranked.note_id for ranked in both.best(3)] == ["n00", "n02"]
    assert both.best(2)[1].score == pytest.approx(STEP_SHARE * first.best(1)[0].score)


def _ranking(notes: list[Outline], best: str) -> Ranking:
    corpus = make_corpus(notes)
    question = read_question("?", [], NOW)
    return fuse(signal_values(question, {best: 1.0}, {}, corpus), corpus)


def _note(number: int, content: str, *, subject: str = "", timed: bool = False) -> Outline:
    at = NOW + timedelta(seconds=number)
    return Outline(
        note_id=f"n{number:02}",
        namespace="p",
        session="",
        subject=subject,
        happened_at=at,
        kind=Kind.EPISODIC,
        content=content,
        times=(Span(start=at, end=at, phrase="now"),) if timed else (),
    )


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("Wann ist die Deadline für meine Hausarbeit?", ()),
        ("Auf welcher Station arbeitet Valentin?", ()),
        ("Wie lautet Omas neue Nummer?", ()),
        ("Woran arbeitet Frau Groth?", ("Groth",)),
        ("Wie is de zus van Marijke?", ("Marijke",)),
        ("Worms in Ana's garden of Linz?", ("Ana", "Linz")),
        ("Who coaches the girls on Wednesdays?", ()),
        ("When does Valentin see the Bundestag?", ("Valentin", "Bundestag")),
        ("Does der Alte run on Fridays with Derrick?", ("Alte", "Derrick")),
    ],
)
def test_the_nouns_of_a_german_question_are_no_names(question: str, names: tuple[str, ...]) -> None:
    assert find_asked_names(question) == names


@pytest.mark.parametrize(
    ("text", "former"),
    [
        ("What was our first plan for the loom?", True),
        ("What came first for Ana, the loom or the mayor?", False),
        ("Which did Ana do first: move or change jobs?", False),
    ],
)
def test_which_of_two_came_first_asks_for_no_former_value(text: str, *, former: bool) -> None:
    asked = read_question(text, [], NOW)

    assert asked.order == "first"
    assert asked.asks_former is former
