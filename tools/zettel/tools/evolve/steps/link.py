"""Step `link`: links to earlier notes by rule.

A pair is linked once, from the younger note: what it answers, to whom it states a relation, what it
confirms or follows from, notes with the same rare name or on the same uncommon thing, then similar
ones. Similarity adds nothing to a vector search (retrieval study); its links are for navigation.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise

import regex as re

from zettel.storage.matching import match_outlines
from zettel.storage.notes import (
    ANSWERS,
    DERIVED_FROM,
    OPEN_RELATIONS,
    REVISED_BY,
    SAME_THING,
    SHARES_NAME,
    SIMILAR,
    Kind,
    Link,
    Near,
    Note,
    Outline,
    State,
    fold,
    order_key,
    outline_of,
)
from zettel.storage.store import NoteFilter, Vectors
from zettel.storage.text.passages import whole_passages
from zettel.storage.text.utterance import asks
from zettel.storage.text.vocabulary import is_ordinary_word
from zettel.tools.changes.links import rule_link
from zettel.tools.changes.stages import CONSTRUCTED, LINKED
from zettel.tools.concurrency import read_in_thread
from zettel.tools.evolve.steps.base import Step, Task, content_since, is_talk
from zettel.tools.evolve.writing.writer import PROPOSED_RELATIONS
from zettel.tools.language.keywords import behind_article, names_rare_thing
from zettel.tools.language.languages import find_language
from zettel.tools.language.link_cues import Cue, find_cue, has_cue
from zettel.tools.language.names import (
    NAME_MAX_CHARACTERS,
    find_identifiers,
    introduces,
    is_telling,
)
from zettel.tools.language.question_words import find_users
from zettel.tools.language.relations import THE_USER, find_relations
from zettel.tools.language.terms import stems, telling_words, terms

RARE_NAME_MAX_HOLDERS = 8
"""A name in more active notes of the namespace makes no link."""
TELLING_NAME_MAX_HOLDERS = 2
"""A name in more of them links a note only to who introduces it, or to one that holds keywords of
the note, too: two notes that name a colleague need not be about the same."""
SHARED_MIN_KEYWORDS = 2
"""Least keywords of a note in another one with the same name, where more name it."""
SHARED_NAME_MAX_LINKS = 3
SAME_THING_MAX_LINKS = 3
SIMILAR_MAX_LINKS = 3
"""Links of each kind per note."""
LINK_MIN_COSINE = 0.70
"""Exact cosine of best passages; above the candidates' threshold, so that a link says
more than a search."""
THING_MIN_COSINE = 0.45
THING_MAX_HOLDERS = 3
"""Least exact cosine of two notes on the same thing, and most active notes of the namespace that
name it. Of the links that this makes in nine corpora (755 notes) a reader found 59 of 63 sensible;
the cosine was chosen by reading these pairs and those below it, of which more say nothing. A rare
word needs no cosine: of 19 links of both sorts in 345 other notes another found 18 sensible."""
THING_NOTE_MAX_CHARACTERS = 600
"""Longest note that a rare word alone links: a document names many a thing in passing."""
THING_STEM_CHARACTERS = 5
"""Letters of a thing's name from which the last may be an ending."""
LINK_NEAREST_NOTES = 12
"""Nearest notes read per passage, for the first passages of a note."""
LINK_MAX_PASSAGES = 4
USER_NAMES_MAX_NOTES = 200
"""Notes of the profile that are read for the names of the user."""
SESSIONS_MAX_NOTES = 100_000
"""Notes read of a batch's sessions: all of them."""


_SPACED = r"[\p{Latin}\p{Greek}\p{Cyrillic}\p{M}\p{N}_]"
"""A character of a word in a script with spaces; where there are none, a name ends anywhere."""
SHARED_WORD_MIN_CHARACTERS = 3
"""Shortest word of which one must be in both of two notes that are linked for their likeness: the
model finds notes in scripts that it does not know all alike."""

