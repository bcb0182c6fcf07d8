"""The command line for people; MCP clients never load it."""

import json
import logging
import os
import sys
from importlib import metadata
from typing import Annotated

import anyio
import typer

from zettel.server.cli.forget import forget
from zettel.server.cli.history import audit, evolve, history, runs, undo
from zettel.server.cli.maintenance import backup, doctor, restore, verify_erased
from zettel.server.cli.options import (
    EXIT_FAILED,
    EXIT_REFUSED,
    EXIT_UNAVAILABLE,
    AsJson,
    LogLevel,
    Model,
    Namespace,
    Session,
    Store,
    leave,
    read_settings,
)
from zettel.server.cli.recall import recall
from zettel.server.cli.tokens import token_app
from zettel.server.cli.welcome import would_serve
from zettel.server.config.errors import MisconfiguredError
from zettel.server.config.preflight.checks import examine_flags, model_warnings
from zettel.server.config.settings import Settings
from zettel.server.engine.attachment.attach import serve_client
from zettel.server.engine.ipc.rendezvous import Rendezvous
from zettel.server.engine.ipc.spawn import EXIT_USAGE
from zettel.server.engine.ipc.store_path import chosen_store, one_spelling
from zettel.server.observability.logs import configure_logging
from zettel.storage.backup.errors import BackupExistsError, StoreNotEmptyError
from zettel.storage.errors import (
    ChangedSinceError,
    HostRefusedError,
    InvalidArgumentError,
    NotConfirmedError,
    ServingError,
    StoreError,
    ZettelError,
)

DISTRIBUTION = "zettel-mcp"

app = typer.Typer(
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Persistent memory for AI agents. Without a command: an MCP server on stdio.",
)


def run() -> None:
    """Run the command line; an error of ours is one line on standard error."""
    try:
        app(prog_name="zettel", standalone_mode=True)
    except ZettelError as error:
        for line in str(error).splitlines():
            typer.echo(f"zettel: {line}", err=True)
        sys.exit(_exit_code(error))


_REFUSALS = (
    *(HostRefusedError, ChangedSinceError, NotConfirmedError),
    *(BackupExistsError, StoreNotEmptyError),
)


def _exit_code(error: ZettelError) -> int:
    if isinstance(error, MisconfiguredError):
        return min(_exit_code(problem) for problem in error.problems)
    if isinstance(error, InvalidArgumentError):
        return EXIT_USAGE
    if isinstance(error, _REFUSALS):
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


@app.command()
def serve(
    context: typer.Context,
    *,
    host: Annotated[str | None, typer.Option(help="Default: loopback.", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help="Default: 8377.", show_default=False)] = None,
    store: Store = None,
    namespace: Namespace = None,
    model: Model = None,
    allowed_host: Annotated[
        list[str] | None, typer.Option(help="Name clients use; repeatable.", show_default=False)
    ] = None,
    allowed_origin: Annotated[
        list[str] | None, typer.Option(help="Of web pages; repeatable.", show_default=False)
    ] = None,
    tls_cert: Annotated[str | None, typer.Option(help="PEM file.", show_default=False)] = None,
    tls_key: Annotated[str | None, typer.Option(help="PEM file.", show_default=False)] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what would be served, or why not.")
    ] = False,
    log_level: LogLevel = None,
) -> None:
    """Serve Streamable HTTP and SSE until interrupted; on other than loopback with tokens only."""
    from zettel.server.cli.welcome import welcome  # noqa: PLC0415
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
    engine_lock = take_over(place, settings.ipc, base_url(settings, listening))

    def announce(url: str, problem: str, needs_token: bool) -> None:
        typer.echo(welcome(url, settings, problem, needs_token=needs_token))
        sys.stdout.flush()

    anyio.run(serve_http, settings, listening, engine_lock, announce)
    leave()


@app.command()
def status(context: typer.Context, *, as_json: AsJson = False, store: Store = None) -> None:
    """Say what runs in the background for the store: its engine, clients, model, queue, size."""
    from zettel.server.commands import engine  # noqa: PLC0415

    told = engine.status(_place(context, store))
    typer.echo(engine.as_json(told) if as_json else engine.as_text(told))


@app.command()
def stop(context: typer.Context, *, as_json: AsJson = False, store: Store = None) -> None:
    """End what runs in the background for the store, in good order; the next client starts it."""
    from zettel.server.commands import engine  # noqa: PLC0415

    pid = engine.stop(_place(context, store))
    if as_json:
        typer.echo(json.dumps({"stopped": pid}))
    else:
        typer.echo("No engine runs." if pid is None else f"The engine (process {pid}) has ended.")


app.add_typer(token_app, name="token")

for command in (
    *(recall, forget, evolve, undo, runs, history, audit),
    *(backup, restore, doctor, verify_erased),
):
    app.command()(command)


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
    from zettel.server.commands.notes import print_notes  # noqa: PLC0415

    settings = read_settings(
        context, store=store, namespace=namespace, log_level=log_level or "warning"
    )
    anyio.run(print_notes, settings, as_json, typer.echo)
    leave()


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
    from zettel.server.commands.notes import print_note  # noqa: PLC0415

    settings = read_settings(
        context, store=store, namespace=namespace, log_level=log_level or "warning"
    )
    anyio.run(print_note, settings, note_id, as_json, typer.echo)
    leave()


def _place(context: typer.Context, store: str | None) -> Rendezvous:
    """Where the store's engine is met; of no other setting does that depend."""
    flags: dict[str, str] = context.obj
    return Rendezvous(chosen_store({"store": store} if store else flags, os.environ))


logger = logging.getLogger(__name__)


def examined_settings(context: typer.Context, check: bool, **flags: object) -> Settings:
    """The settings to serve with; warnings go to standard error.

    Args:
        context: Of the command; holds the options before its name.
        check: Whether to say what would be served, and leave.
        flags: What the command line said; None where it said nothing.

    Raises:
        MisconfiguredError: It cannot be served like that; all reasons are named.
    """
    before: dict[str, str] = context.obj
    given = {name: value for name, value in flags.items() if value is not None}
    settings, examined = anyio.run(examine_flags, {**before, **given})
    configure_logging(settings.log_level, settings.log_format)
    of_the_model = anyio.run(model_warnings, settings) if check else []
    for warning in (*examined.warnings, *of_the_model):
        if settings.log_format == "json" and not check:
            # Whoever reads these lines reads no others.
            logger.warning("%s", warning)
        else:
            typer.echo(f"zettel: warning: {warning}", err=True)
    if check:
        typer.echo(would_serve(settings))
        leave()
    return settings
