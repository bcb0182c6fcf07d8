"""The bounds of the tools' arguments: checked once, before anything is read or written."""

import difflib
import re
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import islice
from unicodedata import category

import regex

from zettel.storage.errors import InvalidArgumentError, UnknownNameError
from zettel.storage.ids import is_id
from zettel.storage.notes import Kind, normalise
from zettel.tools.language.word_files import read_word_files

MAX_CONTENT = 32_768
"""Characters of a note; a longer text is a document or a session and belongs in several."""
MAX_DOCUMENT = 4 * MAX_CONTENT
"""Characters of a document that `remember` cuts into linked notes."""
MAX_QUERY = 4_096
MAX_FIELD = 2_048
"""Characters of `context`, `source` and `reason`."""
MAX_NAME = 256
"""Characters of `subject`, `session` and a tag."""
MAX_RELATION = 40
"""Characters of a relation: Zettel's own have at most 14; a sentence has more."""
MAX_LIST = 64
MAX_LIMIT = 100
MAX_TOKENS = 32_000
MIN_TOKENS = 100
FOUND_FROM = 0.5
"""Default confidence from which recall's verdict is `found`."""

_RELATION = regex.compile(r"([^\W_][\w\p{M}-]*)?(?<![_-])")
_NO_RELATION = regex.compile(r"(?:_|[^\w\p{M}-])+")
NAMESPACE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
NEAREST_MAX_NAMES = 5_000
"""Known names that a misspelt one is compared with, the first ones: 20 to 100 microseconds each."""


def nearest(value: str, known: Iterable[str]) -> str | None:
    """The known name with `value` as a word, else the most similar one by difflib's ratio.

    None for a value longer than `MAX_NAME`: difflib takes a second for some megabytes.
    """
    if len(value) > MAX_NAME:
        return None
    names = islice(known, NEAREST_MAX_NAMES)
    by_folded, folded = {name.casefold(): name for name in names}, value.casefold()
    found = difflib.get_close_matches(folded, by_folded, n=1)
    holding = [name for name in by_folded if folded and folded in re.split(r"[_\W]+", name)]
    return by_folded[(holding or found)[0]] if holding or found else None


def unknown_name(kind: str, name: str, known: Iterable[str], remedy: str) -> UnknownNameError:
    """An error about an unknown name that suggests the nearest known one."""
    near = nearest(name, known)
    meant = f"Did you mean {near!r}? " if near else ""
    return UnknownNameError(kind, name[:80], known, f"{meant}{remedy}")


def check_text(name: str, value: str, *, most: int) -> str:
    """Check a text: at most `most` characters, no NUL, no lone surrogates."""
    if len(value) > most:
        raise InvalidArgumentError(
            name, f"{len(value):,} characters are too many, {most:,} is the most", "Shorten it."
        )
    if "\x00" in value:
        raise InvalidArgumentError(name, "it holds a NUL character", "Take it out, call again.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError(
            name, "it holds half a surrogate pair", "Send valid Unicode text."
        ) from None
    return value


def check_content(value: str, *, most: int = MAX_CONTENT) -> str:
    """Check a note's content, or a document's: not empty, and at most `most` characters."""
    if len(value) > most:
        raise InvalidArgumentError(
            "content",
            f"{len(value):,} characters are too many, {most:,} is the most",
            "Split it where speakers change and remember one note per statement, all with the same"
            " session."
            if most > MAX_CONTENT
            else "Keep what changed here, and remember the rest.",
        )
    if not has_visible(value):
        raise InvalidArgumentError(
            "content", "it is empty", "Pass the words to remember, self-contained."
        )
    return check_growth("content", check_text("content", value, most=most))


def has_visible(value: str) -> bool:
    """Whether a text holds more than space and what is not shown, as zero-width joiners."""
    return any(not c.isspace() and category(c) not in ("Cc", "Cf") for c in value)


FOLDED_MAX_FACTOR, FOLDED_FREE_CHARACTERS = 2, 4_096
"""Bound of a folded text over that of the text, and up to where none holds: one character may
become 18 (U+FDFA), and each comparison of such a text takes 18 times as long."""
_GROWTH_STEP_CHARACTERS = 512


def check_growth(name: str, value: str) -> str:
    """Check that compatibility characters written out (NFKC) do not make a text far longer."""
    most = max(FOLDED_FREE_CHARACTERS, FOLDED_MAX_FACTOR * len(value))
    if not value.isascii():
        steps = range(0, len(value), _GROWTH_STEP_CHARACTERS)
        length = 0
        for start in steps:
            length += len(normalise(value[start : start + _GROWTH_STEP_CHARACTERS]))
            if length > most:
                raise InvalidArgumentError(
                    name,
                    f"its compatibility characters, written out, take more than {most:,}"
                    " characters",
                    "Write them out, or split the text.",
                )
    return value


