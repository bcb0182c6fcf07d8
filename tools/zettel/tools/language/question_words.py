"""What a question asks for beside its topic, by its words.

A language is a file of `question_words`: adding one takes no code.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Literal

from zettel.storage.notes import fold
from zettel.tools.language.accents import without_accents
from zettel.tools.language.languages import counts_everywhere, find_language, read_languages
from zettel.tools.language.name_words import name_words
from zettel.tools.language.names import AFTER_ELISION, find_names
from zettel.tools.language.terms import terms
from zettel.tools.language.word_files import (
    WordTable,
    read_word_files,
    spell_any,
    spell_words,
    word_tables,
)


class _Table(WordTable):
    """A language's file: `en.toml` explains it."""

    anything: tuple[str, ...] = ()
    lasting: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    now: tuple[str, ...] = ()
    person: tuple[str, ...] = ()
    me: tuple[str, ...] = ()
    asides: tuple[str, ...] = ()
    everything: tuple[str, ...] = ()
    introduces: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    opens: tuple[str, ...] = ()
    closes: tuple[str, ...] = ()
    decided: tuple[str, ...] = ()
    decides: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    former: tuple[str, ...] = ()
    not_former: tuple[str, ...] = ()
    successor: tuple[str, ...] = ()
    origin: tuple[str, ...] = ()
    was: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()
    tenseless: bool = False
    still: tuple[str, ...] = ()
    whether: tuple[str, ...] = ()
    open_tags: tuple[str, ...] = ()
    decided_tags: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    recorded: tuple[str, ...] = ()
    rules_tags: tuple[str, ...] = ()


_tables = word_tables("question_words", _Table)


def _read_languages(text: str) -> tuple[str, ...]:
    """The languages by whose words a question is read."""
    return tuple(read_languages(text, tuple(_tables()), sure=True))


def _asks(name: str) -> Callable[[str], bool]:
    """A function that tells whether a text has words of its languages under a name."""
    return lambda text: _words(name, text).search(text) is not None


may_ask_for_everything = _asks("everything")
"""Whether a question has words that ask for all of somebody, about whom it may say more."""
asks_who_i_am = _asks("identity")
"""Whether a question asks, maybe among other things, who the user is."""
asks_for_origin = _asks("origin")
"""Whether a question for a former value asks for the first: "What was it called at first?"."""
asks_whether_still = _asks("still")
"""Whether a question asks if something is so still: "Does Ana still live in Bonn?"."""
asks_whether = _asks("whether")
"""Whether a question asks if something is so, or done: "Did we fix the login?"."""
says_decided = _asks("decides")
"""Whether a note says that something was decided."""
asks_for_next = _asks("next")
"""Whether a question, without the times it names, asks for what comes next."""
asks_for_events = _asks("events")
"""Whether a question, with or without its times, asks which events are then: appointments."""
asks_for_now = _asks("now")
"""Whether a question asks for what is so at the moment."""


@cache
def _fillers(languages: tuple[str, ...]) -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    """For each language the terms of a question for anything, and of one for all of a person."""
    return tuple(
        (
            frozenset(terms(" ".join(table.anything))),
            frozenset(terms(" ".join((*table.anything, *table.person)))),
        )
        for table in map(_tables().__getitem__, languages)
    )


def asks_for_anything(text: str, whole: str = "") -> bool:
    """Whether nothing in a question says what it asks for, as in "What happened?".

    `whole` tells the language where the text is only a part of the question.
    """
    if _words("lasting", text).search(text):
        return False
    asked = frozenset(terms(text))
    return any(asked <= anything for anything, _ in _fillers(_read_languages(whole or text)))


def asks_for_everything(text: str, unnamed: str) -> bool:
    """Whether a question asks for all of somebody: "Tell me everything about Ana: job, address".

    `unnamed` is the same without the names in it.
    """
    if not may_ask_for_everything(text):
        return False
    unnamed = _without_details(unnamed, text)
    for said in ("everything", "asides", "me"):
        unnamed = _words(said, text).sub(" ", unnamed)
    rest = frozenset(terms(unnamed))
    return any(rest <= person for _, person in _fillers(_read_languages(text)))


def _without_details(asked: str, text: str) -> str:
    """What is asked in the language of a text, without what of somebody is asked above all."""
    found = _words("everything", text).search(asked)
    if found is None:
        return asked
    return asked[: found.end()] + _DETAILS.sub("", asked[found.end() :], 1)


