"""`zettel doctor`: examine a store and its place, report what is wrong, and repair what can be."""

import os
import shutil
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from anyio import to_thread

from zettel.server.auth.token_store import TOKENS_KEY, parse_tokens
from zettel.server.auth.tokens import Token, check_token
from zettel.server.commands.output import Output, printable
from zettel.server.config.permissions import (
    mode_of,
    open_paths,
    private_paths,
)
from zettel.server.config.preflight.checks import DISK_MIN_FREE_BYTES, unwritable
from zettel.server.config.settings import Settings, unconfirmed
from zettel.server.engine.ipc.connect import RefusedError, dial
from zettel.server.engine.ipc.file_lock import is_locked, try_lock
from zettel.server.engine.ipc.handshake import request
from zettel.server.engine.ipc.rendezvous import SOCKET, Rendezvous, UnattachableError
from zettel.server.engine.ipc.store_path import one_spelling
from zettel.server.engine.ipc.version import VERSION
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import HASH_MODEL, opened_as_it_is
from zettel.server.runtime.leadership import is_gone
from zettel.storage.doctor.facts import FileFacts, StoreFacts
from zettel.storage.doctor.read import (
    find_invalid,
    look_at_files,
    look_at_tables,
)
from zettel.storage.embedding.backends import Backend, check_runnable, make_embedder
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.embedding.model_files import check_weights, find_model, find_model_of
from zettel.storage.errors import (
    InvalidArgumentError,
    ModelUnavailableError,
    StoreUnavailableError,
)
from zettel.storage.ids import is_id
from zettel.storage.lance.files import disk_bytes
from zettel.storage.lance.probe import lost_commits
from zettel.storage.lance.reembed import read_record
from zettel.storage.lance.repair import rewrite, single_keys
from zettel.storage.lance.store import LanceStore
from zettel.storage.location import check_there, read_place
from zettel.storage.notes import Note
from zettel.storage.progress import ReportProgress
from zettel.tools.changes.supersession import half_superseded
from zettel.tools.doctor import checks
from zettel.tools.doctor.checks import Finding, found
from zettel.tools.doctor.heal import heal
from zettel.tools.doctor.validity import problem_of
from zettel.tools.erasure.orders import drain, pending_erasures, relapsed
from zettel.tools.evolve.lease import drop_expired, drop_gone
from zettel.tools.state.memory import Memory

OPEN_PERMISSIONS = "open_permissions"
FOREIGN_FILES = "foreign_files"
UNWRITABLE = "unwritable"
LOW_DISK = "low_disk"
DEAD_ENGINE = "dead_engine"
MUTE_ENGINE = "mute_engine"
OTHER_ENGINE = "other_engine"
FOREIGN_TOKENS = "foreign_tokens"
MODEL_MISSING = "model_unusable"
OTHER_MODEL = "other_model"

NOT_EXAMINED = "not_examined"
UNCONFIRMED = "unconfirmed_settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorReport:
    """The findings, and which of them were repaired."""

    store: str
    findings: tuple[Finding, ...]
    mended: frozenset[str] = frozenset()
    """Names of the findings that `--fix` has repaired."""

    @property
    def is_clean(self) -> bool:
        """Whether no damage is left."""
        return all(f.name in self.mended or not f.is_damage for f in self.findings)


async def examine_once(settings: Settings, fix: bool, progress: ReportProgress) -> DoctorReport:
    """Examine a store; with `fix` repair it and examine it again.

    Raises:
        StoreError: The store does not exist or cannot be opened.
    """
    findings = await _examined(settings, progress)
    if not fix or not findings:
        return DoctorReport(store=settings.store, findings=tuple(findings))
    await _mend(settings, findings, progress)
    left = await _examined(settings, progress)
    names = {finding.name for finding in left}
    first = {finding.name for finding in findings}
    # Checks skipped because the store could not be opened may find more.
    late = [finding for finding in left if finding.name not in first]
    mended = frozenset(first - names)
    return DoctorReport(store=settings.store, findings=(*findings, *late), mended=mended)


