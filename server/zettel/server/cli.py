"""The command line for people: serve, status, stop, evolve, list, show. Clients never come here.

Each command imports what it needs when it is called, so that help and errors come at once.
"""

import json
import os
import sys
from importlib import metadata
from typing import Annotated

import anyio
import typer

from zettel.server.attach import EXIT_USAGE
from zettel.server.logs import configure_logging
from zettel.server.main import serve_client
from zettel.server.rendezvous import Rendezvous
from zettel.server.settings import Settings, load_settings
from zettel.server.spelling import chosen_store, one_spelling
from zettel.storage.errors import (
    HostRefusedError,
    InvalidArgumentError,
    ServingError,
    StoreError,
    ZettelError,
)

DISTRIBUTION = "zettel-mcp"

EXIT_FAILED = 1
EXIT_UNAVAILABLE = 3
EXIT_REFUSED = 4

app = typer.Typer(
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Persistent memory for AI agents. Without a command: an MCP server on stdio.",
)

Store = Annotated[
    str | None, typer.Option(help="Directory or URI of the store.", show_default=False)
]
Namespace = Annotated[
    str | None, typer.Option(help="Default: this project's, else user.", show_default=False)
]
Model = Annotated[
    str | None, typer.Option(help="Embedding model, by name or path.", show_default=False)
]
Session = Annotated[
    str | None, typer.Option(help="Session of notes told without one.", show_default=False)
]
LogLevel = Annotated[
    str | None, typer.Option(help="debug, info, warning or error.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def run() -> None:
    """Run the command line; an error of ours is one line on standard error."""
    try:
        app(prog_name="zettel", standalone_mode=True)
    except ZettelError as error:
        typer.echo(f"zettel: {error}", err=True)
        sys.exit(_exit_code(error))


def _exit_code(error: ZettelError) -> int:
    if isinstance(error, InvalidArgumentError):
        return EXIT_USAGE
    if isinstance(error, HostRefusedError):
        return EXIT_REFUSED
    if isinstance(error, StoreError | ServingError):
        return EXIT_UNAVAILABLE
    return EXIT_FAILED


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(metadata.version(DISTRIBUTION))
        raise typer.Exit


@app.callback(invoke_without_command=True)
def stdio(
    context: typer.Context,
    *,
    store: Store = None,
    namespace: Namespace = None,
    session: Session = None,
    model: Model = None,
    protocol: Annotated[
        str | None,
        typer.Option(help="auto, or legacy: the handshake era only.", show_default=False),
    ] = None,
    log_level: LogLevel = None,
    in_process: Annotated[
        bool, typer.Option("--in-process", help="Serve from this process, without an engine.")
    ] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Persistent memory for AI agents. Without a command: an MCP server on stdio."""
    flags = {
        "store": store,
        "namespace": namespace,
        "session": session,
        "model": model,
        "protocol": protocol,
        "log_level": log_level,
    }
    context.obj = {name: value for name, value in flags.items() if value is not None}
    if context.invoked_subcommand is None:
        serve_client(context.obj | ({"in_process": "yes"} if in_process else {}))


def _settings(context: typer.Context, **flags: str | int | None) -> Settings:
    """The settings; a command's own options win over those before its name."""
    before: dict[str, str | int | None] = context.obj
    given = {name: value for name, value in flags.items() if value is not None}
    settings = load_settings(**(before | given))
    configure_logging(settings.log_level)
    return settings


@app.command()
def serve(
    context: typer.Context,
    *,
    host: Annotated[str | None, typer.Option(help="A loopback host.", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help="Default: 8377.", show_default=False)] = None,
    store: Store = None,
    namespace: Namespace = None,
    model: Model = None,
    log_level: LogLevel = None,
) -> None:
    """Serve Streamable HTTP and SSE on this machine until interrupted."""
    from zettel.server.serve import base_url, listen, serve_http  # noqa: PLC0415
    from zettel.server.snippets import welcome  # noqa: PLC0415
    from zettel.server.takeover import take_over  # noqa: PLC0415

    settings = _settings(
        context,
        host=host,
        port=port,
        store=store,
        namespace=namespace,
        model=model,
        log_level=log_level,
    )
    listening = listen(settings.host, settings.port)
    place = Rendezvous(one_spelling(settings.store))
    claim = take_over(place, settings.ipc, base_url(settings.host, listening))

    def announce(url: str, problem: str) -> None:
        typer.echo(welcome(url, settings, problem))
        sys.stdout.flush()

    anyio.run(serve_http, settings, listening, claim, announce)
    _leave()


@app.command()
def status(context: typer.Context, *, as_json: AsJson = False, store: Store = None) -> None:
    """Say what runs in the background for the store: its engine, clients, model, queue, size."""
    from zettel.server import manage  # noqa: PLC0415

    told = manage.status(_place(context, store))
    typer.echo(manage.as_json(told) if as_json else manage.as_text(told))


@app.command()
def stop(context: typer.Context, *, as_json: AsJson = False, store: Store = None) -> None:
    """End what runs in the background for the store, in good order; the next client starts it."""
    from zettel.server import manage  # noqa: PLC0415

    pid = manage.stop(_place(context, store))
    if as_json:
        typer.echo(json.dumps({"stopped": pid}))
    else:
        typer.echo("No engine runs." if pid is None else f"The engine (process {pid}) has ended.")


@app.command()
def evolve(
    context: typer.Context,
    *,
    once: Annotated[bool, typer.Option("--once", help="Run now, to the end, and leave.")] = False,
    as_json: AsJson = False,
    now: Annotated[
        str | None, typer.Option(help="ISO 8601; default: now.", show_default=False)
    ] = None,
    store: Store = None,
    namespace: Namespace = None,
    model: Model = None,
    log_level: LogLevel = None,
) -> None:
    """Evolve the notes of the store: embed, derive, link, compact."""
    if not once:
        message = "evolve needs --once; a running server evolves its notes by itself"
        raise typer.BadParameter(message)
    from zettel.server import evolving  # noqa: PLC0415

    settings = _settings(
        context, store=store, namespace=namespace, model=model, log_level=log_level or "warning"
    )
    report = anyio.run(evolving.evolve_once, settings, evolving.read_now(now), _progress, _waits)
    typer.echo(evolving.as_json(report) if as_json else evolving.as_text(report))
    _leave()


@app.command("list")
def list_notes(
    context: typer.Context,
    *,
    as_json: AsJson = False,
    store: Store = None,
    namespace: Namespace = None,
    log_level: LogLevel = None,
) -> None:
    """List every active note of the namespace, newest first."""
    from zettel.server.listing import print_notes  # noqa: PLC0415

    settings = _settings(
        context, store=store, namespace=namespace, log_level=log_level or "warning"
    )
    anyio.run(print_notes, settings, as_json, typer.echo)
    _leave()


@app.command()
def show(
    context: typer.Context,
    note_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    as_json: AsJson = False,
    store: Store = None,
    namespace: Namespace = None,
    log_level: LogLevel = None,
) -> None:
    """Show one note, in whatever state and namespace it is."""
    from zettel.server.listing import print_note  # noqa: PLC0415

    settings = _settings(
        context, store=store, namespace=namespace, log_level=log_level or "warning"
    )
    anyio.run(print_note, settings, note_id, as_json, typer.echo)
    _leave()


def _place(context: typer.Context, store: str | None) -> Rendezvous:
    """Where the store's engine is met; of no other setting does that depend."""
    flags: dict[str, str] = context.obj
    return Rendezvous(chosen_store({"store": store} if store else flags, os.environ))


def _progress(step: str, done: int, total: int) -> None:
    typer.echo(f"{step}: {done} of {total}" if total else f"{step}: {done}", err=True)


def _waits() -> None:
    typer.echo("waiting for the run in progress", err=True)


def _leave() -> None:
    """Leave without waiting for threads amid an import or a model's loading."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
