"""`zettel backup` and `zettel restore`: a store's notes in one file, and back."""

import logging
import shutil
from collections.abc import Iterator, Sequence, Set
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from anyio import to_thread

from zettel.server.auth.token_store import (
    TOKENS_KEY,
    TOKENS_MAX,
    Tokens,
    dump_tokens,
    parse_tokens,
)
from zettel.server.auth.tokens import Token, check_token, revoked
from zettel.server.commands.output import (
    CLI_PRINCIPAL,
    UNRECORDED,
    Output,
    number_of,
    printable,
)
from zettel.server.config.settings import Settings
from zettel.server.engine.ipc.version import VERSION
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import installed_factories, open_with_model, opened_as_it_is
from zettel.server.runtime.leadership import new_run_id
from zettel.storage.backup.archive import BackupFile, checked
from zettel.storage.backup.create import BackupSummary, back_up, begin_record
from zettel.storage.backup.errors import BackupErasesError
from zettel.storage.backup.reader import examined
from zettel.storage.backup.restore import (
    OWN_NAME,
    RestoreSummary,
    carry_over,
    receipts_in,
    recorded,
    restore,
    would_erase,
)
from zettel.storage.backup.values import KeptValue, NamedValue, end_restore, keep_own
from zettel.storage.errors import InvalidArgumentError, StoreUnavailableError
from zettel.storage.lance.ledger_rows import share_receipt
from zettel.storage.lance.store import LanceStore
from zettel.storage.location import read_place
from zettel.storage.notes import Run
from zettel.storage.progress import ReportProgress
from zettel.tools.doctor.heal import heal
from zettel.tools.doctor.validity import problem_of
from zettel.tools.language.times import iso
from zettel.tools.state.memory import Memory
from zettel.tools.validation import check_namespace

logger = logging.getLogger(__name__)

RESTORE = "restore"
"""`Run.kind` of a restore."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupResult:
    """A finished backup and where it is."""

    file: Path
    made: BackupSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreResult:
    """A finished restore."""

    file: Path
    backup: BackupFile
    store: str
    namespace: str | None
    run_id: str
    done: RestoreSummary
    model: str
    """The store's embedding model."""
    tokens: int
    """Access tokens of the backup that had not been revoked."""
    with_tokens: bool
    """Whether they are in force; else they came back revoked."""


async def back_up_once(
    settings: Settings, file: Path, force: bool, tell: ReportProgress
) -> BackupResult:
    """Write a backup of a store, while other processes may use it.

    Raises:
        BackupError: The file exists, or cannot be written.
        StoreError: The store cannot be read.
    """
    async with opened_as_it_is(settings) as store:
        now = utc_now()
        made = await back_up(
            store.tables,
            file,
            force=force,
            run=begin_record(file.name, new_run_id(now, kind="backup"), CLI_PRINCIPAL, now),
            made_by=VERSION,
            clock=utc_now,
            tell=tell,
        )
    return BackupResult(file=file, made=made)


async def restore_once(
    settings: Settings,
    file: Path,
    namespace: str | None,
    tell: ReportProgress,
    *,
    with_tokens: bool = False,
) -> RestoreResult:
    """Restore a backup; every byte and every row of it is checked before anything is written.

    Args:
        settings: Name the store and its model, which may differ from the backup's.
        file: The backup, absolute.
        namespace: Takes all notes, in a store that may hold others; with `{}` in it, one for each
            of the backup's. None needs an empty store.
        tell: Called with the progress.
        with_tokens: Whether the backup's access tokens are to be in force again.

    Raises:
        InvalidArgumentError: Tokens are asked for, and a namespace is named.
        BackupError: The file is damaged or hostile, or the store has notes and no namespace is
            named.
        StoreError: The store or its model cannot be used.
    """
    check_restore(namespace, with_tokens=with_tokens)
    whole = await to_thread.run_sync(checked, file, tell)
    return await restore_checked(settings, whole, file, namespace, tell, with_tokens=with_tokens)


def check_restore(namespace: str | None, *, with_tokens: bool) -> None:
    """Check the arguments of a restore before any work.

    Raises:
        InvalidArgumentError: The namespace is none, or tokens are asked for beside one.
    """
    if namespace is not None:
        check_namespace(namespace.replace(OWN_NAME, "x", 1), "--into-namespace")
        if with_tokens:
            problem, remedy = "into a namespace no tokens are restored", "Leave one of them out."
            raise InvalidArgumentError("with-tokens", problem, remedy)


