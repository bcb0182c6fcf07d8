"""A server object with what the conformance suite asks for, for our own application.

So the suite tries our transports, guard and wiring on what Zettel itself has no use for. Written
from the suite's descriptions of its fixtures.
"""

from mcp.server import Server, ServerRequestContext
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    PromptsListChanged,
    ToolsListChanged,
)
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CompleteRequestParams,
    CompleteResult,
    Completion,
    EmptyResult,
    GetPromptRequestParams,
    GetPromptResult,
    InputRequiredResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    Prompt,
    PromptArgument,
    ReadResourceRequestParams,
    ReadResourceResult,
    RequestParams,
    Resource,
    ResourceTemplate,
    SetLevelRequestParams,
    TextResourceContents,
)
from mcp.types import Tool as ToolSpec
from tests.server.suite import plain
from tests.server.suite.asking import TALKING, Asked, CallToolResult, form, said, unknown
from tests.server.suite.schemas import SCHEMAS

from zettel.server.protocol.server import ClientDefaults, Engine
from zettel.server.protocol.subscriptions import ChangeFeed

TRIGGERS = {
    "test_trigger_tool_change": ToolsListChanged(),
    "test_trigger_prompt_change": PromptsListChanged(),
}
CONTEXT = form("What context should the prompt use?", {"context": {"type": "string"}})

Page = PaginatedRequestParams | None


async def _tools(_context: ServerRequestContext, _params: Page) -> ListToolsResult:
    names = [*plain.TOOLS, *TALKING, *TRIGGERS, *SCHEMAS]
    return ListToolsResult(
        tools=[
            ToolSpec(
                name=name,
                description="A fixture.",
                input_schema=SCHEMAS.get(name, {"type": "object"}),
            )
            for name in names
        ]
    )


async def _resources(_context: ServerRequestContext, _params: Page) -> ListResourcesResult:
    return ListResourcesResult(
        resources=[
            Resource(uri=uri, name=uri, description="A fixture.", mime_type=shown.mime_type)
            for uri, shown in plain.RESOURCES.items()
        ]
    )


async def _templates(_context: ServerRequestContext, _params: Page) -> ListResourceTemplatesResult:
    template = ResourceTemplate(uri_template=plain.TEMPLATE, name="data", description="A fixture.")
    return ListResourceTemplatesResult(resource_templates=[template])


async def _read(
    _context: ServerRequestContext, params: ReadResourceRequestParams
) -> ReadResourceResult:
    before, after = plain.TEMPLATE.split("{id}")
    uri = params.uri
    if shown := plain.RESOURCES.get(uri):
        return ReadResourceResult(contents=[shown])
    if not (uri.startswith(before) and uri.endswith(after)):
        raise MCPError(INVALID_PARAMS, "Resource not found", {"uri": uri})
    given = uri.removeprefix(before).removesuffix(after)
    text = f'{{"id":"{given}","templateTest":true,"data":"Data for ID: {given}"}}'
    told = TextResourceContents(uri=uri, mime_type="application/json", text=text)
    return ReadResourceResult(contents=[told])


async def _prompts(_context: ServerRequestContext, _params: Page) -> ListPromptsResult:
    return ListPromptsResult(
        prompts=[
            Prompt(
                name=name,
                description="A fixture.",
                arguments=[PromptArgument(name=argument, required=True) for argument in arguments],
            )
            for name, arguments in plain.PROMPTS.items()
        ]
    )


async def _prompt(
    _context: ServerRequestContext, params: GetPromptRequestParams
) -> GetPromptResult | InputRequiredResult:
    if params.name not in plain.PROMPTS:
        raise unknown(params.name)
    given = params.arguments or {}
    if params.name == "test_input_required_result_prompt":
        if "user_context" not in (params.input_responses or {}):
            return InputRequiredResult(input_requests={"user_context": CONTEXT})
        return GetPromptResult(messages=plain.messages("test_simple_prompt", given))
    return GetPromptResult(messages=plain.messages(params.name, given))


async def _complete(
    _context: ServerRequestContext, _params: CompleteRequestParams
) -> CompleteResult:
    return CompleteResult(completion=Completion(values=["paris", "park", "party"], total=3))


async def _nothing(_context: ServerRequestContext, _params: RequestParams) -> EmptyResult:
    return EmptyResult()


def suite_server(_engine: Engine, _door: ClientDefaults, _feed: ChangeFeed) -> Server:
    """The server object; what it has in common with Zettel's is the application around it."""
    bus = InMemorySubscriptionBus()

    async def call(context: ServerRequestContext, params: CallToolRequestParams) -> Asked:
        if params.name in plain.TOOLS:
            return CallToolResult(content=plain.TOOLS[params.name])
        if params.name in TRIGGERS:
            await bus.publish(TRIGGERS[params.name])
            return said("Told.")
        if params.name in SCHEMAS:
            return said("Heard.")
        if params.name not in TALKING:
            raise unknown(params.name)
        return await TALKING[params.name](context, params)

    server = Server(
        "suite",
        version="1",
        on_list_tools=_tools,
        on_call_tool=call,
        on_list_resources=_resources,
        on_list_resource_templates=_templates,
        on_read_resource=_read,
        on_subscribe_resource=_nothing,
        on_unsubscribe_resource=_nothing,
        on_subscriptions_listen=ListenHandler(bus),
        on_list_prompts=_prompts,
        on_get_prompt=_prompt,
        on_completion=_complete,
    )
    # As an argument of the constructor it would warn that logging is of the older era.
    server.add_request_handler("logging/setLevel", SetLevelRequestParams, _nothing)
    sealing = RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience="suite")
    server.middleware.append(sealing)
    return server
