"""Reads the tables of words before the first call needs them."""

from datetime import UTC, datetime

from zettel.tools.language.change_cues import find_change_cue
from zettel.tools.language.marks import find_marks
from zettel.tools.language.names import find_names
from zettel.tools.ranking.question import read_question

_TEXT = "Ana moved to Lyon on 3 May."


def load_word_tables() -> None:
    """Read and compile the tables of all languages, once for the process; in a worker thread.

    The first note and the first question would else do it on the event loop, in 0.1 to 0.3 s each.
    """
    find_marks(_TEXT)
    find_change_cue(_TEXT)
    find_names(_TEXT)
    read_question(_TEXT, (), datetime.now(UTC))
