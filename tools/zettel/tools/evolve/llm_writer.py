"""The writer that asks an LLM, within a budget, and believes nothing it cannot check."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import anyio
from pydantic import BaseModel

from zettel.storage.chat import Chat, ChatAnswer, ChatQuestion
from zettel.storage.errors import ModelUnavailableError, NoAnswerError
from zettel.storage.notes import Note, fold
from zettel.tools.evolve.grounded import Sources, fault, sources_of
from zettel.tools.evolve.mind import Mind
from zettel.tools.evolve.prompts import (
    Described,
    Descriptions,
    Revisions,
    Worded,
    description,
    revision,
)
from zettel.tools.evolve.purse import Cost, Purse
from zettel.tools.evolve.writer import Draft

CONTEXT_MOST, ITEM_MOST, QUESTION_MOST = 300, 64, 160
"""Characters; the prompts ask for about half of each."""
KEYWORDS, TAGS, QUESTIONS = 6, 4, 3
"""Entries kept of each list, as the prompts ask for them."""
BREAK_AFTER = 3
"""Questions without an answer, in a row, after which the LLM is left alone."""
BREAK_S = 60.0
"""Seconds it is left alone for."""
LONGEST_PAUSE_S = 20.0
"""Seconds that a service may have a run wait: a third of what a run has."""
FRAME_TOKENS = 64
"""Most that a chat template adds to a question; those of Llama 3 and Qwen add some twenty."""
BYTES_PER_TOKEN = 4
"""Of English text in OpenAI's tokenizers, for services that do not say what they have counted."""
RETRIED = frozenset(("rate_limited", "failing", "unreachable"))
"""Reasons that may be gone a moment later; a timeout has cost its time already."""

Form = TypeVar("Form", bound=BaseModel)

logger = logging.getLogger(__name__)


