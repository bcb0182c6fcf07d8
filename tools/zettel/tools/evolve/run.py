"""One evolution run: all steps over a batch of notes, one commit, and the next batch.

A run keeps to its budget and is recorded in `runs`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import log

import anyio
import anyio.lowlevel

from zettel.storage.ids import told_at
from zettel.storage.notes import BEGUN, REVISED_BY, SCHEDULER, Kind, Note, Run, State, Usage
from zettel.storage.progress import ReportProgress, no_progress
from zettel.storage.store import NoteFilter, StoreStats
from zettel.tools.changes.supersession import changed_targets, reconcile_superseded
from zettel.tools.changes.unlearn import unlearn
from zettel.tools.concurrency import shielded
from zettel.tools.erasure.orders import ERASE, RETENTION, drain, order_erasure, pending_erasures
from zettel.tools.evolve.consolidate.feedback import GENERALIZE_STEP
from zettel.tools.evolve.consolidate.step import CONSOLIDATE_STEP
from zettel.tools.evolve.steps.base import LLM_BATCH_NOTES, Batch, Committed, Step, Task
from zettel.tools.evolve.steps.compare import COMPARE_STEP
from zettel.tools.evolve.steps.construct import CONSTRUCT_STEP, EMBED, UNEMBEDDED_NOTES, embed
from zettel.tools.evolve.steps.link import LINK_STEP
from zettel.tools.evolve.steps.revise import REVISE_STEP
from zettel.tools.evolve.writing.llm_writer import LlmWriter
from zettel.tools.evolve.writing.writer import RULE, Writer
from zettel.tools.llm.client import TokenBudget
from zettel.tools.llm.llm import keep_health
from zettel.tools.llm.unanswered import keep_unanswered, read_unanswered
from zettel.tools.namespace_names import NamespaceNames
from zettel.tools.state.memory import Memory
from zettel.tools.state.names_cache import read_names
from zettel.tools.state.retention_policy import expired
from zettel.tools.state.usage import LAYER_DAYS, lasting_days, strength_left

RUN_BATCH_NOTES = 128
"""Notes per commit: some seconds of work. With an LLM `LLM_BATCH_NOTES`."""
RUN_MAX_NOTES = 50_000
"""Waiting notes listed at once."""
UPKEEP_OLD_VERSIONS = 20
"""Expired table versions after which an idle store is cleaned; a run and its upkeep
leave about ten."""
UPKEEP_COMMITS = 50
"""Commits after which the store is compacted; every 50-100 keeps reads under 3 ms."""

EVOLUTION_STEPS = (
    CONSTRUCT_STEP,
    LINK_STEP,
    COMPARE_STEP,
    GENERALIZE_STEP,
    REVISE_STEP,
    CONSOLIDATE_STEP,
)
"""In order; vectors are made before, `fade` and `maintain` follow."""


def steps_of(memory: Memory) -> tuple[Step, ...]:
    """The enabled steps."""
    return tuple(
        step for step in EVOLUTION_STEPS if memory.consolidates or step is not CONSOLIDATE_STEP
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Bounds of one run; None is no bound."""

    seconds: float | None = None
    notes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """Result of a run."""

    run_id: str
    changed: int
    """New revisions, and notes with new vectors or erased."""
    created: int
    steps: dict[str, int] = field(default_factory=dict[str, int])
    """Step -> notes it changed."""
    llm: dict[str, int] = field(default_factory=dict[str, int])
    """Calls, tokens and fallbacks by reason; empty without an LLM."""
    outcome: str = "done"
    unerased: str = ""
    """Why erasures that were tried are not finished."""
    evolve_off: tuple[str, ...] = ()
    llm_off: tuple[str, ...] = ()
    """Namespaces that do not evolve, and those whose notes no LLM sees."""
    retain_elsewhere: Mapping[str, str] = field(default_factory=dict[str, str])
    """Name in `retain_days` -> the namespace that it leads to, where the rule does not count."""


async def queue(memory: Memory) -> dict[str, int]:
    """Notes waiting for vectors and for each enabled step."""
    if memory.evolve_off:
        memory = _off_by_every_name(memory, await read_names(memory.admin))
    unembedded = await memory.store.count(UNEMBEDDED_NOTES)
    where = {step.name: _waiting_in(memory, step) for step in steps_of(memory)}
    return {EMBED: unembedded} | {name: await memory.store.count(w) for name, w in where.items()}


