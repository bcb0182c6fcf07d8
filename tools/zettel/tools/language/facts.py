"""Facts that a text states of somebody and of which one value holds at a time: home, employer.

By form alone: each pattern names `who`, `value` and, where the words leave the fact open, `noun`.
The facts of people are those of persona-chat and Dialogue NLI (arXiv 1811.00671) of which somebody
has one. Set by hand, for precision. Questions, wishes and conditions state nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import regex as re

from zettel.storage.notes import Note, Outline, fold
from zettel.tools.language.names import ASSISTANTS, ORDINARY_WORDS
from zettel.tools.language.relations import (
    JOINED,
    LONG_WORD,
    STARTED_AT,
    THE_USER,
    find_places,
    home_words,
    tells_home,
    work_words,
)
from zettel.tools.language.speakers import Speech, find_speech, speaker_at
from zettel.tools.language.talk_words import USER
from zettel.tools.language.user_words import means_user

_WORD = r"[\p{L}\p{M}\p{N}_&-]"
_NAME = rf"\p{{Lu}}{_WORD}++(?:['’](?!s\b)\p{{L}}+)?(?:\s[\p{{Lu}}\p{{N}}]{_WORD}*+){{0,5}}+"
_NO_NAME = (
    r"(?!(?:The|An?|This|That|These|Those|It|He|She|They|We|You|There|Here|Who|What|When|Where|Why"
    r"|How|Which|And|But|So|Or|Then|Now|Today|Yesterday|Every\w+|Some\w*|Nobody|People|Also|Still"
    r"|My|Your|His|Her|Our|Their|In|On|At|To|For|From|With|As|After|Before|By|Of|No|Not|Yes|Since"
    r"|Just|If|All|Both)\b)"
)
_NAMED = _NO_NAME + _NAME
_OTHER = rf"[Mm]y\s\p{{Ll}}+|{_NAMED}['’]s\s\p{{Ll}}+"
_WHO = rf"(?<![\p{{L}}\p{{N}}'’-])(?P<who>I|[Tt]he\suser|{_OTHER}|{_NAMED})"
_TENSE = (
    r"(?:['’](?:m|s|ve|re))?(?:\s(?:am|is|are|was|has|have|had|do|does|did|now|still|currently|just"
    r"|recently|finally|officially|also|actually|really|already|been|got|getting|not|no\slonger"
    r"|never|(?:do|does|did|is|has|have)n['’]t))*"
)
_HEAD = _WHO + _TENSE
_A = (
    r"(?:(?:a|an|the|my|his|her|their|this|that)\s(?:new\s|old\s|used\s)?"
    r"(?:(?:car|van|company|firm)\s)?)?"
)
_TRADE = (
    r"(?P<value>\p{Ll}[\p{L}'’-]*(?:\s(?!(?:and|but|at|for|with|in|since|now|who|on|by|from|to|or"
    r"|here|there|these|of|as|any|anymore)\b)\p{Ll}[\p{L}'’-]*){0,2})"
)
_PLACE = rf"(?:in|to|near|at|of|into|outside)\s(?:the\s)?(?P<value>{_NAME})"
_DWELLING = r"(?:flat|house|home|apartment|place|studio|room|condo|cottage)"
_DONE_WITH = (
    r"\s*[.!,;]|\s*$|\s(?:and|to\s(?:join|work|become)|after|because|last|in|on|at\sthe\send)\b"
)
"""What follows the name of what somebody left: not "left Berlin Station at noon"."""
_VALUE = r"(?P<value>[^\s,;:.!?](?:[^,;:.!?]|[.,:](?=\d)|\.(?=\w)){0,60})"
_NOUN = r"(?P<noun>(?:[\p{L}\p{N}'’-]+\s){0,3}?[\p{L}-]+)"
_IS = (
    r"\s(?:(?:is|are|was|were|has\sbeen|will\sbe|became)(?:\s(?:now|currently|set|changed|moved|raised"
    r"|lowered|not|no\slonger))*|(?:changed|moved|rose|fell))(?:\s(?:to|at))?\s"
)


@dataclass(frozen=True, kw_only=True)
class FactPattern:
    """One way to state a fact."""

    fact: str
    """Empty: the noun in the text, or any fact with that value."""
    expression: str
    sure: bool = True
    """Whether the words say which fact they mean: the buyer of a Volvo may not drive it."""
    plain: bool = True
    """Whether any name makes it this fact: one also moves to Marketing and works with Clara."""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Compiled for the first text that may state a fact: all of them take 0.1 s."""
        return re.compile(self.expression)


