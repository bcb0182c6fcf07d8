"""Changes that are announced: what a note tells takes effect on a later day."""

from datetime import datetime

from zettel.storage.notes import Note, Outline
from zettel.tools.language.dates import changes_on, names_time_after, takes_effect


def takes_effect_later(
    coming: Note | Outline, present: Note | Outline, now: datetime
) -> datetime | None:
    """When what a note tells instead of another takes effect, if the other one is so until then.

    "From 1 May" begins later unless the other note does, too. A day on which something becomes
    otherwise ("Nina starts at Siemens on 1 January") does not if the other names a time to come as
    well, for then it may be the day that has changed.

    Args:
        coming: What may be so later.
        present: What it is instead of.
        now: The moment.

    Returns:
        None if it is so already, or either is not so yet.
    """
    if not any(span.start > now for span in coming.times):
        return None
    begins = takes_effect(coming.content, coming.happened_at)
    if begins and begins > now:
        other = takes_effect(present.content, present.happened_at)
        return None if other and other > now else begins
    changes = changes_on(coming.content, coming.happened_at)
    if changes and changes > now:
        also = names_time_after(present.content, present.happened_at, now)
        return None if also else changes
    return None
