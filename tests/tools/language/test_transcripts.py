"""Raw talk told as one text: what is recognised, where it is cut, and what is left alone."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zettel.storage.notes import fold
from zettel.tools.language.documents import UNCUT_MAX_CHARACTERS, cut_document, cut_text
from zettel.tools.language.transcripts import PARTS_MAX, TextPart, cut_log, cut_talk
from zettel.tools.language.turn_times import read_turn_times

SAID = (
    "Did you see the new berth plan?",
    "I did, and I think we should moor at the north quay.",
    "My boat is too long for that, you know.",
    "Then you take the outer berth, and I tell the harbour master.",
    "Thanks! When do we have to be there?",
    "At six, before the tide turns.",
)
NAMES = ("Ana", "Ben") * 3
DAY = datetime(2026, 5, 12, tzinfo=UTC)


def talk(pattern: str, names: tuple[str, ...] = NAMES) -> str:
    """Six turns, each after a label of this form."""
    said = zip(names, SAID, strict=True)
    return "\n".join(pattern.format(name=who, said=text, n=n) for n, (who, text) in enumerate(said))


@pytest.mark.parametrize(
    "pattern",
    [
        "{name}: {said}",
        "{name}:\n{said}\n",
        "**{name}:** {said}",
        "**{name}**: {said}\n",
        "- {name}: {said}",
        "[10:3{n}] {name}: {said}",
        "10:3{n} {name}: {said}",
        "[10:3{n}] <{name}> {said}",
        "10:3{n}:09 <@{name}> {said}",
        "{name} (10:3{n}): {said}",
        "{name}  10:3{n} AM\n{said}\n",
        "{name} — Today at 10:3{n}\n{said}\n",
        "12/05/2026, 10:3{n} - {name}: {said}",
        "[2026-05-12 10:3{n}:11] {name}: {said}",
        "\u200e[12.05.26, 10:3{n}:11] {name}: {said}",
        "2026-05-12T10:3{n}:11Z {name}: {said}",
        "{n}\n00:00:0{n}.000 --> 00:00:0{n}.900\n{name}: {said}\n",
        "{name} : {said}",
        "{name}\u00a0: {said}",
        "{name}\u202f: {said}",
        "**{name}** : {said}",
        "**{name}** (10:3{n}): {said}",
        "**{name}** [10:3{n} AM]\n{said}\n",
        "00:0{n}:00.000 --> 00:0{n}:09.000\n<v {name}>{said}</v>\n",
        "<v.loud {name}>{said}",
        "<{name}> {said}",
        "<@{name}> {said}",
    ],
)
def test_talk_is_cut_where_a_turn_begins(pattern: str) -> None:
    text = talk(pattern)

    parts = [part for part in cut_talk(text) if part.speaker]

    assert [part.speaker for part in parts] == list(NAMES)
    assert all(said in part.content for part, said in zip(parts, SAID, strict=True))
    assert "".join(part.content for part in cut_talk(text)) == text


@pytest.mark.parametrize(
    "cues",
    [
        ["1\n00:00:01,000 --> 00:00:02,500\n", "2\n00:00:02,500 --> 00:00:09,000\n"],
        ["00:01.000 --> 00:02.500\n", "00:02.500 --> 00:09.000 align:start\n"],
        ["intro\n00:01.000 --> 00:02.500\n", "answer - 2\n00:02.500 --> 00:09.000\n"],
        ["1\r\n00:00:01,000 --> 00:00:02,500\r\n", "2\r\n00:00:02,500 --> 00:00:09,000\r\n"],
    ],
)
@pytest.mark.parametrize("between", ["\n\n", "\n\nNOTE by hand\n\n"])
def test_a_turn_of_subtitles_begins_where_its_cue_does(cues: list[str], between: str) -> None:
    turns = [
        f"{cue}{who}: {said}\nAnd a second line.{between}"
        for cue, who, said in zip(cues * 3, NAMES, SAID, strict=True)
    ]

    parts = cut_talk("".join(turns))

    assert [part.content for part in parts] == turns


def test_a_cue_without_a_label_goes_on_with_the_turn_and_one_of_two_turns_is_of_the_first() -> None:
    cue = "00:0{n}.000 --> 00:0{n}.900\n"
    ana = cue.format(n=1) + "Ana: Did you ask him?\n\n"
    ben = cue.format(n=2) + "Ben: I did.\n\n" + cue.format(n=3) + "And he said yes.\n\n"
    both = [cue.format(n=4) + "- Ana: Can we go?\n", "- Ben: You can, I stay."]

    assert [part.content for part in cut_talk("".join([ana, ben, *both]))] == [ana, ben, *both]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("Лена", "Павел", ("Ты придёшь завтра?", "Да?", "Я не знаю?", "Почему?")),
        ("小明", "小红", ("你明天来吗", "我来", "我也来", "好的")),
        ("Jürgen", "Zoë", ("Kommst du?", "Ich komme.", "Wir warten.", "Danke dir!")),
        ("Speaker 1", "Speaker 2", ("Can you hear me?", "I can.", "We begin.", "You first.")),
        ("Dr. Oyelaran", "Ana (PM)", ("Can you walk?", "I can.", "We go on.", "Thank you.")),
    ],
)
def test_speakers_of_any_script_and_with_roles_are_known(
    first: str, second: str, said: tuple[str, ...]
) -> None:
    colon = "：" if first == "小明" else ": "
    lines = [f"{who}{colon}{text}" for who, text in zip((first, second) * 2, said, strict=True)]

    parts = cut_talk("\n".join(lines))

    assert [part.speaker for part in parts] == [first, second] * 2


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (
            "Owner",
            "Tenant",
            ("Is the boiler out?", "It was on Sunday.", "I send Marek.", "Thanks!"),
        ),
        ("Reviewer", "Author", ("Why do you catch it?", "I must.", "Then log it.", "I will.")),
        (
            "Owner 1",
            "Owner 2",
            ("Who pays? I can not.", "We all do.", "I never signed.", "You did."),
        ),
        ("Contact", "Guest", ("Is it you?", "It is me.", "I heard of it.", "I need a taxi.")),
        ("Verwalter", "Zuständig", ("Stimmt sie?", "Ich prüfe sie.", "Und?", "Ich rufe Sie an.")),
        ("Inquilina", "Autor", ("¿Vienes?", "Voy el martes.", "Te espero.", "Gracias.")),
        (
            "Auteur",
            "Éditrice",
            ("Vous l'avez lu ?", "Je l'ai lu.", "Je coupe ?", "Oui, vous coupez."),
        ),
        ("担当", "客", ("ご予約は何時ですか？", "三時です。", "お名前は？", "田中です。")),
        ("负责人", "工人", ("你什么时候来？", "我周三来。", "好的。", "谢谢，再见。")),
    ],
)
def test_people_called_by_a_post_that_a_form_has_too_are_speakers_where_they_talk(
    first: str, second: str, said: tuple[str, ...]
) -> None:
    lines = [f"{who}: {text}" for who, text in zip((first, second) * 2, said, strict=True)]

    parts = cut_talk("\n".join(lines))

    assert [part.speaker for part in parts] == [first, second] * 2


def test_a_person_and_an_agent_are_named_alike_whatever_the_export_calls_them() -> None:
    text = "## Human\nWrite a haiku.\n\n## Claude\nTide turns without me.\n"

    assert [part.speaker for part in cut_talk(text)] == ["user", "assistant"]


def _as_messages(said: tuple[str, ...] = SAID) -> list[dict[str, object]]:
    roles = ("user", "assistant") * len(said)
    return [
        {"role": role, "content": text, "n": [n, {"x": "[{"}]}
        for n, (role, text) in enumerate(zip(roles, said, strict=False))
    ]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(_as_messages()),
        json.dumps(_as_messages(), indent=2) + "\n",
        json.dumps({"model": "m", "messages": _as_messages()}, indent=1),
        "\n".join(map(json.dumps, _as_messages())) + "\n",
    ],
)
def test_messages_in_json_are_the_turns_of_a_person_and_an_agent(text: str) -> None:
    parts = cut_talk(text)

    assert [part.speaker for part in parts] == ["user", "assistant"] * 3
    assert all(said in part.content for part, said in zip(parts, SAID, strict=True))
    assert "".join(part.content for part in parts) == text


@pytest.mark.parametrize("text", ["[" * 100_000, '{"role": "user", "content": ' + "[" * 100_000])
def test_json_of_any_depth_is_read_without_harm(text: str) -> None:
    assert cut_talk(text) == []


def test_minutes_keep_what_comes_before_the_first_turn_and_lines_that_go_on() -> None:
    head = "# Harbour meeting\nDate: 12 May 2026\nAttendees: Ana, Ben, Cleo\n\n"
    text = head + talk("{name}: {said}\n  And a line that goes on.") + "\nCleo: I agree with you."

    first, *turns = cut_talk(text)

    assert first == TextPart(content=head)
    assert [turn.speaker for turn in turns] == [*NAMES, "Cleo"]
    assert turns[0].content == f"Ana: {SAID[0]}\n  And a line that goes on.\n"


def _look_alikes() -> dict[str, str]:
    file = Path(__file__).with_name("not_talk.txt")
    texts = file.read_text(encoding="utf-8").split("=== ")[1:]
    return dict(text.split("\n", 1) for text in texts)


@pytest.mark.parametrize("name", _look_alikes())
def test_lists_of_fields_code_and_prose_are_no_talk(name: str) -> None:
    text = _look_alikes()[name]

    assert cut_talk(text) == []
    assert cut_log(text) == []


def test_entries_of_a_log_keep_their_lines_together_and_their_order() -> None:
    entries = [
        f"2026-05-12 10:{n:02}:07,120 ERROR harbour.berths no berth {n}\n"
        f'  File "berths.py", line {n}\n'
        for n in range(60)
    ]

    parts = cut_log("".join(entries))

    assert "".join(part.content for part in parts) == "".join(entries)
    assert 1 < len(parts) < len(entries)
    assert all(part.content.startswith("2026-05-12 10:") for part in parts)
    assert {part.speaker for part in parts} == {""}


def test_a_short_text_is_kept_whole_because_an_answer_quotes_it_whole() -> None:
    text = talk("{name}: {said}")
    assert len(text) <= UNCUT_MAX_CHARACTERS

    assert [part.content for part in cut_text(text, 1000, raw=True)] == [text]


def test_a_text_that_is_not_raw_is_never_cut_at_its_labels() -> None:
    text = talk("{name}: {said}") * 10

    assert [part.content for part in cut_text(text, 10_000, raw=False)] == [text]


def test_a_very_long_talk_becomes_a_bounded_number_of_parts() -> None:
    text = talk("{name}: {said}\n") * 1000

    parts = cut_talk(text)

    assert PARTS_MAX / 4 < len(parts) <= PARTS_MAX + 1
    assert "".join(part.content for part in parts) == text


lines = st.sampled_from(
    [
        "Ana: I do. And you?",
        "Ben: You do.",
        "Ben:",
        "",
        " ",
        "```",
        "Note: x",
        "[10:31] ana: hi",
        "<v Ana>I do",
    ]
) | st.text(max_size=20)
texts = st.text(max_size=200) | st.lists(lines, max_size=120).map("\n".join)


@given(text=texts, most=st.integers(min_value=2, max_value=80), raw=st.booleans())
def test_the_parts_of_any_text_joined_are_the_text(text: str, most: int, raw: bool) -> None:
    parts = cut_text(text, most, raw=raw)

    assert all(part.content.strip() and len(part.content) <= most for part in parts)
    joined = "".join(part.content for part in parts)
    assert fold(joined).replace(" ", "") == fold(text).replace(" ", "")
    if len(cut_document(text, most)) * most >= len(text) and text.strip() and most >= len(text):
        assert joined == text


@given(text=texts)
def test_the_turns_of_any_text_joined_are_the_text_to_the_letter(text: str) -> None:
    for cut in (cut_talk, cut_log):
        if parts := cut(text):
            assert "".join(part.content for part in parts) == text
            moments = read_turn_times(parts, DAY, dated=True, now=DAY).moments
            assert len(moments) == len(parts)
            assert list(moments) == sorted(moments)
