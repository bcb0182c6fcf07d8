"""The verb `remember`: store one note, verbatim, at once."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import TypedDict, Unpack

import anyio

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.ids import new_id
from zettel.storage.notes import DERIVED_FROM, SAME_AS, Kind, Note, Span, State, fold, fold_hash
from zettel.storage.store import Change, NewNote, NoteFilter, NoteStore, Vectors, Written
from zettel.tools import validation
from zettel.tools.answers import MODEL_LOADING, Candidate, RememberAnswer
from zettel.tools.caller import USER_NAMESPACE, Caller, written_namespace
from zettel.tools.changes.commit import commit
from zettel.tools.changes.embedding import embed_if_loaded
from zettel.tools.changes.links import (
    LinkArgument,
    check_links,
    kin,
    linked_as,
    read_targets,
    with_links,
)
from zettel.tools.changes.parts import first_part, part_link, parts_of
from zettel.tools.changes.stages import DOUBT, next_note
from zettel.tools.changes.supersession import (
    check_outlasts,
    check_supersedable,
    plan_targets,
    reconcile_superseded,
    supersedes,
    with_plans_replaced,
)
from zettel.tools.changes.telling_order import telling_key
from zettel.tools.concurrency import check_cancelled, first_error, read_in_thread, shielded
from zettel.tools.language.dates import (
    find_note_times,
    read_end,
    read_happened_at,
    relative_days,
)
from zettel.tools.language.documents import cut_text
from zettel.tools.language.marks import ORDERS, find_marks
from zettel.tools.language.spelling import are_spelled_alike, spells_otherwise
from zettel.tools.language.times import Period, iso
from zettel.tools.language.transcripts import TextPart
from zettel.tools.language.turn_times import read_turn_times
from zettel.tools.language.user_words import means_user, tells_of_home, tells_of_user
from zettel.tools.note_marks import note_marks
from zettel.tools.recall.open_work import open_work_notice
from zettel.tools.secrets.cutting import without_secrets
from zettel.tools.state.memory import Memory
from zettel.tools.state.recent_texts import RecentText, find_split
from zettel.tools.state.served_log import Served
from zettel.tools.tracing import start_part
from zettel.tools.trust import (
    FULL_TRUST,
    MARKED_TRUST,
    SUSPECT,
    check_core,
    check_replaces,
    source_trust,
)
from zettel.tools.verbs.candidates import (
    Compared,
    candidates,
    compare,
    compare_again,
    replaced_since,
    suggested_tags,
    was_alone,
)

AT_ONCE = timedelta(seconds=1)
"""Within which two notes are told at once, and neither says that the other has changed: a client
has eight calls under way, of which a kill leaves some unanswered."""
KNOWN_BY_PARTS = 3
"""First parts of a text, by each of which it is known: others may have been changed since."""
REPLACED_NAMED = 3
"""Ids named of notes that may have replaced one that is known."""
ECHO_MAX_TEXTS = 100
"""Most served texts of an echo whose notes are read, the longest: as an answer has notes."""
EMBEDDED_MAX_PARTS = 256
"""Parts of a text that are embedded within the call, in some five seconds on two cores."""
TOLD_MAX_TIMES = 8
"""Words like "yesterday" of a text in parts that the answer says the days of, and dates of which
numbers do not tell the month."""


class NoteFields(TypedDict, total=False):
    """Arguments of `remember` and of `update`, as an agent writes them."""

    context: str | None
    subject: str | None
    tags: Sequence[str] | None
    kind: str | None
    happened_at: str | None
    valid_until: str | None
    links: Sequence[LinkArgument] | None


class NewNoteFields(NoteFields, total=False):
    """Arguments of `remember` beside the content."""

    session: str | None
    source: str | None
    namespace: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """Values the agent stated: an exact repeat must agree with them."""

    happened: Period | None
    session: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteDraft:
    """A note as its arguments say, before anything is read of it or of the store."""

    note: Note
    given: _Given
    links: tuple[LinkArgument, ...]


def draft_note(
    caller: Caller,
    *,
    now: datetime,
    content: str,
    context: str | None = None,
    subject: str | None = None,
    tags: Sequence[str] | None = None,
    kind: str | None = None,
    happened_at: str | None = None,
    valid_until: str | None = None,
    session: str | None = None,
    source: str | None = None,
    links: Sequence[LinkArgument] | None = None,
    namespace: str | None = None,
) -> NoteDraft:
    """Reads the arguments of `remember`.

    Raises:
        InvalidArgumentError: A value cannot be used.
        NamespaceRefusedError: The caller may not write there.
    """
    happened = read_happened_at(happened_at, now)
    until = read_end(valid_until, now)
    given = _Given(happened=happened, session=validation.check_name("session", session))
    start = happened.start if happened else now
    note = Note(
        note_id=new_id(now),
        namespace=written_namespace(caller, namespace),
        content=validation.check_content(content, most=validation.MAX_DOCUMENT),
        context=validation.check_text(
            "context", (context or "").strip(), most=validation.MAX_FIELD
        ),
        subject=validation.check_subject(subject),
        tags=validation.check_list("tags", tags),
        kind=validation.check_kind(kind, writable=True) or Kind.EPISODIC,
        session=given.session or caller.session,
        source=validation.check_text("source", (source or "").strip(), most=validation.MAX_FIELD),
        happened_at=start,
        # A plan for next week is valid from now on, so that recall can answer when it is.
        valid_from=min(start, now),
        valid_until=until.last if until else None,
        known_from=now,
        origin=caller.origin,
        changed_by=caller.name,
    )
    if until and until.last <= note.valid_from:
        raise InvalidArgumentError(
            "valid_until",
            f"{valid_until!r} ends {iso(until.last)}, not after {iso(note.valid_from)}, when the"
            " note became true",
            "Pass a later time, or leave it out; for what is over by now pass happened_at as well,"
            " when it became true.",
        )
    stated = check_links(links)
    if linked_as(stated, SAME_AS):
        raise InvalidArgumentError(
            "links.relation",
            "'same_as' merges two stored notes, and this one is not stored yet",
            "Tell it without this link; then call update(note_id=…, links=[…]) with its id.",
        )
    return NoteDraft(note=replace(note, derived_by=_agents(note)), given=given, links=stated)


@without_secrets
async def remember(
    memory: Memory,
    caller: Caller,
    *,
    now: datetime,
    content: str,
    **given: Unpack[NewNoteFields],
) -> RememberAnswer:
    """Stores a note and lists stored notes that it may repeat or replace.

    Raw talk, a log, and a document that is too long for one note become several, each `part_of`
    the first: together they are the text.

    An exact repeat, and text that recall has just served, return the existing note.

    Raises:
        InvalidArgumentError: A value cannot be used; nothing is stored.
        NoteNotFoundError: A link's target is not there; nothing is stored.
        LessTrustedError: It would supersede a more trusted note; nothing is stored.
        StoreUnavailableError: The note is not stored, unless the message says otherwise.
    """
    told = draft_note(caller, now=now, content=content, **given)
    # What is no event was worded by the agent, whatever it looks like.
    return await _remember(memory, told, now, raw=told.note.kind is Kind.EPISODIC)


@without_secrets
async def remember_whole(
    memory: Memory,
    caller: Caller,
    *,
    now: datetime,
    content: str,
    **given: Unpack[NewNoteFields],
) -> RememberAnswer:
    """Stores a text as one note, though it reads like talk, unless it is too long for one.

    Else like `remember`.
    """
    told = draft_note(caller, now=now, content=content, **given)
    return await _remember(memory, told, now, raw=False)


async def _remember(memory: Memory, told: NoteDraft, now: datetime, *, raw: bool) -> RememberAnswer:
    draft, stated = told.note, told.links
    cut = partial(cut_text, draft.content, validation.MAX_CONTENT, raw=raw)
    parts = await memory.read(len(draft.content), cut)
    if len(parts) > 1:
        return await _store_parts(memory, draft, parts, told.given, stated, now)
    return await _store(memory, draft, told.given, stated, now)


async def _store_parts(
    memory: Memory,
    draft: Note,
    cut: Sequence[TextPart],
    given: _Given,
    links: tuple[LinkArgument, ...],
    now: datetime,
) -> RememberAnswer:
    """Stores the parts of a text in one commit; of one that was told before, what is new."""
    linked = await read_targets(memory.store, links)
    times = read_turn_times(cut, draft.happened_at, dated=given.happened is not None, now=now)
    notes = _as_notes(draft, cut, times.moments, given, now)
    notes[0] = replace(notes[0], links=with_links(notes[0], links, now=now))
    check_outlasts(notes[0])
    await check_supersedable(memory, notes[0], supersedes(notes[0]))
    read = partial(_read_parts, memory, notes, links, linked)
    async with memory.reading(len(draft.content)):
        notes, marks, doubted = await read_in_thread(read)
    check_core(draft.kind, notes[0].trust)
    older = [linked[i] for i in sorted(supersedes(notes[0]))]
    check_replaces(memory.trust, draft.origin.principal, notes[0], older, marks)
    async with memory.writing.hold(f"{draft.namespace}\n{fold_hash(notes[0].content)}"):
        known = await _known_parts(memory, notes, given)
        new = _going_on(known, notes, now)
        if not new:
            with shielded():
                await reconcile_superseded(
                    memory, supersedes(known[0]), by=draft.changed_by, now=now
                )
            return {**_already_known(known[0], notes[0]), "parts": _ids(known[1:])}
        if not known and (echoed := await _echoed(memory, draft, given, now)):
            return _already_known(echoed, notes[0])
        created = await _is_new_namespace(memory, draft.namespace)
        vectors = await _embedded(memory, [note.content for note in new])
        model = memory.embedder.model_id
        entries = [
            NewNote(note=replace(note, embed_model=model if made is not None else ""), vectors=made)
            for note, made in zip(new, vectors, strict=True)
        ]
        await _write(memory, entries, doubted, now)
        memory.namespaces.add(draft.namespace)
    whole = [*known, *new]
    answer = _answer(replace(whole[0], trust=min(n.trust for n in new)), given, created=created)
    answer["parts"] = _ids(whole[1:])
    relative = relative_days([span for note in new for span in note.times])
    if told := {**times.inferred, **relative}:
        answer["times"] = dict(islice(told.items(), TOLD_MAX_TIMES))
    if marks:
        answer["marks"] = marks
    answer["next"] = _tells_whole(whole)
    # What people say to each other is left to evolution to compare; of a document, the beginning
    # tells whether it is an earlier one's next version.
    if not _is_raw(cut) and not known:
        if found := await _candidates_of_first(memory, new, vectors[0], now):
            answer["candidates"] = found
    if waiting := sum(made is None for made in vectors):
        answer["degraded"] = (
            f"{waiting} of {len(new)} parts are found by their words, by meaning soon"
        )
    return answer


def _is_raw(cut: Sequence[TextPart]) -> bool:
    """Whether a text was cut at the turns of a talk or the entries of a log."""
    return any(part.speaker or part.stamp for part in cut)


async def _candidates_of_first(
    memory: Memory, parts: Sequence[Note], vectors: Vectors | None, now: datetime
) -> list[Candidate]:
    """What the first part of a document may repeat or replace, other parts left out."""
    first, settled = parts[0], {part.note_id for part in parts} | supersedes(parts[0])
    return await candidates(memory, await compare(memory, first, vectors, settled, now=now))


def _tells_whole(whole: Sequence[Note]) -> str:
    first = whole[0].note_id
    return (
        f"Kept as {len(whole)} linked notes, which recall finds one by one."
        f' recall(note_ids=["{first}"]) reads them as one text,'
        f' forget(note_ids=["{first}"]) forgets them all.'
    )


def _ids(parts: Sequence[Note]) -> list[str]:
    return [part.note_id for part in parts[: validation.MAX_LIST]]


def _as_notes(
    draft: Note,
    cut: Sequence[TextPart],
    times: Sequence[datetime],
    given: _Given,
    now: datetime,
) -> list[Note]:
    """The parts as notes: who speaks is the subject, a given subject a tag of what others say.

    A text without a given session is a session of its own, so that its parts stand together.
    """
    session = given.session or f"text-{draft.note_id}"
    notes = list[Note]()
    for part, happened in zip(cut, times, strict=True):
        speaker = validation.check_subject(part.speaker.lstrip("@"))
        speaker = speaker if len(speaker) > 1 else ""  # "Q:" and "A:" name nobody
        tags = (*draft.tags, draft.subject) if speaker and draft.subject else draft.tags
        note = replace(
            draft,
            note_id=new_id(now) if notes else draft.note_id,
            content=part.content,
            subject=speaker or draft.subject,
            tags=tuple(dict.fromkeys(tag for tag in tags if fold(tag) != fold(speaker))),
            session=session,
            happened_at=happened,
            valid_from=min(happened, now),
        )
        links = (part_link(note, draft.note_id, now=now),) if notes else ()
        notes.append(replace(note, derived_by=_agents(note), links=links))
    return notes


def _read_parts(
    memory: Memory,
    notes: Sequence[Note],
    links: Sequence[LinkArgument],
    linked: Mapping[str, Note],
) -> tuple[list[Note], list[str], frozenset[str]]:
    """What is read of new parts, in a thread.

    Returns:
        The parts with their trust and times, their marks, and the ids of notes told before that are
        marked text only together with them.
    """
    marked, doubted = dict[str, tuple[str, ...]](), set[str]()
    for note in notes:
        check_cancelled()
        marks, with_others = _marks(memory, note)
        marked[note.note_id] = marks
        doubted |= with_others
    for note_id in doubted & marked.keys():
        marked[note_id] = marked[note_id] or (SUSPECT,)
    text = "".join(note.content for note in notes)
    if not any(marked.values()) and (across := find_marks(text)):
        # Orders that only the whole holds.
        marked = dict.fromkeys(marked, across)
    read = list[Note]()
    for note in notes:
        times = find_note_times(note.content, note.happened_at, note.known_from)
        derived = {**note.derived_by, **({"times": "rule"} if times else {})}
        trust = _trust(memory, note, marked[note.note_id], links, linked)
        read.append(replace(note, trust=trust, times=times, derived_by=derived))
    names = dict.fromkeys(mark for marks in marked.values() for mark in marks)
    return read, list(names), frozenset(doubted - marked.keys())


async def _known_parts(memory: Memory, notes: Sequence[Note], given: _Given) -> list[Note]:
    """The stored parts of the same text, or of a beginning of it; none if it is new.

    Parts that were changed or forgotten since count as they were told, while one of them stands.
    """
    tried = set[str]()
    for note in notes[:KNOWN_BY_PARTS]:
        dated = given.happened and given.happened.means(note.happened_at)
        stated = replace(given, happened=given.happened if dated else None)
        where = _repeats(note, fold_hash(note.content), given)
        for other in await memory.store.find(where, limit=validation.MAX_LIST):
            whole = first_part(other) or other.note_id
            if whole in tried or fold(other.subject) != fold(note.subject):
                continue
            if not _when(stated, other):
                continue
            tried.add(whole)
            rest = (await parts_of(memory.store, [whole])).get(whole, [])
            parts = [*await memory.store.get([whole]), *rest]
            if rest and await _tell_beginning(memory.store, parts, notes):
                return parts
    return []


async def _tell_beginning(store: NoteStore, parts: Sequence[Note], notes: Sequence[Note]) -> bool:
    """Whether the parts of a text are, or were, what a text that is told begins with."""
    if len(parts) > len(notes):
        return False
    for part, note in zip(parts, notes, strict=False):
        told = part.rev > 1 and not _says_same(part, note)
        said = await store.revisions(part.note_id) if told else [part]
        if not any(_says_same(one, note) for one in said):
            return False
    return True


def _says_same(one: Note, other: Note) -> bool:
    return fold(one.content) == fold(other.content) and are_spelled_alike(
        one.content.strip(), other.content.strip()
    )


def _going_on(known: Sequence[Note], notes: Sequence[Note], now: datetime) -> list[Note]:
    """The new parts of a text whose beginning is known, as parts of that."""
    if not known:
        return list(notes)
    first, new = known[0], list(notes[len(known) :])
    if new:
        # The last line that was told ended without the line break that the text has there now.
        between = _space_behind(notes[len(known) - 1]).removeprefix(_space_behind(known[-1]))
        new[0] = replace(new[0], content=between + new[0].content)
    return [
        replace(note, session=first.session, links=(part_link(note, first.note_id, now=now),))
        for note in new
    ]


def _space_behind(note: Note) -> str:
    return note.content[len(note.content.rstrip()) :]


async def _embedded(memory: Memory, contents: Sequence[str]) -> list[Vectors | None]:
    """The vectors of the first parts; evolution makes those of the others."""
    made = list[Vectors | None]()
    if memory.embedder.ready:
        with start_part("encoding"):
            made += await memory.embedder.embed_notes(contents[:EMBEDDED_MAX_PARTS])
    return made + [None] * (len(contents) - len(made))


def _agents(note: Note) -> dict[str, str]:
    return {name: "agent" for name in ("context", "tags") if getattr(note, name)}


async def _store(
    memory: Memory, draft: Note, given: _Given, links: tuple[LinkArgument, ...], now: datetime
) -> RememberAnswer:
    linked = await read_targets(memory.store, links)
    note = replace(draft, links=with_links(draft, links, now=now))
    replaced = partial(with_plans_replaced, note, linked, now)
    note = await memory.read(len(note.content), replaced)
    check_outlasts(note)
    await check_supersedable(memory, note, supersedes(note))
    async with _embedding(memory, note.content) as embedded:
        with start_part("marks and times"):
            async with memory.reading(len(note.content)):
                (marks, parts), folded, times = await read_in_thread(_read, memory, note)
        note = replace(note, trust=_trust(memory, note, marks, links, linked), times=times)
        if times:  # now, so that a question may ask for them before evolution reads the note
            note = replace(note, derived_by={**note.derived_by, "times": "rule"})
        check_core(note.kind, note.trust)
        older = [linked[i] for i in sorted(supersedes(note))]
        check_replaces(memory.trust, note.origin.principal, note, older, marks)
        async with memory.writing.hold(f"{note.namespace}\n{folded}"):
            with start_part("known before"):
                known = await _repeated(memory, note, folded, given)
                known = known or await _echoed(memory, note, given, now)
            if known:
                # A repeated call finishes one that was interrupted between its two commits.
                with shielded():
                    await reconcile_superseded(
                        memory, supersedes(known), by=note.changed_by, now=now
                    )
                return _already_known(known, note, await replaced_since(memory, known))
            created = await _is_new_namespace(memory, note.namespace)
            vectors = await embedded()
            model = memory.embedder.model_id if vectors is not None else ""
            note = replace(note, embed_model=model)
            before = await memory.store.version()
            # Nobody links to a note whose id was not told yet.
            related = await kin(memory.store, note) if note.links else frozenset[str]()
            settled = supersedes(note) | related
            compared = await compare(memory, note, vectors, settled, now=now)
            # With the note, so that the next recall knows what has changed.
            note = replace(note, links=(*note.links, *compared.links(now)))
            written = await _write(memory, [NewNote(note=note, vectors=vectors)], parts, now)
            memory.namespaces.add(note.namespace)
    answer = _answer(note, given, created=created)
    if relative := relative_days(times):
        answer["times"] = relative
    if marks:
        answer["marks"] = list(marks)
    if not await was_alone(memory, before, written):
        # Of two agents that tell the same at once, the later one sees the other's note.
        compared = await compare_again(memory, compared, vectors, settled, now=now)
    await _add_compared(memory, answer, compared)
    if vectors is None:
        answer["degraded"] = f"{MODEL_LOADING}: stored now, found by its words, by meaning soon"
    if note.kind is Kind.WORKING:
        if notice := await open_work_notice(memory, note.namespace, now):
            answer["notice"] = notice
    return answer


async def _add_compared(memory: Memory, answer: RememberAnswer, compared: Compared) -> None:
    """Add what the agent may do with the note beside the stored ones."""
    if found := await candidates(memory, compared):
        answer["candidates"] = found
    if tags := await suggested_tags(compared):
        answer["suggested_tags"] = tags


def _marks(memory: Memory, note: Note) -> tuple[tuple[str, ...], frozenset[str]]:
    """The marks of a new note, by its text and by the author's last notes.

    Returns:
        The marks, and the ids of the last notes that it takes for them.
    """
    author, trust = f"{note.namespace}\n{note.origin.principal}", source_trust(note.source)
    marks: tuple[str, ...] = note_marks(note)
    split = None if marks else find_split(note.content, trust, memory.recent.last(author))
    if split and split.marks:
        marks = split.marks
        memory.recent.drop(author)
    orders = not ORDERS.isdisjoint(marks)
    memory.recent.add(author, RecentText(note.note_id, note.content, trust, orders))
    return (marks or (SUSPECT,), split.parts) if split else (marks, frozenset())


def _trust(
    memory: Memory,
    note: Note,
    marks: Sequence[str],
    links: Sequence[LinkArgument],
    linked: Mapping[str, Note],
) -> float:
    """The least of what its source, its marks and the notes it is derived from allow."""
    sources = [linked[note_id] for note_id in sorted(linked_as(links, DERIVED_FROM))]
    inherited = [memory.trust.seen(source, note.origin.principal) for source in sources]
    marked = [MARKED_TRUST] if marks else []
    return min((source_trust(note.source), *inherited, *marked))


async def _write(
    memory: Memory, entries: Sequence[NewNote], parts: frozenset[str], now: datetime
) -> Written:
    """Adds notes and closes the notes the first supersedes in one commit, then reconciles these.

    `parts` are ids of notes that are marked text only together with it; the same commit takes their
    trust.
    """
    note = entries[0].note

    async def plan(notes: Mapping[str, Note]) -> list[Change]:
        changed = {entry.note.note_id: entry.note for entry in entries}
        closed = await plan_targets(
            memory.store, supersedes(note), changed, by=note.changed_by, now=now
        )
        return [*closed, *(_doubted(part, note, now) for part in notes.values() if doubts(part))]

    def doubts(part: Note) -> bool:
        return part.state is State.ACTIVE and part.trust > MARKED_TRUST

    with shielded(), start_part("commit"):
        written = await commit(memory, parts - supersedes(note), plan, new=entries)
        await reconcile_superseded(memory, supersedes(note), by=note.changed_by, now=now)
    return written


def _doubted(part: Note, note: Note, now: datetime) -> Change:
    reason = f"marked together with {note.note_id}"
    part = replace(part, trust=MARKED_TRUST)
    return Change(note=next_note(part, by=note.changed_by, now=now, change=DOUBT, reason=reason))


@asynccontextmanager
async def _embedding(
    memory: Memory, content: str
) -> AsyncGenerator[Callable[[], Awaitable[Vectors | None]]]:
    """Embed a text while the body runs; what it gives waits for the vectors.

    They are None while the model is loading. Where the body ends without them, so does the work.
    """
    made, done = list[Vectors | None](), anyio.Event()

    async def embed() -> None:
        with start_part("encoding"):
            made.append(await embed_if_loaded(memory, content))
        done.set()

    async def wait() -> Vectors | None:
        await done.wait()
        return made[0]

    with first_error():
        async with anyio.create_task_group() as group:
            group.start_soon(embed)
            yield wait
            group.cancel_scope.cancel()


def _read(
    memory: Memory, note: Note
) -> tuple[tuple[tuple[str, ...], frozenset[str]], str, tuple[Span, ...]]:
    """What is read of a new note, in a thread: marks, the key of its repeats, and its times."""
    times = find_note_times(note.content, note.happened_at, note.known_from)
    return _marks(memory, note), fold_hash(note.content), times


async def _is_new_namespace(memory: Memory, namespace: str) -> bool:
    if namespace in memory.namespaces:
        return False
    return await memory.store.count(NoteFilter(namespaces=(namespace,), states=())) == 0


def _repeats(note: Note, folded: str, given: _Given) -> NoteFilter:
    """The notes that say the same as far as a filter tells."""
    return NoteFilter(
        namespaces=(note.namespace,),
        fold_hash=folded,
        subject=note.subject,
        # `episodic` is what a call has that says nothing of a kind.
        kinds=() if note.kind is Kind.EPISODIC else (note.kind,),
        sessions=(given.session,) if given.session else (),
        unexpired_at=note.known_from,
    )


async def _repeated(memory: Memory, note: Note, folded: str, given: _Given) -> Note | None:
    where = _repeats(note, folded, given)
    # One count is enough for nearly every new note; reads would compete with the embedding model.
    # Without conditions that have no index: 4 ms instead of 16 at 100,000 notes.
    any_same = NoteFilter(fold_hash=where.fold_hash, states=(), derived=None)
    if not await memory.store.count(any_same):
        return None
    for offset in range(0, await memory.store.count(where), validation.MAX_LIST):
        for other in await memory.store.find(where, limit=validation.MAX_LIST, offset=offset):
            same = fold(other.subject) == fold(note.subject) and _when(given, other)
            same = same and are_spelled_alike(other.content, note.content)
            # What may have replaced it was told meanwhile: now it is so again.
            if same and not await _replaced_before(memory, other, note):
                return other
    return None


async def _replaced_before(memory: Memory, known: Note, note: Note) -> bool:
    """Whether something told between two tellings of the same may have replaced it.

    Not what was told at once with either: a client that was cut off tells all again whose answers
    it has not heard.
    """
    between = await replaced_since(memory, known)
    return any(
        telling_key(other) < telling_key(note) and other.known_from - known.known_from >= AT_ONCE
        for other in between
    )


def _when(given: _Given, other: Note) -> bool:
    return given.happened is None or given.happened.means(other.happened_at)


async def _echoed(memory: Memory, note: Note, given: _Given, now: datetime) -> Note | None:
    """The note whose served text is repeated, unless this call says more."""
    memory.served.expire(now)
    # In a thread: the longest texts take a tenth of a second.
    found = await read_in_thread(memory.served.echoed, note.namespace, note.content, now)
    echoed = found[:ECHO_MAX_TEXTS]
    if not echoed:
        return None
    ids = dict.fromkeys(served.note_id for served in echoed)
    notes = {known.note_id: known for known in await memory.store.get(list(ids))}
    # In a thread: as many notes of the greatest length take a tenth of a second.
    return await read_in_thread(_first_repeated, echoed, notes, note, given, now)


def _first_repeated(
    echoed: Sequence[Served],
    notes: Mapping[str, Note],
    note: Note,
    given: _Given,
    now: datetime,
) -> Note | None:
    """The first note that still has its served text and everything that this call says."""
    folded = dict[str, str]()
    for served in echoed:
        known = notes.get(served.note_id)
        if (
            known
            and known.state is State.ACTIVE
            and (known.valid_until is None or known.valid_until > now)
            and known.namespace in (note.namespace, USER_NAMESPACE)
            and _is_about_same(note, known)
            and (note.kind is Kind.EPISODIC or note.kind is known.kind)
            and (not given.session or given.session == known.session)
            and _when(given, known)
        ):
            if known.note_id not in folded:
                folded[known.note_id] = fold(known.content)
            told = served.text in folded[known.note_id]
            if told and not spells_otherwise(note.content, known.content):
                return known
    return None


def _is_about_same(note: Note, known: Note) -> bool:
    """Whether a text that repeats a served one is about the same: "I" of nobody is the user."""
    if note.subject or means_user(known.subject):
        return fold(note.subject) in ("", fold(known.subject))
    if not (tells_of_user(known.content) or tells_of_home(known.content)):
        return True
    told, named = (fold(one.content).count(fold(known.subject)) for one in (known, note))
    return named > told


def _differing(known: Note, note: Note) -> list[str]:
    """The fields of the new note that the stored one does not have."""
    linked = {(link.to, link.relation) for link in known.links if link.stood(None)}
    news = {
        "context": note.context not in ("", known.context),
        "tags": not set(note.tags) <= set(known.tags),
        "source": note.source not in ("", known.source),
        "valid_until": note.valid_until not in (None, known.valid_until),
        "links": not {(link.to, link.relation) for link in note.links} <= linked,
    }
    return [name for name, differs in news.items() if differs]


def _already_known(known: Note, note: Note, since: Sequence[Note] = ()) -> RememberAnswer:
    """The answer for what is known; `since` may have replaced it, and was told later."""
    answer = RememberAnswer(
        note_id=known.note_id, status="already_known", namespace=known.namespace
    )
    if differs := _differing(known, note):
        answer["differs"] = differs
        if differs != ["source"]:
            answer["next"] = f'To change these call update(note_id="{known.note_id}", …).'
    if since:
        ids = ", ".join(other.note_id for other in since[:REPLACED_NAMED])
        again = (
            f"What was told since may be so instead ({ids}); if this is so again, pass happened_at."
        )
        answer["next"] = " ".join(filter(None, (answer.get("next"), again)))
    return answer


def _answer(note: Note, given: _Given, *, created: bool) -> RememberAnswer:
    answer = RememberAnswer(note_id=note.note_id, status="stored", namespace=note.namespace)
    if created:
        answer["namespace_created"] = True
    if given.happened:
        answer["happened_at"] = iso(note.happened_at)
    if note.trust < FULL_TRUST:
        answer["trust"] = note.trust
    if note.valid_until:
        answer["valid_until"] = iso(note.valid_until)
    return answer