def check_name(name: str, value: str | None) -> str:
    """Check and strip a short name; empty when absent."""
    given = value or ""
    # Only white space, which is not counted, could make a longer one short.
    plain = given if len(given) > MAX_CONTENT else " ".join(given.split())
    return check_text(name, plain, most=MAX_NAME)


def tidy_relation(text: str) -> str:
    """The nearest text that `check_relation` takes; empty if there is none.

    Answers show the relations of links this way: a store may have links with a free text as their
    relation, from an earlier version or a backup.
    """
    if _is_relation(text):
        return text
    return _NO_RELATION.sub("_", text.lower())[:MAX_RELATION].strip("_-")


def _is_relation(text: str) -> bool:
    return len(text) <= MAX_RELATION and bool(_RELATION.fullmatch(text))


def check_relation(value: str | None) -> str:
    """Check a relation, in lower case and with `_` between words; empty when absent."""
    name = check_name("links.relation", value).lower().replace(" ", "_")
    if _is_relation(name):
        return name
    meant = tidy_relation(name)
    raise InvalidArgumentError(
        "links.relation",
        f"{name[:MAX_RELATION]!r} is not the name of a relation",
        f"Use 1-{MAX_RELATION} letters, digits, '_' or '-'; what there is more to say belongs in"
        f" the note.{f' Did you mean {meant!r}?' if meant else ''}",
    )


def check_subject(value: str | None) -> str:
    """Check a subject; "me" and the like become `user`."""
    subject = check_name("subject", value)
    return "user" if subject.casefold() in _self_names() else subject


@cache
def _self_names() -> frozenset[str]:
    """The English names of the person whom the agent works for, in small letters.

    Those of other languages are stored as told, and mean the user wherever a subject is read.
    """
    return frozenset(map(str.casefold, read_word_files("user_words")["en"]["names"]))


def check_length(name: str, values: Sequence[object]) -> None:
    """Check that a list has at most `MAX_LIST` entries."""
    if len(values) > MAX_LIST:
        raise InvalidArgumentError(
            name, f"{len(values)} entries are too many, {MAX_LIST} is the most", "Pass fewer."
        )


def check_list(name: str, values: Sequence[str] | None) -> tuple[str, ...]:
    """Check names: at most `MAX_LIST`, without duplicates, in order."""
    given = values or ()
    check_length(name, given)
    return tuple(dict.fromkeys(checked for v in given if (checked := check_name(name, v))))


def check_ids(name: str, values: Sequence[str] | None) -> tuple[str, ...]:
    """Check note ids, and return them in upper case."""
    given = check_list(name, values)
    for value in given:
        if not is_id(value.upper()):
            raise InvalidArgumentError(
                name, f"{value!r} is not a note id", "Pass ids as recall and remember return them."
            )
    return tuple(dict.fromkeys(value.upper() for value in given))


def as_given(note_id: str, values: Iterable[str]) -> str:
    """A note id as one of the values spells it."""
    same = (v for v in values if len(v) <= MAX_NAME and v.strip().upper() == note_id)
    return next(same, note_id)


def check_kind(value: str | None, *, writable: bool) -> Kind | None:
    """Check a kind; `concept` is not writable: evolution makes it."""
    if value is None or not value.strip():
        return None
    allowed = [kind for kind in Kind if not (writable and kind is Kind.CONCEPT)]
    folded = value.strip().casefold()
    if folded in allowed:
        return Kind(folded)
    raise UnknownNameError("kind", value[:80], allowed, f"Pass one of {', '.join(allowed)}.")


def check_namespace(value: str, argument: str = "namespace") -> str:
    """Check a namespace's name."""
    if NAMESPACE.fullmatch(value):
        return value
    tidy = re.sub(r"[^a-z0-9._-]+", "-", value[:MAX_NAME].casefold()).strip("-._")[:64]
    meant = f" Did you mean {tidy!r}?" if NAMESPACE.fullmatch(tidy) else ""
    raise InvalidArgumentError(
        argument,
        f"{value[:80]!r} is not a namespace",
        f"Use 1-64 of a-z, 0-9, '.', '_', '-', starting with a letter or digit.{meant}"
        " Left out, it is the project's.",
    )


def check_range(name: str, value: int, *, least: int, most: int) -> int:
    """Check that a number is within bounds."""
    if not least <= value <= most:
        raise InvalidArgumentError(
            name, f"{str(value)[:40]} is out of range", f"Pass a number from {least} to {most:,}."
        )
    return value
