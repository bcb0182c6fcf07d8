"""The texts that recall has just served, by which `remember` recognises an echo.

Served texts and `remember`'s content both come from strangers, so the log is never searched: a
content takes a number of lookups in proportion to its own length, however much was served.
"""

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from zettel.storage.notes import fold
from zettel.tools.answers import RecalledNote
from zettel.tools.language.times import iso
from zettel.tools.ranking.excerpt import EXCERPT_GAP
from zettel.tools.validation import MAX_CONTENT

ECHO_WINDOW = timedelta(minutes=30)
"""How long a served text is recognised (design, section 5)."""
ECHO_MAX_CHARACTERS = 2 * MAX_CONTENT
"""Longest folded content that is looked through: NFKC makes up to 18 characters of one."""
ECHO_MIN_STEPS, ECHO_STEPS_PER_CHARACTER = 4_096, 2
"""Steps that a search may take: one for each word, and for each length that a text which begins
alike has. A search that needs more finds nothing: a copy stored twice does less harm than a
server that waits."""
ECHO_MAX_FRAMING = 8_000_000
"""Fields of the found notes times characters beside their texts: 9 ms, at worst 30 (measured)."""
SERVED_MAX_BYTES = 8 << 20
"""Most memory for the served texts of a tenant. Served to two namespaces each: 1,850 of 200
characters, where a long session serves some hundreds in half an hour, or 130 of 30,000 (measured).
"""
SERVED_TOTAL_MAX_BYTES = 64 << 20
"""Most memory for those of all tenants: eight that each fill their own."""