UNLINKED = NoteFilter(stage_below=LINKED, stage_from=CONSTRUCTED)


async def _link(task: Task, waiting: Sequence[Note]) -> None:
    """Links notes that are constructed; those without vectors wait."""
    notes = [*waiting, *await _linked_by_evolution(task, waiting)]
    vectors = await task.batch.passages_of([note.note_id for note in notes])
    ready = [note for note in notes if note.note_id in vectors]
    previous = await _previous_notes(task, ready)
    for note in ready:
        linked = await _linked(task, note, vectors[note.note_id], previous.get(note.note_id))
        task.batch.put(note, linked, LINK_STEP.name, "linked by rule")


async def _linked_by_evolution(task: Task, changed: Sequence[Note]) -> list[Note]:
    """Notes with a link of evolution's to a note whose content has changed since.

    Composed notes are left out: their links are citations, which `consolidate` manages.
    """
    again = [note.note_id for note in changed if note.rev > 1]
    known = {note.note_id for note in changed}
    return [
        note
        for note in (await task.batch.linking_to(again) if again else [])
        if note.note_id not in known
        and not note.derived
        and note.state is State.ACTIVE
        and note.stage >= LINKED
        and any(
            link.made_by in ("rule", "llm") and link.stood(None) and link.to in known
            for link in note.links
        )
    ]


async def _previous_notes(task: Task, notes: Sequence[Note]) -> dict[str, Outline]:
    """Note id -> the previous note of its session."""
    found = dict[str, Outline]()
    for namespace in sorted({note.namespace for note in notes}):
        here = {note.note_id for note in notes if note.namespace == namespace}
        sessions = tuple(sorted({n.session for n in notes if n.note_id in here and n.session}))
        if not sessions:
            continue
        where = NoteFilter(namespaces=(namespace,), sessions=sessions)
        previous = await task.batch.outlines(where, limit=SESSIONS_MAX_NOTES)
        for session in _by_session(previous).values():
            found |= {after.note_id: b for b, after in pairwise(session) if after.note_id in here}
    return found


def is_proposal(link: Link) -> bool:
    """Whether an LLM proposed this link, which changes no state."""
    return link.made_by == "llm" and link.relation in PROPOSED_RELATIONS


_OTHERS_RELATIONS = (*OPEN_RELATIONS, DERIVED_FROM)
"""Of links by rule that other steps make: of a kept rule, those to what it was made of."""


async def _linked(task: Task, note: Note, vectors: Vectors, before: Outline | None) -> Note:
    # A rule's link that an agent removed is not made again; other steps manage their own links.
    stated = tuple(
        known
        for known in await _without_stale(task, note)
        if known.made_by != "rule" or not known.stood(None) or known.relation in _OTHERS_RELATIONS
    )
    joins = [k for k in stated if k.stood(None) and k.relation not in (*OPEN_RELATIONS, REVISED_BY)]
    taken = {known.to for known in joins} | {note.note_id}
    refused = {(known.to, known.relation) for known in stated if known.made_by == "rule"}
    near = await _near_notes(task, note, whole_passages(note.content, vectors))
    things = await _on_same_thing(task, note, near)
    joined = [*await _sharing_name(task, note), *things, *await _similar(task, note, near)]
    cued = await _cued(task, note, before, joined)
    made = [*_answers(task, note, before), *await _related(task, note), *cued, *joined]
    made = [known for known in made if (known.to, known.relation) not in refused]
    first = {known.to: known for known in reversed(made)}
    rule = [known for known in made if known.to not in taken and first[known.to] is known]
    old = {(k.to, k.relation): k for k in note.links if k.made_by == "rule" and k.stood(None)}
    kept = tuple(unless_same(old.get((known.to, known.relation)), known) for known in rule)
    links = (*stated, *kept)
    # The order of links has no meaning.
    same = set(links) == set(note.links)
    return replace(note, links=note.links if same else links, stage=max(note.stage, LINKED))


