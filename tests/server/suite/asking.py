"""Tools of the conformance suite that talk with the client before they answer.

The older era is asked by requests of the server, the newer one by `InputRequiredResult`.
"""

from collections.abc import Awaitable, Callable, Mapping

import anyio
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp.types import (
    INVALID_PARAMS,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CallToolRequestParams,
    CallToolResult,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequest,
    InputRequiredResult,
    InputResponses,
    ListRootsRequest,
    SamplingMessage,
    TextContent,
)
from pydantic import JsonValue

Schema = dict[str, JsonValue]
Asked = CallToolResult | InputRequiredResult
Tool = Callable[[ServerRequestContext, CallToolRequestParams], Awaitable[Asked]]


def said(text: str, *, is_error: bool = False) -> CallToolResult:
    """An answer in words."""
    return CallToolResult(content=[TextContent(text=text)], is_error=is_error)


def form(message: str, properties: Schema) -> ElicitRequest:
    """A question with a form, all fields needed."""
    schema: Schema = {"type": "object", "properties": properties, "required": list(properties)}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def sampling(prompt: str, most: int = 100) -> CreateMessageRequest:
    """A question to the client's model."""
    told = SamplingMessage(role="user", content=TextContent(text=prompt))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[told], max_tokens=most))


def _here(context: ServerRequestContext) -> ServerMessageMetadata:
    return ServerMessageMetadata(related_request_id=context.request_id)


async def test_sampling(context: ServerRequestContext, params: CallToolRequestParams) -> Asked:
    """Ask the client's model."""
    prompt = str((params.arguments or {}).get("prompt", ""))
    answer = await context.session.send_request(
        sampling(prompt), CreateMessageResult, metadata=_here(context)
    )
    content = answer.content
    return said(f"LLM response: {content.text if isinstance(content, TextContent) else ''}")


async def _elicited(context: ServerRequestContext, request: ElicitRequest, lead: str) -> Asked:
    answer = await context.session.send_request(request, ElicitResult, metadata=_here(context))
    return said(f"{lead}: action={answer.action}, content={answer.content}")


async def test_elicitation(context: ServerRequestContext, params: CallToolRequestParams) -> Asked:
    """Ask the user."""
    message = str((params.arguments or {}).get("message", ""))
    fields: Schema = {
        "username": {"type": "string", "description": "User's response"},
        "email": {"type": "string", "description": "User's email address"},
    }
    return await _elicited(context, form(message, fields), "User response")


async def test_elicitation_sep1034_defaults(
    context: ServerRequestContext, _params: CallToolRequestParams
) -> Asked:
    """Ask the user, with something filled in everywhere."""
    fields: Schema = {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {
            "type": "string",
            "enum": ["active", "inactive", "pending"],
            "default": "active",
        },
        "verified": {"type": "boolean", "default": True},
    }
    return await _elicited(context, form("Check these", fields), "Elicitation completed")


def _titled(*pairs: tuple[str, str]) -> list[JsonValue]:
    return [{"const": value, "title": title} for value, title in pairs]


async def test_elicitation_sep1330_enums(
    context: ServerRequestContext, _params: CallToolRequestParams
) -> Asked:
    """Ask the user to choose, in every way there is."""
    plain: list[JsonValue] = ["option1", "option2", "option3"]
    titled = _titled(("value1", "First"), ("value2", "Second"), ("value3", "Third"))
    fields: Schema = {
        "untitledSingle": {"type": "string", "enum": plain},
        "titledSingle": {"type": "string", "oneOf": titled},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled}},
    }
    return await _elicited(context, form("Choose", fields), "Elicitation completed")


NAME = form("What is your name?", {"name": {"type": "string"}})
CONFIRM = form("Please confirm", {"ok": {"type": "boolean"}})
ROOTS = ListRootsRequest()

ROUNDS: Mapping[str, Mapping[str, InputRequest]] = {
    "test_input_required_result_elicitation": {"user_name": NAME},
    "test_streaming_elicitation": {"user_name": NAME},
    "test_input_required_result_sampling": {
        "capital_question": sampling("What is the capital of France?")
    },
    "test_input_required_result_list_roots": {"client_roots": ROOTS},
}
"""Tools that ask once and keep nothing in mind meanwhile."""

KEPT: Mapping[str, Mapping[str, InputRequest]] = {
    "test_input_required_result_request_state": {"confirm": CONFIRM},
    "test_input_required_result_tampered_state": {"confirm": CONFIRM},
    "test_input_required_result_multiple_inputs": {
        "user_name": NAME,
        "greeting": sampling("Generate a greeting", 50),
        "client_roots": ROOTS,
    },
}
"""Tools that hand the client what they keep in mind, sealed."""


