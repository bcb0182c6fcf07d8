"""The command that shows whether what was erased is gone."""

from typing import Annotated

import anyio
import typer

from zettel.server.cli_options import (
    EXIT_FAILED,
    EXIT_UNAVAILABLE,
    AsJson,
    LogLevel,
    Model,
    Store,
    leave,
    read_settings,
)


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

    from zettel.server import verifying  # noqa: PLC0415
    from zettel.server.progress import progress  # noqa: PLC0415

    settings = read_settings(context, store=store, model=model, log_level=log_level or "warning")
    asked = verifying.read_question(ids or (), texts or (), spared or ())
    with progress(Console(stderr=True)) as tell:
        report = anyio.run(verifying.verify, settings, asked, tell)
    typer.echo(verifying.as_json(report) if as_json else verifying.as_text(report))
    if report.findings or report.elsewhere:
        leave(EXIT_FAILED)
    leave(EXIT_UNAVAILABLE if report.unread else 0)
