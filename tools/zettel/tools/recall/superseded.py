"""Superseded notes that answer a question much better than the notes in their place.

A note that changes one fact of another supersedes all of it. What else the older one told is found
through it: it is ranked among the others, the newer note takes its place, and it follows that.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from zettel.storage.notes import SUPERSEDES, Note, Outline, State, order_key, outline_of
from zettel.storage.store import NoteFilter
from zettel.tools.changes.supersession import stated_end, supersedes
from zettel.tools.concurrency import gather2, read_in_thread
from zettel.tools.language.facts import find_statements
from zettel.tools.language.other_things import is_of_another_part
from zettel.tools.language.question_words import (
    asks_for_origin,
    asks_whether,
    words_of_successor,
)
from zettel.tools.language.slots import find_other_value, read_sentences
from zettel.tools.language.terms import terms
from zettel.tools.ranking.corpus import make_corpus
from zettel.tools.ranking.fusion import Ranking, fuse, signal_values
from zettel.tools.ranking.question import Question
from zettel.tools.ranking.ranked import Ranked
from zettel.tools.ranking.weights import OTHERWISE
from zettel.tools.recall.formerly import end_of_times, is_of_then
from zettel.tools.recall.newest import NEWEST_SIGNAL, is_asked_for, names_successor
from zettel.tools.recall.places import lifted
from zettel.tools.recall.search import Arms, Found
from zettel.tools.recall_request import TRUE_THEN, RecallQuery
from zettel.tools.state.memory import Memory

EVER = datetime.max.replace(tzinfo=UTC)
SUPERSEDED_ARM_HITS = 50
"""Hits of each arm among the notes that are over."""
NEAR_MIN_SHARE = 0.9
"""Least share of the best current note's match: a current note that matches better answers."""
FORMER_MIN_SHARE = 0.6
"""The same where a former value is asked for, which the note that changed it often repeats; set by
hand on three months of notes (`make bench-month`)."""
LEAD_MIN_RATIO = 1.1
"""Least ratio to the newer note's match, below which that is taken to answer as well. With it 18 of
twenty questions are answered that only the older of twelve pairs answers, and of thirteen that the
newer answers none shows the older, too (two with 1.0)."""
FIRST_PLACES = 3
"""Places of the ranking among which it must come: further ones are filled without answering."""
NEWER_PLACES = 5
"""Places of the ranking of which the notes are asked for what they supersede; so many are shown."""
SUCCESSION_MAX_STEPS = 16
"""Notes that superseded each other in turn, of which the last is looked for."""


@dataclass(frozen=True, slots=True)
class _Superseded:
    """A superseded note, and the current one in its place."""

    note: Note
    by: Outline


@dataclass(frozen=True, slots=True, kw_only=True)
class _Matches:
    """How well notes match a question by their own words and meaning."""

    arms: Arms
    words: float
    """The best raw BM25."""
    meaning: float
    """The best cosine."""

    @classmethod
    def of(cls, arms: Arms) -> "_Matches":
        best = (max(scores.values(), default=0.0) for scores in (arms.text, arms.meaning))
        words, meaning = best
        return cls(arms=arms, words=words or 1.0, meaning=meaning or 1.0)

    def __call__(self, note_id: str) -> float:
        """From 0 to the weights of words and meaning together."""
        words = self.arms.text.get(note_id, 0.0) / self.words
        meaning = self.arms.meaning.get(note_id, 0.0) / self.meaning
        return OTHERWISE["text"] * words + OTHERWISE["meaning"] * meaning


async def add_superseded(memory: Memory, asked: RecallQuery, found: Found) -> Found:
    """Rank the superseded notes that match as the best current ones do, among these.

    Also those in whose place the first current ones were told, if they answer better than these.
    Only notes that a current one of the request's scope supersedes, directly or in turn, that are
    trusted as far as that one, and that answer better than it or are asked for as former. Where
    they are, what the first current notes supersede is ranked with these, whatever it says. A look
    back, and a question for all of a time or of a kind, are answered by what stood or stands; one
    for open work, but whether there is any, by what is not superseded, as that is done.
    """
    question = found.question
    listed = question.sort == "open" and not asks_whether(question.text)
    still_open = listed and not question.is_past
    # "Which printer did we have in May?" asks for the one of then.
    all_of_then = question.only_when and not (question.is_past and question.subject)
    if asked.looks_back or all_of_then or question.only_sort or still_open:
        return found
    where = replace(asked.where, states=TRUE_THEN, unexpired_at=None, ended_at=EVER)
    # Asked alike at every moment, so that the store need not count again.
    if not await memory.store.count(where):
        return found
    where = replace(where, ended_at=asked.moment)
    over = await _hits(memory, found, where)
    arms = Arms(
        text={**found.arms.text, **over.text},
        meaning={**found.arms.meaning, **over.meaning},
        vector=over.vector,
    )
    matches = _Matches.of(arms)
    best = max(map(matches, {*found.arms.text, *found.arms.meaning}), default=0.0)
    hits = {*over.text, *over.meaning}
    least = FORMER_MIN_SHARE if found.question.asks_former else NEAR_MIN_SHARE
    near = {i for i in hits if matches(i) >= least * best}
    first = [one.note_id for one in found.ranked[:NEWER_PLACES]]
    steps = SUCCESSION_MAX_STEPS if question.asks_former or question.is_past else 1
    ids = tuple(sorted(near | await _behind(memory, first, steps)))
    if not ids:
        return found
    notes = await memory.store.find(replace(where, note_ids=ids), limit=len(ids))
    pairs = await _with_current(memory, asked, notes)
    pairs.sort(key=lambda pair: (matches(pair.note.note_id), order_key(pair.note)))
    told = dict[str, list[_Superseded]]()
    for pair in pairs:
        answers = await read_in_thread(_answers_better, question, matches, pair, near)
        if answers and await _stands_but_for_that(memory, asked, pair.note):
            told.setdefault(pair.by.note_id, []).append(pair)
    told = await read_in_thread(_of_successor, found, told)
    if not told:
        return found
    meant = [_meant(question, of_one) for of_one in told.values()]
    return await read_in_thread(_joined, found, arms, meant)


