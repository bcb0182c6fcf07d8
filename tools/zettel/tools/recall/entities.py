"""The other names of a person or thing, and the notes about it or with one of its names.

Names are one where notes tell so: "Miriam Oyelaran" has the names of which it consists, unless
somebody else has them too, "Miriam is also called Mimi" adds one, and a note of the profile, or "My
name is Farid" in the user's own words, says which is the user's. About the user are also the
profile and what is told in the first person. Nothing is stored: what is forgotten or superseded
tells nothing any more.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import regex as re

from zettel.storage.matching import match_outlines
from zettel.storage.notes import DERIVED_TAGS, Facets, Kind, Outline, fold, normalise, order_key
from zettel.storage.store import NoteFilter, NoteReader
from zettel.tools.concurrency import read_in_thread
from zettel.tools.language.accents import without_accents
from zettel.tools.language.name_words import read_language, titles
from zettel.tools.language.names import ASSISTANTS, find_names
from zettel.tools.language.question_words import find_users
from zettel.tools.language.relations import THE_USER, find_other_names, find_relations
from zettel.tools.language.terms import plain_name
from zettel.tools.language.user_words import (
    find_own_names,
    means_user,
    says_we,
    searched_words,
    tells_of_home,
    tells_of_user,
    user_names,
)
from zettel.tools.note_marks import marks_of
from zettel.tools.recall_request import RecallQuery
from zettel.tools.state.memory import Memory
from zettel.tools.trust import FULL_TRUST

ENTITY_MAX_NOTES = 400
"""Notes that may name one; a name in more is told by the notes' subjects alone."""
ENTITY_MAX_NAMES = 8
"""Most names of one."""
NAMING_READ_MAX_NOTES = 10_000
"""Notes that hold a name's letters and are read for the name."""
PROFILE_READ_MAX_NOTES = 200
"""Notes of the profile that are read for the names of the user."""

WHOLE_NAME_MIN_CHARACTERS = 4
"""Fewest letters in Han of which the first are a family's name."""
FAMILY_NAME_CHARACTERS = (2, 3)
"""Letters in Han of a family's name."""
_HAN_NAME = re.compile(r"\p{Han}+")
BEFORE_NAME_MAX_CHARACTERS = 30
"""Read before a name for a title."""

_SPACED = r"[\p{Latin}\p{Greek}\p{Cyrillic}\p{M}\p{N}_]"
"""A character of a word in a script with spaces; where there are none, a name ends anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """Somebody or something that notes are about."""

    names: tuple[str, ...]
    """As spelled, the one that was asked for first."""
    others: tuple[str, ...] = ()
    """Longer names of several that the name may stand for: "Ana Silva", "Ana Costa"."""
    is_user: bool = False
    notes: tuple[Outline, ...] = ()
    """About it or naming it, newest first."""

    @property
    def keys(self) -> frozenset[str]:
        """Its names, as `plain_name`."""
        return frozenset((*map(plain_name, self.names), *((THE_USER,) if self.is_user else ())))


async def find_entity(memory: Memory, asked: RecallQuery, name: str) -> Entity:
    """What a name stands for in the scope of a request, and the notes that match its filters.

    Without notes if it is named in too many: then the notes' subjects tell more.

    The request's own `subject` is left out; a name may be "user".
    """
    where = replace(asked.where, subject="")
    scope = replace(where, tags=(), kinds=(), sessions=(), since=None, until=None)
    reading = _Reading(memory, asked, scope)
    given = _untitled(name)
    users = await reading.users(given)
    if fold(given) in user_names() or plain_name(given) in users:
        names, others, is_user = list(users.values()), tuple[str, ...](), True
    else:
        names, others = await reading.names_of(given)
        is_user = False
    notes = await reading.notes_of(names, subjects=user_names() if is_user else ())
    if len(notes) >= ENTITY_MAX_NOTES:
        notes = []
    elif is_user:
        notes = _with_own(notes, await reading.own())
    if where != scope:
        notes = await _matching(memory, where, notes)
    newest = sorted(notes, key=order_key, reverse=True)
    return Entity(
        names=tuple(names or [given]), others=others, is_user=is_user, notes=tuple(newest)
    )


async def is_name(memory: Memory, asked: RecallQuery, name: str) -> bool:
    """Whether a note in the scope of a request calls somebody or something by a name."""
    return await _Reading(memory, asked, asked.where).stands_alone(name)


def _with_own(notes: Iterable[Outline], own: Sequence[Outline]) -> list[Outline]:
    """The notes and what else is of the user, the profile first and then the newest that fit."""
    found = {note.note_id: note for note in notes}
    more = [note for note in own if note.note_id not in found]
    more.sort(key=lambda note: (note.kind is Kind.CORE, order_key(note)), reverse=True)
    return [*found.values(), *more[: max(ENTITY_MAX_NOTES - len(found), 0)]]


async def _matching(memory: Memory, where: NoteFilter, notes: Sequence[Outline]) -> list[Outline]:
    """Those of the notes that pass the request's filters."""
    if not notes:
        return []
    wanted = replace(where, note_ids=tuple(note.note_id for note in notes))
    return await memory.store.outlines(wanted, limit=len(notes))


