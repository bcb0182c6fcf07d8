"""Whatever a second namespace holds, no answer to a tenant of the first one changes.

A longer hunt: `make test ARGS="tests/tools/test_tenants_oracles.py --hypothesis-profile=long"`.
"""

# Answers are JSON of the tools' own shapes.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import base64
import json
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import START, Refused, pick
from tests.tools.tenants import TenantDesk, opened_tenants

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.erasure.traces import NOTE_ID
from zettel.storage.lance.store import open_store
from zettel.tools.state.memory import Memory

EXAMPLES = settings.default.max_examples if settings.default else 100
REACHES = {"owner": (), "ana": ("ana", "shared:ro"), "ben": ("ben",)}
OWN = (
    {"content": "Kim lives in Lyon and paints", "subject": "Kim", "tags": ["home"]},
    {"content": "the deadline of Atlas is 12 March 2027", "session": "s1"},
    {"content": "Why does Atlas wait for the certificate?", "session": "s1"},
    {"content": "Never deploy on Fridays", "kind": "core"},
)
CALLS: tuple[tuple[str, dict[str, object]], ...] = (
    ("recall", {"query": "Where does Kim live?", "detail": "full"}),
    ("recall", {"query": "deadline certificate quokka", "detail": "full"}),
    ("recall", {"query": "Kim's wombat of Atlas", "limit": 2}),
    ("remember", {"content": "Kim lives in Nice since May", "subject": "Kim"}),
    ("recall", {"query": "Where does Kim live?", "detail": "full"}),
    ("recall", {"query": "quokka", "namespace": "ben"}),
    ("recall", {"namespace": "bex"}),
    ("recall", {"tags": ["quokkas"]}),
    ("recall", {"subject": "Quentim"}),
    ("recall", {}),
    ("recall", {"as_of": "2026-11-20T12:10:00Z", "query": "deploy"}),
    ("forget", {"query": "Atlas"}),
    ("remember", {"content": "c", "namespace": "ben"}),
    ("remember", {"content": "Kim lives in Lyon and paints", "subject": "Kim"}),
)
"""After `OWN`, what Ana calls."""
TOKEN = re.compile(r"((?:cursor|confirm)\W{2,5})([\w-]+)")
WORDS = ("quokka", "Kim", "Lyon", "lives", "deadline", "Atlas", "certificate", "the", "Quentin")

foreign = st.fixed_dictionaries(
    {"content": st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)},
    optional={
        "subject": st.sampled_from(("Quentin", "Kim")),
        "tags": st.lists(st.sampled_from(("quokka", "home")), max_size=2),
        "kind": st.sampled_from(("core", "working", "procedural")),
        "happened_at": st.sampled_from(("2020", "2031-01-01")),
        "session": st.sampled_from(("s1", "s2")),
    },
)

Opening = Callable[[], AbstractAsyncContextManager[dict[str, TenantDesk]]]


@asynccontextmanager
async def in_memory() -> AsyncGenerator[dict[str, TenantDesk]]:
    """Tenants on a new store in memory."""
    memory = Memory(store=DictStore(), embedder=HashEmbedder(), consolidates=True)
    async with opened_tenants(memory, REACHES) as desks:
        yield desks


@asynccontextmanager
async def on_disk(directory: Path) -> AsyncGenerator[dict[str, TenantDesk]]:
    """Tenants on a new LanceDB store."""
    embedder = HashEmbedder()
    store = await open_store(str(directory), model_id=embedder.model_id, dim=embedder.dim)
    try:
        memory = Memory(store=store, embedder=embedder, consolidates=True)
        async with opened_tenants(memory, REACHES) as desks:
            yield desks
    finally:
        await store.close()