def _form(fact: str, pattern: str, *, sure: bool = True, plain: bool = True) -> FactPattern:
    return FactPattern(fact=fact, expression=pattern, sure=sure, plain=plain)


FACT_FORMS = (
    _form(
        "home", rf"{_HEAD}\s(?:lives?|living|resides?|settled)(?:\s[\p{{L}}'’-]+){{0,4}}?\s{_PLACE}"
    ),
    _form(
        "home",
        rf"{_HEAD}\s(?:moved|relocated)(?:\s(?:back|house|home|again|over|out|from\s{_NAME}))*"
        rf"\s(?:in)?to\s(?:\p{{Ll}}+\s){{1,3}}?{_DWELLING}\s{_PLACE}",
    ),
    _form("employer", rf"{_HEAD}\s(?:works?|working)\s(?:for|at)\s(?:the\s)?(?P<value>{_NAME})"),
    _form(
        "employer",
        rf"{_HEAD}\s(?:works?|working)\swith\s(?:the\s)?(?P<value>{_NAME})",
        plain=False,
    ),
    _form(
        "employer",
        rf"{_HEAD}\s(?:signed|started|accepted|found|took|landed|has|have|got)\s{_A}(?:\p{{Ll}}+\s)?"
        rf"(?:contract|job|position|post|role|working)\s(?:for|at|with)\s(?:the\s)?(?P<value>{_NAME})",
    ),
    _form("employer", rf"{_HEAD}\sjoined\s(?:the\s)?(?P<value>{_NAME})", sure=False),
    _form("employer", rf"{_HEAD}\s(?:hired|employed)\s(?:by|at)\s(?:the\s)?(?P<value>{_NAME})"),
    _form(
        "employer",
        rf"(?P<value>{_NAMED})(?:\s(?:has|have|had|just|recently))*\s(?:hired|employs)"
        rf"\s(?P<who>me\b|{_NAMED})",
    ),
    _form("occupation", rf"{_HEAD}\s(?:works?|working)\sas\s{_A}{_TRADE}"),
    _form(
        "occupation",
        rf"{_HEAD}\s(?:makes?|making|earns?|earning)\s(?:a|my|his|her|their)\sliving\sas\s{_A}{_TRADE}",
    ),
    _form(
        "occupation",
        rf"{_HEAD}\s(?:found|took|landed|accepted|started|have|has|got)\s{_A}(?:\p{{Ll}}+\s)?"
        rf"(?:job|position|post|role)\sas\s{_A}{_TRADE}",
    ),
    _form("occupation", rf"{_HEAD}\spromoted\sto\s{_A}{_TRADE}"),
    _form("vehicle", rf"{_HEAD}\s(?:drives?|driving)\s{_A}(?P<value>{_NAME})", plain=False),
    _form("vehicle", rf"{_HEAD}\s(?:drives?|driving)\san?\s(?:\p{{Ll}}+\s)?(?P<value>{_NAME})"),
    _form(
        "vehicle",
        rf"{_HEAD}\s(?:bought|purchased|leased)\s{_A}(?P<value>{_NAME})(?=\s*[.!,]|\s*$)",
        sure=False,
    ),
    _form("partner", rf"{_HEAD}\s(?:married|engaged)\sto\s(?P<value>{_NAME})"),
    _form("partner", rf"{_HEAD}\sdating\s(?P<value>{_NAME})"),
    _form("age", rf"{_HEAD}\s(?P<value>\p{{N}}+)\syears\sold"),
    # Ends any fact with that value.
    _form("", rf"{_HEAD}\s(?:left|quit|sold)\s{_A}(?P<value>{_NAME})(?={_DONE_WITH})"),
    _form("", rf"{_HEAD}\smoved\s(?:away|out)\s(?:from|of)\s(?P<value>{_NAME})"),
)
LIST_FORMS = (
    _form("", rf"^(?P<who>{_NAMED})\s*[-–—,]\s*{_NOUN}\s?:\s*(?P<value>.{{1,60}})$"),
    _form(
        "",
        rf"^(?P<who>[Mm]y|[Tt]he\suser['’]s|{_NAMED}['’]s)\s{_NOUN}\s?:\s*(?P<value>.{{1,60}})$",
    ),
    _form(
        "",
        rf"^{_NOUN}\s(?:of|for)\s(?:the\s)?(?P<who>[\p{{L}}\p{{N}}_'’-]+)\s?:\s*(?P<value>.{{1,60}})$",
    ),
)
"""A noun and its value as the item of a list; each must be the whole sentence."""
SENTENCE_FORMS = (
    _form(
        "",
        rf"(?P<who>\b[Mm]y|\b[Tt]he\suser['’]s|(?<![\p{{L}}'’-]){_NAMED}['’]s)\s{_NOUN}{_IS}{_VALUE}",
    ),
    _form(
        "", rf"\b[Tt]he\s{_NOUN}\s(?:of|for)\s(?:the\s)?(?P<who>[\p{{L}}\p{{N}}_'’-]+){_IS}{_VALUE}"
    ),
    _form("", rf"\b[Tt]he\s(?P<who>){_NOUN}{_IS}{_VALUE}"),
)
"""A noun and its value in a sentence; the value must look like a name or number."""

