"""The prompt that hands an agent what memory could not decide."""

from collections.abc import AsyncGenerator

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, PromptReference, ResourceTemplateReference, TextContent
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import Desk, opened_desk

from zettel.server.protocol.server import ClientDefaults, create_server
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.tools.state.memory import Memory

NOTE = "memory://note/{id}"


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    async with opened_desk(Memory(store=DictStore(), embedder=HashEmbedder())) as opened:
        yield opened


@pytest.fixture
async def client(desk: Desk) -> Client:
    assert desk.client is not None
    return desk.client


async def text_of(client: Client, name: str = "review-memories", **arguments: str) -> str:
    result = await client.get_prompt(name, arguments or None)
    [message] = result.messages
    assert message.role == "user"
    assert isinstance(message.content, TextContent)
    return message.content.text


async def completed(client: Client, ref: str, name: str, begun: str, **given: str) -> list[str]:
    reference = ResourceTemplateReference(uri=ref) if "://" in ref else PromptReference(name=ref)
    result = await client.complete(
        reference, {"name": name, "value": begun}, context_arguments=given or None
    )
    return result.completion.values


async def test_each_prompt_says_what_it_is_for(client: Client) -> None:
    prompts = (await client.list_prompts()).prompts

    assert {p.name: [a.name for a in p.arguments or []] for p in prompts} == {
        "remember-this-session": ["tags", "namespace"],
        "what-do-you-know": ["subject", "tags", "namespace"],
        "review-memories": ["namespace"],
    }
    assert all(p.description and p.title for p in prompts)
    assert not any(a.required for p in prompts for a in p.arguments or [])


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
        ("review", {}, "Did you mean 'review-memories'"),
        ("what-do-you-know", {"subject": "a" * 300}, "too many"),
        ("review-memories", {"namespace": 'a", x="'}, "is not a namespace"),
    ],
)
async def test_what_cannot_be_got_is_refused_with_what_can(
    client: Client, name: str, arguments: dict[str, str], told: str
) -> None:
    with pytest.raises(MCPError, match=told) as refused:
        await client.get_prompt(name, arguments)

    assert refused.value.error.code == INVALID_PARAMS


async def test_a_session_is_remembered_with_the_tags_and_namespace_given(client: Client) -> None:
    text = await text_of(client, "remember-this-session", tags="a, b", namespace="work")

    assert 'happened_at=<the day>, tags=["a", "b"], namespace="work")' in text
    assert 'recall(query=<it, with names>, namespace="work")' in text


async def test_what_is_known_of_a_subject_is_listed_and_of_nothing_outlined(
    client: Client,
) -> None:
    one = await text_of(client, "what-do-you-know", subject='Ana "A" {x}', namespace="work")

    assert 'recall(subject="Ana \\"A\\" {x}", namespace="work", limit=50)' in one
    assert "Call recall() for all" in await text_of(client, "what-do-you-know")


async def test_arguments_are_completed_from_what_recall_could_show(
    desk: Desk, client: Client
) -> None:
    for content in ("Ana lives in Lyon", "Ana likes tea"):
        await desk.told(content, subject="Ana", tags=["home"])
    first = await desk.told("Hanna sings", subject="Hanna", tags=["music", "hobby"])
    await desk.told("A secret", subject="Anabel", tags=["hidden"], namespace="other")

    know = "what-do-you-know"
    assert await completed(client, know, "subject", "an") == ["Ana", "Hanna"]
    assert await completed(client, know, "subject", "an", namespace="other") == ["Anabel"]
    assert await completed(client, know, "tags", "h") == ["home", "hobby"]
    assert await completed(client, know, "tags", "home, mu") == ["home, music"]
    assert await completed(client, know, "namespace", "o") == ["other", "proj"]
    assert await completed(client, NOTE, "id", first[:26].lower()) == [first]
    assert (await completed(client, f"{NOTE}/history", "id", ""))[0] == first
    profile = "memory://profile/{namespace}"
    assert await completed(client, profile, "namespace", "oth") == ["other"]


async def test_a_completion_holds_a_hundred_values_and_says_how_many_there_are(
    desk: Desk, client: Client
) -> None:
    for number in range(101):
        await desk.told(f"It is {number}", subject=f"s{number}")
    result = await client.complete(
        PromptReference(name="what-do-you-know"), {"name": "subject", "value": "s"}
    )

    assert len(result.completion.values) == 100
    assert (result.completion.total, result.completion.has_more) == (101, True)


@pytest.mark.parametrize(
    ("ref", "name"), [("nope", "subject"), ("memory://nope", "id"), ("review-memories", "subject")]
)
async def test_what_has_no_such_argument_is_not_completed(
    client: Client, ref: str, name: str
) -> None:
    with pytest.raises(MCPError) as refused:
        await completed(client, ref, name, "a")

    assert refused.value.error.code == INVALID_PARAMS


async def test_the_older_era_completes_as_well() -> None:
    async with opened_desk(Memory(store=DictStore(), embedder=HashEmbedder())) as desk:
        await desk.told("Ana lives in Lyon", subject="Ana")
        server = create_server(desk, ClientDefaults(transport="test", namespace="proj"))
        async with Client(server, mode="legacy") as older:
            assert await completed(older, "what-do-you-know", "subject", "") == ["Ana"]