_DETAILS = re.compile(r" ?(?::| [-–—]) .*\Z", re.DOTALL)
"""As in "everything about Ana: her work, her home"."""
_UNSPACED = "\u3040-\u30ff\u3400-\u9fff"
"""Characters of Japanese and Chinese."""
_CAPITAL = rf"[A-ZÀ-ÖØ-ÞĀ-Ž](?:[^\W{_UNSPACED}]|-)+"
_CAPITALISED = re.compile(
    rf"(?<![^\W{_UNSPACED}])(?<!-){AFTER_ELISION}(?:[A-Z][a-z]{{1,4}}\. )?{_CAPITAL}"
    rf"(?: (?:(?:de|del|van|von|da|di) |d['’])?{_CAPITAL}){{0,3}}"
)
"""A name with its title, of at most four words."""
_OPENING_WORD = re.compile(rf"[^\w\s]*+[^\W{_UNSPACED}]*+(?! ?[{_UNSPACED}])")
"""What opens a question, with its capital for that; no name in "Ruyとは誰"."""


ALL_ABOUT_MAX_CHARACTERS = 200
"""A longer question says more of what it asks for; each name in it is tried."""
SMALL_NAME_MAX_WORDS = 3
"""Of a name without capitals."""


def asked_all_about(text: str) -> str:
    """The name of which a question asks for all: "Tell me everything about Ana"; empty if none.

    In any language of `question_words`, German included, where a capital alone names nothing.
    """
    if len(text) > ALL_ABOUT_MAX_CHARACTERS:
        return ""
    if not may_ask_for_everything(text):
        return ""
    text = _without_details(text, text)
    asked = text  # without "Bild von" of "das ganze Bild von Ana"
    for said in ("everything", "asides"):
        asked = _words(said, text).sub(lambda words: " " * len(words[0]), asked)
    opening = _OPENING_WORD.match(text)  # "Résumé de Sophie" is no name
    for match in _CAPITALISED.finditer(asked, opening.end() if opening else 0):
        before, name = _without_introduction(text[: match.start()], match.group())
        rest = f"{before} {text[match.end() :]}"
        if not name[0].isupper():  # "der Chef von Ana"
            continue
        if not speaks_of_me(rest) and asks_for_everything(text, rest):
            return name
    return ""


def asked_all_about_in_small_letters(text: str) -> str:
    """What may be the name of which a question asks for all: "everything we have on ana".

    That is the one stretch of words that such a question does not have; empty if there is none.
    """
    if len(text) > ALL_ABOUT_MAX_CHARACTERS or not may_ask_for_everything(text):
        return ""
    text = _without_details(text, text)
    asked = _words("everything", text).sub(",", _words("asides", text).sub(",", text))
    if speaks_of_me(asked):
        return ""
    words = re.findall(r"[^\W_]+(?:-[^\W_]+)*|[^\s]", asked)
    left = (
        [n for n, word in enumerate(words) if not person.issuperset(terms(word))]
        for _, person in _fillers(_read_languages(text))
    )
    at = min(filter(None, left), key=len, default=list[int]())
    if not at or at[-1] - at[0] >= len(at) or len(at) > SMALL_NAME_MAX_WORDS:
        return ""
    return " ".join(words[at[0] : at[-1] + 1])


def asked_all_about_unspaced(text: str) -> tuple[str, bool]:
    """What a question in a script without spaces asks for all of, and whether it must be a name.

    That is what is left without the words of such a question, "田中" of "田中さんは誰ですか". An
    honorific tells a name; to one character it belongs ("林さん").
    """
    if len(text) > ALL_ABOUT_MAX_CHARACTERS or not may_ask_for_everything(text):
        return "", False
    found = [match for question in _unspaced_questions() if (match := question.fullmatch(text))]
    groups = (match.groups("") for match in found)
    name, honorific = min(groups, key=lambda told: len("".join(told)), default=("", ""))
    name = name if len(name) > 1 else name + honorific
    return (name, bool(honorific)) if len(name) > 1 else ("", False)


@cache
def _unspaced_questions() -> tuple[re.Pattern[str], ...]:
    """For each language without spaces, a question for all of one."""
    named = name_words()
    return tuple(
        _unspaced_question((*table.person, *table.asides), named[code].honorifics)
        for code, table in _tables().items()
        if table.inside
    )


def _unspaced_question(words: Iterable[str], honorifics: Iterable[str]) -> re.Pattern[str]:
    asking = spell_words(words, inside=True)
    beside, polite = rf"(?:{asking}|\W)*+", spell_words(honorifics, inside=True)
    name = rf"(?:(?!{asking})[々\u4e00-\u9fff]){{1,5}}?|[\u30a0-\u30ff]{{2,16}}?"
    return re.compile(rf"{beside}({name})({polite})?{beside}")


def _without_introduction(before: str, name: str) -> tuple[str, str]:
    """What stands before a name and the name, without what it is: "my brother", "the project"."""
    told, words = before.split(), name.split()
    first = words[:-1]
    while first and _introduces(first[0]):
        first.pop(0)
    if len(first) == len(words) - 1 and told and _introduces(told[-1]):
        told.pop()
    elif len(first) == len(words) - 1:
        return before, name
    if told and _words("me", told[-1]).fullmatch(told[-1]):
        told.pop()
    return " ".join(told), " ".join((*first, words[-1]))