def _untitled(name: str) -> str:
    """The name without what stands before it: "Dr. Oyelaran"."""
    words = name.split()
    while len(words) > 1 and words[0].rstrip(".").lower() in titles():
        words.pop(0)
    return " ".join(words)


def says_name(name: str, text: str) -> bool:
    """Whether a text has a name as whole words, beginning with a capital if the name's script has.

    A "bad" room is not "Bad"; who asks may leave capitals out, and so may who writes behind a title
    ("prof adeyemi"), and accents. German has a genitive without an apostrophe.
    """
    name, text = (without_accents(normalise(one)) for one in (name, text))
    if name.casefold() not in text.casefold():
        return False  # as of most notes, whose language need not be read
    genitive = "s?" if name[-1].isalpha() and read_language(text).capitalised_nouns else ""
    pattern = rf"(?<!{_SPACED}){re.escape(name)}{genitive}(?!{_SPACED})"
    for match in re.finditer(pattern, text, re.IGNORECASE):
        said = match[0][0]
        if said == said.upper() or match[0] == name or _follows_title(text, match.start()):
            return True
    return False


def _follows_title(text: str, at: int) -> bool:
    """Whether the text before a place ends in a title."""
    *_, last = text[max(at - BEFORE_NAME_MAX_CHARACTERS, 0) : at].split() or [""]
    return last.rstrip(".").lower() in titles()


async def naming(store: NoteReader, name: str, where: NoteFilter) -> list[Outline]:
    """The notes of a filter whose content says a name, the first `NAMING_READ_MAX_NOTES` of them.

    Read to the letter: full text leaves out stop words, which "Mia", "Will" and "Ella" are too.
    """
    near = await store.outlines(replace(where, says=name), limit=NAMING_READ_MAX_NOTES)
    return await read_in_thread(lambda: [n for n in near if says_name(name, n.content)])


