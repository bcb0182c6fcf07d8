"""Makes calls at one server, one after the other, and enters what comes of them."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

import anyio
from pydantic import JsonValue

from benchmarks.torture.errors import RefusedError, TortureError
from benchmarks.torture.ledger import CALL_S
from benchmarks.torture.store.choices import Choices
from benchmarks.torture.store.deeds import TOOLS, Account, Card, Deed, Outcome, Verb
from benchmarks.torture.store.life import Desk
from benchmarks.torture.store.looks import Looks

READS = 0.35
"""Share of calls that only look."""

CANCELLED = 0.1
"""Share of calls that are given up before they are answered."""
CANCEL_S = 0.06
"""Seconds until then at most: a change takes 10 to 50 ms."""

APPENDS = 0.15
"""Share of changes that read a note and add to it."""

AGAIN = 0.7
"""Share of calls without an answer that are sent again, as a client would."""

OUTRUN = ("kept changing", "is being changed by too many others")
"""Others were first again and again, and the server says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """One of several that call one server at once."""

    desk: Desk
    account: Account
    choices: Choices
    looks: Looks
    chance: random.Random

    async def call_one(self) -> None:
        """Make one call: what was left without an answer, a look, or a change."""
        life = self.desk.life
        if life.unanswered:
            card, deed = life.unanswered.pop()
            if self.chance.random() < AGAIN:
                deed.sends, deed.over = deed.sends + 1, inf
                await self.send(card, deed)
        elif self.chance.random() < READS:
            await self.looks.look(self.desk, self._patience())
        elif self.chance.random() < APPENDS and (growing := self.choices.growing()):
            await self._append(growing)
        else:
            await self.send(*self.choices.change(anyio.current_time()))

    async def _append(self, card: Card) -> None:
        read = await self.looks.read(self.desk, card)
        if read:
            await self.send(*self.choices.append(card, *read, anyio.current_time()))

    def _patience(self) -> float:
        hasty = self.chance.random() < CANCELLED
        return self.chance.uniform(0, CANCEL_S) if hasty else CALL_S

    async def send(self, card: Card, deed: Deed) -> None:
        """Make a call that changes something, and enter what comes of it."""
        patience = self._patience()
        with anyio.move_on_after(patience) as scope:
            try:
                tool = TOOLS.get(deed.verb, "update")
                answer = await self.desk.caller.call(tool, **deed.given)
            except RefusedError as error:
                self._refused(card, deed, str(error))
            except TortureError as error:
                self.desk.life.doubt(card, deed)
                self.desk.life.lose(str(error))
            else:
                self._acknowledged(card, deed, answer)
        if scope.cancelled_caught:
            self.desk.life.doubt(card, deed)
            self.account.cancelled += 1
            if patience == CALL_S:
                self.account.failed.append(f"{deed.verb} of {card.key} was not answered")

    def _acknowledged(self, card: Card, deed: Deed, answer: Mapping[str, JsonValue]) -> None:
        self.desk.life.answered += 1
        deed.outcome = Outcome.ACKNOWLEDGED
        self._over(deed)
        if deed.verb is Verb.REMEMBER:
            card.note_id = str(answer["note_id"])
        rev = answer.get("rev", 1 if deed.verb is Verb.REMEMBER else 0)
        if isinstance(rev, int):
            deed.rev = rev
            card.rev = max(card.rev, rev)
        deed.changed = bool(answer.get("changed"))

    def _refused(self, card: Card, deed: Deed, problem: str) -> None:
        self.desk.life.answered += 1
        if any(mark in problem for mark in OUTRUN):
            # Of a note that is told, what follows for others may be left undone.
            deed.outcome = Outcome.UNKNOWN
            self.desk.life.unanswered.append((card, deed))
            self.account.outrun += 1
        else:
            # Sent before without an answer, it may have been done then.
            deed.outcome = Outcome.REFUSED if deed.sends == 1 else Outcome.UNKNOWN
            if self._expected(card, deed, problem):
                self.account.refused += 1
            else:
                self.account.failed.append(f"{deed.verb} of {card.key}: {problem}")
        self._over(deed)

    def _over(self, deed: Deed) -> None:
        if deed not in self.desk.life.uncertain:
            deed.over = anyio.current_time()

    def _expected(self, card: Card, deed: Deed, problem: str) -> bool:
        ends = {deed.to, *(str(link) for link in _targets(deed))}
        others = [other for other in self.account.known() if other.note_id in ends]
        forgotten = any(other.may_be_forgotten for other in (card, *others))
        unlinked = deed.verb is Verb.UNLINK and "there is no" in problem
        overtaken = deed.verb is Verb.APPEND and "expected_rev" in problem
        return unlinked or overtaken or (forgotten and "was forgotten" in problem)


def _targets(deed: Deed) -> list[JsonValue]:
    links = deed.given.get("links")
    found = links if isinstance(links, list) else []
    return [link["to"] for link in found if isinstance(link, dict)]