async def _without_stale(task: Task, note: Note) -> list[Link]:
    """The note's links without those that an LLM proposed to content that has changed since."""
    proposed = {link.to for link in note.links if is_proposal(link)}
    others = await task.batch.get(sorted(proposed)) if proposed else []
    since = {other.note_id: await content_since(task.batch, other) for other in others}
    return [
        link
        for link in note.links
        if not is_proposal(link) or since.get(link.to, link.made_at) <= link.made_at
    ]


def _answers(task: Task, note: Note, question: Outline | None) -> list[Link]:
    if question is None or not asks(question.content) or asks(note.content):
        return []
    if note.subject and fold(note.subject) == fold(question.subject):
        return []  # who asks goes on
    reason = "follows the question"
    return [rule_link(note, question.note_id, ANSWERS, 1.0, reason, now=task.now)]


async def _cued(
    task: Task, note: Note, before: Outline | None, joined: Sequence[Link]
) -> list[Link]:
    """Links to what the note confirms or gives as its reason: the previous note or a joined one."""
    if not has_cue(note.content):
        return []
    others = {before.note_id: before} if before else dict[str, Outline]()
    ids = tuple(sorted({link.to for link in joined} - others.keys()))
    where = NoteFilter(namespaces=(note.namespace,), note_ids=ids)
    found = await task.batch.outlines(where, limit=len(ids)) if ids else []
    others |= {other.note_id: other for other in found}
    follows = before.note_id if before else ""
    read = await read_in_thread(_find_cues, note.content, others, follows)
    return [
        rule_link(note, i, cue.relation, cue.weight, cue.reason, now=task.now)
        for i, cue in read.items()
        if cue
    ]


def _find_cues(text: str, others: Mapping[str, Outline], follows: str) -> dict[str, Cue | None]:
    """Note id -> the cue; `follows` is the id of the previous note of the session."""
    return {
        i: find_cue(text, other.content, follows=i == follows)
        for i, other in sorted(others.items())
    }


async def _related(task: Task, note: Note) -> list[Link]:
    """Links to the notes that introduce those to whom this one states a relation: `sister_of`."""
    found = await read_in_thread(find_relations, note.content, note.subject)
    users = await _user_names(task, note.namespace) if found else frozenset[str]()
    made = list[Link]()
    for told in found:
        if told.whom == THE_USER or not is_telling(told.whom):
            continue
        holders = await _naming(task, note.namespace, told.whom)
        earlier = [holder for holder in holders if holder.note_id < note.note_id]
        known = [one for one in earlier if _introduces(one, told.whom, earlier)]
        if fold(told.whom) not in users:  # any note may begin with the user
            known += [one for one in earlier if one.content.startswith(told.whom)]
        if known:
            relation = f"{told.label} of" if told.is_role else told.label
            reason = f"{told.who}: {told.told}"
            made.append(
                rule_link(
                    note, known[0].note_id, relation.replace(" ", "_"), 1.0, reason, now=task.now
                )
            )
    return made


def unless_same(old: Link | None, new: Link) -> Link:
    """The existing link where the rule finds the same again."""
    if old and replace(new, made_at=old.made_at, valid_from=old.valid_from) == old:
        return old
    return new