@dataclass
class World:
    """The tenants, on a clock of which Ana's calls take what they take without Ben's."""

    desks: dict[str, TenantDesk]
    calls: int = 0
    answers: list[str] = field(default_factory=list[str])
    names: dict[str, str] = field(default_factory=dict[str, str])

    async def ana(self, tool: str, arguments: dict[str, object]) -> None:
        """Make a call at its own time, and write its answer down."""
        self.calls += 1
        self._set_clock()
        try:
            answer = json.dumps(await self.desks["ana"](tool, **arguments), sort_keys=True)
        except Refused as refused:
            answer = str(refused)
        self.answers.append(NOTE_ID.sub(self._named, TOKEN.sub(_without_key, answer)))

    async def ben(self, arguments: dict[str, object]) -> None:
        """Tell a note."""
        self._set_clock()
        await self.desks["ben"]("remember", **arguments)

    async def evolve(self) -> None:
        """Let everything evolve."""
        self._set_clock()
        await self.desks["owner"].evolve(f"run-{self.calls}")

    def _set_clock(self) -> None:
        shared = self.desks["ana"].shared
        assert shared is not None
        shared.now = self.desks["owner"].now = START + timedelta(minutes=self.calls)

    def _named(self, found: re.Match[str]) -> str:
        return self.names.setdefault(found[0], f"note {len(self.names)}")


def _without_key(token: re.Match[str]) -> str:
    """What a cursor holds but its random key; nothing of another token."""
    raw = base64.urlsafe_b64decode(token[2] + "=" * (-len(token[2]) % 4))
    return f"{token[1]}{raw[30:].decode() if raw.startswith(b'[') else '…'}"


async def told(opening: Opening, others: Sequence[dict[str, object]], *, turns: int) -> list[str]:
    """Every answer to Ana, while Ben tells some notes in turns."""
    async with opening() as desks:
        world, left = World(desks), list(others)
        for number, (tool, arguments) in enumerate((*(("remember", o) for o in OWN), *CALLS)):
            for _ in range(1 + number % turns):
                if left:
                    await world.ben(left.pop())
            await world.ana(tool, dict(arguments))
            if number in (5, 9):
                await world.evolve()
        return world.answers


@pytest.mark.slow
@settings(
    max_examples=EXAMPLES * 4 // 100, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(others=st.lists(foreign, min_size=1, max_size=12), turns=st.integers(1, 4))
async def test_notes_of_another_namespace_change_no_answer(
    others: list[dict[str, object]], turns: int
) -> None:
    assert await told(in_memory, others, turns=turns) == await told(in_memory, (), turns=turns)


@pytest.mark.slow
async def test_notes_of_another_namespace_change_no_answer_on_disk(tmp_path: Path) -> None:
    others: list[dict[str, object]] = [
        {"content": " ".join(WORDS[n % 3 :: 1 + n % 2]), "subject": "Kim", "tags": ["quokka"]}
        for n in range(9)
    ]

    assert await told(partial(on_disk, tmp_path / "both"), others, turns=2) == await told(
        partial(on_disk, tmp_path / "alone"), (), turns=2
    )


SECRETS = [f"{a}{b}" for a in ("quok", "womb", "numb", "dunn", "koal") for b in ("ka", "at", "art")]


@pytest.mark.parametrize("opening", ["memory", pytest.param("disk", marks=pytest.mark.slow)])
async def test_a_recall_does_not_tell_whether_anybodys_note_holds_a_word(
    opening: str, tmp_path: Path
) -> None:
    """The attack: a word of one's own and a guessed one, whose rarity the shares told."""
    held = set(Random(7).sample(SECRETS, len(SECRETS) // 2))
    world = in_memory if opening == "memory" else partial(on_disk, tmp_path)
    async with world() as desks:
        for word in SECRETS:
            await desks["ana"]("remember", content=f"my {word} and the zebra")
        for word in held:
            for number in range(3):
                await desks["ben"]("remember", content=f"the {word} key {number}")

        shares = {word: await share_of(desks["ana"], word) for word in SECRETS}

    assert len(set(shares.values())) == 1


async def share_of(desk: TenantDesk, word: str) -> object:
    """What the words of a note with the other word alone give it: the rarer the first, the less."""
    answer = await desk("recall", query=f"{word} zebra", detail="full", limit=2)
    return pick(answer, "notes", 1, "signals", "text")
