"""Pairs of notes that may not both be true: a rule's guess, for an agent to settle.

Compares only plain statements about the same person or thing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import NamedTuple

import regex as re

from zettel.storage.matching import match_outlines
from zettel.storage.notes import (
    MAY_CONTRADICT,
    MAY_SUPERSEDE,
    Kind,
    Link,
    Note,
    Outline,
    Span,
    fold,
)
from zettel.storage.store import NoteFilter, NoteReader
from zettel.tools.changes.links import SURE_CONFIDENCE, rule_link
from zettel.tools.changes.telling_order import telling_key
from zettel.tools.language.addresses import find_other_address, without_addresses
from zettel.tools.language.change_cues import (
    ChangeCue,
    value_words,
    words_of_when,
)
from zettel.tools.language.dates import find_times
from zettel.tools.language.facts import EMPLOYER, HOME, Statement, find_statements
from zettel.tools.language.name_words import name_words
from zettel.tools.language.names import words_of_names
from zettel.tools.language.opposites import find_other_state
from zettel.tools.language.quantities import (
    NEAR_SORTS,
    are_of_a_size,
    find_other_of_sort,
    find_other_quantity,
)
from zettel.tools.language.question_words import is_tagged_as, says_sort
from zettel.tools.language.slots import (
    OtherValue,
    find_other_count,
    find_other_label,
    find_other_number,
    find_other_value,
    is_version,
    shares_slot_name,
)
from zettel.tools.language.terms import telling_words, terms
from zettel.tools.language.time_words import is_day_month_or_count
from zettel.tools.language.times import wall_time
from zettel.tools.language.told_text import ToldText, told_text

MOVED_CONFIDENCE, UNSURE_CONFIDENCE, NEGATED_CONFIDENCE = 0.85, 0.6, 0.8
"""The younger statement tells a move of whom the older says where they live, one does not name the
fact, or the same words are negated; set by hand. `SURE_CONFIDENCE` where both name the fact."""
NAMED_CONFIDENCE, VALUE_CONFIDENCE, CHANGE_CONFIDENCE = 0.95, 0.85, 0.8
"""The younger note says that something has changed and names what the older states as former; it
tells another value in the same words; it says that something has changed. Set by hand. A 25th of
the cosine is added, which tells the changed note among several and is less than their distance."""
TASK_CONFIDENCE = 1.0
"""Of an open task whose ticket a note says is done: above all other conflicts of that note. Its
weight is that of another value."""
OVER_GAIN = 0.02
"""Added where the older note has the words of what is over: "Hotte Net cancelled 1 June" is rather
of its note on 1 June than of a nearer one on 18 May. Half the cosine's range (set by hand)."""
OF_SUBJECT_GAIN = 0.006
"""Added where both have one subject: as if the note were nearer by .15. Of 394 changes in fourteen
months four more are seen, and four notes fewer are wrongly said to be changed; with .012 and more
two of each (November 2026)."""
PREFERRED_MIN_CONFIDENCE = 0.8
"""Confidence from which answers prefer the younger note."""
SAME_THING_MAX_NOTES = 4
"""Notes up to which a subject names one thing ("water heater", "dentist"), and nobody who tells
many."""

_DENIAL = re.compile(r"\b(?:not|never|no longer|cannot|any ?more)\b|n['’]t\b", re.IGNORECASE)
_ENDED = re.compile(r"\b(?:no longer|any ?more)\b", re.IGNORECASE)
_WORD = re.compile(r"[\p{L}\p{M}\p{N}_]+")
_AUXILIARIES = frozenset(
    "a an the is are was were be been am do does did has have had will can could now still"
    " currently ca wo ai s t ve re m ll d".split()
)
"""Words that accompany a negation without saying what is negated."""
NEGATION_MIN_WORDS, ENDED_MIN_WORDS = 3, 2
"""Fewest shared words of a statement and its negation, its subject included; the
second applies to "no longer" ("I'm no longer vegetarian"). "I don't know" denies nothing."""
_NO_WORD = re.compile(r"[^\p{L}\p{M}\p{N}]+")
_DIGIT = re.compile(r"\p{N}")
_UNIT = re.compile(r"(?<=\p{N}\s?)\p{L}++")
_CAPITALISED = re.compile(r"(?<!\w)\p{Lu}[\p{L}\p{N}]+")
_FEW_DIGITS = re.compile(r"\p{N}{1,2}")
"""A number that is in notes on anything, and so tells of nothing in common."""
_PLACES = (HOME, EMPLOYER)
"""Facts that a move tells."""
_DONE, _NOW = "tells that it is done", "tells how it is now"
_GOES_ON = "tells of it, which was at rest"
_PRONOUNS = frozenset("he she it they we this that these those there".split())
WORD_ENDING = re.compile(r"(?<=\w{2})(?:es|s|ed|ing)$")
CONFLICT_MAX_LINKS = 3
"""Conflicts that a note is linked for."""
CONFLICT_MAX_CANDIDATES = 48
"""Notes read that may state the same fact."""
NEGATION_MAX_CHARACTERS = 300
"""Longest statement that is compared word by word."""