async def _sharing_name(task: Task, note: Note) -> list[Link]:
    """Links to earlier notes that share a rare name, those with most words in common first."""
    found = dict[str, tuple[int, Link]]()
    named = await read_in_thread(find_identifiers, note.content)
    names = (
        name
        for name in (*note.entities, note.subject, *named)
        if 0 < len(name) <= NAME_MAX_CHARACTERS and is_telling(name)
    )
    telling = telling_words(" ".join(note.keywords))
    users = await _user_names(task, note.namespace)
    for name in {fold(name): name for name in names if fold(name) not in users}.values():
        holders = await _naming(task, note.namespace, name)
        if len(holders) > RARE_NAME_MAX_HOLDERS:
            continue
        rare = len(holders) <= TELLING_NAME_MAX_HOLDERS
        earlier = [holder for holder in holders if holder.note_id < note.note_id]
        own = telling - telling_words(" ".join((name, *users)))
        counts = await read_in_thread(_count_shared, own, earlier)
        for other, shared in zip(earlier, counts, strict=True):
            if rare or shared >= SHARED_MIN_KEYWORDS or _introduces(other, name, earlier):
                reason = f"both name {name}"
                weight = 1 / len(holders)
                link = rule_link(note, other.note_id, SHARES_NAME, weight, reason, now=task.now)
                found.setdefault(other.note_id, (shared, link))
    best = sorted(found.values(), key=lambda pair: (-pair[0], -pair[1].weight, pair[1].to))
    return [link for _, link in best][:SHARED_NAME_MAX_LINKS]


def _count_shared(words: set[str], notes: Sequence[Outline]) -> list[int]:
    """How many of the words each note has."""
    return [len(words & telling_words(note.content)) for note in notes]


def _introduces(note: Outline, name: str, holders: Sequence[Outline]) -> bool:
    """Whether a note is the one that introduces who or what has a name.

    That is the earliest that begins with who it is; else the earliest with a longer form of the
    name ("Elke Drossard"), else the earliest about it; of an identifier just the earliest. Most
    notes that begin with a name, or have it as their subject, tell one thing of many about it.
    """
    key = fold(name)
    told = [one.note_id for one in holders if introduces(one.content, name)]
    full = [one.note_id for one in holders if any(_is_longer(n, key) for n in one.entities)]
    about = [one.note_id for one in holders if fold(one.subject) == key]
    # No two things have the same identifier: the first note with it tells what it is.
    first = [one.note_id for one in holders] if find_identifiers(name) == (name,) else []
    return note.note_id == min(told or full or about or first, default="")


def _is_longer(name: str, key: str) -> bool:
    words = fold(name).split()
    return len(words) > 1 and key in words


async def _user_names(task: Task, namespace: str) -> frozenset[str]:
    """By which names the profile calls the user, whom every note may be about; folded."""
    if namespace not in task.users:
        where = NoteFilter(namespaces=(namespace,), kinds=(Kind.CORE,))
        core = await task.batch.outlines(where, limit=USER_NAMES_MAX_NOTES)
        names = await read_in_thread(_find_users, core)
        task.users[namespace] = frozenset(fold(w) for n in names for w in (n, *n.split()))
    return task.users[namespace]


def _find_users(core: Sequence[Outline]) -> set[str]:
    return {name for outline in core for name in find_users(outline.content)}


async def _naming(task: Task, namespace: str, name: str) -> tuple[Outline, ...]:
    """Active notes with this name or subject, at most `RARE_NAME_MAX_HOLDERS` + 1."""
    store, where = task.batch, NoteFilter(namespaces=(namespace,))
    key = (namespace, fold(name))
    if key not in task.holders:
        near = await match_outlines(
            store, name, where, limit=4 * RARE_NAME_MAX_HOLDERS, counted=where.namespaces
        )
        task.holders[key] = await read_in_thread(_find_holders, name, near)
    return task.holders[key]


def _find_holders(name: str, near: Sequence[Outline]) -> tuple[Outline, ...]:
    # As it is spelled: a "bad" room is not "Bad".
    says = re.compile(rf"(?<!{_SPACED}){re.escape(name)}(?!{_SPACED})")
    named = (o for o in near if fold(name) == fold(o.subject) or says.search(o.content))
    return tuple(islice(named, RARE_NAME_MAX_HOLDERS + 1))


