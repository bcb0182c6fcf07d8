"""The four ways to recall: by id, by question, by filters, without arguments."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

import anyio

from zettel.storage.embedding.embedder import AbsentEmbedder
from zettel.storage.errors import (
    ExpiredTokenError,
    ModelUnavailableError,
    NoteForgottenError,
    NoteNotFoundError,
)
from zettel.storage.notes import NEEDS_REVIEW, SUMMARY, Kind, Note, Outline, Place, State, fold
from zettel.storage.read_view import in_one_view
from zettel.storage.store import NoteFilter
from zettel.tools.answers import MODEL_CHANGING, MODEL_FAILED, MODEL_LOADING, Overview, RecallAnswer
from zettel.tools.caller import ALL, LOCAL
from zettel.tools.changes.parts import parts_of
from zettel.tools.concurrency import read_in_thread, read_texts
from zettel.tools.language.dates import find_windows
from zettel.tools.language.marks import find_marks
from zettel.tools.language.question_words import (
    asked_all_about,
    asked_all_about_in_small_letters,
    asked_all_about_unspaced,
    asks_only_who_i_am,
    may_ask_for_everything,
)
from zettel.tools.language.relations import THE_USER
from zettel.tools.language.times import iso
from zettel.tools.language.user_words import asks_all_about_me
from zettel.tools.progress import AT_WORK, report_progress
from zettel.tools.ranking.confidence import judge
from zettel.tools.ranking.cut import NO_TALK_MAX_NOTES, SHOWN_MAX_NOTES, notes_to_show
from zettel.tools.ranking.estimate import tells_of_its_author
from zettel.tools.ranking.question import Question
from zettel.tools.ranking.ranked import Confidence, Ranked, copy_key, group_copies
from zettel.tools.ranking.voices import share_places, voices_of
from zettel.tools.recall.about import ABOUT_MAX_NOTES, describe, in_order
from zettel.tools.recall.answer import assemble
from zettel.tools.recall.as_of import read_ids, resolve_as_of
from zettel.tools.recall.entities import find_entity, is_name
from zettel.tools.recall.formerly import BEFORE_IT_ENDS, former_call, over_call
from zettel.tools.recall.keys import key_first
from zettel.tools.recall.newest import newest_first, told_later_first
from zettel.tools.recall.offers import offered_rules
from zettel.tools.recall.open_work import open_work_notice
from zettel.tools.recall.page import Page
from zettel.tools.recall.premises import resting_on_gone
from zettel.tools.recall.search import Found, ask, reordered, search
from zettel.tools.recall.steps import step_first
from zettel.tools.recall.superseded import add_superseded, replaced_by_current
from zettel.tools.recall_request import TRUE_THEN, RecallQuery
from zettel.tools.render import shorten
from zettel.tools.state.caches import CachedRanking, Cursor, new_cursor_key
from zettel.tools.state.erased import erased_at
from zettel.tools.state.memory import Memory
from zettel.tools.tracing import start_part
from zettel.tools.trust import FULL_TRUST, TrustView
from zettel.tools.validation import MAX_LIMIT, as_given, nearest

CORE_MAX_NOTES = 20
"""Most core notes shown by a recall without arguments."""
CORE_READ_MAX_NOTES = 500
"""Newest core notes among which those are chosen; as many must be forged to leave others out."""
AFTER_EVERY_ID = "~"
"""Sorts after every id: ids are letters and digits."""
OVERVIEW_MAX_OPEN_WORK = 10
"""Most working notes shown by it."""
OVERVIEW_MAX_NAMES = 12
"""Most tags, and most namespaces, named by it."""
REASON_MAX_IDS = 3
"""Most missing ids named in a reason; further ones are counted."""
UNJUDGED = Confidence(
    verdict="uncertain",
    confidence=0.0,
    reason="These notes share words with the question; nothing was searched by meaning.",
)
"""Stands for a judgement where there are no cosines to judge by."""
UNREAD = Confidence(
    verdict="uncertain",
    confidence=0.0,
    reason="New notes are not searched by meaning yet; one of them may be what was asked for.",
)
"""Stands for a judgement that finds too little where notes wait for their vectors."""


@in_one_view
async def recall_page(
    memory: Memory, asked: RecallQuery, cursor: Cursor | None = None
) -> RecallAnswer:
    """Answer a request with its first page, or with the one that a cursor names."""
    asked, page = await find_page(memory, asked, cursor)
    return await assemble(memory, asked, page)


async def find_page(
    memory: Memory, asked: RecallQuery, cursor: Cursor | None = None
) -> tuple[RecallQuery, Page]:
    """The ids of a page with what they were found by, and the request with its moments resolved."""
    start = cursor or Cursor(
        key=new_cursor_key(), offset=0, known_at=asked.now, request=asked.request
    )
    first = Page(
        ids=(),
        total=0,
        key=start.key,
        offset=start.offset,
        known_at=start.known_at,
        shown=frozenset(start.shown),
        after=start.after,
        last=Place(happened_at=start.after_at, note_id=start.after) if start.after_at else None,
        found=memory.pages.kept(start.key),
    )
    asked = await resolve_as_of(memory, asked, cursor.known_at if cursor else None)
    if asked.note_ids:
        page = await _read(memory, asked, first)
    elif asked.request.query:
        page = await _all_of_one(memory, asked, first) or await _questioned(
            memory, await _of_subject(memory, asked), first
        )
    elif asked.filtered:
        page = await _all_of_one(memory, asked, first) or await _listed(memory, asked, first)
    else:
        page = await _overview(memory, asked, first)
    if cursor is None and not page.reason and not asked.note_ids:
        reason = await (missing_namespace if page.ids else why_nothing)(memory, asked)
        page = replace(page, reason=reason)
    return asked, page


async def _all_of_one(memory: Memory, asked: RecallQuery, page: Page) -> Page | None:
    """All that is known of the one that a request is about; None if it is about none."""
    most = asked.request.limit or ABOUT_MAX_NOTES
    if page.found.listed:
        return replace(page.of_list(page.found.listed), most=most)
    name = asked.where.subject
    if asked.request.query:
        name = await _asked_all_about(memory, asked)
    entity = await find_entity(memory, asked, name) if name else None
    if entity is None or not entity.notes:
        return None
    ids = await read_in_thread(in_order, memory, asked, entity)
    return replace(
        page.of_list(ids),
        most=most,
        about=None if page.offset else await describe(memory, asked, entity),
    )


async def _asked_all_about(memory: Memory, asked: RecallQuery) -> str:
    """The name of which a question asks for all, as the question or a subject spells it."""
    query = asked.request.query
    if name := await read_texts(len(query), lambda: _asked_name(query, asked.moment)):
        return name
    if asks_only_who_i_am(query):
        # With a profile it is that, whose notes are ranked.
        core = replace(asked.where, kinds=(Kind.CORE,))
        return "" if await memory.store.count(core) else THE_USER
    if not may_ask_for_everything(query):
        return ""
    if await read_texts(len(query), lambda: asks_all_about_me(query)):
        return THE_USER
    name, is_sure = await read_texts(len(query), lambda: asked_all_about_unspaced(query))
    if name and (is_sure or await is_name(memory, asked, name)):
        return name
    corpus = await memory.corpora.read(memory.store, asked.where, asked.moment)
    question = await read_in_thread(ask, query, corpus, asked.moment)
    if question.all_of_whom and not question.asks_self:
        if subject := corpus.subjects.get(question.subject, ""):
            return _as_asked(subject, query)
    name = await read_texts(len(query), lambda: asked_all_about_in_small_letters(query))
    return name if name and await is_name(memory, asked, name) else ""


_OF_SEVERAL = re.compile(r"\s+[/&|+]\s+|[,;]\s+")
"""Between the names of a subject that is of several: "Ana / Ben"."""


def _as_asked(subject: str, query: str) -> str:
    """The one of a subject's names that a question names, if that is one of several."""
    asked = fold(query)
    named = [
        name
        for name in _OF_SEVERAL.split(subject)
        if re.search(rf"(?<!\w){re.escape(fold(name))}(?!\w)", asked)
    ]
    return named[0] if len(named) == 1 else subject


