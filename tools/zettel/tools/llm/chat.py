"""The contract of a chat model: a question in, text that should be JSON out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from zettel.storage.errors import StoreError

JsonSchema: TypeAlias = Mapping[str, object]
"""A JSON schema (draft 2020-12), as a JSON object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatQuestion:
    """One question, with the form its answer is to have."""

    rules: str
    """What the model is to do: ours alone, never a note's words."""
    data: str
    """What it is to do it with: notes, inside delimiters."""
    name: str
    """Of the schema; letters and `_`."""
    schema: JsonSchema
    most: int
    """Tokens the answer may have, 1 and up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAnswer:
    """What the model said, unchecked."""

    text: str
    declined: bool = False
    """It refused, or a filter of the service did."""
    tokens_in: int | None = None
    tokens_out: int | None = None
    """As the service counted them; None if it does not say."""


class Chat(Protocol):
    """A model that answers one question at a time; safe to make before it can be reached."""

    async def ask(self, question: ChatQuestion) -> ChatAnswer:
        """Ask once, without trying again.

        Raises:
            NoAnswerError: There was none; it says whether tokens may have been spent.
        """
        ...


class NoAnswerError(StoreError):
    """An LLM was asked and did not answer.

    Args:
        reason: One word, for counting: `timeout`, `unreachable`, `rate_limited`, `failing`,
            `rejected`, `too_large` or `unreadable`.
        spent: Whether the service may have counted tokens all the same.
        retry_after_s: Seconds the service asks to wait; None if it does not say.
        status: HTTP status; None if there was no response.
    """

    def __init__(
        self,
        reason: str,
        *,
        spent: bool,
        retry_after_s: float | None = None,
        status: int | None = None,
    ) -> None:
        self.reason, self.spent, self.status = reason, spent, status
        self.retry_after_s = retry_after_s
        shown = f" (status {status})" if status is not None else ""
        super().__init__(
            f"The LLM gave no answer: {reason}{shown}. Check ZETTEL_LLM_BASE_URL,"
            " ZETTEL_LLM_MODEL and ZETTEL_LLM_KEY; until then notes evolve by rule."
        )
