"""Whatever two tenants and an owner call in whatever order, nothing of one appears to the other.

Every word of a note carries its namespace's canary. A longer hunt:
`make test ARGS="tests/tools/test_tenants_apart.py --hypothesis-profile=long"`.
"""

# Answers are JSON of the tools' own shapes.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import base64
import re
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import Refused
from tests.tools.tenants import TenantDesk, opened_tenants

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.store import open_store
from zettel.tools.state.memory import Memory

EXAMPLES = settings.default.max_examples if settings.default else 100
REACHES = {"owner": (), "ana": ("ana", "shared:ro"), "ben": ("ben", "shared")}
FORBIDDEN = {"ana": ("ben",), "ben": ("ana",), "owner": ()}
WORDS = (
    "{c}Kim lives in {c}Lyon",
    "{c}Kim lives in {c}Nice since May",
    "{c}Kim no longer lives in {c}Lyon",
    "Where does {c}Kim live?",
    "the {c}deadline of {c}Atlas is 12 March 2027, because {c}Kim said so",
)
"""What may be about the same, repeat, replace and contradict."""

tenants = st.sampled_from(("ana", "ben"))
spaces = st.sampled_from(("ana", "ben", "shared", "user"))
places = st.integers(0, 40)
relations = st.sampled_from(("supersedes", "contradicts", "part_of", "supports", "my own"))
_CURSOR = re.compile(r"[A-Za-z0-9_-]{40,}")


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
    with TemporaryDirectory(dir=directory) as place:
        store = await open_store(place, model_id=embedder.model_id, dim=embedder.dim)
        try:
            memory = Memory(store=store, embedder=embedder)
            async with opened_tenants(memory, REACHES) as desks:
                yield desks
        finally:
            await store.close()