def _asked_name(query: str, now: datetime) -> str:
    """The name of which a question asks for all; what it has on Monday is all of nobody."""
    name = asked_all_about(query)
    times = find_windows(query, now)[1] if name else ()
    return "" if any(name in phrase for phrase in times) else name


async def _of_subject(memory: Memory, asked: RecallQuery) -> RecallQuery:
    """The request, its subject meant by all its names and by the notes that name it."""
    if not asked.where.subject:
        return asked
    entity = await find_entity(memory, asked, asked.where.subject)
    if not entity.notes:
        return asked
    ids = tuple(note.note_id for note in entity.notes)
    return replace(asked, where=replace(asked.where, subject="", note_ids=ids))


async def _questioned(memory: Memory, asked: RecallQuery, page: Page) -> Page:
    """Rank the scope, or continue a cached ranking."""
    kept, degraded = page.found, ""
    most, chosen = asked.limit, False
    if not kept.ranking:
        if not memory.embedder.ready and not await memory.store.count(asked.where):
            return page
        no_model = await _awaited_model(memory)
        kept, shown, degraded = await _rank(memory, asked, no_model)
        if shown and not asked.request.limit and not page.offset:
            most, chosen = shown, True
    return replace(
        page.of([ranked.note_id for ranked in kept.ranking]),
        most=most,
        chosen=chosen,
        found=kept,
        degraded=degraded,
    )


