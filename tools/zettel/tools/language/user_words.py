"""Statements about the user, and words for the user: "me", "My doctor is …", "je m'appelle …".

A language is a file of `user_words`: adding one takes no code. The first person is the user's only
in a note of the user's own, and not where others speak in it: in quotations, in lines of a talk.
"""

from collections.abc import Iterator, Sequence
from functools import cache

import regex as re

from zettel.storage.notes import fold
from zettel.storage.text.passages import sentence_spans
from zettel.storage.text.utterance import asks
from zettel.tools.language.languages import counts_everywhere, find_language, read_languages
from zettel.tools.language.prose import without_code
from zettel.tools.language.question_words import NAME, asks_for_everything
from zettel.tools.language.speakers import Speech, find_quotations, find_turns, without
from zettel.tools.language.talk_words import USER, talk_words
from zettel.tools.language.transcripts import find_labels, without_cue_times
from zettel.tools.language.word_files import WordTable, read_word_files, spell_words, word_tables

OWN_MAX_CHARACTERS = 4_000
"""Characters of a text that are read, as for its relations."""
ALL_ABOUT_ME_MAX_CHARACTERS = 200
"""As `question_words.ALL_ABOUT_MAX_CHARACTERS`."""


class _Table(WordTable):
    """A language's file: `en.toml` explains it."""

    names: tuple[str, ...]
    searched: tuple[str, ...]
    told: tuple[str, ...]
    about: tuple[str, ...]
    named: tuple[str, ...]
    ours: tuple[str, ...] = ()
    we: tuple[str, ...] = ()
    kin: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()
    tastes: tuple[str, ...] = ()
    passing: tuple[str, ...] = ()


_tables = word_tables("user_words", _Table)


def _words(name: str, text: str) -> re.Pattern[str]:
    """Words of the languages by whose words a text is read."""
    return _pattern(name, tuple(read_languages(text, tuple(_tables()), sure=True)))


@cache
def _pattern(name: str, languages: tuple[str, ...]) -> re.Pattern[str]:
    tables = {code: _tables()[code] for code in languages}
    spelled = (
        spell_words(getattr(t, name), inside=t.inside).replace("{kin}", _kin(code))
        for code, t in tables.items()
    )
    told = "|".join(filter(None, spelled)).replace("{name}", f"({NAME})")
    return re.compile(told, re.IGNORECASE)


@cache
def _kin(language: str) -> str:
    """A pattern of what people and animals of one's home are called in a language."""
    labels = {label for table in _tables().values() for label in table.kin}
    words = (
        word
        for part in ("roles", "plurals")
        for label, several in read_word_files("relation_words")
        .get(language, {})
        .get(part, {})
        .items()
        if label in labels
        for word in several
    )
    return f"(?:{'|'.join(sorted(set(words), key=len, reverse=True))})"


@cache
def user_names() -> frozenset[str]:
    """Subjects that mean the user, folded, `user` among them."""
    return frozenset(fold(name) for table in _tables().values() for name in table.names)


@cache
def searched_words() -> str:
    """A query for notes in the first person."""
    return " ".join(dict.fromkeys(word for t in _tables().values() for word in t.searched))


def means_user(subject: str) -> bool:
    """Whether the first person of a note with this subject is the user: it has none, or "me"."""
    return fold(subject) in {"", *user_names()}


def names_user(text: str) -> bool:
    """Whether a text calls the user so: "the user", "die Nutzerin"."""
    return any(talk_words().roles.get(word) == USER for word in fold(text).split())


def own_words(text: str) -> str:
    """The prose of a text without other speakers and quotations, at most `OWN_MAX_CHARACTERS`."""
    prose = own_prose(text)
    return without(prose, _of_others(find_quotations(prose), USER))


def own_prose(text: str, author: str = USER) -> str:
    """The prose of a text without the lines of other speakers, at most `OWN_MAX_CHARACTERS`."""
    told = text[:OWN_MAX_CHARACTERS]
    return without_code(without(told, _of_others(find_turns(told), author)))


def said_by(text: str, subject: str) -> str:
    """The text without its subject's labels of a speaker and the times of subtitles.

    "User: I am allergic to nuts" of the user, and "Ana: I am late" of Ana.
    """
    said, end = list[str](), 0
    text = without_cue_times(text)
    for label in find_labels(text):
        if label.name and _is_label_of(label.name, subject):
            said.append(text[end : label.start])
            end = label.said_from
    return "".join((*said, text[end:]))


def _is_label_of(label: str, subject: str) -> bool:
    name = fold(label.lstrip("@"))
    role = talk_words().roles.get(name)
    return fold(subject) in (name, role) or (role == USER and means_user(subject))


def _of_others(speech: Sequence[Speech], author: str) -> list[Speech]:
    return [one for one in speech if fold(one.speaker) != fold(author)]


def _told(text: str) -> Iterator[str]:
    """The sentences of `own_words` that are no questions."""
    own = own_words(text)
    for start, end in sentence_spans(own):
        if (sentence := own[start:end].strip()) and not asks(sentence):
            yield sentence


def tells_of_user(text: str) -> bool:
    """Whether a note by the user is about the user: "I …", "My …", "The user …"."""
    return _is_told("told", text)


def tells_of_home(text: str) -> bool:
    """Whether a note by the user is about their family or home: "Our daughter …", "Our house …"."""
    return _is_told("ours", text)


def _is_told(name: str, text: str) -> bool:
    """Whether a sentence has such words of the text's language: "mes" is Spanish for a month."""
    language = find_language(text)
    own = language in _tables() and counts_everywhere(language)
    words = _pattern(name, (language,)) if own else _words(name, text)
    return any(words.search(sentence) for sentence in _told(text))


def says_we(text: str) -> bool:
    """Whether a text has a word of the first person plural."""
    return _words("we", text).search(text) is not None


def begins_with_i(sentence: str) -> bool:
    """Whether a sentence begins in the first person: "I …", "My …"."""
    return _words("told", sentence).match(sentence) is not None


def find_own_names(text: str) -> frozenset[str]:
    """The user's names in a note by the user: "My name is Farid Haddad"."""
    named = _words("named", text)
    if not named.search(text):
        return frozenset()
    matches = map(named.search, _told(text))
    return frozenset(next(filter(None, match.groups())) for match in matches if match)


def tells_what_stands(sentence: str) -> bool:
    """Whether a sentence states a lasting trait of the user: "I prefer tea", "Ich bin Veganer"."""
    return tells_who_one_is(sentence) or _words("tastes", sentence).match(sentence) is not None


def tells_who_one_is(sentence: str) -> bool:
    """Whether what it states is no taste, skill or property: "I am a nurse", "Ich bin Veganer"."""
    return _words("standing", sentence).match(sentence) is not None


def is_passing(sentence: str) -> bool:
    """Whether a sentence tells a temporary state or a supposition."""
    return _words("passing", sentence).search(sentence) is not None


def asks_all_about_me(text: str) -> bool:
    """Whether a question asks for everything about the user: "What do you know about me?"."""
    if len(text) > ALL_ABOUT_ME_MAX_CHARACTERS:
        return False
    found = _words("about", text).search(text)
    ends = found is not None and not re.search(r"\w", text[found.end() :])
    return ends and asks_for_everything(text, text)