def _introduces(word: str) -> bool:
    return bool(_roles()[1].fullmatch(word) or _words("introduces", word).fullmatch(word))


@cache
def _roles() -> tuple[Sequence[str], re.Pattern[str]]:
    """What somebody is to somebody, and the words for it, a group each: `relation_words` has it."""
    words = defaultdict[str, list[str]](list)
    for table in read_word_files("relation_words").values():
        for role, spelled in table["roles"].items():
            words[role] += spelled
    groups = (f"({'|'.join(spelled)})" for spelled in words.values())
    return [*words], re.compile("|".join(groups), re.IGNORECASE)


def names_a_role(text: str) -> bool:
    """Whether a text calls somebody by what they are to somebody: "my mother", "meine Chefin"."""
    return bool(find_roles(text))


def find_roles(text: str) -> frozenset[str]:
    """What a text calls somebody so, in the words of `relation_words`: "boss" for "my manager"."""
    roles, pattern = _roles()
    matches = map(pattern.fullmatch, re.findall(r"\w+", fold(text)))
    return frozenset(roles[match.lastindex - 1] for match in matches if match and match.lastindex)


_KIN = re.compile(r"\A\W*\w+ (\w+)")
"""The first two words: "My daughter"."""


def without_kin(text: str) -> str:
    """A text without its beginning, if that is what somebody is to the user: "My daughter"."""
    found = _KIN.match(text)
    if found is None or not find_roles(found[1]) or not speaks_of_me(found[0]):
        return text
    return text[found.end() :]


def asks_only_who_i_am(text: str) -> bool:
    """Whether a question asks who the user is, and nothing else: "Who am I?"."""
    words = re.sub(r"^\W+|\W+$", "", text)
    return _words("identity", text).fullmatch(words) is not None


def asks_former(text: str) -> bool:
    """Whether a question asks for what was so before it changed: "Where did Ana live before?"."""
    return _words("former", text).search(_words("not_former", text).sub(" ", text)) is not None


def part_successor(text: str) -> tuple[str, str]:
    """What a question for a former value asks for, and what it names as having come in its place.

    As "Who was in charge" and "before Rafał"; the second is empty if it names nothing.
    """
    found = _words("successor", text).search(text)
    if found is None:
        return text, ""
    return f"{text[: found.start()]}{text[found.end() :]}", found.group()


def words_of_successor(question: str) -> frozenset[str]:
    """The terms of what a question says came in place of what it asks for.

    That is "Rafał" of "before Rafał took it over": a name, if there is one.
    """
    _, successor = part_successor(question)
    return names_of_successor(question) or frozenset(terms(successor)) - function_terms()


def names_of_successor(question: str) -> frozenset[str]:
    """The terms of the names in what a question says came in place of what it asks for."""
    _, successor = part_successor(question)
    return frozenset(terms(" ".join(find_names(successor)))) - function_terms()


def function_terms(*texts: str) -> frozenset[str]:
    """Beginnings of the words that tell nothing by themselves in the languages of some texts.

    In those of all languages if none of the texts' is known: a son is no small word in English.
    """
    known = {language for text in texts if (language := find_language(text)) in name_words()}
    return _function_terms(frozenset(known or name_words()))


@cache
def _function_terms(languages: frozenset[str]) -> frozenset[str]:
    words = (word for code in languages for word in name_words()[code].function_words)
    return frozenset(terms(" ".join(sorted(words))))


def asks_what_was(text: str, *, times_are_over: bool) -> bool:
    """Whether a question is about the past: "What was the rent in September?".

    And not about what came of it: "Which one did we choose in the end?". In the words of its own
    language, as "was" is no verb in German; of all, if that is not known.

    `times_are_over` is whether it names times, and all of them are over.
    """
    if _words("outcome", text).search(text):
        return False
    language = find_language(text)
    table = _tables().get(language)
    if table and table.tenseless and times_are_over:
        return True
    own = table is not None and counts_everywhere(language)
    languages = (language,) if own else _read_languages(text)
    return _pattern("was", languages).search(text) is not None


def speaks_of_me(text: str) -> bool:
    """Whether a question is about the one who asks; "tell me" is not."""
    return _words("me", text).search(_words("asides", text).sub(" ", text)) is not None


