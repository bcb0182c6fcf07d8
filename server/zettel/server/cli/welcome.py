"""What `zettel serve` prints when it is ready: where it is, and how a client gets there."""

import json
import shlex
import shutil
import sys
from pathlib import Path

from zettel.server.config.settings import Settings, config_file, load_engine_settings
from zettel.server.engine.ipc.store_path import is_directory, one_spelling

EVERYWHERE = ("0.0.0.0", "::")
"""Hosts that stand for every address of the machine."""


TOKEN = "TOKEN"
"""Stands for an access token: none is ever shown here, the output may be anybody's."""


def welcome(url: str, settings: Settings, problem: str, *, needs_token: bool = False) -> str:
    """The text for the person who started the server.

    Args:
        url: Base URL, with the real port.
        settings: Where the data lives.
        problem: What is wrong with store or model; empty when nothing is.
        needs_token: Whether clients have to send an access token.
    """
    state = f"Zettel is up, but: {problem}" if problem else "Zettel is ready."
    theirs = _for_clients(url, settings)
    access = _access(settings, needs_token)
    # Where there is an authorization server, clients log in by themselves.
    needs_token = needs_token and not settings.oauth_issuer
    return "\n".join(
        (
            state,
            "",
            f"  Streamable HTTP  {url}/mcp",
            f"  SSE              {url}/sse",
            f"  Health           {url}/health",
            f"  Data             {settings.store}",
            f"  Model            {settings.model}",
            f"  Access           {access}",
            "",
            "A client that starts its own server (stdio):",
            _indented({"mcpServers": {"zettel": _stdio_entry(settings)}}),
            "",
            "A client that connects to this one (URL):",
            _indented({"mcpServers": {"zettel": _url_entry(theirs, needs_token)}}),
            "",
            "Claude Code, either way:",
            f"  claude mcp add zettel -- {shlex.join([_command(), *_arguments(settings)])}",
            f"  claude mcp add --transport http zettel {theirs}/mcp{_option(needs_token)}",
            "",
            *_token_advice(theirs != url, needs_token),
            *_advice(settings),
            "Ctrl-C ends it.",
        )
    )


def would_serve(settings: Settings) -> str:
    """What `zettel serve --check` says where nothing is in the way.

    Args:
        settings: Examined.
    """
    scheme = "https" if settings.tls_cert else "http"
    url = f"{scheme}://{_bracketed(settings.host)}:{settings.port}"
    return "\n".join(
        (
            "Nothing is in the way. zettel serve would listen here:",
            "",
            f"  Streamable HTTP  {url}/mcp",
            f"  SSE              {url}/sse",
            f"  Health           {url}/health",
            f"  Data             {settings.store}",
            f"  Model            {settings.model}",
            f"  Allowed hosts    {', '.join(settings.allowed_hosts) or 'this machine'}",
            f"  Allowed origins  {', '.join(settings.allowed_origins) or 'this machine'}",
        )
    )


def _for_clients(url: str, settings: Settings) -> str:
    """The base URL that clients elsewhere use: an address that stands for all is none."""
    if settings.oauth_resource:
        return settings.oauth_resource.rstrip("/")
    scheme, _, rest = url.partition("://")
    if settings.host not in EVERYWHERE or not settings.allowed_hosts:
        return url
    name, port = settings.allowed_hosts[0], rest.rpartition(":")[2]
    return f"{scheme}://{name}" if ":" in name else f"{scheme}://{name}:{port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _access(settings: Settings, needs_token: bool) -> str:
    if settings.oauth_issuer:
        return f"with a token of {settings.oauth_issuer}"
    return "with an access token" if needs_token else "everybody on this machine"


def _url_entry(url: str, needs_token: bool) -> dict[str, object]:
    entry: dict[str, object] = {"type": "http", "url": f"{url}/mcp"}
    return entry | ({"headers": {"Authorization": f"Bearer {TOKEN}"}} if needs_token else {})


def _option(needs_token: bool) -> str:
    return f' --header "Authorization: Bearer {TOKEN}"' if needs_token else ""


def _token_advice(named: bool, needs_token: bool) -> list[str]:
    """What to put in the place of the word, and of the address where a proxy has another."""
    if not needs_token:
        return []
    lines = [f"Each client has a token of its own in the place of {TOKEN}: zettel token create."]
    if named:
        lines.append("Behind a proxy, its address stands in the place of this one.")
    return [*lines, ""]


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