async def _examined(settings: Settings, progress: ReportProgress) -> list[Finding]:
    place = read_place(settings.store)
    await to_thread.run_sync(check_there, place)
    progress("looking at files", 0, 0)
    findings, seen = check_confirmed(settings), FileFacts()
    if place.directory is not None:
        directory = place.directory
        seen = await look_at_files(place)
        findings += [finding for check in checks.FILE_CHECKS for finding in check.run(seen)]
        findings += await to_thread.run_sync(check_writable, settings)
        findings += await to_thread.run_sync(check_permissions, directory)
        findings += await to_thread.run_sync(check_disk, directory)
    where = Rendezvous(one_spelling(settings.store))
    findings += await to_thread.run_sync(check_engine, where)
    model = begun = ""
    if seen.keeps_shut:
        findings.append(_not_examined())
    else:
        async with opened_as_it_is(settings) as store:
            progress("looking at tables", 0, 0)
            seen_inside = await _read_facts(store)
            model = seen_inside.model_id
            begun = await _begun_model(store)
            findings += [f for check in checks.CHECKS for f in check.run(seen_inside)]
            findings += check_tokens(seen_inside.meta.get(TOKENS_KEY))
            findings += checks.check_lease(seen_inside, now=utc_now(), is_gone=is_gone)
    takes_own = "model" not in settings.model_fields_set and await _is_here(model)
    if settings.model == HASH_MODEL:
        findings += check_model_id(HashEmbedder().model_id, model, takes_own=takes_own, begun=begun)
    else:
        progress("loading the embedding model", 0, 0)
        unusable = await check_model(
            settings.model, model, settings.embed_backend, takes_own=takes_own, begun=begun
        )
        if any(finding.name == MODEL_MISSING for finding in unusable):
            findings = [checks.without_model(finding) for finding in findings]
        findings += unusable
    if place.is_cloud:
        findings += checks.cloud_limits()
    if place.is_object_store:
        progress("probing the object store", 0, 0)
        findings += checks.check_commits(await lost_commits(place))
    return findings


def check_confirmed(settings: Settings) -> list[Finding]:
    """Whether settings of the store's own file do not count."""
    return [
        Finding(name=UNCONFIRMED, count=1, means=warning, is_damage=False)
        for warning in unconfirmed(settings)
    ]


async def _begun_model(store: LanceStore) -> str:
    """The model of a re-embedding in progress; empty without one."""
    with suppress(StoreUnavailableError):
        if record := await read_record(store.tables):
            return record.model_id
    return ""


def _not_examined() -> Finding:
    return Finding(
        name=NOT_EXAMINED,
        count=1,
        means="The tables were not examined: opening them mends them first.",
        fix="Opens them, and examines the rest.",
    )


async def _read_facts(store: LanceStore) -> StoreFacts:
    """The facts that the checks read."""
    checkup = await look_at_tables(store.tables)
    return replace(
        checkup,
        invalid=await find_invalid(store.tables, _problem_of),
        half_superseded=tuple(await half_superseded(store, now=utc_now())),
        erasures_due=await pending_erasures(store),
        relapsed=tuple(await relapsed(store)),
    )


def _problem_of(note: Note) -> str:
    """What is wrong with a row, but for its id: that is a finding of its own."""
    return problem_of(note) if is_id(note.note_id) else ""


def check_tokens(raw: str | None) -> Sequence[Finding]:
    """Access tokens that `zettel token` could not have made."""
    try:
        bad = [token.name for token in parse_tokens(raw) if not _is_sound(token)]
    except ValueError:
        bad = ["none of them can be read"]
    return found(
        FOREIGN_TOKENS,
        bad,
        "The store has access tokens that Zettel did not make: another program wrote them.",
        advice="zettel token list; revoke those that you do not know, and look at who can write"
        " the store's files.",
    )


def _is_sound(token: Token) -> bool:
    try:
        check_token(token)
    except InvalidArgumentError:
        return False
    return True


async def _mend(settings: Settings, findings: Sequence[Finding], progress: ReportProgress) -> None:
    """Repair what the findings name; opening the store repairs its files."""
    names = {finding.name for finding in findings}
    place = read_place(settings.store)
    if place.directory is not None and OPEN_PERMISSIONS in names:
        await to_thread.run_sync(close_to_others, place.directory)
    if DEAD_ENGINE in names:
        where = Rendezvous(one_spelling(settings.store))
        await to_thread.run_sync(remove_traces, where)
    progress("mending", 0, 0)
    async with opened_as_it_is(settings) as store:
        await _mend_tables(store, names)


