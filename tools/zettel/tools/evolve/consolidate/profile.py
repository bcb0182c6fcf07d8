"""The profile of a namespace: standing facts by subject, in one `core` note of bounded size.

MemoryBank's portrait (arXiv 2305.10250, section 2.1) by rule; precision before recall.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import regex as re

from zettel.storage.notes import (
    CONTRADICTS,
    MAY_CONTRADICT,
    MAY_SUPERSEDE,
    PROFILE,
    Kind,
    Note,
    Outline,
    State,
    fold,
    order_key,
)
from zettel.storage.store import NoteFilter
from zettel.storage.text.passages import sentence_spans
from zettel.storage.text.utterance import asks
from zettel.tools.concurrency import read_in_thread
from zettel.tools.evolve.consolidate.drafts import DerivedDraft
from zettel.tools.evolve.consolidate.sentences import dated, sentences
from zettel.tools.evolve.consolidate.told_facts import read_facts
from zettel.tools.evolve.steps.base import Task
from zettel.tools.language.change_cues import find_change_cue, tells_of_now
from zettel.tools.language.importance import ORDINARY, VITAL, read_importance
from zettel.tools.language.relations import THE_USER, find_relations
from zettel.tools.language.speakers import Speech, find_quotations, find_turns, speaker_at
from zettel.tools.language.terms import TERM_CHARACTERS, telling_words
from zettel.tools.language.time_words import is_day_month_or_count
from zettel.tools.language.user_words import (
    begins_with_i,
    find_own_names,
    is_passing,
    means_user,
    names_user,
    own_prose,
    said_by,
    tells_of_user,
    tells_what_stands,
    tells_who_one_is,
)
from zettel.tools.note_marks import marks_of
from zettel.tools.render import count_tokens
from zettel.tools.trust import FULL_TRUST

PROFILE_MAX_TOKENS = 300
"""Tokens of 4 bytes of UTF-8; the profile is shown at the start of every session."""
FACT_MAX_CHARACTERS = 160
"""Longer sentences are stories."""
PROFILE_NOTE_MAX_CHARACTERS = 1_000
"""Of a note that is read; a longer one is a document or a story."""
SUBJECT_MAX_FACTS = 10
"""Facts per subject: who somebody is takes five to eight (name, home, work, family, health), and
preferences stand beside them. `PROFILE_MAX_TOKENS` bounds what it costs. Set by hand."""
PROFILE_TOKEN_BYTES = 4
"""As `render.count_tokens` counts."""
PROFILE_MAX_NOTES = 30_000
"""Notes of a namespace that are read."""
PROFILE_MAX_FACTS = 200
"""Facts that are considered, the first by their order."""
NAME_FACT, VITAL_FACT, IDENTITY_FACT, OTHER_FACT = range(4)
"""Sorts of facts, in the order in which they get the room: the user's name; what harms somebody if
it is overlooked; who somebody is; preferences, skills, property and the rest. Set by hand."""
IDENTITY_FACTS = frozenset({"home", "employer", "occupation", "partner", "age"})
"""Of `read_facts`; relations to persons and places beside them."""

EVENT_MAX_LENGTH = timedelta(days=7)
"""Longest time of an event, unlike "in May 2026 Ana became a teacher". Set by hand."""
EVENT_MAX_DISTANCE = timedelta(days=31)
"""Longest time between an event and its note; lasting facts name dates farther off. Set by hand."""

_ONE = r"is|are|lives?|works?|studies|study|weighs?|costs?|earns?|runs? on|belongs? to|reports? to"
_MANY = r"has|have|likes?|loves?|hates?|prefers?|speaks?|knows?|owns?|uses?|plays?|needs?|wants?"
_STATED = re.compile(
    rf"^(?:[\w'’-]+\W+){{0,4}}?(?:(?P<one>{_ONE})(?P<place>\s+(?:in|at|for|on|with|as))?"
    rf"|(?P<many>{_MANY}))(?!\w)",
    re.IGNORECASE,
)
"""A stative verb near the subject. `one`: a single value at a time, the newest counts; `many`:
several values."""
_PASSING = re.compile(
    r"\b(?:now|today|tonight|currently|just|still|going to|\w+ing"
    r"|thinks?|believes?|hopes?|feels?|says?|said)\b",
    re.IGNORECASE,
)
"""Words of temporary states, and of what somebody merely thinks or says."""

_NEW = re.compile(r"\b(?:new|neue[mnrs]?|nouve(?:au|l|lle)|nuev[oa])\b")
"""It also tells of what replaces something, though by itself it is no word of a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileFact:
    """One standing fact."""

    note_id: str
    subject: str
    text: str
    head: str
    """Shared by facts of which only the newest holds."""
    sort: int = OTHER_FACT
    importance: float = ORDINARY
    """Of its sentence, in `[0, 1]`."""


