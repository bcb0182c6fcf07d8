"""`zettel audit`: who did what to which note, and when; without note text unless `--text`."""

from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from zettel.server.auth.token_store import Tokens, read_tokens
from zettel.server.commands.output import Output, Say, printable
from zettel.server.config.settings import Settings
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import opened_as_it_is
from zettel.storage.erasable import Receipt
from zettel.storage.lance.audit import AuditFilter, AuditRevision, revisions, runs
from zettel.storage.lance.store import LanceStore
from zettel.storage.notes import Run
from zettel.tools.caller import LOCAL, actor
from zettel.tools.erasure.orders import ERASE
from zettel.tools.language.dates import read_time
from zettel.tools.language.times import exactly, iso
from zettel.tools.render import LINE_MAX_CHARACTERS, shorten
from zettel.tools.validation import check_namespace
from zettel.tools.views.short_ids import read_typed_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """The events to print."""

    principal: str = ""
    looked: AuditFilter = field(default_factory=AuditFilter)
    limit: int = 0
    """Events at most; 0 for all."""
    with_text: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One action on notes or tokens."""

    at: datetime
    principal: str
    """A token's name, `local`, `scheduler` or `zettel`."""
    client: str = ""
    did: str
    """The name of a tool, step or run, `token create` or `token revoke`."""
    note_id: str = ""
    rev: int = 0
    """The revision it made; 0 if none."""
    token: str = ""
    """The name of the token made or revoked."""
    namespace: str = ""
    run_id: str = ""
    told: str = ""
    """Counts and outcome."""
    reason: str = ""
    content: str = ""


def read_query(
    *,
    principal: str | None,
    since: str | None,
    until: str | None,
    note_id: str | None,
    namespace: str | None,
    limit: int,
    with_text: bool,
) -> AuditQuery:
    """Parse the options of the command line.

    Raises:
        InvalidArgumentError: A time cannot be read, or the namespace's name is invalid.
    """
    now = utc_now()
    first, last = (
        read_time(name, said, now) for name, said in (("since", since), ("until", until))
    )
    looked = AuditFilter(
        since=first.start if first else None,
        until=last.last if last else None,
        note_id=note_id or "",
        namespace=check_namespace(namespace, "--namespace") if namespace else "",
    )
    return AuditQuery(principal=principal or "", looked=looked, limit=limit, with_text=with_text)


async def print_audit(settings: Settings, query: AuditQuery, say: Say) -> None:
    """Print the events, newest first, one at a time; other processes may use the store.

    Raises:
        StoreError: The store does not exist or cannot be read.
        NoteNotFoundError: The id fits no note.
        InvalidArgumentError: It fits several, or is too short.
    """
    async with opened_as_it_is(settings) as store:
        if typed := query.looked.note_id:
            [note_id] = await read_typed_ids(store, [typed])
            query = replace(query, looked=replace(query.looked, note_id=note_id))
        printed = 0
        async with aclosing(events(store, query)) as found:
            async for event in found:
                say(_event_output(event))
                printed += 1
                if printed == query.limit:
                    return


async def events(store: LanceStore, query: AuditQuery) -> AsyncGenerator[AuditEvent]:
    """The events that match the query, newest first; one page in memory."""
    looked, tables = query.looked, store.tables
    # The ledger's copy also holds receipts of other stores.
    salt, known = tables.ledger.salt, await store.receipts()
    receipts = [receipt for receipt in known if receipt.salt == salt]
    streams = [_of_revisions(revisions(tables, looked, with_text=query.with_text))]
    if looked.note_id:
        erased = (await store.erased([looked.note_id])).values()
        ids = {erasure.receipt_id for erasure in erased}
        receipts = [receipt for receipt in known if receipt.receipt_id in ids]
    if not looked.namespace:
        streams.append(_newest_first(map(_of_receipt, receipts)))
    if not looked.note_id:
        tokens = await read_tokens(store)
        streams.append(_newest_first(_of_tokens(tokens, looked.namespace)))
    if not looked.note_id and not looked.namespace:
        streams.append(_of_runs(runs(tables, looked)))
    async for event in _merged(streams):
        if _matches(event, query):
            yield event