async def _mend_tables(store: LanceStore, names: set[str]) -> None:
    """Repair the tables: the rows first, since healing reads them."""
    now, inside = utc_now(), store.tables
    if checks.DOUBLED_KEYS in names:
        for table in inside.all()[1:]:
            await single_keys(table)
    if checks.STALE_LEASE in names and not await drop_expired(store, now):
        await drop_gone(store, is_gone)
    # Repairs embed nothing, so they need no model.
    memory = Memory(store=store, embedder=HashEmbedder())
    await heal(memory, now=now)
    if checks.PENDING_ERASURES in names:
        await drain(memory, now=now)
    if names & {*checks.BY_REWRITING, NOT_EXAMINED}:
        ids = checks.notes_to_rewrite(await _read_facts(store))
        await rewrite(inside, ids, now=now)
    if names & {checks.MISSING_INDICES, NOT_EXAMINED}:
        seen = await look_at_tables(inside)
        if not all(index.there for index in seen.indices):
            await inside.notes.build_indices()
    await store.upkeep()


def doctor_output(report: DoctorReport) -> Output:
    """The printed report."""
    data = {
        "store": report.store,
        "clean": report.is_clean,
        "findings": [_finding_data(finding, report) for finding in report.findings],
    }
    if not report.findings:
        return Output(data, f"{report.store}: nothing is wrong.")
    blocks = [_finding_text(finding, report) for finding in report.findings]
    left = sum(f.is_damage and f.name not in report.mended for f in report.findings)
    damage = f"{left or 'no'} {'kinds of ' if left > 1 else 'kind of ' if left else ''}damage"
    return Output(data, "\n\n".join((*blocks, f"{report.store}: {damage} left.")))


def _finding_data(finding: Finding, report: DoctorReport) -> Mapping[str, object]:
    return {
        "name": finding.name,
        "damage": finding.is_damage,
        "count": finding.count,
        "means": finding.means,
        "fix": finding.fix or None,
        "advice": finding.advice or None,
        "examples": finding.examples,
        "mended": finding.name in report.mended,
    }


def _finding_text(finding: Finding, report: DoctorReport) -> str:
    mended = finding.name in report.mended
    mark = "mended" if mended else "damage" if finding.is_damage else "note"
    lines = [f"{mark}: {finding.name} ({finding.count})", f"  {finding.means}"]
    if finding.examples:
        lines.append(f"  e.g. {', '.join(finding.examples)}")
    if finding.fix and not mended:
        lines.append(f"  --fix: {finding.fix}")
    if finding.advice:
        lines.append(f"  You: {finding.advice}")
    return "\n".join(map(printable, lines))


def check_writable(settings: Settings) -> Sequence[Finding]:
    """Directories of a store on this machine that this user cannot write."""
    said = unwritable(settings)
    return found(
        UNWRITABLE,
        len(said),
        " ".join((*said, "Calls that write there fail; what is stored can be read.")),
        advice="Make it writable for this user (chmod -R u+w, a disk mounted with rw), or name"
        " another directory.",
    )


def check_permissions(directory: Path) -> Sequence[Finding]:
    """Files that other users can read, and files of other users."""
    foreign = [
        path
        for path in (directory, *directory.glob("*"), *directory.glob("*.lance/*"))
        if hasattr(os, "getuid") and path.lstat().st_uid != os.getuid()
    ]
    return [
        *found(
            OPEN_PERMISSIONS,
            [f"{path.name}: {mode_of(path):04o}" for path in open_paths(directory)],
            "Other users of this machine can read the notes, or the settings beside them.",
            fix="Closes the directories (0700) and files (0600) to all other users.",
        ),
        *found(
            FOREIGN_FILES,
            [path.name for path in foreign],
            "Files of the store belong to another user: writing or healing it may fail.",
            advice=f"sudo chown -R $(id -un) {directory}",
        ),
    ]


def close_to_others(directory: Path) -> None:
    """Remove every permission of other users from the store and the files beside it."""
    for path in private_paths(directory):
        with suppress(OSError):
            path.chmod(mode_of(path) & stat.S_IRWXU)


