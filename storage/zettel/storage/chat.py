"""The contract of a chat model: a question in, text that should be JSON out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

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
