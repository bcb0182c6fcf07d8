"""Calls whose answer is not settled yet; the machine leaves them out.

Each has a test in `tests/tools/test_two_clocks_open.py` that is expected to fail: when one passes,
its function goes.
"""

from datetime import datetime

from tests.model.sayings import Saying
from tests.model.words import Words


def times_of_what_is_superseded(old: Saying, words: Words) -> bool:
    """Other times for a note that another takes the place of: its end is not looked at again."""
    return old.taken_over is not None and bool(words.happened or words.ends or words.endless)


def restoring_what_is_superseded(old: Saying, back: Saying) -> bool:
    """The same by `restore_rev`."""
    return old.taken_over is not None or back.taken_over is not None


def same_date_ahead(old: Saying, words: Words, now: datetime) -> bool:
    """New words about a date that still lies ahead count as told when the old ones were."""
    new_words = words.content not in (None, old.content) and not words.correction
    return new_words and words.happened == old.happened and old.begins != min(old.happened, now)


def restoring_what_stands(old: Saying, back: Saying) -> bool:
    """A revision without a difference, where a link was taken out after evolution linked too."""
    return set(old.ties) == set(back.ties) and any(tie.ends for tie in old.ties)