_TEXT_BYTES, _FIELD_BYTES = 900, 80
"""Memory for a text and for a field's value beside their characters."""
_STEP_CHARACTERS = 64
"""Characters that are copied and hashed in one step."""
_OPENINGS = (64, 16, 4, 1)
"""Characters of the beginning under which a text is found: the first number that it has."""
_MARKER = re.compile(r"^[ \t]*(?:\d{1,3}[.)]|[-*•>]+)[ \t]+", re.MULTILINE)
"""A list's bullet or number at the start of a line."""
_START = re.compile(r"(?<!\w)\S")
_WORD = re.compile(r"\w")
_ID = re.compile(r"(?<!\w)[0-9a-hjkmnp-tv-z]{26}(?!\w)")
_TIME = re.compile(r"(?<!\w)\d{4}-\d{2}-\d{2}(?:t\d{2}:\d{2}[\d:.]*)?(?:z|[+-]\d{2}:\d{2})?(?!\w)")
_ZEROS = re.compile(r"t00:00(?::00)?(?!:)|(?<=t\d\d:\d\d):00(?![\d.])|z")
"""What a moment is written with or without: midnight, no seconds, UTC."""
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
    """Folded values of the note's other fields, times among them also in their short form."""
    at: datetime
    size: int
    """Memory, bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedView:
    """The texts of a served view, folded."""

    note_id: str
    texts: tuple[str, ...]
    subject: str
    fields: frozenset[str]


def read_view(view: RecalledNote) -> FoldedView:
    """Fold what a view of a note says; CPU work for a worker thread."""
    content = view.get("content", "")
    fields = frozenset(map(fold, _strings({**view, "content": ""})))
    times = {_short_time(value) for value in fields if _TIME.fullmatch(value)}
    day = view.get("happened_at", "")[: len("2026-01-01")]
    pieces = content.split(EXCERPT_GAP) if view.get("excerpt") else [content]
    return FoldedView(
        note_id=view["note_id"],
        texts=tuple(filter(None, map(fold, pieces))),
        subject=fold(view.get("subject", "")),
        fields=fields | times | ({day} if day else set[str]()),
    )


@dataclass(slots=True)
class _TenantLog:
    """The served texts of one tenant, found by how they begin and by their length."""

    last: datetime
    """When something was last served."""
    texts: dict[tuple[str, str], Served] = field(default_factory=dict[tuple[str, str], Served])
    """By namespace and text; the text served longest ago is first."""
    lengths: dict[tuple[str, str], Counter[int]] = field(
        default_factory=dict[tuple[str, str], Counter[int]]
    )
    """By namespace and opening: the lengths of the texts."""
    size: int = 0
    """Bytes."""

    def add(self, namespace: str, entry: Served) -> None:
        """Add a text as the newest one."""
        key = (namespace, entry.text)
        if key in self.texts:
            self.remove(key)
        self.texts[key] = entry
        self.lengths.setdefault((namespace, _opening(entry.text)), Counter())[len(entry.text)] += 1
        self.size += entry.size

    def remove(self, key: tuple[str, str]) -> None:
        """Remove a text from a namespace."""
        entry = self.texts.pop(key)
        self.size -= entry.size
        opening = (key[0], _opening(entry.text))
        lengths = self.lengths[opening]
        lengths[len(entry.text)] -= 1
        if not lengths[len(entry.text)]:
            del lengths[len(entry.text)]
        if not lengths:
            del self.lengths[opening]

    def remove_oldest(self) -> None:
        """Remove the text that was served longest ago."""
        self.remove(next(iter(self.texts)))

    def expire(self, now: datetime) -> None:
        """Remove what is older than `ECHO_WINDOW`, and the oldest past `SERVED_MAX_BYTES`."""
        while self.texts and (
            self.size > SERVED_MAX_BYTES or now - next(iter(self.texts.values())).at > ECHO_WINDOW
        ):
            self.remove_oldest()

    def longest_at(self, namespace: str, rest: str, at: int) -> tuple[Served | None, int]:
        """The longest text that a content has at a position, as words, and the steps taken."""
        steps = 1
        for width in _OPENINGS:
            lengths = self.lengths.get((namespace, rest[at : at + width]), ())
            steps += len(lengths)
            for length in sorted(lengths, reverse=True):
                if at + length > len(rest) or _WORD.match(rest, at + length):
                    continue
                steps += length // _STEP_CHARACTERS
                if entry := self.texts.get((namespace, rest[at : at + length])):
                    return entry, steps
        return None, steps


class ServedLog:
    """The texts that recall served to each namespace within `ECHO_WINDOW`.

    A tenant's texts take `SERVED_MAX_BYTES` at most, and all tenants' `SERVED_TOTAL_MAX_BYTES`, for
    which the tenant with most of it loses its oldest: one that reads little loses nothing by what
    another reads.

    Args:
        tenants: The logs of all tenants by name.
        tenant: The tenant; empty for the store's owner.
    """

    def __init__(self, tenants: dict[str, _TenantLog] | None = None, tenant: str = "") -> None:
        self._tenants = {} if tenants is None else tenants
        self._tenant = tenant

    def of(self, tenant: str) -> "ServedLog":
        """The log of a tenant; empty for the store's owner."""
        return ServedLog(self._tenants, tenant)

    def record(self, namespaces: Iterable[str], view: RecalledNote, at: datetime) -> None:
        """Record that a view of a note was served to callers of these namespaces."""
        self.add(namespaces, [read_view(view)], at)

    def add(self, namespaces: Iterable[str], told: Sequence[FoldedView], at: datetime) -> None:
        """The same for the views of an answer, read in a thread."""
        if not told:
            return
        names = tuple(namespaces)
        log = self._tenants.setdefault(self._tenant, _TenantLog(at))
        log.last = at
        for view in told:
            fields = sum(map(_field_bytes, view.fields))
            for text in view.texts:
                size = _TEXT_BYTES + sys.getsizeof(text) + fields
                entry = Served(view.note_id, text, view.subject, view.fields, at, size)
                for namespace in names:
                    log.add(namespace, entry)
        log.expire(at)
        for name in [n for n, other in self._tenants.items() if at - other.last > ECHO_WINDOW]:
            del self._tenants[name]
        while sum(other.size for other in self._tenants.values()) > SERVED_TOTAL_MAX_BYTES:
            max(self._tenants.values(), key=lambda other: other.size).remove_oldest()

    def drop(self, note_ids: Container[str]) -> None:
        """Forget the texts of these notes, for all tenants."""
        for log in self._tenants.values():
            for key in [key for key, entry in log.texts.items() if entry.note_id in note_ids]:
                log.remove(key)

    def expire(self, now: datetime) -> None:
        """Forget what was served to the tenant before `ECHO_WINDOW`."""
        if log := self._tenants.get(self._tenant):
            log.expire(now)

    def echoed(self, namespace: str, content: str, now: datetime) -> list[Served]:
        """The served texts that make up a content, longest first, if it has only framing beside.

        Not judged by similarity: outside the served texts only list markers, ids, the times of
        their notes and of the answer, the JSON of an answer, and punctuation may be left: another
        day before a text tells that it happened again. Of texts that overlap in the content the
        one that begins first counts, of these the longest. It changes nothing and takes up to
        0.1 s: CPU work for a worker thread, after `expire`.
        """
        log = self._tenants.get(self._tenant)
        if log is None:
            return []
        rest = fold(_MARKER.sub(" ", content)) if log.texts else ""
        if len(rest) > ECHO_MAX_CHARACTERS:
            return []
        found, beside = _split(log, namespace, rest)
        fields = frozenset[str]().union(*(entry.fields for entry in found))
        if not found or len(fields) * len(beside) > ECHO_MAX_FRAMING:
            return []
        if any(now - entry.at > ECHO_WINDOW for entry in found):
            return []
        for value in sorted(fields, key=len, reverse=True):
            beside = beside.replace(f'"{value}"', " ").replace(f"'{value}'", " ")
        for framing in (_NUMBER_FIELD, _KEY, _ID):
            beside = framing.sub(" ", beside)
        own = fields.union(_short_time(fold(iso(at))) for at in {entry.at for entry in found})
        beside = _TIME.sub(lambda m: " " if _short_time(m.group()) in own else m.group(), beside)
        return [] if any(map(_says_something, beside)) else found