def standing_facts(note: Note | Outline) -> list[ProfileFact]:
    """The standing facts that a note states about its subject, without one about the user.

    A `semantic` note of one sentence counts as stated by the agent, unless it tells an event of its
    days. Other sentences each count by themselves: one must begin with the subject and a stative
    verb and name no time, or tell in the first person what stands: `_in_first_person`.
    """
    if note.kind not in (Kind.EPISODIC, Kind.SEMANTIC) or note.valid_until is not None:
        return []
    if len(note.content) > PROFILE_NOTE_MAX_CHARACTERS:
        return []
    author = THE_USER if means_user(note.subject) else note.subject
    whole, prose = sentences(note.content), own_prose(note.content, author)
    speech, found = find_quotations(prose), dict[str, ProfileFact]()
    told = (prose[slice(*span)] for span in sentence_spans(prose) if not _quoted(speech, span[0]))
    for text in (" ".join(part.split()) for part in told):
        # Without its markup it would be no quotation.
        if text in whole and len(text) <= FACT_MAX_CHARACTERS and not asks(text):
            times = tuple(span for span in note.times if span.phrase in text)
            sentence = replace(note, content=text, times=times)
            if fact := _of_sentence(sentence, author, alone=len(whole) == 1):
                found.setdefault(fact.head, _sorted_in(fact, sentence))
    if not found or marks_of(f"{note.subject}\n{note.content}"):
        return []
    return list(found.values())


def _sorted_in(fact: ProfileFact, sentence: Note | Outline) -> ProfileFact:
    """The fact with its sort and how much it matters, as its sentence tells."""
    importance = read_importance(sentence.content, Kind.EPISODIC)
    whose, of_user = fold(fact.subject), fact.subject == THE_USER
    text = said_by(sentence.content, fact.subject)
    if of_user and find_own_names(text):
        sort = NAME_FACT
    elif importance >= VITAL:
        sort = VITAL_FACT
    else:
        told = any(one.who == whose and one.fact in IDENTITY_FACTS for one in read_facts(sentence))
        related = find_relations(text, sentence.subject)
        told = told or any(whose in (fold(one.who), fold(one.whom)) for one in related)
        sort = IDENTITY_FACT if told or tells_who_one_is(text) else OTHER_FACT
    return replace(fact, sort=sort, importance=importance)


def _quoted(speech: Sequence[Speech], place: int) -> bool:
    return speaker_at(speech, place) is not None


def _of_sentence(note: Note | Outline, author: str, *, alone: bool) -> ProfileFact | None:
    """The standing fact of a sentence.

    `note` has the sentence as its content and the times in it; `author` is who "I" is in it, and
    `alone` whether it is all of the note.
    """
    text, subject = note.content, note.subject
    if fact := _in_first_person(note, author):
        return fact
    if not subject:  # "lives in Lyon": of whom?
        return None
    rest = _after_subject(text, subject)
    found = _STATED.match(rest) if rest is not None else None
    if rest and found and any(fold(one.speaker) == fold(subject) for one in find_turns(text)):
        # "Ana: lives in Lyon" is about Ana, "Ana: The tram is late" what Ana says.
        found = found if rest.startswith(found["one"] or found["many"]) else None
    if note.kind is not Kind.SEMANTIC or not alone:
        if found is None or note.times or _PASSING.search(text) or _names_day(text):
            return None
    elif found is None and _is_event(note, text):
        return None
    one = found and found["one"]
    head = f"{fold(subject)}\n{fold(found[0])}" if found and one else fold(text)
    return ProfileFact(note_id=note.note_id, subject=subject, text=dated(note, text), head=head)


