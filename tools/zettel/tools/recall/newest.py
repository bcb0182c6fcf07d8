"""Puts the newest first of notes of which one may have replaced the other."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from zettel.storage.notes import MAY_SUPERSEDE, SUPERSEDES, Note, Outline, State, fold
from zettel.storage.text.passages import whole_passages
from zettel.tools.changes.conflicts import (
    NAMED_CONFIDENCE,
    PREFERRED_MIN_CONFIDENCE,
    SAME_THING_MAX_NOTES,
)
from zettel.tools.changes.settling import takes_effect_later
from zettel.tools.changes.supersession import supersedes
from zettel.tools.changes.telling_order import telling_key
from zettel.tools.concurrency import read_in_thread
from zettel.tools.language.asked_slots import find_asked_slots
from zettel.tools.language.dates import LATEST_S
from zettel.tools.language.facts import find_statements
from zettel.tools.language.other_things import (
    is_of_another,
    is_of_another_part,
    speak_of_one_thing,
)
from zettel.tools.language.question_words import (
    asks_for_now,
    asks_whether,
    asks_whether_still,
    names_of_successor,
    part_successor,
    says_done,
    words_of_successor,
)
from zettel.tools.language.terms import stems, terms
from zettel.tools.language.time_words import speaks_ahead
from zettel.tools.language.times import TICK, wall_time
from zettel.tools.language.user_words import user_names
from zettel.tools.ranking.question import Question
from zettel.tools.ranking.ranked import Ranked
from zettel.tools.ranking.signals import exact_share, find_exact_terms
from zettel.tools.recall.places import lifted, placed_first
from zettel.tools.recall.search import Found
from zettel.tools.recall_request import RecallQuery
from zettel.tools.state.memory import Memory
from zettel.tools.trust import TrustView

NEWEST_FIRST_NOTES = 20
"""The best notes of a ranking that are reordered: two pages of ten."""
NEWEST_SIGNAL, FORMER_SIGNAL = "newest", "former"
"""Share that raises a note's score to that of the note it may supersede, or may be superseded by;
not a signal."""
FORMER_PLACES, FORMER_SCORE_SHARE = 3, 0.6
"""Places of a ranking among which what has changed is taken for what a question for a former value
means, and least share of the best score: in seven months seven notes that were rightly lifted have
.66 to .99 of it, four that were not .50, .52, .90 and .95."""


async def newest_first(
    memory: Memory,
    asked: RecallQuery,
    found: Found,
    ranked: Sequence[Ranked],
) -> tuple[Ranked, ...]:
    """Move notes that plainly may supersede a note before it, the newest first.

    A note that is to supersede another later comes behind that, and, asked for what is open, what
    is told to be done or otherwise by now behind what is open. A note keeps its place if the
    question names it by its value or by a word that the other one lacks; all do if a past time is
    asked for that the newer note does not name, and the older comes first if the newer was told
    after that time. If a former value is asked for, the older note
    moves before the newer one, if that holds the name that came ("before Rafał"), and the best pair
    of such notes before what has not changed. No note moves before one that is trusted more.

    The first look of `found` says whether people talk here.
    """
    question, corpus = found.question, found.first.corpus
    best = {r.note_id: r for r in ranked[:NEWEST_FIRST_NOTES]}
    linking = await memory.store.linking_to(
        list(best), known_at=asked.known_at, relations=(MAY_SUPERSEDE, SUPERSEDES)
    )
    told = [pair for note in linking for pair in _pairs(note, asked)]
    linking, told = await _with_successors(memory, asked, linking, told)
    best |= _behind(found, ranked, told)
    outlines = {i: corpus.outlines[corpus.rows[i]] for i in best}
    pairs = [pair for pair in told if best.keys() >= {*pair}]
    stood = list[tuple[str, str]]()
    if question.is_past:
        stood = [pair for pair in pairs if _was_told_after(question, outlines[pair[0]])]
        stood = await _believed(memory, linking, stood, both=True)
        pairs = [pair for pair in pairs if _names_time(question, outlines[pair[0]])]
    pairs = await _believed(memory, linking, pairs, both=question.asks_former) if pairs else pairs
    ahead = dict[str, list[Ranked]]()
    if question.asks_former:
        came = names_of_successor(question.text)
        theirs = [pair for pair in pairs if came <= {*_terms_of(outlines[pair[0]])}]
        ahead = _former_first(best, outlines, theirs)
    elif pairs:
        named = _pairs_named(linking, asked)
        ahead = await read_in_thread(_ahead, found, best, outlines, pairs, named)
    if stood := [pair for pair in stood if pair not in pairs]:
        ahead |= _former_first(best, outlines, stood)
    if question.sort == "open" and (done := await _believed(memory, linking, told, both=False)):
        ahead |= _open_first(best, {older for _, older in done})
    if not (question.is_past or question.is_ahead) and question.order != "next":
        for note_id, before in _standing_first(
            found, linking, best, outlines, asked.moment
        ).items():
            ahead[note_id] = [*ahead.get(note_id, ()), *before]
    signal = FORMER_SIGNAL if question.asks_former else NEWEST_SIGNAL
    placed = lifted(_placed(ranked, ahead), signal) if ahead else tuple(ranked)
    if question.asks_former and not corpus.conversation:
        reader = memory.reader(asked.caller)
        return await read_in_thread(_former_placed, found, placed, outlines, pairs, reader)
    return placed


async def _with_successors(
    memory: Memory, asked: RecallQuery, linking: Sequence[Note], pairs: Sequence[tuple[str, str]]
) -> tuple[Sequence[Note], list[tuple[str, str]]]:
    """Notes and pairs, with the note in whose place another stands by then replaced by that one.

    Climbing moved from Tuesday to Thursday, which nobody settled, and then to another hall.
    """
    newer = {younger for younger, _ in pairs}
    over = {n.note_id for n in linking if n.note_id in newer and _is_over(n, asked.moment)}
    if not over:
        return linking, list(pairs)
    found = await memory.store.linking_to(
        sorted(over), known_at=asked.known_at, relations=(SUPERSEDES,)
    )
    came = {
        older: note
        for note in found
        if note.state is State.ACTIVE and note.happened_at <= asked.moment
        for older in supersedes(note) & over
        if not _is_over(note, asked.moment)
    }
    more = {note.note_id: note for note in (*linking, *came.values())}
    own = ((came[new].note_id if new in came else new, older) for new, older in pairs)
    return list(more.values()), [pair for pair in dict.fromkeys(own) if pair[0] != pair[1]]


def _is_over(note: Note, at: datetime) -> bool:
    return note.valid_until is not None and note.valid_until <= at


def _former_placed(
    found: Found,
    placed: tuple[Ranked, ...],
    outlines: Mapping[str, Outline],
    pairs: Sequence[tuple[str, str]],
    reader: TrustView,
) -> tuple[Ranked, ...]:
    """The ranking with what was so before first: what stood before that which a question names."""
    question, corpus = found.question, found.first.corpus
    if replaced := _replaced(question, outlines, pairs):
        if placed[0].note_id == replaced:
            return placed
        return placed_first(placed, replaced, corpus, reader, signal=FORMER_SIGNAL, weight=0.0)
    if names_successor(question, outlines.values()):
        return placed  # what has changed otherwise is of something else
    changed = {*found.superseded.values(), *(older for _, older in pairs)}
    return _changed_first(placed, changed, found, reader)


def _replaced(
    question: Question, outlines: Mapping[str, Outline], pairs: Iterable[tuple[str, str]]
) -> str:
    """The id of the note that another has replaced which holds what the question says came then.

    "Who was in charge before Rafał?" is answered by what the note on Rafał replaced; empty if none.
    """
    told = ((outlines[younger], outlines[older]) for younger, older in pairs)
    return next((old.note_id for new, old in told if _is_successor(question, new, old)), "")


def names_successor(question: Question, outlines: Iterable[Outline]) -> bool:
    """Whether one of some notes holds what a question says came in place of what it asks for."""
    came = words_of_successor(question.text)
    return bool(came) and any(came.issubset(_terms_of(one)) for one in outlines)


def _terms_of(outline: Outline) -> list[str]:
    return terms(f"{outline.subject} {outline.content}")


def _is_successor(question: Question, newer: Outline, older: Outline) -> bool:
    """Whether a note, and not the other, holds what a question says came in place of another."""
    came = words_of_successor(question.text) if question.asks_former else frozenset[str]()
    own, others = map(_terms_of, (newer, older))
    return bool(came) and came.issubset(own) and came.isdisjoint(others)


def _changed_first(
    ranked: tuple[Ranked, ...], changed: Collection[str], found: Found, reader: TrustView
) -> tuple[Ranked, ...]:
    """The ranking with the best note that has changed put first, if it is among the best.

    `changed` are ids of current notes with what they superseded, and of what may be superseded.
    """
    near = (one for one in ranked[:FORMER_PLACES] if one.note_id in changed)
    first = next(near, None)
    least = FORMER_SCORE_SHARE * ranked[0].score if ranked else 0.0
    if first is None or first is ranked[0] or first.score < least:
        return ranked
    corpus = found.first.corpus
    return placed_first(ranked, first.note_id, corpus, reader, signal=FORMER_SIGNAL, weight=0.0)


def _placed(ranked: Sequence[Ranked], ahead: Mapping[str, Sequence[Ranked]]) -> list[Ranked]:
    """The ranking with the notes to place before each right before it."""
    placed, begun = dict[str, Ranked](), set[str]()

    def place(one: Ranked) -> None:
        # Of notes that are each to be before another in a ring the first keeps its place.
        begun.add(one.note_id)
        for other in ahead.get(one.note_id, ()):
            if other.note_id not in begun:
                place(other)
        placed.setdefault(one.note_id, one)

    for one in ranked:
        place(one)
    return list(placed.values())


def _behind(
    found: Found, ranked: Sequence[Ranked], pairs: Iterable[tuple[str, str]]
) -> dict[str, Ranked]:
    """Newer notes of the first ones that are ranked further behind, or not at all, by id.

    "I moved to Shepshed" has nothing of "Where do I live?".
    """
    first = {one.note_id for one in ranked[:FORMER_PLACES]}
    newer = {younger for younger, older in pairs if older in first}
    known = {one.note_id: one for one in ranked if one.note_id in newer}
    rows = found.first.corpus.rows
    return {i: known.get(i, Ranked(i, 0.0, {})) for i in sorted(newer) if i in rows}


def _open_first(best: Mapping[str, Ranked], done: Collection[str]) -> dict[str, list[Ranked]]:
    """Note id of work that another note tells to be done -> the work that is open, by rank."""
    work = [one for one in best.values() if one.shares.get("of_sort")]
    still = [one for one in work if one.note_id not in done]
    return {one.note_id: still for one in work if one.note_id in done}


def _former_first(
    best: Mapping[str, Ranked], outlines: Mapping[str, Outline], pairs: Iterable[tuple[str, str]]
) -> dict[str, list[Ranked]]:
    """Note id -> the note to place before it, which it may have superseded."""
    return {
        younger: [best[older]]
        for younger, older in pairs
        if telling_key(outlines[younger]) > telling_key(outlines[older])
    }


def _was_told_after(question: Question, outline: Outline) -> bool:
    """Whether a note was told after the times of a question, so that the older one stood then.

    Not if it tells of them: "three pages: 19 May …; 22 May …", told on the 25th.
    """
    told = wall_time(telling_key(outline)[0]).timestamp()
    spans = [(span.start.timestamp(), span.end.timestamp()) for span in outline.times]
    of_then = any(
        one < end and start < other for one, other in spans for start, end in question.times
    )
    return not of_then and all(told >= end for _, end in question.times)


def _names_time(question: Question, outline: Outline) -> bool:
    """Whether a note names every time that the question does, in its words."""
    told = set(terms(outline.content))
    named = question.time_words
    # "May" has no term of its own, as it is a small word as well.
    return all(named) and bool(named) and all(words <= told for words in named)


def _standing_first(
    found: Found,
    linking: Iterable[Note],
    best: Mapping[str, Ranked],
    outlines: Mapping[str, Outline],
    at: datetime,
) -> dict[str, list[Ranked]]:
    """Note id of one that is to supersede others later -> those, which stand until then.

    And of a plan that another is to supersede, which names its day and holds since it was told,
    that: "Cork on the 19th is off", then "Cork is back on, on 3 June".
    """
    ahead = dict[str, list[Ranked]]()
    for note in linking:
        if note.note_id not in best or note.happened_at <= at:
            continue
        for older in (i for i in supersedes(note) if i in best):
            plan = not found.question.asks_former and _is_plan_again(note, outlines[older], at)
            first, last = (note.note_id, older) if plan else (older, note.note_id)
            ahead.setdefault(last, []).append(best[first])
    return ahead


def _is_plan_again(note: Note, older: Outline, at: datetime) -> bool:
    """Whether a note tells a plan otherwise that another tells, and names its day."""
    told, then = wall_time(telling_key(older)[0]), wall_time(at)
    if telling_key(note)[0] == note.happened_at or not any(s.end > told for s in older.times):
        return False
    return takes_effect_later(note, older, then) is None


async def _believed(
    memory: Memory, newer: Iterable[Note], pairs: Sequence[tuple[str, str]], *, both: bool
) -> list[tuple[str, str]]:
    """The pairs whose newer note is trusted enough to stand before the older.

    With `both` also the other way round.
    """
    notes = {note.note_id: note for note in newer}
    older = {n.note_id: n for n in await memory.store.get(sorted({to for _, to in pairs}))}
    return [
        (note_id, to)
        for note_id, to in pairs
        if to in older
        and memory.trust.may_replace(notes[note_id], older[to])
        and (not both or memory.trust.may_replace(older[to], notes[note_id]))
    ]


def _pairs_named(notes: Iterable[Note], asked: RecallQuery) -> frozenset[tuple[str, str]]:
    """Pairs of ids: a note, and a note whose value it names as former."""
    pairs = (pair for note in notes for pair in _pairs(note, asked, least=NAMED_CONFIDENCE))
    return frozenset(pairs)


def _pairs(
    note: Note, asked: RecallQuery, *, least: float = PREFERRED_MIN_CONFIDENCE
) -> list[tuple[str, str]]:
    """Pairs of ids: a note, and a note that it may supersede, with at least this confidence."""
    at = asked.moment if asked.looks_back else None
    return [
        (note.note_id, link.to)
        for link in note.links
        if link.relation == MAY_SUPERSEDE and link.weight >= least and link.stood(at)
    ]


def _ahead(
    found: Found,
    best: Mapping[str, Ranked],
    outlines: Mapping[str, Outline],
    pairs: Sequence[tuple[str, str]],
    named: Collection[tuple[str, str]],
) -> dict[str, list[Ranked]]:
    """Note id -> the notes to place before it, the newest first.

    A note that names the older one's value as former tells what was asked of that, too; and so,
    where people do not talk, does one that tells a change of what neither states as a fact. Not of
    what was asked to the letter or by name (a price, a day) and the older note alone holds.
    """
    question, ahead = found.question, dict[str, list[str]]()
    exact = find_exact_terms(question.text)
    for younger, older in pairs:
        pair = outlines[older], outlines[younger]
        # Either may have got another date since they were linked.
        later = telling_key(outlines[younger]) > telling_key(outlines[older])
        if _stands_until_then(question, *pair):
            ahead.setdefault(younger, []).append(older)
            continue
        if later and _tells_whether_done(question, outlines[younger]):
            ahead.setdefault(older, []).append(younger)
            continue
        asks_else = is_asked_for(question, *pair, besides=_words_of_slot(question))
        tells = (younger, older) in named
        if _is_of_another(question.text, *pair, named=tells, asks_else=asks_else):
            continue
        tells = tells or not (found.first.corpus.conversation or all(map(find_statements, pair)))
        # A new home or job is told in more words than a day or a price.
        by_name = _states_as_much(question, *pair, only_numbers=not asks_else)
        states = (younger, older) in named or by_name
        if later and states and not _holds_more(exact, *pair) and (tells or not asks_else):
            ahead.setdefault(older, []).append(younger)
    return {
        older: [best[i] for i in sorted(of, key=lambda i: telling_key(outlines[i]), reverse=True)]
        for older, of in ahead.items()
    }


def _is_of_another(
    question: str, older: Outline, younger: Outline, *, named: bool, asks_else: bool
) -> bool:
    """Whether the younger note tells of another thing, or part of it, than is asked for."""
    if named:  # its value is of the same thing
        return is_of_another_part(question, older, younger)
    one_fact = not asks_else and _state_one_fact(older, younger)
    return not one_fact and is_of_another(question, older, younger)


def _holds_more(exact: Sequence[str], older: Outline, younger: Outline) -> bool:
    """Whether the older note holds more of the question's exact terms."""
    held = (exact_share(exact, one.content) for one in (older, younger)) if exact else (0.0, 0.0)
    of_older, of_younger = held
    return of_older > of_younger