async def _behind(memory: Memory, note_ids: Sequence[str], steps: int) -> set[str]:
    """Ids of what notes supersede, directly or in turn up to so many steps."""
    found, ahead = set[str](), set(note_ids)
    for _ in range(steps):
        notes = await memory.store.get(sorted(ahead))
        ahead = {i for note in notes for i in supersedes(note)} - found
        if not ahead:
            break
        found |= ahead
    return found


def _of_successor(
    found: Found, told: Mapping[str, Sequence[_Superseded]]
) -> Mapping[str, Sequence[_Superseded]]:
    """Those in whose places came what a question names: "Who did it before Priya?".

    All if it names nothing, or what no note tells.
    """
    question, outlines = found.question, found.first.corpus.outlines
    if not question.asks_former or not names_successor(question, outlines):
        return told
    return {
        newer: pairs
        for newer, pairs in told.items()
        if names_successor(question, [pairs[0].by, *(outline_of(one.note) for one in pairs)])
    }


def _meant(question: Question, pairs: Sequence[_Superseded]) -> _Superseded:
    """Which of several notes in whose place one stands is meant, the best match last.

    The one that stood at a past time that is asked for; of what was so before, the first if that is
    asked for, else the last, or the last before what is said to have come then; else the best.
    """
    if stood := [pair for pair in pairs if _stood_then(question, pair)]:
        return stood[-1]
    if not question.asks_former:
        return pairs[-1]
    in_time = sorted(pairs, key=lambda pair: order_key(pair.note))
    if asks_for_origin(question.text):
        return in_time[0]
    came = words_of_successor(question.text)
    told = (terms(f"{pair.note.subject} {pair.note.content}") for pair in in_time)
    holding = [bool(came) and came.issubset(words) for words in told]
    before = in_time[: max(holding.index(True), 1)] if True in holding else in_time
    best = next((pair for pair in reversed(pairs) if pair in before), pairs[-1])
    for pair in before:  # what took its place in turn
        best = pair if best.note.note_id in supersedes(pair.note) else best
    return best


def _answers_better(
    question: Question, matches: _Matches, pair: _Superseded, near: Collection[str]
) -> bool:
    """Whether a note matches clearly better than the newer, or has a word of the question alone.

    Of one that states a fact, only such a word counts: any other is of the fact that has changed.
    It answers, too, if it tells of several, and the newer of another of these than is asked for;
    not if the newer alone is of a time that is asked for.
    Where a former value is asked for, it does in any case.
    """
    if question.asks_former or _stood_then(question, pair):
        return True
    older = outline_of(pair.note)
    if is_of_then(pair.by, question) and not is_of_then(older, question):
        return False
    if is_of_another_part(question.text, older, pair.by):
        return True
    if older.note_id not in near or _tells_nothing_else(pair):
        return False
    if is_asked_for(question, older, pair.by):
        return True
    led = matches(older.note_id) >= LEAD_MIN_RATIO * matches(pair.by.note_id)
    return led and not find_statements(older)


def _stood_then(question: Question, pair: _Superseded) -> bool:
    """Whether a superseded note stood at the end of a past time, of which the newer is not."""
    until = pair.note.valid_until
    if not question.is_past or until is None or is_of_then(pair.by, question):
        return False
    return pair.note.valid_from < end_of_times(question) <= until


def _tells_nothing_else(pair: _Superseded) -> bool:
    """Whether a note says what the newer says, with another value of no more words."""
    older, newer = pair.note.content, pair.by.content
    other = find_other_value(read_sentences(newer), read_sentences(older))
    if other is None or len(terms(other.old)) > max(len(terms(other.new)), 1):
        return False
    return {*terms(older)} - {*terms(other.old)} <= {*terms(newer)}


