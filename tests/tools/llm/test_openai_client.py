"""The chat model's client: forms of a question, faults of a service, what may have cost tokens."""

from collections.abc import Callable, Generator
from dataclasses import replace

import pytest
from tests.scripted_llm import Asked, Reply, ScriptedLlm, said, scripted_llm

from zettel.tools.llm.llm import ChatQuestion, NoAnswerError
from zettel.tools.llm.openai_client import RESPONSE_MAX_BYTES, OpenAiChat

QUESTION = ChatQuestion(
    rules="Answer.", data="<note>", name="answers", schema={"type": "object"}, most=50
)


@pytest.fixture
def llm() -> Generator[ScriptedLlm]:
    """A service on loopback."""
    with scripted_llm() as service:
        yield service


def refusing(words: Callable[[Asked], str]) -> Callable[[Asked], Reply]:
    """A service that answers only where it has nothing to object."""

    def reply(asked: Asked) -> Reply:
        if problem := words(asked):
            return Reply(status=400, body=f'{{"error": {{"message": "{problem}"}}}}'.encode())
        return said("{}")

    return reply


async def test_a_question_comes_with_its_schema_and_its_bound(llm: ScriptedLlm) -> None:
    llm.describes = lambda asked: said("{}", tokens=(7, 3))

    answer = await llm.chat().ask(QUESTION)

    assert (answer.text, answer.tokens_in, answer.tokens_out) == ("{}", 7, 3)
    body = llm.asked[0].body
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("scripted", 50, 0)
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answers", "schema": {"type": "object"}, "strict": True},
    }


async def test_a_service_that_does_not_count_tokens_says_none(llm: ScriptedLlm) -> None:
    llm.describes = lambda asked: said("{}", tokens=None)

    answer = await llm.chat().ask(QUESTION)

    assert (answer.tokens_in, answer.tokens_out) == (None, None)


async def test_a_form_the_service_does_not_understand_is_asked_anew_and_remembered(
    llm: ScriptedLlm,
) -> None:
    def objection(asked: Asked) -> str:
        if "max_tokens" in asked.body:
            return "Use 'max_completion_tokens' instead."
        if "temperature" in asked.body:
            return "temperature does not support 0"
        return "no such field" if "response_format" in asked.body else ""

    llm.describes = refusing(objection)
    chat = llm.chat()

    await chat.ask(QUESTION)
    first = len(llm.asked)
    await chat.ask(QUESTION)

    assert (first, len(llm.asked)) == (4, 5)
    assert set(llm.asked[-1].body) == {"model", "messages", "max_completion_tokens"}


async def test_a_service_that_understands_no_form_is_not_asked_for_ever(llm: ScriptedLlm) -> None:
    llm.describes = refusing(lambda asked: "temperature and max_completion_tokens are both wrong")

    with pytest.raises(NoAnswerError) as caught:
        await llm.chat().ask(QUESTION)

    assert (caught.value.reason, caught.value.status, len(llm.asked)) == ("rejected", 400, 4)


@pytest.mark.parametrize(
    ("reply", "reason", "spent"),
    [
        (Reply(status=429), "rate_limited", False),
        (Reply(status=503), "failing", False),
        (Reply(status=403), "rejected", False),
        (Reply(body=b"<html>"), "unreadable", True),
        (replace(said("{}"), chunks=160), "too_large", True),
        (Reply(hangs=True), "timeout", True),
    ],
)
async def test_a_fault_says_its_reason_and_whether_it_may_have_cost_tokens(
    reply: Reply, reason: str, spent: bool, llm: ScriptedLlm
) -> None:
    llm.describes = lambda asked: reply

    with pytest.raises(NoAnswerError) as caught:
        await llm.chat(timeout_s=0.3 if reply.hangs else 10.0).ask(QUESTION)

    assert (caught.value.reason, caught.value.spent) == (reason, spent)
    assert "ZETTEL_LLM_BASE_URL" in str(caught.value)


async def test_how_long_a_service_asks_to_wait_is_told(llm: ScriptedLlm) -> None:
    llm.describes = lambda asked: Reply(status=429, headers={"Retry-After": "7"})

    with pytest.raises(NoAnswerError) as caught:
        await llm.chat().ask(QUESTION)

    assert caught.value.retry_after_s == 7.0


async def test_of_a_huge_response_no_more_than_the_bound_is_read(llm: ScriptedLlm) -> None:
    text = "x" * (RESPONSE_MAX_BYTES - 10_000)
    llm.describes = lambda asked: said(text)

    assert (await llm.chat().ask(QUESTION)).text == text


@pytest.mark.parametrize(
    ("base_url", "key"),
    [
        ("http://127.0.0.1:9/v1", "k"),
        ("http://[::bad/v1", "k"),
        ("http://127.0.0.1:9/v1", "schlüß"),
    ],
)
async def test_an_address_nobody_can_reach_is_a_fault_that_cost_nothing(
    base_url: str, key: str
) -> None:
    chat = OpenAiChat(base_url=base_url, model="m", key=key, timeout_s=10.0)

    with pytest.raises(NoAnswerError) as caught:
        await chat.ask(QUESTION)

    assert (caught.value.reason, caught.value.spent) == ("unreachable", False)


async def test_a_redirect_is_not_followed_with_somebodys_notes(llm: ScriptedLlm) -> None:
    llm.describes = lambda asked: Reply(status=307, headers={"Location": f"{llm.url}/elsewhere"})

    with pytest.raises(NoAnswerError):
        await llm.chat().ask(QUESTION)

    assert len(llm.asked) == 1
