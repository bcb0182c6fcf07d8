"""Recalls at random, each compared at once with what must be there."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import anyio
from pydantic import JsonValue

from benchmarks.torture.errors import RefusedError, TortureError
from benchmarks.torture.ledger import CALL_S
from benchmarks.torture.store.deeds import Account, Card, Moment, Verb, settled_life
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
    expected: Mapping[str, int] = field(default_factory=dict[str, int])
    """Note id -> revision that was acknowledged before: it, or a later one."""
    then: Moment | None = None
    """What it said when it was asked before."""
    unwanted: Card | None = None
    """A note that is forgotten for certain."""
    may_be_forgotten: bool = False
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
        self._account.back_then += look.then is not None
        await self._recall(desk, look, patience)

    async def read(self, desk: Desk, card: Card) -> tuple[int, str] | None:
        """Revision and content of a note; None if the server is gone."""
        given: Mapping[str, JsonValue] = {"note_ids": [card.note_id], **ROOMY}
        notes = await self._recall(desk, Look(given=given, expected=_expected([card])), CALL_S)
        note = notes.get(card.note_id, {})
        rev, content = note.get("rev", 1), note.get("content")
        return (rev, content) if isinstance(rev, int) and isinstance(content, str) else None

    async def _recall(self, desk: Desk, look: Look, patience: float) -> Notes:
        sent = anyio.current_time()
        with anyio.move_on_after(patience) as scope:
            try:
                answer = await desk.caller.call("recall", **look.given)
            except RefusedError as error:
                self._refused(desk, look, str(error))
            except TortureError as error:
                desk.life.lose(str(error))
            else:
                desk.life.answered += 1
                self._account.reads += 1
                notes = _notes(answer)
                self._account.failed_reads += [
                    f"recall({dict(look.given)}): {problem}"
                    for problem in _problems(look, notes, str(answer.get("reason", "")))
                ]
                self._keep(look, notes, sent)
                return notes
        if scope.cancelled_caught:
            self._account.cancelled += 1
            if patience == CALL_S:
                self._account.failed_reads.append(f"recall({dict(look.given)}): no answer")
        return {}

    def _refused(self, desk: Desk, look: Look, problem: str) -> None:
        desk.life.answered += 1
        self._account.reads += 1
        if not (look.may_be_forgotten and "was forgotten" in problem):
            self._account.failed_reads.append(f"recall({dict(look.given)}): {problem}")

    def _keep(self, look: Look, notes: Notes, sent: float) -> None:
        """Remember what notes said that nobody was changing."""
        now = datetime.now(UTC)
        if look.then or "note_ids" not in look.given:
            return
        for card in self._account.known():
            content = notes.get(card.note_id, {}).get("content")
            if isinstance(content, str) and card.quiet_since(sent):
                moment = Moment(note_id=card.note_id, at=now, content=content)
                self._account.moments.append(moment)

    def _next(self) -> Look:
        known = self._account.known()
        sturdy = [card for card in known if card.sturdy]
        ways = (self._by_ids, self._by_words, self._by_session, self._by_tag, self._in_full)
        dice = self._chance.random()
        if not sturdy or dice < 0.05:
            return Look(given={})
        if dice < 0.25 and self._account.moments:
            return self._back_then()
        if dice < 0.35:
            return self._forgotten() or self._by_ids(sturdy)
        if dice < 0.45:
            return self._unsteady(self._chance.choice(known))
        return self._chance.choice(ways)(sturdy)

    def _by_ids(self, sturdy: list[Card]) -> Look:
        cards = self._chance.sample(sturdy, min(len(sturdy), MOST_IDS))
        ids: list[JsonValue] = [card.note_id for card in cards]
        return Look(given={"note_ids": ids, **ROOMY}, expected=_expected(cards))

    def _by_words(self, sturdy: list[Card]) -> Look:
        card = self._chance.choice(sturdy)
        given: Mapping[str, JsonValue] = {"query": card.key, "detail": "index", **ROOMY}
        return Look(given=given, expected=_told([card]))

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

    def _unsteady(self, card: Card) -> Look:
        return Look(given={"note_ids": [card.note_id]}, may_be_forgotten=card.may_be_forgotten)

    def _forgotten(self) -> Look | None:
        gone = [c for c in self._account.known() if settled_life(c) is Verb.FORGET]
        card = self._chance.choice(gone) if gone else None
        if card is None:
            return None
        return Look(given={"query": card.key, "detail": "index", **ROOMY}, unwanted=card)

    def _back_then(self) -> Look:
        then = self._chance.choice(self._account.moments)
        given: Mapping[str, JsonValue] = {
            "note_ids": [then.note_id],
            "known_at": then.at.isoformat(),
        }
        return Look(given=given, expected={then.note_id: 1}, then=then)


def _problems(look: Look, notes: Notes, reason: str) -> Iterator[str]:
    for note_id, least in look.expected.items():
        rev = notes.get(note_id, {}).get("rev", 1)
        if note_id not in notes:
            yield f"{note_id} is missing: {reason}"
        elif not isinstance(rev, int) or rev < least:
            yield f"{note_id} comes as of {rev}, after {least} was acknowledged"
    # Meanwhile somebody may have begun to bring it back.
    if look.unwanted and settled_life(look.unwanted) is Verb.FORGET:
        if look.unwanted.note_id in notes:
            yield f"{look.unwanted.note_id} is forgotten, and yet recalled"
    if look.then and look.then.note_id in notes:
        content = notes[look.then.note_id].get("content")
        if content != look.then.content:
            yield f"it said {look.then.content!r} then, and now {content!r}"
    for note_id, note in notes.items():
        if problem := _broken_history(note):
            yield f"{note_id}: {problem}"


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
