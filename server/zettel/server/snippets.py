"""What `zettel serve` prints when it is ready: where it is, and how a client gets there."""

import json
import shlex
import shutil
import sys
from pathlib import Path

from zettel.server.settings import Settings, config_file, load_engine_settings
from zettel.server.spelling import is_directory, one_spelling


def welcome(url: str, settings: Settings, problem: str) -> str:
    """The text for the person who started the server.

    Args:
        url: Base URL, with the real port.
        settings: Where the data lives.
        problem: What is wrong with store or model; empty when nothing is.
    """
    state = f"Zettel is up, but: {problem}" if problem else "Zettel is ready."
    return "\n".join(
        (
            state,
            "",
            f"  Streamable HTTP  {url}/mcp",
            f"  SSE              {url}/sse",
            f"  Health           {url}/health",
            f"  Data             {settings.store}",
            f"  Model            {settings.model}",
            "",
            "A client that starts its own server (stdio):",
            _indented({"mcpServers": {"zettel": _stdio_entry(settings)}}),
            "",
            "A client that connects to this one (URL):",
            _indented({"mcpServers": {"zettel": {"type": "http", "url": f"{url}/mcp"}}}),
            "",
            "Claude Code, either way:",
            f"  claude mcp add zettel -- {shlex.join([_command(), *_arguments(settings)])}",
            f"  claude mcp add --transport http zettel {url}/mcp",
            "",
            *_advice(settings),
            "Ctrl-C ends it.",
        )
    )


def _stdio_entry(settings: Settings) -> dict[str, object]:
    return {"command": _command(), "args": _arguments(settings)}


def _arguments(settings: Settings) -> list[str]:
    # Clients start their servers with hardly any environment, so what matters is said outright.
    store = settings.store
    if "://" not in store:
        store = str(Path(store).expanduser().absolute())
    return ["--store", store]


def _advice(settings: Settings) -> list[str]:
    """What must be written down so that the store has the same model without this server."""
    store = one_spelling(settings.store)
    if not is_directory(store) or settings.model == load_engine_settings(store).model:
        return []
    file = config_file(store)
    told = f"model = {json.dumps(settings.model)}"
    return [
        f"So that clients have the same model when this is not up, put {told}",
        f"into {file}.",
        "",
    ]


def _command() -> str:
    beside = Path(sys.executable).with_name("zettel")
    return str(beside) if beside.exists() else (shutil.which("zettel") or "zettel")


def _indented(value: dict[str, object]) -> str:
    lines = json.dumps(value, indent=2, ensure_ascii=False).splitlines()
    return "\n".join(f"  {line}" for line in lines)
