"""What a text states of somebody that one value at a time is true of: home, employer, owner.

By form alone, and only where the form is plain. Questions, wishes and conditions state nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import regex as re

from zettel.storage.notes import Note, Outline, fold
from zettel.tools.language.fact_patterns import (
    FORMS,
    HINT,
    NOTED,
    NOUNS,
    QUALIFIERS,
    SAID,
    SINGLE,
    SPOKEN,
    WORDS,
    FactPattern,
)
from zettel.tools.language.names import ASSISTANTS, ORDINARY

MOST = 4
"""Statements read of one text."""
READ = 4_000
"""Characters read of one: a long text is about much, and what it states stands early."""

_SENTENCE = re.compile(r"(?:[^.!?\n;]|[.](?=\w))+[.!?]*")
_UNCERTAIN = re.compile(
    r"\?|\b(?:if|unless|whether|would|could|might|should|wish|wants?|hop(?:e|es|ing)|maybe|perhaps"
    r"|imagine|pretend|dream\w*|used to|plan(?:s|ning)? (?:to|on)|going to|thinking of|consider\w*"
    r"|almost|nearly)\b|['’]d\b",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:was|were|had been) (?:living|working|dating|driving|married|engaged)\b"
    r"|\bwhen (?:i|you|he|she|we|they)\b|\bas a (?:student|child|kid|boy|girl|teenager)\b"
    r"|\bin (?:high school|school|college|university)\b|\byears ago\b|\bback then\b",
    re.IGNORECASE,
)
"""What was so before; told later, it replaces nothing."""
_DENIED = re.compile(r"\b(?:not|never|no longer)\b|n['’]t\b", re.IGNORECASE)
_OVER = re.compile(r"\b(?:no longer|any ?more|left|quit|sold|moved (?:out|away))\b", re.IGNORECASE)
_BEGUN = re.compile(
    r"\b(?:now|new|moved|since|recently|just|lately|from \w+ on|as of|switched|changed|promoted"
    r"|hired|signed|started|bought)\b",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[,:]|$")
_VALUED = re.compile(r"[\p{Lu}\p{N}`\"“_/@]")
_FIRST = frozenset(("i", "my", "me"))
_VAGUE = frozenset("favourite favorite thing things part parts one moment time".split())
"""What is somebody's favourite for the length of a conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One value of one fact."""

    who: str
    """Folded; the note's subject where the text says "I"; empty where nobody is named."""
    fact: str
    """`home` and so on, or the noun that names it; empty for any fact with this value."""
    value: str
    """Folded, never empty."""
    denied: bool = False
    over: bool = False
    """It was so and is not any more: denied as well."""
    begun: bool = False
    """It says that this is so only since lately."""
    sure: bool = True
    """Whether the words say which fact they mean."""
    plain: bool = True
    """Whether any name makes it this fact."""

    @property
    def words(self) -> str:
        """By what to look for other notes that state it."""
        return f"{self.who} {WORDS.get(self.fact, self.fact) or self.value}"


def statements(note: Note | Outline) -> tuple[Statement, ...]:
    """What a note states, in order, each once; at most `MOST`.

    An assistant's first person states nothing of anybody.
    """
    subject = fold(note.subject)
    found = dict[Statement, None]()
    for sentence in _SENTENCE.findall(note.content[:READ]):
        if len(found) >= MOST:
            break
        if HINT.search(sentence) and not (_UNCERTAIN.search(sentence) or _PAST.search(sentence)):
            found |= dict.fromkeys(_read(sentence.strip(), subject))
    return tuple(found)[:MOST]


def _read(sentence: str, subject: str) -> Iterator[Statement]:
    for form in (*FORMS, *NOTED, *SAID):
        for match in form.pattern.finditer(sentence):
            if stated := _stated(form, match, subject):
                yield stated


def _stated(form: FactPattern, match: re.Match[str], subject: str) -> Statement | None:
    who, noun = _who(match.group("who"), subject), match.groupdict().get("noun")
    value = match.group("value").strip(" .!\"“”'`*")
    fact = form.fact if noun is None else _fact(noun, value, said=form in SAID)
    if who is None or fact is None or not value or fold(value) in ORDINARY:
        return None
    ends = _CLAUSE_END.search(match.string, match.end())
    clause = match.string[match.start() : ends.start() if ends else None]
    over = _OVER.search(clause) is not None
    return Statement(
        who=who,
        fact=fact,
        value=fold(value),
        denied=over or _DENIED.search(clause) is not None,
        over=over,
        begun=_BEGUN.search(clause) is not None,
        sure=form.sure,
        plain=form.plain,
    )


def _who(words: str, subject: str) -> str | None:
    """Whose fact it is; None for an assistant's own."""
    name = fold(words).replace("’", "'")
    speaker = "user" if subject == "user" else subject
    first, *rest = name.split(" ")
    if first in _FIRST:
        if speaker in ASSISTANTS and speaker != "user":
            return None
        return " ".join((f"{speaker}'s" if rest else speaker, *rest))
    name = name.removesuffix("'s")
    return "user" if name == "the user" else name


def _fact(noun: str, value: str, *, said: bool) -> str | None:
    """What a noun calls; None if several values of it may be true, or this looks like none."""
    words = [word for word in fold(noun).split() if word not in QUALIFIERS]
    if not words:
        words = fold(noun).split()[-1:]
    name = " ".join(words)
    liked = words[0] in ("favourite", "favorite") and words[-1] not in _VAGUE
    known = NOUNS.get(name)
    if not (known or liked or words[-1] in SINGLE):
        return None
    if said and not (liked or words[-1] in SPOKEN or _VALUED.search(value)):
        return None
    return known or name.replace("favorite", "favourite").replace("color", "colour")
