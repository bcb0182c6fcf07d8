"""The command line for people; MCP clients never load it."""

import os
import sys
from importlib import metadata
from typing import Annotated

import typer

from zettel.server.cli import maintenance, notes
from zettel.server.cli.command import (
    EXIT_FAILED,
    EXIT_REFUSED,
    EXIT_UNAVAILABLE,
    AsJson,
    LogLevel,
    Model,
    Namespace,
    Store,
    say,
)
from zettel.server.cli.serve import serve
from zettel.server.cli.tokens import token_app
from zettel.server.commands.output import Output
from zettel.server.config.errors import MisconfiguredError
from zettel.server.engine.attachment.attach import serve_client
from zettel.server.engine.ipc.rendezvous import Rendezvous
from zettel.server.engine.ipc.spawn import EXIT_USAGE
from zettel.server.engine.ipc.store_path import chosen_store
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
    """Run the command line; an error of Zettel is one line on standard error."""
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


def _show_version(value: bool) -> None:
    if value:
        typer.echo(metadata.version(DISTRIBUTION))
        raise typer.Exit


@app.callback(invoke_without_command=True)
def stdio(
    context: typer.Context,
    *,
    store: Store = None,
    namespace: Namespace = None,
    session: Annotated[
        str | None, typer.Option(help="Session of notes told without one.", show_default=False)
    ] = None,
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
def status(context: typer.Context, *, as_json: AsJson = False, store: Store = None) -> None:
    """Say what runs in the background for the store: its engine, clients, model, queue, size."""
    from zettel.server.commands import engine  # noqa: PLC0415

    say(engine.status_output(engine.status(_rendezvous(context, store))), as_json)


@app.command()
def stop(context: typer.Context, *, as_json: AsJson = False, store: Store = None) -> None:
    """End what runs in the background for the store, in good order; the next client starts it."""
    from zettel.server.commands import engine  # noqa: PLC0415

    pid = engine.stop(_rendezvous(context, store))
    text = "No engine runs." if pid is None else f"The engine (process {pid}) has ended."
    say(Output({"stopped": pid}, text), as_json)


app.command()(serve)
app.add_typer(token_app, name="token")
app.command("list")(notes.list_notes)
for command in (
    *(notes.recall, notes.forget, notes.show, notes.history, notes.audit),
    *(maintenance.evolve, maintenance.undo, maintenance.runs),
    *(maintenance.backup, maintenance.restore, maintenance.doctor, maintenance.verify_erased),
):
    app.command()(command)


def _rendezvous(context: typer.Context, store: str | None) -> Rendezvous:
    """Where the engine of the store is met, which depends on no other setting."""
    flags: dict[str, str] = context.obj
    return Rendezvous(chosen_store({"store": store} if store else flags, os.environ))
