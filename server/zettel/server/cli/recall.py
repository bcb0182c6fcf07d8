"""The command `zettel recall`."""

from typing import Annotated

import anyio
import typer

from zettel.server.cli.options import (
    AsJson,
    LogLevel,
    Model,
    Namespace,
    Store,
    leave,
    read_settings,
)


def recall(
    context: typer.Context,
    question: Annotated[
        str, typer.Argument(help="Without one: what the options match.", show_default=False)
    ] = "",
    *,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show each signal's part in each score.")
    ] = False,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(help="Most notes, up to 100.")] = 10,
    subject: Annotated[str | None, typer.Option(show_default=False)] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="Any of these; may be repeated.", show_default=False)
    ] = None,
    kind: Annotated[str | None, typer.Option(show_default=False)] = None,
    session: Annotated[str | None, typer.Option(show_default=False)] = None,
    since: Annotated[
        str | None, typer.Option(help="Happened or told since then.", show_default=False)
    ] = None,
    until: Annotated[str | None, typer.Option(show_default=False)] = None,
    as_of: Annotated[
        str | None, typer.Option(help="What was true then.", show_default=False)
    ] = None,
    known_at: Annotated[
        str | None, typer.Option(help="What memory believed then.", show_default=False)
    ] = None,
    store: Store = None,
    namespace: Namespace = None,
    model: Model = None,
    log_level: LogLevel = None,
) -> None:
    """Answer a question as an agent would be answered; best note first."""
    from zettel.server.commands import recall as recall_command  # noqa: PLC0415

    settings = read_settings(
        context, store=store, namespace=namespace, model=model, log_level=log_level or "warning"
    )
    inquiry = recall_command.RecallOptions(
        question=question,
        limit=limit,
        subject=subject,
        tags=tag or (),
        kind=kind,
        session=session,
        since=since,
        until=until,
        as_of=as_of,
        known_at=known_at,
        explain=explain,
    )
    answer = anyio.run(recall_command.recall_once, settings, inquiry)
    typer.echo(recall_command.as_json(answer) if as_json else recall_command.as_text(answer))
    leave()
