"""Every revision and run of a store for the audit log, newest first, page by page."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zettel.storage.lance.predicates import all_of, equals, text_literal, time_literal
from zettel.storage.lance.rows import utc
from zettel.storage.lance.side_tables import read_runs
from zettel.storage.lance.table import LanceTable, Tables
from zettel.storage.notes import EVOLUTION, Run

AUDIT_PAGE_ROWS = 2_000
"""Rows per read: some 0.5 MB without text."""

_COLUMNS = ("row_id", "note_id", "rev", "namespace", "known_from", "change", "changed_by", "run_id")
_TEXTS = ("content", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRevision:
    """A revision without its text."""

    note_id: str
    rev: int
    namespace: str
    made_at: datetime
    """When it became known: UTC, timezone-aware."""
    change: str
    changed_by: str
    told_by: str
    """Principal who wrote the note; empty where that says nothing of this revision."""
    run_id: str
    content: str = ""
    reason: str = ""
    """Both empty unless text was requested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Selects revisions: every given condition must hold."""

    since: datetime | None = None
    until: datetime | None = None
    """`since <= made_at <= until`."""
    note_id: str = ""
    namespace: str = ""

    def times(self, column: str) -> str:
        """The condition on a time column."""
        return all_of(
            f"{column} >= {time_literal(self.since)}" if self.since else "",
            f"{column} <= {time_literal(self.until)}" if self.until else "",
        )


async def revisions(
    tables: Tables, looked: AuditFilter, *, with_text: bool = False
) -> AsyncGenerator[AuditRevision]:
    """Revisions, newest first, without those made after the first page was read."""
    where = all_of(
        looked.times("known_from"),
        equals("note_id", looked.note_id) if looked.note_id else "",
        equals("namespace", looked.namespace) if looked.namespace else "",
    )
    columns = (*_COLUMNS, "origin", *(_TEXTS if with_text else ()))
    async for row in _rows(tables.notes, columns, where, "known_from"):
        origin = row["origin"] or {}
        told = row["rev"] == 1 and origin.get("transport") != EVOLUTION
        yield AuditRevision(
            note_id=row["note_id"],
            rev=row["rev"],
            namespace=row["namespace"],
            made_at=utc(row["known_from"]),
            change=row["change"],
            changed_by=row["changed_by"],
            told_by=(origin.get("principal") or "") if told else "",
            run_id=row["run_id"],
            content=row.get("content", ""),
            reason=row.get("reason", ""),
        )


async def runs(tables: Tables, looked: AuditFilter) -> AsyncGenerator[Run]:
    """Runs by start time, newest first."""
    columns = tables.runs.spec.schema.names
    async for row in _rows(tables.runs, columns, looked.times("started_at"), "started_at"):
        for run in read_runs([dict(row)]):
            yield run


async def _rows(
    table: LanceTable, columns: Sequence[str], where: str, moment: str
) -> AsyncGenerator[Mapping[str, Any]]:  # rows of the table's own columns
    """Rows by a time column and the key, descending."""
    key, beyond = table.spec.key, ""
    while True:
        page = await table.select(
            columns,
            where=all_of(where, beyond),
            order=(moment, key),
            descending=True,
            limit=AUDIT_PAGE_ROWS,
        )
        rows = page.to_pylist()
        for row in rows:
            yield row
        if len(rows) < AUDIT_PAGE_ROWS:
            return
        last, name = time_literal(utc(rows[-1][moment])), text_literal(rows[-1][key])
        beyond = f"{moment} < {last} OR ({moment} = {last} AND {key} < {name})"