NOUN_FACTS = {
    **dict.fromkeys(("address", "home", "residence", "city", "town", "hometown"), "home"),
    **dict.fromkeys(("employer", "company", "workplace", "firm"), "employer"),
    **dict.fromkeys(("job", "occupation", "profession", "job title"), "occupation"),
    **dict.fromkeys(("car", "vehicle"), "vehicle"),
    **dict.fromkeys(("husband", "wife", "partner", "boyfriend", "girlfriend", "fiancé"), "partner"),
    "age": "age",
}
"""Noun -> its fact; other nouns are facts of their own."""
SINGLE_VALUE_NOUNS = frozenset(
    "phone number e-mail email birthday deadline date budget owner lead manager maintainer"
    " version location host hostname url port branch price rate limit timeout threshold size"
    " capacity nickname username default database region framework editor theme colour color"
    " boss landlord doctor dentist salary rent".split()
)
"""Last words of noun phrases that have one value at a time."""
ANY_VALUE_NOUNS = frozenset(
    "branch default database region framework editor theme colour color".split()
)
"""`SINGLE_VALUE_NOUNS` whose value need not look like a name or number."""
NOUN_QUALIFIERS = frozenset("current new home registered main present private latest own".split())
"""Words before a noun that do not distinguish it."""

FACT_HINT = re.compile(
    r"\b(?:liv(?:es?|ing)|resides?|settled|moved|relocated|work(?:s|ing)?|signed|started|accepted"
    r"|hired|employ(?:s|ed)|mak(?:es?|ing)|earn(?:s|ing)?|found|took|landed|have|has|got|promoted"
    r"|driv(?:es?|ing)|bought|purchased|leased|married|engaged|dating|years|left|quit|sold|joined"
    rf"|favou?rite|{'|'.join((*NOUN_FACTS, *sorted(SINGLE_VALUE_NOUNS)))})\b",
    re.IGNORECASE,
)
"""Words of which every stated fact has one: a fast check, since most sentences state none."""
FACT_WORDS = {
    "employer": "work works working hired employed employer company contract job",
    "occupation": "work works working living job position occupation profession promoted",
    "vehicle": "drive drives driving bought car vehicle",
    "partner": "married engaged dating husband wife partner boyfriend girlfriend",
    "age": "years old age",
}
"""Search words for notes that state a fact; of a home those of `relations`."""


HOME, EMPLOYER = "home", "employer"
TEXT_MAX_STATEMENTS = 4
"""Most statements of one text."""
STATEMENTS_MAX_CHARACTERS = 4_000
"""Characters of a text that are read."""
SENTENCE_MAX_MATCHES = 8
"""Most places of a sentence where one pattern is read; each is read to its clause's end."""

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
"""Marks of a former state, which replaces nothing."""
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
"""Nouns whose favourite changes within a conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One value of one fact."""

    who: str
    """Folded; who speaks where the text says "I"; empty where nobody is named."""
    fact: str
    """`home` and so on, or the noun that names it; empty for any fact with this value."""
    value: str
    """Folded, never empty."""
    denied: bool = False
    over: bool = False
    """It was true and is not any more; `denied` as well."""
    begun: bool = False
    """It says that this became true recently."""
    sure: bool = True
    """Whether the words say which fact they mean."""
    plain: bool = True
    """Whether any name makes it this fact."""
    aside: bool = False
    """Whether it is told beside something else: "my sister Eva called"."""

    @property
    def words(self) -> str:
        """Search words for other notes that state the fact."""
        fact = FACT_WORDS.get(self.fact, self.fact)
        if self.fact in (HOME, EMPLOYER):
            fact = home_words() if self.fact == HOME else f"{fact} {work_words()}"
        return f"{self.who} {fact or self.value}"