def _split(log: _TenantLog, namespace: str, rest: str) -> tuple[list[Served], str]:
    """The served texts in a folded content, each once, and what the content has beside them.

    Nothing is found where that would take more than the steps allowed.
    """
    steps = ECHO_MIN_STEPS + ECHO_STEPS_PER_CHARACTER * len(rest)
    found, beside, end = dict[str, Served](), list[str](), 0
    start = _START.search(rest)
    while start and steps > 0:
        at = start.start()
        entry, taken = log.longest_at(namespace, rest, at)
        steps -= taken
        if entry:
            found[entry.text] = entry
            beside.append(_without_subject(rest[end:at], entry.subject))
            at = end = at + len(entry.text)
        start = _START.search(rest, at if entry else at + 1)
    if steps <= 0:
        return [], rest
    texts = sorted(found.values(), key=lambda entry: len(entry.text), reverse=True)
    return texts, " ".join([*beside, rest[end:]])


def _without_subject(before: str, subject: str) -> str:
    """What stands before a text, without "subject: " as a one-line view has it."""
    end = len(before) - len(subject) - len(": ")
    spelled = bool(subject) and before.endswith(f"{subject}: ")
    return before[:end] if spelled and not (end and _WORD.match(before, end - 1)) else before


def _short_time(time: str) -> str:
    return _ZEROS.sub("", time)


def _opening(text: str) -> str:
    return text[: next(width for width in _OPENINGS if width <= len(text))]


def _field_bytes(value: str) -> int:
    return sys.getsizeof(value) + _FIELD_BYTES


def _says_something(character: str) -> bool:
    symbol = unicodedata.category(character).startswith("S") and not character.isascii()
    return character.isalnum() or symbol


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():  # pyright: ignore[reportUnknownVariableType]: plain JSON
            yield from _strings(part)  # pyright: ignore[reportUnknownArgumentType]: plain JSON
    elif isinstance(value, list):
        for part in value:  # pyright: ignore[reportUnknownVariableType]: plain JSON
            yield from _strings(part)  # pyright: ignore[reportUnknownArgumentType]: plain JSON
