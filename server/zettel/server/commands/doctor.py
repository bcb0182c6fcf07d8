"""`zettel doctor`: look at a store from every side, say what is wrong, and mend what can be."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from anyio import to_thread

from zettel.server.commands import doctor_host
from zettel.server.commands.progress import Tell
from zettel.server.config.settings import Settings
from zettel.server.engine.ipc.rendezvous import Rendezvous
from zettel.server.engine.ipc.store_path import one_spelling
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import HASH_MODEL, expanded
from zettel.server.runtime.leadership import is_gone
from zettel.storage.doctor.facts import FileFacts, StoreFacts
from zettel.storage.doctor.read import look_at_files, look_at_tables, lost_commits
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.repair import rewrite, single_keys
from zettel.storage.lance.store import LanceStore, open_as_it_is
from zettel.storage.location import check_there, read_place
from zettel.tools.changes.supersession import half_superseded
from zettel.tools.doctor import (
    file_checks,
    note_checks,
    work_checks,
)
from zettel.tools.doctor.finding import Check, Finding
from zettel.tools.doctor.heal import heal
from zettel.tools.erasure.orders import drain, pending_erasures, relapsed
from zettel.tools.evolve.lease import drop_expired, drop_gone
from zettel.tools.state.memory import Memory

SHUT = "not_examined"
CHECKS: tuple[Check, ...] = (
    note_checks.check_keys,
    note_checks.check_chains,
    note_checks.check_links,
    note_checks.check_vectors,
    file_checks.check_tables,
    work_checks.check_pending,
)
BY_REWRITING = (
    *(note_checks.TORN_TIMES, note_checks.SELF_LINKS, note_checks.ONE_SIDED_LINKS),
    *(note_checks.FOREIGN_VECTORS, note_checks.LOST_VECTORS),
)
"""Findings that `rewrite` mends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorReport:
    """What was found, and what of it is no more."""

    store: str
    findings: tuple[Finding, ...]
    mended: frozenset[str] = frozenset()
    """Names of findings that `--fix` has mended."""

    @property
    def is_clean(self) -> bool:
        """Whether no damage is left."""
        return all(f.name in self.mended or not f.is_damage for f in self.findings)


async def examine_once(settings: Settings, fix: bool, tell: Tell) -> DoctorReport:
    """Examine a store; with `fix` mend it, and examine it again.

    Raises:
        StoreError: There is no store, or it cannot be opened at all.
    """
    found = await _examined(settings, tell)
    if not fix or not found:
        return DoctorReport(store=settings.store, findings=tuple(found))
    await _mend(settings, found, tell)
    left = await _examined(settings, tell)
    names = {finding.name for finding in left}
    first = {finding.name for finding in found}
    # Behind a door that did not open there may have been more.
    late = [finding for finding in left if finding.name not in first]
    mended = frozenset(first - names)
    return DoctorReport(store=settings.store, findings=(*found, *late), mended=mended)


async def _examined(settings: Settings, tell: Tell) -> list[Finding]:
    place = read_place(settings.store)
    await to_thread.run_sync(check_there, place)
    tell("looking at files", 0, 0)
    found, seen = list[Finding](), FileFacts()
    if place.directory is not None:
        directory = place.directory
        seen = await to_thread.run_sync(look_at_files, directory)
        found += file_checks.check_files(seen)
        found += await to_thread.run_sync(doctor_host.check_permissions, directory)
        found += await to_thread.run_sync(doctor_host.check_disk, directory)
    where = Rendezvous(one_spelling(settings.store))
    found += await to_thread.run_sync(doctor_host.check_engine, where)
    model = ""
    if seen.keeps_shut:
        found.append(_shut())
    else:
        store = await open_as_it_is(settings.store, erasures=expanded(settings.erasures))
        try:
            tell("looking at tables", 0, 0)
            seen_inside = await _seen(store)
            model = seen_inside.model_id
            found += [finding for check in CHECKS for finding in check(seen_inside)]
            found += work_checks.check_lease(seen_inside, now=utc_now(), is_gone=is_gone)
        finally:
            await store.close()
    if settings.model == HASH_MODEL:
        found += doctor_host.check_model_id(HashEmbedder().model_id, model)
    else:
        found += await doctor_host.check_model(settings.model, model)
    if place.directory is None:
        tell("probing the object store", 0, 0)
        found += file_checks.check_commits(await lost_commits(place))
    return found


