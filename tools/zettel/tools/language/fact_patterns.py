"""The forms in which English states a fact that one value at a time is true of.

Every form names `who`, `value`, and where the words leave it open `noun`. The facts of people are
those of persona-chat and Dialogue NLI (arXiv 1811.00671) of which somebody has one; the nouns are
what agents note values of. Set by hand, for precision: a form that also tells other things is left
out, or not `sure`.
"""

from dataclasses import dataclass

import regex as re

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
_VALUE = r"(?P<value>[^\s,;:.!?](?:[^,;:.!?]|[.,:](?=\d)|\.(?=\w)){0,60})"
_NOUN = r"(?P<noun>(?:[\p{L}\p{N}'’-]+\s){0,3}?[\p{L}-]+)"
_IS = (
    r"\s(?:(?:is|are|was|were|has\sbeen|will\sbe|became)(?:\s(?:now|currently|set|changed|moved|raised"
    r"|lowered|not|no\slonger))*|(?:changed|moved|rose|fell))(?:\s(?:to|at))?\s"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactPattern:
    """One way to state a fact."""

    fact: str
    """Empty: the noun that the words name, or any fact with that value."""
    pattern: re.Pattern[str]
    sure: bool = True
    """Whether the words say which fact they mean; who has bought a Volvo may drive it."""
    plain: bool = True
    """Whether any name makes it this fact: one moves to Marketing, too, and works with Clara."""
    whole: bool = False
    """Whether it must be the whole sentence."""


def _form(
    fact: str, pattern: str, *, sure: bool = True, plain: bool = True, whole: bool = False
) -> FactPattern:
    return FactPattern(fact=fact, pattern=re.compile(pattern), sure=sure, plain=plain, whole=whole)


FORMS = (
    _form(
        "home", rf"{_HEAD}\s(?:lives?|living|resides?|settled)(?:\s[\p{{L}}'’-]+){{0,4}}?\s{_PLACE}"
    ),
    _form(
        "home",
        rf"{_HEAD}\s(?:moved|relocated)(?:\s(?:back|house|home|again|over|out|from\s{_NAME}))*"
        rf"\s(?:in)?to\s(?:\p{{Ll}}+\s){{1,3}}?{_DWELLING}\s{_PLACE}",
    ),
    _form(
        "home",
        rf"{_HEAD}\s(?:moved|relocated)(?:\s(?:back|house|home|again|over|out|from\s{_NAME}))*"
        rf"\s{_PLACE}",
        plain=False,
    ),
    _form("employer", rf"{_HEAD}\s(?:works?|working)\s(?:for|at)\s(?:the\s)?(?P<value>{_NAME})"),
    _form(
        "employer",
        rf"{_HEAD}\s(?:works?|working)\swith\s(?:the\s)?(?P<value>{_NAME})",
        plain=False,
    ),
    _form(
        "employer",
        rf"{_HEAD}\s(?:signed|started|accepted)\s{_A}(?:\p{{Ll}}+\s)?(?:contract|job|position|working)"
        rf"\s(?:for|at|with)\s(?:the\s)?(?P<value>{_NAME})",
    ),
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
    # Of whatever fact had that value.
    _form("", rf"{_HEAD}\s(?:left|quit|sold)\s{_A}(?P<value>{_NAME})(?=\s*[.!,]|\s*$)"),
    _form("", rf"{_HEAD}\smoved\s(?:away|out)\s(?:from|of)\s(?P<value>{_NAME})"),
)
NOTED = (
    _form("", rf"^(?P<who>{_NAMED})\s*[-–—,]\s*{_NOUN}\s?:\s*(?P<value>.{{1,60}})$", whole=True),
    _form(
        "",
        rf"^(?P<who>[Mm]y|[Tt]he\suser['’]s|{_NAMED}['’]s)\s{_NOUN}\s?:\s*(?P<value>.{{1,60}})$",
        whole=True,
    ),
    _form(
        "",
        rf"^{_NOUN}\s(?:of|for)\s(?:the\s)?(?P<who>[\p{{L}}\p{{N}}_'’-]+)\s?:\s*(?P<value>.{{1,60}})$",
        whole=True,
    ),
)
"""A noun and its value, told as an item of a list."""
SAID = (
    _form(
        "",
        rf"(?P<who>\b[Mm]y|\b[Tt]he\suser['’]s|(?<![\p{{L}}'’-]){_NAMED}['’]s)\s{_NOUN}{_IS}{_VALUE}",
    ),
    _form(
        "", rf"\b[Tt]he\s{_NOUN}\s(?:of|for)\s(?:the\s)?(?P<who>[\p{{L}}\p{{N}}_'’-]+){_IS}{_VALUE}"
    ),
    _form("", rf"\b[Tt]he\s(?P<who>){_NOUN}{_IS}{_VALUE}"),
)
"""The same in a sentence: there the value must look like one."""

NOUNS = {
    **dict.fromkeys(("address", "home", "residence", "city", "town", "hometown"), "home"),
    **dict.fromkeys(("employer", "company", "workplace", "firm"), "employer"),
    **dict.fromkeys(("job", "occupation", "profession", "job title"), "occupation"),
    **dict.fromkeys(("car", "vehicle"), "vehicle"),
    **dict.fromkeys(("husband", "wife", "partner", "boyfriend", "girlfriend", "fiancé"), "partner"),
    "age": "age",
}
"""What such nouns call; others stand for themselves."""
SINGLE = frozenset(
    "phone number e-mail email birthday deadline date budget owner lead manager maintainer"
    " version location host hostname url port branch price rate limit timeout threshold size"
    " capacity nickname username default database region framework editor theme colour color"
    " boss landlord doctor dentist salary rent".split()
)
"""Nouns, the last word of a phrase, of which there is one at a time."""
SPOKEN = frozenset("branch default database region framework editor theme colour color".split())
"""Those of them whose value need not look like a name or number."""
QUALIFIERS = frozenset("current new home registered main present private latest own".split())
"""Words before a noun that do not tell it from another."""

HINT = re.compile(
    r"\b(?:liv(?:es?|ing)|resides?|settled|moved|relocated|work(?:s|ing)?|signed|started|accepted"
    r"|hired|employ(?:s|ed)|mak(?:es?|ing)|earn(?:s|ing)?|found|took|landed|have|has|got|promoted"
    r"|driv(?:es?|ing)|bought|purchased|leased|married|engaged|dating|years|left|quit|sold"
    rf"|favou?rite|{'|'.join((*NOUNS, *sorted(SINGLE)))})\b",
    re.IGNORECASE,
)
"""What a sentence has that states such a fact: most sentences need no closer look."""
WORDS = {
    "home": "live lives living moved relocated home address city",
    "employer": "work works working hired employed employer company contract job",
    "occupation": "work works working living job position occupation profession promoted",
    "vehicle": "drive drives driving bought car vehicle",
    "partner": "married engaged dating husband wife partner boyfriend girlfriend",
    "age": "years old age",
}
"""By what to look for notes that state a fact."""
