"""The one prompt: an agent works off the questions that evolution has left open."""

from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    PaginatedRequestParams,
    Prompt,
    PromptArgument,
    PromptMessage,
    TextContent,
)

from zettel.server.texts import REVIEW
from zettel.storage.errors import UnknownNameError, ZettelError
from zettel.tools.bounds import check_namespace

REVIEW_MEMORIES = "review-memories"

_PROMPT = Prompt(
    name=REVIEW_MEMORIES,
    title="Review memories",
    description="Settle what memory could not decide: notes that may replace or contradict others.",
    arguments=[
        PromptArgument(
            name="namespace",
            description="Whose notes; without it, this connection's.",
            required=False,
        )
    ],
)


async def list_prompts(
    _context: ServerRequestContext, _params: PaginatedRequestParams | None
) -> ListPromptsResult:
    """Every prompt there is."""
    return ListPromptsResult(prompts=[_PROMPT])


async def get_prompt(
    _context: ServerRequestContext, params: GetPromptRequestParams
) -> GetPromptResult:
    """The text of a prompt.

    Raises:
        MCPError: There is none of that name, or an argument is wrong.
    """
    try:
        text = _review(params)
    except ZettelError as error:
        raise MCPError(code=INVALID_PARAMS, message=str(error)) from None
    return GetPromptResult(
        description=_PROMPT.description,
        messages=[PromptMessage(role="user", content=TextContent(text=text))],
    )


def _review(params: GetPromptRequestParams) -> str:
    if params.name != REVIEW_MEMORIES:
        raise UnknownNameError("prompt", params.name, [REVIEW_MEMORIES], f"Get {REVIEW_MEMORIES}.")
    namespace = (params.arguments or {}).get("namespace", "")
    return REVIEW.format(
        namespace=f', namespace="{check_namespace(namespace)}"' if namespace else ""
    )
