"""The texts that recall has just served, by which `remember` recognises an echo.

Served text and `remember`'s content both come from strangers, so nothing here searches the log: the
work for a content is bounded by the content's own length, however much was served.
"""

import sys
import unicodedata
from collections import OrderedDict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from string import punctuation

from zettel.storage.notes import fold
from zettel.tools.answers import RecalledNote
from zettel.tools.ranking.excerpt import EXCERPT_GAP
from zettel.tools.validation import MAX_CONTENT

ECHO_WINDOW = timedelta(minutes=30)
"""How long a served text is recognised (design, section 5)."""
ECHO_MAX_CHARACTERS = 2 * MAX_CONTENT
"""Longest folded content that is looked through. NFKC makes up to 18 characters of one; words of
any language stay below twice their length."""
ECHO_STEPS_PER_CHARACTER = 2
"""Steps of a search for each character of the content, a lookup each; ordinary notes and copied
answers take less than one. A search that needs more finds nothing: a copy stored twice does less
harm than a server that waits."""
ECHO_MIN_STEPS = 4_096
"""Steps of a search in the shortest content, enough for the fields of a note with its history."""
SERVED_MAX_BYTES = 8 << 20
"""Most memory for the served texts of a tenant: some 3,000 of ordinary length, where a long session
serves some hundreds in half an hour, or 200 of the longest notes."""
SERVED_TOTAL_MAX_BYTES = 64 << 20
"""Most memory for those of all tenants: eight that read all day, or a hundred ordinary sessions."""

_TEXT_BYTES = 1_200
"""Memory for a text beside its characters: its places in the index."""
_FIELD_BYTES = 80
"""Memory for a field's value beside its characters."""
_STEP_CHARACTERS = 64
"""Characters that are copied and hashed in one step."""
_TILE_STEPS = 16
"""Steps for each served text that is found, which takes as long as that many lookups."""
_QUOTE_STEPS = 4
"""Steps for each quotation mark beside them."""
_INDEX_RATIO = 4
"""Lengths of the indexed beginnings of a text: 1, 4, 16 and so on."""
_BULLETS = "-*•>"
_QUOTES = "\"'"
_ID_CHARACTERS = frozenset("0123456789abcdefghjkmnpqrstvwxyz")
_ID_LENGTH = 26
_SCALARS = ("true", "false", "none", "null")


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
    size: int
    """Memory for the fields, bytes."""


class _OutOfStepsError(Exception):
    """A search took more steps than its content's length allows."""


@dataclass(slots=True)
class _Steps:
    """The steps that a search may still take."""

    left: int

    def take(self, steps: int = 1, *, characters: int = 0) -> None:
        """Take steps, and those for characters that are copied.

        Raises:
            _OutOfStepsError: There are not enough left.
        """
        self.left -= steps + characters // _STEP_CHARACTERS
        if self.left < 0:
            raise _OutOfStepsError


