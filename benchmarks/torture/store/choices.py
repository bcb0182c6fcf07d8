"""Chooses the next change at random: any verb, and often a note that others are changing too."""

import random
from collections.abc import Callable, Mapping

from pydantic import JsonValue

from benchmarks.torture.store.deeds import LIFE, Account, Card, Deed, Outcome, Verb

SESSION_NOTES = 20
"""Notes told in one session: what recalling it shows fits into one answer."""

STURDY = 0.6
"""Share of notes that nobody ever forgets or supersedes, so that every recall must find them."""

GROWING = 0.3
"""Share of those to which everybody adds words, and nobody does anything else to the content."""

HOT_NOTES = 6
"""The youngest so many notes are changed by everybody at once."""
HOT = 0.5
"""Share of changes that go to one of those."""

MOST_DEEDS = 48
"""Of one note: fewer than the links it may have, and a history that is read in one go."""

SUPERSEDES = "supersedes"

CHANGES: Mapping[Verb, int] = {
    Verb.REMEMBER: 30,
    Verb.CONTENT: 16,
    Verb.CORRECT: 5,
    Verb.RESTORE: 4,
    Verb.TAGS: 9,
    Verb.LINK: 10,
    Verb.UNLINK: 5,
    Verb.SUPERSEDE: 8,
    Verb.FORGET: 9,
    Verb.UNDO: 9,
}
"""How often each is chosen, relative to the others."""

REPLACED = frozenset((Verb.CONTENT, Verb.CORRECT, Verb.RESTORE))
"""What nobody does to a note that grows."""


