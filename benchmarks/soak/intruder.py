"""Asks, with one tenant's token, for all that another one has: every door, by every name of it."""

import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import anyio
from mcp import Client, MCPError
from mcp.types import PromptReference, ResourceTemplateReference
from pydantic import JsonValue

from benchmarks.soak.connections import Clocks, Era
from benchmarks.soak.ears import ID
from benchmarks.soak.grounds import Ground, Tenant, World
from benchmarks.torture.store.deeds import Card
from zettel.storage.ids import new_id

NOTE, HISTORY = "memory://note/{id}", "memory://note/{id}/history"
PROFILE, STATS = "memory://profile", "memory://stats"
ELSEWHERE, NEVER = "an id elsewhere", "an id that never was"
"""What a refusal was timed for: the time must not tell one from the other."""
EVENT_S = 1.5
"""Seconds a stream of notifications is listened to at most; the server looks every second."""

Reply = tuple[bool, str]
"""Whether it was refused, and all that was said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prey:
    """What the intruder knows of a note it must not see."""

    ground: Ground
    card: Card
    owner: Tenant

    @property
    def word(self) -> str:
        """One that stands in the note and nowhere else."""
        return self.card.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Intruder:
    """One tenant's client that asks for another's things.

    Args:
        world: Where everybody's ids, words, confirm words and cursors are known.
        tenant: Whose token it presents.
        home: The tenant's own namespace.
        client: Connected with the token.
        era: Of the protocol.
        chance: Decides.
        clocks: For the times.
    """

    world: World
    tenant: Tenant
    home: Ground
    client: Client
    era: Era
    chance: random.Random
    clocks: Clocks

    async def intrude(self) -> None:
        """Ask for one thing, and judge the reply; nothing is asked while nothing is there."""
        ground = self.chance.choice(self.world.beyond(self.tenant))
        known, own = ground.account.known(), self.home.account.known()
        if not known or not own:
            return
        owner = next(t for n, t in self.world.tenants.items() if self.world.grounds[n] is ground)
        prey = Prey(ground=ground, card=self.chance.choice(known), owner=owner)
        ways = (self._tool, self._tool, self._tool, self._read, self._complete, self._prompt,
                self._watch, self._leave_traces, self._time)  # fmt: skip
        await self.chance.choice(ways)(prey, self.chance.choice(own))

    async def _tool(self, prey: Prey, own: Card) -> None:
        theirs, session = prey.card.note_id, prey.card.session
        space: Mapping[str, JsonValue] = {"namespace": prey.ground.namespace}
        refused: tuple[tuple[str, Mapping[str, JsonValue]], ...] = (
            ("recall", {"note_ids": [theirs], "detail": "full"}),
            ("recall", {"note_ids": [theirs], "known_at": "2100"}),
            ("recall", {"note_ids": [theirs], "as_of": "2100"}),
            ("update", {"note_id": theirs, "content": "mine now"}),
            ("update", {"note_id": theirs, "expected_rev": 99, "tags": ["mine"]}),
            ("update", {"note_id": theirs, "restore_rev": 1}),
            ("update", {"note_id": own.note_id, "links": [{"to": theirs}]}),
            ("update", {"note_id": own.note_id, "links": [{"to": theirs, "relation": "causes"}]}),
            ("remember", {"content": "c", "links": [{"to": theirs, "relation": "supersedes"}]}),
            ("remember", {"content": "mine", **space}),
            ("forget", {"note_ids": [theirs]}),
            ("forget", {"note_ids": [theirs], "undo": True}),
            ("forget", {"note_ids": [theirs], "erase": True}),
            ("forget", {"confirm": self._loot(prey, "confirm")}),
        )  # fmt: skip
        empty: tuple[tuple[str, Mapping[str, JsonValue]], ...] = (
            ("recall", {"query": prey.word}),
            ("recall", {"query": prey.word, "detail": "full", **space}),
            ("recall", {"query": "what was first told?", "limit": 100, **space}),
            ("recall", {"session": session}),
            ("recall", {"tags": [f"t{session[1:]}"], "known_at": "2100"}),
            ("recall", {"subject": f"subject 1{prey.ground.mark}"}),
            ("recall", space),
            ("recall", {"note_ids": [own.note_id, theirs], "detail": "full"}),
            ("recall", {"cursor": self._loot(prey, "cursor")}),
            ("forget", {"query": prey.word}),
            ("forget", {"session": session, **space}),
            ("forget", {"tags": [f"t{session[1:]}"], "erase": True}),
        )
        of, must_fail = self.chance.choice(((refused, True), (empty, False)))
        name, given = self.chance.choice(of)
        await self._ask(name, str(given), lambda: self._call(name, given), must_fail=must_fail)

    async def _time(self, prey: Prey, own: Card) -> None:
        """Ask the same of another's note and of none, in either order."""
        del own
        name, word = self.chance.choice((("recall", "note_ids"), ("update", "note_id")))
        pair = [(ELSEWHERE, prey.card.note_id), (NEVER, new_id(datetime.now(UTC)))]
        for timed, note_id in self.chance.sample(pair, 2):
            given: Mapping[str, JsonValue] = (
                {word: [note_id]} if name == "recall" else {word: note_id, "tags": ["mine"]}
            )

            async def ask(given: Mapping[str, JsonValue] = given) -> Reply:
                return await self._call(name, given)

            await self._ask(timed, str(given), ask, must_fail=True)

    async def _read(self, prey: Prey, own: Card) -> None:
        theirs = prey.card.note_id
        gone = [form.format(id=note) for form in (NOTE, HISTORY) for note in (theirs, "0" * 26)]
        there = [PROFILE, STATS, f"{PROFILE}/{prey.ground.namespace}", NOTE.format(id=own.note_id)]
        uri = self.chance.choice(gone + there)

        async def read() -> Reply:
            shown = await self.client.read_resource(uri)
            return False, shown.model_dump_json()

        await self._ask("resources/read", uri, read, must_fail=uri in gone)

    async def _complete(self, prey: Prey, own: Card) -> None:
        del own
        begun = self.chance.choice((
            ("id", NOTE, prey.card.note_id[:20]),
            ("id", HISTORY, ""),
            ("namespace", f"{PROFILE}/{{namespace}}", prey.ground.namespace[:8]),
            ("subject", "what-do-you-know", "subject 1"),
            ("subject", "what-do-you-know", prey.ground.mark),
            ("tags", "what-do-you-know", "t"),
            ("namespace", "review-memories", ""),
        ))  # fmt: skip
        name, of, value = begun
        ref = ResourceTemplateReference(uri=of) if "://" in of else PromptReference(name=of)
        context = self.chance.choice((None, {"namespace": prey.ground.namespace}))

        async def complete() -> Reply:
            argument = {"name": name, "value": value}
            found = await self.client.complete(ref, argument, context)
            return False, found.model_dump_json()

        await self._ask("completion/complete", f"{begun} {context}", complete)

    async def _prompt(self, prey: Prey, own: Card) -> None:
        del own
        given = {"namespace": prey.ground.namespace}

        async def prompt() -> Reply:
            return False, (await self.client.get_prompt("review-memories", given)).model_dump_json()

        await self._ask("prompts/get", str(given), prompt)

    async def _watch(self, prey: Prey, own: Card) -> None:
        theirs = NOTE.format(id=prey.card.note_id)
        foreign = f"{PROFILE}/{prey.ground.namespace}"
        mine = [NOTE.format(id=own.note_id), foreign, PROFILE, STATS]

        async def subscribe() -> Reply:
            await self.client.subscribe_resource(theirs)  # pyright: ignore[reportDeprecated]  for the older era
            return False, ""

        async def listen() -> Reply:
            told = list[str]()
            async with self.client.listen(resource_subscriptions=[theirs, *mine]) as changes:
                honoured = changes.honored.resource_subscriptions or ()
                with anyio.move_on_after(EVENT_S):
                    told.append(str(await anext(changes, None)))
            return theirs not in honoured, f"{honoured} {told}".replace(foreign, "")

        if self.era == "auto":
            await self._ask("subscriptions/listen", theirs, listen, must_fail=True)
            return
        await self._ask("resources/subscribe", theirs, subscribe, must_fail=True)
        for uri in (mine[0], STATS):
            with anyio.move_on_after(EVENT_S):
                await self._subscribed(uri)

    async def _subscribed(self, uri: str) -> None:
        async def subscribe() -> Reply:
            await self.client.subscribe_resource(uri)  # pyright: ignore[reportDeprecated]  for the older era
            return False, ""

        await self._ask("resources/subscribe", uri, subscribe)

    async def _leave_traces(self, prey: Prey, own: Card) -> None:
        """Have confirm words and cursors of one's own, for others to try."""
        del prey
        asked: tuple[tuple[str, str, Mapping[str, JsonValue]], ...] = (
            ("confirm", "forget", {"session": own.session}),
            ("cursor", "recall", {"query": f"told {own.key}", "limit": 1}),
        )
        kind, name, given = self.chance.choice(asked)
        try:
            result = await self.client.call_tool(name, dict(given))
        except MCPError as error:
            self._failed(f"{name}({given}): {error}")
            return
        answer: Mapping[str, JsonValue] = result.structured_content or {}
        omitted = answer.get("omitted")
        found = omitted.get("cursor") if isinstance(omitted, dict) else answer.get("confirm")
        if isinstance(found, str):
            self.tenant.loot[kind] = [*self.tenant.loot[kind][-5:], found]

    async def _call(self, name: str, given: Mapping[str, JsonValue]) -> Reply:
        result = await self.client.call_tool(name, dict(given))
        return bool(result.is_error), result.model_dump_json()

    async def _ask(
        self, name: str, given: str, ask: Callable[[], Awaitable[Reply]], *, must_fail: bool = False
    ) -> None:
        began = time.perf_counter()
        try:
            refused, said = await ask()
        except MCPError as error:
            refused, said = True, f"{error} {error.data}"
        if name != "subscriptions/listen":
            self.clocks.enter(name, began)
        ears = self.tenant.ears
        ears.counts["questions"] += 1
        ears.counts["refused"] += refused
        told = ears.foreign(said) | (set(ID.findall(said)) & self._ids_beyond())
        if leaked := told - ears.foreign(given) - set(ID.findall(given)):
            ears.leaks.append(f"{name}({given}) told of {sorted(leaked)}: {said[:2_000]}")
        if must_fail and not refused and not ears.leaving:
            ears.leaks.append(f"{name}({given}) was not refused: {said[:2_000]}")

    def _ids_beyond(self) -> set[str]:
        grounds = self.world.beyond(self.tenant)
        return {card.note_id for ground in grounds for card in ground.account.known()}

    def _failed(self, problem: str) -> None:
        if not self.tenant.ears.leaving:
            self.tenant.ears.failures.append(problem)

    def _loot(self, prey: Prey, kind: Literal["confirm", "cursor"]) -> str:
        return self.chance.choice(prey.owner.loot[kind] or ["0" * 16])
