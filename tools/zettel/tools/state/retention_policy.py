"""Retention: how long notes are kept, by namespace and kind; no rules by default."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.ids import told_at
from zettel.storage.notes import Kind, Outline
from zettel.storage.store import NoteFilter, NoteStore
from zettel.tools.namespace_names import NamespaceNames
from zettel.tools.validation import NAMESPACE

ANY = "*"
RETENTION_MAX_DAYS = 36_525.0
"""A hundred years."""
RETENTION_MAX_NOTES = 10_000
"""Most notes that one run erases; the next run continues."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Rules of `retain_days`: `NAMESPACE`, `NAMESPACE/KIND`, `*` or `*/KIND` -> days.

    Days count from when a note was stored. A rule for the namespace goes before one for `*`, then a
    rule for the kind before one for all kinds.
    """

    days: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def days_of(self, namespace: str, kind: Kind) -> float | None:
        """Days that such notes are kept; None for ever."""
        for key in (f"{namespace}/{kind}", namespace, f"{ANY}/{kind}", ANY):
            if key in self.days:
                return self.days[key]
        return None

    def elsewhere(self, names: NamespaceNames) -> dict[str, str]:
        """Names in the rules that lead to a namespace without a rule of its own -> that namespace.

        Such a rule does not count there: notes told to either name cannot be told apart, and what
        is erased is gone.
        """
        ruled = sorted({key.partition("/")[0] for key in self.days})
        primaries = {name: names.primary(name) for name in ruled}
        return {name: to for name, to in primaries.items() if to not in ruled}


def check_rules(days: Mapping[str, float]) -> Mapping[str, float]:
    """Check rules from the settings, and return them.

    Raises:
        InvalidArgumentError: A name or a number cannot be used.
    """
    for key, value in days.items():
        namespace, _, kind = key.partition("/")
        known = kind in set(Kind) or "/" not in key
        if not known or (namespace != ANY and not NAMESPACE.fullmatch(namespace)):
            raise InvalidArgumentError(
                "retain_days",
                f"{key!r} names no namespace and kind",
                f"Write NAMESPACE or NAMESPACE/KIND, * for any; kinds are {', '.join(Kind)}.",
            )
        if not 0 < value <= RETENTION_MAX_DAYS:
            raise InvalidArgumentError(
                "retain_days",
                f"{value} for {key!r} is no number of days",
                f"Pass one above 0, at most {RETENTION_MAX_DAYS:,.0f}.",
            )
    return days


async def expired(store: NoteStore, rules: Retention, now: datetime) -> list[Outline]:
    """The notes past their retention, in any state, without notes composed of them."""
    if not rules.days:
        return []
    oldest = now - timedelta(days=min(rules.days.values()))
    where = NoteFilter(until=oldest, states=())
    found = list[Outline]()
    for outline in await store.outlines(where, limit=RETENTION_MAX_NOTES * 10):
        days = rules.days_of(outline.namespace, outline.kind)
        if days is not None and told_at(outline.note_id) <= now - timedelta(days=days):
            found.append(outline)
    return found[:RETENTION_MAX_NOTES]
