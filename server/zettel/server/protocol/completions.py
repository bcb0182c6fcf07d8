"""How an argument of a prompt or of a resource's address may go on, from what memory holds."""

from collections.abc import Mapping
from typing import Literal

from mcp.server import ServerRequestContext
from mcp.types import (
    CompleteRequestParams,
    CompleteResult,
    Completion,
    PromptReference,
)

from zettel.server.protocol.errors import refused, wrong_uri
from zettel.server.protocol.prompts import find_prompt
from zettel.server.protocol.resources import HISTORY, NOTE, PROFILE_OF, TEMPLATES, Look
from zettel.server.protocol.schemas import CompletionReading
from zettel.storage.errors import UnknownNameError, ZettelError

_VARIABLES: Mapping[str, str] = {NOTE: "id", HISTORY: "id", PROFILE_OF: "namespace"}


async def complete(
    look: Look, context: ServerRequestContext, params: CompleteRequestParams
) -> CompleteResult:
    """Values that fit what is written so far, best first, at most 100.

    Raises:
        MCPError: There is no such prompt, template or argument, or memory cannot be read.
    """
    try:
        name = _name(params)
        given = (params.context.arguments if params.context else None) or {}
        namespace = "" if name == "namespace" else given.get("namespace", "")
        begun = params.argument.value
        reading = CompletionReading(name=name, begun=begun, namespace=namespace)
        found = await look(context, reading)
    except ZettelError as error:
        raise refused(error) from None
    completion = Completion.model_validate(found)
    completion.has_more = (completion.total or 0) > len(completion.values)
    return CompleteResult(completion=completion)


def _name(params: CompleteRequestParams) -> Literal["subject", "tags", "namespace", "id"]:
    """What is being named.

    Raises:
        UnknownNameError: The prompt or template has no such argument.
        MCPError: There is no such template.
    """
    asked = params.argument.name
    if isinstance(params.ref, PromptReference):
        known = [a.name for a in find_prompt(params.ref.name).prompt.arguments or []]
    elif params.ref.uri in _VARIABLES:
        known = [_VARIABLES[params.ref.uri]]
    else:
        raise wrong_uri(params.ref.uri, f"The templates are {', '.join(_VARIABLES)}.")
    match asked:
        case "subject" | "tags" | "namespace" | "id" if asked in known:
            return asked
        case _:
            raise UnknownNameError("argument", asked[:80], known, f"It has {', '.join(known)}.")


assert set(_VARIABLES) == {template.uri_template for template in TEMPLATES}
