"""`zettel token`: who may come in over HTTP and SSE, and to which namespaces."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import anyio
import typer

from zettel.server.cli.options import AsJson, Store, leave, read_settings
from zettel.server.commands.diffs import printable

if TYPE_CHECKING:
    from zettel.server.auth.tokens import Token

token_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Access tokens: who may come in over HTTP and SSE, and to which namespaces.",
)


@token_app.command()
def create(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Option(help="Whose it is; stamped into notes.")],
    namespace: Annotated[
        list[str] | None,
        typer.Option(help="NAME, or NAME:ro to only read; repeatable, first: default."),
    ] = None,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="For /metrics alone, without a namespace.")
    ] = False,
    expires: Annotated[
        str | None, typer.Option(help="30d, 12h, 8w, 90m, or a date.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    store: Store = None,
) -> None:
    """Make an access token and show it, this once: from now on none comes in without one."""
    from zettel.server.commands import tokens as tokens_command  # noqa: PLC0415  see cli.py

    settings = read_settings(context, store=store, log_level="warning")
    made, text = anyio.run(tokens_command.create, settings, name, namespace or [], expires, metrics)
    if as_json:
        typer.echo(json.dumps({"token": text, **tokens_command.as_json(made, made.made_at)}))
    else:
        typer.echo(text)
        typer.echo(
            f"Token {made.token_id} of {made.name}: {_where(made)};"
            f" {_until(made.expires_at)}. It is not shown again. Send it as"
            " Authorization: Bearer TOKEN.",
            err=True,
        )
    leave()


@token_app.command("list")
def list_tokens(context: typer.Context, *, as_json: AsJson = False, store: Store = None) -> None:
    """List the tokens, the oldest first: id, name, state, namespaces, end."""
    from zettel.server.commands import tokens as tokens_command  # noqa: PLC0415  see cli.py

    settings = read_settings(context, store=store, log_level="warning")
    tokens, now = anyio.run(tokens_command.tokens, settings)
    for token in tokens:
        if as_json:
            typer.echo(json.dumps(tokens_command.as_json(token, now)))
        else:
            where, until = _where(token), _until(token.expires_at)
            line = f"{token.token_id}  {token.name}  {token.state(now)}  {where}  {until}"
            typer.echo(printable(line))
    if not tokens and not as_json:
        typer.echo("There are no tokens: the store is served on this machine only, to everybody.")
    leave()


@token_app.command()
def revoke(
    context: typer.Context,
    token: Annotated[str, typer.Argument(metavar="NAME|ID")],
    *,
    as_json: AsJson = False,
    store: Store = None,
) -> None:
    """Revoke a token: whoever uses it is out within a second, open connections included."""
    from zettel.server.commands import tokens as tokens_command  # noqa: PLC0415  see cli.py

    settings = read_settings(context, store=store, log_level="warning")
    gone = anyio.run(tokens_command.revoke, settings, token)
    if as_json:
        typer.echo(json.dumps({"revoked": gone.token_id, "name": gone.name}))
    else:
        typer.echo(f"Revoked token {gone.token_id} of {gone.name}.")
    leave()


def _where(token: "Token") -> str:
    return "/metrics" if token.metrics else ", ".join(token.namespaces)


def _until(moment: datetime | None) -> str:
    return f"until {moment:%Y-%m-%dT%H:%M:%SZ}" if moment else "without end"
