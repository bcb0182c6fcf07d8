"""Recalls at random, each compared at once with what must be there."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

import anyio
from pydantic import JsonValue

from benchmarks.torture.errors import RefusedError, TortureError
from benchmarks.torture.ledger import CALL_S
from benchmarks.torture.store.deeds import Account, Card, Verb, settled_life
from benchmarks.torture.store.life import Desk

MOST_IDS = 3

ROOMY: Mapping[str, JsonValue] = {"limit": 100, "max_tokens": 32_000}
"""Room for everything a look expects."""

Notes = Mapping[str, Mapping[str, JsonValue]]
"""By id, as an answer shows them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One recall and what it must show."""

    given: Mapping[str, JsonValue]
    expected: Mapping[str, int]
    """Note id -> revision that was acknowledged before: it, or a later one."""
    unwanted: tuple[Card, ...] = ()
    """Notes that are forgotten for certain."""
    may_be_refused: bool = False
    """Whether there may be nothing to show."""


class Looks:
    """What is looked for next.

    Args:
        account: Everything that was sent so far.
        chance: Decides.
    """

    def __init__(self, account: Account, chance: random.Random) -> None:
        self._account = account
        self._chance = chance

    async def look(self, desk: Desk, patience: float) -> None:
        """Recall something, and enter whatever is missing or too much."""
        look = self._next()
        with anyio.move_on_after(patience) as scope:
            try:
                answer = await desk.caller.call("recall", **look.given)
            except RefusedError as error:
                self._refused(desk, look, str(error))
            except TortureError as error:
                desk.life.lose(str(error))
            else:
                desk.life.answered += 1
                self._compare(look, answer)
        if scope.cancelled_caught:
            self._account.cancelled += 1
            if patience == CALL_S:
                self._fail(look, "no answer")

    def _refused(self, desk: Desk, look: Look, problem: str) -> None:
        desk.life.answered += 1
        self._account.reads += 1
        if not (look.may_be_refused and "was forgotten" in problem):
            self._fail(look, problem)

    def _compare(self, look: Look, answer: Mapping[str, JsonValue]) -> None:
        self._account.reads += 1
        notes = _notes(answer)
        for note_id, least in look.expected.items():
            rev = notes.get(note_id, {}).get("rev", 1)
            if note_id not in notes:
                self._fail(look, f"{note_id} is missing: {answer.get('reason', '')}")
            elif not isinstance(rev, int) or rev < least:
                self._fail(look, f"{note_id} comes as of {rev}, after {least} was acknowledged")
        for card in look.unwanted:
            # Meanwhile somebody may have begun to bring it back.
            if card.note_id in notes and settled_life(card) is Verb.FORGET:
                self._fail(look, f"{card.note_id} is forgotten, and yet recalled")
        for note_id, note in notes.items():
            if problem := _broken_history(note):
                self._fail(look, f"{note_id}: {problem}")

    def _fail(self, look: Look, problem: str) -> None:
        self._account.failed_reads.append(f"recall({dict(look.given)}): {problem}")

    def _next(self) -> Look:
        sturdy = [card for card in self._account.known() if card.sturdy]
        ways = (self._by_ids, self._by_words, self._by_session, self._by_tag, self._in_full)
        if not sturdy or self._chance.random() < 0.05:
            return Look(given={}, expected={})
        if self._chance.random() < 0.15:
            return self._forgotten() or self._by_ids(sturdy)
        return self._chance.choice(ways)(sturdy)

    def _by_ids(self, sturdy: list[Card]) -> Look:
        cards = self._chance.sample(sturdy, min(len(sturdy), MOST_IDS))
        ids: list[JsonValue] = [card.note_id for card in cards]
        return Look(given={"note_ids": ids, **ROOMY}, expected=_expected(cards))

    def _by_words(self, sturdy: list[Card]) -> Look:
        card = self._chance.choice(sturdy)
        return Look(given={"query": f"what became of {card.key}?"}, expected=_expected([card]))

    def _by_session(self, sturdy: list[Card]) -> Look:
        session = self._chance.choice(sturdy).session
        given: Mapping[str, JsonValue] = {"session": session, "detail": "index", **ROOMY}
        return Look(given=given, expected=_told([c for c in sturdy if c.session == session]))

    def _by_tag(self, sturdy: list[Card]) -> Look:
        session = self._chance.choice(sturdy).session
        given: Mapping[str, JsonValue] = {"tags": [f"t{session[1:]}"], "detail": "index", **ROOMY}
        return Look(given=given, expected=_told([c for c in sturdy if c.session == session]))

    def _in_full(self, sturdy: list[Card]) -> Look:
        card = self._chance.choice(sturdy)
        given: Mapping[str, JsonValue] = {"note_ids": [card.note_id], "detail": "full", **ROOMY}
        return Look(given=given, expected=_expected([card]))

    def _forgotten(self) -> Look | None:
        gone = [c for c in self._account.known() if settled_life(c) is Verb.FORGET]
        if not gone:
            return None
        card = self._chance.choice(gone)
        wanted: Mapping[str, JsonValue] = {"query": f"what became of {card.key}?"}
        return Look(given=wanted, expected={}, unwanted=(card,))


def _notes(answer: Mapping[str, JsonValue]) -> Notes:
    notes = answer["notes"]
    assert isinstance(notes, list)
    return {str(note["note_id"]): note for note in notes if isinstance(note, dict)}


def _expected(cards: list[Card]) -> dict[str, int]:
    return {card.note_id: card.rev for card in cards}


def _told(cards: list[Card]) -> dict[str, int]:
    """One line each: revisions are not shown."""
    return {card.note_id: 1 for card in cards}


def _broken_history(note: Mapping[str, JsonValue]) -> str:
    """What is wrong with a history shown; empty if nothing is."""
    history = note.get("history")
    if not isinstance(history, list):
        return ""
    revs = [entry["rev"] for entry in history if isinstance(entry, dict)]
    if revs != list(range(1, len(revs) + 1)):
        return f"its history shows revisions {revs}"
    return "" if note.get("rev", 1) == len(revs) else f"it has a history of {len(revs)} revisions"