CHANGE_MIN_COSINE = 0.40
CHANGE_MIN_WORDS, CHANGE_MIN_SHARE = 2, 0.1
"""Least cosine, number and share of the telling words of either note that the other has for a
change of it; a document has few of a fact's."""
FAR_MIN_COSINE, FAR_MIN_WORDS, FAR_MIN_SHARE = 0.25, 3, 0.2
"""The same of notes that are less near, of the shorter: of a note on many things, a change of one.
5 more of 196 changes in ten months are seen, 2 of 616 other notes and one of LoCoMo dev's 2,955
turns taken for one (November 2026)."""
IDENTIFIER_MIN_COSINE = 0.35
"""Least cosine of two notes that have a name in code or of a ticket in common and tell one quantity
otherwise, or an address and tell its port otherwise: of eleven such pairs in 26 months nine are
changes."""
NEAR_MIN_COSINE = 0.60
"""Cosine from which a note with words of a change is of what the other tells, whatever words they
share. Below it, in 345 notes (benchmarks/evolution/workshop.jsonl), 4 of 13 changes told by such
words were true before this bound."""
OVER_MIN_SHARE = 0.5
"""Least share of the words of what is over that the older note has: half of the pairs of characters
of a Chinese phrase are two words' ends."""
DONE_MIN_COSINE, DONE_MIN_SHARE = 0.50, 0.35
"""Least cosine of an open task and what tells that it is done, and least share of the words of the
shorter that the other has; set by hand on months of notes. One word is enough if no other note can
be meant: of 163 changes in eight months two more are seen, of 474 other notes none is taken for
one."""
NOW_MIN_COSINE, NOW_MIN_WORDS, NOW_MIN_SHARE = 0.70, 3, 0.6
"""Where a note tells how something is now ("Ana prefers spaces now"): how near the other must be,
and how many words, of the shorter's share, it must have in common. Of LoCoMo's 2,960 turns 26 are
as near and 24 have such words with an earlier one of the same speaker."""
NAMED_MIN_COSINE = 0.25
"""Least cosine of two notes with a name that no other has, of which the later has words of a change
and tells a quantity otherwise."""
QUANTITY_MIN_COSINE = 0.50
"""Least cosine of two notes that tell one day or time of day otherwise; of other quantities it is
`CHANGE_MIN_COSINE`. Set with that module's figures."""
CLOSEST_MIN_COSINE, CLOSEST_MIN_LEAD = 0.60, 0.12
"""Where a note tells of a change and shares one telling word with another: how near that must be,
and by how much nearer than every other. These are set with `make bench-changes`, whose figures
are in benchmarks/RESULTS.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Why two notes may not both be true, seen from the younger."""

    relation: str
    """`may_supersede` or `may_contradict`."""
    weight: float
    """Confidence, in `[0, 1]`."""
    reason: str
    """Quotes the younger note alone: the other may be forgotten."""
    change: float = 0.0
    """Confidence by words of a change or of another value alone, else 0: of several such conflicts
    of a note the surest is meant."""

    @property
    def sureness(self) -> float:
        """How sure it is beside the other conflicts of the younger note."""
        return max(self.weight, self.change)


def find_conflict(
    younger: Note | Outline,
    older: Note | Outline,
    stated: Sequence[Statement],
    older_stated: Sequence[Statement],
) -> Conflict | None:
    """How the younger note (by `telling_key`) contradicts or replaces the older; None if not.

    `stated` and `older_stated` are their statements.
    """
    same_day = wall_time(younger.happened_at).date() == wall_time(older.happened_at).date()
    found = [
        r
        for new in stated
        for old in older_stated
        if (r := _statement_conflict(new, old, younger, same_day=same_day))
    ]
    if found:
        return max(found, key=lambda r: r.weight)
    return _negation_conflict(younger, older, same_day=same_day)


def find_conflicts(
    note: Note | Outline,
    stated: Sequence[Statement],
    others: Mapping[str, Outline],
    cosines: Mapping[str, float] | None,
) -> dict[str, Conflict]:
    """Which of these notes conflict with a note, or are changed by it.

    Args:
        note: The note.
        stated: Its statements.
        others: Notes by id.
        cosines: Of their nearest passages to the note's; no entry for those that are far. None
            without vectors, where the words alone tell.
    """
    told, found = _told(note), dict[str, Conflict]()
    text = told.text
    changes = text.cue or text.says_done or text.quantities.quantities
    changes = changes or any(_told(other).text.is_at_rest for other in others.values())
    meant = _meant_by_nearness(note, others, cosines) if changes and cosines else ""
    named = _named_alone(told, others) if text.quantities.quantities else frozenset[str]()
    if cosines is None:
        cosines = dict.fromkeys(others, CHANGE_MIN_COSINE)
    for note_id, other in others.items():
        cosine = cosines.get(note_id, -1.0)
        others_stated = find_statements(other) if stated else ()
        conflict = conflict_between(note, stated, other, others_stated)
        # Another's new job ends nobody's old one, in whatever words it is told.
        if not conflict and not is_about_others(stated, others_stated):
            conflict = _change_between(told, _told(other), cosine, meant=note_id == meant)
            if conflict is None and note_id in named:
                conflict = _change_of_named(told, _told(other), cosine)
        if conflict:
            found[note_id] = _with_subject(conflict, note, other)
    # A note changes one other. With all that the surest rule finds, 8 of 120 new notes were said to
    # change a wrong one, too, instead of 1, and in two months of notes 24 were wrong instead of 8.
    surest = max((one.sureness for one in found.values() if one.change), default=0.0)
    kept = {i: one for i, one in found.items() if not one.change or one.sureness == surest}
    surest_changes = {i: one for i, one in kept.items() if one.change}
    sorts = {one.change for one in surest_changes.values()}
    alike = [others[i] for i, one in found.items() if one.change in sorts]
    if len(alike) > SAME_THING_MAX_NOTES:  # entries of a series: "day 3", "day 4"
        return kept
    for note_id, conflict in surest_changes.items():
        later = _told_later(told, others[note_id], alike, cosines)
        kept |= {i: replace(found[i], weight=conflict.weight) for i in later}
    return kept