SaidSort = Literal["open", "decided"]
"""What a note says by single words."""
NoteSort = Literal[SaidSort, "changed"]
"""What is read of a note's words."""
TaggedSort = Literal[SaidSort, "rules"]
"""What tags say; of rules the note's kind."""
Sort = Literal["", NoteSort, TaggedSort]
NOTE_SORTS: tuple[NoteSort, ...] = ("open", "decided", "changed")
TAGGED_SORTS: tuple[TaggedSort, ...] = ("open", "decided", "rules")
_ASKED_SORTS: tuple[Sort, ...] = (*NOTE_SORTS, "rules")


def asked_sort(text: str) -> Sort:
    """The kind of notes that a question asks for; "" for none."""
    for sort in _ASKED_SORTS:
        if _words(sort, text).search(text):
            return sort
    return ""


def says_done(content: str) -> bool:
    """Whether a note says that something has been done, and nothing that it is still to be done."""
    done = _words("closes", content).search(content) is not None
    return done and not says_sort("open", content)


def says_sort(sort: SaidSort, content: str) -> bool:
    """Whether a note's words say that something is still to be done, or decided."""
    if sort == "decided":
        return says_decided(content)
    return _words("opens", content).search(content) is not None


def is_tagged_as(sort: TaggedSort, tags: Iterable[str]) -> bool:
    """Whether a tag says so."""
    return not sort_tags(sort).isdisjoint(map(fold, tags))


def sort_of_tag(tag: str) -> str:
    """The kind of which a tag says that a note is; "" for none."""
    return next((sort for sort in TAGGED_SORTS if is_tagged_as(sort, [tag])), "")


@cache
def sort_tags(sort: TaggedSort) -> frozenset[str]:
    """The tags of notes of a kind, folded."""
    tables = _tables().values()
    return frozenset(chain.from_iterable(getattr(table, f"{sort}_tags") for table in tables))


LISTED_READ_CHARACTERS = 200
"""Of a question, in which it asks for a list."""
_KIND = r"()([^\W_][\w-]{0,40})((?: [\w-]{1,40}){0,2})"
_PLURAL = r"(?!(?:was|is|has|does|this|its|us|always)\b)[^\W_][\w-]{0,40}[^\Ws]s\b"
_KINDS = rf"((?:[\w-]{{1,40}} ){{0,2}}?)({_PLURAL})()"
"""What a list is asked of: what stands before the word that names it, that word, what follows."""


def listed_kind(text: str) -> tuple[frozenset[str], str]:
    """The words of what a question asks a list of, folded, and the question without it.

    With the tags of such notes in other languages: of "rules" also "规矩".

    "List every incident we wrote up" is of "incident we wrote", and without it "we wrote up"; both
    are empty if it asks for no list.
    """
    found = _words("lists", text).search(text[:LISTED_READ_CHARACTERS])
    if found is None:
        return frozenset(), ""
    which, kind, more = (group for group in found.groups() if group is not None)
    rest = f"{text[: found.start()]} {which} {more} {text[found.end() :]}"
    rest = _words("recorded", text).sub(" ", rest)
    words = frozenset(re.findall(r"[^\W_]+", without_accents(fold(f"{kind} {more}"))))
    alike = (frozenset(map(without_accents, sort_tags(sort))) for sort in TAGGED_SORTS)
    if len(words) == 1:  # a "firewall rule" is a rule of another sort
        words = words.union(*(tags for tags in alike if words <= tags))
    return words - function_terms(), rest


def without_sort(text: str, sort: Sort) -> str:
    """A question without the words that ask for a kind of notes."""
    return _words(sort, text).sub(" ", text) if sort else text


NAME = (
    r"(?-i:[A-ZÀ-ÖØ-ÞĀ-Ž][\w'’-]+(?: (?:[a-z]{2,3} )?[A-ZÀ-ÖØ-ÞĀ-Ž][\w'’-]+){0,3}"
    r"|[\u30a0-\u30ff\u4e00-\u9fff]{2,6})"
)
"""A name of at most four words, or of a script without spaces."""


def find_users(content: str) -> frozenset[str]:
    """The names by which a note calls the user, whole and first ones, as spelled."""
    found = set[str]()
    for match in _words("called", content).finditer(content):
        name = next(filter(None, match.groups()))
        found |= {name, name.split()[0]}
    return frozenset(found)


def _words(name: str, text: str) -> re.Pattern[str]:
    """Words of the languages by whose words a text is read."""
    return _pattern(name, _read_languages(text))


@cache
def _pattern(name: str, languages: tuple[str, ...]) -> re.Pattern[str]:
    spelled = spell_any(map(_tables().__getitem__, languages), name)
    any_of = spelled.replace("{name}", f"({NAME})")
    any_of = any_of.replace("{kinds}", _KINDS).replace("{kind}", _KIND)
    return re.compile(any_of or "(?!)", re.IGNORECASE)


def without_next(text: str) -> str:
    """A question without the words that ask for what comes next."""
    return _words("next", text).sub(" ", text)