def _shut() -> Finding:
    return Finding(
        name=SHUT,
        count=1,
        means="What is inside the tables was not examined: to open them is to mend them first.",
        fix="Opens them, and examines the rest.",
    )


async def _seen(store: LanceStore) -> StoreFacts:
    """All that the checks look at."""
    checkup = await look_at_tables(store.tables)
    return replace(
        checkup,
        half_superseded=tuple(await half_superseded(store)),
        erasures_due=await pending_erasures(store),
        relapsed=tuple(await relapsed(store)),
    )


async def _mend(settings: Settings, found: Sequence[Finding], tell: Tell) -> None:
    """Do what the findings said; opening the store mends its files."""
    names = {finding.name for finding in found}
    place = read_place(settings.store)
    if place.directory is not None and doctor_host.OPEN_PERMISSIONS in names:
        await to_thread.run_sync(doctor_host.close_to_others, place.directory)
    if doctor_host.DEAD_ENGINE in names:
        where = Rendezvous(one_spelling(settings.store))
        await to_thread.run_sync(doctor_host.remove_traces, where)
    tell("mending", 0, 0)
    store = await open_as_it_is(settings.store, erasures=expanded(settings.erasures))
    try:
        await _mend_tables(store, names)
    finally:
        await store.close()


async def _mend_tables(store: LanceStore, names: set[str]) -> None:
    """Mend what is inside, the rows first: healing reads them."""
    now, inside = utc_now(), store.tables
    if note_checks.DOUBLED_KEYS in names:
        for table in inside.all()[1:]:
            await single_keys(table)
    if work_checks.STALE_LEASE in names and not await drop_expired(store, now):
        await drop_gone(store, is_gone)
    # Nothing of it embeds: no model is needed to mend a store.
    memory = Memory(store=store, embedder=HashEmbedder())
    await heal(memory, now=now)
    if work_checks.PENDING_ERASURES in names:
        await drain(memory, now=now)
    if names & {*BY_REWRITING, SHUT}:
        await rewrite(inside, _to_rewrite(await _seen(store)), other_model=True, now=now)
    if names & {file_checks.MISSING_INDICES, SHUT}:
        seen = await look_at_tables(inside)
        if not all(index.there for index in seen.indices):
            await inside.notes.build_indices()
    await store.upkeep()


def _to_rewrite(seen: StoreFacts) -> list[str]:
    """Ids of the notes whose rows contradict themselves."""
    ids = list[str]()
    for check in (note_checks.torn, note_checks.crooked, note_checks.wrong):
        ids += check(seen)
    return sorted(set(ids))


def as_json(examination: DoctorReport) -> str:
    """The examination as one JSON object."""
    return json.dumps(
        {
            "store": examination.store,
            "clean": examination.is_clean,
            "findings": [_record(finding, examination) for finding in examination.findings],
        },
        ensure_ascii=False,
    )


def _record(finding: Finding, examination: DoctorReport) -> Mapping[str, object]:
    return {
        "name": finding.name,
        "damage": finding.is_damage,
        "count": finding.count,
        "means": finding.means,
        "fix": finding.fix or None,
        "advice": finding.advice or None,
        "examples": list(finding.examples),
        "mended": finding.name in examination.mended,
    }


def as_text(examination: DoctorReport) -> str:
    """The examination for a person."""
    if not examination.findings:
        return f"{examination.store}: nothing is wrong."
    blocks = [_block(finding, examination) for finding in examination.findings]
    left = sum(f.is_damage and f.name not in examination.mended for f in examination.findings)
    head = (
        "no damage" if not left else f"{left} kinds of damage" if left > 1 else "1 kind of damage"
    )
    return "\n\n".join((*blocks, f"{examination.store}: {head} left."))


def _block(finding: Finding, examination: DoctorReport) -> str:
    mended = finding.name in examination.mended
    mark = "mended" if mended else "damage" if finding.is_damage else "note"
    lines = [f"{mark}: {finding.name} ({finding.count})", f"  {finding.means}"]
    if finding.examples:
        lines.append(f"  e.g. {', '.join(finding.examples)}")
    if finding.fix and not mended:
        lines.append(f"  --fix: {finding.fix}")
    if finding.advice:
        lines.append(f"  You: {finding.advice}")
    return "\n".join(lines)