def _with_subject(conflict: Conflict, note: Note | Outline, other: Outline) -> Conflict:
    """A change is rather of the note with the same subject."""
    if not conflict.change or not note.subject or fold(note.subject) != fold(other.subject):
        return conflict
    return replace(conflict, weight=min(conflict.weight + OF_SUBJECT_GAIN, 1.0))


def _meant_by_nearness(
    note: Note | Outline, others: Mapping[str, Outline], cosines: Mapping[str, float]
) -> str:
    """The id of the note that a change is of if they share but one word; empty if none is.

    It is the nearest, by far or with a word that no other has: so 5 more of 147 changes in seven
    months are seen, and 2 of their 437 other notes, 5 of LoCoMo dev's 2,960 turns and at most 3 of
    300 notes that change nothing taken for one.
    """
    near = sorted(((cosine, i) for i, cosine in cosines.items() if i in others), reverse=True)
    if not near:
        return ""
    cosine, nearest = near[0]
    lead = cosine - near[1][0] if len(near) > 1 else 1.0
    if cosine >= CLOSEST_MIN_COSINE and lead >= CLOSEST_MIN_LEAD:
        return nearest
    if cosine < CHANGE_MIN_COSINE:
        return ""
    new, old = (_words_of_something(one) for one in (note, others[nearest]))
    shared, values = set[str](new & old), [others[nearest]]
    for note_id, other in others.items():
        if not shared or note_id == nearest:
            continue
        told = fold(f"{other.subject} {other.content}")
        apart = {word for word in shared if word not in told}
        earlier = telling_key(other) < telling_key(note)
        if apart != shared and earlier and _tells_otherwise(other, values[0], cosines):
            values.append(other)  # of the same thing
        else:
            shared = apart
    return max(values, key=telling_key).note_id if shared else ""


def _words_of_something(note: Note | Outline) -> set[str]:
    """The telling words of a note besides numbers, days and months, which are in notes on anything.

    Those are told by the whole word: telling words are beginnings.
    """
    words = _WORD.findall(fold(f"{note.subject} {note.content}"))
    anywhere = (word for word in words if _DIGIT.search(word) or is_day_month_or_count(word))
    return telling_words(" ".join(words)) - telling_words(" ".join(anywhere))


def conflict_links(
    note: Note, conflicts: Iterable[tuple[Outline, Conflict]], *, said: bool, now: datetime
) -> list[Link]:
    """A note's links for its conflicts with older notes: the surest, then the latest.

    `said` is whether it is said already which note it changes, so that words tell of no other.
    """
    older = [pair for pair in conflicts if telling_key(pair[0]) < telling_key(note)]
    older.sort(key=lambda pair: (pair[1].weight, telling_key(pair[0])), reverse=True)
    # A note changes one other: the surest, or the one it is said to supersede.
    changed = [pair for pair in older if pair[1].change]
    meant = [pair for pair in older if pair not in changed[0 if said else 1 :]]
    return [
        rule_link(note, other.note_id, c.relation, c.weight, c.reason, now=now)
        for other, c in meant[:CONFLICT_MAX_LINKS]
    ]


def conflict_between(
    note: Note | Outline,
    stated: Sequence[Statement],
    other: Note | Outline,
    others_stated: Sequence[Statement],
) -> Conflict | None:
    """`find_conflict` of two notes in any order, each with its statements."""
    if telling_key(note) > telling_key(other):
        return find_conflict(note, other, stated, others_stated)
    return find_conflict(other, note, others_stated, stated)


def is_about_others(stated: Sequence[Statement], others_stated: Sequence[Statement]) -> bool:
    """Whether another note states the same facts, but only about others."""
    facts = {one.fact for one in stated}
    same_facts = [one for one in others_stated if one.fact in facts]
    return bool(same_facts) and {one.who for one in same_facts}.isdisjoint(
        one.who for one in stated
    )


class _Told(NamedTuple):
    """A note, and its text as it is read."""

    note: Note | Outline
    text: ToldText