def find_statements(note: Note | Outline) -> tuple[Statement, ...]:
    """The statements of a note in order, each once, at most `TEXT_MAX_STATEMENTS`.

    The first person is the note's subject, without one the user, and in a labelled line or a
    quotation its speaker. An assistant's states nothing. Of a word, and so of a name, only the
    first `RELATED_WORD_MAX_CHARACTERS` count.
    """
    text = LONG_WORD.sub(r"\1", note.content[:STATEMENTS_MAX_CHARACTERS])
    told = [one for one in _SENTENCE.finditer(text) if _may_state(one[0])]
    speech = find_speech(text) if told else []
    author = USER if means_user(note.subject) else fold(note.subject)
    found = dict[Statement, None]()
    for sentence in told:
        if len(found) >= TEXT_MAX_STATEMENTS:
            break
        found |= dict.fromkeys(_read(sentence, author, speech))
    known = {(one.who, one.fact) for one in found}
    found |= dict.fromkeys(s for s in _places(note, author) if (s.who, s.fact) not in known)
    return tuple(found)[:TEXT_MAX_STATEMENTS]


def _places(note: Note | Outline, author: str) -> Iterator[Statement]:
    """Where a note of any language says that somebody lives or works."""
    for told in find_places(note.content, note.subject):
        begun = told.label in (STARTED_AT, JOINED) or not told.is_plain
        yield Statement(
            who=author if told.who == THE_USER else fold(told.who),
            fact=HOME if tells_home(told) else EMPLOYER,
            value=fold(told.whom),
            begun=begun,
            sure=told.label != JOINED,
            plain=not begun,
        )


def _may_state(sentence: str) -> bool:
    return (
        FACT_HINT.search(sentence) is not None
        and _UNCERTAIN.search(sentence) is None
        and _PAST.search(sentence) is None
    )


def _read(told: re.Match[str], author: str, speech: Sequence[Speech]) -> Iterator[Statement]:
    sentence = told[0].strip()
    start = told.start() + len(told[0]) - len(told[0].lstrip())
    for form in (*FACT_FORMS, *LIST_FORMS, *SENTENCE_FORMS):
        for match in islice(form.pattern.finditer(sentence), SENTENCE_MAX_MATCHES):
            said_by = speaker_at(speech, start + match.start("who"))
            speaker = author if said_by is None else fold(said_by)
            if stated := _stated(form, match, speaker):
                yield stated


def _stated(form: FactPattern, match: re.Match[str], speaker: str) -> Statement | None:
    who, noun = _who(match.group("who"), speaker), match.groupdict().get("noun")
    value = match.group("value").strip(" .!\"“”'`*")
    fact = form.fact if noun is None else _fact(noun, value, said=form in SENTENCE_FORMS)
    if who is None or fact is None or not value or fold(value) in ORDINARY_WORDS:
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


def _who(words: str, speaker: str) -> str | None:
    """The owner of a fact, folded; None for an assistant's own, and if nobody knows who speaks."""
    name = fold(words).replace("’", "'")
    first, *rest = name.split(" ")
    if first in _FIRST:
        if not speaker or (speaker in ASSISTANTS and speaker != USER):
            return None
        return " ".join((f"{speaker}'s" if rest else speaker, *rest))
    name = name.removesuffix("'s")
    return USER if name == "the user" else name


def _fact(noun: str, value: str, *, said: bool) -> str | None:
    """The fact that a noun names; None if it may have several values or the value is unlikely."""
    words = [word for word in fold(noun).split() if word not in NOUN_QUALIFIERS]
    if not words:
        words = fold(noun).split()[-1:]
    name = " ".join(words)
    liked = words[0] in ("favourite", "favorite") and words[-1] not in _VAGUE
    known = NOUN_FACTS.get(name)
    if not (known or liked or words[-1] in SINGLE_VALUE_NOUNS):
        return None
    if said and not (liked or words[-1] in ANY_VALUE_NOUNS or _VALUED.search(value)):
        return None
    return known or name.replace("favorite", "favourite").replace("color", "colour")