def _waiting_in(memory: Memory, step: Step) -> NoteFilter:
    return replace(step.waiting, namespaces_not=memory.evolve_off)


async def waiting(memory: Memory) -> int:
    """Notes waiting for evolution or erasure; due upkeep counts as one."""
    notes = max((await queue(memory)).values())
    return notes + _upkeep_due(await memory.admin.stats()) + await pending_erasures(memory.store)


def _upkeep_due(stats: StoreStats) -> bool:
    return stats.commits_since_upkeep >= UPKEEP_COMMITS or stats.old_versions >= UPKEEP_OLD_VERSIONS


async def deferred(memory: Memory) -> int:
    """Notes about which the LLM is to be asked again, once it may be asked at all."""
    if memory.mind is None or memory.mind.health.pause_s(anyio.current_time()):
        return 0
    return len(await read_unanswered(memory.store))


async def evolve(
    memory: Memory,
    *,
    now: datetime,
    run_id: str,
    who: str,
    budget: Budget,
    progress: ReportProgress = no_progress,
    of: Sequence[Step] | None = None,
    erases: bool = True,
) -> RunReport:
    """Runs the steps over waiting notes; the caller holds and renews the lease.

    A cancelled run is recorded as such, a killed one as begun; it loses the batch that it was at,
    and the next run takes that up. A second run over unchanged notes changes nothing. `of` replaces
    the enabled steps. Without `erases`, erasures ordered before the run are left to a later one.
    """
    names = await read_names(memory.admin)
    memory = _off_by_every_name(memory, names)
    begun = Run(
        run_id=run_id,
        kind="evolve",
        who=who,
        started_at=now,
        ended_at=now,
        counts={},
        outcome=BEGUN,
    )
    run = _Running(memory, begun, budget=budget, progress=progress, erases=erases)
    outcome = "failed"
    try:
        outcome = "done" if await run.evolve(of or steps_of(memory)) else "budget"
    except anyio.get_cancelled_exc_class():
        outcome = "cancelled"
        raise
    finally:
        with anyio.CancelScope(shield=True):
            if memory.mind is not None:
                await keep_health(memory.store, memory.mind.health.report)
                await keep_unanswered(memory.store, run.writer.unanswered, run.asked)
            record = replace(
                begun,
                ended_at=now + timedelta(seconds=run.seconds),
                counts=run.steps | dict(run.writer.counts),
                outcome=outcome,
            )
            memory.on_run(record)
            await memory.admin.add_run(record)
    return RunReport(
        run_id=run_id,
        changed=run.changed,
        created=run.created,
        steps=run.steps,
        llm=dict(run.writer.counts),
        outcome=outcome,
        unerased=run.unerased,
        evolve_off=memory.evolve_off,
        llm_off=memory.llm_off,
        retain_elsewhere=memory.retention.elsewhere(names),
    )


def _off_by_every_name(memory: Memory, names: NamespaceNames) -> Memory:
    """The memory whose `evolve_off` and `llm_off` have every name of their namespaces.

    What is told under a name that leads to another is stored there.
    """

    def every(off: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each for name in off for each in (name, *names.group(name))))

    return replace(memory, evolve_off=every(memory.evolve_off), llm_off=every(memory.llm_off))


def _writer(memory: Memory, now: datetime) -> Writer:
    if memory.mind is None:
        return RULE
    budget = TokenBudget(memory.store, memory.mind.limits, now)
    return LlmWriter(memory.mind, budget, private=memory.llm_off)