@dataclass(slots=True)
class _TenantLog:
    """The served texts of one tenant, found by how they begin.

    A text is indexed under its beginnings of 1, 4, 16, … characters, so that the longest text at a
    position of a content takes a few lookups, however many texts there are.
    """

    texts: dict[str, dict[str, Served]] = field(default_factory=dict[str, dict[str, Served]])
    """Text -> namespace -> how it was served there; the text served longest ago is first."""
    longer: dict[int, int] = field(default_factory=dict[int, int])
    """Hash of a beginning -> number of texts with the next longer beginning."""
    lengths: dict[int, dict[int, int]] = field(default_factory=dict[int, dict[int, int]])
    """Hash of the longest beginning of a text -> its length -> number of such texts."""
    sizes: dict[str, int] = field(default_factory=dict[str, int])
    """Text -> its memory, bytes."""
    size: int = 0
    """Bytes."""
    last: datetime = datetime.min
    """When it was last added to."""

    def add(self, entry: Served, namespaces: Iterable[str]) -> None:
        """Add a text as the newest one."""
        there = self.texts.pop(entry.text, None)
        if there is None:
            there = {}
            self._index(entry.text, 1)
        there |= dict.fromkeys(namespaces, entry)
        self.texts[entry.text] = there
        self.size -= self.sizes.get(entry.text, 0)
        views = {id(one): one.size for one in there.values()}
        self.sizes[entry.text] = sys.getsizeof(entry.text) + _TEXT_BYTES + sum(views.values())
        self.size += self.sizes[entry.text]
        self.last = entry.at

    def remove(self, text: str) -> None:
        """Remove a text in all namespaces."""
        del self.texts[text]
        self.size -= self.sizes.pop(text)
        self._index(text, -1)

    def remove_oldest(self) -> None:
        """Remove the text that was served longest ago."""
        self.remove(next(iter(self.texts)))

    def _index(self, text: str, change: int) -> None:
        """Add or remove a text's beginnings."""
        width = 1
        while width * _INDEX_RATIO <= len(text):
            _count(self.longer, hash(text[:width]), change)
            width *= _INDEX_RATIO
        # Two beginnings with one hash only cost a lookup: the text itself is compared.
        opening = hash(text[:width])
        lengths = self.lengths.setdefault(opening, {})
        _count(lengths, len(text), change)
        if not lengths:
            del self.lengths[opening]

    def expire(self, now: datetime) -> None:
        """Remove what is older than `ECHO_WINDOW`, and the oldest past `SERVED_MAX_BYTES`."""
        while self.texts:
            newest = max(entry.at for entry in next(iter(self.texts.values())).values())
            if self.size <= SERVED_MAX_BYTES and now - newest <= ECHO_WINDOW:
                return
            self.remove_oldest()

    def longest_at(self, rest: str, at: int, namespace: str, steps: _Steps) -> Served | None:
        """The longest text served to a namespace that a content has at a position, as words."""
        width, found = 1, None
        while at + width <= len(rest):
            opening = hash(rest[at : at + width])
            steps.take(characters=width)
            lengths = self.lengths.get(opening, {})
            steps.take(len(lengths))
            for length in sorted(lengths, reverse=True):
                end = at + length
                if end <= len(rest) and not _is_word(rest[end : end + 1]):
                    steps.take(characters=length)
                    if entry := self.texts.get(rest[at:end], {}).get(namespace):
                        found = entry
                        break
            if opening not in self.longer:
                break
            width *= _INDEX_RATIO
        return found


class ServedLog:
    """The texts that recall served to each namespace within `ECHO_WINDOW`.

    A tenant's texts take `SERVED_MAX_BYTES` at most, and all tenants' `SERVED_TOTAL_MAX_BYTES`, for
    which the tenant with most of it loses its oldest: one that reads little loses nothing by what
    another reads.

    Args:
        tenants: The logs of all tenants, the one that was added to longest ago first.
        tenant: The tenant; empty for the store's owner.
    """

    def __init__(
        self, tenants: OrderedDict[str, _TenantLog] | None = None, tenant: str = ""
    ) -> None:
        self._tenants = OrderedDict[str, _TenantLog]() if tenants is None else tenants
        self._tenant = tenant

    def of(self, tenant: str) -> "ServedLog":
        """The log of a tenant; empty for the store's owner."""
        return ServedLog(self._tenants, tenant)

    def record(self, namespaces: Iterable[str], view: RecalledNote, at: datetime) -> None:
        """Record that a view of a note was served to callers of these namespaces."""
        content, names = view.get("content", ""), tuple(namespaces)
        pieces = content.split(EXCERPT_GAP) if view.get("excerpt") else [content]
        fields = frozenset(map(fold, _strings({**view, "content": ""})))
        size = sum(sys.getsizeof(value) + _FIELD_BYTES for value in fields)
        subject = fold(view.get("subject", ""))
        log = self._tenants.setdefault(self._tenant, _TenantLog())
        self._tenants.move_to_end(self._tenant)
        for text in filter(None, map(fold, pieces)):
            log.add(Served(view["note_id"], text, subject, fields, at, size), names)
        log.expire(at)
        self._bound(at)

    def _bound(self, now: datetime) -> None:
        """Drop the logs that nothing was added to for long, and what is too much for all."""
        while self._tenants:
            first = next(iter(self._tenants))
            if self._tenants[first].texts and now - self._tenants[first].last <= ECHO_WINDOW:
                break
            del self._tenants[first]
        total = sum(log.size for log in self._tenants.values())
        while total > SERVED_TOTAL_MAX_BYTES:
            largest = max(self._tenants.values(), key=lambda log: log.size)
            total -= largest.size
            largest.remove_oldest()
            total += largest.size

    def drop(self, note_ids: Container[str]) -> None:
        """Forget the texts of these notes, for all tenants."""
        # In place: the logs of all tenants share it.
        for log in self._tenants.values():
            for text, there in tuple(log.texts.items()):
                for namespace in [name for name in there if there[name].note_id in note_ids]:
                    del there[namespace]
                if not there:
                    log.remove(text)

    def echoed(self, namespace: str, content: str, now: datetime) -> list[Served]:
        """The served texts that make up a content, longest first, if it has only framing beside.

        Not judged by similarity: outside the served texts only list markers, ids, times, the JSON
        of an answer, and punctuation may be left. Of texts that overlap in the content the one that
        begins first counts, of these the longest.
        """
        log = self._tenants.get(self._tenant)
        if log is None:
            return []
        log.expire(now)
        rest = fold(_without_markers(content)) if log.texts else ""
        if not 0 < len(rest) <= ECHO_MAX_CHARACTERS:
            return []
        steps = _Steps(ECHO_MIN_STEPS + ECHO_STEPS_PER_CHARACTER * len(content))
        try:
            tiles = _tiles(log, namespace, rest, now, steps)
            left = _between(rest, tiles)
            views = {id(tile.served.fields): tile.served.fields for tile in tiles}
            steps.take(sum(map(len, views.values())))
            steps.take(_QUOTE_STEPS * sum(map(left.count, _QUOTES)) if tiles else 0)
        except _OutOfStepsError:
            return []
        left = _without_json(left, frozenset[str]().union(*views.values())) if tiles else left
        if not tiles or not _is_framing(left):
            return []
        found = {tile.served.text: tile.served for tile in tiles}
        return sorted(found.values(), key=lambda entry: -len(entry.text))


