"""All that is known of somebody or something, in one answer: relations, open pairs, notes.

Relations are read from the notes as they stand, so that one goes with its source.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

from zettel.storage.notes import NEEDS_REVIEW, OPEN_RELATIONS, Kind, Outline, fold
from zettel.storage.text.passages import sentence_spans
from zettel.tools.answers import About, RelationLine, UnsettledPair
from zettel.tools.changes.settling import settle_open
from zettel.tools.concurrency import check_cancelled, read_in_thread
from zettel.tools.language.change_cues import find_change_cue, value_words
from zettel.tools.language.facts import find_statements
from zettel.tools.language.question_words import find_users
from zettel.tools.language.relations import (
    COUPLE,
    THE_USER,
    Relation,
    find_relations,
    tells_home,
    tells_of_parting,
)
from zettel.tools.language.terms import plain_name
from zettel.tools.language.user_words import find_own_names, tells_of_user
from zettel.tools.note_marks import add_labels
from zettel.tools.ranking.ranked import Ranked, group_copies
from zettel.tools.ranking.voices import share_places, voices_of
from zettel.tools.recall.entities import Entity, says_name
from zettel.tools.recall.note_details import linked
from zettel.tools.recall_request import RecallQuery
from zettel.tools.render import count_tokens
from zettel.tools.state.memory import Memory
from zettel.tools.trust import TrustView

ABOUT_MAX_NOTES = 40
"""Notes of the first page where no limit is given: as many short ones as the default budget has."""
ABOUT_MAX_RELATIONS = 40
"""Most relations of one; those of the newest notes."""
ABOUT_MAX_OPEN = 10
"""Most open pairs told in full."""
ABOUT_SHARE = 4
"""Relations take at most a quarter of the budget, and so do open pairs."""


@dataclass(frozen=True, slots=True)
class _End:
    """What tells that something is so no longer."""

    who: str
    """Of whom, folded: who it is stated of, or the subject of its note."""
    told: str
    """The sentence that tells it, of anybody whom it names; empty if it is stated of `who`."""
    words: frozenset[str]
    """Of what was so, as `value_words` gives them."""
    of_couple: bool = False
    """Whether it tells that two have parted."""

    def ends(self, one: Relation, words: Collection[str]) -> bool:
        """Whether that is a relation, told before, with these words."""
        if self.of_couple:
            return one.label in COUPLE and self._names(one.who) and self._names(one.whom)
        if not words or not self.words.issuperset(words):  # a short name has none
            return False
        return self._names(one.who)

    def _names(self, name: str) -> bool:
        if self.told and name == THE_USER:
            return tells_of_user(self.told)
        return fold(name) == self.who or says_name(name, self.told)


class _Newer:
    """A note that may end what older ones tell; it is read where it has words of that."""

    def __init__(self, note: Outline) -> None:
        self._note = note

    def ends(self, one: Relation) -> bool:
        """Whether it tells that a relation is so no longer."""
        words = value_words(one.label if one.is_role else one.whom)
        if one.label not in COUPLE and not words <= self._words:
            return False
        return any(end.ends(one, words) for end in self._ends)

    @cached_property
    def _words(self) -> set[str]:
        return value_words(self._note.content)

    @cached_property
    def _ends(self) -> Sequence[_End]:
        return tuple(_find_ends(self._note))


def in_order(memory: Memory, asked: RecallQuery, entity: Entity) -> list[str]:
    """Ids of an entity's notes: newest first, copies together, no voice before all others.

    Of the user comes first who it is, and then the profile.
    """
    outlines = {note.note_id: note for note in entity.notes}
    own = memory.reader(asked.caller).own_principals
    ranked = group_copies([Ranked(note_id, 1.0, {}) for note_id in outlines], outlines)
    placed = share_places(ranked, voices_of(outlines.values(), own), outlines)
    ordered = [one.note_id for one in placed]
    if entity.is_user:
        ordered.sort(key=lambda note_id: _behind(outlines[note_id]))
    return ordered


def _behind(note: Outline) -> int:
    """0 for what says who the user is, in the profile and elsewhere, 1 for the rest of the profile.

    2 for other notes.
    """
    if note.kind is not Kind.CORE:
        return 0 if find_own_names(note.content) else 2
    return 0 if find_users(note.content) else 1


async def describe(memory: Memory, asked: RecallQuery, entity: Entity) -> About:
    """The names of an entity, its relations, newest first, and the pairs of notes left open."""
    reader = memory.reader(asked.caller)
    about = About(names=list(entity.names))
    if entity.others:
        about["several"] = list(entity.others)
    if relations := await read_in_thread(_relations, entity, reader):
        about["relations"] = relations
    if pairs := await _open_pairs(memory, asked, entity.notes):
        about["open"] = pairs
    return about


def _relations(entity: Entity, reader: TrustView) -> list[RelationLine]:
    keys, lines, has_home = entity.keys, dict[str, RelationLine](), False
    newer = list[_Newer]()
    for note in entity.notes:
        check_cancelled()
        told = find_relations(note.content, note.subject)
        homes = [one for one in told if tells_home(one) and plain_name(one.who) in keys]
        for one in told:
            if one in homes and has_home:  # a newer note tells where they live now
                continue
            line = _line(one, keys)
            if line and not any(other.ends(one) for other in newer):
                lines.setdefault(fold(line), _labelled(note, line, reader))
        has_home = has_home or bool(homes)
        newer.append(_Newer(note))
        if len(lines) >= ABOUT_MAX_RELATIONS:
            break
    return list(lines.values())[:ABOUT_MAX_RELATIONS]


def _find_ends(note: Outline) -> Iterator[_End]:
    """What a note names that is so no longer: "no longer works at Siemens", "left Siemens"."""
    for span in sentence_spans(note.content):
        told = note.content[slice(*span)]
        if tells_of_parting(told):
            yield _End(fold(note.subject), told, frozenset(), of_couple=True)
        if cue := find_change_cue(told):
            yield _End(fold(note.subject), told, frozenset(chain(cue.former, *cue.over)))
    for one in find_statements(note):
        if one.over:
            yield _End(one.who, "", frozenset(value_words(one.value)))


def _line(told: Relation, keys: Collection[str]) -> str:
    """A relation from the view of one of its sides; empty if that is neither."""
    if plain_name(told.who) in keys:
        return "" if plain_name(told.whom) in keys else told.told
    return told.told_back if plain_name(told.whom) in keys else ""


def _labelled(note: Outline, line: str, reader: TrustView) -> RelationLine:
    told = RelationLine(line=line, note_id=note.note_id)
    add_labels(told, f"{note.subject}\n{note.content}", note, reader)
    return told


async def _open_pairs(
    memory: Memory, asked: RecallQuery, notes: Sequence[Outline]
) -> list[UnsettledPair]:
    """Pairs that the caller may settle, the younger note's link first."""
    ids = tuple(note.note_id for note in notes)
    if not ids:
        return []
    where = replace(asked.where, subject="", note_ids=ids, tags=(NEEDS_REVIEW,))
    left = await memory.store.find(where, limit=ABOUT_MAX_OPEN)
    links = await linked(memory, asked, left)
    return [
        UnsettledPair(
            note_id=note.note_id,
            relation=entry.link.relation,
            to=entry.other.note_id,
            reason=f"{entry.link.reason}; "
            + settle_open(note, entry.other, entry.link.relation, memory.trust),
        )
        for note in left
        if memory.may_write(note.namespace)
        for entry in links[note.note_id]
        if entry.link.relation in OPEN_RELATIONS and not entry.points_here and not entry.state
    ][:ABOUT_MAX_OPEN]


def within_budget(about: About, budget: int) -> About:
    """What fits: names, then relations and open pairs in a quarter of the budget each."""
    fitting = About(names=about["names"])
    if several := about.get("several"):
        fitting["several"] = several
    if count_tokens(fitting) > budget // ABOUT_SHARE:
        return About(names=about["names"][:1])
    relations, pairs = about.get("relations", []), about.get("open", [])
    while relations and count_tokens(relations) > budget // ABOUT_SHARE:
        relations = relations[:-1]
    while pairs and count_tokens(pairs) > budget // ABOUT_SHARE:
        pairs = pairs[:-1]
    if relations:
        fitting["relations"] = relations
    if pairs:
        fitting["open"] = pairs
    return fitting