class _Running:
    """A run under way, and what it has done so far."""

    def __init__(
        self,
        memory: Memory,
        begun: Run,
        *,
        budget: Budget,
        progress: ReportProgress,
        erases: bool,
    ) -> None:
        self.memory = memory
        self.now = begun.started_at
        self.run_id = begun.run_id
        self.writer = _writer(memory, self.now)
        self.steps = dict[str, int]()
        self.changed = 0
        self.created = 0
        self.asked = set[str]()
        """Ids of the notes that went through all steps with an LLM."""
        self.unerased = ""
        self._erases = erases
        self._begun = begun
        self._is_recorded = False
        self._budget = budget
        self._progress = progress
        self._began = anyio.current_time()
        self._seen = 0

    @property
    def seconds(self) -> float:
        """Since it began."""
        return anyio.current_time() - self._began

    async def evolve(self, of: Sequence[Step]) -> bool:
        """Takes these steps; False if the budget did not suffice."""
        await self._erase()
        self.steps |= {EMBED: 0} | {step.name: 0 for step in of}
        if not (await self._embed() and await self._take(of)):
            return False
        if self.memory.archive_below:
            await self._begin()
            self._count(FADE, await fade(self.memory, now=self.now, run_id=self.run_id))
        await _maintain(self.memory)
        return True

    async def _begin(self) -> None:
        """Records the run before its first revision, so that one that is killed can be undone."""
        if not self._is_recorded:
            self._is_recorded = True
            await self.memory.admin.add_run(self._begun)

    def _count(self, step: str, notes: int) -> None:
        self.steps[step] = self.steps.get(step, 0) + notes
        self.changed += notes

    async def _erase(self) -> None:
        """Erases expired and ordered notes first, so that nothing is derived from them."""
        memory, now = self.memory, self.now
        if old := await expired(memory.store, memory.retention, now):
            ids = [outline.note_id for outline in old]
            await order_erasure(memory, ids, scope=RETENTION, who=SCHEDULER, now=now)
            self._count(RETENTION, len(ids))
        if not (old or self._erases):
            return
        if done := await drain(memory, now=now, unfinished=self._note_unerased):
            self._count(ERASE, done)

    def _note_unerased(self, why: str) -> None:
        self.unerased = why

    async def _embed(self) -> bool:
        last, done, todo = (), 0, await self.memory.store.count(UNEMBEDDED_NOTES)
        while done < todo:
            if not (most := self._room(min(RUN_BATCH_NOTES, todo - done))):
                return False
            await self._tell(EMBED, done, todo)
            ids = await embed(self.memory, most)
            if ids == last:  # others keep changing these notes
                break
            self._count(EMBED, len(ids))
            last, done, self._seen = ids, done + len(ids), self._seen + len(ids)
            await _tend(self.memory)
        return True

    async def _take(self, of: Sequence[Step]) -> bool:
        size, last = LLM_BATCH_NOTES if self.writer.asks else RUN_BATCH_NOTES, list[str]()
        while (todo := await self._waiting(of)) and todo != last:
            last = todo
            if not await self._evolve_all(of, todo, size):
                return False
            if len(todo) < RUN_MAX_NOTES:  # what was stored meanwhile waits: the run ends
                break
        return await self._ask_again(of)

    async def _ask_again(self, of: Sequence[Step]) -> bool:
        """Takes the notes that the LLM gave no answer about, until it gives none again.

        Returns:
            Whether the budget sufficed.
        """
        left = await read_unanswered(self.memory.store) if await deferred(self.memory) else []
        todo = [i for i in left if i not in self.asked and i not in self.writer.unanswered]
        return await self._evolve_all(of, todo, LLM_BATCH_NOTES, anew=True)

    async def _evolve_all(
        self, of: Sequence[Step], todo: Sequence[str], size: int, *, anew: bool = False
    ) -> bool:
        """Takes the steps with these notes, batch by batch; False if the budget did not suffice.

        With `anew`, only until the LLM gives no answer again.
        """
        done = 0
        while done < len(todo) and not (anew and self.writer.unanswered):
            if not (most := self._room(size)):
                return False
            part = todo[done : done + most]
            if not await self._evolve_batch(of, part, done, len(todo), anew=anew):
                return False
            done, self._seen = done + len(part), self._seen + len(part)
            await _tend(self.memory)
        return True

    async def _waiting(self, of: Sequence[Step]) -> list[str]:
        """Ids of the notes that wait for a step, in the order in which they were told.

        So a note finds those that it may be linked to as evolution leaves them.
        """
        found = set[str]()
        for step in of:
            where = _waiting_in(self.memory, step)
            outlines = await self.memory.store.outlines(where, limit=RUN_MAX_NOTES)
            found |= {outline.note_id for outline in outlines}
        return sorted(found)[:RUN_MAX_NOTES]

    async def _evolve_batch(
        self,
        of: Sequence[Step],
        note_ids: Sequence[str],
        done: int,
        todo: int,
        *,
        anew: bool,
    ) -> bool:
        """Takes the steps with some notes in memory, then commits what became of them.

        Returns:
            Whether all steps were taken; with an LLM the time may be over before.
        """
        store = self.memory.store
        batch = Batch(store, await store.get(note_ids), anew=anew)
        task = Task(
            memory=self.memory,
            now=self.now,
            run_id=self.run_id,
            writer=self.writer,
            batch=batch,
        )
        over, answered = False, self.writer.answered
        for step in _in_order(of, self.writer):
            if over := self.writer.asks and self._is_over():
                break
            await self._tell(step.name, done, todo)
            if waiting := batch.waiting(_waiting_in(self.memory, step)):
                await step.work(task, waiting)
        # Rules alone make nothing new of notes that they have read before.
        if not anew or self.writer.answered > answered:
            await self._keep(task)
        if self.writer.asks and not over:
            self.asked.update(note_ids)
        return not over

    async def _keep(self, task: Task) -> None:
        with shielded():
            await self._begin()
            committed = await _commit(task)
        self.changed += committed.changed
        self.created += committed.created
        for name, notes in committed.steps.items():
            self.steps[name] = self.steps.get(name, 0) + notes

    async def _tell(self, step: str, done: int, todo: int) -> None:
        self._progress(step, done, todo)
        await anyio.lowlevel.checkpoint()

    def _room(self, most: int) -> int:
        """The number of notes that the budget still admits, `most` at most."""
        if self._is_over():
            return 0
        notes = self._budget.notes
        return most if notes is None else max(0, min(most, notes - self._seen))

    def _is_over(self) -> bool:
        return self._budget.seconds is not None and self.seconds >= self._budget.seconds


