"""The memory object that every verb works with: store, models, caches and policies.

Its echo guard keeps text that recall has just served from being stored again as a new note.
"""

import re
import unicodedata
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta

from zettel.storage.access import Access
from zettel.storage.embedding.embedder import Embedder, Reranker
from zettel.storage.errors import NamespaceRefusedError
from zettel.storage.notes import Note, Run, fold
from zettel.storage.store import Store
from zettel.storage.tenancy.store import ScopedStore
from zettel.tools.answers import RecalledNote
from zettel.tools.concurrency import KeyedLock
from zettel.tools.llm.llm import Llm
from zettel.tools.ranking.excerpt import EXCERPT_GAP
from zettel.tools.state.caches import CorpusCache, PageCache
from zettel.tools.state.quota import Quota
from zettel.tools.state.retention_policy import Retention
from zettel.tools.state.usage import UsageBuffer
from zettel.tools.validation import FOUND_FROM

ECHO_WINDOW = timedelta(minutes=30)
"""How long a served text is recognised (design, section 5)."""

SERVED_MAX_TEXTS = 4_000
"""Most served texts per process; a long session serves some hundreds in half an hour."""

_MARKER = re.compile(r"^[ \t]*(?:\d{1,3}[.)]|[-*•>]+)[ \t]+", re.MULTILINE)
"""A list's bullet or number at the start of a line."""
_ID = re.compile(r"(?<!\w)[0-9a-hjkmnp-tv-z]{26}(?!\w)")
_TIME = re.compile(r"(?<!\w)\d{4}-\d{2}-\d{2}(?:t\d{2}:\d{2}[\d:.]*)?(?:z|[+-]\d{2}:\d{2})?(?!\w)")
_NUMBER_FIELD = re.compile(r"""["'][a-z_]+["']\s*:\s*(?:true|false|none|null|-?\d+(?:\.\d+)?)""")
_KEY = re.compile(r"""["'][a-z_]+["']\s*:""")


@dataclass(frozen=True, slots=True)
class Served:
    """A text of a note as it was served."""

    note_id: str
    text: str
    """Folded: the whole content, or one passage of it."""
    subject: str
    fields: frozenset[str]
    """Folded values of the note's other fields."""
    at: datetime


class ServedLog:
    """The texts that recall served to each namespace within `ECHO_WINDOW`.

    Args:
        served: Shared by all tenants, so that the bound holds for all together.
        tenant: The tenant; empty for the store's owner.
    """

    def __init__(
        self, served: dict[tuple[str, str, str], Served] | None = None, tenant: str = ""
    ) -> None:
        self._served = {} if served is None else served
        self._tenant = tenant

    def of(self, tenant: str) -> "ServedLog":
        """The log of a tenant; empty for the store's owner."""
        return ServedLog(self._served, tenant)

    def record(self, namespaces: Iterable[str], view: RecalledNote, at: datetime) -> None:
        """Record that a view of a note was served to callers of these namespaces."""
        content = view.get("content", "")
        pieces = content.split(EXCERPT_GAP) if view.get("excerpt") else [content]
        fields = frozenset(map(fold, _strings({**view, "content": ""})))
        subject = fold(view.get("subject", ""))
        for text in filter(None, map(fold, pieces)):
            entry = Served(view["note_id"], text, subject, fields, at)
            for namespace in namespaces:
                key = (self._tenant, namespace, text)
                self._served.pop(key, None)
                self._served[key] = entry
        self._expire(at)

    def drop(self, note_ids: Container[str]) -> None:
        """Forget the texts of these notes, for all tenants."""
        # In place: the logs of all tenants share it.
        for key in [key for key, entry in self._served.items() if entry.note_id in note_ids]:
            del self._served[key]

    def _expire(self, now: datetime) -> None:
        # In recording order: the oldest are first.
        while self._served:
            oldest = next(iter(self._served))
            if (
                len(self._served) <= SERVED_MAX_TEXTS
                and now - self._served[oldest].at <= ECHO_WINDOW
            ):
                return
            del self._served[oldest]

    def echoed(self, namespace: str, content: str, now: datetime) -> list[Served]:
        """The served texts that make up a content, if it has nothing else but framing.

        Not judged by similarity: outside the served texts only list markers, ids, times, the JSON
        of an answer, and punctuation may be left.
        """
        self._expire(now)
        rest, found = fold(_MARKER.sub(" ", content)), list[Served]()
        mine = (self._tenant, namespace)
        served = [entry for key, entry in self._served.items() if key[:2] == mine]
        for entry in sorted(served, key=lambda entry: -len(entry.text)):
            who = rf"(?:{re.escape(entry.subject)}\s?:\s)?" if entry.subject else ""
            rest, count = re.subn(rf"(?<!\w){who}{re.escape(entry.text)}(?!\w)", " ", rest)
            found += [entry] if count else []
        if not found:
            return []
        for value in sorted(frozenset[str]().union(*(e.fields for e in found)), key=len)[::-1]:
            rest = rest.replace(f'"{value}"', " ").replace(f"'{value}'", " ")
        for framing in (_NUMBER_FIELD, _KEY, _ID, _TIME):
            rest = framing.sub(" ", rest)
        return [] if any(map(_says_something, rest)) else found