@dataclass(frozen=True, slots=True)
class _Tile:
    """A part of a content that was served: its place, and the text it repeats."""

    start: int
    """With the subject before the text, as a one-line view has it."""
    end: int
    served: Served


def _tiles(log: _TenantLog, namespace: str, rest: str, now: datetime, steps: _Steps) -> list[_Tile]:
    """The parts of a folded content that were served, in order."""
    tiles, at = list[_Tile](), 0
    while at < len(rest):
        steps.take()
        served = log.longest_at(rest, at, namespace, steps)
        if served and now - served.at <= ECHO_WINDOW:
            start = _subject_start(rest, at, served.subject, steps)
            while tiles and tiles[-1].start >= start:
                tiles.pop()  # the subject itself was served as a text
            if tiles and tiles[-1].end > start:
                start = at
            steps.take(_TILE_STEPS)
            at += len(served.text)
            tiles.append(_Tile(start, at, served))
            at = _next_start(rest, at)
        else:
            at = _next_start(rest, at + 1)
    return tiles


def _next_start(rest: str, at: int) -> int:
    """The first position from `at` on, 1 and up, where a text may begin: after no word's letter."""
    while at < len(rest) and (rest[at] == " " or _is_word(rest[at - 1])):
        at += 1
    return at


def _subject_start(rest: str, at: int, subject: str, steps: _Steps) -> int:
    """Where `subject: ` begins before a position; the position if it is not there."""
    if not subject or rest[max(at - 2, 0) : at] != ": ":
        return at
    end = at - 3 if rest[at - 3 : at - 2] == " " else at - 2
    start = end - len(subject)
    steps.take(characters=len(subject))
    if start < 0 or not rest.startswith(subject, start):
        return at
    return at if start and _is_word(rest[start - 1]) else start


def _between(rest: str, tiles: Sequence[_Tile]) -> str:
    """What a content has beside its tiles."""
    ends = (0, *(tile.end for tile in tiles))
    starts = (*(tile.start for tile in tiles), len(rest))
    return " ".join(rest[end:start] for end, start in zip(ends, starts, strict=True))


def _without_markers(content: str) -> str:
    """A content without the bullets and numbers of lists at the start of its lines."""
    return "\n".join(map(_without_marker, content.split("\n")))


def _without_marker(line: str) -> str:
    text = line.lstrip(" \t")
    digits = 1
    while digits < 3 and text[digits : digits + 1].isdecimal():
        digits += 1
    if text[:digits].isdecimal() and text[digits : digits + 1] in (".", ")"):
        marked = text[digits + 1 :]
    else:
        marked = text.lstrip(_BULLETS)
    return marked if marked != text and marked[:1] in (" ", "\t") else line


