"""`zettel serve`: its options, the checks before it, and the text printed when it is ready."""

import json
import logging
import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from zettel.server.cli.command import (
    AsJson,
    LogLevelOption,
    ModelOption,
    NamespaceOption,
    StoreOption,
    examples,
    leave,
    option,
    rendezvous,
    say,
)
from zettel.server.commands.output import Output
from zettel.server.engine.ipc.rendezvous import Rendezvous
from zettel.server.engine.ipc.store_path import is_directory, one_spelling
from zettel.storage.errors import PortBusyError
from zettel.tools.printable import printable, printable_lines

if TYPE_CHECKING:
    from zettel.server.config.settings import Settings

logger = logging.getLogger(__name__)

ANY_ADDRESS = ("0.0.0.0", "::")
"""Hosts that stand for every address of the machine."""
TOKEN_PLACEHOLDER = "TOKEN"
"""Printed in place of an access token, since others may read the output."""
_ADD_SERVER = "claude mcp add --scope user"


@examples("zettel serve", "zettel serve --port 9000", "zettel serve --check")
def serve(
    context: typer.Context,
    *,
    host: Annotated[str | None, option("Default: loopback.")] = None,
    port: Annotated[int | None, option("Default: 8377.")] = None,
    store: StoreOption = None,
    namespace: NamespaceOption = None,
    model: ModelOption = None,
    allowed_host: Annotated[list[str] | None, option("Name clients use; repeatable.")] = None,
    allowed_origin: Annotated[list[str] | None, option("Of web pages; repeatable.")] = None,
    tls_cert: Annotated[str | None, option("PEM file.")] = None,
    tls_key: Annotated[str | None, option("PEM file.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what would be served, or why not.")
    ] = False,
    log_level: LogLevelOption = None,
) -> None:
    """Serve Streamable HTTP and SSE until interrupted; on other than loopback with tokens only."""
    import anyio  # noqa: PLC0415  as slow as what follows, and for this command only

    from zettel.server.commands.serve import base_url, listen, serve_http  # noqa: PLC0415
    from zettel.server.engine.takeover import take_over  # noqa: PLC0415

    settings = examined_settings(
        context,
        check,
        host=host,
        port=port,
        store=store,
        namespace=namespace,
        model=model,
        allowed_hosts=",".join(allowed_host) if allowed_host else None,
        allowed_origins=",".join(allowed_origin) if allowed_origin else None,
        tls_cert=tls_cert,
        tls_key=tls_key,
        log_level=log_level,
    )
    listening = listen(settings.host, settings.port)
    place = Rendezvous(one_spelling(settings.store))
    lock = take_over(place, settings.ipc, base_url(settings, listening))

    def announce(url: str, problem: str, needs_token: bool) -> None:
        typer.echo(welcome(url, settings, problem, needs_token=needs_token))
        sys.stdout.flush()

    anyio.run(serve_http, settings, listening, lock, announce)
    leave()


def examined_settings(context: typer.Context, check: bool, **flags: object) -> "Settings":
    """Read and examine the settings to serve with; warnings go to standard error.

    With `check`, prints what would be served, and exits.

    Raises:
        MisconfiguredError: These settings cannot be served; names every problem.
        StoreError: With `check`, the store cannot be opened: a server would say so on `/health`.
    """
    import anyio  # noqa: PLC0415  as above

    from zettel.server.config.preflight.checks import (  # noqa: PLC0415  imports numpy
        examine_flags,
        library_warnings,
    )
    from zettel.server.config.preflight.serving import check_store  # noqa: PLC0415  as above
    from zettel.server.observability.logs import configure_logging  # noqa: PLC0415

    before: dict[str, str] = context.obj
    given = {name: value for name, value in flags.items() if value is not None}
    settings, examined = anyio.run(examine_flags, {**before, **given})
    configure_logging(settings.log_level, settings.log_format)
    of_now = list[str]()
    if check:
        of_now += anyio.run(library_warnings, settings)
        of_now += _port_warnings(settings)
    warnings = (*examined.warnings, *of_now)
    for warning in warnings:
        if settings.log_format == "json" and not check:
            # A reader of JSON logs reads no other lines.
            logger.warning("%s", warning)
        else:
            typer.echo(printable_lines(f"zettel: warning: {warning}"), err=True)
    if check:
        anyio.run(check_store, settings)
        typer.echo(would_serve(settings, len(warnings)))
        leave()
    return settings


def _port_warnings(settings: "Settings") -> list[str]:
    """No refusal: what is checked may be the next start of the very server that listens now."""
    from zettel.server.commands.serve import listen  # noqa: PLC0415  imports uvicorn

    try:
        listen(settings.host, settings.port).close()
    except PortBusyError as error:
        return [str(error)]
    return []


def welcome(url: str, settings: "Settings", problem: str, *, needs_token: bool = False) -> str:
    """The text printed when the server is ready.

    `url` has the real port; `problem` is of store or model.
    """
    state = f"Zettel is up, but: {printable(problem)}" if problem else "Zettel is ready."
    client_url = _for_clients(url, settings)
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
            f"  Page             {url}/",
            f"  Data             {printable(settings.store)}",
            f"  Model            {settings.model}",
            f"  Access           {access}",
            "",
            "A client that starts its own server (stdio):",
            _indented({"mcpServers": {"zettel": _stdio_entry(settings)}}),
            "",
            "A client that connects to this one (URL):",
            _indented({"mcpServers": {"zettel": _url_entry(client_url, needs_token)}}),
            "",
            "Claude Code, either way:",
            f"  {_ADD_SERVER} zettel -- {shlex.join(_stdio_command(settings))}",
            f"  {_ADD_SERVER} --transport http zettel {client_url}/mcp{_option(needs_token)}",
            "",
            *_token_advice(client_url != url, needs_token),
            *_advice(settings),
            "Ctrl-C ends it.",
        )
    )