def _told(note: Note | Outline) -> _Told:
    return _Told(note, told_text(note.content, note.subject))


def _named_alone(told: _Told, others: Mapping[str, Outline]) -> frozenset[str]:
    """The ids of the earlier notes of which each alone holds a name of a note."""
    names = [name for name in told.text.names if not is_day_month_or_count(name)]
    earlier = [i for i, other in others.items() if telling_key(other) < telling_key(told.note)]
    words = {i: _told(others[i]).text.words for i in earlier} if names else {}
    subjects = {i: value_words(others[i].subject) for i in words}
    holding = ([i for i in words if name in words[i] | subjects[i]] for name in names)
    return frozenset(ids[0] for ids in holding if len(ids) == 1)


def _change_of_named(younger: _Told, older: _Told, cosine: float) -> Conflict | None:
    """What a note tells otherwise of a name that one other note alone holds.

    "Fraser can't make Thursday, Friday 4 December instead" has no other word of the note on "Kiln
    engineer Fraser Boyd". Of 247 changes in twelve months six more are seen, and of 751 other notes
    one is taken for one (December 2026).
    """
    changes = younger.text.cue or younger.text.is_of_now
    if cosine < (NAMED_MIN_COSINE if changes else QUANTITY_MIN_COSINE):
        return None
    value = find_other_of_sort(younger.text.quantities, older.text.quantities)
    if value is None or _is_past(value.old, older.note, younger.note):
        return None
    return make_change(CHANGE_CONFIDENCE, cosine, _says(value))


def _told_later(
    told: _Told, changed: Outline, others: Iterable[Outline], cosines: Mapping[str, float]
) -> list[str]:
    """The ids of the notes that told other values of what a note changes, one after the other."""
    values, end = [changed], telling_key(told.note)
    for other in sorted(others, key=telling_key):
        if telling_key(values[-1]) < telling_key(other) < end:
            if _tells_otherwise(other, values[-1], cosines):
                values.append(other)
    return [other.note_id for other in values[1:]]


def _tells_otherwise(one: Outline, other: Outline, cosines: Mapping[str, float]) -> bool:
    """Whether the later of two notes changes the other, by their cosines to a third.

    Theirs is the product of these if they have nothing in common but what each has with that one.
    """
    near = [max(cosines.get(note.note_id, 0.0), 0.0) for note in (one, other)]
    cosine = near[0] * near[1]
    return _change_between(_told(one), _told(other), cosine, meant=False) is not None


def _change_between(one: _Told, other: _Told, cosine: float, *, meant: bool) -> Conflict | None:
    """Whether the younger of two notes says that what the older tells is otherwise by now.

    `meant` is whether one shared word is enough (`_meant_by_nearness`).
    """
    older, younger = sorted((one, other), key=lambda told: telling_key(told.note))
    # The share of a much longer note is too small in any case, and its words are many to read.
    long = CHANGE_MIN_SHARE * len(older.text.content) > len(younger.text.content)
    # Most notes have none, and then the other's need not be read; as for numbers and quantities.
    named = younger.text.identifiers and younger.text.identifiers & older.text.identifiers
    cue = None if long and not named else younger.text.cue
    cue = None if cue and _ask_again(younger, older) else cue
    if cue and not _may_tell_instead(cue, older, cosine):
        cue = None  # what was wrong instead of right is only of a note that tells it
    tickets = younger.text.tickets and younger.text.tickets & older.text.tickets
    if tickets and _is_open(older.note) and younger.text.says_done_of(tickets):
        return replace(make_change(VALUE_CONFIDENCE, cosine, _DONE), change=TASK_CONFIDENCE)
    if cue and _names_former(cue, younger, older, cosine):
        over = cue.over and _says_over(cue, value_words(older.text.content))
        return make_change(NAMED_CONFIDENCE + (OVER_GAIN if over else 0), cosine, _by_words(cue))
    if cosine >= IDENTIFIER_MIN_COSINE and (value := _find_other_address(younger, older)):
        return make_change(NAMED_CONFIDENCE, cosine, _says(value))
    if named and (cue or younger.text.says_done):
        return make_change(VALUE_CONFIDENCE, cosine, _by_words(cue) if cue else _DONE)
    if named and cosine >= IDENTIFIER_MIN_COSINE and (value := _find_other_of(younger, older)):
        return make_change(VALUE_CONFIDENCE, cosine, _says(value))
    new, old = younger.note.subject, older.note.subject
    if fold(old) == fold(new) or not (old and new):
        value = find_other_value(younger.text.sentences, older.text.sentences)
        if value and not _are_two_people(value, younger, older):
            return make_change(VALUE_CONFIDENCE, cosine, f"tells “{value.new}” in the same place")
    if cosine >= CHANGE_MIN_COSINE:
        return _change_near(cue, younger, older, cosine, meant=meant)
    return _change_far(cue, younger, older, cosine) if cue and cosine >= FAR_MIN_COSINE else None