async def _hits(memory: Memory, found: Found, where: NoteFilter) -> Arms:
    question, vector = found.question, found.arms.vector

    async def by_meaning() -> Mapping[str, float]:
        if vector is None:
            return {}
        hits = await memory.store.match_vectors(vector, where, limit=SUPERSEDED_ARM_HITS)
        return {hit.note_id: hit.score for hit in hits if hit.score > 0}

    text, meaning = await gather2(
        lambda: memory.store.match_text(
            question.words or question.text, where, limit=SUPERSEDED_ARM_HITS
        ),
        by_meaning,
    )
    return Arms(text={hit.note_id: hit.score for hit in text}, meaning=meaning, vector=vector)


async def _with_current(
    memory: Memory, asked: RecallQuery, notes: Sequence[Note]
) -> list[_Superseded]:
    """The notes with the current note in the place of each, without those that have none.

    Every note on the way must be trusted enough to supersede the one before it.
    """
    known = {note.note_id: note for note in notes}
    below = {note_id: {note_id} for note_id in known}
    ahead = set(known)
    for _ in range(SUCCESSION_MAX_STEPS):
        newer = await memory.store.linking_to(
            sorted(ahead), known_at=asked.where.known_at, relations=(SUPERSEDES,)
        )
        ahead, standing = set[str](), ahead
        for note in newer:
            for older in supersedes(note) & standing:
                forgotten = note.state is State.FORGOTTEN
                if not forgotten and memory.trust.may_replace(note, known[older]):
                    known[note.note_id] = note
                    below[note.note_id] = below.get(note.note_id, set()) | below[older]
                    ahead.add(note.note_id)
        if not ahead:
            break
    ids = tuple(below)
    current = await memory.store.outlines(replace(asked.where, note_ids=ids), limit=len(ids))
    reader, found = memory.reader(asked.caller), dict[str, Outline]()
    for outline in sorted(current, key=order_key):
        for note_id in below[outline.note_id] - {outline.note_id}:
            # Nor may a less trusted note lead to what is trusted more.
            if reader.trust(known[note_id]) >= reader.trust(outline):
                found[note_id] = outline
    return [_Superseded(n, by) for n in notes if (by := found.get(n.note_id))]


async def _stands_but_for_that(memory: Memory, asked: RecallQuery, note: Note) -> bool:
    """Whether a note would be current if nothing superseded it."""
    end = stated_end(await memory.store.revisions(note.note_id))
    return end is None or asked.moment < end


def _joined(found: Found, arms: Arms, told: Sequence[_Superseded]) -> Found:
    """The search with these notes among the others, each at its place by all signals.

    Without those that do not come among the first.
    """
    before = found.first.corpus
    pairs = [(outline_of(one.note), one.by) for one in told]
    more = {one.note_id: one for pair in pairs for one in pair if one.note_id not in before.rows}
    corpus = make_corpus(
        [*before.outlines, *more.values()],
        like=before,
        statistics=before.statistics,
        whole_sessions=before.whole_sessions,
    )
    joint = fuse(signal_values(found.question, arms.text, arms.meaning, corpus), corpus)
    older = {outline.note_id: newer.note_id for outline, newer in pairs}
    places = {note_id: _place(note_id, joint, older) for note_id in older}
    then = frozenset(p.note.note_id for p in told if _stood_then(found.question, p))
    for i in older if found.question.asks_former else then:
        # What changed it is often nearer to the question.
        places[i] = min(places[i], _place(older[i], joint, older))
    shown = {note_id: older[note_id] for note_id in older if places[note_id] < FIRST_PLACES}
    if not shown:
        return found
    if len(shown) < len(told):  # the verdict is not to follow from what is not shown
        return _joined(found, arms, [one for one in told if one.note.note_id in shown])
    ranked = list(found.ranked)
    for note_id in sorted(shown, key=places.__getitem__, reverse=True):
        _insert(ranked, note_id, places[note_id])
    return replace(found, first=joint, ranked=tuple(ranked), arms=arms, superseded=shown, then=then)


def _place(note_id: str, joint: Ranking, older: Collection[str]) -> int:
    """How many current notes come before one, by all signals."""
    outlines, least = joint.corpus.outlines, joint.scores[joint.corpus.rows[note_id]]
    first = joint.order[joint.scores[joint.order] > least]
    return sum(outlines[row].note_id not in older for row in map(int, first))


def _insert(ranked: list[Ranked], note_id: str, place: int) -> None:
    """Insert a note; scores descend, as reordering by further signals expects."""
    place = min(place, len(ranked))
    score = ranked[place - 1].score if place else ranked[0].score if ranked else 0.0
    ranked.insert(place, Ranked(note_id, score, {}))


def replaced_by_current(
    ranked: Sequence[Ranked], superseded: Mapping[str, str]
) -> tuple[Ranked, ...]:
    """The ranking with the current note at the place of each superseded one, if that is better.

    `superseded` has the id of the note in the place of each superseded one.
    """
    if not superseded:
        return tuple(ranked)
    own = {one.note_id: one for one in ranked}
    placed = dict[str, Ranked]()
    for one in ranked:
        note_id = superseded.get(one.note_id, one.note_id)
        placed.setdefault(note_id, own.get(note_id) or Ranked(note_id, 0.0, {}))
    return lifted(list(placed.values()), NEWEST_SIGNAL)
