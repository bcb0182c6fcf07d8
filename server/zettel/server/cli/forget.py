"""The command `zettel forget`."""

import sys
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


def forget(
    context: typer.Context,
    note_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", show_default=False)
    ] = None,
    *,
    erase: Annotated[
        bool, typer.Option("--erase", help="For good, with every revision and all made of it.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Bring forgotten notes back.")] = False,
    query: Annotated[str | None, typer.Option(show_default=False)] = None,
    subject: Annotated[str | None, typer.Option(show_default=False)] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="Any of these; may be repeated.", show_default=False)
    ] = None,
    session: Annotated[str | None, typer.Option(show_default=False)] = None,
    until: Annotated[str | None, typer.Option(show_default=False)] = None,
    whole: Annotated[
        bool, typer.Option("--all", help="With --erase: every note of --namespace.")
    ] = False,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="With --erase: every note of the store.")
    ] = False,
    confirm: Annotated[
        str | None, typer.Option(help="The word to type, for scripts.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    store: Store = None,
    namespace: Namespace = None,
    model: Model = None,
    log_level: LogLevel = None,
) -> None:
    """Forget notes, by ids at once, by filters after a preview; or erase them for good."""
    from zettel.server.commands import forget as forget_command  # noqa: PLC0415

    settings = read_settings(
        context, store=store, namespace=namespace, model=model, log_level=log_level or "warning"
    )
    wish = forget_command.ForgetRequest(
        note_ids=note_ids or (),
        query=query,
        subject=subject,
        tags=tag or (),
        session=session,
        until=until,
        erase=erase,
        undo=undo,
        whole=whole,
        everywhere=everywhere,
    )

    def ask(told: str, word: str) -> bool:
        typer.echo(told, err=True)
        if confirm is not None:
            return confirm == word
        typer.echo(f"Type {word!r} to go on: ", err=True, nl=False)
        return sys.stdin.readline().strip() == word

    answer = anyio.run(forget_command.forget_once, settings, wish, ask)
    typer.echo(forget_command.as_json(answer) if as_json else forget_command.as_text(answer))
    leave()