def _state_one_fact(older: Outline, younger: Outline) -> bool:
    """Whether two notes tell the same fact of the same one: where somebody lives."""
    facts = {(one.who, one.fact) for one in find_statements(older)}
    return any((one.who, one.fact) in facts for one in find_statements(younger))


def is_asked_for(
    question: Question, older: Outline, younger: Outline, *, besides: Sequence[str] = ()
) -> bool:
    """Whether the question has a word that only the older note has, `besides` words of the fact.

    The older value is such a word, unless the question is whether it still holds. Whether a task is
    done is asked in the words of the task, and told in others.
    """
    if _tells_whether_done(question, younger):
        return False
    told = find_statements(older)
    fact = [one.words for one in (*told, *find_statements(younger))]
    fact += [one.value for one in told if asks_whether_still(question.text)]
    asked = stems(question.topic) & stems(older.content)
    return not asked <= stems(" ".join((younger.subject, younger.content, *fact, *besides)))


def _words_of_slot(question: Question) -> list[str]:
    """The words of a question for what is told in many words: "owns", where it "belongs to Ana"."""
    slots = [slot for slot in find_asked_slots(question.text) if slot.orders_only]
    words = question.topic.split() if slots else ()
    return [word for word in words if any(slot.is_stated(word) for slot in slots)]