class LlmWriter:
    """Words notes with an LLM; where it fails in any way there is no draft, and that is counted.

    `llm_fallback_…` counts notes left to the rule for the reason named, or, for `invented`,
    `too_long` and `malformed`, single fields of them.

    Args:
        mind: The LLM.
        purse: What it may cost.
        clock: Seconds on a clock that only goes forward.
    """

    asks = True

    def __init__(
        self, mind: Mind, purse: Purse, *, clock: Callable[[], float] = anyio.current_time
    ) -> None:
        self._mind, self._purse, self._clock = mind, purse, clock
        self._chat: Chat | None = None
        self._failures = 0
        self._silent_until = 0.0
        self._counts = Counter[str]()

    @property
    def counts(self) -> Mapping[str, int]:
        """Calls, tokens and fallbacks of this run."""
        spent = {"llm_tokens": self._purse.spent.tokens} if self._counts["llm_calls"] else {}
        return dict(sorted((self._counts | Counter(spent)).items()))

    async def describe(self, notes: Sequence[Note]) -> Mapping[str, Draft]:
        """Do what `Writer.describe` promises, in one question."""
        if not notes:
            return {}
        answer = await self._asked(description(notes), Descriptions, len(notes))
        if answer is None:
            return {}
        drafts = self._checked(
            answer.notes, {n.note_id: sources_of([n], shown=notes) for n in notes}
        )
        for note in notes:
            self._fell_back("missing", note.note_id not in drafts)
        return drafts

    async def revise(self, note: Note, neighbours: Sequence[Note]) -> Mapping[str, Draft]:
        """Do what `Writer.revise` promises, in one question."""
        if not neighbours:
            return {}
        answer = await self._asked(revision(note, neighbours), Revisions, len(neighbours))
        if answer is None:
            return {}
        shown = (note, *neighbours)
        return self._checked(
            answer.notes, {n.note_id: sources_of([n, note], shown=shown) for n in neighbours}
        )

    def _checked(
        self, worded: Sequence[Worded], sources: Mapping[str, Sources]
    ) -> dict[str, Draft]:
        drafts = dict[str, Draft]()
        for item in worded:
            known = sources.get(item.id)
            self._fell_back("unknown_id", known is None)
            if known is not None and item.id not in drafts:
                drafts[item.id] = self._draft(item, known)
        return drafts

    def _draft(self, item: Worded, sources: Sources) -> Draft:
        questions = item.questions if isinstance(item, Described) else []
        return Draft(
            context="".join(self._list([item.context], sources, CONTEXT_MOST, 1)),
            keywords=self._list(item.keywords, sources, ITEM_MOST, KEYWORDS),
            tags=self._list(item.tags, sources, ITEM_MOST, TAGS),
            questions=self._list(questions, sources, QUESTION_MOST, QUESTIONS),
        )

    def _list(
        self, values: Sequence[str], sources: Sources, most: int, kept: int
    ) -> tuple[str, ...]:
        """The values without repeats; none if one of those that would be kept is at fault."""
        tidy = (" ".join(value.split()) for value in values)
        first = list({fold(value): value for value in tidy if value}.values())[:kept]
        for value in first:
            if (wrong := fault(value, sources, most=most)) is not None:
                self._fell_back(wrong)
                return ()
        return tuple(first)

    async def _asked(self, question: ChatQuestion, form: type[Form], notes: int) -> Form | None:
        """The answer in its form; None where the notes are left to the rule, which is counted."""
        if self._clock() < self._silent_until:
            self._fell_back("paused", notes)
            return None
        try:
            answer = await self._answer(question)
        except (NoAnswerError, ModelUnavailableError) as error:
            reason = error.reason if isinstance(error, NoAnswerError) else "unavailable"
            logger.warning("the LLM gave no answer, reason=%s; the rule stands in", reason)
            self._fell_back(reason, notes)
            self._failed()
            return None
        if answer is None:
            self._fell_back("budget", notes)
            return None
        self._failures = 0
        if answer.declined:
            self._fell_back("declined", notes)
            return None
        read = _read(answer.text, form)
        self._fell_back("invalid", notes if read is None else 0)
        return read

    async def _answer(self, question: ChatQuestion) -> ChatAnswer | None:
        """Ask, again after what may be gone a moment later; None when the budget does not allow it.

        Raises:
            NoAnswerError: There was none.
            ModelUnavailableError: The client's library cannot be used.
        """
        if self._chat is None:
            self._chat = await self._mind.open_chat()
        pauses = list(self._mind.retry_pauses_s)
        while True:
            try:
                return await self._call(self._chat, question)
            except NoAnswerError as error:
                wait = error.retry_after_s or 0.0
                if error.reason not in RETRIED or not pauses or wait > LONGEST_PAUSE_S:
                    raise
                await anyio.sleep(max(wait, pauses.pop(0)))

    async def _call(self, chat: Chat, question: ChatQuestion) -> ChatAnswer | None:
        asked = len(f"{question.rules}{question.data}{question.schema}".encode())
        # No tokenizer makes more tokens of a text than it has bytes.
        worst = self._purse.cost(asked + FRAME_TOKENS, question.most)
        if not await self._purse.take(worst):
            return None
        self._counts["llm_calls"] += 1
        real = worst  # unless it is known better: cut off, it may have cost all of it
        try:
            answer = await chat.ask(question)
            real = self._real(answer, asked)
        except NoAnswerError as error:
            real = worst if error.spent else Cost()
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await self._purse.settle(worst, real)
        return answer

    def _real(self, answer: ChatAnswer, asked: int) -> Cost:
        """What a call has cost: as the service counted, else estimated from the bytes."""
        said = answer.text.encode(errors="replace")
        counted = (answer.tokens_in, answer.tokens_out)
        estimated = (-(-asked // BYTES_PER_TOKEN), -(-len(said) // BYTES_PER_TOKEN))
        read, written = (
            guess if count is None or count < 0 else count
            for count, guess in zip(counted, estimated, strict=True)
        )
        return self._purse.cost(read, written)

    def _failed(self) -> None:
        self._failures += 1
        if self._failures >= BREAK_AFTER:
            self._failures = 0
            self._silent_until = self._clock() + BREAK_S

    def _fell_back(self, reason: str, times: int = 1) -> None:
        if times:
            self._counts[f"llm_fallback_{reason}"] += int(times)


def _read(text: str, form: type[Form]) -> Form | None:
    """The JSON of an answer, whatever fence or thought stands around it."""
    try:
        return form.model_validate_json(text[text.find("{") : text.rfind("}") + 1])
    except ValueError:  # pydantic's error, or half a surrogate pair
        return None
