"""Tells notes that are linked to notes of other namespaces, as only their common owner can."""

import random
from collections.abc import Sequence

from pydantic import JsonValue

from benchmarks.torture.store.choices import Choices
from benchmarks.torture.store.deeds import Account, Card

RELATIONS = ("supports", "contradicts", "about_same", "derived_from", "as_agreed")
"""None that changes the note at the other end."""


class Bridging(Choices):
    """What is told in one namespace with a view to others.

    Args:
        account: Of the namespace.
        chance: Decides.
        mark: Of the namespace.
        beyond: Accounts of the others.
    """

    def __init__(
        self, account: Account, chance: random.Random, mark: str, beyond: Sequence[Account]
    ) -> None:
        super().__init__(account, chance, mark)
        self._beyond = beyond

    def _first_links(self, card: Card) -> list[JsonValue]:
        del card
        # One that was forgotten cannot be linked to.
        others = [c for account in self._beyond for c in account.known() if c.sturdy]
        if not others:
            return []
        other, relation = self._chance.choice(others), self._chance.choice(RELATIONS)
        return [{"to": other.note_id, "relation": relation}]
