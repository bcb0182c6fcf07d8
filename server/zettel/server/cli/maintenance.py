"""Commands that maintain a store: backup, restore, doctor, verify-erased."""

from pathlib import Path
from typing import Annotated

import anyio
import typer

from zettel.server.cli.options import (
    EXIT_FAILED,
    EXIT_UNAVAILABLE,
    AsJson,
    LogLevel,
    Model,
    Store,
    leave,
    read_settings,
)


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where; conventionally *.zettel.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
    as_json: AsJson = False,
    store: Store = None,
    log_level: LogLevel = None,
) -> None:
    """Write all notes with their history into one file; clients and engine may go on."""
    from rich.console import Console  # noqa: PLC0415

    from zettel.server.commands import backup as backup_command  # noqa: PLC0415
    from zettel.server.commands.progress import progress  # noqa: PLC0415

    settings = read_settings(context, store=store, log_level=log_level or "warning")
    with progress(Console(stderr=True)) as tell:
        done = anyio.run(backup_command.back_up_once, settings, _there(file), force, tell)
    typer.echo(
        backup_command.backup_as_json(done) if as_json else backup_command.backup_as_text(done)
    )
    leave()


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    *,
    into_namespace: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Add all its notes to this namespace of a store that has notes.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    store: Store = None,
    model: Model = None,
    log_level: LogLevel = None,
) -> None:
    """Bring a backup's notes back, into an empty store or a namespace; all of them or none."""
    from rich.console import Console  # noqa: PLC0415

    from zettel.server.commands import backup as backup_command  # noqa: PLC0415
    from zettel.server.commands.progress import progress  # noqa: PLC0415

    settings = read_settings(context, store=store, model=model, log_level=log_level or "warning")
    with progress(Console(stderr=True)) as tell:
        done = anyio.run(backup_command.restore_once, settings, _there(file), into_namespace, tell)
    told = backup_command.restoration_as_json if as_json else backup_command.restoration_as_text
    typer.echo(told(done))
    leave()


def doctor(
    context: typer.Context,
    *,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what the findings say.")] = False,
    as_json: AsJson = False,
    store: Store = None,
    model: Model = None,
    log_level: LogLevel = None,
) -> None:
    """Examine the store: keys, history, links, indices, model, files, engine, permissions."""
    from rich.console import Console  # noqa: PLC0415

    from zettel.server.commands import doctor as examining  # noqa: PLC0415
    from zettel.server.commands.progress import progress  # noqa: PLC0415

    settings = read_settings(context, store=store, model=model, log_level=log_level or "error")
    with progress(Console(stderr=True)) as tell:
        found = anyio.run(examining.examine_once, settings, fix, tell)
    typer.echo(examining.as_json(found) if as_json else examining.as_text(found))
    leave(0 if found.is_clean else EXIT_FAILED)


def _there(file: Path) -> Path:
    return file.expanduser().absolute()


def verify_erased(
    context: typer.Context,
    *,
    ids: Annotated[
        list[str] | None,
        typer.Option("--id", metavar="ID", help="A note that was erased.", show_default=False),
    ] = None,
    texts: Annotated[
        list[str] | None,
        typer.Option(
            "--text", metavar="FILE", help="Its text, in a file of UTF-8.", show_default=False
        ),
    ] = None,
    spared: Annotated[
        list[str] | None,
        typer.Option(
            "--spare", metavar="ID", help="A note that may say the same.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
    store: Store = None,
    model: Model = None,
    log_level: LogLevel = None,
) -> None:
    """Decode every file of the store and look for notes that must be gone. Changes nothing."""
    if not ids and not texts:
        message = "verify-erased takes --id ID or --text FILE, each as often as need be"
        raise typer.BadParameter(message)
    from rich.console import Console  # noqa: PLC0415

    from zettel.server.commands import verify as verify_command  # noqa: PLC0415
    from zettel.server.commands.progress import progress  # noqa: PLC0415

    settings = read_settings(context, store=store, model=model, log_level=log_level or "warning")
    asked = verify_command.read_question(ids or (), texts or (), spared or ())
    with progress(Console(stderr=True)) as tell:
        report = anyio.run(verify_command.verify, settings, asked, tell)
    typer.echo(verify_command.as_json(report) if as_json else verify_command.as_text(report))
    if report.findings or report.elsewhere:
        leave(EXIT_FAILED)
    leave(EXIT_UNAVAILABLE if report.unread else 0)
