"""Builds a recall's answer of a page: its notes as they are shown, their links and the verdict."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice

from zettel.storage.notes import (
    ANSWERS,
    OPEN_RELATIONS,
    Note,
    State,
    fold,
)
from zettel.tools.answers import LinkLine, Omitted, Overview, RecallAnswer, RecalledNote
from zettel.tools.changes.parts import is_part_link
from zettel.tools.concurrency import check_cancelled
from zettel.tools.language.names import find_names
from zettel.tools.language.times import iso
from zettel.tools.language.transcripts import without_cue_times
from zettel.tools.note_marks import marks_of_views, texts_of
from zettel.tools.ranking.excerpt import Passages, excerpt_step, rank_passages
from zettel.tools.ranking.fusion import speaks_for_itself
from zettel.tools.ranking.weights import STEP_SIGNAL, why
from zettel.tools.recall.about import within_budget
from zettel.tools.recall.note_details import (
    DETAIL_MAX_LINKS,
    SUPERSEDED_BY,
    beside_turn,
    in_session,
    link_line,
    superseded_line,
    whole_story,
)
from zettel.tools.recall.offers import settle_offer
from zettel.tools.recall.page import (
    BESIDE_MAX_IDS,
    Page,
    PageNote,
    PageNotes,
    count_characters,
    gather,
)
from zettel.tools.recall.premises import lost_premises
from zettel.tools.recall.token_budget import fit
from zettel.tools.recall_request import DEFAULT_MAX_TOKENS, RecallQuery
from zettel.tools.render import (
    copy_line,
    count_tokens,
    index_view,
    note_view,
    quoted_characters,
    quoted_view,
    times_to_show,
)
from zettel.tools.state.caches import Cursor, new_cursor_key
from zettel.tools.state.memory import Memory
from zettel.tools.state.served_log import FoldedView, read_view
from zettel.tools.tracing import start_part

SHORT_NOTE_WORDS = 8
"""Words up to which a note is unclear without its context, or without the question that it answers:
"Yes, on Tuesday then"."""
ALIKE_MIN_JACCARD = 0.6
"""Least Jaccard similarity of the words of two notes that are shown with their context."""

BEGINNING_CHARACTERS = 2_000
"""What is read of a long note to tell whether it needs its context; a page of a hundred of 32,768
characters would take 3.6 s to be read whole."""


def need_context(notes: Sequence[Note]) -> set[str]:
    """Ids of notes that need their context: short, without names, or similar to another one."""
    words = {note.note_id: frozenset(fold(_beginning(note)).split()) for note in notes}
    needing = {note.note_id for note in notes if _says_little(note)}
    for at, note in enumerate(notes):
        for other in notes[at + 1 :]:
            if _alike(words[note.note_id], words[other.note_id]):
                needing |= {note.note_id, other.note_id}
    return needing


def _beginning(note: Note) -> str:
    return without_cue_times(note.content[:BEGINNING_CHARACTERS])


def _says_little(note: Note) -> bool:
    if len(_beginning(note).split()) <= SHORT_NOTE_WORDS:
        return True
    return not (note.subject or note.entities or find_names(_beginning(note)))


def _replies(notes: Iterable[Note]) -> set[str]:
    """Ids of notes too short to be understood without the question that they answer."""
    return {n.note_id for n in notes if len(_beginning(n).split()) <= SHORT_NOTE_WORDS}


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    shared = len(one & other)
    return shared >= ALIKE_MIN_JACCARD * (len(one) + len(other) - shared)


SETTLED_PLACES = 3
"""First notes of an answer to a question of which an open pair has the calls that settle it: of a
made-up month 30 of 81 answers had them, mostly of pairs nobody asked about."""
OMITTED_RESERVE_TOKENS = 80
"""Tokens reserved for `omitted` in a large answer: a count and a cursor of 276 characters."""
OMITTED_KEYS_CHARACTERS = 44
"""Characters of `,"omitted":{"count":9999,"cursor":""}`, rounded up."""


async def assemble(memory: Memory, asked: RecallQuery, page: Page) -> RecallAnswer:
    """Build the answer within the budget, and record the notes as served."""
    with start_part("fetching"):
        gathered = await gather(memory, asked, page)
    with start_part("assembly"):
        return await _assembled(memory, asked, page, gathered)


async def _assembled(
    memory: Memory, asked: RecallQuery, page: Page, gathered: PageNotes
) -> RecallAnswer:
    entries = gathered.entries
    lost = await lost_premises(memory, asked, [entry.note for entry in entries])
    answer = _judged(asked, page, entries, lost)
    if asked.request.as_of:
        answer["as_of"] = iso(asked.moment)
    if asked.known_at:
        answer["known_at"] = iso(asked.known_at)
    if asked.since:
        answer["since"] = iso(asked.since.start)
    if asked.until:
        answer["until"] = iso(asked.until.last)
    if page.degraded:
        answer["degraded"] = page.degraded
    _add_overview(answer, page.overview, asked.request.max_tokens)
    _add_notice(answer, page.notice, asked.request.max_tokens)
    if page.about:
        answer["about"] = within_budget(page.about, asked.request.max_tokens)
    views = await _views(memory, asked, page, entries)
    views = [_with_premise(view, lost.get(view["note_id"], "")) for view in views]
    views = _with_offers(memory, views, asked, entries)
    views = _at_step(asked, page, entries, views)
    if page.about and asked.detail != "full":
        views = [_without(view, _GUESSED) for view in views]  # `about` tells them
    more = page.total > page.offset + gathered.done(len(entries))
    characters = sum(len(text) for view in views for text in texts_of(view))
    fitted = partial(_fitted, asked, answer, views, more=more)
    shown, texts = await memory.read(characters, fitted)
    answer["notes"] = shown
    done, ahead = gathered.done(len(shown)), gathered.ahead(page, len(shown))
    if (left := page.left(done, ahead)) > 0:
        answer["omitted"] = await _omitted(memory, asked, page, done, left, ahead)
        if answer.get("reason") == NONE_LEFT:
            answer["verdict"], answer["reason"] = "uncertain", PAGE_GONE
    _served(memory, asked, page, entries[: len(shown)], texts)
    return answer


def _marked(view: RecalledNote, marks: Mapping[str, Sequence[str]]) -> RecalledNote:
    if found := marks.get(view["note_id"]):
        view = view.copy()
        view["marks"] = list(found)
    return view


def _with_premise(view: RecalledNote, premise: str) -> RecalledNote:
    return {**view, "premise": premise} if premise else view


def _with_offers(
    memory: Memory, views: list[RecalledNote], asked: RecallQuery, entries: Sequence[PageNote]
) -> list[RecalledNote]:
    """The views, those of offered rules with the calls that keep or refuse them if one may."""
    if asked.looks_back:
        return views
    notes = (entry.note for entry in entries if memory.may_write(entry.note.namespace))
    offers = {note.note_id: settle_offer(note) for note in notes}
    settling = ((view, offers.get(view["note_id"], "")) for view in views)
    return [{**view, "settle": settle} if settle else view for view, settle in settling]


def _at_step(
    asked: RecallQuery, page: Page, entries: Sequence[PageNote], views: Sequence[RecalledNote]
) -> list[RecalledNote]:
    """The notes, of the one whose list holds the asked step that step with its neighbours."""
    holders = {one.note_id for one in page.found.ranking if STEP_SIGNAL in one.shares}
    if asked.detail != "notes" or not holders:
        return list(views)
    shown = list[RecalledNote]()
    for view, entry in zip(views, entries, strict=True):
        if view["note_id"] in holders:
            step = excerpt_step(entry.note, asked.request.query)
            if step != entry.note.content.strip():
                view = view.copy()
                view["content"], view["excerpt"] = step, True
        shown.append(view)
    return shown


SHAKEN = "The note that answers best is derived from one that does not stand any more: see premise."
"""Why an answer that would be `found` is not."""


NONE_LEFT = "There are no further notes."
"""Reason of an empty page."""
PAGE_GONE = "The notes of this page are not in recall any more: go on with the cursor in omitted."
"""The same if pages follow."""


def _judged(
    asked: RecallQuery, page: Page, entries: Sequence[PageNote], lost: Mapping[str, str]
) -> RecallAnswer:
    """The answer's head: verdict, reason and confidence.

    `lost` has by note id a premise that does not stand any more.
    """
    there = bool(entries)
    # That nothing was found says little where not everything was searched, or a past note tells it.
    judgement = page.found.judgement
    if judgement and not (there or page.degraded or judgement.verdict == "uncertain"):
        judgement = None
    verdict = judgement.verdict if judgement else "found" if there else "nothing_relevant"
    answer = RecallAnswer(verdict=verdict, now=iso(asked.now), notes=[])
    reasons = (page.reason, judgement.reason if judgement else "")
    if judgement and verdict == "found" and entries[0].note.note_id in lost:
        answer["verdict"], reasons = "uncertain", (*reasons, SHAKEN)
    if reason := " ".join(filter(None, reasons)):
        answer["reason"] = reason
    elif not there:
        answer["reason"] = NONE_LEFT
    if judgement and asked.detail == "full":
        answer["confidence"] = round(judgement.confidence, 3)
    return answer


def _reserve(budget: int) -> int:
    return min(OMITTED_RESERVE_TOKENS, budget // 4)


def _add_overview(answer: RecallAnswer, overview: Overview | None, budget: int) -> None:
    """Add the commonest names that fit into a quarter of the budget."""
    if not overview:
        return
    fitting = Overview()
    for name in ("namespaces", "tags"):
        counts = dict[str, int]()
        for entry, count in overview.get(name, {}).items():
            if count_tokens({**fitting, name: {**counts, entry: count}}) <= budget // 4:
                counts[entry] = count
        if counts:
            fitting[name] = counts
    if fitting:
        answer["overview"] = fitting


def _add_notice(answer: RecallAnswer, notice: str, budget: int) -> None:
    if notice and count_tokens(notice) <= budget // 4:
        answer["notice"] = notice


def _fitted(
    asked: RecallQuery, answer: RecallAnswer, views: list[RecalledNote], *, more: bool
) -> tuple[list[RecalledNote], list[FoldedView]]:
    """The notes that fit, with the marks of what is shown of them, and their texts as read."""
    shown = _within_budget(asked, answer, views, more=more)
    if marks := marks_of_views(shown):
        views = [_marked(view, marks) for view in views]
        shown = _within_budget(asked, answer, views, more=more)
    return shown, [read_view(view) for view in shown]


def _within_budget(
    asked: RecallQuery, answer: RecallAnswer, views: list[RecalledNote], *, more: bool
) -> list[RecalledNote]:
    budget, base = asked.request.max_tokens, count_tokens(answer)
    ranked = dict[str, Passages]()

    def cut(note: RecalledNote, characters: int) -> RecalledNote:
        content, query = note.get("content", ""), asked.request.query
        short = note.copy()
        if content not in ranked:
            check_cancelled()
            ranked[content] = rank_passages(content, query)
        short["content"] = ranked[content].cut(characters)
        short["excerpt"] = True
        return short

    if asked.detail == "notes" and asked.request.query and budget <= DEFAULT_MAX_TOKENS:
        limits = map(quoted_characters, range(len(views)))
        views = [
            cut(view, most) if len(view.get("content", "")) > most else view
            for view, most in zip(views, limits, strict=True)
        ]
    reserve = base + (_reserve(budget) if more else 0)
    fitted = fit(views, budget=budget, reserve=reserve, excerpt=cut)
    if len(fitted) < len(views) and not more:
        fitted = fit(views, budget=budget, reserve=base + _reserve(budget), excerpt=cut)
    return fitted


async def _omitted(
    memory: Memory, asked: RecallQuery, page: Page, done: int, left: int, ahead: frozenset[str]
) -> Omitted:
    known_at = page.known_at or asked.now
    if known_at == asked.now:  # this is the first page
        known_at = await memory.store.latest() or known_at
    after = "" if page.found.ranking or not done else page.ids[done - 1]
    cursor = Cursor(
        # Under another key, so that a cursor given before still leads to its own page.
        key=page.key if ahead == page.shown else new_cursor_key(),
        offset=page.offset + done,
        known_at=known_at,
        request=asked.settled(),
        after=after,
        after_at=page.happened.get(after),
        shown=tuple(sorted(ahead)),
    )
    longest = _reserve(asked.request.max_tokens) * 4 - OMITTED_KEYS_CHARACTERS
    if page.chosen:
        longest = 0  # who chose no size asks again at no loss, and each answer would carry 200 more
    text = memory.pages.keep(cursor, page.found, longest=longest)
    return Omitted(count=left, cursor=text)


async def _views(
    memory: Memory, asked: RecallQuery, page: Page, entries: Sequence[PageNote]
) -> list[RecalledNote]:
    namespace, full = asked.where.namespaces[0], asked.detail == "full"
    reader = memory.reader(asked.caller)
    shares = {ranked.note_id: ranked for ranked in page.found.ranking}
    beside = {entry.note.note_id for entry in entries} if asked.request.query else set[str]()
    notes = [entry.note for entry in entries]
    first = {note.note_id for note in notes[: SETTLED_PLACES if asked.request.query else None]}
    needing, replies = await memory.read(
        count_characters(notes), lambda: (need_context(notes), _replies(notes))
    )
    times, views = times_to_show(notes), list[RecalledNote]()
    for entry in entries:
        note = entry.note
        if asked.detail == "index":
            view = index_view(note, reader, namespace=namespace)
        elif full or page.any_state:
            view = note_view(note, reader, namespace=namespace, context=note.note_id in needing)
        else:
            view = quoted_view(
                note,
                reader,
                namespace=namespace,
                context=note.note_id in needing,
                time=times[note.note_id],
                now=asked.now,
                most=quoted_characters(len(views) if asked.request.query else 0),
            )
        if entry.superseded_by:
            view["state"] = State.SUPERSEDED.value
        if entry.contradicts:
            view["contradicts"] = list(entry.contradicts)
        if entry.also:
            view["also"] = [copy_line(copy, note) for copy in entry.also[:BESIDE_MAX_IDS]]
        ranked = shares.get(note.note_id)
        if full:
            view.update(await whole_story(memory, asked, note))
        if full and ranked:
            view["why"] = why(ranked.shares)
            view["score"] = round(ranked.score, 4)
            view["signals"] = {name: round(s, 4) for name, s in ranked.shares.items()}
        # The calls that settle a pair are long: unless a list of notes is asked for, one has them,
        # and to a question only among its first answers.
        listed = full or page.any_state or not (asked.request.query or page.overview)
        settles = listed or (note.note_id in first and not any(map(_offers_calls, views)))
        others = None if listed or not asked.request.query else first
        if lines := await _link_lines(
            memory, asked, entry, beside, replies, settles=settles, others=others
        ):
            view["links"] = lines
        views.append(view)
    return views if full else _without_echoes(views)


def _offers_calls(view: RecalledNote) -> bool:
    return any(_settles(line) for line in view.get("links", ()))


def _settles(line: LinkLine) -> bool:
    return line["relation"] in OPEN_RELATIONS and "reason" in line


def _without_echoes(views: Sequence[RecalledNote]) -> list[RecalledNote]:
    """The notes; the older of a pair says nothing of an open link that the younger one tells."""
    told = {
        (line["note_id"], v["note_id"])
        for v in views
        for line in v.get("links", ())
        if _settles(line)
    }
    return [
        _with_lines(
            view,
            [
                line
                for line in view.get("links", [])
                if line["relation"] not in _GUESSED_OF_OLDER
                or (view["note_id"], line["note_id"]) not in told
            ],
        )
        for view in views
    ]


def _without(view: RecalledNote, relations: Collection[str]) -> RecalledNote:
    """The note without its links of these relations."""
    lines = view.get("links", [])
    return _with_lines(view, [line for line in lines if line["relation"] not in relations])


def _with_lines(view: RecalledNote, lines: list[LinkLine]) -> RecalledNote:
    """The note with these of its links alone."""
    if len(lines) == len(view.get("links", ())):
        return view
    view = view.copy()
    view.pop("links", None)
    if lines:
        view["links"] = lines
    return view


_GUESSED_OF_OLDER = frozenset(f"{name} (from)" for name in OPEN_RELATIONS)
_GUESSED = frozenset((*OPEN_RELATIONS, *_GUESSED_OF_OLDER))
_TOLD_OF_OLDER = _GUESSED_OF_OLDER | {SUPERSEDED_BY}
"""Relations of a note to a younger one that tell a reader something without a line of that."""


async def _link_lines(
    memory: Memory,
    asked: RecallQuery,
    entry: PageNote,
    beside: Collection[str],
    replies: Collection[str],
    *,
    settles: bool,
    others: Collection[str] | None,
) -> list[LinkLine]:
    """The lines about a note's links.

    Open ones say by which calls they are settled if it `settles`, with `others` if given, and the
    caller may change the note.
    """
    settles = settles and memory.may_write(entry.note.namespace)
    # A composed note's links take more room than its content.
    if asked.detail == "index" or (entry.note.derived and asked.detail == "notes"):
        return []
    reader = memory.reader(asked.caller)
    ahead, links = list[LinkLine](), entry.links
    if newer := entry.superseded_by:
        ahead = [superseded_line(newer, reader, beside=beside)]
        links = [link for link in links if link.other.note_id != newer.note_id]
    if asked.detail == "full":
        lines = [link_line(link, asked, reader, of=entry.note, settles=settles) for link in links]
        return [*ahead, *lines, *await in_session(memory, asked, entry.note)]
    told = (
        link_line(
            link,
            asked,
            reader,
            of=entry.note,
            beside=beside,
            settles=settles and (others is None or link.other.note_id in others),
        )
        for link in links
        if (link.link.relation != ANSWERS or entry.note.note_id in replies)
        and not is_part_link(link.link)
    )
    # An id alone tells a reader nothing, unless its note stands in the same answer.
    shown = (
        line
        for line in told
        if line.keys() & {"line", "reason"}
        or (line["relation"] in _TOLD_OF_OLDER and line["note_id"] in beside)
    )
    lines = [*ahead, *islice(shown, DETAIL_MAX_LINKS)]
    if beside:  # of a question's answer
        named = frozenset(beside) | {line["note_id"] for line in lines}
        lines += await beside_turn(memory, asked, entry.note, shown=named)
    return lines[:DETAIL_MAX_LINKS]


def _served(
    memory: Memory,
    asked: RecallQuery,
    page: Page,
    entries: Sequence[PageNote],
    texts: Sequence[FoldedView],
) -> None:
    """Count the recalls of notes that matched, and log the texts for the echo guard."""
    if asked.looks_back:
        return
    notes = {entry.note.note_id: entry.note for entry in entries}
    for ranked in page.found.ranking:
        if ranked.note_id in notes and not speaks_for_itself(ranked):
            del notes[ranked.note_id]
    memory.record_recalls(notes.values(), asked.now)
    memory.served.add(asked.where.namespaces, texts, asked.now)