def _change_far(cue: ChangeCue, younger: _Told, older: _Told, cosine: float) -> Conflict | None:
    """Whether a note with words of a change is of what one far from it tells."""
    value = find_other_number(younger.text.numbers, older.text.numbers)
    if value and _names_subject(younger, older):
        return make_change(VALUE_CONFIDENCE, cosine, _says(value))
    if fold(younger.note.subject) == fold(older.note.subject) != "":
        if value := _find_other_quantity(younger, older, meant=True, near=True):
            return make_change(VALUE_CONFIDENCE, cosine, _says(value))
    if _share_many_words(cue, younger.note, older.note):
        return make_change(CHANGE_CONFIDENCE, cosine, _by_words(cue))
    return None


def _find_other_address(younger: _Told, older: _Told) -> OtherValue | None:
    """The address that the younger of two notes on one thing tells with another port or version."""
    # Most notes have none, and then the other's need not be read.
    new = younger.text.addresses
    value = find_other_address(new, older.text.addresses) if new else None
    if value is None:
        return None
    # One machine has many services.
    texts = [without_addresses(one.text.content) for one in (younger, older)]
    names = [*map(words_of_names, texts)]
    if names[0] - names[1] and names[1] - names[0]:
        return None
    words = [value_words(text) for text in texts]
    return value if any(map(terms, words[0] & words[1] - _verbs())) else None


def _find_other_of(younger: _Told, older: _Told) -> OtherValue | None:
    """What the younger of two notes on one name in code tells otherwise: a quantity or a state."""
    if value := _find_other_quantity(younger, older, meant=True, near=False):
        return value
    new, old = younger.text.content, older.text.content
    # Of two days two counts may be true.
    counted = find_other_count(new, old) if not (_times(younger) and _times(older)) else None
    if counted and are_of_a_size(counted.old, counted.new):
        return counted
    states = find_other_state(new, old)
    return OtherValue(*states) if states else None


def _times(told: _Told) -> Sequence[Span]:
    return told.note.times or find_times(told.text.content, telling_key(told.note)[0])


def _names_subject(one: _Told, other: _Told) -> bool:
    """Whether either of two notes has the other's subject in its text."""
    return any(
        (words := value_words(told.note.subject)) and words <= rest.text.words
        for told, rest in ((one, other), (other, one))
    )


def _may_tell_instead(cue: ChangeCue, older: _Told, cosine: float) -> bool:
    """Whether a note tells what is not so, if that is named, or what was before beside it.

    "Switched from DWB to MPPI: with 1000 samples instead of 2000 …" is of a note on DWB.
    """
    if not cue.instead or _tells_any(older, cue.instead, cosine):
        return True
    return not older.text.words.isdisjoint(cue.former - cue.instead - _verbs())


def _tells_any(older: _Told, values: Collection[str], cosine: float) -> bool:
    """Whether a note tells one of these, and not a mere "7" if it is not near."""
    told = older.text.words.intersection(values)
    return bool(told) and (cosine >= NEAR_MIN_COSINE or not all(map(_FEW_DIGITS.fullmatch, told)))


def _are_two_people(value: OtherValue, younger: _Told, older: _Told) -> bool:
    """Whether a value is a name amid both sentences: of whom it is told, not what is told.

    "Gestern hat Elias den Ofen repariert" ends nothing of "Gestern hat Emma …"; at the end a name
    answers: "The key is with Emma".
    """
    for told, name in ((older, value.old), (younger, value.new)):
        ends = any(one.tokens and one.tokens[-1] == name for one in told.text.sentences)
        if ends or name not in told.text.names:
            return False
    return True


def _ask_again(younger: _Told, older: _Told) -> bool:
    """Whether both ask to leave the same for the same: "no mocks, but the fake server"."""
    new = younger.text.feedback
    # The other is read only where the first asks for something.
    old = older.text.feedback if new and new.left else None
    return new is not None and old is not None and bool(new.left & old.left) and new.says_same(old)


def _change_near(
    cue: ChangeCue | None, younger: _Told, older: _Told, cosine: float, *, meant: bool
) -> Conflict | None:
    """Whether a note changes what an older one near it tells."""
    numbers = younger.text.numbers
    figures = younger.text.quantities.is_figures or older.text.quantities.is_figures
    value = find_other_number(numbers, older.text.numbers) if numbers and not figures else None
    if value and (cue or younger.text.is_of_now or _is_share_of_one(value, younger, older, cosine)):
        may_be_else = _each_tells_else(younger, older)
        sureness = CHANGE_CONFIDENCE if may_be_else else NAMED_CONFIDENCE
        return make_change(sureness, cosine, _says(value))
    if value and is_version(value) and _share_name(younger, older, value):
        return make_change(VALUE_CONFIDENCE, cosine, _says(value))
    if cosine >= QUANTITY_MIN_COSINE and (value := find_other_label(numbers, older.text.numbers)):
        return make_change(VALUE_CONFIDENCE, cosine, _says(value))
    if cue and (found := _change_by_cue(cue, younger.note, older.note, cosine, meant=meant)):
        return found
    if _is_otherwise_now(younger, older, cosine):
        return make_change(CHANGE_CONFIDENCE, cosine, _NOW)
    near = cosine >= QUANTITY_MIN_COSINE
    if value := _find_other_quantity(younger, older, meant=meant, near=near):
        return make_change(CHANGE_CONFIDENCE, cosine, _says(value))
    if _goes_on(younger, older, meant=meant):
        return make_change(CHANGE_CONFIDENCE, cosine, _GOES_ON)
    done = _is_done(younger, older, cosine, meant=meant)
    return make_change(CHANGE_CONFIDENCE, cosine, _DONE) if done else None