def _matches(event: AuditEvent, query: AuditQuery) -> bool:
    looked = query.looked
    return (
        (not looked.since or event.at >= looked.since)
        and (not looked.until or event.at <= looked.until)
        and (not query.principal or query.principal in (event.principal, event.token))
    )


async def _merged(streams: Sequence[AsyncGenerator[AuditEvent]]) -> AsyncGenerator[AuditEvent]:
    """Merge streams, each newest first, into one."""
    heads = [await anext(stream, None) for stream in streams]
    while there := [(head.at, at) for at, head in enumerate(heads) if head]:
        _, at = max(there)
        head = heads[at]
        assert head is not None
        yield head
        heads[at] = await anext(streams[at], None)


async def _of_revisions(found: AsyncGenerator[AuditRevision]) -> AsyncGenerator[AuditEvent]:
    async for revision in found:
        principal, client = actor(revision.changed_by)
        yield AuditEvent(
            at=revision.made_at,
            principal=revision.told_by or principal,
            client=client,
            did=revision.change,
            note_id=revision.note_id,
            rev=revision.rev,
            namespace=revision.namespace,
            run_id=revision.run_id,
            reason=revision.reason,
            content=revision.content,
        )


async def _of_runs(found: AsyncGenerator[Run]) -> AsyncGenerator[AuditEvent]:
    async for run in found:
        if run.kind == ERASE:
            # Its receipt is an event of its own.
            continue
        principal, client = actor(run.who)
        counts = [f"{name} {count}" for name, count in run.counts.items() if count]
        yield AuditEvent(
            at=run.started_at,
            principal=principal,
            client=client,
            did=run.kind,
            run_id=run.run_id,
            told=", ".join((run.outcome, *counts)),
        )


def _of_receipt(receipt: Receipt) -> AuditEvent:
    principal, client = actor(receipt.who)
    gone = f"gone {iso(receipt.physical_at)}" if receipt.physical_at else "not finished"
    return AuditEvent(
        at=receipt.ordered_at,
        principal=principal,
        client=client,
        did=ERASE,
        run_id=receipt.receipt_id,
        told=f"{receipt.scope}, notes {receipt.notes}, {gone}",
    )


def _of_tokens(tokens: Tokens, namespace: str) -> Iterator[AuditEvent]:
    for token in tokens:
        if namespace and namespace not in token.reach.reads:
            continue
        where = "/metrics" if token.metrics else ", ".join(token.namespaces)
        for did, at in (("token create", token.made_at), ("token revoke", token.revoked_at)):
            if at is not None:
                yield AuditEvent(at=at, principal=LOCAL, did=did, token=token.name, told=where)


async def _newest_first(events: Iterable[AuditEvent]) -> AsyncGenerator[AuditEvent]:
    for event in sorted(events, key=lambda event: event.at, reverse=True):
        yield event


def _event_output(event: AuditEvent) -> Output:
    fields = {name: value for name, value in asdict(event).items() if value not in ("", 0)}
    who = f"{event.principal} ({event.client})" if event.client else event.principal
    revision = f"{event.note_id}@{event.rev}" if event.rev else ""
    parts = (revision, event.token, event.namespace, event.run_id, event.told)
    lines = ["  ".join((iso(event.at), who, event.did, *filter(None, parts)))]
    if event.reason.strip():
        lines.append(f"  why: {event.reason}")
    if content := " ".join(event.content.split()):
        lines.append(f"  {shorten(content, LINE_MAX_CHARACTERS)}")
    return Output(fields | {"at": exactly(event.at)}, "\n".join(map(printable, lines)))