def _in_first_person(note: Note | Outline, author: str) -> ProfileFact | None:
    """A lasting fact about the author from a sentence in the first person, or about "the user".

    A fact, a relation, the user's name, or a trait in words of `user_words`.
    """
    text, of_user = said_by(note.content, author), author == THE_USER
    note = replace(note, content=text)
    if is_passing(text) or not (tells_of_user(text) if of_user else _begins_with_i(author, text)):
        return None
    if note.kind is Kind.EPISODIC and note.times:
        return None
    told = read_facts(note)
    if told and all(one.aside for one in told):  # "My sister Eva called"
        return None
    facts = [one for one in told if one.who == fold(author) and one.fact]
    sure = [one for one in facts if one.sure and one.plain and not one.denied]
    named = of_user and bool(find_own_names(text))
    if len(sure) < len(facts) or not (sure or named or tells_what_stands(text)):
        return None
    known = [*(one.fact for one in sure), *(["name"] if named else [])]
    head = f"{fold(author)}\n{known[0]}" if known else fold(text)
    return ProfileFact(note_id=note.note_id, subject=author, text=dated(note, text), head=head)


def _begins_with_i(author: str, text: str) -> bool:
    """Whether a sentence of somebody with a name is in their first person, not about the user."""
    return author[:1].isupper() and begins_with_i(text) and not names_user(text)


def _names_day(text: str) -> bool:
    """Whether a sentence names a month or a single day of the week, which may be no date."""
    words = (word for word in re.findall(r"\p{Lu}\p{L}+", text) if not word.endswith("s"))
    return any(is_day_month_or_count(fold(word)) for word in words)


def _is_event(note: Note | Outline, text: str) -> bool:
    """Whether a sentence tells an event close to the day of its note.

    "On Tuesday I went to the dentist": not a date of birth, nor what is so since Tuesday.
    """
    near = (
        span.end - span.start <= EVENT_MAX_LENGTH
        and abs(span.start - note.happened_at) <= EVENT_MAX_DISTANCE
        for span in note.times
    )
    return any(near) and not tells_of_now(text) and not read_facts(note)


def _after_subject(text: str, subject: str) -> str | None:
    """The rest of a sentence after its subject; None if it begins otherwise."""
    begins = re.match(rf"{re.escape(subject)}(?!\w)['’s]*\W*", text, re.I)
    return text[begins.end() :] if begins else None


async def profile(task: Task, namespace: str) -> tuple[list[DerivedDraft], list[Note]]:
    """The draft of a namespace's profile, if there is any fact, and the existing profiles."""
    store = task.batch
    made = NoteFilter(namespaces=(namespace,), kinds=(Kind.CORE,), derived=True)
    there = await store.find(made, limit=PROFILE_MAX_NOTES)
    standing = [note for note in there if note.origin.principal == PROFILE]
    outlines = await store.outlines(NoteFilter(namespaces=(namespace,)), limit=PROFILE_MAX_NOTES)
    facts = await read_in_thread(
        lambda: [fact for outline in outlines[::-1] for fact in standing_facts(outline)]
    )
    facts = await read_in_thread(_not_overtaken, facts, outlines)
    notes = await _believed(task, [fact.note_id for fact in facts])
    newest = dict[str, ProfileFact]()
    for fact in facts:
        if fact.note_id in notes:
            newest.setdefault(fact.head, fact)
    facts = sorted(newest.values(), key=_place)[:PROFILE_MAX_FACTS]
    notes = {fact.note_id: notes[fact.note_id] for fact in facts}
    against = await _contradicted(task, notes.values())
    chosen = _fitting([fact for fact in facts if fact.note_id not in against])
    if not chosen:
        return [], standing
    sources = sorted((notes[i] for i in {fact.note_id for fact in chosen}), key=order_key)
    draft = DerivedDraft(
        sort=PROFILE,
        key="",
        namespace=namespace,
        kind=Kind.CORE,
        content=_lines_of(chosen),
        room=PROFILE_MAX_TOKENS * PROFILE_TOKEN_BYTES,
        sources=tuple(sources),
        reason=f"{len(chosen)} standing facts",
    )
    return [draft], standing


