"""Tells notes that are linked to notes of other namespaces, as only their common owner can."""

import random
from collections.abc import Sequence

from pydantic import JsonValue

from benchmarks.torture.store.choices import Choices
from benchmarks.torture.store.deeds import Account, Card, Deed

RELATIONS = ("supports", "contradicts", "shares_name", "derived_from", "as_agreed")
"""None that changes the note at the other end."""


class Bridging(Choices):
    """What is told in one namespace with a view to others.

    Args:
        account: Of the namespace.
        chance: Decides.
        mark: Of the namespace.
        beyond: Accounts of the others.
        most: Notes that are told in the namespace, by whomever.
    """

    def __init__(
        self,
        account: Account,
        chance: random.Random,
        mark: str,
        beyond: Sequence[Account],
        *,
        most: int | None = None,
    ) -> None:
        super().__init__(account, chance, mark, most=most)
        self._beyond = beyond

    def told_or_changed(self, now: float) -> tuple[Card, Deed]:
        """A new note; once all are told, any other change."""
        return self.change(now) if self.full else self.tell(now)

    def _first_links(self, card: Card) -> list[JsonValue]:
        del card
        # One that was forgotten cannot be linked to.
        others = [c for account in self._beyond for c in account.known() if c.sturdy]
        if not others:
            return []
        other, relation = self._chance.choice(others), self._chance.choice(RELATIONS)
        return [{"to": other.note_id, "relation": relation}]