class _Reading:
    """Reads the notes of a scope by names, each name once."""

    def __init__(self, memory: Memory, asked: RecallQuery, scope: NoteFilter) -> None:
        self._memory = memory
        self._scope = scope
        self._moment = asked.moment
        self._reader = memory.reader(asked.caller)
        self._holders = dict[str, Sequence[Outline]]()
        self._read_facets: Facets | None = None
        self._own: Sequence[Outline] | None = None

    async def users(self, given: str) -> dict[str, str]:
        """The names of the user, as `plain_name` -> as spelled: whole, and each part of it.

        What tells another name than the given one need not be read.
        """
        core = await self._core()
        told = await self._told() if fold(given) in user_names() else await self.holders(given)
        found = await read_in_thread(
            lambda: [
                *(find_users(note.content) for note in core),
                *(find_own_names(note.content) for note in told if self._is_believed_own(note)),
            ]
        )
        names = [name for some in found for name in sorted(some, key=len, reverse=True)]
        return {
            plain_name(n): n for name in names for n in (name, *name.split()) if not n[:1].islower()
        }

    async def own(self) -> list[Outline]:
        """The profile, and what the user tells of themselves."""
        core, told = await self._core(), await self._told()
        return [note for note in core if _is_own(note)] + await read_in_thread(
            lambda: [note for note in told if self._is_believed_own(note) and _tells_of_user(note)]
        )

    async def _core(self) -> list[Outline]:
        """What is believed of the profile."""
        core = await self._memory.store.outlines(
            replace(self._scope, kinds=(Kind.CORE,)), limit=PROFILE_READ_MAX_NOTES
        )
        return [note for note in core if self._reader.trust(note) >= FULL_TRUST]

    async def _told(self) -> Sequence[Outline]:
        """Other notes that nobody else is the subject of."""
        if self._own is None:
            near = await self._likely(searched_words())
            self._own = [note for note in near if _is_own(note) and note.kind is not Kind.CORE]
        return self._own

    def _is_believed_own(self, note: Outline) -> bool:
        """Whether a note's first person is the user: fully trusted, the reader's own, unmarked."""
        reader = self._reader
        trusted = reader.trust(note) >= FULL_TRUST and not reader.other_author(note)
        return trusted and _is_own(note) and not marks_of(note.content)

    async def notes_of(self, names: Collection[str], *, subjects: Collection[str]) -> list[Outline]:
        """The notes that are about one of the names or of some subjects, or name it.

        A tag tells of what a talk is whose turns have their speakers as subjects.
        """
        keys, found = {*map(plain_name, (*names, *subjects))}, dict[str, Outline]()
        about = [
            replace(self._scope, subject=subject)
            for subject in await self._subjects_of(lambda told: told in keys)
        ]
        tags = (await self._facets()).tags.keys() - DERIVED_TAGS
        if tags := tuple(sorted(tag for tag in tags if plain_name(tag) in keys)):
            about.append(replace(self._scope, tags=tags))
        for where in about:
            notes = await self._memory.store.outlines(where, limit=ENTITY_MAX_NOTES)
            found |= {note.note_id: note for note in notes}
        for name in names:
            found |= {note.note_id: note for note in await self.holders(name)}
        return list(found.values())

    async def _subjects_of(self, wanted: Callable[[str], bool]) -> list[str]:
        """Subjects of the scope's notes by `plain_name` of their names without titles."""
        subjects = (await self._facets()).subjects
        return [subject for subject in subjects if wanted(plain_name(_untitled(subject)))]

    async def _facets(self) -> Facets:
        """Subjects and tags of the scope's notes."""
        if self._read_facets is None:
            self._read_facets = await self._memory.store.facets(self._scope)
        return self._read_facets

    async def holders(self, name: str) -> Sequence[Outline]:
        """Notes whose text has the name, at most `ENTITY_MAX_NOTES` of a large scope."""
        key = plain_name(name)
        if key not in self._holders:
            near = await self._likely(name)
            self._holders[key] = await read_in_thread(
                lambda: [note for note in near if says_name(name, note.content)]
            )
        return self._holders[key]

    async def _likely(self, name: str) -> Sequence[Outline]:
        """Notes that may have the name: of a small scope all, since BM25 finds no word of most."""
        memory, scope = self._memory, self._scope
        corpus = await memory.corpora.read(memory.store, scope, self._moment)
        if corpus.statistics is None:
            return corpus.outlines
        found = await match_outlines(memory.store, f"{name} {name}s", scope, limit=ENTITY_MAX_NOTES)
        # Full text leaves out small words: "Will", "Mia".
        return found or await memory.store.outlines(
            replace(scope, says=name), limit=ENTITY_MAX_NOTES
        )

    async def names_of(self, given: str) -> tuple[list[str], tuple[str, ...]]:
        """The names of the one whom a name stands for, and of whom it may be, if of several.

        Another name of one leads to its longer one: "Tobi" is short for "Tobias", "Tobias Renner".
        """
        names, others, waiting = dict[str, str](), dict[str, None](), [given]
        while waiting and len(names) < ENTITY_MAX_NAMES:
            name = waiting.pop(0)
            if plain_name(name) in names:
                continue
            names[plain_name(name)] = name
            longer = await self._longer(name)
            if len(longer) > 1:
                if names.keys().isdisjoint(map(plain_name, longer)):  # else it is known of which
                    others |= dict.fromkeys(longer)
                if name == given:
                    break
                longer = []
            waiting += [*longer, *await self._told_names(name), *await self._parts(name)]
        return list(names.values()), tuple(others)

    async def _longer(self, name: str) -> list[str]:
        """The whole names of which a name is a part, without those that are parts of others."""
        key, notes = plain_name(name), await self.holders(name)
        subjects = await self._subjects_of(lambda told: told != key and _is_part(key, told))
        found = await read_in_thread(lambda: dict(_longer(key, subjects, notes)))
        return [
            spelled
            for key, spelled in found.items()
            if not any(key != other and _is_part(key, other) for other in found)
        ]

    async def _parts(self, name: str) -> list[str]:
        """The words of a name by which notes call the same one and nobody else."""
        words, found = name.split(), list[str]()
        for word in words if len(words) > 1 else _family_names(name):
            small = word[:1].islower() and not name.islower()  # "van" of "Ana van Riel"
            if not small and await self.stands_alone(word):
                if [plain_name(one) for one in await self._longer(word)] == [plain_name(name)]:
                    found.append(word)
        return found

    async def stands_alone(self, word: str) -> bool:
        """Whether a note calls somebody by this word alone; "New" of "New York" calls nobody."""
        notes, key = await self.holders(word), plain_name(word)
        return await read_in_thread(
            lambda: any(
                key in map(plain_name, (note.subject, *note.entities, *find_names(note.content)))
                for note in notes
            )
        )

    async def _told_names(self, name: str) -> list[str]:
        """Other names that fully trusted notes say one has."""
        notes = [n for n in await self.holders(name) if self._reader.trust(n) >= FULL_TRUST]
        return await read_in_thread(lambda: list(_told_names(plain_name(name), notes)))


