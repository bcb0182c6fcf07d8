"""Differences between revisions, as people read them."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from zettel.server.commands.diffs import differences, word_difference
from zettel.server.commands.output import printable
from zettel.storage.notes import Kind, Link, Note

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOTE = Note(
    note_id="n",
    namespace="proj",
    content="Ana lives in Lyon",
    tags=("home", "paris"),
    happened_at=NOON,
    valid_from=NOON,
    known_from=NOON,
)


def lines(old: Note | None, new: Note) -> list[str]:
    return [difference.as_line() for difference in differences(old, new)]


def test_a_list_tells_what_came_and_what_went() -> None:
    assert lines(NOTE, replace(NOTE, tags=("lyon", "home"))) == ["tags: + lyon, - paris"]


def test_a_short_text_tells_old_and_new() -> None:
    changed = replace(NOTE, content="Ana lives in Oslo", kind=Kind.SEMANTIC)

    assert lines(NOTE, changed) == [
        "content: Ana lives in Lyon -> Ana lives in Oslo",
        "kind: episodic -> semantic",
    ]


def test_a_text_that_comes_or_goes_is_told_alone() -> None:
    told = replace(NOTE, subject="Ana")

    assert lines(NOTE, told) == ["subject: + Ana"]
    assert lines(told, NOTE) == ["subject: - Ana"]


def test_a_long_text_tells_only_the_words_that_changed() -> None:
    words = [f"word{number}" for number in range(40)]
    old = " ".join(words)
    new = " ".join([*words[:20], "other", *words[21:]])

    assert word_difference(old, new) == (
        "… word16 word17 word18 word19 [-word20-] {+other+} word21 word22 word23 word24 …"
    )


def test_a_link_that_was_taken_out_counts_as_removed() -> None:
    link = Link(to="m", relation="supports", made_at=NOON)
    linked = replace(NOTE, links=(link,))
    ended = replace(NOTE, links=(replace(link, valid_until=NOON),))

    assert lines(NOTE, linked) == ["links: + supports m"]
    assert lines(linked, ended) == ["links: - supports m"]
    assert lines(ended, NOTE) == []


def test_the_first_revision_tells_everything_it_says() -> None:
    assert lines(None, NOTE) == ["content: + Ana lives in Lyon", "tags: + home, + paris"]


def test_json_holds_the_texts_whole() -> None:
    old, new = NOTE, replace(NOTE, content="x " * 100, tags=())

    told = {difference.name: difference.as_json() for difference in differences(old, new)}

    assert told == {
        "content": {"old": NOTE.content, "new": "x " * 100},
        "tags": {"removed": ["home", "paris"]},
    }


def test_a_notes_words_do_not_steer_the_terminal() -> None:
    assert lines(NOTE, replace(NOTE, subject="\x1b[31mred\u202e")) == [
        r"subject: + \x1b[31mred\u202e"
    ]
    assert printable("naïve 東京 💥") == "naïve 東京 💥"


@given(st.lists(st.sampled_from("abcd"), max_size=30), st.lists(st.sampled_from("abcd")))
def test_a_word_difference_holds_every_word_that_is_not_in_both(
    old: list[str], new: list[str]
) -> None:
    told = word_difference(" ".join(old), " ".join(new))

    assert (told == "(white space only)") == (old == new)
    if set(old) - set(new):
        assert "[-" in told
    if set(new) - set(old):
        assert "{+" in told