class Choices:
    """What is to be done next, by everybody on one store.

    Args:
        account: Every choice is opened in it.
        chance: Decides.
        mark: Stands in everything that is told, so that it can be told from others' words.
        most: Notes that are told; with them a store has come to the size it keeps. None for no end.
    """

    def __init__(
        self, account: Account, chance: random.Random, mark: str = "", *, most: int | None = None
    ) -> None:
        self._account = account
        self._chance = chance
        self._mark = mark
        self._most = most

    @property
    def full(self) -> bool:
        """Whether all notes are told."""
        return self._most is not None and len(self._account.cards) >= self._most

    def change(self, now: float) -> tuple[Card, Deed]:
        """A change that can be made now; where the one drawn cannot, a new note is told."""
        open_to = {v: n for v, n in CHANGES.items() if not (self.full and v is Verb.REMEMBER)}
        (verb,) = self._chance.choices(list(open_to), list(open_to.values()))
        found = None if verb is Verb.REMEMBER else self._to_known(verb, now)
        if found is None:
            return self.tell(now)
        card, deed = found
        card.deeds.append(deed)
        return card, deed

    def tell(self, now: float) -> tuple[Card, Deed]:
        """A new note."""
        card, deed = self._new(now)
        card.deeds.append(deed)
        return card, deed

    def growing(self) -> Card | None:
        """A note to add a word to."""
        return self._known(lambda card: card.grows)

    def append(self, card: Card, rev: int, content: str, now: float) -> tuple[Card, Deed]:
        """One more word behind what was just read, unless somebody changed it meanwhile."""
        word = self.word()
        given: Mapping[str, JsonValue] = {
            "note_id": card.note_id,
            "content": f"{content} {word}",
            "expected_rev": rev,
        }
        card.deeds.append(deed := Deed(verb=Verb.APPEND, word=word, given=given, sent=now))
        return card, deed

    def word(self) -> str:
        """A word nobody has used yet."""
        return f"w{self._mark}{self._chance.getrandbits(48):012x}"

    def _new(self, now: float) -> tuple[Card, Deed]:
        number = len(self._account.cards)
        group = number // SESSION_NOTES
        sturdy = self._chance.random() < STURDY
        card = Card(
            number=number,
            key=self.word(),
            session=f"s{group}{self._mark}",
            sturdy=sturdy,
            grows=sturdy and self._chance.random() < GROWING,
        )
        word = self.word()
        given: dict[str, JsonValue] = {
            "content": f"{card.key} was first told as {word}",
            "tags": [f"t{group}{self._mark}"],
            "subject": f"subject {number % 7}{self._mark}",
            "session": card.session,
        }
        if links := self._first_links(card):
            given["links"] = links
        self._account.cards.append(card)
        return card, Deed(verb=Verb.REMEMBER, word=word, given=given, sent=now)

    def _first_links(self, card: Card) -> list[JsonValue]:
        links: list[JsonValue] = []
        if (other := self._other(card)) and self._chance.random() < 0.4:
            links.append({"to": other.note_id, "relation": "supports"})
        if (older := self._older(card)) and self._chance.random() < 0.1:
            links.append({"to": older.note_id, "relation": SUPERSEDES})
        return links

    def _to_known(self, verb: Verb, now: float) -> tuple[Card, Deed] | None:
        def fits(card: Card) -> bool:
            return not (card.sturdy and verb in LIFE) and not (card.grows and verb in REPLACED)

        card = self._known(fits)
        if card is None:
            return None
        if verb is Verb.RESTORE:
            base = self._chance.randint(1, card.rev)
            given: Mapping[str, JsonValue] = {"note_id": card.note_id, "restore_rev": base}
            return card, Deed(verb=verb, word="", base=base, given=given, sent=now)
        made = self._of_words(verb, card) or self._of_links(verb, card) or self._of_life(verb, card)
        if made is None:
            return None
        word, to, given = made
        return card, Deed(verb=verb, word=word, to=to, given=given, sent=now)

    def _of_words(self, verb: Verb, card: Card) -> tuple[str, str, Mapping[str, JsonValue]] | None:
        word = self.word()
        if verb is Verb.CONTENT:
            given: Mapping[str, JsonValue] = {"content": f"{card.key} became {word}"}
        elif verb is Verb.CORRECT:
            given = {"content": f"{card.key} has always been {word}", "correction": True}
        elif verb is Verb.TAGS:
            given = {"tags": [f"t{card.session[1:]}", word]}
        else:
            return None
        return word, "", {"note_id": card.note_id, **given}

    def _of_links(self, verb: Verb, card: Card) -> tuple[str, str, Mapping[str, JsonValue]] | None:
        if verb is Verb.LINK and (other := self._other(card)):
            link: dict[str, JsonValue] = {"to": other.note_id, "relation": self.word()}
        elif verb is Verb.SUPERSEDE and (older := self._older(card)):
            link = {"to": older.note_id, "relation": SUPERSEDES}
        elif verb is Verb.UNLINK and (linked := self._linked(card)):
            link = {"to": linked.to, "relation": linked.word, "remove": True}
        else:
            return None
        given: Mapping[str, JsonValue] = {"note_id": card.note_id, "links": [link]}
        return str(link["relation"]), str(link["to"]), given

    def _of_life(self, verb: Verb, card: Card) -> tuple[str, str, Mapping[str, JsonValue]] | None:
        if verb not in LIFE:
            return None
        undo: Mapping[str, JsonValue] = {"undo": True} if verb is Verb.UNDO else {}
        return "", "", {"note_ids": [card.note_id], **undo}

    def _known(self, fits: Callable[[Card], bool]) -> Card | None:
        known = [c for c in self._account.known() if len(c.deeds) < MOST_DEEDS and fits(c)]
        if not known:
            return None
        hot = self._chance.random() < HOT
        return self._chance.choice(known[-HOT_NOTES:] if hot else known)

    def _other(self, card: Card) -> Card | None:
        others = [other for other in self._account.known() if other is not card]
        return self._chance.choice(others) if others else None

    def _older(self, card: Card) -> Card | None:
        older = [c for c in self._account.known() if c.number < card.number and not c.sturdy]
        return self._chance.choice(older[-HOT_NOTES:]) if older else None

    def _linked(self, card: Card) -> Deed | None:
        gone = {(deed.to, deed.word) for deed in card.of(Verb.UNLINK)}
        added = [
            deed
            for deed in card.of(Verb.LINK, Verb.SUPERSEDE)
            if deed.outcome is Outcome.ACKNOWLEDGED and (deed.to, deed.word) not in gone
        ]
        return self._chance.choice(added) if added else None