def _fitting(asked: Mapping[str, InputRequest], answers: InputResponses | None) -> bool:
    """Whether every question has an answer of its kind."""
    return all(
        key in (answers or {})
        and isinstance((answers or {})[key], ElicitResult) is isinstance(request, ElicitRequest)
        for key, request in asked.items()
    )


def _words(answers: InputResponses | None) -> str:
    return "; ".join(f"{k}: {v.model_dump_json()}" for k, v in sorted((answers or {}).items()))


async def ask_once(_context: ServerRequestContext, params: CallToolRequestParams) -> Asked:
    """Ask until every question is answered."""
    asked = ROUNDS[params.name]
    if not _fitting(asked, params.input_responses):
        return InputRequiredResult(input_requests=dict(asked))
    return said(_words(params.input_responses))


async def ask_keeping(_context: ServerRequestContext, params: CallToolRequestParams) -> Asked:
    """Ask, and know the question again by what the client hands back."""
    asked = KEPT[params.name]
    if params.request_state is None or not _fitting(asked, params.input_responses):
        return InputRequiredResult(input_requests=dict(asked), request_state=params.name)
    return said(f"state-ok {_words(params.input_responses)}")


async def test_input_required_result_multi_round(
    _context: ServerRequestContext, params: CallToolRequestParams
) -> Asked:
    """Ask twice."""
    rounds: list[dict[str, InputRequest]] = [
        {"step1": form("Step 1: What is your name?", {"name": {"type": "string"}})},
        {"step2": form("Step 2: What is your favorite color?", {"color": {"type": "string"}})},
    ]
    at = int(params.request_state or "0")
    if params.request_state is not None and _fitting(rounds[at - 1], params.input_responses):
        if at == len(rounds):
            return said("Thank you.")
        return InputRequiredResult(input_requests=rounds[at], request_state=str(at + 1))
    return InputRequiredResult(input_requests=rounds[0], request_state="1")


async def test_input_required_result_capabilities(
    context: ServerRequestContext, params: CallToolRequestParams
) -> Asked:
    """Ask only what the client says it can answer."""
    able = context.session.client_capabilities
    asked: dict[str, InputRequest] = {}
    if able and able.elicitation is not None:
        asked["user_name"] = NAME
    if able and able.sampling is not None:
        asked["greeting"] = sampling("Generate a greeting", 50)
    if asked and not params.input_responses:
        return InputRequiredResult(input_requests=asked)
    return said(_words(params.input_responses))


async def test_missing_capability(
    context: ServerRequestContext, _params: CallToolRequestParams
) -> Asked:
    """Work for clients with a model only."""
    able = context.session.client_capabilities
    if able is None or able.sampling is None:
        data: Schema = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "Sampling is needed", data)
    return said("The client can sample.")


async def test_tool_with_progress(
    context: ServerRequestContext, _params: CallToolRequestParams
) -> Asked:
    """Tell how far it is."""
    for progress in (0, 50, 100):
        await context.session.report_progress(progress, 100)
        await anyio.sleep(0.05)
    return said("Done.")


async def log(context: ServerRequestContext, _params: CallToolRequestParams) -> Asked:
    """Log, where the client wants to read it."""
    for line in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await context.session.send_log_message(  # pyright: ignore[reportDeprecated]
            "info", line, related_request_id=context.request_id
        )
        await anyio.sleep(0.05)
    return said("Logged.")


async def test_error_handling(
    _context: ServerRequestContext, _params: CallToolRequestParams
) -> Asked:
    """Fail."""
    return said("This tool intentionally returns an error for testing", is_error=True)


def unknown(name: str) -> MCPError:
    """There is no such thing."""
    return MCPError(INVALID_PARAMS, f"Unknown: {name}")


TALKING: Mapping[str, Tool] = {
    tool.__name__: tool
    for tool in (
        test_sampling,
        test_elicitation,
        test_elicitation_sep1034_defaults,
        test_elicitation_sep1330_enums,
        test_input_required_result_multi_round,
        test_input_required_result_capabilities,
        test_missing_capability,
        test_tool_with_progress,
        test_error_handling,
    )
} | {
    "test_tool_with_logging": log,
    "test_logging_tool": log,
    **dict.fromkeys(ROUNDS, ask_once),
    **dict.fromkeys(KEPT, ask_keeping),
}
