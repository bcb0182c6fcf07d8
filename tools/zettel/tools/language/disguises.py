"""The readings of a text: encodings, ciphers, look-alike letters, letters apart.

A disguise is undone only where the result holds words of orders, and all readings of a text
together are at most `READINGS_MAX_CHARACTERS` long.
"""

import base64
import binascii
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from html import unescape
from importlib.resources import files
from urllib.parse import unquote

import regex

from zettel.tools.language.orders import Vocabulary, load_vocabulary, simplify
from zettel.tools.language.payloads import read_hidden

DECODING_MAX_DEPTH = 3
DECODED_MAX_CHARACTERS = 32_768
PIECE_MIN_CHARACTERS = 8
"""Shortest decoded text that can be an order."""
_PRINTABLE_SHARE = 0.9

_JOINED = re.compile(r"(?<=\w)(?:<[^<>\n]{0,200}>|[*`~]{1,4}|\\)+(?=\w)")
"""Markup within a word, which a page does not show."""
_CONTROLS = re.compile(
    r"\x1b(?:\[[0-?]{0,40}[ -/]{0,4}[@-~]|\][^\x07\x1b\n]{0,200}(?:\x07|\x1b\\)?|[@-_])"
    r"|[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]"
)
"""Control sequences of terminals, which would otherwise be read as letters."""
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}+={0,2}")
_BASE64_LINES = re.compile(
    r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{20,}+(?:\r?\n[A-Za-z0-9+/]{4,}+)++={0,2}"
)
_BASE32 = re.compile(r"\b[A-Z2-7]{24,}+={0,6}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[\s:,]{0,2}){8,}+")
_BINARY = re.compile(r"(?:[01]{8}[\s,]{0,2}){8,}+")
_DECIMAL = re.compile(r"(?:\b1?\d\d[\s,;]{1,2}){8,}\d{2,3}\b")
_ESCAPES = re.compile(
    r"\\u\{?([0-9a-fA-F]{4,6})\}?|\\x([0-9a-fA-F]{2})|\\([0-7]{3})|\bu\+([0-9a-fA-F]{4,5})\s?"
)
_PERCENT = re.compile(r"%[0-9a-fA-F]{2}")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,10});")
_APART = re.compile(r"(?<!\w)\w(?:[^\w\n]{1,4}\w(?!\w)|_\w(?!\w)){5,}")
"""Letters one by one: "i g n o r e", "i-g-n-o-r-e"."""
_GLUED = re.compile(r"[a-z]{16,}")
_WORDS = re.compile(r"[a-z0-9@$!|]{4,}")
_LEET = re.compile(
    r"(?<![\w@$!|./:-])(?=[0-9@$!|]{0,3}[a-z])[a-z0-9@$!|]{2,}(?<![!|])(?![\w./:@-]{0,3}://)"
)
_CIPHER_MIN_LETTERS = 4
_GATE_WORD_CHARACTERS = 5
_GATE_WEIGHT = 3
"""Words of orders that make another reading worth it: a word of four letters weighs 1, others 2."""
_LEET_LETTERS = str.maketrans("0134578@$!|9", "oieastbasiig")
_ALIKE = str.maketrans("0134578@$!|9l", "oieastbasiigi")
_GLUE_PREFIX = 3
_FORM_SPACES = str.maketrans("+=&", "   ")


@dataclass(frozen=True, slots=True)
class TextReading:
    """One thing that a text may say."""

    text: str
    vocabulary: Vocabulary
    """Whose terms are spelled as the text is."""


def readings_of(text: str) -> Iterator[TextReading]:
    """The text as it is shown, then what it says in disguise."""
    plain = load_vocabulary()
    decoded = "\n".join(decode(text))
    raw = _JOINED.sub("", _CONTROLS.sub("", text))
    raw = f"{raw}\n\n{decoded}" if decoded else raw
    shown = simplify(raw)
    yield TextReading(shown, plain)
    words = set(_WORDS.findall(shown))
    for other in (*_ciphers(shown, words), *_separated(shown)):
        yield TextReading(other, plain)
    alike = _read_alike(raw, words, plain)
    if alike:
        yield TextReading(alike, load_vocabulary(spell_alike))