async def _rank(
    memory: Memory, asked: RecallQuery, no_model: str
) -> tuple[CachedRanking, int, str]:
    """Rank the scope.

    Args:
        memory: The memory.
        asked: The request.
        no_model: Why nothing is searched by meaning, if so.

    Returns:
        The ranking; how many notes to show if the request names no limit, 0 if nothing was searched
        by meaning; what could not be done.
    """
    query = asked.request.query
    found = await search(memory, query, asked.where, now=asked.moment)
    with start_part("superseded"):
        found = await add_superseded(memory, asked, found)
    outlines = _outlines(found, found.ranked)
    ranking, problem = await reordered(memory, query, found, outlines)
    placed = replaced_by_current(ranking, found.superseded)
    with start_part("order"):
        placed = await newest_first(memory, asked, found, placed)
        placed = await told_later_first(memory, found, placed, _outlines(found, placed))
        reader = memory.reader(asked.caller)
        step = await step_first(memory, query, placed, found, reader)
    outlines = _outlines(found, step.ranking)
    own = reader.own_principals
    then = frozenset(found.superseded[older] for older in found.then)

    def concluded() -> tuple[Confidence, tuple[Ranked, ...]]:
        question = found.question
        placed = _arranged(step.ranking, outlines, own, question)
        if placed and placed[0].note_id in then:
            # What stood then answers for it.
            question = replace(question, times=(), only_when=False)
        judged = replace(found, question=question)
        sure = _judged(memory, judged, ranking, placed, own) if found.with_meaning else UNJUDGED
        return step.judgement or sure, placed

    with start_part("verdict"):
        sure, arranged = await read_in_thread(concluded)
        # Without an LLM hardly a note has keys, and they are read from the store.
        may_know = sure.verdict != "found" or memory.mind is not None
        if may_know and (keyed := await key_first(memory, query, step.ranking, found, reader)):
            sure, arranged = keyed[1], _arranged(keyed[0], outlines, own, found.question)
        sure, unsearched = await _with_unread(memory, asked, sure)
        if (
            arranged
            and (first := arranged[0].note_id) not in then
            and (call := await former_call(memory, asked, found.question, first))
        ):
            sure = replace(sure, verdict="uncertain", reason=call)
        elif sure.verdict != "found" and (
            call := await over_call(
                memory, asked, found.question, is_unknown=not arranged or sure.is_unknown
            )
        ):
            sure = replace(sure, verdict="uncertain", reason=call)
    former = {newer: older for older, newer in found.superseded.items()}
    by_words = no_model or MODEL_LOADING if not found.with_meaning else unsearched
    by_words = f"{by_words}: found by words only" if by_words else ""
    return (
        CachedRanking(
            ranking=arranged,
            judgement=sure,
            former=former,
            former_first=frozenset(former) if found.question.asks_former else then,
        ),
        _shown(found, arranged, outlines) if found.with_meaning else 0,
        "; ".join(filter(None, (by_words, problem))),
    )


