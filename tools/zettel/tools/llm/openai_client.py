"""A chat model over the official `openai` client, for any compatible service.

Imported for the first question only: the library is an extra and takes a second to load.
"""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import anyio
import httpx2
from openai import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    AsyncOpenAI,
    DefaultAsyncHttpxClient,
    OpenAIError,
)
from pydantic import BaseModel, ValidationError

from zettel.tools.llm.llm import ChatAnswer, ChatQuestion, NoAnswerError

RESPONSE_MAX_BYTES = 1_000_000
"""Bytes read of a response; answers have some thousands."""
_TOO_MANY_BYTES = "more bytes than are read"
NO_KEY = "none"
"""Sent where no key is set: the client requires one, local services ignore it."""
RATE_LIMITED, FAILING = 429, 500
"""HTTP statuses (RFC 6585, RFC 9110)."""

logger = logging.getLogger(__name__)


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Completion(BaseModel):
    """The parts of a response that are read; services add or omit others."""

    choices: list[_Choice]
    usage: _Usage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dialect:
    """Features of the service, learnt from its refusals, which cost nothing."""

    schema: bool = True
    """Structured output; else the schema is only in the question."""
    newer_limit: bool = False
    """`max_completion_tokens`, required by OpenAI's reasoning models instead of `max_tokens`."""
    temperature: bool = True


class _TooLargeError(httpx2.TransportError):
    """The response exceeds `RESPONSE_MAX_BYTES`; the client wraps errors of this base class."""


class _Bounded(httpx2.AsyncByteStream):
    """A response's bytes, up to `RESPONSE_MAX_BYTES`."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._stream:
            read += len(chunk)
            if read > RESPONSE_MAX_BYTES:
                raise _TooLargeError(_TOO_MANY_BYTES)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _bound_response(response: httpx2.Response) -> None:
    """Bounds a response before its body is read; refuses compressed ones, of unknown size."""
    packed = response.headers.get("content-encoding", "identity") != "identity"
    if packed or not isinstance(response.stream, httpx2.AsyncByteStream):
        raise _TooLargeError(_TOO_MANY_BYTES)
    response.stream = _Bounded(response.stream)


class OpenAiChat:
    """A model behind an OpenAI-compatible address; one connection per question.

    Args:
        base_url: Of the service, with `/v1` where it has one.
        model: The service's name of the model.
        key: Empty for none.
        timeout_s: Seconds per question in all.
    """

    def __init__(self, *, base_url: str, model: str, key: str, timeout_s: float) -> None:
        self._base_url, self._model = base_url, model
        self._key, self._timeout_s = key or NO_KEY, timeout_s
        self._dialect = _Dialect()
        # At debug level these log whole requests.
        for name in ("openai", "httpx2", "httpcore2"):
            logging.getLogger(name).setLevel(logging.WARNING)

    async def ask(self, question: ChatQuestion) -> ChatAnswer:
        """Implements `Chat.ask`; asks again without features the service refuses."""
        try:
            with anyio.fail_after(self._timeout_s):
                return _read(await self._response(question))
        except TimeoutError:
            raise NoAnswerError("timeout", spent=True) from None

    async def _response(self, question: ChatQuestion) -> bytes:
        while True:
            try:
                return await self._post(question)
            except APIStatusError as error:
                simpler = _simpler(self._dialect, error)
                if simpler is None:
                    raise _no_answer(error) from None
                self._dialect = simpler
            except APIError as error:
                raise _no_answer(error) from None
            except (OpenAIError, httpx2.InvalidURL, ValueError):
                # An address or a key that cannot be sent.
                raise NoAnswerError("unreachable", spent=False) from None

    async def _post(self, question: ChatQuestion) -> bytes:
        # No redirects: notes are sent to the configured address only.
        http = DefaultAsyncHttpxClient(
            timeout=self._timeout_s,
            follow_redirects=False,
            event_hooks={"response": [_bound_response]},
        )
        async with AsyncOpenAI(
            base_url=self._base_url,
            api_key=self._key,
            max_retries=0,
            http_client=http,
            default_headers={"Accept-Encoding": "identity"},
        ) as client:
            body = _body(self._model, question, self._dialect)
            response = await client.post("/chat/completions", cast_to=httpx2.Response, body=body)
            return response.content


def _body(model: str, question: ChatQuestion, dialect: _Dialect) -> dict[str, object]:
    limit = "max_completion_tokens" if dialect.newer_limit else "max_tokens"
    body: dict[str, object] = {
        "model": model,
        "messages": [
            {"role": "system", "content": question.rules},
            {"role": "user", "content": question.data},
        ],
        limit: question.most,
    }
    if dialect.temperature:
        body["temperature"] = 0
    if dialect.schema:
        form = {"name": question.name, "schema": question.schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


def _simpler(dialect: _Dialect, error: APIStatusError) -> _Dialect | None:
    """The dialect to try after a refusal; None if the question was refused for another reason."""
    if error.status_code not in (400, 422):
        return None
    said = error.message
    if "max_completion_tokens" in said and not dialect.newer_limit:
        return replace(dialect, newer_limit=True)
    if "temperature" in said and dialect.temperature:
        return replace(dialect, temperature=False)
    return replace(dialect, schema=False) if dialect.schema else None


def _no_answer(error: APIError) -> NoAnswerError:
    cause = error.__cause__
    if isinstance(cause, _TooLargeError):
        return NoAnswerError("too_large", spent=True)
    if isinstance(error, APITimeoutError):
        return NoAnswerError("timeout", spent=not isinstance(cause, httpx2.ConnectTimeout))
    if isinstance(error, APIConnectionError):
        return NoAnswerError("unreachable", spent=not isinstance(cause, httpx2.ConnectError))
    if not isinstance(error, APIStatusError):
        return NoAnswerError("unreadable", spent=True)
    status = error.status_code
    reason = "failing" if status >= FAILING else "rejected"
    return NoAnswerError(
        "rate_limited" if status == RATE_LIMITED else reason,
        spent=False,
        retry_after_s=_seconds(error.response.headers.get("retry-after")),
        status=status,
    )


def _seconds(text: str | None) -> float | None:
    """`Retry-After` in seconds; None for its date form."""
    return float(text) if text and text.isascii() and text.isdigit() else None


def _read(body: bytes) -> ChatAnswer:
    try:
        completion = _Completion.model_validate_json(body)
    except ValidationError:
        raise NoAnswerError("unreadable", spent=True) from None
    usage = completion.usage or _Usage()
    choice = completion.choices[0] if completion.choices else _Choice(message=_Message())
    message = choice.message
    return ChatAnswer(
        text=message.content or "",
        declined=bool(message.refusal) or choice.finish_reason == "content_filter",
        tokens_in=usage.prompt_tokens,
        tokens_out=usage.completion_tokens,
    )