async def _on_same_thing(task: Task, note: Note, near: Mapping[str, Near]) -> list[Link]:
    """Links to earlier notes that have an uncommon keyword of this one; the nearest first.

    A word that no list of ordinary words has links notes however near they are. None where people
    talk: of what they say to each other a reader found 25 of 40 sensible, most of them a turn and
    its neighbour.
    """
    names = [*note.entities, note.subject, *await _user_names(task, note.namespace)]
    earlier = [one.outline for i, one in near.items() if i < note.note_id]
    shared = await read_in_thread(_find_shared, note.keywords, names, earlier)
    rare = await read_in_thread(_find_rare, note)
    if not (shared or rare) or await is_talk(task, note.namespace):
        return []
    found, by_nearness = dict[str, str](), {i: one.score for i, one in near.items()}
    telling = await read_in_thread(_find_things, (*note.keywords, *sorted(rare)), names)
    for word in sorted(telling, key=len, reverse=True):
        if word not in rare and not any(word in words for words in shared.values()):
            continue
        holders = await _on_thing(task, note.namespace, word)
        if holders is None:
            continue
        others = {i for i, words in shared.items() if word in words}
        if word in rare:
            if await read_in_thread(_is_name, word, (*holders, outline_of(note))):
                continue
            others |= await read_in_thread(_find_spelled, word, holders)
        for other in others:
            if other < note.note_id:
                found.setdefault(other, word)
    best = sorted(found, key=lambda i: (-by_nearness.get(i, 0.0), i))
    return [
        rule_link(
            note,
            other,
            SAME_THING,
            min(by_nearness.get(other, THING_MIN_COSINE), 1.0),
            f"both are about {found[other]}",
            now=task.now,
        )
        for other in best[:SAME_THING_MAX_LINKS]
    ]


def _find_rare(note: Note) -> set[str]:
    """The note's keywords, and words of them, that no list of ordinary words has."""
    language = find_language(note.content)
    parts = (part for word in note.keywords if " " in word for part in word.split())
    return {word for word in (*note.keywords, *parts) if names_rare_thing(word, language)}


def _find_shared(
    keywords: Sequence[str], names: Sequence[str], others: Sequence[Outline]
) -> dict[str, list[str]]:
    """Note id -> the keywords that the note has, too, without names and parts of names."""
    words = _find_things(keywords, names)
    held = {o.note_id: telling_words(o.content) | stems(o.content) for o in others}
    found = {i: [w for w, parts in words.items() if parts <= held[i]] for i in held}
    return {i: shared for i, shared in found.items() if shared}


def _find_things(keywords: Sequence[str], names: Iterable[str]) -> dict[str, set[str]]:
    """Keyword -> its telling parts, without names and parts of names."""
    named = _parts_of(names)
    told = {word: _telling_parts(word) for word in keywords if fold(word) not in named}
    return {word: parts for word, parts in told.items() if parts}


def _parts_of(names: Iterable[str]) -> set[str]:
    return {part for name in names for part in (fold(name), *fold(name).split())}


def _find_spelled(word: str, notes: Sequence[Outline]) -> set[str]:
    """Ids of the notes that have a word itself, perhaps with another ending."""
    spaced = re.search(_SPACED, word) is not None
    stem = word[:-1] if spaced and len(word) > THING_STEM_CHARACTERS else word
    ends = rf"{_SPACED}{{0,2}}(?!{_SPACED})" if spaced else ""
    says = re.compile(rf"(?<!{_SPACED}){re.escape(fold(stem))}{ends}")
    return {
        note.note_id
        for note in notes
        if len(note.content) <= THING_NOTE_MAX_CHARACTERS and says.search(fold(note.content))
    }


def _telling_parts(keyword: str) -> set[str]:
    """What a note on the same thing has: of several words each, short ones as well."""
    telling = telling_words(keyword)
    return stems(keyword) if telling and " " in keyword else telling