class Neighbours(RuleBasedStateMachine):
    """Two tenants who know each other's ids, tokens and cursors, and use them."""

    def __init__(
        self,
        portal: BlockingPortal,
        opening: Callable[[], AbstractAsyncContextManager[dict[str, TenantDesk]]],
    ) -> None:
        super().__init__()
        self._portal = portal
        self._opened = portal.wrap_async_context_manager(opening())
        self._desks = self._opened.__enter__()
        self._notes = list[tuple[str, str]]()
        """Id and namespace of everything stored."""
        self._tokens, self._cursors = ["0" * 16], ["bm9uZQ"]

    def teardown(self) -> None:
        """Close the store."""
        self._opened.__exit__(None, None, None)

    @rule(who=tenants, space=spaces, words=st.sampled_from(WORDS), to=places, how=relations,
          linked=st.booleans())  # fmt: skip
    def remember(self, who: str, space: str, words: str, to: int, how: str, linked: bool) -> None:
        """Tell something in any namespace."""
        self._remember(who, space, words, to, how, linked=linked)

    @rule(space=spaces, words=st.sampled_from(WORDS), to=places, how=relations)
    def remember_across(self, space: str, words: str, to: int, how: str) -> None:
        """The owner links across namespaces."""
        self._remember("owner", space, words, to, how, linked=True)

    @rule(who=tenants, note=places, to=places, how=relations, words=st.sampled_from(WORDS),
          what=st.sampled_from(("content", "tags", "links", "restore_rev", "reason")))  # fmt: skip
    def update(self, who: str, note: int, to: int, how: str, words: str, what: str) -> None:
        """Change any note."""
        fields: dict[str, object] = {
            "content": words.format(c=""),  # of any namespace
            "tags": ["changed"],
            "links": [{"to": self._id(to), "relation": how}],
            "restore_rev": 1,
            "reason": "as agreed",
        }
        self._call(who, "update", note_id=self._id(note), **{what: fields[what]})

    @rule(who=tenants, some=st.lists(places, min_size=1, max_size=3), undo=st.booleans())
    def forget(self, who: str, some: list[int], undo: bool) -> None:
        """Forget or bring back any notes."""
        self._call(who, "forget", note_ids=[self._id(note) for note in some], undo=undo)

    @rule(who=tenants, space=st.none() | spaces, query=st.sampled_from(("Lyon", "deadline Atlas")))
    def preview(self, who: str, space: str | None, query: str) -> None:
        """Look at what filters would forget."""
        answer = self._call(who, "forget", query=query, namespace=space)
        self._tokens += [str(answer["confirm"])] if "confirm" in answer else []

    @rule(who=tenants, some=st.lists(places, min_size=1, max_size=2))
    def preview_erasure(self, who: str, some: list[int]) -> None:
        """Look at what erasing any notes would take."""
        note_ids = [self._id(note) for note in some]
        answer = self._call(who, "forget", note_ids=note_ids, erase=True)
        self._tokens += [str(answer["confirm"])] if "confirm" in answer else []

    @rule(who=tenants, token=places)
    def confirm(self, who: str, token: int) -> None:
        """Confirm anybody's preview."""
        self._call(who, "forget", confirm=self._tokens[token % len(self._tokens)])

    @rule(who=tenants, some=st.lists(places, min_size=1, max_size=3), full=st.booleans(),
          then=st.sampled_from((None, "2026-11-20T12:00:03Z", "2027")))  # fmt: skip
    def read(self, who: str, some: list[int], full: bool, then: str | None) -> None:
        """Read any notes."""
        note_ids, detail = [self._id(note) for note in some], "full" if full else "notes"
        self._call(who, "recall", note_ids=note_ids, detail=detail, as_of=then)

    @rule(who=tenants, space=st.none() | spaces,
          query=st.sampled_from((None, "Where does Kim live?", "Lyon", "the deadline of Atlas")),
          detail=st.sampled_from(("index", "notes", "full")), limit=st.sampled_from((1, 10)),
          clock=st.sampled_from(("as_of", "known_at", "")),
          tags=st.sampled_from((None, ["needs-review"], ["gist"])))  # fmt: skip
    def ask(
        self,
        who: str,
        space: str | None,
        query: str | None,
        detail: str,
        limit: int,
        clock: str,
        tags: list[str] | None,
    ) -> None:
        """Ask, list or look around."""
        then = {clock: "2026-11-20T12:00:05Z"} if clock else {}
        answer = self._call(who, "recall", query=query, namespace=space, detail=detail,
                            limit=limit, tags=tags, **then)  # fmt: skip
        if isinstance(omitted := answer.get("omitted"), dict):
            self._cursors.append(str(omitted["cursor"]))

    @rule(who=tenants, cursor=places)
    def go_on(self, who: str, cursor: int) -> None:
        """Go on with anybody's page."""
        self._call(who, "recall", cursor=self._cursors[cursor % len(self._cursors)])

    @rule()
    def evolve(self) -> None:
        """Let the notes evolve."""
        self._portal.call(self._desks["owner"].evolve)

    def _remember(
        self, who: str, space: str, words: str, to: int, how: str, *, linked: bool
    ) -> None:
        canary = f"{space}canary"
        fields = {name: f"{canary} {name}" for name in ("context", "session", "source")}
        links = [{"to": self._id(to), "relation": how}] if linked else None
        answer = self._call(who, "remember", content=words.format(c=canary), namespace=space,
                            subject=f"{canary}Kim", tags=[canary], links=links,
                            **fields)  # fmt: skip
        if answer.get("status") == "stored":
            self._notes.append((str(answer["note_id"]), space))

    def _id(self, number: int) -> str:
        return self._notes[number % len(self._notes)][0] if self._notes else "0" * 26

    def _call(self, who: str, tool: str, **given: object) -> dict[str, object]:
        arguments = {name: value for name, value in given.items() if value is not None}
        desk = self._desks[who]
        try:
            answer = self._portal.call(partial(desk, tool, **arguments))
        except Refused as error:
            answer = dict[str, object](error=str(error))
        self._check(who, str(answer), str(arguments))
        return answer

    def _check(self, who: str, answer: str, arguments: str) -> None:
        """Nothing comes back of what may not be seen, but what the caller said itself."""
        told = answer + "".join(map(_decoded, _CURSOR.findall(answer)))
        foreign = [note_id for note_id, space in self._notes if space in FORBIDDEN[who]]
        foreign += [f"{space}canary" for space in FORBIDDEN[who]]
        seen = [word for word in foreign if word in told and word not in arguments]
        assert seen == [], (who, arguments, answer)


def _decoded(cursor: str) -> str:
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode(errors="replace")


@pytest.fixture(scope="module")
def portal() -> Generator[BlockingPortal]:
    """A loop beside the machine, which Hypothesis drives without one."""
    with start_blocking_portal("asyncio") as opened:
        yield opened


def converse(
    portal: BlockingPortal,
    opening: Callable[[], AbstractAsyncContextManager[dict[str, TenantDesk]]],
    *,
    examples: int,
    steps: int,
) -> None:
    bounds = settings(
        max_examples=max(1, examples),
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(lambda: Neighbours(portal, opening), settings=bounds)  # pyright: ignore[reportArgumentType]  as in test_state_machine


@pytest.mark.slow
def test_nothing_of_a_tenant_appears_to_another_in_memory(portal: BlockingPortal) -> None:
    converse(portal, in_memory, examples=EXAMPLES * 3 // 10, steps=25)


@pytest.mark.slow
def test_nothing_of_a_tenant_appears_to_another_on_disk(
    portal: BlockingPortal, tmp_path: Path
) -> None:
    converse(portal, partial(on_disk, tmp_path), examples=EXAMPLES * 2 // 100, steps=15)
