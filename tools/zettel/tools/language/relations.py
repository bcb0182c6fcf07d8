"""Relations that a text states plainly: "Ana is Markus's sister", "She works at the Charité".

By rule and for precision: a form of words of `relation_words`, a file for each language, with names
on both sides. What is asked, wished, denied or was once so states nothing.
"""

import re as plain_re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice, product

import regex as re

from zettel.storage.notes import fold
from zettel.storage.text.passages import sentence_spans
from zettel.tools.language.kept_readings import keep_last
from zettel.tools.language.name_words import (
    NameWords,
    name_words,
    names_nobody,
    read_language,
    short_forms,
    titles,
)
from zettel.tools.language.names import (
    AFTER_ELISION,
    ASSISTANTS,
    ORDINARY_WORDS,
    is_common_acronym,
)
from zettel.tools.language.prose import without_code
from zettel.tools.language.speakers import Speech, find_quotations, find_turns, speaker_at
from zettel.tools.language.user_words import means_user
from zettel.tools.language.word_files import WordFile, by_first_letter, word_tables

THE_USER = "user"
"""The name in a relation of the person whom the agent works for."""
ALSO_CALLED = "also called"
"""The label by which a text gives a person or thing another name."""
MUTUAL = frozenset({ALSO_CALLED, "is married to", "is engaged to", "works with"})
"""Labels that hold in both directions."""
COUPLE = frozenset({"is married to", "is engaged to", "husband", "wife", "partner"})
"""Labels of two who may part."""
WORKS_AT, STARTED_AT, JOINED = "works at", "started at", "joined"
"""The labels of a place of work; one may join a group or a friend as well."""
LIVES_IN, MOVED_TO = "lives in", "moved to"
"""The labels of a home: one at a time, unlike jobs and doctors. Who moved to a place lives there,
but a team or a program moves to a product with the same words, so a move is told as one."""
TEXT_MAX_RELATIONS = 8
"""Most relations of one text."""
RELATED_MAX_CHARACTERS = 4_000
"""Characters of a text that are read for relations."""
RELATED_MAX_TEXTS = 256
"""Texts whose relations are kept: evolution asks for a batch of 128 in four steps."""
RELATED_WORD_MAX_CHARACTERS = 64
"""Characters of a word that are read; names are tried from each capital in it."""
THING_MAX_WORDS = 5
"""Words behind the name of a workplace or thing that may belong to it."""
RELATED_SENTENCE_MAX_CHARACTERS = 600
"""A longer sentence is a table or a list."""

LONG_WORD = re.compile(rf"(?<!\S)(\S{{{RELATED_WORD_MAX_CHARACTERS}}})\S++")
_LETTER = r"[\p{L}\p{M}\p{N}]"
_ELIDED = r"(?:[LD]|Qu)['’]\p{Ll}"
"""What opens a sentence and is no name: "L'oncle"."""
_WORD = rf"(?!{_ELIDED})\p{{Lu}}(?:{_LETTER}|-(?={_LETTER}))*+(?:['’](?!s\b)\p{{L}}{{2,}}+)?"
_MORE = rf"(?:\s(?:(?:(?:de|del|di|van|von|la)\s){{0,2}}|d['’]){_WORD}){{0,3}}"
_GENITIVE = rf"\p{{Lu}}{_LETTER}*?(?![sxzß]){_LETTER}"
"""German, before its "s"."""
_GAP = (
    rf"(?:\s(?!(?:and|but|or|who|that|und|aber|et|y|nicht|pas|no)\b)[\p{{Ll}}\p{{N}}]{_LETTER}*+"
    r"(?:-\p{L}+)?){0,3}?"
)
_STARTS = rf"(?<![\p{{L}}\p{{M}}\p{{N}}_-]){AFTER_ELISION}"
_ENDS = r"(?![\p{L}\p{M}\p{N}_-])"
_CLAUSE_START = re.compile(r"[^,;:(–—]*$")
_SUPPOSED = re.compile(r"\s*(?:[\p{L}'’]++\s?+){1,3},")
"""A few words before what they say how sure it is of: "Ich glaube, Ana ist …"."""
_GOES_ON = re.compile(r"\)?,?\s(?:(?:and|und|et|y)\s)?(?=\p{Ll})")
"""Between a relation and another one of the same name: "Ana is Ben's aunt and works at Siemens"."""
_WORD_BEFORE = re.compile(r"(\p{L}+)[\s'’]$")
_NO_PLACE = re.compile(r"\p{N}|\p{Lu}\p{Lu}|\p{Ll}\p{Lu}")
"""In a name that neither a person nor a place has: "AWS", "GitHub"."""
_NAMES = re.compile(r"\{(?:a|b|s|names|couple|thing|house)\}")
"""In a form, what stands for a name."""
_ARTICLES = frozenset({"the", "a", "an"})
_CALLED_LIKE_DAYS = frozenset("mo di mi".split())
"""German; names where one stands beside another name."""
_CALLED_LIKE_MONTHS = frozenset("jan april may june august".split())