async def restore_checked(
    settings: Settings,
    whole: BackupFile,
    file: Path,
    namespace: str | None,
    tell: ReportProgress,
    *,
    with_tokens: bool,
) -> RestoreResult:
    """Restore a backup whose bytes were checked, as `restore_once`.

    `file` is what the person named, for messages and the record.
    """
    receipts = await to_thread.run_sync(receipts_in, whole)
    room = await to_thread.run_sync(_free_bytes, settings.store)
    backup = await to_thread.run_sync(
        lambda: examined(whole, problem_of=problem_of, room=room, tell=tell)
    )
    tokens = _TokenChoice(keeps=with_tokens, now=utc_now())
    factories = installed_factories(settings)
    found = await open_with_model(factories, await factories.make_embedder())
    store, embedder = found.store, found.embedder
    assert isinstance(store, LanceStore)
    try:
        ledger = store.tables.ledger
        if doomed := await would_erase(store.tables, ledger, receipts):
            raise BackupErasesError(file, doomed)
        begun = utc_now()

        async def take_over_erasures() -> None:
            await to_thread.run_sync(carry_over, ledger, receipts)
            for receipt in receipts:
                await share_receipt(store.tables, receipt)

        done = await restore(
            store.tables,
            backup,
            namespace=namespace,
            is_erased=recorded(ledger, receipts),
            tell=tell,
            kept_meta=tokens,
            before_writing=take_over_erasures,
        )
        run = _record(file, begun, done)
        await _settle(store, Memory(store=store, embedder=embedder), run, tell)
    finally:
        await store.close()
    return RestoreResult(
        file=file,
        backup=backup,
        store=store.place,
        namespace=namespace,
        run_id=run.run_id,
        done=done,
        model=embedder.model_id,
        tokens=tokens.live,
        with_tokens=with_tokens,
    )


class _TokenChoice:
    """Chooses among a backup's named values: its access tokens come back revoked, unless asked for.

    Not left out: a store that had tokens needs one of every caller, for good. Tokens that the store
    has of its own stay as they are.
    """

    def __init__(self, *, keeps: bool, now: datetime) -> None:
        self._keeps, self._now = keeps, now
        self.live = 0

    def __call__(self, of: NamedValue) -> KeptValue:
        """What becomes of a named value.

        Raises:
            ValueError: It is a list of tokens that Zettel could not have made.
        """
        if of.key != TOKENS_KEY:
            return keep_own(of)
        theirs, stored = self._checked(of.theirs), parse_tokens(of.stored)
        left = [token for raw in of.left for token in parse_tokens(raw)]
        put = {token.token_id for token in left}
        own = [token for token in stored if token.token_id not in put]
        back = tuple(self._back(theirs, own, _ended_since(stored, left)))
        tokens = (*back, *own)
        none = not tokens and of.theirs is None
        value = (None if of.left else of.stored) if none else dump_tokens(tokens)
        return KeptValue(value, dump_tokens(back) if back else None)

    def _checked(self, raw: str | None) -> Tokens:
        tokens = parse_tokens(raw)
        for token in tokens:
            check_token(token)
        live = [token for token in tokens if token.revoked_at is None]
        if len(live) > TOKENS_MAX or len({token.token_id for token in tokens}) < len(tokens):
            message = "there are too many access tokens, or two of one id"
            raise ValueError(message)
        self.live = len(live)
        return tokens

    def _back(self, theirs: Tokens, own: Sequence[Token], ended: Set[str]) -> Iterator[Token]:
        """The backup's tokens beside the store's own, whose names and ids stay theirs alone."""
        ids = {token.token_id for token in own}
        names = {token.name for token in own if token.revoked_at is None}
        for token in theirs:
            if token.token_id in ids:
                continue
            stays = self._keeps and token.token_id not in ended and len(names) < TOKENS_MAX
            if token.revoked_at or (stays and token.name not in names):
                names |= set() if token.revoked_at else {token.name}
                yield token
            else:
                yield revoked(token, self._now)


def _ended_since(stored: Tokens, left: Sequence[Token]) -> set[str]:
    """Ids of tokens that somebody revoked after restores that broke off had put them in force."""
    revoked_then = {token.token_id for token in left if token.revoked_at}
    then = {token.token_id for token in left} - revoked_then
    return {token.token_id for token in stored if token.revoked_at and token.token_id in then}


def _free_bytes(uri: str) -> int | None:
    """Free bytes where a store is or will be; None for a store that is no directory."""
    directory = read_place(uri).directory
    if directory is None:
        return None
    there = next(folder for folder in (directory, *directory.parents) if folder.exists())
    return shutil.disk_usage(there).free


def _record(file: Path, begun: datetime, done: RestoreSummary) -> Run:
    return Run(
        run_id=f"{new_run_id(begun, kind=RESTORE)}-{file.name}",
        kind=RESTORE,
        who=CLI_PRINCIPAL,
        started_at=begun,
        ended_at=begun,
        counts=asdict(done),
        outcome="done",
    )