def _each_tells_else(younger: _Told, older: _Told) -> bool:
    """Whether each of two notes has words that the other lacks besides their numbers and times.

    Then the numbers may be of two things: "5 mg of ramipril in the morning", "10 mg of amlodipine".
    """
    new, old = (value_words(told.text.content) - words_of_when() for told in (younger, older))
    of_change = value_words(younger.text.cue.phrase) if younger.text.cue else set[str]()
    alone = new - old - of_change, old - new
    return all(any(not _DIGIT.search(word) for word in own) for own in alone)


def _share_name(younger: _Told, older: _Told, value: OtherValue) -> bool:
    """Whether both have a capitalised word in common besides what a value is of: whose it is."""
    names = [{*map(fold, _CAPITALISED.findall(one.text.content))} for one in (younger, older)]
    return bool(names[0] & names[1] - set(value.new.split()))


def _find_other_quantity(
    younger: _Told, older: _Told, *, meant: bool, near: bool
) -> OtherValue | None:
    """The quantity that the younger note tells otherwise; None also if the older one's is past."""
    new, old = younger.text.quantities, older.text.quantities
    value = find_other_quantity(new, old, meant=meant, near=near)
    return None if value is None or _is_past(value.old, older.note, younger.note) else value


def _is_past(day: str, older: Note | Outline, younger: Note | Outline) -> bool:
    """Whether a day that the older note told ahead was over when the younger was told.

    A later appointment is another one then.
    """
    if not _DIGIT.search(day):  # "on Mondays" is no day, and read as the one before
        return False
    since, until = telling_key(older)[0], telling_key(younger)[0]
    start, end = wall_time(since), wall_time(until)
    # As it was read when the note was told; reading it by itself takes 3 ms.
    told = [span for span in older.times if day in fold(span.phrase)]
    return any(start <= s.start and s.end <= end for s in told or find_times(day, since))


def _is_share_of_one(value: OtherValue, younger: _Told, older: _Told, cosine: float) -> bool:
    """Whether two near notes tell shares of one thing: they have a word of it in common."""
    if not value.is_share or cosine < QUANTITY_MIN_COSINE:
        return False
    shared = telling_words(younger.text.content) & telling_words(older.text.content)
    return are_of_a_size(value.old, value.new) and not all(map(_DIGIT.search, shared))


def _is_otherwise_now(younger: _Told, older: _Told, cosine: float) -> bool:
    """Whether the younger note tells in nearly the older one's words how something is now."""
    if cosine < NOW_MIN_COSINE or not younger.text.is_of_now:
        return False
    new, old = younger.text.words, older.text.words
    return len(new & old) >= max(NOW_MIN_WORDS, NOW_MIN_SHARE * min(len(new), len(old)))


def _goes_on(younger: _Told, older: _Told, *, meant: bool) -> bool:
    """Whether the younger note tells when that is which rests by the older, not that it rests."""
    if not older.text.is_at_rest or younger.text.is_at_rest:
        return False
    if NEAR_SORTS.isdisjoint(younger.text.quantities.quantities) and not younger.text.cue:
        return False
    shared = _shared(_telling_words(younger.note), _telling_words(older.note))
    names = older.text.names
    of_it = [word for word in shared if not any(name.startswith(word) for name in names)]
    return bool(of_it) and (meant or len(shared) >= CHANGE_MIN_WORDS)


def _is_done(younger: _Told, older: _Told, cosine: float, *, meant: bool) -> bool:
    """Whether the younger note says that what the older has as open is done."""
    if not younger.text.says_done or not (meant or cosine >= DONE_MIN_COSINE):
        return False
    if not _is_open(older.note):
        return False
    new, old = younger.text.words, older.text.words
    shared = new & old
    least = max(CHANGE_MIN_WORDS, DONE_MIN_SHARE * min(len(new), len(old)))
    if cosine >= DONE_MIN_COSINE and len(shared) >= least:
        return True
    # What is done for somebody need not be what is to be done for them.
    return meant and any(not any(n.startswith(word) for n in older.text.names) for word in shared)


def _is_open(note: Note | Outline) -> bool:
    """Whether a note is of something that is still to be done."""
    is_said = says_sort("open", note.content) or is_tagged_as("open", note.tags)
    return note.kind is Kind.WORKING or is_said


