"""Which notes of an answer come with their context."""

from tests.storage.samples import make_note

from zettel.tools.recall.answer import NAMED_BY_CHARACTERS, need_context


def test_a_long_note_is_read_for_names_only_at_its_beginning() -> None:
    told = "so it was decided then " * NAMED_BY_CHARACTERS
    late, early = make_note(f"{told} by Ana in Lyon"), make_note(f"By Ana in Lyon {told}")

    assert need_context([late]) == {late.note_id}
    assert need_context([early]) == set()
