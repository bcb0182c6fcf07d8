"""A double of LanceDB Cloud: what its real client sends, carried out on tables in a directory.

It speaks as much of the protocol as `lancedb` 0.40's client uses for a store. Like the Cloud it
takes no declared keys and compacts by itself; like its older servers it does not say how many rows
a write touched. It answers at once: nothing is tested of the Cloud's own speed and limits.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false
# (lancedb, pylance and pyarrow ship few types)

import json
import socket
import socketserver
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import lancedb
import pyarrow as pa
from anyio.from_thread import BlockingPortal, start_blocking_portal
from lance.schema import schema_to_json
from lancedb import AsyncConnection, AsyncTable
from lancedb.index import Bitmap, BTree, LabelList
from lancedb.query import ColumnOrdering, MatchQuery
from pydantic import BaseModel

from zettel.storage.lance.schema import text_index

KEY = "key-of-tests"
ARROW_FILE = "application/vnd.apache.arrow.file"
MAX_ROWS = 2**31 - 1
INDEX_KINDS = {"BTREE": BTree, "BITMAP": Bitmap, "LABEL_LIST": LabelList, "FTS": text_index}


class Read(BaseModel):
    """What every request about a table may say."""

    version: int | None = None
    """The version to read; the newest without it."""


class Words(BaseModel):
    """A full-text query of one column."""

    query: str
    columns: list[str]


class Order(BaseModel):
    """A column to sort by."""

    column_name: str
    ascending: bool
    nulls_first: bool


class Query(BaseModel):
    """A search, or a read of rows."""

    k: int
    vector: list[float]
    vector_column: str | None = None
    distance_type: Literal["l2", "cosine", "dot"] = "l2"
    bypass_vector_index: bool = False
    full_text_query: Words | None = None
    filter: str | None = None
    columns: list[str] | dict[str, str] | None = None
    order_by: list[Order] = []
    offset: int = 0
    with_row_id: bool = False


class Condition(BaseModel):
    """What a count, a change or a deletion applies to."""

    predicate: str | None = None
    updates: list[tuple[str, str]] = []


class Index(BaseModel):
    """An index to build."""

    column: str
    index_type: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is sent back."""

    status: int = 200
    body: bytes = b"{}"
    kind: str = "application/json"


def _said(**values: object) -> Answer:
    return Answer(body=json.dumps(values).encode())


def _rows(table: pa.Table) -> Answer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return Answer(body=sink.getvalue().to_pybytes(), kind=ARROW_FILE)


class Cloud:
    """The tables, by the requests of the protocol."""

    def __init__(self, database: AsyncConnection) -> None:
        self._database = database

    async def answer(self, path: str, options: Mapping[str, str], body: bytes) -> Answer:
        """Carry out one request."""
        names = (await self._database.list_tables()).tables
        match path.strip("/").split("/")[1:]:
            case ["namespace", _, "table", "list"]:
                return _said(tables=names)
            case ["table", name, "create"]:
                existing = options.get("mode") == "exist_ok"
                if name in names and not existing:
                    return Answer(status=409, body=b"Table already exists")
                rows = pa.ipc.open_stream(body).read_all()
                table = await self._database.create_table(
                    name, schema=rows.schema, exist_ok=existing
                )
                if rows.num_rows:
                    await table.add(rows)
                return _said(version=await table.version())
            case ["table", name, "drop"]:
                await self._database.drop_table(name)
                return _said()
            case ["table", name, *verb] if name in names:
                table = await self._database.open_table(name)
                return await _of_table(table, verb, options, body)
            case _:
                return Answer(status=404, body=f"Table not found: {path}".encode())


async def _of_table(
    table: AsyncTable, verb: list[str], options: Mapping[str, str], body: bytes
) -> Answer:
    match verb:
        case ["insert"]:
            await table.add(pa.ipc.open_stream(body).read_all())
        case ["merge_insert"]:
            await _merge(table, options, pa.ipc.open_stream(body).read_all())
        case ["index", name, "drop"]:
            await table.drop_index(name)
        case ["index", "list"]:
            indices = await table.list_indices()
            listed = [
                {"index_name": i.name, "columns": i.columns, "status": "done"} for i in indices
            ]
            return _said(indexes=listed)
        case _:
            return await _asked(table, verb, body or b"{}")
    # Only the version: rows that were touched are not counted.
    return _said(version=await table.version())


