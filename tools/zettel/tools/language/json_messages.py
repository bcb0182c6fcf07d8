"""What messages in JSON say, without the names of their fields and the escapes of JSON.

`{"role": "user", "content": "…"}`: the fields and the role would otherwise be read as words.
"""

import regex as re

from zettel.storage.notes import fold
from zettel.tools.language.talk_words import talk_words

_WHO = r"role|from|sender|speaker|author"
_SAID = r"content|text|message|value|body"
_STRING = r"\"(?P<{name}>(?:[^\"\\]|\\.)*+)(?:\"|\Z)"
"""Without its end in a part of a message."""
_WHO_FIELD = re.compile(rf"\"(?:{_WHO})\"\s*+:\s*+\"")
_SAID_FIELD = re.compile(rf"\"(?:{_SAID})\"\s*+:")
_FIELD = re.compile(
    rf"[\s\[{{,]{{0,16}}(?:\"(?:{_WHO})\"\s*+:\s*+{_STRING.format(name='who')}"
    rf"|\"type\"\s*+:\s*+\"(?:{_SAID})\""
    rf"|\"(?:{_SAID})\"\s*+:\s*+(?:{_STRING.format(name='said')})?+)[\s\]}},]{{0,16}}+",
    re.DOTALL,
)
"""With the brackets and commas around it, which would end no sentence."""
_ESCAPE = re.compile(
    r"\\(?:u(?P<high>[dD][89abAB][\da-fA-F]{2})\\u(?P<low>[dD][c-fC-F][\da-fA-F]{2})"
    r"|u(?P<unit>[\da-fA-F]{4})|(?P<sign>[\"\\/bfnrt]))"
)
_SIGNS = {"b": " ", "f": " ", "n": "\n", "r": "\n", "t": "\t"}
"""White space for what a terminal would obey: in JSON it is written out."""


def without_json(text: str) -> str:
    """The text with each message in JSON replaced by what it says, on lines of its own.

    The roles of user and assistant are left out. Everything else stays: other roles and fields, and
    the text around.
    """
    # The quotation mark first: most texts have none, and patterns take longer to tell.
    if '"' not in text or not _WHO_FIELD.search(text) or not _SAID_FIELD.search(text):
        return text
    return _FIELD.sub(_bare, text)


def _bare(field: "re.Match[str]") -> str:
    if (who := field["who"]) is not None:
        return "" if fold(_unescaped(who)) in talk_words().roles else f"\n{_unescaped(who)} "
    return f"\n{_unescaped(field['said'] or '')} "


def _unescaped(said: str) -> str:
    return _ESCAPE.sub(_character, said) if "\\" in said else said


def _character(escape: "re.Match[str]") -> str:
    if sign := escape["sign"]:
        return _SIGNS.get(sign, sign)
    if escape["high"]:
        pair = bytes.fromhex(escape["high"] + escape["low"])
        return pair.decode("utf-16-be")
    character = chr(int(escape["unit"], 16))
    return character if character.isprintable() or character.isspace() else escape[0]
