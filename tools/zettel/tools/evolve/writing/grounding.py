"""Whether what an LLM wrote says only what its sources say: names, numbers, addresses, form."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from unicodedata import normalize

import regex as re

from zettel.storage.notes import REVISED_BY, Note, fold
from zettel.tools.language.prompt_injection import reads_like_instructions

Fault = Literal["malformed", "too_long", "instructions", "invented"]
"""Why a text is not used."""

_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\p{N}+(?:[.,:/\-]\p{N}+)*")
_CAPITAL = re.compile(r"[\p{Lu}\p{Lt}]")
_DIGIT = re.compile(r"\p{N}")
_ADDRESS = re.compile(r"(?:\w+://|www\.)\S*|\S+@\S+", re.IGNORECASE)
_MALFORMED = re.compile(r"[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Bidi_Control}<>]")
"""Controls, half surrogates, what reorders text, and what could close a delimiter of ours."""
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
"""Words that name nothing, capitals or not; everything else with a capital counts as a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a text may draw on."""

    words: frozenset[str]
    """Folded; a number that is spelled out is here as digits too."""
    numbers: frozenset[str]
    """As they are written, `1,300` and `10:45` whole."""
    text: str
    """All of it, folded."""
    foreign: frozenset[str]
    """Folded words of names that only other notes hold which were shown beside them."""


def sources_of(notes: Iterable[Note], *, shown: Sequence[Note] = ()) -> Sources:
    """What may stand in a text about some notes.

    Args:
        notes: What it is about.
        shown: Everything its writer has seen: names from the rest of it are foreign.
    """
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
    """What is wrong with a text; None if it may be used.

    A script without capitals (Arabic, Chinese) shows no names: there only numbers, addresses and
    the form are checked.

    Args:
        value: What was written, white space already made single spaces.
        sources: What it may draw on.
        most: Characters it may have.
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
    """Context and tags as far as an agent gave them.

    Tags that an LLM has added to the agent's, in the light of another note, cannot be told from
    them: then none count.
    """
    makers = note.derived_by
    taught = any(link.relation == REVISED_BY and link.made_by == "llm" for link in note.links)
    context = note.context if makers.get("context") == "agent" else ""
    return context, note.tags if makers.get("tags") == "agent" and not taught else ()


def _words(text: str) -> list[str]:
    """In the form in which they are compared but for capitals, which tell names."""
    return _WORD.findall(normalize("NFKC", text))


def _said(note: Note) -> str:
    """Everything a note says by itself, its day included; what a rule or an LLM made is no source.

    Its maker may have been wrong, or have spoken of a note that is gone since.
    """
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
