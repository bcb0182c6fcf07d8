"""The first line on an engine's socket, the hello, and the line that answers it.

The engine answers before any MCP byte flows; an end of the stream instead means that it is
stopping, and the client tries again. Standard library only.
"""

import json
import os
import time
from collections.abc import Mapping
from typing import TypeAlias

from zettel.server.engine.ipc.version import VERSION

PROTOCOL = 1
"""Version of the hello line, independent of the MCP version after it."""

ENGINE_SETTINGS = tuple(
    """
    model embed_backend embed_device reranker log_level log_format evolve_minutes settle_seconds
    idle_minutes durability model_wait_seconds found_from archive_below working_notes llm_model
    llm_base_url llm_timeout_seconds llm_tokens_run llm_tokens_day llm_price_in llm_price_out
    llm_money_run llm_money_day consolidate evolve_off llm_off trusted_principals retain_days
    secrets erasures quota_notes quota_bytes cache_mb
    """.split()
)
"""Settings that all clients of an engine share; `llm_key` too, which is never sent."""
HELLO_SETTINGS = ("namespace", "session", "protocol", *ENGINE_SETTINGS)
"""Settings in a hello; the engine compares `ENGINE_SETTINGS` with its own and warns."""

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Message = dict[str, Json]


def given_settings(flags: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """The client's settings by flag or variable, flags first; unchecked."""
    variables = {name.lower(): value for name, value in environment.items()}
    given: dict[str, str] = {}
    for name in HELLO_SETTINGS:
        value = flags.get(name, variables.get(f"zettel_{name}") or None)
        if value is not None:
            given[name] = value
    return given


def session_hello(store: str, given: Mapping[str, str]) -> Message:
    """The hello of a client, made once and sent to every engine it connects to."""
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
    """The hello of a single request: `status`, or `drain` (finish open calls and exit)."""
    return {"zettel": PROTOCOL, "want": want, "version": VERSION, "store": store}


def read_object(raw: bytes) -> Message:
    """Read one JSON object.

    Raises:
        ValueError: The text is not a JSON object.
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
        # The directory was removed, so there is no project.
        return ""