def _outlines(found: Found, ranking: Sequence[Ranked]) -> dict[str, Outline]:
    """The outlines of a ranking's notes, by id."""
    corpus = found.first.corpus
    return {one.note_id: corpus.outlines[corpus.rows[one.note_id]] for one in ranking}


def _shown(found: Found, ranking: Sequence[Ranked], outlines: Mapping[str, Outline]) -> int:
    """How many notes to show; copies, which are shown as one, count as one."""
    most = SHOWN_MAX_NOTES if found.first.corpus.conversation else NO_TALK_MAX_NOTES
    first = ranking[: notes_to_show(ranking, found.question, most=most)]
    return len({copy_key(outlines[one.note_id]) for one in first})


def _judged(
    memory: Memory,
    found: Found,
    ranking: Sequence[Ranked],
    placed: Sequence[Ranked],
    own: frozenset[str],
) -> Confidence:
    """The judgement of a ranking, of which `placed` is shown."""
    return judge(
        found.question,
        found.first,
        found.arms.meaning,
        ranking,
        shown=placed[: notes_to_show(placed, found.question)],
        found_from=memory.found_from,
        own_names=own,
    )


async def _with_unread(
    memory: Memory, asked: RecallQuery, sure: Confidence
) -> tuple[Confidence, str]:
    """The judgement of a ranking, and which notes were not searched by meaning."""
    if sure is not UNJUDGED and sure.verdict != "found":
        waiting = await memory.store.count(replace(asked.where, unembedded=True))
        if waiting:
            # One of them may be what was asked for.
            new = "1 new note is" if waiting == 1 else f"{waiting} new notes are"
            return UNREAD, f"{new} not embedded yet"
    return sure, ""


async def _awaited_model(memory: Memory) -> str:
    """Wait for the model that is loading, if there is time to wait.

    Returns:
        Why there is no model; empty if it is loaded.
    """
    if memory.embedder.ready:
        return ""
    if isinstance(memory.embedder, AbsentEmbedder):
        return MODEL_CHANGING
    if memory.model_wait_s:
        report_progress(MODEL_LOADING)
        try:
            with anyio.move_on_after(memory.model_wait_s):
                await memory.embedder.load()
        except ModelUnavailableError:
            return MODEL_FAILED
        finally:
            report_progress(AT_WORK)
    return "" if memory.embedder.ready else MODEL_LOADING


def _arranged(
    ranking: Sequence[Ranked],
    outlines: Mapping[str, Outline],
    own: frozenset[str],
    question: Question,
) -> tuple[Ranked, ...]:
    """Copies behind each other, and no voice but the reader's own before all others.

    Where the user asks of themselves, what others say of themselves comes behind notes that match
    about as well.
    """
    voices = voices_of(outlines.values(), own)
    behind = [i for i, one in outlines.items() if tells_of_its_author(question, one, own)]
    return share_places(group_copies(ranking, outlines), voices, outlines, behind=behind)


async def _listed(memory: Memory, asked: RecallQuery, page: Page) -> Page:
    """The notes that match the filters as of the first page's moment, newest first.

    Before those that need review come the ones whose premises are gone, and offered rules.

    Raises:
        ExpiredTokenError: The note after which the page begins had a place that nothing tells, and
            is erased.
    """
    ahead = await _without_open_link(memory, asked)
    done, last = len(ahead) if page.after else 0, page.last
    if page.after in ahead and not last:
        done = ahead.index(page.after) + 1
    elif page.after and not last:
        last = await _place_of(memory, asked, page.after)
    earlier, ahead = frozenset(ahead[:done]), ahead[done:]
    where = replace(asked.where, after=last)
    total = page.offset + len(ahead) + await memory.store.count(where)
    shown = await _still_there(memory, where, page.shown, ahead)
    # What was shown before its place takes none here.
    room = asked.limit + min(len(shown), MAX_LIMIT)
    ahead = ahead[:room]
    rest = room - len(ahead)
    notes = await memory.store.find(where, limit=rest) if rest else []
    return replace(
        page,
        ids=[*ahead, *_ids(notes)],
        most=asked.limit,
        total=total,
        earlier=earlier,
        last=last,
        shown=shown,
        happened={note.note_id: note.happened_at for note in notes},
    )


