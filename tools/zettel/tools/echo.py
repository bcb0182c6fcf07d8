"""The echo guard: text that recall just served is not remembered again as something new."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from zettel.storage.notes import fold
from zettel.tools.answers import RecalledNote

# A view is walked as plain JSON.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false

ECHO_WINDOW = timedelta(minutes=30)
"""How long a served text counts as ours (design, section 5)."""

KEPT_PER_NAMESPACE = 2_000
"""Served texts kept per namespace; a long session serves some hundreds in half an hour."""

_FRAMING = re.compile(
    r"""[0-9a-hjkmnp-tv-z]{26}                     # a note id (ULID alphabet, folded)
      | \d{4}-\d{2}-\d{2}(t[\d:.]+)?(z|\+[\d:]+)?  # a time
      | "[a-z_]+"\s*:                              # a key of our JSON
      | \b(verdict|found|uncertain|notes?|note_id|content|context|subject|tags|kind|happened_at
        |valid_until|namespace|source|session|why|links|relation|excerpt|true|false|null
        |memory|memories|recalled|episodic|semantic|procedural|working|core|concept)\b""",
    re.VERBOSE,
)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)


@dataclass(frozen=True, slots=True)
class _Served:
    note_id: str
    at: datetime
    fields: tuple[str, ...]


class ServedLog:
    """What recall served to each namespace in the last half hour."""

    def __init__(self) -> None:
        self._served: dict[str, dict[str, _Served]] = {}

    def record(self, namespaces: Iterable[str], view: RecalledNote, at: datetime) -> None:
        """Note that this view of a note went out to callers of these namespaces."""
        text = fold(view.get("content") or view.get("line", ""))
        fields = {fold(field) for field in _strings(view)} - {text}
        served_view = _Served(view["note_id"], at, tuple(fields))
        for namespace in namespaces:
            served = self._served.setdefault(namespace, {})
            served.pop(text, None)
            served[text] = served_view
            while len(served) > KEPT_PER_NAMESPACE:
                served.pop(next(iter(served)))

    def echoed(self, namespace: str, content: str, now: datetime) -> str | None:
        """The served note this text consists of, if it holds nothing else but our framing.

        Never judged by similarity: every character outside the served texts and our own framing
        must be punctuation, a digit or a space.
        """
        served = self._served.get(namespace, {})
        for text in [text for text, entry in served.items() if now - entry.at > ECHO_WINDOW]:
            del served[text]
        rest, first, fields = fold(content), None, set[str]()
        for text in sorted(served, key=len, reverse=True):
            if text and text in rest:
                rest = rest.replace(text, " ")
                first = first or served[text].note_id
                fields.update(served[text].fields)
        if first is None:
            return None
        for field in sorted(fields, key=len, reverse=True):
            rest = re.sub(rf"(?<!\w){re.escape(field)}(?!\w)", " ", rest)
        rest = _FRAMING.sub(" ", rest)
        return None if any(character.isalpha() for character in rest) else first
