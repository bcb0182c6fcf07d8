"""Facts about persons in a note: statements and relations."""

from zettel.storage.notes import Note, Outline, fold
from zettel.tools.language.facts import Statement, find_statements
from zettel.tools.language.relations import (
    LIVES_IN,
    MOVED_TO,
    THE_USER,
    Relation,
    find_relations,
)
from zettel.tools.language.user_words import means_user

FACT_OF_LABEL = {
    **dict.fromkeys((LIVES_IN, MOVED_TO), "home"),
    "works at": "employer",
    **dict.fromkeys(("is married to", "is engaged to", "wife", "husband"), "partner"),
}
"""Label of a relation -> the fact that `find_statements` reads of the same."""
LABELS_OF_ONE = frozenset("home employer partner mother father doctor boss landlord".split())
"""Of which somebody has one at a time; of sisters and friends each is a fact of its own."""


def read_facts(note: Note | Outline) -> list[Statement]:
    """The facts about persons in a note, relations included.

    The first person is whose note it is, as `find_statements` and `find_relations` read it.
    """
    named = means_user(note.subject) or note.subject[:1].isupper()
    related = [_as_fact(told) for told in find_relations(note.content, note.subject)]
    if not named:  # of a note about tea nobody knows who "I" is
        related = [one for one in related if one.who != THE_USER]
    # The value of a relation is a name, and nothing behind it.
    known = {(one.who, one.fact) for one in related if one.plain}
    told = {(one.who, one.fact, one.value) for one in related}
    stated = [
        one
        for one in find_statements(note)
        if (one.who, one.fact) not in known and (one.who, one.fact, one.value) not in told
    ]
    return [*related, *stated]


def _as_fact(told: Relation) -> Statement:
    """A relation as a fact: of who has the role, or does what the label says."""
    owner, value = (told.whom, told.who) if told.is_role else (told.who, told.whom)
    fact = FACT_OF_LABEL.get(told.label, told.label)
    if fact not in LABELS_OF_ONE:
        fact = f"{fact} {fold(value)}"
    return Statement(
        who=fold(owner),
        fact=fact,
        value=fold(value),
        begun=not told.is_plain,
        plain=told.is_plain,
        aside=told.is_aside,
    )
