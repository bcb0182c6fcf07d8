"""The words that tell talk from lists of fields, and those of saying, a file for each language."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import regex as re

from zettel.storage.notes import fold
from zettel.tools.language.word_files import WordTable, word_tables

USER, ASSISTANT = "user", "assistant"
_NUMBER = re.compile(r"[ ]?#?\d+$")


class _Table(WordTable):
    """A language's file: `en.toml` explains it."""

    personal: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    posts: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    assistant: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    sent: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkWords:
    """The words of all languages, folded."""

    personal: re.Pattern[str]
    """What people say of themselves and to each other, anywhere in a folded text."""
    fields: frozenset[str]
    posts: frozenset[str]
    """Of the fields those that name who has a post, by which people are called, too: "owner"."""
    roles: Mapping[str, str]
    """Label of a person with an agent, or of the agent -> `USER` or `ASSISTANT`."""
    said: tuple[str, ...]
    """Patterns of the words of saying behind who says something."""
    sent: tuple[str, ...]
    """Patterns of what stands before who has written something: "mail from"."""
    others: tuple[str, ...]
    """Patterns of who may say something and has no name there: "she", "my boss"."""

    def is_field(self, label: str) -> bool:
        """Whether a folded label names a field, a number behind it or not."""
        return _NUMBER.sub("", label) in self.fields or self.is_post(label)

    def is_post(self, label: str) -> bool:
        """Whether a folded label names somebody's post, a number behind it or not."""
        return _NUMBER.sub("", label) in self.posts


@cache
def talk_words() -> TalkWords:
    """The words of all languages."""
    tables = word_tables("talk_words", _Table)().values()
    spaced = "|".join(re.escape(fold(w)) for t in tables if not t.inside for w in t.personal)
    inside = "|".join(re.escape(fold(w)) for t in tables if t.inside for w in t.personal)
    return TalkWords(
        personal=re.compile(rf"(?<![\w'’])(?:{spaced})(?!\w)|{inside}"),
        fields=frozenset(fold(word) for table in tables for word in table.fields),
        posts=frozenset(fold(word) for table in tables for word in table.posts),
        roles={
            **{fold(word): USER for table in tables for word in table.user},
            **{fold(word): ASSISTANT for table in tables for word in table.assistant},
        },
        said=tuple(word for table in tables for word in table.said),
        sent=tuple(word for table in tables for word in table.sent),
        others=tuple(word for table in tables for word in table.others),
    )