def _says_something(character: str) -> bool:
    symbol = unicodedata.category(character).startswith("S") and not character.isascii()
    return character.isalnum() or symbol


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():  # pyright: ignore[reportUnknownVariableType]: plain JSON
            yield from _strings(part)  # pyright: ignore[reportUnknownArgumentType]: plain JSON
    elif isinstance(value, list):
        for part in value:  # pyright: ignore[reportUnknownVariableType]: plain JSON
            yield from _strings(part)  # pyright: ignore[reportUnknownArgumentType]: plain JSON


def _nothing() -> None:
    return None


def _no_run(_run: Run) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Settings that decide how notes are found, evolved and kept."""

    found_from: float = FOUND_FROM
    """Confidence from which recall says `found`, in `[0, 1]`."""
    archive_below: float = 0.0
    """Retention below which evolution archives a note, in `[0, 1)`; 0 archives nothing."""
    consolidates: bool = False
    """Whether evolution composes gists, concepts and a profile."""
    evolve_off: tuple[str, ...] = ()
    """Namespaces that evolution leaves unchanged except for vectors."""
    llm_off: tuple[str, ...] = ()
    """Namespaces whose notes are not sent to an LLM."""
    retention: Retention = field(default_factory=Retention)
    """How long notes are kept before evolution erases them; without rules, for ever."""
    quota: Quota | None = None
    """How much a namespace may hold; None for any amount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory(Policy):
    """One store with its embedder, its policy and the process's short-lived state."""

    store: Store | ScopedStore
    embedder: Embedder
    reranker: Reranker | None = None
    mind: Llm | None = None
    """The LLM that evolution may ask; None leaves all to rules."""
    served: ServedLog = field(default_factory=ServedLog)
    usage: UsageBuffer = field(default_factory=UsageBuffer)
    pages: PageCache = field(default_factory=PageCache)
    corpora: CorpusCache = field(default_factory=CorpusCache)
    writing: KeyedLock = field(default_factory=KeyedLock)
    namespaces: set[str] = field(default_factory=set[str])
    """Namespaces known to hold notes, so that only a first write has to ask."""
    on_write: Callable[[], None] = _nothing
    """Called after every commit of a verb; the scheduler listens."""
    on_run: Callable[[Run], None] = _no_run
    """Called when a run of evolution has ended, successful or not."""
    reach: Access | None = None
    """The namespaces it may use; None for the whole store."""
    root: "Memory | None" = None
    """The unscoped memory; None if this is it."""

    def under(self, policy: Policy) -> "Memory":
        """The same memory with every setting of a policy."""
        return replace(self, **{f.name: getattr(policy, f.name) for f in fields(Policy)})

    def within(self, reach: Access | None) -> "Memory":
        """The memory scoped to a tenant, with caches of its own.

        Args:
            reach: The tenant's access; None for unlimited access.
        """
        if reach is None:
            return self
        assert not isinstance(self.store, ScopedStore)
        return replace(
            self,
            store=ScopedStore(self.store, reach),
            served=self.served.of(reach.key),
            pages=self.pages.of(reach.key),
            corpora=self.corpora.of(reach.key),
            namespaces=self.namespaces & reach.reads,
            reach=reach,
            root=self,
        )

    @property
    def whole(self) -> "Memory":
        """The unscoped memory, for work on a caller's behalf that was checked."""
        return self.root or self

    @property
    def admin(self) -> Store:
        """The unscoped store, for what only its owner may do."""
        return self.store.whole if isinstance(self.store, ScopedStore) else self.store

    def check_writes(self, notes: Iterable[Note]) -> None:
        """Check that all notes may be changed.

        Raises:
            NamespaceRefusedError: One is in a read-only namespace.
        """
        for note in notes:
            if self.reach and note.namespace not in self.reach.writes:
                raise NamespaceRefusedError(note.namespace, self.reach.writes)

    def drop_cached(self, note_ids: Iterable[str]) -> None:
        """Remove erased notes from the process's state: their words, recalls and corpora."""
        gone = frozenset(note_ids)
        self.served.drop(gone)
        self.usage.drop(gone)
        self.corpora.clear()
        if self.quota:
            self.quota.forget()