def _without_json(rest: str, values: Container[str]) -> str:
    """A folded text without the keys of JSON, their numbers, and these values in quotes."""
    kept, at, start = list[str](), _next_quote(rest, 0), 0
    while at < len(rest):
        closing = rest.find(rest[at], at + 1)
        end = _json_end(rest, at, closing, values) if closing > 0 else 0
        if end:
            kept.append(rest[start:at])
            start = end
        at = _next_quote(rest, end or at + 1)
    return " ".join((*kept, rest[start:]))


def _next_quote(rest: str, at: int) -> int:
    while at < len(rest) and rest[at] not in _QUOTES:
        at += 1
    return at


def _json_end(rest: str, at: int, closing: int, values: Container[str]) -> int:
    """Where a key with its colon and number, or a value, ends; 0 if the quotes hold neither."""
    quoted = rest[at + 1 : closing]
    colon = closing + 1 + (rest[closing + 1 : closing + 2] == " ")
    if rest[colon : colon + 1] == ":" and _is_key(quoted):
        return _scalar_end(rest, colon + 1)
    return closing + 1 if quoted in values else 0


def _is_key(quoted: str) -> bool:
    return quoted.isascii() and quoted.replace("_", "a").isalpha()


def _scalar_end(rest: str, colon: int) -> int:
    """Where a number, a truth value or null after a colon ends; else where the colon does."""
    at = colon + (rest[colon : colon + 1] == " ")
    for word in _SCALARS:
        if rest.startswith(word, at):
            return at + len(word)
    whole = at + (rest[at : at + 1] == "-")
    end = _digits_end(rest, whole)
    if end == whole:
        return colon
    fraction = _digits_end(rest, end + 1) if rest[end : end + 1] == "." else 0
    return fraction if fraction > end + 1 else end


def _digits_end(rest: str, at: int) -> int:
    while rest[at : at + 1].isdecimal():
        at += 1
    return at


def _is_framing(rest: str) -> bool:
    """Whether a folded text has nothing but ids, times and punctuation."""
    return not any(chunk.strip(punctuation) and not _frames(chunk) for chunk in rest.split())


def _frames(chunk: str) -> bool:
    at = 0
    while at < len(chunk):
        end = at
        while _is_word(chunk[end : end + 1]):
            end += 1
        word = chunk[at:end]
        if any(map(str.isalnum, word)) and not _is_id(word):
            end = _time_end(chunk, at)
        elif not word and not _is_symbol(chunk[at]):
            end = at + 1
        if end <= at:
            return False
        at = end
    return True


def _is_symbol(character: str) -> bool:
    """Whether it says something without being a letter or digit, as "€" does."""
    return not character.isascii() and unicodedata.category(character).startswith("S")


def _is_id(word: str) -> bool:
    return len(word) == _ID_LENGTH and _ID_CHARACTERS.issuperset(word)


def _time_end(rest: str, at: int) -> int:
    """Where a date, or a date with a time, ends; 0 if none begins here."""
    if not _is_shaped(rest[at : at + 10], "0000-00-00"):
        return 0
    end = at + 10
    if _is_shaped(rest[end : end + 6], "t00:00"):
        end += 6
        while rest[end : end + 1].isdecimal() or rest[end : end + 1] in (":", "."):
            end += 1
    if rest[end : end + 1] == "z":
        end += 1
    elif _is_shaped(rest[end : end + 6], "+00:00") or _is_shaped(rest[end : end + 6], "-00:00"):
        end += 6
    return 0 if _is_word(rest[end : end + 1]) else end


def _is_shaped(text: str, shape: str) -> bool:
    """Whether a text has digits where its shape has zeros, and otherwise its characters."""
    return len(text) == len(shape) and all(
        character.isdecimal() if wanted == "0" else character == wanted
        for character, wanted in zip(text, shape, strict=True)
    )


def _is_word(character: str) -> bool:
    """Whether it is a letter, digit or underscore; nothing is not."""
    return character.isalnum() or character == "_"


def _count(counts: dict[int, int], key: int, change: int) -> None:
    """Change a count; one of 0 is not kept."""
    counts[key] = counts.get(key, 0) + change
    if not counts[key]:
        del counts[key]


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():  # pyright: ignore[reportUnknownVariableType]: plain JSON
            yield from _strings(part)  # pyright: ignore[reportUnknownArgumentType]: plain JSON
    elif isinstance(value, list):
        for part in value:  # pyright: ignore[reportUnknownVariableType]: plain JSON
            yield from _strings(part)  # pyright: ignore[reportUnknownArgumentType]: plain JSON