def _tells_whether_done(question: Question, younger: Outline) -> bool:
    """Whether a question asks if something is done, and a note that may replace a task says so."""
    return asks_whether(question.text) and says_done(younger.content)


LATER_PLACES = 4
"""Places of a ranking among which what was told later of the first note's thing is looked for; of
a thing by its subject any place."""
LATER_MIN_COSINE, LATER_FURTHER_MIN_COSINE = 0.35, 0.55
"""Of two notes that speak of one thing, where the other is second; of others, or where it is
further behind. From .3 to .4 five made-up months of an agent's work gain alike (18 to 24 of 343
questions, 1 to 3 lost); unrelated notes have .1. Further behind, seven months come out three
questions of 492 better at .55 and .6, and one at .5 (`make bench-month`)."""
LATER_MIN_SHARE, SAME_THING_MIN_SHARE = 0.6, 0.4
"""Least share of the first note's cosine to the question: what is far less near tells something
else of the thing. Of 100 changes told without a word of one 13 have .6 to .7, of 150 notes on
another thing 3; at .5 two data sets lose (`benchmarks/RESULTS.md`). The second is for notes of one
thing by their subject that both state what is asked for by name: whatever they state, two more
questions of ten months are right first and none fewer, of which one needs no more than that."""


async def told_later_first(
    memory: Memory, found: Found, ranked: Sequence[Ranked], outlines: Mapping[str, Outline]
) -> tuple[Ranked, ...]:
    """Move a note before the first if it speaks of the same and was told later.

    Where notes are told to be kept, what is told again in a later session is mostly what has
    changed, with or without a word that says so; and what was told before it is what was so before,
    if that is asked for: then the second note moves before the first if it was told earlier. In
    talk it is not so; and not where a past time, an order, or all of a kind is asked for.

    The first look of `found` says whether people talk here; there is an outline of every ranked
    note.
    """
    question = found.question
    if found.first.corpus.conversation or not _asks_for_one_value(question):
        return tuple(ranked)

    def ahead() -> dict[str, float]:
        best, *others = (outlines[one.note_id] for one in ranked)
        near, further = others[: LATER_PLACES - 1], others[LATER_PLACES - 1 :]
        near += [one for one in further if _is_same_thing(found, best, one)]
        told = _told_before(question, best, near) if question.asks_former else near
        return {
            one.note_id: _least_cosine(found, best, one, second=one is near[0])
            for one in told
            if _may_come_first(found, best, one)
        }

    others = await read_in_thread(ahead) if ranked else {}
    if not others:
        return tuple(ranked)
    first = ranked[0].note_id
    vectors = await memory.store.passages_of((first, *others))
    notes = {note.note_id: note for note in await memory.store.get((first, *others))}
    for other, least in others.items():
        if not (vectors.keys() >= {first, other} and notes.keys() >= {first, other}):
            continue
        older, newer = (whole_passages(notes[i].content, vectors[i]) for i in (first, other))
        alike = (older @ newer.T).max() >= least
        if alike and memory.trust.may_replace(notes[other], notes[first]):
            signal = FORMER_SIGNAL if question.asks_former else NEWEST_SIGNAL
            own = next(one for one in ranked if one.note_id == other)
            return lifted((own, *(one for one in ranked if one is not own)), signal)
    return tuple(ranked)


