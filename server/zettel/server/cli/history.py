"""Commands over what happened to the notes: evolve, undo, runs, history, audit."""

from typing import Annotated

import anyio
import typer

from zettel.server.cli.options import (
    EXIT_REFUSED,
    AsJson,
    LogLevel,
    Model,
    Namespace,
    Store,
    leave,
    read_settings,
)


def evolve(
    context: typer.Context,
    *,
    once: Annotated[bool, typer.Option("--once", help="Run now, to the end, and leave.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what --once would change, and change nothing.")
    ] = False,
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
    if once == dry_run:
        message = (
            "evolve takes --once or --dry-run, one of them; a running server evolves its notes by"
            " itself"
        )
        raise typer.BadParameter(message)
    from rich.console import Console  # noqa: PLC0415

    from zettel.server.commands import dry_run as dry_run_command  # noqa: PLC0415
    from zettel.server.commands import evolve as evolve_command  # noqa: PLC0415
    from zettel.server.commands.progress import progress  # noqa: PLC0415

    settings = read_settings(
        context, store=store, namespace=namespace, model=model, log_level=log_level or "warning"
    )
    moment = evolve_command.read_now(now)
    with progress(Console(stderr=True)) as tell:
        if dry_run:
            preview = anyio.run(dry_run_command.preview, settings, moment, tell)
            told = dry_run_command.as_json(preview) if as_json else dry_run_command.as_text(preview)
        else:
            report = anyio.run(evolve_command.evolve_once, settings, moment, tell, _waits)
            told = evolve_command.as_json(report) if as_json else evolve_command.as_text(report)
    typer.echo(told)
    leave()


def undo(
    context: typer.Context,
    run_id: Annotated[str, typer.Argument(metavar="RUN")],
    *,
    partial: Annotated[
        bool, typer.Option("--partial", help="Leave notes that were changed since the run.")
    ] = False,
    as_json: AsJson = False,
    store: Store = None,
    log_level: LogLevel = None,
) -> None:
    """Undo a run: every note it touched is as before; an undo is a run, and can be undone."""
    from zettel.server.commands import undo as undo_command  # noqa: PLC0415

    settings = read_settings(context, store=store, log_level=log_level or "warning")
    undone = anyio.run(undo_command.undo_once, settings, run_id.strip(), partial, _waits)
    typer.echo(undo_command.as_json(undone) if as_json else undo_command.as_text(undone))
    # Changed while the undo committed: not all is undone, and nobody allowed that.
    leave(EXIT_REFUSED if undone.report.left and not partial else 0)


def runs(
    context: typer.Context,
    *,
    as_json: AsJson = False,
    store: Store = None,
    log_level: LogLevel = None,
) -> None:
    """List the newest runs: when, who, what kind, what they changed, how they ended."""
    from zettel.server.commands.history import print_runs  # noqa: PLC0415

    settings = read_settings(context, store=store, log_level=log_level or "warning")
    anyio.run(print_runs, settings, as_json, typer.echo)
    leave()


def history(
    context: typer.Context,
    note_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    as_json: AsJson = False,
    store: Store = None,
    log_level: LogLevel = None,
) -> None:
    """Show a note's revisions, oldest first: when, who, why, and what each one changed."""
    from zettel.server.commands.history import print_history  # noqa: PLC0415

    settings = read_settings(context, store=store, log_level=log_level or "warning")
    anyio.run(print_history, settings, note_id, as_json, typer.echo)
    leave()


def audit(
    context: typer.Context,
    *,
    principal: Annotated[
        str | None, typer.Option(help="A token's name, local, or scheduler.", show_default=False)
    ] = None,
    since: Annotated[str | None, typer.Option(help="ISO 8601.", show_default=False)] = None,
    until: Annotated[str | None, typer.Option(help="ISO 8601.", show_default=False)] = None,
    note_id: Annotated[
        str | None, typer.Option("--id", help="Of one note.", show_default=False)
    ] = None,
    in_namespace: Annotated[
        str | None, typer.Option("--namespace", help="Of one namespace.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Lines at most; 0: all.")] = 100,
    text: Annotated[bool, typer.Option("--text", help="With the notes' words.")] = False,
    as_json: AsJson = False,
    store: Store = None,
    log_level: LogLevel = None,
) -> None:
    """Say who did what to which note, newest first; also runs, erasures and tokens."""
    from zettel.server.commands import audit as audit_command  # noqa: PLC0415

    settings = read_settings(context, store=store, log_level=log_level or "warning")
    asked = audit_command.asked(
        principal=principal,
        since=since,
        until=until,
        note_id=note_id,
        namespace=in_namespace,
        limit=limit,
        with_text=text,
    )
    anyio.run(audit_command.print_audit, settings, asked, as_json, typer.echo)
    leave()


def _waits() -> None:
    typer.echo("waiting for the run in progress", err=True)