async def _place_of(memory: Memory, asked: RecallQuery, note_id: str) -> Place:
    """Where a listed note stands by time, for a cursor that does not say."""
    found = await memory.store.find(replace(asked.where, note_ids=(note_id,)), limit=1)
    if not found:  # from the beginning, notes would come twice
        raise ExpiredTokenError("cursor", "Call recall with the filters again.")
    return Place(happened_at=found[0].happened_at, note_id=note_id)


async def _still_there(
    memory: Memory, where: NoteFilter, shown: Collection[str], ahead: Collection[str]
) -> frozenset[str]:
    """Those of the notes shown before their place that are still to come in the list.

    An erased one is counted there no more, so it must not be taken from the count either.
    """
    if not shown:
        return frozenset()
    found = await memory.store.outlines(
        replace(where, note_ids=tuple(sorted(shown))), limit=len(shown)
    )
    return frozenset(one.note_id for one in found) | {i for i in shown if i in ahead}


async def _without_open_link(memory: Memory, asked: RecallQuery) -> list[str]:
    """Ids of the notes to review that have no open link."""
    if NEEDS_REVIEW not in asked.where.tags or asked.looks_back:
        return []
    found = await resting_on_gone(memory, asked.where)
    shaken = [n.note_id for n in found if not n.open and NEEDS_REVIEW not in n.tags]
    return [*shaken, *_ids(await offered_rules(memory, asked.where))]


async def _read(memory: Memory, asked: RecallQuery, page: Page) -> Page:
    """The notes of these ids, in any state but forgotten."""
    there = {note.note_id for note in await read_ids(memory, asked, asked.note_ids)}
    missing = [note_id for note_id in asked.note_ids if note_id not in there]
    reason = ""
    if missing and not page.offset:
        known = {note.note_id for note in await memory.store.get(missing)}
        if not there and (not asked.looks_back or missing[0] not in known):
            raise (NoteForgottenError if missing[0] in known else NoteNotFoundError)(missing[0])
        erased = await erased_at(memory, [i for i in missing if i not in known])
        reason = _why_missing(asked, missing, known, erased)
    if len(asked.note_ids) == 1:
        reason = reason or await _in_parts(memory, asked)
    return replace(
        page,
        ids=asked.note_ids[page.offset :],
        total=len(asked.note_ids),
        any_state=True,
        reason=reason,
    )


def _why_missing(
    asked: RecallQuery,
    missing: Sequence[str],
    known: Collection[str],
    erased: Collection[str],
) -> str:
    """The reason why notes are missing in an answer that shows others."""

    def named(ids: Sequence[str]) -> str:
        more = f" and {len(ids) - REASON_MAX_IDS} more" if len(ids) > REASON_MAX_IDS else ""
        given = (as_given(note_id, asked.request.note_ids) for note_id in ids[:REASON_MAX_IDS])
        return ", ".join(given) + more

    if asked.looks_back:
        return f"No note with id {named(missing)} that was known and true then."
    unknown = [note_id for note_id in missing if note_id not in known and note_id not in erased]
    gone = [note_id for note_id in missing if note_id in erased]
    forgotten = [note_id for note_id in missing if note_id in known]
    said = [f"No note with id {named(unknown)}."] if unknown else []
    if gone:
        said.append(f"Erased for good: {named(gone)}.")
    if forgotten:
        said.append(f"Forgotten: {named(forgotten)}; forget with undo=true brings back.")
    return " ".join(said)


async def _in_parts(memory: Memory, asked: RecallQuery) -> str:
    """The reason why one note is shown as a long text; empty if it is not."""
    (first,) = asked.note_ids
    parts = (await parts_of(memory.store, asked.note_ids, known_at=asked.known_at)).get(first)
    if not parts:
        return ""
    session = shorten(parts[0].session, REASON_NAME_CHARACTERS)
    listed = f"; recall(session={session!r}) lists them" if session else ""
    there = [part for part in parts if part.state is not State.FORGOTTEN]
    over = [part.note_id for part in there if part.state is State.SUPERSEDED]
    ended = ""
    if over and not asked.looks_back:
        more = f" and {len(over) - REASON_MAX_IDS} more" if len(over) > REASON_MAX_IDS else ""
        named = f"{', '.join(over[:REASON_MAX_IDS])}{more}"
        ended = f" Superseded since; read by their ids they name what came: {named}."
    return f"A text told as one, kept in {len(there) + 1} notes{listed}.{ended}"