def _told_before(question: Question, first: Outline, near: Sequence[Outline]) -> list[Outline]:
    """The notes that may tell what was so before the first one's: the second.

    Or any that lacks what the question says came then, if the first holds it.
    """
    before = [one for one in near if _is_successor(question, first, one)]
    return before or [one for one in near[:1] if not _is_successor(question, one, first)]


def _least_cosine(found: Found, first: Outline, other: Outline, *, second: bool) -> float:
    """The least cosine of two notes, a small one if they may be of one thing.

    Any, if the first holds what a question says came in place of what the thing was before.
    """
    if found.question.asks_former and _is_same_thing(found, first, other):
        return -1.0 if _is_successor(found.question, first, other) else LATER_MIN_COSINE
    near = second and speak_of_one_thing(first, other)
    return LATER_MIN_COSINE if near else LATER_FURTHER_MIN_COSINE


def _may_come_first(found: Found, first: Outline, other: Outline) -> bool:
    """Whether a note may come before the first by its time and what it has of the question."""
    question, near = found.question, found.arms.meaning
    # What came later ("before Rafał") is in the newer note alone.
    asked = part_successor(question.text)[0] if question.asks_former else question.text
    if _holds_more(find_exact_terms(asked), first, other):
        return False
    same = _is_same_thing(found, first, other) and (
        _both_state(question, first, other) or _is_successor(question, first, other)
    )
    least = SAME_THING_MIN_SHARE if same else LATER_MIN_SHARE
    if near.get(other.note_id, 0.0) < least * near.get(first.note_id, 1.0):
        return False
    if not {*found.superseded, *found.superseded.values()}.isdisjoint(
        (first.note_id, other.note_id)
    ):
        return False
    newer, older = (first, other) if question.asks_former else (other, first)
    later = _was_told_later(question, newer, older)
    is_apart = is_of_another_part if same else is_of_another
    return (
        (later or _waits_by_its_words(question, other, first))
        and _states_as_much(question, first, other)
        and not is_apart(asked, first, other)
    )