@dataclass(frozen=True, slots=True)
class Relation:
    """One relation of somebody or something to another."""

    who: str
    """As spelled; `THE_USER` for the user."""
    label: str
    """What the first is to the second: a role ("sister"), else a verb ("works at")."""
    whom: str
    """As `who`."""
    is_role: bool
    article: str = ""
    """English, before `whom`: "the", "a"."""
    is_plain: bool = True
    """Whether any names make it this relation: one also moves to a company."""
    is_of_group: bool = False
    """Whether it tells where "we" moved: a team moves to a product."""
    is_aside: bool = False
    """Whether it is told beside something else: "my sister Eva called"."""

    @property
    def told(self) -> str:
        """What the first one is: "sister of Markus"."""
        words = (self.label, "of" if self.is_role else "", self.article, _called(self.whom))
        return " ".join(filter(None, words))

    @property
    def told_back(self) -> str:
        """The same of the second one: "sister: Ana", "Ana works at the Charité"."""
        who = _called(self.who)
        if self.label in MUTUAL:
            return f"{self.label} {who}"
        return f"{self.label}: {who}" if self.is_role else f"{who} {self.told}"


def _called(name: str) -> str:
    return "the user" if name == THE_USER else name


class _Table(WordFile):
    """A language's file: `en.toml` explains it."""

    user: tuple[str, ...]
    pronouns: tuple[str, ...]
    articles: tuple[str, ...]
    still: tuple[str, ...]
    not_stated: tuple[str, ...]
    parted: tuple[str, ...]
    hints: tuple[str, ...]
    forms: tuple[str, ...]
    having: tuple[str, ...]
    asides: tuple[str, ...]
    joints: tuple[str, ...]
    counts: tuple[str, ...]
    moved: tuple[str, ...]
    moved_together: tuple[str, ...] = ()
    home_words: tuple[str, ...]
    work_words: tuple[str, ...]
    other_name_words: tuple[str, ...]
    moves: tuple[str, ...]
    not_lasting: tuple[str, ...]
    no_movers: tuple[str, ...]
    no_places: tuple[str, ...]
    kinds: tuple[str, ...]
    kinds_behind: tuple[str, ...] = ()
    goes_on: tuple[str, ...]
    no_nouns: tuple[str, ...]
    houses: tuple[str, ...]
    no_things: tuple[str, ...]
    roles: Mapping[str, tuple[str, ...]]
    plurals: Mapping[str, tuple[str, ...]]
    verbs: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class _Form:
    """One way to state a relation."""

    label: str
    """Empty where the role in the text is the label."""
    form: str
    words: Mapping[str, str]
    """What stands for each name in braces."""
    owner_first: bool = False
    """Whether the sentence is about the one to whom the role is: "Ana has a son, Ben"."""
    by_move: bool = False
    """Whether it tells a move, of which somebody lives somewhere."""
    of_group: bool = False
    aside: bool = False

    @property
    def names_who(self) -> bool:
        """Whether the text has the name of the one who has the relation."""
        return "{a}" in self.form or "{names}" in self.form

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return _filled(self.form, self.words)

    @cached_property
    def _between(self) -> re.Pattern[str]:
        """The longest piece between two names.

        A text without it does not have the form, whose whole pattern takes up to 0.1 s to compile.
        """
        pieces = _NAMES.split(self.form.replace("{other}", "(?s:.*)"))
        return _filled(max(pieces, key=len), self.words)

    def match(self, text: str) -> re.Match[str] | None:
        """The form at the beginning of a text."""
        return self._pattern.match(text) if self._between.search(text) else None

    def find_all(self, text: str) -> Iterable[re.Match[str]]:
        """The form anywhere in a text."""
        return self._pattern.finditer(text) if self._between.search(text) else ()