async def _overview(memory: Memory, asked: RecallQuery, page: Page) -> Page:
    """Profile, working notes (this session's first), newest notes, tags and namespaces.

    Working notes of all sessions: a new session has none, and an HTTP caller has no session.
    """
    where, limit = asked.where, asked.limit
    if page.found.listed:
        return page.of_list(page.found.listed)
    profile = await profile_notes(memory, asked)
    work = await memory.store.find(replace(where, kinds=(Kind.WORKING,)), limit=CORE_MAX_NOTES)
    work = sorted(work, key=lambda note: note.session != asked.caller.session)[
        :OVERVIEW_MAX_OPEN_WORK
    ]
    newest = await memory.store.find(where, limit=limit)
    room = max(limit - len(profile) - len(work), (limit + 1) // 2)
    ids = _ids((*profile, *work))
    ids += [note_id for note_id in _ids(newest) if note_id not in ids][:room]
    around = Overview()
    if tags := (await memory.store.facets(where)).tags:
        around["tags"] = await read_in_thread(commonest, tags)
    if names := await namespaces_seen(memory, where):
        around["namespaces"] = await read_in_thread(commonest, names)
    rest = page.of_list(ids)
    if page.offset:
        return rest
    notice = "" if asked.looks_back else await _of_open_work(memory, asked)
    return replace(rest, overview=around, notice=notice)


async def _of_open_work(memory: Memory, asked: RecallQuery) -> str:
    """What to do about too many working notes of the first namespace, which is the caller's own."""
    names = asked.where.namespaces
    return await open_work_notice(memory, names[0], asked.now) if names else ""


async def profile_notes(memory: Memory, asked: RecallQuery) -> list[Note]:
    """The `core` notes that the caller fully trusts, and the newest such running summary.

    What matters most first, as a budget drops the last ones: of equal importance the newest, those
    that have not happened yet last. If there are more than `CORE_MAX_NOTES`, each author in turn
    has the next newest of theirs.
    """
    where, now, reader = asked.where, asked.moment, memory.reader(asked.caller)
    core = replace(where, kinds=(Kind.CORE,), derived=None)
    summary = replace(where, tags=(SUMMARY,), derived=True)
    found = await memory.store.find(core, limit=CORE_MAX_NOTES)
    profile = _believed(found, reader)
    ahead = [note for note in profile if note.happened_at > now]
    if ahead or len(found) == CORE_MAX_NOTES:
        begin = replace(found[0], happened_at=now, note_id=AFTER_EVERY_ID)
        past = await memory.store.find(replace(core, after=begin), limit=CORE_READ_MAX_NOTES)
        past = _believed(past, reader)
        profile = _in_turns(past, CORE_MAX_NOTES)
        profile += _in_turns(ahead, CORE_MAX_NOTES - len(profile))
    profile = sorted(profile, key=lambda note: -note.importance)
    summaries = await memory.store.find(summary, limit=CORE_MAX_NOTES)
    return profile + _believed(summaries, reader)[:1]


def _believed(notes: Sequence[Note], reader: TrustView) -> list[Note]:
    return [note for note in notes if reader.trust(note) >= FULL_TRUST]


def _in_turns(notes: Sequence[Note], most: int) -> list[Note]:
    """`most` notes in their order, chosen from each author in turn."""
    turns, had = list[tuple[int, int]](), Counter[str]()
    for place, note in enumerate(notes):
        author = note.origin.principal or LOCAL
        turns.append((had[author], place))
        had[author] += 1
    return [notes[place] for place in sorted(place for _, place in sorted(turns)[:most])]


async def namespaces_seen(memory: Memory, where: NoteFilter) -> Mapping[str, int]:
    """Namespace -> its number of notes, for all that the caller may read."""
    return (await memory.store.facets(replace(where, namespaces=()))).namespaces


def _ids(notes: Sequence[Note]) -> list[str]:
    return list(dict.fromkeys(note.note_id for note in notes))


def commonest(counts: Mapping[str, int]) -> dict[str, int]:
    """The `OVERVIEW_MAX_NAMES` names with the highest counts, those first.

    Without names that would be marked in a note: here nobody would see whose words they are.
    """
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return dict(
        islice((entry for entry in ordered if not find_marks(entry[0])), OVERVIEW_MAX_NAMES)
    )


REASON_NAME_CHARACTERS = 60
"""Characters of a name in a reason, so that the smallest budget holds it."""
REASON_MAX_NAMES = 2
"""Namespaces named in a reason, likewise."""


async def missing_namespace(memory: Memory, asked: RecallQuery) -> str:
    """The reason that the requested namespace has no notes; empty if it has."""
    if asked.request.namespace.strip() in ("", ALL):
        return ""
    return await says_unknown_namespace(memory, asked.where.namespaces[0])


async def says_unknown_namespace(memory: Memory, name: str) -> str:
    """That a namespace has no notes, with the nearest that has; empty if it has some."""
    if name in memory.namespaces:
        return ""
    if await memory.store.count(NoteFilter(namespaces=(name,), states=())):
        memory.namespaces.add(name)
        return ""
    known = (await memory.store.facets(NoteFilter(states=()))).namespaces
    meant = await read_in_thread(nearest, name, known)
    hint = f"; the nearest is {meant!r}" if meant else ""
    return f"Namespace {name!r} holds no notes{hint}."


async def why_nothing(memory: Memory, asked: RecallQuery) -> str:
    """The reason for an empty answer: the first unknown name, or that nothing matches."""
    if missing := await missing_namespace(memory, asked):
        return missing
    where = asked.where
    facets = await memory.store.facets(NoteFilter(namespaces=where.namespaces))
    unknown = where.subject and fold(where.subject) not in {fold(s) for s in facets.subjects}
    if unknown and not await _is_called(memory, asked, where.subject):
        return await read_in_thread(_unknown, "subject", where.subject, facets.subjects)
    for tag in where.tags:
        if tag not in facets.tags:
            return await read_in_thread(_unknown, "tag", tag, facets.tags)
    if asked.known_at and facets.namespaces:
        return (
            f"Memory held no note that matches by {iso(asked.known_at)}. known_at asks for what was"
            " stored by then; for what was true then pass as_of."
        )
    if asked.filtered:
        return await _replaced_since(memory, asked) or "No note matches all the filters."
    if facets.namespaces:
        return "No note matches."
    if others := [repr(name) for name in commonest(await namespaces_seen(memory, where))]:
        most = ", ".join(others[:REASON_MAX_NAMES])
        past = await memory.store.count(NoteFilter(namespaces=where.namespaces, states=()))
        holds = "holds no current notes" if past else "holds no notes yet"
        return f"Namespace {where.namespaces[0]!r} {holds}. Most are in {most}."
    return "Nothing is remembered here yet."


async def _is_called(memory: Memory, asked: RecallQuery, name: str) -> bool:
    """Whether some note's subject, or whom it names, is called so, whatever else is asked for."""
    anywhere = replace(asked, where=NoteFilter(namespaces=asked.where.namespaces, subject=name))
    return bool((await find_entity(memory, anywhere, name)).notes)


async def _replaced_since(memory: Memory, asked: RecallQuery) -> str:
    """That notes match the filters which were replaced since; empty if none do."""
    where = asked.where
    then = where.until or asked.now
    if not (where.since or where.until) or asked.looks_back:
        return ""
    over = replace(where, states=TRUE_THEN, unexpired_at=None, ended_at=asked.now)
    for note in await memory.store.find(over, limit=1):
        last = min(then, (note.valid_until or then) - BEFORE_IT_ENDS)
        if note.valid_from <= last:
            return (
                "No note that holds now matches all the filters, but one that ended does:"
                f' pass as_of="{iso(last)}" for what held then.'
            )
    return ""


def _unknown(what: str, name: str, known: Mapping[str, int]) -> str:
    meant = nearest(name, known)
    hint = f"; the nearest is {meant[:REASON_NAME_CHARACTERS]!r}" if meant else ""
    return f"No note has the {what} {name[:REASON_NAME_CHARACTERS]!r}{hint}."
