"""The prompt that hands an agent what memory could not decide."""

from collections.abc import AsyncGenerator

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, TextContent
from tests.tools.conftest import opened_desk

from zettel.storage.dict_store import DictStore
from zettel.storage.hash_embedder import HashEmbedder
from zettel.tools.memory import Memory


@pytest.fixture
async def client() -> AsyncGenerator[Client]:
    async with opened_desk(Memory(store=DictStore(), embedder=HashEmbedder())) as desk:
        assert desk.client is not None
        yield desk.client


async def text_of(client: Client, **arguments: str) -> str:
    result = await client.get_prompt("review-memories", arguments or None)
    [message] = result.messages
    assert message.role == "user"
    assert isinstance(message.content, TextContent)
    return message.content.text


async def test_there_is_one_prompt_and_it_says_what_it_is_for(client: Client) -> None:
    [prompt] = (await client.list_prompts()).prompts

    assert prompt.name == "review-memories"
    assert prompt.description
    assert [argument.name for argument in prompt.arguments or []] == ["namespace"]


async def test_the_review_names_the_calls_that_settle_a_pair(client: Client) -> None:
    text = await text_of(client)

    assert 'recall(tags=["needs-review"], limit=20)' in text
    assert '"relation": "supersedes"' in text
    assert "{" + "{" not in text


async def test_a_namespace_goes_into_the_first_call(client: Client) -> None:
    assert 'limit=20, namespace="work")' in await text_of(client, namespace="work")


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("review", {}, "Get review-memories"),
        ("review-memories", {"namespace": 'a", x="'}, "is not a namespace"),
    ],
)
async def test_what_cannot_be_got_is_refused_with_what_can(
    client: Client, name: str, arguments: dict[str, str], told: str
) -> None:
    with pytest.raises(MCPError, match=told) as refused:
        await client.get_prompt(name, arguments)

    assert refused.value.error.code == INVALID_PARAMS
