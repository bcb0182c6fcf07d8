"""Latin letters without their accents, as they are typed on a keyboard that lacks them."""

from unicodedata import combining, normalize

_STROKES = {
    **{"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "þ": "th", "Þ": "Th"},
    **{"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "ı": "i"},
}
"""Letters that Unicode does not take apart."""
_LATIN = (range(0xC0, 0x250), range(0x1E00, 0x1F00))
"""Latin-1 Supplement to Latin Extended-B, and Latin Extended Additional."""
_MARKS = range(0x300, 0x370)
"""Combining Diacritical Marks: what is left of them in NFC has no letter of its own."""


def _letters() -> dict[int, str | None]:
    found: dict[int, str | None] = dict.fromkeys(_MARKS)
    for code in (code for block in _LATIN for code in block):
        apart = normalize("NFD", chr(code))
        plain = "".join(letter for letter in apart if not combining(letter))
        if plain != chr(code):
            found[code] = plain
    return found | {ord(letter): plain for letter, plain in _STROKES.items()}


_PLAIN = _letters()


def without_accents(text: str) -> str:
    """The text with plain letters for accented Latin ones: "Łukasz" is "Lukasz".

    Args:
        text: As `normalise` or `fold` leave it. Letters of other scripts stay.
    """
    return text if text.isascii() else text.translate(_PLAIN)


_SPELLED_OUT = (("ä", "ae"), ("ö", "oe"), ("ü", "ue"))


def other_spellings(name: str) -> list[str]:
    """A folded name with its umlauts spelled out, and with what may be such in one letter.

    "jürgen" may be "juergen", and "juergen" "jürgen".
    """
    out = back = name
    for letter, letters in _SPELLED_OUT:
        out, back = out.replace(letter, letters), back.replace(letters, letter)
    return [one for one in (out, back) if one != name]