def _change_by_cue(
    cue: ChangeCue, younger: Note | Outline, older: Note | Outline, cosine: float, *, meant: bool
) -> Conflict | None:
    """Whether a note that tells of a change is about the same as an older one, by their words."""
    new, old = telling_words(f"{younger.subject} {cue.told}"), _telling_words(older)
    least = max(CHANGE_MIN_WORDS, CHANGE_MIN_SHARE * max(len(new), len(old)))
    shared = _shared(new, old)
    if len(of_subject := shared & _subject_words(younger, older)) > 1:
        shared = shared - of_subject | {min(of_subject)}
    if cosine >= CLOSEST_MIN_COSINE and meant and not shared:  # "The wiki has been migrated"
        shared = _short_words(younger) & _short_words(older)
    if not (len(shared) >= least or (meant and shared)):
        return None
    if _says_over(cue, value_words(f"{older.subject} {older.content}")):
        return make_change(NAMED_CONFIDENCE, cosine, _by_words(cue))
    if cosine < NEAR_MIN_COSINE and _is_of_else(cue, younger, older, shared, meant=meant):
        return None
    named = shares_slot_name(younger.content, older.content)
    return make_change(VALUE_CONFIDENCE if named else CHANGE_CONFIDENCE, cosine, _by_words(cue))


def _share_many_words(cue: ChangeCue, younger: Note | Outline, older: Note | Outline) -> bool:
    """Whether notes that are far apart have so many words in common that they are of one thing."""
    new, old = telling_words(f"{younger.subject} {cue.told}"), _telling_words(older)
    return len(_shared(new, old)) >= max(FAR_MIN_WORDS, FAR_MIN_SHARE * min(len(new), len(old)))


def _subject_words(younger: Note | Outline, older: Note | Outline) -> set[str]:
    """The telling words of a subject that both have, which count as one: it may have much to it."""
    if fold(younger.subject) != fold(older.subject):
        return set()
    return telling_words(_NO_WORD.sub(" ", younger.subject))


def _telling_words(note: Note | Outline) -> set[str]:
    return telling_words(f"{note.subject} {note.content}")


def _shared(new: set[str], old: set[str]) -> set[str]:
    """The words of both that tell of something in common."""
    empty = _verbs() | words_of_when()
    return {word for word in new & old if not (word in empty or _FEW_DIGITS.fullmatch(word))}


def _short_words(note: Note | Outline) -> set[str]:
    """The words of a note, short ones too, but names and those that are in notes on anything."""
    words = value_words(f"{note.subject} {note.content}") - _verbs()
    words -= words_of_names(note.content)
    return {word for word in words if terms(word) and not _is_anywhere(word, words)}


@cache
def _verbs() -> frozenset[str]:
    """What anybody does: two notes on what somebody wants have nothing in common."""
    said = (verb for words in name_words().values() for verb in words.verbs)
    return frozenset(telling_words(" ".join(said)))


def _is_of_else(
    cue: ChangeCue,
    younger: Note | Outline,
    older: Note | Outline,
    shared: Collection[str],
    *,
    meant: bool,
) -> bool:
    """Whether a change is rather of something else than an older note that is not near.

    It names a number as former, which the older note would tell, and no day ("from 1 March", from
    which on it is so); or they share but people.
    """
    if any(map(_DIGIT.search, cue.former)) and not _names_day(cue.former, younger):
        return True
    if meant:
        return False
    names = words_of_names(younger.content, older.content)
    return all(any(name.startswith(word) for name in names) for word in shared)


def _names_day(former: Collection[str], note: Note | Outline) -> bool:
    """Whether one of some beginnings of a note's words is that of a day of the week or a month."""
    words = filter(is_day_month_or_count, _WORD.findall(fold(note.content)))
    return any(word.startswith(tuple(former)) for word in words)


def _names_former(cue: ChangeCue, younger: _Told, older: _Told, cosine: float) -> bool:
    """Whether the older note states what the younger one says was before.

    Where it is not near, or states but a short number or a day of that, it must share another word,
    too: "from 14 to 30 May" is not about every note that has a 14 and a May. Where it is far, what
    it states of that must be a name, or half of it.
    """
    former = (cue.former & older.text.words) - _verbs() if cue.former else frozenset[str]()
    if not any(map(_DIGIT.search, former)):  # "from 1.9 GB" is of no other GB
        former -= {*_UNIT.findall(fold(younger.text.content))}
    plain = any(not _is_anywhere(word, cue.former) for word in former)
    if not former or (plain and cosine >= CHANGE_MIN_COSINE):
        return bool(former)
    if cosine < CHANGE_MIN_COSINE and len(former) < OVER_MIN_SHARE * len(cue.former):
        if not _begins_name(former, younger):
            return False
    new, old = (value_words(f"{one.note.subject} {one.text.content}") for one in (younger, older))
    shared = (word for word in (new & old) - former if not _is_anywhere(word, new))
    return not all(map(_DIGIT.search, terms(" ".join(shared))))


def _begins_name(words: Collection[str], told: _Told) -> bool:
    """Whether one of some words, or beginnings of words, begins a name in a text."""
    return any(name.startswith(tuple(words)) for name in told.text.names)


