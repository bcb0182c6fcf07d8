"""The verb `remember`: store one thing, verbatim, at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.identifiers import new_id
from zettel.storage.notes import SUPERSEDES, Kind, Note, fold, fold_hash
from zettel.storage.store import Change, NewNote, NoteFilter, Vectors
from zettel.tools import bounds
from zettel.tools.answers import RememberAnswer
from zettel.tools.candidates import find_candidates
from zettel.tools.commit import commit
from zettel.tools.links import (
    LinkArgument,
    check_links,
    check_targets,
    superseded,
    targets,
    with_links,
)
from zettel.tools.memory import Caller, Memory
from zettel.tools.scope import written_namespace
from zettel.tools.times import Period, iso, read_time

MODEL_LOADING = "embedding model is loading"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """What the agent said outright: an exact repeat must agree with it."""

    happened: Period | None
    session: str


async def remember(
    memory: Memory,
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
) -> RememberAnswer:
    """Store a note and say which stored notes it may repeat or replace.

    An exact repeat, and text that recall just served, return the note that is already there.

    Raises:
        InvalidArgumentError: A value cannot be used; nothing is stored.
        NoteNotFoundError: A link's target is not there; nothing is stored.
        StoreUnavailableError: Nothing is stored.
    """
    happened = read_time("happened_at", happened_at, now)
    until = read_time("valid_until", valid_until, now)
    given = _Given(happened=happened, session=bounds.check_name("session", session))
    told_at = happened.start if happened else now
    draft = Note(
        note_id=new_id(now),
        namespace=written_namespace(caller, namespace),
        content=bounds.check_content(content),
        context=bounds.check_text("context", (context or "").strip(), most=bounds.MAX_FIELD),
        subject=bounds.check_subject(subject),
        tags=bounds.check_list("tags", tags),
        kind=bounds.check_kind(kind, writable=True) or Kind.EPISODIC,
        session=given.session or caller.session,
        source=bounds.check_text("source", (source or "").strip(), most=bounds.MAX_FIELD),
        happened_at=told_at,
        # A plan for next week is true from now on, or recall could not answer "when is it?"
        valid_from=min(told_at, now),
        valid_until=until.end if until else None,
        known_from=now,
        origin=caller.origin,
        changed_by=caller.origin.client or caller.origin.transport,
    )
    if until and until.end <= draft.valid_from:
        raise InvalidArgumentError(
            "valid_until",
            f"{iso(until.end)} is not after {iso(draft.valid_from)}, when the note became true",
            "Pass a later time, or leave it out.",
        )
    return await _store(
        memory, replace(draft, derived_by=_agents(draft)), given, check_links(links), now
    )


def _agents(note: Note) -> dict[str, str]:
    return {name: "agent" for name in ("context", "tags") if getattr(note, name)}


async def _store(
    memory: Memory, draft: Note, given: _Given, links: tuple[LinkArgument, ...], now: datetime
) -> RememberAnswer:
    wanted = targets(links, remove=False)
    check_targets(links, {n.note_id: n for n in await memory.store.get(sorted(wanted))})
    note = replace(draft, links=with_links((), links, own_id=draft.note_id, now=now))
    key = f"{note.namespace}\n{fold_hash(note.content)}"
    async with memory.writing.hold(key):
        known = await _repeated(memory, note, given) or await _echoed(memory, note, now)
        if known:
            return _already_known(known, note)
        vectors = await _embedded(memory, note)
        created = await _is_new_namespace(memory, note.namespace)
        closing = targets(links, remove=False, relation=SUPERSEDES)

        def plan(notes: Mapping[str, Note]) -> list[Change]:
            made = (superseded(other, note, now=now) for other in notes.values())
            return [change for change in made if change]

        entry = NewNote(note=_marked(memory, note, vectors), vectors=vectors)
        await commit(memory, sorted(closing), plan, new=(entry,))
    return await _answer(memory, note, vectors, given, created=created)


def _marked(memory: Memory, note: Note, vectors: Vectors | None) -> Note:
    return replace(note, embed_model=memory.embedder.model_id if vectors is not None else "")


async def _embedded(memory: Memory, note: Note) -> Vectors | None:
    if not memory.embedder.ready:
        return None
    return (await memory.embedder.embed_notes([note.content]))[0]


async def _is_new_namespace(memory: Memory, namespace: str) -> bool:
    if namespace in memory.namespaces:
        return False
    memory.namespaces.add(namespace)
    return await memory.store.count(NoteFilter(namespaces=(namespace,), states=())) == 0


async def _repeated(memory: Memory, note: Note, given: _Given) -> Note | None:
    where = NoteFilter(namespaces=(note.namespace,), fold_hash=fold_hash(note.content))
    if not await memory.store.count(where):  # nearly always, and five times cheaper than reading
        return None
    for other in await memory.store.find(where, limit=bounds.MAX_LIST):
        if (
            fold(other.subject) == fold(note.subject)
            and other.kind is note.kind
            and (not given.happened or other.happened_at == note.happened_at)
            and (not given.session or other.session == note.session)
        ):
            return other
    return None


async def _echoed(memory: Memory, note: Note, now: datetime) -> Note | None:
    served = memory.served.echoed(note.namespace, note.content, now)
    found = await memory.store.get([served]) if served else []
    return found[0] if found else None


def _differing(known: Note, note: Note) -> list[str]:
    """The fields of the new telling that the stored note does not have."""
    linked = {(link.to, link.relation) for link in known.links}
    news = {
        "context": note.context not in ("", known.context),
        "tags": not set(note.tags) <= set(known.tags),
        "source": note.source not in ("", known.source),
        "valid_until": note.valid_until not in (None, known.valid_until),
        "links": not {(link.to, link.relation) for link in note.links} <= linked,
    }
    return [name for name, differs in news.items() if differs]


def _already_known(known: Note, note: Note) -> RememberAnswer:
    answer = RememberAnswer(
        note_id=known.note_id, status="already_known", namespace=known.namespace
    )
    if differs := _differing(known, note):
        answer["differs"] = differs
        answer["next"] = f'To change these call update(note_id="{known.note_id}", …).'
    return answer


async def _answer(
    memory: Memory, note: Note, vectors: Vectors | None, given: _Given, *, created: bool
) -> RememberAnswer:
    answer = RememberAnswer(note_id=note.note_id, status="stored", namespace=note.namespace)
    if created:
        answer["namespace_created"] = True
    if given.happened:
        answer["happened_at"] = iso(note.happened_at)
    if note.valid_until:
        answer["valid_until"] = iso(note.valid_until)
    if candidates := await find_candidates(memory, note, vectors):
        answer["candidates"] = candidates
    if vectors is None:
        answer["degraded"] = f"{MODEL_LOADING}: stored now, found by its words, by meaning soon"
    return answer
