"""The memory object that every verb works with: store, models, caches and policies."""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import TypeVar

from zettel.storage.access import Access
from zettel.storage.embedding.embedder import Embedder, Reranker
from zettel.storage.embedding.turns import Turns
from zettel.storage.errors import NamespaceRefusedError
from zettel.storage.notes import Note, Run
from zettel.storage.store import Store
from zettel.storage.tenancy.store import ScopedStore
from zettel.tools.caller import Caller
from zettel.tools.concurrency import KeyedLock, read_texts
from zettel.tools.language.kept_readings import clear_kept_readings
from zettel.tools.llm.llm import Llm
from zettel.tools.ranking.columns import COLUMNS_MAX_BYTES
from zettel.tools.secrets.cutting import SecretMode
from zettel.tools.state.caches import CorpusCache, PageCache
from zettel.tools.state.names_cache import NamesCache
from zettel.tools.state.quota import Quota
from zettel.tools.state.recent_texts import RecentTexts
from zettel.tools.state.retention_policy import Retention
from zettel.tools.state.served_log import ServedLog
from zettel.tools.state.usage import UsageBuffer
from zettel.tools.trust import TrustRules, TrustView
from zettel.tools.validation import FOUND_FROM

SHORT_MAX_CHARACTERS = 16_384
"""Characters of all texts of a call up to which it does not wait for others: some 10 ms of work."""


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Settings that decide how notes are found, evolved and kept."""

    found_from: float = FOUND_FROM
    """Confidence from which recall says `found`, in `[0, 1]`."""
    model_wait_s: float = 0.0
    """Seconds a question waits for the embedding model to be loaded."""
    archive_below: float = 0.0
    """Retention below which evolution archives a note, in `[0, 1)`; 0 archives nothing."""
    working_notes: int = 0
    """Unfinished working notes of a namespace above which answers say so; 0 for any number."""
    consolidates: bool = False
    """Whether evolution composes gists, concepts and a profile."""
    evolve_off: tuple[str, ...] = ()
    """Namespaces that evolution leaves unchanged except for vectors."""
    llm_off: tuple[str, ...] = ()
    """Namespaces whose notes are not sent to an LLM."""
    retention: Retention = field(default_factory=Retention)
    """How long notes are kept before evolution erases them; without rules, for ever."""
    trust: TrustRules = field(default_factory=TrustRules)
    """Which principals count as the store's owner."""
    quota: Quota | None = None
    """How much a namespace may hold; None for any amount."""
    secrets: SecretMode = "cut"
    """What happens to keys and passwords in what is to be kept."""
    cache_bytes: int = 2 * COLUMNS_MAX_BYTES
    """Bytes of what ranking reads of notes that are kept in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory(Policy):
    """One store with its embedder, its policy and the process's short-lived state."""

    store: Store | ScopedStore
    embedder: Embedder
    reranker: Reranker | None = None
    mind: Llm | None = None
    """The LLM that evolution may ask; None leaves all to rules."""
    served: ServedLog = field(default_factory=ServedLog)
    recent: RecentTexts = field(default_factory=RecentTexts)
    usage: UsageBuffer = field(default_factory=UsageBuffer)
    pages: PageCache = field(default_factory=PageCache)
    corpora: CorpusCache = field(default_factory=CorpusCache)
    writing: KeyedLock = field(default_factory=KeyedLock)
    long_texts: Turns = field(default_factory=Turns)
    """For work on long texts in a thread: more than one would keep the event loop waiting for the
    interpreter."""
    namespaces: set[str] = field(default_factory=set[str])
    """Namespaces known to hold notes, so that only a first write has to ask."""
    on_write: Callable[[], None] = lambda: None
    """Called after every commit of a verb; the scheduler listens."""
    on_run: Callable[[Run], None] = lambda _run: None
    """Called when a run of evolution has ended, successful or not."""
    run_id: str = ""
    """Run that the verbs' revisions belong to; empty for calls, each of which stands alone."""
    reach: Access | None = None
    """The namespaces it may use; None for the whole store."""
    names: NamesCache = field(default_factory=NamesCache)
    """Other names of namespaces."""
    root: "Memory | None" = None
    """The unscoped memory; None if this is it."""

    @property
    def settings_name(self) -> frozenset[str]:
        """Namespaces that settings name."""
        kept = (rule.partition("/")[0] for rule in self.retention.days)
        return frozenset((*self.evolve_off, *self.llm_off, *kept))

    def under(self, policy: Policy) -> "Memory":
        """The same memory with every setting of a policy, and with empty caches of its size."""
        given = {f.name: getattr(policy, f.name) for f in fields(Policy)}
        return replace(self, **given, corpora=CorpusCache.within(policy.cache_bytes))

    def within(self, reach: Access | None) -> "Memory":
        """The memory scoped to a tenant, with caches of its own.

        `reach` is None for unlimited access.
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

    @property
    def unnoticed(self) -> "Memory":
        """The same memory, but recalls are not counted and texts do not count as served."""
        return replace(self, usage=UsageBuffer(), served=ServedLog())

    def may_write(self, namespace: str) -> bool:
        """Whether notes of a namespace may be changed."""
        return self.reach is None or namespace in self.reach.writes

    def reader(self, caller: Caller) -> TrustView:
        """How a caller sees notes."""
        return TrustView(self.trust, caller.origin.principal)

    @asynccontextmanager
    async def reading(self, characters: int) -> AsyncGenerator[None]:
        """Read texts of so many characters in a thread: long ones one caller after the other."""
        if characters <= SHORT_MAX_CHARACTERS:
            yield
            return
        async with self.long_texts.turn(urgent=False):
            yield

    async def read(self, characters: int, read: Callable[[], _T]) -> _T:
        """Call a function that reads so many characters: short texts at once, others in a thread.

        Long ones are read for one caller after the other.
        """
        async with self.reading(characters):
            return await read_texts(characters, read)

    def check_writes(self, notes: Iterable[Note]) -> None:
        """Check that all notes may be changed.

        Raises:
            NamespaceRefusedError: One is in a read-only namespace.
        """
        for note in notes:
            if self.reach and note.namespace not in self.reach.writes:
                raise NamespaceRefusedError(note.namespace, self.reach.writes)

    def record_recalls(self, notes: Iterable[Note], at: datetime) -> None:
        """Count one recall for each note that may be changed; reading alone leaves no trace."""
        writable = (n for n in notes if self.reach is None or n.namespace in self.reach.writes)
        self.usage.add((note.note_id for note in writable), at)

    def drop_cached(self, note_ids: Iterable[str]) -> None:
        """Remove erased notes from the process's state: their words, recalls and corpora."""
        gone = frozenset(note_ids)
        self.served.drop(gone)
        self.recent.clear()
        clear_kept_readings()
        self.usage.drop(gone)
        self.corpora.drop(gone)
        if self.quota:
            self.quota.forget()