def check_disk(directory: Path) -> Sequence[Finding]:
    """Too little free disk for the store to grow and be compacted."""
    free, size = shutil.disk_usage(directory).free, disk_bytes(directory)
    least = max(DISK_MIN_FREE_BYTES, size)
    if free >= least:
        return []
    return [
        Finding(
            name=LOW_DISK,
            count=1,
            means=f"{free:,} bytes are free; the store has {size:,} and needs as many again to be"
            " compacted. When they run out, nothing can be remembered.",
            advice=f"Free {least - free:,} bytes, or move the store to a larger disk.",
        )
    ]


def check_engine(place: Rendezvous) -> Sequence[Finding]:
    """Files of an engine that died; an engine that does not answer or has another version."""
    if not is_locked(place.lock):
        left = [path for path in _traces(place) if os.path.lexists(path)]
        return found(
            DEAD_ENGINE,
            [os.path.basename(path) for path in left],
            "An engine died and left its socket or record; the next client starts another one"
            " all the same.",
            fix="Removes them.",
        )
    who = f"(process {place.read_record().get('pid', 'unknown')})"
    try:
        line = dial(place, request(place.store, "status"))
    except RefusedError:
        line = None
    except UnattachableError as error:
        return [_unreachable_engine(str(error))]
    if line is None:
        return [_unreachable_engine(f"its engine {who} does not answer")]
    line.sock.close()
    version = line.answer.get("version")
    if version == VERSION:
        return []
    return [
        Finding(
            name=OTHER_ENGINE,
            count=1,
            means=f"The engine {who} runs zettel {version}, this is {VERSION}; the next client"
            " of a newer version replaces it.",
            advice="zettel stop ends it now.",
            is_damage=False,
        )
    ]


def _unreachable_engine(problem: str) -> Finding:
    return Finding(
        name=MUTE_ENGINE,
        count=1,
        means=f"Clients wait for the store: {problem}.",
        advice="zettel stop; if that does not help, end its process.",
    )


def remove_traces(place: Rendezvous) -> None:
    """Remove the files of a dead engine, unless another one has started meanwhile."""
    lock = try_lock(place.lock)
    if lock is None:
        return
    try:
        for path in _traces(place):
            with suppress(OSError):
                os.unlink(path)
    finally:
        os.close(lock)


async def _is_here(model_id: str) -> bool:
    """Whether the model that made a store's vectors is on this machine."""
    return model_id == HashEmbedder().model_id or await find_model_of(model_id) is not None


async def check_model(
    name: str, of_store: str, backend: Backend, *, takes_own: bool, begun: str
) -> Sequence[Finding]:
    """A configured model that cannot be loaded, or is not the one of the store's vectors.

    `of_store` is the name and fingerprint that the store records, `begun` that of a re-embedding in
    progress; empty if unknown or none.
    """
    advice = "Do that, then run zettel doctor again: until then notes are found by words alone."
    try:
        files = await find_model(name)
        await to_thread.run_sync(check_weights, files)
        await to_thread.run_sync(check_runnable, files, backend)
        # Only a text that is embedded reads all of the model's files.
        await make_embedder(files, backend, device="cpu").embed_notes(["A note."])
    except ModelUnavailableError as error:
        return [Finding(name=MODEL_MISSING, count=1, means=str(error), advice=advice)]
    return check_model_id(files.model_id, of_store, takes_own=takes_own, begun=begun)


def check_model_id(
    model_id: str, of_store: str, *, takes_own: bool, begun: str
) -> Sequence[Finding]:
    """A configured model that is not the one of the store's vectors.

    It is no damage where servers take the store's own: no setting names a model. Nothing is found
    while the vectors are being made with it: that is a finding of its own.
    """
    if of_store in ("", model_id) or model_id == begun:
        return []
    if takes_own:
        return [
            Finding(
                name=OTHER_MODEL,
                count=1,
                means=f"The store's vectors are of {of_store}, the default is {model_id}: servers"
                " go on with the store's own, since no setting names a model.",
                advice="zettel reembed makes them with the default, and tells the cost first.",
                is_damage=False,
            )
        ]
    return [
        Finding(
            name=OTHER_MODEL,
            count=1,
            means=f"The store's vectors are of {of_store}, the settings say {model_id}: a server"
            " makes them anew if the settings name that model, and else takes the store's own.",
            advice="zettel reembed makes them now, and tells the cost first; or set ZETTEL_MODEL to"
            " the model they are of.",
        )
    ]


def _traces(place: Rendezvous) -> list[str]:
    return [place.record, os.path.join(place.folder, SOCKET)]