def _both_state(question: Question, first: Outline, other: Outline) -> bool:
    """Whether two notes state one of the things that are asked for by name."""
    asked = (s for s in find_asked_slots(question.text) if not (s.person or s.orders_only))
    return any(s.is_stated(first.content) and s.is_stated(other.content) for s in asked)


def _is_same_thing(found: Found, first: Outline, other: Outline) -> bool:
    """Whether two notes have the subject of one thing, which few notes have: "staging database"."""
    subject, corpus = fold(first.subject), found.first.corpus
    if not subject or subject != fold(other.subject) or subject in corpus.users | user_names():
        return False
    return corpus.count_of(subject) <= SAME_THING_MAX_NOTES


def _states_as_much(
    question: Question, first: Outline, other: Outline, *, only_numbers: bool = False
) -> bool:
    """Whether a note states what is asked for by name, if the first does; else it changed nothing.

    Somebody asked about ("dad") may be called by name, and so counts for nothing. Where prices,
    ports, days and the like are asked for, or with `only_numbers`, only these count: "On which port
    is the backup box?" asks for no backup.
    """
    asked = [slot for slot in find_asked_slots(question.text) if not slot.person]
    only_numbers = only_numbers or any(slot.numbered for slot in asked)
    slots = [slot for slot in asked if slot.numbered or not only_numbers]
    return all(slot.is_stated(other.content) for slot in slots if slot.is_stated(first.content))


