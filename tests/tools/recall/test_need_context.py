"""Which notes of an answer come with their context."""

from tests.storage.samples import make_note

from zettel.tools.recall.answer import BEGINNING_CHARACTERS, need_context


def test_a_long_note_is_read_for_names_only_at_its_beginning() -> None:
    told = "so it was decided then " * BEGINNING_CHARACTERS
    late, early = make_note(f"{told} by Ana in Lyon"), make_note(f"By Ana in Lyon {told}")

    assert need_context([late]) == {late.note_id}
    assert need_context([early]) == set()


def test_long_notes_are_compared_by_their_beginnings() -> None:
    told = " ".join(f"word{number}" for number in range(BEGINNING_CHARACTERS))
    one, other = make_note(f"Ana in Lyon {told}"), make_note(f"Ana in Lyon {told} and more of it")
    apart = make_note(f"Ana in Lyon so it was decided {told[::-1]}")

    assert need_context([one, other, apart]) == {one.note_id, other.note_id}