def _not_overtaken(facts: Sequence[ProfileFact], outlines: Sequence[Outline]) -> list[ProfileFact]:
    """The facts that no later note on the same subject may end: one that tells a change of a word.

    "Tom no longer works nights" ends "Tom works at the Bethesda, mostly nights", whether or not the
    two are linked: a profile that leaves a fact out does less harm than one that is stale.
    """
    told = dict[str, list[tuple[int, set[str]]]]()
    places = {outline.note_id: at for at, outline in enumerate(outlines)}
    subjects = {fold(fact.subject) for fact in facts}
    for at, outline in enumerate(outlines):
        content = fold(outline.content)
        about = {name for name in subjects if content.startswith(name)} | {fold(outline.subject)}
        changes = find_change_cue(outline.content) or _NEW.search(content)
        if changes and means_user(outline.subject) and tells_of_user(outline.content):
            about.add(THE_USER)
        if (about := about & subjects) and changes:
            for name in about:
                told.setdefault(name, []).append((at, _stems_of(content) - _stems_of(name)))
    return [
        fact
        for fact in facts
        if not any(
            at > places[fact.note_id] and not words.isdisjoint(_stems_of(fact.text))
            for at, words in told.get(fold(fact.subject), ())
        )
    ]


def _stems_of(text: str) -> set[str]:
    """The telling words of a text, so short that "night" is in "nights"."""
    return {word[:TERM_CHARACTERS] for word in telling_words(text)}


async def _believed(task: Task, note_ids: Sequence[str]) -> dict[str, Note]:
    """The notes that may be in the profile: fully trusted ones of one author."""
    found = [
        note
        for at in range(0, len(note_ids), PROFILE_MAX_FACTS)
        for note in await task.batch.get(note_ids[at : at + PROFILE_MAX_FACTS])
        if note.trust >= FULL_TRUST
    ]
    return {note.note_id: note for note in task.memory.trust.most_trusted(found)}


async def _contradicted(task: Task, notes: Iterable[Note]) -> set[str]:
    """Ids of conflicting notes: both of a contradiction, the older of a supersession."""
    known = {note.note_id: note for note in notes}
    pointing = await task.batch.linking_to(sorted(known)) if known else []
    # What is trusted less takes nothing out of the profile.
    pointing = [
        note
        for note in pointing
        if note.state is State.ACTIVE
        and all(
            task.memory.trust.may_replace(note, known[link.to])
            for link in note.links
            if link.to in known
        )
    ]
    links = [(n.note_id, k) for n in (*known.values(), *pointing) for k in n.links if k.stood(None)]
    older = {link.to for _, link in links if link.relation == MAY_SUPERSEDE}
    pairs = [(i, k.to) for i, k in links if k.relation in (CONTRADICTS, MAY_CONTRADICT)]
    return older | {note_id for pair in pairs for note_id in pair}


def _place(fact: ProfileFact) -> tuple[int, bool, float]:
    """The sort, the user before others, importance; among equals the newest is first already."""
    return fact.sort, fact.subject != THE_USER, -fact.importance


def _fitting(facts: Sequence[ProfileFact]) -> list[ProfileFact]:
    """The first facts that fit."""
    kept, of = list[ProfileFact](), Counter[str]()
    for fact in facts:
        subject = fold(fact.subject)
        if (
            of[subject] < SUBJECT_MAX_FACTS
            and count_tokens(_lines_of([*kept, fact])) <= PROFILE_MAX_TOKENS
        ):
            kept.append(fact)
            of[subject] += 1
    return kept


def _lines_of(facts: Sequence[ProfileFact]) -> str:
    """One fact per line in their order, grouped by subject."""
    by_subject = dict[str, list[str]]()
    for fact in facts:
        named = _after_subject(fact.text, fact.subject) is not None
        line = fact.text if named else f"{fact.subject}: {fact.text}"
        by_subject.setdefault(fold(fact.subject), []).append(line)
    return "\n".join(line for lines in by_subject.values() for line in lines)