_ODD_LETTERS = regex.compile(
    r"(?V1)[[\p{L}\p{So}]--[\x00-\u0130\u0132-\u024f\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}"
    r"\p{Arabic}\p{Devanagari}\p{Thai}\p{Hebrew}]]"
)
_LETTER_NAME = re.compile(
    r"(?:LATIN LETTER SMALL CAPITAL|REGIONAL INDICATOR SYMBOL LETTER"
    r"|NEGATIVE (?:CIRCLED|SQUARED) LATIN CAPITAL LETTER) ([A-Z])$"
)


@cache
def _alike_letters() -> dict[int, str]:
    """Letters of all scripts that look like a Latin one (UTS 39), and Latin ones in a frame."""
    found = dict[int, str]()
    # The data of the library alone: its functions look at one string as a whole.
    file = files("confusable_homoglyphs") / "confusables.json"
    data: dict[str, list[dict[str, str]]] = json.loads(file.read_text(encoding="utf-8"))
    for character, others in data.items():
        for other in others:
            if (
                len(character) == 1
                and not character.isascii()
                and re.fullmatch("[A-Za-z]", other["c"])
            ):
                found[ord(character)] = other["c"]
    for point in (
        *range(0x250, 0x2B0),
        *range(0x1D00, 0x1D80),
        *range(0xA720, 0xA800),
        *range(0x1F150, 0x1F200),
    ):
        name = _LETTER_NAME.match(unicodedata.name(chr(point), ""))
        if name:
            found[point] = name[1]
    return found


def spell_alike(text: str) -> str:
    """The simple form in which look-alike letters, and digits in place of letters, are equal."""
    if not text.isascii() and _ODD_LETTERS.search(text):
        text = text.translate(_alike_letters())
    simple = _LEET.sub(_letters_of, simplify(text))
    return simple.replace("l", "i")


def _letters_of(chunk: re.Match[str]) -> str:
    return chunk.group().translate(_LEET_LETTERS)


def _read_alike(raw: str, words: set[str], plain: Vocabulary) -> str:
    """The text by the look of its letters, where that makes words that it does not show."""
    known = load_vocabulary(spell_alike).words.keys()
    if raw.isascii() or not _ODD_LETTERS.search(raw):
        shown = words & plain.words.keys()
        if known.isdisjoint(word.translate(_ALIKE) for word in words - shown):
            return ""
        return spell_alike(raw)
    alike = spell_alike(raw)
    seen = {word.translate(_ALIKE) for word in words}
    return "" if known.isdisjoint(set(_WORDS.findall(alike)) - seen) else alike


def decode(text: str) -> Iterator[str]:
    """Texts that are encoded within a text, to a bounded depth and size."""
    left, layer = DECODED_MAX_CHARACTERS, text
    hidden = read_hidden(text)
    for depth in range(DECODING_MAX_DEPTH):
        pieces = list(_decode_once(layer))
        if not depth and hidden:
            pieces.append(hidden)
        layer = "\n".join(pieces)[:left]
        if len(layer) < PIECE_MIN_CHARACTERS:
            return
        left -= len(layer)
        yield layer


def _decode_once(text: str) -> Iterator[str]:
    if "&" in text and _ENTITY.search(text):
        yield unescape(text)
    if "%" in text and _PERCENT.search(text):
        # "=" too: a parameter's value would otherwise be read as part of an address.
        yield unquote(text).translate(_FORM_SPACES)
    if ("\\" in text or "+" in text) and _ESCAPES.search(text):
        yield _ESCAPES.sub(_character, text)
    for pattern, read in _BYTES:
        for found in pattern.finditer(text):
            piece = _as_text(read(found.group()))
            if piece:
                yield piece


def _character(escape: re.Match[str]) -> str:
    code = escape[1] or escape[2] or escape[4]
    point = int(code, 16) if code else int(escape[3], 8)
    return chr(point) if point < 0x110000 else ""


def _as_text(read: bytes) -> str:
    """Decoded bytes, if they are text rather than a hash, a picture or an ordinary word."""
    if len(read) < PIECE_MIN_CHARACTERS:
        return ""
    try:
        text = read.decode()
    except UnicodeDecodeError:
        return ""
    seen = sum(map(str.isprintable, text)) + text.count("\n")
    return text if seen >= _PRINTABLE_SHARE * len(text) else ""


