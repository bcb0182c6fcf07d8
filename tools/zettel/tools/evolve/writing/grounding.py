"""Checks that an LLM's text contains only names, numbers and addresses of its sources."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from unicodedata import normalize

import regex as re

from zettel.storage.notes import REVISED_BY, Note, fold
from zettel.tools.language.prompt_injection import reads_like_instructions

Fault = Literal["malformed", "too_long", "instructions", "invented"]
"""Why a text is rejected."""

_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\p{N}+(?:[.,:/\-]\p{N}+)*")
_CAPITAL = re.compile(r"[\p{Lu}\p{Lt}]")
_DIGIT = re.compile(r"\p{N}")
_ADDRESS = re.compile(r"(?:\w+://|www\.)\S*|\S+@\S+", re.IGNORECASE)
_MALFORMED = re.compile(r"[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Bidi_Control}<>]")
"""Controls, unpaired surrogates, reordering characters, and delimiters."""
_NUMBER_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen twenty"
).split()
_LARGE = frozenset(
    "thirty forty fifty sixty seventy eighty ninety dozen hundred thousand million".split()
)
_SPELLED = {word: str(value) for value, word in enumerate(_NUMBER_WORDS)}
_NO_NAMES = frozenset(
    "a about after an and are as at before both but by can could did do does during for from had"
    " has have he her his how i if in is it its my of on or our she should that the their these"
    " they this those to was we were what when where which who why will with would you your".split()
)
"""Words that are never names; any other capitalised word counts as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Names, numbers and words that a text may contain."""

    words: frozenset[str]
    """Folded; spelled-out numbers as digits too."""
    numbers: frozenset[str]
    """As written, `1,300` and `10:45` whole."""
    text: str
    """The whole text, folded."""
    foreign: frozenset[str]
    """Folded words of names that only the other shown notes contain."""


def sources_of(notes: Iterable[Note], *, shown: Sequence[Note] = ()) -> Sources:
    """The sources of a text about some notes; names from the rest of `shown` are foreign."""
    own = list(notes)
    text = "\n".join(_said(note) for note in own)
    words = frozenset(fold(word) for word in _words(text))
    spelled = frozenset(_SPELLED[word] for word in words if word in _SPELLED)
    ids = {note.note_id for note in own}
    others = [name for n in shown if n.note_id not in ids for name in (*n.entities, n.subject)]
    return Sources(
        words=words | spelled,
        numbers=frozenset(_NUMBER.findall(fold(text))) | spelled,
        text=fold(text),
        foreign=frozenset(fold(word) for word in _words(" ".join(others))) - words - _NO_NAMES,
    )


def fault(value: str, sources: Sources, *, most: int) -> Fault | None:
    """The fault of a text with white space normalised; None if it may be used.

    At most `most` characters. In scripts without capitals (Arabic, Chinese) names are not checked.
    """
    if not value or _MALFORMED.search(value):
        return "malformed"
    if len(value) > most:
        return "too_long"
    if reads_like_instructions(value):
        return "instructions"
    folded = fold(value)
    if any(address not in sources.text for address in _ADDRESS.findall(folded)):
        return "invented"
    if any(number not in sources.numbers for number in _NUMBER.findall(folded)):
        return "invented"
    if any(_is_invented(word, sources) for word in _words(value)):
        return "invented"
    return None


def given(note: Note) -> tuple[str, tuple[str, ...]]:
    """Context and tags given by an agent; no tags if an LLM may have added some."""
    makers = note.derived_by
    taught = any(link.relation == REVISED_BY and link.made_by == "llm" for link in note.links)
    context = note.context if makers.get("context") == "agent" else ""
    return context, note.tags if makers.get("tags") == "agent" and not taught else ()


def _words(text: str) -> list[str]:
    """Words in NFKC, case kept."""
    return _WORD.findall(normalize("NFKC", text))


def _said(note: Note) -> str:
    """A note's own text and day, without derived fields, whose makers may have been wrong."""
    context, tags = given(note)
    day = f"{note.happened_at:%A %d %B %Y %Y-%m-%d} {note.happened_at.day}"
    return "\n".join((note.content, note.subject, context, *tags, day))


def _is_invented(word: str, sources: Sources) -> bool:
    folded = fold(word)
    if folded in sources.foreign:
        return True
    if any(part in sources.words for part in (folded, _SPELLED.get(folded, folded))):
        return False
    counts = folded != "one" and (folded in _SPELLED or folded in _LARGE)
    named = _CAPITAL.search(word) is not None and folded not in _NO_NAMES
    return counts or named or _DIGIT.search(word) is not None
