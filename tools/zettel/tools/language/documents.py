"""Cutting a document that is too long for one note."""

_ENDS = ("\n\n", "\n", "。", ". ", " ")
"""Where a document is cut rather: behind a paragraph, a line, a sentence, a word."""


def cut_document(text: str, most: int) -> list[str]:
    """Cut a text into parts of at most `most` characters, each but the last at least half of that.

    Nothing but white space between two parts is left out.
    """
    parts, start = list[str](), 0
    while len(text) - start > most:
        least = start + most // 2
        places = (text.rfind(end, least, start + most) + len(end) for end in _ENDS)
        at = next((place for place in places if place > least), start + most)
        parts.append(text[start:at])
        start = at
    parts.append(text[start:])
    return [stripped for part in parts if (stripped := part.strip())]
