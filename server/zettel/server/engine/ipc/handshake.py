"""The first line on an engine's socket, and the line that answers it.

A client says who it is and what it gets when it names nothing, or asks one thing of the engine.
The engine answers before any MCP byte flows: an end of the stream instead of the answer means that
it is dying, and the client tries again.

Part of the attachment: imports next to nothing.
"""

import json
import os
import time
from collections.abc import Mapping
from typing import TypeAlias

from zettel.server.engine.ipc.version import VERSION

PROTOCOL = 1
"""Of the hello line; what MCP is spoken after it is the client's affair."""

ENGINE_SETTINGS = (
    "model",
    "reranker",
    "log_level",
    "log_format",
    "evolve_minutes",
    "settle_seconds",
    "idle_minutes",
    "durability",
    "found_from",
    "archive_below",
    "llm_model",
    "llm_base_url",
    "llm_timeout_seconds",
    "llm_tokens_run",
    "llm_tokens_day",
    "llm_price_in",
    "llm_price_out",
    "llm_money_run",
    "llm_money_day",
    "consolidate",
    "evolve_off",
    "llm_off",
    "retain_days",
    "erasures",
    "quota_notes",
    "quota_bytes",
)
"""What clients of one engine share; the LLM's key, too, but that is told nobody."""
HELLO_SETTINGS = ("namespace", "session", "protocol", *ENGINE_SETTINGS)
"""Settings a client may have been given; the engine's own it only compares with what it runs with.
The LLM's key does not travel."""

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Message = dict[str, Json]


def given_settings(flags: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """What the client was told by flag or variable, flags first; nothing is checked here."""
    variables = {name.lower(): value for name, value in environment.items()}
    given: dict[str, str] = {}
    for name in HELLO_SETTINGS:
        value = flags.get(name, variables.get(f"zettel_{name}") or None)
        if value is not None:
            given[name] = value
    return given


def session_hello(store: str, given: Mapping[str, str]) -> Message:
    """The hello of a client, made once and said again to every engine it meets.

    Args:
        store: In its one spelling.
        given: As of `given_settings`.
    """
    stamp = time.strftime("%Y%m%d-%H%M", time.gmtime())
    return {
        "zettel": PROTOCOL,
        "want": "session",
        "version": VERSION,
        "store": store,
        "cwd": _working_directory(),
        "home": os.path.expanduser("~"),
        "session": f"{stamp}-{os.urandom(2).hex()}",
        "pid": os.getpid(),
        "settings": dict(given),
    }


def request(store: str, want: str) -> Message:
    """The hello of somebody who asks one thing: `status`, or `drain` (end in good order)."""
    return {"zettel": PROTOCOL, "want": want, "version": VERSION, "store": store}


def read_object(raw: bytes) -> Message:
    """Read one JSON object.

    Raises:
        ValueError: It is none.
    """
    try:
        found: Message = json.loads(raw)
    except RecursionError as error:
        raise ValueError from error
    if type(found) is not dict:
        raise ValueError
    return found


def _working_directory() -> str:
    try:
        return os.getcwd()
    except OSError:
        # Removed under us: then there is no project either.
        return ""