def _is_own(note: Outline) -> bool:
    """Whether nobody but the user is the subject of a note that somebody told."""
    return means_user(note.subject) and note.principal not in DERIVED_TAGS


def _tells_of_user(note: Outline) -> bool:
    """Whether a note is of the user in the singular, of their home, or tells a relation of them."""
    text = note.content
    if tells_of_user(text) or tells_of_home(text):
        return True
    return says_we(text) and any(
        THE_USER in (told.who, told.whom) for told in find_relations(text, note.subject)
    )


def _longer(
    key: str, subjects: Iterable[str], notes: Iterable[Outline]
) -> Iterator[tuple[str, str]]:
    """Longer names that have one as a part, as `plain_name` and as spelled."""
    names = (name for note in notes for name in (*note.entities, *find_names(note.content)))
    for name in chain(subjects, names):
        told = _untitled(name)
        if plain_name(told) != key and _is_part(key, plain_name(told)) and not told[:1].islower():
            yield plain_name(told), told


def _is_part(key: str, name: str) -> bool:
    """Whether the words of a name are some of those of another one, in a row.

    In a script without spaces, whether it is the family's name: "木村" of "木村健太".
    """
    return f" {key} " in f" {name} " or key in _family_names(name)


def _family_names(name: str) -> list[str]:
    """What may be the family's name of a whole name in Han.

    Of three letters none: "李强" and "李强生" are two people.
    """
    if len(name) < WHOLE_NAME_MIN_CHARACTERS or not _HAN_NAME.fullmatch(name):
        return []
    return [name[:size] for size in FAMILY_NAME_CHARACTERS]


def _told_names(key: str, notes: Iterable[Outline]) -> Iterator[str]:
    for note in notes:
        if marks_of(note.content):
            continue
        for told in find_other_names(note.content, note.subject):
            sides = (told.who, told.whom)
            if key in map(plain_name, sides):
                yield from (s for s in sides if plain_name(s) not in {key, THE_USER, *ASSISTANTS})
