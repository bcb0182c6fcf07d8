"""A server with two tenants: how long one waits, quiet and while the other abuses it."""

import os
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import anyio
import httpx2
import numpy as np
import psutil

from benchmarks.neighbours.abuses import SPEECH, STORED_LONG_NOTES, TOKEN_VARIABLE
from benchmarks.neighbours.calls import answer_to, call_body, client_of, post
from benchmarks.soak.site import Serving, Site
from zettel.server.auth.token_store import add_token
from zettel.server.auth.tokens import make_token
from zettel.storage.embedding.embedder import unit_rows
from zettel.storage.embedding.model_files import find_model
from zettel.storage.embedding.sentence_transformer import SentenceEmbedder
from zettel.storage.ids import new_id
from zettel.storage.lance.store import open_store
from zettel.storage.notes import Note
from zettel.storage.store import NewNote

CONFIG = 'log_level = "warning"\nevolve_off = ["abuser", "victim"]\n'
"""The packaged model; evolution is a load of its own and would come between."""
NOTES = 30
"""Of the tenant that is measured."""
MAYBE_A_KEY = "Kim moved on commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12."
"""A note for which the rules that find keys are loaded: once for all, and no abuse's doing."""
PASSAGES = 40
"""Of a note of 32 KB."""
PAUSE_S = 0.05
"""Between two calls of the tenant that is measured, and between two looks at `/health`."""
REST_S = 3.0
"""Between two measurements: what one leaves behind must not weigh on the next."""


@dataclass(slots=True, kw_only=True)
class Waits:
    """How long answers took, in seconds."""

    name: str
    connections: int = 0
    recall: list[float] = field(default_factory=list[float])
    health: list[float] = field(default_factory=list[float])
    failed: int = 0
    """Calls of the measured tenant that were not answered with 200."""
    resident: int = 0
    """Memory of the server afterwards, bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenants:
    """A running server and the tokens of its two tenants."""

    serving: Serving
    abuser: str
    victim: str

    @property
    def resident(self) -> int:
        """Memory of the server, bytes."""
        return psutil.Process(self.serving.process.pid).memory_info().rss


@asynccontextmanager
async def opened(command: Sequence[str], folder: Path, mark: str) -> AsyncGenerator[Tenants]:
    """Serve a new store to two tenants, the model loaded and their notes stored."""
    site = Site(command=command, folder=folder, mark=mark)
    site.prepare()
    (site.store / "config.toml").write_text(CONFIG, encoding="utf-8")
    embedder = SentenceEmbedder(await find_model(""))
    store = await open_store(str(site.store), model_id=embedder.model_id, dim=embedder.dim)
    texts = dict[str, str]()
    for name in ("abuser", "victim"):
        token, texts[name] = make_token(name, [name], expires="1d", now=datetime.now(UTC))
        await add_token(store, token)
    await store.write(new=_long_notes(embedder.dim))
    await store.close()
    async with site.serving() as serving:
        tenants = Tenants(serving=serving, abuser=texts["abuser"], victim=texts["victim"])
        async with client_of(serving.url, tenants.victim) as victim:
            await _until_loaded(victim)
            await answer_to(victim, "remember", {"content": MAYBE_A_KEY})
            for number in range(NOTES):
                said = f"{number}: Kim moved to house {number} and paints on day {number % 7}."
                await answer_to(victim, "remember", {"content": said, "subject": f"Kim{number}"})
        yield tenants


def _long_notes(dim: int) -> list[NewNote]:
    """The abusing tenant's first notes, with vectors of chance: a model would take minutes."""
    chance, now = np.random.default_rng(1), datetime.now(UTC)
    notes = list[NewNote]()
    for number in range(STORED_LONG_NOTES):
        vectors = unit_rows(chance.normal(size=(PASSAGES, dim)))
        note = Note(
            note_id=new_id(now),
            namespace="abuser",
            content=f"{number} {SPEECH * 510}",
            happened_at=now,
            valid_from=now,
            known_from=now,
        )
        notes.append(NewNote(note=note, vectors=vectors))
    return notes


async def _until_loaded(http: httpx2.AsyncClient) -> None:
    with anyio.fail_after(180):
        # Another process can only be asked again.
        while "degraded" in await answer_to(http, "recall", {"query": "warm"}):  # noqa: ASYNC110
            await anyio.sleep(0.5)


async def waits(tenants: Tenants, name: str, connections: int, seconds: float) -> Waits:
    """Measure for some seconds, quietly or under an abuse of several connections."""
    found = Waits(name=name, connections=connections)
    if not connections:
        await _measure(tenants, found, seconds)
        return found
    command = [sys.executable, "-m", "benchmarks.neighbours.abuses", tenants.serving.url]
    process = await anyio.open_process(
        [*command, name, str(connections)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=sys.stderr,
        env={**os.environ, TOKEN_VARIABLE: tenants.abuser},
    )
    try:
        await anyio.sleep(REST_S)  # it has to start and to make its calls' bodies
        await _measure(tenants, found, seconds)
    finally:
        with anyio.CancelScope(shield=True):
            process.kill()
            await process.aclose()
    await anyio.sleep(REST_S)
    return found


async def _measure(tenants: Tenants, found: Waits, seconds: float) -> None:
    questions = [
        call_body("recall", {"query": f"Where does Kim{n} live on day {n % 5}?"}) for n in range(20)
    ]

    async def recall() -> None:
        async with client_of(tenants.serving.url, tenants.victim) as http:
            while True:
                began = time.perf_counter()
                try:
                    response = await post(http, "recall", questions[len(found.recall) % 20])
                finally:  # one that is not answered by the end counts with its wait
                    found.recall.append(time.perf_counter() - began)
                found.failed += response.status_code != 200 or '"isError":true' in response.text
                await anyio.sleep(PAUSE_S)

    async def look() -> None:
        async with client_of(tenants.serving.url, tenants.victim) as http:
            while True:
                began = time.perf_counter()
                try:
                    await http.get("/health")
                finally:
                    found.health.append(time.perf_counter() - began)
                await anyio.sleep(PAUSE_S)

    with anyio.move_on_after(seconds):
        async with anyio.create_task_group() as group:
            group.start_soon(recall)
            group.start_soon(look)