@dataclass(frozen=True, slots=True, eq=False)
class _Language:
    table: _Table
    names: NameWords
    roles: Mapping[str, re.Pattern[str]]
    """Label -> its words, also those for several."""
    joint: re.Pattern[str]
    """Between the names of several."""
    not_lasting: re.Pattern[str]
    moves_on: re.Pattern[str]
    """A further move of somebody named before: "In May she moved to Rome"."""
    no_mover: re.Pattern[str]
    no_place: re.Pattern[str]
    no_thing: re.Pattern[str]
    hint: plain_re.Pattern[str]
    """What every relation has in small letters: most sentences have none of it."""
    not_stated: re.Pattern[str]
    parted: re.Pattern[str]
    user: re.Pattern[str]
    pronoun: re.Pattern[str]


@cache
def _forms(language: _Language) -> Sequence[_Form]:
    """Every form of a language."""
    table, words = language.table, _placeholders(language.table, language.names)
    labelled = [(label, _with_aside(f)) for label, forms in table.verbs.items() for f in forms]
    return [
        *(_Form("", form, words) for form in table.forms),
        *(_Form("", form, words, owner_first=True) for form in table.having),
        *(_Form("", form, words, aside=True) for form in table.asides),
        *(_Form(label, form, words) for label, form in labelled),
        *(_Form(MOVED_TO, _with_aside(f), words, by_move=True) for f in table.moved),
        *(_Form(MOVED_TO, f, words, by_move=True, of_group=True) for f in table.moved_together),
    ]


def _with_aside(form: str) -> str:
    """The form with room behind the name: "Uwe Hahn, my deputy, lives in Bremen"."""
    return form.replace("{a}", "{a}{aside}", 1) if form.startswith("{a}") else form


@cache
def _languages() -> tuple[_Language, ...]:
    tables = word_tables("relation_words", _Table)()
    return tuple(_language(table, name_words()[code]) for code, table in tables.items())


def _language(table: _Table, names: NameWords) -> _Language:
    roles = [word for of in (*table.roles.values(), *table.plurals.values()) for word in of]
    words = {label: [*of, *table.plurals.get(label, ())] for label, of in table.roles.items()}
    return _Language(
        table=table,
        names=names,
        roles={label: re.compile(_any(of)) for label, of in words.items()},
        joint=re.compile(rf",?\s(?:{_any(table.joints)})\s|,\s"),
        not_lasting=_whole_words(table.not_lasting),
        moves_on=re.compile(
            rf"(?<!\w)(?:{_any(table.pronouns)})(?:\s\S+){{0,3}}?\s(?:{_any(table.moves)})(?!\w)",
            re.IGNORECASE,
        ),
        no_mover=re.compile(_any(table.no_movers) or r"(?!)", re.IGNORECASE),
        no_place=re.compile(rf"(?:{_any(table.no_places)})(?!\w)", re.IGNORECASE),
        no_thing=re.compile(rf"(?:.*\s)?(?:{_any((*table.no_things, *roles))})", re.IGNORECASE),
        hint=plain_re.compile(_hints(table.hints, roles)),
        not_stated=_whole_words(table.not_stated),
        parted=_whole_words(table.parted),
        user=re.compile(_any((*table.user, "User"))),
        pronoun=re.compile(rf"(?:{_any(table.pronouns)})(?=\s)", re.IGNORECASE),
    )


