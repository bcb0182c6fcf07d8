"""Hears every byte that one tenant's clients say and are told, and what must not be in it."""

import base64
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import httpx2

TAIL = 256
"""Characters kept of a chunk, so that what stands across two of them is heard as well."""

FAILURES = ("-32603", "failed inside", "Traceback", "Internal Server Error")
"""What no server may answer, whatever it is asked."""

NOTIFIED = "notifications/resources/updated"

ID = re.compile(r"(?<![0-9A-Za-z])[0-7][0-9A-HJKMNP-TV-Z]{25}(?![0-9A-Za-z])")
"""A note's id."""

_WORD_AT_THE_END = re.compile(r"[\w-]+\Z")
_GAP = re.compile(r"[^\w-]")

_PACKED = re.compile(r"[A-Za-z0-9_-]{40,}")
"""What may be a cursor: base64 of JSON."""


@dataclass(slots=True)
class Ears:
    """What one tenant has heard, over all of its connections."""

    leaks: list[str] = field(default_factory=list[str])
    failures: list[str] = field(default_factory=list[str])
    ids: set[str] = field(default_factory=set[str])
    """Every note id heard; whose they were shows in the end."""
    said: set[str] = field(default_factory=set[str])
    """Words and ids that the tenant itself has sent."""
    counts: Counter[str] = field(default_factory=Counter[str])
    """Bytes heard, notifications, answers by HTTP status."""
    leaving: bool = False
    """The server is on its way out: 503 is its good right."""
    _forbidden: re.Pattern[str] = re.compile("(?!)")

    def forbid(self, marks: Sequence[str]) -> None:
        """Take every word with one of these marks for a leak, unless the tenant said it."""
        if marks:
            self._forbidden = re.compile(rf"[\w-]*(?:{'|'.join(marks)})[\w-]*")

    def foreign(self, text: str) -> set[str]:
        """Words in a text that must not be there, packed ones too."""
        unpacked = "".join(map(_unpacked, _PACKED.findall(text)))
        return {*self._forbidden.findall(text), *self._forbidden.findall(unpacked)}

    def say(self, text: str) -> None:
        """Note what the tenant sends."""
        self.said |= self.foreign(text)
        self.said.update(ID.findall(text))

    def hear(self, text: str, where: str) -> None:
        """Judge what the tenant is told."""
        self.ids.update(ID.findall(text))
        if leaked := self.foreign(text) - self.said:
            self.leaks.append(f"{where}: {sorted(leaked)} in {text[:2_000]}")
        if not self.leaving:
            failures = [mark for mark in FAILURES if mark in text]
            self.failures += [f"{where}: {mark} in {text[:1_000]}" for mark in failures]

    def answered(self, response: httpx2.Response, where: str) -> None:
        """Judge a status and headers."""
        self.counts[f"HTTP {response.status_code}"] += 1
        self.hear(str(response.headers.multi_items()), where)
        if response.status_code >= 500 and not self.leaving:
            self.failures.append(f"{where}: status {response.status_code}")


class HearingTransport(httpx2.AsyncHTTPTransport):
    """Sends requests, and has every byte of the answers heard.

    Args:
        ears: Whose.
    """

    def __init__(self, ears: Ears) -> None:
        super().__init__(limits=httpx2.Limits(max_connections=None))
        self._ears = ears

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request."""
        self._ears.say(f"{request.url} {request.read().decode('utf-8', 'replace')}")
        response = await super().handle_async_request(request)
        where = f"{request.method} {request.url.path}"
        self._ears.answered(response, where)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        return httpx2.Response(
            status_code=response.status_code,
            headers=response.headers,
            stream=_Heard(response.stream, self._ears, where),
            extensions=response.extensions,
        )


class _Heard(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, ears: Ears, where: str) -> None:
        self._stream = stream
        self._ears = ears
        self._where = where

    async def __aiter__(self) -> AsyncIterator[bytes]:
        held = ""
        try:
            async for chunk in self._stream:
                text = chunk.decode("utf-8", "replace")
                self._ears.counts["bytes"] += len(chunk)
                self._ears.counts[NOTIFIED] += text.count(NOTIFIED)
                whole, held = _whole_words(held + text)
                self._ears.hear(whole, self._where)
                yield chunk
        finally:
            self._ears.hear(held, self._where)

    async def aclose(self) -> None:
        """Close what is beneath."""
        await self._stream.aclose()


def _whole_words(text: str) -> tuple[str, str]:
    """A text without the word that its end may have cut; and what to hear again with the rest.

    Half of a word that the tenant has said is no word that it has said.
    """
    end = _WORD_AT_THE_END.search(text)
    cut = end.start() if end else len(text)
    start = _GAP.search(text, max(0, cut - TAIL), cut) if cut > TAIL else None
    return text[:cut], text[start.end() if start else max(0, cut - TAIL) :]


def _unpacked(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode(errors="replace")
    except ValueError:
        return ""