async def _asked(table: AsyncTable, verb: list[str], body: bytes) -> Answer:
    if version := Read.model_validate_json(body).version:
        await table.checkout(version)
    match verb:
        case ["describe"]:
            schema = schema_to_json(await table.schema())
            return _said(table=table.name, version=await table.version(), schema=schema)
        case ["count_rows"]:
            count = await table.count_rows(Condition.model_validate_json(body).predicate)
            return Answer(body=str(count).encode())
        case ["query"]:
            return _rows(await _found(table, Query.model_validate_json(body)))
        case ["update"]:
            wanted = Condition.model_validate_json(body)
            await table.update(where=wanted.predicate, updates_sql=dict(wanted.updates))
        case ["delete"]:
            await table.delete(Condition.model_validate_json(body).predicate or "")
        case ["create_index"]:
            wanted = Index.model_validate_json(body)
            await table.create_index(wanted.column, config=INDEX_KINDS[wanted.index_type]())
        case ["index", name, "stats"]:
            stats = await table.index_stats(name)
            if stats is None:
                return Answer(status=404, body=b"Index not found")
            return _said(
                num_indexed_rows=stats.num_indexed_rows,
                num_unindexed_rows=stats.num_unindexed_rows,
                index_type=stats.index_type,
            )
        case _:
            return Answer(status=404, body=f"not found: {verb}".encode())
    return _said(version=await table.version())


async def _found(table: AsyncTable, wanted: Query) -> pa.Table:
    query = table.query()
    if wanted.full_text_query:
        words = wanted.full_text_query
        match = MatchQuery(words.query, words.columns[0])  # pyright: ignore[reportCallIssue]
        query = query.nearest_to_text(match)
    elif wanted.vector:
        query = query.nearest_to(wanted.vector).distance_type(wanted.distance_type)
        query = query.column(wanted.vector_column) if wanted.vector_column else query
        query = query.bypass_vector_index() if wanted.bypass_vector_index else query
    query = query.where(wanted.filter) if wanted.filter else query
    query = query.select(wanted.columns) if wanted.columns else query
    query = query.with_row_id() if wanted.with_row_id else query
    if wanted.order_by:
        order = [ColumnOrdering(**each.model_dump()) for each in wanted.order_by]
        query = query.order_by(order)
    return await query.limit(min(wanted.k, MAX_ROWS)).offset(wanted.offset).to_arrow()


async def _merge(table: AsyncTable, options: Mapping[str, str], rows: pa.Table) -> None:
    builder = table.merge_insert(options["on"])
    if options.get("when_matched_update_all") == "true":
        builder = builder.when_matched_update_all(where=options.get("when_matched_update_all_filt"))
    if options.get("when_not_matched_insert_all") == "true":
        builder = builder.when_not_matched_insert_all()
    await builder.use_index(options.get("use_index") == "true").execute(rows, on_bad_vectors="null")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(
        self,
        portal: BlockingPortal,
        cloud: Cloud,
        request: socket.socket,
        client: tuple[str, int],
        server: socketserver.BaseServer,
    ) -> None:
        self._portal, self._cloud = portal, cloud
        super().__init__(request, client, server)

    def _answer(self) -> None:
        split, body = urlsplit(self.path), self._body()
        options = {name: values[0] for name, values in parse_qs(split.query).items()}
        if self.headers.get("x-api-key") != KEY:
            answer = Answer(status=401, body=b"Unauthorized")
        else:
            try:
                answer = self._portal.call(self._cloud.answer, split.path, options, body)
            except (RuntimeError, ValueError, OSError) as error:
                answer = Answer(status=400, body=str(error).encode())
        self.send_response_only(answer.status)
        self.send_header("content-type", answer.kind)
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = _answer

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", "0")))
        parts = list[bytes]()
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving_cloud(directory: Path) -> Generator[str]:
    """Serve the tables of a directory on a free loopback port; its URL."""
    with start_blocking_portal() as portal:
        connect = partial(
            lancedb.connect_async, str(directory), read_consistency_interval=timedelta(0)
        )
        handler = partial(_Handler, portal, Cloud(portal.call(connect)))
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            server.daemon_threads = True
            thread = Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()
                thread.join()