def _was_told_later(question: Question, newer: Outline, older: Outline) -> bool:
    """Whether a note is from a later session, or a later day of the same, and of no later time."""
    days = {wall_time(telling_key(note)[0]).date() for note in (newer, older)}
    apart = newer.session != older.session or len(days) > 1
    later = apart and telling_key(newer) > telling_key(older)
    return later and not _stands_until_then(question, older, newer)


def _stands_until_then(question: Question, present: Outline, coming: Outline) -> bool:
    """Whether one of two notes takes effect later, by its time or its words, and the other is so.

    What is so until then stays in its place, unless the question is about what comes.
    """
    if (asked := _moment_asked_for(question)) is None:
        return False
    later, ahead = (wall_time(one.happened_at) > asked for one in (coming, present))
    return (later and not ahead) or _waits_by_its_words(question, present, coming)


def _waits_by_its_words(question: Question, present: Outline, coming: Outline) -> bool:
    """Whether one of two notes says that it takes effect later, and the other is so by then.

    A note that is only dated ahead may be of an appointment, and ranks as all others.
    """
    if wall_time(present.happened_at).timestamp() > question.now:
        return False
    if (asked := _moment_asked_for(question)) is None:
        return False
    return takes_effect_later(coming, present, asked) is not None


def _moment_asked_for(question: Question) -> datetime | None:
    """The last moment of a time to come that a question names, else now; None if just ahead."""
    moment = question.now
    if _asks_ahead(question):
        ends = [end for start, end in question.times if start > question.now]
        if not ends or question.order == "next":
            return None
        moment = max(ends) - TICK.total_seconds()
    return datetime.fromtimestamp(moment, UTC) if moment < LATEST_S else None


def _asks_ahead(question: Question) -> bool:
    """Whether a question is about what comes: "Where will Ana work?", "in May", said in April."""
    if question.is_ahead or question.order == "next":
        return True
    return speaks_ahead(question.text) and not asks_for_now(question.text)


def _asks_for_one_value(question: Question) -> bool:
    """Whether a question asks for one thing, as it is now or as it was before it changed."""
    several = question.sort or question.all_of_whom or question.only_when
    if several or question.is_passage or question.is_past:
        return False
    past = question.asks_what_was or question.order in ("first", "next")
    return question.asks_former or not past
