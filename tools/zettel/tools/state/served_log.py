"""The echo guard: text that recall has just served is not stored again as a new note."""

import re
import unicodedata
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from zettel.storage.notes import fold
from zettel.tools.answers import RecalledNote
from zettel.tools.ranking.excerpt import EXCERPT_GAP

# A view is walked as plain JSON.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false

ECHO_WINDOW = timedelta(minutes=30)
"""How long a served text is recognised (design, section 5)."""

SERVED_MAX_TEXTS = 4_000
"""Most served texts per process; a long session serves some hundreds in half an hour."""

_MARKER = re.compile(r"^[ \t]*(?:\d{1,3}[.)]|[-*•>]+)[ \t]+", re.MULTILINE)
"""A list's bullet or number at the start of a line."""
_ID = re.compile(r"(?<!\w)[0-9a-hjkmnp-tv-z]{26}(?!\w)")
_TIME = re.compile(r"(?<!\w)\d{4}-\d{2}-\d{2}(?:t\d{2}:\d{2}[\d:.]*)?(?:z|[+-]\d{2}:\d{2})?(?!\w)")
_NUMBER_FIELD = re.compile(r"""["'][a-z_]+["']\s*:\s*(?:true|false|none|null|-?\d+(?:\.\d+)?)""")
_KEY = re.compile(r"""["'][a-z_]+["']\s*:""")


@dataclass(frozen=True, slots=True)
class Served:
    """A text of a note as it was served."""

    note_id: str
    text: str
    """Folded: the whole content, or one passage of it."""
    subject: str
    fields: frozenset[str]
    """Folded values of the note's other fields."""
    at: datetime


class ServedLog:
    """The texts that recall served to each namespace within `ECHO_WINDOW`.

    Args:
        served: Shared by all tenants, so that the bound holds for all together.
        tenant: The tenant; empty for the store's owner.
    """

    def __init__(
        self, served: dict[tuple[str, str, str], Served] | None = None, tenant: str = ""
    ) -> None:
        self._served = {} if served is None else served
        self._tenant = tenant

    def of(self, tenant: str) -> "ServedLog":
        """The log of a tenant; empty for the store's owner."""
        return ServedLog(self._served, tenant)

    def record(self, namespaces: Iterable[str], view: RecalledNote, at: datetime) -> None:
        """Record that a view of a note was served to callers of these namespaces."""
        content = view.get("content", "")
        pieces = content.split(EXCERPT_GAP) if view.get("excerpt") else [content]
        fields = frozenset(map(fold, _strings({**view, "content": ""})))
        subject = fold(view.get("subject", ""))
        for text in filter(None, map(fold, pieces)):
            entry = Served(view["note_id"], text, subject, fields, at)
            for namespace in namespaces:
                key = (self._tenant, namespace, text)
                self._served.pop(key, None)
                self._served[key] = entry
        self._expire(at)

    def drop(self, note_ids: Container[str]) -> None:
        """Forget the texts of these notes, for all tenants."""
        # In place: the logs of all tenants share it.
        for key in [key for key, entry in self._served.items() if entry.note_id in note_ids]:
            del self._served[key]

    def _expire(self, now: datetime) -> None:
        # In recording order: the oldest are first.
        while self._served:
            oldest = next(iter(self._served))
            if (
                len(self._served) <= SERVED_MAX_TEXTS
                and now - self._served[oldest].at <= ECHO_WINDOW
            ):
                return
            del self._served[oldest]

    def echoed(self, namespace: str, content: str, now: datetime) -> list[Served]:
        """The served texts that make up a content, if it has nothing else but framing.

        Not judged by similarity: outside the served texts only list markers, ids, times, the JSON
        of an answer, and punctuation may be left.
        """
        self._expire(now)
        rest, found = fold(_MARKER.sub(" ", content)), list[Served]()
        mine = (self._tenant, namespace)
        served = [entry for key, entry in self._served.items() if key[:2] == mine]
        for entry in sorted(served, key=lambda entry: -len(entry.text)):
            who = rf"(?:{re.escape(entry.subject)}\s?:\s)?" if entry.subject else ""
            rest, count = re.subn(rf"(?<!\w){who}{re.escape(entry.text)}(?!\w)", " ", rest)
            found += [entry] if count else []
        if not found:
            return []
        for value in sorted(frozenset[str]().union(*(e.fields for e in found)), key=len)[::-1]:
            rest = rest.replace(f'"{value}"', " ").replace(f"'{value}'", " ")
        for framing in (_NUMBER_FIELD, _KEY, _ID, _TIME):
            rest = framing.sub(" ", rest)
        return [] if any(map(_says_something, rest)) else found


def _says_something(character: str) -> bool:
    symbol = unicodedata.category(character).startswith("S") and not character.isascii()
    return character.isalnum() or symbol


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