def _from_base64(run: str) -> bytes:
    digits = re.sub(r"[\s=]", "", run).translate(str.maketrans("-_", "+/"))
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return base64.b64decode(digits + "=" * (-len(digits) % 4))


def _from_base32(run: str) -> bytes:
    digits = run.rstrip("=")
    try:
        return base64.b32decode(digits + "=" * (-len(digits) % 8))
    except binascii.Error:
        return b""


def _from_hex(run: str) -> bytes:
    return bytes.fromhex(re.sub(r"[\s:,]", "", run))


def _from_binary(run: str) -> bytes:
    return bytes(int(digits, 2) for digits in re.findall(r"[01]{8}", run))


def _from_decimal(run: str) -> bytes:
    return bytes(min(int(digits), 255) for digits in re.findall(r"\d+", run))


_BYTES: tuple[tuple[re.Pattern[str], Callable[[str], bytes]], ...] = (
    (_BASE64, _from_base64),
    (_BASE64_LINES, _from_base64),
    (_BASE32, _from_base32),
    (_HEX, _from_hex),
    (_BINARY, _from_binary),
    (_DECIMAL, _from_decimal),
)


@cache
def _disguised_words() -> tuple[dict[str, list[str]], set[str]]:
    """Words of orders by their form shifted to begin with "a", and the set of them reversed."""
    plain = {word for word in load_vocabulary().words if _is_cipher_word(word)}
    shifted = dict[str, list[str]]()
    for word in plain:
        shifted.setdefault(_from_a(word), []).append(word)
    return shifted, {word[::-1] for word in plain}


def _is_cipher_word(word: str) -> bool:
    return len(word) >= _CIPHER_MIN_LETTERS and word.isascii() and word.isalpha()


def _from_a(word: str) -> str:
    return word.translate(_shift(ord("a") - ord(word[0])))


def _restoring_shift(word: str) -> int | None:
    """The shift that turns a disguised word into one of an order; 0 if it is one reversed.

    None for a plain word of an order, and for any other word.
    """
    if not _is_cipher_word(word):
        return None
    shifted, reversed_words = _disguised_words()
    plain = shifted.get(_from_a(word), ())
    if word in plain:
        return None
    if word in reversed_words:
        return 0
    return min(((ord(order[0]) - ord(word[0])) % 26 for order in plain), default=None)


@cache
def _shift(by: int) -> dict[int, int]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    by %= len(letters)
    return str.maketrans(letters, letters[by:] + letters[:by])


def _ciphers(simple: str, words: set[str]) -> Iterator[str]:
    """The text reversed or with the alphabet shifted, where that makes words of orders."""
    counts = dict[int, int]()
    for word in words:
        by = _restoring_shift(word)
        if by is not None:
            counts[by] = counts.get(by, 0) + min(len(word), _GATE_WORD_CHARACTERS) - 3
    by, count = max(counts.items(), key=lambda entry: entry[1], default=(0, 0))
    if count < _GATE_WEIGHT:
        return
    if by:
        yield simple.translate(_shift(by))
    else:
        yield simple[::-1]
        yield " ".join(word[::-1] for word in simple.split())


def _separated(simple: str) -> Iterator[str]:
    """Letters that stand apart or words that stand together, as words."""
    runs = [re.sub(r"[\W_]", "", found.group()) for found in _APART.finditer(simple)]
    runs += _GLUED.findall(simple)
    if runs:
        yield "\n".join(map(split_words, runs))


@cache
def _glued_words() -> dict[str, list[str]]:
    """Words of orders by their first letters, the longest first."""
    vocabulary = load_vocabulary()
    found = dict[str, list[str]]()
    for word in sorted(vocabulary.words, key=len, reverse=True):
        if len(word) >= _GLUE_PREFIX:
            found.setdefault(word[:_GLUE_PREFIX], []).append(word)
    return found


def split_words(run: str) -> str:
    """The known words of a run of letters, apart."""
    at, words, known = 0, list[str](), _glued_words()
    while at < len(run):
        for word in known.get(run[at : at + _GLUE_PREFIX], ()):
            if run.startswith(word, at):
                words.append(word)
                at += len(word)
                break
        else:
            at += 1
    return " ".join(words)