def would_serve(settings: "Settings", warnings: int) -> str:
    """The text of `zettel serve --check` for examined settings that can be served.

    `warnings` is how many went to standard error.
    """
    these = "1 warning" if warnings == 1 else f"{warnings} warnings"
    found = f"No setting is refused, but see the {these}." if warnings else "Nothing is in the way."
    scheme = "https" if settings.tls_cert else "http"
    url = f"{scheme}://{_bracketed(settings.host)}:{settings.port}"
    return "\n".join(
        (
            f"{found} zettel serve would listen here:",
            "",
            f"  Streamable HTTP  {url}/mcp",
            f"  SSE              {url}/sse",
            f"  Health           {url}/health",
            f"  Page             {url}/",
            f"  Data             {printable(settings.store)}",
            f"  Model            {settings.model}",
            f"  Allowed hosts    {', '.join(settings.allowed_hosts) or 'this machine'}",
            f"  Allowed origins  {', '.join(settings.allowed_origins) or 'this machine'}",
        )
    )


def _for_clients(url: str, settings: "Settings") -> str:
    """The base URL for clients on other machines, which cannot use an any-address."""
    if settings.oauth_resource:
        return settings.oauth_resource.rstrip("/")
    scheme, _, rest = url.partition("://")
    if settings.host not in ANY_ADDRESS or not settings.allowed_hosts:
        return url
    name, port = settings.allowed_hosts[0], rest.rpartition(":")[2]
    return f"{scheme}://{name}" if ":" in name else f"{scheme}://{name}:{port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _access(settings: "Settings", needs_token: bool) -> str:
    if settings.oauth_issuer:
        return f"with a token of {settings.oauth_issuer}"
    return "with an access token" if needs_token else "everybody on this machine"


def _url_entry(url: str, needs_token: bool) -> dict[str, object]:
    entry: dict[str, object] = {"type": "http", "url": f"{url}/mcp"}
    return entry | (
        {"headers": {"Authorization": f"Bearer {TOKEN_PLACEHOLDER}"}} if needs_token else {}
    )


def _option(needs_token: bool) -> str:
    return f' --header "Authorization: Bearer {TOKEN_PLACEHOLDER}"' if needs_token else ""


def _token_advice(named: bool, needs_token: bool) -> list[str]:
    """How to fill in the token, and the address behind a proxy."""
    if not needs_token:
        return []
    lines = [
        f"Each client has a token of its own in the place of {TOKEN_PLACEHOLDER}:"
        " zettel token create."
    ]
    if named:
        lines.append("Behind a proxy, its address stands in the place of this one.")
    return [*lines, ""]


def _stdio_entry(settings: "Settings") -> dict[str, object]:
    command, *arguments = _stdio_command(settings)
    return {"command": command, "args": arguments}


def _stdio_command(settings: "Settings") -> list[str]:
    from zettel.server.commands.clients import command_path, store_arguments  # noqa: PLC0415

    return [command_path(), *store_arguments(settings)]


def _advice(settings: "Settings") -> list[str]:
    """The setting to store so that clients use the same model without this server."""
    from zettel.server.config.settings import (  # noqa: PLC0415  slow
        config_file,
        load_engine_settings,
    )
    from zettel.server.config.trust import is_risky  # noqa: PLC0415

    store = one_spelling(settings.store)
    if not is_directory(store) or settings.model == load_engine_settings(store).model:
        return []
    file = printable(str(config_file(store)))
    line = f"model = {json.dumps(settings.model)}"
    return [
        f"So that clients have the same model when this is not up, put {line}",
        f"into {file}" + (", and run: zettel trust." if is_risky("model", settings.model) else "."),
        "",
    ]


def _indented(value: dict[str, object]) -> str:
    lines = json.dumps(value, indent=2, ensure_ascii=False).splitlines()
    return "\n".join(f"  {line}" for line in lines)


@examples("zettel status", "zettel status --json")
def status(context: typer.Context, *, as_json: AsJson = False, store: StoreOption = None) -> None:
    """Say what runs in the background for the store: its engine, clients, model, queue, size."""
    from zettel.server.commands import engine  # noqa: PLC0415

    say(engine.status_output(engine.status(rendezvous(context, store))), as_json)


@examples("zettel stop")
def stop(context: typer.Context, *, as_json: AsJson = False, store: StoreOption = None) -> None:
    """End what runs in the background for the store, in good order; the next client starts it."""
    from zettel.server.commands import engine  # noqa: PLC0415

    pid = engine.stop(rendezvous(context, store))
    text = "No engine runs." if pid is None else f"The engine (process {pid}) has ended."
    say(Output({"stopped": pid}, text), as_json)


@examples("zettel open", "zettel open --port 9000")
def open_in_browser(
    context: typer.Context,
    *,
    port: Annotated[int | None, option("Of a server that is started; default: 8377.")] = None,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
    as_json: AsJson = False,
    store: StoreOption = None,
) -> None:
    """Open the page of the memory in a browser; starts zettel serve in the background if needed."""
    import webbrowser  # noqa: PLC0415  for this command only

    from zettel.server.commands import engine  # noqa: PLC0415

    options = [] if port is None else ["--port", str(port)]
    url, started = engine.open_page(rendezvous(context, store), options)
    shown = browser and webbrowser.open(url)
    text = f"The page is open: {url}" if shown else f"Go to {url}"
    more = " It is served in the background; zettel stop ends that." if started else ""
    say(Output({"url": url, "started": started}, f"{text}{more}"), as_json)