def _is_anywhere(word: str, words: Collection[str]) -> bool:
    """Whether a word of these, or the beginning of one, is in notes on anything."""
    whole = (one for one in words if one.startswith(word))
    return _FEW_DIGITS.fullmatch(word) is not None or any(map(is_day_month_or_count, whole))


def _says_over(cue: ChangeCue, told: Collection[str]) -> bool:
    """Whether what is over by the words of a change is what the older note tells."""
    return any(len(words.intersection(told)) >= OVER_MIN_SHARE * len(words) for words in cue.over)


def _says(value: OtherValue) -> str:
    return f"says “{value.new}”, not “{value.old}”"


def _by_words(cue: ChangeCue) -> str:
    return f"tells of a change (“{cue.phrase}”)"


def make_change(confidence: float, cosine: float, reason: str) -> Conflict:
    """A change of what an older note tells; the nearer of two as sure ones is the surer."""
    weight = min(confidence + max(cosine, 0.0) / 25, 1.0)
    return Conflict(relation=MAY_SUPERSEDE, weight=weight, reason=reason, change=confidence)


async def notes_stating(
    store: NoteReader,
    note: Note,
    stated: Iterable[Statement],
    where: NoteFilter,
    *,
    counted: Sequence[str] = (),
) -> list[Outline]:
    """Notes that may state the same facts about the same subjects, or what was before a change.

    They are found by their words, because similarity does not find them: a statement and its
    successor ("I live in Lyon", "moved into a flat in Paris") have a cosine of 0.2-0.8 (generator,
    seeds 2-4).
    """
    words = " ".join(dict.fromkeys(word for one in stated for word in one.words.split()))
    text = told_text(note.content, note.subject)
    if text.says_change or text.says_done:
        words = f"{words} {note.content}"
    limit = CONFLICT_MAX_CANDIDATES
    return await match_outlines(store, words, where, limit=limit, counted=counted)


def _statement_conflict(
    new: Statement, old: Statement, younger: Note | Outline, *, same_day: bool
) -> Conflict | None:
    if new.who != old.who or not (new.sure or old.sure):
        return None
    same_value = _same(new.value, old.value)
    any_fact = same_value and "" in (new.fact, old.fact) and new.denied is not old.denied
    if new.fact != old.fact and not any_fact:
        return None
    if same_value == (new.denied is old.denied) or (not same_value and new.denied):
        return None
    weight = UNSURE_CONFIDENCE
    if new.sure and old.sure and old.plain and (new.plain or (new.fact in _PLACES and new.begun)):
        weight = SURE_CONFIDENCE if new.plain else MOVED_CONFIDENCE
    who = _spelled(new.who, younger)
    fact = f"{who}'s {new.fact}" if who else f"the {new.fact}"
    if new.denied:
        relation = MAY_SUPERSEDE if new.over else MAY_CONTRADICT
        reason = f"denies {fact}" if new.fact else f"ends what was told of {who}"
    else:
        relation = MAY_CONTRADICT if same_day and not new.begun else MAY_SUPERSEDE
        reason = f"tells {fact} otherwise"
    return Conflict(relation=relation, weight=weight, reason=reason)


def _spelled(name: str, note: Note | Outline) -> str:
    """A folded name as a note spells it, if it does."""
    text = f"{note.subject}\n{note.content}"
    found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE | re.FULLCASE)
    return found[0] if found else name


def _same(one: str, other: str) -> bool:
    """Whether two values are equal, or one contains the other: "Lyon" and "Lyon, France"."""
    return one == other or f" {one} " in f" {other} " or f" {other} " in f" {one} "


def _negation_conflict(
    younger: Note | Outline, older: Note | Outline, *, same_day: bool
) -> Conflict | None:
    new, old = younger.content, older.content
    if (
        fold(younger.subject) != fold(older.subject)
        or max(len(new), len(old)) > NEGATION_MAX_CHARACTERS
    ):
        return None
    denies = _DENIAL.search(new) is not None
    if denies is (_DENIAL.search(old) is not None) or "?" in new + old:
        return None
    words, ends = _affirmed_words(younger), _ENDED.search(new) is not None
    least = ENDED_MIN_WORDS if ends and words and words[0] not in _PRONOUNS else NEGATION_MIN_WORDS
    if len(words) < least or words != _affirmed_words(older):
        return None
    over = not same_day or ends
    return Conflict(
        relation=MAY_SUPERSEDE if over else MAY_CONTRADICT,
        weight=NEGATED_CONFIDENCE,
        reason="denies it" if denies else "says it is so after all",
    )


def _affirmed_words(note: Note | Outline) -> tuple[str, ...]:
    """The note's words without negations, beginning with its subject if the note speaks for it."""
    found = _WORD.findall(_DENIAL.sub(" ", fold(note.content).replace("’", "'")))
    words = [WORD_ENDING.sub("", word) for word in found if word not in _AUXILIARIES]
    whose = [WORD_ENDING.sub("", word) for word in _WORD.findall(fold(note.subject))]
    said_by = 1 if words[:1] == ["i"] else len(whose) if words[: len(whose)] == whose else 0
    return tuple([*whose, *words[said_by:]] if whose and said_by else words)