async def _settle(store: LanceStore, memory: Memory, run: Run, tell: ReportProgress) -> None:
    """Record the restore, repair links to notes that were left out, and index the new notes.

    A full disk is only logged: everything is back, and a second restore would change nothing.
    """
    tell("indexing", 0, 0)
    try:
        await store.add_run(replace(run, ended_at=utc_now()))
        await end_restore(store.tables)
        await heal(memory, now=utc_now())
        await store.upkeep()
    except StoreUnavailableError as error:
        logger.warning(
            "All notes are back, but they are not indexed yet. Make room, then run"
            " zettel evolve --once. The cause: %s",
            error,
        )


def backup_output(backup: BackupResult) -> Output:
    """The printed result of a backup."""
    made, counts = backup.made, backup.made.manifest.counts
    text = (
        f"{backup.file}: {number_of(counts['notes'], 'note')},"
        f" {number_of(counts['revisions'], 'revision')}, {made.bytes:,} bytes. It holds their text;"
        " only you can read it."
    )
    if not made.recorded:
        text += f" {UNRECORDED}"
    data = {
        "file": str(backup.file),
        "backup_id": made.backup_id,
        "bytes": made.bytes,
        "recorded": made.recorded,
        "made_at": made.manifest.made_at,
        "embed_model": made.manifest.embed_model,
        "counts": dict(counts),
    }
    return Output(data, text)


def _why_unembedded(source: str, theirs: str, own: str) -> str:
    """Why notes came back without vectors, by the embedding models of backup and store."""
    if not theirs:
        return f"The {source} has no vectors"
    if theirs != own:
        return f"The {source}'s vectors are of {theirs}, the store's model is {own}"
    return "Vectors of words that were erased stayed out"


def _into(namespace: str | None) -> str:
    """Where the notes went; empty for their own namespaces."""
    if namespace and OWN_NAME in namespace:
        return f" into namespaces {namespace.replace(OWN_NAME, '*')!r}, one for each of its own,"
    return f" into namespace {namespace!r}" if namespace else ""


def restore_output(restored: RestoreResult, *, source: str = "backup") -> Output:
    """The printed result of a restore."""
    done, made = restored.done, restored.backup.manifest
    into = _into(restored.namespace)
    moment = iso(datetime.fromisoformat(made.made_at))
    lines = [
        f"{restored.store}: {number_of(done.notes, 'note')},"
        f" {number_of(done.revisions, 'revision')} came back{into} from the {source} of {moment}."
    ]
    if done.there and restored.namespace is None:
        lines = [
            f"{restored.store}: {number_of(done.there, 'note')} had come back from the {source} of"
            f" {moment} before an earlier restore broke off; what was left to do is done now."
        ]
    elif done.there:
        one = "note was there already and was left as it is."
        many = "notes were there already and were left as they are."
        lines.append(number_of(done.there, one, many))
    if done.renamed:
        one = "note got a new id: another note of the store has its own."
        many = "notes got new ids: other notes of the store have theirs."
        lines.append(number_of(done.renamed, one, many))
    if done.erased:
        one = "note stayed out, since it or a source of it was erased"
        many = "notes stayed out, since they or their sources were erased"
        stayed = number_of(done.erased, one, many)
        lines.append(
            f"{stayed}; what {number_of(done.cleaned, 'other')} held of that was taken out."
        )
    if done.unembedded:
        why = _why_unembedded(source, made.embed_model, restored.model)
        one = "note is found by its words until evolution has embedded it"
        many = "notes are found by their words until evolution has embedded them"
        found = number_of(done.unembedded, one, many)
        lines.append(f"{why}: {found} (zettel evolve --once does it now).")
    if restored.tokens and restored.with_tokens:
        tokens = number_of(restored.tokens, "access token is", "access tokens are")
        lines.append(f"{tokens} in force again: zettel token list.")
    elif restored.tokens:
        lines.append(
            f"{number_of(restored.tokens, 'access token')} came back revoked, so that nobody comes"
            " in by a file: make new ones (zettel token create), or restore into another --store"
            " with --with-tokens if you trust where the file has been."
        )
    data = {
        "file": str(restored.file),
        "backup_id": made.backup_id,
        "store": restored.store,
        "namespace": restored.namespace,
        "run_id": restored.run_id,
        "embed_model": restored.model,
        "counts": asdict(done),
        "tokens": {
            "restored": restored.tokens if restored.with_tokens else 0,
            "revoked": 0 if restored.with_tokens else restored.tokens,
        },
    }
    return Output(data, "\n".join(map(printable, lines)))
