"""What the page says of errors whose own texts are for an agent."""

from collections.abc import Callable

import pytest

from zettel.server.page.errors import said
from zettel.storage.errors import InvalidArgumentError
from zettel.tools.validation import check_content, check_ids, check_text


@pytest.mark.parametrize(
    ("refuse", "told"),
    [
        (lambda: check_content(" "), "Type what the note is to say."),
        (lambda: check_text("subject", "a\x00", most=9), "Take it out, then try again."),
        (lambda: check_ids("note_ids", ["bees"]), "'bees' is not a note id."),
    ],
)
def test_a_person_is_advised_what_a_person_can_do(refuse: Callable[[], object], told: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        refuse()

    assert said(refused.value).endswith(told)
    assert said(refused.value) != str(refused.value)
