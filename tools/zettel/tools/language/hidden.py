"""Characters that a person does not see: invisible ones within words, and terminal controls."""

import re

import regex

_SUSPECT = re.compile(
    "[\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e01ef]"
)
"""All that the patterns below begin with: a text without any of it is done with."""
_TAG_BLOCK = regex.compile(r"[\U000e0000-\U000e007f]+")
_FLAG = regex.compile(r"\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,16}\U000e007f")
"""The flag of a region, as of England: the one use of tags in honest text (UTS 51)."""
_SELECTORS = regex.compile(r"[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}")
"""Honest text has one selector behind a character, never a run of them."""
_OVERRIDES = regex.compile(r"[\u202d\u202e]")
_EMBEDDINGS = regex.compile(r"[\u202a-\u202c\u2066-\u2069]")
_RIGHT_TO_LEFT = regex.compile(r"[\p{Bidi_Class=R}\p{Bidi_Class=AL}]")
_UNSEEN = (
    # Never seen in honest text, but for the Hangul and Mongolian fillers in their own script.
    r"[\u2061-\u2064\u206a-\u206f\ufff9-\ufffb\U0001d173-\U0001d17a]"
    r"|(?<![\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff\uac00-\ud7a3])[\u115f\u1160\u3164\uffa0]"
    r"|(?<!\p{Mongolian})\u180e"
)
_BROAD = r"[\p{Latin}\p{Cyrillic}\p{Greek}\p{Armenian}\p{Hebrew}\p{Han}\p{Nd}]"
_WITHIN_WORDS = (
    # Arabic, Indic and emoji sequences need joiners, Thai and Khmer break lines by spaces without
    # width: these scripts do not.
    rf"{_BROAD}[\u200b-\u200f\u2060\ufeff\u061c\u034f]+(?={_BROAD})"
    r"|[\u200b-\u200f\u2060\ufeff]{4,}"
    r"|(?<!^)\ufeff(?=\p{L})"
)
_HIDDEN = regex.compile(f"{_UNSEEN}|{_WITHIN_WORDS}")
_TERMINAL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\x80-\x84\x86-\x9f]|[^\r\n]\r+(?=[^\r\n])")
"""C0 and C1 controls but white space and NEL, and a return to the start of a written line."""


def hides_characters(text: str) -> bool:
    """Whether a text holds characters that are not shown, other than honest joiners and flags."""
    if text.isascii() or not _SUSPECT.search(text):
        return False
    plain = _FLAG.sub("", text)
    return bool(
        _TAG_BLOCK.search(plain)
        or _SELECTORS.search(plain)
        or _OVERRIDES.search(plain)
        or _HIDDEN.search(plain)
        or (_EMBEDDINGS.search(plain) and not _RIGHT_TO_LEFT.search(plain))
    )


def controls_terminal(text: str) -> bool:
    """Whether a text holds control characters that a terminal obeys."""
    return _TERMINAL.search(text) is not None


def read_hidden(text: str) -> str:
    """The words written in tags and in variation selectors, which nobody sees."""
    if text.isascii() or not _SUSPECT.search(text):
        return ""
    tags = "".join(_TAG_BLOCK.findall(_FLAG.sub("", text)))
    written = "".join(
        chr(ord(tag) - 0xE0000) for tag in tags if "\U000e0020" <= tag <= "\U000e007e"
    )
    numbers = bytes(map(_selector_number, "".join(_SELECTORS.findall(text))))
    return f"{written}\n{numbers.decode('utf-8', 'ignore')}".strip()


def _selector_number(selector: str) -> int:
    point = ord(selector)
    return point - 0xFE00 if point < 0xFE10 else point - 0xE0100 + 16
