"""The advertised schemas of the tools' arguments."""

from tests.tools.conftest import pick

from zettel.server.protocol.tools import TOOLS
from zettel.tools.validation import MAX_CONTENT, MAX_LIMIT


def test_bounds_that_help_a_caller_are_advertised() -> None:
    remember, recall = (TOOLS[name].advertised.input_schema for name in ("remember", "recall"))

    assert pick(remember, "properties", "content", "maxLength") == MAX_CONTENT
    assert pick(recall, "properties", "limit", "maximum") == MAX_LIMIT