def _hints(hints: Sequence[str], roles: Sequence[str]) -> str:
    """A pattern of words in small letters; by the standard library, in a tenth of the time."""
    words = (plain_re.escape(hint).replace(r"\ ", " ") for hint in hints)
    return by_first_letter(word.lower() for word in (*words, *roles))


def _whole_words(words: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{_any(words)})(?!\w)", re.IGNORECASE)


def _any(words: Sequence[str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


def _placeholders(table: _Table, names: NameWords) -> dict[str, str]:
    """What stands for each name in braces of a form."""
    titled = _any([f"{t}|{t.capitalize()}" for t in sorted(titles())])
    name = rf"(?:{_any(table.user)}|(?:(?:{titled})\.?\s)?{_short_form()}{_WORD}{_MORE})"
    roles = [word for of in table.roles.values() for word in of]
    several = [word for of in table.plurals.values() for word in of]
    some, joint = f"{_WORD}{_MORE}", _any(table.joints)
    noun = _noun(table, names)
    thing, house = _thing(table, names, noun), _house(table, names, noun)
    listed = rf"{name}(?:,\s{name}){{0,3}},?\s(?:{joint})\s{name}"
    return {
        "{a}": rf"{_STARTS}(?P<a>{name}){_ENDS}",
        "{b}": rf"{_STARTS}(?P<b>{name}){_ENDS}",
        "{thing}": rf"(?:(?P<the>{_any(table.articles)})\s?)?{_STARTS}(?P<b>{thing}){_ENDS}",
        "{house}": rf"(?<!\p{{L}})(?P<b>{house}){_ENDS}",
        "{s}": rf"{_STARTS}(?:(?P<b>{name})['’]s?|(?P<b>{_GENITIVE})s)(?=\s)",
        # "My daughter's teacher" is no daughter.
        "{role}": rf"(?P<role>{_any(roles)}){_ENDS}(?!['’]s(?!\w))",
        # Nor is our head baker one who leads us.
        "{alone}": rf"(?!\s(?=\p{{Ll}}){noun})",
        "{roles}": rf"(?P<role>{_any(several)}){_ENDS}",
        "{names}": rf"{_STARTS}(?P<a>{listed}){_ENDS}",
        "{couple}": rf"{_STARTS}(?P<b>{name}\s(?:{joint})\s{name}){_ENDS}",
        "{count}": rf"(?:{_any(table.counts)}|\p{{N}})\s",
        "{other}": rf"{_STARTS}{some}{_ENDS}",
        "{aside}": r"(?:,\s\p{Ll}[^,.;:!?()]{1,40},)?",
        "{ends}": r"(?=\s?[.,;:!?)–]|\s?$)",
        "{still}": rf"(?:\s(?:{_any(table.still)}))?",
        "{gap}": _GAP,
        "{kind}": rf"(?:(?:{_any(table.kinds)})\s)?" if table.kinds else "",
        "{kind_behind}": rf"(?:\s(?:{_any(table.kinds_behind)}))?" if table.kinds_behind else "",
        "{title}": rf"(?:{titled})\.?",
    }


def _noun(table: _Table, names: NameWords) -> str:
    """A word that may be a noun: none that ends what is named, none of a language's small words."""
    ends = [*map(re.escape, names.function_words | names.prepositions | names.no_names)]
    no_nouns = rf"(?!(?i:{_any([*ends, *table.no_nouns])}){_ENDS})"
    return rf"{no_nouns}\p{{L}}(?:{_LETTER}|-(?={_LETTER}))*+"


def _thing(table: _Table, names: NameWords, noun: str) -> str:
    """A name and the nouns behind it: "Lisbon aquarium", "University of Oxford".

    Nothing where more words follow than `THING_MAX_WORDS`: the end of the name would be a guess.
    """
    further = rf"(?:\s(?:{_any(table.goes_on)})\s?{_WORD}{_MORE}|\s&\s{_WORD}|\s(?=\p{{Lu}}){noun})"
    small = rf"\s(?=\p{{Ll}}){noun}"
    if names.capitalised_nouns:
        small = r"(?!)"
    elif names.adjectives_follow:  # Behind a bare name it is an adverb.
        small = rf"(?(the){small}|(?!))"
    begins = rf"{_short_form()}{_WORD}{_MORE}(?:['’]s?(?!\w))?"
    return rf"{begins}(?:{further}|{small}){{0,{THING_MAX_WORDS}}}+(?!{small}|\.\s?\p{{Lu}})"


@cache
def _short_form() -> str:
    """What may begin a name with a full stop behind it: "St." of "St. Gallen", "Dr." of a firm."""
    forms = sorted(form.capitalize() for form in {*short_forms(), "dr"})
    return rf"(?:(?:{'|'.join(forms)})\.\s)?"


def _house(table: _Table, names: NameWords, noun: str) -> str:
    """A place of work by its kind: "harbour office", "bibliothèque de Nantes"."""
    head = rf"(?i:{_any(table.houses)}){_ENDS}"
    small = rf"\s(?=\p{{Ll}}){noun}"
    behind = rf"(?:{small}){{0,2}}" if names.adjectives_follow else ""
    of = rf"(?:\s(?:{_any(table.goes_on)})\s?{_WORD}{_MORE}|\s(?=\p{{Lu}}){noun}){{0,3}}+"
    ends = "" if names.capitalised_nouns else rf"(?!{small})"
    return rf"(?:{noun}\s){{0,3}}?{head}{behind}{of}{ends}"


def _filled(form: str, words: Mapping[str, str]) -> re.Pattern[str]:
    for name, pattern in words.items():
        form = form.replace(name, pattern)
    return re.compile(form)


@cache
def home_words() -> str:
    """Words of notes and questions on somebody's home, of every language."""
    return " ".join(word for language in _languages() for word in language.table.home_words)


@cache
def work_words() -> str:
    """Words of notes on where somebody works, of every language."""
    return " ".join(word for language in _languages() for word in language.table.work_words)


def find_places(content: str, subject: str) -> list[Relation]:
    """Where a text with a word of it tells that somebody lives or works; as `find_relations`."""
    if not _place_hint().search(content):
        return []
    return [told for told in find_relations(content, subject) if _tells_place(told)]


def find_other_names(content: str, subject: str) -> list[Relation]:
    """Where a text with a word of it gives somebody or something another name."""
    if not _other_name_hint().search(content):
        return []
    return [told for told in find_relations(content, subject) if told.label == ALSO_CALLED]


@cache
def _other_name_hint() -> re.Pattern[str]:
    words = [word for one in _languages() for word in one.table.other_name_words]
    return _whole_words([*map(re.escape, words), *titles()])


@cache
def _place_hint() -> re.Pattern[str]:
    return _whole_words([*home_words().split(), *work_words().split()])


def _tells_place(told: Relation) -> bool:
    return told.label in (WORKS_AT, STARTED_AT, JOINED) or tells_home(told)


def tells_home(told: Relation) -> bool:
    """Whether a relation tells where somebody lives: not "we moved to Postgres"."""
    return told.label in (LIVES_IN, MOVED_TO) and not told.is_of_group


def tells_of_parting(sentence: str) -> bool:
    """Whether a sentence says of two that they are no couple any more."""
    for language in _languages():
        rest, parted = language.parted.subn(" ", sentence)
        if parted and not language.not_stated.search(rest):
            return True
    return False


def begins_with_pronoun(sentence: str) -> bool:
    """Whether a sentence begins with a word for somebody named before: "she", "er", "ella"."""
    return any(language.pronoun.match(sentence) for language in _languages())


def find_relations(content: str, subject: str = "") -> tuple[Relation, ...]:
    """The relations of a text in order, each once, at most `TEXT_MAX_RELATIONS`.

    Args:
        content: The text of a note.
        subject: Whom the note is about: who is meant by a pronoun or nothing at the beginning of a
            sentence, and, where it is a name, by "I". Else that is the user.
    """
    return _find_relations(LONG_WORD.sub(r"\1", content[:RELATED_MAX_CHARACTERS]), subject)


@keep_last(RELATED_MAX_TEXTS)
def _find_relations(text: str, subject: str) -> tuple[Relation, ...]:
    prose = without_code(text)
    small = prose.lower()
    languages = [language for language in _languages() if language.hint.search(small)]
    if not languages:
        return ()
    known, found = read_language(prose), dict[Relation, None]()
    for sentence in _sentences(text, subject):
        for language in languages:
            if language.hint.search(sentence.text.lower()):
                if language.moves_on.search(sentence.text):
                    found = {one: None for one in found if one.is_plain}
                found |= dict.fromkeys(_read(sentence, language, known))
        if len(found) >= TEXT_MAX_RELATIONS:
            break
    return tuple(islice(found, TEXT_MAX_RELATIONS))


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence, and who says "I" in it."""

    text: str
    end: int
    """In what `speech` is of."""
    subject: str
    """Whom a pronoun at its beginning means; empty if nobody knows."""
    author: str
    speech: Sequence[Speech]

    def speaker(self, before_end: int) -> str:
        """The speaker so many characters before its end; empty if none is known."""
        said_by = speaker_at(self.speech, self.end - before_end)
        return self.author if said_by is None else _unless_assistant(said_by)


def _sentences(text: str, subject: str) -> Iterator[_Sentence]:
    """The sentences that may state something, of each speaker's turn and of the text without."""
    place, stretches = 0, list[tuple[str, Speech | None]]()
    for turn in find_turns(text):
        if turn.start >= place:
            stretches += ((text[place : turn.start], None), (text[turn.start : turn.end], turn))
            place = turn.end
    for stretch, turn in (*stretches, (text[place:], None)):
        prose = without_code(stretch)
        speech = find_quotations(prose)
        author = _unless_assistant(turn.speaker) if turn else _speaker(subject)
        about = subject if turn is None else ""
        for start, end in sentence_spans(prose):
            sentence = prose[start:end].strip()
            if len(sentence) <= RELATED_SENTENCE_MAX_CHARACTERS and "?" not in sentence:
                stops = start + len(prose[start:end].rstrip())
                yield _Sentence(sentence, stops, about, author, speech)


def _read(sentence: _Sentence, language: _Language, words: NameWords) -> Iterator[Relation]:
    told = _about(sentence.text, sentence.subject, language)
    for form in _forms(language):
        for match in form.find_all(told):
            speaker = sentence.speaker(len(told) - match.start())
            stated = list(_stated(form, match, speaker, language, words))
            yield from stated
            about = {one.whom if form.owner_first else one.who for one in stated}
            if len(about) == 1:
                yield from _going_on(about.pop(), told, match.end(), language, words)


def _going_on(
    who: str, told: str, end: int, language: _Language, words: NameWords
) -> Iterator[Relation]:
    """What a sentence tells of the same one by a further verb."""
    if who == THE_USER or not (joint := _GOES_ON.match(told, end)):
        return
    rest = f"{who} {told[joint.end() :]}"
    for form in _forms(language):
        match = form.match(rest) if form.label and form.names_who else None
        if match and match.end("a") == len(who):
            yield from _stated(form, match, "", language, words)


def _about(sentence: str, subject: str, language: _Language) -> str:
    """The sentence, with the subject before a verb ("Works at Siemens") or for a pronoun."""
    name = "User" if fold(subject) == THE_USER else subject
    if not name[:1].isupper():
        return sentence
    if pronoun := language.pronoun.match(sentence):
        return f"{name}{sentence[pronoun.end() :]}"
    told = f"{name} {sentence[:1].lower()}{sentence[1:]}"
    opens = len(name) + 1
    verbal = any(
        (match := form.match(told)) and match.end() > opens and match.end("a") == len(name)
        for form in _forms(language)
        if form.label and form.names_who
    )
    return told if verbal else sentence


def _stated(
    form: _Form, match: re.Match[str], speaker: str, language: _Language, words: NameWords
) -> Iterator[Relation]:
    clause = _CLAUSE_START.search(match.string, 0, match.start())
    begun = clause.start() if clause else match.start()
    if _SUPPOSED.fullmatch(match.string, 0, begun):
        begun = 0
    if language.not_stated.search(match.string, begun, match.end()) or (
        form.label and _is_of_another(match, words)
    ):
        return
    said = match.groupdict()
    if form.by_move and not _is_move(match, language):
        return
    if "the" in said and language.no_thing.fullmatch(said["b"]):
        return
    who, whom = (_named(said.get(side), speaker, language, words) for side in ("a", "b"))
    if "the" in said:  # "Ernst & Young" is one
        whom = [_name(said["b"], language, words) if said["b"][0].isupper() else said["b"]]
    label = form.label or _label(said["role"], language)
    article = said.get("the") or ""
    article = article if article in _ARTICLES else ""
    for one, other in product(who, whom):
        if one and other and fold(one) != fold(other):
            yield Relation(
                one,
                label,
                other,
                is_role=not form.label,
                article=article,
                is_plain=not form.by_move,
                is_of_group=form.of_group,
                is_aside=form.aside,
            )


def _is_of_another(match: re.Match[str], words: NameWords) -> bool:
    """Whether the name before a verb goes with a word before it: "the sister of Ana lives in"."""
    before = _WORD_BEFORE.search(match.string, 0, match.start())
    opens = match.string.startswith(match.groupdict().get("a") or "\n", match.start())
    return opens and before is not None and before[1].lower() in words.prepositions


def _is_move(match: re.Match[str], language: _Language) -> bool:
    """Whether somebody moved to a place and may still be there: not to Marketing or as a child."""
    mover = match.groupdict().get("a") or ""
    return not (
        language.not_lasting.search(match.string)
        or language.no_mover.fullmatch(mover)
        or language.no_place.match(match.string, match.start("b"))
        or _NO_PLACE.search(f"{mover} {match['b']}")
    )


def _named(
    spelled: str | None, speaker: str, language: _Language, words: NameWords
) -> Sequence[str]:
    """The names in the text, or the speaker where it has none."""
    if not spelled:
        return (speaker,)
    said = language.joint.split(spelled)
    names = [_name(one, language, words) for one in said]
    if any(names):  # "Mo und Fips"
        days = [at for at, one in enumerate(said) if one.lower() in _CALLED_LIKE_DAYS]
        names[:] = (said[at] if days == [at] else name for at, name in enumerate(names))
    return names


def _speaker(subject: str) -> str:
    """The speaker of "I" in a note: its subject if that is a name, nobody if an assistant."""
    is_named = subject[:1].isupper() and not means_user(subject)
    return _unless_assistant(subject) if is_named or fold(subject) in ASSISTANTS else THE_USER


def _unless_assistant(speaker: str) -> str:
    return "" if fold(speaker) in ASSISTANTS and fold(speaker) != THE_USER else speaker


def _name(spelled: str, language: _Language, words: NameWords) -> str:
    """The name without what stands before it: a title, a role; empty if the words name nobody."""
    if language.user.fullmatch(spelled):
        return THE_USER
    told = spelled.split()
    roles = [
        at
        for at, word in enumerate(told)
        if any(r.fullmatch(word) for r in language.roles.values())
    ]
    last = max(roles, default=-1) + 1
    told = told[last:] if told[last:] and told[last][0].isupper() else told
    while told and _names_nobody(told[0].rstrip(".").lower(), words):
        told.pop(0)
    return " ".join(told)


def _names_nobody(word: str, words: NameWords) -> bool:
    if word in _CALLED_LIKE_MONTHS:
        return False
    acronym = is_common_acronym(word.upper())
    return word in titles() or word in ORDINARY_WORDS or acronym or names_nobody(word, words)


def _label(role: str, language: _Language) -> str:
    return next(label for label, words in language.roles.items() if words.fullmatch(role))