async def _on_thing(task: Task, namespace: str, word: str) -> tuple[Outline, ...] | None:
    """Active notes with a keyword; None if it is a name, or in more than `THING_MAX_HOLDERS`."""
    key = (namespace, word)
    if key not in task.things:
        where = NoteFilter(namespaces=(namespace,))
        most = 4 * RARE_NAME_MAX_HOLDERS
        told = await match_outlines(task.batch, word, where, limit=most, counted=(namespace,))
        having = await read_in_thread(_find_shared, [word], (), told)
        holders = tuple(one for one in told if one.note_id in having)
        known = await read_in_thread(_is_known_name, word, holders)
        task.things[key] = None if known or len(holders) > THING_MAX_HOLDERS else holders
    return task.things[key]


def _is_known_name(word: str, holders: Sequence[Outline]) -> bool:
    """Whether a note has a word that no list has as a name: "ruprecht" is Ruprecht."""
    named = any(fold(word) in _parts_of(one.entities) for one in holders)
    cased = word != word.upper()  # without capitals, a name and a thing look alike
    return cased and named and names_rare_thing(word, "")


def _is_name(word: str, notes: Sequence[Outline]) -> bool:
    """Whether notes spell a word as only a name is: with a capital, and never behind an article."""
    if word == word.upper() or is_ordinary_word(word, "de"):
        return False
    small = re.compile(rf"(?<!{_SPACED}){re.escape(word)}")
    return not any(small.search(n.content) or behind_article(word, n.content) for n in notes)


async def _similar(task: Task, note: Note, near: Mapping[str, Near]) -> list[Link]:
    """Links to the most similar earlier notes."""
    best = await _alike(note, near)
    alike = sorted((i for i in best if i < note.note_id), key=lambda i: (-best[i], i))
    return [
        rule_link(note, i, SIMILAR, min(best[i], 1.0), f"similarity {best[i]:.2f}", now=task.now)
        for i in alike[:SIMILAR_MAX_LINKS]
    ]


LINK_STEP = Step(name="link", waiting=UNLINKED, work=_link)


def _by_session(outlines: Iterable[Outline]) -> dict[tuple[str, str], list[Outline]]:
    """(namespace, session) -> its notes in order; notes without a session are left out."""
    grouped = dict[tuple[str, str], list[Outline]]()
    for outline in sorted(outlines, key=order_key):
        if outline.session:
            grouped.setdefault((outline.namespace, outline.session), []).append(outline)
    return grouped


async def alike_notes(task: Task, note: Note, vectors: Vectors) -> dict[str, float]:
    """Note id -> exact cosine of best passages, from `LINK_MIN_COSINE`, if they share a word."""
    return await _alike(note, await _near_notes(task, note, vectors))


async def _alike(note: Note, near: Mapping[str, Near]) -> dict[str, float]:
    alike = [one for one in near.values() if one.score >= LINK_MIN_COSINE]
    words = await read_in_thread(_shared_words, note.content)
    sharing = await read_in_thread(_find_sharing, words, [one.outline for one in alike])
    return {one.outline.note_id: one.score for one in alike if one.outline.note_id in sharing}


async def _near_notes(task: Task, note: Note, vectors: Vectors) -> dict[str, Near]:
    """Note id -> the note, with the exact cosine of best passages, from `THING_MIN_COSINE`."""
    best, where = dict[str, Near](), NoteFilter(namespaces=(note.namespace,))
    for vector in vectors[:LINK_MAX_PASSAGES]:
        for near in await task.batch.nearest(
            vector, where, limit=LINK_NEAREST_NOTES, least=THING_MIN_COSINE
        ):
            known = best.get(near.outline.note_id, near)
            best[near.outline.note_id] = max(known, near, key=lambda one: one.score)
    return best


def _find_sharing(words: set[str], notes: Sequence[Outline]) -> set[str]:
    """Ids of the notes that have one of the words."""
    return {note.note_id for note in notes if words & _shared_words(note.content)}


def _shared_words(text: str) -> set[str]:
    words = {term for term in terms(text) if len(term) >= SHARED_WORD_MIN_CHARACTERS}
    return words | telling_words(text)
