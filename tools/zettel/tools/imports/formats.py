"""The formats that can be imported, and which one a source has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from zettel.tools.imports import (
    basic_memory,
    conversations,
    markdown,
    mcp_memory_service,
    mem0,
    mempalace,
    server_memory,
)
from zettel.tools.imports.drafts import ReadSource
from zettel.tools.imports.files import unreadable
from zettel.tools.validation import unknown_name


@dataclass(frozen=True, slots=True)
class Format:
    """One system's files."""

    name: str
    detect: Callable[[Path], bool]
    """Whether a source looks like it; reads little of it."""
    read: ReadSource


FORMATS: Sequence[Format] = (
    Format("server-memory", server_memory.detect, server_memory.read),
    Format("mem0", mem0.detect, mem0.read),
    Format("mcp-memory-service", mcp_memory_service.detect, mcp_memory_service.read),
    Format("mempalace", mempalace.detect, mempalace.read),
    Format("chatgpt", conversations.detect_chatgpt, conversations.read_chatgpt),
    Format("claude-export", conversations.detect_claude, conversations.read_claude),
    Format("claude-code", markdown.detect_claude_code, markdown.read_claude_code),
    Format("basic-memory", basic_memory.detect, basic_memory.read),
    Format("markdown", markdown.detect, markdown.read),
)
"""In the order in which a source is tried: any folder of the last but one is one of the last."""


def format_names() -> tuple[str, ...]:
    """The names of all formats."""
    return tuple(each.name for each in FORMATS)


def find_format(path: Path, name: str | None = None) -> Format:
    """The format of this name, else the first that a source looks like.

    Raises:
        UnknownNameError: There is no format of this name.
        InvalidArgumentError: The source is not there, or looks like none.
    """
    if name is not None:
        return _named(name)
    if not path.exists():
        raise unreadable(path, "is not there", "Name a file or a folder.")
    for each in FORMATS:
        if each.detect(path):
            return each
    remedy = f"Name its format with --from: {', '.join(format_names())}."
    raise unreadable(path, "looks like no known format, or is damaged", remedy)


def _named(name: str) -> Format:
    for each in FORMATS:
        if each.name == name.strip().lower():
            return each
    known = format_names()
    raise unknown_name("--from", name, known, f"Pass one of {', '.join(known)}.")
