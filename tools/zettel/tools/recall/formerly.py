"""Says how to ask for what was so before, where the best note has changed since."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from zettel.storage.notes import Note, Outline
from zettel.tools.changes.supersession import supersedes
from zettel.tools.language.question_words import (
    asks_for_origin,
    asks_former,
    asks_whether,
    words_of_successor,
)
from zettel.tools.language.terms import terms
from zettel.tools.language.times import from_wall_time, iso, wall_time
from zettel.tools.ranking.question import Question
from zettel.tools.recall.as_of import READABLE_STATES, find_end
from zettel.tools.recall_request import TRUE_THEN, RecallQuery
from zettel.tools.state.memory import Memory

OVER_MAX_NOTES = 10
"""Notes that hold no longer of which one may tell of what no current note answers."""
BEFORE_IT_ENDS = timedelta(seconds=1)
"""Moments are told to the second; at the end itself, what came after was so."""


async def former_call(memory: Memory, asked: RecallQuery, question: Question, first: str) -> str:
    """The reason that names the call for what a question about the past means.

    `first` is the id of the note that is shown first.

    Returns:
        Empty if the request names its moment, the question is not about the past, the note is or
        tells of the time that is asked for, or it and what it superseded said nothing else then.
    """
    may_have_been = bool(question.spelled) and asks_whether(question.text)
    asks_past = asks_former(question.text) or question.is_past
    if asked.looks_back or not (asks_past or may_have_been):
        return ""
    revisions = await memory.store.revisions(first)
    if may_have_been and (naming := _last_naming(revisions, question.spelled)):
        return _changed_later(asked, naming)
    if not asks_past:
        return ""
    if question.is_past and is_of_then(revisions[-1], question):
        return ""
    spans = [
        (r.valid_from, find_end(r, revisions))
        for r in revisions
        if r.ended_at and not r.corrected and r.content != revisions[-1].content
    ]
    if question.is_past:
        former = await memory.store.get(sorted(supersedes(revisions[-1])))
        readable = (note for note in former if note.state in READABLE_STATES)
        spans += [(note.valid_from, note.valid_until) for note in readable]
    told = [(start, end) for start, end in spans if end and start < end]
    moment = max((end for _, end in told), default=None)
    if question.is_past:
        moment = end_of_times(question)
    elif told and asks_for_origin(question.text):
        moment = min(end for _, end in told)
    elif came := words_of_successor(question.text):
        holding = (r.valid_from for r in revisions if came.issubset(terms(r.content)))
        began = min((start for start, _ in told), default=None)
        moment = next((at for at in holding if began and at > began), moment)
    if moment is None or not any(start < moment <= end for start, end in told):
        return ""
    return _changed_later(asked, moment)


def _last_naming(revisions: Sequence[Note], names: Sequence[str]) -> datetime | None:
    """The end of the last revision with a name that the newest no longer has; None without one."""
    *former, newest = revisions
    had = {*terms(f"{newest.subject} {newest.content}")}
    gone = [words for name in names if (words := {*terms(name)}) and not words <= had]
    ends = (
        find_end(r, revisions)
        for r in former
        if not r.corrected and any(words <= {*terms(r.content)} for words in gone)
    )
    return max(filter(None, ends), default=None)


def _changed_later(asked: RecallQuery, moment: datetime) -> str:
    return f"It was changed later; as it was then: {_call(asked, moment)}."


async def over_call(
    memory: Memory, asked: RecallQuery, question: Question, *, is_unknown: bool
) -> str:
    """The reason that names the call for notes that hold no longer, where no current one answers.

    Empty if the request names its moment, or the question no name that such a note has. The note
    held at the past time that is asked for, or it has a word of the question besides the name,
    unless the name `is_unknown` to all current notes.
    """
    names = {name: words for name in question.spelled if (words := frozenset(terms(name)))}
    if asked.looks_back or not names:
        return ""
    over = replace(asked.where, states=TRUE_THEN, unexpired_at=None, ended_at=asked.moment)
    hits = await memory.store.match_text(" ".join(question.spelled), over, limit=OVER_MAX_NOTES)
    notes = await memory.store.get([hit.note_id for hit in hits])
    then = end_of_times(question) if question.is_past and question.times else None
    others = {*terms(question.text)}.difference(*names.values())
    stood = list[tuple[int, datetime, str]]()
    for note in notes:
        words, until = {*terms(f"{note.subject} {note.content}")}, note.valid_until
        name = next((name for name, of_it in names.items() if of_it <= words), "")
        if until is None or not name:
            continue
        shared = len(others & words)
        if then and note.valid_from < then <= until:
            stood.append((shared, then, name))
        elif not then and (is_unknown or shared):
            stood.append((shared, until, name))
    if not stood:
        return ""
    _, end, name = max(stood)
    return f"A note that holds no longer speaks of {name}: {_call(asked, end)}."


def _call(asked: RecallQuery, end: datetime) -> str:
    """The call for what was so right before a moment, among the same notes."""
    packed = asked.request.pack()
    given = {name: value for name, value in packed.items() if name in _REPEATED}
    given["as_of"] = iso(end - BEFORE_IT_ENDS)
    written = (f"{name}={json.dumps(v, ensure_ascii=False)}" for name, v in given.items())
    return f"recall({', '.join(written)})"


_REPEATED = frozenset({"query", "subject", "tags", "kind", "session", "namespace"})
"""Arguments that say which notes are asked."""


def end_of_times(question: Question) -> datetime:
    """The end of the time that a question names, of several the first one's."""
    return from_wall_time(datetime.fromtimestamp(min(end for _, end in question.times), UTC))


def is_of_then(note: Note | Outline, question: Question) -> bool:
    """Whether a note happened in, or names, a time that the question does."""
    happened = wall_time(note.happened_at).timestamp()
    told = [(span.start.timestamp(), span.end.timestamp()) for span in note.times]
    return any(
        start <= happened < end or any(one < end and start < other for one, other in told)
        for start, end in question.times
    )
