"""What the page says of errors whose own texts tell an agent which tool to call."""

from collections.abc import Mapping

from zettel.storage.errors import (
    ExpiredTokenError,
    FirstPartError,
    LessTrustedError,
    LessTrustedWordsError,
    NoteErasedError,
    NoteNotFoundError,
    ZettelError,
)

PAGE_WORDS: Mapping[type[ZettelError], str] = {
    NoteErasedError: (
        "Note {note_id!r} was erased at {erased_at}: nothing of it is left, and it cannot come"
        " back."
    ),
    NoteNotFoundError: "No note with id {note_id!r}.",
    ExpiredTokenError: (
        "This preview is more than 15 minutes old, or what it showed is gone, so nothing was done."
        " Open the note again to see what would be erased."
    ),
    FirstPartError: (
        "{note_id} is the first of {notes} notes that one text is kept in, so a whole text cannot"
        " take its place. Edit the one that says it, linked from its page; forgetting this one"
        " forgets them all."
    ),
    LessTrustedWordsError: (
        "Note {note_id} is yours; the words that would replace it {why} and count less, so nothing"
        " was changed."
    ),
    LessTrustedError: (
        "Note {note_id} is of somebody who is trusted more, so nothing was changed."
    ),
}
"""The first class that fits counts; names are the error's fields."""

PAGE_REMEDIES: Mapping[str, str] = {
    " Pass ids as recall and remember return them.": "",
    "Pass the id that recall returned.": "Open the note from a list.",
    "Pass the words to remember, self-contained.": "Type what the note is to say.",
    "Take it out, call again.": "Take it out, then try again.",
    'Call recall with note_ids and detail="full" to see its history.': "Open the note again.",
}
"""What an agent is advised, and a person in its place."""


def said(error: ZettelError) -> str:
    """The text of an error for a person who looks at the page."""
    for kind, words in PAGE_WORDS.items():
        if isinstance(error, kind):
            return words.format_map(vars(error))
    text = str(error)
    for advice, instead in PAGE_REMEDIES.items():
        text = text.replace(advice, instead)
    return text
