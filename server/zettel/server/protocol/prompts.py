"""The prompts: tasks with memory that a person gives to an agent."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mcp.server import ServerRequestContext
from mcp.types import (
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    PaginatedRequestParams,
    Prompt,
    PromptArgument,
    PromptMessage,
    TextContent,
)

from zettel.server.protocol.errors import as_mcp_error
from zettel.server.protocol.texts import KNOW, REMEMBER_SESSION, REVIEW
from zettel.storage.errors import ZettelError
from zettel.tools.validation import check_list, check_namespace, check_subject, unknown_name

_NAMESPACE = PromptArgument(
    name="namespace", description="Whose notes; without it, this connection's.", required=False
)
_TAGS = PromptArgument(name="tags", description="Tags, with commas between.", required=False)
_SUBJECT = PromptArgument(
    name="subject",
    description="Who or what; without it, everything in outline.",
    required=False,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptEntry:
    """One prompt: what is advertised, and what writes its text from checked arguments."""

    prompt: Prompt
    write: Callable[[Mapping[str, str]], str]


def _named(given: Mapping[str, str], *names: str) -> str:
    """Checked arguments in the form of a tool call, each after a comma."""
    checked: dict[str, object] = {}
    if subject := check_subject(given.get("subject")):
        checked["subject"] = subject
    if tags := check_list("tags", given.get("tags", "").split(",")):
        checked["tags"] = list(tags)
    if namespace := given.get("namespace", "").strip():
        checked["namespace"] = check_namespace(namespace)
    shown = {name: checked[name] for name in names if name in checked}
    return "".join(f", {k}={json.dumps(v, ensure_ascii=False)}" for k, v in shown.items())


def _review(given: Mapping[str, str]) -> str:
    return REVIEW.format(namespace=_named(given, "namespace"))


def _remember_session(given: Mapping[str, str]) -> str:
    return REMEMBER_SESSION.format(
        namespace=_named(given, "namespace"), stored=_named(given, "tags", "namespace")
    )


def _know(given: Mapping[str, str]) -> str:
    arguments = _named(given, "subject", "tags", "namespace").removeprefix(", ")
    about = given.get("subject", "").strip() or "everything it holds here"
    return KNOW.format(
        about=json.dumps(about, ensure_ascii=False),
        listed=f"{arguments}, limit=50" if arguments else "",
        namespace=_named(given, "namespace"),
    )


def _entry(
    name: str,
    title: str,
    description: str,
    arguments: list[PromptArgument],
    write: Callable[[Mapping[str, str]], str],
) -> PromptEntry:
    prompt = Prompt(name=name, title=title, description=description, arguments=arguments)
    return PromptEntry(prompt=prompt, write=write)


PROMPTS: dict[str, PromptEntry] = {
    entry.prompt.name: entry
    for entry in (
        _entry(
            "remember-this-session",
            "Remember this session",
            "Store what this conversation has settled and memory does not hold yet.",
            [_TAGS, _NAMESPACE],
            _remember_session,
        ),
        _entry(
            "what-do-you-know",
            "What do you know",
            "Tell what memory holds about somebody or something, and how sure it is.",
            [_SUBJECT, _TAGS, _NAMESPACE],
            _know,
        ),
        _entry(
            "review-memories",
            "Review memories",
            "Settle what memory could not decide: notes that may replace or contradict others.",
            [_NAMESPACE],
            _review,
        ),
    )
}
"""By name, in the listed order."""


async def list_prompts(
    _context: ServerRequestContext, _params: PaginatedRequestParams | None
) -> ListPromptsResult:
    """All prompts."""
    return ListPromptsResult(prompts=[entry.prompt for entry in PROMPTS.values()])


async def get_prompt(
    _context: ServerRequestContext, params: GetPromptRequestParams
) -> GetPromptResult:
    """The text of a prompt.

    Raises:
        MCPError: The name is unknown, or an argument is invalid.
    """
    try:
        entry = find_prompt(params.name)
        text = entry.write(params.arguments or {})
    except ZettelError as error:
        raise as_mcp_error(error) from None
    return GetPromptResult(
        description=entry.prompt.description,
        messages=[PromptMessage(role="user", content=TextContent(text=text))],
    )


def find_prompt(name: str) -> PromptEntry:
    """The prompt of this name.

    Raises:
        UnknownNameError: There is none; the message names the nearest.
    """
    if name in PROMPTS:
        return PROMPTS[name]
    raise unknown_name("prompt", name, PROMPTS, f"The prompts are {', '.join(PROMPTS)}.")