def _in_order(of: Sequence[Step], writer: Writer) -> list[Step]:
    """The steps of one batch; what `revise` supersedes, `generalize` takes out of its offers."""
    again = (GENERALIZE_STEP,) if writer.asks and GENERALIZE_STEP in of else ()
    return [one for step in of for one in ((step, *again) if step is REVISE_STEP else (step,))]


async def _commit(task: Task) -> Committed:
    """Commits a batch, then sets right what verbs of others have changed meanwhile."""
    memory, pairs, now = task.memory, task.batch.changed, task.now
    committed = await task.batch.commit(now=now, run_id=task.run_id)
    superseded = frozenset[str]().union(*(changed_targets(*pair) for pair in pairs))
    await reconcile_superseded(memory, superseded, by=SCHEDULER, now=now)
    new = (link for old, note in pairs for link in note.links if link not in old.links)
    revisers = await memory.store.get(sorted({k.to for k in new if k.relation == REVISED_BY}))
    forgotten = [note.note_id for note in revisers if note.state is State.FORGOTTEN]
    await unlearn(memory, forgotten, by=SCHEDULER, now=now)
    return committed


async def _tend(memory: Memory) -> None:
    if _upkeep_due(await memory.admin.stats()):
        await memory.admin.upkeep()


async def _maintain(memory: Memory) -> None:
    """Step `maintain`: writes gathered usage, then compacts and cleans if necessary."""
    await memory.usage.flush(memory.store)
    stats = await memory.admin.stats()
    if stats.commits_since_upkeep or stats.old_versions:
        await memory.admin.upkeep()


FADE = "fade"
FADE_BATCH_NOTES = 256
"""Notes read and archived at most per commit."""
_FADING = tuple(kind for kind in Kind if kind is not Kind.CORE)


async def fade(memory: Memory, *, now: datetime, run_id: str) -> int:
    """Archives notes with less strength left than `memory.archive_below` (`usage.strength_left`).

    Returns:
        Number of archived notes.
    """
    store, below, archived, after = memory.store, memory.archive_below, 0, None
    # Lower bound: half the shortest layer's days, without importance.
    soonest = timedelta(days=-log(below) * min(LAYER_DAYS.values()) / 2)
    where = NoteFilter(kinds=_FADING, until=now - soonest, namespaces_not=memory.evolve_off)
    while notes := await store.find(replace(where, after=after), limit=FADE_BATCH_NOTES):
        after, batch = notes[-1], Batch(store, notes)
        usage = await store.usage_of([note.note_id for note in notes])
        for note in notes:
            if (held := _held(note, usage.get(note.note_id), now)) < below:
                reason = f"{held:.3f} of it is held, less than {below:g}"
                batch.put(note, replace(note, state=State.ARCHIVED), FADE, reason)
        archived += (await batch.commit(now=now, run_id=run_id)).changed
    return archived


def _held(note: Note, known: Usage | None, now: datetime) -> float:
    since = max(known.recalled_at if known else told_at(note.note_id), told_at(note.note_id))
    if note.changed_by != SCHEDULER:
        since = max(since, note.known_from)
    return strength_left(strength_days=lasting_days(note, known), elapsed=now - since)
